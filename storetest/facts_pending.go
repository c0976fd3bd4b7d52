package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var pendingFactsChecks = []check{
	{"PendingByEmail", factsPendingByEmail},
	{"PendingCount", factsPendingCount},
	{"ReservedCount", factsReservedCount},
	{"PendingRecords", factsPendingRecords},
	{"Sendings", factsSendings},
}

// crowd puts invitations of all states into two organizations. It returns the invitations of
// the first that are pending at start, the newest last.
func (w *world) crowd() (pending []invitations.Record) {
	w.Helper()
	n := 0
	changes := map[string]*invitations.Changes{"acme": {}, "zeta": {}}
	put := func(organization string, r invitations.Record, state invitations.State, email string, expires time.Duration) {
		r.State, r.ExpiresAt = state, start.Add(expires)
		if r.Kind == invitations.KindEmail {
			r.Email = email
		}
		if state != invitations.StatePending {
			r.EndedAt = start
		}
		changes[organization].Invitations = append(changes[organization].Invitations, r)
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
			put(organization, invitation(organization, n), invitations.StatePending, email, 0) // expires at start
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
	for organization, c := range changes {
		w.change(organization, *c)
	}
	return pending
}

func factsPendingByEmail(w *world) {
	pending := w.crowd()
	want := invitations.Facts{Organization: "acme", Version: w.version("acme")}
	byEmail := map[string]uuid.UUID{}
	for _, r := range pending {
		if r.Kind == invitations.KindEmail {
			byEmail[r.Email] = r.ID
		}
	}
	q := invitations.Query{Organization: "acme", PendingAt: start}
	q.Emails = []string{"p0@example.com", "p1@example.com", "p2@example.com", "p3@example.com", "p9@example.com", "P0@example.com"}
	want.PendingByEmail = byEmail
	w.facts("of six addresses", q, want)

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

	// Clocks that disagreed have left two pending invitations of one address.
	newer := invitation("acme", 900)
	newer.Email = "p1@example.com"
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{newer}})
	want.Version++
	want.Invitation, want.PendingByEmail = nil, map[string]uuid.UUID{"p1@example.com": newer.ID}
	w.facts("the newest", invitations.Query{Organization: "acme", PendingAt: start, Emails: []string{newer.Email}}, want)
	q = invitations.Query{Organization: "acme", PendingAt: start, Invitation: newer.ID, SameEmail: true}
	want.Invitation = &newer
	w.facts("the newest of the same address", q, want)
	q = invitations.Query{Organization: "acme", PendingAt: start, Emails: []string{"p0@example.com", newer.Email, "p9@example.com"}}
	want.Invitation, want.PendingByEmail["p0@example.com"] = nil, byEmail["p0@example.com"]
	w.facts("the newest, for several addresses", q, want)
}

func factsPendingCount(w *world) {
	pending := w.crowd()
	want := invitations.Facts{Organization: "acme", Version: w.version("acme")}
	for _, upTo := range []int{1, len(pending) - 1, len(pending), len(pending) + 1, 1000} {
		want.PendingCount = min(upTo, len(pending))
		w.facts(fmt.Sprintf("up to %d", upTo), invitations.Query{Organization: "acme", PendingAt: start, CountPending: true, Limits: limitsOf(upTo)}, want)
	}
	want.PendingCount = 4 // the links
	w.facts("later", invitations.Query{Organization: "acme", PendingAt: start.Add(time.Microsecond), CountPending: true, Limits: limitsOf(1000)}, want)
	want.PendingCount = 0
	w.facts("when all have expired", invitations.Query{Organization: "acme", PendingAt: start.Add(day), CountPending: true, Limits: limitsOf(1000)}, want)
}

func factsReservedCount(w *world) {
	pending := w.crowd()
	emails := 0
	for _, r := range pending {
		if r.Kind == invitations.KindEmail {
			emails++
		}
	}
	want := invitations.Facts{Organization: "acme", Version: w.version("acme")}
	for _, upTo := range []int{1, emails - 1, emails, emails + 1, 1000} {
		want.ReservedCount = min(upTo, emails)
		q := invitations.Query{Organization: "acme", PendingAt: start, CountReserved: true, Limits: limitsOf(upTo)}
		w.facts(fmt.Sprintf("emails up to %d", upTo), q, want)
		want.PendingCount = 2
		q.CountPending, q.Limits.Pending = true, 2
		w.facts(fmt.Sprintf("emails up to %d, and of both kinds up to 2", upTo), q, want)
		want.PendingCount = 0
	}
	want.ReservedCount = 0
	w.facts("when all emails have expired", invitations.Query{
		Organization: "acme", PendingAt: start.Add(time.Microsecond), CountReserved: true, Limits: limitsOf(1000),
	}, want)
}

