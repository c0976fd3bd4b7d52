package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Consume implements [invitations.Store].
//
// It does not lock the organization, so that consumptions of different members do not wait for
// each other. It locks the quotas that it takes from, in the order of user_id, which has the
// organization's own quota first. A change of quotas locks that one first too, so the two cannot
// deadlock.
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	if err := s.checkIDs(c.Organization, c.UserID); err != nil {
		return consumed, err
	}
	err = s.write(ctx, "consuming", func(b *pgx.Batch) {
		consumed = invitations.Consumed{Quotas: map[string]invitations.QuotaRecord{}}
		table := "personal_quotas"
		if c.Organization != "" {
			table = "quotas"
			s.queueConsumptionLock(b, c)
		}
		s.queueConsumption(b, c, table, &consumed)
	})
	if err != nil || !consumed.Taken {
		return consumed, err
	}
	taken, ok := c.Decide(consumed.Role, consumed.Quotas)
	if !ok {
		return invitations.Consumed{}, s.describe("consuming", outcomeUnknown{errDecisionsDiffer})
	}
	for _, q := range taken {
		consumed.Quotas[q.UserID] = q
	}
	return consumed, nil
}

var errDecisionsDiffer = errors.New("the database and the rules decided differently")

// queueConsumptionLock queues the statement that locks the quotas of an organization and a
// member. The next statement begins when they are locked, and so sees the member as of then. If
// the member's role may not consume, nothing is locked.
func (s *Store) queueConsumptionLock(b *pgx.Batch, c invitations.Consumption) {
	st := s.statement()
	organization, user := st.param("text", c.Organization), st.param("text", c.UserID)
	st.text("select from ", s.in, "quotas q",
		" where q.organization = ", organization, " and q.user_id in ('', ", user, ") and q.period <> ''",
		" and exists (select from (select) as one", s.joinMember("m", organization, user),
		" where ", st.param("jsonb", list(c.Roles)), " ? m.role and m.role <> '')",
		" order by q.user_id for no key update")
	st.queue(b)
}

// queueConsumption queues the statement that decides on a consumption and takes it. It is
// [invitations.Consumption.Decide] in SQL. It returns the quotas as they were before.
func (s *Store) queueConsumption(b *pgx.Batch, c invitations.Consumption, table string, consumed *invitations.Consumed) {
	var owner textValue
	var found quotaRow
	st := s.statement()
	user, amount := st.param("text", c.UserID), st.param("bigint", c.Amount)
	role, allowed, key := "''", "true", "q.user_id = "+user
	from := "(select) as one"
	if c.Organization != "" {
		organization := st.param("text", c.Organization)
		role = "coalesce(m.role, '')"
		allowed = role + " <> '' and " + st.param("jsonb", list(c.Roles)) + " ? " + role
		from += s.joinMember("m", organization, user)
		key = "q.organization = " + organization + " and q.user_id in ('', " + user + ")"
	}
	st.text(`with locked as (
			select q.user_id, `, quotasTable.list("q"), `, case q.period
				when 'day' then `, st.param("timestamptz", c.Periods[invitations.PeriodDay]), `
				when 'month' then `, st.param("timestamptz", c.Periods[invitations.PeriodMonth]), `
				else `, st.param("timestamptz", c.Periods[invitations.PeriodEndless]), ` end as present
			from `, s.in, table, ` q where `, key, ` and q.period <> ''
			order by q.user_id for no key update),
		counted as (
			select l.user_id, greatest(l.period_start, l.present) as period_start,
				case when l.period_start < l.present then 0 else l.used end + `, amount, ` as used, l.quota_limit
			from locked l),
		decided as (
			select `, role, ` as role,
				`, allowed, ` and not exists (select from counted c where c.used > c.quota_limit) as taken
			from `, from, `),
		taken as (
			update `, s.in, table, ` q set used = c.used, period_start = c.period_start from counted c, decided d
			where d.taken and q.user_id = c.user_id and `, key, `)
		select `)
	st.column((*textValue)(&consumed.Role), "d.role")
	st.column(&consumed.Taken, "d.taken")
	st.column(&owner, "l.user_id")
	quotasTable.selectRow(&st, "l", &found)
	st.text(" from decided d left join locked l on true")
	st.collect(b, func() {
		if quota := found.record(c.Organization, string(owner)); quota != nil {
			consumed.Quotas[quota.UserID] = *quota
		}
	})
}

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	if err := s.checkIDs("", user); err != nil {
		return err
	}
	return s.write(ctx, "setting a quota", func(b *pgx.Batch) {
		st := s.statement()
		st.text("insert into ", s.in, "personal_quotas as t (user_id, quota_limit, period) values (",
			st.param("text", user), ", ", st.param("bigint", q.Limit), ", ", st.param("text", string(q.Period)), ")",
			keepUsed("user_id"))
		st.queue(b)
	})
}

// keepUsed returns the clause by which an insertion replaces a quota of the same key. The amount
// used stays if the period does. The table's alias is t.
func keepUsed(key string) string {
	return " on conflict (" + key + `) do update set quota_limit = excluded.quota_limit, period = excluded.period,
		used = case when t.period = excluded.period then t.used else 0 end,
		period_start = case when t.period = excluded.period then t.period_start
			else '0001-01-01 00:00:00+00'::timestamptz end`
}

// queueQuotaLock queues the statement that locks an organization's own quota before quotas of
// its members are written: the order in which a consumption locks them.
func (s *Store) queueQuotaLock(b *pgx.Batch, organization string) {
	st := s.statement()
	st.text("select from ", s.in, "quotas q where q.organization = ", st.param("text", organization),
		" and q.user_id = '' for no key update")
	st.queue(b)
}
