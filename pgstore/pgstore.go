// Package pgstore keeps invitations in PostgreSQL 14 or later, through pgx.
//
// A [Store] works on a pool, on a connection, or on a transaction that the host began. A
// change costs two network round trips: one begins, locks the organization's row and reads
// the facts, one writes and commits. A read or a consumption costs one. It works in every
// query exec mode of pgx and keeps no state in the session.
//
// Members can be kept in a table that the host has already: see [MembersTable].
//
// Behind a pooler in transaction mode, choose the exec mode that the pooler can serve:
// pgx's default, which prepares statements, needs one that knows them (PgBouncer 1.21 or
// later with max_prepared_statements above 0); with others use QueryExecModeExec or
// QueryExecModeCacheDescribe.
//
// In a host's transaction nothing is begun, committed, rolled back or repeated, and reads
// see what its isolation level lets them see. The organization stays locked until the host
// ends the transaction, so end it soon. A refusal leaves the transaction usable. A
// deadlock, and at a higher isolation level than read committed any concurrent change, is
// [invitations.ErrConcurrentChange]: roll back and run the transaction again. There, a
// consumption goes by the roles that the transaction sees.
//
// Reading the feed gives events their positions, so it writes, and a host's transaction in which
// it is read holds up its other readers until it ends.
//
// A change waits for the changes of its organization that are under way, as long as its
// context lasts: give contexts a deadline. The store needs no other setting of the server
// than a primary: with several hosts in the connection string, ask for
// target_session_attrs=read-write.
package pgstore

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// DB is what a [Store] needs of pgx. A *pgxpool.Pool, a *pgx.Conn and a pgx.Tx have it.
// What is also a pgx.Tx is taken for a transaction of the host's.
type DB interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Store is an [invitations.Store] in PostgreSQL. It is as safe for concurrent use as its
// [DB]: on a pool it is.
type Store struct {
	db     DB
	schema string
	in     string // the schema as it stands before the name of a table, with the dot
	host   *hostTable
	texts  *texts
}

var _ invitations.Store = (*Store)(nil)

// Config is what a [Store] can be told. The zero Config is ready to use.
type Config struct {
	// Schema is the name of the schema that holds the store's tables; empty is
	// "invitations". At most 63 bytes of valid UTF-8, without control characters; not one
	// of PostgreSQL's own. Give the store a schema for itself: its tables have names such
	// as members, events and migrations.
	Schema string

	// Members is the host's own table of members, where they are kept instead of the
	// store's; nil: there is none.
	Members *MembersTable
}

const defaultSchema = "invitations"

// New returns a Store on db with the zero [Config]. From a Store with another one, take
// [Store.WithTx] for a transaction.
func New(db DB) *Store {
	s, err := NewWithConfig(db, Config{})
	if err != nil {
		panic(err) // the zero Config is valid
	}
	return s
}

// NewWithConfig returns a Store on db. A name that PostgreSQL cannot have, or a type that ids
// cannot have, is refused with an [invitations.InvalidError].
func NewWithConfig(db DB, config Config) (*Store, error) {
	schema, err := checkSchema(config.Schema)
	if err != nil {
		return nil, err
	}
	host, err := newHostTable(config.Members)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, schema: schema, host: host, in: pgx.Identifier{schema}.Sanitize() + ".", texts: newTexts()}, nil
}

// WithTx returns a Store that is s but works in the host's transaction tx.
func (s *Store) WithTx(tx pgx.Tx) *Store {
	t := *s
	t.db = tx
	return &t
}

// checkSchema returns the name of the schema that name stands for.
func checkSchema(name string) (string, error) {
	reason := ""
	switch {
	case name == "":
		return defaultSchema, nil
	case badName(name) != "":
		reason = badName(name)
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		reason = "is PostgreSQL's own"
	default:
		return name, nil
	}
	return "", &invitations.InvalidError{Field: "schema", Reason: reason}
}

// inSchema returns text with the schema's quoted name in the place of {schema}.
func inSchema(schema, text string) string {
	return strings.ReplaceAll(text, "{schema}", pgx.Identifier{schema}.Sanitize())
}

func (s *Store) sql(text string) string { return inSchema(s.schema, text) }

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.update(ctx, q, false, decide)
}

// Create implements [invitations.Store].
func (s *Store) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.update(ctx, q, true, decide)
}

func (s *Store) update(ctx context.Context, q invitations.Query, create bool, decide invitations.Decision) error {
	if err := s.checkIDs(q.Organization, q.Members...); err != nil {
		return err
	}
	var load func() invitations.Facts
	return s.change(ctx, "updating", func(b *pgx.Batch, to purpose) {
		load = s.queueFacts(b, q, to, create)
	}, func(b *pgx.Batch, to purpose) error {
		facts := load()
		changes, err := decide(facts)
		if err != nil || changes.Empty() {
			return err
		}
		if to == toLock {
			s.queueVersion(b, facts)
		}
		s.queueChanges(b, facts, changes)
		return nil
	})
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (facts invitations.Facts, err error) {
	if err := s.checkIDs(q.Organization, q.Members...); err != nil {
		return facts, err
	}
	var load func() invitations.Facts
	if err := s.read(ctx, "reading", func(b *pgx.Batch) { load = s.queueFacts(b, q, toView, false) }); err != nil {
		return facts, err
	}
	return load(), nil
}

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (page invitations.Page[invitations.Record], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing invitations", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Record]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueInvitations(b, q, &page.Items)
	})
	return page, err
}

// Members implements [invitations.Store].
func (s *Store) Members(ctx context.Context, q invitations.MemberQuery) (page invitations.Page[invitations.Member], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing members", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Member]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueMembers(b, q, &page.Items)
	})
	return page, err
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	if err := s.checkIDs("", q.UserID); err != nil {
		return nil, nil, err
	}
	err = s.read(ctx, "listing workspaces", func(b *pgx.Batch) {
		personal, memberships = nil, nil
		s.queuePersonal(b, q.UserID, &personal)
		if q.Limit > 0 {
			s.queueWorkspaces(b, q, &memberships)
		}
	})
	return personal, memberships, err
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (page invitations.Page[invitations.Event], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing events", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Event]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueEvents(b, q, &page.Items)
	})
	return page, err
}
