package invitations

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// InvitationsParams are the parameters of [Service.Invitations]. An empty filter selects
// everything. The filters apply together.
type InvitationsParams struct {
	Organization string // may be empty for System with an Email: all organizations

	States []State // as of now: an expired invitation is not pending
	Kind   Kind
	Role   Role   // at most 64 bytes
	Email  string // see [CanonicalEmail]
	SentBy string // a user ID
	// EmailContains searches for addresses that contain this text, at most 254 bytes, in upper or
	// lower case. One call searches the next 1,000 invitations that pass the other filters. So a
	// page with a NextCursor may have fewer than Limit invitations, and even none.
	EmailContains string

	Limit  int    // invitations per page: 1 to 100; 0 means 50
	Cursor string // NextCursor of the page before, with the same filters; empty: start with the newest
}

// Invitations returns one page of an organization's invitations, the newest first. The actor
// needs [PermissionInvitationList]. For System, an organization that does not exist has no
// invitations. A host's support, as System, lists the invitations for an address in all
// organizations by an Email without an Organization. States are then the only other filter.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Invitations(ctx context.Context, actor Actor, p InvitationsParams) (_ List[Invitation], err error) {
	ctx, op := s.observe(ctx, "Invitations")
	defer op.end(&err)
	r := s.rules()
	q, err := p.query(actor, r.now)
	if err != nil {
		return List[Invitation]{}, err
	}
	limit := q.Limit
	if p.EmailContains != "" {
		q.Limit = searchDepth
	}
	q.Limit++ // one more tells whether there is a next page
	found, err := s.store.Invitations(ctx, q)
	if err != nil {
		return List[Invitation]{}, err
	}
	if err := r.mayView(found.Viewer, actor, PermissionInvitationList); err != nil {
		return List[Invitation]{}, err
	}
	if q.Organization == "" {
		for _, record := range found.Items {
			if checkOrganization(record.Organization) != nil {
				return List[Invitation]{}, errForeignID
			}
		}
	}
	records := search(found.Items, strings.ToLower(p.EmailContains), limit, q)
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
func (s *Service) Invitation(ctx context.Context, actor Actor, organization string, id uuid.UUID) (_ Invitation, err error) {
	ctx, op := s.observe(ctx, "Invitation")
	defer op.end(&err)
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
		At: now, Kind: p.Kind, Role: p.Role, SentBy: p.SentBy,
	}
	if err := p.checkScope(actor); err != nil {
		return q, err
	}
	for _, state := range p.States {
		switch state {
		case StatePending, StateAccepted, StateDeclined, StateRevoked, StateExpired:
		default:
			return q, invalid("states", "unknown_value", "must be known states")
		}
	}
	q.States = slices.Compact(slices.Sorted(slices.Values(p.States)))
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
	if p.EmailContains != "" {
		if err := checkName("email_contains", p.EmailContains, maxEmailBytes); err != nil {
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
	q.After, err = q.position(p.Cursor)
	return q, err
}

// checkScope checks the actor and the organization, or the search in all organizations.
func (p InvitationsParams) checkScope(actor Actor) error {
	switch {
	case p.Email != "" && p.EmailContains != "":
		return invalid("email_contains", "excluded", "must be empty if email is set", "field", "email")
	case p.Organization != "" || !actor.unlimited() || p.Email == "":
		return checkActing(actor, p.Organization)
	case p.Kind != "" || p.Role != "" || p.SentBy != "":
		return invalid("organization", "required", "must not be empty with a filter other than email and states")
	}
	return nil
}

// position returns the place in a cursor of this list, or nil for an empty cursor.
func (q InvitationQuery) position(cursor string) (*InvitationPosition, error) {
	if q.Organization == "" {
		return decodeOfferCursor(cursor)
	}
	return decodeInvitationCursor(cursor)
}

// cursor returns the cursor that continues this list after a record.
func (q InvitationQuery) cursor(last Record) string {
	p := InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID}
	if q.Organization == "" {
		p.Organization = last.Organization
		return encodeOfferCursor(p)
	}
	return encodeInvitationCursor(p)
}

// searchDepth is the number of invitations that one call searches for a part of an address. It
// bounds the cost of a search that finds nothing. An index of every part of every address would
// cost more, in every invitation.
const searchDepth = 1000

// search returns the page of the found invitations whose addresses contain the part. The query has
// found one more than the page may cover if there are more.
func search(found []Record, part string, limit int, q InvitationQuery) List[Record] {
	if part == "" {
		return list(found, limit, q.cursor)
	}
	var page List[Record]
	for i, record := range found {
		if len(page.Items) == limit || i == q.Limit-1 {
			page.NextCursor = q.cursor(found[i-1])
			break
		}
		if strings.Contains(record.Email, part) {
			page.Items = append(page.Items, record)
		}
	}
	return page
}
