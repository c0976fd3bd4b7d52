package invitations

import (
	"context"
	"iter"
	"maps"
)

// Member returns the membership of a user. It has no actor: it is for the host itself.
//
// Refusals: [ErrInvalid], [ErrNotFound].
func (s *Service) Member(ctx context.Context, organization, user string) (_ Member, err error) {
	ctx, op := s.observe(ctx, "Member")
	defer op.end(&err)
	if err := checkMember(organization, user); err != nil {
		return Member{}, err
	}
	f, err := s.store.View(ctx, Query{Organization: organization, Members: []string{user}})
	if err != nil {
		return Member{}, err
	}
	m, ok := f.Members[user]
	if !ok {
		return Member{}, ErrNotFound
	}
	return m, nil
}

// Authorize returns the membership of a user whose present role holds the permission, and
// refuses everybody else with [ErrPermissionDenied]. It is one read. The host's routes should
// call it for every request and must not keep its answer: a removed member is refused at
// the next check. It knows no ceiling of an API key: see [Actor.AtMost].
//
// Refusals: [ErrPermissionDenied], also if the user is not a member or the organization does
// not exist; [ErrInvalid], also for an empty user and for a permission that no role of the
// policy holds. Check first that somebody is signed in.
func (s *Service) Authorize(ctx context.Context, organization, user string, permission Permission) (_ Member, err error) {
	ctx, op := s.observe(ctx, "Authorize")
	defer op.end(&err)
	if err := checkMember(organization, user); err != nil {
		return Member{}, err
	}
	if len(s.config.Policy.rolesWith(permission)) == 0 {
		return Member{}, invalid("permission", "unknown_permission", "must be a permission of a role of the policy")
	}
	r, f, err := s.view(ctx, Query{Organization: organization, Members: []string{user}})
	if err != nil {
		return Member{}, err
	}
	if err := r.may(f, User(user), permission); err != nil {
		return Member{}, err
	}
	return f.Members[user], nil
}

// MembersParams are the parameters of [Service.Members].
type MembersParams struct {
	Organization string
	Role         Role   // only members with this role, at most 64 bytes; empty: all
	Balances     bool   // also the balance of each member
	Limit        int    // members per page: 1 to 100; 0 means 50
	Cursor       string // NextCursor of the page before, with the same filter; empty: start with the first
}

// Members returns one page of an organization's members, in the order of their user IDs. The
// actor needs [PermissionMemberList] and, for the balances, [PermissionQuotaUpdate]. For
// System, an organization that does not exist has no members.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Members(ctx context.Context, actor Actor, p MembersParams) (_ List[TeamMember], err error) {
	ctx, op := s.observe(ctx, "Members")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return List[TeamMember]{}, err
	}
	if p.Role != "" {
		if err := checkName("role", string(p.Role), maxNameBytes); err != nil {
			return List[TeamMember]{}, err
		}
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return List[TeamMember]{}, err
	}
	q := MemberQuery{Organization: p.Organization, Viewer: actor.user, Role: p.Role, Quotas: p.Balances, Limit: limit + 1}
	if q.After, err = decodeIDCursor(p.Cursor); err != nil {
		return List[TeamMember]{}, err
	}
	found, err := s.store.Members(ctx, q)
	if err != nil {
		return List[TeamMember]{}, err
	}
	r := s.rules()
	if err := r.mayView(found.Viewer, actor, PermissionMemberList); err != nil {
		return List[TeamMember]{}, err
	}
	if p.Balances {
		if err := r.mayView(found.Viewer, actor, PermissionQuotaUpdate); err != nil {
			return List[TeamMember]{}, err
		}
	}
	for _, m := range found.Items {
		if checkUser("user_id", m.UserID) != nil {
			return List[TeamMember]{}, errForeignID
		}
	}
	memberships := list(found.Items, limit, func(last Membership) string { return encodeIDCursor(last.UserID) })
	members := List[TeamMember]{Items: make([]TeamMember, len(memberships.Items)), NextCursor: memberships.NextCursor}
	for i, m := range memberships.Items {
		members.Items[i].Member = m.Member
		if p.Balances {
			b := m.balance(r.now)
			members.Items[i].Balance = &b
		}
	}
	return members, nil
}

