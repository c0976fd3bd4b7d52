package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var (
	traceFactsChecks = []check{
		{"TracesOfAPerson", factsTraces},
		{"TracesUpToANumber", factsTracesBounded},
	}
	traceChecks = []check{
		{"OrganizationsOfAPerson", tracesOrganizations},
		{"UpToANumber", tracesBounded},
		{"OfDeletedOrganizations", tracesDeleted},
	}
)

// A trail is the rows of an organization in which people left traces.
type trail struct {
	invitations []invitations.Record
	members     []invitations.Member
	events      []invitations.Event
}

// trails leaves traces of ann's address and of eve in two organizations that have the same IDs.
// It returns the rows of each.
func (w *world) trails() map[string]trail {
	w.Helper()
	all := map[string]trail{}
	for _, organization := range []string{"acme", "zeta"} {
		var t trail
		by := func(r invitations.Record, email, created, sent, accepted string) {
			r.Email, r.CreatedBy, r.SentBy, r.AcceptedBy = email, created, sent, accepted
			t.invitations = append(t.invitations, r)
		}
		by(invitation(organization, 1), "ann@example.com", "ada", "bob", "")
		by(invitation(organization, 2), "ann@example.com", "", "", "ann")
		by(invitation(organization, 3), "ann@example.com", "ada", "ada", "")
		t.invitations[1].State, t.invitations[2].ExpiresAt = invitations.StateAccepted, start.Add(-day)
		for n, email := range []string{"bann@example.com", "ann@example.co", "ann@example.com ", "Ann@example.com", "joe@example.com"} {
			by(invitation(organization, 10+n), email, "ada", "Eve", "eve ")
		}
		by(link(organization, 20), "", "eve", "ada", "")
		by(link(organization, 21), "", "ada", "eve", "")
		by(invitation(organization, 22), "joe@example.com", "ada", "ada", "eve")
		by(invitation(organization, 23), "sue@example.com", "eve", "eve", "eve")
		by(link(organization, 24), "", "", "", "")
		other := 40 // an invitation of ann's that the other organization lacks
		if organization == "zeta" {
			other = 41
		}
		by(invitation(organization, other), "ann@example.com", "", "ada", "")

		join := func(user string, inv uuid.UUID, inviter string) {
			m := member(organization, user, "viewer")
			m.InvitationID, m.InvitedBy = inv, inviter
			t.members = append(t.members, m)
		}
		join("ann", id(2), "ada")
		join("ann's other account", id(2), "eve")
		join("joe", id(22), "eve")
		join("eve", uuid.Nil, "")
		join("sue", id(24), "Eve")
		join("kim", id(40), "ada")
		join("tom", id(41), "ada")
		join("founder", uuid.Nil, "")

		var changes invitations.Changes
		happen := func(inv uuid.UUID, email, actor, subject, inviter string) {
			e := event(organization, subject, inv)
			e.Email, e.Actor, e.InvitedBy = email, actor, inviter
			e.Version, e.Index = 1, len(t.events)
			t.events = append(t.events, e)
			changes.Events = append(changes.Events, e)
		}
		happen(id(1), "ann@example.com", "ada", "", "")
		happen(id(2), "ann@example.com", "", "ann", "bob")
		happen(uuid.Nil, "ann@example.com", "eve", "", "")
		happen(id(3), "Ann@example.com", "ada", "Eve", "eve ")
		happen(id(3), "", "ada", "", "")
		happen(uuid.Nil, "", "", "eve", "")
		happen(uuid.Nil, "", "", "bob", "eve")
		happen(uuid.Nil, "", "", "", "")
		changes.Invitations, changes.Members, changes.Removals = t.invitations, t.members, []string{"eve"}
		changes.Quotas = []invitations.QuotaRecord{quota(organization, "eve", 5, invitations.PeriodDay, 1)}
		w.change(organization, changes)
		all[organization] = t
	}
	for _, e := range w.follow(0, 1000) { // each event gets a position
		all[e.Organization].events[e.Index].Position = e.Position
	}
	return all
}

