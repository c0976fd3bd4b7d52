// Package customstore shows how small an [invitations.Store] is: this one keeps everything in
// a SQLite database file. It passes the suite of package storetest. Copy it as it is, or as the
// start of a store on another database.
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

// schema keeps each thing whole, as JSON, so that a field which a later version of the library
// adds needs no change here. Filters and orders read generated columns, so nothing is kept twice.
// Ids of invitations compare as text as they do as bytes; times do as [instant] says.
const schema = `
create table if not exists kept (
	organization text not null, -- empty for what is personal
	what         text not null, -- version, member, removal, quota or invitation
	id           text not null, -- of the user or the invitation; empty for what is the organization's own
	value        text not null,
	state text as (value ->> 'state'), kind text as (value ->> 'kind'), role text as (value ->> 'role'), email text as (value ->> 'email'),
	sent_by text as (value ->> 'sent_by'), sweep_at text as (rtrim(value ->> 'sweep_at', 'Z')),
	created_at text as (rtrim(value ->> 'created_at', 'Z')), expires_at text as (rtrim(value ->> 'expires_at', 'Z')),
	primary key (organization, what, id)
) strict, without rowid;
create index if not exists kept_by_id on kept (id, what, organization);
create index if not exists kept_owners on kept (organization) where what = 'member' and role = 'owner';
create index if not exists kept_by_age on kept (organization, created_at, id) where what = 'invitation';
create index if not exists kept_pending on kept (organization, expires_at) where what = 'invitation' and state = 'pending';
create index if not exists kept_received on kept (email, created_at, id, organization) where what = 'invitation' and state = 'pending';
create index if not exists kept_due on kept (sweep_at) where what = 'invitation' and state = 'pending';
create table if not exists events (
	position integer primary key autoincrement, -- in the feed: with one writer, the order of the commits
	event text not null,
	organization text as (event ->> 'organization'), version integer as (event ->> 'version'), place integer as (event ->> 'index'),
	type text as (event ->> 'type'), invitation text as (event ->> 'invitation_id'),
	email text as (event ->> 'email'), at text as (rtrim(event ->> 'at', 'Z')),
	unique (organization, version, place)
) strict;
create index if not exists events_sent on events (organization, at, version, place) where email is not null;`

// instant returns a time as in JSON, but for its Z: so the texts compare as the times do.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999") }

// Store is an [invitations.Store] in a SQLite database file. It is safe for
// concurrent use, also by several processes.
type Store struct{ write, sweep, read *sql.DB }

var _ invitations.Store = (*Store)(nil)

// Open returns the store in the file at path, and makes what is missing of it.
func Open(ctx context.Context, path string) (*Store, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath()
	// Immediate: an Update takes the one lock for writing before it reads. Otherwise
	// two could read the same facts, and the later one could not write any more.
	write, errWrite := sql.Open("sqlite", dsn+"?_busy_timeout=5000&_txlock=immediate&_journal_mode=WAL")
	sweep, errSweep := sql.Open("sqlite", dsn+"?_busy_timeout=0&_txlock=immediate")
	read, errRead := sql.Open("sqlite", dsn+"?_busy_timeout=5000&_query_only=on")
	if err := errors.Join(errWrite, errSweep, errRead); err != nil {
		return nil, failure(ctx, err, errDatabase)
	}
	// Within this process Updates queue for the one connection, each in its turn; only sweeps
	// and other processes are met at the lock, where the busy timeout bounds the waiting.
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(failure(ctx, err, errDatabase), read.Close(), sweep.Close(), write.Close())
	}
	return &Store{write: write, sweep: sweep, read: read}, nil
}

// Close closes the database. No call may be under way.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.sweep.Close(), s.write.Close()) }

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.in(ctx, s.write, func(t *tx) {
		if facts := t.facts(q); t.err == nil {
			var changes invitations.Changes
			changes, t.refusal = decide(facts)
			t.apply(facts, changes) // after a refusal they are rolled back, if there are any
		}
	})
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (f invitations.Facts, err error) {
	q.Create = false
	err = s.in(ctx, s.read, func(t *tx) { f = t.facts(q) })
	return f, err
}

