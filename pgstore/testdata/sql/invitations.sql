-- Invitations, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
order by i.created_at desc, i.id desc
limit $2::bigint;

commit work;

-- Invitations, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and (i.created_at, i.id) < ($2::timestamptz, $3::uuid)
order by i.created_at desc, i.id desc
limit $4::bigint;

commit work;

-- Invitations, pending, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
		i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from live i
where i.organization = $1::text
order by i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, pending, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
		i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from live i
where i.organization = $1::text
	and (i.created_at, i.id) < ($3::timestamptz, $4::uuid)
order by i.created_at desc, i.id desc
limit $5::bigint;

commit work;

-- Invitations, expired: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.state = 'pending'
	and i.expires_at <= $2::timestamptz
order by i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, accepted: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.state = $2::text
order by i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, of a kind: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.kind = $2::text
order by i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, of a role, an address and a sender: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce,
	i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and i.role = $2::text
	and i.email = $3::text
	and i.sent_by = $4::text
	and i.email <> ''
order by i.created_at desc, i.id desc
limit $5::bigint;

commit work;
