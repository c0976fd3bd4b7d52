package invitations_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-invitations/invitations"
)

// periodsAt returns the starts of the periods at an instant, as a store is given them, and the
// ends of the day and the month, as a caller is given them.
func periodsAt(t require.TestingT, now time.Time) (starts map[invitations.Period]time.Time, dayEnds, monthEnds time.Time) {
	var asked invitations.Consumption
	store := &StoreMock{
		ConsumeFunc: func(_ context.Context, c invitations.Consumption) (invitations.Consumed, error) {
			asked = c
			return invitations.Consumed{Taken: true}, nil
		},
		ViewFunc: func(context.Context, invitations.Query) (invitations.Facts, error) {
			return invitations.Facts{
				Organization: "acme", Version: 1,
				Members: map[string]invitations.Member{"nina": {Organization: "acme", UserID: "nina"}},
				Quotas: map[string]invitations.QuotaRecord{
					"":     {Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodMonth}},
					"nina": {Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay}},
				},
			}, nil
		},
	}
	svc := serviceOn(t, store, clockAt(now))
	_, err := svc.Consume(context.Background(), invitations.Personal(), "nina", 1)
	require.NoError(t, err)
	balance, err := svc.Remaining(context.Background(), inAcme, "nina")
	require.NoError(t, err)
	return asked.Periods, balance.Own.ResetsAt, balance.Shared.ResetsAt
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now                            time.Time
		day, dayEnds, month, monthEnds time.Time
	}{
		"noon":            {noon, midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(2026, 3, 1), midnight(2026, 4, 1)},
		"midnight":        {midnight(2026, 3, 17), midnight(2026, 3, 17), midnight(2026, 3, 18), midnight(2026, 3, 1), midnight(2026, 4, 1)},
		"before midnight": {utc(2026, 3, 16, 23, 59, 59, 999_999), midnight(2026, 3, 16), midnight(2026, 3, 17), midnight(2026, 3, 1), midnight(2026, 4, 1)},
		"the first":       {midnight(2026, 4, 1), midnight(2026, 4, 1), midnight(2026, 4, 2), midnight(2026, 4, 1), midnight(2026, 5, 1)},
		"end of a long month": {
			utc(2026, 1, 31, 23, 59, 59, 999_999), midnight(2026, 1, 31), midnight(2026, 2, 1), midnight(2026, 1, 1), midnight(2026, 2, 1),
		},
		"end of a short month": {
			utc(2026, 4, 30, 23, 59, 59, 999_999), midnight(2026, 4, 30), midnight(2026, 5, 1), midnight(2026, 4, 1), midnight(2026, 5, 1),
		},
		"end of February": {
			utc(2026, 2, 28, 23, 59, 59, 999_999), midnight(2026, 2, 28), midnight(2026, 3, 1), midnight(2026, 2, 1), midnight(2026, 3, 1),
		},
		"28 February of a leap year": {
			utc(2028, 2, 28, 12, 0, 0, 0), midnight(2028, 2, 28), midnight(2028, 2, 29), midnight(2028, 2, 1), midnight(2028, 3, 1),
		},
		"29 February": {
			utc(2028, 2, 29, 23, 59, 59, 999_999), midnight(2028, 2, 29), midnight(2028, 3, 1), midnight(2028, 2, 1), midnight(2028, 3, 1),
		},
		"29 February 2000": {
			midnight(2000, 2, 29), midnight(2000, 2, 29), midnight(2000, 3, 1), midnight(2000, 2, 1), midnight(2000, 3, 1),
		},
		"28 February 2100, not a leap year": {
			midnight(2100, 2, 28), midnight(2100, 2, 28), midnight(2100, 3, 1), midnight(2100, 2, 1), midnight(2100, 3, 1),
		},
		"end of the year": {
			utc(2026, 12, 31, 23, 59, 59, 999_999), midnight(2026, 12, 31), midnight(2027, 1, 1), midnight(2026, 12, 1), midnight(2027, 1, 1),
		},
		"start of the year": {
			midnight(2027, 1, 1), midnight(2027, 1, 1), midnight(2027, 1, 2), midnight(2027, 1, 1), midnight(2027, 2, 1),
		},
		"1970": {midnight(1970, 1, 1), midnight(1970, 1, 1), midnight(1970, 1, 2), midnight(1970, 1, 1), midnight(1970, 2, 1)},
		// The zone of the clock does not count.
		"the next day in Kiritimati": {
			time.Date(2027, 1, 1, 13, 59, 0, 0, time.FixedZone("+14", 14*60*60)),
			midnight(2026, 12, 31), midnight(2027, 1, 1), midnight(2026, 12, 1), midnight(2027, 1, 1),
		},
		"the day before in Hawaii": {
			time.Date(2026, 2, 28, 14, 0, 0, 0, time.FixedZone("-10", -10*60*60)),
			midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(2026, 3, 1), midnight(2026, 4, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			starts, dayEnds, monthEnds := periodsAt(t, c.now)
			require.Equal(t, map[invitations.Period]time.Time{
				invitations.PeriodDay: c.day, invitations.PeriodMonth: c.month, invitations.PeriodEndless: midnight(1970, 1, 1),
			}, starts)
			require.Equal(t, c.dayEnds, dayEnds)
			require.Equal(t, c.monthEnds, monthEnds)
		})
	}
}

