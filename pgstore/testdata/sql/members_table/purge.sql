-- Purge, old rows: trip 1 of 2

begin isolation level repeatable read read only;

select o.id
from "invitations".organizations o
where o.deleted
	and not o.purged
order by o.id
limit $1::bigint;

with deleted as materialized (
	select o.id
	from "invitations".organizations o
	where o.deleted
		and not o.purged
	order by o.id
	limit $2::bigint
)
select r.name, r.organization, r.key
from ((
	select 'invitations' as name, i.organization, pg_catalog.jsonb_build_array(i.id)::text as key
	from "invitations".invitations i
	where case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end < $1::timestamptz
	order by case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end
	limit $2::bigint
) union all (
	select 'events' as name, e.organization, pg_catalog.jsonb_build_array(e.version, e.ordinal)::text as key
	from "invitations".events e
	where e.position is not null
		and e.at < $1::timestamptz
	order by e.at
	limit $2::bigint
) union all (
	select 'invitations' as name, t.organization, pg_catalog.jsonb_build_array(t.id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.id
		from "invitations".invitations t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'members' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral ((
		select t.organization, t.user_id
		from "invitations".members t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) union (
		select d.id, h."account"::text collate "C"
		from "public"."team members" h
		where h."Team" = d.id
		limit $2::bigint
	)) as t
	limit $2::bigint
) union all (
	select 'removals' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.user_id
		from "invitations".removals t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'quotas' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.user_id
		from "invitations".quotas t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'closed_usage' as name, t.organization, pg_catalog.jsonb_build_array(t.period, t.period_start, t.user_id)::text
		as key
	from deleted d
	cross join lateral (
		select t.organization, t.period, t.period_start, t.user_id
		from "invitations".closed_usage t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.period, t.period_start, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
)) as r
limit $2::bigint;

commit work;

-- Purge, old rows: trip 2 of 2

begin isolation level read committed;

with locked as materialized (
	select o.id, o.version
	from "invitations".organizations o
	where o.id = $1::text
	for no key update skip locked
),
q0 as (
	delete from "invitations".events e using pg_catalog.jsonb_array_elements($3::jsonb) as k (key)
	where exists (select from locked)
		and e.organization = $1::text
		and e.version = (k.key->>0)::bigint
		and e.ordinal = (k.key->>1)::integer
		and e.position is not null
		and e.at < $2::timestamptz
	returning e.version, e.ordinal
),
q1 as (
	delete from "invitations".invitations i using pg_catalog.jsonb_array_elements($4::jsonb) as k (key)
	where exists (select from locked)
		and i.organization = $1::text
		and i.id = (k.key->>0)::uuid
		and case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end < $2::timestamptz
	returning i.id
)
select (select pg_catalog.count(*) from q0) + (select pg_catalog.count(*) from q1);

commit work;

-- Purge, a deleted organization: trip 1 of 2

begin isolation level repeatable read read only;

select o.id
from "invitations".organizations o
where o.deleted
	and not o.purged
order by o.id
limit $1::bigint;

with deleted as materialized (
	select o.id
	from "invitations".organizations o
	where o.deleted
		and not o.purged
	order by o.id
	limit $2::bigint
)
select r.name, r.organization, r.key
from ((
	select 'invitations' as name, i.organization, pg_catalog.jsonb_build_array(i.id)::text as key
	from "invitations".invitations i
	where case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end < $1::timestamptz
	order by case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end
	limit $2::bigint
) union all (
	select 'events' as name, e.organization, pg_catalog.jsonb_build_array(e.version, e.ordinal)::text as key
	from "invitations".events e
	where e.position is not null
		and e.at < $1::timestamptz
	order by e.at
	limit $2::bigint
) union all (
	select 'invitations' as name, t.organization, pg_catalog.jsonb_build_array(t.id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.id
		from "invitations".invitations t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'members' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral ((
		select t.organization, t.user_id
		from "invitations".members t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) union (
		select d.id, h."account"::text collate "C"
		from "public"."team members" h
		where h."Team" = d.id
		limit $2::bigint
	)) as t
	limit $2::bigint
) union all (
	select 'removals' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.user_id
		from "invitations".removals t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'quotas' as name, t.organization, pg_catalog.jsonb_build_array(t.user_id)::text as key
	from deleted d
	cross join lateral (
		select t.organization, t.user_id
		from "invitations".quotas t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
) union all (
	select 'closed_usage' as name, t.organization, pg_catalog.jsonb_build_array(t.period, t.period_start, t.user_id)::text
		as key
	from deleted d
	cross join lateral (
		select t.organization, t.period, t.period_start, t.user_id
		from "invitations".closed_usage t
		where true
			and t.organization <= d.id
			and t.organization >= d.id
		order by t.organization, t.period, t.period_start, t.user_id
		limit $2::bigint
	) as t
	limit $2::bigint
)) as r
limit $2::bigint;

commit work;

-- Purge, a deleted organization: trip 2 of 2

begin isolation level read committed;

with locked as materialized (
	select o.id, o.version
	from "invitations".organizations o
	where o.id = $1::text
	for no key update skip locked
),
q0 as (
	delete from "invitations".events e using pg_catalog.jsonb_array_elements($3::jsonb) as k (key)
	where exists (select from locked)
		and e.organization = $1::text
		and e.version = (k.key->>0)::bigint
		and e.ordinal = (k.key->>1)::integer
		and e.position is not null
		and e.at < $2::timestamptz
	returning e.version, e.ordinal
),
q1 as (
	delete from "invitations".invitations t using pg_catalog.jsonb_array_elements($4::jsonb) as k (key)
	where exists (select from locked)
		and t.organization = $1::text
		and t.id = (k.key->>0)::uuid
	returning t.id
),
q2 as (
	delete from "invitations".members t using pg_catalog.jsonb_array_elements($5::jsonb) as k (key)
	where exists (select from locked)
		and t.organization = $1::text
		and t.user_id = (k.key->>0)::text
	returning t.user_id
),
hosted as (
	delete from "public"."team members" h using pg_catalog.jsonb_array_elements($5::jsonb) as k (key)
	where exists (select from locked)
		and h."Team" = $1::text
		and h."account" = (k.key->>0)
	returning h."account"::text collate "C" as user_id
),
q3 as (
	delete from "invitations".removals t using pg_catalog.jsonb_array_elements($6::jsonb) as k (key)
	where exists (select from locked)
		and t.organization = $1::text
		and t.user_id = (k.key->>0)::text
	returning t.user_id
),
q4 as (
	delete from "invitations".quotas t using pg_catalog.jsonb_array_elements($7::jsonb) as k (key)
	where exists (select from locked)
		and t.organization = $1::text
		and t.user_id = (k.key->>0)::text
	returning t.user_id
),
q5 as (
	delete from "invitations".closed_usage t using pg_catalog.jsonb_array_elements($8::jsonb) as k (key)
	where exists (select from locked)
		and t.organization = $1::text
		and t.period = (k.key->>0)::text
		and t.period_start = (k.key->>1)::timestamptz
		and t.user_id = (k.key->>2)::text
	returning t.period, t.period_start, t.user_id
)
select (select pg_catalog.count(*) from q0) + (select pg_catalog.count(*) from q1) +
	(
		select pg_catalog.count(*)
		from (
			select m.user_id
			from q2 m union
			select h.user_id
			from hosted h
		) as m
	) + (select pg_catalog.count(*) from q3) + (select pg_catalog.count(*) from q4) +
	(select pg_catalog.count(*) from q5);

with locked as materialized (
	select o.id, o.version
	from "invitations".organizations o
	where o.id = $1::text
	for no key update skip locked
)
update "invitations".organizations o
set purged = true
from locked l
where o.id = $1::text
	and o.id = l.id
	and o.version = l.version
	and (
		select t.organization
		from "invitations".invitations t
		where true
			and t.organization <= $1::text
			and t.organization >= $1::text
			and t.organization = $1::text
		order by t.organization, t.id
		limit 1
	) is null
	and (
		select t.organization
		from "invitations".members t
		where true
			and t.organization <= $1::text
			and t.organization >= $1::text
			and t.organization = $1::text
		order by t.organization, t.user_id
		limit 1
	) is null
	and (
		select t.organization
		from "invitations".removals t
		where true
			and t.organization <= $1::text
			and t.organization >= $1::text
			and t.organization = $1::text
		order by t.organization, t.user_id
		limit 1
	) is null
	and (
		select t.organization
		from "invitations".quotas t
		where true
			and t.organization <= $1::text
			and t.organization >= $1::text
			and t.organization = $1::text
		order by t.organization, t.user_id
		limit 1
	) is null
	and (
		select t.organization
		from "invitations".closed_usage t
		where true
			and t.organization <= $1::text
			and t.organization >= $1::text
			and t.organization = $1::text
		order by t.organization, t.period, t.period_start, t.user_id
		limit 1
	) is null
	and not exists (
		select from "public"."team members" h
		where h."Team" = $1::text
	);

commit work;
