package invitations

// An Actor is who performs an operation: [User] or [System]. The zero Actor is nobody, and
// every operation refuses it.
type Actor struct {
	user   string
	system bool
}

// User returns the actor who is the user with this id. What they may do is what their role
// in the organization allows at the instant of the change.
func User(id string) Actor { return Actor{user: id} }

// System returns the actor that is the host's own backend. It may do everything that the
// policy knows. Never derive it from a request.
func System() Actor { return Actor{system: true} }

func (a Actor) check() error {
	if a.system {
		return nil
	}
	return checkUser("actor", a.user)
}

// members returns the user ids whose roles decide what a may do.
func (a Actor) members() []string {
	if a.system {
		return nil
	}
	return []string{a.user}
}

// An Identity is who answers an invitation, as the host vouches for them.
type Identity struct {
	UserID string // of the signed-in user
	// Email is the address of their account. One that has no canonical form (see
	// [CanonicalEmail]) is equal to no other.
	Email string
	// EmailVerified says that the host has proof that the user owns Email.
	EmailVerified bool
}
