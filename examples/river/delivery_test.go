package main

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

func TestInvite(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	tx := h.begin(t)
	inv, err := h.invite(t.Context(), tx, invitations.User("ada"), params("bob@example.com"))
	require.NoError(t, err)
	h.requireState(t, state{members: 1})
	require.NoError(t, tx.Commit(t.Context()))

	mail, l := h.next(t)
	require.Equal(t, senderAddress, mail.from)
	require.Equal(t, []string{"bob@example.com"}, mail.to)
	require.Equal(t, "<bob@example.com>", l.to)
	require.Equal(t, `"Example" <invitations@example.com>`, l.from)
	require.Equal(t, "“ada” invited you to “acme” on Example", l.subject)
	require.Contains(t, l.text, personal)
	require.Contains(t, l.html, personal)
	require.Contains(t, l.html, `href="`+l.link()+`"`)
	require.NotContains(t, string(mail.data), "“", "headers and parts must be encoded")
	require.Contains(t, string(mail.data), "\r\nMessage-ID: "+l.id+"\r\n", "the header must be on one line, which some servers require")
	h.requireNoTransaction(t)
	mail.accept()
	h.event(t, w, river.EventKindJobCompleted)
	h.requireState(t, state{invitations: 1, members: 1, done: 1})

	require.NoError(t, h.accept(t, l, "bob"))
	member, err := h.svc.Member(t.Context(), "acme", "bob")
	require.NoError(t, err)
	require.Equal(t, invitations.RoleDeveloper, member.Role)

	var job struct{ Args map[string]string }
	require.NoError(t, json.Unmarshal([]byte(h.rows(t)[0]), &job))
	require.Equal(t, map[string]string{"organization": "acme", "invitation_id": inv.ID.String()}, job.Args)
}

// requireNoTransaction checks that no transaction of the library is open, as while a mail is sent.
func (h *host) requireNoTransaction(t *testing.T) {
	t.Helper()
	config := h.pool.Config().ConnConfig
	var open int
	require.NoError(t, h.pool.QueryRow(t.Context(), `select count(*) from pg_catalog.pg_stat_activity
		where application_name = $1 and state like 'idle in transaction%' and query like '%' || $2 || '%'`,
		config.RuntimeParams["application_name"], h.Schema).Scan(&open))
	require.Zero(t, open)
}

// An invitation that was rolled back is not mailed. The next mail is for another one.
func TestInvite_RolledBack(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	errRollback := errors.New("roll back")
	err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error {
		_, err := h.invite(t.Context(), tx, invitations.User("ada"), params("linus@example.com"))
		require.NoError(t, err)
		return errRollback
	})
	require.ErrorIs(t, err, errRollback)
	h.requireState(t, state{members: 1})
	h.invited(t, params("bob@example.com"))
	require.Equal(t, "<bob@example.com>", h.sent(t, w).to)
	h.requireState(t, state{invitations: 1, members: 1, done: 1})
}

// If the connection dies before the commit, there is no invitation and no job. The call can be
// repeated.
func TestInvite_ConnectionDies(t *testing.T) {
	t.Parallel()
	for name, enqueued := range map[string]bool{"before the job": false, "after the job": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			w := h.work(t)
			p := params("bob@example.com")
			p.ID = uuid.Must(uuid.NewV7())
			tx := h.begin(t)
			sent, err := h.svc.WithStore(h.store.WithTx(tx)).Invite(t.Context(), invitations.User("ada"), p)
			require.NoError(t, err)
			if enqueued {
				require.NoError(t, h.enqueue(t.Context(), tx, sent.Invitation))
			}
			var dead bool
			require.NoError(t, h.pool.QueryRow(t.Context(), "select pg_terminate_backend($1, 60000)", tx.Conn().PgConn().PID()).Scan(&dead))
			require.True(t, dead)
			if !enqueued {
				require.Error(t, h.enqueue(t.Context(), tx, sent.Invitation))
			}
			require.Error(t, tx.Commit(t.Context()))
			h.requireState(t, state{members: 1})

			require.Equal(t, p.ID, h.invited(t, p).ID)
			l := h.sent(t, w)
			require.NotEqual(t, sent.Token.Reveal(), l.token())
			require.NoError(t, h.accept(t, l, "bob"))
			h.requireState(t, state{members: 2, done: 1})
		})
	}
}

