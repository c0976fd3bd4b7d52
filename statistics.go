package invitations

import (
	"context"
	"time"
)

// A Funnel is what has become of a group of invitations.
type Funnel struct {
	// Key is the value that the invitations of a group share; empty for the total.
	Key string `json:"key"`

	Created int `json:"created"`
	// The states that they are in now; together they are Created.
	Pending  int `json:"pending"`
	Accepted int `json:"accepted"`
	Declined int `json:"declined"`
	Revoked  int `json:"revoked"`
	Expired  int `json:"expired"`

	// Used is how many have brought somebody in: of email invitations the accepted ones, of
	// links those that were used at least once.
	Used int `json:"used"`

	// Joined is how many people joined by them. Median and P90 are how long half and nine
	// tenths of these took at most, from the creation of the invitation (by nearest rank);
	// zero if nobody joined.
	Joined int           `json:"joined"`
	Median time.Duration `json:"median_ns"`
	P90    time.Duration `json:"p90_ns"`
}

// AcceptanceRate returns how much of what was created has brought somebody in so far, from 0 to
// 1.
func (f Funnel) AcceptanceRate() float64 {
	if f.Created == 0 {
		return 0
	}
	return float64(f.Used) / float64(f.Created)
}

// Statistics are counts of an organization's invitations.
type Statistics struct {
	Total Funnel `json:"total"`
	// The groups, by Created, then by Joined, the highest first, then by Key. Keys are kinds,
	// roles, user ids of senders (empty for the host's backend) and the ids of links. Of
	// senders and of links there are 100 at most.
	ByKind   []Funnel `json:"by_kind"`
	ByRole   []Funnel `json:"by_role"`
	BySender []Funnel `json:"by_sender"`
	ByLink   []Funnel `json:"by_link"`
}

// maxGroups bounds the groups of senders and of links.
const maxGroups = 100

// StatisticsParams is what [Service.Statistics] takes.
type StatisticsParams struct {
	Organization string
	// From and To bound the period in which the invitations were created: from From on, and
	// before To, both cut to microseconds. A zero From is the beginning, a zero To has no end.
	From, To time.Time
}

// Statistics counts the invitations that an organization created in a period, by what they are
// now. The actor needs [PermissionInvitationList]. It reads every invitation of the period.
// For System, an organization that does not exist has no invitations.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Statistics(ctx context.Context, actor Actor, p StatisticsParams) (Statistics, error) {
	if err := checkActing(actor, p.Organization); err != nil {
		return Statistics{}, err
	}
	r := s.rules()
	q := StatisticsQuery{
		Organization: p.Organization, Viewer: actor.user, Roles: r.policy.rolesWith(PermissionInvitationList), MaxGroups: maxGroups,
		From: p.From.UTC().Truncate(time.Microsecond), To: lastInstant, At: r.now,
	}
	if !p.To.IsZero() {
		q.To = p.To.UTC().Truncate(time.Microsecond)
	}
	switch {
	case q.From.Year() < 1 || q.From.Year() > 9999:
		return Statistics{}, invalid("from", "is not of the years 1 to 9999")
	case q.To.Year() < 1 || q.To.Year() > 9999:
		return Statistics{}, invalid("to", "is not of the years 1 to 9999")
	case !q.From.Before(q.To):
		return Statistics{}, invalid("to", "is not after from")
	}
	viewer, found, err := s.store.Statistics(ctx, q)
	if err != nil {
		return Statistics{}, err
	}
	if err := r.mayView(viewer, actor, PermissionInvitationList); err != nil {
		return Statistics{}, err
	}
	for _, groups := range []*[]Funnel{&found.ByKind, &found.ByRole, &found.BySender, &found.ByLink} {
		*groups = append([]Funnel{}, *groups...) // which is no null in JSON
	}
	return found, nil
}

// lastInstant is the last one that all stores can keep.
var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
