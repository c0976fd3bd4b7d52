package pgstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// statements are those whose text depends on how a query names its organization: by the id,
// $1, or by the token, $1 and $2. Casts are on every parameter, because not all exec modes
// ask the server for types.
type statements struct {
	organization, lock, take, invitation, member, pending, pendingSame string
}

// commonStatements are those that name their organization by its id alone.
type commonStatements struct {
	create, change, touch, deleteMember, putRemoval, putMember, putInvitation, appendEvent, viewer string
}

// The columns of a table, in the order of its scan function.
const (
	invitationColumns = `i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains, i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce, i.sent_version`
	memberColumns     = `m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text`
	eventColumns      = `e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason`
)

// pending is the pending invitation of one address, and the count of all pending ones,
// which stops at its bound and so costs no more with a million.
const pending = `select (
		select i.id from {schema}.invitations i
		where i.organization = {org} and i.state = 'pending' and i.expires_at > {a}::timestamptz and i.email <> '' and i.email = {email}
		order by i.created_at desc, i.id desc limit 1), (
	select pg_catalog.count(*) from (
		select from {schema}.invitations i
		where i.organization = {org} and i.state = 'pending' and i.expires_at > {a}::timestamptz
		limit {b}::bigint) as counted)`

// statements returns the statements for an expression of the organization's id that uses
// the first n parameters.
func (s *Store) statements(organization string, n int) statements {
	text := func(sql string) string {
		return s.sql(strings.NewReplacer(
			"{org}", organization,
			"{a}", "$"+strconv.Itoa(n+1),
			"{b}", "$"+strconv.Itoa(n+2),
			"{c}", "$"+strconv.Itoa(n+3),
		).Replace(sql))
	}
	return statements{
		organization: text(`select o.id, o.version from {schema}.organizations o where o.id = {org}`),
		lock:         text(`select o.id, o.version from {schema}.organizations o where o.id = {org} for no key update`),
		take:         text(`update {schema}.organizations o set version = o.version + 1 where o.id = {org} returning o.id, o.version - 1`),
		invitation: text(`select ` + invitationColumns + `, ` + memberColumns + `
			from {schema}.invitations i
			left join {schema}.members m on m.organization = i.organization and m.user_id = i.sent_by
			where i.organization = {org} and i.id = {a}::uuid`),
		// One user and one address at a time: for an array, whose length it does not know,
		// the planner would plan anew at every call, which takes longer than the statement.
		member: text(`select r.version, r.at, ` + memberColumns + `
			from (select) as one
			left join {schema}.members m on m.organization = {org} and m.user_id = {a}::text
			left join {schema}.removals r on r.organization = {org} and r.user_id = {a}::text`),
		pending: text(strings.ReplaceAll(pending, "{email}", "{c}::text")),
		pendingSame: text(strings.ReplaceAll(pending, "{email}",
			"(select t.email from {schema}.invitations t where t.organization = {org} and t.id = {c}::uuid)")),
	}
}

// A table is what a row is put into: its name, its columns with their types, and how many
// of them, the first, are its key.
type table struct {
	name    string
	key     int
	columns string
}

var (
	members = table{"members", 2, `organization text, user_id text, role text, joined_at timestamptz,
		invitation_id uuid, invited_by text, metadata jsonb`}
	removals    = table{"removals", 2, `organization text, user_id text, version bigint, at timestamptz`}
	invitationT = table{"invitations", 2, `organization text, id uuid, kind text, state text, email text, role text, message text,
		metadata jsonb, allowed_domains text[], max_uses bigint, uses bigint, created_by text, sent_by text, created_at timestamptz,
		sent_at timestamptz, expires_at timestamptz, ended_at timestamptz, nonce bytea, sent_version bigint`}
	events = table{"events", 3, `organization text, version bigint, index integer, type text, at timestamptz, actor text,
		subject text, invitation_id uuid, role text, reason text`}
)

// insert returns the statement that inserts a row. The organization is $1; the other
// columns are the parameters from the given one on.
func (t table) insert(from int) string {
	var names, values []string
	for column := range strings.SplitSeq(t.columns, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(column), " ")
		n := 1
		if len(names) > 0 {
			n = from + len(names) - 1
		}
		names = append(names, name)
		values = append(values, "$"+strconv.Itoa(n)+"::"+typ)
	}
	return "insert into {schema}." + t.name + " (" + strings.Join(names, ", ") + ") values (" + strings.Join(values, ", ") + ")"
}

