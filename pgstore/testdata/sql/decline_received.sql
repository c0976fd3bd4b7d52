-- DeclineReceived: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join "invitations".members m on m.organization = i.organization and m.user_id = nullif(i.sent_by, '')
where i.organization = $1::text
	and i.id = $2::uuid;

select (
	select pg_catalog.count(*)
	from (
		select from "invitations".members h
		where h.organization = $1::text
			and h.role = 'owner'::text
		order by h.user_id::text collate "C"
		limit $2::bigint
	) as counted
)
from (select) as one;

-- DeclineReceived: trip 2 of 2

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
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($24::text, $25::bigint, $26::integer, $27::text, $28::timestamptz, $29::text, $30::text, $31::uuid, $32::text,
	$33::text, $34::bigint, $35::text, $36::text, $37::bigint, $38::timestamptz, $39::text, $40::text, $41::text[],
	$42::text[], $43::jsonb);

commit work;
