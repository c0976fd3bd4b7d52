package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var factsChecks = []check{
	{"Invitation", factsInvitation},
	{"InvitationsByID", factsInvitations},
	{"Sender", factsSender},
	{"MembersAndRemovals", factsMembers},
	{"SeatAndOwnerCount", factsCounts},
	{"Quotas", factsQuotas},
	{"AllAtOnce", factsAllAtOnce},
}

// facts compares the facts that View, Update and Create load for q with want.
func (w *world) facts(what string, q invitations.Query, want invitations.Facts) {
	w.Helper()
	want = sorted(want)
	w.equal(what+": View", w.view(q), want)
	w.equal(what+": Update", w.loaded(w.store.Update, q), want)
	if want.Version == 0 {
		want = invitations.Facts{Organization: q.Organization}
	}
	w.equal(what+": Create", w.loaded(w.store.Create, q), want)
}

// sorted returns f with its traces in order. A store returns them in any order.
func sorted(f invitations.Facts) invitations.Facts {
	f.TracedInvitations = slices.Clone(f.TracedInvitations)
	slices.SortFunc(f.TracedInvitations, func(a, b invitations.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	f.TracedMembers = slices.Clone(f.TracedMembers)
	slices.SortFunc(f.TracedMembers, func(a, b invitations.Member) int { return strings.Compare(a.UserID, b.UserID) })
	f.TracedEvents = slices.Clone(f.TracedEvents)
	slices.SortFunc(f.TracedEvents, func(a, b invitations.Event) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Index, b.Index))
	})
	return f
}

// loaded returns the facts that change, which is Update or Create, passes to a decision. The
// decision refuses.
func (w *world) loaded(
	change func(context.Context, invitations.Query, invitations.Decision) error, q invitations.Query,
) (got invitations.Facts) {
	w.Helper()
	refusal := errors.New("refusal")
	w.refused(change(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		got = f
		return invitations.Changes{}, refusal
	}), refusal)
	return sorted(got)
}

func factsInvitation(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		for n, want := range []invitations.Record{invitation(organization, 1), link(organization, 2)} {
			w.facts("of "+organization, invitations.Query{Organization: organization, Invitation: id(n + 1)}, invitations.Facts{
				Organization: organization, Version: 1, Invitation: &want,
			})
		}
		w.facts("unknown ID", invitations.Query{Organization: organization, Invitation: id(3)}, invitations.Facts{Organization: organization, Version: 1})
	}
}

func factsInvitations(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{Invitations: []invitations.Record{invitation("zeta", 3)}})
	all := map[uuid.UUID]invitations.Record{id(1): invitation("acme", 1), id(2): link("acme", 2)}
	for _, c := range []struct {
		name string
		ids  []uuid.UUID
		want []uuid.UUID
	}{
		{"none", nil, nil},
		{"one", []uuid.UUID{id(1)}, []uuid.UUID{id(1)}},
		{"one twice", []uuid.UUID{id(2), id(2)}, []uuid.UUID{id(2)}},
		{"all, some twice, and unknown ones", []uuid.UUID{id(9), id(2), id(1), id(8), id(1), id(9), id(2)}, []uuid.UUID{id(1), id(2)}},
		{"one that exists in the other organization only", []uuid.UUID{id(3)}, nil},
		{"the zero ID", []uuid.UUID{uuid.Nil}, nil},
	} {
		want := invitations.Facts{Organization: "acme", Version: 1, Invitations: map[uuid.UUID]invitations.Record{}}
		for _, id := range c.want {
			want.Invitations[id] = all[id]
		}
		q := invitations.Query{Organization: "acme", Invitations: c.ids}
		w.facts(c.name, q, want)
		inv := all[id(1)]
		q.Invitation, want.Invitation = id(1), &inv
		w.facts(c.name+", with Invitation", q, want)
	}
	w.facts("unknown organization", invitations.Query{Organization: "none", Invitations: []uuid.UUID{id(1)}}, invitations.Facts{})
	many := make([]uuid.UUID, 100)
	for i := range many {
		many[i] = id(i)
	}
	w.facts("a hundred", invitations.Query{Organization: "acme", Invitations: many}, invitations.Facts{
		Organization: "acme", Version: 1, Invitations: all,
	})
}

