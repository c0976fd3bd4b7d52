package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fullMember returns a membership with every field. A role change must leave the others alone.
func fullMember(user string, role Role) Member {
	m := memberOf(user, role)
	m.InvitationID, m.InvitedBy, m.Metadata = invitedID, adam, map[string]string{"team": "red"}
	return m
}

// memberEvent returns the event of a change of m at noon.
func memberEvent(event EventType, actor Actor, m Member) Event {
	return Event{Organization: acme, Type: event, At: noon, Actor: actor.user, Subject: m.UserID, Role: m.Role}
}

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	founder := memberOf(olga, RoleOwner)
	invited := founder
	invited.InvitationID = invitedID
	demoted := memberOf(olga, RoleAdmin)
	existing := func(members ...Member) Facts {
		f := Facts{Organization: acme, Version: 3, Members: map[string]Member{}}
		for _, m := range members {
			f.Members[m.UserID] = m
		}
		return f
	}
	for name, c := range map[string]struct {
		facts Facts
		want  any // the membership, or the refusal
	}{
		"new":                     {Facts{Organization: acme}, Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon}},
		"repeated":                {existing(founder), founder},
		"of another founder":      {existing(), ErrConflict},
		"by an invited owner":     {existing(invited), ErrConflict},
		"by a founder, now admin": {existing(demoted), ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, changes, err := decide(t, atNoon(), c.facts, founding{acme, olga})
			if refusal, ok := c.want.(error); ok {
				require.Equal(t, refusal, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, m)
			if c.facts.Version > 0 {
				require.Zero(t, changes, "a repetition changes nothing")
				return
			}
			require.Equal(t, Changes{
				Members: []Member{m},
				Events:  []Event{memberEvent(EventMemberJoined, User(olga), m)},
			}, changes)
		})
	}
}

func TestChangeRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor  Actor
		user   string
		before Role
		after  Role
		loses  bool // a permission
	}{
		"admin changes a developer":         {User(adam), dora, RoleDeveloper, RoleBilling, true},
		"admin raises to admin":             {User(adam), dora, RoleDeveloper, RoleAdmin, false},
		"admin lowers another admin":        {User(adam), vera, RoleAdmin, RoleViewer, true},
		"admin lowers themselves":           {User(adam), adam, RoleAdmin, RoleViewer, true},
		"admin raises a viewer":             {User(adam), vera, RoleViewer, RoleDeveloper, false},
		"owner raises to owner":             {User(olga), dora, RoleDeveloper, RoleOwner, false},
		"owner lowers another owner":        {User(olga), vera, RoleOwner, RoleViewer, true},
		"owner lowers themselves":           {User(olga), olga, RoleOwner, RoleAdmin, true},
		"System raises":                     {System(), dora, RoleDeveloper, RoleOwner, false},
		"System lowers an owner":            {System(), olga, RoleOwner, RoleViewer, true},
		"owner changes an unknown role":     {User(olga), dora, ghost, RoleViewer, true},
		"System changes an unknown role":    {System(), dora, ghost, RoleOwner, true},
		"owner changes a member of no role": {User(olga), dora, "", RoleViewer, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withMember(withOwners(2), fullMember(c.user, c.before))
			member, changes, err := decide(t, atNoon(), f, roleChangeBy(c.actor, c.user, c.after))
			require.NoError(t, err)
			want := fullMember(c.user, c.after)
			require.Equal(t, want, member)
			wantChanges := Changes{
				Members: []Member{want},
				Events:  []Event{memberEvent(EventMemberRoleChanged, c.actor, want)},
			}
			if c.loses {
				wantChanges.Removals = []string{c.user}
			}
			require.Equal(t, wantChanges, changes)
		})
	}
}

// A change to the present role changes nothing, even for the last owner. It needs the same
// permission as any other.
func TestChangeRole_SameRole(t *testing.T) {
	t.Parallel()
	for user, c := range map[string]struct {
		actor Actor
		want  error
	}{
		olga: {User(olga), nil},
		dora: {User(adam), nil},
		vera: {System(), nil},
		adam: {User(dora), ErrPermissionDenied},
	} {
		f := withOwners(1)
		// The member is not entitled to this invitation, but the call does not revoke it.
		f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.SentBy, r.Role = user, ghost })}
		member, changes, err := decide(t, atNoon(), f, roleChangeBy(c.actor, user, f.Members[user].Role))
		require.Equal(t, c.want, err, user)
		require.Zero(t, changes, user)
		if err == nil {
			require.Equal(t, f.Members[user], member)
		}
	}
	f := withRole(withOwners(1), dora, ghost)
	require.Equal(t, ErrRoleNotAssignable, refusal(t, atNoon(), f, roleChangeBy(User(olga), dora, ghost)), "the present role is unknown")
}

