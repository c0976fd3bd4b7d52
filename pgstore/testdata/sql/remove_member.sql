-- RemoveMember, who has invited: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	m1.organization, m1.user_id, m1.role, m1.joined_at, m1.invitation_id, m1.invited_by, m1.metadata::text,
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
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $3::text
left join "invitations".members m1 on m1.organization = $1::text and m1.user_id = $4::text;

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

-- RemoveMember, who has invited: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, accepted_by = excluded.accepted_by,
		created_at = excluded.created_at, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
		ended_at = excluded.ended_at, nonce = excluded.nonce, sent_version = excluded.sent_version,
		quota_limit = excluded.quota_limit, quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
),
w1 as (
	delete from "invitations".members h
	where h.organization = $24::text
		and h.user_id = $25::text
),
w2 as (
	insert into "invitations".removals as t (organization, user_id, version)
	values ($26::text, $27::text, $28::bigint)
	on conflict (organization, user_id) do update set version = excluded.version
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($29::text, $30::bigint, $31::integer, $32::text, $33::timestamptz, $34::text, $35::text, $36::uuid, $37::text,
	$38::text, $39::bigint, $40::text, $41::text, $42::bigint, $43::timestamptz, $44::text, $45::text, $46::text[],
	$47::text[], $48::jsonb);

insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
	$19::text[], $20::jsonb);

commit work;
