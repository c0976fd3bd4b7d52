package invitations_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-invitations/invitations"
)

// defaultTable is the default policy: a line for each permission, and an x for each role that
// holds it.
const defaultTable = `
                     owner admin developer billing viewer
invitation:create    x     x
invitation:resend    x     x
invitation:revoke    x     x
invitation:list      x     x
member:update        x     x
member:remove        x     x
quota:update         x     x
member:list          x     x     x         x       x
organization:use     x     x     x
billing:manage       x     x               x
organization:manage  x
`

func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	lines := strings.Split(strings.Trim(defaultTable, "\n"), "\n")
	header := lines[0]
	roles := strings.Fields(header)
	var names []invitations.Role
	for _, role := range roles {
		names = append(names, invitations.Role(role))
	}
	slices.Sort(names)
	require.Equal(t, names, policy.Roles())

	seen := 0
	for _, line := range lines[1:] {
		permission := invitations.Permission(strings.Fields(line)[0])
		for _, role := range roles {
			column := strings.Index(header, role)
			want := column < len(line) && line[column] == 'x'
			require.Equal(t, want, policy.Allows(invitations.Role(role), permission), "%s %s", role, permission)
			seen++
		}
	}
	require.Equal(t, 55, seen)
}

func TestDefaultPolicy_CanGrant(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	grants := map[invitations.Role][]invitations.Role{
		invitations.RoleOwner:     {invitations.RoleOwner, invitations.RoleAdmin, invitations.RoleDeveloper, invitations.RoleBilling, invitations.RoleViewer},
		invitations.RoleAdmin:     {invitations.RoleAdmin, invitations.RoleDeveloper, invitations.RoleBilling, invitations.RoleViewer},
		invitations.RoleDeveloper: {invitations.RoleDeveloper, invitations.RoleViewer},
		invitations.RoleBilling:   {invitations.RoleBilling, invitations.RoleViewer},
		invitations.RoleViewer:    {invitations.RoleViewer},
	}
	for _, actor := range policy.Roles() {
		for _, granted := range policy.Roles() {
			require.Equal(t, slices.Contains(grants[actor], granted), policy.CanGrant(actor, granted), "%s grants %s", actor, granted)
		}
	}
}

// A policy denies unknown roles and permissions.
func TestPolicy_DeniesUnknown(t *testing.T) {
	t.Parallel()
	for _, policy := range []*invitations.Policy{invitations.DefaultPolicy(), {}} {
		for _, unknown := range []invitations.Role{"ghost", "", "Owner", "owner "} {
			require.False(t, policy.Has(unknown))
			require.False(t, policy.Allows(unknown, invitations.PermissionMemberList))
			require.False(t, policy.Allows(unknown, ""))
			require.False(t, policy.CanGrant(unknown, unknown))
			for _, role := range policy.Roles() {
				require.False(t, policy.CanGrant(role, unknown), "%s grants %q", role, unknown)
				require.False(t, policy.CanGrant(unknown, role), "%q grants %s", unknown, role)
			}
		}
		for _, role := range policy.Roles() {
			require.False(t, policy.Allows(role, "invitation:forge"))
			require.False(t, policy.Allows(role, ""))
		}
	}
}

// manyRoles returns n roles, of which one is the owner, with m permissions each.
func manyRoles(n, m int) map[invitations.Role][]invitations.Permission {
	var permissions []invitations.Permission
	for i := range m {
		permissions = append(permissions, invitations.Permission(fmt.Sprintf("thing:do%d", i)))
	}
	roles := map[invitations.Role][]invitations.Permission{invitations.RoleOwner: permissions}
	for i := range n - 1 {
		roles[invitations.Role(fmt.Sprintf("role%d", i))] = permissions
	}
	return roles
}

func TestNewPolicy(t *testing.T) {
	t.Parallel()
	type roles = map[invitations.Role][]invitations.Permission
	for name, given := range map[string]roles{
		"an owner without permissions": {"owner": nil},
		"an owner with one":            {"owner": {"a"}},
		"a permission twice":           {"owner": {"a", "a"}, "guest": {"a", "a"}},
		"a role like the owner":        {"owner": {"a", "b"}, "founder": {"b", "a"}},
		"names of 64 bytes":            {"owner": {invitations.Permission(strings.Repeat("p", 64))}, invitations.Role(strings.Repeat("r", 64)): nil},
		"names of any letters":         {"owner": {"ключ 🔑"}, "охранник": {"ключ 🔑"}},
		"256 roles of 256 permissions": manyRoles(256, 256),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, err := invitations.NewPolicy(given)
			require.NoError(t, err)
			require.Len(t, policy.Roles(), len(given))
			for role, permissions := range given {
				require.True(t, policy.Has(role))
				for _, permission := range permissions {
					require.True(t, policy.Allows(role, permission))
				}
			}
		})
	}
}

