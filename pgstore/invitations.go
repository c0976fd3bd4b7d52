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
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var found record
	st := s.statement()
	id := st.param("text", q.Organization)
	of := "i.organization = " + id
	table, all := s.in+"invitations i", of+" and "+s.alive(id)
	states := storedStates(&st, q)
	// One index has the invitations of a person in all states, and the query live those that are
	// pending. Otherwise each state has an index of its own.
	byPerson := q.Email != "" || q.SentBy != ""
	onlyLive := len(states) == 1 && states[0].live != ""
	for _, state := range states {
		if state.live != "" && (onlyLive || !byPerson) {
			s.withLive(&st, all, state.live)
		}
	}
	if onlyLive {
		table, all = "live i", of
	}
	filters, pins := filtersOf(&st, q, id, onlyLive)
	k := keyset{columns: []string{"i.created_at", "i.id"}, descending: true}
	if q.After != nil {
		k.after = []string{st.param("timestamptz", q.After.CreatedAt), st.param("uuid", uuidArgument(q.After.ID))}
	}
	var page []branch
	switch {
	case onlyLive || states == nil:
		page = []branch{k.branch(table, all+filters, pins...)}
	case byPerson:
		page = []branch{k.branch(table, all+filters+anyOf(states), pins...)}
	default:
		for _, state := range states {
			switch {
			case state.live != "":
				page = append(page, k.branch("live i", of+filters))
			case filters == "":
				page = append(page, k.branch(table, all+state.and, pin{"i.state", state.stored}))
			default:
				page = append(page, k.branch(table, all+filters+" and i.state = "+state.stored+state.and))
			}
		}
	}
	invitationsTable.selectPage(&st, "i", &found, page, k.order(k.columns), st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { *out = append(*out, found) })
}

// A storedState is a state in SQL.
type storedState struct {
	stored string // the value of the column state
	and    string // a further condition
	live   string // of a pending invitation that has not expired: the parameter of the instant
}

// storedStates returns the states of q, or nil for all.
func storedStates(st *statement, q invitations.InvitationQuery) (states []storedState) {
	pending := slices.Contains(q.States, invitations.StatePending)
	expired := slices.Contains(q.States, invitations.StateExpired)
	switch {
	case pending && expired:
		states = append(states, storedState{stored: "'pending'"})
	case pending:
		at := st.param("timestamptz", q.At)
		states = append(states, storedState{"'pending'", " and i.expires_at > " + at, at})
	case expired:
		states = append(states, storedState{stored: "'pending'", and: " and i.expires_at <= " + st.param("timestamptz", q.At)})
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
		conditions = append(conditions, "i.state = "+state.stored+state.and)
	}
	return " and (" + strings.Join(conditions, " or ") + ")"
}

// filtersOf returns the condition of the filters, except the states. It begins with
// "and", or is empty. A filter is returned as pins instead if its index alone should be read.
func filtersOf(
	st *statement, q invitations.InvitationQuery, organization string, onlyLive bool,
) (filters string, pins []pin) {
	switch q.Kind {
	case "":
	case invitations.KindLink:
		filters += " and i.kind = 'link'" // the condition of the partial index
	default:
		filters += " and i.kind = " + st.param("text", string(q.Kind))
	}
	if q.Email != "" {
		filters += " and i.email <> '' and i.email = " + st.param("text", q.Email)
	}
	if q.SentBy != "" {
		sender := st.param("text", q.SentBy)
		filters += " and i.sent_by <> ''"
		if q.Email != "" || onlyLive {
			filters += " and i.sent_by = " + sender
		} else {
			pins = []pin{{"i.sent_by", sender}, {"i.organization", organization}}
		}
	}
	if q.Role != "" {
		role := st.param("text", string(q.Role))
		if q.Email != "" || q.SentBy != "" || q.Kind != "" || len(q.States) > 0 {
			filters += " and i.role = " + role
		} else {
			pins = []pin{{"i.role", role}}
		}
	}
	return filters, pins
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
	st.collect(b, func() { *out = append(*out, found) })
}

// withLive begins a statement with the query live, which has the invitations of an organization
// or of an address that are pending at an instant. Limits keep them few, but many more may be
// stored as pending and have expired. "materialized" makes the planner find them by their expiry
// first, and filter and sort only these.
func (s *Store) withLive(st *statement, condition, at string) {
	st.text("with live as materialized (select ")
	invitationsTable.appendList(st, "i")
	st.text(" from ", s.in, "invitations i where ", condition, " and i.state = 'pending' and i.expires_at > ", at, ") ")
}
