package pgstore

import (
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// queueVersion queues what gives the organization its next version.
func (s *Store) queueVersion(b *pgx.Batch, f invitations.Facts) {
	st := s.statement()
	st.text("update ", s.in, "organizations set version = ", st.param("bigint", f.Version+1), " where id = ", st.param("text", f.Organization))
	st.queue(b)
}

// queueChanges queues what applies changes. The organization has its new version already.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes) {
	org := f.Organization
	if len(changes.Quotas) > 0 { // in the order in which a consumption locks
		st := s.statement()
		st.text("select from ", s.in, "quotas q where q.organization = ", st.param("text", org), " and q.user_id = '' for no key update")
		st.queue(b)
	}
	w := writes{s: s, b: b, left: s.writesOf(changes)}
	facts := known(f)
	for _, r := range changes.Invitations {
		if facts[r.ID] {
			w.next().put(s.in, recordsTable, recordArgs(org, r))
		} else {
			w.next().insert(s.in, recordsTable, recordArgs(org, r))
		}
	}
	for _, m := range changes.Members {
		s.putMember(&w, org, m)
	}
	for _, user := range changes.Gone {
		s.deleteMember(&w, org, user)
	}
	for _, r := range changes.Removals {
		w.next().put(s.in, removalsTable, []any{org, r.UserID, r.Version, r.At})
	}
	for _, q := range changes.Quotas {
		st := w.next()
		st.insert(s.in, quotasTable, []any{org, q.UserID, q.Limit, string(q.Period), q.Version})
		st.text(keepUsed("organization, user_id"), ", version = excluded.version")
	}
	for i, e := range changes.Events {
		w.next().insert(s.in, eventsTable, eventArgs(org, f.Version+1, i, e))
	}
	w.end()
}

// writesOf returns how many writes apply changes.
func (s *Store) writesOf(changes invitations.Changes) int {
	ofMember := 1
	if s.host != nil {
		ofMember = 2
	}
	return len(changes.Invitations) + ofMember*(len(changes.Members)+len(changes.Gone)) + len(changes.Removals) + len(changes.Quotas) + len(changes.Events)
}

// known returns the ids of the invitations that the facts have. A decision changes no others,
// so what is not among them is new: it replaces nothing.
func known(f invitations.Facts) map[uuid.UUID]bool {
	ids := map[uuid.UUID]bool{}
	if f.Invitation != nil {
		ids[f.Invitation.ID] = true
	}
	for id := range f.Invitations {
		ids[id] = true
	}
	for i := range f.PendingRecords {
		ids[f.PendingRecords[i].ID] = true
	}
	return ids
}

// writes queues writes, a few as one statement, because each statement has its cost. All of
// them as one would make too many different statements.
type writes struct {
	s    *Store
	b    *pgx.Batch
	left int // exactly as many as are still to come
	st   statement
	done int // in st
}

const writesInAStatement = 4

// next returns the statement, for the next write to be added.
func (w *writes) next() *statement {
	if w.done == writesInAStatement {
		w.end()
	}
	if w.done == 0 {
		w.st = w.s.statement()
		w.st.args = make([]any, 0, 40)
	}
	switch last := w.done == writesInAStatement-1 || w.left == 1; {
	case w.done > 0 && last:
		w.st.text(") ")
	case w.done > 0:
		w.st.text("), w", strconv.Itoa(w.done), " as (")
	case !last:
		w.st.text("with w0 as (")
	}
	w.done++
	w.left--
	return &w.st
}

// end queues the statement, which has a write.
func (w *writes) end() {
	w.st.queue(w.b)
	w.done = 0
}
