package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store].
func (s *Store) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
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
				s.queueVersion(b, due[i])
				s.queueChanges(b, due[i], changes)
			}
		}
		return nil
	})
}

// queueDue queues what locks and loads the invitations that are due, with their organizations.
// The organization is locked first, as by every change. Rows that somebody else holds are
// skipped, so that nothing here ever waits, and a row that has changed since the statement
// began is looked at again as it is now: that is why the invitation is locked too, although
// whoever holds its organization is the only one to change it.
func (s *Store) queueDue(b *pgx.Batch, at time.Time, limit int, due *[]invitations.Facts) {
	st := s.statement()
	st.text("select o.version, ", invitationColumns, " from ", s.in, "invitations i join ", s.in, "organizations o on o.id = i.organization",
		" where i.state = 'pending' and i.sweep_at <= ", st.param("timestamptz", at), " order by i.sweep_at limit ", st.param("bigint", int64(limit)),
		" for no key update of o, i skip locked")
	st.queue(b).Query(func(rows pgx.Rows) error {
		place := map[string]int{} // of an organization's facts
		for rows.Next() {
			var version int64
			var row invitationRow
			if err := rows.Scan(append([]any{&version}, row.targets()...)...); err != nil {
				return err
			}
			record, err := row.record()
			if err != nil {
				return err
			}
			i, ok := place[record.Organization]
			if !ok {
				i = len(*due)
				place[record.Organization] = i
				*due = append(*due, invitations.Facts{Organization: record.Organization, Version: version})
			}
			(*due)[i].PendingRecords = append((*due)[i].PendingRecords, record)
		}
		return nil
	})
}