func TestNewPolicy_Refuses(t *testing.T) {
	t.Parallel()
	type roles = map[invitations.Role][]invitations.Permission
	for name, given := range map[string]roles{
		"nil":                           nil,
		"empty":                         {},
		"no owner":                      {"admin": {"a"}},
		"an owner in upper case":        {"Owner": {"a"}},
		"an owner without a permission": {"owner": {"a"}, "admin": {"a", "b"}},
		"an empty role":                 {"owner": {"a"}, "": {"a"}},
		"a role of 65 bytes":            {"owner": {"a"}, invitations.Role(strings.Repeat("r", 65)): nil},
		"invalid UTF-8 in a role":       {"owner": {"a"}, "\xff": nil},
		"a role with a NUL":             {"owner": {"a"}, "a\x00": nil},
		"a role with a line break":      {"owner": {"a"}, "a\nb": nil},
		"a role with a C1 control":      {"owner": {"a"}, "a\u0085b": nil},
		"an empty permission":           {"owner": {"a", ""}},
		"a permission of 65 bytes":      {"owner": {invitations.Permission(strings.Repeat("p", 65))}},
		"invalid UTF-8 in a permission": {"owner": {"a\xc3"}},
		"a permission with a control":   {"owner": {"a\x7f"}},
		"a permission with a tab":       {"owner": {"a\tb"}},
		"257 roles":                     manyRoles(257, 1),
		"257 permissions of one role":   manyRoles(2, 257),
		"100,000 roles":                 manyRoles(100_000, 0),
		"a role of a megabyte":          {"owner": {"a"}, invitations.Role(strings.Repeat("r", 1<<20)): nil},
		"an owner with 255 of 256":      {"owner": manyRoles(1, 255)["owner"], "x": manyRoles(1, 256)["owner"]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, err := invitations.NewPolicy(given)
			require.Nil(t, policy)
			requireInvalid(t, err, "roles")
		})
	}
}

// A change of the map or the slices that a policy was made of does not change the policy.
func TestPolicy_IsImmutable(t *testing.T) {
	t.Parallel()
	given := map[invitations.Role][]invitations.Permission{"owner": {"a", "b"}, "guest": {"a"}}
	policy, err := invitations.NewPolicy(given)
	require.NoError(t, err)
	given["guest"][0] = "b"
	given["owner"][0] = "z"
	given["intruder"] = []invitations.Permission{"a"}
	delete(given, "guest")
	roles := policy.Roles()
	roles[0], roles[1] = "x", "y"

	require.Equal(t, []invitations.Role{"guest", "owner"}, policy.Roles())
	require.True(t, policy.Allows("guest", "a"))
	require.False(t, policy.Allows("guest", "b"))
	require.True(t, policy.Allows("owner", "a"))
	require.False(t, policy.Allows("owner", "z"))
	require.False(t, policy.Has("intruder"))
	require.True(t, policy.CanGrant("owner", "guest"))
	require.False(t, policy.CanGrant("guest", "owner"))
}

// A role can grant another one only if its permissions are a superset.
func TestPolicy_CanGrantIsSuperset(t *testing.T) {
	t.Parallel()
	permissions := []invitations.Permission{"a", "b", "c", "d", "e"}
	names := []invitations.Role{"owner", "one", "two", "three", "four"}
	rapid.Check(t, func(t *rapid.T) {
		roles := map[invitations.Role][]invitations.Permission{"owner": permissions}
		for _, name := range names[1:] {
			roles[name] = rapid.SliceOf(rapid.SampledFrom(permissions)).Draw(t, string(name))
		}
		policy, err := invitations.NewPolicy(roles)
		require.NoError(t, err)
		for _, actor := range names {
			for _, granted := range names {
				superset := true
				for _, p := range roles[granted] {
					superset = superset && slices.Contains(roles[actor], p)
				}
				require.Equal(t, superset, policy.CanGrant(actor, granted), "%s grants %s", actor, granted)
			}
		}
	})
}

// Hosts check permissions at every request.
func TestPolicy_ChecksDoNotAllocate(t *testing.T) {
	policy := invitations.DefaultPolicy()
	var yes bool
	allocated := testing.AllocsPerRun(100, func() {
		yes = policy.Allows(invitations.RoleAdmin, invitations.PermissionMemberList) &&
			!policy.Allows("ghost", "nothing") && policy.CanGrant(invitations.RoleOwner, invitations.RoleAdmin) &&
			policy.Has(invitations.RoleViewer)
	})
	require.True(t, yes)
	require.Zero(t, allocated)
}
