package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/go-invitations/invitations"
)

// Feed implements [invitations.Store]. Positions are given in the order of the commits,
// because a change holds the write lock until its events are committed.
func (s *Store) Feed(ctx context.Context, after int64, limit int) (events []invitations.Event, err error) {
	const query = `select json_set(value, '$.position', position) from invitations_events
		where position > ?
		order by position
		limit 0 + ?`
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		events, err = all[invitations.Event](ctx, tx, query, after, limit)
		return err
	})
	return events, err
}
