package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store].
func (s *Store) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var due []invitations.Record
	locked := map[string]*organization{}
	defer func() {
		for _, org := range locked {
			org.mu.Unlock()
		}
	}()
	for _, org := range s.all() {
		if !org.mu.TryLock() { // somebody else is changing it
			continue
		}
		locked[org.id] = org
		due = append(due, org.due(at)...)
	}
	slices.SortStableFunc(due, func(a, b invitations.Record) int { return a.SweepAt.Compare(b.SweepAt) })
	due = due[:min(len(due), limit)]

	var facts []invitations.Facts
	place := map[string]int{} // of an organization's facts
	for _, r := range due {
		i, ok := place[r.Organization]
		if !ok {
			i = len(facts)
			place[r.Organization] = i
			facts = append(facts, invitations.Facts{Organization: r.Organization, Version: locked[r.Organization].version})
		}
		facts[i].PendingRecords = append(facts[i].PendingRecords, r)
	}
	for i, changes := range decide(facts) {
		if !changes.Empty() {
			s.apply(locked[facts[i].Organization], changes)
		}
	}
	return nil
}

// due returns the invitations that are due.
func (o *organization) due(at time.Time) []invitations.Record {
	var found []invitations.Record
	for _, r := range o.invitations {
		if r.State == invitations.StatePending && !r.SweepAt.IsZero() && !r.SweepAt.After(at) {
			found = append(found, r.Clone())
		}
	}
	return found
}
