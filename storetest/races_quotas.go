package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/go-invitations/invitations"
)

var quotaRaces = []race{
	{name: "ConsumersOfOneQuota", round: raceConsumers},
	{name: "ConsumersOfAPersonalQuota", round: racePersonal},
	{name: "Class47_RemovalAgainstConsume", round: raceRemovalConsume},
	{name: "SetQuotaAgainstConsume", round: raceSetQuota},
	{name: "SetPersonalQuotaAgainstConsume", round: raceSetPersonal},
	{name: "RefundsAndLimitsAgainstConsume", round: raceRefunds},
	{name: "PeriodsAgainstConsume", round: racePeriods},
}

// A bite is one consumption and its answer.
type bite struct {
	user   string
	amount int64
	left   invitations.Balance // according to the answer, even if it is a refusal
	err    error
}

// bites consumes n random amounts, one after the other.
func (r *round) bites(in invitations.Workspace, user string, n int) []bite {
	var all []bite
	for range n {
		b := bite{user: user, amount: 1 + rand.Int64N(40)}
		b.left, b.err = r.svc.Consume(r.ctx, in, user, b.amount)
		var exceeded *invitations.QuotaExceededError
		if errors.As(b.err, &exceeded) {
			b.left = exceeded.Balance
		}
		all = append(all, b)
	}
	return all
}

// accounted returns the amount that all bites took together. It returns an error if the answers
// have no order. counted returns the quota that all bites had in common.
func accounted(all []bite, counted func(invitations.Balance) *invitations.Usage) (taken int64, err error) {
	var eaten []bite
	for _, b := range all {
		left, _ := b.left.Left()
		switch {
		case counted(b.left) == nil && (b.err == nil || errors.Is(b.err, invitations.ErrQuotaExceeded)):
			return 0, errors.New("an answer misses the quota")
		case b.err == nil:
			eaten = append(eaten, b)
			if u := counted(b.left); u.Used > u.Limit {
				return 0, fmt.Errorf("a consumption leaves %d used, of %d", u.Used, u.Limit)
			}
		case !errors.Is(b.err, invitations.ErrQuotaExceeded):
			return 0, fmt.Errorf("a consumption ended with: %w", b.err)
		case left >= b.amount:
			return 0, fmt.Errorf("%d were refused, although %d were left", b.amount, left)
		}
	}
	slices.SortFunc(eaten, func(a, b bite) int { return cmp.Compare(counted(a.left).Used, counted(b.left).Used) })
	for _, b := range eaten {
		if taken += b.amount; counted(b.left).Used != taken {
			return 0, fmt.Errorf("no order explains the answers: %d were taken, and an answer says that %d are used", taken, counted(b.left).Used)
		}
	}
	return taken, nil
}

func own(b invitations.Balance) *invitations.Usage    { return b.Own }
func shared(b invitations.Balance) *invitations.Usage { return b.Shared }

// raceConsumers lets a crowd of members consume from a quota of 500. Half of them have a quota
// of their own too.
func raceConsumers(r *round) error {
	users := names("user", crowdSize)
	setUp := invitations.Changes{Quotas: []invitations.QuotaRecord{quota(r.organization, "", 500, invitations.PeriodMonth, 1)}}
	for i, user := range users {
		setUp.Members = append(setUp.Members, member(r.organization, user, "developer"))
		if i%2 == 0 {
			setUp.Quotas = append(setUp.Quotas, quota(r.organization, user, 30, invitations.PeriodDay, 1))
		}
	}
	if err := r.update(setUp); err != nil {
		return err
	}
	all := slices.Concat(together(crowdSize, func(i int) []bite {
		return r.bites(invitations.InOrganization(r.organization), users[i], 2)
	})...)
	taken, err := accounted(all, shared)
	if err != nil {
		return err
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, Members: users, Quotas: true})
	if err := errors.Join(err, want("used of the shared quota", int(f.Quotas[""].Used), int(taken))); err != nil {
		return err
	}
	mine := map[string]int64{}
	for _, b := range all {
		if b.err == nil {
			mine[b.user] += b.amount
		}
	}
	for i, user := range users {
		q, limited := f.Quotas[user]
		if limited != (i%2 == 0) || limited && (q.Used != mine[user] || q.Used > q.Limit) {
			return fmt.Errorf("%s took %d, and %d of %d are used", user, mine[user], q.Used, q.Limit)
		}
	}
	return nil
}

