-- SetQuota, of an organization: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used
from (select) as one
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = '';

-- SetQuota, of an organization: trip 2 of 2

select from pg_catalog.jsonb_array_elements_text($1::jsonb) as wanted (user_id)
join "invitations".quotas q on q.organization = $2::text and q.user_id = wanted.user_id
order by q.user_id
for no key update of q;

with w0 as (
	insert into "invitations".closed_usage as t (organization, user_id, period, period_start, used)
	select $1::text, q.user_id, q.period, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = $1::text
		and q.user_id = $2::text
		and q.period <> $3::text
		and q.used > 0
	on conflict (organization, period, period_start, user_id) do update set used = t.used + excluded.used
),
w1 as (
	insert into "invitations".quotas as t (organization, user_id, quota_limit, period, version)
	values ($4::text, $5::text, $6::bigint, $7::text, $8::bigint)
	on conflict (organization, user_id) do update set quota_limit = excluded.quota_limit, period = excluded.period,
		used = case when t.period = excluded.period then t.used else 0 end,
		period_start = case when t.period = excluded.period then t.period_start else
		'0001-01-01 00:00:00+00'::timestamptz end, version = excluded.version
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($9::text, $10::bigint, $11::integer, $12::text, $13::timestamptz, $14::text, $15::text, $16::uuid, $17::text,
	$18::text, $19::bigint, $20::text, $21::text, $22::bigint, $23::timestamptz, $24::text, $25::text, $26::text[],
	$27::text[], $28::jsonb);

commit work;

-- SetQuota, of a member: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used
from (select) as one
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $2::text;

-- SetQuota, of a member: trip 2 of 2

select from pg_catalog.jsonb_array_elements_text($1::jsonb) as wanted (user_id)
join "invitations".quotas q on q.organization = $2::text and q.user_id = wanted.user_id
order by q.user_id
for no key update of q;

with w0 as (
	insert into "invitations".closed_usage as t (organization, user_id, period, period_start, used)
	select $1::text, q.user_id, q.period, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = $1::text
		and q.user_id = $2::text
		and q.period <> $3::text
		and q.used > 0
	on conflict (organization, period, period_start, user_id) do update set used = t.used + excluded.used
),
w1 as (
	insert into "invitations".quotas as t (organization, user_id, quota_limit, period, version)
	values ($4::text, $5::text, $6::bigint, $7::text, $8::bigint)
	on conflict (organization, user_id) do update set quota_limit = excluded.quota_limit, period = excluded.period,
		used = case when t.period = excluded.period then t.used else 0 end,
		period_start = case when t.period = excluded.period then t.period_start else
		'0001-01-01 00:00:00+00'::timestamptz end, version = excluded.version
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($9::text, $10::bigint, $11::integer, $12::text, $13::timestamptz, $14::text, $15::text, $16::uuid, $17::text,
	$18::text, $19::bigint, $20::text, $21::text, $22::bigint, $23::timestamptz, $24::text, $25::text, $26::text[],
	$27::text[], $28::jsonb);

commit work;

-- SetQuota, personal: trip 1 of 1

begin isolation level read committed;

insert into "invitations".personal_quotas as t (user_id, quota_limit, period)
values ($1::text, $2::bigint, $3::text)
on conflict (user_id) do update set quota_limit = excluded.quota_limit, period = excluded.period,
	used = case when t.period = excluded.period then t.used else 0 end,
	period_start = case when t.period = excluded.period then t.period_start else '0001-01-01 00:00:00+00'::timestamptz
	end;

commit work;
