-- Overview: trip 1 of 1

begin isolation level repeatable read read only;

select o.version, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains, o.expiry
from "invitations".organizations o
where o.id = $1::text
	and not o.deleted;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

select m.members, m.seats, p.emails, p.links, p.reserved
from (select) as one
left join "invitations".organizations o on o.id = $1::text
cross join lateral (
	select pg_catalog.count(*) as members, pg_catalog.count(*) filter
		(where (h.role::text collate "C" = any (o.seatless_roles)) is not true) as seats
	from "invitations".members h
	where h.organization = $1::text
) as m
cross join lateral (
	select pg_catalog.count(*) filter (where i.kind = 'email') as emails,
		pg_catalog.count(*) filter (where i.kind = 'link') as links,
		pg_catalog.count(*) filter (where i.kind = 'email' and (i.role = any (o.seatless_roles)) is not true) as
		reserved
	from "invitations".invitations i
	where i.organization = $1::text
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
) as p;

commit work;
