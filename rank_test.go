package invitations

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// ranks are policies in which the rights of an actor, of the member that they act on and of
// the role that they give differ in every way.
func ranks(t require.TestingT) map[string]*Policy {
	crossed, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions,
		// Each of the two holds something that the other does not.
		"personnel": {PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionBillingManage},
		"controller": {
			PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate, PermissionOrganizationUse,
		},
		"updater": {PermissionMemberList, PermissionMemberUpdate},
		"remover": {PermissionMemberList, PermissionMemberRemove},
		"metered": {PermissionMemberList, PermissionQuotaUpdate},
		"reader":  {PermissionMemberList, PermissionBillingManage},
		"guest":   {},
	})
	require.NoError(t, err)
	return map[string]*Policy{"default": DefaultPolicy(), "crossed": crossed}
}

// mayActOn is the rule of ranks in other words: the actor holds the permission, and all that
// the member holds. A role that is in no policy may hold anything, as in that of another
// version of the host, so it takes all that there is.
func mayActOn(p *Policy, actor Role, needs Permission, member Role) bool {
	if !p.Has(member) {
		for _, role := range p.Roles() {
			if !holdsAllOf(p, actor, role) {
				return false
			}
		}
	}
	return p.Allows(actor, needs) && (!p.Has(member) || holdsAllOf(p, actor, member))
}

// losesBy is the rule of demotion in other words: there is a right that the old role holds
// and the new one does not. What a role held that is in no policy, nobody knows any more.
func losesBy(p *Policy, before, after Role) bool {
	for _, permission := range allPermissions {
		if p.Allows(before, permission) && !p.Allows(after, permission) {
			return true
		}
	}
	return !p.Has(before)
}

// The whole matrix of the actor's role, the member's and the one that is given: nobody acts
// on who is above them, and nobody is raised above who raises them.
func TestClass13_NobodyTouchesWhoIsAbove(t *testing.T) {
	t.Parallel()
	for name, policy := range ranks(t) {
		r := atNoon()
		r.policy = policy
		roles := append(policy.Roles(), ghost, "")
		for _, actor := range roles {
			for _, member := range roles {
				f := withOwners(2)
				f.Members = map[string]Member{"actor": memberOf("actor", actor), dora: memberOf(dora, member)}
				for _, act := range memberActs {
					if act.name == "change role" {
						continue // gives a role as well, below
					}
					err := act.perform(t, r, f, User("actor"), dora)
					if mayActOn(policy, actor, act.needs, member) {
						require.NoError(t, err, "%s: %q %s %q", name, actor, act.name, member)
					} else {
						require.Equal(t, ErrPermissionDenied, err, "%s: %q %s %q", name, actor, act.name, member)
					}
					require.NoError(t, act.perform(t, r, f, System(), dora), "the host: %s %q", act.name, member)
				}
				for _, given := range roles {
					_, changes, err := changeRole(t, r, f, User("actor"), dora, given)
					switch {
					case !mayActOn(policy, actor, PermissionMemberUpdate, member):
						require.Equal(t, ErrPermissionDenied, err, "%s: %q makes %q %q", name, actor, member, given)
					case !holdsAllOf(policy, actor, given):
						require.Equal(t, ErrRoleNotAssignable, err, "%s: %q makes %q %q", name, actor, member, given)
					default:
						require.NoError(t, err, "%s: %q makes %q %q", name, actor, member, given)
						require.Equal(t, member == given, changes.Empty())
					}
					_, _, err = changeRole(t, r, f, System(), dora, given)
					if policy.Has(given) {
						require.NoError(t, err, "%s: the host makes %q %q", name, member, given)
					} else {
						require.Equal(t, ErrRoleNotAssignable, err, "%s: the host makes %q %q", name, member, given)
					}
				}
			}
		}
	}
}

