-- Erase, an address: trip 1 of 3

begin isolation level repeatable read read only;

with recursive addressed as materialized (
	select distinct i.organization
	from "invitations".invitations i
	where i.email <> ''
		and i.email = $1::text
),
found as (
	select 0::bigint as n, ''::text collate "C" as organization union all
	select f.n + 1, (
		select n.organization
		from ((
			select a.organization
			from addressed a
			where true
				and a.organization > f.organization
			order by a.organization
			limit 1
		) union all (
			select e.organization
			from "invitations".events e
			where e.email <> ''
				and e.email <= $1::text
				and (e.email, e.organization) > ($1::text, f.organization)
			order by e.email, e.organization
			limit 1
		)) as n
		order by n.organization
		limit 1
	)
	from found f
	where f.n < $2::bigint
		and f.organization is not null
)
select f.organization
from found f
where f.n > 0
	and f.organization is not null;

commit work;

-- Erase, an address: trip 2 of 3

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.email <> ''
	and i.email = $2::text
order by i.created_at desc, i.id desc
limit $3::bigint;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (
	select i.id, i.accepted_by
	from "invitations".invitations i
	where i.organization = $1::text
		and i.email <> ''
		and i.email = $2::text
	order by i.created_at desc, i.id desc
	limit $3::bigint
) as i
left join "invitations".members m on m.organization = $1::text and m.user_id = nullif(i.accepted_by, '')
where m.invitation_id = i.id;

select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
	e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
	e.allowed_domains, e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and e.email <> ''
	and (e.email, e.organization) <= ($2::text, $1::text)
	and (e.email, e.organization) >= ($2::text, $1::text)
order by e.email, e.organization
limit $3::bigint;

-- Erase, an address: trip 3 of 3

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
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($24::text, $25::bigint, $26::integer, $27::text, $28::timestamptz, $29::text, $30::text, $31::uuid,
		$32::text, $33::text, $34::bigint, $35::text, $36::text, $37::bigint, $38::timestamptz, $39::text, $40::text,
		$41::text[], $42::text[], $43::jsonb)
	on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
		actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id,
		role = excluded.role, reason = excluded.reason, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, email = excluded.email, max_uses = excluded.max_uses,
		expires_at = excluded.expires_at, former_role = excluded.former_role, invited_by = excluded.invited_by,
		allowed_domains = excluded.allowed_domains, changed = excluded.changed, limits = excluded.limits
),
w2 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($44::text, $45::bigint, $46::integer, $47::text, $48::timestamptz, $49::text, $50::text, $51::uuid,
		$52::text, $53::text, $54::bigint, $55::text, $56::text, $57::bigint, $58::timestamptz, $59::text, $60::text,
		$61::text[], $62::text[], $63::jsonb)
	on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
		actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id,
		role = excluded.role, reason = excluded.reason, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, email = excluded.email, max_uses = excluded.max_uses,
		expires_at = excluded.expires_at, former_role = excluded.former_role, invited_by = excluded.invited_by,
		allowed_domains = excluded.allowed_domains, changed = excluded.changed, limits = excluded.limits
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($64::text, $65::bigint, $66::integer, $67::text, $68::timestamptz, $69::text, $70::text, $71::uuid, $72::text,
	$73::text, $74::bigint, $75::text, $76::text, $77::bigint, $78::timestamptz, $79::text, $80::text, $81::text[],
	$82::text[], $83::jsonb);

commit work;

-- Erase, a user: trip 1 of 4

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from "invitations".members h
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h.organization::text collate "C"
		and q.user_id = $1::text
	limit 1
) o on true
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h.organization::text collate "C"
		and q.user_id = ''
	limit 1
) s on true
where h.user_id = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = h.organization::text collate "C"
			and d.deleted
	)
order by h.organization::text collate "C"
limit $2::bigint;

commit work;

-- Erase, a user: trip 2 of 4

begin isolation level repeatable read read only;

with recursive found as (
	select 0::bigint as n, ''::text collate "C" as organization union all
	select f.n + 1, (
		select n.organization
		from ((
			select i.organization
			from "invitations".invitations i
			where i.sent_by <> ''
				and i.sent_by <= $1::text
				and (i.sent_by, i.organization) > ($1::text, f.organization)
			order by i.sent_by, i.organization
			limit 1
		) union all (
			select i.organization
			from "invitations".invitations i
			where i.created_by <> ''
				and i.created_by <> i.sent_by
				and i.created_by <= $1::text
				and (i.created_by, i.organization) > ($1::text, f.organization)
			order by i.created_by, i.organization
			limit 1
		) union all (
			select i.organization
			from "invitations".invitations i
			where i.accepted_by <> ''
				and i.accepted_by <= $1::text
				and (i.accepted_by, i.organization) > ($1::text, f.organization)
			order by i.accepted_by, i.organization
			limit 1
		) union all (
			select t.organization
			from "invitations".members t
			where t.invited_by <> ''
				and t.invited_by <= $1::text
				and (t.invited_by, t.organization) > ($1::text, f.organization)
			order by t.invited_by, t.organization
			limit 1
		) union all (
			select e.organization
			from "invitations".events e
			where e.actor <> ''
				and e.actor <= $1::text
				and (e.actor, e.organization) > ($1::text, f.organization)
			order by e.actor, e.organization
			limit 1
		) union all (
			select e.organization
			from "invitations".events e
			where e.subject <> ''
				and e.subject <> e.actor
				and e.subject <= $1::text
				and (e.subject, e.organization) > ($1::text, f.organization)
			order by e.subject, e.organization
			limit 1
		) union all (
			select e.organization
			from "invitations".events e
			where e.invited_by <> ''
				and e.invited_by <> e.actor
				and e.invited_by <= $1::text
				and (e.invited_by, e.organization) > ($1::text, f.organization)
			order by e.invited_by, e.organization
			limit 1
		)) as n
		order by n.organization
		limit 1
	)
	from found f
	where f.n < $2::bigint
		and f.organization is not null
)
select f.organization
from found f
where f.n > 0
	and f.organization is not null;

