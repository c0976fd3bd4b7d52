package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/go-invitations/invitations"
)

var quotaRaces = []race{
	{"ConsumersOfOneQuota", raceConsumers},
	{"ConsumersOfAPersonalQuota", racePersonal},
	{"Class47_RemovalAgainstConsume", raceRemovalConsume},
	{"SetQuotaAgainstConsume", raceSetQuota},
	{"SetPersonalQuotaAgainstConsume", raceSetPersonal},
}

// A bite is one consumption and its answer.
type bite struct {
	user   string
	amount int64
	left   invitations.Balance // that the answer tells, also of a refusal
	err    error
}

func bites(ctx context.Context, svc *invitations.Service, in invitations.Workspace, user string, random *rand.Rand, n int) []bite {
	var all []bite
	for range n {
		b := bite{user: user, amount: 1 + random.Int64N(40)}
		b.left, b.err = svc.Consume(ctx, in, user, b.amount)
		var exceeded *invitations.QuotaExceededError
		if errors.As(b.err, &exceeded) {
			b.left = exceeded.Balance
		}
		all = append(all, b)
	}
	return all
}

// accounted checks that the answers have an order, and returns how much all of them took.
// counted tells which of the two quotas all bites had in common.
func accounted(all []bite, counted func(invitations.Balance) *invitations.Usage) (taken int64, err error) {
	var eaten []bite
	for _, b := range all {
		left, _ := b.left.Left()
		switch {
		case counted(b.left) == nil && (b.err == nil || errors.Is(b.err, invitations.ErrQuotaExceeded)):
			return 0, errors.New("an answer does not tell the quota")
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
			return 0, fmt.Errorf("no order explains the answers: after %d in all, one tells that %d are used", taken, counted(b.left).Used)
		}
	}
	return taken, nil
}

// spent returns an error if not as much is used as was taken.
func spent(u *invitations.Usage, taken int64) error {
	if u == nil || u.Used != taken {
		return fmt.Errorf("%d were taken, and used is %+v", taken, u)
	}
	return nil
}

func own(b invitations.Balance) *invitations.Usage    { return b.Own }
func shared(b invitations.Balance) *invitations.Usage { return b.Shared }

// raceConsumers lets 64 members bite into a quota of 1,000, half of them with a quota of
// their own.
func raceConsumers(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	users := names("user", crowdSize)
	for round := range crowdRounds {
		organization := fmt.Sprintf("round %d", round)
		setUp := invitations.Changes{Quotas: []invitations.QuotaRecord{quota(organization, "", 1000, invitations.PeriodMonth, 1)}}
		for i, user := range users {
			setUp.Members = append(setUp.Members, member(organization, user, "developer"))
			if i%2 == 0 {
				setUp.Quotas = append(setUp.Quotas, quota(organization, user, 30, invitations.PeriodDay, 1))
			}
		}
		if err := store.Create(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
			return setUp, nil
		}); err != nil {
			return err
		}
		all := slices.Concat(together(crowdSize, func(i int) []bite {
			random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			return bites(ctx, svc, invitations.InOrganization(organization), users[i], random, 2)
		})...)
		taken, err := accounted(all, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		f, err := store.View(ctx, invitations.Query{Organization: organization, Members: users, Quotas: true})
		if err := errors.Join(err, want("used of the shared quota", int(f.Quotas[""].Used), int(taken))); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
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
				return fmt.Errorf("%s: %s has taken %d, and %d of %d are used", organization, user, mine[user], q.Used, q.Limit)
			}
		}
	}
	return nil
}

func racePersonal(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	for round := range crowdRounds {
		user := fmt.Sprintf("user %d", round)
		if err := store.SetPersonalQuota(ctx, user, invitations.Quota{Limit: 500, Period: invitations.PeriodDay}); err != nil {
			return err
		}
		all := slices.Concat(together(crowdSize, func(i int) []bite {
			return bites(ctx, svc, invitations.Personal(), user, rand.New(rand.NewPCG(uint64(round), uint64(i))), 1)
		})...)
		taken, err := accounted(all, own)
		if err != nil {
			return fmt.Errorf("%s: %w", user, err)
		}
		left, err := svc.Remaining(ctx, invitations.Personal(), user)
		if err := errors.Join(err, spent(left.Own, taken)); err != nil {
			return fmt.Errorf("%s: %w", user, err)
		}
	}
	return nil
}

// raceRemovalConsume removes a member who consumes, and has the shared quota begin anew in
// the same step: what is used of it afterwards, the removed member has used.
func raceRemovalConsume(ctx context.Context, store invitations.Store) error {
	const eaters = 8
	return rounds(2*crowdRounds, store, func(svc *invitations.Service, organization string) error {
		put := func(c invitations.Changes) error {
			return store.Update(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) { return c, nil })
		}
		if err := put(invitations.Changes{
			Members: []invitations.Member{member(organization, "ann", "developer")},
			Quotas:  []invitations.QuotaRecord{quota(organization, "", 1_000_000, invitations.PeriodDay, 2)},
		}); err != nil {
			return err
		}
		var removed atomic.Bool
		err := errors.Join(together(eaters+1, func(i int) error {
			if i == eaters {
				defer removed.Store(true)
				return put(invitations.Changes{
					RemovedMembers: []string{"ann"},
					Quotas:         []invitations.QuotaRecord{quota(organization, "", 1_000_000, invitations.PeriodMonth, 3)},
				})
			}
			for range 50 {
				late := removed.Load()
				_, err := svc.Consume(ctx, invitations.InOrganization(organization), "ann", 1)
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
		f, err := store.View(ctx, invitations.Query{Organization: organization, Quotas: true})
		return errors.Join(err, want("used by a member who was removed", int(f.Quotas[""].Used), 0))
	})
}

func raceSetQuota(ctx context.Context, store invitations.Store) error {
	return rounds(crowdRounds, store, func(svc *invitations.Service, organization string) error {
		in := invitations.InOrganization(organization)
		return limitsAgainstBites(ctx, svc, in, "ada", shared, invitations.SetQuotaParams{Workspace: in})
	})
}

func raceSetPersonal(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	for _, user := range names("user", crowdRounds) {
		in := invitations.Personal()
		if err := limitsAgainstBites(ctx, svc, in, user, own, invitations.SetQuotaParams{Workspace: in, UserID: user}); err != nil {
			return fmt.Errorf("%s: %w", user, err)
		}
	}
	return nil
}

// limitsAgainstBites lets the limit go up and down under many who consume.
func limitsAgainstBites(
	ctx context.Context, svc *invitations.Service, in invitations.Workspace, user string,
	counted func(invitations.Balance) *invitations.Usage, p invitations.SetQuotaParams,
) error {
	const eaters = 16
	set := func(limit int64) error {
		p.Quota = invitations.Quota{Limit: limit, Period: invitations.PeriodEndless}
		return svc.SetQuota(ctx, invitations.System(), p)
	}
	used := func() (int64, error) {
		b, err := svc.Remaining(ctx, in, user)
		if err != nil || counted(b) == nil {
			return 0, cmp.Or(err, errors.New("what remains does not tell the quota"))
		}
		return counted(b).Used, nil
	}
	if err := set(100); err != nil {
		return err
	}
	answers := make([][]bite, eaters)
	err := errors.Join(together(eaters+1, func(i int) error {
		if i < eaters {
			answers[i] = bites(ctx, svc, in, user, rand.New(rand.NewPCG(1, uint64(i))), 8)
			return nil
		}
		for n := range int64(12) {
			limit := 100 * (n + 3) / (1 + 3*(n%2)) // up, and down below what may be used
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
