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

// TestHistories performs random histories in a world of one organization. It compares every
// answer with an oracle that has the rules in other words: a decision sees only its facts, but
// the oracle sees the whole world and its history.
func TestHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		steps := map[string]func(*rapid.T){
			"":         w.check,
			"invite":   w.invite,
			"invite2":  w.invite, // the others need invitations, so this happens most
			"invite3":  w.invite,
			"again":    w.inviteAgain,
			"bulk":     w.inviteAll,
			"resend":   w.resend,
			"edit":     w.edit,
			"edit2":    w.edit,
			"revoke":   w.revoke,
			"accept":   w.accept,
			"accept2":  w.accept,
			"decline":  w.decline,
			"sweep":    w.sweep,
			"change":   w.changeRole,
			"change2":  w.changeRole,
			"remove":   w.removeMember,
			"leave":    w.leave,
			"transfer": w.transfer,
			"quota":    w.setQuota,
			"consume":  w.consume,
			"refund":   w.refund,
			"add":      w.addMember,
			"limits":   w.setLimits,
			"metadata": w.setMetadata,
			"erase":    w.erase,
			"delete":   w.deleteOrganization,
			"deploy":   w.deploy,
			"wait":     w.wait,
			"wait2":    w.wait,
		}
		for range 3 { // one is short, and some steps need many others before them
			t.Repeat(steps)
		}
	})
}

// A world is an organization as a store keeps it, and its history.
type world struct {
	config  Config
	now     time.Time
	version int64

	members  map[string]Member
	removals map[string]int64
	records  map[uuid.UUID]Record
	quotas   map[string]QuotaRecord
	events   []Event
	limits   Limits
	deleted  bool

	creations []creation           // the successful ones with an ID of the caller's
	tokens    []claim              // all that there ever were
	mails     []mail               // all that were sent, the oldest first
	joined    map[uuid.UUID]int    // how many people joined through each invitation
	ended     map[uuid.UUID]Record // each invitation that has ended, as it was then
	due       map[uuid.UUID]due    // when a sweep is due for each pending invitation
	policies  map[int64]*Policy    // the policy of the program at each version
	erased    map[string]string    // the pseudonyms of erased users
	consumed  []time.Time          // when an amount was taken

	// The numbers at the last check. They can be above a limit that was lowered.
	lastPending, lastSeats, lastTaken int

	// Ticks order the history without clock and versions. These are the ticks at which each
	// thing last happened.
	ticks                            int
	removedAt, demotedAt, quotaSetAt map[string]int
	sentAt, offeredAt                map[uuid.UUID]int // offered: sent or edited
	deployedAt                       int

	serial uint64 // of IDs and nonces
}

// A mail is a sending of an invitation. The sender is empty for System.
type mail struct {
	at            time.Time
	sender, email string
}

// A due is the next work of a sweep for a pending invitation.
type due struct {
	at       time.Time // zero: none
	reminder bool      // otherwise the expiry
}

var (
	worldUsers  = []string{olga, adam, dora, nina, "mallory"}
	worldEmails = []string{ninasEmail, "mallory@evil.example", "dora@example.com"}
)

