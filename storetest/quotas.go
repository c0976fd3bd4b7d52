package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

var quotaChecks = []check{
	{"PersonalQuota", quotasPersonal},
	{"ChangesKeepTheUsedAmount", quotasChanged},
}

// personal returns the personal quota of a user, and no memberships.
func (w *world) personal(user string) workspaces {
	w.Helper()
	return w.workspaces(invitations.WorkspaceQuery{UserID: user})
}

func quotasPersonal(w *world) {
	w.staff()
	w.setQuotas("acme", quota("acme", "", 3, invitations.PeriodDay, 1), quota("acme", "ada", 2, invitations.PeriodDay, 1))
	before := w.state("acme", "ada")
	mine := invitations.QuotaRecord{UserID: "ada", Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay}}
	w.equal("before it is set", w.personal("ada"), workspaces{})
	w.equal("consumed before it is set", w.consume(consumption("", "ada", 1000, 0)), invitations.Consumed{Taken: true})
	stored := func(what string) {
		w.Helper()
		w.equal(what+": stored", w.personal("ada"), workspaces{Personal: &mine})
	}
	consume := func(what string, amount int64, days int, taken bool) {
		w.Helper()
		w.equal(what, w.consume(consumption("", "ada", amount, days)), limiting(invitations.Consumed{
			Taken: taken, Quotas: map[string]invitations.QuotaRecord{"ada": mine},
		}))
		stored(what)
	}
	set := func(what string, q invitations.Quota) {
		w.Helper()
		w.ok(w.store.SetPersonalQuota(w.ctx, "ada", q))
		mine.Quota = q
		stored(what)
	}
	set("set", mine.Quota)
	mine = used(mine, 9, 0)
	consume("some", 9, 0, true)
	consume("one over", 2, 0, false)
	mine = used(mine, 10, 0)
	consume("the exact limit", 1, 0, true)
	set("another limit in the same period", invitations.Quota{Limit: 5, Period: invitations.PeriodDay})
	consume("above the new limit", 1, 0, false)
	mine.Used, mine.PeriodStart = 0, time.Time{}
	set("another period", invitations.Quota{Limit: 5, Period: invitations.PeriodMonth})
	mine = used(mine, 5, 0)
	consume("in the new period", 5, 3, true)
	mine.Used, mine.PeriodStart = 0, time.Time{}
	set("none", invitations.Quota{})
	consume("without one", 1000, 3, true)

	// It belongs to no other user and to no organization.
	w.equal("of bob", w.personal("bob"), workspaces{})
	w.equal("state", w.state("acme", "ada"), before)
	for i, text := range texts {
		w.ok(w.store.SetPersonalQuota(w.ctx, text, invitations.Quota{Limit: int64(i), Period: invitations.PeriodDay}))
	}
	for i, text := range texts {
		w.equal(fmt.Sprintf("of text %d", i), w.personal(text).Personal, invitations.QuotaRecord{
			UserID: text, Quota: invitations.Quota{Limit: int64(i), Period: invitations.PeriodDay},
		})
	}
}

func quotasChanged(w *world) {
	w.staff()
	users := []string{"ada", "bob", "joe"}
	put := func(limit int64, period invitations.Period, version int64) map[string]invitations.QuotaRecord {
		w.Helper()
		var all []invitations.QuotaRecord
		want := map[string]invitations.QuotaRecord{}
		for _, user := range []string{"", "ada"} {
			q := quota("acme", user, limit, period, version)
			want[user] = q
			q.PeriodStart, q.Used = today.AddDate(0, 0, 9), 77 // a store must ignore them
			all = append(all, q)
		}
		w.setQuotas("acme", all...)
		return want
	}
	want := put(100, invitations.PeriodDay, 3)
	w.equal("new", w.quotas("acme", users...), want)
	consume := func(amount int64, days int) {
		w.Helper()
		w.consume(consumption("acme", "ada", amount, days))
	}
	useAll := func(amount int64, days int) {
		for user, q := range want {
			want[user] = used(q, amount, days)
		}
	}
	consume(10, 1)
	want = put(20, invitations.PeriodDay, 9)
	useAll(10, 1)
	w.equal("another limit in the same period", w.quotas("acme", users...), want)
	want = put(5, invitations.PeriodDay, 4) // a store takes any version
	useAll(10, 1)
	w.equal("a limit below the used amount", w.quotas("acme", users...), want)
	want = put(50, invitations.PeriodMonth, 5)
	w.equal("another period", w.quotas("acme", users...), want)
	consume(10, 0)
	want = put(0, "", 6)
	w.equal("the zero quota", w.quotas("acme", users...), want)
	want = put(50, invitations.PeriodMonth, 7)
	w.equal("set again after the zero quota", w.quotas("acme", users...), want)
	consume(10, 0)
	useAll(10, 0)

	// Quotas that are not in the changes stay, and a refusal changes none.
	w.setQuotas("acme", quota("acme", "bob", 1, invitations.PeriodDay, 8))
	want["bob"] = quota("acme", "bob", 1, invitations.PeriodDay, 8)
	w.equal("of another member", w.quotas("acme", users...), want)
	w.refused(w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return invitations.Changes{Quotas: []invitations.QuotaRecord{quota("acme", "ada", 9, invitations.PeriodEndless, 9)}}, invitations.ErrConflict
	}), invitations.ErrConflict)
	w.equal("after a refusal", w.quotas("acme", users...), want)
	// A quota outlives the membership.
	w.change("acme", invitations.Changes{RemovedMembers: slices.Clone(users)})
	w.equal("after all members were removed", w.quotas("acme", users...), want)
	w.equal("of the other organization", w.quotas("zeta", users...), map[string]invitations.QuotaRecord{})
}
