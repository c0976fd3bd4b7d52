-- DeleteOrganization: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

-- DeleteOrganization: trip 2 of 2

update "invitations".organizations
set version = $1::bigint, deleted = true, purged = false
where id = $2::text;

insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
	$19::text[], $20::jsonb);

commit work;
