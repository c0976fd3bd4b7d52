package invitations

import (
	"maps"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// The steps of TestHistories on members and quotas.

func (w *world) changeRole(t *rapid.T) {
	actor, user, role := w.anyActor(t), anyUser(t, "user"), w.anyRole(t)
	before, removals := w.members[user], maps.Clone(w.removals)
	member, changes, err := performedLate(t, w, roleChangeBy(actor, user, role))
	allowed := w.canActOn(actor, PermissionMemberUpdate, user) && w.canGrant(actor, role) &&
		(role == RoleOwner || !w.isLastOwner(user))
	require.Equal(t, allowed, err == nil, "%v", err)
	if !allowed {
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrRoleNotAssignable, ErrLastOwner}, err)
		return
	}
	want := before
	want.Role = role
	require.Equal(t, want, member)
	if actor != System() {
		require.True(t, holdsAllOf(w.policy(), w.members[actor.user].Role, member.Role), "nobody grants more than they hold")
	}
	if before.Role == role {
		require.True(t, changes.Empty())
		return
	}
	w.applyLoss(t, changes, actor, user, role)
	require.Equal(t, member, w.members[user])
	w.checkDemotion(t, removals, user, before.Role, role)
}

func (w *world) removeMember(t *rapid.T) {
	actor, user := w.anyActor(t), anyUser(t, "user")
	before := w.members[user]
	member, changes, err := performedLate(t, w, memberRemoval{actor, acme, user})
	allowed := w.canActOn(actor, PermissionMemberRemove, user) && !w.isLastOwner(user)
	require.Equal(t, allowed, err == nil, "%v", err)
	if !allowed {
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrLastOwner}, err)
		return
	}
	require.Equal(t, before, member)
	w.applyLoss(t, changes, actor, user, "")
	require.NotContains(t, w.members, user)
	require.Contains(t, w.removals, user)
	w.removedAt[user] = w.tick()
}

func (w *world) leave(t *rapid.T) {
	user := anyUser(t, "user")
	before, isMember := w.members[user]
	removals := maps.Clone(w.removals)
	member, changes, err := performedLate(t, w, leaving{acme, user})
	switch {
	case !isMember:
		require.Equal(t, ErrNotFound, err)
	case w.isLastOwner(user):
		require.Equal(t, ErrLastOwner, err)
	default:
		require.NoError(t, err)
		require.Equal(t, before, member)
		w.applyLoss(t, changes, User(user), user, "")
		require.NotContains(t, w.members, user)
		require.Equal(t, removals, w.removals, "leaving is not a removal")
	}
}

func (w *world) transfer(t *rapid.T) {
	actor, from, to, role := w.anyActor(t), anyUser(t, "from"), anyUser(t, "to"), w.anyRole(t)
	if !w.policy().Has(role) {
		t.Skip("refused as an argument")
	}
	owners, removals := w.owners(), maps.Clone(w.removals)
	old, isMember := w.members[from]
	heir, isHeirMember := w.members[to]
	wasOwner := heir.Role == RoleOwner
	member, changes, err := performedLate(t, w, transferBy(actor, from, to, role))
	switch {
	case !w.may(actor, PermissionOrganizationManage) || !w.canGrant(actor, RoleOwner):
		require.Equal(t, ErrPermissionDenied, err)
	case from == to || role == RoleOwner:
		require.Equal(t, ErrConflict, err)
	case !isMember || !isHeirMember:
		require.Equal(t, ErrNotFound, err)
	case old.Role != RoleOwner:
		require.Equal(t, ErrConflict, err)
	default:
		require.NoError(t, err)
		heir.Role, old.Role = RoleOwner, role
		require.Equal(t, heir, member)
		w.applyLoss(t, changes, actor, from, role)
		require.Equal(t, heir, w.members[to])
		require.Equal(t, old, w.members[from])
		w.checkDemotion(t, removals, from, RoleOwner, role)
		if wasOwner {
			owners--
		}
		require.Equal(t, owners, w.owners())
	}
}

