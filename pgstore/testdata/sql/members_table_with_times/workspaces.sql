-- Workspaces: trip 1 of 1

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

select h."org"::text collate "C" as organization, h."person"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(case when h."joined on" =
	(x.joined_at at time zone 'UTC')::date then x.joined_at else (h."joined on"::timestamp at time zone 'UTC') end,
	x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
	coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from "public"."members" h
left join "invitations".members x on x.organization = h."org"::text collate "C" and x.user_id = h."person"::text collate
	"C"
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h."org"::text collate "C"
		and q.user_id = $1::text
	limit 1
) o on true
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h."org"::text collate "C"
		and q.user_id = ''
	limit 1
) s on true
where h."person" = $1::text
	and h."gone" is null
	and not exists (
		select from "invitations".organizations d
		where d.id = h."org"::text collate "C"
			and d.deleted
	)
order by h."org"::text collate "C"
limit $2::bigint;

commit work;
