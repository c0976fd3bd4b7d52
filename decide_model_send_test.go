package invitations

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What members and the host send, in the world of TestHistories.

func (w *world) invite(t *rapid.T) {
	actor := w.anyActor(t)
	w.create(t, actor, w.anyDraft(t, actor))
}

func (w *world) anyDraft(t *rapid.T, actor Actor) Record {
	draft := Record{
		Invitation: Invitation{
			ID: w.newUUID(), Organization: acme, Kind: KindLink, State: StatePending, Role: w.anyRole(t), Quota: anyQuota(t),
			MaxUses: rapid.IntRange(0, 3).Draw(t, "max uses"), CreatedBy: actor.user, SentBy: actor.user,
			CreatedAt: w.now, SentAt: w.now,
			ExpiresAt: w.now.Add(time.Duration(rapid.IntRange(1, 4).Draw(t, "days")) * day),
		},
		Nonce: w.freshNonce(),
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		draft.AllowedDomains = []string{"example.com"}
	case 1:
	default:
		draft.Kind, draft.MaxUses = KindEmail, 1
		draft.Email = rapid.SampledFrom(worldEmails).Draw(t, "email")
	}
	return draft
}

// createAgain repeats a call that was answered before, as the same actor or as another.
func (w *world) createAgain(t *rapid.T) {
	if len(w.drafts) == 0 {
		t.Skip("nothing to repeat")
	}
	actor := w.anyActor(t)
	w.create(t, actor, w.repeated(t, actor, w.drafts))
}

// repeated draws one of the drafts again, as actor would ask for it now.
func (w *world) repeated(t *rapid.T, actor Actor, drafts []Record) Record {
	draft := rapid.SampledFrom(drafts).Draw(t, "draft").Clone()
	lifetime := draft.ExpiresAt.Sub(draft.SentAt)
	draft.CreatedAt, draft.SentAt, draft.ExpiresAt = w.now, w.now, w.now.Add(lifetime)
	draft.Nonce = w.freshNonce()
	draft.CreatedBy, draft.SentBy = actor.user, actor.user
	if rapid.Bool().Draw(t, "other content") {
		draft.Message += "!"
	}
	return draft
}

func (w *world) create(t *rapid.T, actor Actor, draft Record) {
	result, changes, err := performed(t, w, creationOf(actor, draft))
	record := result.record

	existing, exists := w.records[draft.ID]
	allowed := w.actorMay(actor, PermissionInvitationCreate) && w.actorCanGive(actor, draft.Role) &&
		(draft.Quota == Quota{} || w.actorMay(actor, PermissionQuotaUpdate))
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrRoleNotAssignable}, err)
	case exists:
		same := existing.Message == draft.Message && existing.CreatedBy == draft.CreatedBy && existing.Role == draft.Role &&
			existing.MaxUses == draft.MaxUses && slices.Equal(existing.AllowedDomains, draft.AllowedDomains) &&
			existing.ExpiresAt.Sub(existing.SentAt) == draft.ExpiresAt.Sub(draft.SentAt)
		if same {
			require.NoError(t, err)
			require.Equal(t, existing, record)
			require.True(t, changes.Empty())
		} else {
			require.Equal(t, ErrConflict, err)
		}
	case w.addressPending(draft.Email):
		require.ErrorIs(t, err, ErrAlreadyInvited)
	case len(w.pendingNow()) >= w.svc.config.PendingLimit:
		require.Equal(t, ErrPendingLimit, err)
	case draft.Email != "" && !w.seatToReserve():
		require.Equal(t, ErrMemberLimit, err)
	case draft.Email != "" && w.freeAt(actor, draft.Email).After(w.now):
		require.Equal(t, &RateLimitError{At: w.freeAt(actor, draft.Email)}, err)
	default:
		require.NoError(t, err)
		w.drafts = append(w.drafts, draft)
		require.Equal(t, []Record{record}, changes.Invitations)
		w.remember(record)
	}
	w.apply(t, changes)
}

// remember notes that record was sent.
func (w *world) remember(record Record) {
	w.sent = append(w.sent, claim{acme, record.ID, record.Nonce})
	w.sentAt[record.ID] = w.tick()
	w.vouched[record.ID] = w.ticks
	if record.Email != "" {
		w.mails = append(w.mails, mail{w.now, record.SentBy, record.Email})
	}
	w.plan(record)
}

func (w *world) addressPending(email string) bool {
	return email != "" && slices.ContainsFunc(w.pendingNow(), func(r Record) bool { return r.Email == email })
}

// seatToReserve reports whether there is a seat for one more recipient, if they are reserved.
func (w *world) seatToReserve() bool {
	return !w.svc.config.ReserveSeats || len(w.members)+len(w.pendingNow(KindEmail)) < w.svc.config.MemberLimit
}

func (w *world) resend(t *rapid.T) {
	actor, id, nonce := w.anyActor(t), w.anyID(t), w.freshNonce()
	before, exists := w.records[id]
	full := len(w.pendingNow()) >= w.svc.config.PendingLimit || w.addressPending(before.Email) ||
		before.Email != "" && !w.seatToReserve()
	_, changes, err := performed(t, w, resending{actor, acme, id, nonce, 0})
	allowed := w.actorMay(actor, PermissionInvitationResend) && exists && w.actorCanGive(actor, before.Role) &&
		(before.Quota == Quota{} || w.actorMay(actor, PermissionQuotaUpdate)) &&
		before.State == StatePending && (w.isPending(before) || !full)
	tooSoon := before.SentAt.Add(w.svc.config.ResendCooldown)
	free := w.now
	if allowed && before.Email != "" {
		free = w.freeAt(actor, before.Email)
	}
	switch {
	case !allowed:
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrRateLimited)
	case before.Email != "" && tooSoon.After(w.now):
		require.Equal(t, &RateLimitError{TooSoon: true, At: tooSoon}, err)
	case free.After(w.now):
		require.Equal(t, &RateLimitError{At: free}, err)
	default:
		require.NoError(t, err)
		after := changes.Invitations[0]
		require.Equal(t, nonce, after.Nonce)
		require.Equal(t, actor.user, after.SentBy)
		require.Equal(t, before.Uses, after.Uses)
		w.remember(after)
	}
	w.apply(t, changes)
}

func (w *world) revoke(t *rapid.T) {
	actor, id := w.anyActor(t), w.anyID(t)
	_, changes, err := performed(t, w, revocation{actor, acme, id})
	record, exists := w.records[id]
	allowed := w.actorMay(actor, PermissionInvitationRevoke) && exists && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	w.apply(t, changes)
}
