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
	load := &factsLoad{q: q}
	err = s.read(ctx, "reading", func(b *pgx.Batch) { s.queueFacts(b, load, toView) })
	if err != nil {
		return facts, err
	}
	return *load.result(), nil
}

// A factsLoad loads the facts of a query.
type factsLoad struct {
	q      invitations.Query
	create bool // the organization, if it does not exist
	facts  invitations.Facts
	found  bool // the organization's row
}

// queueFacts queues the statements that load the facts of a query. The first of them reads or locks
// the organization's row. When the batch is closed, result returns the facts.
func (s *Store) queueFacts(b *pgx.Batch, load *factsLoad, to purpose) {
	load.facts, load.found = invitations.Facts{}, false
	q, f := &load.q, &load.facts
	if to != toView {
		s.queueAdoption(b, q.Organization)
	}
	if load.create {
		s.queueCreation(b, q.Organization)
	}
	s.queueOrganization(b, load, to)
	if q.Invitation != uuid.Nil || q.PendingFor != "" && q.PendingSentBy == "" {
		s.queueInvitation(b, q, f)
	}
	users := q.Members
	if len(users) > 1 {
		users = slices.Compact(slices.Sorted(slices.Values(users)))
	}
	if len(users) > 0 && users[0] == "" {
		users = users[1:] // nobody's ID, and not a value of every type of IDs
	}
	for len(users) > usersInARow {
		s.queueFactsRow(b, &invitations.Query{
			Organization: q.Organization, Removals: q.Removals, Quotas: q.Quotas,
		}, users[:usersInARow], toView, f)
		users = users[usersInARow:]
	}
	if len(q.Emails) > 1 {
		s.queuePendingByEmail(b, q, f)
	}
	s.queueFactsRow(b, q, users, to, f)
	if len(q.Invitations) > 0 {
		s.queueInvitationsByID(b, q, f)
	}
	if q.PendingSentBy != "" {
		s.queuePendingRecords(b, q, f)
	}
	if q.Totals {
		s.queueTotals(b, q, f)
	}
	if q.TracesUpTo > 0 {
		s.queueTraces(b, q, f)
	}
}

// result returns the facts, which have been loaded.
func (l *factsLoad) result() *invitations.Facts {
	f := &l.facts
	switch {
	case !l.found || f.Version == 0 && !l.create:
		return &invitations.Facts{}
	case l.create && f.Deleted:
		return &invitations.Facts{Organization: f.Organization, Version: f.Version, Deleted: true}
	}
	return f
}

// A purpose is the reason for loading facts. The reading of the organization's row depends on it.
type purpose int

const (
	toView   purpose = iota
	toLock           // to change in a transaction of the host, where a refusal must leave the row as it is
	toChange         // to change in a transaction of the store, which rolls back after a refusal
)

// queueOrganization queues the statement that reads the organization's row, or locks it. The version
// is that before the change.
func (s *Store) queueOrganization(b *pgx.Batch, load *factsLoad, to purpose) {
	q, f := &load.q, &load.facts
	st := s.sized(1, 2+len(limitsTable.columns))
	id := st.param("text", textArgument(&q.Organization))
	alive := " and not o.deleted"
	if q.AlsoDeleted || load.create {
		alive = ""
	}
	columns := func(version string) {
		st.column((*bigintValue)(&f.Version), version)
		st.column((*booleanValue)(&f.Deleted), "o.deleted")
		limitsTable.selectRow(&st, "o", &f.Limits)
		if to == toView && q.OwnersUpTo > 0 {
			s.countOwners(&st, q, id, f)
		}
	}
	switch {
	case to == toChange:
		st.text("update ", s.in, "organizations o set version = o.version + 1 where o.id = ", id, alive, " returning ")
		columns("o.version - 1")
	case to == toLock:
		st.text("select ")
		columns("o.version")
		st.text(" from ", s.in, "organizations o where o.id = ", id, alive, " for no key update")
	case s.host != nil:
		st.text("select ")
		columns("coalesce(o.version, 1)")
		st.text(" from (select) as one left join ", s.in, "organizations o on o.id = ", id,
			" where (o.id is not null", alive, ") or (o.id is null and exists (", s.countMembers(id, ""), "))")
	default:
		st.text("select ")
		columns("o.version")
		st.text(" from ", s.in, "organizations o where o.id = ", id, alive)
	}
	st.collect(b, func() {
		load.facts.Organization = load.q.Organization
		load.found = true
	})
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

// queueInvitation queues the statement that loads the invitation, and its sender if wanted. It
// loads the pending invitations for PendingFor too, unless those of a sender are wanted.
func (s *Store) queueInvitation(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found record
	var sender *member
	columns := len(invitationsTable.columns)
	if q.Sender {
		columns += len(membersTable.columns)
	}
	st := s.sized(4, columns)
	organization := st.param("text", textArgument(&q.Organization))
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	if q.Sender {
		sender = new(member)
		membersTable.selectRow(&st, "m", sender)
	}
	st.text(" from ", s.in, "invitations i")
	if q.Sender {
		s.appendMemberJoin(&st, "m", "i.organization", "nullif(i.sent_by, '')")
	}
	st.text(" where i.organization = ", organization)
	byID, pendingFor := q.Invitation != uuid.Nil, q.PendingFor != "" && q.PendingSentBy == ""
	st.text(" and ")
	if byID {
		if pendingFor {
			st.text("(")
		}
		st.text("i.id = ", st.param("uuid", uuidArgument(q.Invitation)))
		if pendingFor {
			st.text(" or ")
		}
	}
	if pendingFor {
		st.text(emailIs, st.param("text", textArgument(&q.PendingFor)),
			" and i.state = ", storedPending, " and i.expires_at > ", st.param("timestamptz", instantArgument(&q.PendingAt)))
		if byID {
			st.text(")")
		}
		st.text(" order by ", newestFirst)
	}
	st.collect(b, func() {
		if pendingFor && found.Email == q.PendingFor && found.State == invitations.StatePending && found.ExpiresAt.After(q.PendingAt) {
			f.PendingRecords = append(f.PendingRecords, found)
		}
		if byID && found.ID == q.Invitation {
			invitation, from := &found, sender
			if pendingFor { // other rows follow, and PendingRecords may have this one too
				one := found.Clone()
				invitation = &one
				if sender != nil {
					copied := *sender
					from = &copied
				}
			}
			f.Invitation = invitation
			if from != nil && from.UserID != "" {
				f.Sender = from
			}
		}
	})
}

// queueInvitationsByID queues the statement that loads the invitations of several IDs.
func (s *Store) queueInvitationsByID(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found record
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Invitations)), ") as wanted (id)",
		" join ", s.in, "invitations i on i.organization = ", organization, " and i.id = wanted.id::uuid")
	st.collect(b, func() { put(&f.Invitations, found.ID, found) })
}

