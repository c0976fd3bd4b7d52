package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var sweepChecks = []check{
	{"FactsAreTheDueInvitations", sweepFacts},
	{"AppliesPerOrganization", sweepApplies},
	{"NothingIsDue", sweepNothing},
	{"PanicChangesNothing", sweepPanic},
	{"EndOfContextIsAllOrNothing", sweepCancelled},
	{"DoesNotWait", sweepDoesNotWait},
	{"SharesNoMemory", sweepSharesNoMemory},
}

// sweep runs one Sweep, and returns the facts of the last call of the decision, by organization.
// If decide is nil, the Sweep changes nothing.
func (w *world) sweep(at time.Time, limit int, decide func(invitations.Facts) invitations.Changes) map[string]invitations.Facts {
	w.Helper()
	var all []invitations.Facts
	w.ok(w.store.Sweep(w.ctx, at, limit, func(facts []invitations.Facts) []invitations.Changes {
		all = facts
		changes := make([]invitations.Changes, len(facts))
		for i, f := range facts {
			if decide != nil {
				changes[i] = decide(f)
			}
		}
		return changes
	}))
	found := map[string]invitations.Facts{}
	for _, f := range all {
		if _, twice := found[f.Organization]; twice || len(f.PendingRecords) == 0 {
			w.Errorf("the facts of %s occur twice, or have no invitation", f.Organization)
		}
		found[f.Organization] = f
	}
	return found
}

// overdue puts invitations of all kinds and states into four organizations that have the same
// IDs. The first two have version 2. It returns the invitations that are due at start, the
// earliest first.
func (w *world) overdue() []invitations.Record {
	w.Helper()
	var due []invitations.Record
	for i, organization := range []string{"acme", "zeta", "beta", "not due"} {
		if i < 2 {
			w.change(organization, invitations.Changes{Members: everything(organization).Members})
		}
		var c invitations.Changes
		for n := range 8 {
			r := invitation(organization, n)
			if n%2 == 1 {
				r = link(organization, n)
			}
			// No two are due at the same instant, and the last one is due at start.
			r.SweepAt = start.Add(-time.Duration(n*3%8*4+i) * time.Second)
			if organization == "not due" {
				r.SweepAt = start.Add(time.Duration(n) * time.Microsecond).Add(time.Microsecond)
			} else {
				due = append(due, r)
			}
			c.Invitations = append(c.Invitations, r)
		}
		for n, change := range []func(*invitations.Record){
			func(r *invitations.Record) { r.SweepAt = start.Add(time.Microsecond) },
			func(r *invitations.Record) { r.SweepAt = time.Time{} },
			func(r *invitations.Record) { r.State = invitations.StateAccepted },
			func(r *invitations.Record) { r.State = invitations.StateDeclined },
			func(r *invitations.Record) { r.State = invitations.StateRevoked },
		} {
			r := invitation(organization, 20+n)
			r.SweepAt = start.Add(-time.Hour)
			change(&r)
			c.Invitations = append(c.Invitations, r)
		}
		w.change(organization, c)
	}
	slices.SortFunc(due, func(a, b invitations.Record) int { return a.SweepAt.Compare(b.SweepAt) })
	return due
}

// dueFacts returns the facts of the first due invitations.
func dueFacts(due []invitations.Record) map[string]invitations.Facts {
	versions := map[string]int64{"acme": 2, "zeta": 2, "beta": 1}
	facts := map[string]invitations.Facts{}
	for _, r := range due {
		f := facts[r.Organization]
		f.Organization, f.Version = r.Organization, versions[r.Organization]
		f.PendingRecords = append(f.PendingRecords, r)
		facts[r.Organization] = f
	}
	return facts
}

func sweepFacts(w *world) {
	due := w.overdue()
	for limit := 1; limit <= len(due)+1; limit++ {
		w.equal(fmt.Sprintf("up to %d", limit), w.sweep(start, limit, nil), dueFacts(due[:min(limit, len(due))]))
	}
	w.equal("up to 1000", w.sweep(start, 1000, nil), dueFacts(due))
	earlier := start.Add(-10 * time.Second)
	w.equal("at an earlier instant", w.sweep(earlier, 1000, nil), dueFacts(slices.DeleteFunc(slices.Clone(due), func(r invitations.Record) bool {
		return r.SweepAt.After(earlier)
	})))

	// Of ten that are due at the same instant, each Sweep of two finds others.
	var c invitations.Changes
	for n := range 10 {
		r := invitation("many", n)
		r.SweepAt = start.Add(-day)
		c.Invitations = append(c.Invitations, r)
	}
	w.change("many", c)
	seen := map[uuid.UUID]bool{}
	for range 5 {
		for _, r := range w.sweep(start, 2, markSwept)["many"].PendingRecords {
			seen[r.ID] = true
		}
	}
	if len(seen) != 10 {
		w.Errorf("of ten that are due at the same instant, five Sweeps of two found %d", len(seen))
	}
	w.equal("still due", w.sweep(start, 1000, nil), dueFacts(due))
}

// markSwept clears SweepAt of all due invitations, and writes an event for each.
func markSwept(f invitations.Facts) (c invitations.Changes) {
	for _, r := range f.PendingRecords {
		r.SweepAt = time.Time{}
		c.Invitations = append(c.Invitations, r)
		c.Events = append(c.Events, event(f.Organization, "swept", r.ID))
	}
	return c
}

