-- Invitations, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
order by i.created_at desc, i.id desc
limit $2::bigint;

commit work;

-- Invitations, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and (i.created_at, i.id) < ($2::timestamptz, $3::uuid)
order by i.created_at desc, i.id desc
limit $4::bigint;

commit work;

-- Invitations, pending, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from live i
where i.organization = $1::text
order by i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, pending, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
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
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.expires_at <= $2::timestamptz
	and i.state >= 'pending'
	and i.state <= 'pending'
order by i.state desc, i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, pending and expired: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.state >= 'pending'
	and i.state <= 'pending'
order by i.state desc, i.created_at desc, i.id desc
limit $2::bigint;

commit work;

-- Invitations, pending and accepted: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live i
	where i.organization = $1::text
	order by i.created_at desc, i.id desc
	limit $4::bigint
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and i.state >= $3::text
		and i.state <= $3::text
	order by i.state desc, i.created_at desc, i.id desc
	limit $4::bigint
)) as i
order by i.created_at desc, i.id desc
limit $4::bigint;

commit work;

-- Invitations, accepted: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.state >= $2::text
	and i.state <= $2::text
order by i.state desc, i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, of a kind: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.kind = 'link'
order by i.created_at desc, i.id desc
limit $2::bigint;

commit work;

-- Invitations, of a role, an address and a sender: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.email <> ''
	and i.email = $2::text
	and i.sent_by <> ''
	and i.sent_by = $3::text
	and i.role = $4::text
order by i.created_at desc, i.id desc
limit $5::bigint;

commit work;

-- Invitations, of a role: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.role >= $2::text
	and i.role <= $2::text
order by i.role desc, i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, of a sender: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.sent_by <> ''
	and (i.sent_by, i.organization) >= ($2::text, $1::text)
	and (i.sent_by, i.organization) <= ($2::text, $1::text)
order by i.sent_by desc, i.organization desc, i.created_at desc, i.id desc
limit $3::bigint;

commit work;

-- Invitations, of a sender, in two states: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and i.sent_by <> ''
	and (i.state = 'pending' and i.expires_at > $2::timestamptz or i.state = $3::text)
	and (i.sent_by, i.organization) >= ($4::text, $1::text)
	and (i.sent_by, i.organization) <= ($4::text, $1::text)
order by i.sent_by desc, i.organization desc, i.created_at desc, i.id desc
limit $5::bigint;

commit work;

-- Invitations, of an address in all organizations, first page: trip 1 of 1

begin isolation level repeatable read read only;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.email <> ''
	and i.email = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = i.organization
			and d.deleted
	)
order by i.created_at desc, i.id desc, i.organization desc
limit $2::bigint;

commit work;

-- Invitations, of an address in all organizations, second page: trip 1 of 1

begin isolation level repeatable read read only;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.email <> ''
	and i.email = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = i.organization
			and d.deleted
	)
	and (i.created_at, i.id, i.organization) < ($2::timestamptz, $3::uuid, $4::text)
order by i.created_at desc, i.id desc, i.organization desc
limit $5::bigint;

commit work;

-- Invitations, of an address in all organizations, pending and revoked: trip 1 of 1

begin isolation level repeatable read read only;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from "invitations".invitations i
where i.email <> ''
	and i.email = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = i.organization
			and d.deleted
	)
	and (i.state = 'pending' and i.expires_at > $2::timestamptz or i.state = $3::text)
order by i.created_at desc, i.id desc, i.organization desc
limit $4::bigint;

commit work;
