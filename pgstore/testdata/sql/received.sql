-- Received: trip 1 of 1

begin isolation level repeatable read read only;

with live as materialized (
	select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
		i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
		i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
	from "invitations".invitations i
	where i.email <> ''
		and i.email = $1::text
		and not exists (
			select from "invitations".organizations d
			where d.id = i.organization
				and d.deleted
		)
		and i.state = 'pending'
		and i.expires_at > $2::timestamptz
)
select i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains,
	i.max_uses, i.uses, i.created_by, i.sent_by, i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at,
	i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at
from live i
where i.email <> ''
	and i.email = $1::text
order by i.created_at desc, i.id desc, i.organization desc
limit $3::bigint;

commit work;
