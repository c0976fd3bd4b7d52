package invitations

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// TestHistories performs random histories on a world of one organization and checks every
// answer against an oracle that has the rules in other words: it looks at the world as a
// whole, and at what has happened to it, where the decisions see their facts alone.
func TestHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"":        w.check,
			"invite":  w.invite,
			"again":   w.createAgain,
			"resend":  w.resend,
			"revoke":  w.revoke,
			"accept":  w.accept,
			"accept2": w.accept, // what matters most happens most
			"decline": w.decline,
			"demote":  w.changeRole,
			"remove":  w.remove,
			"wait":    w.wait,
		})
	})
}

// A world is an organization as a store would keep it, and its history.
type world struct {
	rules
	version  int64
	members  map[string]Member
	removals map[string]Removal
	records  map[uuid.UUID]Record

	drafts  []Record             // every draft that was ever asked for with success
	sent    []claim              // every token there ever was
	joined  map[uuid.UUID]int    // how many each invitation has brought in
	ended   map[uuid.UUID]Record // what reached a final state, as it was then
	removed map[string]int       // when, in ticks
	sentAt  map[uuid.UUID]int
	ticks   int // orders the history, without clock and versions
	serial  uint64
}

var (
	worldUsers  = []string{olga, adam, dora, nina, "mallory"}
	worldEmails = []string{ninasEmail, "mallory@evil.example", "dora@example.com"}
)

func newWorld(t *rapid.T) *world {
	w := &world{
		rules:    rules{policy: DefaultPolicy(), pendingLimit: rapid.IntRange(1, 4).Draw(t, "limit"), maxExpiry: 30 * 24 * time.Hour, now: noon},
		version:  1,
		members:  map[string]Member{olga: memberOf(olga, RoleOwner)},
		removals: map[string]Removal{},
		records:  map[uuid.UUID]Record{},
		joined:   map[uuid.UUID]int{},
		ended:    map[uuid.UUID]Record{},
		removed:  map[string]int{},
		sentAt:   map[uuid.UUID]int{},
	}
	if rapid.Bool().Draw(t, "own policy") {
		w.policy = anyPolicy.Draw(t, "policy")
	}
	w.members[adam] = memberOf(adam, w.anyRole(t))
	w.members[dora] = memberOf(dora, w.anyRole(t))
	return w
}

// anyPolicy draws a policy of the role names of the default one, with any permissions.
var anyPolicy = rapid.Custom(func(t *rapid.T) *Policy {
	roles := map[Role][]Permission{RoleOwner: allPermissions}
	for _, role := range []Role{RoleAdmin, RoleDeveloper, RoleViewer} {
		roles[role] = rapid.SliceOf(rapid.SampledFrom(allPermissions[:6])).Draw(t, string(role))
	}
	policy, err := NewPolicy(roles)
	require.NoError(t, err)
	return policy
})

// anyRole draws a role, seldom one that the policy does not know.
func (w *world) anyRole(t *rapid.T) Role {
	return rapid.SampledFrom(append(w.policy.Roles(), RoleOwner, RoleAdmin, ghost)).Draw(t, "role")
}

func (w *world) anyActor(t *rapid.T) Actor {
	user := rapid.SampledFrom(append([]string{""}, worldUsers...)).Draw(t, "actor")
	if user == "" {
		return System()
	}
	return User(user)
}

func (w *world) newUUID() (id uuid.UUID) {
	w.serial++
	binary.BigEndian.PutUint64(id[8:], w.serial)
	return id
}

func (w *world) newNonce() (n Nonce) {
	w.serial++
	binary.BigEndian.PutUint64(n[:], w.serial)
	return n
}

