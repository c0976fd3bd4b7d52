-- CreateOrganization: trip 1 of 2

insert into "invitations".organizations (id, version)
values ($1::text, 0)
on conflict do nothing;

select o.version, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains, o.expiry
from "invitations".organizations o
where o.id = $1::text
for no key update;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

-- CreateOrganization: trip 2 of 2

update "invitations".organizations
set version = $1::bigint
where id = $2::text;

with w0 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($1::text, $2::text, $3::text, $4::timestamptz, $5::uuid, $6::text, $7::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($8::text, $9::bigint, $10::integer, $11::text, $12::timestamptz, $13::text, $14::text, $15::uuid, $16::text,
	$17::text, $18::bigint, $19::text, $20::text, $21::bigint, $22::timestamptz, $23::text, $24::text, $25::text[],
	$26::text[], $27::jsonb);