// AllMembers returns an iterator over all pages of [Service.Members]. It stops after the
// first error.
func (s *Service) AllMembers(ctx context.Context, actor Actor, p MembersParams) iter.Seq2[TeamMember, error] {
	return all(p.Cursor, func(cursor string) (List[TeamMember], error) {
		p.Cursor = cursor
		return s.Members(ctx, actor, p)
	})
}

// ChangeRoleParams are the parameters of [Service.ChangeRole].
type ChangeRoleParams struct {
	Organization string
	UserID       string
	Role         Role // the new role
}

// ChangeRole changes the role of a member. The actor needs [PermissionMemberUpdate] and every
// permission of the old and the new role, so nobody acts on a higher rank or grants one. A role
// that the policy does not know counts as that of an owner.
//
// A role that takes a seat needs a free one if the old role takes none. The pending invitations
// that the member could no longer send with the new role are revoked in the same step. A demoted
// member cannot regain permissions by leaving and following an older link: for that purpose they
// count as removed.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable] (the new role),
// [ErrNotFound], [ErrLastOwner], [ErrMemberLimit].
func (s *Service) ChangeRole(ctx context.Context, actor Actor, p ChangeRoleParams) (_ Member, err error) {
	ctx, op := s.observe(ctx, "ChangeRole")
	defer op.end(&err)
	if err := checkMemberAct(actor, p.Organization, p.UserID); err != nil {
		return Member{}, err
	}
	if err := s.checkRole(p.Role); err != nil {
		return Member{}, err
	}
	return run(ctx, s, roleChange{actor, p})
}

type roleChange struct {
	actor Actor
	p     ChangeRoleParams
}

func (a roleChange) needs(r rules) Query {
	return r.needSeat(r.needToLose(a.actor, a.p.Organization, a.p.UserID))
}

