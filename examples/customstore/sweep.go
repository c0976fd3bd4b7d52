package customstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store]. There is a single lock, so a Sweep that would have to
// wait for a change leaves out all organizations.
func (s *Store) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	locked := false
	err := change(ctx, s.sweep, func(tx *sql.Tx) error {
		locked = true
		facts, err := loadDue(ctx, tx, at, limit)
		if err != nil || len(facts) == 0 {
			return err
		}
		for i, changes := range decide(facts) {
			if err := apply(ctx, tx, facts[i].Organization, facts[i].Version+1, changes); err != nil {
				return err
			}
		}
		return nil
	})
	if !locked && errors.Is(err, invitations.ErrConcurrentChange) {
		return nil
	}
	return err
}

// loadDue loads the due invitations as the facts of their organizations.
func loadDue(ctx context.Context, tx *sql.Tx, at time.Time, limit int) ([]invitations.Facts, error) {
	const query = `select value from invitations
		where state = 'pending' and sweep_at <= ?
		order by sweep_at
		limit 0 + ?`
	due, err := all[invitations.Record](ctx, tx, query, instant(at), limit)
	if err != nil {
		return nil, err
	}
	var facts []invitations.Facts
	place := map[string]int{} // of an organization in facts
	for _, r := range due {
		i, ok := place[r.Organization]
		if !ok {
			version, err := loadVersion(ctx, tx, r.Organization)
			if err != nil {
				return nil, err
			}
			i = len(facts)
			place[r.Organization] = i
			facts = append(facts, invitations.Facts{Organization: r.Organization, Version: version})
		}
		facts[i].PendingRecords = append(facts[i].PendingRecords, r)
	}
	return facts, nil
}
