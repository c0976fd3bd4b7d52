-- Workspaces: trip 1 of 1

begin isolation level repeatable read read only;

select q.quota_limit, q.period, q.version, q.period_start, q.used
from "invitations".personal_quotas q
where q.user_id = $1::text;

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from "invitations".members h
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h.organization::text collate "C"
		and q.user_id = $1::text
	limit 1
) o on true
left join lateral (
	select q.quota_limit, q.period, q.version, q.period_start, q.used
	from "invitations".quotas q
	where q.organization = h.organization::text collate "C"
		and q.user_id = ''
	limit 1
) s on true
where h.user_id = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = h.organization::text collate "C"
			and d.deleted
	)
order by h.organization::text collate "C"
limit $2::bigint;

commit work;
