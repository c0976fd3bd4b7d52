package invitations

import (
	"context"
	"iter"

	"github.com/google/uuid"
)

// TimelineParams are the parameters of [Service.Timeline].
type TimelineParams struct {
	Organization string
	Invitation   uuid.UUID // only events of this invitation; the zero UUID: of the organization
	NewestFirst  bool
	Limit        int    // events per page: 1 to 100; 0 means 50
	Cursor       string // NextCursor of the page before, with the same other fields; empty: start with the first
}

// Timeline returns one page of the events of an invitation or of an organization. The actor
// needs [PermissionInvitationList] and, for the whole organization, [PermissionMemberList].
// An invitation that the organization does not have has no events. For System, neither has
// an organization that does not exist.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Timeline(ctx context.Context, actor Actor, p TimelineParams) (List[Event], error) {
	if err := checkActing(actor, p.Organization); err != nil {
		return List[Event]{}, err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return List[Event]{}, err
	}
	q := EventQuery{
		Organization: p.Organization, Viewer: actor.user, Invitation: p.Invitation, NewestFirst: p.NewestFirst, Limit: limit + 1,
	}
	if q.After, err = decodeEventCursor(p.Cursor); err != nil {
		return List[Event]{}, err
	}
	found, err := s.store.Events(ctx, q)
	if err != nil {
		return List[Event]{}, err
	}
	r := s.rules()
	if err := r.mayView(found.Viewer, actor, PermissionInvitationList); err != nil {
		return List[Event]{}, err
	}
	if p.Invitation == uuid.Nil {
		if err := r.mayView(found.Viewer, actor, PermissionMemberList); err != nil {
			return List[Event]{}, err
		}
	}
	return list(found.Items, limit, func(last Event) string {
		return encodeEventCursor(EventPosition{Version: last.Version, Index: last.Index})
	}), nil
}

// AllEvents returns an iterator over all pages of [Service.Timeline]. It stops after the
// first error.
func (s *Service) AllEvents(ctx context.Context, actor Actor, p TimelineParams) iter.Seq2[Event, error] {
	return all(p.Cursor, func(cursor string) (List[Event], error) {
		p.Cursor = cursor
		return s.Timeline(ctx, actor, p)
	})
}
