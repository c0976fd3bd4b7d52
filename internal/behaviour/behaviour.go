// Package behaviour checks the rules of the library through its service, on a store: whole
// stories, threats, a matrix of every role and operation, random histories and storms. Package
// storetest checks the store itself.
//
// Every store of this repository runs both.
package behaviour

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/go-invitations/invitations"
)

// Run runs the checks of the named groups, or all checks if there are no names. The checks run one
// after the other. newStore must return an empty store that is safe for concurrent use. Run calls
// it once for each check.
func Run(t *testing.T, newStore func(t *testing.T) invitations.Store, only ...string) {
	for _, name := range only {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			t.Fatalf("there is no group %q", name)
		}
	}
	for _, g := range groups {
		if len(only) > 0 && !slices.Contains(only, g.name) {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.checks {
				t.Run(c.name, func(t *testing.T) {
					c.perform(newWorld(t, newStore(t)))
				})
			}
		})
	}
}

// A group is a part of the checks.
type group struct {
	name   string
	checks []check
}

// groups are all checks.
var groups = []group{
	{"Stories", slices.Concat(
		stories, memberStories, quotaStories, seatStories, editStories, limitStories, bulkStories, receivedStories, timelineStories, sweepStories,
		faultStories, nextStories, deleteStories, purgeStories, eraseStories, addStories, planStories, usageStories, listStories,
	)},
	{"Threats", slices.Concat(threats, leakThreats, memberThreats, sendingThreats, historyThreats)},
	{"Matrix", matrixChecks},
	{"Histories", historyChecks},
	{"Storms", slices.Concat(stormChecks, raceChecks())},
}

// A check is one test of the rules.
type check struct {
	name string
	run  func(*world)
}

// perform runs the check. A panic fails the check and no other one.
func (c check) perform(w *world) {
	defer func() {
		if p := recover(); p != nil {
			w.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	c.run(w)
}
