package invitations

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"
)

// InvitationsParams are the parameters of [Service.Invitations]. An empty filter selects
// everything.
type InvitationsParams struct {
	Organization string

	State  State // as of now: an expired invitation is not pending
	Kind   Kind
	Role   Role   // at most 64 bytes
	Email  string // see [CanonicalEmail]
	SentBy string // a user ID

	Limit  int    // invitations per page: 1 to 100; 0 means 50
	Cursor string // NextCursor of the page before, with the same filters; empty: start with the newest
}

// Invitations returns one page of an organization's invitations, the newest first. The actor
// needs [PermissionInvitationList]. For System, an organization that does not exist has no
// invitations.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Invitations(ctx context.Context, actor Actor, p InvitationsParams) (List[Invitation], error) {
	r := s.rules()
	q, err := p.query(actor, r.now)
	if err != nil {
		return List[Invitation]{}, err
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	found, err := s.store.Invitations(ctx, q)
	if err != nil {
		return List[Invitation]{}, err
	}
	if err := r.mayView(found.Viewer, actor, PermissionInvitationList); err != nil {
		return List[Invitation]{}, err
	}
	records := list(found.Items, limit, func(last Record) string {
		return encodeInvitationCursor(InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID})
	})
	invitations := List[Invitation]{Items: make([]Invitation, len(records.Items)), NextCursor: records.NextCursor}
	for i, record := range records.Items {
		invitations.Items[i] = record.Invitation.at(r.now)
	}
	return invitations, nil
}

// AllInvitations returns an iterator over all pages of [Service.Invitations]. It stops after
// the first error.
func (s *Service) AllInvitations(ctx context.Context, actor Actor, p InvitationsParams) iter.Seq2[Invitation, error] {
	return all(p.Cursor, func(cursor string) (List[Invitation], error) {
		p.Cursor = cursor
		return s.Invitations(ctx, actor, p)
	})
}

// Invitation returns one invitation. The actor needs [PermissionInvitationList].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound].
func (s *Service) Invitation(ctx context.Context, actor Actor, organization string, id uuid.UUID) (Invitation, error) {
	if err := checkNamed(actor, organization, id); err != nil {
		return Invitation{}, err
	}
	r, f, err := s.view(ctx, Query{Organization: organization, Invitation: id, Members: actor.members()})
	if err != nil {
		return Invitation{}, err
	}
	record, err := r.findInvitation(f, actor, PermissionInvitationList)
	return record.Invitation.at(r.now), err
}

// query checks p and returns the query of the store.
func (p InvitationsParams) query(actor Actor, now time.Time) (InvitationQuery, error) {
	q := InvitationQuery{
		Organization: p.Organization, Viewer: actor.user,
		State: p.State, At: now, Kind: p.Kind, Role: p.Role, SentBy: p.SentBy,
	}
	if err := checkActing(actor, p.Organization); err != nil {
		return q, err
	}
	switch p.State {
	case "", StatePending, StateAccepted, StateDeclined, StateRevoked, StateExpired:
	default:
		return q, invalid("state", "unknown_value", "must be a known state")
	}
	switch p.Kind {
	case "", KindEmail, KindLink:
	default:
		return q, invalid("kind", "unknown_value", "must be a known kind")
	}
	if p.Role != "" {
		if err := checkName("role", string(p.Role), maxNameBytes); err != nil {
			return q, err
		}
	}
	if p.SentBy != "" {
		if err := checkUser("sent_by", p.SentBy); err != nil {
			return q, err
		}
	}
	var err error
	if p.Email != "" {
		if q.Email, err = CanonicalEmail(p.Email); err != nil {
			return q, err
		}
	}
	if q.Limit, err = pageLimit(p.Limit); err != nil {
		return q, err
	}
	q.After, err = decodeInvitationCursor(p.Cursor)
	return q, err
}
