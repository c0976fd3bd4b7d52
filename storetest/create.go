package storetest

import (
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var createChecks = []check{
	{"CreateNewAndExisting", createTwice},
	{"CreateWithEverything", createEverything},
	{"CreateWithEachPairOfRows", createPairs},
	{"RefusedCreateLeavesNothing", createRefused},
	{"ExactOrganization", updateExactOrganization},
	{"UnknownOrganization", updateUnknown},
}

func createTwice(w *world) {
	ada := member("acme", "ada", "owner")
	for n, want := range []invitations.Facts{
		{Organization: "acme"},
		{Organization: "acme", Version: 1, Members: map[string]invitations.Member{"ada": ada}},
	} {
		var got invitations.Facts
		q := invitations.Query{Organization: "acme", Members: []string{"ada"}}
		w.ok(w.store.Create(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			got = f
			return invitations.Changes{Members: []invitations.Member{ada}}, nil
		}))
		w.equal(fmt.Sprintf("facts of Create %d", n+1), got, want)
	}
	w.equal("version after two Creates", w.version("acme"), int64(2))
}

func createEverything(w *world) {
	w.change("acme", everything("acme"))
	w.equal("state", w.state("acme", users...), everythingState("acme"))
}

// createPairs creates organizations with one row, and with two rows of any kinds. A store may write
// several rows in one statement.
func createPairs(w *world) {
	const kinds = 6
	for one := range kinds {
		for two := one; two <= kinds; two++ {
			organization := fmt.Sprintf("acme %d %d", one, two)
			all := everything(organization)
			var c invitations.Changes
			for _, kind := range []int{one, two} {
				switch kind {
				case 0:
					c.Invitations = append(c.Invitations, all.Invitations[len(c.Invitations)])
				case 1:
					c.Members = append(c.Members, all.Members[len(c.Members)])
				case 2:
					c.Removals = append(c.Removals, users[len(c.Removals)])
				case 3:
					c.Quotas = append(c.Quotas, all.Quotas[len(c.Quotas)])
				case 4:
					c.Events = append(c.Events, all.Events[len(c.Events)])
				case 5:
					limits := plan(2)
					c.Limits = &limits
				}
			}
			w.change(organization, c)
			w.equal(organization, w.state(organization, users...), stateOf(organization, c))
		}
	}
}

func createRefused(w *world) {
	refusal := errors.New("no")
	q := invitations.Query{Organization: "acme"}
	nothing := func(what string) {
		w.Helper()
		w.equal("state after "+what, w.state("acme", users...), state{})
		w.facts("after "+what, q, invitations.Facts{})
		w.equal("feed after "+what, w.follow(0, 100), []invitations.Event{})
	}
	err := w.store.Create(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) { return everything("acme"), refusal })
	if err != refusal { //nolint:errorlint // the contract says: that error as it is
		w.Errorf("got error %v, want the error of the decision as it is", err)
	}
	nothing("a refusal")
	w.ok(w.store.Create(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) { return invitations.Changes{}, nil }))
	nothing("no changes")
	w.panics("Create", func() error {
		return w.store.Create(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) { panic("boom") })
	})
	nothing("a panic")
	w.change("acme", everything("acme"))
	w.equal("state", w.state("acme", users...), everythingState("acme"))
}

// updateExactOrganization changes one of two organizations that have all IDs in common.
func updateExactOrganization(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		inv := invitation(organization, 1)
		q := invitations.Query{Organization: organization, Invitation: inv.ID, Members: []string{"ada"}}
		want := invitations.Facts{
			Organization: organization, Version: 1, Invitation: &inv,
			Members: map[string]invitations.Member{"ada": member(organization, "ada", "owner")},
		}
		w.facts("before the change", q, want)
		inv.Nonce = [16]byte{42}
		w.change(organization, invitations.Changes{Invitations: []invitations.Record{inv}})
		want.Version = 2
		w.facts("after the change", q, want)
	}
}

func updateUnknown(w *world) {
	w.change("acme", everything("acme"))
	q, _ := w.everyFact("acme")
	for i, organization := range []string{"zeta", "Acme", "acme ", "acm", "acme\u200b"} {
		q.Organization, q.AlsoDeleted = organization, i%2 == 0
		called := false
		w.ok(w.store.Update(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) {
			called = true
			return invitations.Changes{}, nil
		}))
		if !called {
			w.Errorf("Update of %q did not call the decision", organization)
		}
		w.facts(fmt.Sprintf("%q", organization), q, invitations.Facts{})
	}
}
