package storetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

var consumeChecks = []check{
	{"ConsumeInAnOrganization", consumeInOrganization},
	{"ConsumeNeedsTheRole", consumeRoles},
	{"ConsumeOverPeriods", consumePeriods},
	{"ConsumeEqualsDecide", consumeEqualsDecide},
	{"Refunds", consumeRefunds},
	{"RefundsOfAPersonalQuota", consumeRefundsPersonal},
}

// today is the day of start.
var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// periodsOn returns the starts of the periods on the day that is so many days after today.
func periodsOn(days int) map[invitations.Period]time.Time {
	d := today.AddDate(0, 0, days)
	return map[invitations.Period]time.Time{
		invitations.PeriodDay:     d,
		invitations.PeriodMonth:   time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC),
		invitations.PeriodEndless: time.Unix(0, 0).UTC(),
	}
}

// consumption asks for an amount, so many days after today. Owners and developers may consume.
func consumption(organization, user string, amount int64, days int) invitations.Consumption {
	c := invitations.Consumption{Organization: organization, UserID: user, Amount: amount, Periods: periodsOn(days)}
	if organization != "" {
		c.Roles = []invitations.Role{"owner", "developer"}
	}
	return c
}

func (w *world) consume(c invitations.Consumption) invitations.Consumed {
	w.Helper()
	consumed, err := w.store.Consume(w.ctx, c)
	w.ok(err)
	return limiting(consumed)
}

// limiting returns c without the zero quotas, which a store may leave out.
func limiting(c invitations.Consumed) invitations.Consumed {
	c.Quotas = maps.Clone(c.Quotas)
	maps.DeleteFunc(c.Quotas, func(_ string, q invitations.QuotaRecord) bool { return q.Quota == invitations.Quota{} })
	return c
}

func (w *world) setQuotas(organization string, quotas ...invitations.QuotaRecord) {
	w.Helper()
	w.change(organization, invitations.Changes{Quotas: quotas})
}

// quotas returns the stored quotas of an organization and of users.
func (w *world) quotas(organization string, users ...string) map[string]invitations.QuotaRecord {
	w.Helper()
	return w.view(invitations.Query{Organization: organization, Members: users, Quotas: true}).Quotas
}

// used returns q with a used amount, in the period that is so many days after today.
func used(q invitations.QuotaRecord, amount int64, days int) invitations.QuotaRecord {
	q.Used, q.PeriodStart = amount, periodsOn(days)[q.Period]
	return q
}

// staff makes two organizations with the same developers.
func (w *world) staff() {
	w.Helper()
	for _, organization := range []string{"acme", "zeta"} {
		var all invitations.Changes
		for _, user := range []string{"ada", "bob", "joe"} {
			all.Members = append(all.Members, member(organization, user, "developer"))
		}
		w.change(organization, all)
	}
}

