package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// TestFeed_CommitsOutOfOrder: a change that began first and commits last is not missed by who
// has read what committed in between, nor is one that a host's transaction holds back.
func TestFeed_CommitsOutOfOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool := newPool(t, nil)
	store := newStore(t, pool)
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	var after int64
	read := func() (organizations []string) {
		events, err := svc.Feed(ctx, after, 0)
		require.NoError(t, err)
		for _, e := range events {
			require.Greater(t, e.Position, after)
			after = e.Position
			organizations = append(organizations, e.Organization)
		}
		return organizations
	}
	found := func(on *invitations.Service, organization string) {
		_, err := on.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
	}

	early, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer early.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after the commit there is nothing to roll back
	found(svc.WithStore(store.WithTx(early)), "early")
	found(svc, "late")
	require.Equal(t, []string{"late"}, read())
	require.Empty(t, read())
	require.NoError(t, early.Commit(ctx))
	require.Equal(t, []string{"early"}, read())

	// A transaction that has read its own change in the feed, and then is rolled back, leaves
	// no trace; who reads meanwhile waits for it, or goes without.
	require.ErrorIs(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		found(svc.WithStore(store.WithTx(tx)), "undone")
		events, err := svc.WithStore(store.WithTx(tx)).Feed(ctx, after, 0)
		require.NoError(t, err)
		require.Len(t, events, 1)
		return context.Canceled
	}), context.Canceled)
	require.Empty(t, read())
	found(svc, "at last")
	require.Equal(t, []string{"at last"}, read())

	// Read anew from the start, it is the same.
	after = 0
	require.Equal(t, []string{"late", "early", "at last"}, read())
}
