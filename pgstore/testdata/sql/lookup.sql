-- Lookup: trip 1 of 1

begin isolation level repeatable read read only;

select o.version, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry, (
		select pg_catalog.count(*)
		from (
			select from "invitations".members h
			where h.organization = $1::text
				and h.role = 'owner'::text
			order by h.user_id::text collate "C"
			limit $2::bigint
		) as counted
	)
from "invitations".organizations o
where o.id = $1::text
	and not o.deleted;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join "invitations".members m on m.organization = i.organization and m.user_id = nullif(i.sent_by, '')
where i.organization = $1::text
	and i.id = $2::uuid;

commit work;
