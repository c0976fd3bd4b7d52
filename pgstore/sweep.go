package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store].
func (s *Store) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	var due []invitations.Facts
	return s.change(ctx, "sweeping", func(b *pgx.Batch, _ purpose) {
		due = nil
		s.queueDue(b, at, limit, &due)
	}, func(b *pgx.Batch, _ purpose) error {
		if len(due) == 0 {
			return nil
		}
		for i, changes := range decide(due) {
			if !changes.Empty() {
				s.queueChanges(b, due[i], changes, toLock)
			}
		}
		return nil
	})
}

// queueDue queues the statement that locks and loads the due invitations and their
// organizations. It skips rows that somebody else has locked, so that it never waits.
//
// The lock of the organization keeps other changes out. The lock of the invitation does not: it
// makes the server look again at an invitation that has changed since the statement began.
func (s *Store) queueDue(b *pgx.Batch, at time.Time, limit int, due *[]invitations.Facts) {
	var version int64
	var limits invitations.Limits
	var found record
	place := map[string]int{} // of an organization in due
	st := s.statement()
	st.text("select ")
	st.column(&version, "o.version")
	limitsTable.selectRow(&st, "o", &limits)
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from ", s.in, "invitations i join ", s.in, "organizations o on o.id = i.organization",
		" where not o.deleted and i.state = 'pending' and i.sweep_at <= ", st.param("timestamptz", at),
		" order by i.sweep_at limit ", st.param("bigint", int64(limit)),
		" for no key update of o, i skip locked")
	st.collect(b, func() {
		i, ok := place[found.Organization]
		if !ok {
			i = len(*due)
			place[found.Organization] = i
			*due = append(*due, invitations.Facts{Organization: found.Organization, Version: version, Limits: limits})
		}
		(*due)[i].PendingRecords = append((*due)[i].PendingRecords, found)
	})
}
