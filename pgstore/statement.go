package pgstore

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A statement is SQL in the making, together with its arguments. Values go into it as
// parameters alone, each with a cast, because not all exec modes ask the server for types.
type statement struct {
	texts *texts
	sql   *[]byte
	args  []any
}

// statement returns an empty one.
func (s *Store) statement() statement {
	sql := s.texts.buffers.Get().(*[]byte)
	*sql = (*sql)[:0]
	return statement{texts: s.texts, sql: sql}
}

// texts are the texts of statements that there have been. They are few, for no value is in
// them, but long, and so each becomes a string once and not with every call.
type texts struct {
	buffers sync.Pool // of those in the making
	mu      sync.RWMutex
	known   map[string]string
}

func newTexts() *texts {
	return &texts{known: map[string]string{}, buffers: sync.Pool{New: func() any {
		buffer := make([]byte, 0, 4096)
		return &buffer
	}}}
}

// of returns a text as a string.
func (t *texts) of(sql []byte) string {
	t.mu.RLock()
	text, ok := t.known[string(sql)]
	t.mu.RUnlock()
	if !ok {
		text = string(sql)
		t.mu.Lock()
		t.known[text] = text
		t.mu.Unlock()
	}
	return text
}

// queue queues the statement, which is finished.
func (st *statement) queue(b *pgx.Batch) *pgx.QueuedQuery {
	text := st.texts.of(*st.sql)
	st.texts.buffers.Put(st.sql)
	st.sql = nil
	return b.Queue(text, st.args...)
}

// text appends SQL.
func (st *statement) text(parts ...string) {
	for _, part := range parts {
		*st.sql = append(*st.sql, part...)
	}
}

// param adds an argument and returns the parameter that stands for it.
func (st *statement) param(typ string, value any) string {
	st.args = append(st.args, value)
	return "$" + strconv.Itoa(len(st.args)) + "::" + typ
}

// value appends a parameter and adds its argument.
func (st *statement) value(typ string, value any) {
	st.args = append(st.args, value)
	*st.sql = strconv.AppendInt(append(*st.sql, '$'), int64(len(st.args)), 10)
	st.text("::", typ)
}

// A table is what rows are put into.
type table struct {
	name  string
	types []string // of the columns
	names string   // of the columns, as a list
	// replace has a row that exists, by its key, replaced.
	replace string
}

// place returns where among the columns one is.
func (t table) place(column string) int {
	return slices.Index(strings.Split(t.names, ", "), column)
}

// newTable returns the table with these columns, each a name and a type; those up to the
// last of key are its key.
func newTable(name string, key int, columns ...string) table {
	t := table{name: name}
	var names, sets []string
	for _, column := range columns {
		name, typ, _ := strings.Cut(column, " ")
		names, t.types = append(names, name), append(t.types, typ)
		sets = append(sets, name+" = excluded."+name)
	}
	t.names = strings.Join(names, ", ")
	t.replace = " on conflict (" + strings.Join(names[:key], ", ") + ") do update set " + strings.Join(sets[key:], ", ")
	return t
}

// The tables that changes are written to.
var (
	membersTable = newTable("members", 2, "organization text", "user_id text", "role text", "joined_at timestamptz",
		"invitation_id uuid", "invited_by text", "metadata jsonb")
	removalsTable = newTable("removals", 2, "organization text", "user_id text", "version bigint")
	recordsTable  = newTable("invitations", 2, "organization text", "id uuid", "kind text", "state text", "email text", "role text",
		"message text", "metadata jsonb", "allowed_domains text[]", "max_uses bigint", "uses bigint", "created_by text",
		"sent_by text", "created_at timestamptz", "sent_at timestamptz", "expires_at timestamptz", "ended_at timestamptz",
		"nonce bytea", "sent_version bigint", "quota_limit bigint", "quota_period text",
		"sweep_at timestamptz")
	eventsTable = newTable("events", 3, "organization text", "version bigint", "index integer", "type text", "at timestamptz",
		"actor text", "subject text", "invitation_id uuid", "role text", "reason text", "quota_limit bigint", "quota_period text",
		"email text", "max_uses bigint", "expires_at timestamptz")
	quotasTable = newTable("quotas", 2, "organization text", "user_id text", "quota_limit bigint", "period text", "version bigint")
)

// A parameter is one that the statement has, in place of a value that is the same.
type parameter int

// insert appends the insertion of a row.
func (st *statement) insert(in string, t table, row []any) {
	st.text("insert into ", in, t.name, " as t (", t.names, ") values (")
	for i, value := range row {
		if i > 0 {
			st.text(", ")
		}
		if p, ok := value.(parameter); ok {
			st.text("$", strconv.Itoa(int(p)), "::", t.types[i])
		} else {
			st.value(t.types[i], value)
		}
	}
	st.text(")")
}

// put is insert, but replaces the row of the same key, if there is one.
func (st *statement) put(in string, t table, row []any) {
	st.insert(in, t, row)
	st.text(t.replace)
}

// list returns values as a JSON array: for one of PostgreSQL's, whose length it does not know,
// the planner would plan anew at every call.
func list[T ~string | uuid.UUID](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts and ids have a JSON form
	}
	return string(text)
}
