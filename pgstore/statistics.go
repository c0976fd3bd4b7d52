package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Statistics implements [invitations.Store].
func (s *Store) Statistics(
	ctx context.Context, q invitations.StatisticsQuery,
) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return nil, statistics, err
	}
	err = s.read(ctx, "counting invitations", func(b *pgx.Batch) {
		viewer, statistics = nil, invitations.Statistics{}
		s.queueViewer(b, q.Organization, q.Viewer, &viewer)
		s.queueStatistics(b, q, &statistics)
	})
	return viewer, statistics, err
}

// queueStatistics queues [invitations.StatisticsQuery.Count] in SQL.
//
// The query accepted has a row for each acceptance of an invitation, and one for each invitation
// without any. The first row of an invitation stands for the invitation itself. Only the acceptances
// of links are read from events. The query grouped
// has a row for each group of each dimension; in such a row all other dimensions are null.
func (s *Store) queueStatistics(b *pgx.Batch, q invitations.StatisticsQuery, out *invitations.Statistics) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	allowed := "true"
	if q.Viewer != "" {
		allowed = "exists (select from (select) as one" + s.joinMember("m", organization, st.param("text", q.Viewer)) +
			" where " + st.param("jsonb", list(q.Roles)) + " ? m.role)"
	}
	st.text(`with chosen as materialized (
			select i.id, i.kind, i.role, i.sent_by, i.created_at, i.ended_at, i.uses,
				case when i.kind = 'link' then i.id::text collate "C" end as link,
				case when i.state = 'pending' and i.expires_at <= `, st.param("timestamptz", q.At), ` then 'expired'
					else i.state end as state
			from `, s.in, `invitations i
			where i.organization = `, organization, ` and i.created_at >= `, st.param("timestamptz", q.From), `
				and i.created_at < `, st.param("timestamptz", q.To), `
				and `, s.alive(organization), ` and `, allowed, `),
		accepted as (
			select c.kind, c.role, c.sent_by, c.link, c.state, c.uses, true as first,
				case when c.state = 'accepted' then (extract(epoch from c.ended_at - c.created_at) * 1000000.0)::bigint end as took
			from chosen c where c.link is null
			union all
			select c.kind, c.role, c.sent_by, c.link, c.state, c.uses,
				pg_catalog.row_number() over (partition by c.id) = 1,
				(extract(epoch from e.at - c.created_at) * 1000000.0)::bigint
			from chosen c left join lateral (
				select e.at from `, s.in, `events e where e.organization = `, organization, `
					and e.invitation_id = c.id and e.type = 'invitation.accepted' offset 0) as e on true
			where c.link is not null),
		grouped as (
			select
				case when grouping(a.kind) = 0 then 'kind'
					when grouping(a.role) = 0 then 'role'
					when grouping(a.sent_by) = 0 then 'sender'
					when grouping(a.link) = 0 then 'link'
					else 'total' end as dimension,
				coalesce(a.kind, a.role, a.sent_by, a.link, '') as key,
				pg_catalog.count(*) filter (where a.first) as created,
				pg_catalog.count(*) filter (where a.first and a.state = 'pending') as pending,
				pg_catalog.count(*) filter (where a.first and a.state = 'accepted') as accepted,
				pg_catalog.count(*) filter (where a.first and a.state = 'declined') as declined,
				pg_catalog.count(*) filter (where a.first and a.state = 'revoked') as revoked,
				pg_catalog.count(*) filter (where a.first and a.state = 'expired') as expired,
				pg_catalog.count(*) filter (where a.first and a.uses > 0) as used,
				pg_catalog.count(a.took) as joined,
				coalesce(pg_catalog.percentile_disc(0.5) within group (order by a.took), 0) as median,
				coalesce(pg_catalog.percentile_disc(0.9) within group (order by a.took), 0) as p90
			from accepted a group by grouping sets ((), (a.kind), (a.role), (a.sent_by), (a.link))
			having grouping(a.link) = 1 or a.link is not null),
		ranked as (
			select g.dimension, g.key, g.created, g.pending, g.accepted, g.declined, g.revoked, g.expired, g.used,
				g.joined, g.median, g.p90, pg_catalog.row_number() over (
					partition by g.dimension order by g.created desc, g.joined desc, g.key collate "C") as rank
			from grouped g)
		select r.dimension, r.key, r.created, r.pending, r.accepted, r.declined, r.revoked, r.expired, r.used,
			r.joined, r.median, r.p90
		from ranked r
		where r.dimension not in ('sender', 'link') or r.rank <= `, st.param("bigint", int64(q.MaxGroups)), `
		order by r.dimension, r.rank`)
	var dimension textValue
	var median, p90 int64 // microseconds
	var f invitations.Funnel
	st.targets = []any{
		&dimension, &f.Key, &f.Created, &f.Pending, &f.Accepted, &f.Declined, &f.Revoked, &f.Expired, &f.Used,
		&f.Joined, &median, &p90,
	}
	groups := map[textValue]*[]invitations.Funnel{
		"kind": &out.ByKind, "role": &out.ByRole, "sender": &out.BySender, "link": &out.ByLink,
	}
	st.collect(b, func() {
		f.Median, f.P90 = time.Duration(median)*time.Microsecond, time.Duration(p90)*time.Microsecond
		if group, ok := groups[dimension]; ok {
			*group = append(*group, f)
		} else {
			out.Total = f
		}
	})
}
