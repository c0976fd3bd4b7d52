package behaviour

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

var usageStories = []check{
	{"QuotaWithoutALimitCounts", storyNoLimit},
	{"RefundOverThePeriods", storyRefund},
	{"UsageOfPresentAndClosedPeriods", storyUsage},
	{"UsagePageByPage", storyUsagePages},
	{"MembersWithBalances", storyBalances},
}

func (w *world) refund(in invitations.Workspace, user string, amount int64, at time.Time) invitations.Balance {
	w.Helper()
	b, err := w.svc.Refund(w.ctx, invitations.RefundParams{Workspace: in, UserID: user, Amount: amount, At: at})
	w.ok(err)
	return b
}

// used fails the check unless the amounts of the period that contains an instant are these.
func (w *world) used(period invitations.Period, at time.Time, shared int64, members ...invitations.MemberUsage) {
	w.Helper()
	got, err := w.svc.Usage(w.ctx, bob, invitations.UsageParams{Organization: "acme", Period: period, At: at})
	w.ok(err)
	want := invitations.PeriodUsage{Start: got.Start, End: got.End, Shared: shared, Members: members}
	w.equal(fmt.Sprintf("the usage of the %s of %v", period, at), got, want)
	if !at.IsZero() && (at.Before(got.Start) || !got.End.IsZero() && !at.Before(got.End)) {
		w.Errorf("the %s of %v is from %v to %v", period, at, got.Start, got.End)
	}
}

func storyNoLimit(w *world) {
	w.company()
	acme, zeta := invitations.InOrganization("acme"), invitations.InOrganization("zeta")
	const day, none = invitations.PeriodDay, invitations.NoLimit
	w.setQuota(invitations.System(), "acme", "", none, invitations.PeriodMonth)
	w.setQuota(ada, "acme", "dev", none, day)
	w.ok(w.svc.SetQuota(w.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: "dev", Quota: invitations.Quota{Limit: none, Period: day},
	}))
	b, err := w.svc.Remaining(w.ctx, acme, "dev")
	w.ok(err)
	left, limited := b.Left()
	w.equal("left", []any{left, limited, b.Own.Left()}, []any{int64(math.MaxInt64), false, int64(math.MaxInt64)})
	w.spend(acme, "dev", 1_000_000_000_000_000, invitations.Balance{
		Own: usage(none, day, 1_000_000_000_000_000, tomorrow), Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_000, nextMonth),
	})
	w.spend(acme, "ada", 5, invitations.Balance{Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_005, nextMonth)})
	w.spend(invitations.Personal(), "dev", 3, invitations.Balance{Own: usage(none, day, 3, tomorrow)})
	w.spend(zeta, "dev", 7, invitations.Balance{}) // no quota counts nothing
	// A limit that comes later knows the use from before, and the other way round.
	w.setQuota(ada, "acme", "dev", 2_000_000, day)
	w.exceeds(acme, "dev", 1, invitations.Balance{
		Own: usage(2_000_000, day, 1_000_000_000_000_000, tomorrow), Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_005, nextMonth),
	})
	w.setQuota(invitations.System(), "acme", "", 10, invitations.PeriodMonth)
	w.exceeds(acme, "ada", 1, invitations.Balance{Shared: usage(10, invitations.PeriodMonth, 1_000_000_000_000_005, nextMonth)})
	w.setQuota(invitations.System(), "acme", "", none, invitations.PeriodMonth)
	w.spend(acme, "ada", 1, invitations.Balance{Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_006, nextMonth)})
	// An own limit counts beside a shared quota without one.
	w.setQuota(ada, "acme", "ada", 2, day)
	w.spend(acme, "ada", 2, invitations.Balance{Own: usage(2, day, 2, tomorrow), Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_008, nextMonth)})
	b, err = w.svc.Remaining(w.ctx, acme, "ada")
	w.ok(err)
	left, limited = b.Left()
	w.equal("left", []any{left, limited}, []any{0, true})
	// An invitation can grant one.
	sent, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{
		Organization: "acme", Email: "ann@example.com", Role: "developer", Quota: invitations.Quota{Limit: none, Period: day},
	})
	w.ok(err)
	w.accept(sent, annID)
	w.spend(acme, "ann", 4, invitations.Balance{Own: usage(none, day, 4, tomorrow), Shared: usage(none, invitations.PeriodMonth, 1_000_000_000_000_012, nextMonth)})
	w.used(day, start, 0, invitations.MemberUsage{UserID: "dev", Used: 1_000_000_000_000_000}, invitations.MemberUsage{UserID: "ann", Used: 4}, invitations.MemberUsage{UserID: "ada", Used: 2})
}

