package invitations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// consuming returns a store that answers every Consume with consumed.
func consuming(consumed invitations.Consumed) *StoreMock {
	return &StoreMock{ConsumeFunc: func(context.Context, invitations.Consumption) (invitations.Consumed, error) { return consumed, nil }}
}

// The caller gets the balance that the store returned, as of the present periods.
func TestConsume(t *testing.T) {
	t.Parallel()
	today, tomorrow, april := midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(2026, 4, 1)
	type quotas = map[string]invitations.QuotaRecord
	own := quotaOf("dora", 10, invitations.PeriodDay, today, 4)
	shared := quotaOf("", 100, invitations.PeriodMonth, today, 97)
	zero := invitations.QuotaRecord{UserID: "dora", Version: 4, Used: 4}
	ownUsage, sharedUsage := usage(10, invitations.PeriodDay, 4, tomorrow), usage(100, invitations.PeriodMonth, 97, april)
	for name, c := range map[string]struct {
		workspace invitations.Workspace
		consumed  invitations.Consumed
		want      invitations.Balance
		err       error
	}{
		"taken from both": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{Own: ownUsage, Shared: sharedUsage}, nil,
		},
		"taken from own": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"dora": own}},
			invitations.Balance{Own: ownUsage}, nil,
		},
		"taken from shared": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"": shared, "dora": zero}},
			invitations.Balance{Shared: sharedUsage}, nil,
		},
		"no quota": {inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper}, invitations.Balance{}, nil},
		"personal": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": own}}, invitations.Balance{Own: ownUsage}, nil,
		},
		"not enough": {
			inAcme, invitations.Consumed{Role: invitations.RoleOwner, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{Own: ownUsage, Shared: sharedUsage}, invitations.ErrQuotaExceeded,
		},
		"not enough, personal": {
			invitations.Personal(), invitations.Consumed{Quotas: quotas{"dora": own}}, invitations.Balance{Own: ownUsage}, invitations.ErrQuotaExceeded,
		},
		"not a member":    {inAcme, invitations.Consumed{Quotas: quotas{"": shared}}, invitations.Balance{}, invitations.ErrPermissionDenied},
		"no organization": {inAcme, invitations.Consumed{}, invitations.Balance{}, invitations.ErrPermissionDenied},
		"a role without the permission": {
			inAcme, invitations.Consumed{Role: invitations.RoleViewer, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{}, invitations.ErrPermissionDenied,
		},
		"an unknown role": {inAcme, invitations.Consumed{Role: "ghost"}, invitations.Balance{}, invitations.ErrPermissionDenied},
		// The amount used in another period does not count.
		"not enough, the next day": {
			inAcme, invitations.Consumed{Role: invitations.RoleOwner, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodDay, midnight(2026, 2, 28), 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodDay, 0, tomorrow)}, invitations.ErrQuotaExceeded,
		},
		"endless": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodEndless, midnight(1970, 1, 1), 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodEndless, 2, time.Time{})}, nil,
		},
		"a period that began later": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodDay, tomorrow, 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodDay, 2, midnight(2026, 3, 3))}, nil,
		},
		"a month that began later": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodMonth, midnight(2026, 12, 1), 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodMonth, 2, midnight(2027, 1, 1))}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			balance, err := serviceOn(t, consuming(c.consumed), atNoon()).Consume(t.Context(), c.workspace, "dora", 3)
			if c.err == nil {
				require.NoError(t, err)
				require.Equal(t, c.want, balance)
				return
			}
			require.Zero(t, balance)
			if !errors.Is(c.err, invitations.ErrQuotaExceeded) {
				require.Equal(t, c.err, err)
				return
			}
			require.ErrorIs(t, err, invitations.ErrQuotaExceeded)
			var exceeded *invitations.QuotaExceededError
			require.ErrorAs(t, err, &exceeded)
			require.Equal(t, c.want, exceeded.Balance)
			require.Equal(t, int64(3), exceeded.Amount)
			var refusal *invitations.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, "quota_exceeded", refusal.Code())
		})
	}
}