func sweepApplies(w *world) {
	due := w.overdue()
	before := map[string]state{}
	for _, organization := range []string{"acme", "zeta", "beta", "not due"} {
		before[organization] = w.state(organization, users...)
	}
	last := int64(0)
	if feed := w.follow(0, 1000); len(feed) > 0 {
		last = feed[len(feed)-1].Position
	}
	w.sweep(start, 1000, func(f invitations.Facts) invitations.Changes {
		switch f.Organization {
		case "acme":
			return markSwept(f)
		case "beta":
			c := everything("beta")
			c.Events[0].Version, c.Events[0].Index = 77, 77 // the store sets them
			return c
		}
		return invitations.Changes{}
	})
	for _, organization := range []string{"zeta", "not due"} {
		w.equal(organization+", with empty changes or none", w.state(organization, users...), before[organization])
	}

	acme := before["acme"]
	acme.Facts.Version++
	for _, r := range dueFacts(due)["acme"].PendingRecords {
		e := event("acme", "swept", r.ID)
		e.Version, e.Index = acme.Facts.Version, len(acme.Events.Items)
		acme.Events.Items = append(acme.Events.Items, e)
		for i := range acme.Invitations.Items {
			if acme.Invitations.Items[i].ID == r.ID {
				acme.Invitations.Items[i].SweepAt = time.Time{}
			}
		}
	}
	w.equal("acme", w.state("acme", users...), acme)

	beta, all := w.state("beta", users...), everythingState("beta")
	w.equal("beta's members", beta.Facts.Members, all.Facts.Members)
	w.equal("beta's removals", beta.Facts.Removals, map[string]int64{"eve": 2})
	w.equal("beta's quotas", beta.Facts.Quotas, all.Facts.Quotas)
	for i := range all.Events.Items {
		all.Events.Items[i].Version = 2
	}
	w.equal("beta's events", beta.Events, all.Events)
	w.fed(w.follow(last, 1000), "acme", "beta", "zeta")

	rest := w.sweep(start, 1000, nil)
	delete(rest, "beta")
	w.equal("still due", rest, map[string]invitations.Facts{"zeta": dueFacts(due)["zeta"]})
}

func sweepNothing(w *world) {
	w.equal("in an empty store", w.sweep(start, 10, nil), map[string]invitations.Facts{})
	w.overdue()
	w.equal("before anything is due", w.sweep(start.Add(-day), 10, markSwept), map[string]invitations.Facts{})
}

func sweepPanic(w *world) {
	due := w.overdue()
	w.panics("Sweep", func() error {
		return w.store.Sweep(w.ctx, start, 5, func([]invitations.Facts) []invitations.Changes { panic("boom") })
	})
	w.equal("due invitations after a panic", w.sweep(start, 1000, markSwept), dueFacts(due))
	w.change("acme", everything("acme"))
}

func sweepCancelled(w *world) {
	due := w.overdue()
	midway, cancel := context.WithCancel(w.ctx)
	err := w.store.Sweep(midway, start, 1000, func(all []invitations.Facts) []invitations.Changes {
		cancel()
		changes := make([]invitations.Changes, len(all))
		for i, f := range all {
			changes[i] = markSwept(f)
		}
		return changes
	})
	rest := w.sweep(start, 1000, nil)
	switch {
	case errors.Is(err, invitations.ErrOutcomeUnknown):
		if len(rest) != 0 {
			w.equal("due invitations after an unknown outcome", rest, dueFacts(due))
		}
	case err != nil:
		w.refused(err, context.Canceled)
		w.equal("due invitations after the end of the context", rest, dueFacts(due))
	default:
		w.equal("due invitations after a success", rest, map[string]invitations.Facts{})
	}
}

// sweepDoesNotWait runs a Sweep inside an Update of one of the organizations. The Sweep must
// leave that organization out.
func sweepDoesNotWait(w *world) {
	due := w.overdue()
	found := map[string]int{}
	sweep := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		return w.store.Sweep(w.ctx, start, 1000, func(all []invitations.Facts) []invitations.Changes {
			clear(found)
			changes := make([]invitations.Changes, len(all))
			for i, f := range all {
				found[f.Organization], changes[i] = len(f.PendingRecords), markSwept(f)
			}
			return changes
		})
	}
	// A Sweep that waits for the Update would wait for ever.
	const patience = 2 * time.Minute
	var once sync.Once
	var swept error
	w.ok(w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		once.Do(func() {
			done := make(chan error, 1)
			go func() { done <- sweep() }()
			select {
			case swept = <-done:
			case <-time.After(patience):
				swept = errors.New("the Sweep waits for an organization that is being changed")
			}
		})
		return invitations.Changes{Events: []invitations.Event{event("acme", "meanwhile", uuid.Nil)}}, nil
	}))
	w.ok(swept)
	for organization, f := range w.sweep(start, 1000, markSwept) {
		found[organization] += len(f.PendingRecords)
	}
	for organization, f := range dueFacts(due) {
		w.equal(organization+": number of invitations in two Sweeps", found[organization], len(f.PendingRecords))
	}
}

func sweepSharesNoMemory(w *world) {
	due := w.overdue()
	var given []invitations.Record
	w.sweep(start, 1000, func(f invitations.Facts) invitations.Changes {
		spoilFacts(f)
		return invitations.Changes{}
	})
	w.equal("due invitations after the decision changed its facts", w.sweep(start, 1000, nil), dueFacts(due))
	w.sweep(start, 1000, func(f invitations.Facts) invitations.Changes {
		c := markSwept(f)
		given = append(given, c.Invitations...)
		return c
	})
	for i := range given {
		spoil(&given[i])
	}
	for _, organization := range []string{"acme", "zeta", "beta"} {
		for _, r := range w.state(organization).Invitations.Items {
			if strings.Contains(fmt.Sprint(r.Metadata), "spoiled") {
				w.Errorf("%s: the store keeps memory of the decision: %v", organization, r.Metadata)
			}
		}
	}
}
