package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/go-invitations/invitations"
)

// storeError turns an error of the database into one of the contract. The driver's error becomes
// text and is not wrapped, because callers must not depend on it. That text quotes no
// argument: arguments are parameters of the statements, which SQLite does not repeat. Only a
// trigger of the host can put one into the text, with raise or in the error of a function. Both texts
// are left out.
func storeError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("invitations: sqlitestore: %w", ctx.Err())
	case isBusy(err):
		return fmt.Errorf("invitations: sqlitestore: %w: %v", invitations.ErrConcurrentChange, err)
	case code(err)&0xff == sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("invitations: sqlitestore: %w", constraintError(code(err)))
	case code(err) == sqlite3.SQLITE_ERROR && !strings.Contains(err.Error(), ": no such "):
		return fmt.Errorf("invitations: sqlitestore: SQLite error %d: a statement of the store or of a trigger", code(err))
	default:
		return fmt.Errorf("invitations: sqlitestore: %v", err)
	}
}

// A constraintError is SQLite's code of a constraint that refuses a row. The store has none that
// does, so it is one of the host.
type constraintError int

// Error returns a text without that of SQLite, which a trigger can write.
func (e constraintError) Error() string {
	return fmt.Sprintf("SQLite error %d: a constraint of the database", int(e))
}

// commitError turns the error of a commit into one of the contract.
func commitError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		isBusy(err), code(err)&0xff == sqlite3.SQLITE_CONSTRAINT:
		return storeError(ctx, err) // rolled back for certain
	default:
		return fmt.Errorf("invitations: sqlitestore: %w: %v", invitations.ErrOutcomeUnknown, err)
	}
}

// isBusy reports whether another connection has the lock that was needed. Connections that share a
// cache, which [Open] does not do, have locks of their own.
func isBusy(err error) bool {
	primary := code(err) & 0xff
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}

// code returns SQLite's code of an error, or 0. The upper bits of a code only say more about the
// reason.
func code(err error) int {
	var sqliteErr *sqlite.Error
	if !errors.As(err, &sqliteErr) {
		return 0
	}
	return sqliteErr.Code()
}
