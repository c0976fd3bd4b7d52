-- Decline: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join "invitations".members m on m.organization = i.organization and m.user_id = nullif(i.sent_by, '')
where i.organization = $1::text
	and i.id = $2::uuid;

-- Decline: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::bytea, $19::bigint, $20::bigint, $21::text, $22::timestamptz)
	on conflict (organization, id) do update set kind = excluded.kind, state = excluded.state, email = excluded.email,
		role = excluded.role, message = excluded.message, metadata = excluded.metadata,
		allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
		created_by = excluded.created_by, sent_by = excluded.sent_by, created_at = excluded.created_at,
		sent_at = excluded.sent_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at,
		nonce = excluded.nonce, sent_version = excluded.sent_version, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, sweep_at = excluded.sweep_at
)
insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($23::text, $24::bigint, $25::integer, $26::text, $27::timestamptz, $28::text, $29::text, $30::uuid, $31::text,
	$32::text, $33::bigint, $34::text, $35::text, $36::bigint, $37::timestamptz);

commit work;
