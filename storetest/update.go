package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var updateChecks = []check{
	{"AppliesEverything", updateAppliesEverything},
	{"ReplacesByKey", updateReplacesByKey},
	{"RefusalChangesNothing", updateRefusal},
	{"NoChangesChangeNothing", updateEmpty},
	{"PanicChangesNothing", updatePanic},
	{"EndOfContextIsAllOrNothing", updateCancelled},
	{"Create", updateCreate},
	{"CreateThatIsRefused", updateCreateRefused},
	{"ExactOrganization", updateExactOrganization},
	{"UnknownOrganization", updateUnknown},
	{"VersionsAndEvents", updateVersions},
	{"OrganizationsSideBySide", updateSideBySide},
	{"SharesNoMemory", updateSharesNoMemory},
}

func updateAppliesEverything(w *world) {
	w.change("acme", everything("acme"))
	w.equal("state", w.state("acme", users...), everythingState("acme"))
}

func updateReplacesByKey(w *world) {
	w.change("acme", everything("acme"))
	inv := invitation("acme", 1)
	inv.State, inv.EndedAt, inv.Uses, inv.Message, inv.Metadata = invitations.StateAccepted, start.Add(day), 1, "", nil
	inv.SentBy, inv.SentAt, inv.ExpiresAt, inv.SentVersion = "", start.Add(time.Hour), start.Add(9*day), 2
	inv.Role, inv.Email, inv.Nonce, inv.Quota = "viewer", "new@example.com", [16]byte{7}, invitations.Quota{}
	inv.SweepAt = time.Time{}
	other := link("acme", 2)
	other.SweepAt = start.Add(day)
	ada := member("acme", "ada", "viewer")
	ada.Metadata, ada.InvitedBy, ada.InvitationID, ada.JoinedAt = nil, "", uuid.Nil, start.Add(day)
	shared := quota("acme", "", 7, invitations.PeriodEndless, 2)
	w.change("acme", invitations.Changes{
		Invitations:    []invitations.Record{inv, other},
		Members:        []invitations.Member{ada},
		RemovedMembers: []string{"bob", "nobody"},
		Removals:       []string{"eve"},
		Quotas:         []invitations.QuotaRecord{shared},
	})
	want := everythingState("acme")
	want.Facts.Version = 2
	want.Facts.Members = map[string]invitations.Member{"ada": ada}
	want.Facts.Removals["eve"] = 2
	want.Facts.PendingCount, want.Facts.MemberCount, want.Facts.OwnerCount = 1, 1, 0
	want.Facts.Quotas[""] = shared
	want.Invitations.Items = []invitations.Record{other, inv}
	w.equal("state", w.state("acme", users...), want)
}

func updateRefusal(w *world) {
	w.change("acme", everything("acme"))
	before := w.state("acme", users...)
	refusal := errors.New("no")
	err := w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("acme"), refusal
	})
	if err != refusal { //nolint:errorlint // the contract says: that very error
		w.Errorf("got error %v, want the decision's own", err)
	}
	w.equal("state after a refusal", w.state("acme", users...), before)
}

func updateEmpty(w *world) {
	w.change("acme", everything("acme"))
	before := w.state("acme", users...)
	w.change("acme", invitations.Changes{})
	w.equal("state after no changes", w.state("acme", users...), before)
}

func updatePanic(w *world) {
	w.change("acme", everything("acme"))
	before := w.state("acme", users...)
	func() {
		defer func() {
			if recover() != "boom" {
				w.Error("the panic did not go on")
			}
		}()
		_ = w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
			panic("boom")
		})
	}()
	w.equal("state after a panic", w.state("acme", users...), before)
	w.change("acme", invitations.Changes{RemovedMembers: []string{"bob"}}) // the organization is not left locked
}

