package pgstore

import (
	"slices"
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
	q            *invitations.Query
	users        []string // of q.Members: sorted, each once
	emails       []string // q.Emails, unless they have a statement of their own
	owners       bool     // count them here
	organization string   // its parameter
	pendingAt    string   // its parameter

	members  []member // by place in users
	removals []bigintValue
	quotas   []quotaRow       // of the organization, then of users
	pending  []uuidValue      // of emails, then of the invitation's address
	sentAt   bigintArrayValue // in microseconds since 1970
	sentBy   repeatedTextArrayValue
	sentTo   textArrayValue
}

func (s *Store) queueFactsRow(b *pgx.Batch, q *invitations.Query, users []string, to purpose, f *invitations.Facts) {
	r := &factsRow{
		s: s, q: q, users: users,
		owners: q.OwnersUpTo > 0 && to != toView, // a view counts them with the organization
	}
	if len(q.Emails) == 1 {
		r.emails = q.Emails
	}
	if !r.isWanted() {
		return
	}
	st := s.sized(8, r.columns())
	r.organization = st.param("text", textArgument(&q.Organization))
	if len(r.emails) > 0 || q.SameEmail || q.CountPending || q.CountReserved {
		r.pendingAt = st.param("timestamptz", instantArgument(&q.PendingAt))
	}
	st.text("select ")
	r.selectUsers(&st)
	r.selectPending(&st)
	r.selectCounts(&st, f)
	r.selectSendings(&st)
	r.from(&st)
	r.joinUsers(&st)
	st.collect(b, func() { r.addTo(f) })
}

// isWanted reports whether the row has a column.
func (r *factsRow) isWanted() bool {
	return len(r.users) > 0 || r.q.Quotas || len(r.emails) > 0 || r.q.SameEmail || r.countsWithLimits() || r.owners ||
		r.q.SendingsUpTo > 0
}

// columns returns about how many columns the row has.
func (r *factsRow) columns() int {
	n := 2 + len(r.users)*len(membersTable.columns)
	if r.q.Quotas {
		n += 1 + (1+len(r.users))*len(quotasTable.columns)
	}
	if r.q.SendingsUpTo > 0 {
		n += 3
	}
	return n
}

func (r *factsRow) selectUsers(st *statement) {
	if len(r.users) > 0 {
		r.members = make([]member, len(r.users))
	}
	for i := range r.members {
		membersTable.selectRow(st, memberAliases[i], &r.members[i])
	}
	if r.q.Removals {
		r.removals = make([]bigintValue, len(r.users))
	}
	for i := range r.removals {
		st.column(&r.removals[i], removalAliases[i], ".version")
	}
	if r.q.Quotas {
		r.quotas = make([]quotaRow, 1+len(r.users))
	}
	for i := range r.quotas {
		quotasTable.selectRow(st, quotaAliases[i], &r.quotas[i])
	}
}

// The aliases of tables, by place of the user.
var (
	memberAliases  = [usersInARow]string{"m0", "m1", "m2"}
	removalAliases = [usersInARow]string{"r0", "r1", "r2"}
	quotaAliases   = [1 + usersInARow]string{"q0", "q1", "q2", "q3"} // the first one is of the organization
)

// fromLive appends "from" and "where" of the organization's invitations that have not expired.
func (r *factsRow) fromLive(st *statement) {
	st.text(" from ", r.s.in, "invitations i where i.organization = ", r.organization, " and i.expires_at > ", r.pendingAt)
}

// fromPending is fromLive for the pending ones among them.
func (r *factsRow) fromPending(st *statement) {
	r.fromLive(st)
	st.text(" and i.state = 'pending'")
}

func (r *factsRow) selectPending(st *statement) {
	addresses := len(r.emails)
	if r.q.SameEmail {
		addresses++
	}
	if addresses > 0 {
		r.pending = make([]uuidValue, addresses)
	}
	for i := range r.pending {
		st.column(&r.pending[i], "(select i.id")
		r.fromLive(st)
		st.text(" and i.state = ", storedPending, " and ", emailIs)
		if i < len(r.emails) {
			st.value("text", textArgument(&r.emails[i]))
		} else {
			st.text("(select t.email from ", r.s.in, "invitations t where t.organization = ", r.organization,
				" and t.id = ", st.param("uuid", uuidArgument(r.q.Invitation)), ")")
		}
		st.text(" order by ", newestFirst, " limit 1)")
	}
}