func factsSender(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{RemovedMembers: []string{"bob"}})
	inv := invitation("acme", 1)
	bob := member("acme", "bob", "admin")
	q := invitations.Query{Organization: "acme", Invitation: inv.ID, Sender: true}
	deref(w, "the Sender of View", w.view(q).Sender)
	deref(w, "the Sender of Update", w.loaded(w.store.Update, q).Sender)
	w.facts("a member", q, invitations.Facts{Organization: "acme", Version: 1, Invitation: &inv, Sender: &bob})

	theirs := invitation("zeta", 1)
	q.Organization = "zeta"
	w.facts("a former member", q, invitations.Facts{Organization: "zeta", Version: 2, Invitation: &theirs})

	inv.SentBy = ""
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{inv}})
	q.Organization = "acme"
	w.facts("not a user", q, invitations.Facts{Organization: "acme", Version: 2, Invitation: &inv})
	w.facts("of an unknown invitation", invitations.Query{Organization: "acme", Invitation: id(7), Sender: true}, invitations.Facts{
		Organization: "acme", Version: 2,
	})
}

func factsMembers(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{
		Members:  []invitations.Member{member("zeta", "eve", "viewer")},
		Removals: []string{"ada"},
	})
	q := invitations.Query{Organization: "acme", Members: []string{"eve", "ada", "nobody", "ada"}, Removals: true}
	w.facts("a member and a removed user", q, invitations.Facts{
		Organization: "acme", Version: 1,
		Members:  map[string]invitations.Member{"ada": member("acme", "ada", "owner")},
		Removals: map[string]int64{"eve": 1},
	})
	q.Organization = "zeta"
	want := invitations.Facts{
		Organization: "zeta", Version: 2,
		Members:  map[string]invitations.Member{"ada": member("zeta", "ada", "owner"), "eve": member("zeta", "eve", "viewer")},
		Removals: map[string]int64{"ada": 2, "eve": 1},
	}
	w.facts("a removed user who is back, and a demoted member", q, want)
	q.Removals, want.Removals = false, nil
	w.facts("without removals", q, want)
	w.change("zeta", invitations.Changes{Removals: []string{"eve"}})
	w.facts("removed again", invitations.Query{Organization: "zeta", Members: []string{"eve"}, Removals: true}, invitations.Facts{
		Organization: "zeta", Version: 3,
		Members:  map[string]invitations.Member{"eve": member("zeta", "eve", "viewer")},
		Removals: map[string]int64{"eve": 3},
	})
}

func factsCounts(w *world) {
	w.twins()
	crowd := invitations.Changes{RemovedMembers: []string{"bob"}}
	for i, role := range []invitations.Role{"owner", "owner", "Owner", "owner ", "admin", "viewer", "OWNER"} {
		crowd.Members = append(crowd.Members, member("acme", fmt.Sprint("user ", i), role))
	}
	w.change("acme", crowd)
	for _, c := range []struct {
		organization    string
		version         int64
		members, owners int
	}{{"acme", 2, 8, 3}, {"zeta", 1, 2, 1}} {
		want := invitations.Facts{Organization: c.organization, Version: c.version}
		for upTo := range c.members + 3 {
			want.SeatCount, want.OwnerCount = min(upTo, c.members), 0
			w.facts(fmt.Sprintf("members up to %d", upTo), invitations.Query{Organization: c.organization, CountSeats: true, Limits: limitsOf(upTo)}, want)
			want.SeatCount, want.OwnerCount = 0, min(upTo, c.owners)
			w.facts(fmt.Sprintf("owners up to %d", upTo), invitations.Query{Organization: c.organization, OwnersUpTo: upTo}, want)
		}
		want.SeatCount, want.OwnerCount = c.members, c.owners
		w.facts("members and owners", invitations.Query{Organization: c.organization, CountSeats: true, Limits: limitsOf(100_000), OwnersUpTo: 100_000}, want)
	}
	w.change("acme", invitations.Changes{RemovedMembers: []string{"ada", "user 0", "user 1"}})
	w.facts("without an owner", invitations.Query{Organization: "acme", CountSeats: true, Limits: limitsOf(100), OwnersUpTo: 2}, invitations.Facts{
		Organization: "acme", Version: 3, SeatCount: 5,
	})
}

