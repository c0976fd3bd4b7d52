package pgstore_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// newRole returns a new role without any privileges of its own.
func newRole(t *testing.T) string {
	t.Helper()
	role := pgtest.Schema(t) // a name that is not taken
	exec(t, role, "create role {schema} nologin")
	t.Cleanup(func() { exec(t, role, "drop owned by {schema} cascade; drop role {schema}") })
	var mayCreate bool
	require.NoError(t, connect(t).QueryRow(context.Background(),
		"select has_database_privilege($1::text, current_database(), 'CREATE')", role).Scan(&mayCreate))
	require.False(t, mayCreate)
	return role
}

// newPoolAs returns a pool whose sessions have the privileges of a role.
func newPoolAs(t *testing.T, role string) *pgxpool.Pool {
	t.Helper()
	return newPool(t, func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "set role "+pgx.Identifier{role}.Sanitize())
			return err
		}
	})
}

// An administrator has made the schema. The role that migrates has no privilege on the database.
func TestMigrate_NeedsPrivilegesOnTheSchemaOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, grant := range map[string]string{
		"granted": "create schema {schema}; grant usage, create on schema {schema} to ",
		"owned":   "create schema {schema} authorization ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := newRole(t)
			pool := newPoolAs(t, role)
			newSchema := func() string {
				schema := pgtest.Schema(t)
				exec(t, schema, grant+pgx.Identifier{role}.Sanitize())
				return schema
			}
			store := storeOn(t, pool, newSchema())
			require.NoError(t, store.Migrate(ctx))
			require.NoError(t, store.Migrate(ctx))
			_, err := store.View(ctx, invitations.Query{Organization: acme})
			require.NoError(t, err)

			schema := newSchema()
			apply(t, pool, schema)
			require.NoError(t, storeOn(t, pool, schema).Check(ctx))
		})
	}
	t.Run("no schema", func(t *testing.T) {
		t.Parallel()
		store := storeOn(t, newPoolAs(t, newRole(t)), pgtest.Schema(t))
		require.ErrorContains(t, store.Migrate(ctx), "permission denied for database")
	})
}

// apply applies all migrations to a schema, as a tool does.
func apply(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	files, err := pgstore.Migrations(schema)
	require.NoError(t, err)
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		sql, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		_, err = pool.Exec(context.Background(), string(sql))
		require.NoError(t, err, name)
	}
}

// grants are the statements of an administrator. One role migrates, and another runs the program.
const grants = `
	create schema invitations authorization migrator;
	grant usage on schema invitations to app;
	alter default privileges for role migrator in schema invitations
		grant select, insert, update, delete on tables to app;
`

// The role that runs the program can read and write rows only.
func TestStore_NeedsPrivilegesOnRowsOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	migrator, app, schema := newRole(t), newRole(t), pgtest.Schema(t)
	exec(t, schema, strings.NewReplacer("invitations", `"`+schema+`"`, "migrator", `"`+migrator+`"`, "app", `"`+app+`"`).Replace(grants))
	pool := newPoolAs(t, app)
	store := storeOn(t, pool, schema)
	require.ErrorContains(t, store.Check(ctx), "migrate first")
	require.ErrorContains(t, store.Migrate(ctx), "permission denied for schema")

	require.NoError(t, storeOn(t, newPoolAs(t, migrator), schema).Migrate(ctx))
	require.NoError(t, store.Check(ctx))
	require.NoError(t, store.Migrate(ctx), "it only reads if everything is applied")
	newSQLScript(t).run(t, store)
	_, err := pool.Exec(ctx, pgstore.SQL(schema, "create table {schema}.other ()"))
	require.ErrorContains(t, err, "permission denied")
}

func TestStore_NeedsPrivilegesOnRowsOfTheMembersTableOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	table := timesTable{joined: "date", deleted: "boolean"}
	for name, c := range map[string]struct {
		newStore  func(t *testing.T, pool *pgxpool.Pool) *pgstore.Store
		privilege string
	}{
		"deletes": {func(t *testing.T, pool *pgxpool.Pool) *pgstore.Store {
			return newHostStore(t, pool, teamMembers, teamMembersTable)
		}, "select, insert, update, delete"},
		"marks": {table.newStore, "select, insert, update"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			migrated := c.newStore(t, newPool(t, nil))
			app := newRole(t)
			hostSchema, _, _ := strings.Cut(strings.Trim(migrated.HostTable(), `"`), `"`)
			for schema, privileges := range map[string]string{migrated.Schema(): "select, insert, update, delete", hostSchema: c.privilege} {
				exec(t, schema, "grant usage on schema {schema} to "+app+"; grant "+privileges+" on all tables in schema {schema} to "+app)
			}
			store := migrated.On(newPoolAs(t, app))
			require.NoError(t, store.Check(ctx))
			newSQLScript(t).run(t, store)
		})
	}
}