// of returns the traces of a person in t.
func (t trail) of(p invitations.Person) (found trail) {
	is := func(users ...string) bool { return p.UserID != "" && slices.Contains(users, p.UserID) }
	acceptedBy := map[uuid.UUID]string{} // of the invitations for the address
	for _, r := range t.invitations {
		isFor := p.Email != "" && r.Email == p.Email
		if isFor {
			acceptedBy[r.ID] = r.AcceptedBy
		}
		if isFor || is(r.CreatedBy, r.SentBy, r.AcceptedBy) {
			found.invitations = append(found.invitations, r)
		}
	}
	for _, m := range t.members {
		if acceptedBy[m.InvitationID] == m.UserID || is(m.InvitedBy) {
			found.members = append(found.members, m)
		}
	}
	for _, e := range t.events {
		if p.Email != "" && e.Email == p.Email || is(e.Actor, e.Subject, e.InvitedBy) {
			found.events = append(found.events, e)
		}
	}
	return found
}

// people have traces, or only seem to have some.
var people = []invitations.Person{
	{Email: "ann@example.com"}, {Email: "Ann@example.com"}, {Email: "joe@example.com"}, {Email: "nobody@example.com"}, {Email: "eve"},
	{UserID: "eve"}, {UserID: "Eve"}, {UserID: "ann"}, {UserID: "ada"}, {UserID: "bob"}, {UserID: "cid"}, {UserID: "nobody"},
	{UserID: "founder"}, {UserID: "ann@example.com"},
}

func factsTraces(w *world) {
	for organization, t := range w.trails() {
		want := invitations.Facts{Organization: organization, Version: 1}
		for _, p := range people {
			found := t.of(p)
			want.TracedInvitations, want.TracedMembers, want.TracedEvents = found.invitations, found.members, found.events
			w.facts(fmt.Sprintf("traces of %+v", p), invitations.Query{Organization: organization, TracesOf: p, TracesUpTo: 1000}, want)
		}
		want.TracedInvitations, want.TracedMembers, want.TracedEvents = nil, nil, nil
		w.facts("up to none", invitations.Query{Organization: organization, TracesOf: people[0]}, want)
	}
}

// factsTracesBounded asks for some of the traces. Which ones is the choice of the store.
func factsTracesBounded(w *world) {
	for organization, t := range w.trails() {
		for _, p := range people {
			all := t.of(p)
			for upTo := 1; upTo <= 6; upTo++ {
				q := invitations.Query{Organization: organization, TracesOf: p, TracesUpTo: upTo}
				what := fmt.Sprintf("up to %d traces of %+v", upTo, p)
				for _, f := range []invitations.Facts{w.view(q), w.loaded(w.store.Update, q)} {
					loaded := trail{f.TracedInvitations, t.members, nil}
					few(w, what+": invitations", f.TracedInvitations, all.invitations, upTo)
					few(w, what+": events", f.TracedEvents, all.events, upTo)
					// Of an address, the members are those of the loaded invitations.
					few(w, what+": members", f.TracedMembers, loaded.of(p).members, upTo)
				}
			}
		}
	}
}

// few fails the check unless got has up to a number of all elements, each once.
func few[T any](w *world, what string, got, all []T, upTo int) {
	w.Helper()
	w.equal(what+": their number", len(got), min(upTo, len(all)))
	rest := slices.Clone(all)
	for _, g := range got {
		i := slices.IndexFunc(rest, func(a T) bool { return differ(g, a) == "" })
		if i < 0 {
			w.Fatalf("%s: %+v is not one of them, or occurs twice", what, g)
		}
		rest = slices.Delete(rest, i, i+1)
	}
}

func (w *world) traces(p invitations.Person, limit int) []string {
	w.Helper()
	found, err := w.store.Traces(w.ctx, p, limit)
	w.ok(err)
	slices.Sort(found)
	return found
}

// rows are one row of each kind that can have a trace.
type rows struct {
	mail, link invitations.Record
	member     invitations.Member
	event      invitations.Event
}

