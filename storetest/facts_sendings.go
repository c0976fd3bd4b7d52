package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var sendingFactsChecks = []check{
	{"InvitationsByID", factsInvitations},
	{"Sendings", factsSendings},
}

func factsInvitations(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{Invitations: []invitations.Record{invitation("zeta", 3)}})
	all := map[uuid.UUID]invitations.Record{id(1): invitation("acme", 1), id(2): link("acme", 2)}
	want := invitations.Facts{Organization: "acme", Version: 1}
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
		{"the zero id", []uuid.UUID{uuid.Nil}, nil},
	} {
		want.Invitations = map[uuid.UUID]invitations.Record{}
		for _, id := range c.want {
			want.Invitations[id] = all[id]
		}
		q := invitations.Query{Organization: "acme", Invitations: c.ids}
		w.facts(c.name, q, want)
		named := all[id(1)]
		q.Invitation, want.Invitation = id(1), &named
		w.facts(c.name+", and the one that is named", q, want)
		want.Invitation = nil
	}
	w.facts("of no organization", invitations.Query{Organization: "none", Invitations: []uuid.UUID{id(1)}}, invitations.Facts{})
	many := make([]uuid.UUID, 100)
	for i := range many {
		many[i] = id(i)
	}
	want.Invitations = all
	w.facts("a hundred", invitations.Query{Organization: "acme", Invitations: many}, want)
}

func factsSendings(w *world) {
	// The clocks of those who sent disagree: neither Version nor Index tells the time.
	offsets := []time.Duration{0, 3, 1, 3, -2, 5, 3, 0, -2, 1, 7, 0, 5}
	var sent []invitations.Event
	for version := range int64(6) {
		var ours, theirs invitations.Changes
		for index := range 5 {
			n := int(version)*5 + index
			e := event("acme", fmt.Sprint("user ", n), id(n%3+1))
			e.At = start.Add(offsets[n%len(offsets)] * time.Microsecond)
			e.Actor = []string{"ada", "bob", ""}[n%3]
			if n%4 == 3 {
				e.Email = "" // no sending
			}
			ours.Events = append(ours.Events, e)
			theirs.Events = append(theirs.Events, event("zeta", "other", id(1)))
			if e.Version, e.Index = version+1, index; e.Email != "" {
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
	w.facts("of no organization", invitations.Query{Organization: "none", SendingsUpTo: 9, SendingsAfter: start.Add(-day)}, invitations.Facts{})
	w.change("beta", invitations.Changes{Events: []invitations.Event{event("beta", "nobody", uuid.Nil)}})
	w.facts("where nothing was sent", invitations.Query{Organization: "beta", SendingsUpTo: 9, SendingsAfter: start.Add(-day)}, invitations.Facts{
		Organization: "beta", Version: 1,
	})
}
