package invitations

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The steps of TestHistories on invitations. Those on members are in another file.

func (w *world) invite(t *rapid.T) {
	w.create(t, w.anyCreation(t, w.anyActor(t)))
}

// inviteAgain repeats a call, by the same actor or another.
func (w *world) inviteAgain(t *rapid.T) {
	if len(w.creations) == 0 {
		t.Skip("nothing to repeat")
	}
	w.create(t, w.anyRepetition(t, w.anyActor(t), w.creations))
}

func (w *world) anyCreation(t *rapid.T, actor Actor) creation {
	c := creation{
		actor: actor,
		draft: Record{
			Invitation: Invitation{
				ID: w.newID(), Organization: acme, Kind: KindLink, State: StatePending, Role: w.anyRole(t), Quota: anyQuota(t),
				Metadata: anyMetadata(t),
				MaxUses:  rapid.IntRange(0, 3).Draw(t, "max uses"), CreatedBy: actor.user, SentBy: actor.user,
			},
			Nonce: w.newNonce(),
		},
		lifetime: time.Duration(rapid.IntRange(0, 4).Draw(t, "days")) * day,
	}
	if rapid.IntRange(0, 3).Draw(t, "own ID") > 0 {
		c.ownID = c.draft.ID
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		c.draft.AllowedDomains = []string{"example.com"}
	case 1:
	default:
		return byEmail(t, c)
	}
	return c
}

func (w *world) anyEmailCreation(t *rapid.T, actor Actor) creation {
	c := byEmail(t, w.anyCreation(t, actor))
	c.draft.AllowedDomains = nil
	return c
}

// byEmail makes c a creation by email.
func byEmail(t *rapid.T, c creation) creation {
	c.draft.Kind, c.draft.MaxUses = KindEmail, 1
	c.draft.Email = rapid.SampledFrom(worldEmails).Draw(t, "email")
	return c
}

// anyRepetition draws one of the creations, as actor would repeat it, sometimes with other
// content.
func (w *world) anyRepetition(t *rapid.T, actor Actor, creations []creation) creation {
	return varied(rapid.SampledFrom(creations).Draw(t, "creation"), by(actor), func(c *creation) {
		c.draft.Nonce = w.newNonce()
		if rapid.Bool().Draw(t, "other content") {
			c.draft.Message += "!"
		}
	})
}

func (w *world) create(t *rapid.T, c creation) {
	result, changes, err := performed(t, w, c)
	record, draft := result.record, c.draft
	existing, exists := w.records[c.ownID]
	allowed := w.may(c.actor, PermissionInvitationCreate) && w.canGrant(c.actor, draft.Role) && w.canGrantQuota(c.actor, draft.Quota)
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrRoleNotAssignable}, err)
	case exists:
		same := existing.Message == draft.Message && existing.CreatedBy == draft.CreatedBy && existing.Role == draft.Role &&
			existing.MaxUses == draft.MaxUses && slices.Equal(existing.AllowedDomains, draft.AllowedDomains) &&
			existing.Email == draft.Email && existing.Quota == draft.Quota && maps.Equal(existing.Metadata, draft.Metadata) &&
			(c.lifetime == 0 || existing.ExpiresAt.Sub(existing.SentAt) == c.lifetime)
		if !same {
			require.Equal(t, ErrConflict, err)
			break
		}
		require.NoError(t, err)
		require.Equal(t, made{existing, true}, result)
		require.True(t, changes.Empty())
	case !w.isAllowed(draft):
		require.Equal(t, notAllowed(draft), err)
	case w.isAddressPending(draft.Email):
		require.ErrorIs(t, err, ErrAlreadyInvited)
	case len(w.pendingNow()) >= w.pendingLimit():
		require.Equal(t, pendingFull(w.pendingLimit()), err)
	case !w.hasSeatToReserve(draft):
		w.requireFull(t, err)
	case draft.Email != "" && w.freeAt(c.actor, draft.Email).After(w.now):
		require.Equal(t, &RateLimitError{At: w.freeAt(c.actor, draft.Email)}, err)
	default:
		require.NoError(t, err)
		require.False(t, result.repeated)
		w.noteCreation(c, record)
		want := draft
		want.CreatedAt, want.SentAt, want.ExpiresAt = w.now, w.now, w.now.Add(w.lifetime(c))
		want.SentVersion, want.SweepAt = w.version+1, w.due[draft.ID].at
		require.Equal(t, want, record)
		require.Equal(t, []Record{record}, changes.Invitations)
	}
	w.apply(t, changes)
}

