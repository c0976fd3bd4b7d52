package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// withOwners are the facts of a member's act: all staff, and so many owners as a store
// would count.
func withOwners(n int) Facts {
	f := noInvitation()
	f.OwnerCount = n
	return f
}

// dorasMembership has everything that a change of role must leave alone.
func dorasMembership() Member {
	m := memberOf(dora, RoleDeveloper)
	m.InvitationID, m.InvitedBy, m.Metadata = invitedID, adam, map[string]string{"team": "red"}
	return m
}

// A memberAct is something that is done to a member.
type memberAct struct {
	name    string
	needs   Permission
	perform func(t require.TestingT, r rules, f Facts, actor Actor, user string) error
}

// memberActs are all of them that need a rank. The role that is given is one that everybody
// who may give any can give.
var memberActs = []memberAct{
	{"change role", PermissionMemberUpdate, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		_, _, err := changeRole(t, r, f, actor, user, RoleViewer)
		return err
	}},
	{"remove", PermissionMemberRemove, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		_, _, err := removeMember(t, r, f, actor, user)
		return err
	}},
	{"set quota", PermissionQuotaUpdate, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		_, _, err := setQuota(t, r, f, actor, user, Quota{Limit: 5, Period: PeriodDay})
		return err
	}},
}

func changeRole(t require.TestingT, r rules, f Facts, actor Actor, user string, role Role) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) {
		return roleChange{actor, ChangeRoleParams{acme, user, role}}.decide(r, f)
	})
}

func removeMember(t require.TestingT, r rules, f Facts, actor Actor, user string) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) { return removal{actor, acme, user}.decide(r, f) })
}

func leave(t require.TestingT, r rules, f Facts, user string) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) { return leaving{acme, user}.decide(r, f) })
}

func TestChangeRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor  Actor
		user   string
		before Role
		after  Role
		loses  bool
	}{
		"an admin moves a developer": {User(adam), dora, RoleDeveloper, RoleBilling, true},
		"an admin raises to the own": {User(adam), dora, RoleDeveloper, RoleAdmin, false},
		"an admin lowers another":    {User(adam), vera, RoleAdmin, RoleViewer, true},
		"an admin lowers themselves": {User(adam), adam, RoleAdmin, RoleViewer, true},
		"an admin raises a viewer":   {User(adam), vera, RoleViewer, RoleDeveloper, false},
		"an owner raises to the own": {User(olga), dora, RoleDeveloper, RoleOwner, false},
		"an owner lowers another":    {User(olga), vera, RoleOwner, RoleViewer, true},
		"an owner lowers themselves": {User(olga), olga, RoleOwner, RoleAdmin, true},
		"the host raises":            {System(), dora, RoleDeveloper, RoleOwner, false},
		"the host lowers an owner":   {System(), olga, RoleOwner, RoleViewer, true},
		"out of a role that is gone": {User(olga), dora, ghost, RoleViewer, true},
		"the host, of a role gone":   {System(), dora, ghost, RoleOwner, true},
		"out of no role at all":      {User(olga), dora, "", RoleViewer, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withOwners(2)
			before := dorasMembership()
			before.UserID, before.Role = c.user, c.before
			f.Members[c.user] = before
			member, changes, err := changeRole(t, atNoon(), f, c.actor, c.user, c.after)
			require.NoError(t, err)
			want := before
			want.Role = c.after
			require.Equal(t, want, member)
			wantChanges := Changes{
				Members: []Member{want},
				Events: []Event{{
					Organization: acme, Type: EventMemberRoleChanged, At: noon,
					Actor: c.actor.user, Subject: c.user, Role: c.after,
				}},
			}
			if c.loses {
				wantChanges.Removals = []string{c.user} // the facts are at version 9
			}
			require.Equal(t, wantChanges, changes)
		})
	}
}

