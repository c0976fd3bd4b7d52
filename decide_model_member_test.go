package invitations

import (
	"maps"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What becomes of members, in the world of TestHistories.

func (w *world) anyUser(t *rapid.T, label string) string {
	return rapid.SampledFrom(worldUsers).Draw(t, label)
}

// mayTouch says whether actor may do to user what permission is for: to a member, and to
// none who is above, or may be, because nobody knows what their role holds.
func (w *world) mayTouch(actor Actor, permission Permission, user string) bool {
	m, ok := w.members[user]
	return ok && w.actorMay(actor, permission) &&
		(actor == System() || mayActOn(w.policy(), w.members[actor.user].Role, permission, m.Role))
}

func (w *world) isLastOwner(user string) bool {
	return w.members[user].Role == RoleOwner && w.owners() == 1
}

// lose applies the changes by which user gets another role, or none with an empty one, and
// checks what became of invitations: of those that were pending, exactly theirs end that
// they could not send any more, and nothing else changes.
func (w *world) lose(t *rapid.T, changes Changes, actor Actor, user string, role Role) {
	before := maps.Clone(w.records)
	want := map[uuid.UUID]bool{}
	for _, record := range w.pendingNow() {
		if record.SentBy == user && (role == "" || !w.couldSend(role, record)) {
			want[record.ID] = true
		}
	}
	told := 0
	for _, e := range changes.Events {
		require.Equal(t, actor.user, e.Actor)
		if e.Type == EventInvitationRevoked {
			require.True(t, want[e.InvitationID])
			require.Equal(t, "sender_not_entitled", e.Reason)
			told++
		}
	}
	require.Len(t, want, told)
	w.apply(t, changes)
	for id, record := range w.records {
		was := before[id]
		if want[id] {
			was.State, was.EndedAt, was.SweepAt = StateRevoked, w.now, time.Time{}
		}
		require.Equal(t, was, record)
	}
}

// demote notes that user has another role than before, if it holds less, and checks the
// trace: who lost a right by it can be told from then on, and nothing is told of others.
func (w *world) demote(t *rapid.T, removals map[string]int64, user string, before, after Role) {
	want := maps.Clone(removals)
	if losesBy(w.policy(), before, after) {
		want[user] = w.version
		w.demoted[user] = w.tick()
	}
	require.Equal(t, want, w.removals)
}

func (w *world) changeRole(t *rapid.T) {
	actor, user, role := w.anyActor(t), w.anyUser(t, "user"), w.anyRole(t)
	before, removals := w.members[user], maps.Clone(w.removals)
	old := before.Role
	member, changes, err := performedLate(t, w, roleChange{actor, ChangeRoleParams{acme, user, role}})
	allowed := w.mayTouch(actor, PermissionMemberUpdate, user) && w.actorCanGive(actor, role) &&
		(role == RoleOwner || !w.isLastOwner(user))
	require.Equal(t, allowed, err == nil, "%v", err)
	if !allowed {
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrRoleNotAssignable, ErrLastOwner}, err)
		return
	}
	before.Role = role
	require.Equal(t, before, member)
	if actor != System() {
		require.True(t, holdsAllOf(w.policy(), w.members[actor.user].Role, member.Role), "nobody is raised above who raises them")
	}
	if w.members[user].Role == role {
		require.True(t, changes.Empty())
		return
	}
	w.lose(t, changes, actor, user, role)
	require.Equal(t, member, w.members[user])
	w.demote(t, removals, user, old, role)
}

func (w *world) removeMember(t *rapid.T) {
	actor, user := w.anyActor(t), w.anyUser(t, "user")
	before := w.members[user]
	member, changes, err := performedLate(t, w, removal{actor, acme, user})
	allowed := w.mayTouch(actor, PermissionMemberRemove, user) && !w.isLastOwner(user)
	require.Equal(t, allowed, err == nil, "%v", err)
	if !allowed {
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrLastOwner}, err)
		return
	}
	require.Equal(t, before, member)
	w.lose(t, changes, actor, user, "")
	require.NotContains(t, w.members, user)
	require.Contains(t, w.removals, user)
	w.removed[user] = w.tick()
}

func (w *world) leave(t *rapid.T) {
	user := w.anyUser(t, "user")
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
		w.lose(t, changes, User(user), user, "")
		require.NotContains(t, w.members, user)
		require.Equal(t, removals, w.removals, "who leaves was not removed")
	}
}