// lifetime returns the lifetime of the invitation that c makes.
func (w *world) lifetime(c creation) time.Duration {
	switch {
	case c.lifetime != 0:
		return c.lifetime
	case w.limits.Expiry != 0:
		return w.limits.Expiry
	}
	return w.config.Expiry
}

// notAllowed is the refusal of an invitation that the organization does not allow.
func notAllowed(record Record) error {
	if record.Kind == KindLink {
		return ErrLinksNotAllowed
	}
	return ErrDomainNotAllowed
}

// requireFull fails the test unless err is the refusal for want of a seat. Stores count up to
// the limit.
func (w *world) requireFull(t *rapid.T, err error) {
	require.Equal(t, w.memberLimitError(), err)
}

func (w *world) memberLimitError() error {
	limit := w.memberLimit()
	return full(limit, min(w.seats(), limit), min(w.reserved(), limit))
}

// noteCreation notes that c made record.
func (w *world) noteCreation(c creation, record Record) {
	if c.ownID != uuid.Nil {
		w.creations = append(w.creations, c)
	}
	w.noteSending(record)
}

// inviteAll invites several people at once. The result of each row is that of a single call
// after the rows before it.
func (w *world) inviteAll(t *rapid.T) {
	actor := w.anyActor(t)
	b := bulk{actor: actor, organization: acme}
	repeatable := slices.DeleteFunc(slices.Clone(w.creations), func(c creation) bool { return c.draft.Kind != KindEmail })
	for range rapid.IntRange(1, 5).Draw(t, "rows") {
		var row bulkRow
		switch kind := rapid.IntRange(0, 7).Draw(t, "row"); {
		case kind == 0:
			row = badRow
		case kind == 1 && len(repeatable) > 0: // of an earlier call, or of this one
			row.creation = w.anyRepetition(t, actor, repeatable)
		default:
			row.creation = w.anyEmailCreation(t, actor)
		}
		b.rows = append(b.rows, row)
		if row.err == nil && row.ownID != uuid.Nil {
			repeatable = append(repeatable, row.creation)
		}
	}
	results, changes, err := performed(t, w, b)
	if !w.may(actor, PermissionInvitationCreate) {
		require.Equal(t, ErrPermissionDenied, err)
		return
	}
	require.NoError(t, err)
	require.Len(t, results, len(b.rows))
	single := w.clone()
	var want Changes
	for i, row := range b.rows {
		if row.err != nil {
			require.Equal(t, bulkResult{err: row.err}, results[i])
			continue
		}
		result, c, err := performed(t, single, row.creation)
		if result.record.SentVersion > w.version { // a bulk is one change
			result.record.SentVersion = w.version + 1
		}
		require.Equal(t, bulkResult{result, err}, results[i], "row %d", i)
		if single.apply(t, c); !c.Empty() {
			want.Invitations = append(want.Invitations, result.record)
			want.Events = append(want.Events, c.Events...)
			w.noteCreation(row.creation, result.record)
		}
	}
	require.Equal(t, want, changes)
	w.apply(t, changes)
}

