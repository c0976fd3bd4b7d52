// Package storetest proves that an [invitations.Store] keeps its contract. A custom store
// is trustworthy when it passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) invitations.Store {
//			return mystore.New(...)
//		})
//	}
//
// Run it with the race detector. It checks that an Update and a Sweep are atomic, that facts,
// pages, quotas and statistics are exact, with two organizations side by side that have
// everything in common, that the feed misses and repeats nothing, races with many rounds behind
// a barrier, then the stories of the library through the whole service, histories at random
// whose events have to give what the store shows, and who may do what to whom in a matrix of
// every role and operation. It adds no dependency to the store's module.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/go-invitations/invitations"
)

// Run runs the suite. newStore returns an empty store, safe for concurrent use, and cleans
// up after it with t.Cleanup. It is called once for each check; the checks run in parallel.
func Run(t *testing.T, newStore func(t *testing.T) invitations.Store) {
	group := func(name string, checks []check) {
		t.Run(name, func(t *testing.T) {
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(newWorld(t, newStore(t)))
				})
			}
		})
	}
	group("Update", slices.Concat(updateChecks, valueChecks))
	group("Facts", slices.Concat(factsChecks, memberFactsChecks, sendingFactsChecks))
	group("Quotas", quotaChecks)
	group("Pages", slices.Concat(pageChecks, memberPageChecks, eventPageChecks, receivedPageChecks))
	group("Feed", feedChecks)
	group("Statistics", statisticsChecks)
	group("Sweep", sweepChecks)
	t.Run("Races", func(t *testing.T) {
		for _, r := range allRaces() {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if err := r.run(ctx, newStore(t)); err != nil {
					t.Error(err)
				}
			})
		}
	})
	group("Stories", slices.Concat(
		stories, memberStories, quotaStories, seatStories, editStories, limitStories, bulkStories, receivedStories, timelineStories, sweepStories,
	))
	group("Histories", historyChecks)
	group("Matrix", matrixChecks)
	group("Threats", slices.Concat(threats, memberThreats, sendingThreats, historyThreats))
}

// allRaces are the races of every subject.
func allRaces() []race {
	return slices.Concat(races, memberRaces, seatRaces, quotaRaces, feedRaces, sweepRaces, limitRaces, editRaces)
}

// A check is one test of the suite.
type check struct {
	name string
	run  func(*world)
}