// The store gets the roles that hold the permission.
func TestConsume_Roles(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{"owner": {"x"}, "guest": nil})
	require.NoError(t, err)
	config := atNoon()
	config.Policy = policy
	store := consuming(invitations.Consumed{Role: "owner"})
	_, err = serviceOn(t, store, config).Consume(t.Context(), inAcme, "dora", 1)
	require.Equal(t, invitations.ErrPermissionDenied, err, "no role holds the permission")
	require.Empty(t, store.ConsumeCalls()[0].C.Roles)

	_, err = serviceOn(t, store, config).Consume(t.Context(), invitations.Personal(), "dora", 1)
	require.ErrorIs(t, err, invitations.ErrQuotaExceeded, "a personal quota needs no role")
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	f := factsFor("Remaining")
	balance, err := serviceOn(t, answering(f), atNoon()).Remaining(t.Context(), inAcme, "dora")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{
		Own:    usage(10, invitations.PeriodDay, 4, midnight(2026, 3, 2)),
		Shared: usage(100, invitations.PeriodMonth, 40, midnight(2026, 4, 1)),
	}, balance)

	balance, err = serviceOn(t, answering(f), clockAt(midnight(2026, 4, 1))).Remaining(t.Context(), inAcme, "dora")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{
		Own:    usage(10, invitations.PeriodDay, 0, midnight(2026, 4, 2)),
		Shared: usage(100, invitations.PeriodMonth, 0, midnight(2026, 5, 1)),
	}, balance, "the next month")

	f.Members["vera"] = invitations.Member{Organization: "acme", UserID: "vera", Role: "ghost"}
	f.Quotas = nil
	balance, err = serviceOn(t, answering(f), atNoon()).Remaining(t.Context(), inAcme, "vera")
	require.NoError(t, err, "every member may read it")
	require.Zero(t, balance)
	for _, f := range []invitations.Facts{f, {}} {
		balance, err = serviceOn(t, answering(f), atNoon()).Remaining(t.Context(), inAcme, "mallory")
		require.Equal(t, invitations.ErrPermissionDenied, err)
		require.Zero(t, balance)
	}
}

func TestRemaining_Personal(t *testing.T) {
	t.Parallel()
	personal := invitations.QuotaRecord{UserID: "dora", Quota: invitations.Quota{Limit: 7, Period: invitations.PeriodDay}, PeriodStart: midnight(2026, 3, 1), Used: 2}
	var zero invitations.QuotaRecord
	for name, c := range map[string]struct {
		record *invitations.QuotaRecord
		want   invitations.Balance
	}{
		"none": {nil, invitations.Balance{}},
		"zero": {&zero, invitations.Balance{}},
		"set":  {&personal, invitations.Balance{Own: usage(7, invitations.PeriodDay, 2, midnight(2026, 3, 2))}},
	} {
		store := &StoreMock{WorkspacesFunc: func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			return c.record, nil, nil
		}}
		balance, err := serviceOn(t, store, atNoon()).Remaining(t.Context(), invitations.Personal(), "dora")
		require.NoError(t, err, name)
		require.Equal(t, c.want, balance, name)
		require.Zero(t, store.WorkspacesCalls()[0].Q.Limit, "it reads no memberships")

		broken := errors.New("disk full")
		store.WorkspacesFunc = func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			return c.record, nil, broken
		}
		balance, err = serviceOn(t, store, atNoon()).Remaining(t.Context(), invitations.Personal(), "dora")
		require.Equal(t, broken, err, name)
		require.Zero(t, balance, "%s: a result beside an error", name)
	}
}

// Only System sets personal and shared quotas.
func TestSetQuota_Permission(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor     invitations.Actor
		workspace invitations.Workspace
		user      string
		want      error
	}{
		"an owner, of a member":      {olga, inAcme, "dora", nil},
		"System, of a member":        {invitations.System(), inAcme, "dora", nil},
		"a developer, of themselves": {invitations.User("dora"), inAcme, "dora", invitations.ErrPermissionDenied},
		"an owner, of a stranger":    {olga, inAcme, "mallory", invitations.ErrNotFound},
		"an owner, shared":           {olga, inAcme, "", invitations.ErrPermissionDenied},
		"System, shared":             {invitations.System(), inAcme, "", nil},
		"System, personal":           {invitations.System(), invitations.Personal(), "dora", nil},
		"an owner, personal":         {olga, invitations.Personal(), "dora", invitations.ErrPermissionDenied},
		"a user, personal":           {invitations.User("dora"), invitations.Personal(), "dora", invitations.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := working("SetQuota")
			p := goodQuota()
			p.Workspace, p.UserID = c.workspace, c.user
			err := serviceOn(t, store, atNoon()).SetQuota(t.Context(), c.actor, p)
			require.Equal(t, c.want, err)
			if c.workspace == invitations.Personal() {
				require.Empty(t, store.UpdateCalls(), "no organization changes")
			} else {
				require.Empty(t, store.SetPersonalQuotaCalls(), "no personal quota changes")
			}
			if c.want != nil {
				require.Empty(t, store.SetPersonalQuotaCalls())
			}
		})
	}
}