// A repeated call with the same ID inserts no second job.
func TestInvite_Repeated(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	p := params("bob@example.com")
	p.ID = uuid.Must(uuid.NewV7())
	h.invited(t, p)
	h.sent(t, w)
	h.invited(t, p)
	h.requireState(t, state{invitations: 1, members: 1, done: 1})
}

// If the invitation has ended, the worker sends no mail and cancels the job.
func TestWorker_InvitationEnded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(*testing.T, *host, invitations.Invitation) error
		cause error
	}{
		"revoked": {func(t *testing.T, h *host, inv invitations.Invitation) error {
			_, err := h.svc.Revoke(t.Context(), invitations.User("ada"), "acme", inv.ID)
			return err
		}, invitations.ErrRevoked},
		"accepted": {func(t *testing.T, h *host, inv invitations.Invitation) error {
			sent, err := h.svc.PendingToken(t.Context(), invitations.System(), "acme", inv.ID)
			require.NoError(t, err)
			_, err = h.svc.Accept(t.Context(), sent.Token.Reveal(), invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true})
			return err
		}, invitations.ErrAccepted},
		"deleted": {func(t *testing.T, h *host, inv invitations.Invitation) error {
			_, err := h.pool.Exec(t.Context(), "drop schema "+pgx.Identifier{h.Schema}.Sanitize()+" cascade")
			require.NoError(t, err)
			return h.store.Migrate(t.Context())
		}, invitations.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			inv := h.invited(t, params("bob@example.com"))
			require.NoError(t, test.end(t, h, inv))
			event := h.event(t, h.work(t), river.EventKindJobCancelled)
			require.Len(t, event.Job.Errors, 1)
			require.Contains(t, event.Job.Errors[0].Error, test.cause.Error())
		})
	}
}

// After a resend, the job of the first sending mails the new link too.
func TestResend_BeforeSending(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	inv := h.invited(t, params("bob@example.com"))
	old, err := h.svc.PendingToken(t.Context(), invitations.System(), "acme", inv.ID)
	require.NoError(t, err)
	h.resent(t, inv)
	present, err := h.svc.PendingToken(t.Context(), invitations.System(), "acme", inv.ID)
	require.NoError(t, err)
	require.NotEqual(t, old.Token.Reveal(), present.Token.Reveal())
	w := h.work(t)
	first, l := h.next(t)
	require.Equal(t, present.Token.Reveal(), l.token())
	second, again := h.next(t)
	require.Equal(t, l, again)
	first.accept()
	second.accept()
	h.event(t, w, river.EventKindJobCompleted)
	h.event(t, w, river.EventKindJobCompleted)
	require.NoError(t, h.accept(t, l, "bob"))
}

// A resend during the job of the old link mails the new link too.
func TestResend_WhileSending(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	w := h.work(t)
	inv := h.invited(t, params("bob@example.com"))
	mail, old := h.next(t)
	h.resent(t, inv)
	second, l := h.next(t)
	mail.accept()
	second.accept()
	h.event(t, w, river.EventKindJobCompleted)
	h.event(t, w, river.EventKindJobCompleted)
	require.NotEqual(t, old.id, l.id)
	require.ErrorIs(t, h.accept(t, old, "bob"), invitations.ErrInvalidToken)
	require.NoError(t, h.accept(t, l, "bob"))
}

// The Message-ID depends on the sending, and not on the worker's time zone. A resend has another
// one.
func TestMessageID(t *testing.T) {
	t.Parallel()
	inv := invitations.Invitation{ID: uuid.Must(uuid.NewV7()), SentAt: time.UnixMicro(1).UTC()}
	elsewhere, resent := inv, inv
	elsewhere.SentAt = inv.SentAt.In(time.FixedZone("", 3600))
	resent.SentAt = time.UnixMicro(2).UTC()
	require.Equal(t, messageID(inv), messageID(elsewhere))
	require.NotEqual(t, messageID(inv), messageID(resent))
}
