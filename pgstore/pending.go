package pgstore

import (
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An organization with many pending invitations keeps their number, so that a change need not count
// them: the number of those that expire after an instant, pending_at. Their number at another instant
// differs by those that expire between the two, which an index has. A change that counts them moves
// pending_at to its own instant, so each expiry is counted once.
//
// All changes know whether the number is kept, from the row that they lock, and write the difference
// that they make. A purge deletes expired ones and forgets the number.

// manyPending is how many pending invitations make a change keep their number. With less than half of
// it, the number is forgotten.
const manyPending = 200

// holdsPendingCount is the condition that the number of an organization o is kept.
const holdsPendingCount = "o.pending_version = o.version"

// selectPendingCount adds the number of pending invitations, up to the limit.
func (r *factsRow) selectPendingCount(st *statement, target *int, limit []string) {
	at := r.pendingAt
	st.column((*integerValue)(target), "case when ", holdsPendingCount, " then greatest(0, least(")
	st.text(limit...)
	st.text(", o.pending_count + (select pg_catalog.count(*) from ", r.s.in, "invitations i where i.organization = ", r.organization,
		" and i.state = 'pending' and i.expires_at > least(o.pending_at, ", at, ") and i.expires_at <= greatest(o.pending_at, ", at, "))",
		" * case when o.pending_at > ", at, " then 1 else -1 end))",
		" else (select pg_catalog.count(*) from (select")
	r.fromPending(st)
	st.text(" limit ")
	st.text(limit...)
	st.text(") as counted) end")
}

// appendPendingCount adds the write of the number of pending invitations, if it is kept or should be.
// keptAt is the column pending_at; zero: it is not kept.
func (s *Store) appendPendingCount(
	writes []write, organization any, q *invitations.Query, f *invitations.Facts, changes *invitations.Changes, keptAt time.Time,
) []write {
	// A count that has reached the limit may be too low.
	counted := q.CountPending && f.PendingCount < f.Limits.Or(q.Limits).Pending
	if keptAt.IsZero() && (!counted || f.PendingCount < s.manyPending) {
		return writes
	}
	if counted {
		keptAt = q.PendingAt.Truncate(time.Microsecond)
	}
	more := pendingAfter(keptAt, changes.Invitations) - pendingAfter(keptAt, replaced(f, changes))
	switch {
	case counted && 2*f.PendingCount < s.manyPending:
		return append(writes, func(st *statement) {
			st.text("update ", s.in, "organizations set pending_count = null, pending_at = null, pending_version = null",
				" where id = ", st.param("text", organization))
		})
	case counted:
		return append(writes, func(st *statement) {
			st.text("update ", s.in, "organizations set pending_count = ", st.param("bigint", int64(f.PendingCount+more)),
				", pending_at = ", st.param("timestamptz", keptAt), ", pending_version = ", st.param("bigint", f.Version+1),
				" where id = ", st.param("text", organization))
		})
	case more != 0:
		return append(writes, func(st *statement) {
			st.text("update ", s.in, "organizations set pending_count = pending_count + ", st.param("bigint", int64(more)),
				" where id = ", st.param("text", organization))
		})
	}
	return writes
}

// pendingAfter returns how many of the invitations are pending and expire after an instant.
func pendingAfter(at time.Time, all []invitations.Record) (n int) {
	for i := range all {
		if all[i].State == invitations.StatePending && all[i].ExpiresAt.After(at) {
			n++
		}
	}
	return n
}

// replaced returns the invitations that changes replace, each once.
func replaced(f *invitations.Facts, changes *invitations.Changes) (old []invitations.Record) {
	left := map[uuid.UUID]bool{}
	for i := range changes.Invitations {
		left[changes.Invitations[i].ID] = true
	}
	add := func(r invitations.Record) {
		if left[r.ID] {
			old = append(old, r)
			delete(left, r.ID)
		}
	}
	if f.Invitation != nil {
		add(*f.Invitation)
	}
	for _, r := range f.Invitations {
		add(r)
	}
	for _, r := range f.PendingRecords {
		add(r)
	}
	for _, r := range f.TracedInvitations {
		add(r)
	}
	return old
}
