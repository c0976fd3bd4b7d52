package pgstore_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/memstore"
	"github.com/go-invitations/invitations/pgstore"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	keys, err := invitations.NewKeyring(make([]byte, 32))
	require.NoError(t, err)
	run := func(t *testing.T, store invitations.Store) {
		svc, err := invitations.New(store, keys, invitations.Config{})
		require.NoError(t, err)
		_, err = svc.CreateOrganization(ctx, "acme", "ada")
		require.NoError(t, err)
		_, err = svc.CreateOrganization(ctx, "acme", "ada")
		require.NoError(t, err)
		_, err = svc.CreateOrganization(ctx, "acme", "bob")
		require.ErrorIs(t, err, invitations.ErrConflict)
		sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{Organization: "acme", Email: "Bob@Example.com", Role: "admin", Metadata: map[string]string{"a": "b"}})
		require.NoError(t, err)
		_, err = svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{Organization: "acme", Email: "Bob@Example.com", Role: "admin"})
		require.ErrorIs(t, err, invitations.ErrAlreadyInvited)
		offer, err := svc.Lookup(ctx, sent.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, "bob@example.com", offer.Email)
		m, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "bob", Email: "BOB@example.com", EmailVerified: true})
		require.NoError(t, err)
		m2, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "bob", Email: "BOB@example.com", EmailVerified: true})
		require.NoError(t, err)
		require.Equal(t, m, m2)
		link, err := svc.CreateLink(ctx, invitations.User("bob"), invitations.LinkParams{Organization: "acme", Role: "viewer", MaxUses: 2, AllowedDomains: []string{"Example.com"}})
		require.NoError(t, err)
		_, err = svc.Resend(ctx, invitations.User("ada"), invitations.ResendParams{Organization: "acme", ID: link.ID})
		require.NoError(t, err)
		for _, st := range []invitations.State{"", "pending", "expired", "accepted"} {
			page, err := svc.List(ctx, invitations.User("ada"), invitations.ListParams{Organization: "acme", Limit: 1, State: st})
			require.NoError(t, err)
			t.Logf("%s %+v", st, page)
		}
		ev, err := store.Events(ctx, invitations.EventQuery{Organization: "acme", Viewer: "ada", Limit: 100})
		require.NoError(t, err)
		require.Len(t, ev.Events, 6)
	}
	t.Run("mem", func(t *testing.T) { run(t, memstore.New()) })
	t.Run("pg", func(t *testing.T) {
		pool, err := pgxpool.New(ctx, pgtest.URL(t))
		require.NoError(t, err)
		defer pool.Close()
		store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t)})
		require.NoError(t, err)
		require.NoError(t, store.Migrate(ctx))
		require.NoError(t, store.Migrate(ctx))
		run(t, store)
		require.Equal(t, int64(1), pool.Stat().NewConnsCount())
	})
}
