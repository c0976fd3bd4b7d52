package storetest

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var changesChecks = []check{
	{"EachKindOfChangeHasAVersion", changesVersions},
	{"Limits", changesLimits},
	{"ErasedEvents", changesErased},
	{"ErasedEventsKeepTheirPosition", changesErasedPositions},
	{"Deleted", changesDeleted},
}

// changesVersions makes one kind of change at a time.
func changesVersions(w *world) {
	w.twins()
	limits := invitations.Limits{}
	for i, c := range []invitations.Changes{
		{Invitations: []invitations.Record{invitation("acme", 1)}},
		{Members: []invitations.Member{member("acme", "ada", "owner")}},
		{RemovedMembers: []string{"nobody"}},
		{Removals: []string{"eve"}},
		{Quotas: []invitations.QuotaRecord{quota("acme", "eve", 0, "", 1)}},
		{Limits: &limits},
		{Events: []invitations.Event{event("acme", "ada", uuid.Nil)}},
	} {
		w.change("acme", c)
		w.equal(fmt.Sprintf("version after change %d", i), w.version("acme"), int64(i+2))
	}
	w.erase("acme", invitations.Person{UserID: "ada"}, func(*invitations.Event) {}, invitations.Changes{})
	w.equal("version after the erased events", w.version("acme"), int64(9))
	w.change("acme", invitations.Changes{Deleted: true})
	f := w.view(invitations.Query{Organization: "acme", AlsoDeleted: true})
	w.equal("facts after the deletion", f, invitations.Facts{Organization: "acme", Version: 10, Deleted: true})
	w.equal("the other organization", w.state("zeta", users...), everythingState("zeta"))
}

func changesLimits(w *world) {
	w.twins()
	want, other := everythingState("acme"), everythingState("zeta")
	seatless := []invitations.Role{"admin"}
	for i, limits := range []invitations.Limits{
		plan(3), plan(4), {}, {Members: invitations.NoLimit}, {Pending: 100_000, SeatlessRoles: seatless}, {NoLinks: true}, {},
	} {
		w.change("acme", invitations.Changes{Limits: &limits})
		want.Facts.Version++
		all := everything("acme")
		all.Limits = &limits
		want.Facts.Limits, want.Facts.Totals = limits, totalsOf(all)
		w.equal(fmt.Sprintf("state with limits %d", i), w.state("acme", users...), want)
		w.equal("the other organization", w.state("zeta", users...), other)
		if i == 3 { // both have limits from now on
			others := plan(77)
			w.change("zeta", invitations.Changes{Limits: &others})
			other = w.state("zeta", users...)
			w.equal("limits of the other organization", other.Facts.Limits, others)
		}
		w.change("acme", invitations.Changes{Removals: []string{"eve"}})
		want.Facts.Version++
		want.Facts.Removals["eve"] = want.Facts.Version
		w.equal("state after a change without limits", w.state("acme", users...), want)
	}
	limits := plan(9)
	w.refused(w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return invitations.Changes{Limits: &limits}, invitations.ErrConflict
	}), invitations.ErrConflict)
	w.equal("state after a refusal", w.state("acme", users...), want)

	w.ok(w.store.Create(w.ctx, invitations.Query{Organization: "beta"}, func(invitations.Facts) (invitations.Changes, error) {
		return invitations.Changes{Limits: &limits}, nil
	}))
	w.facts("created with limits", invitations.Query{Organization: "beta"}, invitations.Facts{Organization: "beta", Version: 1, Limits: limits})
}

// erase changes the events in which an organization has a trace of p, and applies other changes
// in the same step.
func (w *world) erase(organization string, p invitations.Person, change func(*invitations.Event), also invitations.Changes) {
	w.Helper()
	q := invitations.Query{Organization: organization, AlsoDeleted: true, TracesOf: p, TracesUpTo: 1000}
	w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		c := also
		c.ErasedEvents = nil
		for _, e := range f.TracedEvents {
			e = e.Clone()
			change(&e)
			c.ErasedEvents = append(c.ErasedEvents, e)
		}
		return c, nil
	}))
}

// forget replaces ada and her addresses in an event.
func forget(e *invitations.Event) {
	for _, user := range []*string{&e.Actor, &e.Subject, &e.InvitedBy} {
		if *user == "ada" {
			*user = "erased"
		}
	}
	e.Email, e.Reason = "", "forgotten"
	e.Position += 77 // a store must ignore it
}

