package invitations

import (
	"encoding/binary"
	"maps"
	"slices"
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
		steps := map[string]func(*rapid.T){
			"":         w.check,
			"invite":   w.invite,
			"invite2":  w.invite, // what all the rest needs happens most
			"invite3":  w.invite,
			"again":    w.createAgain,
			"resend":   w.resend,
			"revoke":   w.revoke,
			"accept":   w.accept,
			"accept2":  w.accept,
			"decline":  w.decline,
			"bulk":     w.inviteAll,
			"edit":     w.edit,
			"edit2":    w.edit,
			"sweep":    w.sweep,
			"change":   w.changeRole,
			"change2":  w.changeRole,
			"remove":   w.removeMember,
			"leave":    w.leave,
			"transfer": w.transfer,
			"quota":    w.setQuota,
			"consume":  w.consume,
			"deploy":   w.deploy,
			"wait":     w.wait,
			"wait2":    w.wait,
		}
		for range 3 { // one is short, and much needs others before it
			t.Repeat(steps)
		}
	})
}

// A world is an organization as a store would keep it, and its history.
type world struct {
	svc     *Service // which says what facts are asked for
	now     time.Time
	version int64

	members  map[string]Member
	removals map[string]int64
	records  map[uuid.UUID]Record
	quotas   map[string]QuotaRecord
	events   []Event
	policies map[int64]*Policy // of the program that made each version

	drafts []Record             // every draft that was ever asked for with success
	sent   []claim              // every token there ever was
	joined map[uuid.UUID]int    // how many each invitation has brought in
	ended  map[uuid.UUID]Record // what reached a final state, as it was then
	mails  []mail               // all that was mailed, the oldest first
	due    map[uuid.UUID]due    // what a sweep has to do for what is pending, and when

	// When it happened last, in ticks, which order the history without clock and versions.
	removed, demoted, quotaSet map[string]int
	sentAt                     map[uuid.UUID]int
	vouched                    map[uuid.UUID]int // for by a sender: sent, or edited
	deployed                   int
	ticks                      int
	serial                     uint64
}

var (
	worldUsers  = []string{olga, adam, dora, nina, "mallory"}
	worldEmails = []string{ninasEmail, "mallory@evil.example", "dora@example.com"}
)

func newWorld(t *rapid.T) *world {
	w := &world{
		now:      noon,
		version:  1,
		members:  map[string]Member{olga: memberOf(olga, RoleOwner)},
		removals: map[string]int64{},
		records:  map[uuid.UUID]Record{},
		quotas:   map[string]QuotaRecord{},
		joined:   map[uuid.UUID]int{},
		ended:    map[uuid.UUID]Record{},
		policies: map[int64]*Policy{},
		due:      map[uuid.UUID]due{},
		removed:  map[string]int{},
		demoted:  map[string]int{},
		quotaSet: map[string]int{},
		sentAt:   map[uuid.UUID]int{},
		vouched:  map[uuid.UUID]int{},
	}
	w.svc = &Service{config: Config{
		Policy: DefaultPolicy(), Clock: func() time.Time { return w.now },
		MaxExpiry: 30 * day, PendingLimit: rapid.IntRange(1, 4).Draw(t, "limit"),
	}}
	if rapid.Bool().Draw(t, "own policy") {
		w.svc.config.Policy = anyPolicy.Draw(t, "policy")
	}
	if rapid.Bool().Draw(t, "a limit of members") {
		w.svc.config.MemberLimit = rapid.IntRange(3, 5).Draw(t, "member limit")
		w.svc.config.ReserveSeats = rapid.IntRange(0, 3).Draw(t, "reserve seats") > 0
	}
	w.limitSending(t)
	for _, user := range []string{adam, dora} {
		w.members[user] = memberOf(user, w.anyRole(t))
	}
	for i, user := range []string{olga, adam, dora} {
		m := w.members[user]
		w.events = append(w.events, Event{
			Organization: acme, Version: 1, Index: i, Type: EventMemberJoined, At: m.JoinedAt, Actor: user, Subject: user, Role: m.Role,
		})
	}
	for range 3 {
		w.invite(t)
	}
	return w
}

func (w *world) policy() *Policy { return w.svc.config.Policy }

// tick returns a place in the history, later than all before.
func (w *world) tick() int {
	w.ticks++
	return w.ticks
}

