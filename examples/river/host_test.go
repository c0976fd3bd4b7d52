package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
)

const personal = "Come and see."

// A host is the delivery of one test, with its own schemas, its mail server and the organization
// acme, whose owner is ada.
type host struct {
	*delivery
	server    *mailServer
	authority *authority
	logs      *buffer // all logs of River in this process
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{logs: &buffer{}}
	s := settings{Database: application(t), Schema: pgtest.Schema(t), JobSchema: pgtest.Schema(t), Key: make([]byte, 32)}
	_, _ = rand.Read(s.Key)
	var err error
	h.authority, err = newAuthority("Example")
	require.NoError(t, err)
	h.server = newServer(t, h.authority, "localhost", time.Now().Add(time.Hour), nil)
	s.SMTP = smtpServer{Host: h.server.host, Port: h.server.port, Roots: h.authority.pem()}
	h.delivery, err = open(t.Context(), s, h.configure)
	require.NoError(t, err)
	t.Cleanup(h.close)
	require.NoError(t, h.migrate(t.Context()))
	_, err = h.svc.CreateOrganization(t.Context(), "acme", "ada")
	require.NoError(t, err)
	t.Cleanup(func() { h.requireNoSecrets(t) })
	return h
}

// application returns the URL of the database, with a unique application_name.
func application(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	q := u.Query()
	q.Set("application_name", uuid.NewString())
	u.RawQuery = q.Encode()
	return u.String()
}

// newServer starts a mail server with a certificate of issuer.
func newServer(t *testing.T, issuer *authority, host string, expiry time.Time, wire io.Writer) *mailServer {
	t.Helper()
	certificate, err := issuer.issue(host, expiry)
	require.NoError(t, err)
	server, err := listen(certificate, wire)
	require.NoError(t, err)
	t.Cleanup(server.close)
	return server
}

// configure makes River write all its logs to the host, and start its services without random
// delays.
func (h *host) configure(c *river.Config) {
	c.Logger = slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.TestOnly = true
}

// An inProcess is a worker in this process.
type inProcess struct {
	*delivery
	events <-chan *river.Event
}

// work starts a worker. The functions can change its settings.
func (h *host) work(t *testing.T, change ...func(*settings)) *inProcess {
	t.Helper()
	s := h.settings
	for _, f := range change {
		f(&s)
	}
	d, err := open(t.Context(), s, h.configure)
	require.NoError(t, err)
	t.Cleanup(d.close)
	events, unsubscribe := d.jobs.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed,
		river.EventKindJobCancelled, river.EventKindJobInterrupted)
	t.Cleanup(unsubscribe)
	require.NoError(t, d.jobs.Start(context.WithoutCancel(t.Context()))) // until close
	return &inProcess{d, events}
}

// event waits for the next event. It must be of this kind, and no mail must come before it.
func (h *host) event(t *testing.T, w *inProcess, kind river.EventKind) *river.Event {
	t.Helper()
	select {
	case e := <-w.events:
		require.Equal(t, kind, e.Kind, "%+v", e.Job.Errors)
		return e
	case mail := <-h.server.mails:
		mail.accept()
		require.Fail(t, "a mail arrived")
	case <-soon(t).Done():
		require.Fail(t, "nothing happened")
	}
	return nil
}

// next waits for the next mail. Its sender waits for the answer.
func (h *host) next(t *testing.T) (*receivedMail, letter) {
	t.Helper()
	mail, err := h.server.next(soon(t))
	require.NoError(t, err)
	l, err := mail.read()
	require.NoError(t, err)
	return mail, l
}

// sent waits for the next mail, accepts it and waits until its job is completed.
func (h *host) sent(t *testing.T, w *inProcess) letter {
	t.Helper()
	mail, l := h.next(t)
	mail.accept()
	h.event(t, w, river.EventKindJobCompleted)
	return l
}

// soon returns a context with a timeout that only a failing test reaches.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func params(email string) invitations.InviteParams {
	return invitations.InviteParams{Organization: "acme", Email: email, Role: invitations.RoleDeveloper, Message: personal}
}

// begin begins a transaction. The test rolls it back at its end.
func (h *host) begin(t *testing.T) pgx.Tx {
	t.Helper()
	tx, err := h.pool.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	return tx
}

// invited invites a person as ada, and commits.
func (h *host) invited(t *testing.T, p invitations.InviteParams) (inv invitations.Invitation) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) (err error) {
		inv, err = h.invite(t.Context(), tx, invitations.User("ada"), p)
		return err
	}))
	return inv
}

// resent resends inv as ada, and commits. It first moves the last sending an hour back, because
// of the cooldown.
func (h *host) resent(t *testing.T, inv invitations.Invitation) {
	t.Helper()
	table := pgx.Identifier{h.Schema, "invitations"}.Sanitize()
	_, err := h.pool.Exec(t.Context(), "update "+table+" set sent_at = sent_at - interval '1 hour'")
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error {
		_, err := h.resend(t.Context(), tx, invitations.User("ada"), invitations.ResendParams{Organization: "acme", ID: inv.ID})
		return err
	}))
}

func (h *host) accept(t *testing.T, l letter, user string) error {
	t.Helper()
	_, err := h.svc.Accept(t.Context(), l.token(), invitations.Identity{UserID: user, Email: user + "@example.com", EmailVerified: true})
	return err
}

func (h *host) requireState(t *testing.T, want state) {
	t.Helper()
	got, err := h.state(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// rows returns the jobs in the tables of River, as JSON.
func (h *host) rows(t *testing.T) []string {
	t.Helper()
	rows, err := h.pool.Query(context.WithoutCancel(t.Context()),
		"select row_to_json(job)::text from "+pgx.Identifier{h.JobSchema, "river_job"}.Sanitize()+" job order by id")
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return found
}

// requireNoSecrets checks that the tables and logs of River contain no link and no personal
// message. Each test ends with it.
func (h *host) requireNoSecrets(t *testing.T) {
	t.Helper()
	text := strings.Join(h.rows(t), "\n") + h.logs.String()
	for _, secret := range []string{"inv_", "app.example.com", personal} {
		require.NotContains(t, text, secret)
	}
}

// A buffer is a bytes.Buffer that is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