// Sweep implements [invitations.Store]. Who is changing something has the lock of all
// organizations, so a Sweep that would have to wait for it leaves out all of them.
func (s *Store) Sweep(ctx context.Context, q invitations.SweepQuery, decide func([]invitations.Facts) []invitations.Changes) error {
	var facts []invitations.Facts
	err := s.in(ctx, s.sweep, func(t *tx) {
		facts = all[invitations.Facts](t, `select json_object('Organization', due.organization, 'Version', json(version.value),
				'PendingRecords', json_group_array(json(due.value) order by due.sweep_at))
			from (select * from kept where what = 'invitation' and state = 'pending' and sweep_at <= ? order by sweep_at limit ?) due
			join kept version on version.organization = due.organization and version.what = 'version'
			group by due.organization`, instant(q.At), q.Limit)
		if t.err == nil {
			for i, changes := range decide(facts) {
				t.apply(facts[i], changes)
			}
		}
	})
	if facts == nil && errors.Is(err, invitations.ErrConcurrentChange) {
		return nil
	}
	return err
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
		}
		t.put(c.Organization, "quota", put)
	})
	return consumed, err
}

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return s.in(ctx, s.write, func(t *tx) { t.setQuota(invitations.QuotaRecord{UserID: user, Quota: q}) })
}

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (page invitations.Page[invitations.Record], err error) {
	after := cmp.Or(q.After, &invitations.InvitationPosition{CreatedAt: time.Date(9999, 12, 31, 23, 59, 59, 1e9-1, time.UTC), ID: uuid.Max})
	of := `organization = ?1`
	if q.Organization == "" {
		of = `?1 = '' and state = 'pending' and email = ?9`
	}
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		// An empty filter is in each of the lists. Within an organization the position names none, which comes before all.
		page.Records = all[invitations.Record](t, `select value from kept where what = 'invitation' and `+of+`
				and (created_at, id, organization) < (?2, ?3, ?4) and ?5 in ('', case when state = 'pending' and expires_at <= ?6 then 'expired' else state end)
				and ?7 in ('', kind) and ?8 in ('', role) and ?9 in ('', email) and ?10 in ('', sent_by)
			order by created_at desc, id desc, organization desc limit ?11`,
			q.Organization, instant(after.CreatedAt), after.ID, after.Organization, q.State, instant(q.At), q.Kind, q.Role, q.Email, q.SentBy, q.Limit)
	})
	return page, err
}

// Members implements [invitations.Store].
func (s *Store) Members(ctx context.Context, q invitations.MemberQuery) (page invitations.Page[invitations.Member], err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		page.Members = all[invitations.Member](t, `select value from kept where organization = ? and what = 'member' and id > ?
			and ? in ('', role) order by id limit ?`, q.Organization, q.After, q.Role, q.Limit)
	})
	return page, err
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (page invitations.WorkspacePage, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Personal = kept[invitations.QuotaRecord](t, "", "quota", q.UserID)
		for _, m := range all[invitations.Member](t, `select value from kept
			where id = ? and what = 'member' and organization > ? order by organization limit ?`, q.UserID, q.After, q.Limit) {
			page.Memberships = append(page.Memberships, invitations.Membership{
				Member: m, Own: kept[invitations.QuotaRecord](t, m.Organization, "quota", q.UserID),
				Shared: kept[invitations.QuotaRecord](t, m.Organization, "quota", ""),
			})
		}
	})
	return page, err
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (page invitations.Page[invitations.Event], err error) {
	behind, order, after := ">", "asc", cmp.Or(q.After, &invitations.EventPosition{})
	if q.NewestFirst {
		behind, order, after = "<", "desc", cmp.Or(q.After, &invitations.EventPosition{Version: math.MaxInt64})
	}
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		page.Events = all[invitations.Event](t, `select event from events where organization = ?1 and (version, place) `+behind+` (?2, ?3)
			and (?4 or invitation = ?5) order by version `+order+`, place `+order+` limit ?6`,
			q.Organization, after.Version, after.Index, q.Invitation == uuid.Nil, q.Invitation, q.Limit)
	})
	return page, err
}

