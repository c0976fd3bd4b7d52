package invitations_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var inAcme = invitations.InOrganization("acme")

// usage is what is told of a quota.
func usage(limit int64, period invitations.Period, used int64, resetsAt time.Time) *invitations.Usage {
	return &invitations.Usage{Quota: invitations.Quota{Limit: limit, Period: period}, Used: used, ResetsAt: resetsAt}
}

// consuming answers every Consume with consumed.
func consuming(consumed invitations.Consumed) *StoreMock {
	return &StoreMock{ConsumeFunc: func(context.Context, invitations.Consumption) (invitations.Consumed, error) { return consumed, nil }}
}

// What the store answers, and what the caller is told of it.
func TestConsume(t *testing.T) {
	t.Parallel()
	today, tomorrow, april := midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(2026, 4, 1)
	type quotas = map[string]invitations.QuotaRecord
	own := quotaOf("dora", 10, invitations.PeriodDay, today, 4)
	shared := quotaOf("", 100, invitations.PeriodMonth, today, 97)
	taken := invitations.QuotaRecord{UserID: "dora", Version: 4, Used: 4}
	ownTold, sharedTold := usage(10, invitations.PeriodDay, 4, tomorrow), usage(100, invitations.PeriodMonth, 97, april)
	for name, c := range map[string]struct {
		workspace invitations.Workspace
		consumed  invitations.Consumed
		want      invitations.Balance
		err       error
	}{
		"taken from both": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{Own: ownTold, Shared: sharedTold}, nil,
		},
		"taken from own": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"dora": own}},
			invitations.Balance{Own: ownTold}, nil,
		},
		"taken from shared": {
			inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: quotas{"": shared, "dora": taken}},
			invitations.Balance{Shared: sharedTold}, nil,
		},
		"nothing limits": {inAcme, invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper}, invitations.Balance{}, nil},
		"personal": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": own}}, invitations.Balance{Own: ownTold}, nil,
		},
		"not enough": {
			inAcme, invitations.Consumed{Role: invitations.RoleOwner, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{Own: ownTold, Shared: sharedTold}, invitations.ErrQuotaExceeded,
		},
		"not enough, personal": {
			invitations.Personal(), invitations.Consumed{Quotas: quotas{"dora": own}}, invitations.Balance{Own: ownTold}, invitations.ErrQuotaExceeded,
		},
		"no member":       {inAcme, invitations.Consumed{Quotas: quotas{"": shared}}, invitations.Balance{}, invitations.ErrPermissionDenied},
		"no organization": {inAcme, invitations.Consumed{}, invitations.Balance{}, invitations.ErrPermissionDenied},
		"a role that may not": {
			inAcme, invitations.Consumed{Role: invitations.RoleViewer, Quotas: quotas{"": shared, "dora": own}},
			invitations.Balance{}, invitations.ErrPermissionDenied,
		},
		"a role that is gone": {inAcme, invitations.Consumed{Role: "ghost"}, invitations.Balance{}, invitations.ErrPermissionDenied},
		// What was used in another period is not told as used.
		"not enough, of a new day": {
			inAcme, invitations.Consumed{Role: invitations.RoleOwner, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodDay, midnight(2026, 2, 28), 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodDay, 0, tomorrow)}, invitations.ErrQuotaExceeded,
		},
		"endless": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodEndless, midnight(1970, 1, 1), 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodEndless, 2, time.Time{})}, nil,
		},
		"a clock that was ahead": {
			invitations.Personal(), invitations.Consumed{Taken: true, Quotas: quotas{"dora": quotaOf("dora", 2, invitations.PeriodDay, tomorrow, 2)}},
			invitations.Balance{Own: usage(2, invitations.PeriodDay, 2, midnight(2026, 3, 3))}, nil,
		},
		"a month whose clock was ahead": {
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
			if c.err != invitations.ErrQuotaExceeded {
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

// The roles that a store is told are those that hold the permission, and no others.
func TestConsume_Roles(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{"owner": {"x"}, "guest": nil})
	require.NoError(t, err)
	config := atNoon()
	config.Policy = policy
	store := consuming(invitations.Consumed{Role: "owner"})
	_, err = serviceOn(t, store, config).Consume(t.Context(), inAcme, "dora", 1)
	require.Equal(t, invitations.ErrPermissionDenied, err, "where nobody may")
	require.Empty(t, store.ConsumeCalls()[0].C.Roles)

	_, err = serviceOn(t, store, config).Consume(t.Context(), invitations.Personal(), "dora", 1)
	require.ErrorIs(t, err, invitations.ErrQuotaExceeded, "no role counts outside organizations")
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	f := workable("Remaining")
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
	}, balance, "a new period")

	f.Members["vera"] = invitations.Member{Organization: "acme", UserID: "vera", Role: "ghost"}
	f.Quotas = nil
	balance, err = serviceOn(t, answering(f), atNoon()).Remaining(t.Context(), inAcme, "vera")
	require.NoError(t, err, "every member, whatever the role")
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
	var none invitations.QuotaRecord
	for name, c := range map[string]struct {
		record *invitations.QuotaRecord
		want   invitations.Balance
	}{
		"none":       {nil, invitations.Balance{}},
		"taken away": {&none, invitations.Balance{}},
		"some":       {&personal, invitations.Balance{Own: usage(7, invitations.PeriodDay, 2, midnight(2026, 3, 2))}},
	} {
		store := &StoreMock{WorkspacesFunc: func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			return c.record, nil, nil
		}}
		balance, err := serviceOn(t, store, atNoon()).Remaining(t.Context(), invitations.Personal(), "dora")
		require.NoError(t, err, name)
		require.Equal(t, c.want, balance, name)
		require.Zero(t, store.WorkspacesCalls()[0].Q.Limit, "no memberships are read for it")

		broken := errors.New("disk full")
		store.WorkspacesFunc = func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			return c.record, nil, broken
		}
		balance, err = serviceOn(t, store, atNoon()).Remaining(t.Context(), invitations.Personal(), "dora")
		require.Equal(t, broken, err, name)
		require.Zero(t, balance, "%s: what comes with an error does not count", name)
	}
}

