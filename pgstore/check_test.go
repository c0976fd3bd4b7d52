package pgstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

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
