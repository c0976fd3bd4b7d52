-- Leave: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	(
		select pg_catalog.count(*)
		from (
			select from "invitations".members h
			where h.organization = $1::text
				and h.role = 'owner'::text
			order by h.user_id::text collate "C"
			limit $2::bigint
		) as counted
	)
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $3::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.expires_at > $2::timestamptz
		and i.state = 'pending'
		and i.sent_by <> ''
		and i.sent_by = $3::text
	order by i.expires_at nulls first
)) as i
order by i.created_at desc, i.id desc;

-- Leave: trip 2 of 2

with w0 as (
	delete from "invitations".members h
	where h.organization = $1::text
		and h.user_id = $2::text
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($3::text, $4::bigint, $5::integer, $6::text, $7::timestamptz, $8::text, $9::text, $10::uuid, $11::text,
	$12::text, $13::bigint, $14::text, $15::text, $16::bigint, $17::timestamptz, $18::text, $19::text, $20::text[],
	$21::text[], $22::jsonb);

commit work;
