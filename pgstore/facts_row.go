package pgstore

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// usersInARow is how many users one statement asks for. No operation of the library asks for
// more. The planner's time for a join grows fast with the number of tables.
const usersInARow = 3

// A factsRow loads all facts that fit into one row: memberships, removals and quotas of some
// users, the sendings, the pending invitation of each address, and the counts. One statement
// for all of them costs less than one for each.
//
// Users and addresses are parameters of their own. The planner does not know the length of an
// array parameter and would make a new plan for every call, which takes longer than the
// statement.
type factsRow struct {
	s            *Store
	q            invitations.Query
	organization string // its parameter
	fromLive     string // "from" and "where" of the organization's invitations that have not expired
	fromPending  string // of the pending ones among them

	members        []member // by place in q.Members
	removals       []bigintValue
	quotas         []quotaRow  // of the organization, then of q.Members
	pending        []uuidValue // of q.Emails, then of the invitation's address
	sentAt         []int64     // in microseconds since 1970
	sentBy, sentTo []string
}

func (s *Store) queueFactsRow(b *pgx.Batch, q invitations.Query, f *invitations.Facts) {
	st := s.statement()
	st.args, st.targets = make([]any, 0, 16), make([]any, 0, 24)
	r := &factsRow{s: s, q: q, organization: st.param("text", q.Organization)}
	if len(q.Emails) > 0 || q.SameEmail || q.CountPending || q.CountReserved {
		r.fromLive = " from " + s.in + "invitations i where i.organization = " + r.organization +
			" and i.expires_at > " + st.param("timestamptz", q.PendingAt)
		r.fromPending = r.fromLive + " and i.state = 'pending'"
	}
	st.text("select ")
	r.selectUsers(&st)
	r.selectPending(&st)
	r.selectCounts(&st, f)
	r.selectSendings(&st)
	if len(st.targets) == 0 {
		return
	}
	r.from(&st)
	r.joinUsers(&st)
	st.collect(b, func() { r.addTo(f) })
}

func (r *factsRow) selectUsers(st *statement) {
	r.members = make([]member, len(r.q.Members))
	for i := range r.members {
		membersTable.selectRow(st, "m"+strconv.Itoa(i), &r.members[i])
	}
	if r.q.Removals {
		r.removals = make([]bigintValue, len(r.q.Members))
	}
	for i := range r.removals {
		st.column(&r.removals[i], "r", strconv.Itoa(i), ".version")
	}
	if r.q.Quotas {
		r.quotas = make([]quotaRow, 1+len(r.q.Members))
	}
	for i := range r.quotas {
		quotasTable.selectRow(st, "q"+strconv.Itoa(i), &r.quotas[i])
	}
}

func (r *factsRow) selectPending(st *statement) {
	addresses := len(r.q.Emails)
	if r.q.SameEmail {
		addresses++
	}
	r.pending = make([]uuidValue, addresses)
	for i := range r.pending {
		st.column(&r.pending[i], "(select i.id", r.fromLive, " and i.state = ", storedPending, " and i.email <> '' and i.email = ")
		if i < len(r.q.Emails) {
			st.value("text", r.q.Emails[i])
		} else {
			st.text("(select t.email from ", r.s.in, "invitations t where t.organization = ", r.organization,
				" and t.id = ", st.param("uuid", uuidArgument(r.q.Invitation)), ")")
		}
		st.text(" order by i.created_at desc, i.id desc limit 1)")
	}
}

// selectCounts adds the counts. Each stops at its bound, so that it costs no more with a million
// rows.
func (r *factsRow) selectCounts(st *statement, f *invitations.Facts) {
	count := func(target *int, limit string, rows ...string) { selectCount(st, target, limit, rows...) }
	if r.q.CountPending {
		limit := inForce("o.pending_limit", st.param("bigint", int64(r.q.Limits.Pending)))
		count(&f.PendingCount, limit, "select", r.fromPending)
	}
	if r.q.CountReserved || r.q.CountSeats {
		limit := inForce("o.member_limit", st.param("bigint", int64(r.q.Limits.Members)))
		if r.q.CountReserved {
			count(&f.ReservedCount, limit, "select", r.fromPending,
				" and i.kind = 'email' and ", seatless("i.role"), " is not true")
		}
		if r.q.CountSeats {
			count(&f.SeatCount, limit, r.s.selectSeats(r.organization, limit))
		}
	}
	r.s.countOwners(st, r.q, r.organization, f)
}

// countOwners adds the number of owners, if it is wanted.
func (s *Store) countOwners(st *statement, q invitations.Query, organization string, f *invitations.Facts) {
	if q.OwnersUpTo > 0 {
		owner := "'" + string(invitations.RoleOwner) + "'::text"
		selectCount(st, &f.OwnerCount, st.param("bigint", int64(q.OwnersUpTo)), s.countMembers(organization, owner))
	}
}

