-- RemoveMember, who has invited: trip 1 of 2

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

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	m1.organization, m1.user_id, m1.role, m1.joined_at, m1.invitation_id, m1.invited_by, m1.metadata::text,
	(
		select pg_catalog.count(*)
		from (
			select from "public"."team members" h
			where h."Team" = $1::text
				and h."role" = 'owner'::text
			order by h."account"::text collate "C"
			limit $2::bigint
		) as counted
	)
from (select) as one
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $3::text
) m0 on true
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
) m1 on true;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.expires_at > $2::timestamptz
		and i.state = 'pending'
		and i.sent_by <> ''
		and i.sent_by = $3::text
	order by i.expires_at nulls first
)) as i
order by i.created_at desc, i.id desc;

-- RemoveMember, who has invited: trip 2 of 2

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
	delete from "invitations".members h
	where h.organization = $24::text
		and h.user_id = $25::text
),
w2 as (
	delete from "public"."team members" h
	where h."Team" = $26::text
		and h."account" = $27::text
)
insert into "invitations".removals as t (organization, user_id, version)
values ($28::text, $29::text, $30::bigint)
on conflict (organization, user_id) do update set version = excluded.version;

with w0 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
		$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
		$19::text[], $20::jsonb)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($21::text, $22::bigint, $23::integer, $24::text, $25::timestamptz, $26::text, $27::text, $28::uuid, $29::text,
	$30::text, $31::bigint, $32::text, $33::text, $34::bigint, $35::timestamptz, $36::text, $37::text, $38::text[],
	$39::text[], $40::jsonb);

commit work;