commit work;

-- Erase, a user: trip 3 of 4

begin isolation level read committed;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text
from (select) as one
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.sent_by <> ''
		and (i.sent_by, i.organization) <= ($2::text, $1::text)
		and (i.sent_by, i.organization) >= ($2::text, $1::text)
	order by i.sent_by, i.organization
	limit $3::bigint
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.created_by <> ''
		and i.created_by <> i.sent_by
		and (i.created_by, i.organization) <= ($2::text, $1::text)
		and (i.created_by, i.organization) >= ($2::text, $1::text)
	order by i.created_by, i.organization
	limit $3::bigint
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.accepted_by <> ''
		and i.accepted_by <> i.sent_by
		and i.accepted_by <> i.created_by
		and (i.accepted_by, i.organization) <= ($2::text, $1::text)
		and (i.accepted_by, i.organization) >= ($2::text, $1::text)
	order by i.accepted_by, i.organization
	limit $3::bigint
)) as i
limit $3::bigint;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from "invitations".members t
left join "invitations".members m on m.organization = $1::text and m.user_id = t.user_id
where t.organization = $1::text
	and t.invited_by <> ''
	and (t.invited_by, t.organization) <= ($2::text, $1::text)
	and (t.invited_by, t.organization) >= ($2::text, $1::text)
	and m.user_id is not null
order by t.invited_by, t.organization
limit $3::bigint;

select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
	e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
	e.allowed_domains, e.changed, e.limits::text
from ((
	select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
		e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and e.actor <> ''
		and (e.actor, e.organization) <= ($2::text, $1::text)
		and (e.actor, e.organization) >= ($2::text, $1::text)
	order by e.actor, e.organization
	limit $3::bigint
) union all (
	select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
		e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and e.subject <> ''
		and e.subject <> e.actor
		and (e.subject, e.organization) <= ($2::text, $1::text)
		and (e.subject, e.organization) >= ($2::text, $1::text)
	order by e.subject, e.organization
	limit $3::bigint
) union all (
	select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
		e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and e.invited_by <> ''
		and e.invited_by <> e.actor
		and e.invited_by <> e.subject
		and (e.invited_by, e.organization) <= ($2::text, $1::text)
		and (e.invited_by, e.organization) >= ($2::text, $1::text)
	order by e.invited_by, e.organization
	limit $3::bigint
)) as e
limit $3::bigint;

-- Erase, a user: trip 4 of 4

with w0 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
		$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
		$19::text[], $20::jsonb)
	on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
		actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id,
		role = excluded.role, reason = excluded.reason, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, email = excluded.email, max_uses = excluded.max_uses,
		expires_at = excluded.expires_at, former_role = excluded.former_role, invited_by = excluded.invited_by,
		allowed_domains = excluded.allowed_domains, changed = excluded.changed, limits = excluded.limits
),
w1 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($21::text, $22::bigint, $23::integer, $24::text, $25::timestamptz, $26::text, $27::text, $28::uuid,
		$29::text, $30::text, $31::bigint, $32::text, $33::text, $34::bigint, $35::timestamptz, $36::text, $37::text,
		$38::text[], $39::text[], $40::jsonb)
	on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
		actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id,
		role = excluded.role, reason = excluded.reason, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, email = excluded.email, max_uses = excluded.max_uses,
		expires_at = excluded.expires_at, former_role = excluded.former_role, invited_by = excluded.invited_by,
		allowed_domains = excluded.allowed_domains, changed = excluded.changed, limits = excluded.limits
),
w2 as (
	insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id,
		role, reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
		changed, limits)
	values ($41::text, $42::bigint, $43::integer, $44::text, $45::timestamptz, $46::text, $47::text, $48::uuid,
		$49::text, $50::text, $51::bigint, $52::text, $53::text, $54::bigint, $55::timestamptz, $56::text, $57::text,
		$58::text[], $59::text[], $60::jsonb)
	on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
		actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id,
		role = excluded.role, reason = excluded.reason, quota_limit = excluded.quota_limit,
		quota_period = excluded.quota_period, email = excluded.email, max_uses = excluded.max_uses,
		expires_at = excluded.expires_at, former_role = excluded.former_role, invited_by = excluded.invited_by,
		allowed_domains = excluded.allowed_domains, changed = excluded.changed, limits = excluded.limits
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($61::text, $62::bigint, $63::integer, $64::text, $65::timestamptz, $66::text, $67::text, $68::uuid, $69::text,
	$70::text, $71::bigint, $72::text, $73::text, $74::bigint, $75::timestamptz, $76::text, $77::text, $78::text[],
	$79::text[], $80::jsonb)
on conflict (organization, version, ordinal) do update set type = excluded.type, at = excluded.at,
	actor = excluded.actor, subject = excluded.subject, invitation_id = excluded.invitation_id, role = excluded.role,
	reason = excluded.reason, quota_limit = excluded.quota_limit, quota_period = excluded.quota_period,
	email = excluded.email, max_uses = excluded.max_uses, expires_at = excluded.expires_at,
	former_role = excluded.former_role, invited_by = excluded.invited_by, allowed_domains = excluded.allowed_domains,
	changed = excluded.changed, limits = excluded.limits;

insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text,
	$10::text, $11::bigint, $12::text, $13::text, $14::bigint, $15::timestamptz, $16::text, $17::text, $18::text[],
	$19::text[], $20::jsonb);

commit work;
