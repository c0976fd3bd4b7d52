package storetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var eventPageChecks = []check{
	{"EventsInBothOrders", pagesEvents},
	{"EventsAfterAnyPosition", pagesEventPositions},
}

// past puts 24 events of two invitations into each of two organizations, and returns those of
// the first, oldest first.
func (w *world) past() []invitations.Event {
	w.Helper()
	var all []invitations.Event
	for version := int64(1); version <= 6; version++ {
		var changes, others invitations.Changes
		for index := range 4 {
			e := event("acme", fmt.Sprint(version, index), id(index%2+1))
			if index == 3 {
				e = event("acme", "of no invitation", uuid.Nil)
			}
			changes.Events = append(changes.Events, e)
			others.Events = append(others.Events, event("zeta", "other", id(index%2+1)))
			e.Version, e.Index = version, index
			all = append(all, e)
		}
		w.change("acme", changes)
		w.change("zeta", others)
	}
	return all
}

// inOrderOf returns the events that q asks for, without regard to After and Limit.
func inOrderOf(q invitations.EventQuery, all []invitations.Event) []invitations.Event {
	var found []invitations.Event
	for _, e := range all {
		if q.Invitation == uuid.Nil || q.Invitation == e.InvitationID {
			found = append(found, e)
		}
	}
	if q.NewestFirst {
		slices.Reverse(found)
	}
	return found
}

// eventQueries returns a query for every invitation and order.
func eventQueries() (all []invitations.EventQuery) {
	for _, invitation := range []uuid.UUID{uuid.Nil, id(1), id(2), id(9)} {
		for _, newestFirst := range []bool{false, true} {
			all = append(all, invitations.EventQuery{Organization: "acme", Invitation: invitation, NewestFirst: newestFirst})
		}
	}
	return all
}

func pagesEvents(w *world) {
	all := w.past()
	for _, q := range eventQueries() {
		want := inOrderOf(q, all)
		for _, limit := range []int{1, 2, 3, 5, 8, 23, 24, 25, 100} {
			var got []invitations.Event
			q.Limit, q.After = limit, nil
			for {
				page := w.events(q)
				got = append(got, page.Items...)
				if len(page.Items) > limit || len(got) > len(want) {
					w.Fatalf("%+v: got %d events on a page, %d in all, want %d", q, len(page.Items), len(got), len(want))
				}
				if len(page.Items) < limit {
					break
				}
				last := page.Items[limit-1]
				q.After = &invitations.EventPosition{Version: last.Version, Index: last.Index}
			}
			w.equal(fmt.Sprintf("%+v", q), got, want)
		}
	}
}

func pagesEventPositions(w *world) {
	all := w.past()
	for _, q := range eventQueries() {
		for _, p := range []invitations.EventPosition{ // nothing stands at most of them
			{}, {Version: 0, Index: math.MaxInt32}, {Version: 1}, {Version: 2, Index: 1}, {Version: 3, Index: 50}, {Version: 4, Index: -1},
			{Version: 6, Index: 2}, {Version: 6, Index: 3}, {Version: 7}, {Version: math.MaxInt64, Index: math.MaxInt32},
		} {
			var want []invitations.Event
			for _, e := range inOrderOf(q, all) {
				c := cmp.Or(cmp.Compare(e.Version, p.Version), cmp.Compare(e.Index, p.Index))
				if c > 0 && !q.NewestFirst || c < 0 && q.NewestFirst {
					want = append(want, e)
				}
			}
			q.After = &p
			for _, q.Limit = range []int{2, 100} {
				w.equal(fmt.Sprintf("%+v after %+v", q, p), w.events(q).Items, want[:min(q.Limit, len(want))])
			}
		}
	}
}
