-- Members, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
order by h.user_id::text collate "C"
limit $2::bigint;

commit work;

-- Members, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
	and h.user_id::text collate "C" > $2::text
order by h.user_id::text collate "C"
limit $3::bigint;

commit work;

-- Members, of a role: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
	and h.role = $2::text
order by h.user_id::text collate "C"
limit $3::bigint;

commit work;