// storyRefund: an amount goes back into the period from which it was taken, and nowhere if that
// is over. No amount becomes negative.
func storyRefund(w *world) {
	w.company()
	acme := invitations.InOrganization("acme")
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodMonth)
	w.setQuota(ada, "acme", "dev", 10, invitations.PeriodDay)
	w.ok(w.svc.SetQuota(w.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: "dev", Quota: invitations.Quota{Limit: 5, Period: invitations.PeriodEndless},
	}))
	balance := func(own, shared int64, ends time.Time) invitations.Balance {
		return w.now(invitations.Balance{Own: usage(10, invitations.PeriodDay, own, ends), Shared: usage(100, invitations.PeriodMonth, shared, nextMonth)})
	}
	taken, err := w.svc.Consume(w.ctx, acme, "dev", 8)
	w.ok(err)
	w.equal("the instant of the consumption", taken.At, w.clock.Now())
	w.equal("a part", w.refund(acme, "dev", 3, taken.At), balance(5, 5, tomorrow))
	w.spend(acme, "dev", 5, balance(10, 10, tomorrow)) // what was given back can be taken again
	w.ok(second(w.svc.Consume(w.ctx, acme, "ada", 20)))
	w.equal("more than was taken", w.refund(acme, "dev", 25, taken.At), balance(0, 5, tomorrow))
	w.equal("more than there is", w.refund(acme, "dev", 25, taken.At), balance(0, 0, tomorrow))
	w.equal("a quota that has nothing", w.refund(acme, "dev", 1, taken.At), balance(0, 0, tomorrow))

	taken, err = w.svc.Consume(w.ctx, acme, "dev", 8)
	w.ok(err)
	late := taken.At
	w.clock.Add(tomorrow.Sub(start)) // the next day, and the same month
	w.ok(second(w.svc.Consume(w.ctx, acme, "dev", 6)))
	w.equal("of yesterday", w.refund(acme, "dev", 3, late), balance(6, 11, tomorrow.AddDate(0, 0, 1)))
	w.used(invitations.PeriodDay, start, 0, invitations.MemberUsage{UserID: "dev", Used: 8}) // a closed period stays
	// A refund needs no membership and no role: the work may fail after the member has gone.
	w.remove("acme", "dev")
	w.equal("of a former member", w.refund(acme, "dev", 2, w.clock.Now()), balance(4, 9, tomorrow.AddDate(0, 0, 1)))
	w.clock.Add(nextMonth.Sub(tomorrow)) // another month
	b := w.refund(acme, "dev", 4, late)
	w.equal("of last month", []int64{b.Own.Used, b.Shared.Used}, []int64{0, 0})
	w.used(invitations.PeriodMonth, start, 9)
	w.used(invitations.PeriodDay, tomorrow, 0, invitations.MemberUsage{UserID: "dev", Used: 4})
	// Another kind of period is another period.
	w.ok(second(w.svc.Consume(w.ctx, acme, "ada", 20)))
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodDay)
	w.ok(second(w.svc.Consume(w.ctx, acme, "ada", 2)))
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodMonth)
	b = w.refund(acme, "ada", 7, w.clock.Now())
	w.equal("of a quota that began anew", b.Shared.Used, 0)
	w.used(invitations.PeriodMonth, time.Time{}, 20)
	w.used(invitations.PeriodDay, time.Time{}, 2)

	// Endless quotas have one period. Without a quota nothing is given back.
	w.ok(second(w.svc.Consume(w.ctx, invitations.Personal(), "dev", 4)))
	w.equal("personal", w.refund(invitations.Personal(), "dev", 3, start), w.now(invitations.Balance{Own: usage(5, invitations.PeriodEndless, 1, time.Time{})}))
	w.equal("nobody's", w.refund(invitations.Personal(), "eve", 3, start), w.now(invitations.Balance{}))
	w.equal("no organization's", w.refund(invitations.InOrganization("none"), "dev", 3, start), w.now(invitations.Balance{}))
	w.unchanged("refused", func() {
		for name, p := range map[string]invitations.RefundParams{
			"no workspace":     {UserID: "dev", Amount: 1, At: start},
			"no user":          {Workspace: acme, Amount: 1, At: start},
			"no amount":        {Workspace: acme, UserID: "dev", At: start},
			"less than none":   {Workspace: acme, UserID: "dev", Amount: -1, At: start},
			"too large":        {Workspace: acme, UserID: "dev", Amount: 1_000_000_000_000_001, At: start},
			"no instant":       {Workspace: acme, UserID: "dev", Amount: 1},
			"a distant future": {Workspace: acme, UserID: "dev", Amount: 1, At: start.AddDate(9000, 0, 0)},
		} {
			b, err := w.svc.Refund(w.ctx, p)
			w.refusal(name, err, invitations.ErrInvalid)
			w.equal("the balance of a refusal", b, invitations.Balance{})
		}
	})
}

