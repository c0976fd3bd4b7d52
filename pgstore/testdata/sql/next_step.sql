-- NextStep: trip 1 of 1

begin isolation level repeatable read read only;

select o.version, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry, (
		select pg_catalog.count(*)
		from (
			select from "invitations".members h
			where h.organization = $1::text
				and h.role = 'owner'::text
			order by h.user_id::text collate "C"
			limit $2::bigint
		) as counted
	)
from "invitations".organizations o
where o.id = $1::text
	and not o.deleted;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at, m.organization, m.user_id, m.role, m.joined_at,
	m.invitation_id, m.invited_by, m.metadata::text
from "invitations".invitations i
left join "invitations".members m on m.organization = i.organization and m.user_id = nullif(i.sent_by, '')
where i.organization = $1::text
	and (i.id = $2::uuid or i.email <> '' and i.email = $3::text and i.state = (select 'pending'::text) and i.expires_at
	> $4::timestamptz)
order by i.created_at desc, i.id desc;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	r0.version, q0.quota_limit, q0.period, q0.version, q0.period_start, q0.used, q1.quota_limit, q1.period, q1.version,
	q1.period_start, q1.used, (
		select pg_catalog.count(*)
		from (
			select from (
				with recursive roles as ((
					select h.role as role
					from "invitations".members h
					where h.organization = $1::text
					order by h.role
					limit 1
				) union all select (
					select h.role
					from "invitations".members h
					where h.organization = $1::text
						and h.role > r.role
					order by h.role
					limit 1
				) from roles r where r.role is not null)
				select r.role
				from roles r
				where r.role is not null
					and (r.role::text collate "C" = any (o.seatless_roles)) is not true
			) as r
			cross join lateral (
				select from "invitations".members h
				where h.organization = $1::text
					and h.role >= r.role
					and h.role <= r.role
				order by h.role
				limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
			) as m
			limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
		) as counted
	)
from (select) as one
left join "invitations".organizations o on o.id = $1::text
left join "invitations".quotas q0 on q0.organization = $1::text and q0.user_id = ''
left join "invitations".members m0 on m0.organization = $1::text and m0.user_id = $3::text
left join "invitations".removals r0 on r0.organization = $1::text and r0.user_id = $3::text
left join "invitations".quotas q1 on q1.organization = $1::text and q1.user_id = $3::text;

commit work;
