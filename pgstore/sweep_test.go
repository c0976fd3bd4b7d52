package pgstore_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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
	defer tx.Rollback(context.WithoutCancel(ctx))
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

// A sweep begins again for the sake of others a few times only. Then it takes what it has locked. It
// goes on beyond that if it has locked nothing.
func TestSweep_BeginsAgainAFewTimes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool := newPool(t, nil)
	store := newStore(t, pool)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{Clock: func() time.Time { return now }})
	require.NoError(t, err)
	for _, organization := range strings.Fields("o0 o1 o2 o3 o4 o5 o6 o7 o8 o9") {
		_, err := svc.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
		_, err = svc.Invite(ctx, invitations.User(ada), invitations.InviteParams{
			Organization: organization, Email: "ann@example.com", Role: "viewer",
		})
		require.NoError(t, err)
		now = now.Add(time.Second)
	}
	now = now.Add(8 * 24 * time.Hour)
	expired := func() string {
		swept, err := svc.Sweep(ctx, 5)
		require.NoError(t, err)
		var organizations []string
		for _, inv := range swept.Expired {
			organizations = append(organizations, inv.Organization)
		}
		return strings.Join(organizations, " ")
	}
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(ctx))
	for _, organization := range strings.Fields("o1 o5 o6 o7 o8") {
		_, err = svc.WithStore(store.WithTx(tx)).CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{
			Organization: organization, Role: "viewer",
		})
		require.NoError(t, err)
	}
	require.Equal(t, "o0 o2 o3 o4", expired(), "o9 would take a fourth new beginning")
	require.Equal(t, "o9", expired(), "all others are locked")
	require.NoError(t, tx.Commit(ctx))
	require.Equal(t, "o1 o5 o6 o7 o8", expired())
}

// An invitation that is answered between the look for due ones and the lock is not swept. Another one
// that is due takes its place.
func TestSweep_LooksAgainUnderTheLock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	other := newPool(t, nil)
	meanwhile := &beforeLock{}
	pool := newPool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = meanwhile })
	store := newStore(t, pool)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{Clock: func() time.Time { return now }})
	require.NoError(t, err)
	ids := map[string][]uuid.UUID{}
	for _, organization := range []string{"first", "second"} {
		_, err := svc.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
		for _, email := range []string{"ann@example.com", "joe@example.com"} {
			now = now.Add(time.Second)
			sent, err := svc.Invite(ctx, invitations.User(ada), invitations.InviteParams{
				Organization: organization, Email: email, Role: "viewer",
			})
			require.NoError(t, err)
			ids[organization] = append(ids[organization], sent.ID)
		}
	}
	now = now.Add(8 * 24 * time.Hour)
	resend := func(organization string, id uuid.UUID) {
		_, err := svc.WithStore(store.On(other)).Resend(ctx, invitations.User(ada), invitations.ResendParams{
			Organization: organization, ID: id,
		})
		require.NoError(t, err)
	}
	sweep := func(limit int, then func()) (expired []uuid.UUID) {
		meanwhile.set(then)
		swept, err := svc.Sweep(ctx, limit)
		require.NoError(t, err)
		require.False(t, meanwhile.isSet())
		for _, inv := range swept.Expired {
			expired = append(expired, inv.ID)
		}
		return expired
	}

	require.Equal(t, ids["first"][1:], sweep(2, func() { resend("first", ids["first"][0]) }),
		"the lock is that of the organization: what is still due in it is swept")
	require.Equal(t, ids["second"][1:], sweep(1, func() { resend("second", ids["second"][0]) }),
		"the resent one must not count towards the limit")
	require.Empty(t, sweep(10, nil))
	for organization, sent := range ids {
		page, err := svc.Timeline(ctx, invitations.System(), invitations.TimelineParams{
			Organization: organization, Types: []invitations.EventType{invitations.EventInvitationExpired},
		})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, sent[1], page.Items[0].InvitationID)
	}
}

// beforeLock calls a function once, before a batch that locks unless somebody else has the lock.
type beforeLock struct {
	mu   sync.Mutex
	then func()
}

func (l *beforeLock) set(then func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.then = then
}

func (l *beforeLock) isSet() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.then != nil
}

func (l *beforeLock) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range data.Batch.QueuedQueries {
		if l.then != nil && strings.Contains(q.SQL, "skip locked") {
			l.then()
			l.then = nil
		}
	}
	return ctx
}

func (l *beforeLock) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (l *beforeLock) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (l *beforeLock) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (l *beforeLock) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
