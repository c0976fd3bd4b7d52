package invitations

import (
	"context"
	"slices"
	"time"
)

// Limits are the limits of one organization, such as those of its price plan. They are kept
// with the organization and are facts of every step that needs them. A zero field means the
// value of [Config], or no restriction where Config has none.
type Limits struct {
	// Members is the number of seats: 1 to 100,000, or [NoLimit]. Zero means
	// [Config].MemberLimit.
	Members int `json:"members,omitempty"`
	// Pending is the largest number of pending invitations, of both kinds: 1 to 100,000. Zero
	// means [Config].PendingLimit.
	Pending int `json:"pending,omitempty"`
	// SeatlessRoles are roles of the policy whose members take no seat. They are sorted.
	SeatlessRoles []Role `json:"seatless_roles,omitempty"`
	// NoLinks refuses new links, and acceptances through links that exist.
	NoLinks bool `json:"no_links,omitempty"`
	// AllowedDomains are the only email domains of people who can be invited or accept an
	// invitation; none means all. At most 100. They are canonical and sorted. AddMember does
	// not check them.
	AllowedDomains []string `json:"allowed_domains,omitempty"`
	// Expiry is the lifetime of an invitation that does not set its own, within the bounds of
	// [Config]. Zero means [Config].Expiry. JSON has it in nanoseconds.
	Expiry time.Duration `json:"expiry_ns,omitempty"`
}

// Clone returns a copy that shares no memory with l.
func (l Limits) Clone() Limits {
	l.SeatlessRoles = slices.Clone(l.SeatlessRoles)
	l.AllowedDomains = slices.Clone(l.AllowedDomains)
	return l
}

// Or returns the limits in force: those of l, and those of fallback where l has none.
func (l Limits) Or(fallback Limits) Limits {
	if l.Members == 0 {
		l.Members = fallback.Members
	}
	if l.Pending == 0 {
		l.Pending = fallback.Pending
	}
	if len(l.SeatlessRoles) == 0 {
		l.SeatlessRoles = fallback.SeatlessRoles
	}
	l.NoLinks = l.NoLinks || fallback.NoLinks
	if len(l.AllowedDomains) == 0 {
		l.AllowedDomains = fallback.AllowedDomains
	}
	if l.Expiry == 0 {
		l.Expiry = fallback.Expiry
	}
	return l
}

func (l Limits) equal(other Limits) bool {
	return l.Members == other.Members && l.Pending == other.Pending && l.NoLinks == other.NoLinks && l.Expiry == other.Expiry &&
		slices.Equal(l.SeatlessRoles, other.SeatlessRoles) && slices.Equal(l.AllowedDomains, other.AllowedDomains)
}

// SetLimits replaces the limits of an organization. Only [System] may do it. The limits hold
// from this instant for every step that needs them. Lowering a limit removes nobody and ends no
// invitation. It refuses new members and invitations, but a person whose seat is reserved gets
// in as long as there are fewer members than seats.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such organization).
func (s *Service) SetLimits(ctx context.Context, actor Actor, organization string, limits Limits) (err error) {
	ctx, op := s.observe(ctx, "SetLimits")
	defer op.end(&err)
	if err := checkActing(actor, organization); err != nil {
		return err
	}
	limits, err = s.checkLimits(limits)
	if err != nil {
		return err
	}
	_, err = run(ctx, s, limitsChange{actor, organization, limits})
	return err
}

type limitsChange struct {
	actor        Actor
	organization string
	limits       Limits
}

func (a limitsChange) needs(rules) Query { return Query{Organization: a.organization} }

func (a limitsChange) decide(r rules, f Facts) (Limits, Changes, error) {
	if !a.actor.unlimited() {
		return Limits{}, Changes{}, ErrPermissionDenied
	}
	if err := r.may(f, a.actor, PermissionOrganizationManage); err != nil {
		return Limits{}, Changes{}, err
	}
	if f.Limits.equal(a.limits) {
		return a.limits, Changes{}, nil
	}
	limits := a.limits.Clone()
	event := Event{Organization: f.Organization, Type: EventLimitsChanged, At: r.now, Limits: &limits}
	return a.limits, Changes{Limits: &limits, Events: []Event{event}}, nil
}

// checkLimits returns limits in canonical form.
func (s *Service) checkLimits(l Limits) (Limits, error) {
	l = l.Clone()
	switch {
	case l.Members != NoLimit && (l.Members < 0 || l.Members > maxLimit):
		return l, outOfRange("members", 0, maxLimit)
	case l.Pending < 0 || l.Pending > maxLimit:
		return l, outOfRange("pending", 0, maxLimit)
	}
	for _, role := range l.SeatlessRoles {
		if !s.config.Policy.Has(role) {
			return l, invalid("seatless_roles", "unknown_role", "must be roles of the policy")
		}
	}
	slices.Sort(l.SeatlessRoles)
	l.SeatlessRoles = slices.Compact(l.SeatlessRoles)
	var err error
	if l.AllowedDomains, err = canonicalDomains(l.AllowedDomains); err != nil {
		return l, err
	}
	if l.Expiry == 0 {
		return l, nil
	}
	l.Expiry = l.Expiry.Truncate(time.Microsecond)
	if l.Expiry < s.config.MinExpiry || l.Expiry > s.config.MaxExpiry {
		return l, outOfRange("expiry", s.config.MinExpiry, s.config.MaxExpiry)
	}
	return l, nil
}
