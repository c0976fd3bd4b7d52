package storetest

import (
	"time"

	"github.com/go-invitations/invitations"
)

var valueChecks = []check{
	{"Class03_TextsByteForByte", updateTexts},
	{"Times", updateTimes},
}

func updateTexts(w *world) {
	var want []invitations.Member
	for i, text := range texts {
		m := member("acme", text, "viewer")
		m.Metadata = map[string]string{text: text, "n": texts[len(texts)-1-i]}
		want = append(want, m)
		inv := link("acme", i)
		inv.Message, inv.Metadata = "line\n"+text, m.Metadata
		inv.SentBy, inv.CreatedBy, inv.AllowedDomains = text, text, []string{text, "x"}
		e := event("acme", text, id(i))
		e.Reason, e.Actor, e.Email = text, text, text
		w.change("acme", invitations.Changes{
			Members: []invitations.Member{m}, Invitations: []invitations.Record{inv}, Events: []invitations.Event{e},
		})
		w.change(text, everything(text))
	}
	facts := w.view(invitations.Query{Organization: "acme", Members: texts})
	if len(facts.Members) != len(texts) {
		w.Errorf("got %d members, want %d", len(facts.Members), len(texts))
	}
	for i, text := range texts {
		w.equal("member", facts.Members[text], want[i])
		w.equal("organization", w.state(text, users...), everythingState(text))
		page := w.page(invitations.InvitationQuery{
			Organization: "acme", Viewer: text, SentBy: text, At: start, Limit: 100,
		})
		if len(page.Items) != 1 || page.Viewer == nil {
			w.Fatalf("text %d: got %d invitations, want 1, and viewer %v", i, len(page.Items), page.Viewer)
		}
		inv := link("acme", i)
		inv.Message, inv.Metadata = "line\n"+text, want[i].Metadata
		inv.SentBy, inv.CreatedBy, inv.AllowedDomains = text, text, []string{text, "x"}
		w.equal("invitation", page.Items[0], inv)
		events := w.events(invitations.EventQuery{Organization: "acme", Invitation: id(i), Limit: 9})
		if len(events.Items) != 1 || events.Items[0].Subject != text || events.Items[0].Reason != text || events.Items[0].Email != text {
			w.Errorf("text %d: got events %+v", i, events.Items)
		}
	}
}

func updateTimes(w *world) {
	for i, at := range []time.Time{
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 1, 30, 0, 999999000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		inv := invitation("acme", i)
		inv.CreatedAt, inv.SentAt, inv.ExpiresAt, inv.EndedAt, inv.SweepAt = at, at, at, at, at
		m := member("acme", "ada", "owner")
		m.JoinedAt = at
		e := event("acme", "ada", inv.ID)
		e.At, e.ExpiresAt = at, at
		w.change("acme", invitations.Changes{
			Invitations: []invitations.Record{inv}, Members: []invitations.Member{m}, Events: []invitations.Event{e},
		})
		e.Version = int64(i) + 1
		w.equal("event", w.events(invitations.EventQuery{Organization: "acme", Invitation: inv.ID, Limit: 9}).Items, []invitations.Event{e})
		f := w.view(invitations.Query{Organization: "acme", Invitation: inv.ID, Members: users})
		w.equal("invitation", f.Invitation, inv)
		w.equal("member", f.Members["ada"], m)
	}
}
