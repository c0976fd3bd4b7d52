-- Workspaces: trip 1 of 1

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

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
	where h."account" = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = h."Team"::text collate "C"
				and d.deleted
		)
	order by h."Team"::text collate "C"
	limit $2::bigint
) as m
left join "invitations".quotas o on o.organization = m.organization and o.user_id = $1::text
left join "invitations".quotas s on s.organization = m.organization and s.user_id = ''
order by m.organization;

commit work;