func changesErased(w *world) {
	w.twins()
	more := event("acme", "joe", id(1))
	more.Actor, more.InvitedBy = "joe", "ada"
	kept := event("acme", "joe", id(1))
	kept.Actor = "joe"
	w.change("acme", invitations.Changes{Events: []invitations.Event{kept, more, kept}})
	want, other := w.state("acme", users...), w.state("zeta", users...)
	added := event("acme", "new", id(2))
	w.erase("acme", invitations.Person{UserID: "ada"}, forget, invitations.Changes{
		Members: []invitations.Member{member("acme", "eve", "viewer")}, Events: []invitations.Event{added, added},
	})

	want.Facts.Version = 3
	want.Facts.Members["eve"] = member("acme", "eve", "viewer")
	want.Facts.Totals.Members, want.Facts.Totals.Seats = 3, 3
	for _, i := range []int{0, 1, 3} {
		forget(&want.Events.Items[i])
		want.Events.Items[i].Position = 0
	}
	for i := range 2 {
		added.Version, added.Index = 3, i
		want.Events.Items = append(want.Events.Items, added)
	}
	w.equal("state", w.state("acme", users...), want)
	w.equal("the other organization", w.state("zeta", users...), other)

	// Every list and every fact shows the erased event.
	all := want.Events.Items
	for name, c := range map[string]struct {
		q    invitations.EventQuery
		want []invitations.Event
	}{
		"of ada":           {invitations.EventQuery{Actor: "ada"}, all[5:]},
		"of the pseudonym": {invitations.EventQuery{Actor: "erased"}, all[:2]},
		"of joe":           {invitations.EventQuery{Actor: "joe"}, all[2:5]},
		"of an invitation": {invitations.EventQuery{Invitation: id(1)}, []invitations.Event{all[0], all[2], all[3], all[4]}},
	} {
		c.q.Organization, c.q.Limit = "acme", 100
		w.equal("events "+name, w.events(c.q).Items, c.want)
	}
	f := w.view(invitations.Query{Organization: "acme", SendingsUpTo: 100, SendingsAfter: start.Add(-day)})
	w.equal("sendings", f.Sendings, []invitations.Sending{
		{At: start, Actor: "ada", Email: added.Email}, {At: start, Actor: "ada", Email: added.Email},
		{At: start, Actor: "joe", Email: kept.Email}, {At: start, Actor: "joe", Email: kept.Email},
	})
	q := invitations.Query{Organization: "acme", TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 100}
	w.follow(0, 1000)
	w.equal("traces of ada", len(w.view(q).TracedEvents), 2) // those of the new events
	q.TracesOf.UserID = "erased"
	w.equal("traces of the pseudonym", len(w.view(q).TracedEvents), 3)
	w.fed(w.follow(0, 1000), "acme", "zeta")
}

// changesErasedPositions erases events that a follower of the feed has seen, and events that it
// has not.
func changesErasedPositions(w *world) {
	put := func(n int) {
		w.Helper()
		for _, organization := range []string{"acme", "zeta"} {
			for i := range n {
				e := event(organization, "joe", id(i))
				e.Actor = []string{"ada", "joe"}[i%2]
				w.change(organization, invitations.Changes{Events: []invitations.Event{e}})
			}
		}
	}
	put(4)
	seen := w.follow(0, 3)
	put(3)
	w.erase("acme", invitations.Person{UserID: "ada"}, forget, invitations.Changes{})
	all := w.follow(0, 3)
	w.fed(all, "acme", "zeta")
	for i, e := range seen {
		if e.Organization == "acme" && e.Actor == "ada" {
			forget(&e)
			e.Position = seen[i].Position
		}
		w.equal(fmt.Sprintf("event %d of the feed", i), all[i], e)
	}
	last := seen[len(seen)-1].Position
	w.equal("after the events that were seen", w.follow(last, 1000), all[len(seen):])

	// Erased events of a deleted organization stay in the feed too.
	w.change("zeta", invitations.Changes{Deleted: true, Events: []invitations.Event{event("zeta", "", uuid.Nil)}})
	w.erase("zeta", invitations.Person{UserID: "ada"}, forget, invitations.Changes{})
	now := w.follow(0, 1000)
	w.equal("number of events", len(now), len(all)+1)
	for i, e := range all {
		if e.Organization == "zeta" && e.Actor == "ada" {
			forget(&e)
			e.Position = all[i].Position
		}
		w.equal(fmt.Sprintf("event %d of the feed, later", i), now[i], e)
	}
}

// changesDeleted deletes an organization together with changes of other kinds.
func changesDeleted(w *world) {
	w.twins()
	other := w.state("zeta", users...)
	limits := plan(1)
	last := event("acme", "", uuid.Nil)
	last.Type = invitations.EventOrganizationDeleted
	w.change("acme", invitations.Changes{
		Deleted: true, RemovedMembers: []string{"bob"}, Removals: []string{"bob"}, Limits: &limits, Events: []invitations.Event{last},
	})
	w.equal("state", w.state("acme", users...), state{})
	w.equal("the other organization", w.state("zeta", users...), other)
	q := invitations.Query{Organization: "acme", AlsoDeleted: true, Members: users, Removals: true}
	w.equal("facts, with AlsoDeleted", w.view(q), invitations.Facts{
		Organization: "acme", Version: 2, Limits: limits, Deleted: true,
		Members:  map[string]invitations.Member{"ada": member("acme", "ada", "owner")},
		Removals: map[string]int64{"eve": 1, "bob": 2},
	})
	feed := slices.DeleteFunc(w.follow(0, 100), func(e invitations.Event) bool { return e.Organization != "acme" })
	w.equal("number of events in the feed", len(feed), 3)
	last.Version, last.Position = 2, feed[2].Position
	w.equal("the last event", feed[2], last)

	// A refused deletion deletes nothing.
	w.refused(w.store.Update(w.ctx, invitations.Query{Organization: "zeta"}, func(invitations.Facts) (invitations.Changes, error) {
		return invitations.Changes{Deleted: true}, invitations.ErrConflict
	}), invitations.ErrConflict)
	w.equal("the other organization, after a refusal", w.state("zeta", users...), other)
}
