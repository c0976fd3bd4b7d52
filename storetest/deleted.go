package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var deletedChecks = []check{
	{"ReadsOfIt", deletedReads},
	{"ReadsAcrossOrganizations", deletedAcross},
	{"UpdateFindsNothing", deletedUpdate},
	{"CreateFindsItsVersion", deletedCreate},
	{"AlsoDeleted", deletedFacts},
	{"ConsumeTakesNothing", deletedConsume},
	{"SweepLeavesItOut", deletedSweep},
	{"StaysInTheFeed", deletedFeed},
}

// ended fills two organizations that have all IDs, users and addresses in common, and deletes
// acme. In both, bob has used the quotas.
func (w *world) ended() {
	w.Helper()
	w.twins()
	limits := plan(4)
	for _, organization := range []string{"acme", "zeta"} {
		w.change(organization, invitations.Changes{
			Limits:  &limits,
			Members: []invitations.Member{member(organization, "bob", "developer")},
			Quotas:  []invitations.QuotaRecord{quota(organization, "bob", 100, invitations.PeriodDay, 2)},
		})
		if consumed := w.consume(consumption(organization, "bob", 7, 0)); !consumed.Taken {
			w.Fatalf("nothing was taken in %s", organization)
		}
	}
	w.change("acme", invitations.Changes{Deleted: true, Events: []invitations.Event{event("acme", "deleted", uuid.Nil)}})
}

// reads are all reads of one organization.
func (w *world) reads(organization string) map[string]func() any {
	everyFact := invitations.Query{
		Organization: organization, Invitation: id(1), Sender: true, Invitations: []uuid.UUID{id(2)}, Members: users, Removals: true,
		Quotas: true, Emails: []string{invitation("", 1).Email}, CountPending: true, CountReserved: true, CountSeats: true,
		Limits: limitsOf(9), Totals: true, PendingSentBy: "bob", PendingAt: start, SendingsUpTo: 9, OwnersUpTo: 9,
		TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 9,
	}
	all := map[string]func() any{
		"View":        func() any { return w.view(everyFact) },
		"View of one": func() any { return w.view(invitations.Query{Organization: organization}) },
		"Statistics": func() any {
			return w.statistics(invitations.StatisticsQuery{
				Organization: organization, Viewer: "bob", Roles: []invitations.Role{"developer"}, To: start.Add(day), At: start, MaxGroups: 9,
			})
		},
		"Statistics without a viewer": func() any {
			return w.statistics(invitations.StatisticsQuery{Organization: organization, To: start.Add(day), At: start, MaxGroups: 9})
		},
		"Usage": func() any {
			return w.usage(invitations.UsageQuery{
				Organization: organization, Viewer: "bob", Period: invitations.PeriodDay, PeriodStart: today, Limit: 9,
			})
		},
	}
	for _, viewer := range []string{"", "bob"} {
		name := fmt.Sprintf(", viewer %q", viewer)
		for filter, q := range map[string]invitations.InvitationQuery{
			"": {}, ", States": {States: []invitations.State{invitations.StatePending}}, ", Kind": {Kind: invitations.KindLink},
			", Role": {Role: "developer"}, ", Email": {Email: invitation("", 1).Email}, ", SentBy": {SentBy: "bob"},
		} {
			q.Organization, q.Viewer, q.At, q.Limit = organization, viewer, start, 9
			all["Invitations"+filter+name] = func() any { return w.page(q) }
		}
		for filter, q := range map[string]invitations.EventQuery{
			"": {}, ", Invitation": {Invitation: id(1)}, ", Actor": {Actor: "ada"}, ", Types": {Types: []invitations.EventType{"test.happened"}},
			", From": {From: start}, ", NewestFirst": {NewestFirst: true},
		} {
			q.Organization, q.Viewer, q.Limit = organization, viewer, 9
			all["Events"+filter+name] = func() any { return w.events(q) }
		}
		for filter, q := range map[string]invitations.MemberQuery{"": {}, ", Role": {Role: "owner"}, ", Quotas": {Quotas: true}} {
			q.Organization, q.Viewer, q.Limit = organization, viewer, 9
			all["Members"+filter+name] = func() any { return w.members(q) }
		}
	}
	return all
}