func consumeInOrganization(w *world) {
	const month, day, endless = invitations.PeriodMonth, invitations.PeriodDay, invitations.PeriodEndless
	const unlimited = invitations.NoLimit
	shared := func(limit int64) invitations.QuotaRecord { return quota("", "", limit, month, 7) }
	own := func(limit int64) invitations.QuotaRecord { return quota("", "ada", limit, day, 8) }
	nothing := quota("", "ada", 0, "", 9)
	const largest = 1_000_000_000_000_000
	type step struct {
		amount      int64
		taken       bool
		shared, own int64 // used afterwards
	}
	w.staff()
	for i, c := range []struct {
		name   string
		quotas []invitations.QuotaRecord
		steps  []step
	}{
		{"neither", nil, []step{{1, true, 0, 0}, {largest, true, 0, 0}}},
		{"shared only: the exact limit, and one over", []invitations.QuotaRecord{shared(10)}, []step{
			{3, true, 3, 0}, {8, false, 3, 0}, {7, true, 10, 0}, {1, false, 10, 0},
		}},
		{"own only: the exact limit, and one over", []invitations.QuotaRecord{own(10)}, []step{
			{10, true, 0, 10}, {1, false, 0, 10},
		}},
		{"both: the own one is the nearer", []invitations.QuotaRecord{shared(100), own(10)}, []step{
			{6, true, 6, 6}, {5, false, 6, 6}, {4, true, 10, 10}, {1, false, 10, 10},
		}},
		{"both: the shared one is the nearer", []invitations.QuotaRecord{shared(10), own(100)}, []step{
			{6, true, 6, 6}, {5, false, 6, 6}, {4, true, 10, 10}, {1, false, 10, 10},
		}},
		{"a limit of zero", []invitations.QuotaRecord{shared(0), own(5)}, []step{{1, false, 0, 0}}},
		{"the zero quota counts nothing", []invitations.QuotaRecord{shared(10), nothing}, []step{
			{10, true, 10, 0}, {1, false, 10, 0},
		}},
		{"two zero quotas", []invitations.QuotaRecord{{Version: 3}, nothing}, []step{{largest, true, 0, 0}}},
		{"the largest", []invitations.QuotaRecord{quota("", "", largest, endless, 1), own(largest)}, []step{
			{largest - 1, true, largest - 1, largest - 1}, {2, false, largest - 1, largest - 1}, {largest, false, largest - 1, largest - 1},
			{1, true, largest, largest}, {1, false, largest, largest},
		}},
		{"of another member", []invitations.QuotaRecord{shared(10), quota("", "bob", 1, day, 2)}, []step{{10, true, 10, 0}}},
		{"without a limit", []invitations.QuotaRecord{shared(unlimited)}, []step{
			{1, true, 1, 0}, {largest, true, largest + 1, 0}, {largest, true, 2*largest + 1, 0},
		}},
		{"the own one without a limit", []invitations.QuotaRecord{shared(10), own(unlimited)}, []step{
			{9, true, 9, 9}, {2, false, 9, 9}, {1, true, 10, 10}, {1, false, 10, 10},
		}},
		{"the shared one without a limit", []invitations.QuotaRecord{shared(unlimited), own(10)}, []step{
			{9, true, 9, 9}, {2, false, 9, 9}, {1, true, 10, 10}, {1, false, 10, 10},
		}},
		{"without a limit there is a largest amount", []invitations.QuotaRecord{shared(unlimited), own(unlimited)}, []step{
			{largest, true, largest, largest}, {largest, true, 2 * largest, 2 * largest}, {largest, true, 3 * largest, 3 * largest},
			{largest, true, 4 * largest, 4 * largest}, {largest, true, 5 * largest, 5 * largest}, {largest, true, 6 * largest, 6 * largest},
			{largest, true, 7 * largest, 7 * largest}, {largest, true, 8 * largest, 8 * largest},
			{largest - 1, true, 9*largest - 1, 9*largest - 1}, {2, true, 9 * largest, 9 * largest},
			{1, true, 9 * largest, 9 * largest}, {-1, true, 9*largest - 1, 9*largest - 1}, {1, true, 9 * largest, 9 * largest},
		}},
		{"a refund", []invitations.QuotaRecord{shared(10), own(20)}, []step{
			{10, true, 10, 10}, {-4, true, 6, 6}, {5, false, 6, 6}, {4, true, 10, 10}, {-10, true, 0, 0}, {-1, true, 0, 0}, {10, true, 10, 10},
		}},
		{"a refund of more than was taken", []invitations.QuotaRecord{shared(10), own(10)}, []step{
			{3, true, 3, 3}, {-largest, true, 0, 0}, {10, true, 10, 10}, {1, false, 10, 10},
		}},
		{"a refund before anything is taken", []invitations.QuotaRecord{shared(10), own(10)}, []step{{-1, true, 0, 0}, {10, true, 10, 10}}},
		{"a refund without quotas", nil, []step{{-1, true, 0, 0}}},
	} {
		// The twin has the same quotas, and must not change.
		organization, twin := fmt.Sprintf("acme %d", i), fmt.Sprintf("zeta %d", i)
		stored := map[string]map[string]invitations.QuotaRecord{organization: {}, twin: {}}
		for o, quotas := range stored {
			changes := invitations.Changes{Members: []invitations.Member{member(o, "ada", "developer"), member(o, "bob", "developer")}}
			for _, q := range c.quotas {
				q.Organization = o
				quotas[q.UserID] = q
				changes.Quotas = append(changes.Quotas, q)
			}
			w.change(o, changes)
		}
		for n, s := range c.steps {
			what := fmt.Sprintf("%s: step %d", c.name, n)
			for user, amount := range map[string]int64{"": s.shared, "ada": s.own} {
				if q, ok := stored[organization][user]; ok && (amount > 0 || q.Used > 0) {
					stored[organization][user] = used(q, amount, 0)
				}
			}
			answer := maps.Clone(stored[organization])
			delete(answer, "bob")
			w.equal(what, w.consume(consumption(organization, "ada", s.amount, 0)), limiting(invitations.Consumed{
				Taken: s.taken, Role: "developer", Quotas: answer,
			}))
			for o, quotas := range stored {
				w.equal(what+": stored in "+o, w.quotas(o, "ada", "bob"), quotas)
			}
		}
		w.equal(c.name+": the organization", w.view(invitations.Query{Organization: organization}), invitations.Facts{Organization: organization, Version: 1})
		w.equal(c.name+": the events", w.events(invitations.EventQuery{Organization: organization, Limit: 9}), invitations.Page[invitations.Event]{})
	}
	w.equal("the personal quota", w.personal("ada"), workspaces{})
}

