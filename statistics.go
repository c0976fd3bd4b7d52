package invitations

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A Funnel counts a group of invitations by their results.
type Funnel struct {
	// Key is the value that the group has in common: a kind, a role, a sender's user ID (empty
	// for [System]) or the ID of a link. It is empty for the total.
	Key string `json:"key"`

	Created int `json:"created"`
	// The present states. Their sum is Created.
	Pending  int `json:"pending"`
	Accepted int `json:"accepted"`
	Declined int `json:"declined"`
	Revoked  int `json:"revoked"`
	Expired  int `json:"expired"`

	// Used is the number of invitations through which somebody joined: accepted email
	// invitations, and links with at least one use.
	Used int `json:"used"`

	// Joined is the number of people joining. Median and P90 are the times, from the
	// creation of the invitation, within which half and nine tenths of them joined (nearest
	// rank); 0 if nobody joined.
	Joined int           `json:"joined"`
	Median time.Duration `json:"median_ns"`
	P90    time.Duration `json:"p90_ns"`
}

// AcceptanceRate returns Used divided by Created, from 0 to 1.
func (f Funnel) AcceptanceRate() float64 {
	if f.Created == 0 {
		return 0
	}
	return float64(f.Used) / float64(f.Created)
}

// Statistics count the invitations of an organization. Groups are sorted by Created and
// Joined, the highest first, then by Key. There are at most 100 senders and 100 links.
type Statistics struct {
	Total    Funnel   `json:"total"`
	ByKind   []Funnel `json:"by_kind"`
	ByRole   []Funnel `json:"by_role"`
	BySender []Funnel `json:"by_sender"`
	ByLink   []Funnel `json:"by_link"`
}

// maxGroups bounds the number of senders and of links.
const maxGroups = 100

// StatisticsParams are the parameters of [Service.Statistics].
type StatisticsParams struct {
	Organization string
	// From and To are the period in which the invitations were created: at or after From, and
	// before To, both truncated to microseconds. A zero From means the beginning, a zero To no
	// end.
	From, To time.Time
}

// Statistics counts the invitations that an organization created in a period, by their
// present state. It reads every invitation of the period. The actor needs
// [PermissionInvitationList]. For System, an organization that does not exist has no
// invitations.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Statistics(ctx context.Context, actor Actor, p StatisticsParams) (_ Statistics, err error) {
	ctx, op := s.observe(ctx, "Statistics")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return Statistics{}, err
	}
	r := s.rules()
	q := StatisticsQuery{
		Organization: p.Organization, Viewer: actor.user, Roles: r.policy.rolesWith(PermissionInvitationList),
		At: r.now, MaxGroups: maxGroups,
	}
	if q.From, q.To, err = period(p.From, p.To); err != nil {
		return Statistics{}, err
	}
	if q.To.IsZero() {
		q.To = lastInstant
	}
	viewer, found, err := s.store.Statistics(ctx, q)
	if err != nil {
		return Statistics{}, err
	}
	if err := r.mayView(viewer, actor, PermissionInvitationList); err != nil {
		return Statistics{}, err
	}
	found.ByKind, found.ByRole = notNil(found.ByKind), notNil(found.ByRole)
	found.BySender, found.ByLink = notNil(found.BySender), notNil(found.ByLink)
	return found, nil
}

// A StatisticsQuery asks for the statistics of the invitations created at or after From and
// before To, in their states at the instant At.
type StatisticsQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	// Roles are the roles that may see statistics. If Viewer is not empty and has none of
	// them, a store need not count, because the service refuses that viewer anyway.
	Roles        []Role
	From, To, At time.Time
	MaxGroups    int // the largest number of senders, and of links; at least 1
}

// Count returns the statistics of an organization's invitations. It selects the invitations
// of the period from records. An accepted email invitation tells by its EndedAt when its recipient
// joined. The acceptances of links come from events.
func (q StatisticsQuery) Count(records []Record, events []Event) Statistics {
	created := map[uuid.UUID]time.Time{} // of links
	took := map[uuid.UUID][]time.Duration{}
	for _, r := range records {
		switch {
		case r.Kind == KindLink:
			created[r.ID] = r.CreatedAt
		case r.State == StateAccepted && !r.EndedAt.IsZero():
			took[r.ID] = []time.Duration{r.EndedAt.Sub(r.CreatedAt)}
		}
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
		total.add(inv, took[inv.ID])
		kinds.of(string(inv.Kind)).add(inv, took[inv.ID])
		roles.of(string(inv.Role)).add(inv, took[inv.ID])
		senders.of(inv.SentBy).add(inv, took[inv.ID])
		if inv.Kind == KindLink {
			links.of(inv.ID.String()).add(inv, took[inv.ID])
		}
	}
	return Statistics{
		Total:    total.funnel(),
		ByKind:   kinds.funnels(len(kinds)),
		ByRole:   roles.funnels(len(roles)),
		BySender: senders.funnels(q.MaxGroups),
		ByLink:   links.funnels(q.MaxGroups),
	}
}

// A tally is a Funnel while it is counted.
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

func (t *tally) funnel() Funnel {
	slices.Sort(t.took)
	t.Median, t.P90 = t.percentile(0.5), t.percentile(0.9)
	return t.Funnel
}

// percentile returns the shortest time within which this part joined.
func (t *tally) percentile(part float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return t.took[int(math.Ceil(part*float64(len(t.took))))-1]
}

// tallies are tallies by key.
type tallies map[string]*tally

func (t tallies) of(key string) *tally {
	if t[key] == nil {
		t[key] = &tally{Funnel: Funnel{Key: key}}
	}
	return t[key]
}

func (t tallies) funnels(most int) []Funnel {
	var funnels []Funnel
	for _, t := range t {
		funnels = append(funnels, t.funnel())
	}
	slices.SortFunc(funnels, func(a, b Funnel) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.Joined, a.Joined), strings.Compare(a.Key, b.Key))
	})
	return funnels[:min(len(funnels), most)]
}