// The same about oneself: by no act does anybody gain a permission that they did not hold.
func TestClass10_NobodyRaisesThemselves(t *testing.T) {
	t.Parallel()
	for name, policy := range ranks(t) {
		r := atNoon()
		r.policy = policy
		for _, role := range append(policy.Roles(), ghost, "") {
			f := withRole(withOwners(2), adam, role)
			for _, given := range append(policy.Roles(), ghost, "") {
				member, _, err := changeRole(t, r, f, User(adam), adam, given)
				allowed := policy.Allows(role, PermissionMemberUpdate) && holdsAllOf(policy, role, given)
				require.Equal(t, allowed, err == nil, "%s: %q to %q: %v", name, role, given, err)
				if err == nil {
					require.True(t, holdsAllOf(policy, role, member.Role))
				}
			}
			_, _, err := transferOwnership(t, r, f, User(adam), olga, adam, policy.Roles()[0])
			require.Equal(t, role == RoleOwner, err == nil, "%s: %q takes over: %v", name, role, err)
		}
	}
}

// Whoever lost a right by another role does not get it back by going and coming in again,
// with whatever was sent before. What is sent later lets them in, and so does everything for
// those who lost nothing.
func TestClass13_DemotedMemberDoesNotComeBackByAnOldLink(t *testing.T) {
	t.Parallel()
	for name, policy := range ranks(t) {
		r := atNoon()
		r.policy = policy
		// comesBack has Nina, whose facts are at version 9, get her new role by changes,
		// leave, and accept what the host sent by the change to version sentAt.
		comesBack := func(t require.TestingT, kind Kind, sentAt int64, changes Changes) error {
			f := factsOf(changed(recordOf(kind), func(r *Record) { r.Role, r.SentBy, r.SentVersion = RoleOwner, "", sentAt }))
			f.Version, f.OwnerCount = 10, 2
			for _, m := range changes.Members {
				f.Members[m.UserID] = m
			}
			for _, user := range changes.Removals {
				f.Removals[user] = 10
			}
			_, left, err := leave(t, r, f, nina)
			require.NoError(t, err)
			require.Equal(t, []string{nina}, left.RemovedMembers)
			require.Empty(t, left.Removals)
			f.Version = 12 // and something else has been sent
			delete(f.Members, nina)
			_, _, err = decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, verifiedNina}.decide(r, f) })
			return err
		}
		require13 := func(way string, before, after Role, changes Changes) {
			var trace []string
			if losesBy(policy, before, after) {
				trace = []string{nina}
			}
			require.Equal(t, trace, changes.Removals, "%s, %s: from %q to %q", name, way, before, after)
			for _, kind := range []Kind{KindEmail, KindLink} {
				for _, sentAt := range []int64{1, 9, 10, 11, 12} {
					var want error
					if len(trace) > 0 && sentAt <= 10 {
						want = ErrRevoked
					}
					require.Equal(t, want, comesBack(t, kind, sentAt, changes),
						"%s, %s: from %q to %q, by what was sent at %d", name, way, before, after, sentAt)
				}
			}
		}
		for _, after := range policy.Roles() {
			for _, before := range append(policy.Roles(), ghost, "") {
				for _, actor := range []Actor{System(), User(olga)} {
					_, changes, err := changeRole(t, r, withRole(withOwners(2), nina, before), actor, nina, after)
					require.NoError(t, err)
					if before == after {
						require.Zero(t, changes)
						continue
					}
					require13("change", before, after, changes)
				}
			}
			if after != RoleOwner {
				_, changes, err := transferOwnership(t, r, withRole(withOwners(2), nina, RoleOwner), System(), nina, dora, after)
				require.NoError(t, err)
				require13("transfer", RoleOwner, after, changes)
			}
		}
	}
}