// deletedReads compares the reads of a deleted organization with those of one that never was.
func deletedReads(w *world) {
	w.ended()
	never, other := w.reads("never"), w.reads("zeta")
	for name, read := range w.reads("acme") {
		nothing := never[name]()
		w.equal(name, read(), nothing)
		if differ(other[name](), nothing) == "" {
			w.Errorf("%s: the organization that was not deleted has nothing", name)
		}
	}
}

func deletedAcross(w *world) {
	w.ended()
	w.ok(w.store.SetPersonalQuota(w.ctx, "bob", invitations.Quota{Limit: 3, Period: invitations.PeriodDay}))
	shared, own := used(quota("zeta", "", 1000, invitations.PeriodMonth, 1), 7, 0), used(quota("zeta", "bob", 100, invitations.PeriodDay, 2), 7, 0)
	personal := invitations.QuotaRecord{UserID: "bob", Quota: invitations.Quota{Limit: 3, Period: invitations.PeriodDay}}
	w.equal("workspaces of bob", w.workspaces(invitations.WorkspaceQuery{UserID: "bob", Limit: 9}), workspaces{
		Personal: &personal, Memberships: []invitations.Membership{{Member: member("zeta", "bob", "developer"), Own: &own, Shared: &shared}},
	})
	w.equal("the first workspace of bob", len(w.workspaces(invitations.WorkspaceQuery{UserID: "bob", Limit: 1}).Memberships), 1)
	inv := invitation("zeta", 1)
	for _, states := range [][]invitations.State{nil, {invitations.StatePending}} {
		for _, limit := range []int{1, 9} {
			page := w.page(invitations.InvitationQuery{Email: inv.Email, States: states, At: start, Limit: limit})
			w.equal(fmt.Sprintf("up to %d invitations of the address in states %v", limit, states), page, invitations.Page[invitations.Record]{
				Items: []invitations.Record{inv},
			})
		}
	}
}

func deletedUpdate(w *world) {
	w.ended()
	q := invitations.Query{Organization: "acme", Members: users, Removals: true, Quotas: true, Totals: true, PendingAt: start}
	also := q
	also.AlsoDeleted = true
	before, other := w.view(also), w.state("zeta", users...)
	got := invitations.Facts{Version: 77}
	w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		got = f
		return invitations.Changes{}, nil
	}))
	w.equal("facts of Update", got, invitations.Facts{})
	w.equal("facts of a refused Update", w.loaded(w.store.Update, q), invitations.Facts{})
	w.equal("facts, with AlsoDeleted", w.view(also), before)
	w.equal("the other organization", w.state("zeta", users...), other)
}

func deletedCreate(w *world) {
	w.ended()
	q := invitations.Query{Organization: "acme", Invitation: id(1), Members: users, Removals: true, Quotas: true, Totals: true, OwnersUpTo: 9}
	also := q
	also.AlsoDeleted = true
	before := w.view(also)
	for i := range 2 {
		got := invitations.Facts{}
		w.ok(w.store.Create(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			got = f
			return invitations.Changes{}, nil
		}))
		w.equal(fmt.Sprintf("facts of Create %d", i), got, invitations.Facts{Organization: "acme", Version: 3, Deleted: true})
	}
	refusal := errors.New("taken")
	err := w.store.Create(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) { return invitations.Changes{}, refusal })
	if err != refusal { //nolint:errorlint // the contract says: that error as it is
		w.Errorf("got error %v, want the error of the decision as it is", err)
	}
	w.equal("state", w.state("acme", users...), state{})
	w.equal("facts, with AlsoDeleted", w.view(also), before)
}

