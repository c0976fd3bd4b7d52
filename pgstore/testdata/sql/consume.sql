-- Consume, in an organization: trip 1 of 1

begin isolation level read committed;

select from "invitations".quotas q
where q.organization = $1::text
	and q.user_id in ('', $2::text)
	and q.period <> ''
	and exists (
		select from (select) as one
		left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
		where $3::jsonb ? m.role
			and m.role <> ''
	)
order by q.user_id
for no key update;

with locked as (
	select q.user_id, q.quota_limit, q.period, q.version, q.period_start, q.used,
		case q.period when 'day' then $5::timestamptz when 'month' then $6::timestamptz else $7::timestamptz end as
		present
	from "invitations".quotas q
	where q.organization = $3::text
		and q.user_id in ('', $1::text)
		and q.period <> ''
	order by q.user_id
	for no key update
),
counted as (
	select l.user_id, greatest(l.period_start, l.present) as period_start,
		case when l.period_start < l.present then 0 else l.used end + $2::bigint as used, l.quota_limit
	from locked l
),
decided as (
	select coalesce(m.role, '') as role, coalesce(m.role, '') <> '' and $4::jsonb ? coalesce(m.role, '') and not exists
		(select from counted c where c.used > c.quota_limit) as taken
	from (select) as one
	left join "invitations".members m on m.organization = $3::text and m.user_id = $1::text
),
taken as (
	update "invitations".quotas q
	set used = c.used, period_start = c.period_start
	from counted c, decided d
	where d.taken
		and q.user_id = c.user_id
		and q.organization = $3::text
		and q.user_id in ('', $1::text)
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;

commit work;

-- Consume, personal: trip 1 of 1

begin isolation level read committed;

with locked as (
	select q.user_id, q.quota_limit, q.period, q.version, q.period_start, q.used,
		case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz else $5::timestamptz end as
		present
	from "invitations".personal_quotas q
	where q.user_id = $1::text
		and q.period <> ''
	order by q.user_id
	for no key update
),
counted as (
	select l.user_id, greatest(l.period_start, l.present) as period_start,
		case when l.period_start < l.present then 0 else l.used end + $2::bigint as used, l.quota_limit
	from locked l
),
decided as (
	select '' as role, true and not exists (select from counted c where c.used > c.quota_limit) as taken
	from (select) as one
),
taken as (
	update "invitations".personal_quotas q
	set used = c.used, period_start = c.period_start
	from counted c, decided d
	where d.taken
		and q.user_id = c.user_id
		and q.user_id = $1::text
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;

commit work;
