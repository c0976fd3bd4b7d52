package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var valueChecks = []check{
	{"Class03_TextsByteForByte", valuesTexts},
	{"TimesToTheMicrosecond", valuesTimes},
	{"EventsWithEveryField", valuesEvents},
	{"Limits", valuesLimits},
	{"SharesNoMemory", valuesSharesNoMemory},
}

func valuesTexts(w *world) {
	withText := func(i int) (invitations.Member, invitations.Record, invitations.Event) {
		text := texts[i]
		m := member("acme", text, "viewer")
		m.Metadata = map[string]string{text: text, "n": texts[len(texts)-1-i]}
		inv := link("acme", i)
		inv.Message, inv.Metadata = "line\n"+text, m.Metadata
		inv.SentBy, inv.CreatedBy, inv.AcceptedBy, inv.AllowedDomains = text, text, text, []string{text, "x"}
		e := event("acme", text, id(i))
		e.Reason, e.Actor, e.Email, e.InvitedBy, e.FormerRole = text, text, text, text, invitations.Role(text)
		e.AllowedDomains, e.Changed = []string{text, "x"}, []string{"x", text, text}
		e.Limits = &invitations.Limits{SeatlessRoles: []invitations.Role{invitations.Role(text)}, AllowedDomains: []string{text}}
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

// valuesEvents leaves out one field of an event at a time, and sets one field at a time.
func valuesEvents(w *world) {
	limits, none := plan(3), invitations.Limits{}
	fields := []struct{ leave, set func(*invitations.Event) }{
		{func(e *invitations.Event) { e.Actor = "" }, func(e *invitations.Event) { e.Actor = "ada" }},
		{func(e *invitations.Event) { e.Subject = "" }, func(e *invitations.Event) { e.Subject = "bob" }},
		{func(e *invitations.Event) { e.InvitationID = uuid.Nil }, func(e *invitations.Event) { e.InvitationID = id(1) }},
		{func(e *invitations.Event) { e.Email = "" }, func(e *invitations.Event) { e.Email = "ann@example.com" }},
		{func(e *invitations.Event) { e.Role = "" }, func(e *invitations.Event) { e.Role = "viewer" }},
		{func(e *invitations.Event) { e.FormerRole = "" }, func(e *invitations.Event) { e.FormerRole = "admin" }},
		{func(e *invitations.Event) { e.InvitedBy = "" }, func(e *invitations.Event) { e.InvitedBy = "eve" }},
		{
			func(e *invitations.Event) { e.Quota = invitations.Quota{} },
			func(e *invitations.Event) {
				e.Quota = invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodMonth}
			},
		},
		{func(e *invitations.Event) { e.MaxUses = 0 }, func(e *invitations.Event) { e.MaxUses = 10_000 }},
		{func(e *invitations.Event) { e.ExpiresAt = time.Time{} }, func(e *invitations.Event) { e.ExpiresAt = start.Add(day) }},
		{func(e *invitations.Event) { e.AllowedDomains = nil }, func(e *invitations.Event) { e.AllowedDomains = []string{"b.example", "a.example"} }},
		{func(e *invitations.Event) { e.Changed = nil }, func(e *invitations.Event) { e.Changed = []string{"role", "message", "role"} }},
		{func(e *invitations.Event) { e.Limits = nil }, func(e *invitations.Event) { e.Limits = &limits }},
		{func(e *invitations.Event) { e.Limits = nil }, func(e *invitations.Event) { e.Limits = &none }},
		{func(e *invitations.Event) { e.Reason = "" }, func(e *invitations.Event) { e.Reason = "erased" }},
	}
	for _, organization := range []string{"acme", "zeta"} {
		var c invitations.Changes
		for i, f := range fields {
			all, one := event(organization, fmt.Sprint(i), id(2)), invitations.Event{Organization: organization, Type: invitations.EventMemberLeft, At: start}
			all.Limits = &limits
			f.leave(&all)
			f.set(&one)
			c.Events = append(c.Events, all, one)
		}
		w.change(organization, c)
		for i := range c.Events {
			c.Events[i].Version, c.Events[i].Index = 1, i
		}
		for i, e := range w.events(invitations.EventQuery{Organization: organization, Limit: 1000}).Items {
			w.equal(fmt.Sprintf("event %d", i), e, c.Events[i])
			if limits := c.Events[i].Limits; (e.Limits == nil) != (limits == nil) {
				w.Errorf("event %d: got limits %v, want %v", i, e.Limits, limits)
			}
		}
		w.equal("number of events", len(w.events(invitations.EventQuery{Organization: organization, Limit: 1000}).Items), len(c.Events))
	}
	w.fed(w.follow(0, 1000), "acme", "zeta")
}

func valuesLimits(w *world) {
	roles := make([]invitations.Role, len(texts))
	for i, text := range texts {
		roles[i] = invitations.Role(text)
	}
	for i, limits := range []invitations.Limits{
		{Members: 1}, {Members: 100_000}, {Members: invitations.NoLimit}, {Pending: 1}, {Pending: 100_000}, {NoLinks: true},
		{SeatlessRoles: roles}, {AllowedDomains: texts}, {Expiry: time.Microsecond}, {Expiry: 3650*day + 999_999*time.Microsecond}, plan(7), {},
	} {
		organization := fmt.Sprintf("acme %d", i)
		w.change(organization, everything(organization))
		w.change(organization, invitations.Changes{Limits: &limits})
		w.facts(fmt.Sprintf("limits %d", i), invitations.Query{Organization: organization}, invitations.Facts{
			Organization: organization, Version: 2, Limits: limits,
		})
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

// spoilEvent changes the memory that an event refers to.
func spoilEvent(e *invitations.Event) {
	for _, texts := range [][]string{e.AllowedDomains, e.Changed} {
		for i := range texts {
			texts[i] = "spoiled"
		}
	}
	if e.Limits != nil {
		spoilLimits(*e.Limits)
		e.Limits.Members = 77
	}
}

// spoilLimits changes the memory that limits refer to.
func spoilLimits(l invitations.Limits) {
	for i := range l.SeatlessRoles {
		l.SeatlessRoles[i] = "spoiled"
	}
	for i := range l.AllowedDomains {
		l.AllowedDomains[i] = "spoiled"
	}
}

// spoilQuota changes a quota.
func spoilQuota(q *invitations.QuotaRecord) {
	if q != nil {
		q.Used, q.Limit = 77, 77
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
	for _, records := range [][]invitations.Record{f.PendingRecords, f.TracedInvitations} {
		for i := range records {
			spoil(&records[i])
		}
	}
	for i := range f.TracedMembers {
		spoilMember(&f.TracedMembers[i])
	}
	for i := range f.TracedEvents {
		spoilEvent(&f.TracedEvents[i])
	}
	spoilLimits(f.Limits)
}

func valuesSharesNoMemory(w *world) {
	with := func() invitations.Changes {
		c, limits := everything("acme"), plan(5)
		c.Limits = &limits
		return c
	}
	given, want := with(), stateOf("acme", with())
	w.change("acme", given)
	for i := range given.Invitations {
		spoil(&given.Invitations[i])
		given.Invitations[i].Role = "spoiled"
	}
	for i := range given.Members {
		spoilMember(&given.Members[i])
		given.Members[i].Role = "spoiled"
	}
	for i := range given.Events {
		spoilEvent(&given.Events[i])
		given.Events[i].Reason = "spoiled"
	}
	spoilLimits(*given.Limits)
	w.equal("state after the caller changed what it gave", w.state("acme", users...), want)

	q := invitations.Query{
		Organization: "acme", Invitation: id(2), Sender: true, Members: users,
		Invitations: []uuid.UUID{id(1), id(2)}, PendingSentBy: "bob", PendingAt: start,
		TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 9,
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
	members := w.members(invitations.MemberQuery{Organization: "acme", Viewer: "ada", Quotas: true, Limit: 9})
	for i := range members.Items {
		spoilMember(&members.Items[i].Member)
		spoilQuota(members.Items[i].Own)
		spoilQuota(members.Items[i].Shared)
	}
	events := w.events(invitations.EventQuery{Organization: "acme", Viewer: "ada", Limit: 9})
	feed := w.follow(0, 100)
	for _, all := range [][]invitations.Event{events.Items, feed} {
		for i := range all {
			spoilEvent(&all[i])
		}
	}
	memberships := w.workspaces(invitations.WorkspaceQuery{UserID: "ada", Limit: 9}).Memberships
	usage := w.usage(invitations.UsageQuery{Organization: "acme", Viewer: "ada", Period: invitations.PeriodDay, PeriodStart: today, Limit: 9})
	viewers := []*invitations.Member{page.Viewer, members.Viewer, events.Viewer, usage.Page.Viewer}
	for i := range memberships {
		viewers = append(viewers, &memberships[i].Member)
		spoilQuota(memberships[i].Own)
		spoilQuota(memberships[i].Shared)
	}
	for _, m := range viewers {
		spoilMember(m)
	}
	w.equal("state after the caller changed what it got", w.state("acme", users...), want)

	// The events that an erasure was given are the caller's too.
	var erased []invitations.Event
	w.erase("acme", invitations.Person{UserID: "ada"}, func(e *invitations.Event) {
		e.Changed, e.Limits = []string{"metadata"}, &invitations.Limits{AllowedDomains: []string{"a.example"}}
		erased = append(erased, *e)
	}, invitations.Changes{})
	before := w.state("acme", users...)
	for i := range erased {
		spoilEvent(&erased[i])
	}
	w.equal("state after the caller changed the erased events", w.state("acme", users...), before)
	w.equal("what an erased event has", before.Events.Items[0].Changed, []string{"metadata"})
	w.fed(w.follow(0, 100), "acme")
}
