-- Accept, an email: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."team members" h
	where h."Team" = $1::text
)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = i.organization
		and h."account" = nullif(i.sent_by, '')
) m on true
where i.organization = $1::text
	and (i.id = $2::uuid or i.email <> '' and i.email = $3::text and i.state = (select 'pending'::text) and i.expires_at
	> $4::timestamptz)
order by i.created_at desc, i.id desc;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	r0.version, q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used, (
		select pg_catalog.count(*)
		from (
			select from (
				with recursive roles as ((
					select h."role" as role
					from "public"."team members" h
					where h."Team" = $1::text
					order by h."role"
					limit 1
				) union all select (
					select h."role"
					from "public"."team members" h
					where h."Team" = $1::text
						and h."role" > r.role
					order by h."role"
					limit 1
				) from roles r where r.role is not null)
				select r.role
				from roles r
				where r.role is not null
					and (r.role::text collate "C" = any (o.seatless_roles)) is not true
			) as r
			cross join lateral (
				select from "public"."team members" h
				where h."Team" = $1::text
					and h."role" >= r.role
					and h."role" <= r.role
				order by h."role"
				limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
			) as m
			limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
		) as counted
	), (
		select pg_catalog.count(*)
		from (
			select from "public"."team members" h
			where h."Team" = $1::text
				and h."role" = 'owner'::text
			order by h."account"::text collate "C"
			limit $3::bigint
		) as counted
	)
from (select) as one
left join "invitations".organizations o on o.id = $1::text
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $4::text
) m0 on true
left join "invitations".removals r0 on r0.organization = $1::text and r0.user_id = $4::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $4::text;

-- Accept, an email: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, accepted_by = excluded.accepted_by,
		created_at = excluded.created_at, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
		ended_at = excluded.ended_at, nonce = excluded.nonce, sent_version = excluded.sent_version,
		quota_limit = excluded.quota_limit, quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
),
w1 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($24::text, $25::text, $26::text, $27::timestamptz, $28::uuid, $29::text, $30::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w2 as (
	insert into "public"."team members" ("Team", "account", "role")
	values ($31::text, $32::text, $33::text)
	on conflict ("Team", "account") do update set "role" = excluded."role"
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($34::text, $35::bigint, $36::integer, $37::text, $38::timestamptz, $39::text, $40::text, $41::uuid, $42::text,
	$43::text, $44::bigint, $45::text, $46::text, $47::bigint, $48::timestamptz, $49::text, $50::text, $51::text[],
	$52::text[], $53::jsonb);

insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
	$19::text[], $20::jsonb);

commit work;

-- Accept, a link with a quota: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."team members" h
	where h."Team" = $1::text
)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = i.organization
		and h."account" = nullif(i.sent_by, '')
) m on true
where i.organization = $1::text
	and (i.id = $2::uuid or i.email <> '' and i.email = $3::text and i.state = (select 'pending'::text) and i.expires_at
	> $4::timestamptz)
order by i.created_at desc, i.id desc;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	r0.version, q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used, (
		select pg_catalog.count(*)
		from (
			select from (
				with recursive roles as ((
					select h."role" as role
					from "public"."team members" h
					where h."Team" = $1::text
					order by h."role"
					limit 1
				) union all select (
					select h."role"
					from "public"."team members" h
					where h."Team" = $1::text
						and h."role" > r.role
					order by h."role"
					limit 1
				) from roles r where r.role is not null)
				select r.role
				from roles r
				where r.role is not null
					and (r.role::text collate "C" = any (o.seatless_roles)) is not true
			) as r
			cross join lateral (
				select from "public"."team members" h
				where h."Team" = $1::text
					and h."role" >= r.role
					and h."role" <= r.role
				order by h."role"
				limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
			) as m
			limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
		) as counted
	), (
		select pg_catalog.count(*)
		from (
			select from "public"."team members" h
			where h."Team" = $1::text
				and h."role" = 'owner'::text
			order by h."account"::text collate "C"
			limit $3::bigint
		) as counted
	)
from (select) as one
left join "invitations".organizations o on o.id = $1::text
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $4::text
) m0 on true
left join "invitations".removals r0 on r0.organization = $1::text and r0.user_id = $4::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $4::text;

-- Accept, a link with a quota: trip 2 of 2

select from pg_catalog.jsonb_array_elements_text($1::jsonb) as wanted (user_id)
join "invitations".quotas q on q.organization = $2::text and q.user_id = wanted.user_id
order by q.user_id
for no key update of q;

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, accepted_by = excluded.accepted_by,
		created_at = excluded.created_at, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
		ended_at = excluded.ended_at, nonce = excluded.nonce, sent_version = excluded.sent_version,
		quota_limit = excluded.quota_limit, quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
),
w1 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($24::text, $25::text, $26::text, $27::timestamptz, $28::uuid, $29::text, $30::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w2 as (
	insert into "public"."team members" ("Team", "account", "role")
	values ($31::text, $32::text, $33::text)
	on conflict ("Team", "account") do update set "role" = excluded."role"
)
insert into "invitations".closed_usage as t (organization, user_id, period, period_start, used)
select $34::text, q.user_id, q.period, q.period_start, q.used
from "invitations".quotas q
where q.organization = $34::text
	and q.user_id = $35::text
	and q.period <> $36::text
	and q.used > 0
on conflict (organization, period, period_start, user_id) do update set used = t.used + excluded.used;

with w0 as (
	insert into "invitations".quotas as t (organization, user_id, quota_limit, period, version)
	values ($1::text, $2::text, $3::bigint, $4::text, $5::bigint)
	on conflict (organization, user_id) do update set quota_limit = excluded.quota_limit, period = excluded.period,
		used = case when t.period = excluded.period then t.used else 0 end,
		period_start = case when t.period = excluded.period then t.period_start else
		'0001-01-01 00:00:00+00'::timestamptz end, version = excluded.version
),
w1 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($6::text, $7::bigint, $8::integer, $9::text, $10::timestamptz, $11::text, $12::text, $13::uuid, $14::text,
		$15::text, $16::bigint, $17::text, $18::text, $19::bigint, $20::timestamptz, $21::text, $22::text, $23::text[],
		$24::text[], $25::jsonb)
),
w2 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($26::text, $27::bigint, $28::integer, $29::text, $30::timestamptz, $31::text, $32::text, $33::uuid,
		$34::text, $35::text, $36::bigint, $37::text, $38::text, $39::bigint, $40::timestamptz, $41::text, $42::text,
		$43::text[], $44::text[], $45::jsonb)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($46::text, $47::bigint, $48::integer, $49::text, $50::timestamptz, $51::text, $52::text, $53::uuid, $54::text,
	$55::text, $56::bigint, $57::text, $58::text, $59::bigint, $60::timestamptz, $61::text, $62::text, $63::text[],
	$64::text[], $65::jsonb);

commit work;
