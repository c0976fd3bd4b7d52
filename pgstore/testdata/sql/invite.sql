-- Invite: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	(
		select i.id
		from "invitations".invitations i
		where i.organization = $1::text
			and i.expires_at > $2::timestamptz
			and i.state = (select 'pending'::text)
			and i.email <> ''
			and i.email = $3::text
		order by i.created_at desc, i.id desc
		limit 1
	), (
		select pg_catalog.count(*)
		from (
			select from "invitations".invitations i
			where i.organization = $1::text
				and i.expires_at > $2::timestamptz
				and i.state = 'pending'
			limit greatest(case when o.pending_limit <> 0 then o.pending_limit else $4::bigint end, 0)
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
			and e.at > $5::timestamptz
		order by e.at desc, e.version desc, e.ordinal desc
		limit $6::bigint
	) as s
) as sent
left join "invitations".organizations o on o.id = $1::text
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $7::text;

-- Invite: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $20::bigint, $24::integer, $25::text, $16::timestamptz, $13::text, $26::text, $2::uuid, $6::text,
	$27::text, $21::bigint, $22::text, $5::text, $10::bigint, $17::timestamptz, $28::text, $29::text, $9::text[],
	$30::text[], $31::jsonb);

commit work;

-- Invite, with an ID: trip 1 of 2

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.id = $2::uuid;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	(
		select i.id
		from "invitations".invitations i
		where i.organization = $1::text
			and i.expires_at > $2::timestamptz
			and i.state = (select 'pending'::text)
			and i.email <> ''
			and i.email = $3::text
		order by i.created_at desc, i.id desc
		limit 1
	), (
		select pg_catalog.count(*)
		from (
			select from "invitations".invitations i
			where i.organization = $1::text
				and i.expires_at > $2::timestamptz
				and i.state = 'pending'
			limit greatest(case when o.pending_limit <> 0 then o.pending_limit else $4::bigint end, 0)
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
			and e.at > $5::timestamptz
		order by e.at desc, e.version desc, e.ordinal desc
		limit $6::bigint
	) as s
) as sent
left join "invitations".organizations o on o.id = $1::text
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $7::text;

-- Invite, with an ID: trip 2 of 2

with w0 as (
	insert into "invitations".invitations as t (organization, id, kind, state, email, role, message, metadata,
		allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at,
		nonce, sent_version, quota_limit, quota_period, sweep_at)
	values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[], $10::bigint,
		$11::bigint, $12::text, $13::text, $14::text, $15::timestamptz, $16::timestamptz, $17::timestamptz,
		$18::timestamptz, $19::bytea, $20::bigint, $21::bigint, $22::text, $23::timestamptz)
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $20::bigint, $24::integer, $25::text, $16::timestamptz, $13::text, $26::text, $2::uuid, $6::text,
	$27::text, $21::bigint, $22::text, $5::text, $10::bigint, $17::timestamptz, $28::text, $29::text, $9::text[],
	$30::text[], $31::jsonb);

commit work;
