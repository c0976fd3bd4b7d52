package linearizability

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// Settings are the configuration of a service. Every limit is explicit: -1 means no limit, and
// only MemberLimit and RemindBefore can be 0.
type settings struct {
	MemberLimit  int
	ReserveSeats bool
	PendingLimit int

	ResendCooldown                                          time.Duration
	SendsPerRecipient, SendsPerSender, SendsPerOrganization int
	RemindBefore                                            time.Duration
}

const (
	minExpiry = time.Minute
	maxExpiry = 30 * 24 * time.Hour
	expiry    = 2 * time.Hour
	maxUses   = 100
)

// config returns the configuration of a service whose clock stands still.
func (s settings) config(now time.Time) invitations.Config {
	return invitations.Config{
		Clock:  func() time.Time { return now },
		Expiry: expiry, MinExpiry: minExpiry, MaxExpiry: maxExpiry, MaxUses: maxUses,
		MemberLimit: s.MemberLimit, ReserveSeats: s.ReserveSeats, PendingLimit: s.PendingLimit,
		ResendCooldown: s.ResendCooldown, RemindBefore: s.RemindBefore,
		SendsPerRecipient: s.SendsPerRecipient, SendsPerSender: s.SendsPerSender, SendsPerOrganization: s.SendsPerOrganization,
	}
}

// A state is an organization of the model. It does not change once a turn has finished. Before
// the organization exists and after its deletion it has nothing.
type state struct {
	exists, deleted bool
	version         int64 // the number of changes
	limits          invitations.Limits
	members         map[string]invitations.Member
	removals        map[string]int64 // the version of the last removal or demotion
	invitations     map[int]invitation
	quotas          map[string]quota // that of the organization under ""
	closed          map[closed]int64
	events          []invitations.Event

	text string // of String
}

// An invitation of the model.
type invitation struct {
	invitations.Invitation
	token       string    // its name; empty while no answer has shown it
	former      string    // the last token before it, if an answer has shown that
	sentVersion int64     // the version of the last sending
	sweepAt     time.Time // of the next reminder or expiry; zero: none is left
}

// A quota of the model, with the amount used in the period that began at start.
type quota struct {
	invitations.Quota
	version int64
	start   time.Time
	used    int64
}

// A closed period of a user's quota.
type closed struct {
	user   string
	period invitations.Period
	start  time.Time
}

// clone returns a copy that a turn can change.
func (s *state) clone() *state {
	return &state{
		exists: s.exists, deleted: s.deleted, version: s.version, limits: s.limits,
		members: cloned(s.members), removals: cloned(s.removals), invitations: cloned(s.invitations),
		quotas: cloned(s.quotas), closed: cloned(s.closed), events: slices.Clip(s.events),
	}
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m)+1)
	maps.Copy(c, m)
	return c
}

// equal reports whether two states are the same.
func (s *state) equal(other *state) bool {
	if s == other {
		return true
	}
	if s.version != other.version || s.deleted != other.deleted || len(s.events) != len(other.events) || len(s.members) != len(other.members) {
		return false
	}
	for i := len(s.events) - 1; i >= 0; i-- {
		a, b := &s.events[i], &other.events[i]
		if a.Version != b.Version || a.Type != b.Type || a.Actor != b.Actor || a.Subject != b.Subject || a.InvitationID != b.InvitationID {
			return false
		}
	}
	return s.String() == other.String()
}

// String returns a text that is the same for equal states only.
func (s *state) String() string {
	if s.text != "" {
		return s.text
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version %d exists %t deleted %t limits %s\n", s.version, s.exists, s.deleted, renderLimits(s.limits))
	for _, user := range slices.Sorted(maps.Keys(s.members)) {
		fmt.Fprintln(&b, "member", renderMember(s.members[user]))
	}
	for _, user := range slices.Sorted(maps.Keys(s.removals)) {
		fmt.Fprintln(&b, "removal", user, s.removals[user])
	}
	for _, n := range slices.Sorted(maps.Keys(s.invitations)) {
		i := s.invitations[n]
		fmt.Fprintln(&b, "invitation", renderInvitation(i.Invitation), "token", i.token, i.former, "sent at", i.sentVersion, "sweep", since(i.sweepAt))
	}
	for _, user := range slices.Sorted(maps.Keys(s.quotas)) {
		fmt.Fprintln(&b, "quota", user, s.quotas[user])
	}
	var periods []string
	for c, used := range s.closed {
		periods = append(periods, fmt.Sprintln("closed", c, used))
	}
	slices.Sort(periods)
	b.WriteString(strings.Join(periods, ""))
	b.WriteString(renderEvents(s.events, false))
	s.text = b.String()
	return s.text
}