func TestRemoveMember(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor Actor
		user  string
		role  Role
	}{
		"admin removes a developer":        {User(adam), dora, RoleDeveloper},
		"admin removes another admin":      {User(adam), vera, RoleAdmin},
		"admin removes themselves":         {User(adam), adam, RoleAdmin},
		"owner removes another owner":      {User(olga), vera, RoleOwner},
		"owner removes themselves":         {User(olga), olga, RoleOwner},
		"System removes an owner":          {System(), olga, RoleOwner},
		"owner removes an unknown role":    {User(olga), dora, ghost},
		"System removes an unknown role":   {System(), dora, ghost},
		"admin removes a returned member":  {User(adam), bill, RoleBilling},
		"System removes a returned member": {System(), bill, RoleBilling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := fullMember(c.user, c.role)
			f := withMember(withOwners(2), before)
			f.Removals[bill] = 2
			member, changes, err := decide(t, atNoon(), f, removal{c.actor, acme, c.user})
			require.NoError(t, err)
			require.Equal(t, before, member)
			require.Equal(t, Changes{
				RemovedMembers: []string{c.user},
				Removals:       []string{c.user},
				Events:         []Event{memberEvent(EventMemberRemoved, c.actor, before)},
			}, changes)
		})
	}
}

// Leaving needs no permission and is not a removal, so the user can return.
func TestLeave(t *testing.T) {
	t.Parallel()
	for _, role := range append(DefaultPolicy().Roles(), ghost) {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			f := withOwners(2)
			before := fullMember(dora, role)
			f.Members = map[string]Member{dora: before}
			member, changes, err := decide(t, atNoon(), f, leaving{acme, dora})
			require.NoError(t, err)
			require.Equal(t, before, member)
			require.Equal(t, Changes{
				RemovedMembers: []string{dora},
				Events:         []Event{memberEvent(EventMemberLeft, User(dora), before)},
			}, changes)
		})
	}
	for name, f := range map[string]Facts{"stranger": withOwners(2), "no organization": {}} {
		require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, leaving{acme, nina}), name)
	}
}

// No act by anybody leaves an organization without an owner.
func TestClass48_TheLastOwnerStays(t *testing.T) {
	t.Parallel()
	for name, perform := range map[string]actorTest{
		"demote": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, roleChangeBy(actor, olga, RoleAdmin))
		},
		"remove": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, removal{actor, acme, olga})
		},
		"leave": func(t require.TestingT, f Facts, _ Actor) error {
			return refusal(t, atNoon(), f, leaving{acme, olga})
		},
	} {
		for _, actor := range []Actor{User(olga), System()} {
			for owners, want := range map[int]error{0: ErrLastOwner, 1: ErrLastOwner, 2: nil} {
				require.Equal(t, want, perform(t, withOwners(owners), actor), "%s by %q, %d owners", name, actor.user, owners)
			}
		}
	}

	// The only owner does not stand in the way of changes of other members.
	f := withOwners(1)
	require.NoError(t, refusal(t, atNoon(), f, roleChangeBy(User(olga), adam, RoleViewer)))
	require.NoError(t, refusal(t, atNoon(), f, roleChangeBy(User(olga), adam, RoleOwner)))
	require.NoError(t, refusal(t, atNoon(), f, removal{User(olga), acme, adam}))
	require.NoError(t, refusal(t, atNoon(), f, leaving{acme, adam}))
}

// A role with the permissions of an owner can act like one, but does not count as one.
func TestClass48_OnlyTheOwnerRoleCounts(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{RoleOwner: allPermissions, "partner": allPermissions})
	require.NoError(t, err)
	r := rulesOf(policy)
	f := withRole(withOwners(1), adam, "partner")
	require.Equal(t, ErrLastOwner, refusal(t, r, f, roleChangeBy(User(adam), olga, "partner")))
	require.Equal(t, ErrLastOwner, refusal(t, r, f, removal{User(adam), acme, olga}))
	require.NoError(t, refusal(t, r, f, roleChangeBy(User(adam), adam, RoleOwner)))
	require.NoError(t, refusal(t, r, f, leaving{acme, adam}))
}

