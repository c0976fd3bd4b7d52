-- CreateOrganization: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."team members" h
	where h."Team" = $1::text
)
on conflict do nothing;

insert into "invitations".organizations (id, version)
values ($1::text, 0)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
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
		and h."account" = $2::text
) m0 on true;

-- CreateOrganization: trip 2 of 2

with w0 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($1::text, $2::text, $3::text, $4::timestamptz, $5::uuid, $6::text, $7::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w1 as (
	insert into "public"."team members" ("Team", "account", "role")
	values ($8::text, $9::text, $10::text)
	on conflict ("Team", "account") do update set "role" = excluded."role"
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($11::text, $12::bigint, $13::integer, $14::text, $15::timestamptz, $16::text, $17::text, $18::uuid, $19::text,
	$20::text, $21::bigint, $22::text, $23::text, $24::bigint, $25::timestamptz, $26::text, $27::text, $28::text[],
	$29::text[], $30::jsonb);

commit work;