// Who sets which quota. The personal and the shared one are the host's to grant.
func TestSetQuota_Who(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor     invitations.Actor
		workspace invitations.Workspace
		user      string
		want      error
	}{
		"an owner, a member's":       {olgaActs, inAcme, "dora", nil},
		"the host, a member's":       {invitations.System(), inAcme, "dora", nil},
		"a developer, their own":     {invitations.User("dora"), inAcme, "dora", invitations.ErrPermissionDenied},
		"an owner, no member's":      {olgaActs, inAcme, "mallory", invitations.ErrNotFound},
		"an owner, the shared":       {olgaActs, inAcme, "", invitations.ErrPermissionDenied},
		"the host, the shared":       {invitations.System(), inAcme, "", nil},
		"the host, a personal":       {invitations.System(), invitations.Personal(), "dora", nil},
		"an owner, a personal":       {olgaActs, invitations.Personal(), "dora", invitations.ErrPermissionDenied},
		"a user, their own person's": {invitations.User("dora"), invitations.Personal(), "dora", invitations.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := failing(nil, workable("SetQuota"), func(context.Context) {})
			p := goodQuota()
			p.Workspace, p.UserID = c.workspace, c.user
			err := serviceOn(t, store, atNoon()).SetQuota(t.Context(), c.actor, p)
			require.Equal(t, c.want, err)
			if c.workspace == invitations.Personal() {
				require.Empty(t, store.UpdateCalls(), "no organization is touched")
			} else {
				require.Empty(t, store.SetPersonalQuotaCalls(), "no personal quota is touched")
			}
			if c.want != nil {
				require.Empty(t, store.SetPersonalQuotaCalls())
			}
		})
	}
}

// Who sees which quota, beside their own.
func TestQuota_Who(t *testing.T) {
	t.Parallel()
	own := usage(10, invitations.PeriodDay, 4, midnight(2026, 3, 2))
	shared := usage(100, invitations.PeriodMonth, 40, midnight(2026, 4, 1))
	for name, c := range map[string]struct {
		actor invitations.Actor
		user  string
		want  invitations.Balance
		err   error
	}{
		"an owner, a member's":         {olgaActs, "dora", invitations.Balance{Own: own, Shared: shared}, nil},
		"an owner, of one without":     {olgaActs, "olga", invitations.Balance{Shared: shared}, nil},
		"an owner, the shared":         {olgaActs, "", invitations.Balance{Shared: shared}, nil},
		"the host, a member's":         {invitations.System(), "dora", invitations.Balance{Own: own, Shared: shared}, nil},
		"the host, the shared":         {invitations.System(), "", invitations.Balance{Shared: shared}, nil},
		"an owner, no member's":        {olgaActs, "mallory", invitations.Balance{}, invitations.ErrNotFound},
		"the host, no member's":        {invitations.System(), "mallory", invitations.Balance{}, invitations.ErrNotFound},
		"a developer":                  {invitations.User("dora"), "dora", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a developer, the shared":      {invitations.User("dora"), "", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a stranger, of whom there is": {invitations.User("mallory"), "dora", invitations.Balance{}, invitations.ErrPermissionDenied},
		"a stranger, of whom is not":   {invitations.User("mallory"), "nobody", invitations.Balance{}, invitations.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := workable("Quota")
			balance, err := serviceOn(t, answering(f), atNoon()).Quota(t.Context(), c.actor, "acme", c.user)
			require.Equal(t, c.err, err)
			require.Equal(t, c.want, balance)
		})
	}
	_, err := serviceOn(t, answering(invitations.Facts{}), atNoon()).Quota(t.Context(), invitations.System(), "acme", "")
	require.Equal(t, invitations.ErrNotFound, err, "no such organization")
}

