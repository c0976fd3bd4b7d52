package pgstore_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	var w wire
	pool := newPool(t, func(c *pgxpool.Config) {
		w.watch(c)
		c.MaxConns, c.MaxConnLifetime = 1, time.Hour
	})
	store := newStore(t, pool)
	ctx := context.Background()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{
		Clock:        func() time.Time { return now },
		PendingLimit: 1000, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	require.NoError(t, err)

	type call struct {
		name  string
		trips int64
		run   func(svc *invitations.Service) error
	}
	round := 0
	calls := func() []call {
		round++
		name := func(s string) string { return s + string(rune('a'+round)) }
		var mail, toDecline, toRevoke, link invitations.SentInvitation
		var bulk []invitations.Outcome
		adaUser := invitations.User(ada)
		return []call{
			{"create organization", 2, func(svc *invitations.Service) error {
				_, err := svc.CreateOrganization(ctx, name(acme), ada)
				return err
			}},
			{"invite", 2, func(svc *invitations.Service) (err error) {
				mail, err = svc.Invite(ctx, adaUser, invitations.InviteParams{
					Organization: name(acme), Email: "ann@example.com", Role: "viewer",
				})
				return err
			}},
			{"invite refused", 2, func(svc *invitations.Service) error {
				_, err := svc.Invite(ctx, adaUser, invitations.InviteParams{
					Organization: name(acme), Email: "ann@example.com", Role: "viewer",
				})
				require.ErrorIs(t, err, invitations.ErrAlreadyInvited)
				return nil
			}},
			{"invite with id", 2, func(svc *invitations.Service) (err error) {
				id := mail.ID
				id[15]++
				toDecline, err = svc.Invite(ctx, adaUser, invitations.InviteParams{
					Organization: name(acme), Email: "joe@example.com", Role: "viewer", ID: id,
				})
				return err
			}},
			{"create link", 2, func(svc *invitations.Service) (err error) {
				link, err = svc.CreateLink(ctx, adaUser, invitations.CreateLinkParams{
					Organization: name(acme), Role: "viewer",
				})
				return err
			}},
			{"another link", 2, func(svc *invitations.Service) (err error) {
				toRevoke, err = svc.CreateLink(ctx, adaUser, invitations.CreateLinkParams{
					Organization: name(acme), Role: "viewer",
				})
				return err
			}},
			{"resend", 2, func(svc *invitations.Service) (err error) {
				mail, err = svc.Resend(ctx, adaUser, invitations.ResendParams{Organization: name(acme), ID: mail.ID})
				return err
			}},
			{"edit", 2, func(svc *invitations.Service) error {
				_, err := svc.Edit(ctx, adaUser, invitations.EditParams{
					Organization: name(acme), ID: mail.ID, Role: "developer",
				})
				return err
			}},
			{"invite a hundred", 2, func(svc *invitations.Service) (err error) {
				rows := make([]invitations.InviteParams, 100)
				for i := range rows {
					rows[i] = invitations.InviteParams{
						Email: fmt.Sprintf("bulk%d@example.com", i), Role: "viewer", ID: uuid.Must(uuid.NewV7()),
					}
				}
				bulk, err = svc.InviteAll(ctx, adaUser, name(acme), rows)
				return err
			}},
			{"received", 1, func(svc *invitations.Service) error {
				_, err := svc.Received(ctx, person("bulk0"), invitations.ReceivedParams{})
				return err
			}},
			{"accept what was received", 2, func(svc *invitations.Service) error {
				_, err := svc.AcceptReceived(ctx, name(acme), bulk[0].Invitation.ID, person("bulk0"))
				return err
			}},
			{"decline what was received", 2, func(svc *invitations.Service) error {
				return svc.DeclineReceived(ctx, name(acme), bulk[1].Invitation.ID, person("bulk1"))
			}},
			{"revoke", 2, func(svc *invitations.Service) error {
				_, err := svc.Revoke(ctx, adaUser, name(acme), toRevoke.ID)
				return err
			}},
			{"decline", 2, func(svc *invitations.Service) error { return svc.Decline(ctx, toDecline.Token.Reveal()) }},
			{"lookup", 1, func(svc *invitations.Service) error {
				_, err := svc.Lookup(ctx, mail.Token.Reveal())
				return err
			}},
			{"next", 1, func(svc *invitations.Service) error {
				_, err := svc.NextStep(ctx, mail.Token.Reveal(), invitations.Visitor{Identity: person("ann")})
				return err
			}},
			{"accept", 2, func(svc *invitations.Service) error {
				_, err := svc.Accept(ctx, mail.Token.Reveal(), person("ann"))
				return err
			}},
			{"accept a link", 2, func(svc *invitations.Service) error {
				_, err := svc.Accept(ctx, link.Token.Reveal(), person("joe"))
				return err
			}},
			{"sent", 1, func(svc *invitations.Service) error {
				_, err := svc.PendingToken(ctx, adaUser, name(acme), link.ID)
				return err
			}},
			{"get", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitation(ctx, adaUser, name(acme), link.ID)
				return err
			}},
			{"list", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitations(ctx, adaUser, invitations.InvitationsParams{
					Organization: name(acme), States: []invitations.State{invitations.StatePending},
				})
				return err
			}},
			{"list in two states", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitations(ctx, adaUser, invitations.InvitationsParams{
					Organization: name(acme), States: []invitations.State{invitations.StatePending, invitations.StateAccepted},
				})
				return err
			}},
			{"search", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitations(ctx, adaUser, invitations.InvitationsParams{Organization: name(acme), EmailContains: "an"})
				return err
			}},
			{"list of an address", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitations(ctx, invitations.System(), invitations.InvitationsParams{Email: "ann@example.com"})
				return err
			}},
			{"set limits", 2, func(svc *invitations.Service) error {
				return svc.SetLimits(ctx, invitations.System(), name(acme), invitations.Limits{
					Members: 100, SeatlessRoles: []invitations.Role{"viewer"},
				})
			}},
			{"overview", 1, func(svc *invitations.Service) error {
				_, err := svc.Overview(ctx, adaUser, name(acme))
				return err
			}},
			{"add a member", 2, func(svc *invitations.Service) error {
				_, err := svc.AddMember(ctx, adaUser, invitations.AddMemberParams{
					Organization: name(acme), UserID: "zoe", Role: "admin", Email: "zoe@example.com",
				})
				return err
			}},
			{"set metadata", 2, func(svc *invitations.Service) error {
				_, err := svc.SetMetadata(ctx, adaUser, invitations.SetMetadataParams{
					Organization: name(acme), UserID: "zoe", Metadata: map[string]string{"department": "sales"},
				})
				return err
			}},
			{"set a shared quota", 2, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
					Workspace: invitations.InOrganization(name(acme)), Quota: invitations.Quota{
						Limit: 10, Period: invitations.PeriodDay,
					},
				})
			}},
			{"set a member's quota", 2, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, adaUser, invitations.SetQuotaParams{
					Workspace: invitations.InOrganization(name(acme)), UserID: ada, Quota: invitations.Quota{
						Limit: 10, Period: invitations.PeriodMonth,
					},
				})
			}},
			{"set a personal quota", 1, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
					Workspace: invitations.Personal(), UserID: ada, Quota: invitations.Quota{
						Limit: 1000, Period: invitations.PeriodEndless,
					},
				})
			}},
			{"consume", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.InOrganization(name(acme)), ada, 1)
				return err
			}},
			{"consume personally", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.Personal(), ada, 1)
				return err
			}},
			{"consume too much", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.InOrganization(name(acme)), ada, 100)
				require.ErrorIs(t, err, invitations.ErrQuotaExceeded)
				return nil
			}},
			{"refund", 1, func(svc *invitations.Service) error {
				_, err := svc.Refund(ctx, invitations.RefundParams{
					Workspace: invitations.InOrganization(name(acme)), UserID: ada, Amount: 1, At: now,
				})
				return err
			}},
			{"refund personally", 1, func(svc *invitations.Service) error {
				_, err := svc.Refund(ctx, invitations.RefundParams{
					Workspace: invitations.Personal(), UserID: ada, Amount: 1, At: now,
				})
				return err
			}},
			{"consume in a new period", 1, func(svc *invitations.Service) error {
				now = now.Add(24 * time.Hour)
				_, err := svc.Consume(ctx, invitations.InOrganization(name(acme)), ada, 1)
				return err
			}},
			{"set a quota of another period", 2, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, adaUser, invitations.SetQuotaParams{
					Workspace: invitations.InOrganization(name(acme)), UserID: ada, Quota: invitations.Quota{
						Limit: 10, Period: invitations.PeriodDay,
					},
				})
			}},
			{"usage", 1, func(svc *invitations.Service) error {
				_, err := svc.Usage(ctx, adaUser, invitations.UsageParams{
					Organization: name(acme), Period: invitations.PeriodMonth,
				})
				return err
			}},
			{"remaining", 1, func(svc *invitations.Service) error {
				_, err := svc.Remaining(ctx, invitations.InOrganization(name(acme)), ada)
				return err
			}},
			{"quota", 1, func(svc *invitations.Service) error {
				_, err := svc.Quota(ctx, adaUser, name(acme), ada)
				return err
			}},
			{"workspaces", 1, func(svc *invitations.Service) error {
				_, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada})
				return err
			}},
			{"authorize", 1, func(svc *invitations.Service) error {
				_, err := svc.Authorize(ctx, name(acme), ada, invitations.PermissionMemberList)
				return err
			}},
			{"members", 1, func(svc *invitations.Service) error {
				_, err := svc.Members(ctx, adaUser, invitations.MembersParams{Organization: name(acme)})
				return err
			}},
			{"members with balances", 1, func(svc *invitations.Service) error {
				_, err := svc.Members(ctx, adaUser, invitations.MembersParams{Organization: name(acme), Balances: true})
				return err
			}},
			{"sweep", 3, func(svc *invitations.Service) error {
				now = now.Add(8 * 24 * time.Hour)
				swept, err := svc.Sweep(ctx, 1000)
				require.NotEmpty(t, swept.Expired)
				return err
			}},
			{"sweep with nothing due", 1, func(svc *invitations.Service) error {
				swept, err := svc.Sweep(ctx, 1000)
				require.Empty(t, swept.Expired)
				return err
			}},
			{"change a role", 2, func(svc *invitations.Service) error {
				_, err := svc.ChangeRole(ctx, adaUser, invitations.ChangeRoleParams{
					Organization: name(acme), UserID: "ann", Role: "admin",
				})
				return err
			}},
			{"transfer", 2, func(svc *invitations.Service) error {
				_, err := svc.TransferOwnership(ctx, adaUser, invitations.TransferOwnershipParams{
					Organization: name(acme), From: ada, To: "ann", Role: "admin",
				})
				return err
			}},
			{"remove", 2, func(svc *invitations.Service) error {
				_, err := svc.RemoveMember(ctx, invitations.User("ann"), name(acme), ada)
				return err
			}},
			{"leave", 2, func(svc *invitations.Service) error {
				_, err := svc.Leave(ctx, name(acme), "joe")
				return err
			}},
			{"timeline", 1, func(svc *invitations.Service) error {
				_, err := svc.Timeline(ctx, invitations.User("ann"), invitations.TimelineParams{
					Organization: name(acme), NewestFirst: true,
				})
				return err
			}},
			{"timeline of types", 1, func(svc *invitations.Service) error {
				_, err := svc.Timeline(ctx, invitations.User("ann"), invitations.TimelineParams{
					Organization: name(acme), Types: []invitations.EventType{
						invitations.EventMemberJoined, invitations.EventLimitsChanged,
					},
				})
				return err
			}},
			{"statistics", 1, func(svc *invitations.Service) error {
				_, err := svc.Statistics(ctx, invitations.User("ann"), invitations.StatisticsParams{
					Organization: name(acme),
				})
				return err
			}},
			{"feed", 1, func(svc *invitations.Service) error {
				_, err := svc.Feed(ctx, 0, 0)
				return err
			}},
			{"member", 1, func(svc *invitations.Service) error {
				_, err := svc.Member(ctx, name(acme), "ann")
				return err
			}},
			{"delete", 2, func(svc *invitations.Service) error {
				return svc.DeleteOrganization(ctx, invitations.User("ann"), name(acme))
			}},
		}
	}
	for _, c := range calls() { // prepares the statements
		require.NoError(t, c.run(svc), c.name)
	}
	for _, c := range calls() {
		var err error
		trips := w.count(func() { err = c.run(svc) })
		require.NoError(t, err, c.name)
		require.Equal(t, c.trips, trips, "round trips: %s", c.name)
	}
	require.EqualValues(t, 1, pool.Stat().NewConnsCount(), "the connection is kept")

	// A transaction of the host takes as many, besides its own begin and commit.
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		inside := svc.WithStore(store.WithTx(tx))
		for _, c := range calls() { // prepares the statements
			require.NoError(t, c.run(inside), c.name)
		}
		for _, c := range calls() {
			want := c.trips
			if c.name == "invite refused" {
				want = 1 // there is nothing to roll back
			}
			var err error
			trips := w.count(func() { err = c.run(inside) })
			require.NoError(t, err, c.name)
			require.Equal(t, want, trips, "round trips in a transaction of the host: %s", c.name)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestWithTx_CommitsOrRollsBackBoth(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	exec(t, store.Schema(), `create table {schema}.host (name text primary key)`)
	sent := s.invite("ann@example.com")
	accept := func(end func(pgx.Tx) error) {
		tx, err := s.pool.Begin(s.ctx)
		require.NoError(t, err)
		_, err = s.svc.WithStore(store.WithTx(tx)).Accept(s.ctx, sent.Token.Reveal(), person("ann"))
		require.NoError(t, err)
		_, err = tx.Exec(s.ctx, pgstore.SQL(store.Schema(), `insert into {schema}.host values ('ann')`))
		require.NoError(t, err)
		require.NoError(t, end(tx))
	}
	count := func() (n int) {
		row := s.pool.QueryRow(s.ctx, pgstore.SQL(store.Schema(), `select count(*) from {schema}.host`))
		require.NoError(t, row.Scan(&n))
		return n
	}
	accept(func(tx pgx.Tx) error { return tx.Rollback(s.ctx) })
	_, err := s.svc.Member(s.ctx, acme, "ann")
	require.ErrorIs(t, err, invitations.ErrNotFound)
	require.Zero(t, count())

	accept(func(tx pgx.Tx) error { return tx.Commit(s.ctx) })
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.NoError(t, err)
	require.Equal(t, 1, count())
}

func TestWithTx_HigherIsolationLevel_ErrConcurrentChange(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			s, store, _ := newScene(t, nil)
			link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
				Organization: acme, Role: "viewer", MaxUses: 1,
			})
			require.NoError(t, err)
			tx, err := s.pool.BeginTx(s.ctx, pgx.TxOptions{IsoLevel: level})
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(s.ctx) }()
			inside := s.svc.WithStore(store.WithTx(tx))
			_, err = inside.Lookup(s.ctx, link.Token.Reveal()) // takes the snapshot
			require.NoError(t, err)

			_, err = s.svc.Accept(s.ctx, link.Token.Reveal(), person("ann"))
			require.NoError(t, err)
			_, err = inside.Accept(s.ctx, link.Token.Reveal(), person("joe"))
			require.ErrorIs(t, err, invitations.ErrConcurrentChange)
			noDriver(t, err)
			require.NoError(t, tx.Rollback(s.ctx))
			_, err = s.svc.Accept(s.ctx, link.Token.Reveal(), person("joe"))
			require.ErrorIs(t, err, invitations.ErrExhausted)
		})
	}
}

