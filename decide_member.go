package invitations

// The rules of members and their quotas. What decide.go says of rules holds here.

// subject returns the member that actor, who holds permission, acts on. Nobody acts on who
// holds more than they do.
func (r rules) subject(f Facts, actor Actor, permission Permission, user string) (Member, error) {
	if err := r.may(f, actor, permission); err != nil {
		return Member{}, err
	}
	m, ok := f.Members[user]
	if !ok {
		return Member{}, ErrNotFound
	}
	role := m.Role
	if !r.policy.Has(role) { // and so cannot tell what it holds, for another version of the host
		role = RoleOwner
	}
	if !actor.system && !r.policy.CanGrant(f.Members[actor.user].Role, role) {
		return Member{}, ErrPermissionDenied
	}
	return m, nil
}

func (r rules) changeRole(f Facts, actor Actor, user string, role Role) (Member, Changes, error) {
	m, err := r.subject(f, actor, PermissionMemberUpdate, user)
	if err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayGive(f, actor, role); err != nil {
		return Member{}, Changes{}, err
	}
	if m.Role == role {
		return m, Changes{}, nil
	}
	if err := r.mayLose(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	changes := r.demotion(m, role)
	m.Role = role
	changes.Members = []Member{m}
	changes.Events = []Event{r.memberEvent(EventMemberRoleChanged, actor.user, m)}
	return m, r.revokeSent(changes, f, actor, role), nil
}

func (r rules) removeMember(f Facts, actor Actor, user string) (Member, Changes, error) {
	m, err := r.subject(f, actor, PermissionMemberRemove, user)
	if err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayLose(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	changes := Changes{
		RemovedMembers: []string{user},
		Removals:       []string{user},
		Events:         []Event{r.memberEvent(EventMemberRemoved, actor.user, m)},
	}
	return m, r.revokeSent(changes, f, actor, ""), nil
}

func (r rules) leave(f Facts, user string) (Member, Changes, error) {
	m, ok := f.Members[user]
	if !ok {
		return Member{}, Changes{}, ErrNotFound
	}
	if err := r.mayLose(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	changes := Changes{RemovedMembers: []string{user}, Events: []Event{r.memberEvent(EventMemberLeft, user, m)}}
	return m, r.revokeSent(changes, f, User(user), ""), nil
}

func (r rules) transfer(f Facts, actor Actor, from, to string, role Role) (Member, Changes, error) {
	if err := r.may(f, actor, PermissionOrganizationManage); err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayGive(f, actor, RoleOwner); err != nil {
		return Member{}, Changes{}, ErrPermissionDenied // it is not the role that stands in the way
	}
	old, isMember := f.Members[from]
	heir, isHeir := f.Members[to]
	switch {
	case from == to || role == RoleOwner: // the service has refused it
		return Member{}, Changes{}, ErrConflict
	case !isMember || !isHeir:
		return Member{}, Changes{}, ErrNotFound
	case old.Role != RoleOwner:
		return Member{}, Changes{}, ErrConflict
	}
	changes := r.demotion(old, role)
	if heir.Role != RoleOwner {
		heir.Role = RoleOwner
		changes.Members = append(changes.Members, heir)
		changes.Events = append(changes.Events, r.memberEvent(EventMemberRoleChanged, actor.user, heir))
	}
	old.Role = role
	changes.Members = append(changes.Members, old)
	changes.Events = append(changes.Events,
		r.memberEvent(EventMemberRoleChanged, actor.user, old),
		r.memberEvent(EventOwnershipTransferred, actor.user, heir))
	return heir, r.revokeSent(changes, f, actor, role), nil
}

// demotion leaves a trace where a member loses rights by the role: otherwise they could
// leave, and come back with the old ones by a link from before.
func (r rules) demotion(m Member, role Role) Changes {
	if r.policy.Has(m.Role) && r.policy.CanGrant(role, m.Role) {
		return Changes{}
	}
	return Changes{Removals: []string{m.UserID}}
}

// mayLose refuses to let an organization go without an owner.
func (r rules) mayLose(f Facts, m Member) error {
	if m.Role == RoleOwner && f.OwnerCount < 2 {
		return ErrLastOwner
	}
	return nil
}

// revokeSent adds the end of those pending invitations of a member that they could not send
// with the role, or without one.
func (r rules) revokeSent(changes Changes, f Facts, actor Actor, role Role) Changes {
	for _, inv := range f.PendingRecords {
		if !r.maySend(role, inv.Invitation) {
			changes = r.end(changes, inv, actor.user, ErrSenderNotEntitled)
		}
	}
	return changes
}

// end adds the end of an invitation, if it is pending, for a reason that is not its own.
func (r rules) end(changes Changes, inv Record, actor string, reason *Error) Changes {
	if r.pending(inv.Invitation) != nil {
		return changes
	}
	inv.State, inv.EndedAt = StateRevoked, r.now
	c := r.change(inv, EventInvitationRevoked, actor)
	c.Events[0].Reason = reason.code
	return changes.plus(c)
}

func (r rules) memberEvent(what EventType, actor string, m Member) Event {
	return Event{Organization: m.Organization, Type: what, At: r.now, Actor: actor, Subject: m.UserID, Role: m.Role}
}

// setQuota sets the quota of a member, or of the organization for an empty user.
func (r rules) setQuota(f Facts, actor Actor, user string, q Quota) (Quota, Changes, error) {
	if user == "" {
		if !actor.system { // what an organization has is the host's to grant
			return Quota{}, Changes{}, ErrPermissionDenied
		}
		if err := r.may(f, actor, PermissionQuotaUpdate); err != nil {
			return Quota{}, Changes{}, err
		}
	} else if _, err := r.subject(f, actor, PermissionQuotaUpdate, user); err != nil {
		return Quota{}, Changes{}, err
	}
	return q, r.putQuota(Changes{}, f, actor.user, user, q), nil
}

func (r rules) putQuota(changes Changes, f Facts, actor, user string, q Quota) Changes {
	changes.Quotas = append(changes.Quotas, QuotaRecord{Organization: f.Organization, UserID: user, Quota: q, Version: f.Version + 1})
	changes.Events = append(changes.Events, Event{
		Organization: f.Organization, Type: EventQuotaChanged, At: r.now, Actor: actor, Subject: user, Quota: q,
	})
	return changes
}
