package memstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/go-invitations/invitations"
)

// Usage implements [invitations.Store].
func (s *Store) Usage(
	ctx context.Context, q invitations.UsageQuery,
) (shared int64, page invitations.Page[invitations.MemberUsage], err error) {
	if err := ctx.Err(); err != nil {
		return 0, page, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	used := org.used(q)
	shared = used[""]
	delete(used, "")
	for user, amount := range used {
		m := invitations.MemberUsage{UserID: user, Used: amount}
		if amount > 0 && (q.After == nil || compareUsage(m, *q.After) > 0) {
			page.Items = append(page.Items, m)
		}
	}
	slices.SortFunc(page.Items, compareUsage)
	page.Items = page.Items[:min(len(page.Items), q.Limit)]
	return shared, page, nil
}

// used returns the amounts of a period by user ID, that of the organization under "".
func (o *organization) used(q invitations.UsageQuery) map[string]int64 {
	used := map[string]int64{}
	for user, quota := range o.quotas {
		if quota.Period == q.Period && quota.PeriodStart.Equal(q.PeriodStart) {
			used[user] = quota.Used
		}
	}
	for user, amount := range o.closed[closedPeriod{q.Period, instantOf(q.PeriodStart)}] {
		used[user] += amount
	}
	return used
}

// compareUsage is the order of a page, the highest amount first.
func compareUsage(a, b invitations.MemberUsage) int {
	return cmp.Or(cmp.Compare(b.Used, a.Used), strings.Compare(a.UserID, b.UserID))
}
