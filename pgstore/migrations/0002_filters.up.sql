-- +goose Up

-- For the lists by states, kind and role, and those by sender. Each combination of filters is a range
-- in the order of a page, so filters that exclude each other read nothing. The expiry tells pending
-- invitations from expired ones before the row is read.
--
-- No column is null. The place of nulls in the kind gives an index an order of its own, by which a
-- statement names it: the planner might take another one, and read a million rows to find a few.
create index if not exists invitations_by_state on {schema}.invitations
	(organization, state, kind, created_at, id, expires_at);
create index if not exists invitations_by_role on {schema}.invitations
	(organization, role, state, kind nulls first, created_at, id, expires_at);
create index if not exists invitations_by_sender on {schema}.invitations
	(sent_by asc, organization, state, kind nulls first, created_at, id, expires_at) where sent_by <> '';
-- For the pending limit, reserved seats and the list of pending invitations.
create index if not exists invitations_live on {schema}.invitations (organization, expires_at, kind, role) where state = 'pending';
-- For the pending invitations of a sender.
create index if not exists invitations_live_by_sender on {schema}.invitations
	(sent_by asc, organization, expires_at nulls first, kind) where state = 'pending' and sent_by <> '';

insert into {schema}.migrations (version) values (2) on conflict do nothing;
