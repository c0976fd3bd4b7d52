package invitations

import "context"

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
// number of members. The actor needs [PermissionMemberList].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (for System: no such
// organization).
func (s *Service) Overview(ctx context.Context, actor Actor, organization string) (_ Overview, err error) {
	ctx, op := s.observe(ctx, "Overview")
	defer op.end(&err)
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
