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
limit (select $2::bigint);

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
limit (select $4::bigint);

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

with size as materialized (
	select pg_catalog.count(*) as n
	from (
		select from "invitations".invitations i
		where i.organization = $1::text
			and not exists (
				select from "invitations".organizations d
				where d.id = $1::text
					and d.deleted
			)
			and i.state = 'pending'
			and i.expires_at > $2::timestamptz
		order by i.expires_at
		limit (select $4::bigint) + 1
	) as i
),
walked0 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $4::bigint)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $4::bigint)
),
live0 as materialized (
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
		and i.kind = (select 'email'::text)
		and ((select s.n from size s) <= (select $4::bigint) or
		(
			select pg_catalog.count(*) = (select $4::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $3::bigint)
			from walked0 i
		))
	order by i.expires_at
),
walked1 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $4::bigint)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $4::bigint)
),
live1 as materialized (
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
		and i.kind = (select 'link'::text)
		and ((select s.n from size s) <= (select $4::bigint) or
		(
			select pg_catalog.count(*) = (select $4::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $3::bigint)
			from walked1 i
		))
	order by i.expires_at
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked0 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live0)
	order by i.created_at desc, i.id desc
	limit (select $3::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live0 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $3::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked1 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live1)
	order by i.created_at desc, i.id desc
	limit (select $3::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live1 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $3::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $3::bigint);

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

