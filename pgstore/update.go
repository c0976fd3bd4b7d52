package pgstore

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.update(ctx, q, false, decide)
}

// Create implements [invitations.Store].
func (s *Store) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.update(ctx, q, true, decide)
}

func (s *Store) update(ctx context.Context, q invitations.Query, create bool, decide invitations.Decision) error {
	if err := s.checkIDs(q.Organization, q.Members...); err != nil {
		return err
	}
	var load func() invitations.Facts
	return s.change(ctx, "updating", func(b *pgx.Batch, to purpose) {
		load = s.queueFacts(b, q, to, create)
	}, func(b *pgx.Batch, to purpose) error {
		facts := load()
		changes, err := decide(facts)
		if err != nil || changes.Empty() {
			return err
		}
		if err := s.checkPseudonym(changes); err != nil {
			return err
		}
		s.queueChanges(b, facts, changes, to)
		return nil
	})
}

// queueOrganizationChange queues the statement that writes the organization's row, if it is needed:
// its next version, unless that was written when the row was locked, its limits and its deletion. A
// change of a deleted organization can leave rows for the next purge.
func (s *Store) queueOrganizationChange(b *pgx.Batch, f invitations.Facts, changes invitations.Changes, to purpose) {
	if to != toLock && changes.Limits == nil && !changes.Deleted && !f.Deleted {
		return
	}
	st := s.statement()
	st.text("update ", s.in, "organizations set version = ", st.param("bigint", f.Version+1))
	if changes.Limits != nil {
		st.text(", ")
		limitsTable.set(&st, changes.Limits)
	}
	if changes.Deleted || f.Deleted {
		st.text(", deleted = true, purged = false")
	}
	st.text(" where id = ", st.param("text", f.Organization))
	st.queue(b)
}

// queueChanges queues the writes of changes.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes, to purpose) {
	s.queueOrganizationChange(b, f, changes, to)
	if len(changes.Quotas) > 0 {
		s.queueQuotaLock(b, f.Organization, changes.Quotas)
	}
	var organization any = f.Organization // one copy for all rows
	version := f.Version + 1
	var writes []write
	var invitation, event []any // the arguments of the last ones
	existing, members := existingInvitations(f), existingMembers(f)
	for i := range changes.Invitations {
		r := &changes.Invitations[i]
		row := invitationsTable.arguments(r, organization)
		if existing[r.ID] {
			writes = append(writes, func(st *statement) { invitationsTable.put(st, row) })
		} else {
			writes = append(writes, func(st *statement) { invitationsTable.insert(st, row) })
		}
		invitation = row
	}
	for i := range changes.Members {
		m := &changes.Members[i]
		writes = s.appendMember(writes, organization, m, members[m.UserID])
	}
	for _, user := range changes.RemovedMembers {
		writes = s.appendMemberDeletion(writes, organization, user, changes.Events)
	}
	for _, user := range changes.Removals {
		writes = append(writes, func(st *statement) {
			st.text("insert into ", s.in, "removals as t (organization, user_id, version) values (",
				st.param("text", organization), ", ", st.param("text", user), ", ", st.param("bigint", version),
				") on conflict (organization, user_id) do update set version = excluded.version")
		})
	}
	for _, q := range changes.Quotas {
		writes = s.appendQuota(writes, organization, q)
	}
	for i := range changes.ErasedEvents {
		e := &changes.ErasedEvents[i]
		row := eventsTable.arguments(e, organization)
		writes = append(writes, func(st *statement) { eventsTable.put(st, row) })
	}
	for i := range changes.Events {
		row := eventsTable.arguments(&changes.Events[i], organization, version, int32(i))
		writes = append(writes, func(st *statement) { eventsTable.insert(st, row) })
		event = row
	}
	if len(writes) == 2 && invitation != nil && event != nil { // both in one statement
		shareParameters(event, invitation)
	}
	s.queueWrites(b, writes)
}

// existingInvitations returns the IDs of the invitations in the facts. A decision changes no
// others, so all others are new and must replace none.
func existingInvitations(f invitations.Facts) map[uuid.UUID]bool {
	ids := map[uuid.UUID]bool{}
	if f.Invitation != nil {
		ids[f.Invitation.ID] = true
	}
	for id := range f.Invitations {
		ids[id] = true
	}
	for i := range f.PendingRecords {
		ids[f.PendingRecords[i].ID] = true
	}
	for i := range f.TracedInvitations {
		ids[f.TracedInvitations[i].ID] = true
	}
	return ids
}

// A write appends an insertion, an update or a deletion to a statement.
type write func(st *statement)

// writesInAStatement is how many writes are joined into one statement. Every statement has its
// cost, but every combination of writes is a different statement to plan and to keep.
const writesInAStatement = 4

// queueWrites queues writes of different rows.
func (s *Store) queueWrites(b *pgx.Batch, writes []write) {
	for len(writes) > 0 {
		n := min(len(writes), writesInAStatement)
		st := s.statement()
		st.args = make([]any, 0, 40)
		for i, write := range writes[:n-1] {
			if i == 0 {
				st.text("with ")
			} else {
				st.text(", ")
			}
			st.text("w", strconv.Itoa(i), " as (")
			write(&st)
			st.text(")")
		}
		if n > 1 {
			st.text(" ")
		}
		writes[n-1](&st)
		st.queue(b)
		writes = writes[n:]
	}
}

// shareParameters has an event use the parameters of its invitation, which are the first ones of
// their statement. It does so only if they are equal in all columns that the event of a sending
// repeats: otherwise each combination of equal columns would be a different statement.
func shareParameters(event, invitation []any) {
	for _, c := range sharedColumns {
		if event[c.event] != invitation[c.invitation] {
			return
		}
	}
	for _, c := range sharedColumns {
		event[c.event] = parameter(c.invitation + 1)
	}
}

// sharedColumns are the places of the columns that the event of a sending repeats.
var sharedColumns = func() (places []struct{ event, invitation int }) {
	for _, c := range [][2]string{
		{"organization", "organization"}, {"version", "sent_version"}, {"at", "sent_at"}, {"actor", "sent_by"},
		{"invitation_id", "id"}, {"role", "role"}, {"quota_limit", "quota_limit"}, {"quota_period", "quota_period"},
		{"email", "email"}, {"max_uses", "max_uses"}, {"expires_at", "expires_at"},
		{"allowed_domains", "allowed_domains"},
	} {
		places = append(places, struct{ event, invitation int }{
			eventsTable.place(c[0]), invitationsTable.place(c[1]),
		})
	}
	return places
}()