func (a roleChange) decide(r rules, f Facts) (Member, Changes, error) {
	m, err := r.findMember(f, a.actor, PermissionMemberUpdate, a.p.UserID)
	if err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayGrant(f, a.actor, a.p.Role); err != nil {
		return Member{}, Changes{}, err
	}
	if m.Role == a.p.Role {
		return m, Changes{}, nil
	}
	if err := r.mayLoseOwner(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	if !r.takesSeat(m.Role) {
		if err := r.hasSeat(f, a.p.Role, false); err != nil {
			return Member{}, Changes{}, err
		}
	}
	changes := r.putRole(Changes{Removals: r.demoted(m, a.p.Role)}, a.actor, m, a.p.Role)
	m = changes.Members[0]
	return m, r.revokeSent(changes, f, a.actor, m.Role), nil
}

// SetMetadataParams are the parameters of [Service.SetMetadata].
type SetMetadataParams struct {
	Organization string
	UserID       string
	Metadata     map[string]string // as in [InviteParams]; replaces the present one
}

// SetMetadata replaces the metadata of a member. The actor needs [PermissionMemberUpdate] and
// every permission of the member's role.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound].
func (s *Service) SetMetadata(ctx context.Context, actor Actor, p SetMetadataParams) (_ Member, err error) {
	ctx, op := s.observe(ctx, "SetMetadata")
	defer op.end(&err)
	if err := checkMemberAct(actor, p.Organization, p.UserID); err != nil {
		return Member{}, err
	}
	if err := checkMetadata(p.Metadata); err != nil {
		return Member{}, err
	}
	return run(ctx, s, metadataChange{actor, p})
}

type metadataChange struct {
	actor Actor
	p     SetMetadataParams
}

func (a metadataChange) needs(rules) Query {
	return Query{Organization: a.p.Organization, Members: append(a.actor.members(), a.p.UserID)}
}

func (a metadataChange) decide(r rules, f Facts) (Member, Changes, error) {
	m, err := r.findMember(f, a.actor, PermissionMemberUpdate, a.p.UserID)
	if err != nil {
		return Member{}, Changes{}, err
	}
	if maps.Equal(m.Metadata, a.p.Metadata) {
		return m, Changes{}, nil
	}
	m.Metadata = maps.Clone(a.p.Metadata)
	return m, Changes{
		Members: []Member{m},
		Events:  []Event{r.memberEvent(EventMemberMetadataChanged, a.actor.user, m)},
	}, nil
}

// RemoveMember removes a member and returns their last membership. Invitations sent before
// the removal no longer admit them; later ones do. The pending invitations that the member
// sent are revoked in the same step. The actor needs [PermissionMemberRemove] and every
// permission of the member's role. Members with that permission can remove themselves;
// [Service.Leave] lets them return.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member),
// [ErrLastOwner].
func (s *Service) RemoveMember(ctx context.Context, actor Actor, organization, user string) (_ Member, err error) {
	ctx, op := s.observe(ctx, "RemoveMember")
	defer op.end(&err)
	if err := checkMemberAct(actor, organization, user); err != nil {
		return Member{}, err
	}
	return run(ctx, s, memberRemoval{actor, organization, user})
}

type memberRemoval struct {
	actor              Actor
	organization, user string
}

func (a memberRemoval) needs(r rules) Query { return r.needToLose(a.actor, a.organization, a.user) }

func (a memberRemoval) decide(r rules, f Facts) (Member, Changes, error) {
	m, err := r.findMember(f, a.actor, PermissionMemberRemove, a.user)
	if err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayLoseOwner(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	changes := Changes{
		RemovedMembers: []string{a.user},
		Removals:       []string{a.user},
		Events:         []Event{r.memberEvent(EventMemberRemoved, a.actor.user, m)},
	}
	return m, r.revokeSent(changes, f, a.actor, ""), nil
}

// Leave removes a member at their own request and returns their last membership. The member
// can return through a link that still has uses; revoke such links to prevent that. The
// pending invitations that the member sent are revoked in the same step.
//
// Refusals: [ErrInvalid], [ErrNotFound] (no such member), [ErrLastOwner].
func (s *Service) Leave(ctx context.Context, organization, user string) (_ Member, err error) {
	ctx, op := s.observe(ctx, "Leave")
	defer op.end(&err)
	if err := checkMember(organization, user); err != nil {
		return Member{}, err
	}
	return run(ctx, s, leaving{organization, user})
}

type leaving struct{ organization, user string }

func (a leaving) needs(r rules) Query { return r.needToLose(User(a.user), a.organization, a.user) }

func (a leaving) decide(r rules, f Facts) (Member, Changes, error) {
	m, ok := f.Members[a.user]
	if !ok {
		return Member{}, Changes{}, ErrNotFound
	}
	if err := r.mayLoseOwner(f, m); err != nil {
		return Member{}, Changes{}, err
	}
	changes := Changes{
		RemovedMembers: []string{a.user},
		Events:         []Event{r.memberEvent(EventMemberLeft, a.user, m)},
	}
	return m, r.revokeSent(changes, f, User(a.user), ""), nil
}

// TransferOwnershipParams are the parameters of [Service.TransferOwnership].
type TransferOwnershipParams struct {
	Organization string
	From         string // the present owner
	To           string // the member to make an owner
	Role         Role   // the new role of From: any role of the policy other than owner
}

// TransferOwnership makes a member an owner and gives the former owner another role, in one
// step. It returns the membership of the new owner. The actor needs
// [PermissionOrganizationManage] and every permission of an owner. The pending invitations
// that From could no longer send are revoked in the same step. Repeating a transfer is
// refused with [ErrPermissionDenied] or [ErrConflict], because From is no longer an owner.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (From or To is not a member),
// [ErrConflict] (From is not an owner), [ErrMemberLimit] (it takes one seat more, and none is
// free).
func (s *Service) TransferOwnership(ctx context.Context, actor Actor, p TransferOwnershipParams) (_ Member, err error) {
	ctx, op := s.observe(ctx, "TransferOwnership")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return Member{}, err
	}
	if err := checkUser("from", p.From); err != nil {
		return Member{}, err
	}
	if err := checkUser("to", p.To); err != nil {
		return Member{}, err
	}
	switch {
	case p.From == p.To:
		return Member{}, invalid("to", "same", "must not be the same as from", "field", "from")
	case p.Role == RoleOwner || !s.config.Policy.Has(p.Role):
		return Member{}, invalid("role", "unknown_role", "must be a role of the policy other than owner")
	}
	return run(ctx, s, transfer{actor, p})
}

type transfer struct {
	actor Actor
	p     TransferOwnershipParams
}

func (a transfer) needs(r rules) Query {
	q := r.needToLose(a.actor, a.p.Organization, a.p.From)
	q.Members = append(q.Members, a.p.To)
	return r.needSeat(q)
}

func (a transfer) decide(r rules, f Facts) (Member, Changes, error) {
	if err := r.may(f, a.actor, PermissionOrganizationManage); err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayGrant(f, a.actor, RoleOwner); err != nil {
		return Member{}, Changes{}, ErrPermissionDenied // the caller named no role to blame
	}
	from, isMember := f.Members[a.p.From]
	to, isHeir := f.Members[a.p.To]
	switch {
	case a.p.From == a.p.To || a.p.Role == RoleOwner: // the service refuses this before
		return Member{}, Changes{}, ErrConflict
	case !isMember || !isHeir:
		return Member{}, Changes{}, ErrNotFound
	case from.Role != RoleOwner:
		return Member{}, Changes{}, ErrConflict
	}
	if !r.takesSeat(to.Role) { // the seat of an owner passes on
		if err := r.hasSeat(f, a.p.Role, false); err != nil {
			return Member{}, Changes{}, err
		}
	}
	changes := Changes{Removals: r.demoted(from, a.p.Role)}
	if to.Role != RoleOwner {
		changes = r.putRole(changes, a.actor, to, RoleOwner)
		to = changes.Members[0]
	}
	changes = r.putRole(changes, a.actor, from, a.p.Role)
	changes.Events = append(changes.Events, r.memberEvent(EventOwnershipTransferred, a.actor.user, to))
	return to, r.revokeSent(changes, f, a.actor, a.p.Role), nil
}

// putRole gives a member another role.
func (r rules) putRole(changes Changes, actor Actor, m Member, role Role) Changes {
	former := m.Role
	m.Role = role
	event := r.memberEvent(EventMemberRoleChanged, actor.user, m)
	event.FormerRole = former
	changes.Members = append(changes.Members, m)
	changes.Events = append(changes.Events, event)
	return changes
}

// needToLose returns the facts for a member's loss of permissions.
func (r rules) needToLose(actor Actor, organization, user string) Query {
	return Query{
		Organization: organization, Members: append(actor.members(), user),
		OwnersUpTo: 2, PendingSentBy: user, PendingAt: r.now,
	}
}

// mayLoseOwner refuses to leave an organization without an owner.
func (r rules) mayLoseOwner(f Facts, m Member) error {
	if m.Role == RoleOwner && f.OwnerCount < 2 {
		return ErrLastOwner
	}
	return nil
}

// demoted returns the removals of a role change: the member, if they lose a permission.
// Otherwise they could leave and regain it through an older link.
func (r rules) demoted(m Member, role Role) []string {
	if r.policy.CanGrant(role, m.Role) {
		return nil
	}
	return []string{m.UserID}
}

// revokeSent ends those pending invitations of a member that they could not send with the
// role; the empty role stands for a membership that ends.
func (r rules) revokeSent(changes Changes, f Facts, actor Actor, role Role) Changes {
	for _, inv := range f.PendingRecords {
		if !r.couldSend(role, inv.Invitation) {
			changes = r.end(changes, inv, actor.user, ErrSenderNotEntitled)
		}
	}
	return changes
}
