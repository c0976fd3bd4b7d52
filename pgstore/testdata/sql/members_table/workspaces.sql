-- Workspaces: trip 1 of 1

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
	coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as
	joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
	coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from "public"."team members" h
left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
	collate "C"
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h."Team"::text collate "C"
		and q.user_id = $1::text
	limit 1
) o on true
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h."Team"::text collate "C"
		and q.user_id = ''
	limit 1
) s on true
where h."account" = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = h."Team"::text collate "C"
			and d.deleted
	)
order by h."Team"::text collate "C"
limit $2::bigint;

commit work;