// tracesOrganizations leaves one trace in each of some organizations, and none in others.
func tracesOrganizations(w *world) {
	address, user := invitations.Person{Email: "ann@example.com"}, invitations.Person{UserID: "eve"}
	want := map[invitations.Person][]string{address: nil, user: nil}
	put := func(name string, of *invitations.Person, change func(*rows)) {
		t := rows{invitation(name, 1), link(name, 2), member(name, "eve", "viewer"), event(name, "joe", id(1))}
		change(&t)
		w.change(name, invitations.Changes{
			Invitations: []invitations.Record{t.mail, t.link}, Members: []invitations.Member{t.member}, Events: []invitations.Event{t.event},
			Removals: []string{"eve"}, Quotas: []invitations.QuotaRecord{quota(name, "eve", 1, invitations.PeriodDay, 1)},
		})
		if of != nil {
			want[*of] = append(want[*of], name)
		}
	}
	put("address of an invitation", &address, func(t *rows) { t.mail.Email = address.Email })
	put("address of an ended one", &address, func(t *rows) {
		t.mail.Email, t.mail.State, t.mail.EndedAt = address.Email, invitations.StateRevoked, start
	})
	put("address of an expired one", &address, func(t *rows) {
		t.mail.Email, t.mail.ExpiresAt, t.mail.SweepAt = address.Email, start.Add(-day), time.Time{}
	})
	put("address of an event", &address, func(t *rows) { t.event.Email = address.Email })
	put("another address", nil, func(t *rows) { t.mail.Email, t.event.Email = "Ann@example.com", "ann@example.co" })
	put("created by eve", &user, func(t *rows) { t.mail.CreatedBy = "eve" })
	put("sent by eve", &user, func(t *rows) { t.link.SentBy = "eve" })
	put("accepted by eve", &user, func(t *rows) { t.mail.AcceptedBy = "eve" })
	put("invited by eve", &user, func(t *rows) { t.member.UserID, t.member.InvitedBy = "joe", "eve" })
	put("eve acted", &user, func(t *rows) { t.event.Actor = "eve" })
	put("eve was concerned", &user, func(t *rows) { t.event.Subject = "eve" })
	put("eve invited", &user, func(t *rows) { t.event.InvitedBy = "eve" })
	put("eve is only a member", nil, func(*rows) {})
	put("another user", nil, func(t *rows) { t.mail.CreatedBy, t.link.SentBy, t.event.Actor = "Eve", "eve ", "EVE" })
	put("nobody", nil, func(t *rows) {
		t.mail.CreatedBy, t.mail.SentBy, t.mail.AcceptedBy, t.link.SentBy, t.member.InvitedBy = "", "", "", "", ""
		t.event.Actor, t.event.Subject, t.event.InvitedBy, t.event.Email = "", "", "", ""
	})
	for p, organizations := range want {
		slices.Sort(organizations)
		w.equal(fmt.Sprintf("%+v", p), w.traces(p, 1000), organizations)
	}
	for _, p := range []invitations.Person{{Email: "nobody@example.com"}, {UserID: "nobody"}, {Email: "eve"}, {UserID: address.Email}} {
		w.equal(fmt.Sprintf("%+v", p), w.traces(p, 1000), []string(nil))
	}
}

func tracesBounded(w *world) {
	all := names("organization", 12)
	for _, organization := range all {
		w.change(organization, everything(organization))
	}
	for _, p := range []invitations.Person{{UserID: "ada"}, {Email: invitation("", 1).Email}} {
		for _, limit := range []int{1, 2, 5, 11, 12, 13, 1000} {
			few(w, fmt.Sprintf("%+v, up to %d", p, limit), w.traces(p, limit), all, limit)
		}
	}
}

// tracesDeleted deletes the organizations. Their traces remain.
func tracesDeleted(w *world) {
	all := w.trails()
	w.change("acme", invitations.Changes{Deleted: true})
	for _, p := range []invitations.Person{{UserID: "eve"}, {Email: "ann@example.com"}} {
		w.equal(fmt.Sprintf("%+v", p), w.traces(p, 9), []string{"acme", "zeta"})
		found := all["acme"].of(p)
		q := invitations.Query{Organization: "acme", TracesOf: p, TracesUpTo: 1000}
		w.equal(fmt.Sprintf("facts of %+v", p), w.view(q), invitations.Facts{})
		q.AlsoDeleted = true
		w.equal(fmt.Sprintf("facts of %+v, with AlsoDeleted", p), w.view(q), invitations.Facts{
			Organization: "acme", Version: 2, Deleted: true,
			TracedInvitations: found.invitations, TracedMembers: found.members, TracedEvents: found.events,
		})
	}
}
