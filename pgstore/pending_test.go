package pgstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

// The suites hold on a store that keeps the number of pending invitations of every organization.
func TestPendingCount_Suites(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return newStore(t, pool).KeepingCounts() })
	borrow := func(t *testing.T) invitations.Store { return lend(t) }
	storetest.Run(t, withoutRaces(borrow, "TestStore/cache_statement"))
	behaviour.Run(t, borrow, "Storms")
}

// After any calls, the number that is kept is that of the rows.
func TestPendingCount_OfTheRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newStore(t, pool)
	keeping := store.KeepingCounts()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(keeping, keyring(t), invitations.Config{
		Clock: func() time.Time { return now }, PendingLimit: 15, ResendCooldown: -1, RemindBefore: time.Hour,
		SendsPerOrganization: -1, SendsPerSender: -1, SendsPerRecipient: -1,
	})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	by := invitations.User(ada)
	var sent []invitations.SentInvitation
	one := func() invitations.SentInvitation { return sent[max(0, len(sent)-1-random.IntN(20))] }
	kept, refused := 0, 0
	for n := range 600 {
		now = now.Add(time.Duration(random.IntN(200)-20) * time.Minute) // clocks disagree
		if random.IntN(4) == 0 {                                        // in a transaction of the host, which it may undo
			tx, err := pool.Begin(ctx)
			require.NoError(t, err)
			_ = callAny(ctx, svc.WithStore(keeping.WithTx(tx)), random, n, by, &sent, one, now)
			end := tx.Commit
			if random.IntN(2) == 0 {
				end = tx.Rollback
			}
			require.NoError(t, end(ctx))
		} else if err := callAny(ctx, svc, random, n, by, &sent, one, now); err != nil {
			refused++
		}
		var isKept, right bool
		require.NoError(t, pool.QueryRow(ctx, pgstore.SQL(store.Schema(), `select coalesce(o.pending_version = o.version, false),
				o.pending_version is distinct from o.version or o.pending_count = (select count(*) from {schema}.invitations i
					where i.organization = o.id and i.state = 'pending' and i.expires_at > o.pending_at)
			from {schema}.organizations o where o.id = 'acme'`)).Scan(&isKept, &right))
		require.True(t, right, "after call %d", n)
		if isKept {
			kept++
			facts, err := keeping.View(ctx, invitations.Query{
				Organization: acme, CountPending: true, Limits: invitations.Limits{Pending: 1000}, PendingAt: now,
			})
			require.NoError(t, err)
			var want int
			require.NoError(t, pool.QueryRow(ctx, pgstore.SQL(store.Schema(), `select count(*) from {schema}.invitations i
				where i.organization = 'acme' and i.state = 'pending' and i.expires_at > $1`), now).Scan(&want))
			require.Equal(t, want, facts.PendingCount, "after call %d", n)
		}
	}
	require.Greater(t, kept, 100)
	require.Greater(t, refused, 10)
}

// callAny makes a random call.
func callAny(
	ctx context.Context, svc *invitations.Service, random *rand.Rand, n int, by invitations.Actor,
	sent *[]invitations.SentInvitation, one func() invitations.SentInvitation, now time.Time,
) error {
	email := func(i int) string { return fmt.Sprintf("p%d-%d@example.com", n, i) }
	switch choice := random.IntN(12); {
	case choice < 3 || len(*sent) == 0:
		s, err := svc.Invite(ctx, by, invitations.InviteParams{
			Organization: acme, Email: email(0), Role: "viewer", ExpiresIn: time.Duration(1+random.IntN(40)) * time.Hour,
		})
		if err == nil {
			*sent = append(*sent, s)
		}
		return err
	case choice < 4:
		outcomes, err := svc.InviteAll(ctx, by, acme, []invitations.InviteParams{
			{Email: email(1), Role: "viewer"}, {Email: email(2), Role: "viewer"}, {Email: email(1), Role: "viewer"},
		})
		for _, o := range outcomes {
			if o.Err == nil {
				*sent = append(*sent, o.Invitation)
			}
		}
		return err
	case choice < 5:
		s, err := svc.CreateLink(ctx, by, invitations.CreateLinkParams{Organization: acme, Role: "viewer", MaxUses: 1})
		if err == nil {
			*sent = append(*sent, s)
		}
		return err
	case choice < 7:
		_, err := svc.Resend(ctx, by, invitations.ResendParams{Organization: acme, ID: one().ID})
		return err
	case choice < 8:
		_, err := svc.Revoke(ctx, by, acme, one().ID)
		return err
	case choice < 9:
		s := one()
		_, err := svc.Accept(ctx, s.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("user ", n), Email: s.Email, EmailVerified: true})
		return err
	case choice < 10:
		return svc.Decline(ctx, one().Token.Reveal())
	case choice < 11:
		_, err := svc.Edit(ctx, by, invitations.EditParams{Organization: acme, ID: one().ID, ExpiresIn: time.Hour})
		return err
	default:
		if _, err := svc.Sweep(ctx, 100); err != nil {
			return err
		}
		_, err := svc.Purge(ctx, now.Add(-25*time.Hour), 5)
		return err
	}
}
