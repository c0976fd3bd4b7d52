package storetest

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var feedChecks = []check{
	{"AllOrganizationsInOrder", feedOrder},
	{"RefusalsAreNotInIt", feedRefusals},
}

// follow reads the feed from a position to its end, up to limit events at a time. It fails
// the check if positions do not rise.
func (w *world) follow(after int64, limit int) []invitations.Event {
	w.Helper()
	var all []invitations.Event
	for {
		found, err := w.store.Feed(w.ctx, after, limit)
		w.ok(err)
		if len(found) > limit {
			w.Fatalf("got %d events, and asked for %d", len(found), limit)
		}
		if len(found) == 0 {
			return all
		}
		for _, e := range found {
			if e.Position <= after {
				w.Fatalf("position %d comes after position %d", e.Position, after)
			}
			after = e.Position
		}
		all = append(all, found...)
	}
}

// fed fails the check unless the feed has the events of the organizations, each organization
// in its own order.
func (w *world) fed(feed []invitations.Event, organizations ...string) {
	w.Helper()
	got := map[string][]invitations.Event{}
	for _, e := range feed {
		e.Position = 0
		got[e.Organization] = append(got[e.Organization], e)
	}
	n := 0
	for _, organization := range organizations {
		w.equal("the feed of "+organization, got[organization], w.events(invitations.EventQuery{Organization: organization, Limit: 100_000}).Items)
		n += len(got[organization])
	}
	if n != len(feed) {
		w.Errorf("the feed has %d events, and the organizations have %d", len(feed), n)
	}
}

func feedOrder(w *world) {
	w.equal("feed of an empty store", w.follow(0, 10), []invitations.Event{})
	organizations := []string{"zeta", "acme", "Acme", "beta"}
	var before []invitations.Event
	for n := range 20 {
		organization := organizations[n*n%7%4]
		changes := invitations.Changes{RemovedMembers: []string{"nobody"}} // a version without an event
		for i := range n % 4 {
			changes.Events = append(changes.Events, event(organization, fmt.Sprint(n, i), id(i)))
		}
		w.change(organization, changes)
		if n%6 != 0 {
			continue
		}
		// New events stand above the old ones, which keep their positions.
		now := w.follow(0, 100)
		w.equal("the events that were there before", now[:min(len(before), len(now))], before)
		before = now
	}
	all := w.follow(0, 100)
	w.fed(all, organizations...)
	if len(all) == 0 {
		w.Fatalf("the feed is empty")
	}
	for limit := 1; limit <= len(all)+1; limit++ {
		w.equal(fmt.Sprintf("%d at a time", limit), w.follow(0, limit), all)
	}
	for i, e := range all {
		w.equal(fmt.Sprintf("after position %d", e.Position), w.follow(e.Position, 100), all[i+1:])
	}
	last := all[len(all)-1].Position
	w.equal("before the first position", w.follow(all[0].Position-1, 100), all)
	w.equal("far above the last position", w.follow(last+1_000_000, 100), []invitations.Event{})
	w.change("new", everything("new"))
	w.fed(w.follow(last, 1), "new")
}

func feedRefusals(w *world) {
	w.change("acme", everything("acme"))
	before := w.follow(0, 100)
	w.refused(w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("acme"), invitations.ErrConflict
	}), invitations.ErrConflict)
	w.refused(w.store.Create(w.ctx, invitations.Query{Organization: "zeta"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("zeta"), invitations.ErrConflict
	}), invitations.ErrConflict)
	w.change("acme", invitations.Changes{})
	w.change("acme", invitations.Changes{RemovedMembers: []string{"bob"}})
	w.equal("feed", w.follow(0, 100), before)
	if len(before) > 0 {
		w.equal("feed after its end", w.follow(before[len(before)-1].Position, 100), []invitations.Event{})
	}
	w.change("acme", invitations.Changes{Events: []invitations.Event{event("acme", "ada", uuid.Nil)}})
	w.fed(w.follow(0, 100), "acme")
}
