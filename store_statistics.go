package invitations

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A StatisticsQuery asks for the statistics of the invitations that were created from From on
// and before To, as they are at the instant At.
type StatisticsQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	// Roles are those that may see statistics. For a viewer who has none of them a store need
	// not count: it is much work for who is refused then.
	Roles        []Role
	From, To, At time.Time
	MaxGroups    int // of senders, and of links, at most; at least 1
}

// Count returns the statistics of an organization's invitations, of which it picks those of the
// period, and events, of which it picks the acceptances of these.
func (q StatisticsQuery) Count(records []Record, events []Event) Statistics {
	took := map[uuid.UUID][]time.Duration{}
	created := map[uuid.UUID]time.Time{}
	for _, r := range records {
		created[r.ID] = r.CreatedAt
	}
	for _, e := range events {
		if at, ok := created[e.InvitationID]; ok && e.Type == EventInvitationAccepted {
			took[e.InvitationID] = append(took[e.InvitationID], e.At.Sub(at))
		}
	}
	var total tally
	kinds, roles, senders, links := tallies{}, tallies{}, tallies{}, tallies{}
	for _, r := range records {
		if r.CreatedAt.Before(q.From) || !r.CreatedAt.Before(q.To) {
			continue
		}
		inv := r.Invitation.at(q.At)
		for _, t := range []*tally{&total, kinds.of(string(inv.Kind)), roles.of(string(inv.Role)), senders.of(inv.SentBy)} {
			t.add(inv, took[inv.ID])
		}
		if inv.Kind == KindLink {
			links.of(inv.ID.String()).add(inv, took[inv.ID])
		}
	}
	return Statistics{
		Total:  total.funnel(""),
		ByKind: kinds.funnels(len(kinds)), ByRole: roles.funnels(len(roles)),
		BySender: senders.funnels(q.MaxGroups), ByLink: links.funnels(q.MaxGroups),
	}
}

// A tally is a funnel in the making.
type tally struct {
	Funnel
	took []time.Duration
}

func (t *tally) add(inv Invitation, took []time.Duration) {
	t.Created++
	switch inv.State {
	case StatePending:
		t.Pending++
	case StateAccepted:
		t.Accepted++
	case StateDeclined:
		t.Declined++
	case StateRevoked:
		t.Revoked++
	case StateExpired:
		t.Expired++
	}
	if inv.Uses > 0 {
		t.Used++
	}
	t.Joined += len(took)
	t.took = append(t.took, took...)
}

func (t *tally) funnel(key string) Funnel {
	t.Key = key
	slices.Sort(t.took)
	t.Median, t.P90 = t.rank(0.5), t.rank(0.9)
	return t.Funnel
}

// rank returns the shortest time that at least this part took at most.
func (t *tally) rank(part float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return t.took[int(math.Ceil(part*float64(len(t.took))))-1]
}

type tallies map[string]*tally

func (t tallies) of(key string) *tally {
	if t[key] == nil {
		t[key] = &tally{}
	}
	return t[key]
}

func (t tallies) funnels(most int) []Funnel {
	var all []Funnel
	for key, t := range t {
		all = append(all, t.funnel(key))
	}
	slices.SortFunc(all, func(a, b Funnel) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.Joined, a.Joined), strings.Compare(a.Key, b.Key))
	})
	return all[:min(len(all), most)]
}
