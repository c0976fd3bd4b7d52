package storetest

import (
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var valueChecks = []check{
	{"Class03_TextsByteForByte", valuesTexts},
	{"TimesToTheMicrosecond", valuesTimes},
	{"SharesNoMemory", valuesSharesNoMemory},
}

func valuesTexts(w *world) {
	withText := func(i int) (invitations.Member, invitations.Record, invitations.Event) {
		text := texts[i]
		m := member("acme", text, "viewer")
		m.Metadata = map[string]string{text: text, "n": texts[len(texts)-1-i]}
		inv := link("acme", i)
		inv.Message, inv.Metadata = "line\n"+text, m.Metadata
		inv.SentBy, inv.CreatedBy, inv.AllowedDomains = text, text, []string{text, "x"}
		e := event("acme", text, id(i))
		e.Reason, e.Actor, e.Email = text, text, text
		return m, inv, e
	}
	for i, text := range texts {
		m, inv, e := withText(i)
		w.change("acme", invitations.Changes{
			Members: []invitations.Member{m}, Invitations: []invitations.Record{inv}, Events: []invitations.Event{e},
		})
		w.change(text, everything(text))
	}
	facts := w.view(invitations.Query{Organization: "acme", Members: texts})
	w.equal("number of members", len(facts.Members), len(texts))
	for i, text := range texts {
		m, inv, e := withText(i)
		e.Version = int64(i) + 1
		w.equal("member", facts.Members[text], m)
		w.equal("organization", w.state(text, users...), everythingState(text))
		page := w.page(invitations.InvitationQuery{Organization: "acme", Viewer: text, SentBy: text, At: start, Limit: 100})
		w.equal("page of invitations", page, invitations.Page[invitations.Record]{Viewer: &m, Items: []invitations.Record{inv}})
		events := w.events(invitations.EventQuery{Organization: "acme", Invitation: id(i), Limit: 9})
		w.equal("events", events.Items, []invitations.Event{e})
	}
}

func valuesTimes(w *world) {
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

// spoil changes the memory that a record refers to.
func spoil(r *invitations.Record) {
	if r == nil {
		return
	}
	for k := range r.Metadata {
		r.Metadata[k] = "spoiled"
	}
	for i := range r.AllowedDomains {
		r.AllowedDomains[i] = "spoiled"
	}
}

// spoilMember changes the memory that a member refers to.
func spoilMember(m *invitations.Member) {
	if m == nil {
		return
	}
	for k := range m.Metadata {
		m.Metadata[k] = "spoiled"
	}
}

// spoilFacts changes the memory that facts refer to.
func spoilFacts(f invitations.Facts) {
	spoil(f.Invitation)
	spoilMember(f.Sender)
	for _, r := range f.Invitations {
		spoil(&r)
	}
	for _, m := range f.Members {
		spoilMember(&m)
	}
	for i := range f.PendingRecords {
		spoil(&f.PendingRecords[i])
	}
}

func valuesSharesNoMemory(w *world) {
	given := everything("acme")
	w.change("acme", given)
	for i := range given.Invitations {
		spoil(&given.Invitations[i])
		given.Invitations[i].Role = "spoiled"
	}
	for i := range given.Members {
		spoilMember(&given.Members[i])
		given.Members[i].Role = "spoiled"
	}
	given.Events[0].Reason = "spoiled"
	w.equal("state after the caller changed what it gave", w.state("acme", users...), everythingState("acme"))

	q := invitations.Query{
		Organization: "acme", Invitation: id(2), Sender: true, Members: users,
		Invitations: []uuid.UUID{id(1), id(2)}, PendingSentBy: "bob", PendingAt: start,
	}
	spoilFacts(w.view(q))
	w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		spoilFacts(f)
		return invitations.Changes{}, nil
	}))
	page := w.page(invitations.InvitationQuery{Organization: "acme", Viewer: "bob", At: start, Limit: 9})
	for i := range page.Items {
		spoil(&page.Items[i])
	}
	members := w.members(invitations.MemberQuery{Organization: "acme", Viewer: "ada", Limit: 9})
	for i := range members.Items {
		spoilMember(&members.Items[i].Member)
	}
	events := w.events(invitations.EventQuery{Organization: "acme", Viewer: "ada", Limit: 9})
	memberships := w.workspaces(invitations.WorkspaceQuery{UserID: "ada", Limit: 9}).Memberships
	viewers := []*invitations.Member{page.Viewer, members.Viewer, events.Viewer}
	for i := range memberships {
		viewers = append(viewers, &memberships[i].Member)
	}
	for _, m := range viewers {
		spoilMember(m)
	}
	w.equal("state after the caller changed what it got", w.state("acme", users...), everythingState("acme"))
}
