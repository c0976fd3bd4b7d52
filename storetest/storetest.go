// Package storetest checks that an [invitations.Store] keeps its contract. The author of a
// store needs one test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) invitations.Store {
//			return mystore.New(...)
//		})
//	}
//
// Packages memstore, pgstore and sqlitestore pass the suite. The page docs/custom-store.md says
// in which order to write a store.
//
// The package imports the standard library and package invitations only, so it adds no
// dependency to the module of the store.
//
// # What is checked
//
// Every check is a subtest: go test -run 'TestStore/Facts/Sender' runs one of them.
//
//   - Update: Update and Create write all changes or none, number versions and events, and
//     replace erased events in their places.
//   - Values: texts survive byte for byte, times to the microsecond, and no memory is shared.
//   - Facts: View, Update and Create load exactly the facts of the query.
//   - Pages: every page has the items that match the filter, in order, and the viewer.
//   - Quotas: Consume takes all or nothing, in the right period, and gives back into that period.
//   - Usage: the present period and closed ones have all that was used, in order.
//   - Feed: every event has one position, in an order that never changes.
//   - Statistics: they are equal to a plain recount.
//   - Sweep: it loads exactly the due invitations, and does not wait for a lock.
//   - Purge: it deletes exactly the old rows and those of deleted organizations, and counts them.
//   - Traces: they name the organizations that have a trace of a person.
//   - Deleted: a deleted organization is in no read, and its ID stays taken.
//   - Races: simultaneous calls end as if they had come one after the other.
//
// Most checks fill two organizations with the same IDs, users and addresses. A store that
// forgets the organization in one of its conditions fails them.
//
// The numbered classes in some names are kinds of vulnerabilities that invitation systems
// have had. The page docs/threats.md lists them.
//
// # How long it takes
//
// The suite takes a few seconds on a store in memory, and about half a minute on a database.
//
// A race runs up to 30 rounds. It begins none after a fifth of a second, but runs at least
// three. It logs the number of rounds, which go test -v shows. So a slow machine runs fewer
// rounds, and no race fails because a time is over. Races find faults by chance: run the suite
// with the race detector, and now and then with -count 20.
//
// No check has a deadline. If a call to the store never returns, the timeout of go test ends
// the test and prints the stack of that call.
//
// # What a failure says
//
// A failure names the call, and the first difference between the result and the contract:
//
//	--- FAIL: TestStore/Facts/MembersAndRemovals (0.01s)
//	    facts.go:127: a member and a removed user: View: .Removals[eve]: got 0, want 1
//
// A check that draws random values logs its seed. Set the environment variable STORETEST_SEED to
// that number to repeat it.
//
// A panic of the store fails the check that caused it, and the failure has the stack.
package storetest

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/go-invitations/invitations"
)

// Run checks a store. newStore must return an empty store that is safe for concurrent use.
// Run calls newStore once for each check, with the T of that check. The checks run one after
// the other, so newStore may return the same store again if t.Cleanup empties it.
func Run(t *testing.T, newStore func(t *testing.T) invitations.Store) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.checks {
				t.Run(c.name, func(t *testing.T) {
					c.perform(newWorld(t.Context(), t, newStore(t)))
				})
			}
		})
	}
}

// groups are all checks.
var groups = []struct {
	name   string
	checks []check
}{
	{"Update", slices.Concat(updateChecks, createChecks, changesChecks)},
	{"Values", valueChecks},
	{"Facts", slices.Concat(factsChecks, pendingFactsChecks, limitFactsChecks, traceFactsChecks)},
	{"Pages", slices.Concat(pageChecks, memberPageChecks, eventPageChecks, receivedPageChecks)},
	{"Quotas", slices.Concat(consumeChecks, quotaChecks)},
	{"Usage", usageChecks},
	{"Feed", feedChecks},
	{"Statistics", statisticsChecks},
	{"Sweep", sweepChecks},
	{"Purge", purgeChecks},
	{"Traces", traceChecks},
	{"Deleted", deletedChecks},
	{"Races", raceChecks()},
}

// A check is one test of the suite.
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
