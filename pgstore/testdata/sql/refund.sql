-- Refund, in an organization: trip 1 of 1

begin isolation level read committed;

select from "invitations".quotas q
where q.organization = $1::text
	and q.user_id in ('', $2::text)
	and q.period <> ''
order by q.user_id
for no key update;

with locked as (
	select q.user_id, q.quota_limit, q.period, q.version, q.period_start, q.used,
		case when q.period_start = case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz else
		$5::timestamptz end then greatest(0, q.used + $2::bigint) else q.used end as used_then,
		q.period_start as period_start_then
	from "invitations".quotas q
	where q.organization = $6::text
		and q.user_id in ('', $1::text)
		and q.period <> ''
	for no key update
),
decided as (
	select coalesce(m.role, '') as role, true as taken
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
		and l.used_then <> l.used
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;

commit work;

-- Refund, personal: trip 1 of 1

begin isolation level read committed;

with locked as (
	select q.user_id, q.quota_limit, q.period, q.version, q.period_start, q.used,
		case when q.period_start = case q.period when 'day' then $3::timestamptz when 'month' then $4::timestamptz else
		$5::timestamptz end then greatest(0, q.used + $2::bigint) else q.used end as used_then,
		q.period_start as period_start_then
	from "invitations".personal_quotas q
	where q.user_id = $1::text
		and q.period <> ''
	for no key update
),
decided as (select '' as role, true as taken from (select) as one),
taken as (
	update "invitations".personal_quotas q
	set used = l.used_then, period_start = l.period_start_then
	from locked l
	where (select d.taken from decided d)
		and q.user_id = l.user_id
		and l.used_then <> l.used
)
select d.role, d.taken, l.user_id, l.quota_limit, l.period, l.version, l.period_start, l.used
from decided d
left join locked l on true;

commit work;
