-- Timeline, oldest first, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
order by e.version, e.ordinal
limit $2::bigint;

commit work;

-- Timeline, oldest first, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and (e.version, e.ordinal) > ($2::bigint, $3::integer)
order by e.version, e.ordinal
limit $4::bigint;

commit work;

-- Timeline, newest first, of one invitation: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and e.invitation_id = $2::uuid
order by e.version desc, e.ordinal desc
limit $3::bigint;

commit work;

-- Timeline, newest first, of an actor: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and e.actor <> ''
	and (e.actor, e.organization) >= ($2::text, $1::text)
	and (e.actor, e.organization) <= ($2::text, $1::text)
order by e.actor desc, e.organization desc, e.version desc, e.ordinal desc
limit $3::bigint;

commit work;

-- Timeline, newest first, of an actor, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from "invitations".events e
where e.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and e.actor <> ''
	and (e.actor, e.organization) >= ($4::text, $1::text)
	and (e.actor, e.organization, e.version, e.ordinal) < ($4::text, $1::text, $2::bigint, $3::integer)
order by e.actor desc, e.organization desc, e.version desc, e.ordinal desc
limit $5::bigint;

commit work;

-- Timeline, of two types in a period: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from ((
	select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
		e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and e.at >= $2::timestamptz
		and e.at < $3::timestamptz
		and e.type <= $4::text
		and e.type >= $4::text
	order by e.type, e.version, e.ordinal
	limit $6::bigint
) union all (
	select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
		e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and e.at >= $2::timestamptz
		and e.at < $3::timestamptz
		and e.type <= $5::text
		and e.type >= $5::text
	order by e.type, e.version, e.ordinal
	limit $6::bigint
)) as e
order by e.version, e.ordinal
limit $6::bigint;

commit work;

-- Timeline, of two types in a period, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
	e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by, e.allowed_domains,
	e.changed, e.limits::text
from ((
	select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
		e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and e.at >= $4::timestamptz
		and e.at < $5::timestamptz
		and e.type <= $6::text
		and (e.type, e.version, e.ordinal) > ($6::text, $2::bigint, $3::integer)
	order by e.type, e.version, e.ordinal
	limit $8::bigint
) union all (
	select e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason,
		e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
		e.allowed_domains, e.changed, e.limits::text
	from "invitations".events e
	where e.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
		and e.at >= $4::timestamptz
		and e.at < $5::timestamptz
		and e.type <= $7::text
		and (e.type, e.version, e.ordinal) > ($7::text, $2::bigint, $3::integer)
	order by e.type, e.version, e.ordinal
	limit $8::bigint
)) as e
order by e.version, e.ordinal
limit $8::bigint;

commit work;
