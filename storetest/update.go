package storetest

import (
	"context"
	"errors"
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
	{"CancelledCallsFail", updateCancelled},
	{"EndOfContextIsAllOrNothing", updateEndOfContext},
	{"VersionsAndEvents", updateVersions},
	{"OrganizationsSideBySide", updateSideBySide},
}

func updateAppliesEverything(w *world) {
	w.change("acme", invitations.Changes{Members: []invitations.Member{member("acme", "eve", "viewer")}})
	c := everything("acme")
	c.RemovedMembers = []string{"eve"}
	w.change("acme", c)
	want := everythingState("acme")
	want.Facts.Version = 2
	want.Facts.Removals["eve"] = 2
	for i := range want.Events.Items {
		want.Events.Items[i].Version = 2
	}
	w.equal("state", w.state("acme", users...), want)
}

// updateReplacesByKey replaces rows of all kinds, whether or not the decision sees them.
func updateReplacesByKey(w *world) {
	for organization, q := range map[string]invitations.Query{
		"acme": {Invitations: []uuid.UUID{id(1), id(2)}},
		"zeta": {Invitation: id(1), Sender: true, Invitations: []uuid.UUID{id(2)}, Members: users, Removals: true, Quotas: true},
	} {
		w.change(organization, everything(organization))
		inv := invitation(organization, 1)
		inv.State, inv.EndedAt, inv.Uses, inv.Message, inv.Metadata = invitations.StateAccepted, start.Add(day), 1, "", nil
		inv.SentBy, inv.SentAt, inv.ExpiresAt, inv.SentVersion = "", start.Add(time.Hour), start.Add(9*day), 2
		inv.Role, inv.Email, inv.Nonce, inv.Quota = "viewer", "new@example.com", [16]byte{7}, invitations.Quota{}
		inv.SweepAt = time.Time{}
		other := link(organization, 2)
		other.SweepAt = start.Add(day)
		ada := member(organization, "ada", "viewer")
		ada.Metadata, ada.InvitedBy, ada.InvitationID, ada.JoinedAt = nil, "", uuid.Nil, start.Add(day)
		shared, own := quota(organization, "", 7, invitations.PeriodEndless, 2), quota(organization, "bob", 8, invitations.PeriodDay, 2)
		q.Organization = organization
		w.ok(w.store.Update(w.ctx, q, func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{
				Invitations:    []invitations.Record{inv, other},
				Members:        []invitations.Member{ada},
				RemovedMembers: []string{"bob", "nobody"},
				Removals:       []string{"eve", "bob"},
				Quotas:         []invitations.QuotaRecord{shared, own},
			}, nil
		}))
		want := everythingState(organization)
		want.Facts.Version = 2
		want.Facts.Members = map[string]invitations.Member{"ada": ada}
		want.Facts.Removals = map[string]int64{"eve": 2, "bob": 2}
		want.Facts.Totals, want.Facts.OwnerCount = invitations.Totals{Members: 1, Seats: 1, PendingLinks: 1}, 0
		want.Facts.Quotas[""], want.Facts.Quotas["bob"] = shared, own
		want.Invitations.Items = []invitations.Record{other, inv}
		w.equal("state of "+organization, w.state(organization, users...), want)
	}
}

func updateRefusal(w *world) {
	w.change("acme", everything("acme"))
	before := w.state("acme", users...)
	refusal := errors.New("no")
	err := w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		return everything("acme"), refusal
	})
	if err != refusal { //nolint:errorlint // the contract says: that error as it is
		w.Errorf("got error %v, want the error of the decision as it is", err)
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
	w.panics("Update", func() error {
		return w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
			panic("boom")
		})
	})
	w.equal("state after a panic", w.state("acme", users...), before)
	w.change("acme", invitations.Changes{RemovedMembers: []string{"bob"}}) // hangs if the panic left a lock
}

