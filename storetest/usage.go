package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

var usageChecks = []check{
	{"PresentAndClosedPeriods", usagePeriods},
	{"AfterAnotherKindOfPeriod", usageKinds},
	{"UsersAndViewer", usageUsers},
	{"AfterAnyPlace", usagePages},
	{"EqualsALedger", usageLedger},
}

// uses are what [invitations.Store.Usage] returns.
type uses struct {
	Shared int64
	Page   invitations.Page[invitations.MemberUsage]
}

func (w *world) usage(q invitations.UsageQuery) uses {
	w.Helper()
	shared, page, err := w.store.Usage(w.ctx, q)
	w.ok(err)
	return uses{shared, page}
}

// used fails the check unless an organization used these amounts in the period that is so many
// days after today.
func (w *world) used(organization string, period invitations.Period, days int, shared int64, amounts ...invitations.MemberUsage) {
	w.Helper()
	got := w.usage(invitations.UsageQuery{
		Organization: organization, Period: period, PeriodStart: periodsOn(days)[period], Limit: 100,
	})
	w.equal(fmt.Sprintf("usage of %s in the %s on day %d", organization, period, days), got, uses{
		Shared: shared, Page: invitations.Page[invitations.MemberUsage]{Items: amounts},
	})
}

func of(user string, amount int64) invitations.MemberUsage {
	return invitations.MemberUsage{UserID: user, Used: amount}
}

func usagePeriods(w *world) {
	w.staff()
	for _, organization := range []string{"acme", "zeta"} {
		w.setQuotas(
			organization, quota(organization, "", invitations.NoLimit, invitations.PeriodMonth, 1),
			quota(organization, "ada", 100, invitations.PeriodDay, 1), quota(organization, "bob", invitations.NoLimit, invitations.PeriodDay, 1),
			quota(organization, "joe", 100, invitations.PeriodEndless, 1),
		)
	}
	const day, month, endless = invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless
	w.used("acme", day, 0, 0)
	for _, c := range []struct {
		user   string
		amount int64
		days   int
	}{
		{"ada", 5, 0}, {"bob", 7, 0}, {"joe", 9, 0}, {"ada", 1, 0}, {"ada", 200, 0}, // too much, so nothing is taken
		{"ada", 3, 2}, {"bob", 4, 40}, {"joe", 1, 40}, {"ada", 2, 40}, {"bob", 1, 1}, // by a clock that is behind
		{"bob", -2, 40}, {"bob", -3, 0}, // into a day that is over
	} {
		w.consume(consumption("acme", c.user, c.amount, c.days))
	}
	w.consume(consumption("zeta", "ada", 77, 2))
	w.consume(consumption("zeta", "ada", 77, 3))
	w.used("acme", day, 0, 0, of("bob", 7), of("ada", 6))
	w.used("acme", day, 1, 0)
	w.used("acme", day, 2, 0, of("ada", 3))
	w.used("acme", day, 40, 0, of("bob", 3), of("ada", 2))
	w.used("acme", day, 41, 0)
	w.used("acme", month, 0, 25)
	w.used("acme", month, 40, 6)
	w.used("acme", month, -1, 0)
	w.used("acme", endless, 0, 0, of("joe", 10))
	w.used("zeta", day, 2, 0, of("ada", 77))
	w.used("zeta", day, 0, 0)
	w.used("zeta", month, 0, 2*77)
	w.used("none", day, 0, 0)
	w.used("acme", "", 0, 0)

	// A refund of all that was taken leaves no amount.
	w.consume(consumption("acme", "ada", -2, 40))
	w.used("acme", day, 40, 0, of("bob", 3))
	// Neither a limit nor the end of counting changes an amount.
	for _, q := range []invitations.Quota{{Limit: 1, Period: day}, {Limit: invitations.NoLimit, Period: day}, {}} {
		w.setQuotas("acme", quota("acme", "bob", q.Limit, q.Period, 9))
		w.used("acme", day, 40, 0, of("bob", 3))
		w.used("acme", day, 0, 0, of("bob", 7), of("ada", 6))
	}
}

// usageKinds changes the kind of period of a quota, and changes it back within the same period.
// The amounts of the period add up.
func usageKinds(w *world) {
	w.staff()
	const day, month, endless = invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless
	set := func(period invitations.Period) {
		w.Helper()
		for _, organization := range []string{"acme", "zeta"} {
			w.setQuotas(organization, quota(organization, "", 100, period, 1), quota(organization, "ada", 100, period, 1))
		}
	}
	take := func(amount int64, days int) {
		w.Helper()
		w.consume(consumption("acme", "ada", amount, days))
	}
	set(day)
	w.consume(consumption("zeta", "ada", 50, 1))
	take(5, 1)
	set(month)
	w.used("acme", day, 1, 5, of("ada", 5))
	w.used("acme", month, 1, 0)
	take(7, 1)
	set(day) // at this instant nothing is used in the day, and 5 were
	w.used("acme", day, 1, 5, of("ada", 5))
	take(11, 1)
	w.used("acme", day, 1, 16, of("ada", 16))
	w.used("acme", month, 1, 7, of("ada", 7))
	take(-20, 1) // takes what the present quota counts
	w.used("acme", day, 1, 5, of("ada", 5))
	take(2, 1)
	take(3, 2) // the day is over, and is closed for the second time
	w.used("acme", day, 1, 7, of("ada", 7))
	w.used("acme", day, 2, 3, of("ada", 3))
	set("")
	take(50, 2)
	w.used("acme", day, 2, 3, of("ada", 3))
	set(endless)
	take(4, 2)
	w.used("acme", endless, 2, 4, of("ada", 4))
	set(endless)
	w.used("acme", endless, 2, 4, of("ada", 4))
	set(month)
	take(1, 2)
	w.used("acme", endless, 2, 4, of("ada", 4))
	w.used("acme", month, 2, 8, of("ada", 8))
	w.used("zeta", day, 1, 50, of("ada", 50))
	w.used("zeta", month, 1, 0)
}