// Every instant is in one period, which ends when the next one begins.
func TestPeriods_HaveNoGaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMicro(rapid.Int64Range(0, midnight(9999, 1, 1).UnixMicro()).Draw(t, "now")).UTC()
		starts, dayEnds, monthEnds := periodsAt(t, now)
		for period, end := range map[invitations.Period]time.Time{invitations.PeriodDay: dayEnds, invitations.PeriodMonth: monthEnds} {
			require.False(t, now.Before(starts[period]))
			require.True(t, now.Before(end))
			next, _, _ := periodsAt(t, end)
			require.Equal(t, end, next[period], "the next period begins")
			last, _, _ := periodsAt(t, end.Add(-time.Microsecond))
			require.Equal(t, starts[period], last[period], "the same period")
		}
		require.Equal(t, 24*time.Hour, dayEnds.Sub(starts[invitations.PeriodDay]))
		require.Equal(t, 1, starts[invitations.PeriodMonth].Day())
		require.Equal(t, starts[invitations.PeriodMonth].AddDate(0, 1, 0), monthEnds)
	})
}

func TestBalance_Left(t *testing.T) {
	t.Parallel()
	of := func(limit, used int64) *invitations.Usage {
		return usage(limit, invitations.PeriodDay, used, time.Time{})
	}
	for name, c := range map[string]struct {
		balance invitations.Balance
		left    int64
		limited bool
	}{
		"no quota":                      {invitations.Balance{}, math.MaxInt64, false},
		"own":                           {invitations.Balance{Own: of(10, 3)}, 7, true},
		"shared":                        {invitations.Balance{Shared: of(10, 4)}, 6, true},
		"own is less":                   {invitations.Balance{Own: of(10, 3), Shared: of(100, 0)}, 7, true},
		"shared is less":                {invitations.Balance{Own: of(10, 3), Shared: of(100, 95)}, 5, true},
		"used up":                       {invitations.Balance{Own: of(10, 10), Shared: of(100, 95)}, 0, true},
		"shared used up":                {invitations.Balance{Own: of(10, 1), Shared: of(100, 100)}, 0, true},
		"a limit of 0":                  {invitations.Balance{Own: of(0, 0)}, 0, true},
		"a limit below the amount used": {invitations.Balance{Own: of(5, 8), Shared: of(100, 0)}, 0, true},
		"no limit":                      {invitations.Balance{Own: of(invitations.NoLimit, 3)}, math.MaxInt64, false},
		"no limit, shared is limited":   {invitations.Balance{Own: of(invitations.NoLimit, 3), Shared: of(10, 4)}, 6, true},
		"own is limited, no shared":     {invitations.Balance{Own: of(10, 3), Shared: of(invitations.NoLimit, 50)}, 7, true},
		"neither is limited":            {invitations.Balance{Own: of(invitations.NoLimit, 1), Shared: of(invitations.NoLimit, 2)}, math.MaxInt64, false},
		"the greatest limit":            {invitations.Balance{Own: of(maxAmount, 0), Shared: of(maxAmount, 1)}, maxAmount - 1, true},
	} {
		left, limited := c.balance.Left()
		require.Equal(t, c.left, left, name)
		require.Equal(t, c.limited, limited, name)
	}
	require.Equal(t, int64(7), of(10, 3).Left())
	require.Equal(t, int64(0), of(3, 10).Left())
	require.Equal(t, int64(math.MaxInt64), of(invitations.NoLimit, 10).Left())
}