// anyID draws the id of an invitation, or of none.
func (w *world) anyID(t *rapid.T) uuid.UUID {
	ids := slices.SortedFunc(maps.Keys(w.records), compareIDs)
	return rapid.SampledFrom(append(ids, otherID)).Draw(t, "id")
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

// facts gives what was asked for and nothing else, as a strict store would.
func (w *world) facts(id uuid.UUID, users, emails []string) Facts {
	f := Facts{
		Organization: acme, Version: w.version,
		Members: map[string]Member{}, Removals: map[string]Removal{}, Pending: map[string]uuid.UUID{},
	}
	if record, ok := w.records[id]; ok {
		record = record.Clone()
		f.Invitation = &record
		if sender, ok := w.members[record.SentBy]; ok {
			f.Sender = &sender
		}
		emails = append(slices.Clip(emails), record.Email)
	}
	for _, user := range users {
		if m, ok := w.members[user]; ok {
			f.Members[user] = m
		}
		if r, ok := w.removals[user]; ok {
			f.Removals[user] = r
		}
	}
	for _, record := range w.pendingNow() {
		f.PendingCount++
		if record.Email != "" && slices.Contains(emails, record.Email) {
			f.Pending[record.Email] = record.ID
		}
	}
	return f
}

func (w *world) pendingNow() []Record {
	var pending []Record
	for _, record := range w.records {
		if w.isPending(record) {
			pending = append(pending, record)
		}
	}
	return pending
}

func (w *world) isPending(record Record) bool {
	return record.State == StatePending && w.now.Before(record.ExpiresAt)
}

// apply does what a store does with changes.
func (w *world) apply(t *rapid.T, c Changes) {
	if c.Empty() {
		return
	}
	w.version++
	require.Empty(t, c.Removals)
	for _, m := range c.Members {
		require.Equal(t, acme, m.Organization)
		w.members[m.UserID] = m
	}
	for _, record := range c.Invitations {
		require.Equal(t, acme, record.Organization)
		w.records[record.ID] = record.Clone()
		if record.State != StatePending {
			w.ended[record.ID] = record.Clone()
		}
	}
	for _, e := range c.Events {
		require.Equal(t, acme, e.Organization)
		require.Equal(t, w.now, e.At)
	}
}

// actorMay says in the words of the policy whether actor holds permission.
func (w *world) actorMay(actor Actor, permission Permission) bool {
	m, ok := w.members[actor.user]
	return actor == System() || ok && w.policy.Allows(m.Role, permission)
}

func (w *world) actorCanGive(actor Actor, role Role) bool {
	if actor == System() {
		return w.policy.Has(role)
	}
	m, ok := w.members[actor.user]
	return ok && holdsAllOf(w.policy, m.Role, role)
}

func (w *world) invite(t *rapid.T) {
	actor := w.anyActor(t)
	draft := Record{
		Invitation: Invitation{
			ID: w.newUUID(), Organization: acme, Kind: KindLink, State: StatePending, Role: w.anyRole(t),
			MaxUses: rapid.IntRange(0, 3).Draw(t, "max uses"), CreatedBy: actor.user, SentBy: actor.user,
			CreatedAt: w.now, SentAt: w.now,
			ExpiresAt: w.now.Add(time.Duration(rapid.IntRange(1, 4).Draw(t, "days")) * day),
		},
		Nonce: w.newNonce(),
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		draft.AllowedDomains = []string{"example.com"}
	case 1:
	default:
		draft.Kind, draft.MaxUses = KindEmail, 1
		draft.Email = rapid.SampledFrom(worldEmails).Draw(t, "email")
	}
	w.create(t, actor, draft)
}

// createAgain repeats a call that was answered before, as the same actor or as another.
func (w *world) createAgain(t *rapid.T) {
	if len(w.drafts) == 0 {
		t.Skip("nothing to repeat")
	}
	draft := rapid.SampledFrom(w.drafts).Draw(t, "draft").Clone()
	lifetime := draft.ExpiresAt.Sub(draft.SentAt)
	draft.CreatedAt, draft.SentAt, draft.ExpiresAt = w.now, w.now, w.now.Add(lifetime)
	draft.Nonce = w.newNonce()
	actor := w.anyActor(t)
	draft.CreatedBy, draft.SentBy = actor.user, actor.user
	if rapid.Bool().Draw(t, "other content") {
		draft.Message += "!"
	}
	w.create(t, actor, draft)
}

func (w *world) create(t *rapid.T, actor Actor, draft Record) {
	var emails []string
	if draft.Email != "" {
		emails = []string{draft.Email}
	}
	f := w.facts(draft.ID, actor.members(), emails)
	record, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
		return w.rules.create(f, actor, draft)
	})

	existing, exists := w.records[draft.ID]
	allowed := w.actorMay(actor, PermissionInvitationCreate) && w.actorCanGive(actor, draft.Role)
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrRoleNotAssignable}, err)
	case exists:
		first := w.drafts[slices.IndexFunc(w.drafts, func(d Record) bool { return d.ID == draft.ID })]
		same := first.Message == draft.Message && first.CreatedBy == draft.CreatedBy &&
			existing.ExpiresAt.Sub(existing.SentAt) == draft.ExpiresAt.Sub(draft.SentAt)
		if same {
			require.NoError(t, err)
			require.Equal(t, existing, record)
			require.True(t, changes.Empty())
		} else {
			require.Equal(t, ErrConflict, err)
		}
	case w.addressPending(draft.Email):
		require.ErrorIs(t, err, ErrAlreadyInvited)
	case len(w.pendingNow()) >= w.pendingLimit:
		require.Equal(t, ErrPendingLimit, err)
	default:
		require.NoError(t, err)
		w.drafts = append(w.drafts, draft)
		w.remember(t, changes)
	}
	w.apply(t, changes)
}