func TestChange_OnASingleConnection(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	conn := connect(t)
	svc := s.svc.WithStore(storeOn(t, conn, store.Schema()))
	sent, err := svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.NoError(t, err)
	_, err = svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
	_, err = svc.CreateLink(s.ctx, invitations.User("ann"), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	require.EqualValues(t, 'I', conn.PgConn().TxStatus(), "no transaction is left open")
}

func TestStore_RefusesConnectionInTransaction(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	conn := connect(t)
	tx, err := conn.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(s.ctx) }()
	svc := s.svc.WithStore(storeOn(t, conn, store.Schema())) // the host should have passed tx
	_, err = svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.ErrorContains(t, err, "in a transaction")
	_, err = svc.Member(s.ctx, acme, ada)
	require.ErrorContains(t, err, "in a transaction")
	require.ErrorContains(t, storeOn(t, conn, "another").Migrate(s.ctx), "in a transaction")
	require.EqualValues(t, 'T', conn.PgConn().TxStatus(), "the transaction of the host is still open")
}

func TestChange_OrganizationsDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	err := store.Update(s.ctx, invitations.Query{Organization: acme}, func(invitations.Facts) (invitations.Changes, error) {
		_, err := s.svc.CreateOrganization(s.ctx, "zeta", "eve") // while acme is locked
		return invitations.Changes{RemovedMembers: []string{"nobody"}}, err
	})
	require.NoError(t, err)
}

