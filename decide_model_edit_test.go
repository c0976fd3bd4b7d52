package invitations

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What is changed after it was sent, and what is sent in one call, in the world of
// TestHistories.

// anyEdit draws what to change: often little, and sometimes to what it is already.
func (w *world) anyEdit(t *rapid.T) (e edit) {
	if rapid.Bool().Draw(t, "a role") {
		e.role = w.anyRole(t)
	}
	if rapid.IntRange(0, 3).Draw(t, "a message") == 0 {
		message := rapid.SampledFrom([]string{"", "Hello"}).Draw(t, "message")
		e.message = &message
	}
	if rapid.IntRange(0, 2).Draw(t, "a lifetime") == 0 {
		e.lifetime = rapid.SampledFrom([]time.Duration{30 * time.Minute, day, 4 * day}).Draw(t, "lifetime")
	}
	if rapid.IntRange(0, 3).Draw(t, "a limit") == 0 {
		uses := rapid.IntRange(0, 3).Draw(t, "max uses")
		e.maxUses = &uses
	}
	if rapid.IntRange(0, 3).Draw(t, "domains") == 0 {
		domains := rapid.SampledFrom([][]string{nil, {"example.com"}, {"evil.example", "example.com"}}).Draw(t, "allowed domains")
		e.domains = &domains
	}
	return e
}

func (w *world) edit(t *rapid.T) {
	actor, id, e := w.anyActor(t), w.anyID(t), w.anyEdit(t)
	before, exists := w.records[id]
	record, changes, err := performed(t, w, editing{actor, acme, id, e})

	want := before.Clone()
	if e.role != "" {
		want.Role = e.role
	}
	if e.message != nil {
		want.Message = *e.message
	}
	if e.lifetime != 0 {
		want.ExpiresAt = w.now.Add(e.lifetime)
	}
	if e.maxUses != nil {
		want.MaxUses = *e.maxUses
	}
	if e.domains != nil {
		want.AllowedDomains = *e.domains
	}
	allowed := w.actorMay(actor, PermissionInvitationCreate) && exists && w.actorCanGive(actor, before.Role) &&
		w.actorCanGive(actor, want.Role) && (before.Quota == Quota{} || w.actorMay(actor, PermissionQuotaUpdate))
	nothing := want.Role == before.Role && want.Message == before.Message && want.ExpiresAt.Equal(before.ExpiresAt) &&
		want.MaxUses == before.MaxUses && slices.Equal(want.AllowedDomains, before.AllowedDomains)
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrRoleNotAssignable}, err)
	case !w.isPending(before):
		require.ErrorIs(t, err, ErrNotPending)
	case before.Kind == KindEmail && (e.maxUses != nil || e.domains != nil),
		e.maxUses != nil && *e.maxUses > 0 && *e.maxUses <= before.Uses:
		require.ErrorIs(t, err, ErrInvalid)
	case nothing:
		require.NoError(t, err)
		require.True(t, changes.Empty())
		require.Equal(t, before.Invitation, record.Invitation)
	default:
		require.NoError(t, err)
		want.SentBy = actor.user // all else stays: the nonce, and when it was sent
		if e.lifetime != 0 {
			reminds := w.due[want.ID].reminder
			if w.plan(want); !reminds { // it has had its reminder, or was to have none
				w.due[want.ID] = due{at: want.ExpiresAt}
			}
			want.SweepAt = w.due[id].at
		}
		require.Equal(t, []Record{want}, changes.Invitations)
		w.vouched[id] = w.tick()
	}
	w.apply(t, changes)
}

// inviteAll sends several at once. What becomes of each is what would become of it alone after
// those before it.
func (w *world) inviteAll(t *rapid.T) {
	actor := w.anyActor(t)
	b := bulk{actor: actor, organization: acme}
	fine := slices.Clone(w.drafts)
	for range rapid.IntRange(1, 5).Draw(t, "rows") {
		var d bulkRow
		switch choice := rapid.IntRange(0, 7).Draw(t, "row"); {
		case choice == 0:
			d.err = invalid("email", "is bad")
		case choice == 1 && len(fine) > 0: // an id of before, or of the same batch
			d.creation = creationOf(actor, w.repeated(t, actor, fine))
		default:
			d.creation = creationOf(actor, w.anyDraft(t, actor))
		}
		if b.rows = append(b.rows, d); d.err == nil {
			fine = append(fine, d.draft)
		}
	}
	all, changes, err := performed(t, w, b)
	if !w.actorMay(actor, PermissionInvitationCreate) {
		require.Equal(t, ErrPermissionDenied, err)
		return
	}
	require.NoError(t, err)
	require.Len(t, all, len(b.rows))
	one := w.clone()
	var want Changes
	for i, d := range b.rows {
		if d.err != nil {
			require.Equal(t, bulkResult{err: d.err}, all[i])
			continue
		}
		result, c, err := d.decide(w.svc.rules(), one.facts(d.needs(w.svc.rules())))
		if result.record.SentVersion > w.version { // of this batch, which is one change
			result.record.SentVersion = w.version + 1
		}
		require.Equal(t, bulkResult{result, err}, all[i], "row %d", i)
		if one.apply(t, c); !c.Empty() {
			want.Invitations = append(want.Invitations, result.record)
			want.Events = append(want.Events, c.Events...)
			w.drafts = append(w.drafts, d.draft)
			w.remember(result.record)
		}
	}
	require.Equal(t, want, changes)
	w.apply(t, changes)
}

// clone returns a world in which other things can happen.
func (w *world) clone() *world {
	c := *w
	c.members, c.removals, c.records = maps.Clone(w.members), maps.Clone(w.removals), maps.Clone(w.records)
	c.quotas, c.quotaSet = maps.Clone(w.quotas), maps.Clone(w.quotaSet)
	c.events, c.policies = slices.Clip(w.events), maps.Clone(w.policies)
	c.ended, c.due = maps.Clone(w.ended), map[uuid.UUID]due{}
	return &c
}
