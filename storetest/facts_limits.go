package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var limitFactsChecks = []check{
	{"LimitsAreAlwaysLoaded", factsLimits},
	{"CountsUpToTheLimitsInForce", factsLimitsInForce},
	{"Totals", factsTotals},
}

// factsLimits asks for one kind of fact at a time. The limits come with each of them.
func factsLimits(w *world) {
	w.twins()
	w.change("beta", everything("beta"))
	own := map[string]invitations.Limits{"acme": plan(5), "zeta": {Members: invitations.NoLimit, Expiry: 90 * day}, "beta": {}}
	for organization, limits := range own {
		w.change(organization, invitations.Changes{Limits: &limits})
	}
	for organization, limits := range own {
		w.facts("no other fact", invitations.Query{Organization: organization}, invitations.Facts{
			Organization: organization, Version: 2, Limits: limits,
		})
		for i, q := range []invitations.Query{
			{Limits: limitsOf(3)}, {AlsoDeleted: true}, {Invitation: id(1)}, {Invitation: id(9), Sender: true}, {Invitations: []uuid.UUID{id(1)}},
			{Members: users}, {Members: users, Removals: true}, {Quotas: true}, {Emails: []string{"ann@example.com"}},
			{CountPending: true, Limits: limitsOf(3)}, {CountReserved: true, Limits: limitsOf(3)}, {CountSeats: true, Limits: limitsOf(3)},
			{Totals: true}, {PendingSentBy: "bob"}, {PendingFor: "ann@example.com"}, {SendingsUpTo: 1}, {OwnersUpTo: 1},
			{TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 1},
		} {
			q.Organization, q.PendingAt = organization, start
			w.equal(fmt.Sprintf("query %d of %s: View", i, organization), w.view(q).Limits, limits)
			w.equal(fmt.Sprintf("query %d of %s: Update", i, organization), w.loaded(w.store.Update, q).Limits, limits)
			w.equal(fmt.Sprintf("query %d of %s: Create", i, organization), w.loaded(w.store.Create, q).Limits, limits)
		}
	}
}

// ranks puts members and invitations of several roles into two organizations. It returns the
// changes that made the first.
func (w *world) ranks() (acme invitations.Changes) {
	w.Helper()
	for _, organization := range []string{"zeta", "acme"} {
		acme = invitations.Changes{}
		for i, role := range []invitations.Role{"owner", "admin", "viewer", "viewer", "Viewer", "viewer ", "developer"} {
			acme.Members = append(acme.Members, member(organization, fmt.Sprint("user ", i), role))
			mail, shared := invitation(organization, 10*i), link(organization, 10*i+1)
			mail.Email, mail.Role, shared.Role = fmt.Sprintf("p%d@example.com", i), role, role
			ended, expired, late := invitation(organization, 10*i+2), invitation(organization, 10*i+3), invitation(organization, 10*i+4)
			ended.State, ended.Role, expired.Role, late.Role = invitations.StateRevoked, role, role, role
			expired.ExpiresAt, late.ExpiresAt = start, start.Add(time.Microsecond)
			acme.Invitations = append(acme.Invitations, mail, shared, ended, expired)
			if i%3 == 0 {
				acme.Invitations = append(acme.Invitations, late)
			}
		}
		if organization == "zeta" {
			acme.Members = append(acme.Members, member("zeta", "only there", "admin"))
			acme.Invitations = append(acme.Invitations, invitation("zeta", 1000))
			acme.Limits = &invitations.Limits{Members: 1, Pending: 1, SeatlessRoles: []invitations.Role{"admin", "owner"}}
		}
		w.change(organization, acme)
	}
	return acme
}

// seatlessRoles are roles that take no seat: none, some, and all of ranks.
var seatlessRoles = [][]invitations.Role{
	nil, {"viewer"}, {"VIEWER", "nobody"}, {"Viewer", "admin", "viewer "},
	{"Viewer", "admin", "developer", "owner", "viewer", "viewer "},
}