func consumeRoles(w *world) {
	w.staff()
	w.change("acme", invitations.Changes{
		Members:        []invitations.Member{member("acme", "ann", "viewer"), member("acme", "kim", "Developer")},
		RemovedMembers: []string{"joe"},
	})
	shared, own := quota("acme", "", 10, invitations.PeriodDay, 1), quota("acme", "joe", 5, invitations.PeriodDay, 1)
	w.setQuotas("acme", shared, own)
	w.ok(w.store.SetPersonalQuota(w.ctx, "joe", invitations.Quota{Limit: 1, Period: invitations.PeriodDay}))
	ofAll := map[string]invitations.QuotaRecord{"": shared}
	before := w.state("acme", "ada", "joe")
	for _, c := range []struct {
		name string
		c    invitations.Consumption
		want invitations.Consumed
	}{
		{"a role that is not allowed", consumption("acme", "ann", 1, 0), invitations.Consumed{Role: "viewer", Quotas: ofAll}},
		{"a role that differs in case", consumption("acme", "kim", 1, 0), invitations.Consumed{Role: "Developer", Quotas: ofAll}},
		{"not a member", consumption("acme", "nobody", 1, 0), invitations.Consumed{Quotas: ofAll}},
		{"a former member", consumption("acme", "joe", 1, 0), invitations.Consumed{
			Quotas: map[string]invitations.QuotaRecord{"": shared, "joe": own},
		}},
		{"an unknown organization", consumption("none", "ada", 1, 0), invitations.Consumed{}},
		{"no role is allowed", invitations.Consumption{Organization: "acme", UserID: "ada", Amount: 1, Periods: periodsOn(0)}, invitations.Consumed{Role: "developer", Quotas: ofAll}},
		{"the empty role admits nobody", invitations.Consumption{
			Organization: "acme", UserID: "nobody", Roles: []invitations.Role{"", "developer"}, Amount: 1, Periods: periodsOn(0),
		}, invitations.Consumed{Quotas: ofAll}},
	} {
		w.equal(c.name, w.consume(c.c), c.want)
	}
	w.equal("state", w.state("acme", "ada", "joe"), before)
	w.equal("facts of the unknown organization", w.view(invitations.Query{Organization: "none", Members: []string{"ada"}, Quotas: true}), invitations.Facts{})
}

