-- Feed: trip 1 of 1

begin isolation level read committed;

with found as materialized (
	select e.organization, e.version, e.ordinal
	from "invitations".events e
	where e.position is null
	order by e.organization, e.version, e.ordinal
	limit 1000
),
locked as materialized (
	select f.last
	from "invitations".feed f
	where exists (select from found)
	for no key update
),
positions as materialized (
	select e.organization, e.version, e.ordinal, l.last + pg_catalog.row_number() over
		(order by e.organization, e.version, e.ordinal) as position
	from found e
	cross join locked l
),
numbered as (
	update "invitations".events e
	set position = n.position
	from positions n
	where e.organization = n.organization
		and e.version = n.version
		and e.ordinal = n.ordinal
		and coalesce(e.position, 0) = 0
		and n.position > 0
		and n.position < 9223372036854775807
)
update "invitations".feed
set last = n.last
from (select pg_catalog.max(position) as last from positions) n
where n.last is not null;

select e.position, e.organization, e.version, e.ordinal, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role,
	e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at, e.former_role, e.invited_by,
	e.allowed_domains, e.changed, e.limits::text
from "invitations".events e
where e.position > $1::bigint
order by e.position
limit $2::bigint;

commit work;
