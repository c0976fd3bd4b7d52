// Package customstore shows how small an [invitations.Store] is: this one keeps
// everything in a SQLite database file. It passes the suite of package storetest. Copy it as
// it is, or as the start of a store on another database.
//
// SQLite has one writer at a time, so Updates wait for each other whatever their
// organizations. Pages come from an index; a filter costs reading what it skips.
package customstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/go-invitations/invitations"
)

// schema keeps each thing whole, as JSON, so that a field which a later version of the
// library adds needs no change here. Beside it stand the keys and what is compared as a
// number or as bytes. The generated columns are what filters read, taken out of the JSON,
// so that nothing is kept twice. Times are in microseconds since 1970.
const schema = `
create table if not exists organizations (
	id      text not null primary key,
	version integer not null
) strict, without rowid;

create table if not exists members (
	organization text not null,
	user_id      text not null,
	member       text not null,
	primary key (organization, user_id)
) strict, without rowid;

create table if not exists removals (
	organization text not null,
	user_id      text not null,
	removal      text not null,
	primary key (organization, user_id)
) strict, without rowid;

create table if not exists invitations (
	organization text not null,
	id           blob not null,
	nonce        blob not null,
	created_at   integer not null,
	expires_at   integer not null,
	record       text not null,
	state        text as (record ->> 'state'),
	kind         text as (record ->> 'kind'),
	role         text as (record ->> 'role'),
	email        text as (record ->> 'email'),
	sent_by      text as (record ->> 'sent_by'),
	primary key (organization, id)
) strict, without rowid;
create index if not exists invitations_by_token on invitations (id, nonce);
create index if not exists invitations_by_age on invitations (organization, created_at, id);
create index if not exists invitations_pending on invitations (organization, expires_at) where state = 'pending';

create table if not exists events (
	organization text not null,
	version      integer not null,
	position     integer not null,
	event        text not null,
	invitation   text as (event ->> 'invitation_id'),
	primary key (organization, version, position)
) strict, without rowid;`

// Store is an [invitations.Store] in a SQLite database file. It is safe for
// concurrent use, also by several processes.
type Store struct {
	write, read *sql.DB
}

var _ invitations.Store = (*Store)(nil)

// Open returns the store in the file at path, and makes what is missing of it.
func Open(ctx context.Context, path string) (*Store, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_busy_timeout=5000"
	// Immediate: an Update takes the one lock for writing before it reads. Otherwise
	// two could read the same facts, and the later one could not write any more.
	write, errWrite := sql.Open("sqlite", dsn+"&_journal_mode=WAL&_txlock=immediate")
	read, errRead := sql.Open("sqlite", dsn+"&_query_only=on")
	if err := errors.Join(errWrite, errRead); err != nil {
		return nil, failure(ctx, err, errDatabase)
	}
	// Within this process Updates queue for the one connection, each in its turn; only
	// other processes are met at the lock, where the busy timeout bounds the waiting.
	write.SetMaxOpenConns(1)
	s := &Store{write: write, read: read}
	if _, err := write.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(failure(ctx, err, errDatabase), s.Close())
	}
	return s, nil
}