// usageUsers checks users that are members or not, and the viewer.
func usageUsers(w *world) {
	w.staff()
	for i, organization := range []string{"acme", "zeta"} {
		w.setQuotas(organization, quota(organization, "ada", 100, invitations.PeriodDay, 1), quota(organization, "bob", 100, invitations.PeriodDay, 1))
		w.consume(consumption(organization, "ada", int64(i+5), 0))
		w.consume(consumption(organization, "bob", int64(i+8), 0))
		w.consume(consumption(organization, "joe", 3, 0)) // has no quota
	}
	w.ok(w.store.SetPersonalQuota(w.ctx, "ada", invitations.Quota{Limit: 9, Period: invitations.PeriodDay}))
	w.consume(consumption("", "ada", 9, 0))
	w.change("acme", invitations.Changes{RemovedMembers: []string{"ada"}})
	w.used("acme", invitations.PeriodDay, 0, 0, of("bob", 8), of("ada", 5))
	w.change("acme", invitations.Changes{Members: []invitations.Member{member("acme", "ada", "viewer")}})
	w.used("acme", invitations.PeriodDay, 0, 0, of("bob", 8), of("ada", 5))
	w.change("acme", invitations.Changes{RemovedMembers: []string{"bob"}})
	w.used("zeta", invitations.PeriodDay, 0, 0, of("bob", 9), of("ada", 6))

	joe := member("acme", "joe", "developer")
	for _, c := range []struct {
		organization, viewer string
		want                 *invitations.Member
	}{
		{"acme", "joe", &joe}, {"acme", "bob", nil}, {"acme", "nobody", nil}, {"acme", "", nil}, {"none", "joe", nil},
	} {
		q := invitations.UsageQuery{
			Organization: c.organization, Viewer: c.viewer, Period: invitations.PeriodDay, PeriodStart: today, Limit: 1,
		}
		got := w.usage(q)
		w.equal("viewer", got.Page.Viewer, c.want)
		if n := len(got.Page.Items); (c.organization == "none") != (n == 0) {
			w.Errorf("%s: got %d amounts", c.organization, n)
		}
		q.PeriodStart = today.AddDate(1, 0, 0)
		w.equal("viewer of no usage", w.usage(q), uses{Page: invitations.Page[invitations.MemberUsage]{Viewer: c.want}})
	}
}

// byAmount is the order of usage: the highest amount first, then by user ID as bytes.
func byAmount(a, b invitations.MemberUsage) int {
	return cmp.Or(cmp.Compare(b.Used, a.Used), strings.Compare(a.UserID, b.UserID))
}

// usagePages gives amounts that are often equal to many users. Some amounts are of a closed
// period, some of the present one, and some of both.
func usagePages(w *world) {
	var all []invitations.MemberUsage
	for _, organization := range []string{"zeta", "acme"} {
		all = nil
		var c invitations.Changes
		for _, user := range texts {
			c.Members = append(c.Members, member(organization, user, "developer"))
			c.Quotas = append(c.Quotas, quota(organization, user, invitations.NoLimit, invitations.PeriodDay, 1))
		}
		w.change(organization, c)
		for i, user := range texts {
			total := int64(i % 5)
			if organization == "zeta" {
				total++
			}
			take := func(amount int64, days int) {
				if amount > 0 {
					w.consume(consumption(organization, user, amount, days))
				}
			}
			first := total * int64(i%3) / 2
			take(first, 0)
			if i%2 == 0 {
				w.setQuotas(organization, quota(organization, user, 9, invitations.PeriodMonth, 2))
				w.setQuotas(organization, quota(organization, user, 9, invitations.PeriodDay, 3))
			}
			take(total-first, 0)
			if i%7 == 0 {
				take(100, 1)
			}
			if total > 0 {
				all = append(all, of(user, total))
			}
		}
	}
	slices.SortFunc(all, byAmount)
	q := invitations.UsageQuery{Organization: "acme", Period: invitations.PeriodDay, PeriodStart: today}
	for _, limit := range []int{1, 5, 14, len(all) - 1, len(all), 1000} {
		w.walkUsage(q, limit, all)
	}
	places := slices.Clone(all)
	for _, user := range append(slices.Clone(betweens), texts[0]) { // nothing stands at most of them
		for _, amount := range []int64{0, 1, 2, 4, 5, 9_000_000_000_000_000} {
			places = append(places, of(user, amount))
		}
	}
	for _, p := range places {
		first := slices.IndexFunc(all, func(m invitations.MemberUsage) bool { return byAmount(m, p) > 0 })
		if first < 0 {
			first = len(all)
		}
		q.After, q.Limit = &p, 2
		w.equal(fmt.Sprintf("after %+v", p), w.usage(q).Page.Items, all[first:min(first+2, len(all))])
	}
}

