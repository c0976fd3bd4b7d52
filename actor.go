package invitations

// An Actor performs an operation. It is made by [User] or [System]. The zero Actor is
// nobody: every operation refuses it. [Actor.AtMost] makes one with fewer permissions.
type Actor struct {
	user    string
	system  bool
	ceiling *ceiling // nil: none
}

// User returns the Actor of a user. Their role in the organization, at the instant of the
// change, decides about their permissions.
func User(id string) Actor { return Actor{user: id} }

// System returns the Actor of the host's own backend. It holds every permission and can grant
// every role of the policy. It must never depend on the content of a request.
func System() Actor { return Actor{system: true} }

// AtMost returns a copy of a that holds only the permissions that both its own role and role
// hold, for instance for an API key. What a holds without the ceiling is still decided at the
// instant of the change, and the ceiling limits the roles and quotas that it can grant and the
// members on whom it can act, too. A role that the policy does not know permits nothing. A second
// ceiling never raises the first.
//
// [System] with a ceiling may do in any organization what role may, and nothing that is reserved
// to System.
//
// Events and [Invitation].SentBy name the user as they do without a ceiling. At acceptance the
// sender's own role counts, without the ceiling.
//
// Some operations take a user ID in place of an Actor, and know no ceiling. Before
// [Service.Authorize] and [Service.Consume] the host must check the ceiling itself:
//
//	svc.Policy().Allows(ceiling, permission)
func (a Actor) AtMost(role Role) Actor {
	a.ceiling = &ceiling{role, a.ceiling}
	return a
}

// A ceiling is a role beyond whose permissions an actor has none, and the other such roles of
// the actor.
type ceiling struct {
	role  Role
	other *ceiling
}

// allows reports whether every ceiling holds a permission.
func (c *ceiling) allows(p *Policy, permission Permission) bool {
	return c == nil || p.Allows(c.role, permission) && c.other.allows(p, permission)
}

// canGrant reports whether every ceiling holds the permissions of a role.
func (c *ceiling) canGrant(p *Policy, role Role) bool {
	return c == nil || p.CanGrant(c.role, role) && c.other.canGrant(p, role)
}

// unlimited reports whether a may do what is reserved to [System].
func (a Actor) unlimited() bool { return a.system && a.ceiling == nil }

func (a Actor) check() error {
	if a.system {
		return nil
	}
	return checkUser("actor", a.user)
}

// members returns the user IDs whose memberships a decision about a needs.
func (a Actor) members() []string {
	if a.system {
		return nil
	}
	return []string{a.user}
}

// An Identity is the person answering an invitation. The host vouches for it.
type Identity struct {
	UserID string // of the signed-in user
	// Email is the address of the account. An address without a canonical form (see
	// [CanonicalEmail]) equals no other.
	Email string
	// EmailVerified must be true only if the host has proof that the user owns Email.
	EmailVerified bool
}

// verifiedEmail returns the canonical verified address, or "" if there is none.
func (i Identity) verifiedEmail() string {
	email, err := CanonicalEmail(i.Email)
	if err != nil || !i.EmailVerified {
		return ""
	}
	return email
}