// remember notes that the invitation of changes was sent.
func (w *world) remember(t *rapid.T, changes Changes) {
	require.Len(t, changes.Invitations, 1)
	record := changes.Invitations[0]
	w.sent = append(w.sent, claim{record.ID, record.Nonce})
	w.ticks++
	w.sentAt[record.ID] = w.ticks
}

func (w *world) addressPending(email string) bool {
	return email != "" && slices.ContainsFunc(w.pendingNow(), func(r Record) bool { return r.Email == email })
}

func (w *world) resend(t *rapid.T) {
	actor, id, nonce := w.anyActor(t), w.anyID(t), w.newNonce()
	before, exists := w.records[id]
	full := len(w.pendingNow()) >= w.pendingLimit || w.addressPending(before.Email)
	_, changes, err := decided(t, w.facts(id, actor.members(), nil), func(f Facts) (Record, Changes, error) {
		return w.rules.resend(f, actor, nonce, 0)
	})
	allowed := w.actorMay(actor, PermissionInvitationResend) && exists && w.actorCanGive(actor, before.Role) &&
		before.State == StatePending && (w.isPending(before) || !full)
	require.Equal(t, allowed, err == nil, "%v", err)
	if allowed {
		after := changes.Invitations[0]
		require.Equal(t, nonce, after.Nonce)
		require.Equal(t, actor.user, after.SentBy)
		require.Equal(t, before.Uses, after.Uses)
		w.remember(t, changes)
	}
	w.apply(t, changes)
}

func (w *world) revoke(t *rapid.T) {
	actor, id := w.anyActor(t), w.anyID(t)
	_, changes, err := decided(t, w.facts(id, actor.members(), nil), func(f Facts) (Record, Changes, error) {
		return w.rules.revoke(f, actor)
	})
	record, exists := w.records[id]
	allowed := w.actorMay(actor, PermissionInvitationRevoke) && exists && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	w.apply(t, changes)
}

// anyClaim draws any token that there ever was, mostly one that still opens something.
func (w *world) anyClaim(t *rapid.T) claim {
	live := []claim{{otherID, newNonce}}
	for _, record := range w.records {
		live = append(live, claim{record.ID, record.Nonce})
	}
	slices.SortFunc(live, func(a, b claim) int { return compareIDs(a.id, b.id) })
	if len(w.sent) > 0 && rapid.IntRange(0, 3).Draw(t, "any token") == 0 {
		return rapid.SampledFrom(w.sent).Draw(t, "token")
	}
	return rapid.SampledFrom(live).Draw(t, "live token")
}

