package pgstore

import (
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// The columns of a table, in the order of its scan function.
const (
	invitationColumns = `i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains, i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce, i.sent_version`
	eventColumns      = `e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason`
)

// memberColumns returns the columns of the members table with the alias m.
func memberColumns(m string) string {
	return m + ".organization, " + m + ".user_id, " + m + ".role, " + m + ".joined_at, " + m + ".invitation_id, " + m + ".invited_by, " + m + ".metadata::text"
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
	create := to != toView && q.Create
	if create {
		var st statement
		st.text("insert into ", s.in, "organizations (id, version) values (", st.param("text", q.Organization), ", 0) on conflict do nothing")
		st.queue(b)
	}
	found := false
	s.queueOrganization(b, q, to, func(id string, version int64) {
		f.Organization, f.Version = id, version
		found = version > 0 || create
	})
	if q.Invitation != uuid.Nil {
		s.queueInvitation(b, q, &f)
	}
	s.queueOneRow(b, q, &f)
	return func() invitations.Facts {
		// A token that was replaced between the lock and the reading names no organization
		// any more.
		if !found || q.Organization == "" && f.Invitation == nil {
			return invitations.Facts{}
		}
		return f
	}
}

// organization adds what names the organization of q to st, and returns it as an
// expression.
func (s *Store) organization(st *statement, q invitations.Query) string {
	if q.Organization != "" {
		return st.param("text", q.Organization)
	}
	return "(select t.organization from " + s.in + "invitations t where t.id = " + st.param("uuid", pgUUID(q.Invitation)) +
		" and t.nonce = " + st.param("bytea", q.Nonce[:]) + ")"
}

// queueOrganization queues what reads or locks the organization's row.
func (s *Store) queueOrganization(b *pgx.Batch, q invitations.Query, to purpose, found func(id string, version int64)) {
	var st statement
	organization := s.organization(&st, q)
	if to == toChange {
		st.text("update ", s.in, "organizations o set version = o.version + 1 where o.id = ", organization, " returning o.id, o.version - 1")
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

// queueVersion queues what gives the organization its next version.
func (s *Store) queueVersion(b *pgx.Batch, f invitations.Facts) {
	var st statement
	st.text("update ", s.in, "organizations set version = ", st.param("bigint", f.Version+1), " where id = ", st.param("text", f.Organization))
	st.queue(b)
}

// queueInvitation queues what loads the invitation and its sender.
func (s *Store) queueInvitation(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var st statement
	organization := s.organization(&st, q)
	st.text("select ", invitationColumns, ", ", memberColumns("m"), " from ", s.in, "invitations i left join ", s.in,
		"members m on m.organization = i.organization and m.user_id = i.sent_by where i.organization = ", organization,
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

// queueOneRow queues what loads all facts that are one row together: what is known of each
// user, the pending invitation of each address, the count of pending ones. Each statement
// has its cost. Users and addresses are named one by one: for an array, whose length it does
// not know, the planner would plan anew at every call, which takes longer than the
// statement.
func (s *Store) queueOneRow(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	var st statement
	organization := s.organization(&st, q)
	var columns, from string
	var targets []any
	var finish []func() error
	column := func(sql string, into ...any) {
		if columns != "" {
			columns += ", "
		}
		columns += sql
		targets = append(targets, into...)
	}

	for i, user := range q.Members {
		m, r, id := "m"+strconv.Itoa(i), "r"+strconv.Itoa(i), st.param("text", user)
		for _, join := range [][2]string{{"members", m}, {"removals", r}} {
			from += " left join " + s.in + join[0] + " " + join[1] + " on " + join[1] + ".organization = " + organization + " and " + join[1] + ".user_id = " + id
		}
		var row userRow
		column(r+".version, "+r+".at, "+memberColumns(m), row.targets()...)
		finish = append(finish, func() error { return row.addTo(f, user) })
	}
	pending := s.in + "invitations i where i.organization = " + organization + " and i.state = 'pending' and i.expires_at > "
	if len(q.Emails) > 0 || q.SameEmail || q.PendingUpTo > 0 {
		pending += st.param("timestamptz", q.PendingAt)
	}
	address := func(is string, email func() string) {
		var id *uuid.UUID
		column("(select i.id from "+pending+" and i.email <> '' and i.email = "+is+" order by i.created_at desc, i.id desc limit 1)", &id)
		finish = append(finish, func() error {
			if id != nil {
				f.Pending[email()] = *id
			}
			return nil
		})
	}
	for _, email := range q.Emails {
		address(st.param("text", email), func() string { return email })
	}
	if q.SameEmail {
		address("(select t.email from "+s.in+"invitations t where t.organization = "+organization+" and t.id = "+st.param("uuid", pgUUID(q.Invitation))+")",
			func() string { return f.Invitation.Email })
	}
	if q.PendingUpTo > 0 { // stops at its bound, and so costs no more with a million
		column("(select pg_catalog.count(*) from (select from "+pending+" limit "+st.param("bigint", int64(q.PendingUpTo))+") as counted)", &f.PendingCount)
	}
	if columns == "" {
		return
	}
	st.text("select ", columns, " from (select) as one", from)
	st.queue(b).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(targets...); err != nil {
			return err
		}
		for _, finish := range finish {
			if err := finish(); err != nil {
				return err
			}
		}
		return nil
	})
}

// queueChanges queues what applies changes. The organization has its new version already.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes) {
	org := f.Organization
	var writes []func(*statement)
	for _, r := range changes.Invitations {
		writes = append(writes, func(st *statement) { st.put(s.in, recordsTable, recordArgs(org, r)) })
	}
	for _, m := range changes.Members {
		writes = append(writes, func(st *statement) { st.put(s.in, membersTable, memberArgs(org, m)) })
	}
	for _, user := range changes.Gone {
		writes = append(writes, func(st *statement) {
			st.text("delete from ", s.in, "members where organization = ", st.param("text", org), " and user_id = ", st.param("text", user))
		})
	}
	for _, r := range changes.Removals {
		writes = append(writes, func(st *statement) { st.put(s.in, removalsTable, []any{org, r.UserID, r.Version, r.At}) })
	}
	for i, e := range changes.Events {
		writes = append(writes, func(st *statement) { st.insert(s.in, eventsTable, eventArgs(org, f.Version+1, i, e)) })
	}
	// Each statement has its cost, so a few writes go as one. All of them would make too many
	// different statements.
	for together := range slices.Chunk(writes, 4) {
		var st statement
		for i, write := range together {
			last := i == len(together)-1
			switch {
			case last:
				st.text(" ")
			case i == 0:
				st.text("with w0 as (")
			default:
				st.text(", w", strconv.Itoa(i), " as (")
			}
			write(&st)
			if !last {
				st.text(")")
			}
		}
		st.queue(b)
	}
}

// queueViewer queues what loads the membership of a page's viewer.
func (s *Store) queueViewer(b *pgx.Batch, organization, viewer string, out **invitations.Member) {
	if viewer == "" {
		return
	}
	var st statement
	st.text("select ", memberColumns("m"), " from ", s.in, "members m where m.organization = ", st.param("text", organization),
		" and m.user_id = ", st.param("text", viewer))
	st.queue(b).Query(func(rows pgx.Rows) error {
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
	var st statement
	organization := st.param("text", q.Organization)
	from, where := s.in+"invitations i", "i.organization = "+organization
	switch q.State {
	case "":
	case invitations.StatePending:
		// Few are pending, for there is a limit, but many may have been and expired: they
		// are found by expiry first and only then put in order.
		st.text("with live as materialized (select ", invitationColumns, " from ", from, " where ", where,
			" and i.state = 'pending' and i.expires_at > ", st.param("timestamptz", q.At), ") ")
		from = "live i"
	case invitations.StateExpired:
		where += " and i.state = 'pending' and i.expires_at <= " + st.param("timestamptz", q.At)
	default:
		where += " and i.state = " + st.param("text", string(q.State))
	}
	for _, filter := range []struct{ column, value string }{
		{"kind", string(q.Kind)}, {"role", string(q.Role)}, {"email", q.Email}, {"sent_by", q.SentBy},
	} {
		if filter.value != "" {
			where += " and i." + filter.column + " = " + st.param("text", filter.value)
		}
	}
	if q.Email != "" {
		where += " and i.email <> ''" // names the partial index
	}
	if q.After != nil {
		where += " and (i.created_at, i.id) < (" + st.param("timestamptz", q.After.CreatedAt) + ", " + st.param("uuid", pgUUID(q.After.ID)) + ")"
	}
	st.text("select ", invitationColumns, " from ", from, " where ", where,
		" order by i.created_at desc, i.id desc limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(func(rows pgx.Rows) error {
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
	var st statement
	st.text("select ", eventColumns, " from ", s.in, "events e where e.organization = ", st.param("text", q.Organization),
		" and (e.version, e.index) > (", st.param("bigint", q.After.Version), ", ", st.param("integer", int32(q.After.Index)), ")")
	if q.Invitation != uuid.Nil {
		st.text(" and e.invitation_id = ", st.param("uuid", pgUUID(q.Invitation)))
	}
	st.text(" order by e.version, e.index limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(func(rows pgx.Rows) error {
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