// walkUsage reads all pages of a query and compares their items with want.
func (w *world) walkUsage(q invitations.UsageQuery, limit int, want []invitations.MemberUsage) {
	w.Helper()
	var got []invitations.MemberUsage
	for q.Limit = limit; ; {
		page := w.usage(q).Page
		got = append(got, page.Items...)
		if len(page.Items) > limit || len(got) > len(want) {
			w.Fatalf("%+v: got %d amounts on a page, %d in all, want %d", q, len(page.Items), len(got), len(want))
		}
		if len(page.Items) < limit {
			break
		}
		q.After = &page.Items[limit-1]
	}
	w.equal(fmt.Sprintf("%+v", q), got, want)
}

// A ledger is a model of the quotas of one organization.
type ledger struct {
	quotas map[string]invitations.QuotaRecord
	closed map[span]int64
}

// A span is one period of a user, or of the organization for an empty user.
type span struct {
	user   string
	period invitations.Period
	start  time.Time
}

// put keeps q, and closes the period before if q has another one.
func (l *ledger) put(q invitations.QuotaRecord) {
	old := l.quotas[q.UserID]
	if old.Used > 0 && (old.Period != q.Period || !old.PeriodStart.Equal(q.PeriodStart)) {
		l.closed[span{q.UserID, old.Period, old.PeriodStart}] += old.Used
	}
	l.quotas[q.UserID] = q
}

// set is put for a quota of changes.
func (l *ledger) set(q invitations.QuotaRecord) {
	if old := l.quotas[q.UserID]; old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	}
	l.put(q)
}

func (l *ledger) consume(c invitations.Consumption) {
	put, _ := c.Decide("developer", l.quotas)
	for _, q := range put {
		l.put(q)
	}
}

// amounts returns the amount of every span.
func (l *ledger) amounts() map[span]int64 {
	all := maps.Clone(l.closed)
	for user, q := range l.quotas {
		all[span{user, q.Period, q.PeriodStart}] += q.Used
	}
	return all
}

// usageLedger compares the usage after many random changes with a ledger.
func usageLedger(w *world) {
	random := w.random()
	w.staff()
	ledgers := map[string]*ledger{}
	for _, organization := range []string{"acme", "zeta"} {
		ledgers[organization] = &ledger{map[string]invitations.QuotaRecord{}, map[span]int64{}}
	}
	periods := []invitations.Period{invitations.PeriodDay, invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless, ""}
	owners, consumers := []string{"", "ada", "bob", "joe"}, []string{"ada", "bob", "joe"}
	for n := range 200 {
		organization := []string{"acme", "zeta"}[random.IntN(2)]
		l, days := ledgers[organization], n/8-random.IntN(3)
		switch random.IntN(6) {
		case 0:
			q := quota(organization, owners[random.IntN(4)], random.Int64N(60)-1, periods[random.IntN(len(periods))], int64(n))
			if q.Period == "" {
				q.Limit = 0
			}
			w.setQuotas(organization, q)
			l.set(q)
		case 1:
			c := consumption(organization, consumers[random.IntN(3)], -1-random.Int64N(20), days)
			w.consume(c)
			l.consume(c)
		default:
			c := consumption(organization, consumers[random.IntN(3)], 1+random.Int64N(9), days)
			w.consume(c)
			l.consume(c)
		}
		if n%40 != 39 {
			continue
		}
		for organization, l := range ledgers {
			w.settled(organization, l, 2)
		}
	}
}

// settled compares the usage of an organization in every period with a ledger.
func (w *world) settled(organization string, l *ledger, limit int) {
	w.Helper()
	all := l.amounts()
	spans := map[span]bool{}
	for s := range all {
		if s.user = ""; s.period != "" && !s.start.IsZero() {
			spans[s] = true
		}
	}
	for s := range spans {
		q := invitations.UsageQuery{Organization: organization, Period: s.period, PeriodStart: s.start, Limit: limit}
		w.equal(fmt.Sprintf("%+v: shared", q), w.usage(q).Shared, all[s])
		var want []invitations.MemberUsage
		for of, amount := range all {
			if of.user != "" && amount > 0 && of.period == s.period && of.start.Equal(s.start) {
				want = append(want, invitations.MemberUsage{UserID: of.user, Used: amount})
			}
		}
		slices.SortFunc(want, byAmount)
		w.walkUsage(q, limit, want)
	}
}