func updateCancelled(w *world) {
	done, cancel := context.WithCancel(w.ctx)
	cancel()
	err := w.store.Create(done, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("acme"), nil
	})
	w.refused(err, context.Canceled)
	w.equal("state", w.state("acme", users...), state{})
	for _, read := range []func() error{
		func() error { _, err := w.store.View(done, invitations.Query{Organization: "acme"}); return err },
		func() error {
			_, err := w.store.Invitations(done, invitations.InvitationQuery{Organization: "acme", Limit: 1})
			return err
		},
		func() error {
			_, err := w.store.Events(done, invitations.EventQuery{Organization: "acme", Limit: 1})
			return err
		},
		func() error {
			_, err := w.store.Members(done, invitations.MemberQuery{Organization: "acme", Limit: 1})
			return err
		},
		func() error {
			_, _, err := w.store.Workspaces(done, invitations.WorkspaceQuery{UserID: "ada", Limit: 1})
			return err
		},
		func() error { _, err := w.store.Feed(done, 0, 1); return err },
		func() error {
			_, _, err := w.store.Statistics(done, invitations.StatisticsQuery{Organization: "acme", To: start, At: start, MaxGroups: 1})
			return err
		},
		func() error {
			return w.store.Sweep(done, start, 1, func(all []invitations.Facts) []invitations.Changes {
				return make([]invitations.Changes, len(all))
			})
		},
		func() error { _, err := w.store.Consume(done, consumption("", "ada", 1, 0)); return err },
		func() error {
			return w.store.SetPersonalQuota(done, "ada", invitations.Quota{Limit: 1, Period: invitations.PeriodDay})
		},
	} {
		w.refused(read(), context.Canceled)
	}

	// It ends between the reading and the writing.
	for range 20 {
		midway, cancel := context.WithCancel(w.ctx)
		err := w.store.Create(midway, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
			cancel()
			return everything("acme"), nil
		})
		got := w.state("acme", users...)
		switch {
		case errors.Is(err, invitations.ErrOutcomeUnknown):
			if differ(got, state{}) != "" {
				w.equal("state after an unknown outcome", got, everythingState("acme"))
				return
			}
		case err != nil:
			w.refused(err, context.Canceled)
			w.equal("state after the end of the context", got, state{})
		default:
			w.equal("state after a success", got, everythingState("acme"))
			return
		}
	}
}

func updateCreate(w *world) {
	q := invitations.Query{Organization: "acme", Members: []string{"ada"}}
	facts := []invitations.Facts{
		{Organization: "acme"},
		{Organization: "acme", Version: 1, Members: map[string]invitations.Member{"ada": member("acme", "ada", "owner")}},
	}
	for n, want := range facts {
		w.ok(w.store.Create(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			w.equal(fmt.Sprintf("facts of creation %d", n+1), f, want)
			return invitations.Changes{Members: []invitations.Member{member("acme", "ada", "owner")}}, nil
		}))
	}
	w.equal("version after two creations", w.version("acme"), int64(2))
	w.ok(w.store.Create(w.ctx, invitations.Query{Organization: "zeta"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("zeta"), nil
	}))
	w.equal("an organization that is created with everything", w.state("zeta", users...), everythingState("zeta"))
}

func updateCreateRefused(w *world) {
	refusal := errors.New("no")
	q := invitations.Query{Organization: "acme"}
	for what, end := range map[string]func(invitations.Facts) (invitations.Changes, error){
		"a refusal":  func(invitations.Facts) (invitations.Changes, error) { return everything("acme"), refusal },
		"no changes": func(invitations.Facts) (invitations.Changes, error) { return invitations.Changes{}, nil },
		"a panic":    func(invitations.Facts) (invitations.Changes, error) { panic("boom") },
	} {
		func() {
			defer func() {
				if got := recover(); (got == "boom") != (what == "a panic") {
					w.Errorf("%s: got panic %v", what, got)
				}
			}()
			if err := w.store.Create(w.ctx, q, end); (err == refusal) != (what == "a refusal") { //nolint:errorlint // the contract says: that very error
				w.Errorf("%s: got error %v", what, err)
			}
		}()
		w.equal("state after "+what, w.state("acme", users...), state{})
		w.facts("after "+what, q, invitations.Facts{})
		w.equal("the feed after "+what, w.follow(0, 100), []invitations.Event{})
	}
	w.change("acme", everything("acme"))
	w.equal("state", w.state("acme", users...), everythingState("acme"))
}

// updateExactOrganization changes one of two organizations that have all IDs in common.
func updateExactOrganization(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		inv := invitation(organization, 1)
		q := invitations.Query{Organization: organization, Invitation: inv.ID, Members: []string{"ada"}}
		w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			w.equal("facts", f, invitations.Facts{
				Organization: organization, Version: 1, Invitation: &inv,
				Members: map[string]invitations.Member{"ada": member(organization, "ada", "owner")},
			})
			changed := inv
			changed.Nonce = [16]byte{42}
			return invitations.Changes{Invitations: []invitations.Record{changed}}, nil
		}))
		inv.Nonce = [16]byte{42}
		w.facts("after the change", q, invitations.Facts{
			Organization: organization, Version: 2, Invitation: &inv,
			Members: map[string]invitations.Member{"ada": member(organization, "ada", "owner")},
		})
	}
}

