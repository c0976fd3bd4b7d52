package pgstore_test

import (
	"context"
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

func TestMigrate_ManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		schema := pgtest.Schema(t)
		errs := make([]error, 16)
		var ready, done sync.WaitGroup
		ready.Add(len(errs))
		barrier := make(chan struct{})
		for i := range errs {
			store := storeOn(t, connect(t), schema)
			done.Go(func() {
				ready.Done()
				<-barrier
				errs[i] = store.Migrate(context.Background())
			})
		}
		ready.Wait()
		close(barrier)
		done.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		_, err := storeOn(t, connect(t), schema).View(context.Background(), invitations.Query{Organization: acme})
		require.NoError(t, err)
	}
}

func TestMigrate_WaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	schema := pgtest.Schema(t)
	tx, err := connect(t).Begin(ctx)
	require.NoError(t, err)
	require.NoError(t, storeOn(t, tx, schema).Migrate(ctx)) // holds the lock until the transaction ends

	waiting, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer cancel()
		waitFor(t, `select exists (select from pg_locks where locktype = 'advisory' and not granted
			and (classid::bigint << 32 | objid::bigint) = hashtextextended('invitations migrations ' || $1::text, 0))`, schema)
	})
	err = storeOn(t, connect(t), schema).Migrate(waiting)
	require.ErrorIs(t, err, context.Canceled)
	done.Wait()

	require.NoError(t, tx.Rollback(ctx))
	store := storeOn(t, connect(t), schema)
	_, err = store.View(ctx, invitations.Query{Organization: acme})
	require.ErrorContains(t, err, "does not exist", "a rollback must leave nothing")
	require.NoError(t, store.Migrate(ctx))
	require.NoError(t, store.Migrate(ctx), "a second time")
}

func TestMigrations_AppliedByAnotherTool(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	schema := pgtest.Schema(t)
	files, err := pgstore.Migrations(schema)
	require.NoError(t, err)
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	conn := connect(t)
	for _, name := range names {
		sql, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		require.NotContains(t, string(sql), "{schema}")
		require.Contains(t, string(sql), ".migrations (version) values (", "%s records itself", name)
		_, err = conn.Exec(ctx, string(sql))
		require.NoError(t, err, name)
	}
	store := storeOn(t, conn, schema)
	require.NoError(t, store.Check(ctx))
	require.NoError(t, store.Migrate(ctx), "there is nothing left to apply")
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
}

func TestConfig_SchemaIsQuotedAndChecked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, name := range []string{
		`Mixed Case`, `quote"d`, `semi;colon`, `päth`, `a.b`, `'`, `$1`, `select`, `{schema}`, `{org}`, `{a}`,
	} {
		schema := pgtest.Schema(t) + name
		conn := connect(t)
		t.Cleanup(func() {
			_, err := connect(t).Exec(ctx, pgstore.SQL(schema, "drop schema {schema} cascade"))
			require.NoError(t, err)
		})
		store := storeOn(t, conn, schema)
		require.NoError(t, store.Migrate(ctx), name)
		require.NoError(t, store.Migrate(ctx), name)
		svc, err := invitations.New(store, keyring(t), invitations.Config{})
		require.NoError(t, err)
		_, err = svc.CreateOrganization(ctx, acme, ada)
		require.NoError(t, err, name)
		_, err = svc.Invitations(ctx, invitations.User(ada), invitations.InvitationsParams{Organization: acme})
		require.NoError(t, err, name)
	}
	for name, reason := range map[string]string{
		"pg_catalog":         "must not be one of PostgreSQL's own",
		"information_schema": "must not be one of PostgreSQL's own",
		"a\x00b":             "control character",
		"a\xffb":             "must be valid UTF-8",
		"sixty-four bytes ..............................................xx": "63 bytes",
	} {
		_, err := pgstore.NewWithConfig(connect(t), pgstore.Config{Schema: name})
		require.ErrorIs(t, err, invitations.ErrInvalid, name)
		require.ErrorContains(t, err, "schema", name)
		require.ErrorContains(t, err, reason, name)
		_, err = pgstore.Migrations(name)
		require.ErrorIs(t, err, invitations.ErrInvalid, name)
	}
}

// A distributed PostgreSQL can place each organization as a whole if there are no sequences and no
// foreign keys, and if the organization leads every table.
func TestMigrations_CanBeSharded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	schema := pgtest.Schema(t)
	conn := connect(t)
	require.NoError(t, storeOn(t, conn, schema).Migrate(ctx))
	var sequences, foreignKeys int
	counts := conn.QueryRow(ctx, `select
		(select count(*) from pg_class where relkind = 'S' and relnamespace = $1::regnamespace),
		(select count(*) from pg_constraint where contype = 'f' and connamespace = $1::regnamespace)`, schema)
	require.NoError(t, counts.Scan(&sequences, &foreignKeys))
	require.Zero(t, sequences)
	require.Zero(t, foreignKeys)
	rows, err := conn.Query(ctx, `select c.relname, a.attname, coalesce(l.collname, 'C')
		from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		left join pg_collation l on l.oid = a.attcollation
		where c.relkind = 'r' and c.relnamespace = $1::regnamespace order by c.relname, a.attnum`, schema)
	require.NoError(t, err)
	first := map[string]string{}
	for rows.Next() {
		var table, column, collation string
		require.NoError(t, rows.Scan(&table, &column, &collation))
		if _, ok := first[table]; !ok {
			first[table] = column
		}
		require.Equal(t, "C", collation, "%s.%s: texts must be compared byte for byte", table, column)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, map[string]string{
		"organizations": "id", "invitations": "organization", "members": "organization", "removals": "organization",
		"events": "organization", "quotas": "organization",
		"personal_quotas": "user_id", // of no organization
		"feed":            "last",    // written only by its readers
		"migrations":      "version",
	}, first)
}
