-- Statistics: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

with chosen as materialized (
	select i.id, i.kind, i.role, i.sent_by, i.created_at, i.ended_at, i.uses,
		case when i.kind = 'link' then i.id::text collate "C" end as link,
		case when i.state = 'pending' and i.expires_at <= $4::timestamptz then 'expired' else i.state end as state
	from "invitations".invitations i
	where i.organization = $1::text
		and i.created_at >= $5::timestamptz
		and i.created_at < $6::timestamptz
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and exists (
			select from (select) as one
			left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
			where $3::jsonb ? m.role
		)
),
accepted as (
	select c.kind, c.role, c.sent_by, c.link, c.state, c.uses, true as first,
		case when c.state = 'accepted' then (extract(epoch from c.ended_at - c.created_at) * 1000000.0)::bigint end as
		took
	from chosen c
	where c.link is null union all
	select c.kind, c.role, c.sent_by, c.link, c.state, c.uses, pg_catalog.row_number() over (partition by c.id) = 1,
		(extract(epoch from e.at - c.created_at) * 1000000.0)::bigint
	from chosen c
	left join lateral (
		select e.at
		from "invitations".events e
		where e.organization = $1::text
			and e.invitation_id = c.id
			and e.type = 'invitation.accepted' offset 0
	) as e on true
	where c.link is not null
),
grouped as (
	select case when grouping(a.kind) = 0 then 'kind' when grouping(a.role) = 0 then 'role' when grouping(a.sent_by) = 0
		then 'sender' when grouping(a.link) = 0 then 'link' else 'total' end as dimension,
		coalesce(a.kind, a.role, a.sent_by, a.link, '') as key,
		pg_catalog.count(*) filter (where a.first) as created,
		pg_catalog.count(*) filter (where a.first and a.state = 'pending') as pending,
		pg_catalog.count(*) filter (where a.first and a.state = 'accepted') as accepted,
		pg_catalog.count(*) filter (where a.first and a.state = 'declined') as declined,
		pg_catalog.count(*) filter (where a.first and a.state = 'revoked') as revoked,
		pg_catalog.count(*) filter (where a.first and a.state = 'expired') as expired,
		pg_catalog.count(*) filter (where a.first and a.uses > 0) as used, pg_catalog.count(a.took) as joined,
		coalesce(pg_catalog.percentile_disc(0.5) within group (order by a.took), 0) as median,
		coalesce(pg_catalog.percentile_disc(0.9) within group (order by a.took), 0) as p90
	from accepted a
	group by grouping sets ((), (a.kind), (a.role), (a.sent_by), (a.link))
	having grouping(a.link) = 1 or a.link is not null
),
ranked as (
	select g.dimension, g.key, g.created, g.pending, g.accepted, g.declined, g.revoked, g.expired, g.used, g.joined,
		g.median, g.p90, pg_catalog.row_number() over (partition by g.dimension order by g.created desc, g.joined desc,
		g.key collate "C") as rank
	from grouped g
)
select r.dimension, r.key, r.created, r.pending, r.accepted, r.declined, r.revoked, r.expired, r.used, r.joined,
	r.median, r.p90
from ranked r
where r.dimension not in ('sender', 'link') or r.rank <= $7::bigint
order by r.dimension, r.rank;

commit work;
