package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// rolesModel is casbin's usual model of roles.
const rolesModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`

// membersModel is casbin's usual model of roles in organizations, which have the same roles.
const membersModel = `
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act
`

// parts returns the object and the action of a permission.
func parts(p invitations.Permission) (object, action string) {
	object, action, _ = strings.Cut(string(p), ":")
	return object, action
}

// An enforcer is casbin with or without its cache.
type enforcer interface {
	Enforce(values ...any) (bool, error)
	AddPolicies(rules [][]string) (bool, error)
	AddGroupingPolicies(rules [][]string) (bool, error)
	RemoveGroupingPolicy(params ...any) (bool, error)
}

// A peerEnforcer is an enforcer with its name.
type peerEnforcer struct {
	name string
	enforcer
}

// enforcers returns casbin, and casbin that keeps its answers. Both know the roles of a policy.
func enforcers(text string, policy *invitations.Policy, permissions []invitations.Permission) []peerEnforcer {
	all := []peerEnforcer{
		{"casbin", must(casbin.NewEnforcer(must(model.NewModelFromString(text))))},
		{"casbin-cached", must(casbin.NewCachedEnforcer(must(model.NewModelFromString(text))))},
	}
	var rules [][]string
	for _, role := range policy.Roles() {
		for _, permission := range permissions {
			if policy.Allows(role, permission) {
				object, action := parts(permission)
				rules = append(rules, []string{string(role), object, action})
			}
		}
	}
	for _, e := range all {
		must(e.AddPolicies(rules))
	}
	return all
}

var defaultPermissions = []invitations.Permission{
	invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionInvitationRevoke,
	invitations.PermissionInvitationList, invitations.PermissionMemberAdd, invitations.PermissionMemberUpdate,
	invitations.PermissionMemberRemove, invitations.PermissionMemberList, invitations.PermissionQuotaUpdate,
	invitations.PermissionOrganizationUse, invitations.PermissionBillingManage, invitations.PermissionOrganizationManage,
}

func customPermissions() (all []invitations.Permission) {
	for i := range 101 {
		all = append(all, customPermission(i))
	}
	return all
}

// members are the users of an organization in [BenchmarkPermissions], with their roles.
var members = map[string]invitations.Role{
	"ada": invitations.RoleOwner, "adam": invitations.RoleAdmin, "dave": invitations.RoleDeveloper,
	"bill": invitations.RoleBilling, "vera": invitations.RoleViewer,
}

func organizationName(n int) string { return fmt.Sprintf("organization-%03d", n) }

// A membership is a service and enforcers that know the same members of many organizations.
type membership struct {
	svc           *invitations.Service
	enforcers     []peerEnforcer
	organizations int
}

func newMembership(t testing.TB, store invitations.Store, organizations int) membership {
	ctx := context.Background()
	m := membership{svc: must(invitations.New(store, newKeyring(t), invitations.Config{})), organizations: organizations}
	m.enforcers = enforcers(membersModel, m.svc.Policy(), defaultPermissions)
	var rules [][]string
	for n := range organizations {
		organization := organizationName(n)
		must(m.svc.CreateOrganization(ctx, organization, "ada"))
		for user, role := range members {
			rules = append(rules, []string{user, string(role), organization})
			if user != "ada" {
				must(m.svc.AddMember(ctx, invitations.System(), invitations.AddMemberParams{Organization: organization, UserID: user, Role: role}))
			}
		}
	}
	for _, e := range m.enforcers {
		must(e.AddGroupingPolicies(rules))
	}
	return m
}

// A memberCheck asks whether a member has a permission.
type memberCheck func(organization, user string, permission invitations.Permission) (bool, error)

func (m membership) check(organization, user string, permission invitations.Permission) (bool, error) {
	_, err := m.svc.Authorize(context.Background(), organization, user, permission)
	if errors.Is(err, invitations.ErrPermissionDenied) {
		return false, nil
	}
	return err == nil, err
}

func (e peerEnforcer) check(organization, user string, permission invitations.Permission) (bool, error) {
	object, action := parts(permission)
	return e.Enforce(user, organization, object, action)
}

// contestant returns a contestant that checks one permission in each organization in turn.
func (m membership) contestant(name string, check memberCheck, user string, permission invitations.Permission, want bool) contestant {
	n := 0
	return contestant{name, func() error {
		n = (n + 1) % m.organizations
		got, err := check(organizationName(n), user, permission)
		return errors.Join(err, answers(got, want))
	}}
}

// BenchmarkPermissions compares permission checks with casbin, which knows the same roles with
// the same permissions.
//
// roles: whether a role has a permission. members: whether a member of one of 200 organizations
// has it, both in memory. database: the same, but the library reads PostgreSQL at each check, and
// casbin answers from memory.
func BenchmarkPermissions(b *testing.B) {
	checks, _ := roleChecks(b)
	for _, c := range checks {
		permissions := defaultPermissions
		if strings.HasPrefix(c.name, "100-roles") {
			permissions = customPermissions()
		} else if !strings.HasPrefix(c.name, "admin") {
			continue
		}
		b.Run("roles/"+c.name, func(b *testing.B) {
			object, action := parts(c.permission)
			contestants := []contestant{{"library", func() error { return answers(c.policy.Allows(c.role, c.permission), c.want) }}}
			for _, e := range enforcers(rolesModel, c.policy, permissions) {
				contestants = append(contestants, contestant{e.name, func() error {
					got, err := e.Enforce(string(c.role), object, action)
					return errors.Join(err, answers(got, c.want))
				}})
			}
			inTurn(b, processor, contestants...)
		})
	}
	stores := []struct {
		name string
		make func(*testing.B) invitations.Store
		now  func() time.Duration
	}{
		{"members", func(*testing.B) invitations.Store { return memstore.New() }, processor},
		{"database", func(b *testing.B) invitations.Store { return newWorld(b, 1, nil).store }, wall},
	}
	for _, store := range stores {
		b.Run(store.name, func(b *testing.B) {
			m := newMembership(b, store.make(b), 200)
			checker := func(name string, check memberCheck) contestant {
				return m.contestant(name, check, "dave", invitations.PermissionOrganizationUse, true)
			}
			contestants := []contestant{checker("library", m.check)}
			for _, e := range m.enforcers {
				contestants = append(contestants, checker(e.name, e.check))
			}
			inTurn(b, store.now, contestants...)
		})
	}
}

// Library and peers give the same answers to every member and permission.
func TestPermissions_EnforcersAgree(t *testing.T) {
	t.Parallel()
	m := newMembership(t, memstore.New(), 2)
	allowed := 0
	for user := range members {
		for _, permission := range defaultPermissions {
			want, err := m.check(organizationName(1), user, permission)
			require.NoError(t, err)
			if want {
				allowed++
			}
			for _, e := range m.enforcers {
				got, err := e.check(organizationName(1), user, permission)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s: %s %s", e.name, user, permission)
			}
		}
	}
	require.Greater(t, allowed, len(defaultPermissions))
	require.Less(t, allowed, len(members)*len(defaultPermissions))
}

// A removed member is refused at the next check. An enforcer that keeps its answers still allows
// them, until its cache is invalidated. docs/guarantees.md says so: change it if a new casbin does.
func TestPermissions_RemovedMember(t *testing.T) {
	t.Parallel()
	m := newMembership(t, memstore.New(), 1)
	acme, permission := organizationName(0), invitations.PermissionOrganizationUse
	checks := map[string]memberCheck{"library": m.check}
	for _, e := range m.enforcers {
		checks[e.name] = e.check
	}
	for name, check := range checks {
		allowed, err := check(acme, "dave", permission)
		require.NoError(t, err, name)
		require.True(t, allowed, name)
	}
	_, err := m.svc.RemoveMember(t.Context(), invitations.User("ada"), acme, "dave")
	require.NoError(t, err)
	for _, e := range m.enforcers {
		removed, err := e.RemoveGroupingPolicy("dave", string(members["dave"]), acme)
		require.NoError(t, err, e.name)
		require.True(t, removed, e.name)
	}
	for name, still := range map[string]bool{"library": false, "casbin": false, "casbin-cached": true} {
		allowed, err := checks[name](acme, "dave", permission)
		require.NoError(t, err, name)
		require.Equal(t, still, allowed, name)
	}
	cached := m.enforcers[1].enforcer.(*casbin.CachedEnforcer)
	require.NoError(t, cached.InvalidateCache())
	allowed, err := checks["casbin-cached"](acme, "dave", permission)
	require.NoError(t, err)
	require.False(t, allowed)
}
