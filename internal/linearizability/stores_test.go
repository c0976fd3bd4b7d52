package linearizability

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/memstore"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/sqlitestore"
)

// stores open an empty store each. PostgreSQL comes with a function that terminates connections of
// the store, mostly those that are doing something.
var stores = map[string]func(t *testing.T) (store invitations.Store, disrupt func() (terminated int)){
	"memory": func(*testing.T) (invitations.Store, func() int) { return memstore.New(), nil },
	"SQLite": func(t *testing.T) (invitations.Store, func() int) {
		db, err := sqlitestore.Open(filepath.Join(t.TempDir(), "invitations.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		store := sqlitestore.New(db)
		require.NoError(t, store.Migrate(t.Context()))
		return store, nil
	},
	"PostgreSQL": func(t *testing.T) (invitations.Store, func() int) {
		schema := pgtest.Schema(t)
		config, err := pgxpool.ParseConfig(pgtest.URL(t))
		require.NoError(t, err)
		config.ConnConfig.RuntimeParams["application_name"] = schema
		config.MaxConns = 8
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: schema})
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context()))
		other, err := pgxpool.New(t.Context(), pgtest.URL(t))
		require.NoError(t, err)
		t.Cleanup(other.Close)
		return store, func() (terminated int) {
			err := other.QueryRow(context.Background(), `select count(*) from (
				select pg_terminate_backend(pid) from pg_stat_activity
				where application_name = $1 and (state <> 'idle' or random() < 0.2)) as terminated`, schema).Scan(&terminated)
			if err != nil {
				t.Errorf("terminating connections: %v", err)
			}
			return terminated
		}
	},
}
