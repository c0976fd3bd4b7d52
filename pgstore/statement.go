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

// text appends SQL.
func (st *statement) text(parts ...string) {
	for _, part := range parts {
		st.sql = append(st.sql, part...)
	}
}

// A parameter is the number of a parameter, from 1.
type parameter int

func (st *statement) parameter(p parameter, typ string) {
	st.sql = strconv.AppendInt(append(st.sql, '$'), int64(p), 10)
	st.text("::", typ)
}

// value adds an argument and appends its parameter.
func (st *statement) value(typ string, argument any) {
	st.args = append(st.args, argument)
	st.parameter(parameter(len(st.args)), typ)
}

// param adds an argument and returns its parameter, which can stand in several places.
func (st *statement) param(typ string, argument any) string {
	st.args = append(st.args, argument)
	return "$" + strconv.Itoa(len(st.args)) + "::" + typ
}

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
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			add()
		}
		return nil
	})
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
