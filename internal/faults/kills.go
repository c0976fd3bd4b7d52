package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const (
	asyncCommit  = "asynchronous commit"  // the server answers before the log is written
	asyncReplica = "asynchronous replica" // the server does not wait for the replica
)

// killedServerKind kills all processes of the server, and starts it again.
func killedServerKind() kind {
	return kind{
		name: "kill -9 of the server", controls: []string{asyncCommit},
		open: func(ctx context.Context, m *machine) (stage, error) {
			s, err := m.server(ctx)
			return &killedServerStage{s}, err
		},
	}
}

type killedServerStage struct{ *server }

func (s *killedServerStage) close() {}

func (s *killedServerStage) run(ctx context.Context, r *round) (int, error) {
	url := s.URL()
	if r.control == asyncCommit {
		url += "&synchronous_commit=off"
	}
	pool, store, err := connect(ctx, url, clientsName, modes[r.n%len(modes)])
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return r.clients(ctx, store, func(ctx context.Context) (faults int, err error) {
		for range 2 {
			if r.control == asyncCommit {
				if err := s.stopLogWriter(ctx); err != nil {
					return faults, err
				}
			}
			if err := r.journal.more(ctx, 10, done); err != nil {
				return faults, err
			}
			if err := s.Kill(ctx); err != nil {
				return faults, err
			}
			faults++
			if err := r.journal.more(ctx, 3, failed, unknown); err != nil {
				return faults, err
			}
			if err := s.Start(ctx); err != nil {
				return faults, err
			}
			s.pool.Reset()
		}
		return faults, r.journal.more(ctx, 5, done)
	})
}

// stopLogWriter stops the process that writes the log of asynchronous commits, as if it had no time.
func (s *server) stopLogWriter(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var pid int
	if err := conn.QueryRow(ctx, "select pid from pg_stat_activity where backend_type = 'walwriter'").Scan(&pid); err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGSTOP)
}

// promotedKind kills the server, and promotes its synchronous replica.
func promotedKind() kind {
	return kind{
		name: "promoted replica", controls: []string{asyncReplica},
		open: func(ctx context.Context, _ *machine) (stage, error) {
			c, err := newCluster(ctx, "")
			if err != nil {
				return nil, err
			}
			if !c.CanReplicate() {
				c.Remove()
				return nil, skip{errors.New("the server has no program pg_basebackup")}
			}
			c.Settings = []string{"fsync=off"}
			s, err := newServer(ctx, c)
			return &promotedStage{s}, err
		},
	}
}

type promotedStage struct{ *server }

func (s *promotedStage) close() { s.remove() }

func (s *promotedStage) run(ctx context.Context, r *round) (int, error) {
	replica, err := s.replica(ctx, r.control != asyncReplica)
	if err != nil {
		return 0, err
	}
	p, err := newProxy(s.Address())
	if err != nil {
		replica.remove()
		return 0, err
	}
	defer p.close()
	pool, store, err := connect(ctx, throughProxy(p), clientsName, modes[r.n%len(modes)])
	if err != nil {
		replica.remove()
		return 0, err
	}
	defer pool.Close()
	return r.clients(ctx, store, func(ctx context.Context) (int, error) {
		primary := s.server
		s.server = replica
		defer primary.remove()
		if err := r.journal.more(ctx, 15, done); err != nil {
			return 0, err
		}
		if err := primary.Kill(ctx); err != nil {
			return 0, err
		}
		if err := r.journal.more(ctx, 3, failed, unknown); err != nil {
			return 0, err
		}
		if err := replica.exec(ctx, "select pg_promote()"); err != nil {
			return 0, err
		}
		address := replica.Address()
		p.target.Store(&address)
		return 1, r.journal.more(ctx, 15, done)
	})
}

// replica starts a replica, for which the commits of the server wait if it is synchronous. Otherwise
// it gets nothing any more, as if the network were slow.
func (s *server) replica(ctx context.Context, synchronous bool) (*server, error) {
	c, err := s.Replica(ctx, "")
	if err != nil {
		return nil, err
	}
	replica := &server{Cluster: c}
	if err = c.Start(ctx); err == nil {
		replica.pool, replica.store, err = connect(ctx, c.URL(), "check", pgx.QueryExecModeCacheStatement)
	}
	if err == nil && synchronous {
		if err = s.waitForReplicas(ctx, "*"); err == nil {
			err = s.until(ctx, "the replica", func(conn *pgx.Conn) (ready bool, err error) {
				err = conn.QueryRow(ctx, "select exists (select from pg_stat_replication where sync_state = 'sync')").Scan(&ready)
				return ready, err
			})
		}
	} else if err == nil {
		err = errors.Join(
			replica.exec(ctx, "alter system set primary_conninfo = ''"),
			replica.exec(ctx, "select pg_reload_conf()"),
			replica.until(ctx, "the end of the replication", func(conn *pgx.Conn) (ended bool, err error) {
				err = conn.QueryRow(ctx, "select not exists (select from pg_stat_wal_receiver)").Scan(&ended)
				return ended, err
			}),
		)
	}
	if err != nil {
		replica.remove()
		return nil, err
	}
	return replica, nil
}
