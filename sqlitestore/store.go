// Package sqlitestore keeps invitations in a SQLite database file, for programs without a
// database server. It is also the model for a store of your own.
//
//	db, err := sqlitestore.Open("app.db")
//	store := sqlitestore.New(db)
//	err = store.Migrate(ctx)
//
// SQLite has one writer at a time, so changes wait for each other, even those of different
// organizations. Reads do not wait for changes. Several processes on one machine can use the same file. The
// file must not be on a network file system.
//
// # Durability
//
// A change that has returned survives a crash of the program and a loss of power: [Open] sets
// synchronous to FULL, so each commit waits for the disk. A crash leaves no change half done.
//
// # Transactions of the host
//
// [Store.WithTx] returns a store that works in a transaction of the host. Its changes are
// committed together with the host's own. The store does not begin, commit or roll back such a
// transaction:
//
//   - The transaction must be begun immediate, as DB.BeginTx of a database of [Open] does unless
//     it is told ReadOnly. It then has the write lock before it reads anything. In a deferred one
//     that has read already, a concurrent change causes an [invitations.ErrConcurrentChange].
//   - All other changes wait until the host ends the transaction, which should be soon. The host
//     must not call a store outside of the transaction before that.
//   - A refusal leaves the transaction usable. After any other error the host must roll back.
//   - Only one goroutine at a time may use the transaction and the stores of it.
//   - Sweep and Purge should have no transaction of the host: its beginning waits for the lock.
//   - Feed shows events of the transaction that are not committed yet. Their positions count only
//     after the commit.
//
// # Waiting
//
// The changes of a database handle wait in the order of their calls, as do the transactions that the
// host begins. They wait as long as their contexts last, so these should have a deadline. A change
// waits up to 5 seconds for another process, and then returns an [invitations.ErrConcurrentChange]. Of the reads, 16 run at once. An
// operation that waits needs no connection. The store starts no goroutines.
package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/go-invitations/invitations"
)

// Store is an [invitations.Store] in a SQLite database file. It is safe for concurrent use.
type Store struct {
	db        *sql.DB
	connector *connector // of db; empty if db is not from Open
	tx        *sql.Tx    // a transaction of the host, or nil
}

var _ invitations.Store = (*Store)(nil)

// New returns a Store on db, which should come from [Open]. Another database of the driver
// modernc.org/sqlite must use the write-ahead log, which [Store.Check] checks, and should have a
// busy timeout and immediate transactions. On such a one, Sweep and Purge wait for the write lock.
func New(db *sql.DB) *Store {
	s := &Store{db: db, connector: &connector{}}
	if db != nil { // without one, s is for WithTx only
		if d, ok := db.Driver().(connectorDriver); ok {
			s.connector = d.connector
		}
	}
	return s
}

// WithTx returns a copy of s that works in the host's transaction tx, which must be begun
// immediate. The documentation of the package says how to begin it.
func (s *Store) WithTx(tx *sql.Tx) *Store { return &Store{db: s.db, connector: s.connector, tx: tx} }

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		facts, err := loadFacts(ctx, tx, q)
		if err != nil {
			return err
		}
		return decideAndApply(ctx, tx, q.Organization, facts, decide)
	})
}

// Create implements [invitations.Store]. The write lock serializes Creates, because it covers
// all organizations, also one that does not exist yet.
func (s *Store) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		org, err := loadOrganization(ctx, tx, q.Organization)
		if err != nil {
			return err
		}
		facts := invitations.Facts{Organization: q.Organization, Version: org.version, Deleted: org.deleted}
		if org.exists() {
			if facts, err = loadFacts(ctx, tx, q); err != nil {
				return err
			}
		}
		return decideAndApply(ctx, tx, q.Organization, facts, decide)
	})
}

func decideAndApply(
	ctx context.Context, tx *sql.Tx, organization string, facts invitations.Facts, decide invitations.Decision,
) error {
	changes, err := decide(facts)
	if err != nil {
		return err
	}
	return apply(ctx, tx, organization, facts.Version+1, changes)
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (facts invitations.Facts, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		facts, err = loadFacts(ctx, tx, q)
		return err
	})
	return facts, err
}
