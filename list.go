package invitations

import (
	"context"
	"encoding/base64"
	"iter"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/cryptobyte"
)

// ListParams is what [Service.List] takes. An empty filter lets everything pass.
type ListParams struct {
	Organization string

	State  State // as of now: expired invitations are not pending
	Kind   Kind
	Role   Role   // at most 64 bytes
	Email  string // canonicalized first
	SentBy string // a user id

	// Limit is how many invitations a page has at most: 1 to 100; 0 is 50.
	Limit int
	// Cursor is where the page begins: [Page].Next of the page before, with the same
	// filters; empty: at the newest.
	Cursor string
}

// A Page is a part of a list.
type Page struct {
	Invitations []Invitation `json:"invitations"`
	Next        string       `json:"next,omitempty"` // cursor of the next page; empty on the last
}

// List returns an organization's invitations, newest first. The actor needs
// [PermissionInvitationList]. For System, an organization that does not exist has an empty
// list.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) List(ctx context.Context, actor Actor, p ListParams) (Page, error) {
	r := s.rules()
	q, err := p.query(actor, r.now)
	if err != nil {
		return Page{}, err
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	found, err := s.store.Invitations(ctx, q)
	if err != nil {
		return Page{}, err
	}
	if err := r.mayView(found.Viewer, actor, PermissionInvitationList); err != nil {
		return Page{}, err
	}
	page := Page{Invitations: make([]Invitation, 0, min(len(found.Records), limit))}
	for i, record := range found.Records {
		if i == limit {
			last := page.Invitations[limit-1]
			page.Next = encodeCursor(InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID})
			break
		}
		page.Invitations = append(page.Invitations, record.Invitation.at(r.now))
	}
	return page, nil
}

// All returns an iterator over all that [Service.List] would return page by page. It stops
// after the first error.
func (s *Service) All(ctx context.Context, actor Actor, p ListParams) iter.Seq2[Invitation, error] {
	return func(yield func(Invitation, error) bool) {
		p := p // a second range begins where the first did
		for {
			page, err := s.List(ctx, actor, p)
			if err != nil {
				yield(Invitation{}, err)
				return
			}
			for _, inv := range page.Invitations {
				if !yield(inv, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			p.Cursor = page.Next
		}
	}
}

// Get returns one invitation. The actor needs [PermissionInvitationList].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound].
func (s *Service) Get(ctx context.Context, actor Actor, organization string, id uuid.UUID) (Invitation, error) {
	if err := checkNamed(actor, organization, id); err != nil {
		return Invitation{}, err
	}
	r := s.rules()
	f, err := s.store.View(ctx, Query{Organization: organization, Invitation: id, Members: actor.members()})
	if err != nil {
		return Invitation{}, err
	}
	record, err := r.mayTouch(f, actor, PermissionInvitationList)
	return record.Invitation.at(r.now), err
}

// query checks p and returns what it asks of a store.
func (p ListParams) query(actor Actor, now time.Time) (InvitationQuery, error) {
	q := InvitationQuery{
		Organization: p.Organization, Viewer: actor.user,
		State: p.State, At: now, Kind: p.Kind, Role: p.Role, SentBy: p.SentBy, Limit: p.Limit,
	}
	if err := actor.check(); err != nil {
		return q, err
	}
	if err := checkOrganization(p.Organization); err != nil {
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
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Limit < 1 || q.Limit > maxPage {
		return q, invalid("limit", "is not between 1 and 100")
	}
	if p.Cursor != "" {
		if q.After, err = decodeCursor(p.Cursor); err != nil {
			return q, err
		}
	}
	return q, nil
}

// The binary form of a cursor, of fixed width: version 1 | microseconds since 1970 8 |
// invitation id 16, and 2 zero bytes that make it a whole number of base64 groups. It is a
// position and nothing else: the organization and the permission to read it come from the
// call, so a forged cursor shows nothing more.
const (
	cursorVersion = 1
	cursorBinary  = 27
	cursorLen     = cursorBinary / 3 * 4
)

var cursorEncoding = base64.RawURLEncoding.Strict()

func encodeCursor(p InvitationPosition) string {
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, cursorBinary))
	b.AddUint8(cursorVersion)
	b.AddUint64(uint64(p.CreatedAt.UnixMicro()))
	b.AddBytes(p.ID[:])
	b.AddUint16(0)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

func decodeCursor(cursor string) (*InvitationPosition, error) {
	refused := invalid("cursor", "is not one of this list")
	if len(cursor) != cursorLen {
		return nil, refused
	}
	binary, err := cursorEncoding.DecodeString(cursor)
	if err != nil {
		return nil, refused
	}
	var p InvitationPosition
	var version uint8
	var micros uint64
	var zero uint16
	s := cryptobyte.String(binary)
	if !s.ReadUint8(&version) || !s.ReadUint64(&micros) || !s.CopyBytes(p.ID[:]) || !s.ReadUint16(&zero) ||
		!s.Empty() || version != cursorVersion || zero != 0 {
		return nil, refused
	}
	p.CreatedAt = time.UnixMicro(int64(micros)).UTC()
	if year := p.CreatedAt.Year(); year < 1 || year > 9999 {
		return nil, refused // further than all stores can keep
	}
	return &p, nil
}