// A role that holds the same by another name is no less; one right is enough to be less, also
// where others are won.
func TestClass13_DemotionIsTheLossOfAnyRight(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions, "partner": allPermissions, "almost": allPermissions[1:],
		"one": allPermissions[:1], "other": allPermissions[1:2], "nothing": nil, "nobody": nil,
	})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	for _, c := range []struct {
		before, after Role
		loses         bool
	}{
		{RoleOwner, "partner", false}, {"partner", RoleOwner, false}, {"nothing", "nobody", false}, {"nothing", "one", false},
		{RoleOwner, "almost", true}, {"partner", "almost", true}, {"one", "other", true}, {"other", "almost", false},
		{"one", "almost", true}, {"one", "nothing", true}, {ghost, RoleOwner, true}, {ghost, "nothing", true},
	} {
		_, changes, err := changeRole(t, r, withRole(withOwners(2), adam, c.before), User(olga), adam, c.after)
		require.NoError(t, err)
		require.Equal(t, c.loses, len(changes.Removals) > 0, "from %q to %q", c.before, c.after)
		if c.before == RoleOwner {
			_, changes, err = transferOwnership(t, r, withRole(withOwners(2), adam, c.before), User(olga), adam, dora, c.after)
			require.NoError(t, err)
			require.Equal(t, c.loses, len(changes.Removals) > 0, "handing over, to %q", c.after)
		}
	}

	// Nor is a refused one a demotion, and the heir of a transfer loses nothing.
	_, changes, err := changeRole(t, r, withOwners(1), System(), olga, "almost")
	require.Equal(t, ErrLastOwner, err)
	require.Zero(t, changes)
	for _, heir := range []Role{"one", RoleOwner, "nothing"} {
		_, changes, err = transferOwnership(t, r, withRole(withOwners(2), adam, heir), System(), olga, adam, "almost")
		require.NoError(t, err)
		require.Equal(t, []string{olga}, changes.Removals)
	}
}

// A role that the policy does not know may be the highest of another version of the host: in
// a rollout, nobody acts on who has it but who could act on an owner.
func TestClass13_UnknownRoleIsLikeAnOwner(t *testing.T) {
	t.Parallel()
	for name, policy := range ranks(t) {
		r := atNoon()
		r.policy = policy
		for _, unknown := range []Role{ghost, ""} {
			for _, actor := range append(policy.Roles(), ghost, "") {
				for _, act := range memberActs {
					if act.name == "change role" && !policy.Has(RoleViewer) {
						continue // it makes a viewer
					}
					f := withRole(withRole(withOwners(2), adam, actor), dora, unknown)
					onOwner := act.perform(t, r, withRole(f, dora, RoleOwner), User(adam), dora)
					require.Equal(t, onOwner, act.perform(t, r, f, User(adam), dora), "%s: %q, %s %q", name, actor, act.name, unknown)
					require.Equal(t, actor == RoleOwner, onOwner == nil, "%s: %q, %s", name, actor, act.name)
					require.NoError(t, act.perform(t, r, f, System(), dora), "the host may")
				}
			}
			// Not even on themselves.
			f := withRole(withOwners(2), dora, unknown)
			for _, act := range memberActs {
				require.Equal(t, ErrPermissionDenied, act.perform(t, r, f, User(dora), dora), act.name)
			}
		}
	}
}

// With the default policy, in words.
func TestClass13_AdminAndOwner(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		require.Equal(t, ErrPermissionDenied, act.perform(t, atNoon(), withOwners(2), User(adam), olga), act.name)
		require.NoError(t, act.perform(t, atNoon(), withOwners(2), User(olga), adam), act.name)
		require.NoError(t, act.perform(t, atNoon(), withOwners(2), User(adam), dora), act.name)
		for _, low := range []string{dora, bill, vera} {
			require.Equal(t, ErrPermissionDenied, act.perform(t, atNoon(), withOwners(2), User(low), vera), act.name)
		}
	}
	_, _, err := changeRole(t, atNoon(), withOwners(2), User(adam), dora, RoleOwner)
	require.Equal(t, ErrRoleNotAssignable, err)
	_, _, err = changeRole(t, atNoon(), withOwners(2), User(adam), adam, RoleOwner)
	require.Equal(t, ErrRoleNotAssignable, err)
}

// One permission of the three is not another.
func TestClass12_EachActHasItsPermission(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		for _, held := range allPermissions {
			policy, err := NewPolicy(map[Role][]Permission{
				RoleOwner: allPermissions, "one": {held}, RoleViewer: nil,
			})
			require.NoError(t, err)
			r := atNoon()
			r.policy = policy
			err = act.perform(t, r, withRole(withOwners(2), adam, "one"), User(adam), vera)
			if held == act.needs {
				require.NoError(t, err, "%s with %s", act.name, held)
			} else {
				require.Equal(t, ErrPermissionDenied, err, "%s with %s", act.name, held)
			}
		}
	}
}