func (w *world) resend(t *rapid.T) {
	actor, id, nonce := w.anyActor(t), w.anyID(t), w.newNonce()
	before, exists := w.records[id]
	crowded := len(w.pendingNow()) >= w.pendingLimit() || w.isAddressPending(before.Email) || !w.hasSeatToReserve(before)
	_, changes, err := performed(t, w, resending{actor, acme, id, nonce, 0})
	allowed := w.may(actor, PermissionInvitationResend) && exists &&
		w.canHandle(actor, before.Role) && w.canGrantQuota(actor, before.Quota) && w.isAllowed(before) &&
		before.State == StatePending && (w.isPending(before) || !crowded)
	cooldownEnd := before.SentAt.Add(w.config.ResendCooldown)
	free := w.now
	if allowed && before.Email != "" {
		free = w.freeAt(actor, before.Email)
	}
	switch {
	case !allowed:
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrRateLimited)
	case before.Email != "" && cooldownEnd.After(w.now):
		require.Equal(t, &RateLimitError{TooSoon: true, At: cooldownEnd}, err)
	case free.After(w.now):
		require.Equal(t, &RateLimitError{At: free}, err)
	default:
		require.NoError(t, err)
		after := changes.Invitations[0]
		require.Equal(t, nonce, after.Nonce)
		require.Equal(t, actor.user, after.SentBy)
		require.Equal(t, before.Uses, after.Uses)
		w.noteSending(after)
	}
	w.apply(t, changes)
}

func (w *world) revoke(t *rapid.T) {
	actor, id := w.anyActor(t), w.anyID(t)
	_, changes, err := performed(t, w, revocation{actor, acme, id})
	record, exists := w.records[id]
	allowed := w.may(actor, PermissionInvitationRevoke) && exists && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	w.apply(t, changes)
}

// anyEdit draws an edit of few fields, sometimes to the present value.
func (w *world) anyEdit(t *rapid.T) (e edit) {
	if rapid.Bool().Draw(t, "edit role") {
		e.role = w.anyRole(t)
	}
	if rapid.IntRange(0, 3).Draw(t, "edit message") == 0 {
		e.message = new(rapid.SampledFrom([]string{"", "Hello"}).Draw(t, "message"))
	}
	if rapid.IntRange(0, 2).Draw(t, "edit expiry") == 0 {
		e.lifetime = rapid.SampledFrom([]time.Duration{30 * time.Minute, day, 4 * day}).Draw(t, "lifetime")
	}
	if rapid.IntRange(0, 3).Draw(t, "edit max uses") == 0 {
		e.maxUses = new(rapid.IntRange(0, 3).Draw(t, "max uses"))
	}
	if rapid.IntRange(0, 3).Draw(t, "edit quota") == 0 {
		e.quota = new(anyQuota(t))
	}
	if rapid.IntRange(0, 3).Draw(t, "edit metadata") == 0 {
		e.metadata = new(anyMetadata(t))
	}
	if rapid.IntRange(0, 3).Draw(t, "edit domains") == 0 {
		e.domains = new(rapid.SampledFrom([][]string{nil, {"example.com"}, {"example.com", "evil.example"}}).Draw(t, "domains"))
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
	if e.quota != nil {
		want.Quota = *e.quota
	}
	if e.metadata != nil {
		want.Metadata = *e.metadata
	}
	allowed := w.may(actor, PermissionInvitationCreate) && exists && w.canHandle(actor, before.Role) &&
		(e.role == "" || w.canGrant(actor, e.role)) && w.canGrantQuota(actor, before.Quota) && w.canGrantQuota(actor, want.Quota)
	same := want.Role == before.Role && want.Message == before.Message && want.ExpiresAt.Equal(before.ExpiresAt) &&
		want.MaxUses == before.MaxUses && slices.Equal(want.AllowedDomains, before.AllowedDomains) &&
		want.Quota == before.Quota && maps.Equal(want.Metadata, before.Metadata)
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrRoleNotAssignable}, err)
	case !w.isPending(before):
		require.ErrorIs(t, err, ErrNotPending)
	case before.Kind == KindEmail && (e.maxUses != nil || e.domains != nil),
		e.maxUses != nil && *e.maxUses > 0 && *e.maxUses <= before.Uses:
		require.ErrorIs(t, err, ErrInvalid)
	case !w.takesSeat(before.Role) && !w.hasSeatToReserve(want):
		w.requireFull(t, err)
	case same:
		require.NoError(t, err)
		require.True(t, changes.Empty())
		require.Equal(t, before.Invitation, record.Invitation)
	default:
		require.NoError(t, err)
		sender, isMember := w.members[want.SentBy]
		if !actor.system || !isMember || !w.couldSend(sender.Role, want) {
			want.SentBy = actor.user
		}
		require.Equal(t, want.SentBy, changes.Events[0].InvitedBy)
		if e.lifetime != 0 {
			reminds := w.due[id].reminder
			if w.planSweep(want); !reminds { // it had its reminder, or gets none
				w.due[id] = due{at: want.ExpiresAt}
			}
			want.SweepAt = w.due[id].at
		}
		require.Equal(t, []Record{want}, changes.Invitations)
		require.Equal(t, want.Message != before.Message, slices.Contains(changes.Events[0].Changed, "message"))
		require.Equal(t, !maps.Equal(want.Metadata, before.Metadata), slices.Contains(changes.Events[0].Changed, "metadata"))
		w.offeredAt[id] = w.tick()
	}
	w.apply(t, changes)
}