// periodsAtNoon are the starts of the periods at noon.
var periodsAtNoon = map[invitations.Period]time.Time{
	invitations.PeriodDay: midnight(2026, 3, 1), invitations.PeriodMonth: midnight(2026, 3, 1), invitations.PeriodEndless: midnight(1970, 1, 1),
}

func TestConsumption_Decide(t *testing.T) {
	t.Parallel()
	const (
		perDay, perMonth, endless = invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless
		noLimit                   = invitations.NoLimit
	)
	yesterday, today, tomorrow, ever := midnight(2026, 2, 28), midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(1970, 1, 1)
	type quotas = []invitations.QuotaRecord
	own := func(limit int64, period invitations.Period, start time.Time, used int64) quotas {
		return quotas{quotaOf("nina", limit, period, start, used)}
	}
	both := func(sharedLimit, sharedUsed, ownLimit, ownUsed int64) quotas {
		return quotas{quotaOf("", sharedLimit, perMonth, today, sharedUsed), quotaOf("nina", ownLimit, perDay, today, ownUsed)}
	}
	for name, c := range map[string]struct {
		quotas quotas
		amount int64
		put    quotas
		ok     bool
	}{
		"no quota":                           {nil, maxAmount, nil, true},
		"the zero quota":                     {quotas{{UserID: "nina", Version: 3, PeriodStart: today, Used: 9}}, maxAmount, nil, true},
		"the first use":                      {own(5, perDay, time.Time{}, 0), 2, own(5, perDay, today, 2), true},
		"more":                               {own(5, perDay, today, 2), 2, own(5, perDay, today, 4), true},
		"the last one":                       {own(5, perDay, today, 4), 1, own(5, perDay, today, 5), true},
		"all at once":                        {own(5, perDay, today, 0), 5, own(5, perDay, today, 5), true},
		"one too many":                       {own(5, perDay, today, 4), 2, nil, false},
		"nothing left":                       {own(5, perDay, today, 5), 1, nil, false},
		"a limit of 0":                       {own(0, perDay, today, 0), 1, nil, false},
		"a limit below the amount used":      {own(3, perDay, today, 5), 1, nil, false},
		"a lower limit, the next day":        {own(3, perDay, yesterday, 5), 3, own(3, perDay, today, 3), true},
		"the next day":                       {own(5, perDay, yesterday, 5), 5, own(5, perDay, today, 5), true},
		"the next day, one too many":         {own(5, perDay, yesterday, 5), 6, nil, false},
		"years later":                        {own(5, perDay, midnight(2019, 5, 5), 5), 1, own(5, perDay, today, 1), true},
		"the next month":                     {own(5, perMonth, midnight(2026, 2, 1), 5), 1, own(5, perMonth, today, 1), true},
		"the same month":                     {own(5, perMonth, today, 5), 1, nil, false},
		"endless":                            {own(5, endless, ever, 5), 1, nil, false},
		"endless, the first use":             {own(5, endless, time.Time{}, 0), 5, own(5, endless, ever, 5), true},
		"a clock a day behind":               {own(5, perDay, tomorrow, 4), 1, own(5, perDay, tomorrow, 5), true},
		"a clock a day behind, nothing left": {own(5, perDay, tomorrow, 5), 1, nil, false},
		"a clock a month behind":             {own(5, perMonth, midnight(2026, 4, 1), 5), 1, nil, false},
		"both":                               {both(9, 1, 5, 1), 3, both(9, 4, 5, 4), true},
		"own too little":                     {both(9, 1, 5, 4), 3, nil, false},
		"shared too little":                  {both(9, 8, 5, 1), 3, nil, false},
		"only shared":                        {quotas{quotaOf("", 9, perMonth, today, 1)}, 3, quotas{quotaOf("", 9, perMonth, today, 4)}, true},
		"own and a zero shared":              {quotas{{Version: 9}, quotaOf("nina", 5, perDay, today, 1)}, 3, own(5, perDay, today, 4), true},
		"own and another user's":             {quotas{quotaOf("olga", 0, perDay, today, 0), quotaOf("nina", 5, perDay, today, 1)}, 3, own(5, perDay, today, 4), true},
		"only another user's":                {quotas{quotaOf("olga", 0, perDay, today, 0)}, 3, nil, true},
		"the bounds":                         {own(maxAmount, endless, ever, 0), maxAmount, own(maxAmount, endless, ever, maxAmount), true},
		"beyond the bounds":                  {own(maxAmount, endless, ever, maxAmount), maxAmount, nil, false},
		"beyond the bounds, both":            {quotas{quotaOf("", maxAmount, perDay, today, 1), quotaOf("nina", maxAmount, endless, ever, 0)}, maxAmount, nil, false},
		"an unknown period":                  {own(5, "week", today, 5), 1, nil, false},

		"no limit, the first use":       {own(noLimit, perDay, time.Time{}, 0), 2, own(noLimit, perDay, today, 2), true},
		"no limit, much":                {own(noLimit, perDay, today, maxAmount), maxAmount, own(noLimit, perDay, today, 2*maxAmount), true},
		"no limit, the next day":        {own(noLimit, perDay, yesterday, 5), 2, own(noLimit, perDay, today, 2), true},
		"no limit, the most":            {own(noLimit, endless, ever, 8*maxAmount), maxAmount, own(noLimit, endless, ever, 9*maxAmount), true},
		"no limit, more than counts":    {own(noLimit, endless, ever, 8*maxAmount+1), maxAmount, own(noLimit, endless, ever, 9*maxAmount), true},
		"no limit, a shared limit":      {both(9, 1, noLimit, 4), 3, both(9, 4, noLimit, 7), true},
		"no limit, shared too little":   {both(9, 8, noLimit, 4), 3, nil, false},
		"no shared limit":               {both(noLimit, 8, 5, 1), 3, both(noLimit, 11, 5, 4), true},
		"no shared limit, own too much": {both(noLimit, 8, 5, 4), 3, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quotas := map[string]invitations.QuotaRecord{}
			for _, q := range c.quotas {
				quotas[q.UserID] = q
			}
			before := maps.Clone(quotas)
			for organization, role := range map[string]invitations.Role{"acme": "user", "": ""} {
				consumption := invitations.Consumption{
					Organization: organization, UserID: "nina", Roles: []invitations.Role{"boss", "user"}, Amount: c.amount, Periods: periodsAtNoon,
				}
				put, ok := consumption.Decide(role, quotas)
				require.Equal(t, c.ok, ok)
				require.Equal(t, []invitations.QuotaRecord(c.put), put)
				require.Equal(t, before, quotas, "the argument is unchanged")
			}
		})
	}
}

