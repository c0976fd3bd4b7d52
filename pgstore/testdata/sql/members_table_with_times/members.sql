-- Members, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = $1::text
		and h."gone" is null
		and h."person" = $2::text
) m on true;

select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
	(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
	x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
	coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."members" h
left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text collate
	"C"
where h."org" = $1::text
	and h."gone" is null
order by h."person"::text collate "C"
limit $2::bigint;

commit work;

-- Members, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = $1::text
		and h."gone" is null
		and h."person" = $2::text
) m on true;

select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
	(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
	x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
	coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."members" h
left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text collate
	"C"
where h."org" = $1::text
	and h."gone" is null
	and h."person"::text collate "C" > $2::text
order by h."person"::text collate "C"
limit $3::bigint;

commit work;

-- Members, of a role: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join lateral (
	select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
		(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
		x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."members" h
	left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text
		collate "C"
	where h."org" = $1::text
		and h."gone" is null
		and h."person" = $2::text
) m on true;

select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
	(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
	x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
	coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
from "public"."members" h
left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text collate
	"C"
where h."org" = $1::text
	and h."gone" is null
	and h."role" = $2::text
order by h."person"::text collate "C"
limit $3::bigint;

commit work;
