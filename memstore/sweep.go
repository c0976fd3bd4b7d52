package memstore

import (
	"context"
	"time"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store]. It holds the locks of all organizations that have due
// invitations until their changes are written. It waits for none of them, so two Sweeps
// cannot deadlock.
func (s *Store) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	locked := map[string]*organization{}
	defer func() {
		for _, org := range locked {
			org.mu.Unlock()
		}
	}()
	// The earliest invitation of an organization is its instant in the agenda. So no later
	// organization can have one of the earliest, once there are enough before that instant.
	due := newList(bySweep)
	s.sweeps.due(instantOf(at), func(org *organization) bool {
		locked[org.id] = org
		isFull := func(instant int64) bool {
			return due.len() == limit && instantOf(due.last().SweepAt) <= instant
		}
		if isFull(org.sweepAt) {
			return false
		}
		for r := range org.invitations.due.of(only{}).all() {
			if r.SweepAt.After(at) || isFull(instantOf(r.SweepAt)) {
				break
			}
			if due.len() == limit {
				due.remove(due.last())
			}
			due.add(r)
		}
		return true
	})

	var facts []invitations.Facts
	places := map[string]int{} // of an organization in facts
	for r := range due.all() {
		i, ok := places[r.Organization]
		if !ok {
			i = len(facts)
			places[r.Organization] = i
			version := locked[r.Organization].version
			facts = append(facts, invitations.Facts{Organization: r.Organization, Version: version})
		}
		facts[i].PendingRecords = append(facts[i].PendingRecords, r.Clone())
	}
	changed := decide(facts)
	for i := range changed {
		s.apply(locked[facts[i].Organization], &changed[i])
	}
	return nil
}
