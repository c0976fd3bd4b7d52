package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Usage implements [invitations.Store].
func (s *Store) Usage(
	ctx context.Context, q invitations.UsageQuery,
) (shared int64, page invitations.Page[invitations.MemberUsage], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return 0, page, err
	}
	err = s.read(ctx, "reading the usage", func(b *pgx.Batch) {
		shared, page = 0, invitations.Page[invitations.MemberUsage]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueSharedUsage(b, q, &shared)
		s.queueUsage(b, q, &page.Items)
	})
	if err != nil {
		return 0, page, err
	}
	return shared, page, nil
}

// usageParameters are the parameters of a statement on one period.
type usageParameters struct{ organization, period, start string }

func newUsageParameters(st *statement, q invitations.UsageQuery) usageParameters {
	return usageParameters{
		st.param("text", q.Organization), st.param("text", string(q.Period)), st.param("timestamptz", q.PeriodStart),
	}
}

// of returns the condition that a row with this alias is of the period.
func (p usageParameters) of(alias string) string {
	return alias + ".organization = " + p.organization + " and " + alias + ".period = " + p.period +
		" and " + alias + ".period_start = " + p.start
}

// queueSharedUsage queues the statement that reads the amount of the shared quota.
func (s *Store) queueSharedUsage(b *pgx.Batch, q invitations.UsageQuery, out *int64) {
	st := s.statement()
	p := newUsageParameters(&st, q)
	st.text("select ")
	st.column((*bigintValue)(out),
		"coalesce((select q.used from ", s.in, "quotas q where ", p.of("q"), " and q.user_id = ''), 0)",
		" + coalesce((select c.used from ", s.in, "closed_usage c where ", p.of("c"), " and c.user_id = ''), 0)")
	st.text(" from (select) as one where ", s.alive(p.organization))
	st.collect(b, func() {})
}

// queueUsage queues the statement that loads a page of the amounts of users.
//
// Most users have either a quota in the period or a closed amount. The first branch has those with
// a quota, and adds their closed amount, which they have if the kind of period changed twice. There
// are many of them in the present period only. The second branch has the others, in the order of an
// index.
func (s *Store) queueUsage(b *pgx.Batch, q invitations.UsageQuery, out *[]invitations.MemberUsage) {
	var found invitations.MemberUsage
	st := s.statement()
	p := newUsageParameters(&st, q)
	limit := st.param("bigint", int64(q.Limit))
	order := keyset{columns: []string{"(-c.used)", "c.user_id"}}
	if q.After != nil {
		order.after = []string{"(-" + st.param("bigint", q.After.Used) + ")", st.param("text", q.After.UserID)}
	}
	closed := order.branch(s.in+"closed_usage c", p.of("c")+" and c.user_id <> '' and not exists (select from "+
		s.in+"quotas q where "+p.of("q")+" and q.user_id = c.user_id)",
		pin{"c.organization", p.organization}, pin{"c.period", p.period}, pin{"c.period_start", p.start})
	open := order.branch("(select q.user_id, q.used + coalesce(c.used, 0) as used from "+s.in+"quotas q left join "+
		s.in+"closed_usage c on "+p.of("c")+" and c.user_id = q.user_id where "+p.of("q")+" and q.user_id <> '') as c",
		"c.used > 0")
	st.text("select ")
	st.column((*textValue)(&found.UserID), "c.user_id")
	st.column((*bigintValue)(&found.Used), "c.used")
	st.text(" from (")
	for i, part := range []branch{open, closed} {
		if i > 0 {
			st.text(" union all ")
		}
		st.text("(select c.user_id, c.used from ", part.from, " where ", part.where,
			" order by ", part.order, " limit ", limit, ")")
	}
	st.text(") as c where ", s.alive(p.organization), " order by ", order.order(order.columns), " limit ", limit)
	st.collect(b, func() { *out = append(*out, found) })
}
