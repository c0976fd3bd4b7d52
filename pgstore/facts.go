package pgstore

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (facts invitations.Facts, err error) {
	if err := s.checkIDs(q.Organization, q.Members...); err != nil {
		return facts, err
	}
	var load func() invitations.Facts
	err = s.read(ctx, "reading", func(b *pgx.Batch) { load = s.queueFacts(b, q, toView, false) })
	if err != nil {
		return facts, err
	}
	return load(), nil
}

// queueFacts queues the statements that load the facts of q. The first of them reads or locks
// the organization's row. When the batch is closed, the returned function returns the facts.
func (s *Store) queueFacts(b *pgx.Batch, q invitations.Query, to purpose, create bool) func() invitations.Facts {
	f := &invitations.Facts{}
	exists := false
	if to != toView {
		s.queueAdoption(b, q.Organization)
	}
	if create {
		s.queueCreation(b, q.Organization)
	}
	s.queueOrganization(b, q.Organization, to, func(version int64) {
		f.Organization, f.Version = q.Organization, version
		exists = version > 0 || create
	})
	if q.Invitation != uuid.Nil {
		s.queueInvitation(b, q, f)
	}
	row := q
	row.Members = slices.Compact(slices.Sorted(slices.Values(q.Members)))
	if len(row.Members) > 0 && row.Members[0] == "" {
		row.Members = row.Members[1:] // nobody's ID, and not a value of every type of IDs
	}
	for len(row.Members) > usersInARow {
		s.queueFactsRow(b, invitations.Query{
			Organization: q.Organization, Members: row.Members[:usersInARow], Removals: q.Removals, Quotas: q.Quotas,
		}, f)
		row.Members = row.Members[usersInARow:]
	}
	if len(q.Emails) > 1 {
		row.Emails = nil
		s.queuePendingByEmail(b, q, f)
	}
	s.queueFactsRow(b, row, f)
	if len(q.Invitations) > 0 {
		s.queueInvitationsByID(b, q, f)
	}
	if q.PendingSentBy != "" || q.PendingFor != "" {
		s.queuePendingRecords(b, q, f)
	}
	return func() invitations.Facts {
		if !exists {
			return invitations.Facts{}
		}
		return *f
	}
}

// A purpose is the reason for loading facts. The reading of the organization's row depends on it.
type purpose int

const (
	toView   purpose = iota
	toLock           // to change in a transaction of the host, where a refusal must leave the row as it is
	toChange         // to change in a transaction of the store, which rolls back after a refusal
)

// queueOrganization queues the statement that reads the organization's row, or locks it, and
// calls found with its version, as it was before the change.
func (s *Store) queueOrganization(b *pgx.Batch, organization string, to purpose, found func(version int64)) {
	st := s.statement()
	id := st.param("text", organization)
	switch {
	case to == toChange:
		st.text("update ", s.in, "organizations o set version = o.version + 1 where o.id = ", id,
			" returning o.version - 1")
	case to == toLock:
		st.text("select o.version from ", s.in, "organizations o where o.id = ", id, " for no key update")
	case s.host != nil:
		st.text("select coalesce(o.version, 1) from (select) as one",
			" left join ", s.in, "organizations o on o.id = ", id,
			" where o.id is not null or exists (", s.countMembers(id, ""), ")")
	default:
		st.text("select o.version from ", s.in, "organizations o where o.id = ", id)
	}
	var version int64
	st.targets = []any{&version}
	st.collect(b, func() { found(version) })
}

// queueCreation queues the insertion of an organization that may exist. Version 0 means that it
// does not exist yet. If somebody else is creating it, the insertion waits for the outcome.
func (s *Store) queueCreation(b *pgx.Batch, organization string) {
	st := s.statement()
	st.text("insert into ", s.in, "organizations (id, version) values (", st.param("text", organization), ", 0)",
		" on conflict do nothing")
	st.queue(b)
}

// queueAdoption queues the insertion of an organization that has members in the host's table and
// that the store does not know yet. It has version 1, as if it had been created with them.
func (s *Store) queueAdoption(b *pgx.Batch, organization string) {
	if s.host == nil {
		return
	}
	st := s.statement()
	id := st.param("text", organization)
	st.text("insert into ", s.in, "organizations (id, version)",
		" select ", id, ", 1 where exists (", s.countMembers(id, ""), ") on conflict do nothing")
	st.queue(b)
}

// queueInvitation queues the statement that loads the invitation, and its sender if wanted.
func (s *Store) queueInvitation(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var found record
	var sender member
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	if q.Sender {
		membersTable.selectRow(&st, "m", &sender)
	}
	st.text(" from ", s.in, "invitations i")
	if q.Sender {
		st.text(s.joinMember("m", "i.organization", "nullif(i.sent_by, '')"))
	}
	st.text(" where i.organization = ", organization, " and i.id = ", st.param("uuid", uuidArgument(q.Invitation)))
	st.collect(b, func() {
		f.Invitation = &found
		if sender.UserID != "" {
			f.Sender = &sender
		}
	})
}

// queueInvitationsByID queues the statement that loads the invitations of several IDs.
func (s *Store) queueInvitationsByID(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var found record
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Invitations)), ") as wanted (id)",
		" join ", s.in, "invitations i on i.organization = ", organization, " and i.id = wanted.id::uuid")
	st.collect(b, func() { put(&f.Invitations, found.ID, found) })
}

// queuePendingRecords queues the statement that loads the pending invitations of a sender and
// those for an address.
func (s *Store) queuePendingRecords(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var found record
	st := s.statement()
	organization := st.param("text", q.Organization)
	sender, email := st.param("text", q.PendingSentBy), st.param("text", q.PendingFor)
	s.withLive(&st, "i.organization = "+organization, q.PendingAt)
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from live i",
		" where (", sender, " <> '' and i.sent_by = ", sender, ") or (", email, " <> '' and i.email = ", email, ")",
		" order by i.created_at desc, i.id desc")
	st.collect(b, func() { f.PendingRecords = append(f.PendingRecords, found) })
}

// queuePendingByEmail queues the statement that finds the pending invitations of many addresses.
func (s *Store) queuePendingByEmail(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var email textValue
	var id uuidValue
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select distinct on (i.email) i.email, i.id",
		" from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Emails)), ") as wanted (email)",
		" join ", s.in, "invitations i on i.organization = ", organization,
		" and i.email = wanted.email and i.email <> ''",
		" and i.state = 'pending' and i.expires_at > ", st.param("timestamptz", q.PendingAt),
		" order by i.email, i.created_at desc, i.id desc")
	st.targets = []any{&email, &id}
	st.collect(b, func() { put(&f.PendingByEmail, string(email), uuid.UUID(id)) })
}

// put sets m[key], and makes the map first if it is nil.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}
