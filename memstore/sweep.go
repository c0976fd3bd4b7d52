package memstore

import (
	"context"
	"slices"
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
	var due []invitations.Record
	for _, org := range s.all() {
		if !org.mu.TryLock() {
			continue // in use, so left to the next Sweep
		}
		found := org.due(at)
		if len(found) == 0 || !org.exists() {
			org.mu.Unlock()
			continue
		}
		locked[org.id] = org
		due = append(due, found...)
	}
	slices.SortStableFunc(due, func(a, b invitations.Record) int { return a.SweepAt.Compare(b.SweepAt) })
	due = due[:min(len(due), limit)]

	var facts []invitations.Facts
	place := map[string]int{} // of an organization in facts
	for _, r := range due {
		i, ok := place[r.Organization]
		if !ok {
			i = len(facts)
			place[r.Organization] = i
			version := locked[r.Organization].version
			facts = append(facts, invitations.Facts{Organization: r.Organization, Version: version})
		}
		facts[i].PendingRecords = append(facts[i].PendingRecords, r)
	}
	for i, changes := range decide(facts) {
		s.apply(locked[facts[i].Organization], changes)
	}
	return nil
}

// due returns the invitations that are due, in any order.
func (o *organization) due(at time.Time) []invitations.Record {
	var found []invitations.Record
	for _, r := range o.invitations {
		if r.State == invitations.StatePending && !r.SweepAt.IsZero() && !r.SweepAt.After(at) {
			found = append(found, r.Clone())
		}
	}
	return found
}