// manyMemberships returns n memberships of Dora in the order of the organizations' ids.
func manyMemberships(n int) []invitations.Membership {
	memberships := make([]invitations.Membership, n)
	for i := range memberships {
		m := &memberships[i]
		m.Organization, m.UserID, m.Role = fmt.Sprintf("o%03d", i), "dora", invitations.RoleDeveloper
		if i%2 == 1 {
			own := quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 3, 1), int64(i))
			m.Own = &own
		}
		if i%3 == 1 {
			shared := quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 2, 1), int64(i))
			m.Shared = &shared
		}
	}
	return memberships
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	personal := invitations.QuotaRecord{UserID: "dora", Quota: invitations.Quota{Limit: 7, Period: invitations.PeriodEndless}, PeriodStart: midnight(1970, 1, 1), Used: 3}
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
		memberships := manyMemberships(n)
		store := &StoreMock{WorkspacesFunc: func(_ context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			var page []invitations.Membership
			for _, m := range memberships {
				if m.Organization > q.After && len(page) < q.Limit {
					page = append(page, m)
				}
			}
			return &personal, page, nil
		}}
		svc := serviceOn(t, store, atNoon())
		p := invitations.WorkspacesParams{UserID: "dora", Limit: 10}
		got := []invitations.OrganizationWorkspace{}
		for {
			list, err := svc.Workspaces(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, invitations.Balance{Own: usage(7, invitations.PeriodEndless, 3, time.Time{})}, list.Personal)
			require.NotNil(t, list.Organizations)
			got = append(got, list.Organizations...)
			if p.Cursor = list.NextCursor; p.Cursor == "" {
				break
			}
			require.Len(t, list.Organizations, 10)
			require.Equal(t, placeOf(list.Organizations[9].ID), list.NextCursor, "the last one shown")
		}
		require.Len(t, store.WorkspacesCalls(), max(1, (n+9)/10), "no page too many")
		require.Len(t, got, n)
		for i, o := range got {
			want := invitations.OrganizationWorkspace{ID: memberships[i].Organization, Role: invitations.RoleDeveloper}
			if i%2 == 1 {
				want.Balance.Own = usage(10, invitations.PeriodDay, int64(i), midnight(2026, 3, 2))
			}
			if i%3 == 1 {
				want.Balance.Shared = usage(100, invitations.PeriodMonth, 0, midnight(2026, 4, 1)) // used in February
			}
			require.Equal(t, want, o)
		}
	}
}

// An organization's id that the service would refuse is on no page, nor does it tell of a
// next one.
func TestWorkspaces_ForeignID(t *testing.T) {
	t.Parallel()
	for name, id := range badNames {
		for at := range 11 {
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				t.Parallel()
				memberships := manyMemberships(11)
				memberships[at].Organization = id
				svc := serviceOn(t, &StoreMock{WorkspacesFunc: func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
					return nil, memberships, nil
				}}, atNoon())
				list, err := svc.Workspaces(t.Context(), invitations.WorkspacesParams{UserID: "dora", Limit: 10})
				requireForeign(t, err)
				require.Zero(t, list)
			})
		}
	}
}

func TestWorkspaceList_JSON(t *testing.T) {
	t.Parallel()
	list := invitations.WorkspaceList{
		Personal: invitations.Balance{Own: usage(7, invitations.PeriodEndless, 3, time.Time{})},
		Organizations: []invitations.OrganizationWorkspace{
			{ID: "acme", Role: "owner"},
			{ID: "bcme", Role: "viewer", Balance: invitations.Balance{Shared: usage(9, invitations.PeriodDay, 1, midnight(2026, 3, 2))}},
		},
		NextCursor: "abc",
	}
	text, err := json.Marshal(list)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"personal":{"own":{"limit":7,"period":"endless","used":3}},
		"organizations":[
			{"id":"acme","role":"owner","balance":{}},
			{"id":"bcme","role":"viewer","balance":{"shared":{"limit":9,"period":"day","used":1,"resets_at":"2026-03-02T00:00:00Z"}}}
		],
		"next_cursor":"abc"}`, string(text))
	survives(t, list)
	store := failing(nil, workable("Workspaces"), func(context.Context) {})
	store.WorkspacesFunc = func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
		return nil, nil, nil
	}
	list, err = serviceOn(t, store, atNoon()).Workspaces(t.Context(), invitations.WorkspacesParams{UserID: "nobody"})
	require.NoError(t, err)
	text, err = json.Marshal(list)
	require.NoError(t, err)
	require.JSONEq(t, `{"personal":{},"organizations":[]}`, string(text))
}

// Each workspace is one, and the zero one is none; what is spent in one is not spent in
// another.
func TestWorkspace_AlwaysNamed(t *testing.T) {
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
	require.True(t, errors.Is(err, invitations.ErrInvalid))
}
