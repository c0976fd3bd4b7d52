package pgstore_test

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
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
	pool := newPool(t, nil)
	apply(t, pool, schema)
	store := storeOn(t, pool, schema)
	require.NoError(t, store.Check(ctx))
	require.NoError(t, store.Migrate(ctx), "there is nothing left to apply")
	newSQLScript(t).run(t, store)
}

func TestMigrations_Files(t *testing.T) {
	t.Parallel()
	files, err := pgstore.Migrations("the schema")
	require.NoError(t, err)
	names, err := fs.Glob(files, "*")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for i, name := range names {
		require.Regexp(t, fmt.Sprintf(`^%04d_[a-z_]+\.up\.sql$`, i+1), name)
		sql, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(sql), "-- +goose Up\n"), name)
		require.NotContains(t, string(sql), "{schema}", name)
		require.NotContains(t, string(sql), "{'schema'}", name)
		require.Contains(t, string(sql), fmt.Sprintf(".migrations (version) values (%d)", i+1), "%s records itself", name)
	}
}

// A tool may apply a file that Migrate or another tool has applied already.
func TestMigrations_AppliedAgainChangeNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	schema := pgtest.Schema(t)
	pool := newPool(t, nil)
	store := storeOn(t, pool, schema)
	require.NoError(t, store.Migrate(ctx))
	newSQLScript(t).run(t, store)
	relations, rows := relationsOf(t, schema), rowsOf(t, schema)
	require.NotEmpty(t, relations)
	require.NotEmpty(t, rows)
	apply(t, pool, schema)
	require.Equal(t, relations, relationsOf(t, schema))
	require.Equal(t, rows, rowsOf(t, schema))

	// psql without a transaction can be interrupted between two statements.
	interrupted := pgtest.Schema(t)
	exec(t, interrupted, "create schema {schema}; create table {schema}.migrations (version integer not null primary key);"+
		"create table {schema}.personal_quotas (like "+pgstore.SQL(schema, "{schema}.personal_quotas")+" including all)")
	require.NoError(t, storeOn(t, pool, interrupted).Migrate(ctx))
	require.Equal(t, strings.ReplaceAll(relations, schema, "S"), strings.ReplaceAll(relationsOf(t, interrupted), interrupted, "S"))
}

// relationsOf describes the tables and indexes of a schema.
func relationsOf(t *testing.T, schema string) (description string) {
	t.Helper()
	err := connect(t).QueryRow(context.Background(), `select string_agg(r.line, E'\n' order by r.line) from (
		select format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation) as line
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
		where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'
		union all select indexdef from pg_indexes where schemaname = $1::text
		union all select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
			where connamespace = $1::text::regnamespace and contype <> 'n') as r`, schema).Scan(&description)
	require.NoError(t, err)
	return description
}

// rowsOf returns the number of rows of each table of a schema.
func rowsOf(t *testing.T, schema string) map[string]int {
	t.Helper()
	ctx := context.Background()
	conn := connect(t)
	rows, err := conn.Query(ctx, `select relname from pg_class where relnamespace = $1::text::regnamespace and relkind = 'r'`, schema)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	counts := map[string]int{}
	for _, table := range tables {
		var count int
		require.NoError(t, conn.QueryRow(ctx, pgstore.SQL(schema, "select count(*) from {schema}."+table)).Scan(&count))
		counts[table] = count
	}
	return counts
}

func TestMigrate_RefusesTablesOfAnotherProgram(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	exec(t, schema, "create schema {schema}; create table {schema}.members (name text)")
	err := storeOn(t, connect(t), schema).Migrate(context.Background())
	require.ErrorContains(t, err, "the schema has a table members of another program")
	require.Equal(t, map[string]int{"members": 0}, rowsOf(t, schema))
}

func TestConfig_SchemaIsQuotedAndChecked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, name := range []string{
		`Mixed Case`, `quote"d`, `it's`, `back\slash'`, `$$`, `semi;colon`, `päth`, `a.b`, `'`, `$1`, `select`, `{schema}`, `{org}`, `{a}`,
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
		"a$do$b":             "must not contain $do$",
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
		"events": "organization", "quotas": "organization", "closed_usage": "organization",
		"personal_quotas": "user_id", // of no organization
		"feed":            "last",    // written only by its readers
		"migrations":      "version",
	}, first)

	// Each shard would have to ask all others about a unique key without the organization.
	rows, err = conn.Query(ctx, `select i.indexrelid::regclass::text from pg_index i
		join pg_class c on c.oid = i.indrelid
		where c.relnamespace = $1::regnamespace and (i.indisunique or i.indisexclusion)
			and c.relname not in ('personal_quotas', 'feed', 'migrations')
			and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
				and a.attname = case c.relname when 'organizations' then 'id' else 'organization' end)`, schema)
	require.NoError(t, err)
	unique, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, unique, "unique indexes without the organization")
}

// Some engines hash the first column of an index unless its order is spelt out. Then the index has no
// order across organizations.
func TestMigrations_SpellOutTheOrderOfIndexes(t *testing.T) {
	t.Parallel()
	files, err := pgstore.Migrations("invitations")
	require.NoError(t, err)
	paths, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	indexes := 0
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?s)create [^;]*?index if not exists (\w+) on [^;(]*\(([^;]*);`).FindAllStringSubmatch(string(text), -1) {
			indexes++
			organizationFirst := strings.HasPrefix(m[2], "organization,") && m[1] != "events_unnumbered" // read in its order by the feed
			first := regexp.MustCompile(`^(\w+|\(.*\)) (asc|desc)\b`).MatchString(m[2])
			require.True(t, organizationFirst || first, "%s: the order of the first column must be spelt out", m[1])
		}
	}
	require.Greater(t, indexes, 25)
}