func factsLimitsInForce(w *world) {
	all := w.ranks()
	upTo := func(limit, n int) int { return min(max(limit, 0), n) }
	version := w.version("acme")
	for i, seatless := range seatlessRoles {
		for _, members := range []int{0, 1, 3, 100_000, invitations.NoLimit} {
			own := invitations.Limits{Members: members, Pending: []int{0, 2, 1000}[i%3], SeatlessRoles: seatless}
			w.change("acme", invitations.Changes{Limits: &own})
			version++
			all.Limits = &own
			exact := totalsOf(all)
			for _, asked := range []invitations.Limits{
				{Pending: 10}, {Members: 2, Pending: 1}, {Members: 1000, Pending: 100_000}, {Members: invitations.NoLimit, Pending: 5},
			} {
				inForce := own.Or(asked)
				q := invitations.Query{
					Organization: "acme", CountPending: true, CountReserved: true, CountSeats: true, Limits: asked, PendingAt: start,
				}
				want := invitations.Facts{
					Organization: "acme", Version: version, Limits: own,
					PendingCount:  upTo(inForce.Pending, exact.PendingEmails+exact.PendingLinks),
					ReservedCount: upTo(inForce.Members, exact.Reserved), SeatCount: upTo(inForce.Members, exact.Seats),
				}
				what := fmt.Sprintf("limits %+v, and the query has %+v", own, asked)
				w.facts(what, q, want)
				for _, alone := range []struct {
					name string
					q    invitations.Query
					want invitations.Facts
				}{
					{"CountPending", invitations.Query{CountPending: true}, invitations.Facts{PendingCount: want.PendingCount}},
					{"CountReserved", invitations.Query{CountReserved: true}, invitations.Facts{ReservedCount: want.ReservedCount}},
					{"CountSeats", invitations.Query{CountSeats: true}, invitations.Facts{SeatCount: want.SeatCount}},
				} {
					alone.q.Organization, alone.q.Limits, alone.q.PendingAt = "acme", asked, start
					alone.want.Organization, alone.want.Version, alone.want.Limits = "acme", version, own
					w.equal(what+": "+alone.name, w.view(alone.q), alone.want)
				}
			}
		}
	}
}

func factsTotals(w *world) {
	all := w.ranks()
	version := w.version("acme")
	for i, seatless := range seatlessRoles {
		// No limit bounds the totals.
		own := invitations.Limits{Members: []int{1, 0, invitations.NoLimit}[i%3], Pending: 1, SeatlessRoles: seatless}
		w.change("acme", invitations.Changes{Limits: &own})
		version++
		all.Limits = &own
		want := invitations.Facts{Organization: "acme", Version: version, Limits: own, Totals: totalsOf(all)}
		q := invitations.Query{Organization: "acme", Totals: true, PendingAt: start, Limits: limitsOf(1)}
		w.facts(fmt.Sprintf("limits %+v", own), q, want)

		later := all
		later.Invitations = slices.DeleteFunc(slices.Clone(all.Invitations), func(r invitations.Record) bool {
			return !r.ExpiresAt.After(start.Add(time.Microsecond))
		})
		q.PendingAt, want.Totals = start.Add(time.Microsecond), totalsOf(later)
		w.facts(fmt.Sprintf("limits %+v, a microsecond later", own), q, want)

		q.PendingAt = start.Add(100 * day)
		want.Totals = invitations.Totals{Members: want.Totals.Members, Seats: want.Totals.Seats}
		w.facts(fmt.Sprintf("limits %+v, when all have expired", own), q, want)
	}
	w.change("beta", invitations.Changes{RemovedMembers: []string{"nobody"}})
	w.facts("of nothing", invitations.Query{Organization: "beta", Totals: true, PendingAt: start}, invitations.Facts{Organization: "beta", Version: 1})
}