// anyToken draws a token that there ever was, mostly the present one of an invitation.
func (w *world) anyToken(t *rapid.T) claim {
	if len(w.tokens) > 0 && rapid.IntRange(0, 9).Draw(t, "any token") == 9 {
		return rapid.SampledFrom(w.tokens).Draw(t, "token")
	}
	id := w.anyID(t)
	return claim{acme, id, w.records[id].Nonce}
}

// anyIdentity draws a person who accepts record, mostly one whom it is for.
func (w *world) anyIdentity(t *rapid.T, record Record) Identity {
	identity := Identity{
		UserID:        w.anyUser(t, "user"),
		Email:         rapid.SampledFrom(append([]string{"", "x@sub.example.com", "NINA@example.com"}, worldEmails...)).Draw(t, "email"),
		EmailVerified: rapid.Bool().Draw(t, "verified"),
	}
	if rapid.Bool().Draw(t, "the recipient") {
		identity.EmailVerified = true
		if identity.Email = record.Email; record.Kind == KindLink {
			identity.Email = rapid.SampledFrom(worldEmails).Draw(t, "known email")
		}
	}
	return identity
}

func (w *world) accept(t *rapid.T) {
	c := w.anyToken(t)
	record, exists := w.records[c.id]
	identity := w.anyIdentity(t, record)
	var a act[Joined] = acceptance{c, identity}
	found, notFound := exists && record.Nonce == c.nonce, ErrInvalidToken
	if rapid.IntRange(0, 2).Draw(t, "received") == 0 {
		a = receivedAcceptance{received{acme, c.id}, identity}
		found, notFound = exists && isFor(record, identity), ErrNotFound
	}
	member, changes, err := join(t, w.rules(), w.facts(a.needs(w.rules())), a)
	if !found {
		require.Equal(t, notFound, err)
		return
	}
	present, isMember := w.members[identity.UserID]
	if isMember && present.InvitationID == record.ID {
		require.NoError(t, err)
		require.Equal(t, present, member)
		require.True(t, changes.Empty())
		return
	}
	sender, isSenderMember := w.members[record.SentBy]
	entitled := record.SentBy == "" || isSenderMember && w.couldSend(sender.Role, record)
	restricted := len(record.AllowedDomains)+len(w.limits.AllowedDomains) > 0
	matches := isFor(record, identity) || record.Kind == KindLink && (!restricted || identity.EmailVerified &&
		w.isDomainAllowed(identity.Email, record.AllowedDomains) && w.isDomainAllowed(identity.Email, w.limits.AllowedDomains))
	removedAt := max(w.removedAt[identity.UserID], w.demotedAt[identity.UserID]) // 0: never
	admitted := w.isPending(record) && w.policy().Has(record.Role) && w.isAllowed(record) &&
		entitled && matches && !isMember && removedAt < w.sentAt[record.ID]
	switch {
	case !admitted:
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrMemberLimit, "only an admitted person learns of seats")
		isRoleUnknown := w.isPending(record) && !w.policy().Has(record.Role)
		require.Equal(t, isRoleUnknown, errors.Is(err, ErrRoleUnknown))
	case !w.hasSeatFor(identity.verifiedEmail(), record.Role):
		w.requireFull(t, err)
	default:
		require.NoError(t, err)
		w.checkJoined(t, record, identity, member, changes)
		w.joined[record.ID]++
	}
	w.apply(t, changes)
}

