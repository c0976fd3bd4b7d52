-- SetLimits: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

-- SetLimits: trip 2 of 2

update "invitations".organizations
set version = $1::bigint, member_limit = $2::bigint, pending_limit = $3::bigint, seatless_roles = $4::text[],
	no_links = $5::boolean, allowed_domains = $6::text[], expiry = $7::bigint
where id = $8::text;

insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
	$19::text[], $20::jsonb);

commit work;
