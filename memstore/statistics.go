package memstore

import (
	"context"
	"maps"
	"slices"

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
		var events []invitations.Event
		for _, e := range org.events {
			events = append(events, *e)
		}
		statistics = q.Count(slices.Collect(maps.Values(org.invitations)), events)
	}
	return viewer, statistics, nil
}
