package memstore

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	var page invitations.Page[invitations.Event]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	// Upwards the page begins behind q.After, and downwards before it.
	var after invitations.Event
	if q.After != nil {
		after.Version, after.Index = q.After.Version, q.After.Index
	}
	begins := func(e entry[invitations.Event]) bool { return q.After == nil || byVersion.compare(e.row, &after) > 0 }
	if q.NewestFirst {
		begins = func(e entry[invitations.Event]) bool { return q.After != nil && byVersion.compare(e.row, &after) >= 0 }
	}
	for e := range merge(org.events.lists(&q), q.NewestFirst, begins) {
		if len(page.Items) == q.Limit {
			break
		}
		if hasEvent(&q, e) {
			event := e.Clone()
			event.Position = 0
			page.Items = append(page.Items, event)
		}
	}
	return page, nil
}

// lists returns lists that together have all events that q asks for: the shortest that its
// filters name.
func (t *eventRows) lists(q *invitations.EventQuery) []*list[invitations.Event] {
	best := []*list[invitations.Event]{t.ordered.of(only{})}
	if q.Invitation != uuid.Nil {
		best = shorter(best, []*list[invitations.Event]{t.byInvitation.of(q.Invitation)})
	}
	if q.Actor != "" {
		best = shorter(best, []*list[invitations.Event]{t.byActor.of(q.Actor)})
	}
	if len(q.Types) > 0 {
		var found []*list[invitations.Event]
		for _, kind := range q.Types {
			found = append(found, t.byType.of(kind))
		}
		best = shorter(best, found)
	}
	if q.From.IsZero() && q.To.IsZero() {
		return best
	}
	from := func(e entry[invitations.Event]) bool { return !e.row.At.Before(q.From) }
	n := t.byTime.of(only{}).countFrom(from)
	if !q.To.IsZero() {
		n -= t.byTime.of(only{}).countFrom(func(e entry[invitations.Event]) bool { return !e.row.At.Before(q.To) })
	}
	if !isFew(n, q.Limit, best) {
		return best
	}
	period := newList(byVersion)
	for e := range t.byTime.of(only{}).up(from) {
		if !q.To.IsZero() && !e.At.Before(q.To) {
			break
		}
		period.add(e)
	}
	return []*list[invitations.Event]{period}
}

// hasEvent reports whether e passes the filters of q.
func hasEvent(q *invitations.EventQuery, e *invitations.Event) bool {
	return (q.Invitation == uuid.Nil || q.Invitation == e.InvitationID) &&
		(q.Actor == "" || q.Actor == e.Actor) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, e.Type)) &&
		!e.At.Before(q.From) && (q.To.IsZero() || e.At.Before(q.To))
}
