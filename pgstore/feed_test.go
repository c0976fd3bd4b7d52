package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A change may begin first and commit last. A reader who has read the events that were committed in
// between must not miss it.
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
	create := func(on *invitations.Service, organization string) {
		_, err := on.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
	}

	early, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer early.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it fails after the commit
	create(svc.WithStore(store.WithTx(early)), "early")
	create(svc, "late")
	require.Equal(t, []string{"late"}, read())
	require.Empty(t, read())
	require.NoError(t, early.Commit(ctx))
	require.Equal(t, []string{"early"}, read())

	// A transaction that has read its own change in the feed and is rolled back leaves no trace.
	require.ErrorIs(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		create(svc.WithStore(store.WithTx(tx)), "undone")
		events, err := svc.WithStore(store.WithTx(tx)).Feed(ctx, after, 0)
		require.NoError(t, err)
		require.Len(t, events, 1)
		return context.Canceled
	}), context.Canceled)
	require.Empty(t, read())
	create(svc, "at last")
	require.Equal(t, []string{"at last"}, read())

	// A second reader gets the same events.
	after = 0
	require.Equal(t, []string{"late", "early", "at last"}, read())
}
