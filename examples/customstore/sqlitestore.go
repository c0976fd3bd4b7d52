// Package customstore shows how small an [invitations.Store] is: this one keeps
// everything in a SQLite database file. It passes the suite of package storetest. Copy it as
// it is, or as the start of a store on another database.
//
// SQLite has one writer at a time, so Updates wait for each other whatever their
// organizations. Pages come from an index; a filter costs reading what it skips.
package customstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

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
create table if not exists kept (
	organization text not null, -- empty for what is personal
	kind         text not null, -- version, member, removal or quota
	user_id      text not null, -- empty for what is the organization's own
	value        text not null,
	role         text as (value ->> 'role'),
	primary key (organization, kind, user_id)
) strict, without rowid;
create index if not exists kept_workspaces on kept (user_id, organization) where kind = 'member';
create index if not exists kept_owners on kept (organization) where kind = 'member' and role = 'owner';
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
	return s.in(ctx, s.write, func(t *tx) {
		facts := t.facts(q)
		if t.err != nil {
			return
		}
		changes, err := decide(facts)
		if t.refusal = err; err == nil && !changes.Empty() {
			t.apply(facts.Organization, facts.Version+1, changes)
		}
	})
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (f invitations.Facts, err error) {
	q.Create = false
	err = s.in(ctx, s.read, func(t *tx) { f = t.facts(q) })
	return f, err
}

// Consume implements [invitations.Store].
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	err = s.in(ctx, s.write, func(t *tx) {
		consumed.Role = keptOf[invitations.Member](t, c.Organization, "member", c.UserID)[c.UserID].Role
		consumed.Quotas = keptOf[invitations.QuotaRecord](t, c.Organization, "quota", "", c.UserID)
		var put []invitations.QuotaRecord
		put, consumed.Taken = c.Decide(consumed.Role, consumed.Quotas)
		for _, q := range put {
			consumed.Quotas[q.UserID] = q
			t.put(c.Organization, "quota", q.UserID, q)
		}
	})
	return consumed, err
}

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return s.in(ctx, s.write, func(t *tx) { t.setQuota(invitations.QuotaRecord{UserID: user, Quota: q}) })
}

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (page invitations.InvitationPage, err error) {
	after := cmp.Or(q.After, &invitations.InvitationPosition{CreatedAt: time.UnixMicro(math.MaxInt64), ID: uuid.Max})
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		// An empty filter is in each of the lists.
		page.Records = all[invitations.Record](t, `select record from invitations
			where organization = ?1 and (created_at, id) < (?2, ?3)
				and ?4 in ('', case when state = 'pending' and expires_at <= ?5 then 'expired' else state end)
				and ?6 in ('', kind) and ?7 in ('', role) and ?8 in ('', email) and ?9 in ('', sent_by)
			order by created_at desc, id desc limit ?10`,
			q.Organization, after.CreatedAt.UnixMicro(), after.ID[:], q.State, q.At.UnixMicro(), q.Kind, q.Role, q.Email, q.SentBy, q.Limit)
	})
	return page, err
}

// Members implements [invitations.Store].
func (s *Store) Members(ctx context.Context, q invitations.MemberQuery) (page invitations.MemberPage, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		page.Members = all[invitations.Member](t, `select value from kept
			where organization = ? and kind = 'member' and user_id > ? and ? in ('', role) order by user_id limit ?`,
			q.Organization, q.After, q.Role, q.Limit)
	})
	return page, err
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (page invitations.WorkspacePage, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Personal = kept[invitations.QuotaRecord](t, "", "quota", q.UserID)
		for _, m := range all[invitations.Member](t, `select value from kept
			where user_id = ? and kind = 'member' and organization > ? order by organization limit ?`, q.UserID, q.After, q.Limit) {
			page.Memberships = append(page.Memberships, invitations.Membership{
				Member: m,
				Own:    kept[invitations.QuotaRecord](t, m.Organization, "quota", q.UserID),
				Shared: kept[invitations.QuotaRecord](t, m.Organization, "quota", ""),
			})
		}
	})
	return page, err
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (page invitations.EventPage, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		page.Events = all[invitations.Event](t, `select event from events
			where organization = ?1 and (version, position) > (?2, ?3) and (?4 or invitation = ?5)
			order by version, position limit ?6`,
			q.Organization, q.After.Version, q.After.Index, q.Invitation == uuid.Nil, q.Invitation.String(), q.Limit)
	})
	return page, err
}

// in runs f in a transaction, so that all it sees is of one instant, and commits it if it
// writes and nothing went wrong.
func (s *Store) in(ctx context.Context, db *sql.DB, f func(t *tx)) error {
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return failure(ctx, err, errDatabase)
	}
	defer begun.Rollback() // does nothing after the commit
	t := &tx{Tx: begun, ctx: ctx}
	f(t)
	switch {
	case t.refusal != nil:
		return t.refusal
	case t.err != nil || db == s.read:
		return failure(ctx, t.err, errDatabase)
	}
	// A commit that ctx or a lock has stopped is rolled back. After any other failure,
	// say of the disk, nobody can tell before the file is opened again.
	return failure(ctx, t.Commit(), invitations.ErrOutcomeUnknown)
}

// A tx is a transaction. Its first error stays in err, and whatever follows does
// nothing, so that the statements below read one after the other.
type tx struct {
	*sql.Tx
	ctx     context.Context
	err     error
	refusal error // of a decision
}

