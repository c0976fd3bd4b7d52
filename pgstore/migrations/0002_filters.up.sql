-- +goose Up

-- For the lists by states, kind and role, and those by sender. Each combination of filters is a range
-- in the order of a page, so filters that exclude each other read nothing. The expiry tells pending
-- invitations from expired ones before the row is read.
--
-- No column below is null. The places of nulls give each index an order of its own, by which a
-- statement names it. Otherwise the planner might take another one that has the rows in the order of a
-- page too, and read a million rows to find a few.
create index if not exists invitations_by_state on {schema}.invitations
	(organization, state, kind, created_at nulls first, id, expires_at);
create index if not exists invitations_by_role on {schema}.invitations
	(organization, role, state, kind, created_at, id nulls first, expires_at);
create index if not exists invitations_by_sender on {schema}.invitations
	(sent_by asc, organization, state, kind, created_at nulls first, id nulls first, expires_at) where sent_by <> '';
-- For the pending invitations of a sender.
create index if not exists invitations_pending_by on {schema}.invitations
	(sent_by asc, organization, expires_at nulls first) where state = 'pending' and sent_by <> '';

-- These were for the same lists.
drop index if exists {schema}.invitations_state;
drop index if exists {schema}.invitations_role;
drop index if exists {schema}.invitations_link;
drop index if exists {schema}.invitations_sent_by;

insert into {schema}.migrations (version) values (2) on conflict do nothing;
