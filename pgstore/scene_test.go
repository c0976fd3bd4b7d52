package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// A scene is a service on a store in a new schema.
type scene struct {
	*testing.T
	ctx  context.Context
	pool *pgxpool.Pool
	svc  *invitations.Service
}

const (
	acme = "acme"
	ada  = "ada"
)

func keyring(t *testing.T) *invitations.Keyring {
	t.Helper()
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	return keys
}

// newScene returns a scene with the organization acme, which ada owns. The wire watches the
// connections of the store.
func newScene(t *testing.T, configure func(*pgxpool.Config)) (*scene, *pgstore.Store, *wire) {
	t.Helper()
	w := &wire{}
	pool := newPool(t, func(c *pgxpool.Config) {
		w.watch(c)
		if configure != nil {
			configure(c)
		}
	})
	store := newStore(t, pool)
	s := &scene{T: t, ctx: context.Background(), pool: pool}
	clock := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var err error
	s.svc, err = invitations.New(store, keyring(t), invitations.Config{
		Clock: func() time.Time { return clock }, ResendCooldown: -1,
	})
	require.NoError(t, err)
	_, err = s.svc.CreateOrganization(s.ctx, acme, ada)
	require.NoError(t, err)
	return s, store, w
}

func (s *scene) invite(email string) invitations.SentInvitation {
	s.Helper()
	sent, err := s.svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{
		Organization: acme, Email: email, Role: "viewer",
	})
	require.NoError(s, err)
	return sent
}

func person(name string) invitations.Identity {
	return invitations.Identity{UserID: name, Email: name + "@example.com", EmailVerified: true}
}

// noDriver fails the test if err wraps an error of the driver.
func noDriver(t *testing.T, err error) {
	t.Helper()
	var pgErr *pgconn.PgError
	require.False(t, errors.As(err, &pgErr), "%v wraps an error of the driver", err)
}

// exec runs SQL on the test's database, with the schema's quoted name in place of {schema}.
func exec(t *testing.T, schema, sql string, args ...any) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, pgstore.SQL(schema, sql), args...)
	require.NoError(t, err)
}

// waitFor polls until a query, whose $1 is the schema, returns true.
func waitFor(t *testing.T, sql, schema string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), pgtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for {
		var yes bool
		require.NoError(t, conn.QueryRow(context.Background(), pgstore.SQL(schema, sql), schema).Scan(&yes))
		if yes {
			return
		}
	}
}

// connect returns a new connection.
func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func storeOn(t *testing.T, db pgstore.DB, schema string) *pgstore.Store {
	t.Helper()
	store, err := pgstore.NewWithConfig(db, pgstore.Config{Schema: schema})
	require.NoError(t, err)
	return store
}

// A wire watches the network connections of a pool.
type wire struct {
	trips atomic.Int64

	// loseAnswer closes a connection instead of delivering the answer to a commit, once.
	// loseBegin does so with the answer to a begin, which is the first in a transaction.
	// loseCommit closes it instead of sending a commit that is sent as text.
	loseAnswer, loseBegin, loseCommit atomic.Bool
}

// watch makes w watch the connections of a pool. On a slow machine, neither a new connection nor the
// ping of an idle one must add round trips.
func (w *wire) watch(c *pgxpool.Config) {
	c.MaxConnLifetime = suiteLifetime
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &watchedConn{Conn: conn, wire: w}, err
	}
}

// count returns how many round trips f makes. A round trip is a write after a read, so the first
// write on a connection does not count.
func (w *wire) count(f func()) int64 {
	before := w.trips.Load()
	f()
	return w.trips.Load() - before
}

type watchedConn struct {
	net.Conn
	wire  *wire
	heard atomic.Bool // something was read since the last write
}

func (c *watchedConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("commit work\x00")) && c.wire.loseCommit.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.heard.Swap(false) {
		c.wire.trips.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b) // the driver may call it before a slow write, so only the return counts
	if n > 0 {
		c.heard.Store(true)
	}
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.wire.loseAnswer.CompareAndSwap(true, false) ||
		bytes.Contains(b[:n], []byte("BEGIN\x00")) && c.wire.loseBegin.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
