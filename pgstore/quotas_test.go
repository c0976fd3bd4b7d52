package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var inAcme = invitations.InOrganization(acme)

// grant sets the shared quota of acme.
func (s *scene) grant(limit int64) {
	s.Helper()
	require.NoError(s, s.svc.SetQuota(s.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: inAcme, Quota: invitations.Quota{Limit: limit, Period: invitations.PeriodEndless},
	}))
}

// used returns the amount used of the shared quota of acme.
func (s *scene) used() int64 {
	s.Helper()
	b, err := s.svc.Remaining(s.ctx, inAcme, ada)
	require.NoError(s, err)
	return b.Shared.Used
}

func TestConsume_LostCommitAnswer_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			s.grant(10)
			w.loseAnswer.Store(true)
			_, err := s.svc.Consume(s.ctx, inAcme, ada, 4)
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			noDriver(t, err)
			require.EqualValues(t, 4, s.used(), "the server had committed")

			w.loseAnswer.Store(true)
			err = s.svc.SetQuota(s.ctx, invitations.System(), invitations.SetQuotaParams{
				Workspace: invitations.Personal(), UserID: ada, Quota: invitations.Quota{
					Limit: 1, Period: invitations.PeriodDay,
				},
			})
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			b, err := s.svc.Remaining(s.ctx, invitations.Personal(), ada)
			require.NoError(t, err)
			require.EqualValues(t, 1, b.Own.Limit, "the server had committed")
		})
	}
}

func TestConsume_LostCommit_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec })
	s.grant(10)
	w.loseCommit.Store(true)
	_, err := s.svc.Consume(s.ctx, inAcme, ada, 4)
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown, "the client cannot know that nothing was taken")
	require.Zero(t, s.used())
}

func TestConsume_NoConnection_TakesNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := newScene(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s.grant(10)
	conn, err := s.pool.Acquire(s.ctx)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(s.ctx, time.Millisecond)
	defer cancel()
	_, err = s.svc.Consume(ctx, inAcme, ada, 4)
	require.ErrorIs(t, err, context.DeadlineExceeded, "nothing was sent")
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	conn.Release()
	require.Zero(t, s.used())
}

// A consumption that had to wait must decide on what is there when it goes on.
func TestConsume_DecidesAfterWaiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*scene, *invitations.Service) error
		want      error
	}{
		"the rest is taken": {func(s *scene, inside *invitations.Service) error {
			_, err := inside.Consume(s.ctx, inAcme, ada, 8)
			return err
		}, invitations.ErrQuotaExceeded},
		"the limit is lowered": {func(s *scene, inside *invitations.Service) error {
			return inside.SetQuota(s.ctx, invitations.System(), invitations.SetQuotaParams{
				Workspace: inAcme, Quota: invitations.Quota{Limit: 3, Period: invitations.PeriodEndless},
			})
		}, invitations.ErrQuotaExceeded},
		"the member is removed, and then the limit raised": {func(s *scene, inside *invitations.Service) error {
			if _, err := inside.RemoveMember(s.ctx, invitations.User(ada), acme, "ann"); err != nil {
				return err
			}
			return inside.SetQuota(s.ctx, invitations.System(), invitations.SetQuotaParams{
				Workspace: inAcme, Quota: invitations.Quota{Limit: 100, Period: invitations.PeriodEndless},
			})
		}, invitations.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, store, _ := newScene(t, nil)
			s.grant(10)
			link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
				Organization: acme, Role: "developer",
			})
			require.NoError(t, err)
			_, err = s.svc.Accept(s.ctx, link.Token.Reveal(), person("ann"))
			require.NoError(t, err)

			tx, err := s.pool.Begin(s.ctx)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx)) }()
			require.NoError(t, c.meanwhile(s, s.svc.WithStore(store.WithTx(tx))))
			done := make(chan error, 1)
			go func() {
				_, err := s.svc.Consume(s.ctx, inAcme, "ann", 4)
				done <- err
			}()
			pid := tx.Conn().PgConn().PID()
			require.Eventually(t, func() bool {
				var waiting int
				count := "select count(*) from pg_stat_activity where $1::int = any (pg_blocking_pids(pid))"
				err := s.pool.QueryRow(s.ctx, count, int32(pid)).Scan(&waiting)
				return err == nil && waiting == 1
			}, time.Minute, time.Millisecond)
			require.NoError(t, tx.Commit(s.ctx))
			require.ErrorIs(t, <-done, c.want)
		})
	}
}