// deletedFacts loads the facts of a deleted organization, and changes them.
func deletedFacts(w *world) {
	w.twins()
	q, want := w.everyFact("acme")
	w.change("acme", invitations.Changes{Deleted: true})
	want.Version, want.Deleted = 2, true
	same := func(what string) {
		w.Helper()
		w.equal(what+": View", w.view(q), sorted(want))
		w.equal(what+": Update", w.loaded(w.store.Update, q), sorted(want))
	}
	w.equal("without AlsoDeleted", w.view(q), invitations.Facts{})
	q.AlsoDeleted = true
	same("with AlsoDeleted")

	other := w.state("zeta", users...)
	inv, ada := invitation("acme", 1), member("acme", "ada", "viewer")
	inv.Message, inv.Metadata = "", nil
	ada.Metadata = nil
	w.erase("acme", invitations.Person{UserID: "ada"}, func(e *invitations.Event) { e.Reason = "erased" }, invitations.Changes{
		Invitations: []invitations.Record{inv}, Members: []invitations.Member{ada}, Events: []invitations.Event{event("acme", "nobody", uuid.Nil)},
	})
	q.TracesUpTo = 0 // the check of the feed sees the events
	want.TracedInvitations, want.TracedMembers, want.TracedEvents = nil, nil, nil
	want.Version, want.OwnerCount = 3, 0
	want.Invitation, want.Members["ada"] = &inv, ada
	want.Invitations[inv.ID] = inv
	want.PendingRecords = []invitations.Record{want.PendingRecords[0], inv}
	same("after a change")
	w.change("acme", invitations.Changes{})
	same("after no change")
	w.equal("state", w.state("acme", users...), state{})
	w.equal("the other organization", w.state("zeta", users...), other)

	q.Organization = "never"
	w.equal("one that never was", w.view(q), invitations.Facts{})
	w.equal("Update of one that never was", w.loaded(w.store.Update, q), invitations.Facts{})
}

func deletedConsume(w *world) {
	w.ended()
	q := invitations.Query{Organization: "acme", AlsoDeleted: true, Members: []string{"bob"}, Quotas: true}
	before, other := w.view(q), w.quotas("zeta", "bob")
	for _, amount := range []int64{1, -1, -100} {
		c := consumption("acme", "bob", amount, 0)
		_, taken := c.Decide("", nil)
		w.equal(fmt.Sprintf("consumption of %d", amount), w.consume(c), invitations.Consumed{Taken: taken})
	}
	w.equal("facts, with AlsoDeleted", w.view(q), before)
	w.equal("quotas of the other organization", w.quotas("zeta", "bob"), other)
	w.equal("consumption in the other organization", w.consume(consumption("zeta", "bob", 1, 0)).Taken, true)
}

func deletedSweep(w *world) {
	due := w.overdue()
	w.change("acme", invitations.Changes{Deleted: true})
	due = slices.DeleteFunc(due, func(r invitations.Record) bool { return r.Organization == "acme" })
	for _, limit := range []int{1, 5, 1000} {
		w.equal(fmt.Sprintf("up to %d", limit), w.sweep(start, limit, nil), dueFacts(due[:min(limit, len(due))]))
	}
	q := invitations.Query{Organization: "acme", AlsoDeleted: true, Invitation: id(1)}
	before := w.view(q)
	w.sweep(start, 1000, markSwept)
	w.equal("still due", w.sweep(start, 1000, nil), map[string]invitations.Facts{})
	w.equal("facts, with AlsoDeleted", w.view(q), before)
}

// deletedFeed follows the feed before and after a deletion.
func deletedFeed(w *world) {
	w.twins()
	seen := w.follow(0, 3)
	w.change("acme", invitations.Changes{Events: []invitations.Event{event("acme", "before", id(1))}})
	w.change("acme", invitations.Changes{Deleted: true, Events: []invitations.Event{event("acme", "deleted", uuid.Nil), event("acme", "last", uuid.Nil)}})
	w.change("zeta", invitations.Changes{Events: []invitations.Event{event("zeta", "after", id(1))}})
	all := w.follow(0, 3)
	w.equal("the events that were there before", all[:min(len(seen), len(all))], seen)
	got := map[string][]string{}
	for _, e := range all {
		got[e.Organization] = append(got[e.Organization], fmt.Sprintf("%d/%d %s", e.Version, e.Index, e.Subject))
	}
	w.equal("events", got, map[string][]string{
		"acme": {"1/0 ada", "1/1 bob", "2/0 before", "3/0 deleted", "3/1 last"},
		"zeta": {"1/0 ada", "1/1 bob", "2/0 after"},
	})
	for i, e := range all {
		w.equal(fmt.Sprintf("after position %d", e.Position), w.follow(e.Position, 100), all[i+1:])
	}
}
