-- Authorize: trip 1 of 1

begin isolation level repeatable read read only;

select o.version, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains, o.expiry
from "invitations".organizations o
where o.id = $1::text
	and not o.deleted;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

commit work;
