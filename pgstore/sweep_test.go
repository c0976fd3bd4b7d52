package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A sweep must not wait for an organization that is being changed.
func TestSweep_SkipsLockedOrganizations(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool := newPool(t, nil)
	store := newStore(t, pool)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{Clock: func() time.Time { return now }})
	require.NoError(t, err)
	for _, organization := range []string{"busy", "idle"} {
		_, err := svc.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
		for _, email := range []string{"ann@example.com", "joe@example.com"} {
			_, err = svc.Invite(ctx, invitations.User(ada), invitations.InviteParams{
				Organization: organization, Email: email, Role: "viewer",
			})
			require.NoError(t, err)
		}
	}
	now = now.Add(8 * 24 * time.Hour)
	expired := func() (organizations []string) {
		swept, err := svc.Sweep(ctx, 3)
		require.NoError(t, err)
		for _, inv := range swept.Expired {
			organizations = append(organizations, inv.Organization)
		}
		return organizations
	}
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it fails after the commit
	_, err = svc.WithStore(store.WithTx(tx)).CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: "busy", Role: "viewer",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"idle", "idle"}, expired(), "the skipped ones must not count towards the limit")
	require.Empty(t, expired())
	require.NoError(t, tx.Commit(ctx))
	require.Equal(t, []string{"busy", "busy"}, expired())
	require.Empty(t, expired())
}
