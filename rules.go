package invitations

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// The rules that several operations share. The rules of one operation stand in its file:
// needs lists the facts that decide reads.
//
// Rules are pure: facts in; a result and changes, or a refusal, out. They run inside the
// store's atomic step, so nothing can change between a check here and the write that it
// allows. That is why no invitation is accepted twice, no limit is exceeded and nobody gains
// a rank. Nothing that a concurrent change could alter is checked before the step.

// rules are the settings and the instant of a decision.
type rules struct {
	now    time.Time
	policy *Policy

	minExpiry, maxExpiry time.Duration
	limits               Limits // those in force; Pending and Expiry are never 0
	reserveSeats         bool
	remindBefore         time.Duration // 0: no reminders

	// The sending limits; 0 means no limit.
	cooldown                                                time.Duration
	sendsPerRecipient, sendsPerSender, sendsPerOrganization int
}

// An act is a change of one organization, before it is decided.
type act[T any] interface {
	// needs returns the facts that decide reads. A fact that is not listed is zero, and most
	// zeros permit.
	needs(rules) Query
	// decide applies the rules. A refusal comes without a result and without changes.
	decide(rules, Facts) (T, Changes, error)
}

// in returns the rules in the organization of the facts, with its limits.
func (r rules) in(f Facts) rules {
	r.limits = f.Limits.Or(r.limits)
	r.limits.Expiry = min(max(r.limits.Expiry, r.minExpiry), r.maxExpiry)
	return r
}

// may refuses an actor without the permission. Non-members get the same refusal, whether or
// not the organization exists.
func (r rules) may(f Facts, actor Actor, permission Permission) error {
	switch {
	case !actor.ceiling.allows(r.policy, permission):
		return ErrPermissionDenied
	case actor.system:
		if f.Version == 0 {
			return ErrNotFound
		}
	case !r.policy.Allows(f.Members[actor.user].Role, permission): // a non-member has the empty role
		return ErrPermissionDenied
	}
	return nil
}

// mayView is may for a read whose only fact is the membership of its viewer.
func (r rules) mayView(viewer *Member, actor Actor, permission Permission) error {
	f := Facts{Version: 1}
	if viewer != nil {
		f.Members = map[string]Member{actor.user: *viewer}
	}
	return r.may(f, actor, permission)
}

// mayGrant refuses an actor who does not hold every permission of role.
func (r rules) mayGrant(f Facts, actor Actor, role Role) error {
	if !r.outranks(f, actor, role) {
		return ErrRoleNotAssignable
	}
	return nil
}

// outranks reports whether an actor holds every permission of a role of the policy.
func (r rules) outranks(f Facts, actor Actor, role Role) bool {
	if !actor.ceiling.canGrant(r.policy, role) {
		return false
	}
	if actor.system {
		return r.policy.Has(role)
	}
	return r.policy.CanGrant(f.Members[actor.user].Role, role) // no policy has the empty role
}

// mayOffer refuses an actor without the right to grant a role and a quota.
func (r rules) mayOffer(f Facts, actor Actor, role Role, quota Quota) error {
	if err := r.mayGrant(f, actor, role); err != nil || quota == (Quota{}) {
		return err
	}
	return r.may(f, actor, PermissionQuotaUpdate)
}

// rank returns the role whose permissions it takes to act on a member or an invitation with
// this role. A role that the policy does not know counts as the owner's, because another
// version of the program may know it.
func (r rules) rank(role Role) Role {
	if r.policy.Has(role) {
		return role
	}
	return RoleOwner
}

// findInvitation returns the invitation of the facts to an actor with the permission.
func (r rules) findInvitation(f Facts, actor Actor, permission Permission) (Record, error) {
	if err := r.may(f, actor, permission); err != nil {
		return Record{}, err
	}
	if f.Invitation == nil || f.Invitation.Organization != f.Organization {
		return Record{}, ErrNotFound
	}
	return *f.Invitation, nil
}

// findMember returns the member on whom an actor with the permission acts. The actor must
// hold every permission of the member's role.
func (r rules) findMember(f Facts, actor Actor, permission Permission, user string) (Member, error) {
	if err := r.may(f, actor, permission); err != nil {
		return Member{}, err
	}
	m, ok := f.Members[user]
	if !ok {
		return Member{}, ErrNotFound
	}
	if !r.outranks(f, actor, r.rank(m.Role)) {
		return Member{}, ErrPermissionDenied
	}
	return m, nil
}

