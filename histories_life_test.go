package invitations

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The steps of TestHistories on the life of an organization and of its people.

// anyMetadata draws metadata, mostly none.
func anyMetadata(t *rapid.T) map[string]string {
	return rapid.SampledFrom([]map[string]string{nil, nil, {"team": "red"}, {"team": "blue"}}).Draw(t, "metadata")
}

func (w *world) addMember(t *rapid.T) {
	actor := w.anyActor(t)
	p := AddMemberParams{
		Organization: acme, UserID: w.anyUser(t, "user"), Role: w.anyRole(t), Quota: anyQuota(t), Metadata: anyMetadata(t),
		Email: rapid.SampledFrom(append([]string{""}, worldEmails...)).Draw(t, "email"),
	}
	a := addition{actor, p}
	member, changes, err := join(t, w.rules(), w.facts(a.needs(w.rules())), a)
	present, isMember := w.members[p.UserID]
	switch {
	case !w.may(actor, PermissionMemberAdd):
		require.Equal(t, ErrPermissionDenied, err)
	case !w.canGrant(actor, p.Role):
		require.Equal(t, ErrRoleNotAssignable, err)
	case !w.canGrantQuota(actor, p.Quota):
		require.Equal(t, ErrPermissionDenied, err)
	case p.Email != "" && !w.may(actor, PermissionInvitationRevoke):
		require.Equal(t, ErrPermissionDenied, err)
	case isMember && present.Role != p.Role:
		require.Equal(t, ErrAlreadyMember, err)
	case isMember:
		require.NoError(t, err)
		require.Equal(t, present, member)
	case !w.hasSeatFor(p.Email, p.Role):
		w.requireFull(t, err)
	default:
		require.NoError(t, err)
		want := Member{
			Organization: acme, UserID: p.UserID, Role: p.Role, JoinedAt: w.now, InvitedBy: actor.user, Metadata: p.Metadata,
		}
		require.Equal(t, want, member)
		require.Equal(t, []Member{want}, changes.Members)
		w.checkOwnEnded(t, Identity{p.UserID, p.Email, true}, uuid.Nil, changes.Invitations)
		require.Equal(t, p.Quota != Quota{}, len(changes.Quotas) == 1)
	}
	w.apply(t, changes)
}

// anyLimits draws limits, mostly without the rarer ones.
func anyLimits(t *rapid.T) Limits {
	return Limits{
		Members:        rapid.SampledFrom([]int{0, NoLimit, 1, 2, 3, 4, 6}).Draw(t, "members"),
		Pending:        rapid.IntRange(0, 4).Draw(t, "pending"),
		SeatlessRoles:  rapid.SampledFrom([][]Role{nil, nil, {RoleViewer}, {RoleDeveloper, RoleViewer}, {RoleOwner}}).Draw(t, "seatless roles"),
		NoLinks:        rapid.IntRange(0, 5).Draw(t, "no links") == 5,
		AllowedDomains: rapid.SampledFrom([][]string{nil, nil, nil, nil, {"example.com"}}).Draw(t, "domains"),
		Expiry:         rapid.SampledFrom([]time.Duration{0, 2 * day}).Draw(t, "expiry"),
	}
}