// panics fails the check unless the panic "boom" passes through a call of the store.
func (w *world) panics(what string, call func() error) {
	w.Helper()
	defer func() {
		w.Helper()
		if p := recover(); p != "boom" {
			w.Errorf("%s: got panic %v, want the panic of the decision", what, p)
		}
	}()
	_ = call()
}

func updateCancelled(w *world) {
	done, cancel := context.WithCancel(w.ctx)
	cancel()
	write := func(invitations.Facts) (invitations.Changes, error) { return everything("acme"), nil }
	w.refused(w.store.Create(done, invitations.Query{Organization: "acme"}, write), context.Canceled)
	w.equal("state", w.state("acme", users...), state{})
	for name, call := range map[string]func() error{
		"Update": func() error { return w.store.Update(done, invitations.Query{Organization: "acme"}, write) },
		"View":   func() error { return second(w.store.View(done, invitations.Query{Organization: "acme"})) },
		"Invitations": func() error {
			return second(w.store.Invitations(done, invitations.InvitationQuery{Organization: "acme", Limit: 1}))
		},
		"Events": func() error {
			return second(w.store.Events(done, invitations.EventQuery{Organization: "acme", Limit: 1}))
		},
		"Members": func() error {
			return second(w.store.Members(done, invitations.MemberQuery{Organization: "acme", Limit: 1}))
		},
		"Workspaces": func() error {
			_, _, err := w.store.Workspaces(done, invitations.WorkspaceQuery{UserID: "ada", Limit: 1})
			return err
		},
		"Feed": func() error { return second(w.store.Feed(done, 0, 1)) },
		"Statistics": func() error {
			q := invitations.StatisticsQuery{Organization: "acme", To: start, At: start, MaxGroups: 1}
			_, _, err := w.store.Statistics(done, q)
			return err
		},
		"Usage": func() error {
			_, _, err := w.store.Usage(done, invitations.UsageQuery{Organization: "acme", Period: invitations.PeriodDay, PeriodStart: today, Limit: 1})
			return err
		},
		"Purge":  func() error { return second(w.store.Purge(done, invitations.PurgeQuery{Before: start, Limit: 1})) },
		"Traces": func() error { return second(w.store.Traces(done, invitations.Person{UserID: "ada"}, 1)) },
		"Sweep": func() error {
			return w.store.Sweep(done, start, 1, func(all []invitations.Facts) []invitations.Changes {
				return make([]invitations.Changes, len(all))
			})
		},
		"Consume": func() error { return second(w.store.Consume(done, consumption("", "ada", 1, 0))) },
		"SetPersonalQuota": func() error {
			return w.store.SetPersonalQuota(done, "ada", invitations.Quota{Limit: 1, Period: invitations.PeriodDay})
		},
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			w.Errorf("%s: got error %v, want %v", name, err, context.Canceled)
		}
	}
}

// updateEndOfContext ends the context between reading and writing.
func updateEndOfContext(w *world) {
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

func updateVersions(w *world) {
	for version := range int64(4) {
		w.equal("version", w.version("acme"), version)
		e := event("acme", "x", uuid.Nil)
		e.Version, e.Index = 77, 77 // the store sets them
		w.change("acme", invitations.Changes{Events: []invitations.Event{e, e, e}})
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
	w.twins()
	acme := w.state("acme", users...)
	w.equal("the first organization", acme, everythingState("acme"))
	limits := plan(2)
	w.change("zeta", invitations.Changes{
		Limits:         &limits,
		RemovedMembers: []string{"ada", "bob"},
		Removals:       []string{"ada"},
		Invitations:    []invitations.Record{link("zeta", 1), link("zeta", 3)},
		Quotas:         []invitations.QuotaRecord{quota("zeta", "", 1, invitations.PeriodDay, 2), quota("zeta", "ada", 2, invitations.PeriodDay, 2)},
		Events:         []invitations.Event{event("zeta", "ada", id(1))},
	})
	w.equal("the first organization, after a change of the second", w.state("acme", users...), acme)
}