func consumePeriods(w *world) {
	w.staff()
	for i, c := range []struct {
		period invitations.Period
		day    []int   // of each consumption of 10; today is the first of a month
		used   []int64 // the amount used afterwards
		start  []int   // the day at which the period began
	}{
		{invitations.PeriodDay, []int{0, 1, 1, 400}, []int64{10, 10, 20, 10}, []int{0, 1, 1, 400}},
		{invitations.PeriodMonth, []int{0, 30, 31, 40, 31 + 30}, []int64{10, 20, 10, 20, 10}, []int{0, 0, 31, 31, 61}},
		{invitations.PeriodEndless, []int{0, 1, 400, -20_000}, []int64{10, 20, 30, 40}, []int{0, 0, 0, 0}},
		// A clock that is behind counts in the period of a clock that is ahead.
		{invitations.PeriodDay, []int{1, 0, 1, 2}, []int64{10, 20, 30, 10}, []int{1, 1, 1, 2}},
		{invitations.PeriodMonth, []int{31, 30, 62}, []int64{10, 20, 10}, []int{31, 31, 61}},
	} {
		organization := fmt.Sprintf("acme %d", i)
		shared, own := quota(organization, "", 100, c.period, 1), quota(organization, "ada", 100, c.period, 1)
		w.change(organization, invitations.Changes{
			Members: []invitations.Member{member(organization, "ada", "owner")}, Quotas: []invitations.QuotaRecord{shared, own},
		})
		mine := invitations.QuotaRecord{UserID: "user of " + organization, Quota: own.Quota}
		w.ok(w.store.SetPersonalQuota(w.ctx, mine.UserID, mine.Quota))
		for n, days := range c.day {
			what := fmt.Sprintf("%s %d: consumption %d", c.period, i, n)
			w.equal(what, w.consume(consumption(organization, "ada", 10, days)), invitations.Consumed{
				Taken: true, Role: "owner", Quotas: map[string]invitations.QuotaRecord{
					"": used(shared, c.used[n], c.start[n]), "ada": used(own, c.used[n], c.start[n]),
				},
			})
			w.equal(what+", personal", w.consume(consumption("", mine.UserID, 10, days)), invitations.Consumed{
				Taken: true, Quotas: map[string]invitations.QuotaRecord{mine.UserID: used(mine, c.used[n], c.start[n])},
			})
		}
	}

	// The period of one quota is over, that of the other is not. A refusal begins no period.
	shared, own := quota("acme", "", 10, invitations.PeriodMonth, 1), quota("acme", "ada", 10, invitations.PeriodDay, 1)
	w.setQuotas("acme", shared, own)
	w.consume(consumption("acme", "ada", 6, 0))
	refused := invitations.Consumed{Role: "developer", Quotas: map[string]invitations.QuotaRecord{"": used(shared, 6, 0), "ada": used(own, 6, 0)}}
	w.equal("a day later, too much for the month", w.consume(consumption("acme", "ada", 5, 1)), refused)
	w.equal("stored", w.quotas("acme", "ada"), refused.Quotas)
	w.equal("a day later", w.consume(consumption("acme", "ada", 4, 1)), invitations.Consumed{
		Taken: true, Role: "developer", Quotas: map[string]invitations.QuotaRecord{"": used(shared, 10, 0), "ada": used(own, 4, 1)},
	})
}