// checkJoined checks the changes of an acceptance.
func (w *world) checkJoined(t *rapid.T, record Record, identity Identity, member Member, changes Changes) {
	require.Equal(t, []Member{member}, changes.Members)
	require.Equal(t, identity.UserID, member.UserID)
	require.Equal(t, record.Role, member.Role)
	require.Equal(t, record.ID, member.InvitationID)
	require.Equal(t, record.SentBy, member.InvitedBy)
	require.Equal(t, w.now, member.JoinedAt)
	require.Equal(t, record.Metadata, member.Metadata)
	w.checkOwnEnded(t, identity, record.ID, changes.Invitations[1:])

	_, had := w.quotas[identity.UserID]
	keeps := had && (record.Kind == KindLink || w.quotaSetAt[identity.UserID] > w.sentAt[record.ID])
	if record.Quota == (Quota{}) || keeps {
		require.Empty(t, changes.Quotas)
		return
	}
	require.Len(t, changes.Quotas, 1)
	require.Equal(t, identity.UserID, changes.Quotas[0].UserID)
	require.Equal(t, record.Quota, changes.Quotas[0].Quota)
}

// checkOwnEnded checks that exactly the other pending invitations for the person's address are
// revoked.
func (w *world) checkOwnEnded(t *rapid.T, identity Identity, except uuid.UUID, revoked []Record) {
	var want []Record
	for _, other := range w.pendingNow(KindEmail) {
		if other.ID != except && isFor(other, identity) {
			other.State, other.EndedAt, other.SweepAt = StateRevoked, w.now, time.Time{}
			want = append(want, other)
		}
	}
	require.ElementsMatch(t, want, revoked)
}

func (w *world) decline(t *rapid.T) {
	c := w.anyToken(t)
	record, exists := w.records[c.id]
	actor := ""
	var a act[Record] = declining{c}
	found := exists && record.Nonce == c.nonce
	if rapid.Bool().Draw(t, "received") {
		identity := Identity{w.anyUser(t, "user"), rapid.SampledFrom(worldEmails).Draw(t, "email"), rapid.Bool().Draw(t, "verified")}
		a = receivedDeclining{received{acme, c.id}, identity}
		found, actor = exists && isFor(record, identity), identity.UserID
	}
	_, changes, err := performed(t, w, a)
	allowed := found && record.Kind == KindEmail && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	if allowed {
		require.Equal(t, actor, changes.Events[0].Actor)
	}
	w.apply(t, changes)
}

// sweep runs a sweep, sometimes later than it was called.
func (w *world) sweep(t *rapid.T) {
	limit := rapid.IntRange(1, 3).Draw(t, "limit")
	f := Facts{Organization: acme, Version: w.version}
	for _, id := range w.sortedIDs() {
		if r := w.records[id]; r.State == StatePending && !r.SweepAt.IsZero() && !r.SweepAt.After(w.now) {
			f.PendingRecords = append(f.PendingRecords, r.Clone())
		}
	}
	slices.SortStableFunc(f.PendingRecords, func(a, b Record) int { return a.SweepAt.Compare(b.SweepAt) })
	f.PendingRecords = f.PendingRecords[:min(len(f.PendingRecords), limit)]
	if rapid.IntRange(0, 4).Draw(t, "late") == 4 {
		w.wait(t)
	}
	swept, changes, err := decide(t, w.rules(), f, sweepAct{})
	require.NoError(t, err)
	var want Swept
	var wantChanges Changes
	for _, r := range f.PendingRecords {
		event := eventOf(EventInvitationExpired, r, "")
		event.At = w.now
		if w.isPending(r) {
			require.True(t, w.due[r.ID].reminder, "one reminder at most")
			event.Type = EventInvitationReminded
			want.Reminders = append(want.Reminders, r.Invitation)
			w.due[r.ID] = due{at: r.ExpiresAt}
		} else {
			expired := r.Invitation
			expired.State = StateExpired
			want.Expired = append(want.Expired, expired)
			delete(w.due, r.ID)
		}
		r.SweepAt = w.due[r.ID].at
		wantChanges.Invitations = append(wantChanges.Invitations, r)
		wantChanges.Events = append(wantChanges.Events, event)
	}
	require.Equal(t, want, swept)
	require.Equal(t, wantChanges, changes)
	w.apply(t, changes)
}