// put is insert, but replaces the row of the same key, if there is one.
func (t table) put(from int) string {
	var key, sets []string
	for column := range strings.SplitSeq(t.columns, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		if len(key) < t.key {
			key = append(key, name)
		} else {
			sets = append(sets, name+" = excluded."+name)
		}
	}
	return t.insert(from) + " on conflict (" + strings.Join(key, ", ") + ") do update set " + strings.Join(sets, ", ")
}

func (s *Store) commonStatements() commonStatements {
	const eventParams = 9 // behind the organization
	return commonStatements{
		create: s.sql(`insert into {schema}.organizations (id, version) values ($1::text, 0) on conflict do nothing`),
		// What nearly every change has, as one statement: each has its cost.
		change:        s.sql(`with noted as (` + events.insert(2) + `) ` + invitationT.put(2+eventParams)),
		touch:         s.sql(`update {schema}.organizations set version = $2::bigint where id = $1::text`),
		deleteMember:  s.sql(`delete from {schema}.members where organization = $1::text and user_id = $2::text`),
		putRemoval:    s.sql(removals.put(2)),
		putMember:     s.sql(members.put(2)),
		putInvitation: s.sql(invitationT.put(2)),
		appendEvent:   s.sql(events.insert(2)),
		viewer:        s.sql(`select ` + memberColumns + ` from {schema}.members m where m.organization = $1::text and m.user_id = $2::text`),
	}
}

// A purpose says what facts are loaded for, and so how the organization's row is read.
type purpose int

const (
	toView   purpose = iota
	toLock           // in the host's transaction, where a refusal has to leave the row as it is
	toChange         // in a transaction of the store's own, which a refusal rolls back
)

// queueFacts queues what loads the facts that q asks for, the organization's row first, and
// returns what hands them out once the batch is closed.
func (s *Store) queueFacts(b *pgx.Batch, q invitations.Query, to purpose) func() invitations.Facts {
	f := invitations.Facts{
		Members:  map[string]invitations.Member{},
		Removals: map[string]invitations.Removal{},
		Pending:  map[string]uuid.UUID{},
	}
	found := false
	by, organization := s.byID, []any{q.Organization}
	if q.Organization == "" {
		by, organization = s.byToken, []any{pgUUID(q.Invitation), q.Nonce[:]}
	}
	args := func(more ...any) []any { return append(organization[:len(organization):len(organization)], more...) }

	create := to != toView && q.Create
	if create {
		b.Queue(s.common.create, q.Organization)
	}
	row := map[purpose]string{toView: by.organization, toLock: by.lock, toChange: by.take}[to]
	b.Queue(row, organization...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&f.Organization, &f.Version); err != nil {
				return err
			}
			found = f.Version > 0 || create
		}
		return nil
	})
	if q.Invitation != uuid.Nil {
		b.Queue(by.invitation, args(pgUUID(q.Invitation))...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				r, sender, err := scanInvitationAndSender(rows)
				if err != nil {
					return err
				}
				f.Invitation = &r
				if q.Sender {
					f.Sender = sender
				}
			}
			return nil
		})
	}
	for _, user := range q.Members {
		b.Queue(by.member, args(user)...).QueryRow(func(row pgx.Row) error {
			return scanMemberAndRemoval(row, user, &f)
		})
	}
	upTo := int64(q.PendingUpTo)
	load := func(sql string, of any, email func() string) {
		counting := upTo > 0
		b.Queue(sql, args(q.PendingAt, upTo, of)...).QueryRow(func(row pgx.Row) error {
			var id *uuid.UUID
			var count int
			if err := row.Scan(&id, &count); err != nil {
				return err
			}
			if id != nil {
				f.Pending[email()] = *id
			}
			if counting {
				f.PendingCount = count
			}
			return nil
		})
		upTo = 0 // once is enough
	}
	for _, email := range q.Emails {
		load(by.pending, email, func() string { return email })
	}
	if q.SameEmail {
		load(by.pendingSame, pgUUID(q.Invitation), func() string { return f.Invitation.Email })
	}
	if upTo > 0 {
		load(by.pending, "", nil)
	}
	return func() invitations.Facts {
		// A token that was replaced between the lock and the reading names no organization
		// any more.
		if !found || q.Organization == "" && f.Invitation == nil {
			return invitations.Facts{}
		}
		return f
	}
}

