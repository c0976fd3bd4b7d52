package invitations

import (
	"context"
	"errors"
)

// EraseParams are the parameters of [Service.Erase]: either an Email, or a UserID with its
// Pseudonym.
type EraseParams struct {
	Email string // see [CanonicalEmail]

	UserID string
	// Pseudonym takes the place of the user ID. It must be a valid user ID that belongs to
	// nobody, and of the same type if the store keeps user IDs as numbers or UUIDs. It may be the
	// same for all erased users.
	Pseudonym string

	Limit int // rows of each kind in one organization at a time: 1 to 1000; 0 means 1000
}

// An Erasure is the progress of [Service.Erase].
type Erasure struct {
	// Rows is the number of invitations, memberships and events from which the call removed
	// the person. Beside an error it counts those before the error.
	Rows int `json:"rows"`
	// Done reports that the call found no more of them.
	Done bool `json:"done"`
}

// Erase removes a person's address, or replaces their user ID by a pseudonym, in the invitations,
// memberships and events of all organizations, deleted ones included. Each call handles some
// rows. Call it again until it is Done, from any number of processes. It can be interrupted at
// any time.
//
// Given an address, Erase revokes the invitations for it that are pending or have expired. Then
// it removes the address from these and all other invitations and events, together with the
// message and the metadata of the invitations and of the memberships made of them. A membership
// keeps its metadata if Purge has deleted its invitation: see [Service.SetMetadata].
//
// Given a user ID, Erase writes the pseudonym in place of it as the creator, the sender, the
// person who accepted, the inviter, the actor and the subject. The mark of a removal, quotas and
// amounts used remain under the user ID, which must never be given to another user. So do
// memberships of deleted organizations until Purge. The user must not be a member of any
// organization: otherwise Erase is refused with a [MembershipError], which names one. List the
// organizations with [Service.Workspaces] and call [Service.Leave], [Service.TransferOwnership] or
// [Service.DeleteOrganization] first.
//
// An erased sending no longer counts for the limits of sendings to its address.
//
// The feed has an [EventPersonErased] for each erased invitation of an address, and otherwise
// for each organization in each call, without personal data. Erase has no actor: it is for the
// host itself.
//
// Refusals: [ErrInvalid], [ErrConflict] (as a [MembershipError]).
func (s *Service) Erase(ctx context.Context, p EraseParams) (_ Erasure, err error) {
	ctx, op := s.observe(ctx, "Erase")
	defer op.end(&err)
	e, err := p.check()
	if err != nil {
		return Erasure{}, err
	}
	if e.person.UserID != "" {
		_, found, err := s.store.Workspaces(ctx, WorkspaceQuery{UserID: e.person.UserID, Limit: 1})
		if err != nil {
			return Erasure{}, err
		}
		if len(found) > 0 {
			return Erasure{}, &MembershipError{Organization: found[0].Organization}
		}
	}
	organizations, err := s.store.Traces(ctx, e.person, eraseAtOnce)
	if err != nil {
		return Erasure{}, err
	}
	var done Erasure
	var refusal error
	for _, e.organization = range organizations {
		rows, err := run(ctx, s, e)
		switch {
		case errors.Is(err, ErrConflict) && !errors.Is(err, ErrConcurrentChange):
			refusal = err // a membership in one must not protect the others
		case err != nil:
			return done, err
		}
		done.Rows += rows
	}
	done.Done = len(organizations) == 0
	return done, refusal
}

// eraseAtOnce is how many organizations one call of Erase handles.
const eraseAtOnce = 10

func (p EraseParams) check() (erasure, error) {
	e := erasure{pseudonym: p.Pseudonym, limit: p.Limit}
	if e.limit == 0 {
		e.limit = maxSweep
	}
	switch {
	case e.limit < 1 || e.limit > maxSweep:
		return e, outOfRange("limit", 1, maxSweep)
	case p.Email != "" && p.UserID != "":
		return e, invalid("user_id", "excluded", "must be empty if email is set", "field", "email")
	case p.Email != "" && p.Pseudonym != "":
		return e, invalid("pseudonym", "excluded", "must be empty if email is set", "field", "email")
	case p.Email != "":
		email, err := CanonicalEmail(p.Email)
		e.person.Email = email
		return e, err
	}
	if err := checkUser("user_id", p.UserID); err != nil {
		return e, err
	}
	if err := checkUser("pseudonym", p.Pseudonym); err != nil {
		return e, err
	}
	if p.Pseudonym == p.UserID {
		return e, invalid("pseudonym", "same", "must not be the user ID", "field", "user_id")
	}
	e.person.UserID = p.UserID
	return e, nil
}

