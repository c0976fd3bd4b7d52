-- Consume, in an organization: trip 1 of 1

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
		least(case when q.period_start < case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz
		else $5::timestamptz end then 0 else q.used end + $2::bigint, 9000000000000000) as used_then,
		greatest(q.period_start, case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz else
		$5::timestamptz end) as period_start_then
	from "invitations".quotas q
	where q.organization = $6::text
		and q.user_id in ('', $1::text)
		and q.period <> ''
	for no key update
),
decided as (
	select coalesce(m.role, '') as role, coalesce(m.role <> '' and $7::jsonb ? m.role, false) and not exists
		(
			select from locked l
			where l.quota_limit <> -1
				and l.used_then > l.quota_limit
		) as taken
	from "invitations".organizations o
	left join "invitations".members m on m.organization = $6::text and m.user_id = $1::text
	where o.id = $6::text
		and not o.deleted
),
taken as (
	update "invitations".quotas q
	set used = l.used_then, period_start = l.period_start_then
	from locked l
	where (select d.taken from decided d)
		and q.organization = $6::text
		and q.user_id = l.user_id
),
closed as (
	insert into "invitations".closed_usage as t (organization, user_id, period, period_start, used)
	select $6::text, q.user_id, q.period, q.period_start, q.used
	from locked q
	where (select d.taken from decided d)
		and q.period_start < q.period_start_then
		and q.used > 0
	on conflict (organization, period, period_start, user_id) do update set used = t.used + excluded.used
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;

-- Consume, personal: trip 1 of 1

with locked as (
	select q.user_id, q.quota_limit, q.period, q.version, q.period_start, q.used,
		least(case when q.period_start < case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz
		else $5::timestamptz end then 0 else q.used end + $2::bigint, 9000000000000000) as used_then,
		greatest(q.period_start, case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz else
		$5::timestamptz end) as period_start_then
	from "invitations".personal_quotas q
	where q.user_id = $1::text
		and q.period <> ''
	for no key update
),
decided as (
	select '' as role, not exists (
		select from locked l
		where l.quota_limit <> -1
			and l.used_then > l.quota_limit
	) as taken
	from (select) as one
),
taken as (
	update "invitations".personal_quotas q
	set used = l.used_then, period_start = l.period_start_then
	from locked l
	where (select d.taken from decided d)
		and q.user_id = l.user_id
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;