// newWorld draws a configuration, three members and three attempts to invite.
func newWorld(t *rapid.T) *world {
	w := &world{
		now:        noon,
		version:    1,
		members:    map[string]Member{olga: memberOf(olga, RoleOwner)},
		removals:   map[string]int64{},
		records:    map[uuid.UUID]Record{},
		quotas:     map[string]QuotaRecord{},
		joined:     map[uuid.UUID]int{},
		ended:      map[uuid.UUID]Record{},
		due:        map[uuid.UUID]due{},
		policies:   map[int64]*Policy{},
		removedAt:  map[string]int{},
		demotedAt:  map[string]int{},
		quotaSetAt: map[string]int{},
		sentAt:     map[uuid.UUID]int{},
		offeredAt:  map[uuid.UUID]int{},
		erased:     map[string]string{},
	}
	w.config = Config{Policy: DefaultPolicy(), Expiry: 3 * day, MaxExpiry: 30 * day}
	if rapid.Bool().Draw(t, "own policy") {
		w.config.Policy = anyPolicy.Draw(t, "policy")
	}
	w.limitMembers(t)
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

// clone returns a copy of the world for steps that w does not see.
func (w *world) clone() *world {
	c := *w
	c.members, c.removals, c.records, c.quotas = maps.Clone(w.members), maps.Clone(w.removals), maps.Clone(w.records), maps.Clone(w.quotas)
	c.events, c.policies = slices.Clone(w.events), maps.Clone(w.policies)
	c.ended, c.due, c.quotaSetAt = maps.Clone(w.ended), maps.Clone(w.due), maps.Clone(w.quotaSetAt)
	c.erased, c.mails = maps.Clone(w.erased), slices.Clone(w.mails)
	return &c
}

// nameOf returns the name of a user in events: the pseudonym of an erased one.
func (w *world) nameOf(user string) string {
	if pseudonym, ok := w.erased[user]; ok {
		return pseudonym
	}
	return user
}

func (w *world) rules() rules { return w.config.rules(w.now) }

func (w *world) policy() *Policy { return w.config.Policy }

// tick returns a place in the history after all others.
func (w *world) tick() int {
	w.ticks++
	return w.ticks
}

func (w *world) newID() (id uuid.UUID) {
	w.serial++
	binary.BigEndian.PutUint64(id[8:], w.serial)
	return id
}

func (w *world) newNonce() (nonce [16]byte) {
	w.serial++
	binary.BigEndian.PutUint64(nonce[:], w.serial)
	return nonce
}

// limitSending draws the sending limits and the time of reminders.
func (w *world) limitSending(t *rapid.T) {
	w.config.ResendCooldown = rapid.SampledFrom([]time.Duration{-1, time.Minute, time.Hour}).Draw(t, "cooldown")
	limit := rapid.SampledFrom([]int{-1, -1, 1, 2, 3})
	w.config.SendsPerRecipient = limit.Draw(t, "per recipient")
	w.config.SendsPerSender = limit.Draw(t, "per sender")
	w.config.SendsPerOrganization = limit.Draw(t, "per organization")
	w.config.RemindBefore = rapid.SampledFrom([]time.Duration{0, time.Hour, day, 2 * day}).Draw(t, "remind before")
}

// deploy changes the policy and the limits of the configuration, as a new version of the program
// can.
func (w *world) deploy(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		t.Skip("not now")
	}
	w.config.Policy = anyPolicy.Draw(t, "policy")
	w.limitMembers(t)
	w.limitSending(t)
	w.deployedAt = w.tick()
}

// limitMembers draws the limits of members and pending invitations. They can be lower than
// the present numbers.
func (w *world) limitMembers(t *rapid.T) {
	w.config.PendingLimit = rapid.IntRange(1, 4).Draw(t, "pending limit")
	w.config.MemberLimit, w.config.ReserveSeats = 0, false
	if rapid.Bool().Draw(t, "limit members") {
		w.config.MemberLimit = rapid.IntRange(3, 5).Draw(t, "member limit")
		w.config.ReserveSeats = rapid.IntRange(0, 3).Draw(t, "reserve seats") > 0
	}
	w.countNow()
}

// countNow takes the present numbers as those of the last check. Later changes of the
// organization must not raise them above a limit.
func (w *world) countNow() {
	w.lastPending, w.lastSeats, w.lastTaken = len(w.pendingNow()), w.seats(), w.seats()+w.reserved()
}

func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{
		time.Microsecond, 30 * time.Second, time.Minute, time.Hour, day, 3 * day,
	}).Draw(t, "time"))
}