func (w *world) setLimits(t *rapid.T) {
	actor, limits := w.anyActor(t), anyLimits(t)
	if rapid.IntRange(0, 3).Draw(t, "the same") == 0 {
		limits = w.limits.Clone()
	}
	set, changes, err := performed(t, w, limitsChange{actor, acme, limits})
	if actor != System() {
		require.Equal(t, ErrPermissionDenied, err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, limits, set)
	isSame := w.limits.Members == limits.Members && w.limits.Pending == limits.Pending && w.limits.NoLinks == limits.NoLinks &&
		w.limits.Expiry == limits.Expiry && slices.Equal(w.limits.SeatlessRoles, limits.SeatlessRoles) &&
		slices.Equal(w.limits.AllowedDomains, limits.AllowedDomains)
	if isSame {
		require.Zero(t, changes)
		return
	}
	require.Equal(t, Changes{Limits: &limits, Events: changes.Events}, changes, "it removes nobody and ends no invitation")
	w.apply(t, changes)
	w.countNow()
}

func (w *world) setMetadata(t *rapid.T) {
	actor, user, metadata := w.anyActor(t), w.anyUser(t, "user"), anyMetadata(t)
	want := w.members[user]
	same := maps.Equal(want.Metadata, metadata)
	member, changes, err := performed(t, w, metadataChange{actor, SetMetadataParams{acme, user, metadata}})
	allowed := w.canActOn(actor, PermissionMemberUpdate, user)
	require.Equal(t, allowed, err == nil, "%v", err)
	if !allowed {
		return
	}
	want.Metadata = metadata
	require.Equal(t, want, member)
	require.Equal(t, same, changes.Empty())
	w.apply(t, changes)
	require.Equal(t, want, w.members[user])
}

// erase erases an address, or a user who has left.
func (w *world) erase(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		t.Skip("not now")
	}
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	if rapid.Bool().Draw(t, "an address") {
		w.eraseAddress(t, rapid.SampledFrom(worldEmails).Draw(t, "email"), limit)
		return
	}
	user := w.anyUser(t, "user")
	e := erasure{person: Person{UserID: user}, pseudonym: "erased-" + user, organization: acme, limit: limit}
	switch _, isMember := w.members[user]; {
	case isMember:
		_, _, err := performed(t, w, e)
		require.Equal(t, &MembershipError{Organization: acme}, err)
	case user == olga || len(w.erased) > 1:
		t.Skip("the others go on")
	default:
		w.eraseUser(t, e)
	}
}

func (w *world) eraseAddress(t *rapid.T, email string, limit int) {
	e := erasure{person: Person{Email: email}, organization: acme, limit: limit}
	records, members, events := maps.Clone(w.records), maps.Clone(w.members), slices.Clone(w.events)
	revoked := map[uuid.UUID]bool{}
	for id, r := range records {
		if r.Email != email {
			continue
		}
		if r.State == StatePending {
			revoked[id] = true
			r.State, r.EndedAt, r.SweepAt = StateRevoked, w.now, time.Time{}
		}
		r.Email, r.Message, r.Metadata = "", "", nil
		records[id] = r
		for user, m := range members {
			if m.InvitationID == id {
				m.Metadata = nil
				members[user] = m
			}
		}
	}
	for i := range events {
		if events[i].Email == email {
			events[i].Email = ""
		}
	}
	w.mails = slices.DeleteFunc(w.mails, func(m mail) bool { return m.email == email })
	w.runErasure(t, e)
	require.Equal(t, records, w.records)
	require.Equal(t, members, w.members)
	require.Equal(t, events, w.events[:len(events)])
	for _, added := range w.events[len(events):] {
		require.Empty(t, added.Email)
		require.Empty(t, added.Actor)
		if added.Type == EventInvitationRevoked {
			require.Equal(t, "erased", added.Reason)
			require.True(t, revoked[added.InvitationID])
			delete(revoked, added.InvitationID)
			continue
		}
		require.Equal(t, EventPersonErased, added.Type)
	}
	require.Empty(t, revoked, "each has its event")
}