func racePersonal(r *round) error {
	user := fmt.Sprintf("user %d", r.n)
	if err := r.store.SetPersonalQuota(r.ctx, user, invitations.Quota{Limit: 300, Period: invitations.PeriodDay}); err != nil {
		return err
	}
	all := slices.Concat(together(crowdSize, func(int) []bite { return r.bites(invitations.Personal(), user, 1) })...)
	taken, err := accounted(all, own)
	if err != nil {
		return err
	}
	left, err := r.svc.Remaining(r.ctx, invitations.Personal(), user)
	if err != nil || left.Own == nil {
		return cmp.Or(err, errors.New("the personal quota is missing"))
	}
	return want("used", int(left.Own.Used), int(taken))
}

// raceRemovalConsume removes a member during consumptions, and begins a new period of the shared
// quota in the same step. If anything is used in the new period, the removed member used it.
func raceRemovalConsume(r *round) error {
	const consumers = 8
	if err := r.update(invitations.Changes{
		Members: []invitations.Member{member(r.organization, "ann", "developer")},
		Quotas:  []invitations.QuotaRecord{quota(r.organization, "", 1_000_000, invitations.PeriodDay, 2)},
	}); err != nil {
		return err
	}
	var removed atomic.Bool
	err := cmp.Or(together(consumers+1, func(i int) error {
		if i == consumers {
			defer removed.Store(true)
			return r.update(invitations.Changes{
				RemovedMembers: []string{"ann"},
				Quotas:         []invitations.QuotaRecord{quota(r.organization, "", 1_000_000, invitations.PeriodMonth, 3)},
			})
		}
		for range 50 {
			late := removed.Load()
			_, err := r.svc.Consume(r.ctx, invitations.InOrganization(r.organization), "ann", 1)
			switch {
			case errors.Is(err, invitations.ErrPermissionDenied):
				return nil
			case err != nil:
				return err
			case late:
				return errors.New("a consumption succeeds that began after the removal")
			}
		}
		return nil
	})...)
	if err != nil {
		return err
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, Quotas: true})
	return errors.Join(err, want("used after the removal", int(f.Quotas[""].Used), 0))
}

func raceSetQuota(r *round) error {
	in := invitations.InOrganization(r.organization)
	return r.limitsAgainstBites(in, "ada", shared, invitations.SetQuotaParams{Workspace: in})
}

func raceSetPersonal(r *round) error {
	in, user := invitations.Personal(), fmt.Sprintf("user %d", r.n)
	return r.limitsAgainstBites(in, user, own, invitations.SetQuotaParams{Workspace: in, UserID: user})
}

// limitsAgainstBites raises and lowers a limit while 16 consume.
func (r *round) limitsAgainstBites(
	in invitations.Workspace, user string, counted func(invitations.Balance) *invitations.Usage, p invitations.SetQuotaParams,
) error {
	const consumers = 16
	set := func(limit int64) error {
		p.Quota = invitations.Quota{Limit: limit, Period: invitations.PeriodEndless}
		return r.svc.SetQuota(r.ctx, invitations.System(), p)
	}
	used := func() (int64, error) {
		b, err := r.svc.Remaining(r.ctx, in, user)
		if err != nil || counted(b) == nil {
			return 0, cmp.Or(err, errors.New("the quota is missing"))
		}
		return counted(b).Used, nil
	}
	if err := set(100); err != nil {
		return err
	}
	answers := make([][]bite, consumers)
	err := cmp.Or(together(consumers+1, func(i int) error {
		if i < consumers {
			answers[i] = r.bites(in, user, 8)
			return nil
		}
		for n := range int64(12) {
			limit := 100 * (n + 3) / (1 + 3*(n%2)) // up, and down below the used amount
			if err := set(limit); err != nil {
				return err
			}
			before, err := used()
			if err != nil {
				return err
			}
			for range 3 {
				after, err := used()
				if err != nil {
					return err
				}
				if after > max(before, limit) {
					return fmt.Errorf("%d were used under the limit of %d, and then %d", before, limit, after)
				}
			}
		}
		return nil
	})...)
	if err != nil {
		return err
	}
	taken, err := accounted(slices.Concat(answers...), counted)
	if err != nil {
		return err
	}
	last, err := used()
	return errors.Join(err, want("used", int(last), int(taken)))
}

// shareQuotas makes members that consume, and a shared quota. The quotas of their own count only.
func (r *round) shareQuotas(users []string, limit int64, own invitations.Period) error {
	c := invitations.Changes{Quotas: []invitations.QuotaRecord{quota(r.organization, "", limit, invitations.PeriodMonth, 1)}}
	for _, user := range users {
		c.Members = append(c.Members, member(r.organization, user, "developer"))
		c.Quotas = append(c.Quotas, quota(r.organization, user, invitations.NoLimit, own, 1))
	}
	return r.update(c)
}

func (r *round) setShared(limit int64, period invitations.Period) error {
	return r.svc.SetQuota(r.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(r.organization), Quota: invitations.Quota{Limit: limit, Period: period},
	})
}

