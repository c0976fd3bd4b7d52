package invitations

import (
	"maps"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What a store does, in the world of TestHistories.

// performed runs an act as the service does.
func performed[T any](t *rapid.T, w *world, a act[T]) (T, Changes, error) {
	return decided(t, w.facts(a.needs(w.svc.rules())), func(f Facts) (T, Changes, error) { return a.decide(w.svc.rules(), f) })
}

// performedLate is performed, but the step is sometimes later than the call: an invitation
// that was pending at the call has expired.
func performedLate[T any](t *rapid.T, w *world, a act[T]) (T, Changes, error) {
	f := w.facts(a.needs(w.svc.rules()))
	if rapid.IntRange(0, 4).Draw(t, "late") == 4 {
		w.wait(t)
	}
	return decided(t, f, func(f Facts) (T, Changes, error) { return a.decide(w.svc.rules(), f) })
}

// facts gives what q asks for and nothing else, as a strict store would.
func (w *world) facts(q Query) Facts {
	f := Facts{
		Organization: acme, Version: w.version,
		Invitations: map[uuid.UUID]Record{}, Members: map[string]Member{}, Removals: map[string]int64{}, PendingByEmail: map[string]uuid.UUID{}, Quotas: map[string]QuotaRecord{},
	}
	emails := q.Emails
	if record, ok := w.records[q.Invitation]; ok {
		record = record.Clone()
		f.Invitation = &record
		if sender, ok := w.members[record.SentBy]; ok && q.Sender {
			f.Sender = &sender
		}
		if q.SameEmail {
			emails = append(slices.Clip(emails), record.Email)
		}
	}
	for _, id := range q.Invitations {
		if r, ok := w.records[id]; ok {
			f.Invitations[id] = r.Clone()
		}
	}
	for _, user := range q.Members {
		if m, ok := w.members[user]; ok {
			f.Members[user] = m
		}
		if r, ok := w.removals[user]; ok && q.Removals {
			f.Removals[user] = r
		}
	}
	for user, quota := range w.quotas {
		if q.Quotas && (user == "" || slices.Contains(q.Members, user)) {
			f.Quotas[user] = quota
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(w.records), compareIDs) {
		record := w.records[id]
		if record.State != StatePending || !record.ExpiresAt.After(q.PendingAt) {
			continue
		}
		f.PendingCount = min(f.PendingCount+1, q.PendingUpTo)
		if record.Kind == KindEmail {
			f.PendingEmailCount = min(f.PendingEmailCount+1, q.PendingEmailsUpTo)
		}
		if record.Email != "" && slices.Contains(emails, record.Email) {
			f.PendingByEmail[record.Email] = record.ID
		}
		if q.PendingSentBy != "" && record.SentBy == q.PendingSentBy || q.PendingFor != "" && record.Email == q.PendingFor {
			f.PendingRecords = append(f.PendingRecords, record.Clone())
		}
	}
	for _, e := range slices.Backward(w.events) {
		if e.Email != "" && e.At.After(q.SendingsAfter) {
			f.Sendings = append(f.Sendings, Sending{At: e.At, Actor: e.Actor, Email: e.Email})
		}
	}
	slices.SortStableFunc(f.Sendings, func(a, b Sending) int { return b.At.Compare(a.At) })
	f.Sendings = f.Sendings[:min(len(f.Sendings), q.SendingsUpTo)]
	f.MemberCount = min(len(w.members), q.MembersUpTo)
	f.OwnerCount = min(w.owners(), q.OwnersUpTo)
	return f
}

// apply does what a store does with changes.
func (w *world) apply(t *rapid.T, c Changes) {
	if c.Empty() {
		return
	}
	w.version++
	touched := slices.Clone(c.RemovedMembers)
	for _, user := range c.RemovedMembers {
		require.Contains(t, w.members, user)
		delete(w.members, user)
	}
	for _, m := range c.Members {
		require.Equal(t, acme, m.Organization)
		require.NotContains(t, touched, m.UserID, "put twice, or gone")
		touched = append(touched, m.UserID)
		w.members[m.UserID] = m
	}
	require.LessOrEqual(t, len(c.Removals), 1, "one person loses at a time")
	for _, user := range c.Removals {
		require.Contains(t, touched, user, "a removed or demoted member")
		w.removals[user] = w.version
	}
	for _, q := range c.Quotas {
		require.Equal(t, QuotaRecord{Organization: acme, UserID: q.UserID, Quota: q.Quota, Version: w.version}, q)
		if old := w.quotas[q.UserID]; old.Period == q.Period {
			q.PeriodStart, q.Used = old.PeriodStart, old.Used
		}
		w.quotas[q.UserID] = q
		w.quotaSet[q.UserID] = w.tick()
	}
	put := map[uuid.UUID]bool{}
	for _, record := range c.Invitations {
		require.Equal(t, acme, record.Organization)
		require.False(t, put[record.ID], "put twice")
		put[record.ID] = true
		w.records[record.ID] = record.Clone()
		if record.State != StatePending {
			w.ended[record.ID] = record.Clone()
			delete(w.due, record.ID)
		}
	}
	for i, e := range c.Events {
		require.Equal(t, acme, e.Organization)
		require.Equal(t, w.now, e.At)
		require.Zero(t, e.Version, "which the store gives")
		require.Zero(t, e.Index)
		e.Version, e.Index = w.version, i
		w.events = append(w.events, e)
	}
	w.policies[w.version] = w.policy()
}