// storyUsage: every period keeps the amounts that were used in it, of all users, past changes of
// the quota and the end of memberships.
func storyUsage(w *world) {
	w.company()
	acme, zeta := invitations.InOrganization("acme"), invitations.InOrganization("zeta")
	const day, month = invitations.PeriodDay, invitations.PeriodMonth
	take := func(user string, amount int64) {
		w.Helper()
		w.ok(second(w.svc.Consume(w.ctx, acme, user, amount)))
	}
	of := func(user string, used int64) invitations.MemberUsage {
		return invitations.MemberUsage{UserID: user, Used: used}
	}
	w.used(day, time.Time{}, 0)
	w.setQuota(invitations.System(), "acme", "", 1000, day)
	w.setQuota(invitations.System(), "zeta", "", 1000, day)
	for _, user := range []string{"ada", "bob", "dev"} {
		w.setQuota(ada, "acme", user, invitations.NoLimit, day)
		w.setQuota(ada, "zeta", user, invitations.NoLimit, day)
	}
	w.ok(second(w.svc.Consume(w.ctx, zeta, "dev", 50)))
	take("dev", 3)
	take("ada", 7)
	w.used(day, time.Time{}, 10, of("ada", 7), of("dev", 3))
	w.used(month, time.Time{}, 0) // the same quotas, of another kind
	w.clock.Add(tomorrow.Sub(start))
	w.used(day, time.Time{}, 0)
	take("dev", 5)
	take("bob", 5)
	w.used(day, time.Time{}, 10, of("bob", 5), of("dev", 5)) // equal amounts in the order of the users
	w.used(day, start, 10, of("ada", 7), of("dev", 3))
	w.used(day, today, 10, of("ada", 7), of("dev", 3)) // every instant of the day
	w.used(day, tomorrow.Add(-time.Microsecond), 10, of("ada", 7), of("dev", 3))
	// A quota of another kind leaves the amount where it was used.
	w.setQuota(ada, "acme", "dev", 100, month)
	take("dev", 4)
	w.used(day, time.Time{}, 14, of("bob", 5), of("dev", 5))
	w.used(month, time.Time{}, 0, of("dev", 4))
	w.setQuota(ada, "acme", "dev", 0, "") // none
	take("dev", 9)
	w.setQuota(ada, "acme", "dev", 100, day)
	take("dev", 2)
	w.used(day, time.Time{}, 25, of("dev", 7), of("bob", 5))
	w.used(month, time.Time{}, 0, of("dev", 4))
	// So does the end of a membership.
	w.leave("acme", "dev")
	w.remove("acme", "bob")
	w.add("acme", "bob", "admin")
	w.used(day, time.Time{}, 25, of("dev", 7), of("bob", 5))
	w.clock.Add(nextMonth.Sub(tomorrow))
	w.used(month, start, 0, of("dev", 4))
	w.used(month, time.Time{}, 0)
	w.setQuota(invitations.System(), "acme", "", 1000, invitations.PeriodEndless)
	take("bob", 1)
	w.used(invitations.PeriodEndless, start, 1)
	w.used(invitations.PeriodEndless, time.Time{}, 1)
	w.used(day, tomorrow, 25, of("dev", 7), of("bob", 5))
	w.clock.Add(-time.Microsecond) // a clock that is behind counts in the period that has begun
	take("bob", 2)
	w.used(day, nextMonth, 0, of("bob", 3))
	w.used(day, nextMonth.Add(-1), 0)

	w.unchanged("refused", func() {
		for name, c := range map[string]struct {
			actor invitations.Actor
			p     invitations.UsageParams
			want  error
		}{
			"a viewer":           {invitations.User("kim"), invitations.UsageParams{Organization: "acme", Period: day}, denied},
			"a former member":    {invitations.User("dev"), invitations.UsageParams{Organization: "acme", Period: day}, denied},
			"elsewhere":          {ada, invitations.UsageParams{Organization: "none", Period: day}, denied},
			"nobody":             {invitations.Actor{}, invitations.UsageParams{Organization: "acme", Period: day}, invitations.ErrInvalid},
			"no organization":    {ada, invitations.UsageParams{Period: day}, invitations.ErrInvalid},
			"no period":          {ada, invitations.UsageParams{Organization: "acme"}, invitations.ErrInvalid},
			"an unknown period":  {ada, invitations.UsageParams{Organization: "acme", Period: "week"}, invitations.ErrInvalid},
			"too large a page":   {ada, invitations.UsageParams{Organization: "acme", Period: day, Limit: 101}, invitations.ErrInvalid},
			"a forged cursor":    {ada, invitations.UsageParams{Organization: "acme", Period: day, Cursor: "x"}, invitations.ErrInvalid},
			"the distant future": {ada, invitations.UsageParams{Organization: "acme", Period: day, At: start.AddDate(9000, 0, 0)}, invitations.ErrInvalid},
		} {
			u, err := w.svc.Usage(w.ctx, c.actor, c.p)
			w.refusal(name, err, c.want)
			w.equal("the usage of a refusal", u, invitations.PeriodUsage{})
		}
		u, err := w.svc.Usage(w.ctx, invitations.System(), invitations.UsageParams{Organization: "none", Period: day})
		w.ok(err)
		w.equal("of no organization", u, invitations.PeriodUsage{Start: u.Start, End: u.End})
	})
	// A day before the start has the use of a time zone's day only in UTC.
	w.used(day, start.In(time.FixedZone("east", 14*3600)), 10, of("ada", 7), of("dev", 3))
}

