package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/go-invitations/invitations"
)

// These statements have the conditions of [invitations.PurgeQuery]. Events have positions from the
// start.
const (
	purgeInvitations = `delete from invitations_invitations where rowid in (
			select rowid from invitations_invitations where over_at < :before limit 0 + :limit
		)`
	purgeEvents = `delete from invitations_events where position in (
			select position from invitations_events where at < :before limit 0 + :limit
		)`
)

// purgeDeleted are the statements for the other rows of deleted organizations.
var purgeDeleted = []string{
	`delete from invitations_invitations where rowid in (select rowid from invitations_invitations` + ofDeleted,
	`delete from invitations_members where (organization, user_id) in (
			select organization, user_id from invitations_members` + ofDeleted,
	`delete from invitations_removals where (organization, user_id) in (
			select organization, user_id from invitations_removals` + ofDeleted,
	`delete from invitations_quotas where (organization, user_id) in (
			select organization, user_id from invitations_quotas` + ofDeleted,
	`delete from invitations_closed_periods where (organization, period, period_start, user_id) in (
			select organization, period, period_start, user_id from invitations_closed_periods` + ofDeleted,
}

const ofDeleted = `
			where organization in (select id from invitations_organizations where deleted)
			limit 0 + :limit
		)`

// Purge implements [invitations.Store].
func (s *Store) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	err = s.changeUnlocked(ctx, func(tx *sql.Tx) error {
		before := sql.Named("before", instant(q.Before))
		purge := func(statement string, args ...any) error {
			n, err := execCount(ctx, tx, statement, append(args, sql.Named("limit", q.Limit-deleted))...)
			deleted += n
			return err
		}
		if err := purge(purgeInvitations, before); err != nil {
			return err
		}
		if err := purge(purgeEvents, before); err != nil {
			return err
		}
		for _, statement := range purgeDeleted {
			if err := purge(statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
