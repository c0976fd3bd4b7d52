// Package pgstore keeps invitations in PostgreSQL 14 or later, through pgx or database/sql.
//
// A [Store] works on a pool, on a connection or in a transaction of the host. A change takes two
// round trips: the first begins a transaction, locks the organization's row and reads the facts,
// the second writes and commits. A read or a consumption takes one. A sweep takes one to find due
// invitations, and two for their change. A purge takes one to find old rows and one for each of
// their organizations. Through database/sql, each statement is a round trip: see [NewSQL].
// [Store.Migrate] creates the tables, in a schema of their own.
//
// The store repeats a call up to four times after a deadlock, a serialization failure or a lost
// connection. It does so only if nothing was committed for certain, and never in a transaction of
// the host.
//
// # Transactions of the host
//
// [Store.WithTx] returns a store that works in a transaction of the host. Its changes are
// committed together with the host's own. [Store.WithSQLTx] does the same for a transaction of
// database/sql. The store does not begin, commit, roll back or repeat such a transaction:
//
//   - The organization stays locked until the host ends the transaction, which should be soon.
//   - A refusal leaves the transaction usable.
//   - After an [invitations.ErrConcurrentChange] the host must roll back, and should run the
//     transaction again. A deadlock or a lock_timeout causes it. Above the isolation level read
//     committed, a concurrent change does too.
//   - If the context of a call ends before its answer, the host must roll back as well. A part of
//     a change cannot be committed.
//   - The isolation level decides which changes of others are visible to reads, and to the check
//     of a role by a consumption.
//   - [invitations.Service.Feed] writes the positions of events. Other readers of the feed wait
//     until the transaction ends.
//
// # Members table
//
// Members can be kept in a table that the host has already. See [MembersTable].
//
// # Poolers
//
// The store keeps no state in the session and works in every query exec mode of pgx. It therefore
// works behind a pooler in transaction mode. The exec mode must be one that the pooler supports.
// The default mode prepares statements: PgBouncer supports it from version 1.21, with
// max_prepared_statements above 0. For other poolers, use pgx.QueryExecModeExec or
// pgx.QueryExecModeCacheDescribe.
//
// # Requirements of the server
//
// The server must be a primary. If the connection string names several hosts, it should have
// target_session_attrs=read-write. No other setting matters: the store does not depend on the
// search path or the default isolation level.
//
// # Limits
//
// It sets no timeouts. A change waits for other changes of its organization as long as its
// context lasts, so contexts should have a deadline. It starts no goroutines. Only
// [Store.Purge] deletes invitations and events.
package pgstore

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// DB is the part of pgx that a [Store] needs. *pgxpool.Pool, *pgx.Conn and pgx.Tx implement it.
// If the DB is a pgx.Tx, the Store treats it as a transaction of the host.
type DB interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Store is an [invitations.Store] in PostgreSQL. It is safe for concurrent use if its [DB] is, as
// a pool is.
type Store struct {
	db            carrier
	schema        string
	in            string     // the schema's quoted name and a dot, for the name of a table
	host          *hostTable // nil: members are in the store's table
	memberColumns string     // the columns of all members, as a select list
	fromMembers   string     // the tables that they are in
	cache         *textCache
}

var _ invitations.Store = (*Store)(nil)

// Config configures a [Store]. The zero Config is ready to use.
type Config struct {
	// Schema is the schema of the store's tables; empty: "invitations". It must be at most 63
	// bytes of valid UTF-8 without control characters and "$do$", and not one of PostgreSQL's own.
	// It should be used for nothing else, because the tables have names such as members and
	// migrations.
	Schema string

	// Members is a table of the host in which members are kept; nil: a table of the store.
	Members *MembersTable
}

const defaultSchema = "invitations"

// New returns a Store on db with the zero [Config].
func New(db DB) *Store {
	s, err := NewWithConfig(db, Config{})
	if err != nil {
		panic(err) // the zero Config is valid
	}
	return s
}

// NewWithConfig returns a Store on db. If config has an invalid name or type, the error is an
// [invitations.InvalidError].
func NewWithConfig(db DB, config Config) (*Store, error) {
	schema, err := checkSchema(config.Schema)
	if err != nil {
		return nil, err
	}
	host, err := newHostTable(config.Members)
	if err != nil {
		return nil, err
	}
	in := pgx.Identifier{schema}.Sanitize() + "."
	s := &Store{db: carrierOf(db), schema: schema, in: in, host: host, cache: newTextCache()}
	s.memberColumns, s.fromMembers = membersSelect(in, host)
	return s, nil
}

// WithTx returns a copy of s that works in the host's transaction tx.
func (s *Store) WithTx(tx pgx.Tx) *Store {
	t := *s
	t.db = pgxTx{tx}
	return &t
}

// doQuote is the quote of the blocks in migrations. They contain the schema's name.
const doQuote = "$do$"

// checkSchema returns name, or the default for an empty one.
func checkSchema(name string) (string, error) {
	if name == "" {
		return defaultSchema, nil
	}
	switch {
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return "", &invitations.InvalidError{Field: "schema", Reason: "must not be one of PostgreSQL's own", Code: "reserved"}
	case strings.Contains(name, doQuote):
		return "", &invitations.InvalidError{Field: "schema", Reason: "must not contain " + doQuote, Code: "reserved"}
	}
	if err := checkName("schema", name); err != nil {
		return "", err
	}
	return name, nil
}

// inSchema returns sql with the quoted name of the schema in place of {schema}, and with that name
// as a text in place of {'schema'}.
func inSchema(schema, sql string) string {
	text := "'" + strings.ReplaceAll(schema, "'", "''") + "'"
	if strings.Contains(schema, `\`) {
		text = "E" + strings.ReplaceAll(text, `\`, `\\`) // means the same with all settings of the server
	}
	return strings.NewReplacer("{schema}", pgx.Identifier{schema}.Sanitize(), "{'schema'}", text).Replace(sql)
}
