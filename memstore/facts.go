package memstore

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// facts returns the facts of q. An organization that does not exist has facts only for Create.
func (o *organization) facts(q invitations.Query) invitations.Facts {
	f := invitations.Facts{
		Organization:   o.id,
		Version:        o.version,
		Limits:         o.limits.Clone(),
		Deleted:        o.deleted,
		Invitations:    map[uuid.UUID]invitations.Record{},
		Members:        map[string]invitations.Member{},
		Removals:       map[string]int64{},
		Quotas:         map[string]invitations.QuotaRecord{},
		PendingByEmail: map[string]uuid.UUID{},
	}
	o.addInvitations(&f, q)
	o.addMembers(&f, q)
	o.addPending(&f, q)
	o.addTraces(&f, q)
	f.Sendings = o.sendings(q.SendingsAfter, q.SendingsUpTo)
	return f
}

// addInvitations adds the invitations that q names by ID.
func (o *organization) addInvitations(f *invitations.Facts, q invitations.Query) {
	if r, ok := o.invitations[q.Invitation]; ok {
		r = r.Clone()
		f.Invitation = &r
		if q.Sender {
			f.Sender = o.member(r.SentBy)
		}
	}
	for _, id := range q.Invitations {
		if r, ok := o.invitations[id]; ok {
			f.Invitations[id] = r.Clone()
		}
	}
}

// addMembers adds the members that q names, with their removals and quotas, and the counts of
// all members.
func (o *organization) addMembers(f *invitations.Facts, q invitations.Query) {
	for _, user := range q.Members {
		if m := o.member(user); m != nil {
			f.Members[user] = *m
		}
		if version, ok := o.removals[user]; ok && q.Removals {
			f.Removals[user] = version
		}
	}
	if q.Quotas {
		for _, user := range slices.Concat([]string{""}, q.Members) {
			if quota := o.quota(user); quota != nil {
				f.Quotas[user] = *quota
			}
		}
	}
	limits := o.limits.Or(q.Limits)
	for _, m := range o.members {
		takesSeat := !slices.Contains(o.limits.SeatlessRoles, m.Role)
		if takesSeat && q.CountSeats {
			f.SeatCount = min(f.SeatCount+1, max(limits.Members, 0))
		}
		if q.Totals {
			f.Totals.Members++
			if takesSeat {
				f.Totals.Seats++
			}
		}
	}
	if q.OwnersUpTo > 0 {
		for _, m := range o.members {
			if m.Role == invitations.RoleOwner {
				f.OwnerCount = min(f.OwnerCount+1, q.OwnersUpTo)
			}
		}
	}
}

// addPending adds the facts of pending invitations.
func (o *organization) addPending(f *invitations.Facts, q invitations.Query) {
	emails := q.Emails
	if q.SameEmail && f.Invitation != nil && f.Invitation.Email != "" {
		emails = slices.Concat(emails, []string{f.Invitation.Email})
	}
	listed := q.PendingSentBy != "" || q.PendingFor != ""
	if !q.CountPending && !q.CountReserved && !q.Totals && !listed && len(emails) == 0 {
		return
	}
	limits := o.limits.Or(q.Limits)
	for _, position := range o.newestFirst {
		r := o.invitations[position.ID]
		if r.State != invitations.StatePending || !r.ExpiresAt.After(q.PendingAt) {
			continue
		}
		holdsSeat := r.Kind == invitations.KindEmail && !slices.Contains(o.limits.SeatlessRoles, r.Role)
		if q.CountPending {
			f.PendingCount = min(f.PendingCount+1, limits.Pending)
		}
		if q.CountReserved && holdsSeat {
			f.ReservedCount = min(f.ReservedCount+1, max(limits.Members, 0))
		}
		if q.Totals {
			switch {
			case r.Kind == invitations.KindLink:
				f.Totals.PendingLinks++
			case holdsSeat:
				f.Totals.Reserved++
				fallthrough
			default:
				f.Totals.PendingEmails++
			}
		}
		if _, newer := f.PendingByEmail[r.Email]; !newer && slices.Contains(emails, r.Email) {
			f.PendingByEmail[r.Email] = r.ID
		}
		sentBy := q.PendingSentBy != "" && q.PendingSentBy == r.SentBy
		sentTo := q.PendingFor != "" && q.PendingFor == r.Email
		if sentBy || sentTo {
			f.PendingRecords = append(f.PendingRecords, r.Clone())
		}
	}
}

// sendings returns the newest sendings after an instant, up to a number.
func (o *organization) sendings(after time.Time, upTo int) []invitations.Sending {
	if upTo <= 0 {
		return nil
	}
	var found []invitations.Sending
	for _, e := range slices.Backward(o.events) {
		if e.IsSending() && e.At.After(after) {
			found = append(found, invitations.Sending{At: e.At, Actor: e.Actor, Email: e.Email})
		}
	}
	// Clocks may disagree, so the order of the events is not that of their times. A stable sort
	// keeps it within one instant.
	slices.SortStableFunc(found, func(a, b invitations.Sending) int { return b.At.Compare(a.At) })
	return found[:min(len(found), upTo)]
}
