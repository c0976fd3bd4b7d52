package invitations

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"
)

// ListParams is what [Service.Invitations] takes. An empty filter lets everything pass.
type InvitationsParams struct {
	Organization string

	State  State // as of now: expired invitations are not pending
	Kind   Kind
	Role   Role   // at most 64 bytes
	Email  string // canonicalized first
	SentBy string // a user id

	// Limit is how many invitations a page has at most: 1 to 100; 0 is 50.
	Limit int
	// Cursor is where the page begins: [List].NextCursor of the page before, with the same
	// filters; empty: at the newest.
	Cursor string
}

// List returns an organization's invitations, newest first. The actor needs
// [PermissionInvitationList]. For System, an organization that does not exist has an empty
// list.
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
	records, next := cut(found.Items, limit, func(last Record) string {
		return encodeInvitationCursor(InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID})
	})
	page := List[Invitation]{Items: make([]Invitation, len(records)), NextCursor: next}
	for i, record := range records {
		page.Items[i] = record.Invitation.at(r.now)
	}
	return page, nil
}

// All returns an iterator over all that [Service.Invitations] would return page by page. It stops
// after the first error.
func (s *Service) AllInvitations(ctx context.Context, actor Actor, p InvitationsParams) iter.Seq2[Invitation, error] {
	return pages(p.Cursor, func(cursor string) ([]Invitation, string, error) {
		p.Cursor = cursor
		page, err := s.Invitations(ctx, actor, p)
		return page.Items, page.NextCursor, err
	})
}

// Get returns one invitation. The actor needs [PermissionInvitationList].
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
	record, err := r.reach(f, actor, PermissionInvitationList)
	return record.Invitation.at(r.now), err
}

// query checks p and returns what it asks of a store.
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
		return q, invalid("state", "is unknown")
	}
	switch p.Kind {
	case "", KindEmail, KindLink:
	default:
		return q, invalid("kind", "is unknown")
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
