package invitations

// The rules of who may do what. What decide.go says of rules holds here.

// may refuses an actor who does not hold permission. Who is no member learns nothing of
// what exists.
func (r rules) may(f Facts, actor Actor, permission Permission) error {
	if actor.system {
		if f.Version == 0 {
			return ErrNotFound
		}
		return nil
	}
	m, ok := f.Members[actor.user]
	if !ok || !r.policy.Allows(m.Role, permission) {
		return ErrPermissionDenied
	}
	return nil
}

// mayView is may for a read whose only fact is the membership of who reads.
func (r rules) mayView(viewer *Member, actor Actor, permission Permission) error {
	f := Facts{Version: 1}
	if viewer != nil {
		f.Members = map[string]Member{actor.user: *viewer}
	}
	return r.may(f, actor, permission)
}

// mayGive refuses an actor whose own role does not hold all of role.
func (r rules) mayGive(f Facts, actor Actor, role Role) error {
	if actor.system && r.policy.Has(role) {
		return nil
	}
	if m, ok := f.Members[actor.user]; ok && r.policy.CanGrant(m.Role, role) {
		return nil
	}
	return ErrRoleNotAssignable
}

// mayOffer refuses an actor who may not give what inv brings: its role, and its quota.
func (r rules) mayOffer(f Facts, actor Actor, inv Invitation) error {
	if err := r.mayGive(f, actor, inv.Role); err != nil || inv.Quota == (Quota{}) {
		return err
	}
	return r.may(f, actor, PermissionQuotaUpdate)
}

// reach returns the invitation of the facts to an actor who holds permission.
func (r rules) reach(f Facts, actor Actor, permission Permission) (Record, error) {
	if err := r.may(f, actor, permission); err != nil {
		return Record{}, err
	}
	if f.Invitation == nil {
		return Record{}, ErrNotFound
	}
	return *f.Invitation, nil
}

// maySend reports whether a member with this role could send the invitation.
func (r rules) maySend(sender Role, inv Invitation) bool {
	return r.policy.CanGrant(sender, inv.Role) &&
		(inv.Quota == Quota{} || r.policy.Allows(sender, PermissionQuotaUpdate)) &&
		(r.policy.Allows(sender, PermissionInvitationCreate) || r.policy.Allows(sender, PermissionInvitationResend))
}
