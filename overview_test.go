package invitations_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The numbers are those of the store. Seats that are reserved or free are counted only with a
// member limit in force.
func TestOverview(t *testing.T) {
	t.Parallel()
	totals := invitations.Totals{Members: 9, Seats: 6, PendingEmails: 5, PendingLinks: 2, Reserved: 3}
	want := func(reserved, free, members int, limits invitations.Limits) invitations.Overview {
		limits.Members = members
		if limits.Pending == 0 {
			limits.Pending = 10
		}
		if limits.Expiry == 0 {
			limits.Expiry = 7 * day
		}
		return invitations.Overview{
			Members: 9, SeatsTaken: 6, SeatsReserved: reserved, SeatsFree: free, PendingEmails: 5, PendingLinks: 2, Limits: limits,
		}
	}
	own := invitations.Limits{
		Members: 8, Pending: 4, SeatlessRoles: []invitations.Role{"viewer"}, NoLinks: true, AllowedDomains: []string{"example.com"}, Expiry: 2 * day,
	}
	for name, c := range map[string]struct {
		limit   int
		reserve bool
		own     invitations.Limits
		want    invitations.Overview
	}{
		"no limit":                       {0, false, invitations.Limits{}, want(0, invitations.NoLimit, invitations.NoLimit, invitations.Limits{})},
		"no limit, reserved":             {0, true, invitations.Limits{}, want(0, invitations.NoLimit, invitations.NoLimit, invitations.Limits{})},
		"a limit":                        {10, false, invitations.Limits{}, want(0, 4, 10, invitations.Limits{})},
		"a limit, reserved":              {10, true, invitations.Limits{}, want(3, 1, 10, invitations.Limits{})},
		"exactly full":                   {9, true, invitations.Limits{}, want(3, 0, 9, invitations.Limits{})},
		"a limit below the reservations": {7, true, invitations.Limits{}, want(3, 0, 7, invitations.Limits{})},
		"a limit below the members":      {5, false, invitations.Limits{}, want(0, 0, 5, invitations.Limits{})},
		"of the organization":            {100, true, own, want(3, 0, 8, own)},
		"no limit of the organization":   {5, true, invitations.Limits{Members: invitations.NoLimit}, want(0, invitations.NoLimit, invitations.NoLimit, invitations.Limits{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := atNoon()
			config.MemberLimit, config.ReserveSeats = c.limit, c.reserve
			f := factsFor("Overview")
			f.Totals, f.Limits = totals, c.own
			overview, err := serviceOn(t, answering(f), config).Overview(t.Context(), olga, "acme")
			require.NoError(t, err)
			c.want.OwnLimits = c.own.Clone()
			require.Equal(t, c.want, overview)
			if len(c.own.AllowedDomains) > 0 {
				overview.Limits.AllowedDomains[0] = "evil.example"
				require.Equal(t, "example.com", f.Limits.AllowedDomains[0], "a copy")
			}
		})
	}
}

func TestOverview_Permission(t *testing.T) {
	t.Parallel()
	f := factsFor("Overview")
	f.Members["gina"] = invitations.Member{Organization: "acme", UserID: "gina", Role: "ghost"}
	for actor, want := range map[invitations.Actor]error{
		olga: nil, invitations.User("dora"): nil, invitations.System(): nil,
		invitations.User("gina"): invitations.ErrPermissionDenied, invitations.User("mallory"): invitations.ErrPermissionDenied,
	} {
		overview, err := serviceOn(t, answering(f), atNoon()).Overview(t.Context(), actor, "acme")
		require.Equal(t, want, err)
		require.Equal(t, want != nil, overview.Limits.Pending == 0, "a refusal has no numbers")
	}
	for actor, want := range map[invitations.Actor]error{olga: invitations.ErrPermissionDenied, invitations.System(): invitations.ErrNotFound} {
		_, err := serviceOn(t, answering(invitations.Facts{}), atNoon()).Overview(t.Context(), actor, "acme")
		require.Equal(t, want, err)
	}
}

// Limits reach the store in canonical form, and share no memory with the caller's.
func TestSetLimits_CanonicalForm(t *testing.T) {
	t.Parallel()
	var put invitations.Limits
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		changes, err := decide(invitations.Facts{Organization: "acme", Version: 1})
		put = *changes.Limits
		return err
	}}
	svc := serviceOn(t, store, atNoon())
	given := invitations.Limits{
		Members: 100_000, Pending: 100_000, NoLinks: true, Expiry: 30*day + 999,
		SeatlessRoles:  []invitations.Role{"viewer", "billing", "viewer"},
		AllowedDomains: []string{"example.org", "BÜCHER.example", "example.org"},
	}
	want := invitations.Limits{
		Members: 100_000, Pending: 100_000, NoLinks: true, Expiry: 30 * day,
		SeatlessRoles: []invitations.Role{"billing", "viewer"}, AllowedDomains: []string{"example.org", "xn--bcher-kva.example"},
	}
	require.NoError(t, svc.SetLimits(t.Context(), invitations.System(), "acme", given))
	require.Equal(t, want, put)
	require.Equal(t, []invitations.Role{"viewer", "billing", "viewer"}, given.SeatlessRoles)
	require.Equal(t, "example.org", given.AllowedDomains[0])
	given.SeatlessRoles[0] = "owner"
	require.Equal(t, want, put)

	for _, members := range []int{invitations.NoLimit, 1} {
		require.NoError(t, svc.SetLimits(t.Context(), invitations.System(), "acme", invitations.Limits{Members: members}))
		require.Equal(t, invitations.Limits{Members: members}, put)
	}
}