// pending refuses an invitation that is not pending now, with the reason.
func (r rules) pending(inv Invitation) error {
	switch inv.at(r.now).State {
	case StatePending:
		return nil
	case StateExpired:
		return ErrExpired
	case StateDeclined:
		return ErrDeclined
	case StateAccepted:
		if inv.Kind == KindLink {
			return ErrExhausted
		}
		return ErrAccepted
	default:
		return ErrRevoked
	}
}

// open refuses an invitation that nobody can accept now: it must be pending, its role known,
// its kind and address allowed, and its sender still entitled to it.
func (r rules) open(f Facts, inv Invitation) error {
	if err := r.pending(inv); err != nil {
		return err
	}
	if !r.policy.Has(inv.Role) {
		return ErrRoleUnknown
	}
	if err := r.allows(inv); err != nil {
		return err
	}
	switch {
	case inv.SentBy == "": // sent by System
		return nil
	case f.Sender == nil || !r.couldSend(f.Sender.Role, inv):
		return ErrSenderNotEntitled
	}
	return nil
}

// couldSend reports whether a member with this role could send the invitation.
func (r rules) couldSend(role Role, inv Invitation) bool {
	return r.policy.CanGrant(role, r.rank(inv.Role)) &&
		(inv.Quota == Quota{} || r.policy.Allows(role, PermissionQuotaUpdate)) &&
		(r.policy.Allows(role, PermissionInvitationCreate) || r.policy.Allows(role, PermissionInvitationResend))
}

// allows refuses an invitation whose kind or address the organization does not allow.
func (r rules) allows(inv Invitation) error {
	switch {
	case inv.Kind == KindLink && r.limits.NoLinks:
		return ErrLinksNotAllowed
	case inv.Kind == KindEmail && !r.admits(inv.Email):
		return ErrDomainNotAllowed
	}
	return nil
}

// admits reports whether the organization allows the domain of an address.
func (r rules) admits(email string) bool {
	return len(r.limits.AllowedDomains) == 0 || slices.Contains(r.limits.AllowedDomains, domainOf(email))
}

// takesSeat reports whether members with this role take a seat.
func (r rules) takesSeat(role Role) bool {
	return r.limits.Members > 0 && !slices.Contains(r.limits.SeatlessRoles, role)
}

// hasSeat refuses another member with this role if the organization is full. With reserved
// seats, each pending email invitation holds one. That is a promise: the holder of one gets in
// while there are fewer members than seats, even if the limit was lowered below members and
// reservations. Links hold none, because nobody knows how many people will use them.
func (r rules) hasSeat(f Facts, role Role, holder bool) error {
	if !r.takesSeat(role) {
		return nil
	}
	reserved := 0
	if r.reserveSeats {
		reserved = f.ReservedCount
	}
	if f.SeatCount >= r.limits.Members || !holder && f.SeatCount+reserved >= r.limits.Members {
		return &MemberLimitError{Limit: r.limits.Members, Members: f.SeatCount, Reserved: reserved}
	}
	return nil
}

// needSeat adds to q the facts that hasSeat reads.
func (r rules) needSeat(q Query) Query {
	q.CountSeats, q.CountReserved = true, r.reserveSeats
	q.Limits, q.PendingAt = r.limits, r.now
	return q
}

// mayTakePlace refuses an invitation that cannot become pending now.
func (r rules) mayTakePlace(f Facts, inv Invitation) error {
	if err := r.allows(inv); err != nil {
		return err
	}
	if inv.Kind == KindEmail {
		if id, ok := f.PendingByEmail[inv.Email]; ok && id != inv.ID {
			return &AlreadyInvitedError{InvitationID: id}
		}
	}
	if f.PendingCount >= r.limits.Pending {
		return &PendingLimitError{Limit: r.limits.Pending, Pending: f.PendingCount}
	}
	if inv.Kind == KindEmail && r.reserveSeats {
		return r.hasSeat(f, inv.Role, false)
	}
	return nil
}

// needPlace adds to q the facts that mayTakePlace and maySend read, except the address.
func (r rules) needPlace(q Query, kind Kind) Query {
	q.CountPending, q.Limits, q.PendingAt = true, r.limits, r.now
	if kind == KindLink {
		return q
	}
	switch {
	case r.sendsPerOrganization > 0:
		q.SendingsUpTo = r.sendsPerOrganization
	case r.sendsPerRecipient > 0 || r.sendsPerSender > 0:
		q.SendingsUpTo = maxSendings
	}
	if q.SendingsUpTo > 0 {
		q.SendingsAfter = r.now.Add(-sendingWindow)
	}
	if r.reserveSeats {
		return r.needSeat(q)
	}
	return q
}

