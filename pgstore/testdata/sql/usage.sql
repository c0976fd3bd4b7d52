-- Usage, first page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select coalesce((
	select q.used
	from "invitations".quotas q
	where q.organization = $1::text
		and q.period = $2::text
		and q.period_start = $3::timestamptz
		and q.user_id = ''
), 0) + coalesce((
	select c.used
	from "invitations".closed_usage c
	where c.organization = $1::text
		and c.period = $2::text
		and c.period_start = $3::timestamptz
		and c.user_id = ''
), 0)
from (select) as one
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select c.user_id, c.used
from ((
	select c.user_id, c.used
	from (
		select q.user_id, q.used + coalesce(c.used, 0) as used
		from "invitations".quotas q
		left join "invitations".closed_usage c on c.organization = $1::text and c.period = $2::text and c.period_start =
			$3::timestamptz and c.user_id = q.user_id
		where q.organization = $1::text
			and q.period = $2::text
			and q.period_start = $3::timestamptz
			and q.user_id <> ''
	) as c
	where c.used > 0
	order by (-c.used), c.user_id
	limit $4::bigint
) union all (
	select c.user_id, c.used
	from "invitations".closed_usage c
	where c.organization = $1::text
		and c.period = $2::text
		and c.period_start = $3::timestamptz
		and c.user_id <> ''
		and not exists (
			select from "invitations".quotas q
			where q.organization = $1::text
				and q.period = $2::text
				and q.period_start = $3::timestamptz
				and q.user_id = c.user_id
		)
		and (c.organization, c.period, c.period_start) <= ($1::text, $2::text, $3::timestamptz)
		and (c.organization, c.period, c.period_start) >= ($1::text, $2::text, $3::timestamptz)
	order by c.organization, c.period, c.period_start, (-c.used), c.user_id
	limit $4::bigint
)) as c
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
)
order by (-c.used), c.user_id
limit $4::bigint;

commit work;

-- Usage, second page: trip 1 of 1

begin isolation level repeatable read read only;

select m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text
from (select) as one
left join "invitations".members m on m.organization = $1::text and m.user_id = $2::text
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select coalesce((
	select q.used
	from "invitations".quotas q
	where q.organization = $1::text
		and q.period = $2::text
		and q.period_start = $3::timestamptz
		and q.user_id = ''
), 0) + coalesce((
	select c.used
	from "invitations".closed_usage c
	where c.organization = $1::text
		and c.period = $2::text
		and c.period_start = $3::timestamptz
		and c.user_id = ''
), 0)
from (select) as one
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
);

select c.user_id, c.used
from ((
	select c.user_id, c.used
	from (
		select q.user_id, q.used + coalesce(c.used, 0) as used
		from "invitations".quotas q
		left join "invitations".closed_usage c on c.organization = $1::text and c.period = $2::text and c.period_start =
			$3::timestamptz and c.user_id = q.user_id
		where q.organization = $1::text
			and q.period = $2::text
			and q.period_start = $3::timestamptz
			and q.user_id <> ''
	) as c
	where c.used > 0
		and ((-c.used), c.user_id) > ((-$5::bigint), $6::text)
	order by (-c.used), c.user_id
	limit $4::bigint
) union all (
	select c.user_id, c.used
	from "invitations".closed_usage c
	where c.organization = $1::text
		and c.period = $2::text
		and c.period_start = $3::timestamptz
		and c.user_id <> ''
		and not exists (
			select from "invitations".quotas q
			where q.organization = $1::text
				and q.period = $2::text
				and q.period_start = $3::timestamptz
				and q.user_id = c.user_id
		)
		and (c.organization, c.period, c.period_start) <= ($1::text, $2::text, $3::timestamptz)
		and (c.organization, c.period, c.period_start, (-c.used), c.user_id) >
		($1::text, $2::text, $3::timestamptz, (-$5::bigint), $6::text)
	order by c.organization, c.period, c.period_start, (-c.used), c.user_id
	limit $4::bigint
)) as c
where not exists (
	select from "invitations".organizations d
	where d.id = $1::text
		and d.deleted
)
order by (-c.used), c.user_id
limit $4::bigint;

commit work;
