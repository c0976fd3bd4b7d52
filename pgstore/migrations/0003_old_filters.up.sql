-- +goose Up

-- The indexes of migration 0002 take the place of these. They go in a file of their own: to drop an index
-- takes a stronger lock than to make one, and a transaction that asks for it later can deadlock with a
-- program that is running.
drop index if exists {schema}.invitations_state;
drop index if exists {schema}.invitations_role;
drop index if exists {schema}.invitations_link;
drop index if exists {schema}.invitations_sent_by;
drop index if exists {schema}.invitations_pending;

insert into {schema}.migrations (version) values (3) on conflict do nothing;