// consumeEqualsDecide compares many random consumptions and refunds with the results of Decide.
func consumeEqualsDecide(w *world) {
	random := w.random()
	organizations, users := []string{"acme", "zeta"}, []string{"ada", "bob", "eve"}
	periods := []invitations.Period{invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless, ""}
	roles := []invitations.Role{"owner", "developer", "viewer"}
	someQuota := func() invitations.Quota {
		q := invitations.Quota{Limit: random.Int64N(30), Period: periods[random.IntN(len(periods))]}
		switch {
		case q.Period == "":
			q.Limit = 0
		case random.IntN(5) == 0:
			q.Limit = invitations.NoLimit
		}
		return q
	}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	w.staff()
	taken, consumptions := 0, 0
	const cases = 300
	for i := range cases {
		organization, user := pick(organizations), pick(users)
		switch random.IntN(8) {
		case 0:
			w.setQuotas(organization, invitations.QuotaRecord{Organization: organization, Quota: someQuota(), Version: int64(i)})
		case 1:
			w.setQuotas(organization, invitations.QuotaRecord{Organization: organization, UserID: user, Quota: someQuota(), Version: int64(i)})
		case 2:
			m := member(organization, pick(users), roles[random.IntN(len(roles))])
			w.change(organization, invitations.Changes{Members: []invitations.Member{m}})
		case 3:
			w.ok(w.store.SetPersonalQuota(w.ctx, user, someQuota()))
		}
		c := consumption(organization, user, 1+random.Int64N(12), random.IntN(70)-random.IntN(3))
		refund := random.IntN(3) == 0
		if random.IntN(4) == 0 {
			c.Organization, c.Roles = "", nil
		} else {
			c.Roles = roles[random.IntN(len(roles)):]
		}
		role, before := w.limits(c.Organization, user)
		if refund {
			c.Amount, c.Roles = -c.Amount, nil
			for _, q := range before { // most refunds are into the period of a quota
				if random.IntN(3) > 0 && !q.PeriodStart.IsZero() {
					c.Periods = periodsOn(int(q.PeriodStart.Sub(today) / day))
				}
			}
		}
		put, ok := c.Decide(role, before)
		want := invitations.Consumed{Taken: ok, Role: role, Quotas: maps.Clone(before)}
		for _, q := range put {
			want.Quotas[q.UserID] = q
		}
		what := fmt.Sprintf("case %d, %+v of %v", i, c, before)
		w.equal(what, w.consume(c), limiting(want))
		_, after := w.limits(c.Organization, user)
		w.equal(what+": stored", after, want.Quotas)
		if !refund {
			consumptions++
			if ok {
				taken++
			}
		}
	}
	if taken < consumptions/5 || taken > consumptions*4/5 {
		w.Errorf("%d of %d were taken: the cases are one-sided", taken, consumptions)
	}
}

// consumeRefunds refunds amounts into periods that are over, not over or still to come, and for
// users of all kinds.
func consumeRefunds(w *world) {
	w.staff()
	w.change("acme", invitations.Changes{
		Members:        []invitations.Member{member("acme", "ann", "viewer")},
		RemovedMembers: []string{"joe"},
	})
	stored := map[string]invitations.QuotaRecord{"": quota("acme", "", 100, invitations.PeriodMonth, 1)}
	for _, user := range []string{"ada", "joe", "ann"} {
		stored[user] = quota("acme", user, 50, invitations.PeriodDay, 1)
	}
	w.setQuotas("acme", slices.Collect(maps.Values(stored))...)
	w.setQuotas("zeta", quota("zeta", "", 100, invitations.PeriodMonth, 1), quota("zeta", "ada", 50, invitations.PeriodDay, 1))
	w.consume(consumption("zeta", "ada", 20, 1))
	consumed := func(what string, c invitations.Consumption, role invitations.Role) {
		w.Helper()
		want := invitations.Consumed{Taken: true, Role: role, Quotas: map[string]invitations.QuotaRecord{"": stored[""]}}
		if q, ok := stored[c.UserID]; ok {
			want.Quotas[c.UserID] = q
		}
		w.equal(what, w.consume(c), want)
		w.equal(what+": stored", w.quotas("acme", "ada", "joe", "ann"), stored)
	}
	refund := func(user string, amount int64, days int) invitations.Consumption {
		c := consumption("acme", user, -amount, days)
		c.Roles = nil
		return c
	}
	consumed("before anything is used", refund("ada", 5, 0), "developer")
	stored[""], stored["ada"] = used(stored[""], 20, 1), used(stored["ada"], 20, 1)
	consumed("a consumption", consumption("acme", "ada", 20, 1), "developer")
	consumed("into an earlier month", refund("ada", 5, -1), "developer")
	consumed("into a month to come", refund("ada", 5, 40), "developer")
	stored[""] = used(stored[""], 17, 1)
	consumed("into an earlier day of the month", refund("ada", 3, 0), "developer")
	stored[""] = used(stored[""], 16, 1)
	consumed("into a later day of the month", refund("ada", 1, 2), "developer")
	stored[""], stored["ada"] = used(stored[""], 10, 1), used(stored["ada"], 14, 1)
	consumed("into the day", refund("ada", 6, 1), "developer")
	stored[""] = used(stored[""], 9, 1)
	consumed("of a removed member", refund("joe", 1, 1), "")
	stored[""] = used(stored[""], 8, 1)
	consumed("of a user that never was a member", refund("nobody", 1, 1), "")
	stored[""] = used(stored[""], 7, 1)
	consumed("of a member that may not consume", refund("ann", 1, 1), "viewer")
	limited := refund("ada", 1, 1)
	limited.Roles = []invitations.Role{"owner"}
	stored[""], stored["ada"] = used(stored[""], 6, 1), used(stored["ada"], 13, 1)
	consumed("roles do not matter", limited, "developer")
	stored[""], stored["ada"] = used(stored[""], 0, 1), used(stored["ada"], 3, 1)
	consumed("more than the shared quota has", refund("ada", 10, 1), "developer")
	stored["ada"] = used(stored["ada"], 0, 1)
	consumed("more than both have", refund("ada", 10, 1), "developer")
	stored[""], stored["ada"] = used(stored[""], 50, 1), used(stored["ada"], 50, 1)
	consumed("the whole limit again", consumption("acme", "ada", 50, 1), "developer")

	// Neither a version nor an event comes of it, nor anything in the other organization.
	s := w.state("acme", "ada")
	w.equal("version", s.Facts.Version, int64(3))
	w.equal("number of events", len(s.Events.Items), 0)
	w.equal("quotas of the other organization", w.quotas("zeta", "ada"), map[string]invitations.QuotaRecord{
		"": used(quota("zeta", "", 100, invitations.PeriodMonth, 1), 20, 1), "ada": used(quota("zeta", "ada", 50, invitations.PeriodDay, 1), 20, 1),
	})
	unknown := refund("ada", 1, 1)
	unknown.Organization = "none"
	w.equal("in an unknown organization", w.consume(unknown), invitations.Consumed{Taken: true})
}

