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
	number := s.writesOf(changes)
	w := writes{s: s, b: b, left: number}
	facts := known(f)
	var record []any // the last
	for _, r := range changes.Invitations {
		record = recordArgs(org, r)
		if facts[r.ID] {
			w.next().put(s.in, recordsTable, record)
		} else {
			w.next().insert(s.in, recordsTable, record)
		}
	}
	for _, m := range changes.Members {
		s.putMember(&w, org, m)
	}
	for _, user := range changes.RemovedMembers {
		s.deleteMember(&w, org, user)
	}
	for _, user := range changes.Removals {
		w.next().put(s.in, removalsTable, []any{org, user, f.Version + 1})
	}
	for _, q := range changes.Quotas {
		st := w.next()
		st.insert(s.in, quotasTable, []any{org, q.UserID, q.Limit, string(q.Period), q.Version})
		st.text(keepUsed("organization, user_id"), ", version = excluded.version")
	}
	for i, e := range changes.Events {
		event := eventArgs(org, f.Version+1, i, e)
		if number == 2 && record != nil { // an invitation and its event, in one statement
			share(event, record)
		}
		w.next().insert(s.in, eventsTable, event)
	}
	w.end()
}

// shared are the columns, by their places, of which an event of a sending has what its
// invitation has.
var shared = func() (places []struct{ event, record int }) {
	for _, c := range [][2]string{
		{"version", "sent_version"}, {"at", "sent_at"}, {"actor", "sent_by"}, {"invitation_id", "id"}, {"role", "role"}, {"quota_limit", "quota_limit"},
		{"quota_period", "quota_period"}, {"email", "email"}, {"max_uses", "max_uses"}, {"expires_at", "expires_at"}, {"organization", "organization"},
	} {
		places = append(places, struct{ event, record int }{eventsTable.place(c[0]), recordsTable.place(c[1])})
	}
	return places
}()

// share has an event use the parameters of its invitation, which are the first of the
// statement, if it repeats all of that, so that there is one other text and not one for each
// way to be alike.
func share(event, record []any) {
	for _, at := range shared {
		if event[at.event] != record[at.record] {
			return
		}
	}
	for _, at := range shared {
		event[at.event] = parameter(at.record + 1)
	}
}

// writesOf returns how many writes apply changes.
func (s *Store) writesOf(changes invitations.Changes) int {
	ofMember := 1
	if s.host != nil {
		ofMember = 2
	}
	return len(changes.Invitations) + ofMember*(len(changes.Members)+len(changes.RemovedMembers)) + len(changes.Removals) + len(changes.Quotas) + len(changes.Events)
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
