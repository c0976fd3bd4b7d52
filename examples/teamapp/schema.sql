-- Times are microseconds since 1970, and 0 for none.

create table if not exists secrets (
    name text primary key,
    hex  text not null
);

create table if not exists accounts (
    id            text primary key,
    email         text not null, -- in the canonical form of the library
    name          text not null,
    password_hash text not null,
    created_at    bigint not null,
    verified_at   bigint not null -- 0: the account only claims the address, and others can claim it too
);

create index if not exists accounts_claim on accounts (email);
create index if not exists accounts_unproved on accounts (created_at) where verified_at = 0;
create unique index if not exists accounts_email on accounts (email) where verified_at > 0;

create table if not exists organizations (
    id         text primary key, -- the library's
    name       text not null,
    creator    text not null, -- an account
    deleted_at bigint not null -- a deleted team stays for a while, because it counts for its creator
);

create index if not exists organizations_creator on organizations (creator);
create index if not exists organizations_deleted on organizations (deleted_at) where deleted_at > 0;

-- Mail waits here until it is sent. It holds no token: the link is made when the mail is.
create table if not exists outbox (
    id            text primary key,
    kind          text not null, -- invitation, reminder or verification
    organization  text not null, -- of an invitation
    invitation_id text not null,
    account_id    text not null, -- of a verification
    recipient     text not null,
    created_at    bigint not null,
    sent_at       bigint not null,
    failures      bigint not null,
    next_at       bigint not null, -- the earliest time of the next attempt; 0 once it is done
    problem       text not null    -- of the last attempt
);

create index if not exists outbox_next on outbox (next_at);
create index if not exists outbox_created on outbox (created_at);
create index if not exists outbox_recipient on outbox (recipient, created_at);

create table if not exists api_keys (
    id           text primary key,
    hash         text not null unique, -- SHA-256 of the key, in hex
    organization text not null,
    account_id   text not null,
    name         text not null,
    role         text not null, -- the highest role that the key acts with
    created_at   bigint not null,
    joined_at    bigint not null -- when the member joined: a member who returns makes new keys
);
