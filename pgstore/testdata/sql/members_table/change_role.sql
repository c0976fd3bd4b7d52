-- ChangeRole: trip 1 of 2

begin isolation level read committed;

insert into "invitations".organizations (id, version)
select $1::text, 1
where exists (
	select from "public"."team members" h
	where h."Team" = $1::text
)
on conflict do nothing;

update "invitations".organizations o
set version = o.version + 1
where o.id = $1::text
	and not o.deleted
returning o.version - 1, o.deleted, o.member_limit, o.pending_limit, o.seatless_roles, o.no_links, o.allowed_domains,
	o.expiry;

select m0.organization, m0.user_id, m0.role, m0.joined_at, m0.invitation_id, m0.invited_by, m0.metadata::text,
	m1.organization, m1.user_id, m1.role, m1.joined_at, m1.invitation_id, m1.invited_by, m1.metadata::text,
	(
		select pg_catalog.count(*)
		from (
			select from (
				with recursive roles as ((
					select h."role" as role
					from "public"."team members" h
					where h."Team" = $1::text
					order by h."role"
					limit 1
				) union all select (
					select h."role"
					from "public"."team members" h
					where h."Team" = $1::text
						and h."role" > r.role
					order by h."role"
					limit 1
				) from roles r where r.role is not null)
				select r.role
				from roles r
				where r.role is not null
					and (r.role::text collate "C" = any (o.seatless_roles)) is not true
			) as r
			cross join lateral (
				select from "public"."team members" h
				where h."Team" = $1::text
					and h."role" >= r.role
					and h."role" <= r.role
				order by h."role"
				limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
			) as m
			limit greatest(case when o.member_limit <> 0 then o.member_limit else $2::bigint end, 0)
		) as counted
	), (
		select pg_catalog.count(*)
		from (
			select from "public"."team members" h
			where h."Team" = $1::text
				and h."role" = 'owner'::text
			order by h."account"::text collate "C"
			limit $3::bigint
		) as counted
	)
from (select) as one
left join "invitations".organizations o on o.id = $1::text
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $4::text
) m0 on true
left join lateral (
	select h."Team"::text collate "C" as organization, h."account"::text collate "C" as user_id,
		coalesce(h."role"::text collate "C", '') as role, coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz)
		as joined_at, coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb)::text as metadata
	from "public"."team members" h
	left join "invitations".members x on x.organization = h."Team"::text collate "C" and x.user_id = h."account"::text
		collate "C"
	where h."Team" = $1::text
		and h."account" = $5::text
) m1 on true;

select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from ((
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.organization = $1::text
		and i.expires_at > $2::timestamptz
		and i.state = 'pending'
		and i.sent_by <> ''
		and i.sent_by = $3::text
	order by i.expires_at nulls first
)) as i
order by i.created_at desc, i.id desc;

-- ChangeRole: trip 2 of 2

with w0 as (
	insert into "invitations".members as t (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
	values ($1::text, $2::text, $3::text, $4::timestamptz, $5::uuid, $6::text, $7::jsonb)
	on conflict (organization, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
		invitation_id = excluded.invitation_id, invited_by = excluded.invited_by, metadata = excluded.metadata
),
w1 as (
	update "public"."team members" h
	set "role" = $8::text
	where h."Team" = $9::text
		and h."account" = $10::text
)
insert into "invitations".events as t (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
	reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed,
	limits)
values ($11::text, $12::bigint, $13::integer, $14::text, $15::timestamptz, $16::text, $17::text, $18::uuid, $19::text,
	$20::text, $21::bigint, $22::text, $23::text, $24::bigint, $25::timestamptz, $26::text, $27::text, $28::text[],
	$29::text[], $30::jsonb);

commit work;