func storyUsagePages(w *world) {
	w.found("acme", "ada")
	w.add("acme", "bob", "admin")
	acme := invitations.InOrganization("acme")
	var want []invitations.MemberUsage
	for n, user := range odd[:12] {
		w.add("acme", user, "developer")
		w.setQuota(ada, "acme", user, invitations.NoLimit, invitations.PeriodDay)
		if n%4 == 3 {
			continue // used nothing
		}
		want = append(want, invitations.MemberUsage{UserID: user, Used: int64(1 + n%3)})
		w.ok(second(w.svc.Consume(w.ctx, acme, user, want[len(want)-1].Used)))
	}
	slices.SortFunc(want, func(a, b invitations.MemberUsage) int {
		if a.Used != b.Used {
			return int(b.Used - a.Used)
		}
		return strings.Compare(a.UserID, b.UserID)
	})
	for range 2 { // of the present period, and of a closed one
		for _, limit := range []int{1, 4, len(want), 100} {
			var got []invitations.MemberUsage
			p := invitations.UsageParams{Organization: "acme", Period: invitations.PeriodDay, At: start, Limit: limit}
			for pages := 0; ; pages++ {
				u, err := w.svc.Usage(w.ctx, bob, p)
				w.ok(err)
				got = append(got, u.Members...)
				if p.Cursor = u.NextCursor; p.Cursor == "" || pages > len(want) {
					break
				}
			}
			w.equal(fmt.Sprintf("%d a page", limit), got, want)
		}
		w.clock.Add(day)
		w.ok(second(w.svc.Consume(w.ctx, acme, odd[0], 100))) // opens the next period of one of them
	}
}

// storyBalances: a page of members can bring their balances, for those who may read quotas.
func storyBalances(w *world) {
	w.company()
	acme := invitations.InOrganization("acme")
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodMonth)
	w.setQuota(ada, "acme", "dev", 10, invitations.PeriodDay)
	w.setQuota(ada, "acme", "kim", 5, invitations.PeriodDay)
	w.setQuota(invitations.System(), "zeta", "dev", 77, invitations.PeriodDay)
	w.setQuota(ada, "acme", "bob", 0, "")
	w.ok(second(w.svc.Consume(w.ctx, acme, "dev", 4)))
	list := func(actor invitations.Actor, p invitations.MembersParams) (all []invitations.TeamMember) {
		w.Helper()
		p.Organization = "acme"
		for m, err := range w.svc.AllMembers(w.ctx, actor, p) {
			w.ok(err)
			all = append(all, m)
		}
		return all
	}
	plain := list(bob, invitations.MembersParams{})
	for range 2 {
		for _, limit := range []int{1, 3, 4} {
			got := list(bob, invitations.MembersParams{Balances: true, Limit: limit})
			w.equal("members", len(got), 4)
			for i, m := range got {
				w.equal("member", m.Member, plain[i].Member)
				want, err := w.svc.Remaining(w.ctx, acme, m.UserID)
				w.ok(err)
				w.equal("the balance of "+m.UserID, m.Balance, want)
			}
		}
		w.clock.Add(day) // balances are as of now
	}
	for _, m := range plain {
		if m.Balance != nil {
			w.Errorf("%s has a balance without being asked for", m.UserID)
		}
	}
	only := list(invitations.System(), invitations.MembersParams{Balances: true, Role: "developer"})
	if len(only) != 1 || only[0].Balance.Own.Limit != 10 {
		w.Errorf("got %+v", only)
	}
	// Members see each other, and not each other's use.
	w.equal("members for a viewer", list(invitations.User("kim"), invitations.MembersParams{}), plain)
	for user, want := range map[string]error{"kim": denied, "dev": denied, "eve": denied, "bob": nil} {
		page, err := w.svc.Members(w.ctx, invitations.User(user), invitations.MembersParams{Organization: "acme", Balances: true})
		w.refusal(user, err, want)
		w.equal("members that are shown", len(page.Items) > 0, want == nil)
	}
}
