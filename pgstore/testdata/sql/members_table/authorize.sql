-- Authorize: trip 1 of 1

begin isolation level repeatable read read only;

select coalesce(o.version, 1), o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links,
	o.allowed_domains, o.expiry
from (select) as one
left join "invitations".organizations o on o.id = $1::text
where (o.id is not null and not o.deleted) or (o.id is null and exists
	(
		select from "public"."team members" h
		where h."Team" = $1::text
	));

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

commit work;
