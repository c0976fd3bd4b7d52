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
// the member holds; a role that is in no policy holds nothing.
func mayActOn(p *Policy, actor Role, needs Permission, member Role) bool {
	return p.Allows(actor, needs) && (!p.Has(member) || holdsAllOf(p, actor, member))
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
			_, _, err := transfer(t, r, f, User(adam), olga, adam, policy.Roles()[0])
			require.Equal(t, role == RoleOwner, err == nil, "%s: %q takes over: %v", name, role, err)
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
