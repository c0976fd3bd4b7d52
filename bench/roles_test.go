package bench_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

type roleCheck struct {
	name       string
	policy     *invitations.Policy
	role       invitations.Role
	permission invitations.Permission
	want       bool
}

type roleGrant struct {
	name           string
	policy         *invitations.Policy
	actor, granted invitations.Role
	want           bool
}

// fromStore returns a copy of s, like a role that was read from a store. Strings that share
// memory would compare faster.
func fromStore[T ~string](s T) T { return T(strings.Clone(string(s))) }

func roleChecks(t testing.TB) ([]roleCheck, []roleGrant) {
	standard, custom := invitations.DefaultPolicy(), manyRoles(t)
	owner, admin := fromStore(invitations.RoleOwner), fromStore(invitations.RoleAdmin)
	viewer, nobody := fromStore(invitations.RoleViewer), fromStore(invitations.Role("nobody"))
	last, before := fromStore(customRole(99)), fromStore(customRole(98))
	return []roleCheck{
			{"owner", standard, owner, invitations.PermissionOrganizationManage, true},
			{"admin", standard, admin, invitations.PermissionInvitationCreate, true},
			{"admin-denied", standard, admin, invitations.PermissionOrganizationManage, false},
			{"viewer", standard, viewer, invitations.PermissionMemberList, true},
			{"viewer-denied", standard, viewer, invitations.PermissionInvitationCreate, false},
			{"unknown-role", standard, nobody, invitations.PermissionMemberList, false},
			{"unknown-permission", standard, owner, "nothing:known", false},
			{"100-roles", custom, last, customPermission(99), true},
			{"100-roles-denied", custom, last, customPermission(100), false},
		}, []roleGrant{
			{"owner-admin", standard, owner, admin, true},
			{"admin-owner", standard, admin, owner, false},
			{"admin-unknown", standard, admin, nobody, false},
			{"100-roles", custom, last, before, true},
			{"100-roles-denied", custom, before, last, false},
		}
}

// manyRoles returns a policy of 100 roles and the owner. Each role holds one permission more
// than the one before.
func manyRoles(t testing.TB) *invitations.Policy {
	roles := map[invitations.Role][]invitations.Permission{}
	var held []invitations.Permission
	for i := range 101 {
		held = append(held, customPermission(i))
		roles[customRole(i)] = held[:i+1]
	}
	delete(roles, customRole(100))
	roles[invitations.RoleOwner] = held
	policy, err := invitations.NewPolicy(roles)
	require.NoError(t, err)
	return policy
}

func customRole(i int) invitations.Role { return invitations.Role(fmt.Sprintf("team-role-%03d", i)) }

func customPermission(i int) invitations.Permission {
	return invitations.Permission(fmt.Sprintf("resource-%03d:write", i))
}

func BenchmarkAllows(b *testing.B) {
	checks, grants := roleChecks(b)
	for _, c := range checks {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c.policy.Allows(c.role, c.permission) != c.want {
					b.Fatal("wrong answer")
				}
			}
		})
	}
	for _, g := range grants {
		b.Run("grant/"+g.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if g.policy.CanGrant(g.actor, g.granted) != g.want {
					b.Fatal("wrong answer")
				}
			}
		})
	}
}

func TestPolicy_ChecksDoNotAllocate(t *testing.T) {
	checks, grants := roleChecks(t)
	for _, c := range checks {
		got := testing.AllocsPerRun(1000, func() {
			if c.policy.Allows(c.role, c.permission) != c.want {
				t.Fatalf("%s: wrong answer", c.name)
			}
		})
		require.Zero(t, got, c.name)
	}
	for _, g := range grants {
		got := testing.AllocsPerRun(1000, func() {
			if g.policy.CanGrant(g.actor, g.granted) != g.want {
				t.Fatalf("%s: wrong answer", g.name)
			}
		})
		require.Zero(t, got, g.name)
	}
}