// A refund lowers the amounts of the quotas that are still in the period of the consumption, to
// 0 at the least. It needs no role, and a limit does not matter.
func TestConsumption_Decide_Refund(t *testing.T) {
	t.Parallel()
	const perDay, perMonth, endless = invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless
	yesterday, today, tomorrow, ever := midnight(2026, 2, 28), midnight(2026, 3, 1), midnight(2026, 3, 2), midnight(1970, 1, 1)
	type quotas = []invitations.QuotaRecord
	own := func(limit int64, period invitations.Period, start time.Time, used int64) quotas {
		return quotas{quotaOf("nina", limit, period, start, used)}
	}
	shared := func(used int64) invitations.QuotaRecord { return quotaOf("", 9, perMonth, today, used) }
	for name, c := range map[string]struct {
		quotas quotas
		amount int64
		put    quotas
	}{
		"no quota":                          {nil, 3, nil},
		"the zero quota":                    {quotas{{UserID: "nina", Version: 3, PeriodStart: today, Used: 9}}, 3, nil},
		"some":                              {own(5, perDay, today, 4), 3, own(5, perDay, today, 1)},
		"all":                               {own(5, perDay, today, 4), 4, own(5, perDay, today, 0)},
		"more than was used":                {own(5, perDay, today, 4), maxAmount, own(5, perDay, today, 0)},
		"nothing used":                      {own(5, perDay, today, 0), 3, nil},
		"never used":                        {own(5, perDay, time.Time{}, 0), 3, nil},
		"the next day":                      {own(5, perDay, tomorrow, 4), 3, nil},
		"the day before, not yet opened":    {own(5, perDay, yesterday, 4), 3, nil},
		"the same month":                    {own(5, perMonth, today, 4), 3, own(5, perMonth, today, 1)},
		"the next month":                    {own(5, perMonth, midnight(2026, 4, 1), 4), 3, nil},
		"endless":                           {own(5, endless, ever, 4), 3, own(5, endless, ever, 1)},
		"no limit":                          {own(invitations.NoLimit, perDay, today, 4), 3, own(invitations.NoLimit, perDay, today, 1)},
		"a limit below the amount used":     {own(1, perDay, today, 8), 3, own(1, perDay, today, 5)},
		"both":                              {append(own(5, perDay, today, 4), shared(7)), 3, quotas{shared(4), own(5, perDay, today, 1)[0]}},
		"both, own is over":                 {append(own(5, perDay, tomorrow, 4), shared(7)), 3, quotas{shared(4)}},
		"both, shared has less":             {append(own(5, perDay, today, 4), shared(2)), 3, quotas{shared(0), own(5, perDay, today, 1)[0]}},
		"another user's":                    {quotas{quotaOf("olga", 5, perDay, today, 4)}, 3, nil},
		"an unknown period, never the same": {own(5, "week", today, 4), 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quotas := map[string]invitations.QuotaRecord{}
			for _, q := range c.quotas {
				quotas[q.UserID] = q
			}
			before := maps.Clone(quotas)
			for organization, roles := range map[string][]invitations.Role{"acme": {"boss"}, "": nil} {
				for _, role := range []invitations.Role{"", "user", "boss"} { // a former member, too
					put, ok := invitations.Consumption{
						Organization: organization, UserID: "nina", Roles: roles, Amount: -c.amount, Periods: periodsAtNoon,
					}.Decide(role, quotas)
					require.True(t, ok)
					require.Equal(t, []invitations.QuotaRecord(c.put), put)
					require.Equal(t, before, quotas, "the argument is unchanged")
				}
			}
		})
	}
}

