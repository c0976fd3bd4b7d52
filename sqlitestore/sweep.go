package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store].
func (s *Store) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	return s.changeUnlocked(ctx, func(tx *sql.Tx) error {
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
}

// loadDue loads the due invitations as the facts of their organizations.
func loadDue(ctx context.Context, tx *sql.Tx, at time.Time, limit int) ([]invitations.Facts, error) {
	const query = `select value from invitations_invitations
		where state = 'pending' and sweep_at <= ?
			and not exists (select 1 from invitations_organizations o where o.id = organization and deleted)
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
			org, err := loadOrganization(ctx, tx, r.Organization)
			if err != nil {
				return nil, err
			}
			i = len(facts)
			place[r.Organization] = i
			facts = append(facts, invitations.Facts{Organization: r.Organization, Version: org.version})
		}
		facts[i].PendingRecords = append(facts[i].PendingRecords, r)
	}
	return facts, nil
}
