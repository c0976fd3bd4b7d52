-- Consume, in an organization: trip 1 of 1

begin isolation level read committed;

select from "invitations".quotas q
where q.organization = $1::text
	and q.user_id in ('', $2::text)
	and q.period <> ''
	and exists (
		select from (select) as one
		left join lateral (
			select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
				coalesce(h."role"::text collate "C", '') as role,
				coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
				coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
				coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
			from "public"."team members" h
			left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id =
				h."account"::text collate "C"
			where h."Team" = $1::text
				and h."account" = $2::text
		) m on true
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
	from (select) as one
	left join lateral (
		select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
			coalesce(h."role"::text collate "C", '') as role,
			coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
			coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
			coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
		from "public"."team members" h
		left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id =
			h."account"::text collate "C"
		where h."Team" = $6::text
			and h."account" = $1::text
	) m on true
	where not exists (
		select from "invitations".organizations d
		where d.id = $6::text
			and d.deleted
	)
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

commit work;

-- Consume, personal: trip 1 of 1

begin isolation level read committed;

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

commit work;
