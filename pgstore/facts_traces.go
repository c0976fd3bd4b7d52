package pgstore

import (
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// queueTraces queues the statements that load the traces of a person. Each branch of a statement
// reads the index of one column. The branches of a statement have no rows in common.
func (s *Store) queueTraces(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	s.queueTracedInvitations(b, q, f)
	s.queueTracedMembers(b, q, f)
	s.queueTracedEvents(b, q, f)
}

func (s *Store) queueTracedInvitations(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found record
	st := s.statement()
	t := newTraces(&st, q, "i")
	from := s.in + "invitations i"
	page := []branch{s.tracedByEmail(t)}
	if q.TracesOf.Email == "" {
		page = []branch{
			t.of(from, "i.sent_by"),
			t.of(from, "i.created_by", "i.sent_by"),
			t.of(from, "i.accepted_by", "i.sent_by", "i.created_by"),
		}
	}
	invitationsTable.selectPage(&st, "i", &found, page, "", t.limit)
	st.collect(b, func() { f.TracedInvitations = append(f.TracedInvitations, found) })
}

// tracedByEmail returns the branch of the invitations for an address.
func (s *Store) tracedByEmail(t traces) branch {
	return branch{
		s.in + "invitations i", "i.organization = " + t.organization + " and " + emailIs + t.person,
		newestFirst,
	}
}

func (s *Store) queueTracedMembers(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found member
	st := s.statement()
	st.text("select ")
	membersTable.selectRow(&st, "m", &found)
	if q.TracesOf.Email != "" {
		t := newTraces(&st, q, "i")
		loaded := s.tracedByEmail(t)
		st.text(" from (select i.id, i.accepted_by from ", loaded.from, " where ", loaded.where,
			" order by ", loaded.order, " limit ", t.limit, ") as i",
			s.joinMember("m", t.organization, "nullif(i.accepted_by, '')"), " where m.invitation_id = i.id")
	} else {
		t := newTraces(&st, q, "t")
		invited := t.of(s.in+"members t", "t.invited_by")
		st.text(" from ", invited.from, s.joinMember("m", t.organization, "t.user_id"),
			" where ", invited.where, " and m.user_id is not null order by ", invited.order, " limit ", t.limit)
	}
	st.collect(b, func() { f.TracedMembers = append(f.TracedMembers, found) })
}

func (s *Store) queueTracedEvents(b *pgx.Batch, q *invitations.Query, f *invitations.Facts) {
	var found event
	st := s.statement()
	t := newTraces(&st, q, "e")
	from := s.in + "events e"
	page := []branch{t.of(from, "e.email")}
	if q.TracesOf.Email == "" {
		page = []branch{
			t.of(from, "e.actor"),
			t.of(from, "e.subject", "e.actor"),
			t.of(from, "e.invited_by", "e.actor", "e.subject"),
		}
	}
	numberedEventsTable.selectPage(&st, "e", &found, page, "", t.limit)
	st.collect(b, func() { f.TracedEvents = append(f.TracedEvents, found) })
}

// traces has the parameters of a statement that loads traces from a table with this alias.
type traces struct{ alias, organization, person, limit string }

func newTraces(st *statement, q *invitations.Query, alias string) traces {
	person := q.TracesOf.Email
	if person == "" {
		person = q.TracesOf.UserID
	}
	return traces{
		alias, st.param("text", q.Organization), st.param("text", person), st.param("bigint", int64(q.TracesUpTo)),
	}
}

// of returns the branch of the rows that have the person in a column, and not in others.
func (t traces) of(from, column string, others ...string) branch {
	organization := t.alias + ".organization"
	where := organization + " = " + t.organization + " and " + column + " <> ''"
	for _, other := range others {
		where += " and " + column + " <> " + other
	}
	return keyset{}.branch(from, where, pin{column, t.person}, pin{organization, t.organization})
}