func (t *tx) facts(q invitations.Query) invitations.Facts {
	if q.Organization == "" {
		r := one[invitations.Record](t, `select record from invitations where id = ? and nonce = ?`, q.Invitation[:], q.Nonce[:])
		if r == nil {
			return invitations.Facts{}
		}
		q.Organization = r.Organization
	}
	f := invitations.Facts{Organization: q.Organization, Pending: map[string]uuid.UUID{}}
	if version := kept[int64](t, q.Organization, "version", ""); version != nil {
		f.Version = *version
	} else if !q.Create {
		return invitations.Facts{}
	}
	f.Invitation = one[invitations.Record](t, `select record from invitations where organization = ? and id = ?`, q.Organization, q.Invitation[:])
	if f.Invitation != nil && q.Sender {
		f.Sender = kept[invitations.Member](t, q.Organization, "member", f.Invitation.SentBy)
	}
	f.Members = keptOf[invitations.Member](t, q.Organization, "member", q.Members...)
	f.Removals = keptOf[invitations.Removal](t, q.Organization, "removal", q.Members...)
	if q.Quotas {
		f.Quotas = keptOf[invitations.QuotaRecord](t, q.Organization, "quota", append([]string{""}, q.Members...)...)
	}
	const members = `kept where organization = ? and kind = 'member'`
	f.MemberCount = t.count(q.MembersUpTo, members, q.Organization)
	f.Owners = t.count(q.OwnersUpTo, members+` and role = 'owner'`, q.Organization)

	const pending = `invitations where organization = ? and state = 'pending' and expires_at > ?`
	at := q.PendingAt.UnixMicro()
	if f.Invitation != nil && q.SameEmail {
		q.Emails = append(slices.Clone(q.Emails), f.Invitation.Email)
	}
	for _, email := range q.Emails {
		if r := one[invitations.Record](t, `select record from `+pending+` and email = ?
			order by created_at desc, id desc limit 1`, q.Organization, at, email); r != nil {
			f.Pending[email] = r.ID
		}
	}
	f.PendingCount = t.count(q.PendingUpTo, pending, q.Organization, at)
	f.PendingEmails = t.count(q.PendingEmailsUpTo, pending+` and kind = 'email'`, q.Organization, at)
	if q.PendingSentBy != "" || q.PendingFor != "" { // the other one equals nothing, because nothing empty is in the JSON
		f.PendingRecords = all[invitations.Record](t, `select record from `+pending+` and (sent_by = ? or email = ?)
			order by created_at desc, id desc`, q.Organization, at, q.PendingSentBy, q.PendingFor)
	}
	return f
}

// count returns how many rows there are, up to a number.
func (t *tx) count(upTo int, of string, args ...any) int {
	if upTo <= 0 {
		return 0
	}
	return len(all[int](t, `select 1 from `+of+` limit ?`, append(args, upTo)...))
}

// setQuota puts q. What is used stays if the period does.
func (t *tx) setQuota(q invitations.QuotaRecord) {
	q.PeriodStart, q.Used = time.Time{}, 0
	if old := kept[invitations.QuotaRecord](t, q.Organization, "quota", q.UserID); old != nil && old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	}
	t.put(q.Organization, "quota", q.UserID, q)
}

// kept returns what is kept of one user, or nil.
func kept[T any](t *tx, organization, kind, user string) *T {
	return one[T](t, `select value from kept where organization = ? and kind = ? and user_id = ?`, organization, kind, user)
}

// keptOf returns what is kept of several, by user id.
func keptOf[T any](t *tx, organization, kind string, users ...string) map[string]T {
	found := map[string]T{}
	for _, user := range users {
		if v := kept[T](t, organization, kind, user); v != nil {
			found[user] = *v
		}
	}
	return found
}

func (t *tx) put(organization, kind, user string, value any) {
	t.exec(`replace into kept (organization, kind, user_id, value) values (?, ?, ?, ?)`, organization, kind, user, t.json(value))
}

func (t *tx) apply(organization string, version int64, c invitations.Changes) {
	t.put(organization, "version", "", version)
	for _, id := range c.Gone {
		t.exec(`delete from kept where organization = ? and user_id = ? and kind = 'member'`, organization, id)
	}
	for _, m := range c.Members {
		t.put(organization, "member", m.UserID, m)
	}
	for _, r := range c.Removals {
		t.put(organization, "removal", r.UserID, r)
	}
	for _, q := range c.Quotas {
		t.setQuota(q)
	}
	for _, r := range c.Invitations {
		t.exec(`replace into invitations (organization, id, nonce, created_at, expires_at, record) values (?, ?, ?, ?, ?, ?)`,
			organization, r.ID[:], r.Nonce[:], r.CreatedAt.UnixMicro(), r.ExpiresAt.UnixMicro(), t.json(r))
	}
	for i, e := range c.Events {
		e.Version, e.Index = version, i
		t.exec(`insert into events (organization, version, position, event) values (?, ?, ?, ?)`, organization, version, i, t.json(e))
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
	t.err = cmp.Or(t.err, err)
	return string(text)
}

// all returns the rows of a query for one column of JSON.
func all[T any](t *tx, query string, args ...any) []T {
	if t.err != nil {
		return nil
	}
	rows, err := t.QueryContext(t.ctx, query, args...)
	if t.err = err; err != nil {
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
