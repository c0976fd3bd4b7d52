-- +goose Up

-- The number of pending invitations that expire after pending_at, of an organization that has many. It
-- is null where they are few and can be counted. It holds at the version pending_version only: a change
-- by a program that does not know of the number makes it invalid.
alter table {schema}.organizations add column if not exists pending_count bigint;
alter table {schema}.organizations add column if not exists pending_at timestamptz;
alter table {schema}.organizations add column if not exists pending_version bigint;

insert into {schema}.migrations (version) values (3) on conflict do nothing;
