package pgstore

import (
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
)

// A statement is SQL in the making, with its arguments and the targets of its result. Every
// value is a parameter with a cast, because not all exec modes ask the server for types.
type statement struct {
	in      string // as in Store
	sql     []byte
	args    []any
	targets []any // for the columns of the result
	cache   *textCache
	buffer  *[]byte // that sql began in
}

func (s *Store) statement() statement {
	buffer := s.cache.buffers.Get().(*[]byte)
	return statement{in: s.in, sql: (*buffer)[:0], cache: s.cache, buffer: buffer}
}

// sized is statement with room for some arguments and targets, in one allocation. There can be more.
func (s *Store) sized(args, targets int) statement {
	st := s.statement()
	room := make([]any, args+targets)
	st.args, st.targets = room[:0:args], room[args:args:args+targets]
	return st
}

// text appends SQL.
func (st *statement) text(parts ...string) {
	for _, part := range parts {
		st.sql = append(st.sql, part...)
	}
}

// A parameter is the number of a parameter, from 1.
type parameter int

func (st *statement) parameter(p parameter, typ string) {
	st.text(p.of(typ))
}

// value adds an argument and appends its parameter.
func (st *statement) value(typ string, argument any) {
	st.args = append(st.args, argument)
	st.parameter(parameter(len(st.args)), typ)
}

// param adds an argument and returns its parameter, which can stand in several places.
func (st *statement) param(typ string, argument any) string {
	st.args = append(st.args, argument)
	return parameter(len(st.args)).of(typ)
}

// of returns the SQL of a parameter of this type.
func (p parameter) of(typ string) string {
	if texts := parameterTexts[typ]; int(p) < len(texts) {
		return texts[p]
	}
	return p.text(typ)
}

func (p parameter) text(typ string) string { return "$" + strconv.Itoa(int(p)) + "::" + typ }

// parameterTexts are the texts of the first parameters by their type, so that a call need not make
// them.
var parameterTexts = func() map[string][]string {
	texts := map[string][]string{}
	for _, typ := range []string{"bigint", "boolean", "bytea", "integer", "jsonb", "text", "text[]", "timestamptz", "uuid"} {
		for p := range parameter(80) {
			texts[typ] = append(texts[typ], p.text(typ))
		}
	}
	return texts
}()

// column adds a column to a select list. It is scanned into target.
func (st *statement) column(target any, sql ...string) {
	if len(st.targets) > 0 {
		st.text(", ")
	}
	st.text(sql...)
	st.targets = append(st.targets, target)
}

// queue queues the statement, which is complete.
func (st *statement) queue(b *pgx.Batch) *pgx.QueuedQuery {
	sql := st.cache.stringOf(st.sql)
	*st.buffer = st.sql
	st.cache.buffers.Put(st.buffer)
	st.sql, st.buffer = nil, nil
	return b.Queue(sql, st.args...)
}

// collect queues the statement. When its result arrives, each row is scanned into the targets,
// which hold it until add has returned.
func (st *statement) collect(b *pgx.Batch, add func()) {
	targets := st.targets
	st.queue(b).Fn = func(results pgx.BatchResults) error {
		rows, _ := results.Query() // Err has the error
		defer rows.Close()
		for first := true; rows.Next(); first = false {
			if err := scan(rows, targets, first); err != nil {
				return err
			}
			add()
		}
		return rows.Err()
	}
}

// scan scans a row. The driver makes a plan of the scanning and keeps it for all rows of the result,
// but most results have one row: for the first, nothing is kept.
func scan(rows pgx.Rows, targets []any, first bool) error {
	types, fields := rows.TypeMap(), rows.FieldDescriptions()
	if types == nil || !first || len(fields) != len(targets) { // nil: through database/sql
		return rows.Scan(targets...)
	}
	for i, v := range rows.RawValues() {
		if err := types.Scan(fields[i].DataTypeOID, fields[i].Format, v, targets[i]); err != nil {
			return err
		}
	}
	return nil
}

// A textCache keeps the text of every statement as a string. There are few texts, because they
// contain no values, but they are long: making a string of them for every call is much of the
// garbage that a call leaves.
type textCache struct {
	buffers sync.Pool // of *[]byte
	mu      sync.RWMutex
	strings map[string]string
}

func newTextCache() *textCache {
	return &textCache{strings: map[string]string{}, buffers: sync.Pool{New: func() any {
		buffer := make([]byte, 0, 4096)
		return &buffer
	}}}
}

func (c *textCache) stringOf(sql []byte) string {
	c.mu.RLock()
	text, ok := c.strings[string(sql)]
	c.mu.RUnlock()
	if !ok {
		text = string(sql)
		c.mu.Lock()
		c.strings[text] = text
		c.mu.Unlock()
	}
	return text
}
