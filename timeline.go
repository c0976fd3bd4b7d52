package invitations

import (
	"context"
	"iter"
	"math"

	"github.com/google/uuid"
)

// TimelineParams is what [Service.Timeline] takes.
type TimelineParams struct {
	Organization string
	Invitation   uuid.UUID // only of this invitation; the zero UUID: of the organization
	NewestFirst  bool      // otherwise the oldest comes first
	Limit        int       // events a page has at most: 1 to 100; 0 is 50
	// Cursor is where the page begins: [List].NextCursor of the page before, of the same
	// organization, invitation and order; empty: at the start.
	Cursor string
}

// Timeline returns what has happened to an invitation, or in an organization. The actor needs
// [PermissionInvitationList] and, for the whole organization, [PermissionMemberList] too.
// For System, what does not exist has no events; for others, an invitation that the
// organization does not have has none either.
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
	events, next := cut(found.Items, limit, func(last Event) string {
		return encodeEventCursor(EventPosition{Version: last.Version, Index: last.Index})
	})
	return List[Event]{Items: events, NextCursor: next}, nil
}

// AllEvents returns an iterator over all that [Service.Timeline] would return page by page. It
// stops after the first error.
func (s *Service) AllEvents(ctx context.Context, actor Actor, p TimelineParams) iter.Seq2[Event, error] {
	return pages(p.Cursor, func(cursor string) ([]Event, string, error) {
		p.Cursor = cursor
		list, err := s.Timeline(ctx, actor, p)
		return list.Items, list.NextCursor, err
	})
}

// Feed returns the next events of all organizations, for a host that follows all that happens:
// to index it, to tell others, to keep it elsewhere. Like [Service.Member] it is the host's
// own read.
//
// Whoever keeps the position of the last event that they took, in one step with what they made
// of it, and asks again after it, misses no event and takes none twice, although changes of
// different organizations commit in any order: an event is given its position only after it
// has committed, and a higher one than all that were given before. In an organization the
// events come in their order. No event at all means that there is nothing new. A database that
// loses commits, in a failover or when an old copy is restored, gives their positions again.
//
// Refusals: [ErrInvalid].
func (s *Service) Feed(ctx context.Context, after int64, limit int) ([]Event, error) {
	limit, err := pageLimit(limit)
	if err != nil {
		return nil, err
	}
	if after < 0 || after == math.MaxInt64 {
		return nil, invalid("after", "is no position")
	}
	events, err := s.store.Feed(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	return append([]Event{}, events...), nil
}
