-- Accept, an email: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."members" h
	where h."org" = $1::text
		and h."gone" is null
)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = i.organization
		and h."gone" is null
		and h."person" = nullif(i.sent_by, '')
) m on true
where i.organization = $1::text
	and i.id = $2::uuid;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	r0.version, q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used
from (select) as one
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = $1::text
		and h."gone" is null
		and h."person" = $2::text
) m0 on true
left join "invitations".removals r0 on r0.organization = $1::text and r0.user_id = $2::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $2::text;

-- Accept, an email: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::bytea, $19::bigint, $20::bigint, $21::text, $22::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, created_at = excluded.created_at,
		sent_at = excluded.sent_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at,
		nonce = excluded.nonce, sent_version = excluded.sent_version, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
),
w1 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($23::text, $24::text, $25::text, $26::timestamptz, $27::uuid, $28::text, $29::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w2 as (
	insert into "public"."members" ("org", "person", "role", "joined on", "gone")
	values ($30::text, $31::text, $32::text, ($33::timestamptz at time zone 'UTC')::date, null)
	on conflict ("org", "person") do update set "role" = excluded."role", "joined on" = excluded."joined on",
		"gone" = excluded."gone"
)
insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($34::text, $35::bigint, $36::integer, $37::text, $38::timestamptz, $39::text, $40::text, $41::uuid, $42::text,
	$43::text, $44::bigint, $45::text, $46::text, $47::bigint, $48::timestamptz);

insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz);

commit work;

-- Accept, a link with a quota: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."members" h
	where h."org" = $1::text
		and h."gone" is null
)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = i.organization
		and h."gone" is null
		and h."person" = nullif(i.sent_by, '')
) m on true
where i.organization = $1::text
	and i.id = $2::uuid;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	r0.version, q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used
from (select) as one
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = $1::text
		and h."gone" is null
		and h."person" = $2::text
) m0 on true
left join "invitations".removals r0 on r0.organization = $1::text and r0.user_id = $2::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $2::text;

-- Accept, a link with a quota: trip 2 of 2

select from "invitations".quotas q
where q.organization = $1::text
	and q.user_id = ''
for no key update;

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::bytea, $19::bigint, $20::bigint, $21::text, $22::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, created_at = excluded.created_at,
		sent_at = excluded.sent_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at,
		nonce = excluded.nonce, sent_version = excluded.sent_version, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
),
w1 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($23::text, $24::text, $25::text, $26::timestamptz, $27::uuid, $28::text, $29::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w2 as (
	insert into "public"."members" ("org", "person", "role", "joined on", "gone")
	values ($30::text, $31::text, $32::text, ($33::timestamptz at time zone 'UTC')::date, null)
	on conflict ("org", "person") do update set "role" = excluded."role", "joined on" = excluded."joined on",
		"gone" = excluded."gone"
)
insert into "invitations".quotas as t (organization, user_id, quota_limit, period, version)
values ($34::text, $35::text, $36::bigint, $37::text, $38::bigint)
on conflict (organization, user_id) do update set quota_limit = excluded.quota_limit, period = excluded.period,
	used = case when t.period = excluded.period then t.used else 0 end,
	period_start = case when t.period = excluded.period then t.period_start else '0001-01-01 00:00:00+00'::timestamptz
	end, version = excluded.version;

with w0 as (
	insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
		reason, quota_limit, quota_period, email, max_uses, expires_at)
	values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
		$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz)
),
w1 as (
	insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
		reason, quota_limit, quota_period, email, max_uses, expires_at)
	values ($16::text, $17::bigint, $18::integer, $19::text, $20::timestamptz, $21::text, $22::text, $23::uuid,
		$24::text, $25::text, $26::bigint, $27::text, $28::text, $29::bigint, $30::timestamptz)
)
insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($31::text, $32::bigint, $33::integer, $34::text, $35::timestamptz, $36::text, $37::text, $38::uuid, $39::text,
	$40::text, $41::bigint, $42::text, $43::text, $44::bigint, $45::timestamptz);

commit work;