func (w *world) transfer(t *rapid.T) {
	actor, from, to, role := w.anyActor(t), w.anyUser(t, "from"), w.anyUser(t, "to"), w.anyRole(t)
	if !w.policy().Has(role) {
		t.Skip("refused as an argument")
	}
	owners, removals := w.owners(), maps.Clone(w.removals)
	old, isMember := w.members[from]
	heir, isHeir := w.members[to]
	wasOwner := heir.Role == RoleOwner
	member, changes, err := performedLate(t, w, transfer{actor, TransferOwnershipParams{acme, from, to, role}})
	switch {
	case !w.actorMay(actor, PermissionOrganizationManage) || !w.actorCanGive(actor, RoleOwner):
		require.Equal(t, ErrPermissionDenied, err)
	case from == to || role == RoleOwner:
		require.Equal(t, ErrConflict, err, "nothing would be handed over")
	case !isMember || !isHeir:
		require.Equal(t, ErrNotFound, err)
	case old.Role != RoleOwner:
		require.Equal(t, ErrConflict, err)
	default:
		require.NoError(t, err)
		heir.Role, old.Role = RoleOwner, role
		require.Equal(t, heir, member)
		w.lose(t, changes, actor, from, role)
		require.Equal(t, heir, w.members[to])
		require.Equal(t, old, w.members[from])
		w.demote(t, removals, from, RoleOwner, role)
		if wasOwner {
			owners--
		}
		require.Equal(t, owners, w.owners())
	}
}

func (w *world) setQuota(t *rapid.T) {
	actor, q := w.anyActor(t), anyQuota(t)
	user := rapid.SampledFrom(append([]string{""}, worldUsers...)).Draw(t, "user")
	_, changes, err := performed(t, w, quotaChange{actor, acme, user, q})
	allowed := w.mayTouch(actor, PermissionQuotaUpdate, user)
	if user == "" {
		allowed = actor == System()
	}
	require.Equal(t, allowed, err == nil, "%v", err)
	used := w.quotas[user]
	w.apply(t, changes)
	if allowed {
		require.Equal(t, q, w.quotas[user].Quota)
		if used.Period == q.Period {
			require.Equal(t, used.Used, w.quotas[user].Used)
		}
	}
}

// consume takes from the quotas of a member, and never more than there is.
func (w *world) consume(t *rapid.T) {
	user, amount := w.anyUser(t, "user"), rapid.Int64Range(1, 6).Draw(t, "amount")
	c := Consumption{
		Organization: acme, UserID: user, Amount: amount,
		Roles: w.policy().rolesWith(PermissionOrganizationUse), Periods: periods(w.now),
	}
	m, isMember := w.members[user]
	put, ok := c.Decide(m.Role, w.quotas)
	fits := true
	limiting := 0
	for _, of := range []string{user, ""} {
		q, exists := w.quotas[of]
		if !exists || q.Quota == (Quota{}) {
			continue
		}
		limiting++
		left := q.Limit
		if !periodEnded(q, w.now) {
			left -= q.Used
		}
		fits = fits && amount <= left
	}
	require.Equal(t, fits && isMember && w.policy().Allows(m.Role, PermissionOrganizationUse), ok)
	if !ok {
		require.Empty(t, put)
		return
	}
	require.Len(t, put, limiting)
	for _, q := range put {
		require.LessOrEqual(t, q.Used, q.Limit)
		w.quotas[q.UserID] = q
	}
}

// periodEnded reports whether what is used of q was used in a period before the present one.
func periodEnded(q QuotaRecord, now time.Time) bool {
	switch q.Period {
	case PeriodDay:
		return q.PeriodStart.Format(time.DateOnly) < now.Format(time.DateOnly)
	case PeriodMonth:
		return q.PeriodStart.Format("2006-01") < now.Format("2006-01")
	}
	return false
}

// deploy gives the roles other permissions and mail other limits, as a new version of the host's program may.
func (w *world) deploy(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "seldom") > 0 {
		t.Skip("not yet")
	}
	w.svc.config.Policy = anyPolicy.Draw(t, "policy")
	w.limitSending(t)
	w.deployed = w.tick()
}

func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{
		time.Microsecond, 30 * time.Second, time.Minute, time.Hour, day, 3 * day,
	}).Draw(t, "time"))
}