func TestQuota_Permission(t *testing.T) {
	t.Parallel()
	own := usage(10, invitations.PeriodDay, 4, midnight(2026, 3, 2))
	shared := usage(100, invitations.PeriodMonth, 40, midnight(2026, 4, 1))
	for name, c := range map[string]struct {
		actor invitations.Actor
		user  string
		want  invitations.Balance
		err   error
	}{
		"an owner, of a member":                 {olga, "dora", invitations.Balance{Own: own, Shared: shared}, nil},
		"an owner, of a member without a quota": {olga, "olga", invitations.Balance{Shared: shared}, nil},
		"an owner, shared":                      {olga, "", invitations.Balance{Shared: shared}, nil},
		"System, of a member":                   {invitations.System(), "dora", invitations.Balance{Own: own, Shared: shared}, nil},
		"System, shared":                        {invitations.System(), "", invitations.Balance{Shared: shared}, nil},
		"an owner, of a stranger":               {olga, "mallory", invitations.Balance{}, invitations.ErrNotFound},
		"System, of a stranger":                 {invitations.System(), "mallory", invitations.Balance{}, invitations.ErrNotFound},
		"a developer, of themselves":            {invitations.User("dora"), "dora", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a developer, shared":                   {invitations.User("dora"), "", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a stranger, of a member":               {invitations.User("mallory"), "dora", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a stranger, of a stranger":             {invitations.User("mallory"), "nobody", invitations.Balance{}, invitations.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsFor("Quota")
			balance, err := serviceOn(t, answering(f), atNoon()).Quota(t.Context(), c.actor, "acme", c.user)
			require.Equal(t, c.err, err)
			require.Equal(t, c.want, balance)
		})
	}
	_, err := serviceOn(t, answering(invitations.Facts{}), atNoon()).Quota(t.Context(), invitations.System(), "acme", "")
	require.Equal(t, invitations.ErrNotFound, err, "the organization does not exist")
}

// A consumption counts in one workspace only. The zero Workspace is refused.
func TestWorkspace_QuotasAreSeparate(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, invitations.Personal(), invitations.InOrganization("personal"))
	require.NotEqual(t, invitations.Personal(), invitations.Workspace{})
	require.Equal(t, invitations.Workspace{}, invitations.InOrganization(""))

	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	quota := invitations.Quota{Limit: 3, Period: invitations.PeriodDay}
	for w, user := range map[invitations.Workspace]string{invitations.Personal(): "olga", inAcme: ""} {
		require.NoError(t, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{Workspace: w, UserID: user, Quota: quota}))
	}
	_, err := svc.Consume(ctx, inAcme, "olga", 3)
	require.NoError(t, err)
	_, err = svc.Consume(ctx, inAcme, "olga", 1)
	require.ErrorIs(t, err, invitations.ErrQuotaExceeded)
	balance, err := svc.Remaining(ctx, invitations.Personal(), "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{Own: usage(3, invitations.PeriodDay, 0, midnight(2026, 3, 2))}, balance)
	balance, err = svc.Consume(ctx, invitations.Personal(), "olga", 2)
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{Own: usage(3, invitations.PeriodDay, 2, midnight(2026, 3, 2))}, balance)
	balance, err = svc.Remaining(ctx, inAcme, "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{Shared: usage(3, invitations.PeriodDay, 3, midnight(2026, 3, 2))}, balance)
	_, err = svc.Consume(ctx, invitations.Workspace{}, "olga", 1)
	require.ErrorIs(t, err, invitations.ErrInvalid)
}
