-- A column named value holds a whole value of package invitations as JSON, so a field that a later
-- version of the library adds needs no migration. The columns before it are its key. The columns
-- after it are generated from the JSON, for filters and orders, so nothing is stored twice.
--
-- As texts, UUIDs compare like their bytes. Times compare like instants only without the final Z:
-- "00.5Z" is before "00Z", but "00.5" is after "00".

create table if not exists organizations (
	id      text primary key,
	version integer not null
) strict, without rowid;

create table if not exists members (
	organization text not null,
	user_id      text not null,
	value        text not null, -- Member
	role         text as (value ->> 'role'),
	primary key (organization, user_id)
) strict, without rowid;

create index if not exists members_by_user on members (user_id, organization);
create index if not exists members_by_role on members (organization, role);

create table if not exists removals (
	organization text not null,
	user_id      text not null,
	version      integer not null,
	primary key (organization, user_id)
) strict, without rowid;

create table if not exists quotas (
	organization text not null, -- empty for a personal quota
	user_id      text not null, -- empty for the organization's own quota
	value        text not null, -- QuotaRecord
	primary key (organization, user_id)
) strict, without rowid;

create table if not exists invitations (
	organization text not null,
	id           text not null,
	value        text not null, -- Record
	kind         text as (value ->> 'kind'),
	state        text as (value ->> 'state'),
	email        text as (value ->> 'email'),
	role         text as (value ->> 'role'),
	sent_by      text as (value ->> 'sent_by'),
	created_at   text as (rtrim(value ->> 'created_at', 'Z')),
	expires_at   text as (rtrim(value ->> 'expires_at', 'Z')),
	sweep_at     text as (rtrim(value ->> 'sweep_at', 'Z')),
	primary key (organization, id)
) strict;

create index if not exists invitations_by_age on invitations (organization, created_at, id);
create index if not exists invitations_pending on invitations (organization, expires_at, kind)
	where state = 'pending';
create index if not exists invitations_received on invitations (email, organization, expires_at)
	where state = 'pending';
create index if not exists invitations_due on invitations (sweep_at) where state = 'pending';

create table if not exists events (
	position      integer primary key autoincrement, -- in the feed
	organization  text not null,
	version       integer not null,
	place         integer not null, -- Index, which is a keyword of SQL
	value         text not null,    -- Event
	type          text as (value ->> 'type'),
	at            text as (rtrim(value ->> 'at', 'Z')),
	email         text as (value ->> 'email'),
	invitation_id text as (value ->> 'invitation_id'),
	unique (organization, version, place)
) strict;

create index if not exists events_sendings on events (organization, at, version, place) where email is not null;