// raceRefunds lets 64 consume and give some of it back, while the limit is raised, lowered and
// taken away. What is used is what was taken and not given back.
func raceRefunds(r *round) error {
	const consumers = 64
	users, in := names("user", 8), invitations.InOrganization(r.organization)
	if err := r.shareQuotas(users, 1000, invitations.PeriodDay); err != nil {
		return err
	}
	answers := together(consumers+1, func(i int) answer[int64] {
		if i == consumers {
			for _, limit := range []int64{100, invitations.NoLimit, 50, 500, 200, invitations.NoLimit} {
				if err := r.setShared(limit, invitations.PeriodMonth); err != nil {
					return answer[int64]{err: err}
				}
			}
			return answer[int64]{}
		}
		amount, user := 1+rand.Int64N(30), users[i%len(users)]
		left, err := r.svc.Consume(r.ctx, in, user, amount)
		switch {
		case errors.Is(err, invitations.ErrQuotaExceeded):
			return answer[int64]{}
		case err != nil || left.Own == nil || left.Shared == nil:
			return answer[int64]{0, cmp.Or(err, errors.New("an answer misses a quota"))}
		case left.Shared.Limit != invitations.NoLimit && left.Shared.Used > left.Shared.Limit:
			return answer[int64]{0, fmt.Errorf("a consumption leaves %d used, of %d", left.Shared.Used, left.Shared.Limit)}
		case i%4 == 0:
			return answer[int64]{amount, nil}
		}
		back := 1 + rand.Int64N(amount)
		left, err = r.svc.Refund(r.ctx, invitations.RefundParams{Workspace: in, UserID: user, Amount: back, At: left.At})
		if err == nil && (left.Shared == nil || left.Shared.Used < 0 || left.Own == nil || left.Own.Used < 0) {
			err = errors.New("the answer of a refund misses a quota, or less than nothing is used")
		}
		return answer[int64]{amount - back, err}
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	used := map[string]int64{}
	for i, a := range answers[:consumers] {
		used[users[i%len(users)]] += a.value
		used[""] += a.value
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, Members: users, Quotas: true})
	for user, amount := range used {
		err = errors.Join(err, want("used by "+user, int(f.Quotas[user].Used), int(amount)))
	}
	return errors.Join(err, r.usageIs(used, invitations.PeriodDay, invitations.PeriodMonth))
}

// usageIs compares the usage of the present period with amounts by user, the shared one under "".
func (r *round) usageIs(amounts map[string]int64, own, shared invitations.Period) error {
	q := invitations.UsageQuery{Organization: r.organization, Period: shared, PeriodStart: periodsOn(0)[shared], Limit: 100}
	total, _, err := r.store.Usage(r.ctx, q)
	if err != nil {
		return err
	}
	q.Period, q.PeriodStart = own, periodsOn(0)[own]
	_, page, err := r.store.Usage(r.ctx, q)
	got := map[string]int64{}
	if total > 0 {
		got[""] = total
	}
	for _, m := range page.Items {
		got[m.UserID] = m.Used
	}
	maps.DeleteFunc(amounts, func(_ string, amount int64) bool { return amount == 0 })
	if d := differ(got, amounts); d != "" && err == nil {
		err = fmt.Errorf("usage: %s", d)
	}
	return err
}

// racePeriods lets 64 consume while the kind of period changes. No amount is lost: together the
// periods have all of them.
func racePeriods(r *round) error {
	const consumers = 64
	users, in := names("user", 8), invitations.InOrganization(r.organization)
	if err := r.shareQuotas(users, invitations.NoLimit, invitations.PeriodEndless); err != nil {
		return err
	}
	periods := []invitations.Period{invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless}
	answers := together(consumers+1, func(i int) answer[int64] {
		if i == consumers {
			for n := range 12 {
				if err := r.setShared(invitations.NoLimit, periods[n%3]); err != nil {
					return answer[int64]{err: err}
				}
			}
			return answer[int64]{}
		}
		amount := 1 + rand.Int64N(30)
		_, err := r.svc.Consume(r.ctx, in, users[i%len(users)], amount)
		return answer[int64]{amount, err}
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	used := map[string]int64{}
	for i, a := range answers[:consumers] {
		used[users[i%len(users)]] += a.value
	}
	total, shared := int64(0), int64(0)
	for _, amount := range used {
		total += amount
	}
	for _, period := range periods {
		amount, _, err := r.store.Usage(r.ctx, invitations.UsageQuery{
			Organization: r.organization, Period: period, PeriodStart: periodsOn(0)[period], Limit: 1,
		})
		if err != nil {
			return err
		}
		shared += amount
	}
	if err := want("the sum of the periods", int(shared), int(total)); err != nil {
		return err
	}
	return r.usageIs(used, invitations.PeriodEndless, "")
}
