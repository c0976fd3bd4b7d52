package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files that create the store's tables, for a host that migrates with
// its own tool. goose, golang-migrate, Atlas and SQLite's program sqlite3 apply the files as they
// are. They must be applied in the order of their names, which begin with a number.
//
// Each file records its version in the table invitations_migrations, so [Store.Check] and
// [Store.Migrate] know of it. Applied again, a file changes nothing. A released file never changes.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err)
	}
	return files
}

type migration struct {
	version int64
	sql     string
}

// allMigrations returns the migrations in order.
func allMigrations() []migration {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		panic(err)
	}
	var all []migration
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			panic(err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err)
		}
		all = append(all, migration{version, string(text)})
	}
	return all
}

// Migrate creates the store's tables, or brings them up to date, and then checks them as
// [Store.Check] does. Every process may call it at its start: one of them migrates, and the others
// wait for it. It also works in a transaction of the host. If everything is applied, it only reads.
//
// The names of all tables and indexes begin with "invitations_". Migrate returns an error if another
// program has a table of such a name that the store needs.
func (s *Store) Migrate(ctx context.Context) error {
	all := allMigrations()
	var version int64
	err := s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		version, err = appliedVersion(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if version < all[len(all)-1].version {
		if err := s.migrate(ctx, all); err != nil {
			return err
		}
	}
	return s.Check(ctx)
}

func (s *Store) migrate(ctx context.Context, all []migration) error {
	// A deferred transaction takes the write lock before it reads, like lock, but without a table.
	const lockFirst = `create table invitations_lock (a); drop table invitations_lock`
	apply := func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, lockFirst); err != nil {
			return storeError(ctx, err)
		}
		version, err := appliedVersion(ctx, tx) // another process may have migrated meanwhile
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.version <= version {
				continue
			}
			_, err := tx.ExecContext(ctx, m.sql)
			if code(err) == sqlite3.SQLITE_ERROR { // its text names a table, and has no argument
				return fmt.Errorf("invitations: sqlitestore: %v", err)
			}
			if err != nil {
				return storeError(ctx, err)
			}
		}
		return nil
	}
	if s.tx != nil {
		return apply(s.tx)
	}
	return s.transact(ctx, apply)
}

// Check returns an error if the store's tables are missing or of an older version, or if the
// database does not use the write-ahead log or UTF-8. A program that migrates with its own tool should call
// it at its start.
func (s *Store) Check(ctx context.Context) error {
	return s.snapshot(ctx, func(tx *sql.Tx) error {
		all := allMigrations()
		version, err := appliedVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version < all[len(all)-1].version {
			return errors.New("invitations: sqlitestore: the tables are missing or of an older version: migrate first")
		}
		var journal string
		if err := tx.QueryRowContext(ctx, `pragma journal_mode`).Scan(&journal); err != nil {
			return storeError(ctx, err)
		}
		if journal != "wal" {
			return errors.New("invitations: sqlitestore: the database must use the write-ahead log: open it with Open")
		}
		var encoding string
		if err := tx.QueryRowContext(ctx, `pragma encoding`).Scan(&encoding); err != nil {
			return storeError(ctx, err)
		}
		if encoding != "UTF-8" { // the order of texts is that of their bytes
			return errors.New("invitations: sqlitestore: the database must have the encoding UTF-8")
		}
		return nil
	})
}

// appliedVersion returns the version of the last migration that was applied, 0 for none.
func appliedVersion(ctx context.Context, tx *sql.Tx) (int64, error) {
	const exists = `select count(*) from sqlite_schema where type = 'table' and name = 'invitations_migrations'`
	const newest = `select coalesce(max(version), 0) from invitations_migrations`
	if n, err := number(ctx, tx, exists); err != nil || n == 0 {
		return 0, err
	}
	return number(ctx, tx, newest)
}