func updateUnknown(w *world) {
	w.change("acme", everything("acme"))
	for _, organization := range []string{"zeta", "Acme", "acme ", "acm", "acme\u200b"} {
		q := invitations.Query{
			Organization: organization, Invitation: id(1), Sender: true, Invitations: []uuid.UUID{id(2)}, Members: users, Removals: true, Quotas: true,
			Emails: []string{invitation("acme", 1).Email}, PendingUpTo: 9, PendingEmailsUpTo: 9, PendingSentBy: "bob", PendingAt: start,
			SendingsUpTo: 9, SendingsAfter: start.Add(-day), MembersUpTo: 9, OwnersUpTo: 9,
		}
		called := false
		w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			called = true
			w.equal(fmt.Sprintf("facts of %q", organization), f, invitations.Facts{})
			return invitations.Changes{}, nil
		}))
		if !called {
			w.Errorf("%q: the decision was not called", organization)
		}
		w.facts(fmt.Sprintf("%q", organization), q, invitations.Facts{})
	}
}

func updateVersions(w *world) {
	for version := range int64(4) {
		w.ok(w.store.Create(w.ctx, invitations.Query{Organization: "acme"}, func(f invitations.Facts) (invitations.Changes, error) {
			if f.Version != version {
				w.Errorf("got version %d, want %d", f.Version, version)
			}
			e := event("acme", "x", uuid.Nil)
			e.Version, e.Index = 77, 77 // not the decision's to say
			return invitations.Changes{Events: []invitations.Event{e, e, e}}, nil
		}))
	}
	var got, want []invitations.EventPosition
	for _, e := range w.state("acme").Events.Items {
		got = append(got, invitations.EventPosition{Version: e.Version, Index: e.Index})
	}
	for version := int64(1); version <= 4; version++ {
		for index := range 3 {
			want = append(want, invitations.EventPosition{Version: version, Index: index})
		}
	}
	w.equal("positions", got, want)
}

func updateSideBySide(w *world) {
	w.change("acme", everything("acme"))
	w.change("zeta", everything("zeta"))
	acme := w.state("acme", users...)
	w.change("zeta", invitations.Changes{
		RemovedMembers: []string{"ada", "bob"},
		Removals:       []string{"ada"},
		Invitations:    []invitations.Record{link("zeta", 1), link("zeta", 3)},
		Quotas:         []invitations.QuotaRecord{quota("zeta", "", 1, invitations.PeriodDay, 2), quota("zeta", "ada", 2, invitations.PeriodDay, 2)},
		Events:         []invitations.Event{event("zeta", "ada", id(1))},
	})
	w.equal("the other organization", w.state("acme", users...), acme)
	w.equal("the first organization", acme, everythingState("acme"))
}

func updateSharesNoMemory(w *world) {
	given := everything("acme")
	w.change("acme", given)
	spoil := func(r invitations.Record) {
		for k := range r.Metadata {
			r.Metadata[k] = "spoiled"
		}
		for i := range r.AllowedDomains {
			r.AllowedDomains[i] = "spoiled"
		}
	}
	spoilMember := func(m invitations.Member) {
		for k := range m.Metadata {
			m.Metadata[k] = "spoiled"
		}
	}
	for i := range given.Invitations {
		spoil(given.Invitations[i])
		given.Invitations[i].Role = "spoiled"
	}
	for i := range given.Members {
		spoilMember(given.Members[i])
		given.Members[i].Role = "spoiled"
	}
	given.Events[0].Reason = "spoiled"
	w.equal("state after what was given is spoiled", w.state("acme", users...), everythingState("acme"))

	got := w.state("acme", users...)
	q := invitations.Query{
		Organization: "acme", Invitation: id(2), Sender: true, Members: users,
		Invitations: []uuid.UUID{id(1), id(2)}, PendingSentBy: "bob", PendingAt: start,
	}
	facts := w.view(q)
	for _, r := range slices.Concat(got.Invitations.Items, facts.PendingRecords, []invitations.Record{*facts.Invitation}) {
		spoil(r)
	}
	for _, r := range facts.Invitations {
		spoil(r)
	}
	for _, m := range facts.Members {
		spoilMember(m)
	}
	spoilMember(*facts.Sender)
	w.ok(w.store.Update(w.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		spoil(*f.Invitation)
		spoil(f.Invitations[id(1)])
		spoilMember(*f.Sender)
		spoilMember(f.Members["ada"])
		return invitations.Changes{}, nil
	}))
	w.equal("state after what was returned is spoiled", w.state("acme", users...), everythingState("acme"))
}
