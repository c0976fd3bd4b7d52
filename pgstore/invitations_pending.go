package pgstore

import (
	"strconv"

	"github.com/go-invitations/invitations"
)

// walkedPages is how many pages of invitations are read, at most, to find one of pending ones.
const walkedPages = 4

// pendingPage begins a statement with queries that find pending invitations that have not expired, and
// returns the branches that read them.
//
// Far more invitations may be stored as pending that have expired. So the pending ones are found by
// their expiry, read and sorted, if there are no more than a few pages of them. If there are more, the
// newest invitations are most likely pending, and a few pages are read in the order of the page. If
// these have too few pending ones, as at the end of the list, all pending ones are read in spite of
// their number, those of the kind and the role.
func (s *Store) pendingPage(st *statement, q invitations.InvitationQuery, l invitationList, at, limit string) (page []branch) {
	budget := hidden(st.param("bigint", int64(walkedPages*q.Limit)))
	size := "(select s.n from size s)"
	// Of a sender there is no range for each role, so the role is filtered after the walk.
	walk, filters, order := l, "", "i.expires_at" // the index invitations_live
	if q.SentBy != "" {
		walk.filters = " and " + senderIs + st.param("text", q.SentBy)
		filters, order = l.filters, "i.expires_at nulls first" // the index invitations_live_by_sender
	}
	from, live := " from "+l.from+" where "+l.all, " and i.state = 'pending' and i.expires_at > "+at
	counted := from + live
	if q.SentBy != "" {
		counted += walk.filters
	}
	st.text("with size as materialized (select pg_catalog.count(*) as n from (select", counted, " order by ", order,
		" limit ", budget, " + 1) as i)")
	for i, kind := range kindsOf(q) {
		walked, rest := "walked"+strconv.Itoa(i), "live"+strconv.Itoa(i)
		r := walk.ofKind(kind, " and i.state = "+storedPending+" and "+size+" > "+budget)
		pending := "i.expires_at > " + at + filters
		st.text(", ", walked, " as materialized (select ")
		invitationsTable.appendList(st, "i")
		st.text(" from ", r.from, " where ", r.where, " order by ", r.order, " limit ", budget, "), ",
			rest, " as materialized (select ")
		invitationsTable.appendList(st, "i")
		st.text(from, live, l.filters, " and i.kind = ", kind, " and (", size, " <= ", budget,
			" or (select pg_catalog.count(*) = ", budget, " and pg_catalog.count(*) filter (where ", pending, ") < ", limit,
			" from ", walked, " i)) order by ", order, ")")
		page = append(page,
			branch{walked + " i", pending + " and not exists (select from " + rest + ")", newestFirst},
			invitationList{from: rest + " i", all: "true", after: l.after}.branch(""))
	}
	st.text(" ")
	return page
}
