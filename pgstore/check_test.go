package pgstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

func TestCheck_MembersTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	for name, c := range map[string]struct{ create, want string }{
		"no table":  {`create table {schema}.other (x int)`, "there is no table"},
		"no column": {`create table {schema}.members (org text, person text, primary key (org, person))`, "has no column role"},
		"no key": {`create table {schema}.members (org text, person text, role text, primary key (org, person, role))`,
			"no unique key on exactly org and person"},
		"a partial key": {`create table {schema}.members (org text, person text, role text);
			create unique index on {schema}.members (org, person) where role = 'owner'`, "has no unique key"},
		"a role that can be null": {`create table {schema}.members (org text, person text, role text, primary key (org, person))`,
			"column role can be null"},
		"a column without a default": {`create table {schema}.members (id uuid not null, org text, person text, role text not null,
			since timestamptz not null default now(), number bigint generated always as identity, note text, primary key (org, person))`,
			"members\": column id must have a default or allow NULL"},
		"another type": {`create table {schema}.members (org bigint, person text, role text, primary key (org, person))`,
			"column org is of type bigint, not text"},
		"a loose collation": {`create collation {schema}.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			create table {schema}.members (org text, person text collate {schema}.loose, role text, primary key (org, person))`,
			"column person has a collation that is not deterministic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := pgtest.Schema(t)
			_, err := pool.Exec(ctx, pgstore.SQL(schema, "create schema if not exists {schema}"))
			require.NoError(t, err)
			_, err = pool.Exec(ctx, pgstore.SQL(schema, c.create))
			require.NoError(t, err)
			store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t), Members: &pgstore.MembersTable{
				Schema: schema, Name: "members",
				Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
			}})
			require.NoError(t, err)
			require.ErrorContains(t, store.Check(ctx), "migrate first")
			require.ErrorContains(t, store.Migrate(ctx), c.want)
			require.ErrorContains(t, store.Check(ctx), c.want)
		})
	}
}

func TestCheck_MembersTableWithTimes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	for name, c := range map[string]struct{ columns, joinedType, deletedType, want string }{
		"all is well":            {"joined timestamptz not null, gone timestamptz", "", "", ""},
		"dates":                  {"joined date, gone boolean not null", "date", "boolean", ""},
		"no join date":           {"gone timestamptz", "", "", "has no column joined"},
		"no mark":                {"joined timestamptz", "", "", "has no column gone"},
		"another type of date":   {"joined timestamp, gone timestamptz", "", "", "column joined is of type timestamp without time zone, not timestamptz"},
		"another type of mark":   {"joined date, gone timestamptz", "date", "timestamp", "column gone is of type timestamp with time zone, not timestamp"},
		"a time without null":    {"joined date, gone timestamp not null", "date", "timestamp", "column gone cannot be null"},
		"a boolean that is null": {"joined date, gone boolean", "date", "boolean", "column gone can be null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := pgtest.Schema(t)
			exec(t, schema, "create schema {schema}")
			exec(t, schema, `create table {schema}.members (org text, person text, role text not null, `+c.columns+`, primary key (org, person))`)
			store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t), Members: &pgstore.MembersTable{
				Schema: schema, Name: "members",
				Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
				JoinedAt: pgstore.Column{Name: "joined", Type: c.joinedType}, DeletedAt: pgstore.Column{Name: "gone", Type: c.deletedType},
			}})
			require.NoError(t, err)
			err = store.Migrate(ctx)
			if c.want == "" {
				require.NoError(t, err)
				require.NoError(t, store.Check(ctx))
				return
			}
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, store.Check(ctx), c.want)
		})
	}
}

// The host has deleted rows, or marked them, without the library.
func TestCheck_OrganizationsWithoutMembers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	table := timesTable{joined: "date", deleted: "boolean"}
	collated := newHostStore(t, pool, strings.ReplaceAll(teamMembers, "text not null", `text collate "POSIX" not null`), teamMembersTable)
	for name, c := range map[string]struct {
		store  *pgstore.Store
		delete string // all rows of an organization $1
	}{
		"deleted rows": {newHostStore(t, pool, numberedMembers, numberedMembersTable), "delete from {table} where org_id = $1::text::bigint"},
		"a collation":  {collated, `delete from {table} where "Team" = $1`},
		"marked rows":  {table.newStore(t, pool), "update {table} set gone = true where org = $1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc, err := invitations.New(c.store, keyring(t), invitations.Config{})
			require.NoError(t, err)
			for _, organization := range []string{"4001", "4002", "4003"} {
				_, err := svc.CreateOrganization(ctx, organization, "1")
				require.NoError(t, err)
			}
			require.NoError(t, c.store.Check(ctx))
			for i, organization := range []string{"4001", "4003"} {
				_, err := pool.Exec(ctx, strings.ReplaceAll(c.delete, "{table}", c.store.HostTable()), organization)
				require.NoError(t, err)
				err = c.store.Check(ctx)
				var memberless *pgstore.MemberlessError
				require.ErrorAs(t, err, &memberless)
				require.Equal(t, i+1, memberless.Organizations)
				require.NotContains(t, err.Error(), "400")
				noDriver(t, err)
				require.NoError(t, c.store.Migrate(ctx), "a program must be able to start")
			}
		})
	}
}

func TestCheck_OrganizationsOfAnotherType(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	svc, err := invitations.New(storeOn(t, pool, store.Schema()), keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada) // before the host's table was configured
	require.NoError(t, err)
	err = store.Check(ctx)
	require.ErrorContains(t, err, "IDs are not of type bigint")
	require.NotContains(t, err.Error(), acme)
	noDriver(t, err)
}