const waitsForALock = `select exists (
	select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%')`

func TestChange_ContextEndsWhileWaitingForTheLock(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	sent := s.invite("ann@example.com")
	holder, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(s.ctx) }()
	_, err = holder.Exec(s.ctx, pgstore.SQL(store.Schema(), `select 1 from {schema}.organizations for update`))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(s.ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer cancel()
		waitFor(t, waitsForALock, store.Schema())
	})
	_, err = s.svc.Accept(ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	done.Wait()
	require.NoError(t, holder.Rollback(s.ctx))
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
}

// An invitation that expires while a change waits for the lock has expired for this change.
func TestClass24_ExpiryWhileWaitingForTheLock(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	var offset atomic.Int64
	svc, err := invitations.New(store, keyring(t), invitations.Config{PendingLimit: 1, Clock: func() time.Time {
		return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(offset.Load()))
	}})
	require.NoError(t, err)
	sent, err := svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{
		Organization: acme, Email: "ann@example.com", Role: "viewer",
	})
	require.NoError(t, err)
	holder, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(s.ctx) }()
	_, err = holder.Exec(s.ctx, pgstore.SQL(store.Schema(), `select 1 from {schema}.organizations for update`))
	require.NoError(t, err)
	var done sync.WaitGroup
	done.Go(func() {
		waitFor(t, waitsForALock, store.Schema())
		offset.Store(int64(8 * 24 * time.Hour))
		_ = holder.Rollback(s.ctx)
	})
	_, err = svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, invitations.ErrExpired)
	done.Wait()
}

func TestChange_NeedsOneConnection(t *testing.T) {
	t.Parallel()
	s, _, _ := newScene(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s.invite("ann@example.com") // an operation that needed two connections would hang
	held, err := s.pool.Acquire(s.ctx)
	require.NoError(t, err)
	defer held.Release()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err = s.svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.ErrorIs(t, err, context.Canceled, "a full pool must not be waited for beyond the context")
}
