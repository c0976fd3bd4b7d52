-- +goose Up

-- All rows of an organization are written under the lock of its row in organizations, so there
-- are no foreign keys. The organization leads every unique key and there are no sequences, so a
-- distributed PostgreSQL can place each organization as a whole. Only personal_quotas and feed
-- belong to no organization.
--
-- An index that begins with another column is read in its order, which is spelt out: some engines
-- would hash the column.
--
-- Texts have the collation "C": they are compared byte for byte, whatever the collation of the
-- database is. A text or UUID without a value is empty or zero. Only times and places in the feed
-- can be null.
--
-- A file that is applied twice changes nothing. So a tool can apply what Migrate or another tool
-- has applied already, and psql can repeat a file that was interrupted.

-- +goose StatementBegin
do $do$
declare
	other name;
begin
	-- "create schema if not exists" needs a privilege on the database even if the schema exists.
	if not exists (select from pg_catalog.pg_namespace n where n.nspname = {'schema'}) then
		create schema {schema};
	end if;
	-- The tables below are created if they do not exist. A table of another program must not pass
	-- for one of them.
	select c.relname into other
	from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid
	where n.nspname = {'schema'} and c.relname in
			('organizations', 'invitations', 'members', 'removals', 'events', 'feed', 'quotas', 'closed_usage', 'personal_quotas')
		and not exists (select from pg_catalog.pg_class m where m.relnamespace = n.oid and m.relname = 'migrations')
	order by c.relname limit 1;
	if found then
		raise exception 'the schema has a table % of another program', other using errcode = 'duplicate_table';
	end if;
end
$do$;
-- +goose StatementEnd

-- The versions that were applied. Every migration ends by adding its own, whichever tool applies it.
create table if not exists {schema}.migrations (version integer not null primary key);

-- The row of a deleted organization remains, so that its ID stays taken. Zero, false and empty
-- limits are not set.
create table if not exists {schema}.organizations (
	id              text collate "C" not null primary key,
	version         bigint not null,
	deleted         boolean not null default false,
	purged          boolean not null default false, -- deleted, and its rows of all other tables except events too
	member_limit    bigint not null default 0, -- -1: none
	pending_limit   bigint not null default 0,
	seatless_roles  text[] collate "C" not null default '{}',
	no_links        boolean not null default false,
	allowed_domains text[] collate "C" not null default '{}',
	expiry          bigint not null default 0 -- in microseconds
);

-- For Purge: the deleted organizations that have rows left.
create index if not exists organizations_deleted on {schema}.organizations (id asc) where deleted and not purged;

create table if not exists {schema}.invitations (
	organization    text collate "C" not null,
	id              uuid not null,
	kind            text collate "C" not null,
	state           text collate "C" not null, -- never 'expired', which follows from expires_at
	email           text collate "C" not null,
	role            text collate "C" not null,
	message         text collate "C" not null,
	metadata        jsonb not null,
	allowed_domains text[] collate "C" not null,
	max_uses        bigint not null,
	uses            bigint not null,
	created_by      text collate "C" not null,
	sent_by         text collate "C" not null,
	accepted_by     text collate "C" not null,
	created_at      timestamptz not null,
	sent_at         timestamptz not null,
	expires_at      timestamptz not null,
	ended_at        timestamptz,
	nonce           bytea not null,
	sent_version    bigint not null,
	quota_limit     bigint not null,
	quota_period    text collate "C" not null,
	sweep_at        timestamptz, -- the next instant with work for a sweep
	primary key (organization, id),
	constraint invitations_uses check (uses >= 0 and (max_uses = 0 or uses <= max_uses))
);

-- For the pending limit and the list of pending invitations.
create index if not exists invitations_pending on {schema}.invitations (organization, expires_at) where state = 'pending';
-- For the lists, one for each filter. An index has one direction if its first columns are
-- compared with ranges.
create index if not exists invitations_created on {schema}.invitations (organization, created_at desc, id desc);
create index if not exists invitations_state on {schema}.invitations (organization, state, created_at, id);
create index if not exists invitations_role on {schema}.invitations (organization, role, created_at, id);
create index if not exists invitations_sent_by on {schema}.invitations (sent_by asc, organization, created_at, id) where sent_by <> '';
create index if not exists invitations_email on {schema}.invitations (organization, email, created_at desc, id desc) where email <> '';
create index if not exists invitations_link on {schema}.invitations (organization, created_at desc, id desc) where kind = 'link';
-- For the invitations that a person has received, and the due ones, of all organizations.
create index if not exists invitations_received on {schema}.invitations (email asc, expires_at) where state = 'pending' and email <> '';
create index if not exists invitations_due on {schema}.invitations (sweep_at asc) where state = 'pending' and sweep_at is not null;
-- For all invitations of an address, in all organizations.
create index if not exists invitations_address on {schema}.invitations (email asc, created_at desc, id desc, organization desc) where email <> '';
-- For the traces of a user.
create index if not exists invitations_created_by on {schema}.invitations (created_by asc, organization) where created_by <> sent_by and created_by <> '';
create index if not exists invitations_accepted_by on {schema}.invitations (accepted_by asc, organization) where accepted_by <> '';
-- For Purge: the instant since which an invitation is old.
create index if not exists invitations_old on {schema}.invitations
	((case when state = 'pending' then expires_at else coalesce(ended_at, '-infinity') end) asc);