// Whatever is taken and given back, an amount is never below 0 and never above the most. What
// was taken in a period and is given back into it leaves nothing.
func TestConsumption_RefundsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int64{invitations.NoLimit, 0, 1, 7, 100, maxAmount}).Draw(t, "limit")
		period := rapid.SampledFrom([]invitations.Period{
			invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless,
		}).Draw(t, "period")
		quotas := map[string]invitations.QuotaRecord{"nina": quotaOf("nina", limit, period, time.Time{}, 0)}
		type taken struct {
			amount int64
			starts map[invitations.Period]time.Time
		}
		var open []taken
		expected := map[time.Time]int64{} // by the start of a period
		now := noon
		decide := func(c invitations.Consumption) bool {
			put, ok := c.Decide("", quotas)
			for _, q := range put {
				require.GreaterOrEqual(t, q.Used, int64(0))
				require.True(t, limit == invitations.NoLimit || q.Used <= limit)
				require.LessOrEqual(t, q.Used, int64(9*maxAmount))
				quotas["nina"] = q
			}
			return ok
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, time.Hour, day, 31 * day}).Draw(t, "time"))
			starts, _, _ := periodsAt(t, now)
			if len(open) > 0 && rapid.Bool().Draw(t, "give back") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				o := open[i]
				open = slices.Delete(open, i, i+1)
				require.True(t, decide(invitations.Consumption{UserID: "nina", Amount: -o.amount, Periods: o.starts}))
				if start := o.starts[period]; quotas["nina"].PeriodStart.Equal(start) {
					expected[start] -= o.amount
				}
			} else {
				amount := rapid.SampledFrom([]int64{1, 2, 5, maxAmount}).Draw(t, "amount")
				if decide(invitations.Consumption{UserID: "nina", Amount: amount, Periods: starts}) {
					open = append(open, taken{amount, starts})
					expected[starts[period]] += amount
				}
			}
			require.Equal(t, expected[quotas["nina"].PeriodStart], quotas["nina"].Used)
		}
	})
}

