package sqlitestore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/go-invitations/invitations"
)

// Statistics implements [invitations.Store].
func (s *Store) Statistics(
	ctx context.Context, q invitations.StatisticsQuery,
) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	const created = `select value from invitations_invitations
		where organization = ? and created_at >= ? and created_at < ?`
	const accepted = `select value from invitations_events where organization = ? and type = ?`
	err = s.snapshotOf(ctx, q.Organization, func(tx *sql.Tx) (err error) {
		viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		if q.Viewer != "" && (viewer == nil || !slices.Contains(q.Roles, viewer.Role)) {
			return nil // the service refuses this viewer
		}
		records, err := all[invitations.Record](ctx, tx, created, q.Organization, instant(q.From), instant(q.To))
		if err != nil {
			return err
		}
		events, err := all[invitations.Event](ctx, tx, accepted, q.Organization, invitations.EventInvitationAccepted)
		if err != nil {
			return err
		}
		statistics = q.Count(records, events)
		return nil
	})
	return viewer, statistics, err
}
