-- InviteAll, three rows: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.email, i.id
from (
	select distinct a.email
	from pg_catalog.jsonb_array_elements_text($2::jsonb) as a (email)
) as wanted
cross join lateral (
	select i.email, i.id
	from "invitations".invitations i
	where i.organization = $1::text
		and i.email = wanted.email
		and i.email <> ''
		and i.state = (select 'pending'::text)
		and i.expires_at > $3::timestamptz
	order by i.created_at desc, i.id desc
	limit 1
) as i;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	(
		select pg_catalog.count(*)
		from (
			select from "invitations".invitations i
			where i.organization = $1::text
				and i.expires_at > $2::timestamptz
				and i.state = 'pending'
			limit greatest(case when o.pending_limit <> 0 then o.pending_limit else $3::bigint end, 0)
		) as counted
	), sent.at, sent.actors, sent.emails
from (
	select pg_catalog.array_agg((extract(epoch from s.at) * 1000000::numeric)::bigint) as at,
		pg_catalog.array_agg(s.actor) as actors, pg_catalog.array_agg(s.email) as emails
	from (
		select e.at, e.actor, e.email
		from "invitations".events e
		where e.organization = $1::text
			and e.email <> ''
			and e.type in ('invitation.created', 'invitation.resent')
			and e.at > $4::timestamptz
		order by e.at desc, e.version desc, e.ordinal desc
		limit $5::bigint
	) as s
) as sent
left join "invitations".organizations o on o.id = $1::text
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $6::text;

-- InviteAll, three rows: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
),
w1 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($24::text, $25::uuid, $26::text, $27::text, $28::text, $29::text, $30::text, $31::jsonb, $32::text[],
		$33::bigint, $34::bigint, $35::text, $36::text, $37::text, $38::timestamptz, $39::timestamptz,
		$40::timestamptz, $41::timestamptz, $42::bytea, $43::bigint, $44::bigint, $45::text, $46::timestamptz)
),
w2 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($47::text, $48::uuid, $49::text, $50::text, $51::text, $52::text, $53::text, $54::jsonb, $55::text[],
		$56::bigint, $57::bigint, $58::text, $59::text, $60::text, $61::timestamptz, $62::timestamptz,
		$63::timestamptz, $64::timestamptz, $65::bytea, $66::bigint, $67::bigint, $68::text, $69::timestamptz)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($70::text, $71::bigint, $72::integer, $73::text, $74::timestamptz, $75::text, $76::text, $77::uuid, $78::text,
	$79::text, $80::bigint, $81::text, $82::text, $83::bigint, $84::timestamptz, $85::text, $86::text, $87::text[],
	$88::text[], $89::jsonb);

with w0 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
		$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
		$19::text[], $20::jsonb)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($21::text, $22::bigint, $23::integer, $24::text, $25::timestamptz, $26::text, $27::text, $28::uuid, $29::text,
	$30::text, $31::bigint, $32::text, $33::text, $34::bigint, $35::timestamptz, $36::text, $37::text, $38::text[],
	$39::text[], $40::jsonb);

commit work;