// An erasure removes a person from one organization.
type erasure struct {
	person       Person
	pseudonym    string // of a user
	organization string
	limit        int
}

func (e erasure) needs(rules) Query {
	q := Query{Organization: e.organization, AlsoDeleted: true, TracesOf: e.person, TracesUpTo: e.limit}
	if e.person.UserID != "" {
		q.Members = []string{e.person.UserID}
	}
	return q
}

func (e erasure) decide(r rules, f Facts) (int, Changes, error) {
	if e.person.UserID != "" {
		return e.eraseUser(r, f)
	}
	return e.eraseAddress(r, f)
}

func (e erasure) eraseAddress(r rules, f Facts) (int, Changes, error) {
	var changes Changes
	for _, inv := range f.TracedInvitations {
		if inv.State == StatePending {
			inv.State, inv.EndedAt = StateRevoked, r.now
			c := r.change(inv, EventInvitationRevoked, "")
			c.Events[0].Reason, c.Events[0].Email = reasonErased, ""
			inv = c.Invitations[0]
			changes.Events = append(changes.Events, c.Events...)
		}
		inv.Email, inv.Message, inv.Metadata = "", "", nil
		changes.Invitations = append(changes.Invitations, inv)
		changes.Events = append(changes.Events, Event{
			Organization: f.Organization, Type: EventPersonErased, At: r.now, InvitationID: inv.ID,
		})
	}
	for _, m := range f.TracedMembers {
		if len(m.Metadata) > 0 {
			m.Metadata = nil
			changes.Members = append(changes.Members, m)
		}
	}
	for _, event := range f.TracedEvents {
		event.Email = ""
		changes.ErasedEvents = append(changes.ErasedEvents, event)
	}
	return e.finish(r, f, changes)
}

func (e erasure) eraseUser(r rules, f Facts) (int, Changes, error) {
	var changes Changes
	if _, isMember := f.Members[e.person.UserID]; isMember && !f.Deleted {
		return 0, Changes{}, &MembershipError{Organization: f.Organization}
	}
	replace := func(users ...*string) {
		for _, user := range users {
			if *user == e.person.UserID {
				*user = e.pseudonym
			}
		}
	}
	for _, inv := range f.TracedInvitations {
		// Nobody may inherit the authority of the sender, not even a member with the pseudonym.
		if ended := r.end(Changes{}, inv, "", ErrSenderNotEntitled); inv.SentBy == e.person.UserID && !f.Deleted && !ended.Empty() {
			inv = ended.Invitations[0]
			changes.Events = append(changes.Events, ended.Events...)
		}
		replace(&inv.CreatedBy, &inv.SentBy, &inv.AcceptedBy)
		changes.Invitations = append(changes.Invitations, inv)
	}
	for _, m := range f.TracedMembers {
		m = m.Clone()
		replace(&m.InvitedBy)
		changes.Members = append(changes.Members, m)
	}
	for _, event := range f.TracedEvents {
		replace(&event.Actor, &event.Subject, &event.InvitedBy)
		changes.ErasedEvents = append(changes.ErasedEvents, event)
	}
	return e.finish(r, f, changes)
}

// finish counts the rows that changes erase. It adds an event, unless each erased invitation has
// one.
func (e erasure) finish(r rules, f Facts, changes Changes) (int, Changes, error) {
	rows := len(changes.Invitations) + len(changes.Members) + len(changes.ErasedEvents)
	if rows == 0 {
		return 0, Changes{}, nil
	}
	if e.person.UserID != "" || len(changes.Events) == 0 {
		changes.Events = append(changes.Events, Event{
			Organization: f.Organization, Type: EventPersonErased, At: r.now, Subject: e.pseudonym,
		})
	}
	return rows, changes, nil
}

// reasonErased is the reason of the event by which an erasure revokes an invitation.
const reasonErased = "erased"
