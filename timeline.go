package invitations

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"
)

// TimelineParams are the parameters of [Service.Timeline].
type TimelineParams struct {
	Organization string
	Invitation   uuid.UUID // only events of this invitation; the zero UUID: of the organization

	Actor string      // only events of this user; empty: of all
	Types []EventType // only events of these types; empty: of all
	// From and To are the period: at or after From, and before To, both truncated to
	// microseconds. A zero From means the beginning, a zero To no end.
	From, To time.Time

	NewestFirst bool
	Limit       int    // events per page: 1 to 100; 0 means 50
	Cursor      string // NextCursor of the page before, with the same other fields; empty: start with the first
}

// Timeline returns one page of the events of an invitation or of an organization. The actor needs
// [PermissionInvitationList] and, for the whole organization, [PermissionMemberList]. An
// invitation that the organization does not have has no events. For System, the timeline of an
// organization that does not exist is empty. The filters apply together. A page of a period reads
// the events between its end and the place where the page starts, too.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Timeline(ctx context.Context, actor Actor, p TimelineParams) (_ List[Event], err error) {
	ctx, op := s.observe(ctx, "Timeline")
	defer op.end(&err)
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
	if p.Actor != "" {
		if err := checkUser("actor", p.Actor); err != nil {
			return List[Event]{}, err
		}
		q.Actor = p.Actor
	}
	for _, t := range p.Types {
		if !slices.Contains(eventTypes, t) {
			return List[Event]{}, invalid("types", "unknown_value", "must be known types of events")
		}
	}
	q.Types = slices.Compact(slices.Sorted(slices.Values(p.Types)))
	if q.From, q.To, err = period(p.From, p.To); err != nil {
		return List[Event]{}, err
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