// selectCounts adds the counts. Each stops at its bound, so that it costs no more with a million
// rows.
func (r *factsRow) selectCounts(st *statement, f *invitations.Facts) {
	if r.q.CountPending {
		limit := inForce("o.pending_limit", st.param("bigint", int64(r.q.Limits.Pending)))
		st.beginCount(&f.PendingCount)
		st.text("select")
		r.fromPending(st)
		st.endCount(limit[:])
	}
	if r.q.CountReserved || r.q.CountSeats {
		limit := inForce("o.member_limit", st.param("bigint", int64(r.q.Limits.Members)))
		if r.q.CountReserved {
			st.beginCount(&f.ReservedCount)
			st.text("select")
			r.fromPending(st)
			st.text(" and i.kind = 'email' and ", seatless("i.role"), " is not true")
			st.endCount(limit[:])
		}
		if r.q.CountSeats {
			st.beginCount(&f.SeatCount)
			r.s.selectSeats(st, r.organization, limit[:])
			st.endCount(limit[:])
		}
	}
	if r.owners {
		r.s.countOwners(st, r.q, r.organization, f)
	}
}

// countOwners adds the number of owners.
func (s *Store) countOwners(st *statement, q *invitations.Query, organization string, f *invitations.Facts) {
	limit := st.param("bigint", int64(q.OwnersUpTo))
	st.beginCount(&f.OwnerCount)
	st.text(s.countMembers(organization, "'"+string(invitations.RoleOwner)+"'::text"))
	st.endCount([]string{limit})
}

// beginCount adds the number of rows up to a limit. The select of the rows follows, and then
// endCount.
func (st *statement) beginCount(target *int) {
	st.column((*integerValue)(target), "(select pg_catalog.count(*) from (")
}

// endCount ends the count that beginCount began. The limit is in parts.
func (st *statement) endCount(limit []string) {
	st.text(" limit ")
	st.text(limit...)
	st.text(") as counted)")
}

func (r *factsRow) countsWithLimits() bool {
	return r.q.CountPending || r.q.CountReserved || r.q.CountSeats
}

// inForce returns the bound of a count: the limit in a column of o, or fallback if that is not set. The
// columns of o are null if the organization has no row yet. The bound is in parts, because joining
// them would make a text for every call.
func inForce(column, fallback string) [7]string {
	return [...]string{"greatest(case when ", column, " <> 0 then ", column, " else ", fallback, " end, 0)"}
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
		st.text(" from (select pg_catalog.array_agg((extract(epoch from s.at) * 1000000::numeric)::bigint) as at,",
			" pg_catalog.array_agg(s.actor) as actors,",
			" pg_catalog.array_agg(s.email) as emails from (select e.at, e.actor, e.email from ", r.s.in, "events e",
			" where e.organization = ", r.organization, " and e.email <> ''",
			" and e.type in ('invitation.created', 'invitation.resent')",
			" and e.at > ", st.param("timestamptz", instantArgument(&r.q.SendingsAfter)),
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
		r.s.appendJoin(st, "quotas", quotaAliases[0], r.organization, "''")
	}
	for i := range r.users {
		id := st.param("text", textArgument(&r.users[i]))
		r.s.appendMemberJoin(st, memberAliases[i], r.organization, id)
		if r.q.Removals {
			r.s.appendJoin(st, "removals", removalAliases[i], r.organization, id)
		}
		if r.q.Quotas {
			r.s.appendJoin(st, "quotas", quotaAliases[1+i], r.organization, id)
		}
	}
}

// appendJoin appends the outer join of a table with the key organization and user_id.
func (s *Store) appendJoin(st *statement, table, alias, organization, user string) {
	st.text(" left join ", s.in, table, " ", alias,
		" on ", alias, ".organization = ", organization, " and ", alias, ".user_id = ", user)
}

// addTo adds the facts of the row, which has been read, to f.
func (r *factsRow) addTo(f *invitations.Facts) {
	for i, user := range r.users {
		if r.members[i].UserID != "" {
			put(&f.Members, user, r.members[i])
		}
	}
	for i, version := range r.removals {
		if version > 0 {
			put(&f.Removals, r.users[i], int64(version))
		}
	}
	for i := range r.quotas {
		user := ""
		if i > 0 {
			user = r.users[i-1]
		}
		if quota := r.quotas[i].record(r.q.Organization, user); quota != nil {
			put(&f.Quotas, user, *quota)
		}
	}
	f.Sendings = slices.Grow(f.Sendings, len(r.sentAt))
	for i, at := range r.sentAt {
		f.Sendings = append(f.Sendings, invitations.Sending{At: time.UnixMicro(at).UTC(), Actor: r.sentBy.texts[i], Email: r.sentTo[i]})
	}
	for i, id := range r.pending {
		switch {
		case id == uuidValue{}:
		case i < len(r.emails):
			put(&f.PendingByEmail, r.emails[i], uuid.UUID(id))
		case f.Invitation != nil: // nil if it was committed between two statements of a host's transaction
			put(&f.PendingByEmail, f.Invitation.Email, uuid.UUID(id))
		}
	}
}