// The role that a member has already is no change, and so ends nothing, not even of the last
// owner. It takes the same right as any other.
func TestChangeRole_Same(t *testing.T) {
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
		// Something that the member could not send; it is not for this call to end it.
		f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.SentBy, r.Role = user, ghost })}
		member, changes, err := changeRole(t, atNoon(), f, c.actor, user, f.Members[user].Role)
		require.Equal(t, c.want, err, user)
		require.Zero(t, changes, user)
		if err == nil {
			require.Equal(t, f.Members[user], member)
		}
	}
	f := withRole(withOwners(1), dora, ghost)
	_, _, err := changeRole(t, atNoon(), f, User(olga), dora, ghost)
	require.Equal(t, ErrRoleNotAssignable, err, "nobody gives a role that is in no policy, not even again")
}

func TestRemoveMember(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor Actor
		user  string
		role  Role
	}{
		"an admin removes a developer":  {User(adam), dora, RoleDeveloper},
		"an admin removes an admin":     {User(adam), vera, RoleAdmin},
		"an admin removes themselves":   {User(adam), adam, RoleAdmin},
		"an owner removes an owner":     {User(olga), vera, RoleOwner},
		"an owner removes themselves":   {User(olga), olga, RoleOwner},
		"the host removes an owner":     {System(), olga, RoleOwner},
		"who has a role that is gone":   {User(olga), dora, ghost},
		"the host, of a role gone":      {System(), dora, ghost},
		"who was removed once before":   {User(adam), bill, RoleBilling},
		"who came back and was removed": {System(), bill, RoleBilling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withOwners(2)
			before := dorasMembership()
			before.UserID, before.Role = c.user, c.role
			f.Members[c.user] = before
			f.Removals[bill] = 2
			member, changes, err := removeMember(t, atNoon(), f, c.actor, c.user)
			require.NoError(t, err)
			require.Equal(t, before, member, "as it was")
			require.Equal(t, Changes{
				RemovedMembers: []string{c.user},
				Removals:       []string{c.user}, // the facts are at version 9
				Events: []Event{{
					Organization: acme, Type: EventMemberRemoved, At: noon,
					Actor: c.actor.user, Subject: c.user, Role: c.role,
				}},
			}, changes)
		})
	}
}

// Who leaves needs nobody's permission, and leaves no trace that would keep them out.
func TestLeave(t *testing.T) {
	t.Parallel()
	for _, role := range append(DefaultPolicy().Roles(), ghost) {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			f := withOwners(2)
			before := dorasMembership()
			before.Role = role
			f.Members = map[string]Member{dora: before}
			member, changes, err := leave(t, atNoon(), f, dora)
			require.NoError(t, err)
			require.Equal(t, before, member, "as it was")
			require.Equal(t, Changes{
				RemovedMembers: []string{dora},
				Events: []Event{{
					Organization: acme, Type: EventMemberLeft, At: noon, Actor: dora, Subject: dora, Role: role,
				}},
			}, changes)
		})
	}
	for name, f := range map[string]Facts{"no member": withOwners(2), "no organization": {}} {
		_, _, err := leave(t, atNoon(), f, nina)
		require.Equal(t, ErrNotFound, err, name)
	}
}

// An organization keeps an owner, whoever asks, and by whatever way one would go.
func TestClass48_TheLastOwnerStays(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t require.TestingT, f Facts, actor Actor) error{
		"demote": func(t require.TestingT, f Facts, actor Actor) error {
			_, _, err := changeRole(t, atNoon(), f, actor, olga, RoleAdmin)
			return err
		},
		"remove": func(t require.TestingT, f Facts, actor Actor) error {
			_, _, err := removeMember(t, atNoon(), f, actor, olga)
			return err
		},
		"leave": func(t require.TestingT, f Facts, _ Actor) error {
			_, _, err := leave(t, atNoon(), f, olga)
			return err
		},
	}
	for way, perform := range ways {
		for name, actor := range map[string]Actor{"themselves": User(olga), "the host": System()} {
			for owners, want := range map[int]error{0: ErrLastOwner, 1: ErrLastOwner, 2: nil} {
				require.Equal(t, want, perform(t, withOwners(owners), actor), "%s by %s, %d owners", way, name, owners)
			}
		}
	}

	// That there is only one owner is in nobody else's way.
	_, _, err := changeRole(t, atNoon(), withOwners(1), User(olga), adam, RoleViewer)
	require.NoError(t, err)
	_, _, err = removeMember(t, atNoon(), withOwners(1), User(olga), adam)
	require.NoError(t, err)
	_, _, err = leave(t, atNoon(), withOwners(1), adam)
	require.NoError(t, err)
	_, _, err = changeRole(t, atNoon(), withOwners(1), User(olga), adam, RoleOwner)
	require.NoError(t, err)
}

