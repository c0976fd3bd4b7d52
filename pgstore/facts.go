package pgstore

import (
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// A purpose says what facts are loaded for, and so how the organization's row is read.
type purpose int

const (
	toView   purpose = iota
	toLock           // in the host's transaction, where a refusal has to leave the row as it is
	toChange         // in a transaction of the store's own, which a refusal rolls back
)

// queueFacts queues what loads the facts that q asks for, the organization's row first, and
// returns what hands them out once the batch is closed.
func (s *Store) queueFacts(b *pgx.Batch, q invitations.Query, to purpose, create bool) func() invitations.Facts {
	f := &invitations.Facts{}
	if to != toView {
		s.queueAdoption(b, q.Organization)
	}
	if create {
		st := s.statement()
		st.text("insert into ", s.in, "organizations (id, version) values (", st.param("text", q.Organization), ", 0) on conflict do nothing")
		st.queue(b)
	}
	found := false
	s.queueOrganization(b, q, to, func(id string, version int64) {
		f.Organization, f.Version = id, version
		found = version > 0 || create
	})
	if q.Invitation != uuid.Nil {
		s.queueInvitation(b, q, f)
	}
	users := slices.Clone(q.Members)
	slices.Sort(users)
	users = slices.Compact(users)
	for len(users) > usersInARow {
		s.queueFactsRow(b, invitations.Query{
			Organization: q.Organization, Invitation: q.Invitation, Members: users[:usersInARow], Removals: q.Removals, Quotas: q.Quotas,
		}, f)
		users = users[usersInARow:]
	}
	rest := q
	rest.Members = users
	if len(q.Emails) > 1 {
		rest.Emails = nil
		s.queuePendingOf(b, q, f)
	}
	s.queueFactsRow(b, rest, f)
	s.queueInvitationsOf(b, q, f)
	s.queuePending(b, q, f)
	return func() invitations.Facts {
		if !found {
			return invitations.Facts{}
		}
		return *f
	}
}

// put puts a value into a map, which is made for the first.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// queueOrganization queues what reads or locks the organization's row.
func (s *Store) queueOrganization(b *pgx.Batch, q invitations.Query, to purpose, found func(id string, version int64)) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	if to == toChange {
		st.text("update ", s.in, "organizations o set version = o.version + 1 where o.id = ", organization, " returning o.id, o.version - 1")
	} else if to == toView && s.host != nil {
		st.text("select ", organization, ", coalesce(o.version, 1) from (select) as one left join ", s.in, "organizations o on o.id = ", organization,
			" where o.id is not null or exists (", s.countMembers(organization, ""), ")")
	} else {
		st.text("select o.id, o.version from ", s.in, "organizations o where o.id = ", organization)
	}
	if to == toLock {
		st.text(" for no key update")
	}
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id string
			var version int64
			if err := rows.Scan(&id, &version); err != nil {
				return err
			}
			found(id, version)
		}
		return nil
	})
}

// queueAdoption queues what makes an organization known to the store whose members the host's
// table has: from then on it is as if it had begun with them.
func (s *Store) queueAdoption(b *pgx.Batch, organization string) {
	if s.host == nil {
		return
	}
	st := s.statement()
	id := st.param("text", organization)
	st.text("insert into ", s.in, "organizations (id, version) select ", id, ", 1 where exists (", s.countMembers(id, ""), ") on conflict do nothing")
	st.queue(b)
}

// queueInvitation queues what loads the invitation and its sender.
func (s *Store) queueInvitation(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select ", invitationColumns, ", ", memberColumns("m"), " from ", s.in, "invitations i",
		s.joinMember("m", "i.organization", "nullif(i.sent_by, '')"), " where i.organization = ", organization,
		" and i.id = ", st.param("uuid", pgUUID(q.Invitation)))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var r invitationRow
			var m memberRow
			if err := rows.Scan(append(r.targets(), m.targets()...)...); err != nil {
				return err
			}
			record, err := r.record()
			if err != nil {
				return err
			}
			sender, err := m.member()
			if err != nil {
				return err
			}
			f.Invitation = &record
			if q.Sender {
				f.Sender = sender
			}
		}
		return nil
	})
}

// live returns a select of the invitations of an organization, or of an address, that are
// pending at an instant. Few are, for there is a limit, but many may have been and expired: so
// they are found by expiry first, and only then filtered and put in order, which is what
// "materialized" has the planner do.
func (s *Store) live(of, at string) string {
	return "with live as materialized (select " + invitationColumns + " from " + s.in + "invitations i where " + of +
		" and i.state = 'pending' and i.expires_at > " + at + ") "
}

// queuePending queues what loads the pending invitations of a sender or an address.
func (s *Store) queuePending(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	if q.PendingSentBy == "" && q.PendingFor == "" {
		return
	}
	st := s.statement()
	organization := st.param("text", q.Organization)
	sender, address := st.param("text", q.PendingSentBy), st.param("text", q.PendingFor)
	st.text(s.live("i.organization = "+organization, st.param("timestamptz", q.PendingAt)), "select ", invitationColumns,
		" from live i where ", sender, " <> '' and i.sent_by = ", sender, " or ", address, " <> '' and i.email = ", address,
		" order by i.created_at desc, i.id desc")
	st.queue(b).Query(scanRecords(&f.PendingRecords))
}

// queueInvitationsOf queues what loads invitations by their ids. Lists go as JSON: for an
// array the planner would plan anew at every call.
func (s *Store) queueInvitationsOf(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	if len(q.Invitations) == 0 {
		return
	}
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select ", invitationColumns, " from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Invitations)), ") as wanted (id) join ",
		s.in, "invitations i on i.organization = ", organization, " and i.id = wanted.id::uuid")
	var found []invitations.Record
	scan := scanRecords(&found)
	st.queue(b).Query(func(rows pgx.Rows) error {
		err := scan(rows)
		for _, r := range found {
			put(&f.Invitations, r.ID, r)
		}
		return err
	})
}

// queuePendingOf queues what finds the pending invitations of many addresses.
func (s *Store) queuePendingOf(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	st.text("select distinct on (i.email) i.email, i.id from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(q.Emails)), ") as wanted (email) join ",
		s.in, "invitations i on i.organization = ", organization, " and i.email = wanted.email and i.email <> '' and i.state = 'pending' and i.expires_at > ",
		st.param("timestamptz", q.PendingAt), " order by i.email, i.created_at desc, i.id desc")
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var email string
			var id uuid.UUID
			if err := rows.Scan(&email, &id); err != nil {
				return err
			}
			put(&f.PendingByEmail, email, id)
		}
		return nil
	})
}
