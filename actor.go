package invitations

// An Actor performs an operation. It is made by [User] or [System]. The zero Actor is
// nobody: every operation refuses it.
type Actor struct {
	user   string
	system bool
}

// User returns the Actor of a user. Their role in the organization, at the instant of the
// change, decides about their permissions.
func User(id string) Actor { return Actor{user: id} }

// System returns the Actor of the host's own backend. It holds every permission and can grant
// every role of the policy. It must never depend on the content of a request.
func System() Actor { return Actor{system: true} }

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