// Close closes the database. No call may be under way.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	t, err := begin(ctx, s.write)
	if err != nil {
		return err
	}
	defer t.Rollback() // does nothing after the commit
	facts := t.facts(q)
	if t.err != nil {
		return failure(ctx, t.err, errDatabase)
	}
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	t.apply(facts.Organization, facts.Version+1, changes)
	if t.err != nil {
		return failure(ctx, t.err, errDatabase)
	}
	// A commit that ctx or a lock has stopped is rolled back. After any other failure,
	// say of the disk, nobody can tell before the file is opened again.
	return failure(ctx, t.Commit(), invitations.ErrOutcomeUnknown)
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (f invitations.Facts, err error) {
	q.Create = false
	err = s.look(ctx, func(t *tx) { f = t.facts(q) })
	return f, err
}

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (page invitations.InvitationPage, err error) {
	created, id := int64(math.MaxInt64), uuid.Max
	if q.After != nil {
		created, id = q.After.CreatedAt.UnixMicro(), q.After.ID
	}
	err = s.look(ctx, func(t *tx) {
		page.Viewer = t.member(q.Organization, q.Viewer)
		// An empty filter is in each of the lists.
		page.Records = all[invitations.Record](t, `select record from invitations
			where organization = ?1 and (created_at, id) < (?2, ?3)
				and ?4 in ('', case when state = 'pending' and expires_at <= ?5 then 'expired' else state end)
				and ?6 in ('', kind) and ?7 in ('', role) and ?8 in ('', email) and ?9 in ('', sent_by)
			order by created_at desc, id desc limit ?10`,
			q.Organization, created, id[:], q.State, q.At.UnixMicro(), q.Kind, q.Role, q.Email, q.SentBy, q.Limit)
	})
	return page, err
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (page invitations.EventPage, err error) {
	err = s.look(ctx, func(t *tx) {
		page.Viewer = t.member(q.Organization, q.Viewer)
		page.Events = all[invitations.Event](t, `select event from events
			where organization = ?1 and (version, position) > (?2, ?3) and (?4 or invitation = ?5)
			order by version, position limit ?6`,
			q.Organization, q.After.Version, q.After.Index, q.Invitation == uuid.Nil, q.Invitation.String(), q.Limit)
	})
	return page, err
}

// look runs f in a transaction that only reads, so that all it sees is of one instant.
func (s *Store) look(ctx context.Context, f func(t *tx)) error {
	t, err := begin(ctx, s.read)
	if err != nil {
		return err
	}
	defer t.Rollback()
	f(t)
	return failure(ctx, t.err, errDatabase)
}

// A tx is a transaction. Its first error stays in err, and whatever follows does
// nothing, so that the statements below read one after the other.
type tx struct {
	*sql.Tx
	ctx context.Context
	err error
}

func begin(ctx context.Context, db *sql.DB) (*tx, error) {
	t, err := db.BeginTx(ctx, nil)
	return &tx{Tx: t, ctx: ctx}, failure(ctx, err, errDatabase)
}

func (t *tx) facts(q invitations.Query) invitations.Facts {
	if q.Organization == "" {
		r := one[invitations.Record](t, `select record from invitations where id = ? and nonce = ?`,
			q.Invitation[:], q.Nonce[:])
		if r == nil {
			return invitations.Facts{}
		}
		q.Organization = r.Organization
	}
	f := invitations.Facts{
		Organization: q.Organization,
		Members:      map[string]invitations.Member{},
		Removals:     map[string]invitations.Removal{},
		Pending:      map[string]uuid.UUID{},
	}
	switch version := one[int64](t, `select version from organizations where id = ?`, q.Organization); {
	case version != nil:
		f.Version = *version
	case !q.Create:
		return invitations.Facts{}
	}
	f.Invitation = one[invitations.Record](t, `select record from invitations where organization = ? and id = ?`,
		q.Organization, q.Invitation[:])
	if f.Invitation != nil && q.Sender {
		f.Sender = t.member(q.Organization, f.Invitation.SentBy)
	}
	for _, user := range q.Members {
		if m := t.member(q.Organization, user); m != nil {
			f.Members[user] = *m
		}
		if r := one[invitations.Removal](t, `select removal from removals where organization = ? and user_id = ?`,
			q.Organization, user); r != nil {
			f.Removals[user] = *r
		}
	}
	emails := q.Emails
	if f.Invitation != nil && q.SameEmail && f.Invitation.Email != "" {
		emails = append(emails[:len(emails):len(emails)], f.Invitation.Email)
	}
	for _, email := range emails {
		if r := one[invitations.Record](t, `select record from invitations
			where organization = ? and state = 'pending' and expires_at > ? and email = ?
			order by created_at desc, id desc limit 1`, q.Organization, q.PendingAt.UnixMicro(), email); r != nil {
			f.Pending[email] = r.ID
		}
	}
	if count := one[int](t, `select count(*) from (select 1 from invitations
		where organization = ? and state = 'pending' and expires_at > ? limit max(?, 0))`,
		q.Organization, q.PendingAt.UnixMicro(), q.PendingUpTo); count != nil {
		f.PendingCount = *count
	}
	return f
}

func (t *tx) member(organization, user string) *invitations.Member {
	return one[invitations.Member](t, `select member from members where organization = ? and user_id = ?`,
		organization, user)
}

func (t *tx) apply(organization string, version int64, c invitations.Changes) {
	t.exec(`replace into organizations (id, version) values (?, ?)`, organization, version)
	for _, user := range c.Gone {
		t.exec(`delete from members where organization = ? and user_id = ?`, organization, user)
	}
	for _, m := range c.Members {
		t.exec(`replace into members (organization, user_id, member) values (?, ?, ?)`, organization, m.UserID, t.json(m))
	}
	for _, r := range c.Removals {
		t.exec(`replace into removals (organization, user_id, removal) values (?, ?, ?)`, organization, r.UserID, t.json(r))
	}
	for _, r := range c.Invitations {
		t.exec(`replace into invitations (organization, id, nonce, created_at, expires_at, record) values (?, ?, ?, ?, ?, ?)`,
			organization, r.ID[:], r.Nonce[:], r.CreatedAt.UnixMicro(), r.ExpiresAt.UnixMicro(), t.json(r))
	}
	for i, e := range c.Events {
		e.Version, e.Index = version, i
		t.exec(`insert into events (organization, version, position, event) values (?, ?, ?, ?)`,
			organization, version, i, t.json(e))
	}
}

func (t *tx) exec(statement string, args ...any) {
	if t.err == nil {
		_, t.err = t.ExecContext(t.ctx, statement, args...)
	}
}

// json returns v as text. That nothing is lost on the way there and back, the suite shows.
func (t *tx) json(v any) string {
	text, err := json.Marshal(v)
	if t.err == nil {
		t.err = err
	}
	return string(text)
}

// all returns the rows of a query for one column of JSON.
func all[T any](t *tx, query string, args ...any) []T {
	if t.err != nil {
		return nil
	}
	rows, err := t.QueryContext(t.ctx, query, args...)
	if err != nil {
		t.err = err
		return nil
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		var text []byte
		var v T
		if t.err = rows.Scan(&text); t.err != nil {
			return nil
		}
		if json.Unmarshal(text, &v) != nil {
			t.err = errors.New("a row is not valid JSON") // the error of json would quote it
			return nil
		}
		found = append(found, v)
	}
	t.err = rows.Err()
	return found
}

// one returns the first row, or nil if there is none.
func one[T any](t *tx, query string, args ...any) *T {
	if found := all[T](t, query, args...); len(found) > 0 {
		return &found[0]
	}
	return nil
}

var errDatabase = errors.New("database")

// failure turns an error of the database into one of the contract, or into other. It
// quotes no argument: they are parameters of the statements, which SQLite does not repeat.
func failure(ctx context.Context, err, other error) error {
	var lite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		other = ctx.Err()
	case errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY:
		other = invitations.ErrConcurrentChange
	}
	return fmt.Errorf("invitations: customstore: %w: %v", other, err)
}
