package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// A machine has the servers that several kinds share. They begin when the first kind needs them.
type machine struct {
	shared *server
}

func (m *machine) close() {
	if m.shared != nil {
		m.shared.remove()
	}
}

// server returns the shared server. All its settings are those of an installation, except that a commit
// does not wait for the disk: no fault of these kinds loses what the operating system has.
func (m *machine) server(ctx context.Context) (*server, error) {
	if m.shared != nil {
		select {
		case <-m.shared.Exited(): // a round before has failed
			return m.shared, m.shared.Start(ctx)
		default:
			return m.shared, nil
		}
	}
	c, err := newCluster(ctx, "")
	if err != nil {
		return nil, err
	}
	c.Settings = []string{"fsync=off"}
	m.shared, err = newServer(ctx, c)
	return m.shared, err
}

// newCluster makes a cluster, or returns a [skip] if there is no PostgreSQL.
func newCluster(ctx context.Context, parent string, more ...string) (*pgtest.Cluster, error) {
	c, err := pgtest.NewCluster(ctx, parent, more...)
	if errors.Is(err, pgtest.ErrNoServer) {
		return nil, skip{err}
	}
	return c, err
}

// A server is a PostgreSQL server with the tables of the store.
type server struct {
	*pgtest.Cluster
	pool  *pgxpool.Pool // of the check
	store *pgstore.Store
}

// newServer starts a cluster and makes the tables. If it fails, it removes the cluster.
func newServer(ctx context.Context, c *pgtest.Cluster) (*server, error) {
	s := &server{Cluster: c}
	err := c.Start(ctx)
	if err == nil {
		s.pool, s.store, err = connect(ctx, c.URL(), "check", pgx.QueryExecModeCacheStatement)
	}
	if err == nil {
		err = s.store.Migrate(ctx)
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *server) remove() {
	if s.pool != nil {
		s.pool.Close()
	}
	s.Remove()
}

// clientsName is the name under which the server knows the sessions of clients.
const clientsName = "clients"

// connect returns a store on a pool of connections.
func connect(ctx context.Context, url, name string, mode pgx.QueryExecMode) (*pgxpool.Pool, *pgstore.Store, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, nil, err
	}
	c.MaxConns = 2 * clients
	c.ConnConfig.DefaultQueryExecMode = mode
	c.ConnConfig.RuntimeParams["application_name"] = name
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return pool, pgstore.New(pool), nil
}

// modes are those in which the driver sends statements. They differ in what a cut can split.
var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeSimpleProtocol,
}

// throughProxy returns the URL of the server through a proxy.
func throughProxy(p *proxy) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", p.address())
}

// calm waits until the server has ended the sessions of all clients, and so all their calls.
func (s *server) calm(ctx context.Context) (invitations.Store, error) {
	return s.store, s.until(ctx, "the end of the clients' sessions", func(conn *pgx.Conn) (ended bool, err error) {
		err = conn.QueryRow(ctx, "select count(*) = 0 from pg_stat_activity where application_name = $1", clientsName).Scan(&ended)
		return ended, err
	})
}

// exec runs a statement of the administrator.
func (s *server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// until polls until a condition holds.
func (s *server) until(ctx context.Context, what string, holds func(*pgx.Conn) (bool, error)) error {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		if ok, err := holds(conn); err != nil || ok {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}

// pause waits for a moment between two polls.
func pause(ctx context.Context) error {
	select {
	case <-time.After(2 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
