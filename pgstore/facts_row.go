package pgstore

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// usersInARow is how many users are asked for in one statement: no operation of the library
// asks for more. The time to plan a join grows with a power of the tables in it.
const usersInARow = 3

// A factsRow is all facts that are one row together: what is known of each user, the
// sendings, the pending invitation of each address, the counts. Each statement has its cost.
//
// Users and addresses are named one by one: for an array, whose length it does not know, the
// planner would plan anew at every call, which takes longer than the statement.
type factsRow struct {
	s            *Store
	q            invitations.Query
	organization string // as an expression
	fromPending  string // from the organization's pending invitations
	targets      []any  // of all columns

	members        []memberRow
	removals       []*int64   // the versions
	quotas         []quotaRow // of the organization, then of each user
	sentAt         []time.Time
	sentBy, sentTo []string
	pending        []*uuid.UUID // of each address, then of the invitation's own
}

// queueFactsRow queues what loads the row.
func (s *Store) queueFactsRow(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	st := s.statement()
	st.args = make([]any, 0, 16)
	r := &factsRow{s: s, q: q, organization: st.param("text", q.Organization), targets: make([]any, 0, 24)}
	if len(q.Emails) > 0 || q.SameEmail || q.PendingUpTo > 0 || q.PendingEmailsUpTo > 0 {
		r.fromPending = " from " + s.in + "invitations i where i.organization = " + r.organization +
			" and i.state = 'pending' and i.expires_at > " + st.param("timestamptz", q.PendingAt)
	}
	st.text("select ")
	r.selectUsers(&st)
	r.selectPending(&st)
	r.selectCounts(&st, f)
	if q.SendingsUpTo > 0 {
		r.column(&st, &r.sentAt, &r.sentBy, &r.sentTo)
		st.text("sent.at, sent.actors, sent.emails")
	}
	if len(r.targets) == 0 {
		return
	}
	r.from(&st)
	r.joinUsers(&st)
	st.queue(b).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(r.targets...); err != nil {
			return err
		}
		return r.addTo(f)
	})
}

// column begins a column, or several, that are read into targets.
func (r *factsRow) column(st *statement, targets ...any) {
	if len(r.targets) > 0 {
		st.text(", ")
	}
	r.targets = append(r.targets, targets...)
}

func (r *factsRow) selectUsers(st *statement) {
	r.members = make([]memberRow, len(r.q.Members))
	for i := range r.members {
		r.column(st, r.members[i].targets()...)
		st.text(memberColumns("m" + strconv.Itoa(i)))
	}
	if r.q.Removals {
		r.removals = make([]*int64, len(r.q.Members))
	}
	for i := range r.removals {
		r.column(st, &r.removals[i])
		st.text("r", strconv.Itoa(i), ".version")
	}
	if r.q.Quotas {
		r.quotas = make([]quotaRow, 1+len(r.q.Members))
	}
	for i := range r.quotas {
		r.column(st, r.quotas[i].targets()...)
		st.text(quotaColumns("q" + strconv.Itoa(i)))
	}
}

// from adds what users are joined to: one row, of the sendings if they are asked for.
func (r *factsRow) from(st *statement) {
	if r.q.SendingsUpTo <= 0 {
		st.text(" from (select) as one")
		return
	}
	st.text(" from (select pg_catalog.array_agg(s.at) as at, pg_catalog.array_agg(s.actor) as actors, pg_catalog.array_agg(s.email) as emails from (",
		"select e.at, e.actor, e.email from ", r.s.in, "events e where e.organization = ", r.organization, " and e.email <> '' and e.at > ",
		st.param("timestamptz", r.q.SendingsAfter), " order by e.at desc, e.version desc, e.index desc limit ", st.param("bigint", int64(r.q.SendingsUpTo)), ") as s) as sent")
}

func (r *factsRow) joinUsers(st *statement) {
	if r.q.Quotas {
		st.text(r.s.join("quotas", "q0", r.organization, "''"))
	}
	for i, user := range r.q.Members {
		n, id := strconv.Itoa(i), st.param("text", user)
		st.text(r.s.joinMember("m"+n, r.organization, id))
		if r.q.Removals {
			st.text(r.s.join("removals", "r"+n, r.organization, id))
		}
		if r.q.Quotas {
			st.text(r.s.join("quotas", "q"+strconv.Itoa(1+i), r.organization, id))
		}
	}
}

// join returns the join of a row of a table that has one for each user.
func (s *Store) join(table, alias, organization, user string) string {
	return " left join " + s.in + table + " " + alias + " on " + alias + ".organization = " + organization + " and " + alias + ".user_id = " + user
}

// selectPending adds the pending invitation of each address.
func (r *factsRow) selectPending(st *statement) {
	addresses := len(r.q.Emails)
	if r.q.SameEmail {
		addresses++
	}
	r.pending = make([]*uuid.UUID, addresses)
	for i := range r.pending {
		r.column(st, &r.pending[i])
		st.text("(select i.id", r.fromPending, " and i.email <> '' and i.email = ")
		if i < len(r.q.Emails) {
			st.value("text", r.q.Emails[i])
		} else {
			st.text("(select t.email from ", r.s.in, "invitations t where t.organization = ", r.organization, " and t.id = ", st.param("uuid", pgUUID(r.q.Invitation)), ")")
		}
		st.text(" order by i.created_at desc, i.id desc limit 1)")
	}
}

// selectCounts adds the counts. Each stops at its bound, and so costs no more with a million.
func (r *factsRow) selectCounts(st *statement, f *invitations.Facts) {
	count := func(upTo int, into *int, rows ...string) {
		r.column(st, into)
		st.text("(select pg_catalog.count(*) from (")
		st.text(rows...)
		st.text(" limit ", st.param("bigint", int64(upTo)), ") as counted)")
	}
	if r.q.PendingUpTo > 0 {
		count(r.q.PendingUpTo, &f.PendingCount, "select", r.fromPending)
	}
	if r.q.PendingEmailsUpTo > 0 {
		count(r.q.PendingEmailsUpTo, &f.PendingEmailCount, "select", r.fromPending, " and i.kind = 'email'")
	}
	if r.q.MembersUpTo > 0 {
		count(r.q.MembersUpTo, &f.MemberCount, r.s.countMembers(r.organization, ""))
	}
	if r.q.OwnersUpTo > 0 {
		count(r.q.OwnersUpTo, &f.OwnerCount, r.s.countMembers(r.organization, "'"+string(invitations.RoleOwner)+"'::text"))
	}
}

// addTo adds the facts of the row, which has been read, to f.
func (r *factsRow) addTo(f *invitations.Facts) error {
	for i, user := range r.q.Members {
		m, err := r.members[i].member()
		if err != nil {
			return err
		}
		if m != nil {
			put(&f.Members, user, *m)
		}
	}
	for i, version := range r.removals {
		if version != nil {
			put(&f.Removals, r.q.Members[i], *version)
		}
	}
	for i := range r.quotas {
		user := ""
		if i > 0 {
			user = r.q.Members[i-1]
		}
		r.quotas[i].addTo(f, user)
	}
	f.Sendings = slices.Grow(f.Sendings, len(r.sentAt))
	for i, at := range r.sentAt {
		f.Sendings = append(f.Sendings, invitations.Sending{At: at.UTC(), Actor: r.sentBy[i], Email: r.sentTo[i]})
	}
	for i, id := range r.pending {
		switch {
		case id == nil:
		case i < len(r.q.Emails):
			put(&f.PendingByEmail, r.q.Emails[i], *id)
		default:
			put(&f.PendingByEmail, f.Invitation.Email, *id)
		}
	}
	return nil
}
