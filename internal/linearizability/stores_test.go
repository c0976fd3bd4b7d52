package linearizability

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/memstore"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/sqlitestore"
)

// A fresh store is an empty one. A long test opens very many, so it must close each.
type fresh struct {
	invitations.Store
	sessions *sessions // nil: the store has none
	close    func()
}

// stores open a fresh store each.
var stores = map[string]func(t *testing.T) fresh{
	"memory": func(*testing.T) fresh { return fresh{Store: memstore.New(), close: func() {}} },
	"SQLite": func(t *testing.T) fresh {
		folder, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(t, err)
		db, err := sqlitestore.Open(filepath.Join(folder, "invitations.db"))
		require.NoError(t, err)
		store := sqlitestore.New(db)
		require.NoError(t, store.Migrate(t.Context()))
		return fresh{Store: store, close: func() {
			assert.NoError(t, db.Close())
			assert.NoError(t, os.RemoveAll(folder))
		}}
	},
	"PostgreSQL": func(t *testing.T) fresh {
		schema := fmt.Sprintf("round_%d_%d", os.Getpid(), rounds.Add(1))
		config, err := pgxpool.ParseConfig(pgtest.URL(t))
		require.NoError(t, err)
		config.ConnConfig.RuntimeParams["application_name"] = schema
		config.MaxConns = 8
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: schema})
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context()))
		others, err := pgxpool.New(t.Context(), pgtest.URL(t))
		require.NoError(t, err)
		return fresh{store, &sessions{t, schema, pool, others}, func() {
			pool.Close()
			_, err := others.Exec(context.Background(), "drop schema "+schema+" cascade")
			assert.NoError(t, err)
			others.Close()
		}}
	},
}

// rounds is how many rounds had a schema of their own.
var rounds atomic.Int64

// sessions are those of a store on a PostgreSQL server.
type sessions struct {
	t      *testing.T
	name   string        // of the application
	own    *pgxpool.Pool // of the store
	others *pgxpool.Pool
}

// disrupt terminates some, mostly those that are doing something.
func (s *sessions) disrupt() (terminated int) {
	err := s.others.QueryRow(context.Background(), `select count(*) from (
		select pg_terminate_backend(pid) from pg_stat_activity
		where application_name = $1 and (state <> 'idle' or random() < 0.2)) as terminated`, s.name).Scan(&terminated)
	assert.NoError(s.t, err, "terminating connections")
	return terminated
}

// calm waits until the server has ended all. A call that has lost its context or its connection can go
// on in the server, with its locks, or even begin there.
func (s *sessions) calm() {
	s.own.Reset()
	for some := true; some; {
		err := s.others.QueryRow(context.Background(), "select exists (select from pg_stat_activity where application_name = $1)", s.name).Scan(&some)
		require.NoError(s.t, err)
	}
}
