-- Every table of an organization is led by its id, and all rows of an organization are
-- written under the lock of its row in organizations: so there is no foreign key to
-- check, no sequence to share, and a distributed PostgreSQL can place each organization
-- as a whole. (personal_quotas and feed belong to no organization.) Texts have the collation "C":
-- they are compared byte for byte, whatever the database's own collation says. Where
-- there is nothing to say, a text is empty and a UUID zero; NULL, which equals nothing and
-- so hides bugs, is left to what may be missing: a time, or a place in the feed.

create schema if not exists {schema};

create table {schema}.organizations (
	id      text collate "C" not null primary key,
	version bigint not null
);

create table {schema}.invitations (
	organization    text collate "C" not null,
	id              uuid not null,
	kind            text collate "C" not null,
	state           text collate "C" not null, -- never 'expired': that is derived from expires_at
	email           text collate "C" not null,
	role            text collate "C" not null,
	message         text collate "C" not null,
	metadata        jsonb not null,
	allowed_domains text[] collate "C" not null,
	max_uses        bigint not null,
	uses            bigint not null,
	created_by      text collate "C" not null,
	sent_by         text collate "C" not null,
	created_at      timestamptz not null,
	sent_at         timestamptz not null,
	expires_at      timestamptz not null,
	ended_at        timestamptz,
	nonce           bytea not null,
	sent_version    bigint not null,
	quota_limit     bigint not null,
	quota_period    text collate "C" not null,
	sweep_at        timestamptz, -- when there is something to sweep
	primary key (organization, id),
	constraint invitations_uses check (uses >= 0 and (max_uses = 0 or uses <= max_uses))
);

-- The pending limit, and the list of pending ones.
create index invitations_pending on {schema}.invitations (organization, expires_at) where state = 'pending';
-- The lists, one for each filter.
create index invitations_created on {schema}.invitations (organization, created_at desc, id desc);
create index invitations_state on {schema}.invitations (organization, state, created_at desc, id desc);
create index invitations_role on {schema}.invitations (organization, role, created_at desc, id desc);
create index invitations_sent_by on {schema}.invitations (organization, sent_by, created_at desc, id desc);
create index invitations_email on {schema}.invitations (organization, email, created_at desc, id desc) where email <> '';
create index invitations_link on {schema}.invitations (organization, created_at desc, id desc) where kind = 'link';
-- What a person has received, and what is due, of all organizations.
create index invitations_received on {schema}.invitations (email, expires_at) where state = 'pending' and email <> '';
create index invitations_due on {schema}.invitations (sweep_at) where state = 'pending' and sweep_at is not null;

create table {schema}.members (
	organization  text collate "C" not null,
	user_id       text collate "C" not null,
	role          text collate "C" not null,
	joined_at     timestamptz not null,
	invitation_id uuid not null,
	invited_by    text collate "C" not null,
	metadata      jsonb not null,
	primary key (organization, user_id)
);

-- From a user to their organizations.
create index members_user on {schema}.members (user_id, organization);
-- The list of a role, and the owners.
create index members_role on {schema}.members (organization, role, user_id);

-- What removed members leave behind: nothing sent before brings them back.
create table {schema}.removals (
	organization text collate "C" not null,
	user_id      text collate "C" not null,
	version      bigint not null,
	primary key (organization, user_id)
);

create table {schema}.events (
	organization  text collate "C" not null,
	version       bigint not null,
	index         integer not null,
	type          text collate "C" not null,
	at            timestamptz not null,
	actor         text collate "C" not null,
	subject       text collate "C" not null,
	invitation_id uuid not null,
	role          text collate "C" not null,
	reason        text collate "C" not null,
	quota_limit   bigint not null,
	quota_period  text collate "C" not null,
	email         text collate "C" not null, -- not empty: a sending
	max_uses      bigint not null,
	expires_at    timestamptz not null, -- the year 1: of no invitation
	position      bigint, -- in the feed, once it has been read
	primary key (organization, version, index)
);

create index events_invitation on {schema}.events (organization, invitation_id, version, index);
-- The limits of sending.
create index events_sent on {schema}.events (organization, at, version, index) include (actor, email) where email <> '';
create unique index events_feed on {schema}.events (position) where position is not null;
create index events_unnumbered on {schema}.events (organization, version, index) where position is null;

-- The last position in the feed, in one row. Only who reads the feed touches it.
create table {schema}.feed (last bigint not null);
insert into {schema}.feed (last) values (0);

-- A quota of an organization (user_id empty) or of one member within it: what may be
-- used in a period, and what is used of the one that began at period_start. It stays when
-- the member goes.
create table {schema}.quotas (
	organization text collate "C" not null,
	user_id      text collate "C" not null,
	quota_limit  bigint not null,
	period       text collate "C" not null, -- empty: no quota
	version      bigint not null,
	period_start timestamptz not null default '0001-01-01 00:00:00+00',
	used         bigint not null default 0,
	primary key (organization, user_id)
);

-- A quota of a user outside all organizations.
create table {schema}.personal_quotas (
	user_id      text collate "C" not null primary key,
	quota_limit  bigint not null,
	period       text collate "C" not null,
	version      bigint not null default 0,
	period_start timestamptz not null default '0001-01-01 00:00:00+00',
	used         bigint not null default 0
);