// maySend refuses a sending above the limits. A link has no address and is not mailed.
// System has no limit per sender.
func (r rules) maySend(f Facts, actor Actor, email string) error {
	if email == "" {
		return nil
	}
	toRecipient := func(s Sending) bool { return s.Email == email }
	bySender := func(s Sending) bool { return !actor.system && s.Actor == actor.user }
	all := func(Sending) bool { return true }
	at := r.freeAt(f.Sendings, r.sendsPerRecipient, toRecipient)
	if t := r.freeAt(f.Sendings, r.sendsPerSender, bySender); t.After(at) {
		at = t
	}
	if t := r.freeAt(f.Sendings, r.sendsPerOrganization, all); t.After(at) {
		at = t
	}
	if at.IsZero() {
		return nil
	}
	return &RateLimitError{At: at}
}

// freeAt returns the instant at which fewer than limit sendings count again, or the zero
// time if that is now. Sendings are in order, the newest first. A limit of 0 is never reached.
func (r rules) freeAt(sendings []Sending, limit int, counts func(Sending) bool) time.Time {
	n := 0
	for _, s := range sendings {
		end := s.At.Add(sendingWindow)
		if !end.After(r.now) {
			break
		}
		if counts(s) {
			if n++; n == limit {
				return end
			}
		}
	}
	return time.Time{}
}

// nextSweep returns the instant of the next sweep of an invitation whose expiry is set now:
// its reminder if it gets one, and its expiry otherwise.
func (r rules) nextSweep(inv Invitation) time.Time {
	if at := inv.ExpiresAt.Add(-r.remindBefore); inv.Kind == KindEmail && at.After(r.now) {
		return at
	}
	return inv.ExpiresAt
}

// change writes an invitation and its event, followed by others.
func (r rules) change(inv Record, event EventType, actor string, others ...Event) Changes {
	if inv.State != StatePending {
		inv.SweepAt = time.Time{}
	}
	events := append(make([]Event, 0, 1+len(others)), Event{
		Organization: inv.Organization, Type: event, At: r.now, Actor: actor, InvitationID: inv.ID,
		Email: inv.Email, Role: inv.Role, Quota: inv.Quota, MaxUses: inv.MaxUses, ExpiresAt: inv.ExpiresAt,
		AllowedDomains: slices.Clone(inv.AllowedDomains),
	})
	return Changes{Invitations: []Record{inv}, Events: append(events, others...)}
}

// end revokes an invitation if it is pending, because of another change: reason is the code
// of an error.
func (r rules) end(changes Changes, inv Record, actor string, reason *Error) Changes {
	if r.pending(inv.Invitation) != nil {
		return changes
	}
	inv.State, inv.EndedAt = StateRevoked, r.now
	c := r.change(inv, EventInvitationRevoked, actor)
	c.Events[0].Reason = reason.code
	return changes.plus(c)
}

// plus returns c followed by the invitations and events of d.
func (c Changes) plus(d Changes) Changes {
	c.Invitations = append(c.Invitations, d.Invitations...)
	c.Events = append(c.Events, d.Events...)
	return c
}

// endFor revokes the pending invitations of PendingFor, except one, because the person has
// become a member.
func (r rules) endFor(changes Changes, f Facts, except uuid.UUID, actor string) Changes {
	for _, inv := range f.PendingRecords {
		if inv.ID != except {
			changes = r.end(changes, inv, actor, ErrAlreadyMember)
		}
	}
	return changes
}

// memberEvent returns the event of a change of a member.
func (r rules) memberEvent(event EventType, actor string, m Member) Event {
	return Event{Organization: m.Organization, Type: event, At: r.now, Actor: actor, Subject: m.UserID, Role: m.Role}
}

// putQuota sets the quota of a member, or of the organization for an empty user.
func (r rules) putQuota(changes Changes, f Facts, actor, user string, q Quota) Changes {
	changes.Quotas = append(changes.Quotas, QuotaRecord{Organization: f.Organization, UserID: user, Quota: q, Version: f.Version + 1})
	changes.Events = append(changes.Events, Event{
		Organization: f.Organization, Type: EventQuotaChanged, At: r.now, Actor: actor, Subject: user, Quota: q,
	})
	return changes
}
