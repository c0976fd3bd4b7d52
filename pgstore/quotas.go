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
// organization's own quota first. A change of quotas locks them in the same order, so the two
// cannot deadlock. The closed amount of a quota is written only by the holder of the quota's lock.
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	if err := s.checkIDs(c.Organization, c.UserID); err != nil {
		return consumed, err
	}
	roles := list(c.Roles)
	err = s.write(ctx, "consuming", func(b *pgx.Batch) {
		// This is the result if the organization does not exist: a refund does nothing.
		consumed = invitations.Consumed{Taken: c.Amount < 0, Quotas: map[string]invitations.QuotaRecord{}}
		if c.Organization != "" {
			s.queueConsumptionLock(b, &c, roles)
		}
		s.queueConsumption(b, &c, roles, &consumed)
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
func (s *Store) queueConsumptionLock(b *pgx.Batch, c *invitations.Consumption, roles string) {
	st := s.sized(3, 0)
	organization, user := st.param("text", textArgument(&c.Organization)), st.param("text", textArgument(&c.UserID))
	st.text("select from ", s.in, "quotas q where q.organization = ", organization,
		" and q.user_id in ('', ", user, ") and q.period <> ''")
	if c.Amount > 0 {
		st.text(" and exists (select from (select) as one")
		s.appendMemberJoin(&st, "m", organization, user)
		st.text(" where ", st.param("jsonb", roles), " ? m.role and m.role <> '')")
	}
	st.text(" order by q.user_id for no key update")
	st.queue(b)
}

// maxUsed bounds the amount that is counted of a quota without a limit, as
// [invitations.Consumption.Decide] does.
const maxUsed = "9000000000000000"

// queueConsumption queues the statement that decides on a consumption and writes it. It is
// [invitations.Consumption.Decide] in SQL. It returns the quotas as they were before.
//
// The quotas are locked already, except those that were set in between. The statement has few
// parts, because the server spends half of its time on setting them up.
func (s *Store) queueConsumption(b *pgx.Batch, c *invitations.Consumption, roles string, consumed *invitations.Consumed) {
	var owner textValue
	var found quotaRow
	st := s.sized(7, 3+len(quotasTable.columns))
	user, amount := st.param("text", textArgument(&c.UserID)), st.param("bigint", c.Amount)
	period := func(p invitations.Period) string {
		start := c.Periods[p]
		return st.param("timestamptz", instantArgument(&start))
	}
	present := []string{ // the start of the present period of q, in parts: joined, they would be a text for every call
		"case q.period when 'day' then ", period(invitations.PeriodDay), " when 'month' then ", period(invitations.PeriodMonth),
		" else ", period(invitations.PeriodEndless), " end",
	}
	table, organization, role := "personal_quotas", "", "''"
	if c.Organization != "" {
		table, organization, role = "quotas", st.param("text", textArgument(&c.Organization)), "coalesce(m.role, '')"
	}
	ofOrganization := func() {
		if organization != "" {
			st.text("q.organization = ", organization, " and ")
		}
	}
	consume := c.Amount > 0
	rolesParam := ""
	if consume && organization != "" {
		rolesParam = st.param("jsonb", roles)
	}

	st.text(`with locked as (
			select q.user_id, `)
	quotasTable.appendList(&st, "q")
	if consume {
		// The bound is above every limit, so it hides no excess.
		st.text(", least(case when q.period_start < ")
		st.text(present...)
		st.text(" then 0 else q.used end + ", amount, ", ", maxUsed, ") as used_then, greatest(q.period_start, ")
		st.text(present...)
		st.text(")")
	} else {
		st.text(", case when q.period_start = ")
		st.text(present...)
		st.text(" then greatest(0, q.used + ", amount, ") else q.used end as used_then, q.period_start")
	}
	st.text(` as period_start_then
			from `, s.in, table, ` q where `)
	ofOrganization()
	if organization != "" {
		st.text("q.user_id in ('', ", user, ")")
	} else {
		st.text("q.user_id = ", user)
	}
	st.text(` and q.period <> '' for no key update),
		decided as (
			select `, role, ` as role, `)
	if rolesParam != "" {
		st.text("coalesce(m.role <> '' and ", rolesParam, " ? m.role, false) and ")
	}
	if consume {
		st.text("not exists (select from locked l where l.quota_limit <> -1 and l.used_then > l.quota_limit)")
	} else {
		st.text("true")
	}
	st.text(" as taken from ")
	if organization != "" {
		s.fromConsumer(&st, organization, user)
	} else {
		st.text("(select) as one")
	}
	st.text(`),
		taken as (
			update `, s.in, table, ` q set used = l.used_then, period_start = l.period_start_then from locked l
			where (select d.taken from decided d) and `)
	ofOrganization()
	st.text("q.user_id = l.user_id")
	if !consume {
		st.text(" and l.used_then <> l.used")
	}
	st.text(")")
	if organization != "" && consume {
		st.text(`,
		closed as (`)
		s.closeUsage(&st, organization, `locked q
			where (select d.taken from decided d) and q.period_start < q.period_start_then`)
		st.text(`)`)
	}
	st.text(`
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

// fromConsumer appends a "from" and "where" with one row if the organization exists, and the
// membership m of a user in it. The store's own organizations all have a row. Those with members
// in the host's table only may have none.
func (s *Store) fromConsumer(st *statement, organization, user string) {
	if s.host == nil {
		st.text(s.in, "organizations o")
		s.appendMemberJoin(st, "m", organization, user)
		st.text(" where o.id = ", organization, " and not o.deleted")
		return
	}
	st.text("(select) as one")
	s.appendMemberJoin(st, "m", organization, user)
	st.text(" where ", s.alive(organization))
}

// closeUsage appends the insertion that keeps the amounts of periods that are over. The quotas q
// are given with a condition; they must be locked.
func (s *Store) closeUsage(st *statement, organization, quotas string) {
	st.text("insert into ", s.in, "closed_usage as t (organization, user_id, period, period_start, used)",
		" select ", organization, ", q.user_id, q.period, q.period_start, q.used from ", quotas, " and q.used > 0",
		" on conflict (organization, period, period_start, user_id) do update set used = t.used + excluded.used")
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
			else ` + zeroInstant + ` end`
}

// queueQuotaLock queues the statement that locks quotas before they are written, the organization's
// own first: the order in which a consumption locks them. It locks that one even if it is not
// written, so that the quotas of members are not locked before it.
func (s *Store) queueQuotaLock(b *pgx.Batch, organization string, quotas []invitations.QuotaRecord) {
	users := []string{""}
	for _, q := range quotas {
		if q.UserID != "" {
			users = append(users, q.UserID)
		}
	}
	st := s.statement()
	st.text("select from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(users)), ") as wanted (user_id)",
		" join ", s.in, "quotas q on q.organization = ", st.param("text", organization), " and q.user_id = wanted.user_id",
		" order by q.user_id for no key update of q")
	st.queue(b)
}

// appendQuota adds the writes that set a quota of an organization and keep the amount of its former
// period. The quota must be locked.
func (s *Store) appendQuota(writes []write, organization any, q invitations.QuotaRecord) []write {
	period := string(q.Period)
	return append(writes, func(st *statement) {
		organization := st.param("text", organization)
		s.closeUsage(st, organization, s.in+"quotas q where q.organization = "+organization+
			" and q.user_id = "+st.param("text", q.UserID)+" and q.period <> "+st.param("text", period))
	}, func(st *statement) {
		st.text("insert into ", s.in, "quotas as t (organization, user_id, quota_limit, period, version) values (",
			st.param("text", organization), ", ", st.param("text", q.UserID), ", ", st.param("bigint", q.Limit), ", ",
			st.param("text", period), ", ", st.param("bigint", q.Version), ")",
			keepUsed("organization, user_id"), ", version = excluded.version")
	})
}
