package sqlitestore

import (
	"context"
	"database/sql"
	"math"

	"github.com/go-invitations/invitations"
)

// Usage implements [invitations.Store].
func (s *Store) Usage(
	ctx context.Context, q invitations.UsageQuery,
) (shared int64, page invitations.Page[invitations.MemberUsage], err error) {
	const amounts = `with amounts as (
			select user_id, sum(used) as used
			from (
				select user_id, used from invitations_quotas
				where organization = :organization and period = :period and period_start = :period_start
				union all
				select user_id, used from invitations_closed_periods
				where organization = :organization and period = :period and period_start = :period_start
			)
			group by user_id
		)`
	const ofOrganization = amounts + ` select used from amounts where user_id = ''`
	const ofUsers = amounts + ` select json_object('user_id', user_id, 'used', used) from amounts
		where user_id <> '' and used > 0 and (used < :used or used = :used and user_id > :user_id)
		order by used desc, user_id
		limit 0 + :limit`
	after := invitations.MemberUsage{Used: math.MaxInt64} // behind no amount
	if q.After != nil {
		after = *q.After
	}
	period := []any{
		sql.Named("organization", q.Organization),
		sql.Named("period", q.Period), sql.Named("period_start", instant(q.PeriodStart)),
	}
	err = s.snapshotOf(ctx, q.Organization, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		shared, err = number(ctx, tx, ofOrganization, period...)
		if err != nil {
			return err
		}
		page.Items, err = all[invitations.MemberUsage](ctx, tx, ofUsers, append(period,
			sql.Named("used", after.Used), sql.Named("user_id", after.UserID), sql.Named("limit", q.Limit))...)
		return err
	})
	return shared, page, err
}

// closePeriod keeps the amount of a quota whose period is over.
func closePeriod(ctx context.Context, tx *sql.Tx, q invitations.QuotaRecord) error {
	// A quota that was set anew can close the same period again. The bound is far above the greatest
	// amount of a quota, and leaves room for one more. Without it, the sum could overflow some day, and
	// the quota could never again be consumed.
	return exec(ctx, tx, `insert into invitations_closed_periods (organization, user_id, period, period_start, used)
		values (?, ?, ?, ?, ?)
		on conflict do update set used = min(used + excluded.used, 9000000000000000000)`,
		q.Organization, q.UserID, q.Period, instant(q.PeriodStart), q.Used)
}
