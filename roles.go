package invitations

import (
	"maps"
	"slices"
)

// A Permission is the right to do one thing in an organization. Hosts may define their own
// beside those of this package.
type Permission string

// The permissions that this package checks or reserves.
const (
	PermissionInvitationCreate   Permission = "invitation:create"
	PermissionInvitationResend   Permission = "invitation:resend"
	PermissionInvitationRevoke   Permission = "invitation:revoke"
	PermissionInvitationList     Permission = "invitation:list"
	PermissionMemberList         Permission = "member:list"
	PermissionMemberUpdate       Permission = "member:update"
	PermissionMemberRemove       Permission = "member:remove"
	PermissionQuotaUpdate        Permission = "quota:update"
	PermissionOrganizationUse    Permission = "organization:use"
	PermissionOrganizationManage Permission = "organization:manage"
	PermissionBillingManage      Permission = "billing:manage"
)

// A Role is the name of a set of permissions.
type Role string

// The roles of [DefaultPolicy]. Every policy has [RoleOwner].
const (
	RoleOwner     Role = "owner"
	RoleAdmin     Role = "admin"
	RoleDeveloper Role = "developer"
	RoleBilling   Role = "billing"
	RoleViewer    Role = "viewer"
)

const (
	maxRoles       = 256
	maxPermissions = 256 // of one role
	maxNameBytes   = 64  // of a role or permission
)

// A Policy is an immutable set of roles. What it does not know, it denies: an unknown role
// holds nothing and can be granted by nobody. It is safe for concurrent use; its checks are
// pure and do not allocate.
type Policy struct {
	roles []roleSet // sorted by name
	// index finds a role where there are many. A few are found faster from end to end.
	index map[Role]*roleSet
}

const fewRoles = 8

// A roleSet is a role with what follows from it.
type roleSet struct {
	name   Role
	holds  []Permission
	grants []Role
}

// NewPolicy returns the policy of the given roles. Role and permission names are 1 to 64
// bytes of valid UTF-8 without control characters; there are at most 256 roles with at most
// 256 permissions each.
//
// The roles must include [RoleOwner], the role of an organization's founder, and it must
// hold every permission that any role holds: otherwise there would be rights that nobody
// could give. A permission that no role holds is System's alone. The error is an
// [InvalidError].
func NewPolicy(roles map[Role][]Permission) (*Policy, error) {
	if len(roles) > maxRoles {
		return nil, invalid("roles", "are more than 256")
	}
	p := &Policy{}
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		permissions := roles[role]
		if err := checkName("roles", string(role), maxNameBytes); err != nil {
			return nil, err
		}
		if len(permissions) > maxPermissions {
			return nil, invalid("roles", "a role has more than 256 permissions")
		}
		for _, permission := range permissions {
			if err := checkName("roles", string(permission), maxNameBytes); err != nil {
				return nil, err
			}
		}
		p.roles = append(p.roles, roleSet{name: role, holds: slices.Clone(permissions)})
	}
	for i := range p.roles {
		for _, other := range p.roles {
			if p.roles[i].holdsAll(other.holds) {
				p.roles[i].grants = append(p.roles[i].grants, other.name)
			}
		}
	}
	if len(p.roles) > fewRoles {
		p.index = make(map[Role]*roleSet, len(p.roles))
		for i := range p.roles {
			p.index[p.roles[i].name] = &p.roles[i]
		}
	}
	if owner := p.find(RoleOwner); owner == nil || len(owner.grants) < len(p.roles) {
		return nil, invalid("roles", `must include "owner" with every permission that any role holds`)
	}
	return p, nil
}

func (r *roleSet) holdsAll(wanted []Permission) bool {
	for _, permission := range wanted {
		if !slices.Contains(r.holds, permission) {
			return false
		}
	}
	return true
}

func (p *Policy) find(role Role) *roleSet {
	if p.index != nil {
		return p.index[role]
	}
	for i := range p.roles {
		if p.roles[i].name == role {
			return &p.roles[i]
		}
	}
	return nil
}

// DefaultPolicy returns the policy that a [Config] without one stands for:
//
//   - owner: everything
//   - admin: everything but organization:manage
//   - developer: member:list, organization:use
//   - billing: member:list, billing:manage
//   - viewer: member:list
func DefaultPolicy() *Policy { return defaultPolicy }

var defaultPolicy = func() *Policy {
	admin := []Permission{
		PermissionInvitationCreate, PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList,
		PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate,
		PermissionOrganizationUse, PermissionBillingManage,
	}
	p, err := NewPolicy(map[Role][]Permission{
		RoleOwner:     append(slices.Clone(admin), PermissionOrganizationManage),
		RoleAdmin:     admin,
		RoleDeveloper: {PermissionMemberList, PermissionOrganizationUse},
		RoleBilling:   {PermissionMemberList, PermissionBillingManage},
		RoleViewer:    {PermissionMemberList},
	})
	if err != nil {
		panic(err) // the literal above is wrong
	}
	return p
}()

// Allows reports whether role holds permission.
func (p *Policy) Allows(role Role, permission Permission) bool {
	r := p.find(role)
	return r != nil && slices.Contains(r.holds, permission)
}

// CanGrant reports whether somebody with the role actor may give the role granted: only if
// actor holds every permission of granted, and the policy knows both.
func (p *Policy) CanGrant(actor, granted Role) bool {
	r := p.find(actor)
	return r != nil && slices.Contains(r.grants, granted)
}

// Has reports whether the policy knows role.
func (p *Policy) Has(role Role) bool { return p.find(role) != nil }

// Roles returns the names of all roles, sorted.
func (p *Policy) Roles() []Role {
	var names []Role
	for _, r := range p.roles {
		names = append(names, r.name)
	}
	return names
}