create table if not exists {schema}.members (
	organization  text collate "C" not null,
	user_id       text collate "C" not null,
	role          text collate "C" not null,
	joined_at     timestamptz not null,
	invitation_id uuid not null,
	invited_by    text collate "C" not null,
	metadata      jsonb not null,
	primary key (organization, user_id)
);

-- For the organizations of a user.
create index if not exists members_user on {schema}.members (user_id asc, organization);
-- For the members of a role, and the owners.
create index if not exists members_role on {schema}.members (organization, role, user_id);
-- For the traces of an inviter.
create index if not exists members_invited_by on {schema}.members (invited_by asc, organization) where invited_by <> '';

-- The version at which a user was last removed or demoted. Invitations sent up to then do not
-- admit them.
create table if not exists {schema}.removals (
	organization text collate "C" not null,
	user_id      text collate "C" not null,
	version      bigint not null,
	primary key (organization, user_id)
);

create table if not exists {schema}.events (
	organization  text collate "C" not null,
	version       bigint not null,
	ordinal       integer not null,
	type          text collate "C" not null,
	at            timestamptz not null,
	actor         text collate "C" not null,
	subject       text collate "C" not null,
	invitation_id uuid not null,
	role          text collate "C" not null,
	reason        text collate "C" not null,
	quota_limit   bigint not null,
	quota_period  text collate "C" not null,
	email         text collate "C" not null,
	max_uses      bigint not null,
	expires_at    timestamptz not null, -- the year 1 if the event is not about an invitation
	former_role     text collate "C" not null,
	invited_by      text collate "C" not null,
	allowed_domains text[] collate "C" not null,
	changed         text[] collate "C" not null,
	limits          jsonb, -- null if the event is not about limits
	position      bigint, -- in the feed; given when the feed is read
	primary key (organization, version, ordinal)
);

create index if not exists events_invitation on {schema}.events (organization, invitation_id, version, ordinal);
-- For the sending limits.
create index if not exists events_sent on {schema}.events (organization, at, version, ordinal) include (actor, email)
	where email <> '' and type in ('invitation.created', 'invitation.resent');
-- For the filters of the timeline, and the traces of a person.
create index if not exists events_type on {schema}.events (organization, type, version, ordinal);
create index if not exists events_actor on {schema}.events (actor asc, organization, version, ordinal) where actor <> '';
create index if not exists events_subject on {schema}.events (subject asc, organization, version, ordinal) where subject <> '' and subject <> actor;
create index if not exists events_invited_by on {schema}.events (invited_by asc, organization, version, ordinal) where invited_by <> '' and invited_by <> actor;
create index if not exists events_email on {schema}.events (email asc, organization, version, ordinal) where email <> '';
-- For Purge: the events in the feed, by age.
create index if not exists events_numbered on {schema}.events (at asc) where position is not null;
-- For the feed. The index is not unique, because it has no organization: the lock of the row in feed
-- makes the positions unique.
create index if not exists events_feed on {schema}.events (position asc) where position is not null;
create index if not exists events_unnumbered on {schema}.events (organization asc, version, ordinal) where position is null;

-- The last position in the feed, in a single row. Only readers of the feed write it.
create table if not exists {schema}.feed (last bigint not null);
insert into {schema}.feed (last) select 0 where not exists (select from {schema}.feed);

-- A quota of an organization, or of a member if user_id is not empty: the limit of a period, and
-- the amount used in the period that began at period_start. It stays when the member leaves.
create table if not exists {schema}.quotas (
	organization text collate "C" not null,
	user_id      text collate "C" not null,
	quota_limit  bigint not null,
	period       text collate "C" not null, -- empty: not limited
	version      bigint not null,
	period_start timestamptz not null default '0001-01-01 00:00:00+00',
	used         bigint not null default 0,
	primary key (organization, user_id)
);

-- For the usage in a period. It has no column that a consumption changes within a period, so the
-- server need not write the index.
create index if not exists quotas_period on {schema}.quotas (organization, period, period_start);

-- The amounts used in periods that are over.
create table if not exists {schema}.closed_usage (
	organization text collate "C" not null,
	user_id      text collate "C" not null, -- empty: of the shared quota
	period       text collate "C" not null,
	period_start timestamptz not null,
	used         bigint not null,
	primary key (organization, period, period_start, user_id)
);

-- For the pages of a period, the highest amount first.
create index if not exists closed_usage_used on {schema}.closed_usage (organization, period, period_start, (-used), user_id);

-- A quota of a user outside of all organizations.
create table if not exists {schema}.personal_quotas (
	user_id      text collate "C" not null primary key,
	quota_limit  bigint not null,
	period       text collate "C" not null,
	version      bigint not null default 0,
	period_start timestamptz not null default '0001-01-01 00:00:00+00',
	used         bigint not null default 0
);

insert into {schema}.migrations (version) values (1) on conflict do nothing;
