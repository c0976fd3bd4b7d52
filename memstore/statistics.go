package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

// Statistics implements [invitations.Store].
func (s *Store) Statistics(
	ctx context.Context, q invitations.StatisticsQuery,
) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	if err := ctx.Err(); err != nil {
		return nil, statistics, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	viewer = org.member(q.Viewer)
	if q.Viewer == "" || viewer != nil && slices.Contains(q.Roles, viewer.Role) {
		statistics = q.Count(org.created(q.From, q.To))
	}
	return viewer, statistics, nil
}

// created returns the invitations that were created in a period, and their events.
func (o *organization) created(from, to time.Time) (records []invitations.Record, events []invitations.Event) {
	first := instantOf(from)
	for r := range o.invitations.ordered.of(only{}).up(func(e entry[invitations.Record]) bool { return e.rank >= first }) {
		if !r.CreatedAt.Before(to) {
			break
		}
		records = append(records, *r)
		for e := range o.events.byInvitation.of(r.ID).all() {
			events = append(events, *e)
		}
	}
	return records, events
}
