package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

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

// nextDeleted selects the first deleted organization behind another one that may have rows left.
const nextDeleted = `select json_quote(id) from invitations_organizations
	where deleted and not purged and id > ?
	order by id
	limit 1`

// purgeDeleted are the statements for the other rows of one deleted organization. markPurged takes
// it off the list of nextDeleted if it has none left.
var purgeDeleted, markPurged = func() (statements []string, mark string) {
	mark = `update invitations_organizations set purged = 1 where id = :organization`
	for _, t := range []struct{ name, key string }{
		{"invitations_invitations", "id"},
		{"invitations_members", "user_id"},
		{"invitations_removals", "user_id"},
		{"invitations_quotas", "user_id"},
		{"invitations_closed_periods", "period, period_start, user_id"},
	} {
		statements = append(statements, strings.NewReplacer("{table}", t.name, "{key}", t.key).Replace(
			`delete from {table} where organization = :organization and ({key}) in (
				select {key} from {table} where organization = :organization limit 0 + :limit
			)`))
		mark += ` and not exists (select 1 from ` + t.name + ` where organization = :organization)`
	}
	return statements, mark
}()

// Purge implements [invitations.Store].
//
// A row that a constraint of the host keeps, such as a foreign key of another table, does not stop
// the purge of the others. Purge returns the error when it finds nothing else to delete.
func (s *Store) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	err = s.changeUnlocked(ctx, func(tx *sql.Tx) error {
		var refused error
		purge := func(statement string, arg sql.NamedArg) error {
			n, err := execCount(ctx, tx, statement, arg, sql.Named("limit", q.Limit-deleted))
			if errors.As(err, new(constraintError)) {
				refused, err = err, nil
			}
			deleted += n
			return err
		}
		before := sql.Named("before", instant(q.Before))
		if err := purge(purgeInvitations, before); err != nil {
			return err
		}
		if err := purge(purgeEvents, before); err != nil {
			return err
		}
		for after := ""; deleted < q.Limit; {
			id, err := first[string](ctx, tx, nextDeleted, after)
			if err != nil {
				return err
			}
			if id == nil {
				break
			}
			after = *id
			organization := sql.Named("organization", after)
			for _, statement := range purgeDeleted {
				if err := purge(statement, organization); err != nil {
					return err
				}
			}
			if err := exec(ctx, tx, markPurged, organization); err != nil {
				return err
			}
		}
		if deleted == 0 {
			return refused
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
