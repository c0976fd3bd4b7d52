package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Consume implements [invitations.Store].
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	if err := s.checkIDs(c.Organization, c.UserID); err != nil {
		return consumed, err
	}
	err = s.write(ctx, "consuming", func(b *pgx.Batch) {
		consumed = invitations.Consumed{Quotas: map[string]invitations.QuotaRecord{}}
		if c.Organization == "" {
			s.queueConsume(b, c, "personal_quotas", &consumed)
			return
		}
		// The quotas are locked first, so that the next statement sees what the members were
		// when nobody else could consume. The shared one comes first, for all alike. Who may
		// not consume locks nothing.
		st := s.statement()
		organization, user := st.param("text", c.Organization), st.param("text", c.UserID)
		st.text("select from ", s.in, "quotas q where q.organization = ", organization, " and q.user_id in ('', ", user,
			") and q.period <> '' and exists (select from (select) as one", s.joinMember("m", organization, user), " where ",
			st.param("jsonb", list(c.Roles)), " ? m.role and m.role <> '') order by q.user_id for no key update")
		st.queue(b)
		s.queueConsume(b, c, "quotas", &consumed)
	})
	return consumed, err
}

// queueConsume queues the conditional write: it is [invitations.Consumption.Decide] in SQL.
func (s *Store) queueConsume(b *pgx.Batch, c invitations.Consumption, table string, consumed *invitations.Consumed) {
	st := s.statement()
	user, amount := st.param("text", c.UserID), st.param("bigint", c.Amount)
	role, may, key := "''", "true", "q.user_id = "+user
	from := "(select) as one"
	if c.Organization != "" {
		organization := st.param("text", c.Organization)
		role = "coalesce(m.role, '')"
		may = role + " <> '' and " + st.param("jsonb", list(c.Roles)) + " ? " + role
		from += s.joinMember("m", organization, user)
		key = "q.organization = " + organization + " and q.user_id in ('', " + user + ")"
	}
	st.text("with locked as (select q.user_id, ", quotaColumns("q"), ", case q.period when 'day' then ", st.param("timestamptz", c.Periods[invitations.PeriodDay]),
		" when 'month' then ", st.param("timestamptz", c.Periods[invitations.PeriodMonth]),
		" else ", st.param("timestamptz", c.Periods[invitations.PeriodEndless]), " end as present from ", s.in, table, " q where ", key, ` and q.period <> '' for no key update),
		counted as (select l.user_id, greatest(l.period_start, l.present) as period_start,
			case when l.period_start < l.present then 0 else l.used end + `, amount, ` as used, l.quota_limit from locked l),
		decided as (select `, role, " as role, ", may, ` and not exists (select from counted c where c.used > c.quota_limit) as taken from `, from, `),
		taken as (update `, s.in, table, " q set used = c.used, period_start = c.period_start from counted c, decided d where d.taken and q.user_id = c.user_id and ", key, `)
		select d.role, d.taken, l.user_id, `, quotaColumns("l"), " from decided d left join locked l on true")
	quotas := map[string]invitations.QuotaRecord{}
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var owner *string
			var row quotaRow
			if err := rows.Scan(append([]any{&consumed.Role, &consumed.Taken, &owner}, row.targets()...)...); err != nil {
				return err
			}
			if owner != nil {
				quotas[*owner] = *row.record(c.Organization, *owner)
			}
		}
		consumed.Quotas = quotas
		if !consumed.Taken {
			return nil
		}
		put, ok := c.Decide(consumed.Role, quotas)
		if !ok {
			return errDecided
		}
		for _, q := range put {
			quotas[q.UserID] = q
		}
		return nil
	})
}

var errDecided = errors.New("the database and the rules do not agree")

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	if err := s.checkIDs("", user); err != nil {
		return err
	}
	return s.write(ctx, "setting a quota", func(b *pgx.Batch) {
		st := s.statement()
		st.text("insert into ", s.in, "personal_quotas as t (user_id, quota_limit, period) values (",
			st.param("text", user), ", ", st.param("bigint", q.Limit), ", ", st.param("text", string(q.Period)), ")", keepUsed("user_id"))
		st.queue(b)
	})
}

// keepUsed replaces a quota of the same key, and keeps what is used if the period is the
// same. The table's alias is t.
func keepUsed(key string) string {
	return " on conflict (" + key + `) do update set quota_limit = excluded.quota_limit, period = excluded.period,
		used = case when t.period = excluded.period then t.used else 0 end,
		period_start = case when t.period = excluded.period then t.period_start else '0001-01-01 00:00:00+00'::timestamptz end`
}
