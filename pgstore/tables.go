package pgstore

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/go-invitations/invitations"
)

type (
	record = invitations.Record
	member = invitations.Member
	event  = invitations.Event
)

var invitationsTable = newTable("invitations", 2, []column[record]{
	{"organization", "text", func(r *record) any { return (*textValue)(&r.Organization) }},
	{"id", "uuid", func(r *record) any { return (*uuidValue)(&r.ID) }},
	{"kind", "text", func(r *record) any { return (*textValue)(&r.Kind) }},
	{"state", "text", func(r *record) any { return (*textValue)(&r.State) }},
	{"email", "text", func(r *record) any { return (*textValue)(&r.Email) }},
	{"role", "text", func(r *record) any { return (*textValue)(&r.Role) }},
	{"message", "text", func(r *record) any { return (*textValue)(&r.Message) }},
	{"metadata", "jsonb", func(r *record) any { return (*metadataValue)(&r.Metadata) }},
	{"allowed_domains", "text[]", func(r *record) any { return (*textArrayValue)(&r.AllowedDomains) }},
	{"max_uses", "bigint", func(r *record) any { return (*integerValue)(&r.MaxUses) }},
	{"uses", "bigint", func(r *record) any { return (*integerValue)(&r.Uses) }},
	{"created_by", "text", func(r *record) any { return (*textValue)(&r.CreatedBy) }},
	{"sent_by", "text", func(r *record) any { return (*textValue)(&r.SentBy) }},
	{"accepted_by", "text", func(r *record) any { return (*textValue)(&r.AcceptedBy) }},
	{"created_at", "timestamptz", func(r *record) any { return (*instantValue)(&r.CreatedAt) }},
	{"sent_at", "timestamptz", func(r *record) any { return (*instantValue)(&r.SentAt) }},
	{"expires_at", "timestamptz", func(r *record) any { return (*instantValue)(&r.ExpiresAt) }},
	{"ended_at", "timestamptz", func(r *record) any { return (*optionalInstantValue)(&r.EndedAt) }},
	{"nonce", "bytea", func(r *record) any { return (*nonceValue)(&r.Nonce) }},
	{"sent_version", "bigint", func(r *record) any { return (*bigintValue)(&r.SentVersion) }},
	{"quota_limit", "bigint", func(r *record) any { return (*bigintValue)(&r.Quota.Limit) }},
	{"quota_period", "text", func(r *record) any { return (*textValue)(&r.Quota.Period) }},
	{"sweep_at", "timestamptz", func(r *record) any { return (*optionalInstantValue)(&r.SweepAt) }},
})

// A member that an outer join does not find has no UserID.
var membersTable = newTable("members", 2, []column[member]{
	{"organization", "text", func(m *member) any { return (*textValue)(&m.Organization) }},
	{"user_id", "text", func(m *member) any { return (*textValue)(&m.UserID) }},
	{"role", "text", func(m *member) any { return (*textValue)(&m.Role) }},
	{"joined_at", "timestamptz", func(m *member) any { return (*instantValue)(&m.JoinedAt) }},
	{"invitation_id", "uuid", func(m *member) any { return (*uuidValue)(&m.InvitationID) }},
	{"invited_by", "text", func(m *member) any { return (*textValue)(&m.InvitedBy) }},
	{"metadata", "jsonb", func(m *member) any { return (*metadataValue)(&m.Metadata) }},
})

var eventsTable = newTable("events", 3, []column[event]{
	{"organization", "text", func(e *event) any { return (*textValue)(&e.Organization) }},
	{"version", "bigint", func(e *event) any { return (*bigintValue)(&e.Version) }},
	{"ordinal", "integer", func(e *event) any { return (*integerValue)(&e.Index) }},
	{"type", "text", func(e *event) any { return (*textValue)(&e.Type) }},
	{"at", "timestamptz", func(e *event) any { return (*instantValue)(&e.At) }},
	{"actor", "text", func(e *event) any { return (*textValue)(&e.Actor) }},
	{"subject", "text", func(e *event) any { return (*textValue)(&e.Subject) }},
	{"invitation_id", "uuid", func(e *event) any { return (*uuidValue)(&e.InvitationID) }},
	{"role", "text", func(e *event) any { return (*textValue)(&e.Role) }},
	{"reason", "text", func(e *event) any { return (*textValue)(&e.Reason) }},
	{"quota_limit", "bigint", func(e *event) any { return (*bigintValue)(&e.Quota.Limit) }},
	{"quota_period", "text", func(e *event) any { return (*textValue)(&e.Quota.Period) }},
	{"email", "text", func(e *event) any { return (*textValue)(&e.Email) }},
	{"max_uses", "bigint", func(e *event) any { return (*integerValue)(&e.MaxUses) }},
	{"expires_at", "timestamptz", func(e *event) any { return (*instantValue)(&e.ExpiresAt) }},
	{"former_role", "text", func(e *event) any { return (*textValue)(&e.FormerRole) }},
	{"invited_by", "text", func(e *event) any { return (*textValue)(&e.InvitedBy) }},
	{"allowed_domains", "text[]", func(e *event) any { return (*textArrayValue)(&e.AllowedDomains) }},
	{"changed", "text[]", func(e *event) any { return (*textArrayValue)(&e.Changed) }},
	{"limits", "jsonb", func(e *event) any { return limitsValue{&e.Limits} }},
})

// numberedEventsTable is eventsTable with the position, which is 0 before the feed has given one.
var numberedEventsTable = newTable("events", 0, append([]column[event]{
	{"position", "bigint", func(e *event) any { return (*bigintValue)(&e.Position) }},
}, eventsTable.columns...))