func factsQuotas(w *world) {
	w.twins()
	theirs := quota("zeta", "ada", 5, invitations.PeriodDay, 2)
	w.change("zeta", invitations.Changes{Quotas: []invitations.QuotaRecord{theirs}})
	w.ok(w.store.SetPersonalQuota(w.ctx, "ada", invitations.Quota{Limit: 9, Period: invitations.PeriodDay}))

	ours := everything("acme")
	ada, bob := ours.Members[0], ours.Members[1]
	q := invitations.Query{Organization: "acme", Quotas: true}
	want := invitations.Facts{
		Organization: "acme", Version: 1,
		Quotas: map[string]invitations.QuotaRecord{"": ours.Quotas[0]},
	}
	w.facts("the shared quota only", q, want)
	q.Members = []string{"bob", "nobody", "eve", "ada", "bob"}
	want.Members = map[string]invitations.Member{"ada": ada, "bob": bob}
	want.Quotas["bob"], want.Quotas["eve"] = ours.Quotas[1], ours.Quotas[2]
	w.facts("members, and a user who is not a member", q, want)
	q.Quotas, want.Quotas = false, nil
	w.facts("without quotas", q, want)

	w.facts("the other organization", invitations.Query{Organization: "zeta", Members: []string{"ada"}, Quotas: true}, invitations.Facts{
		Organization: "zeta", Version: 2,
		Members: map[string]invitations.Member{"ada": member("zeta", "ada", "owner")},
		Quotas:  map[string]invitations.QuotaRecord{"": quota("zeta", "", 1000, invitations.PeriodMonth, 1), "ada": theirs},
	})
	w.change("beta", invitations.Changes{Members: []invitations.Member{member("beta", "bob", "owner")}})
	w.facts("an organization without quotas", invitations.Query{Organization: "beta", Members: []string{"bob"}, Quotas: true}, invitations.Facts{
		Organization: "beta", Version: 1, Members: map[string]invitations.Member{"bob": member("beta", "bob", "owner")},
	})
}

// everyFact returns a query that asks for every fact of an organization that everything created,
// and the facts.
func (w *world) everyFact(organization string) (invitations.Query, invitations.Facts) {
	w.Helper()
	all := everything(organization)
	slices.Reverse(all.Invitations) // newest first
	mail := all.Invitations[1]
	q := invitations.Query{
		Organization: organization, Invitation: mail.ID, Sender: true, Members: users, Removals: true, Quotas: true,
		Invitations: []uuid.UUID{id(2), id(1), id(7)}, Emails: []string{"nobody@example.com"}, SameEmail: true,
		CountPending: true, CountReserved: true, CountSeats: true, Limits: limitsOf(9), Totals: true, OwnersUpTo: 9,
		PendingSentBy: "bob", PendingFor: mail.Email, PendingAt: start, SendingsUpTo: 9, SendingsAfter: start.Add(-day),
		TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 9,
	}
	want := everythingState(organization).Facts
	want.Invitation, want.Sender = &mail, &all.Members[1]
	want.Invitations = map[uuid.UUID]invitations.Record{id(1): mail, id(2): all.Invitations[0]}
	want.PendingByEmail = map[string]uuid.UUID{mail.Email: mail.ID}
	want.PendingCount, want.ReservedCount, want.SeatCount, want.PendingRecords = 2, 1, 2, all.Invitations
	want.Sendings = []invitations.Sending{{At: start, Actor: "ada", Email: all.Events[0].Email}}
	want.TracedInvitations, want.TracedMembers = all.Invitations, all.Members
	for _, e := range w.follow(0, 1000) { // each event gets a position
		if e.Organization == organization {
			want.TracedEvents = append(want.TracedEvents, e)
		}
	}
	w.equal("number of events", len(want.TracedEvents), len(all.Events))
	return q, want
}

// factsAllAtOnce asks for everything in one query. AlsoDeleted makes no difference.
func factsAllAtOnce(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		q, want := w.everyFact(organization)
		w.facts(organization, q, want)
		q.AlsoDeleted = true
		w.facts(organization+", with AlsoDeleted", q, want)
	}
}
