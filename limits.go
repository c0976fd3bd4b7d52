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
func (s *Service) SetLimits(ctx context.Context, actor Actor, organization string, limits Limits) error {
	if err := checkActing(actor, organization); err != nil {
		return err
	}
	limits, err := s.checkLimits(limits)
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
	if !a.actor.system {
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

// An Overview has the numbers of an organization.
type Overview struct {
	Members int `json:"members"`
	// SeatsTaken are the members whose role takes a seat. SeatsReserved are the pending email
	// invitations that hold one, with [Config].ReserveSeats.
	SeatsTaken    int `json:"seats_taken"`
	SeatsReserved int `json:"seats_reserved"`
	// SeatsFree is the number of seats that nobody has taken or reserved; [NoLimit] without a
	// member limit.
	SeatsFree int `json:"seats_free"`

	PendingEmails int `json:"pending_emails"`
	PendingLinks  int `json:"pending_links"`

	// Limits are those in force: of the organization, and of [Config] where it has none.
	// Members is [NoLimit] without a member limit.
	Limits Limits `json:"limits"`
	// OwnLimits are those that [Service.SetLimits] has set. To change one of them, change it
	// here and set them all.
	OwnLimits Limits `json:"own_limits,omitzero"`
}

// Overview returns the numbers of an organization, all of one instant. Its cost grows with the
// number of members.
// The actor needs [PermissionMemberList].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (for System: no such
// organization).
func (s *Service) Overview(ctx context.Context, actor Actor, organization string) (Overview, error) {
	if err := checkActing(actor, organization); err != nil {
		return Overview{}, err
	}
	now := s.now()
	r, f, err := s.view(ctx, Query{Organization: organization, Members: actor.members(), Totals: true, PendingAt: now})
	if err != nil {
		return Overview{}, err
	}
	if err := r.may(f, actor, PermissionMemberList); err != nil {
		return Overview{}, err
	}
	o := Overview{
		Members: f.Totals.Members, SeatsTaken: f.Totals.Seats, SeatsFree: NoLimit,
		PendingEmails: f.Totals.PendingEmails, PendingLinks: f.Totals.PendingLinks,
		Limits: r.limits.Clone(), OwnLimits: f.Limits.Clone(),
	}
	if r.reserveSeats && r.limits.Members > 0 {
		o.SeatsReserved = f.Totals.Reserved
	}
	if r.limits.Members > 0 {
		o.SeatsFree = max(0, r.limits.Members-o.SeatsTaken-o.SeatsReserved)
	} else {
		o.Limits.Members = NoLimit
	}
	return o, nil
}