func factsPendingRecords(w *world) {
	all := w.variety()
	// The sender counts, not the creator.
	resent := invitation("acme", 50)
	resent.CreatedBy, resent.SentBy, resent.CreatedAt = "bob", "ada", start.Add(time.Hour)
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{resent}})
	all = append([]invitations.Record{resent}, all...)
	version := w.version("acme")

	for _, at := range []time.Time{start.Add(-2 * time.Hour), start, start.Add(time.Hour), start.Add(8 * day)} {
		for _, sentBy := range []string{"", "ada", "bob", "Bob", "nobody"} {
			for _, email := range []string{"", "p0@example.com", "p1@example.com", "P1@example.com"} {
				want := invitations.Facts{Organization: "acme", Version: version}
				for _, r := range all {
					wanted := sentBy != "" && r.SentBy == sentBy || email != "" && r.Email == email
					if wanted && r.State == invitations.StatePending && at.Before(r.ExpiresAt) {
						want.PendingRecords = append(want.PendingRecords, r)
					}
				}
				q := invitations.Query{Organization: "acme", PendingSentBy: sentBy, PendingFor: email, PendingAt: at}
				w.equal(fmt.Sprintf("sent by %q, for %q, at %v: View", sentBy, email, at), w.view(q), want)
				if at.Equal(start) {
					w.facts(fmt.Sprintf("sent by %q, for %q", sentBy, email), q, want)
				}
			}
		}
	}
}

func factsSendings(w *world) {
	// The clocks of the senders disagree, so the order of time is not that of the versions.
	offsets := []time.Duration{0, 3, 1, 3, -2, 5, 3, 0, -2, 1, 7, 0, 5}
	var sent []invitations.Event
	for version := range int64(6) {
		var ours, theirs invitations.Changes
		for index := range 5 {
			n := int(version)*5 + index
			e := event("acme", fmt.Sprint("user ", n), id(n%3+1))
			e.At = start.Add(offsets[n%len(offsets)] * time.Microsecond)
			e.Actor = []string{"ada", "bob", ""}[n%3]
			switch { // neither the last two nor those without an address are sendings
			case n%4 == 3:
				e.Email = ""
			case n%5 == 1:
				e.Type = invitations.EventInvitationCreated
			case n%5 == 2:
				e.Type = invitations.EventInvitationEdited
			case n%7 == 3:
				e.Type = "Invitation.Resent"
			}
			ours.Events = append(ours.Events, e)
			theirs.Events = append(theirs.Events, event("zeta", "other", id(1)))
			if e.IsSending() {
				sent = append(sent, e)
			}
		}
		w.change("acme", ours)
		w.change("zeta", theirs)
	}
	slices.Reverse(sent)
	slices.SortStableFunc(sent, func(a, b invitations.Event) int { return b.At.Compare(a.At) })

	expect := func(after time.Time, upTo int) invitations.Facts {
		f := invitations.Facts{Organization: "acme", Version: 6}
		for _, e := range sent {
			if e.At.After(after) && len(f.Sendings) < upTo {
				f.Sendings = append(f.Sendings, invitations.Sending{At: e.At, Actor: e.Actor, Email: e.Email})
			}
		}
		return f
	}
	for offset := time.Duration(-3); offset <= 8; offset++ {
		after := start.Add(offset * time.Microsecond)
		for _, upTo := range []int{0, 1, 2, 7, len(sent) - 1, len(sent), len(sent) + 1, 10_000} {
			q := invitations.Query{Organization: "acme", SendingsUpTo: upTo, SendingsAfter: after}
			what := fmt.Sprintf("up to %d after %d microseconds", upTo, offset)
			w.equal(what+": View", w.view(q), expect(after, upTo))
			if offset == 0 {
				w.facts(what, q, expect(after, upTo))
			}
		}
	}
	w.facts("unknown organization", invitations.Query{Organization: "none", SendingsUpTo: 9, SendingsAfter: start.Add(-day)}, invitations.Facts{})
	w.change("beta", invitations.Changes{Events: []invitations.Event{event("beta", "nobody", uuid.Nil)}})
	w.facts("an organization without sendings", invitations.Query{Organization: "beta", SendingsUpTo: 9, SendingsAfter: start.Add(-day)}, invitations.Facts{
		Organization: "beta", Version: 1,
	})
}
