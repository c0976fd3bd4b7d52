package pgstore

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (page invitations.Page[invitations.Record], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing invitations", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Record]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		if q.Organization != "" {
			s.queueInvitations(b, q, &page.Items)
		} else {
			s.queueByAddress(b, q, &page.Items)
		}
	})
	return page, err
}

// queueInvitations queues the statement that loads a page of an organization's invitations. Its
// text depends on the filters, so that each combination has the plan that fits it.
//
// The branches of a page are the combinations of a state and a kind. Each reads a range of one
// index: by sender, by role or by state, the first of them that has a filter. So filters that exclude
// each other cost nothing. The invitations for an address are few and are filtered.
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var found record
	st := s.sized(4, len(invitationsTable.columns))
	id := st.param("text", q.Organization)
	all := "i.organization = " + id + " and " + s.alive(id)
	states := storedStates(&st, q)
	l := listOf(&st, q, s.in+"invitations i", all)
	limit := st.param("bigint", int64(q.Limit))
	var page []branch
	switch {
	case q.Email != "":
		page = []branch{l.branch(kindIs(&st, q.Kind) + anyOf(states))}
	case states == nil && q.Kind == "" && l.filters == "":
		page = []branch{l.branch("")}
	default:
		if l.order == "" {
			l.order = byState
		}
		if states == nil {
			states = everyState
		}
		for _, state := range states {
			if state.live != "" {
				page = append(page, s.pendingPage(&st, q, l, state.live, limit)...)
				continue
			}
			for _, kind := range kindsOf(&st, q) {
				page = append(page, l.branch(" and i.state = "+state.stored+" and i.kind = "+kind+state.and))
			}
		}
	}
	invitationsTable.selectPage(&st, "i", &found, page, newestFirst, limit)
	st.collect(b, func() { appendRow(out, &found, q.Limit) })
}

// The order of a page, as each index has it. See the migrations.
const (
	newestFirst = "i.created_at desc, i.id desc"
	byState     = "i.created_at desc nulls last, i.id desc"
	byRole      = "i.created_at desc, i.id desc nulls last"
	bySender    = "i.created_at desc nulls last, i.id desc nulls last"
)

// An invitationList is a list of invitations, without the filters by states and kind.
type invitationList struct {
	from, all      string // all: the condition of all invitations
	filters, after string // conditions that begin with "and", or are empty
	order          string // names the index; empty: not named
}

// listOf returns the list that q asks for.
func listOf(st *statement, q invitations.InvitationQuery, from, all string) invitationList {
	l := invitationList{from: from, all: all}
	if q.Email != "" {
		l.filters += " and i.email <> '' and i.email = " + st.param("text", q.Email)
	}
	if q.Role != "" {
		l.filters += " and i.role = " + st.param("text", string(q.Role))
		l.order = byRole
	}
	if q.SentBy != "" {
		l.filters += " and i.sent_by <> '' and i.sent_by = " + st.param("text", q.SentBy)
		l.order = bySender
	}
	if q.Email != "" {
		l.order = ""
	}
	if q.After != nil {
		l.after = " and (i.created_at, i.id) < (" + st.param("timestamptz", q.After.CreatedAt) + ", " +
			st.param("uuid", uuidArgument(q.After.ID)) + ")"
	}
	return l
}

// branch returns the branch of those that satisfy another condition.
func (l invitationList) branch(and string) branch {
	return branch{l.from, l.all + l.filters + and + l.after, cmp.Or(l.order, newestFirst)}
}

// walkedPages is how many pages of invitations are read, at most, to find one of pending ones.
const walkedPages = 4

// pendingPage begins a statement with queries that find pending invitations that have not expired, and
// returns the branches that read them.
//
// Far more invitations may be stored as pending that have expired. So the pending ones are found by
// their expiry, read and sorted, if there are no more than a few pages of them. If there are more, the
// newest invitations are most likely pending, and a few pages are read in the order of the page. If
// these have too few pending ones, as at the end of the list, all pending ones are read in spite of
// their number.
func (s *Store) pendingPage(st *statement, q invitations.InvitationQuery, l invitationList, at, limit string) (page []branch) {
	budget := st.param("bigint", int64(walkedPages*q.Limit))
	size := "(select s.n from size s)"
	of, order := l.all, "i.expires_at"
	if q.SentBy != "" { // the index invitations_pending_by
		of, order = of+" and i.sent_by <> '' and i.sent_by = "+st.param("text", q.SentBy), order+" nulls first"
	}
	live := " from " + l.from + " where " + of + " and i.state = 'pending' and i.expires_at > " + at
	st.text("with size as materialized (select pg_catalog.count(*) as n from (select", live, " order by ", order,
		" limit ", budget, " + 1) as i), ")
	readAll := size + " <= " + budget
	// The walk is in the range of an index. Of a sender there is none for each role.
	walk, filters := l, kindIs(st, q.Kind)
	if q.SentBy != "" && q.Role != "" {
		walk.filters = strings.TrimPrefix(of, l.all)
		filters += l.filters
	}
	for i, kind := range kindsOf(st, q) {
		r := walk.branch(" and i.state = " + storedPending + " and i.kind = " + kind + " and " + size + " > " + budget)
		walked, pending := "walked"+strconv.Itoa(i), "i.expires_at > "+at+filters
		st.text(walked, " as materialized (select ")
		invitationsTable.appendList(st, "i")
		st.text(" from ", r.from, " where ", r.where, " order by ", r.order, " limit ", budget, "), ")
		readAll += " or (select pg_catalog.count(*) = " + budget + " and pg_catalog.count(*) filter (where " + pending + ") < " +
			limit + " from " + walked + " i)"
		page = append(page, branch{walked + " i", pending + " and not exists (select from live)", newestFirst})
	}
	st.text("live as materialized (select ")
	invitationsTable.appendList(st, "i")
	st.text(live, " and (", readAll, ") order by ", order, ") ")
	return append(page, branch{"live i", "true" + l.filters + kindIs(st, q.Kind) + l.after, newestFirst})
}