// limitsTable lists the columns of organizations that have its limits. Nothing is inserted through
// this table.
var limitsTable = newTable("organizations", 0, []column[invitations.Limits]{
	{"member_limit", "bigint", func(l *invitations.Limits) any { return (*integerValue)(&l.Members) }},
	{"pending_limit", "bigint", func(l *invitations.Limits) any { return (*integerValue)(&l.Pending) }},
	{"seatless_roles", "text[]", func(l *invitations.Limits) any { return (*roleArrayValue)(&l.SeatlessRoles) }},
	{"no_links", "boolean", func(l *invitations.Limits) any { return (*booleanValue)(&l.NoLinks) }},
	{"allowed_domains", "text[]", func(l *invitations.Limits) any { return (*textArrayValue)(&l.AllowedDomains) }},
	{"expiry", "bigint", func(l *invitations.Limits) any { return (*microsecondsValue)(&l.Expiry) }},
})

// quotasTable lists the columns read from quotas and personal_quotas. The owner is not among them:
// the statement names it. Nothing is inserted through this table.
var quotasTable = newTable("quotas", 0, []column[quotaRow]{
	{"quota_limit", "bigint", func(q *quotaRow) any { return &q.limit }},
	{"period", "text", func(q *quotaRow) any { return (*textValue)(&q.Period) }},
	{"version", "bigint", func(q *quotaRow) any { return (*bigintValue)(&q.Version) }},
	{"period_start", "timestamptz", func(q *quotaRow) any { return (*instantValue)(&q.PeriodStart) }},
	{"used", "bigint", func(q *quotaRow) any { return (*bigintValue)(&q.Used) }},
})

type quotaRow struct {
	invitations.QuotaRecord
	limit pgtype.Int8 // not valid if an outer join found no quota
}

// record returns the quota, or nil if there is none.
func (q *quotaRow) record(organization, user string) *invitations.QuotaRecord {
	if !q.limit.Valid {
		return nil
	}
	found := q.QuotaRecord
	found.Organization, found.UserID, found.Limit = organization, user, q.limit.Int64
	return &found
}

// A table lists the columns of one table. Select lists, scan targets and the arguments of
// insertions come from this list.
type table[R any] struct {
	name     string
	columns  []column[R]
	names    string // all names, for an insertion
	replaced string // the clause by which an insertion replaces the row of the same key
}

// A column belongs to a table whose rows are kept as R. Its field is a pointer into the row
// that the driver scans into. In a table that the store inserts into, it is a [value].
type column[R any] struct {
	name, typ string
	field     func(row *R) any
}

// newTable returns a table. The first columns, as many as key says, are its primary key.
func newTable[R any](name string, key int, columns []column[R]) *table[R] {
	var names, replaced []string
	for _, c := range columns {
		names, replaced = append(names, c.name), append(replaced, c.name+" = excluded."+c.name)
	}
	return &table[R]{
		name: name, columns: columns, names: strings.Join(names, ", "),
		replaced: " on conflict (" + strings.Join(names[:key], ", ") + ")" +
			" do update set " + strings.Join(replaced[key:], ", "),
	}
}

// list returns the select list of a row with this alias.
func (t *table[R]) list(alias string) string {
	var st statement
	t.appendList(&st, alias)
	return string(st.sql)
}

// selectRow adds the columns of a row with this alias to a select list. They are scanned into
// row.
func (t *table[R]) selectRow(st *statement, alias string, row *R) {
	if len(st.targets) > 0 {
		st.text(", ")
	}
	t.appendList(st, alias)
	t.scanInto(st, row)
}

func (t *table[R]) appendList(st *statement, alias string) {
	for i, c := range t.columns {
		if i > 0 {
			st.text(", ")
		}
		st.text(alias, ".", c.name)
		if c.typ == "jsonb" {
			st.text("::text")
		}
	}
}

// scanInto makes the statement scan its next columns into row.
func (t *table[R]) scanInto(st *statement, row *R) {
	st.targets = slices.Grow(st.targets, len(t.columns))
	for _, c := range t.columns {
		st.targets = append(st.targets, c.field(row))
	}
}

// insert appends the insertion of a row. The values of the first columns are given, the others come
// from row. A column with a shared parameter, which the statement has already, takes that instead;
// shared has a parameter for every column, 0 for none, or is nil.
func (t *table[R]) insert(st *statement, row *R, shared []parameter, first ...any) {
	st.text("insert into ", st.in, t.name, " as t (", t.names, ") values (")
	for i, c := range t.columns {
		if i > 0 {
			st.text(", ")
		}
		switch {
		case shared != nil && shared[i] > 0:
			st.parameter(shared[i], c.typ)
		case i < len(first):
			st.value(c.typ, first[i])
		default:
			st.value(c.typ, c.field(row).(value).argument())
		}
	}
	st.text(")")
}

// put is insert, but replaces the row of the same key if there is one.
func (t *table[R]) put(st *statement, row *R, first ...any) {
	t.insert(st, row, nil, first...)
	st.text(t.replaced)
}

// set appends the assignments of all columns of a row.
func (t *table[R]) set(st *statement, row *R) {
	for i, c := range t.columns {
		if i > 0 {
			st.text(", ")
		}
		st.text(c.name, " = ")
		st.value(c.typ, c.field(row).(value).argument())
	}
}

// place returns the place of a column in the list.
func (t *table[R]) place(name string) int {
	place := slices.IndexFunc(t.columns, func(c column[R]) bool { return c.name == name })
	if place < 0 {
		panic("pgstore: the table " + t.name + " has no column " + name)
	}
	return place
}
