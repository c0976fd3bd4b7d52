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

// Migrations returns the SQL files that make the store's tables in the schema that [Config]
// would name so, for a host's own migration tool. Their names begin with a number and sort
// in the order in which they are to be applied, each once. A file is never changed after
// its release. Use either this or [Store.Migrate], not both.
func Migrations(schema string) (fs.FS, error) {
	schema, err := checkSchema(schema)
	if err != nil {
		return nil, err
	}
	// A zip archive in memory is the standard library's file system of generated files.
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

// render returns all migrations for a schema, in order.
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

// Migrate creates the store's schema and tables, or brings them up to date. It is safe to
// call at every start of every process: one of them migrates, the others wait for it, no
// longer than ctx lasts. It keeps its own account in the table migrations of the store's
// schema, and works inside a host's transaction too. It ends with [Store.Check].
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return s.describe("migrating", err)
	}
	return s.Check(ctx)
}

func (s *Store) migrate(ctx context.Context) error {
	all := render(s.schema)
	// Most starts find all done, and need no lock to see it.
	if version, err := s.migrated(ctx, s.db); err != nil || version >= all[len(all)-1].version {
		return err
	}
	tx, mine := s.db.(pgx.Tx)
	if !mine {
		var b pgx.Batch
		b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		begun, results, err := s.begin(ctx, &b)
		if err != nil {
			return err
		}
		defer rollback(ctx, begun)
		if err := results.Close(); err != nil {
			return err
		}
		tx = begun
	}
	// A lock of the transaction, not of the session, which may sit behind a pooler; and
	// around everything, for "if not exists" alone is not safe when two transactions create
	// the same.
	if _, err := tx.Exec(ctx, "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1::text, 0::bigint))", "invitations migrations "+s.schema); err != nil {
		return err
	}
	version, err := s.migrated(ctx, tx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.version <= version {
			continue
		}
		// Many statements at once: they go by the simple protocol, without arguments.
		if _, err := tx.Conn().PgConn().Exec(ctx, m.sql).ReadAll(); err != nil {
			return err
		}
		if m.version == 1 { // which has made the schema
			if _, err := tx.Exec(ctx, s.sql("create table {schema}.migrations (version integer not null primary key)")); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, s.sql("insert into {schema}.migrations (version) values ($1::integer)"), m.version); err != nil {
			return err
		}
	}
	if mine {
		return nil
	}
	return tx.Commit(ctx)
}

// migrated returns the last migration that was applied, 0 for none.
func (s *Store) migrated(ctx context.Context, db DB) (version int, err error) {
	exists := false
	var b pgx.Batch
	// The catalog's table is read, and not to_regclass asked: within a transaction that may
	// answer from a cache older than the lock.
	b.Queue(`select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1::text and c.relname = 'migrations')`, s.schema).QueryRow(func(row pgx.Row) error {
		return row.Scan(&exists)
	})
	if err := db.SendBatch(ctx, &b).Close(); err != nil || !exists {
		return 0, err
	}
	b = pgx.Batch{}
	b.Queue(s.sql("select coalesce(pg_catalog.max(version), 0) from {schema}.migrations")).QueryRow(func(row pgx.Row) error {
		return row.Scan(&version)
	})
	return version, db.SendBatch(ctx, &b).Close()
}
