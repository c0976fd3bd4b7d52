-- Member: trip 1 of 1

begin isolation level repeatable read read only;

select o.version
from "invitations".organizations o
where o.id = $1::text;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

commit work;