// A role with the same rights as the owner's is another role: it can do what an owner can,
// and does not count as one.
func TestClass48_LikeAnOwner(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{RoleOwner: allPermissions, "partner": allPermissions})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	f := withRole(withOwners(1), adam, "partner")
	_, _, err = changeRole(t, r, f, User(adam), olga, "partner")
	require.Equal(t, ErrLastOwner, err)
	_, _, err = removeMember(t, r, f, User(adam), olga)
	require.Equal(t, ErrLastOwner, err)
	_, _, err = changeRole(t, r, f, User(adam), adam, RoleOwner)
	require.NoError(t, err)
	_, _, err = leave(t, r, f, adam)
	require.NoError(t, err)
}

// Refusals come in this order: who lacks the right does not learn who is a member, and who
// is below does not learn how many owners there are.
func TestMemberActs_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	f := withRole(withOwners(1), adam, RoleViewer)
	delete(f.Members, olga)
	change := func(role Role) error {
		_, _, err := changeRole(t, atNoon(), f, User(adam), olga, role)
		return err
	}
	remove := func() error {
		_, _, err := removeMember(t, atNoon(), f, User(adam), olga)
		return err
	}
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

// Who is no member, or of an organization that does not exist, is found by those alone who
// may act.
func TestMemberActs_NotFound(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                        {withOwners(2), User(olga), ErrNotFound},
			"admin":                        {withOwners(2), User(adam), ErrNotFound},
			"the host":                     {withOwners(2), System(), ErrNotFound},
			"developer":                    {withOwners(2), User(dora), ErrPermissionDenied},
			"stranger":                     {withOwners(2), User("mallory"), ErrPermissionDenied},
			"nina on herself":              {withOwners(2), User(nina), ErrPermissionDenied},
			"nobody":                       {withOwners(2), Actor{}, ErrPermissionDenied},
			"no organization, a user":      {Facts{}, User(olga), ErrPermissionDenied},
			"no organization, the host":    {Facts{}, System(), ErrNotFound},
			"an organization without them": {Facts{Organization: acme, Version: 1}, System(), ErrNotFound},
		} {
			require.Equal(t, c.want, act.perform(t, atNoon(), c.facts, c.actor, nina), "%s: %s", act.name, name)
		}
	}
}

// A removal is told by the version of its change, so that nothing sent before it, and all
// that is sent after it, lets the removed in.
func TestClass15_RemovedAndInvitedAgain(t *testing.T) {
	t.Parallel()
	removalOf := func(version int64) int64 {
		f := withRole(withOwners(2), nina, RoleDeveloper)
		f.Version = version
		_, changes, err := removeMember(t, atNoon(), f, User(adam), nina)
		require.NoError(t, err)
		require.Equal(t, []string{nina}, changes.Removals)
		return version + 1 // the version that the store keeps
	}
	for sentAt, want := range map[int64]error{3: ErrRevoked, 9: ErrRevoked, 10: ErrRevoked, 11: nil} {
		f := factsOf(changed(linkRecord(), func(r *Record) { r.SentVersion = sentAt }))
		f.Version = 12
		f.Removals[nina] = removalOf(9) // the change after version 9 is version 10
		require.Equal(t, want, acceptTwice(t, f, verifiedNina), "sent by version %d", sentAt)
	}

	// Sent again after the removal is sent after it.
	f := factsOf(linkRecord())
	f.Version = 10
	f.Removals[nina] = removalOf(9)
	r := atNoon()
	r.now = noon.Add(time.Minute)
	resent, _, err := resending{actor: User(adam), nonce: sentNonce, lifetime: 0}.decide(r, f)
	require.NoError(t, err)
	f.Invitation, f.Version = &resent, 11
	require.NoError(t, acceptTwice(t, f, verifiedNina))
}