func consumeRefundsPersonal(w *world) {
	w.staff()
	w.setQuotas("acme", quota("acme", "", 100, invitations.PeriodDay, 1), quota("acme", "ada", 100, invitations.PeriodDay, 1))
	w.consume(consumption("acme", "ada", 20, 1))
	before := w.state("acme", "ada")
	mine := invitations.QuotaRecord{UserID: "ada", Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodDay}}
	w.equal("without a quota", w.consume(consumption("", "ada", -1, 1)), invitations.Consumed{Taken: true})
	for _, user := range []string{"ada", "bob"} {
		w.ok(w.store.SetPersonalQuota(w.ctx, user, mine.Quota))
		w.consume(consumption("", user, 20, 1))
	}
	for _, c := range []struct {
		amount int64
		days   int
		left   int64
	}{{-5, 0, 20}, {-5, 2, 20}, {-5, 1, 15}, {-16, 1, 0}, {-1, 1, 0}, {3, 1, 3}} {
		mine = used(mine, c.left, 1)
		w.equal(fmt.Sprintf("%d on day %d", c.amount, c.days), w.consume(consumption("", "ada", c.amount, c.days)), invitations.Consumed{
			Taken: true, Quotas: map[string]invitations.QuotaRecord{"ada": mine},
		})
		w.equal("stored", w.personal("ada"), workspaces{Personal: &mine})
	}
	w.equal("of bob", w.personal("bob").Personal.Used, int64(20))
	w.equal("state", w.state("acme", "ada"), before)
}

// limits returns the role of a user, and the quotas that limit them.
func (w *world) limits(organization, user string) (invitations.Role, map[string]invitations.QuotaRecord) {
	w.Helper()
	quotas := map[string]invitations.QuotaRecord{}
	if organization == "" {
		if q := w.personal(user).Personal; q != nil {
			quotas[user] = *q
		}
		return "", quotas
	}
	f := w.view(invitations.Query{Organization: organization, Members: []string{user}, Quotas: true})
	maps.Copy(quotas, f.Quotas)
	return f.Members[user].Role, quotas
}
