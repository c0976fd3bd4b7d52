-- +goose Up

-- The tables stand beside those of the host, hence the prefix in their names and in those of their
-- indexes. A file that is applied twice changes nothing.
--
-- A column named value holds a whole value of package invitations as JSON, so a field that a later
-- version of the library adds needs no migration. The columns before it are its key. The columns
-- after it are generated from the JSON, for filters and orders, so nothing is stored twice.
--
-- As texts, UUIDs compare like their bytes. Times compare like instants only without the final Z:
-- "00.5Z" is before "00Z", but "00.5" is after "00".
--
-- Atlas reads these files by patterns: the WHERE of a partial index is in capitals, and no comment is
-- between a generated column and the comma before it.

-- The tables below are created if they do not exist. A table of another program must not pass for one
-- of them. SQLite has no other statement that fails with a text.
select json_extract('{}', 'the table ' || name || ' is of another program') from sqlite_schema
where type in ('table', 'view') and lower(name) in (
		'invitations_organizations', 'invitations_members', 'invitations_removals', 'invitations_quotas',
		'invitations_closed_periods', 'invitations_invitations', 'invitations_events'
	) and not exists (select 1 from sqlite_schema where lower(name) = 'invitations_migrations');

-- The versions that were applied. Every migration ends by adding its own, whichever tool applies it.
create table if not exists invitations_migrations (version integer primary key) strict;

-- The row of a deleted organization remains, so that its ID stays taken.
create table if not exists invitations_organizations (
	id      text primary key,
	version integer not null,
	deleted integer not null default 0, -- or 1
	purged  integer not null default 0, -- or 1: deleted, and its rows of all other tables except events too
	limits  text not null default '{}'  -- Limits
) strict, without rowid;

-- For Purge: the deleted organizations that have rows left.
create index if not exists invitations_organizations_deleted on invitations_organizations (id) WHERE deleted and not purged;

create table if not exists invitations_members (
	organization text not null,
	user_id      text not null,
	-- Member
	value        text not null,
	role         text as (value ->> 'role'),
	invitation   text as (value ->> 'invitation_id'),
	invited_by   text as (value ->> 'invited_by'),
	primary key (organization, user_id)
) strict, without rowid;

create index if not exists invitations_members_by_user on invitations_members (user_id, organization);
create index if not exists invitations_members_by_role on invitations_members (organization, role);
create index if not exists invitations_members_by_inviter on invitations_members (invited_by, organization);

create table if not exists invitations_removals (
	organization text not null,
	user_id      text not null,
	version      integer not null,
	primary key (organization, user_id)
) strict, without rowid;

create table if not exists invitations_quotas (
	organization text not null, -- empty for a personal quota
	user_id      text not null, -- empty for the organization's own quota
	-- QuotaRecord
	value        text not null,
	period       text as (value ->> 'period'),
	period_start text as (rtrim(value ->> 'period_start', 'Z')),
	used         integer as (value ->> 'used'),
	primary key (organization, user_id)
) strict, without rowid;

-- The amounts used in periods that are over.
create table if not exists invitations_closed_periods (
	organization text not null,
	user_id      text not null, -- empty for the organization's own quota
	period       text not null,
	period_start text not null,
	used         integer not null,
	primary key (organization, period, period_start, user_id)
) strict, without rowid;

create table if not exists invitations_invitations (
	organization text not null,
	id           text not null,
	-- Record
	value        text not null,
	kind         text as (value ->> 'kind'),
	state        text as (value ->> 'state'),
	email        text as (value ->> 'email'),
	role         text as (value ->> 'role'),
	created_by   text as (value ->> 'created_by'),
	sent_by      text as (value ->> 'sent_by'),
	accepted_by  text as (value ->> 'accepted_by'),
	created_at   text as (rtrim(value ->> 'created_at', 'Z')),
	expires_at   text as (rtrim(value ->> 'expires_at', 'Z')),
	sweep_at     text as (rtrim(value ->> 'sweep_at', 'Z')),
	over_at      text as (iif(state = 'pending', expires_at, coalesce(rtrim(value ->> 'ended_at', 'Z'), ''))),
	primary key (organization, id)
) strict;

create index if not exists invitations_invitations_by_age on invitations_invitations (organization, created_at, id);
create index if not exists invitations_invitations_pending on invitations_invitations (organization, expires_at, kind, role)
	WHERE state = 'pending';
create index if not exists invitations_invitations_due on invitations_invitations (sweep_at) WHERE state = 'pending';
create index if not exists invitations_invitations_over on invitations_invitations (over_at);
-- For searches by address, in one organization and in all.
create index if not exists invitations_invitations_by_email on invitations_invitations (organization, email, created_at desc, id desc);
create index if not exists invitations_invitations_received on invitations_invitations (email, organization, expires_at);
-- For the traces of a user.
create index if not exists invitations_invitations_by_creator on invitations_invitations (created_by, organization);
create index if not exists invitations_invitations_by_sender on invitations_invitations (sent_by, organization);
create index if not exists invitations_invitations_by_joiner on invitations_invitations (accepted_by, organization);

create table if not exists invitations_events (
	position      integer primary key autoincrement, -- in the feed
	organization  text not null,
	version       integer not null,
	place         integer not null, -- Index, which is a keyword of SQL
	-- Event
	value         text not null,
	type          text as (value ->> 'type'),
	at            text as (rtrim(value ->> 'at', 'Z')),
	email         text as (value ->> 'email'),
	sent_to       text as (iif(type in ('invitation.created', 'invitation.resent'), email, null)),
	invitation_id text as (value ->> 'invitation_id'),
	actor         text as (value ->> 'actor'),
	subject       text as (value ->> 'subject'),
	invited_by    text as (value ->> 'invited_by'),
	unique (organization, version, place)
) strict;

create index if not exists invitations_events_sendings on invitations_events (organization, at, version, place) WHERE sent_to is not null;
create index if not exists invitations_events_by_age on invitations_events (at);
-- For the traces of a person.
create index if not exists invitations_events_by_email on invitations_events (email, organization);
create index if not exists invitations_events_by_actor on invitations_events (actor, organization);
create index if not exists invitations_events_by_subject on invitations_events (subject, organization);
create index if not exists invitations_events_by_inviter on invitations_events (invited_by, organization);

insert into invitations_migrations (version) values (1) on conflict do nothing;
