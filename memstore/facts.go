package memstore

import (
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

// facts returns the facts of q. An organization that does not exist has facts only for Create.
func (o *organization) facts(q *invitations.Query) invitations.Facts {
	f := invitations.Facts{
		Organization: o.id, Version: o.version, Limits: o.limits.Clone(), Deleted: o.deleted,
	}
	o.addInvitations(&f, q)
	o.addMembers(&f, q)
	o.addPending(&f, q)
	o.addTraces(&f, q)
	f.Sendings = o.sendings(q.SendingsAfter, q.SendingsUpTo)
	return f
}

// addInvitations adds the invitations that q names by ID.
func (o *organization) addInvitations(f *invitations.Facts, q *invitations.Query) {
	if r, ok := o.invitations.byID[q.Invitation]; ok {
		kept := r.Clone()
		f.Invitation = &kept
		if q.Sender {
			f.Sender = o.member(r.SentBy)
		}
	}
	for _, id := range q.Invitations {
		if r, ok := o.invitations.byID[id]; ok {
			put(&f.Invitations, id, r.Clone())
		}
	}
}

// addMembers adds the members that q names, with their removals and quotas, and the counts of
// all members.
func (o *organization) addMembers(f *invitations.Facts, q *invitations.Query) {
	for _, user := range q.Members {
		if m, ok := o.members.byUser[user]; ok {
			put(&f.Members, user, m.Clone())
		}
		if version, ok := o.removals[user]; ok && q.Removals {
			put(&f.Removals, user, version)
		}
		if quota, ok := o.quotas[user]; ok && q.Quotas {
			put(&f.Quotas, user, quota)
		}
	}
	if quota, ok := o.quotas[""]; ok && q.Quotas {
		put(&f.Quotas, "", quota)
	}
	if q.CountSeats || q.Totals {
		seats := 0
		for role, members := range o.members.byRole.all() {
			visit(1)
			if o.takesSeat(role) {
				seats += members.len()
			}
		}
		if q.CountSeats {
			f.SeatCount = min(seats, max(o.limits.Or(q.Limits).Members, 0))
		}
		if q.Totals {
			f.Totals.Members, f.Totals.Seats = len(o.members.byUser), seats
		}
	}
	if q.OwnersUpTo > 0 {
		f.OwnerCount = min(o.members.byRole.of(invitations.RoleOwner).len(), q.OwnersUpTo)
	}
}

// takesSeat reports whether members with this role take a seat.
func (o *organization) takesSeat(role invitations.Role) bool {
	return !slices.Contains(o.limits.SeatlessRoles, role)
}

// addPending adds the facts of pending invitations.
func (o *organization) addPending(f *invitations.Facts, q *invitations.Query) {
	if q.CountPending || q.CountReserved || q.Totals {
		o.countPending(f, q)
	}
	for _, email := range q.Emails {
		o.addPendingFor(f, email, q.PendingAt)
	}
	if q.SameEmail && f.Invitation != nil {
		o.addPendingFor(f, f.Invitation.Email, q.PendingAt)
	}
	if q.PendingSentBy == "" && q.PendingFor == "" {
		return
	}
	var found []*invitations.Record
	for r := range o.invitations.pendingBySender.of(q.PendingSentBy).up(expiresAfter(q.PendingAt)) {
		found = append(found, r)
	}
	for r := range o.invitations.byEmail.of(q.PendingFor).all() {
		sentBy := q.PendingSentBy != "" && q.PendingSentBy == r.SentBy
		if !sentBy && isPending(r, q.PendingAt) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *invitations.Record) int { return byCreation.compare(b, a) })
	for _, r := range found {
		f.PendingRecords = append(f.PendingRecords, r.Clone())
	}
}

// countPending adds the numbers of pending invitations.
func (o *organization) countPending(f *invitations.Facts, q *invitations.Query) {
	all, reserved := 0, 0
	for of, list := range o.invitations.pending.all() {
		n := list.countFrom(expiresAfter(q.PendingAt))
		all += n
		if q.Totals && of.kind == invitations.KindLink {
			f.Totals.PendingLinks += n
		} else if q.Totals {
			f.Totals.PendingEmails += n
		}
		if of.kind == invitations.KindEmail && o.takesSeat(of.role) {
			reserved += n
		}
	}
	limits := o.limits.Or(q.Limits)
	if q.CountPending {
		f.PendingCount = min(all, limits.Pending)
	}
	if q.CountReserved {
		f.ReservedCount = min(reserved, max(limits.Members, 0))
	}
	if q.Totals {
		f.Totals.Reserved = reserved
	}
}

// addPendingFor adds the newest pending invitation of an address, if it has one.
func (o *organization) addPendingFor(f *invitations.Facts, email string, at time.Time) {
	for r := range o.invitations.byEmail.of(email).allDown() {
		if isPending(r, at) {
			put(&f.PendingByEmail, email, r.ID)
			return
		}
	}
}

// isPending reports whether an invitation is pending at an instant.
func isPending(r *invitations.Record, at time.Time) bool {
	return r.State == invitations.StatePending && r.ExpiresAt.After(at)
}

// expiresAfter is reached in the order of expiry.
func expiresAfter(at time.Time) func(entry[invitations.Record]) bool {
	rank := instantOf(at)
	return func(e entry[invitations.Record]) bool { return e.rank > rank }
}

// sendings returns the newest sendings after an instant, up to a number.
func (o *organization) sendings(after time.Time, upTo int) []invitations.Sending {
	if upTo <= 0 {
		return nil
	}
	var found []invitations.Sending
	for e := range o.events.sendings.of(only{}).allDown() {
		if len(found) == upTo || !e.At.After(after) {
			break
		}
		found = append(found, invitations.Sending{At: e.At, Actor: e.Actor, Email: e.Email})
	}
	return found
}