// queuePendingRecords queues the statement that loads the pending invitations of a sender, and
// those for an address if they are wanted.
func (s *Store) queuePendingRecords(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found record
	st := s.statement()
	organization, at := st.param("text", q.Organization), st.param("timestamptz", q.PendingAt)
	table, where := s.in+"invitations i", "i.organization = "+organization+" and i.expires_at > "+at
	parts := []branch{{
		table, where + " and i.state = 'pending' and " + senderIs + st.param("text", q.PendingSentBy),
		"i.expires_at nulls first", // the index invitations_live_by_sender
	}}
	if q.PendingFor != "" {
		parts = append(parts, branch{
			table, where + " and " + emailIs + st.param("text", q.PendingFor) + " and i.state = " + storedPending +
				" and i.sent_by <> " + st.param("text", q.PendingSentBy),
			newestFirst,
		})
	}
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from (")
	for n, part := range parts {
		if n > 0 {
			st.text(" union all ")
		}
		st.text("(select ")
		invitationsTable.appendList(&st, "i")
		st.text(" from ", part.from, " where ", part.where, " order by ", part.order, ")")
	}
	st.text(") as i order by ", newestFirst)
	st.collect(b, func() { f.PendingRecords = append(f.PendingRecords, found) })
}

// queuePendingByEmail queues the statement that finds the pending invitations of many addresses.
func (s *Store) queuePendingByEmail(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var email textValue
	var id uuidValue
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select i.email, i.id",
		" from (select distinct a.email from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Emails)),
		") as a (email)) as wanted",
		" cross join lateral (select i.email, i.id from ", s.in, "invitations i where i.organization = ", organization,
		" and i.email = wanted.email and i.email <> ''",
		" and i.state = ", storedPending, " and i.expires_at > ", st.param("timestamptz", q.PendingAt),
		" order by ", newestFirst, " limit 1) as i")
	st.targets = []any{&email, &id}
	st.collect(b, func() { put(&f.PendingByEmail, string(email), uuid.UUID(id)) })
}

// queueTotals queues the statement that counts all members and pending invitations.
func (s *Store) queueTotals(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	t := &f.Totals
	st.text("select ")
	for _, c := range []struct {
		name   string
		target *int
	}{
		{"m.members", &t.Members},
		{"m.seats", &t.Seats},
		{"p.emails", &t.PendingEmails},
		{"p.links", &t.PendingLinks},
		{"p.reserved", &t.Reserved},
	} {
		st.column((*integerValue)(c.target), c.name)
	}
	st.text(" from (select) as one left join ", s.in, "organizations o on o.id = ", organization,
		" cross join lateral (select pg_catalog.count(*) as members,",
		" pg_catalog.count(*) filter (where ", seatless(s.roleColumn().text()), " is not true) as seats",
		" from ", s.membersName(), " h where ", s.isOf(organization), ") as m",
		" cross join lateral (select pg_catalog.count(*) filter (where i.kind = 'email') as emails,",
		" pg_catalog.count(*) filter (where i.kind = 'link') as links,",
		" pg_catalog.count(*) filter (where i.kind = 'email' and ", seatless("i.role"), " is not true) as reserved",
		" from ", s.in, "invitations i where i.organization = ", organization,
		" and i.state = 'pending' and i.expires_at > ", st.param("timestamptz", q.PendingAt), ") as p")
	st.collect(b, func() {})
}

// put sets m[key], and makes the map first if it is nil.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}
