-- Members, first page: trip 1 of 1

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
order by h.user_id::text collate "C"
limit $2::bigint;

-- Members, second page: trip 1 of 1

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and h.user_id::text collate "C" > $2::text
order by h.user_id::text collate "C"
limit $3::bigint;

-- Members, of a role: trip 1 of 1

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
from "invitations".members h
where h.organization = $1::text
	and not exists (
		select from "invitations".organizations d
		where d.id = $1::text
			and d.deleted
	)
	and h.role = $2::text
order by h.user_id::text collate "C"
limit $3::bigint;

-- Members, with balances: trip 1 of 1

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text, o.quota_limit,
	o.period, o.version, o.period_start, o.used, s.quota_limit, s.period, s.version, s.period_start, s.used
from (
	select h.organization, h.user_id, h.role, h.joined_at, h.invitation_id, h.invited_by, h.metadata::text
	from "invitations".members h
	where h.organization = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = $1::text
				and d.deleted
		)
	order by h.user_id::text collate "C"
	limit $2::bigint
) as m
left join "invitations".quotas o on o.organization = $1::text and o.user_id = m.user_id
left join "invitations".quotas s on s.organization = $1::text and s.user_id = ''
order by m.user_id;
