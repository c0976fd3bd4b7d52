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
	org := s.find(q.Organization)
	org.mu.RLock()
	defer org.mu.RUnlock()
	viewer = org.member(q.Viewer)
	if q.Viewer == "" || viewer != nil && slices.Contains(q.Roles, viewer.Role) {
		statistics = q.Count(slices.Collect(maps.Values(org.invitations)), org.events)
	}
	return viewer, statistics, nil
}