func (w *world) eraseUser(t *rapid.T, e erasure) {
	user := e.person.UserID
	renamed := func(name string) string {
		if name == user {
			return e.pseudonym
		}
		return name
	}
	records, members, events := maps.Clone(w.records), maps.Clone(w.members), slices.Clone(w.events)
	for id, r := range records {
		r.CreatedBy, r.SentBy, r.AcceptedBy = renamed(r.CreatedBy), renamed(r.SentBy), renamed(r.AcceptedBy)
		records[id] = r
	}
	for id, m := range members {
		m.InvitedBy = renamed(m.InvitedBy)
		members[id] = m
	}
	for i, event := range events {
		events[i].Actor, events[i].Subject, events[i].InvitedBy = renamed(event.Actor), renamed(event.Subject), renamed(event.InvitedBy)
	}
	for i := range w.mails {
		w.mails[i].sender = renamed(w.mails[i].sender)
	}
	removals, quotas := maps.Clone(w.removals), maps.Clone(w.quotas)
	w.erased[user] = e.pseudonym
	w.runErasure(t, e)
	require.Equal(t, records, w.records)
	require.Equal(t, members, w.members)
	require.Equal(t, events, w.events[:len(events)])
	require.Equal(t, removals, w.removals)
	require.Equal(t, quotas, w.quotas)
	for _, added := range w.events[len(events):] {
		require.Equal(t, EventPersonErased, added.Type)
		require.Equal(t, e.pseudonym, added.Subject)
		require.Empty(t, added.Actor)
	}
}

// runErasure calls an erasure until it finds no more rows. Each call finds some, and at most
// its limit of each kind.
func (w *world) runErasure(t *rapid.T, e erasure) {
	for left := w.traces(e.person); ; {
		rows, changes, err := performed(t, w, e)
		require.NoError(t, err)
		require.Equal(t, rows == 0, left == 0)
		if rows == 0 {
			require.Zero(t, changes)
			return
		}
		require.LessOrEqual(t, max(len(changes.Invitations), len(changes.Members), len(changes.ErasedEvents)), e.limit)
		w.apply(t, changes)
		was := left
		left = w.traces(e.person)
		require.Less(t, left, was, "each call comes nearer to the end")
	}
}

// traces returns the number of rows with a trace of a person.
func (w *world) traces(p Person) int {
	f := w.facts(Query{AlsoDeleted: true, TracesOf: p, TracesUpTo: 1 << 20})
	return len(f.TracedInvitations) + len(f.TracedMembers) + len(f.TracedEvents)
}

// deleteOrganization deletes a copy of the organization, so the history goes on.
func (w *world) deleteOrganization(t *rapid.T) {
	actor := w.anyActor(t)
	gone := w.clone()
	_, changes, err := performed(t, gone, deletion{actor, acme})
	if !w.may(actor, PermissionOrganizationManage) {
		require.Equal(t, ErrPermissionDenied, err)
		return
	}
	require.NoError(t, err)
	gone.apply(t, changes)
	require.True(t, gone.deleted)
	require.Equal(t, len(w.events)+1, len(gone.events), "one event tells it")
	gone.checkReplay(t)

	for _, c := range gone.tokens {
		for _, identity := range []Identity{{UserID: olga}, {nina, ninasEmail, true}} {
			_, _, err := performed(t, gone, acceptance{c, identity})
			require.Equal(t, ErrInvalidToken, err)
		}
		_, _, err := performed(t, gone, declining{c})
		require.Equal(t, ErrInvalidToken, err)
		_, _, err = performed(t, gone, revocation{System(), acme, c.id})
		require.Equal(t, ErrNotFound, err)
		_, _, err = performed(t, gone, revocation{User(olga), acme, c.id})
		require.Equal(t, ErrPermissionDenied, err)
	}
	_, _, err = performed(t, gone, addition{System(), AddMemberParams{Organization: acme, UserID: nina, Role: RoleOwner}})
	require.Equal(t, ErrNotFound, err)
	_, _, err = performed(t, gone, deletion{System(), acme})
	require.Equal(t, ErrNotFound, err)
	_, _, err = performed(t, gone, leaving{acme, olga})
	require.Equal(t, ErrNotFound, err)
	_, _, err = decide(t, gone.rules(), Facts{Organization: acme, Version: gone.version, Deleted: true}, founding{acme, olga})
	require.Equal(t, ErrConflict, err, "the ID stays taken")

	gone.eraseAddress(t, ninasEmail, 2) // until its rows are purged
}
