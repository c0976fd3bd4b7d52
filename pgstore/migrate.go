package pgstore

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files that create the store's tables, for a host that migrates with
// its own tool. schema is as in [Config]. goose, golang-migrate, tern and psql apply the files as
// they are. They must be applied in the order of their names, which begin with a number.
//
// Each file records its version in the table migrations, so [Store.Check] and [Store.Migrate]
// know of it. Applied again, a file changes nothing. A released file never changes.
func Migrations(schema string) (fs.FS, error) {
	schema, err := checkSchema(schema)
	if err != nil {
		return nil, err
	}
	// A zip archive in memory is the standard library's way to make a file system.
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, m := range render(schema) {
		f, err := w.Create(m.name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(m.sql)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
}

type migration struct {
	version int
	name    string
	sql     string
}

// render returns all migrations of a schema, in order.
func render(schema string) []migration {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		panic(err)
	}
	var all []migration
	for _, name := range names {
		sql, err := migrations.ReadFile(name)
		if err != nil {
			panic(err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			panic(err)
		}
		all = append(all, migration{version, path.Base(name), inSchema(schema, string(sql))})
	}
	return all
}

// Migrate creates the store's schema and tables, or brings them up to date, and then checks them
// as [Store.Check] does, except for the organizations without members. Every process may call it
// at its start: one of them migrates, the others wait for it as long as their ctx lasts. It keeps
// the applied versions in the table migrations of the store's schema. It also works in a
// transaction of the host.
//
// If the schema exists, Migrate needs no privilege on the database. If everything is applied, it
// only reads.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx, render(s.schema)); err != nil {
		return s.describe("migrating", err)
	}
	return s.describe("checking", s.checkTables(ctx))
}

func (s *Store) migrate(ctx context.Context, all []migration) error {
	// Most calls find that everything is applied, and need no lock to see it.
	if version, err := s.appliedVersion(ctx, s.db); err != nil || version >= all[len(all)-1].version {
		return err
	}
	db, ok := s.db.(database)
	if !ok {
		return s.apply(ctx, s.db.(hostTx), all)
	}
	// A file locks one table, so it cannot deadlock with a program that is running. Two files in one
	// transaction could.
	for _, m := range all {
		err := s.repeat(ctx, func() error {
			return db.transact(ctx, func(tx hostTx) error { return s.apply(ctx, tx, []migration{m}) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// apply applies the migrations that are missing.
func (s *Store) apply(ctx context.Context, tx hostTx, all []migration) error {
	// The lock is the transaction's, because a session may be shared behind a pooler. It covers
	// everything, because two transactions that create the same schema fail in spite of
	// "if not exists".
	var b pgx.Batch
	b.Queue("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1::text, 0::bigint))",
		"invitations migrations "+s.schema)
	if err := tx.send(ctx, &b); err != nil {
		return err
	}
	version, err := s.appliedVersion(ctx, tx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.version <= version {
			continue
		}
		if err := tx.script(ctx, m.sql); err != nil { // its last statement records the version
			return err
		}
	}
	return nil
}

// appliedVersion returns the version of the last migration that was applied, 0 for none.
func (s *Store) appliedVersion(ctx context.Context, db carrier) (version int, err error) {
	exists := false
	var b pgx.Batch
	st := s.statement()
	// to_regclass would be shorter, but in a transaction it may answer from a cache that is
	// older than the lock.
	st.text(`select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = `, st.param("text", s.schema), ` and c.relname = 'migrations')`)
	st.targets = []any{&exists}
	st.collect(&b, func() {})
	if err := db.send(ctx, &b); err != nil || !exists {
		return 0, err
	}
	b = pgx.Batch{}
	st = s.statement()
	st.text("select coalesce(pg_catalog.max(version), 0) from ", s.in, "migrations")
	st.targets = []any{&version}
	st.collect(&b, func() {})
	err = db.send(ctx, &b)
	return version, err
}
