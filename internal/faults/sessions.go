package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations/internal/pgtest"
)

// terminatedKind ends sessions of clients while they work.
func terminatedKind() kind {
	return kind{
		name: "terminated backends", controls: []string{plainFailure, blindRepeat},
		open: func(ctx context.Context, m *machine) (stage, error) {
			s, err := m.server(ctx)
			return &terminatedStage{server: s}, err
		},
	}
}

// poolerKind ends sessions of the server that clients use through a pooler.
func poolerKind() kind {
	return kind{
		name: "pooler loses servers", controls: []string{plainFailure, blindRepeat},
		open: func(ctx context.Context, m *machine) (stage, error) {
			s, err := m.server(ctx)
			if err != nil {
				return nil, err
			}
			_, stop, err := pgtest.StartPooler(ctx, s.URL(), 0)
			if errors.Is(err, pgtest.ErrNoPooler) {
				return nil, skip{err}
			} else if err != nil {
				return nil, err
			}
			stop() // each round has its own
			return &terminatedStage{server: s, pooler: true}, nil
		},
	}
}

type terminatedStage struct {
	*server
	pooler bool
}

func (s *terminatedStage) close() {}

func (s *terminatedStage) run(ctx context.Context, r *round) (int, error) {
	url, mode := s.URL(), modes[r.n%len(modes)]
	if s.pooler {
		through, stop, err := pgtest.StartPooler(ctx, url, 0)
		if err != nil {
			return 0, err
		}
		defer stop() // its sessions end too
		url, mode = through, modes[1+r.n%(len(modes)-1)]
	}
	pool, store, err := connect(ctx, url, clientsName, mode)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return r.clients(ctx, store, func(ctx context.Context) (faults int, err error) {
		terminate := func(which string) error {
			return s.until(ctx, "a session to end", func(conn *pgx.Conn) (bool, error) {
				var n int
				err := conn.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from (
					select pid from pg_stat_activity where application_name = $1 and `+which+` order by random() limit 1) as one`, clientsName).Scan(&n)
				faults += n
				return n > 0, err
			})
		}
		for range 3 {
			// At any moment of their work.
			if err := r.journal.more(ctx, 2, done); err != nil {
				return faults, err
			}
			if err := terminate("state <> 'idle'"); err != nil {
				return faults, err
			}
			// After the commit and before its answer: it waits for a replica that does not exist.
			err := s.waitForReplicas(ctx, "nobody")
			if err == nil {
				err = terminate("wait_event = 'SyncRep'")
			}
			if err := errors.Join(err, s.waitForReplicas(context.WithoutCancel(ctx), "")); err != nil {
				return faults, err
			}
		}
		return faults, r.journal.more(ctx, 5, done)
	})
}

// waitForReplicas makes commits wait for replicas of a name.
func (s *server) waitForReplicas(ctx context.Context, names string) error {
	return errors.Join(
		s.exec(ctx, "alter system set synchronous_standby_names = '"+names+"'"),
		s.exec(ctx, "select pg_reload_conf()"),
	)
}

// timeoutsKind lets statements, waits for locks and contexts of clients end too early.
func timeoutsKind() kind {
	return kind{
		name: "timeouts", variants: 2, controls: []string{plainFailure, blindRepeat},
		open: func(ctx context.Context, m *machine) (stage, error) {
			s, err := m.server(ctx)
			return &timeoutsStage{s}, err
		},
	}
}

type timeoutsStage struct{ *server }

func (s *timeoutsStage) close() {}

func (s *timeoutsStage) run(ctx context.Context, r *round) (int, error) {
	p, err := newProxy(s.Address())
	if err != nil {
		return 0, err
	}
	defer p.close()
	setting := []string{"lock_timeout=200", "statement_timeout=2000"}[r.n%2] // milliseconds
	pool, store, err := connect(ctx, throughProxy(p)+"&"+setting, clientsName, modes[r.n/2%len(modes)])
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	r.contexts = &contexts{}
	return r.clients(ctx, store, func(ctx context.Context) (faults int, err error) {
		locked := func(until func() error) error {
			conn, err := pgx.Connect(ctx, s.URL())
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // releases the lock
			if _, err := conn.Exec(ctx, "begin"); err != nil {
				return err
			}
			if _, err := conn.Exec(ctx, "select from invitations.organizations where id = $1 for update", r.name); err != nil {
				return err
			}
			return until()
		}
		for range 2 {
			// The server's timeouts, while clients wait for a lock.
			if err := locked(func() error { return r.journal.more(ctx, 1, failed) }); err != nil {
				return faults, err
			}
			// The end of contexts, while clients wait for a lock.
			if err := locked(func() error {
				if err := s.until(ctx, "a wait for a lock", func(conn *pgx.Conn) (waits bool, err error) {
					err = conn.QueryRow(ctx, `select exists (select from pg_stat_activity
						where application_name = $1 and wait_event_type = 'Lock')`, clientsName).Scan(&waits)
					return waits, err
				}); err != nil {
					return err
				}
				r.contexts.end()
				return nil
			}); err != nil {
				return faults, err
			}
			// The end of contexts, while a client waits for the answer to a commit.
			p.holdNext()
			select {
			case <-p.held:
			case <-ctx.Done():
				return faults, fmt.Errorf("waiting for a commit: %w", ctx.Err())
			}
			p.at(func() cut { return carry })
			r.contexts.end()
			p.lose <- struct{}{}
			faults += 3
			if err := r.journal.more(ctx, 5, done); err != nil {
				return faults, err
			}
		}
		return faults, nil
	})
}
