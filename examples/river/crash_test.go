package main

import (
	"bufio"
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The points at which a worker can stop, and the text that it prints then.
const (
	beforeSending = "before"
	afterSending  = "after"
	nowhere       = "nowhere"
	stopped       = "stopped"
)

// stopAt makes a worker stop at a point of its first job, so that a test can kill it there.
func stopAt(point string) func(*river.Config) {
	return func(c *river.Config) {
		stop := func(ctx context.Context, _ *rivertype.JobRow, send func(context.Context) error) error {
			if point == beforeSending {
				fmt.Println(stopped)
				<-ctx.Done()
			}
			err := send(ctx)
			if point == afterSending && err == nil {
				fmt.Println(stopped)
				<-ctx.Done()
			}
			return err
		}
		c.Middleware = []rivertype.Middleware{river.WorkerMiddlewareFunc(stop)}
	}
}

// requireStopped waits until the worker stops at its point.
func (p *process) requireStopped(t *testing.T) {
	t.Helper()
	line, err := bufio.NewReader(p.out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, stopped+"\n", line)
}

// letTimePass moves the times in the tables of River an hour back. River then takes the jobs of
// killed workers, and elects a new leader if the killed one was it.
func (h *host) letTimePass(t *testing.T) {
	t.Helper()
	schema := pgx.Identifier{h.JobSchema}.Sanitize()
	for _, sql := range []string{
		"update " + schema + ".river_job set attempted_at = attempted_at - interval '1 hour' where state = 'running'",
		"update " + schema + ".river_leader set elected_at = elected_at - interval '1 hour', expires_at = expires_at - interval '1 hour'",
	} {
		_, err := h.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

// Three workers are killed: before sending, before the server's answer, and before completing the
// job. All three mails are sent again, and each of the invitations is accepted once.
func TestWorker_Killed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	sentBefore := map[string]letter{} // by the killed workers; by recipient
	for _, test := range []struct {
		email, point string
		reach        func(*testing.T, *process)
	}{
		{"bob@example.com", beforeSending, func(t *testing.T, p *process) { p.requireStopped(t) }},
		{"carol@example.com", nowhere, func(t *testing.T, p *process) {
			mail, l := h.next(t)
			sentBefore[l.to] = l
			p.kill()
			mail.accept()
		}},
		{"dave@example.com", afterSending, func(t *testing.T, p *process) {
			mail, l := h.next(t)
			sentBefore[l.to] = l
			mail.accept()
			p.requireStopped(t)
		}},
	} {
		h.invited(t, params(test.email))
		p, err := spawn(soon(t), h.settings, test.point)
		require.NoError(t, err)
		test.reach(t, p)
		p.kill()
	}
	require.Len(t, sentBefore, 2)
	h.requireState(t, state{invitations: 3, members: 1, running: 3})

	h.letTimePass(t)
	w := h.work(t)
	sent := map[string]letter{}
	for range 3 {
		mail, l := h.next(t)
		sent[l.to] = l
		mail.accept()
	}
	for range 3 {
		event := h.event(t, w, river.EventKindJobCompleted)
		require.Equal(t, 2, event.Job.Attempt)
	}
	require.Len(t, sent, 3)
	for to, l := range sentBefore {
		require.Equal(t, l, sent[to], "the same mail with the same Message-ID")
	}
	h.requireState(t, state{invitations: 3, members: 1, done: 3})

	for _, user := range []string{"bob", "carol", "dave"} {
		l := sent["<"+user+"@example.com>"]
		for range 2 { // by both mails
			require.NoError(t, h.accept(t, l, user))
		}
		_, err := h.svc.Accept(t.Context(), l.token(), invitations.Identity{UserID: "eve", Email: user + "@example.com", EmailVerified: true})
		require.ErrorIs(t, err, invitations.ErrAccepted)
	}
	h.requireState(t, state{members: 4, done: 3})
}

// A worker that is stopped during a job gives the job back, and another one sends the mail.
func TestWorker_Stopped(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	h.invited(t, params("bob@example.com"))
	_, first := h.next(t) // the server does not answer it
	require.NoError(t, w.jobs.StopAndCancel(soon(t)))
	h.requireState(t, state{invitations: 1, members: 1, waiting: 1})
	var attempt int
	jobs := pgx.Identifier{h.JobSchema, "river_job"}.Sanitize()
	require.NoError(t, h.pool.QueryRow(t.Context(), "select attempt from "+jobs).Scan(&attempt))
	require.Zero(t, attempt, "stopping must not count as an attempt")
	require.Equal(t, first, h.sent(t, h.work(t)))
}