// anyPolicy draws a policy with roles of the default one that hold any permissions. Some roles
// can be missing.
var anyPolicy = rapid.Custom(func(t *rapid.T) *Policy {
	roles := map[Role][]Permission{RoleOwner: allPermissions}
	for _, role := range []Role{RoleAdmin, RoleDeveloper, RoleViewer} {
		if rapid.IntRange(0, 7).Draw(t, "drop") > 0 {
			roles[role] = rapid.SliceOf(rapid.SampledFrom(allPermissions)).Draw(t, string(role))
		}
	}
	policy, err := NewPolicy(roles)
	require.NoError(t, err)
	return policy
})

// anyRole draws a role, sometimes one that the policy does not know.
func (w *world) anyRole(t *rapid.T) Role {
	return rapid.SampledFrom(append(w.policy().Roles(), RoleOwner, RoleAdmin, ghost)).Draw(t, "role")
}

// anyQuota draws a quota, mostly the zero Quota.
func anyQuota(t *rapid.T) Quota {
	return rapid.SampledFrom([]Quota{
		{}, {}, {}, {5, PeriodDay}, {0, PeriodMonth}, {9, PeriodEndless}, {NoLimit, PeriodDay},
	}).Draw(t, "quota")
}

// anyActor draws an actor, mostly one with permissions.
func (w *world) anyActor(t *rapid.T) Actor {
	user := rapid.SampledFrom(append([]string{"", olga, olga, adam}, worldUsers...)).Draw(t, "actor")
	if _, isErased := w.erased[user]; isErased || user == "" {
		return System()
	}
	return User(user)
}

// anyUser draws a user who was not erased.
func (w *world) anyUser(t *rapid.T, label string) string {
	users := slices.DeleteFunc(slices.Clone(worldUsers), func(user string) bool { return w.nameOf(user) != user })
	return rapid.SampledFrom(users).Draw(t, label)
}

// anyID draws the ID of an invitation, rarely one that does not exist.
func (w *world) anyID(t *rapid.T) uuid.UUID {
	if len(w.records) == 0 || rapid.IntRange(0, 19).Draw(t, "unknown ID") == 19 {
		return otherID
	}
	return rapid.SampledFrom(w.sortedIDs()).Draw(t, "id")
}

func (w *world) sortedIDs() []uuid.UUID {
	return slices.SortedFunc(maps.Keys(w.records), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

// check fails the test unless everything holds that always does.
func (w *world) check(t *rapid.T) {
	require.Positive(t, w.owners(), "an organization has an owner")
	w.checkReplay(t)
	w.checkMails(t)
	lastPending, lastSeats, lastTaken := w.lastPending, w.lastSeats, w.lastTaken
	w.countNow()
	require.LessOrEqual(t, w.lastPending, max(w.pendingLimit(), lastPending))
	if limit := w.memberLimit(); limit > 0 {
		require.LessOrEqual(t, w.lastSeats, max(limit, lastSeats), "members who take a seat")
		require.LessOrEqual(t, w.lastTaken, max(limit, lastTaken), "members and reserved seats")
	}
	addresses := map[string]bool{}
	for _, record := range w.pendingNow() {
		if record.Email != "" {
			require.False(t, addresses[record.Email], "one pending invitation for each address")
			addresses[record.Email] = true
		}
		if record.SentBy != "" && w.offeredAt[record.ID] > w.deployedAt {
			sender, ok := w.members[record.SentBy]
			require.True(t, ok, "the sender of a pending invitation is a member")
			require.True(t, w.couldSend(sender.Role, record), "a sender with the role %s is entitled", sender.Role)
		}
	}
	for id, record := range w.records {
		require.Equal(t, w.due[id].at, record.SweepAt, "the next sweep")
		require.Equal(t, w.joined[id], record.Uses, "each use is a person who joined")
		if record.MaxUses > 0 {
			require.LessOrEqual(t, record.Uses, record.MaxUses)
			require.Equal(t, record.Uses == record.MaxUses, record.State == StateAccepted)
		}
		if ended, ok := w.ended[id]; ok {
			require.Equal(t, ended, record, "an ended invitation does not change")
		}
	}
}