// selectCount adds the number of rows, which are a select, up to the limit.
func selectCount(st *statement, target *int, limit string, rows ...string) {
	st.column((*integerValue)(target), "(select pg_catalog.count(*) from (")
	st.text(rows...)
	st.text(" limit ", limit, ") as counted)")
}

func (r *factsRow) countsWithLimits() bool {
	return r.q.CountPending || r.q.CountReserved || r.q.CountSeats
}

// inForce returns the bound of a count: the limit in a column of o, or fallback if that is not set.
// The columns of o are null if the organization has no row yet.
func inForce(column, fallback string) string {
	return "greatest(case when " + column + " <> 0 then " + column + " else " + fallback + " end, 0)"
}

// seatless returns the condition, given the expression of a role, that it takes no seat. It is
// true, false or null. The columns of o are null if the organization has no row yet.
func seatless(role string) string { return "(" + role + " = any (o.seatless_roles))" }

func (r *factsRow) selectSendings(st *statement) {
	if r.q.SendingsUpTo > 0 {
		st.column(&r.sentAt, "sent.at")
		st.column(&r.sentBy, "sent.actors")
		st.column(&r.sentTo, "sent.emails")
	}
}

// from adds the one row that users are joined to. It has the sendings and the organization if they
// are wanted.
func (r *factsRow) from(st *statement) {
	if r.q.SendingsUpTo > 0 {
		// As numbers, because database/sql reads an array of times as a text, in the session's style of dates.
		st.text(" from (select pg_catalog.array_agg((extract(epoch from s.at) * 1000000::numeric)::bigint) as at, pg_catalog.array_agg(s.actor) as actors,",
			" pg_catalog.array_agg(s.email) as emails from (select e.at, e.actor, e.email from ", r.s.in, "events e",
			" where e.organization = ", r.organization, " and e.email <> ''",
			" and e.type in ('invitation.created', 'invitation.resent')",
			" and e.at > ", st.param("timestamptz", r.q.SendingsAfter),
			" order by e.at desc, e.version desc, e.ordinal desc",
			" limit ", st.param("bigint", int64(r.q.SendingsUpTo)), ") as s) as sent")
	} else {
		st.text(" from (select) as one")
	}
	if r.countsWithLimits() {
		st.text(" left join ", r.s.in, "organizations o on o.id = ", r.organization)
	}
}

func (r *factsRow) joinUsers(st *statement) {
	if r.q.Quotas {
		st.text(r.s.joinByUser("quotas", "q0", r.organization, "''"))
	}
	for i, user := range r.q.Members {
		n, id := strconv.Itoa(i), st.param("text", user)
		st.text(r.s.joinMember("m"+n, r.organization, id))
		if r.q.Removals {
			st.text(r.s.joinByUser("removals", "r"+n, r.organization, id))
		}
		if r.q.Quotas {
			st.text(r.s.joinByUser("quotas", "q"+strconv.Itoa(1+i), r.organization, id))
		}
	}
}

// joinByUser returns the outer join of a table with the key organization and user_id.
func (s *Store) joinByUser(table, alias, organization, user string) string {
	return " left join " + s.in + table + " " + alias +
		" on " + alias + ".organization = " + organization + " and " + alias + ".user_id = " + user
}

// addTo adds the facts of the row, which has been read, to f.
func (r *factsRow) addTo(f *invitations.Facts) {
	for i, user := range r.q.Members {
		if r.members[i].UserID != "" {
			put(&f.Members, user, r.members[i])
		}
	}
	for i, version := range r.removals {
		if version > 0 {
			put(&f.Removals, r.q.Members[i], int64(version))
		}
	}
	for i := range r.quotas {
		user := ""
		if i > 0 {
			user = r.q.Members[i-1]
		}
		if quota := r.quotas[i].record(r.q.Organization, user); quota != nil {
			put(&f.Quotas, user, *quota)
		}
	}
	f.Sendings = slices.Grow(f.Sendings, len(r.sentAt))
	for i, at := range r.sentAt {
		f.Sendings = append(f.Sendings, invitations.Sending{At: time.UnixMicro(at).UTC(), Actor: r.sentBy[i], Email: r.sentTo[i]})
	}
	for i, id := range r.pending {
		switch {
		case id == uuidValue{}:
		case i < len(r.q.Emails):
			put(&f.PendingByEmail, r.q.Emails[i], uuid.UUID(id))
		case f.Invitation != nil: // nil if it was committed between two statements of a host's transaction
			put(&f.PendingByEmail, f.Invitation.Email, uuid.UUID(id))
		}
	}
}
