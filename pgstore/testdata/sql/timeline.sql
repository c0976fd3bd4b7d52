-- Timeline, oldest first, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at
from "invitations".events e
where e.organization = $1::text
order by e.version, e.index
limit $2::bigint;

commit work;

-- Timeline, oldest first, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at
from "invitations".events e
where e.organization = $1::text
	and (e.version, e.index) > ($2::bigint, $3::integer)
order by e.version, e.index
limit $4::bigint;

commit work;

-- Timeline, newest first, of one invitation: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at
from "invitations".events e
where e.organization = $1::text
	and e.invitation_id = $2::uuid
order by e.version desc, e.index desc
limit $3::bigint;

commit work;
