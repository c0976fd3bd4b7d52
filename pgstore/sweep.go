package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Sweep implements [invitations.Store].
//
// It looks for due invitations of all organizations without a lock, in one round trip. Then one
// transaction locks their organizations, each by a statement of its own, reads the invitations
// again, decides and writes. So the decision sees what no change can alter any more, and no
// statement locks rows of several organizations.
//
// An organization that somebody else has locked is left out. If that leaves room for others that the
// limit kept from being found, the sweep rolls back and begins again without that organization, three
// times at most. In a transaction of the host, its locks stay until the host ends it.
func (s *Store) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	var busy []string // organizations that somebody else has locked
	restarts := 0
	for {
		found, all, err := s.findDue(ctx, at, limit, busy)
		if err != nil || len(found) == 0 {
			return err
		}
		var skipped []string
		err = s.change(ctx, "sweeping", func(b *pgx.Batch, _ purpose) {
			for _, d := range found {
				s.queueLockUnlessBusy(b, d)
				s.queueDue(b, at, d)
			}
		}, func(b *pgx.Batch, _ purpose) error {
			skipped = nil
			var due []invitations.Facts
			for _, d := range found {
				if d.facts.Version == 0 {
					skipped = append(skipped, d.organization)
				}
				if len(d.facts.PendingRecords) > 0 {
					due = append(due, d.facts)
				}
			}
			switch {
			case len(due) < len(found) && !all && (len(due) == 0 || restarts < maxRestarts):
				return errOthersAreDue
			case len(due) == 0:
				return nil
			}
			for i, changes := range decide(due) {
				if !changes.Empty() {
					s.queueChanges(b, &due[i], &changes, toLock)
				}
			}
			return nil
		})
		if !errors.Is(err, errOthersAreDue) {
			return err
		}
		busy = append(busy, skipped...)
		restarts++
	}
}

// maxRestarts is how often a sweep begins again because others have locked some of its
// organizations. Then it returns fewer invitations than its limit.
const maxRestarts = 3

// errOthersAreDue makes a sweep begin again.
var errOthersAreDue = errors.New("other organizations may have due invitations")

// A dueOrganization is an organization that has due invitations.
type dueOrganization struct {
	organization string
	ids          []uuid.UUID       // of invitations that were due before the lock, the earliest first
	facts        invitations.Facts // under the lock; Version 0: not locked, because another transaction has the lock or it was deleted
}

// findDue finds the due invitations, up to the limit, except those of busy organizations. all reports
// that there are no others.
func (s *Store) findDue(
	ctx context.Context, at time.Time, limit int, busy []string,
) (found []*dueOrganization, all bool, err error) {
	err = s.read(ctx, "looking for due invitations", func(b *pgx.Batch) {
		var organization textValue
		var id uuidValue
		found, all = nil, true
		place, n := map[string]*dueOrganization{}, 0
		st := s.statement()
		st.text("select ")
		st.column(&organization, "i.organization")
		st.column(&id, "i.id")
		st.text(" from ", s.in, "invitations i join ", s.in, "organizations o on o.id = i.organization",
			" where not o.deleted and i.state = 'pending' and i.sweep_at <= ", st.param("timestamptz", at),
			unseen(&st, "i.organization", busy),
			" order by i.sweep_at limit ", st.param("bigint", int64(limit)))
		st.collect(b, func() {
			d := place[string(organization)]
			if d == nil {
				d = &dueOrganization{organization: string(organization)}
				place[d.organization] = d
				found = append(found, d)
			}
			d.ids = append(d.ids, uuid.UUID(id))
			n++
			all = n < limit
		})
	})
	return found, all, err
}

// queueLockUnlessBusy queues the statement that locks an organization, unless somebody else has
// locked it.
func (s *Store) queueLockUnlessBusy(b *pgx.Batch, d *dueOrganization) {
	d.facts = invitations.Facts{}
	st := s.statement()
	st.text("select ")
	st.column((*bigintValue)(&d.facts.Version), "o.version")
	limitsTable.selectRow(&st, "o", &d.facts.Limits)
	st.text(" from ", s.in, "organizations o where o.id = ", st.param("text", d.organization),
		" and not o.deleted for no key update skip locked")
	st.collect(b, func() { d.facts.Organization = d.organization })
}

// queueDue queues the statement that reads those invitations that are still due. It begins when the
// organization is locked.
func (s *Store) queueDue(b *pgx.Batch, at time.Time, d *dueOrganization) {
	var found record
	st := s.statement()
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from pg_catalog.jsonb_array_elements_text(", st.param("jsonb", list(d.ids)), ") as wanted (id)",
		" join ", s.in, "invitations i on i.organization = ", st.param("text", d.organization), " and i.id = wanted.id::uuid",
		" where i.state = 'pending' and i.sweep_at <= ", st.param("timestamptz", at), " order by i.sweep_at")
	st.collect(b, func() {
		if d.facts.Version > 0 {
			d.facts.PendingRecords = append(d.facts.PendingRecords, found)
		}
	})
}
