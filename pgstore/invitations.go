package pgstore

import (
	"context"
	"slices"
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
	limit := hidden(st.param("bigint", int64(q.Limit)))
	var page []branch
	switch {
	case q.Email != "":
		page = []branch{l.branch(kindIs(&st, q.Kind) + anyOf(states))}
	case states == nil && q.Kind == "" && l.filters == "":
		page = []branch{l.branch("")}
	default:
		if states == nil {
			states = everyState
		}
		for _, state := range states {
			if state.live != "" {
				page = append(page, s.pendingPage(&st, q, l, state.live, limit)...)
				continue
			}
			for _, kind := range kindsOf(q) {
				page = append(page, l.ofKind(kind, " and i.state = "+state.stored+state.and))
			}
		}
	}
	invitationsTable.selectPage(&st, "i", &found, page, newestFirst, limit)
	st.collect(b, func() { appendRow(out, &found, q.Limit) })
}

// hidden returns an expression whose value the planner does not know. It then takes a limit for a
// tenth of the rows, and reads an index in its order. If it knew that there seem to be fewer rows than
// the limit, it might read and sort them all.
func hidden(expression string) string { return "(select " + expression + ")" }

// Parts of the statements on invitations i. The parameter follows emailIs and senderIs. Their first
// conditions let the planner use the partial indexes.
const (
	newestFirst = "i.created_at desc, i.id desc"
	emailIs     = "i.email <> '' and i.email = "
	senderIs    = "i.sent_by <> '' and i.sent_by = "
)

// An invitationList is a list of invitations, without the filters by states and kind.
type invitationList struct {
	from, all string // all: the condition of all invitations
	filters   string // conditions that begin with "and", or empty
	after     string // the place where the page starts, as a list of values; empty: with the first
	nulls     string // in the order by kind, as in the index
}

// listOf returns the list that q asks for.
func listOf(st *statement, q invitations.InvitationQuery, from, all string) invitationList {
	l := invitationList{from: from, all: all}
	if q.Email != "" {
		l.filters += " and " + emailIs + st.param("text", q.Email)
	}
	if q.Role != "" {
		l.filters += " and i.role = " + st.param("text", string(q.Role))
	}
	if q.SentBy != "" {
		l.filters += " and " + senderIs + st.param("text", q.SentBy)
	}
	if q.Role != "" || q.SentBy != "" {
		l.nulls = " nulls last"
	}
	if q.After != nil {
		l.after = st.param("timestamptz", q.After.CreatedAt) + ", " + st.param("uuid", uuidArgument(q.After.ID))
	}
	return l
}

// branch returns the branch of those that satisfy another condition.
func (l invitationList) branch(and string) branch {
	if l.after != "" {
		and += " and (i.created_at, i.id) < (" + l.after + ")"
	}
	return branch{l.from, l.all + l.filters + and, newestFirst}
}

// ofKind is branch for those of one kind. It reads the index by sender, by role or by state. They are
// the only ones that have the rows in the order of the kind. In the order of the page alone, the
// planner might read another index. Where the values are rare, this would take a million rows to find
// a few. For the same reason the kind is a range, in a form that looks like many rows to the planner.
func (l invitationList) ofKind(kind, and string) branch {
	and += " and i.kind >= " + kind
	if l.after != "" {
		and += " and (i.kind, i.created_at, i.id) < (" + kind + ", " + l.after + ")"
	} else {
		and += " and (i.kind, i.created_at) <= (" + kind + ", 'infinity')"
	}
	return branch{l.from, l.all + l.filters + and, "i.kind desc" + l.nulls + ", " + newestFirst}
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

// kindsOf returns the kinds that q asks for, in SQL. Their values are hidden from the planner.
func kindsOf(q invitations.InvitationQuery) (kinds []string) {
	for _, kind := range []invitations.Kind{invitations.KindEmail, invitations.KindLink} {
		if q.Kind == "" || q.Kind == kind {
			kinds = append(kinds, "(select '"+string(kind)+"'::text)")
		}
	}
	return kinds
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
	of := emailIs + st.param("text", q.Email)
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
// pending at an instant. Limits keep them few, but many more may be stored as pending and have
// expired. "materialized" makes the planner find them by their expiry first, and filter and sort only
// these.
func (s *Store) withLive(st *statement, condition, at string) {
	st.text("with live as materialized (select ")
	invitationsTable.appendList(st, "i")
	st.text(" from ", s.in, "invitations i where ", condition, " and i.state = 'pending' and i.expires_at > ", at, ") ")
}
