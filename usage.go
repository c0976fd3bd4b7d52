package invitations

import (
	"context"
	"time"
)

// UsageParams are the parameters of [Service.Usage].
type UsageParams struct {
	Organization string
	Period       Period    // the period of the quotas
	At           time.Time // an instant in the period; zero: now
	Limit        int       // members per page: 1 to 100; 0 means 50
	Cursor       string    // NextCursor of the page before, with the same other fields; empty: start with the highest
}

// A PeriodUsage is the use of an organization in one period.
type PeriodUsage struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"` // the start of the next period; zero if endless
	// Shared is the amount of the shared quota.
	Shared int64 `json:"shared"`
	// Members are those with an amount of their own quota above 0, the highest first, then by
	// user ID. They include users who are not members any more.
	Members    []MemberUsage `json:"members"`
	NextCursor string        `json:"next_cursor,omitempty"` // asks for the next page; empty on the last
}

// MemberUsage is the amount that a user took from their own quota in one period.
type MemberUsage struct {
	UserID string `json:"user_id"`
	Used   int64  `json:"used"`
}

// Usage returns the amounts that an organization and its members used in the present period or
// in a closed one. It knows the use of quotas with this kind of period, of [NoLimit] ones too:
// to see the use of members without limiting it, give each a quota with NoLimit. The present
// period costs a read of all quotas of the organization. The actor needs
// [PermissionQuotaUpdate]. For System, an organization that does not exist has no usage.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Usage(ctx context.Context, actor Actor, p UsageParams) (_ PeriodUsage, err error) {
	ctx, op := s.observe(ctx, "Usage")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return PeriodUsage{}, err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return PeriodUsage{}, err
	}
	r := s.rules()
	at := p.At
	if at.IsZero() {
		at = r.now
	}
	start, known := periodStarts(at)[p.Period]
	switch {
	case !known:
		return PeriodUsage{}, invalid("period", "unknown_value", "must be day, month or endless")
	case !storable(at.UTC()):
		return PeriodUsage{}, outOfYears("at")
	}
	q := UsageQuery{Organization: p.Organization, Viewer: actor.user, Period: p.Period, PeriodStart: start, Limit: limit + 1}
	if q.After, err = decodeUsageCursor(p.Cursor); err != nil {
		return PeriodUsage{}, err
	}
	shared, found, err := s.store.Usage(ctx, q)
	if err != nil {
		return PeriodUsage{}, err
	}
	if err := r.mayView(found.Viewer, actor, PermissionQuotaUpdate); err != nil {
		return PeriodUsage{}, err
	}
	for _, m := range found.Items {
		if checkUser("user_id", m.UserID) != nil {
			return PeriodUsage{}, errForeignID
		}
	}
	members := list(found.Items, limit, encodeUsageCursor)
	return PeriodUsage{
		Start: start, End: p.Period.end(start), Shared: shared, Members: members.Items, NextCursor: members.NextCursor,
	}, nil
}
