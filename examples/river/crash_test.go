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

// Where a worker of stopAt stops, and says that it has.
const (
	beforeSending   = "before"
	afterSending    = "after"
	stopsNowhere    = "nowhere"
	saidWhenStopped = "stopped"
)

// stopAt has a worker stop at a point of its first job, so that it can be killed there.
func stopAt(point string) func(*river.Config) {
	return func(c *river.Config) {
		c.Middleware = []rivertype.Middleware{river.WorkerMiddlewareFunc(func(ctx context.Context, _ *rivertype.JobRow, send func(context.Context) error) error {
			if point == beforeSending {
				fmt.Println(saidWhenStopped)
				<-ctx.Done()
			}
			err := send(ctx)
			if point == afterSending && err == nil {
				fmt.Println(saidWhenStopped)
				<-ctx.Done()
			}
			return err
		})}
	}
}

// requireStopped waits until the worker stops where it was told to.
func (p *process) requireStopped(t *testing.T) {
	t.Helper()
	line, err := bufio.NewReader(p.out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, saidWhenStopped+"\n", line)
}

// Workers are killed: one before it has sent, one between the server's having the mail and its
// saying so, and one between sending and completing the job. All three mails are sent again, and
// each brings in one member.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	lost := map[string]letter{} // to the workers that are dead, by recipient
	for _, test := range []struct {
		email, point string
		reach        func(*testing.T, *process)
	}{
		{"bob@example.com", beforeSending, func(t *testing.T, p *process) { p.requireStopped(t) }},
		{"carol@example.com", stopsNowhere, func(t *testing.T, p *process) {
			mail, l := h.next(t)
			lost[l.to] = l
			p.kill()
			mail.accept()
		}},
		{"dave@example.com", afterSending, func(t *testing.T, p *process) {
			mail, l := h.next(t)
			lost[l.to] = l
			mail.accept()
			p.requireStopped(t)
		}},
	} {
		h.invited(t, params(test.email))
		p, err := spawn(soon(t), h.setting, test.point)
		require.NoError(t, err)
		test.reach(t, p)
		p.kill()
	}
	require.Len(t, lost, 2)
	h.requireFacts(t, facts{invitations: 3, members: 1, running: 3})

	require.NoError(t, h.letTimePass(t.Context()))
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
	for to, l := range lost {
		require.Equal(t, l, sent[to], "the same mail, of the same Message-ID")
	}
	h.requireFacts(t, facts{invitations: 3, members: 1, done: 3})

	for _, user := range []string{"bob", "carol", "dave"} {
		l := sent["<"+user+"@example.com>"]
		for range 2 { // by each of the mails
			require.NoError(t, h.accept(t, l, user))
		}
		_, err := h.svc.Accept(t.Context(), l.token(), invitations.Identity{UserID: "eve", Email: user + "@example.com", EmailVerified: true})
		require.ErrorIs(t, err, invitations.ErrAccepted)
	}
	h.requireFacts(t, facts{members: 4, done: 3})
}

// A worker that is told to end while it sends gives the job back, and another one sends.
func TestWorkerStopped(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	h.invited(t, params("bob@example.com"))
	_, first := h.next(t) // the server does not answer
	require.NoError(t, w.jobs.StopAndCancel(soon(t)))
	h.requireFacts(t, facts{invitations: 1, members: 1, waiting: 1})
	var attempt int
	require.NoError(t, h.pool.QueryRow(t.Context(), "select attempt from "+pgx.Identifier{h.JobSchema, "river_job"}.Sanitize()).Scan(&attempt))
	require.Zero(t, attempt, "it is no failure of the job")
	require.Equal(t, first, h.sent(t, h.work(t)))
}
