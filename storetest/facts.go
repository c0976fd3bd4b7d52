package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var factsChecks = []check{
	{"Invitation", factsInvitation},
	{"Sender", factsSender},
	{"Members", factsMembers},
	{"PendingOfAddresses", factsPending},
	{"PendingCount", factsPendingCount},
}

// facts compares the facts that View, Update and Create load for q with want.
func (w *world) facts(what string, q invitations.Query, want invitations.Facts) {
	w.Helper()
	w.equal(what+": View", w.view(q), want)
	seen := errors.New("seen")
	w.refused(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		w.equal(what+": Update", f, want)
		return invitations.Changes{}, seen
	}), seen)
	if want.Version == 0 {
		want = invitations.Facts{Organization: q.Organization}
	}
	w.refused(w.store.Create(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		w.equal(what+": Create", f, want)
		return invitations.Changes{}, seen
	}), seen)
}

// twins makes two organizations that have all ids and addresses in common.
func (w *world) twins() {
	w.Helper()
	for _, organization := range []string{"acme", "zeta"} {
		w.change(organization, everything(organization))
	}
}

func factsInvitation(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		for n, want := range []invitations.Record{invitation(organization, 1), link(organization, 2)} {
			f := invitations.Facts{Organization: organization, Version: 1, Invitation: &want}
			w.facts("by ID", invitations.Query{Organization: organization, Invitation: id(n + 1)}, f)
		}
		w.facts("unknown ID", invitations.Query{Organization: organization, Invitation: id(3)}, invitations.Facts{Organization: organization, Version: 1})
	}
}

func factsSender(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{RemovedMembers: []string{"bob"}})
	inv := invitation("acme", 1)
	bob := member("acme", "bob", "admin")
	q := invitations.Query{Organization: "acme", Invitation: inv.ID, Sender: true}
	w.facts("a member", q, invitations.Facts{Organization: "acme", Version: 1, Invitation: &inv, Sender: &bob})

	theirs := invitation("zeta", 1)
	q = invitations.Query{Organization: "zeta", Invitation: theirs.ID, Sender: true}
	w.facts("no member any more", q, invitations.Facts{Organization: "zeta", Version: 2, Invitation: &theirs})

	inv.SentBy = ""
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{inv}})
	q = invitations.Query{Organization: "acme", Invitation: inv.ID, Sender: true}
	w.facts("no user", q, invitations.Facts{Organization: "acme", Version: 2, Invitation: &inv})
}

func factsMembers(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{
		Members:  []invitations.Member{member("zeta", "eve", "viewer")},
		Removals: []string{"ada"},
	})
	q := invitations.Query{Organization: "acme", Members: []string{"eve", "ada", "nobody", "ada"}, Removals: true}
	w.facts("some", q, invitations.Facts{
		Organization: "acme", Version: 1,
		Members:  map[string]invitations.Member{"ada": member("acme", "ada", "owner")},
		Removals: map[string]int64{"eve": 1},
	})
	q.Organization = "zeta"
	w.facts("a removed one who is back, and a member who was removed before", q, invitations.Facts{
		Organization: "zeta", Version: 2,
		Members:  map[string]invitations.Member{"ada": member("zeta", "ada", "owner"), "eve": member("zeta", "eve", "viewer")},
		Removals: map[string]int64{"ada": 2, "eve": 1},
	})
	q.Removals = false
	w.facts("members alone", q, invitations.Facts{
		Organization: "zeta", Version: 2,
		Members: map[string]invitations.Member{"ada": member("zeta", "ada", "owner"), "eve": member("zeta", "eve", "viewer")},
	})
}

// crowd puts invitations of all states into both organizations, and returns those of the
// first that are pending at start, newest last.
func (w *world) crowd() (pending []invitations.Record) {
	w.Helper()
	n := 0
	put := func(organization string, r invitations.Record, state invitations.State, email string, expires time.Duration) {
		r.State, r.ExpiresAt = state, start.Add(expires)
		if r.Kind == invitations.KindEmail {
			r.Email = email
		}
		if state != invitations.StatePending {
			r.EndedAt = start
		}
		w.change(organization, invitations.Changes{Invitations: []invitations.Record{r}})
		if organization == "acme" && state == invitations.StatePending && expires > 0 {
			pending = append(pending, r)
		}
	}
	for _, organization := range []string{"acme", "zeta"} {
		for i := range 4 {
			email := fmt.Sprintf("p%d@example.com", i)
			for _, state := range []invitations.State{invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked} {
				n++
				put(organization, invitation(organization, n), state, email, day)
			}
			n++
			put(organization, invitation(organization, n), invitations.StatePending, email, 0) // expires at the very instant
			n++
			put(organization, invitation(organization, n), invitations.StatePending, email, -time.Microsecond)
			if i < 3 {
				n++
				put(organization, invitation(organization, n), invitations.StatePending, email, time.Microsecond)
			}
			n++
			put(organization, link(organization, n), invitations.StatePending, "", day)
		}
	}
	n++
	put("zeta", invitation("zeta", n), invitations.StatePending, "p3@example.com", day)
	return pending
}

func factsPending(w *world) {
	pending := w.crowd()
	want := invitations.Facts{Organization: "acme", Version: w.view(invitations.Query{Organization: "acme"}).Version}
	byEmail := map[string]uuid.UUID{}
	for _, r := range pending {
		if r.Kind == invitations.KindEmail {
			byEmail[r.Email] = r.ID
		}
	}
	q := invitations.Query{Organization: "acme", PendingAt: start}
	q.Emails = []string{"p0@example.com", "p1@example.com", "p2@example.com", "p3@example.com", "p9@example.com", "P0@example.com"}
	want.PendingByEmail = byEmail
	w.facts("of addresses", q, want)

	q.PendingAt = start.Add(time.Microsecond)
	want.PendingByEmail = nil
	w.facts("a microsecond later", q, want)

	for _, r := range pending {
		q = invitations.Query{Organization: "acme", PendingAt: start, Invitation: r.ID, SameEmail: true}
		want.Invitation, want.PendingByEmail = &r, map[string]uuid.UUID{}
		if r.Kind == invitations.KindEmail {
			want.PendingByEmail[r.Email] = r.ID
		}
		w.facts("of the same address", q, want)
	}

	// Clocks that disagree have left two; the newest counts.
	newer := invitation("acme", 900)
	newer.Email = "p1@example.com"
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{newer}})
	want.Version++
	want.Invitation, want.PendingByEmail = nil, map[string]uuid.UUID{"p1@example.com": newer.ID}
	w.facts("the newest", invitations.Query{Organization: "acme", PendingAt: start, Emails: []string{newer.Email}}, want)
}

func factsPendingCount(w *world) {
	pending := w.crowd()
	want := invitations.Facts{Organization: "acme", Version: w.view(invitations.Query{Organization: "acme"}).Version}
	for _, upTo := range []int{1, len(pending) - 1, len(pending), len(pending) + 1, 1000} {
		want.PendingCount = min(upTo, len(pending))
		w.facts(fmt.Sprintf("up to %d", upTo), invitations.Query{Organization: "acme", PendingAt: start, PendingUpTo: upTo}, want)
	}
	want.PendingCount = 4 // the links
	w.facts("later", invitations.Query{Organization: "acme", PendingAt: start.Add(time.Microsecond), PendingUpTo: 1000}, want)
	want.PendingCount = 0
	w.facts("when all have expired", invitations.Query{Organization: "acme", PendingAt: start.Add(day), PendingUpTo: 1000}, want)
}
