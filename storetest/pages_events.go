package storetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var eventPageChecks = []check{
	{"EventsInBothOrders", pagesEvents},
	{"EventsAfterAnyPosition", pagesEventPositions},
	{"EventsByEveryFilter", pagesEventFilters},
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
		if (q.Invitation == uuid.Nil || e.InvitationID == q.Invitation) && (q.Actor == "" || e.Actor == q.Actor) &&
			(len(q.Types) == 0 || slices.Contains(q.Types, e.Type)) &&
			!e.At.Before(q.From) && (q.To.IsZero() || e.At.Before(q.To)) {
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
		for _, limit := range []int{1, 2, 3, 5, 8, 23, 24, 25, 100} {
			w.walkEvents(q, limit, inOrderOf(q, all))
		}
	}
}

// walkEvents reads all pages of a query and compares their items with want.
func (w *world) walkEvents(q invitations.EventQuery, limit int, want []invitations.Event) {
	w.Helper()
	var got []invitations.Event
	for q.Limit = limit; ; {
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

func pagesEventPositions(w *world) {
	all := w.past()
	for _, q := range eventQueries() {
		for _, p := range []invitations.EventPosition{ // nothing stands at most of them
			{}, {Version: 0, Index: math.MaxInt32}, {Version: 1}, {Version: 2, Index: 1}, {Version: 3, Index: 50}, {Version: 4, Index: -1},
			{Version: 6, Index: 2}, {Version: 6, Index: 3}, {Version: 7}, {Version: math.MaxInt64, Index: math.MaxInt32},
		} {
			q.After = &p
			for _, q.Limit = range []int{2, 100} {
				w.equal(fmt.Sprintf("%+v after %+v", q, p), w.events(q).Items, firstEvents(q, all))
			}
		}
	}
}

// diary puts 60 events of great variety into each of two organizations, and returns those of the
// first, oldest first. Clocks disagree, so the order of time is not that of the versions.
func (w *world) diary() (all []invitations.Event) {
	w.Helper()
	types := []invitations.EventType{
		invitations.EventMemberJoined, invitations.EventInvitationCreated, invitations.EventMemberRemoved, "Member.Joined", invitations.EventLimitsChanged,
	}
	for version := int64(1); version <= 15; version++ {
		var changes, others invitations.Changes
		for index := range 4 {
			n := int(version)*4 + index
			e := event("acme", fmt.Sprint(n), []uuid.UUID{uuid.Nil, id(1), id(2)}[n%3])
			e.Actor, e.Type = []string{"ada", "bob", "", "Ada"}[n%7%4], types[n%11%5]
			e.At = start.Add(time.Duration(n*7%10) * time.Second)
			other := e
			other.Organization, other.Subject = "zeta", "other"
			changes.Events, others.Events = append(changes.Events, e), append(others.Events, other)
			e.Version, e.Index = version, index
			all = append(all, e)
		}
		w.change("zeta", others)
		w.change("acme", changes)
	}
	return all
}

func pagesEventFilters(w *world) {
	all := w.diary()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	periods := [][2]time.Time{
		{}, {at(4)}, {{}, at(4)}, {at(3), at(6)}, {at(3).Add(time.Microsecond), at(6).Add(time.Microsecond)},
		{at(9), at(10)}, {at(10)}, {{}, start},
	}
	types := [][]invitations.EventType{
		nil, {invitations.EventMemberJoined}, {invitations.EventInvitationCreated, invitations.EventMemberRemoved}, {"member.unknown"},
		{invitations.EventLimitsChanged, invitations.EventMemberJoined, "member.unknown", "Member.Joined"},
	}
	for i, period := range periods {
		for n, some := range types {
			for _, actor := range []string{"", "ada", "bob", "nobody"} {
				for _, invitation := range []uuid.UUID{uuid.Nil, id(1)} {
					for _, newestFirst := range []bool{false, true} {
						q := invitations.EventQuery{
							Organization: "acme", Invitation: invitation, Actor: actor, Types: some, From: period[0], To: period[1], NewestFirst: newestFirst,
						}
						w.walkEvents(q, []int{2, 7, 100}[(i+n)%3], inOrderOf(q, all))
					}
				}
			}
		}
	}
	// A page may start at a place where no event passes the filters.
	for _, newestFirst := range []bool{false, true} {
		q := invitations.EventQuery{
			Organization: "acme", Actor: "ada", Types: types[2], From: at(1), To: at(9), NewestFirst: newestFirst, Limit: 2,
		}
		for _, after := range all {
			q.After = &invitations.EventPosition{Version: after.Version, Index: after.Index}
			w.equal(fmt.Sprintf("%+v after %+v", q, *q.After), w.events(q).Items, firstEvents(q, all))
		}
	}
}

// firstEvents returns the page that q asks for.
func firstEvents(q invitations.EventQuery, all []invitations.Event) (page []invitations.Event) {
	for _, e := range inOrderOf(q, all) {
		c := cmp.Or(cmp.Compare(e.Version, q.After.Version), cmp.Compare(e.Index, q.After.Index))
		if (c > 0 && !q.NewestFirst || c < 0 && q.NewestFirst) && len(page) < q.Limit {
			page = append(page, e)
		}
	}
	return page
}