func (w *world) accept(t *rapid.T) {
	c := w.anyClaim(t)
	record, exists := w.records[c.id]
	who := Identity{
		UserID:        rapid.SampledFrom(worldUsers).Draw(t, "user"),
		Email:         rapid.SampledFrom(append(worldEmails, "", "x@sub.example.com", "NINA@example.com")).Draw(t, "email"),
		EmailVerified: rapid.Bool().Draw(t, "verified"),
	}
	if record.Email != "" && rapid.Bool().Draw(t, "the right one") {
		who.Email, who.EmailVerified = record.Email, true
	}
	member, changes, err := decided(t, w.facts(c.id, []string{who.UserID}, nil), func(f Facts) (Member, Changes, error) {
		return w.rules.accept(f, c, who)
	})

	opens := exists && record.Nonce == c.nonce
	present, isMember := w.members[who.UserID]
	if opens && isMember && present.InvitationID == record.ID {
		require.NoError(t, err)
		require.Equal(t, present, member)
		require.True(t, changes.Empty())
		return
	}
	sender, senderStays := w.members[record.SentBy]
	entitled := record.SentBy == "" && w.policy.Has(record.Role) ||
		senderStays && holdsAllOf(w.policy, sender.Role, record.Role) &&
			(w.policy.Allows(sender.Role, PermissionInvitationCreate) || w.policy.Allows(sender.Role, PermissionInvitationResend))
	email := strings.ToLower(who.Email)
	_, domain, _ := strings.Cut(email, "@")
	matches := record.Kind == KindEmail && who.EmailVerified && email == record.Email ||
		record.Kind == KindLink && (len(record.AllowedDomains) == 0 ||
			who.EmailVerified && slices.Contains(record.AllowedDomains, domain))
	removedAt, wasRemoved := w.removed[who.UserID]
	allowed := opens && w.isPending(record) && entitled && matches && !isMember &&
		!(wasRemoved && removedAt >= w.sentAt[record.ID])
	require.Equal(t, allowed, err == nil, "%v", err)
	if allowed {
		require.Len(t, changes.Members, 1)
		require.Equal(t, member, changes.Members[0])
		require.Equal(t, who.UserID, member.UserID)
		require.Equal(t, record.Role, member.Role)
		require.Equal(t, record.ID, member.InvitationID)
		require.Equal(t, record.SentBy, member.InvitedBy)
		w.joined[record.ID]++
	}
	w.apply(t, changes)
}

func (w *world) decline(t *rapid.T) {
	c := w.anyClaim(t)
	_, changes, err := decided(t, w.facts(c.id, nil, nil), func(f Facts) (Record, Changes, error) {
		return w.rules.decline(f, c)
	})
	record, exists := w.records[c.id]
	allowed := exists && record.Nonce == c.nonce && record.Kind == KindEmail && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	w.apply(t, changes)
}

// changeRole gives a member another role, or none that the policy knows.
func (w *world) changeRole(t *rapid.T) {
	user := rapid.SampledFrom(slices.Sorted(maps.Keys(w.members))).Draw(t, "user")
	m := w.members[user]
	m.Role = w.anyRole(t)
	w.members[user] = m
	w.version++
}

func (w *world) remove(t *rapid.T) {
	user := rapid.SampledFrom(worldUsers).Draw(t, "user")
	if _, ok := w.members[user]; !ok || len(w.members) == 1 {
		t.Skip("nobody to remove")
	}
	w.ticks++
	w.version++
	delete(w.members, user)
	w.removals[user] = Removal{Organization: acme, UserID: user, Version: w.version, At: w.now}
	w.removed[user] = w.ticks
}

func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Hour, day, 3 * day}).Draw(t, "time"))
}

// check is what holds at every instant.
func (w *world) check(t *rapid.T) {
	require.LessOrEqual(t, len(w.pendingNow()), w.pendingLimit)
	addresses := map[string]bool{}
	for _, record := range w.pendingNow() {
		if record.Email != "" {
			require.False(t, addresses[record.Email], "two pending invitations of one address")
			addresses[record.Email] = true
		}
	}
	for id, record := range w.records {
		require.Equal(t, w.joined[id], record.Uses, "uses are who joined")
		if record.MaxUses > 0 {
			require.LessOrEqual(t, record.Uses, record.MaxUses)
			require.Equal(t, record.Uses == record.MaxUses, record.State == StateAccepted)
		}
		if ended, ok := w.ended[id]; ok {
			require.Equal(t, ended, record, "what has ended stays as it was")
		}
	}
}
