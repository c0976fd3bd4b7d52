package memstore

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Traces implements [invitations.Store]. It reads all rows, because indexes by person would cost
// every change more than they save a rare erasure.
func (s *Store) Traces(ctx context.Context, p invitations.Person, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []string
	for _, org := range s.all() {
		if len(found) == limit {
			break
		}
		var f invitations.Facts
		org.mu.RLock()
		org.addTraces(&f, &invitations.Query{TracesOf: p, TracesUpTo: 1})
		org.mu.RUnlock()
		if len(f.TracedInvitations)+len(f.TracedMembers)+len(f.TracedEvents) > 0 {
			found = append(found, org.id)
		}
	}
	return found, nil
}

// addTraces adds the rows with a trace of a person.
func (o *organization) addTraces(f *invitations.Facts, q *invitations.Query) {
	if q.TracesUpTo <= 0 {
		return
	}
	p := q.TracesOf
	is := func(users ...string) bool { return p.UserID != "" && slices.Contains(users, p.UserID) }
	acceptedBy := map[uuid.UUID]string{} // of the loaded invitations for the address
	for r := range o.invitations.ordered.of(only{}).all() {
		isFor := p.Email != "" && p.Email == r.Email
		if (isFor || is(r.CreatedBy, r.SentBy, r.AcceptedBy)) && len(f.TracedInvitations) < q.TracesUpTo {
			f.TracedInvitations = append(f.TracedInvitations, r.Clone())
			if isFor {
				acceptedBy[r.ID] = r.AcceptedBy
			}
		}
	}
	for user, m := range o.members.byUser {
		if (acceptedBy[m.InvitationID] == user || is(m.InvitedBy)) && len(f.TracedMembers) < q.TracesUpTo {
			f.TracedMembers = append(f.TracedMembers, *o.member(user))
		}
	}
	for e := range o.events.ordered.of(only{}).all() {
		isFor := p.Email != "" && p.Email == e.Email
		if (isFor || is(e.Actor, e.Subject, e.InvitedBy)) && len(f.TracedEvents) < q.TracesUpTo {
			f.TracedEvents = append(f.TracedEvents, e.Clone())
		}
	}
}
