-- InviteAll, three rows: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1;

select distinct on (i.email) i.email, i.id
from pg_catalog.jsonb_array_elements_text($2::jsonb) as wanted (email)
join "invitations".invitations i on i.organization = $1::text and i.email = wanted.email and i.email <> '' and i.state =
	'pending' and i.expires_at > $3::timestamptz
order by i.email, i.created_at desc, i.id desc;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	(
		select pg_catalog.count(*)
		from (
			select from "invitations".invitations i
			where i.organization = $1::text
				and i.state = 'pending'
				and i.expires_at > $2::timestamptz
			limit $3::bigint
		) as counted
	), sent.at, sent.actors, sent.emails
from (
	select pg_catalog.array_agg(s.at) as at, pg_catalog.array_agg(s.actor) as actors,
		pg_catalog.array_agg(s.email) as emails
	from (
		select e.at, e.actor, e.email
		from "invitations".events e
		where e.organization = $1::text
			and e.email <> ''
			and e.at > $4::timestamptz
		order by e.at desc, e.version desc, e.index desc
		limit $5::bigint
	) as s
) as sent
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $6::text;

-- InviteAll, three rows: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::bytea, $19::bigint, $20::bigint, $21::text, $22::timestamptz)
),
w1 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($23::text, $24::uuid, $25::text, $26::text, $27::text, $28::text, $29::text, $30::jsonb, $31::text[],
		$32::bigint, $33::bigint, $34::text, $35::text, $36::timestamptz, $37::timestamptz, $38::timestamptz,
		$39::timestamptz, $40::bytea, $41::bigint, $42::bigint, $43::text, $44::timestamptz)
),
w2 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce,
		sent_version, quota_limit, quota_period, sweep_at)
	values ($45::text, $46::uuid, $47::text, $48::text, $49::text, $50::text, $51::text, $52::jsonb, $53::text[],
		$54::bigint, $55::bigint, $56::text, $57::text, $58::timestamptz, $59::timestamptz, $60::timestamptz,
		$61::timestamptz, $62::bytea, $63::bigint, $64::bigint, $65::text, $66::timestamptz)
)
insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($67::text, $68::bigint, $69::integer, $70::text, $71::timestamptz, $72::text, $73::text, $74::uuid, $75::text,
	$76::text, $77::bigint, $78::text, $79::text, $80::bigint, $81::timestamptz);

with w0 as (
	insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
		reason, quota_limit, quota_period, email, max_uses, expires_at)
	values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
		$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz)
)
insert into "invitations".events as t (organization, version, index, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at)
values ($16::text, $17::bigint, $18::integer, $19::text, $20::timestamptz, $21::text, $22::text, $23::uuid, $24::text,
	$25::text, $26::bigint, $27::text, $28::text, $29::bigint, $30::timestamptz);

commit work;