// The steps of TestHistories on members and quotas.

func (w *world) changeRole(t *rapid.T) {
	actor, user, role := w.anyActor(t), w.anyUser(t, "user"), w.anyRole(t)
	before, removals := w.members[user], maps.Clone(w.removals)
	hasSeat := w.seatsIf(map[string]Role{user: role}) <= w.seats() || !w.isFull()
	wasFull := w.memberLimitError()
	member, changes, err := performedLate(t, w, roleChangeBy(actor, user, role))
	allowed := w.canActOn(actor, PermissionMemberUpdate, user) && w.canGrant(actor, role) &&
		(role == RoleOwner || !w.isLastOwner(user))
	switch {
	case !allowed:
		require.Contains(t, []error{ErrPermissionDenied, ErrNotFound, ErrRoleNotAssignable, ErrLastOwner}, err)
		return
	case !hasSeat:
		require.Equal(t, wasFull, err)
		return
	}
	require.NoError(t, err)
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
	actor, user := w.anyActor(t), w.anyUser(t, "user")
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
		w.applyLoss(t, changes, User(user), user, "")
		require.NotContains(t, w.members, user)
		require.Equal(t, removals, w.removals, "leaving is not a removal")
	}
}

func (w *world) transfer(t *rapid.T) {
	actor, from, to, role := w.anyActor(t), w.anyUser(t, "from"), w.anyUser(t, "to"), w.anyRole(t)
	if !w.policy().Has(role) {
		t.Skip("refused as an argument")
	}
	owners, removals := w.owners(), maps.Clone(w.removals)
	old, isMember := w.members[from]
	heir, isHeirMember := w.members[to]
	wasOwner := heir.Role == RoleOwner
	hasSeat := w.seatsIf(map[string]Role{from: role, to: RoleOwner}) <= w.seats() || !w.isFull()
	wasFull := w.memberLimitError()
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
	case !hasSeat:
		require.Equal(t, wasFull, err)
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
	user, amount := w.anyUser(t, "user"), rapid.Int64Range(1, 6).Draw(t, "amount")
	c := Consumption{
		Organization: acme, UserID: user, Amount: amount,
		Roles: w.policy().rolesWith(PermissionOrganizationUse), Periods: periodStarts(w.now),
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
		fits = fits && (q.Limit == NoLimit || amount <= left)
	}
	require.Equal(t, fits && isMember && w.policy().Allows(m.Role, PermissionOrganizationUse), ok)
	if !ok {
		require.Empty(t, put)
		return
	}
	require.Len(t, put, limits)
	for _, q := range put {
		require.True(t, q.Limit == NoLimit || q.Used <= q.Limit)
		w.quotas[q.UserID] = q
	}
	w.consumed = append(w.consumed, w.now)
}

// refund gives back an amount, never below zero and only into the period it was taken from.
func (w *world) refund(t *rapid.T) {
	if len(w.consumed) == 0 {
		t.Skip("nothing to give back")
	}
	at := rapid.SampledFrom(w.consumed).Draw(t, "at")
	user, amount := w.anyUser(t, "user"), rapid.Int64Range(1, 6).Draw(t, "amount")
	c := Consumption{Organization: acme, UserID: user, Amount: -amount, Periods: periodStarts(at)}
	put, ok := c.Decide("", w.quotas) // also of a user who is not a member any more
	require.True(t, ok)
	want := map[string]int64{}
	for _, of := range []string{user, ""} {
		q := w.quotas[of]
		taken := QuotaRecord{Quota: q.Quota, PeriodStart: at}
		if q.Quota != (Quota{}) && q.Used > 0 && !isPeriodOver(q, at) && !isPeriodOver(taken, q.PeriodStart) {
			want[of] = max(0, q.Used-amount)
		}
	}
	require.Len(t, put, len(want))
	for _, q := range put {
		require.Equal(t, want[q.UserID], q.Used)
		before := w.quotas[q.UserID]
		before.Used = q.Used
		require.Equal(t, before, q)
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