// A refund goes into the period of the consumption, and the answer is of now.
func TestRefund(t *testing.T) {
	t.Parallel()
	today := midnight(2026, 3, 1)
	consumed := invitations.Consumed{Quotas: map[string]invitations.QuotaRecord{ // Dora has left since
		"": quotaOf("", 100, invitations.PeriodMonth, today, 37), "dora": quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 2, 28), 4),
	}}
	for name, c := range map[string]struct {
		workspace invitations.Workspace
		at        time.Time
		day       time.Time
	}{
		"today":                      {inAcme, noon, today},
		"yesterday":                  {inAcme, noon.Add(-day), time.Time{}}, // over
		"yesterday, in another zone": {inAcme, noon.Add(-day).In(time.FixedZone("+14", 14*60*60)), time.Time{}},
		"personal":                   {invitations.Personal(), noon, today},
		"a clock ahead":              {inAcme, noon.Add(day), midnight(2026, 3, 2)},
	} {
		store := consuming(consumed)
		p := goodRefund()
		p.Workspace, p.At = c.workspace, c.at
		balance, err := serviceOn(t, store, atNoon()).Refund(t.Context(), p)
		require.NoError(t, err, name)
		require.Equal(t, invitations.Balance{
			Own: usage(10, invitations.PeriodDay, 0, midnight(2026, 3, 2)), Shared: usage(100, invitations.PeriodMonth, 37, midnight(2026, 4, 1)), At: noon,
		}, balance, name)
		asked := store.ConsumeCalls()[0].C
		require.Equal(t, int64(-3), asked.Amount)
		require.Empty(t, asked.Roles)
		require.Equal(t, c.day, asked.Periods[invitations.PeriodDay], name)
		require.Equal(t, c.workspace == inAcme, asked.Organization == "acme")
	}
}

// The role counts only in organizations.
func TestConsumption_Decide_Role(t *testing.T) {
	t.Parallel()
	full := map[string]invitations.QuotaRecord{"nina": quotaOf("nina", 5, invitations.PeriodDay, midnight(2026, 3, 1), 0)}
	for _, c := range []struct {
		organization string
		roles        []invitations.Role
		role         invitations.Role
		want         bool
	}{
		{"acme", []invitations.Role{"user"}, "user", true},
		{"acme", []invitations.Role{"boss", "user"}, "user", true},
		{"acme", []invitations.Role{"boss", "user"}, "viewer", false},
		{"acme", []invitations.Role{"user"}, "", false},
		{"acme", nil, "user", false},
		{"acme", nil, "", false},
		{"acme", []invitations.Role{""}, "", false}, // a non-member has no role, not the empty one
		{"", nil, "", true},
		{"", nil, "user", true},
	} {
		for _, quotas := range []map[string]invitations.QuotaRecord{full, nil} {
			put, ok := invitations.Consumption{
				Organization: c.organization, UserID: "nina", Roles: c.roles, Amount: 1, Periods: periodsAtNoon,
			}.Decide(c.role, quotas)
			require.Equal(t, c.want, ok, "%+v", c)
			if c.want {
				require.Len(t, put, len(quotas))
			} else {
				require.Empty(t, put)
			}
		}
	}
}

