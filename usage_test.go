package invitations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// using returns a store that answers every Usage with 9 of the shared quota and these users.
func using(users ...invitations.MemberUsage) *StoreMock {
	return &StoreMock{UsageFunc: func(context.Context, invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
		return 9, invitations.Page[invitations.MemberUsage]{Viewer: &owner, Items: users}, nil
	}}
}

// The period is the one of its kind that contains the instant, in UTC. Without an instant it is
// the present one.
func TestUsage_Period(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		period     invitations.Period
		at         time.Time
		start, end time.Time
	}{
		"today":                {invitations.PeriodDay, time.Time{}, midnight(2026, 3, 1), midnight(2026, 3, 2)},
		"this month":           {invitations.PeriodMonth, time.Time{}, midnight(2026, 3, 1), midnight(2026, 4, 1)},
		"endless":              {invitations.PeriodEndless, time.Time{}, midnight(1970, 1, 1), time.Time{}},
		"endless, long ago":    {invitations.PeriodEndless, midnight(1999, 1, 1), midnight(1970, 1, 1), time.Time{}},
		"a day before":         {invitations.PeriodDay, midnight(2026, 2, 28), midnight(2026, 2, 28), midnight(2026, 3, 1)},
		"its last microsecond": {invitations.PeriodDay, midnight(2026, 3, 1).Add(-time.Microsecond), midnight(2026, 2, 28), midnight(2026, 3, 1)},
		"the month before":     {invitations.PeriodMonth, utc(2026, 2, 14, 1, 2, 3, 4), midnight(2026, 2, 1), midnight(2026, 3, 1)},
		"December":             {invitations.PeriodMonth, midnight(2025, 12, 31), midnight(2025, 12, 1), midnight(2026, 1, 1)},
		"tomorrow":             {invitations.PeriodDay, noon.Add(day), midnight(2026, 3, 2), midnight(2026, 3, 3)},
		"another zone": {
			invitations.PeriodDay, time.Date(2026, 3, 1, 5, 0, 0, 0, time.FixedZone("+14", 14*60*60)), midnight(2026, 2, 28), midnight(2026, 3, 1),
		},
		"the first year": {invitations.PeriodMonth, utc(1, 1, 1, 0, 0, 0, 1), midnight(1, 1, 1), midnight(1, 2, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := using(invitations.MemberUsage{UserID: "dora", Used: 4})
			p := invitations.UsageParams{Organization: "acme", Period: c.period, At: c.at}
			used, err := serviceOn(t, store, atNoon()).Usage(t.Context(), olga, p)
			require.NoError(t, err)
			require.Equal(t, invitations.PeriodUsage{
				Start: c.start, End: c.end, Shared: 9, Members: []invitations.MemberUsage{{UserID: "dora", Used: 4}},
			}, used)
			require.Equal(t, invitations.UsageQuery{
				Organization: "acme", Viewer: "olga", Period: c.period, PeriodStart: c.start, Limit: 51,
			}, store.UsageCalls()[0].Q)
		})
	}
}

func TestUsage_NoMembers(t *testing.T) {
	t.Parallel()
	used, err := serviceOn(t, using(), atNoon()).Usage(t.Context(), invitations.System(), goodUsage())
	require.NoError(t, err)
	requireJSON(t, `{"start":"2026-03-01T00:00:00Z","end":"2026-03-02T00:00:00Z","shared":9,"members":[]}`, used)
}

// An ID that the service would refuse is on no page. Permission is checked first.
func TestUsage_ForeignID(t *testing.T) {
	t.Parallel()
	for name, id := range badNames {
		store := using(invitations.MemberUsage{UserID: "dora", Used: 4}, invitations.MemberUsage{UserID: id, Used: 3})
		used, err := serviceOn(t, store, atNoon()).Usage(t.Context(), olga, goodUsage())
		requireForeign(t, err)
		require.Zero(t, used, name)
	}
}

// The balance of a member is that of the present periods. Without asking there is none.
func TestMembers_Balances(t *testing.T) {
	t.Parallel()
	own := quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 2, 28), 4) // of yesterday
	shared := quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 3, 1), 40)
	dora := invitations.Member{Organization: "acme", UserID: "dora", Role: invitations.RoleDeveloper}
	store := &StoreMock{MembersFunc: func(_ context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
		page := invitations.Page[invitations.Membership]{Viewer: &owner, Items: []invitations.Membership{{Member: owner}, {Member: dora}}}
		if q.Quotas {
			page.Items[0].Shared, page.Items[1].Shared, page.Items[1].Own = &shared, &shared, &own
		}
		return page, nil
	}}
	svc := serviceOn(t, store, atNoon())
	list, err := svc.Members(t.Context(), olga, invitations.MembersParams{Organization: "acme", Balances: true})
	require.NoError(t, err)
	sharedUsage := usage(100, invitations.PeriodMonth, 40, midnight(2026, 4, 1))
	require.Equal(t, []invitations.TeamMember{
		{Member: owner, Balance: &invitations.Balance{Shared: sharedUsage, At: noon}},
		{Member: dora, Balance: &invitations.Balance{Own: usage(10, invitations.PeriodDay, 0, midnight(2026, 3, 2)), Shared: sharedUsage, At: noon}},
	}, list.Items)

	list, err = svc.Members(t.Context(), olga, invitations.MembersParams{Organization: "acme"})
	require.NoError(t, err)
	require.Equal(t, []invitations.TeamMember{{Member: owner}, {Member: dora}}, list.Items)
}
