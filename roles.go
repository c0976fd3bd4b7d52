package invitations

import (
	"encoding/json"
	"maps"
	"math/bits"
	"slices"
)

// A Permission is the right to do one thing in an organization. Hosts can define their own in
// addition to those of this package.
type Permission string

// The permissions that this package checks.
const (
	PermissionInvitationCreate   Permission = "invitation:create"
	PermissionInvitationResend   Permission = "invitation:resend"
	PermissionInvitationRevoke   Permission = "invitation:revoke"
	PermissionInvitationList     Permission = "invitation:list"
	PermissionMemberList         Permission = "member:list"
	PermissionMemberAdd          Permission = "member:add"
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

// A Policy is an immutable set of roles with their permissions. An unknown role holds no
// permission, and nobody can grant it. A Policy is safe for concurrent use. Its checks are
// pure and do not allocate.
type Policy struct {
	roles  []Role // sorted
	holds  pairs  // of a role and a permission
	grants pairs  // of a role and another role that it can grant
	with   map[Permission][]Role
}

// pairs is a hash table of pairs of names. A check takes a few nanoseconds, half the time of
// a map, because the hash reads the last bytes of a name only. The names are the program's
// own, so nobody can make them collide.
type pairs struct {
	slots []pair // their number is a power of two; at most a quarter is used
	used  int
}

type pair struct{ a, b string }

// find returns the place of a pair, or the empty place where it belongs.
func (p *pairs) find(a, b string) (place int, ok bool) {
	mask := len(p.slots) - 1
	if mask < 0 {
		return 0, false
	}
	// Multiplying by the golden ratio spreads the bits (Knuth, The Art of Computer
	// Programming, volume 3, 6.4).
	for place = int((tail(a)^bits.RotateLeft64(tail(b)*0xbf58476d1ce4e5b9, 31))*0x9e3779b97f4a7c15>>32) & mask; p.slots[place].a != ""; place = (place + 1) & mask {
		if s := &p.slots[place]; s.a == a && s.b == b {
			return place, true
		}
	}
	return place, false
}

// tail returns a number that tells names apart by their last 8 bytes.
func tail(s string) uint64 {
	switch n := len(s); {
	case n >= 8:
		return uint64(last4(s[:n-4]))<<32 | uint64(last4(s))
	case n >= 4:
		return uint64(last4(s[:4]))<<32 | uint64(last4(s))
	case n > 0:
		return uint64(s[0])<<16 | uint64(s[n/2])<<8 | uint64(s[n-1])
	}
	return 0
}

func last4(s string) uint32 {
	s = s[len(s)-4:]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func (p *pairs) has(a, b string) bool {
	_, ok := p.find(a, b)
	return ok
}

// add adds a pair that is not in the table.
func (p *pairs) add(a, b string) {
	if 4*p.used >= len(p.slots) {
		grown := pairs{slots: make([]pair, max(4, 2*len(p.slots)))}
		for _, s := range p.slots {
			if s != (pair{}) {
				grown.add(s.a, s.b)
			}
		}
		*p = grown
	}
	place, _ := p.find(a, b)
	p.slots[place] = pair{a, b}
	p.used++
}

// NewPolicy returns the policy of the given roles. Names of roles and permissions must have 1
// to 64 bytes of valid UTF-8 without control characters. There can be at most 256 roles with
// at most 256 permissions each.
//
// The roles must include [RoleOwner], the role of an organization's founder. It must hold
// every permission of every role, because nobody could grant the others. A permission that
// no role holds is reserved to [System]. Invalid roles are refused with an [InvalidError].
func NewPolicy(roles map[Role][]Permission) (*Policy, error) {
	if len(roles) > maxRoles {
		return nil, tooMany("roles", maxRoles, "roles")
	}
	p := &Policy{roles: slices.Sorted(maps.Keys(roles)), with: map[Permission][]Role{}}
	for _, role := range p.roles {
		if err := checkName("roles", string(role), maxNameBytes); err != nil {
			return nil, err
		}
		if len(roles[role]) > maxPermissions {
			return nil, tooMany("roles", maxPermissions, "permissions each")
		}
		for _, permission := range roles[role] {
			if err := checkName("roles", string(permission), maxNameBytes); err != nil {
				return nil, err
			}
			if !p.Allows(role, permission) {
				p.holds.add(string(role), string(permission))
				p.with[permission] = append(p.with[permission], role)
			}
		}
	}
	for _, role := range p.roles {
		for _, other := range p.roles {
			lacks := func(permission Permission) bool { return !p.Allows(role, permission) }
			if !slices.ContainsFunc(roles[other], lacks) {
				p.grants.add(string(role), string(other))
			}
		}
	}
	ownerLacks := func(role Role) bool { return !p.CanGrant(RoleOwner, role) }
	if !p.Has(RoleOwner) || slices.ContainsFunc(p.roles, ownerLacks) {
		return nil, invalid("roles", "owner_incomplete", `must include "owner" with every permission of every role`)
	}
	return p, nil
}

// DefaultPolicy returns the policy of a [Config] that sets none:
//
//   - owner: all permissions of this package
//   - admin: all of them except organization:manage
//   - developer: member:list, organization:use
//   - billing: member:list, billing:manage
//   - viewer: member:list
func DefaultPolicy() *Policy { return defaultPolicy }

var defaultPolicy = func() *Policy {
	admin := []Permission{
		PermissionInvitationCreate, PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList,
		PermissionMemberList, PermissionMemberAdd, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate,
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
	return p.holds.has(string(role), string(permission))
}

// CanGrant reports whether a member with the role actor may grant the role granted: the
// policy must know both, and actor must hold every permission of granted.
func (p *Policy) CanGrant(actor, granted Role) bool {
	return p.grants.has(string(actor), string(granted))
}

// rolesWith returns the roles that hold permission. The caller must not modify the slice.
func (p *Policy) rolesWith(permission Permission) []Role { return p.with[permission] }

// Has reports whether the policy knows role.
func (p *Policy) Has(role Role) bool { return p.CanGrant(role, role) }

// MarshalJSON returns an object of the roles, each with a sorted list of its permissions.
func (p *Policy) MarshalJSON() ([]byte, error) {
	roles := map[Role][]Permission{}
	for _, role := range p.roles {
		roles[role] = []Permission{} // not null
	}
	for _, permission := range slices.Sorted(maps.Keys(p.with)) {
		for _, role := range p.with[permission] {
			roles[role] = append(roles[role], permission)
		}
	}
	return json.Marshal(roles)
}

// Roles returns the names of all roles, sorted.
func (p *Policy) Roles() []Role { return slices.Clone(p.roles) }
