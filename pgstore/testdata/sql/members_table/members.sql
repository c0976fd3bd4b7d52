-- Members, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $2::text
) m on true
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as
	joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."team members" h
left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
	collate "C"
where h."Team" = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
order by h."account"::text collate "C"
limit $2::bigint;

commit work;

-- Members, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $2::text
) m on true
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as
	joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."team members" h
left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
	collate "C"
where h."Team" = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and h."account"::text collate "C" > $2::text
order by h."account"::text collate "C"
limit $3::bigint;

commit work;

-- Members, of a role: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $2::text
) m on true
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as
	joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."team members" h
left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
	collate "C"
where h."Team" = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and h."role" = $2::text
order by h."account"::text collate "C"
limit $3::bigint;

commit work;

-- Members, with balances: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $2::text
) m on true
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
	order by h."account"::text collate "C"
	limit $2::bigint
) as m
left join "invitations".quotas o on o.organization = $1::text and o.user_id = m.user_id
left join "invitations".quotas s on s.organization = $1::text and s.user_id = ''
order by m.user_id;

commit work;