// Random consumptions, with clocks that disagree, take all or nothing. No period of a quota
// gives more than its limit, also if a clock goes back to an earlier period.
func TestConsumption_NeverExceedsALimit(t *testing.T) {
	t.Parallel()
	anyAmount := rapid.OneOf(rapid.Int64Range(1, 6), rapid.SampledFrom([]int64{maxAmount, maxAmount - 1}))
	anyLimit := rapid.OneOf(rapid.Int64Range(0, 12), rapid.SampledFrom([]int64{maxAmount, maxAmount - 1}))
	anyPeriod := rapid.SampledFrom([]invitations.Period{invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless})
	rapid.Check(t, func(t *rapid.T) {
		quotas := map[string]invitations.QuotaRecord{}
		for _, user := range []string{"", "nina", "olga"} {
			if rapid.Bool().Draw(t, "limited") {
				quotas[user] = quotaOf(user, anyLimit.Draw(t, "limit"), anyPeriod.Draw(t, "period"), time.Time{}, 0)
			}
		}
		type credit struct {
			user  string
			start time.Time
		}
		taken := map[credit]*big.Int{} // by user and period
		now := noon
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{
				time.Minute, time.Hour, day, 20 * day, -time.Hour, -day, -20 * day,
			}).Draw(t, "time"))
			starts, _, _ := periodsAt(t, now)
			user := rapid.SampledFrom([]string{"nina", "olga"}).Draw(t, "user")
			amount := anyAmount.Draw(t, "amount")
			c := invitations.Consumption{
				Organization: "acme", UserID: user, Roles: []invitations.Role{"user"}, Amount: amount, Periods: starts,
			}
			put, ok := c.Decide("user", quotas)

			var want []string
			fits := true
			for _, of := range []string{"", user} {
				q, limited := quotas[of]
				if !limited {
					continue
				}
				want = append(want, of)
				start := starts[q.Period]
				if q.PeriodStart.After(start) {
					start = q.PeriodStart
				}
				at := credit{of, start}
				if taken[at] == nil {
					taken[at] = new(big.Int)
				}
				sum := new(big.Int).Add(taken[at], big.NewInt(amount))
				fits = fits && sum.Cmp(big.NewInt(q.Limit)) <= 0
			}
			require.Equal(t, fits, ok)
			if !ok {
				require.Empty(t, put, "all or nothing")
				continue
			}
			require.Len(t, put, len(want))
			for i, q := range put {
				require.Equal(t, want[i], q.UserID)
				old := quotas[q.UserID]
				require.Equal(t, old.Quota, q.Quota)
				require.Equal(t, old.Version, q.Version)
				require.False(t, q.PeriodStart.Before(old.PeriodStart), "no period comes back")
				at := credit{q.UserID, q.PeriodStart}
				require.NotNil(t, taken[at])
				taken[at].Add(taken[at], big.NewInt(amount))
				require.Equal(t, taken[at].Int64(), q.Used)
				require.LessOrEqual(t, taken[at].Cmp(big.NewInt(q.Limit)), 0)
				quotas[q.UserID] = q
			}
		}
	})
}

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
			c.want.At = noon
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
		At:     noon,
	}, balance)

	balance, err = serviceOn(t, answering(f), clockAt(midnight(2026, 4, 1))).Remaining(t.Context(), inAcme, "dora")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{
		Own:    usage(10, invitations.PeriodDay, 0, midnight(2026, 4, 2)),
		Shared: usage(100, invitations.PeriodMonth, 0, midnight(2026, 5, 1)),
		At:     midnight(2026, 4, 1),
	}, balance, "the next month")

	f.Members["vera"] = invitations.Member{Organization: "acme", UserID: "vera", Role: "ghost"}
	f.Quotas = nil
	balance, err = serviceOn(t, answering(f), atNoon()).Remaining(t.Context(), inAcme, "vera")
	require.NoError(t, err, "every member may read it")
	require.Equal(t, invitations.Balance{At: noon}, balance)
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
		"none": {nil, invitations.Balance{At: noon}},
		"zero": {&zero, invitations.Balance{At: noon}},
		"set":  {&personal, invitations.Balance{Own: usage(7, invitations.PeriodDay, 2, midnight(2026, 3, 2)), At: noon}},
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
		"an owner, of a member":                 {olga, "dora", invitations.Balance{Own: own, Shared: shared, At: noon}, nil},
		"an owner, of a member without a quota": {olga, "olga", invitations.Balance{Shared: shared, At: noon}, nil},
		"an owner, shared":                      {olga, "", invitations.Balance{Shared: shared, At: noon}, nil},
		"System, of a member":                   {invitations.System(), "dora", invitations.Balance{Own: own, Shared: shared, At: noon}, nil},
		"System, shared":                        {invitations.System(), "", invitations.Balance{Shared: shared, At: noon}, nil},
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
	require.Equal(t, invitations.Balance{Own: usage(3, invitations.PeriodDay, 0, midnight(2026, 3, 2)), At: noon}, balance)
	balance, err = svc.Consume(ctx, invitations.Personal(), "olga", 2)
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{Own: usage(3, invitations.PeriodDay, 2, midnight(2026, 3, 2)), At: noon}, balance)
	balance, err = svc.Remaining(ctx, inAcme, "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.Balance{Shared: usage(3, invitations.PeriodDay, 3, midnight(2026, 3, 2)), At: noon}, balance)
	_, err = svc.Consume(ctx, invitations.Workspace{}, "olga", 1)
	require.ErrorIs(t, err, invitations.ErrInvalid)
}
