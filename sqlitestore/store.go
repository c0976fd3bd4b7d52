// Package sqlitestore keeps invitations in a SQLite database file. It is the example of a store
// of your own: copy it as it is, or as the start of a store on another SQL database. It passes
// the suite of package storetest.
//
// SQLite has one writer at a time, so changes wait for each other, even those of different
// organizations. Reads wait for no change. Several processes may use the same file.
package sqlitestore

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"net/url"
	"runtime"
	"strings"

	"github.com/go-invitations/invitations"
)

//go:embed schema.sql
var schema string

// Store is an [invitations.Store] in a SQLite database file. It is safe for concurrent use.
type Store struct {
	write    *sql.DB // a single connection, for changes
	unlocked *sql.DB // for Sweep and Purge, which do not wait for the write lock
	read     *sql.DB // for all that changes nothing
}

var _ invitations.Store = (*Store)(nil)

// Open opens the store in the file at path. It creates the file if there is none. A change
// that has returned survives a loss of power.
func Open(ctx context.Context, path string) (*Store, error) {
	return open(ctx, path, "full")
}

// open is Open with a value for SQLite's setting synchronous. The tests turn it off, because
// their files need not survive a loss of power.
func open(ctx context.Context, path, synchronous string) (*Store, error) {
	s := &Store{
		// An immediate transaction takes the write lock before it reads. Otherwise two changes
		// could load the same facts, and the later one would have to fail.
		write: openPool(path,
			"_journal_mode=wal", "_synchronous="+synchronous, "_txlock=immediate", "_busy_timeout=5000"),
		unlocked: openPool(path, "_synchronous="+synchronous, "_txlock=immediate", "_busy_timeout=0"),
		read:     openPool(path, "_query_only=on", "_busy_timeout=5000"),
	}
	// Changes of this process queue in database/sql for the one connection. Only Sweep, Purge and
	// other processes make them wait for the lock itself, where the busy timeout is the bound.
	s.write.SetMaxOpenConns(1)
	// Reading is work for a processor, and opening a connection costs more than most reads.
	readers := runtime.GOMAXPROCS(0)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)

	err := change(ctx, s.write, func(tx *sql.Tx) error { return exec(ctx, tx, schema) })
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openPool returns a pool of connections to the file at path. It opens none of them yet.
func openPool(path string, settings ...string) *sql.DB {
	file := url.URL{Path: path}
	return sql.OpenDB(connector{dsn: "file:" + file.EscapedPath() + "?" + strings.Join(settings, "&")})
}

// Close closes the database. It must not be called while another call is in progress.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.unlocked.Close(), s.write.Close())
}

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return change(ctx, s.write, func(tx *sql.Tx) error {
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
	return change(ctx, s.write, func(tx *sql.Tx) error {
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
func (s *Store) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	var facts invitations.Facts
	err := snapshot(ctx, s.read, func(tx *sql.Tx) (err error) {
		facts, err = loadFacts(ctx, tx, q)
		return err
	})
	return facts, err
}

// change runs f in a transaction and commits it. If f returns an error or panics, the
// transaction is rolled back.
func change(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return storeError(ctx, err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(tx); err != nil {
		return err
	}
	return commitError(ctx, tx.Commit())
}

// changeUnlocked is change for work that must not wait. There is a single lock, so if another
// change has it, changeUnlocked leaves out all organizations and does nothing.
func (s *Store) changeUnlocked(ctx context.Context, f func(tx *sql.Tx) error) error {
	locked := false
	err := change(ctx, s.unlocked, func(tx *sql.Tx) error {
		locked = true
		return f(tx)
	})
	if !locked && errors.Is(err, invitations.ErrConcurrentChange) {
		return nil
	}
	return err
}

// snapshot runs f in a transaction that only reads, so that f sees a single instant.
func snapshot(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return storeError(ctx, err)
	}
	defer tx.Rollback() // there is nothing to commit
	return f(tx)
}

// snapshotOf is snapshot for one organization. It does not run f if the organization does not
// exist.
func (s *Store) snapshotOf(ctx context.Context, organization string, f func(tx *sql.Tx) error) error {
	return snapshot(ctx, s.read, func(tx *sql.Tx) error {
		org, err := loadOrganization(ctx, tx, organization)
		if err != nil || !org.exists() {
			return err
		}
		return f(tx)
	})
}