// A storedState is a state in SQL.
type storedState struct {
	stored string // the value of the column state
	and    string // a further condition
	live   string // of a pending invitation that has not expired: the parameter of the instant
}

// storedPending is the value 'pending' of the column state. Written so, it does not name the partial
// indexes of pending invitations: the planner would take one of them if the statistics date from a
// moment at which few had expired.
const storedPending = "(select 'pending'::text)"

// everyState has all values of the column state.
var everyState = []storedState{{stored: storedPending}, {stored: "'accepted'"}, {stored: "'declined'"}, {stored: "'revoked'"}}

// storedStates returns the states of q, or nil for all.
func storedStates(st *statement, q invitations.InvitationQuery) (states []storedState) {
	pending := slices.Contains(q.States, invitations.StatePending)
	expired := slices.Contains(q.States, invitations.StateExpired)
	switch {
	case pending && expired:
		states = append(states, storedState{stored: storedPending})
	case pending:
		states = append(states, storedState{stored: storedPending, live: st.param("timestamptz", q.At)})
	case expired:
		states = append(states, storedState{stored: storedPending, and: " and i.expires_at <= " + st.param("timestamptz", q.At)})
	}
	for _, state := range q.States {
		if state != invitations.StatePending && state != invitations.StateExpired {
			states = append(states, storedState{stored: st.param("text", string(state))})
		}
	}
	return states
}

// anyOf returns the condition that an invitation has one of the states. It begins with "and", and
// is empty for all states.
func anyOf(states []storedState) string {
	if states == nil {
		return ""
	}
	var conditions []string
	for _, state := range states {
		condition := "i.state = " + state.stored + state.and
		if state.live != "" {
			condition += " and i.expires_at > " + state.live
		}
		conditions = append(conditions, condition)
	}
	return " and (" + strings.Join(conditions, " or ") + ")"
}

// kindsOf returns the kinds that q asks for, in SQL.
func kindsOf(st *statement, q invitations.InvitationQuery) []string {
	if q.Kind != "" {
		return []string{st.param("text", string(q.Kind))}
	}
	return []string{"'email'", "'link'"}
}

// kindIs returns the condition of a filter by kind. It begins with "and", or is empty.
func kindIs(st *statement, kind invitations.Kind) string {
	if kind == "" {
		return ""
	}
	return " and i.kind = " + st.param("text", string(kind))
}

// queueByAddress queues the statement that loads a page of the invitations for an address in all
// organizations.
func (s *Store) queueByAddress(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var found record
	st := s.statement()
	of := "i.email <> '' and i.email = " + st.param("text", q.Email)
	alive := of + " and " + s.alive("i.organization")
	states := storedStates(&st, q)
	from, where := s.in+"invitations i", alive+anyOf(states)
	if len(states) == 1 && states[0].live != "" {
		s.withLive(&st, alive, states[0].live)
		from, where = "live i", of
	}
	k := keyset{columns: []string{"i.created_at", "i.id", "i.organization"}, descending: true}
	if q.After != nil {
		k.after = []string{
			st.param("timestamptz", q.After.CreatedAt), st.param("uuid", uuidArgument(q.After.ID)),
			st.param("text", q.After.Organization),
		}
	}
	page := k.branch(from, where)
	invitationsTable.selectPage(&st, "i", &found, []branch{page}, page.order, st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { appendRow(out, &found, q.Limit) })
}

// withLive begins a statement with the query live, which has the invitations for an address that are
// pending at an instant. Limits keep them few, but many more may be stored as pending and have expired. "materialized" makes the planner find them by their expiry
// first, and filter and sort only these.
func (s *Store) withLive(st *statement, condition, at string) {
	st.text("with live as materialized (select ")
	invitationsTable.appendList(st, "i")
	st.text(" from ", s.in, "invitations i where ", condition, " and i.state = 'pending' and i.expires_at > ", at, ") ")
}
