package sqldrivers

import (
	"context"
	"database/sql"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// drivers open a database with each driver. No statement may depend on the search path.
var drivers = map[string]func(t *testing.T, url string, dial dialer) *sql.DB{
	"pgx": func(t *testing.T, url string, dial dialer) *sql.DB {
		config, err := pgx.ParseConfig(url)
		require.NoError(t, err)
		config.RuntimeParams["search_path"] = "nowhere"
		config.DialFunc = pgconn.DialFunc(dial)
		return stdlib.OpenDB(*config)
	},
	"pq": func(t *testing.T, url string, dial dialer) *sql.DB {
		connector, err := pq.NewConnector(url + "&search_path=nowhere")
		require.NoError(t, err)
		connector.Dialer(dial)
		return sql.OpenDB(connector)
	},
}

// A dialer opens the network connections of a driver.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d(ctx, network, address)
}

// eachDriver calls f with a database of each driver, whose connections the wire watches.
func eachDriver(t *testing.T, f func(t *testing.T, db *sql.DB, w *wire)) {
	t.Parallel()
	for name, open := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			db := open(t, pgtest.URL(t), w.dial)
			db.SetMaxOpenConns(8)
			db.SetMaxIdleConns(8)
			t.Cleanup(func() { _ = db.Close() })
			f(t, db, w)
		})
	}
}

// newStore returns a store in a new schema. Its members are in a table of the host's if create is
// not empty. The last result empties it.
func newStore(t *testing.T, db *sql.DB, create string, members *pgstore.MembersTable) (store *pgstore.Store, schema, emptying string) {
	t.Helper()
	schema = pgtest.Schema(t)
	if create != "" {
		host := pgx.Identifier{pgtest.Schema(t)}.Sanitize()
		_, err := db.Exec("create schema " + host + "; " + strings.ReplaceAll(create, "{schema}", host))
		require.NoError(t, err)
		table := *members
		table.Schema = strings.Trim(host, `"`)
		members = &table
		emptying = "delete from " + pgx.Identifier{table.Schema, table.Name}.Sanitize() + ";"
	}
	store, err := pgstore.NewSQL(db, pgstore.Config{Schema: schema, Members: members})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(context.Background()))
	require.NoError(t, store.Check(context.Background()))
	for _, table := range []string{
		"organizations", "invitations", "members", "removals", "events", "quotas", "closed_usage", "personal_quotas",
	} {
		emptying += "delete from " + pgx.Identifier{schema, table}.Sanitize() + ";"
	}
	return store, schema, emptying + "update " + pgx.Identifier{schema, "feed"}.Sanitize() + " set last = 0"
}

// A lender lends stores to checks. Making a store takes longer than most checks.
type lender struct {
	db   *sql.DB
	make func() (store *pgstore.Store, schema, emptying string)

	mu   sync.Mutex
	free []lent
}

type lent struct {
	store    *pgstore.Store
	emptying string
}

// lend returns an empty store for the duration of a check.
func (l *lender) lend(check *testing.T) *pgstore.Store {
	l.mu.Lock()
	defer l.mu.Unlock()
	var one lent
	if last := len(l.free) - 1; last >= 0 {
		one, l.free = l.free[last], l.free[:last]
	} else {
		one.store, _, one.emptying = l.make()
	}
	check.Cleanup(func() {
		if check.Failed() {
			return // its rows may explain the failure
		}
		_, err := l.db.Exec(one.emptying)
		require.NoError(check, err)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.free = append(l.free, one)
	})
	return one.store
}

func TestStore(t *testing.T) {
	eachDriver(t, func(t *testing.T, db *sql.DB, _ *wire) {
		l := &lender{db: db, make: func() (*pgstore.Store, string, string) { return newStore(t, db, "", nil) }}
		storetest.Run(t, func(check *testing.T) invitations.Store { return l.lend(check) })
	})
}

// The rules of package behaviour do not depend on the driver. All groups run with lib/pq, because
// pgstore does not use it otherwise. With the driver of pgx only the simultaneous calls run: its other
// groups run in pgstore, and storetest covers the values that database/sql reads with it.
func TestBehaviour(t *testing.T) {
	eachDriver(t, func(t *testing.T, db *sql.DB, _ *wire) {
		l := &lender{db: db, make: func() (*pgstore.Store, string, string) { return newStore(t, db, "", nil) }}
		var groups []string // all
		if strings.HasSuffix(t.Name(), "/pgx") {
			groups = []string{"Storms"}
		}
		behaviour.Run(t, func(check *testing.T) invitations.Store { return l.lend(check) }, groups...)
	})
}

// The host's table concerns single statements. Races have the same statements in TestStore.
func TestStore_MembersTable(t *testing.T) {
	eachDriver(t, func(t *testing.T, db *sql.DB, _ *wire) {
		const create = `create table {schema}."team members" (
			id bigint generated always as identity primary key, team text not null, account text not null,
			role text not null, joined timestamp, gone timestamptz, unique (account, team))`
		l := &lender{db: db, make: func() (*pgstore.Store, string, string) {
			return newStore(t, db, create, &pgstore.MembersTable{
				Name: "team members", Organization: pgstore.Column{Name: "team"},
				UserID: pgstore.Column{Name: "account"}, Role: pgstore.Column{Name: "role"},
				JoinedAt: pgstore.Column{Name: "joined", Type: "timestamp"}, DeletedAt: pgstore.Column{Name: "gone"},
			})
		}}
		storetest.Run(t, func(check *testing.T) invitations.Store {
			if strings.Contains(check.Name(), "/Races/") {
				check.Skip("the races run in TestStore")
			}
			return l.lend(check)
		})
	})
}

// No setting of the role or of the driver changes the values that are read and written. lib/pq sets
// the style of dates itself. In the simple protocol, the driver of pgx reads only the default style of
// dates and of bytes.
func TestStore_Settings(t *testing.T) {
	t.Parallel()
	const role = "&timezone=Asia/Kolkata&default_transaction_isolation=serializable"
	for _, c := range []struct{ driver, name, settings string }{
		{"pgx", "of the role", role + "&bytea_output=escape&datestyle=SQL,%20DMY"},
		{"pgx", "simple protocol", role + "&default_query_exec_mode=simple_protocol"},
		{"pq", "of the role, with binary parameters", role + "&bytea_output=escape&binary_parameters=yes"},
	} {
		t.Run(c.driver+", "+c.name, func(t *testing.T) {
			t.Parallel()
			db := drivers[c.driver](t, pgtest.URL(t)+c.settings, (&wire{}).dial)
			t.Cleanup(func() { _ = db.Close() })
			l := &lender{db: db, make: func() (*pgstore.Store, string, string) { return newStore(t, db, "", nil) }}
			storetest.Run(t, func(check *testing.T) invitations.Store {
				for _, part := range []string{"/Values/", "/Facts/AllAtOnce", "/Facts/Sendings", "/Statistics/"} {
					if strings.Contains(check.Name(), part) {
						return l.lend(check)
					}
				}
				check.Skip("it runs in TestStore")
				return nil
			})
		})
	}
}