// Feed implements [invitations.Store].
func (s *Store) Feed(ctx context.Context, q invitations.FeedQuery) (events []invitations.Event, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		events = all[invitations.Event](t, `select json_insert(event, '$.position', position) from events
			where position > ? order by position limit ?`, q.After, q.Limit)
	})
	return events, err
}

// Statistics implements [invitations.Store].
func (s *Store) Statistics(ctx context.Context, q invitations.StatisticsQuery) (page invitations.StatisticsPage, err error) {
	err = s.in(ctx, s.read, func(t *tx) {
		page.Viewer = kept[invitations.Member](t, q.Organization, "member", q.Viewer)
		page.Statistics = q.Count(all[invitations.Record](t, `select value from kept
			where what = 'invitation' and organization = ? and created_at >= ? and created_at < ?`, q.Organization, instant(q.From), instant(q.To)),
			all[invitations.Event](t, `select event from events where organization = ? and type = ?`, q.Organization, invitations.EventInvitationAccepted))
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
	if t.refusal != nil || t.err != nil || db == s.read {
		return cmp.Or(t.refusal, failure(ctx, t.err, errDatabase))
	}
	// A commit that ctx or a lock has stopped is rolled back. After any other failure nobody can tell.
	return failure(ctx, t.Commit(), invitations.ErrOutcomeUnknown)
}

// A tx is a transaction. Its first error stays in err, and whatever follows does nothing.
type tx struct {
	*sql.Tx
	ctx          context.Context
	err, refusal error // the latter of a decision
}

func (t *tx) facts(q invitations.Query) invitations.Facts {
	if q.Organization == "" {
		for _, r := range all[invitations.Record](t, `select value from kept
			where what = 'invitation' and id = ? and value -> 'nonce' = ?`, q.Invitation, t.json(q.Nonce)) { // one at most
			q.Organization = r.Organization
		}
	}
	version := keptOf[int64](t, q.Organization, "version", "")
	if q.Organization == "" || len(version) == 0 && !q.Create {
		return invitations.Facts{}
	}
	f := invitations.Facts{Organization: q.Organization, Version: version[""], PendingByEmail: map[string]uuid.UUID{}}
	f.Invitation = kept[invitations.Record](t, q.Organization, "invitation", q.Invitation)
	f.Invitations = keptOf[invitations.Record](t, q.Organization, "invitation", q.Invitations...)
	if f.Invitation != nil && q.Sender {
		f.Sender = kept[invitations.Member](t, q.Organization, "member", f.Invitation.SentBy)
	}
	f.Members = keptOf[invitations.Member](t, q.Organization, "member", q.Members...)
	if q.Removals {
		f.Removals = keptOf[invitations.Removal](t, q.Organization, "removal", q.Members...)
	}
	if q.Quotas {
		f.Quotas = keptOf[invitations.QuotaRecord](t, q.Organization, "quota", append([]string{""}, q.Members...)...)
	}
	const members = `select 1 from kept where organization = ? and what = 'member'`
	f.MemberCount = len(all[int](t, members+` limit ?`, q.Organization, max(0, q.MembersUpTo)))
	f.OwnerCount = len(all[int](t, members+` and role = 'owner' limit ?`, q.Organization, max(0, q.OwnersUpTo)))
	const pending = ` where organization = ? and what = 'invitation' and state = 'pending' and expires_at > ?`
	at := instant(q.PendingAt)
	if f.Invitation != nil && q.SameEmail {
		q.Emails = append(slices.Clone(q.Emails), f.Invitation.Email)
	}
	for _, r := range all[invitations.Record](t, `select value from kept indexed by kept_received`+pending+`
		and email in (select value from json_each(?)) order by created_at, id`, q.Organization, at, t.json(q.Emails)) {
		f.PendingByEmail[r.Email] = r.ID // the newest is the last
	}
	f.PendingCount = len(all[int](t, `select 1 from kept`+pending+` limit ?`, q.Organization, at, max(0, q.PendingUpTo)))
	f.PendingEmailCount = len(all[int](t, `select 1 from kept`+pending+` and kind = 'email' limit ?`, q.Organization, at, max(0, q.PendingEmailsUpTo)))
	if q.PendingSentBy != "" || q.PendingFor != "" { // the other one equals nothing, because nothing empty is in the JSON
		f.PendingRecords = all[invitations.Record](t, `select value from kept`+pending+` and (sent_by = ? or email = ?)
			order by created_at desc, id desc`, q.Organization, at, q.PendingSentBy, q.PendingFor)
	}
	f.Sendings = all[invitations.Sending](t, `select event from events where organization = ? and email is not null and at > ?
		order by at desc, version desc, place desc limit ?`, q.Organization, instant(q.SendingsAfter), max(0, q.SendingsUpTo))
	return f
}

// setQuota puts q. What is used stays if the period does.
func (t *tx) setQuota(q invitations.QuotaRecord) {
	q.PeriodStart, q.Used = time.Time{}, 0
	if old := kept[invitations.QuotaRecord](t, q.Organization, "quota", q.UserID); old != nil && old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	}
	t.put(q.Organization, "quota", []invitations.QuotaRecord{q})
}

// kept returns what is kept of one user or invitation, or nil.
func kept[T any](t *tx, organization, what string, id any) *T {
	return append(all[*T](t, `select value from kept where organization = ? and what = ? and id = ?`, organization, what, id), nil)[0]
}

// keptOf returns what is kept of several, by their ids.
func keptOf[T any, ID comparable](t *tx, organization, what string, ids ...ID) map[ID]T {
	query := `select json_group_object(id, json(value)) from kept where organization = ? and what = ? and id in (select value from json_each(?))`
	return append(all[map[ID]T](t, query, organization, what, t.json(ids)), nil)[0]
}

// put keeps the elements of a slice.
func (t *tx) put(organization, what string, slice any) {
	t.exec(`replace into kept (organization, what, id, value)
		select ?, ?, coalesce(value ->> 'user_id', value ->> 'id', ''), value from json_each(?)`, organization, what, t.json(slice))
}

func (t *tx) apply(f invitations.Facts, c invitations.Changes) {
	if c.Empty() {
		return
	}
	t.put(f.Organization, "version", []int64{f.Version + 1})
	t.exec(`delete from kept where organization = ? and what = 'member' and id in (select value from json_each(?))`, f.Organization, t.json(c.RemovedMembers))
	t.put(f.Organization, "member", c.Members)
	t.put(f.Organization, "removal", c.Removals)
	t.put(f.Organization, "invitation", c.Invitations)
	for _, q := range c.Quotas {
		t.setQuota(q)
	}
	t.exec(`insert into events (event) select json_set(value, '$.version', ?, '$.index', key)
		from json_each(?) order by key`, f.Version+1, t.json(c.Events))
}

func (t *tx) exec(statement string, args ...any) {
	if t.err == nil && !nothing(args) {
		_, t.err = t.ExecContext(t.ctx, statement, args...)
	}
}

// nothing reports whether the last parameter leaves nothing to do: an empty list, or a limit of 0.
func nothing(args []any) bool {
	return slices.Contains([]any{text("null"), text("[]"), 0}, args[len(args)-1])
}

// A text is JSON. That nothing is lost on the way there and back, the suite shows.
type text string

func (t *tx) json(v any) text {
	encoded, err := json.Marshal(v)
	t.err = cmp.Or(t.err, err)
	return text(encoded)
}

// all returns the rows of a query for one column of JSON.
func all[T any](t *tx, query string, args ...any) (found []T) {
	if t.err != nil || nothing(args) {
		return nil
	}
	rows, err := t.QueryContext(t.ctx, query, args...)
	if t.err = err; err != nil {
		return nil
	}
	defer rows.Close()
	for t.err == nil && rows.Next() {
		var value []byte
		var v T
		if t.err = rows.Scan(&value); t.err == nil && json.Unmarshal(value, &v) != nil {
			t.err = errors.New("a row is not valid JSON") // the error of json would quote it
		}
		found = append(found, v)
	}
	t.err = cmp.Or(t.err, rows.Err())
	return found
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