with size as materialized (
	select pg_catalog.count(*) as n
	from (
		select from "invitations".invitations i
		where i.organization = $1::text
			and not exists (
				select from "invitations".organizations d
				where d.id = $1::text
					and d.deleted
			)
			and i.state = 'pending'
			and i.expires_at > $2::timestamptz
		order by i.expires_at
		limit (select $6::bigint) + 1
	) as i
),
walked0 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $6::bigint)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at, i.id) < ((select 'email'::text), $3::timestamptz, $4::uuid)
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $6::bigint)
),
live0 as materialized (
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
		and i.kind = (select 'email'::text)
		and ((select s.n from size s) <= (select $6::bigint) or
		(
			select pg_catalog.count(*) = (select $6::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $5::bigint)
			from walked0 i
		))
	order by i.expires_at
),
walked1 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $6::bigint)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at, i.id) < ((select 'link'::text), $3::timestamptz, $4::uuid)
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $6::bigint)
),
live1 as materialized (
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
		and i.kind = (select 'link'::text)
		and ((select s.n from size s) <= (select $6::bigint) or
		(
			select pg_catalog.count(*) = (select $6::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $5::bigint)
			from walked1 i
		))
	order by i.expires_at
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked0 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live0)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live0 i
	where true
		and (i.created_at, i.id) < ($3::timestamptz, $4::uuid)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked1 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live1)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live1 i
	where true
		and (i.created_at, i.id) < ($3::timestamptz, $4::uuid)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $5::bigint);

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
from ((
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
		and i.state = (select 'pending'::text)
		and i.expires_at <= $2::timestamptz
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.state = (select 'pending'::text)
		and i.expires_at <= $2::timestamptz
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $3::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $3::bigint);

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
from ((
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
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
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
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $2::bigint);

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

with size as materialized (
	select pg_catalog.count(*) as n
	from (
		select from "invitations".invitations i
		where i.organization = $1::text
			and not exists (
				select from "invitations".organizations d
				where d.id = $1::text
					and d.deleted
			)
			and i.state = 'pending'
			and i.expires_at > $2::timestamptz
		order by i.expires_at
		limit (select $5::bigint) + 1
	) as i
),
walked0 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $5::bigint)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $5::bigint)
),
live0 as materialized (
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
		and i.kind = (select 'email'::text)
		and ((select s.n from size s) <= (select $5::bigint) or
		(
			select pg_catalog.count(*) = (select $5::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $4::bigint)
			from walked0 i
		))
	order by i.expires_at
),
walked1 as materialized (
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
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $5::bigint)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $5::bigint)
),
live1 as materialized (
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
		and i.kind = (select 'link'::text)
		and ((select s.n from size s) <= (select $5::bigint) or
		(
			select pg_catalog.count(*) = (select $5::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz) < (select $4::bigint)
			from walked1 i
		))
	order by i.expires_at
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked0 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live0)
	order by i.created_at desc, i.id desc
	limit (select $4::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live0 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $4::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked1 i
	where i.expires_at > $2::timestamptz
		and not exists (select from live1)
	order by i.created_at desc, i.id desc
	limit (select $4::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live1 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $4::bigint)
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
		and i.state = $3::text
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $4::bigint)
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
		and i.state = $3::text
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $4::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $4::bigint);

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
from ((
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
		and i.state = $2::text
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.state = $2::text
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $3::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $3::bigint);

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
from ((
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
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
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
		and i.state = 'accepted'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
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
		and i.state = 'declined'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
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
		and i.state = 'revoked'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc, i.created_at desc, i.id desc
	limit (select $2::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $2::bigint);

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
	and i.role = $3::text
	and i.sent_by <> ''
	and i.sent_by = $4::text
order by i.created_at desc, i.id desc
limit (select $5::bigint);

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
from ((
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
		and i.role = $2::text
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'accepted'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'accepted'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'declined'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'declined'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'revoked'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.role = $2::text
		and i.state = 'revoked'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $3::bigint);

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
from ((
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
		and i.sent_by = $2::text
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = (select 'pending'::text)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'accepted'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'accepted'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'declined'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'declined'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'revoked'
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $2::text
		and i.state = 'revoked'
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $3::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $3::bigint);

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

with size as materialized (
	select pg_catalog.count(*) as n
	from (
		select from "invitations".invitations i
		where i.organization = $1::text
			and not exists (
				select from "invitations".organizations d
				where d.id = $1::text
					and d.deleted
			)
			and i.state = 'pending'
			and i.expires_at > $2::timestamptz
			and i.sent_by <> ''
			and i.sent_by = $7::text
		order by i.expires_at nulls first
		limit (select $6::bigint) + 1
	) as i
),
walked0 as materialized (
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
		and i.sent_by = $7::text
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $6::bigint)
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $6::bigint)
),
live0 as materialized (
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
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and i.kind = (select 'email'::text)
		and ((select s.n from size s) <= (select $6::bigint) or
		(
			select pg_catalog.count(*) = (select $6::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz and i.sent_by <> '' and i.sent_by = $4::text) <
				(select $5::bigint)
			from walked0 i
		))
	order by i.expires_at nulls first
),
walked1 as materialized (
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
		and i.sent_by = $7::text
		and i.state = (select 'pending'::text)
		and (select s.n from size s) > (select $6::bigint)
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $6::bigint)
),
live1 as materialized (
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
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and i.kind = (select 'link'::text)
		and ((select s.n from size s) <= (select $6::bigint) or
		(
			select pg_catalog.count(*) = (select $6::bigint) and pg_catalog.count(*) filter
				(where i.expires_at > $2::timestamptz and i.sent_by <> '' and i.sent_by = $4::text) <
				(select $5::bigint)
			from walked1 i
		))
	order by i.expires_at nulls first
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked0 i
	where i.expires_at > $2::timestamptz
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and not exists (select from live0)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live0 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from walked1 i
	where i.expires_at > $2::timestamptz
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and not exists (select from live1)
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
) union all (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from live1 i
	where true
	order by i.created_at desc, i.id desc
	limit (select $5::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and i.state = $3::text
		and i.kind >= (select 'email'::text)
		and (i.kind, i.created_at) <= ((select 'email'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $5::bigint)
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
		and i.sent_by <> ''
		and i.sent_by = $4::text
		and i.state = $3::text
		and i.kind >= (select 'link'::text)
		and (i.kind, i.created_at) <= ((select 'link'::text), 'infinity')
	order by i.kind desc nulls last, i.created_at desc, i.id desc
	limit (select $5::bigint)
)) as i
order by i.created_at desc, i.id desc
limit (select $5::bigint);

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
	and (i.state = (select 'pending'::text) and i.expires_at > $2::timestamptz or i.state = $3::text)
order by i.created_at desc, i.id desc, i.organization desc
limit $4::bigint;

commit work;
