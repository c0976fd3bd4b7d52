package pgstore

import (
	"context"
	"slices"
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
	load := &factsLoad{q: q, create: create}
	return s.change(ctx, "updating", func(b *pgx.Batch, to purpose) {
		s.queueFacts(b, load, to)
	}, func(b *pgx.Batch, to purpose) error {
		facts := load.result()
		changes, err := decide(*facts)
		if err != nil || changes.Empty() {
			return err
		}
		if err := s.checkPseudonym(changes); err != nil {
			return err
		}
		s.queueChanges(b, facts, &changes, to)
		return nil
	})
}

// queueOrganizationChange queues the statement that writes the organization's row, if it is needed:
// its next version, unless that was written when the row was locked, its limits and its deletion. A
// change of a deleted organization can leave rows for the next purge.
func (s *Store) queueOrganizationChange(b *pgx.Batch, f *invitations.Facts, changes *invitations.Changes, to purpose) {
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
func (s *Store) queueChanges(b *pgx.Batch, f *invitations.Facts, changes *invitations.Changes, to purpose) {
	s.queueOrganizationChange(b, f, changes, to)
	if len(changes.Quotas) > 0 {
		s.queueQuotaLock(b, f.Organization, changes.Quotas)
	}
	organization := textArgument(&f.Organization)
	version := f.Version + 1
	writes := make([]write, 0, writesInAStatement)
	existing := otherInvitations(f)
	arguments := len(changes.Invitations) * len(invitationsTable.columns) // about how many the writes have
	for i := range changes.Invitations {
		r := &changes.Invitations[i]
		if f.Invitation != nil && f.Invitation.ID == r.ID || existing[r.ID] {
			writes = append(writes, func(st *statement) { invitationsTable.put(st, r, organization) })
		} else {
			writes = append(writes, func(st *statement) { invitationsTable.insert(st, r, nil, organization) })
		}
	}
	var members map[string]*invitations.Member
	if s.host != nil {
		members = existingMembers(f)
	}
	arguments += len(changes.Members) * len(membersTable.columns)
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
		writes = append(writes, func(st *statement) { eventsTable.put(st, e, organization) })
	}
	arguments += (len(changes.ErasedEvents) + len(changes.Events)) * len(eventsTable.columns)
	for i := range changes.Events {
		e := &changes.Events[i]
		var shared []parameter
		if len(writes) == 1 && len(changes.Invitations) == 1 && len(changes.Events) == 1 { // both in one statement
			if shared = sharedParameters(e, version, &changes.Invitations[0]); shared != nil {
				arguments -= len(sharedColumns)
			}
		}
		writes = append(writes, func(st *statement) {
			eventsTable.insert(st, e, shared, organization, version, int32(i))
		})
	}
	s.queueWrites(b, writes, arguments)
}

// otherInvitations returns the IDs of the invitations in the facts, beside Invitation. A decision
// changes none that is not in the facts, so all others are new and must replace none.
func otherInvitations(f *invitations.Facts) map[uuid.UUID]bool {
	if len(f.Invitations)+len(f.PendingRecords)+len(f.TracedInvitations) == 0 {
		return nil
	}
	ids := map[uuid.UUID]bool{}
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

// queueWrites queues writes of different rows. arguments is about how many arguments they have
// together. Each statement gets room for its share of them.
func (s *Store) queueWrites(b *pgx.Batch, writes []write, arguments int) {
	all := len(writes)
	for len(writes) > 0 {
		n := min(len(writes), writesInAStatement)
		st := s.sized((arguments*n+all-1)/all, 0)
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

// sharedParameters returns, for each column of events, the parameter of the event's invitation that
// the event uses too. The parameters of the invitation are the first ones of the statement. An event
// shares them only if it is equal to the invitation in all columns that the event of a sending
// repeats: otherwise each combination of equal columns would be a different statement. For other events
// it returns nil.
func sharedParameters(e *event, version int64, r *record) []parameter {
	if version != r.SentVersion {
		return nil
	}
	for _, c := range sharedColumns {
		if c.equal != nil && !c.equal(e, r) {
			return nil
		}
	}
	return sharedBySending
}

// sharedColumns are the columns that the event of a sending repeats. The organization is always the
// same, and the store sets the version of an event.
var sharedColumns = []struct {
	event, invitation string
	equal             func(e *event, r *record) bool
}{
	{"organization", "organization", nil},
	{"version", "sent_version", nil},
	{"at", "sent_at", func(e *event, r *record) bool { return e.At.Equal(r.SentAt) }},
	{"actor", "sent_by", func(e *event, r *record) bool { return e.Actor == r.SentBy }},
	{"invitation_id", "id", func(e *event, r *record) bool { return e.InvitationID == r.ID }},
	{"role", "role", func(e *event, r *record) bool { return e.Role == r.Role }},
	{"quota_limit", "quota_limit", func(e *event, r *record) bool { return e.Quota.Limit == r.Quota.Limit }},
	{"quota_period", "quota_period", func(e *event, r *record) bool { return e.Quota.Period == r.Quota.Period }},
	{"email", "email", func(e *event, r *record) bool { return e.Email == r.Email }},
	{"max_uses", "max_uses", func(e *event, r *record) bool { return e.MaxUses == r.MaxUses }},
	{"expires_at", "expires_at", func(e *event, r *record) bool { return e.ExpiresAt.Equal(r.ExpiresAt) }},
	{"allowed_domains", "allowed_domains", func(e *event, r *record) bool {
		return slices.Equal(e.AllowedDomains, r.AllowedDomains)
	}},
}

// sharedBySending has what sharedParameters returns for the event of a sending. It is the same for
// every sending.
var sharedBySending = func() []parameter {
	shared := make([]parameter, len(eventsTable.columns))
	for _, c := range sharedColumns {
		shared[eventsTable.place(c.event)] = parameter(invitationsTable.place(c.invitation) + 1)
	}
	return shared
}()