// anyPolicy draws a policy of the role names of the default one, with any permissions.
var anyPolicy = rapid.Custom(func(t *rapid.T) *Policy {
	roles := map[Role][]Permission{RoleOwner: allPermissions}
	for _, role := range []Role{RoleAdmin, RoleDeveloper, RoleViewer} {
		roles[role] = rapid.SliceOf(rapid.SampledFrom(allPermissions)).Draw(t, string(role))
	}
	policy, err := NewPolicy(roles)
	require.NoError(t, err)
	return policy
})

// anyRole draws a role, seldom one that the policy does not know.
func (w *world) anyRole(t *rapid.T) Role {
	return rapid.SampledFrom(append(w.policy().Roles(), RoleOwner, RoleAdmin, ghost)).Draw(t, "role")
}

// anyQuota draws a quota, mostly none.
func anyQuota(t *rapid.T) Quota {
	return rapid.SampledFrom([]Quota{{}, {}, {}, {5, PeriodDay}, {0, PeriodMonth}, {9, PeriodEndless}}).Draw(t, "quota")
}

// anyActor draws who acts, mostly somebody who may.
func (w *world) anyActor(t *rapid.T) Actor {
	user := rapid.SampledFrom(append([]string{"", olga, olga, adam}, worldUsers...)).Draw(t, "actor")
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

func (w *world) freshNonce() (n [16]byte) {
	w.serial++
	binary.BigEndian.PutUint64(n[:], w.serial)
	return n
}

// anyID draws the id of an invitation, seldom of none.
func (w *world) anyID(t *rapid.T) uuid.UUID {
	if len(w.records) == 0 || rapid.IntRange(0, 19).Draw(t, "no such") == 19 {
		return otherID
	}
	return rapid.SampledFrom(slices.SortedFunc(maps.Keys(w.records), compareIDs)).Draw(t, "id")
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

func (w *world) owners() (n int) {
	for _, m := range w.members {
		if m.Role == RoleOwner {
			n++
		}
	}
	return n
}

// pendingNow returns what is pending, of one kind or of both.
func (w *world) pendingNow(kinds ...Kind) []Record {
	var pending []Record
	for _, record := range w.records {
		if w.isPending(record) && (len(kinds) == 0 || slices.Contains(kinds, record.Kind)) {
			pending = append(pending, record)
		}
	}
	return pending
}

func (w *world) isPending(record Record) bool {
	return record.State == StatePending && w.now.Before(record.ExpiresAt)
}

// actorMay says in the words of the policy whether actor holds permission.
func (w *world) actorMay(actor Actor, permission Permission) bool {
	m, ok := w.members[actor.user]
	return actor == System() || ok && w.policy().Allows(m.Role, permission)
}

func (w *world) actorCanGive(actor Actor, role Role) bool {
	if actor == System() {
		return w.policy().Has(role)
	}
	m, ok := w.members[actor.user]
	return ok && holdsAllOf(w.policy(), m.Role, role)
}

// couldSend reports whether a member with the role could send the invitation.
func (w *world) couldSend(role Role, record Record) bool {
	p := w.policy()
	return holdsAllOf(p, role, record.Role) &&
		(p.Allows(role, PermissionInvitationCreate) || p.Allows(role, PermissionInvitationResend)) &&
		(record.Quota == Quota{} || p.Allows(role, PermissionQuotaUpdate))
}

// check is what holds at every instant.
func (w *world) check(t *rapid.T) {
	require.Positive(t, w.owners(), "an organization has an owner")
	w.checkReplay(t)
	w.checkMails(t)
	require.LessOrEqual(t, len(w.pendingNow()), w.svc.config.PendingLimit)
	if limit := w.svc.config.MemberLimit; limit > 0 {
		taken := len(w.members)
		if w.svc.config.ReserveSeats {
			taken += len(w.pendingNow(KindEmail))
		}
		require.LessOrEqual(t, taken, limit, "each has a seat")
	}
	addresses := map[string]bool{}
	for _, record := range w.pendingNow() {
		if record.Email != "" {
			require.False(t, addresses[record.Email], "two pending invitations of one address")
			addresses[record.Email] = true
		}
		if record.SentBy != "" && w.vouched[record.ID] > w.deployed {
			sender, ok := w.members[record.SentBy]
			require.True(t, ok, "the sender of what is pending is a member")
			require.True(t, w.couldSend(sender.Role, record), "a %s could send it", sender.Role)
		}
	}
	for id, record := range w.records {
		require.Equal(t, w.due[id].at, record.SweepAt, "when a sweep comes by")
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