// queueChanges queues what applies changes. The organization has its new version already.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes) {
	org, version := f.Organization, f.Version+1
	args := func(rows ...[]any) []any { return append([]any{org}, slices.Concat(rows...)...) }
	records, index := changes.Invitations, 0
	if len(records) > 0 && len(changes.Events) > 0 {
		b.Queue(s.common.change, args(eventArgs(version, 0, changes.Events[0]), recordArgs(records[0]))...)
		records, index = records[1:], 1
	}
	for _, user := range changes.Gone {
		b.Queue(s.common.deleteMember, org, user)
	}
	for _, r := range changes.Removals {
		b.Queue(s.common.putRemoval, org, r.UserID, r.Version, r.At)
	}
	for _, m := range changes.Members {
		b.Queue(s.common.putMember, org, m.UserID, string(m.Role), m.JoinedAt, pgUUID(m.InvitationID), m.InvitedBy, encodeMetadata(m.Metadata))
	}
	for _, r := range records {
		b.Queue(s.common.putInvitation, args(recordArgs(r))...)
	}
	for ; index < len(changes.Events); index++ {
		b.Queue(s.common.appendEvent, args(eventArgs(version, index, changes.Events[index]))...)
	}
}

// queueViewer queues what loads the membership of a page's viewer.
func (s *Store) queueViewer(b *pgx.Batch, organization, viewer string, out **invitations.Member) {
	if viewer == "" {
		return
	}
	b.Queue(s.common.viewer, organization, viewer).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var m memberRow
			if err := rows.Scan(m.targets()...); err != nil {
				return err
			}
			var err error
			if *out, err = m.member(); err != nil {
				return err
			}
		}
		return nil
	})
}

// queueInvitations queues a page. Its text depends on which filters are set, so that each
// combination can have the plan that fits it.
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var args []any
	param := func(v any, typ string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args)) + "::" + typ
	}
	where := "i.organization = " + param(q.Organization, "text")
	from := "{schema}.invitations i"
	switch q.State {
	case "":
	case invitations.StatePending:
		// Few are pending, for there is a limit, but many may have been and expired: they
		// are found by expiry first and only then put in order.
		from = "live i"
		where += " and i.state = 'pending'"
	case invitations.StateExpired:
		where += " and i.state = 'pending' and i.expires_at <= " + param(q.At, "timestamptz")
	default:
		where += " and i.state = " + param(q.State, "text")
	}
	for _, filter := range []struct{ column, value string }{
		{"kind", string(q.Kind)}, {"role", string(q.Role)}, {"email", q.Email}, {"sent_by", q.SentBy},
	} {
		if filter.value != "" {
			where += " and i." + filter.column + " = " + param(filter.value, "text")
		}
	}
	if q.Email != "" {
		where += " and i.email <> ''" // names the partial index
	}
	if q.After != nil {
		where += " and (i.created_at, i.id) < (" + param(q.After.CreatedAt, "timestamptz") + ", " + param(q.After.ID, "uuid") + ")"
	}
	with := ""
	if q.State == invitations.StatePending {
		with = "with live as materialized (select " + invitationColumns + ` from {schema}.invitations i
			where i.organization = $1::text and i.state = 'pending' and i.expires_at > ` + param(q.At, "timestamptz") + ") "
	}
	sql := with + "select " + invitationColumns + " from " + from + " where " + where +
		" order by i.created_at desc, i.id desc limit " + param(int64(q.Limit), "bigint")
	b.Queue(s.sql(sql), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var r invitationRow
			if err := rows.Scan(r.targets()...); err != nil {
				return err
			}
			record, err := r.record()
			if err != nil {
				return err
			}
			*out = append(*out, record)
		}
		return nil
	})
}

func (s *Store) queueEvents(b *pgx.Batch, q invitations.EventQuery, out *[]invitations.Event) {
	sql := `select ` + eventColumns + ` from {schema}.events e
		where e.organization = $1::text and (e.version, e.index) > ($2::bigint, $3::integer)`
	args := []any{q.Organization, q.After.Version, q.After.Index, int64(q.Limit)}
	if q.Invitation != uuid.Nil {
		sql += ` and e.invitation_id = $5::uuid`
		args = append(args, q.Invitation)
	}
	sql += ` order by e.version, e.index limit $4::bigint`
	b.Queue(s.sql(sql), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var e invitations.Event
			if err := rows.Scan(&e.Organization, &e.Version, &e.Index, &e.Type, &e.At, &e.Actor, &e.Subject, &e.InvitationID, &e.Role, &e.Reason); err != nil {
				return err
			}
			e.At = e.At.UTC()
			*out = append(*out, e)
		}
		return nil
	})
}