// applyLoss applies the changes after which user has another role, or an empty one for none.
// It checks that exactly those pending invitations of the user are revoked that they could no
// longer send.
func (w *world) applyLoss(t *rapid.T, changes Changes, actor Actor, user string, role Role) {
	before := maps.Clone(w.records)
	revoked := map[uuid.UUID]bool{}
	for _, record := range w.pendingNow() {
		if record.SentBy == user && (role == "" || !w.couldSend(role, record)) {
			revoked[record.ID] = true
		}
	}
	events := 0
	for _, e := range changes.Events {
		require.Equal(t, actor.user, e.Actor)
		if e.Type == EventInvitationRevoked {
			require.True(t, revoked[e.InvitationID])
			require.Equal(t, "sender_not_entitled", e.Reason)
			events++
		}
	}
	require.Len(t, revoked, events)
	w.apply(t, changes)
	for id, record := range w.records {
		want := before[id]
		if revoked[id] {
			want.State, want.EndedAt, want.SweepAt = StateRevoked, w.now, time.Time{}
		}
		require.Equal(t, want, record)
	}
}

// checkDemotion checks that the removals are those of before, and user if their new role lacks
// a permission of the old one.
func (w *world) checkDemotion(t *rapid.T, removals map[string]int64, user string, before, after Role) {
	want := maps.Clone(removals)
	if losesBy(w.policy(), before, after) {
		want[user] = w.version
		w.demotedAt[user] = w.tick()
	}
	require.Equal(t, want, w.removals)
}

func (w *world) setQuota(t *rapid.T) {
	actor, q := w.anyActor(t), anyQuota(t)
	user := rapid.SampledFrom(append([]string{""}, worldUsers...)).Draw(t, "user")
	_, changes, err := performed(t, w, quotaChange{actor, acme, user, q})
	allowed := w.canActOn(actor, PermissionQuotaUpdate, user)
	if user == "" {
		allowed = actor == System()
	}
	require.Equal(t, allowed, err == nil, "%v", err)
	before := w.quotas[user]
	w.apply(t, changes)
	if allowed {
		require.Equal(t, q, w.quotas[user].Quota)
		if before.Period == q.Period {
			require.Equal(t, before.Used, w.quotas[user].Used)
		}
	}
}

// consume takes an amount from the quotas of a user, and never more than is left.
func (w *world) consume(t *rapid.T) {
	user, amount := anyUser(t, "user"), rapid.Int64Range(1, 6).Draw(t, "amount")
	c := Consumption{
		Organization: acme, UserID: user, Amount: amount,
		Roles: w.policy().rolesWith(PermissionOrganizationUse), Periods: periods(w.now),
	}
	m, isMember := w.members[user]
	put, ok := c.Decide(m.Role, w.quotas)
	fits := true
	limits := 0
	for _, of := range []string{user, ""} {
		q, exists := w.quotas[of]
		if !exists || q.Quota == (Quota{}) {
			continue
		}
		limits++
		left := q.Limit
		if !isPeriodOver(q, w.now) {
			left -= q.Used
		}
		fits = fits && amount <= left
	}
	require.Equal(t, fits && isMember && w.policy().Allows(m.Role, PermissionOrganizationUse), ok)
	if !ok {
		require.Empty(t, put)
		return
	}
	require.Len(t, put, limits)
	for _, q := range put {
		require.LessOrEqual(t, q.Used, q.Limit)
		w.quotas[q.UserID] = q
	}
}

// isPeriodOver reports whether the amount used of q belongs to an earlier period.
func isPeriodOver(q QuotaRecord, now time.Time) bool {
	switch q.Period {
	case PeriodDay:
		return q.PeriodStart.Format(time.DateOnly) < now.Format(time.DateOnly)
	case PeriodMonth:
		return q.PeriodStart.Format("2006-01") < now.Format("2006-01")
	}
	return false
}