// Without the permission, an actor does not learn whether a user is a member. With a lower
// rank, they do not learn the number of owners.
func TestMemberActs_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	f := withRole(withOwners(1), adam, RoleViewer)
	delete(f.Members, olga)
	change := func(role Role) error { return refusal(t, atNoon(), f, roleChangeBy(User(adam), olga, role)) }
	remove := func() error { return refusal(t, atNoon(), f, removal{User(adam), acme, olga}) }
	require.Equal(t, ErrPermissionDenied, change(RoleOwner))
	require.Equal(t, ErrPermissionDenied, remove())
	f = withRole(f, adam, RoleAdmin)
	require.Equal(t, ErrNotFound, change(RoleOwner))
	require.Equal(t, ErrNotFound, remove())
	f = withRole(f, olga, RoleOwner)
	require.Equal(t, ErrPermissionDenied, change(RoleViewer))
	require.Equal(t, ErrPermissionDenied, remove())
	f = withRole(f, olga, RoleDeveloper)
	require.Equal(t, ErrRoleNotAssignable, change(RoleOwner))
	f = withRole(withRole(f, olga, RoleOwner), adam, RoleOwner)
	require.Equal(t, ErrRoleNotAssignable, change(ghost))
	require.Equal(t, ErrLastOwner, change(RoleViewer))
	require.Equal(t, ErrLastOwner, remove())
	f.OwnerCount = 2
	require.NoError(t, change(RoleViewer))
	require.NoError(t, remove())
}

// Only actors with the permission learn that a user is not a member.
func TestMemberActs_NotFound(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                      {withOwners(2), User(olga), ErrNotFound},
			"admin":                      {withOwners(2), User(adam), ErrNotFound},
			"System":                     {withOwners(2), System(), ErrNotFound},
			"developer":                  {withOwners(2), User(dora), ErrPermissionDenied},
			"stranger":                   {withOwners(2), User("mallory"), ErrPermissionDenied},
			"stranger on themselves":     {withOwners(2), User(nina), ErrPermissionDenied},
			"zero actor":                 {withOwners(2), Actor{}, ErrPermissionDenied},
			"user, no organization":      {Facts{}, User(olga), ErrPermissionDenied},
			"System, no organization":    {Facts{}, System(), ErrNotFound},
			"System, no member is asked": {Facts{Organization: acme, Version: 1}, System(), ErrNotFound},
		} {
			require.Equal(t, c.want, act.perform(t, atNoon(), c.facts, c.actor, nina), "%s by %s", act.name, name)
		}
	}
}

// A removed member is refused with invitations sent before the removal. Invitations sent or
// resent after it admit them.
func TestClass15_RemovedAndInvitedAgain(t *testing.T) {
	t.Parallel()
	f := withRole(withOwners(2), nina, RoleDeveloper) // at version 9, so the removal is at version 10
	_, changes, err := decide(t, atNoon(), f, removal{User(adam), acme, nina})
	require.NoError(t, err)
	require.Equal(t, []string{nina}, changes.Removals)
	for sentAt, want := range map[int64]error{3: ErrRevoked, 9: ErrRevoked, 10: ErrRevoked, 11: nil} {
		f := factsOf(changed(linkRecord(), func(r *Record) { r.SentVersion = sentAt }))
		f.Version = 12
		f.Removals[nina] = 10
		require.Equal(t, want, acceptErr(t, f, verifiedNina), "sent at version %d", sentAt)
	}

	f = factsOf(linkRecord())
	f.Version = 10
	f.Removals[nina] = 10
	require.Equal(t, ErrRevoked, acceptErr(t, f, verifiedNina))
	r := atNoon()
	r.now = noon.Add(time.Minute)
	resent, _, err := decide(t, r, f, resending{User(adam), acme, invitedID, sentNonce, 0})
	require.NoError(t, err)
	f.Invitation, f.Version = &resent, 11
	require.NoError(t, acceptErr(t, f, verifiedNina), "resent after the removal")
}
