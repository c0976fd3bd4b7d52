-- Workspaces: trip 1 of 1

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from (
	select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
	from "invitations".members h
	where h.user_id = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = h.organization::text collate "C"
				and d.deleted
		)
	order by h.organization::text collate "C"
	limit $2::bigint
) as m
left join "invitations".quotas o on o.organization = m.organization and o.user_id = $1::text
left join "invitations".quotas s on s.organization = m.organization and s.user_id = ''
order by m.organization;

commit work;
