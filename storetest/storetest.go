// Package storetest proves that an [invitations.Store] keeps its contract. A custom store
// is trustworthy when it passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) invitations.Store {
//			return mystore.New(...)
//		})
//	}
//
// Run it with the race detector. It checks that an Update is atomic, that facts, pages and
// quotas are exact, with two organizations side by side that have everything in common, races
// with many rounds behind a barrier, then the stories of the library through the whole
// service, and who may do what to whom in a matrix of every role and operation. It adds no
// dependency to the store's module.
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
	group("Update", updateChecks)
	group("Facts", slices.Concat(factsChecks, memberFactsChecks))
	group("Quotas", quotaChecks)
	group("Pages", slices.Concat(pageChecks, memberPageChecks))
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
	group("Stories", slices.Concat(stories, memberStories, quotaStories, seatStories))
	group("Matrix", matrixChecks)
	group("Threats", slices.Concat(threats, memberThreats))
}

// allRaces are the races of every subject.
func allRaces() []race { return slices.Concat(races, memberRaces, quotaRaces) }

// A check is one test of the suite.
type check struct {
	name string
	run  func(*world)
}
