package invitations

import (
	"context"
	"iter"
	"maps"
	"time"

	"github.com/google/uuid"
)

// A Member is a user's membership of one organization.
type Member struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Role         Role      `json:"role"`
	JoinedAt     time.Time `json:"joined_at"`

	// InvitationID and InvitedBy say how they came in: the invitation, and its sender at
	// that time. The founder has neither; InvitedBy is empty also where the host's backend
	// invited.
	InvitationID uuid.UUID         `json:"invitation_id,omitzero"`
	InvitedBy    string            `json:"invited_by,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"` // the invitation's
}

func (m Member) clone() Member {
	m.Metadata = maps.Clone(m.Metadata)
	return m
}

// CreateOrganization begins an organization with its first owner, who is its first member.
// Whether owner may found one is the host's to decide. The same call again gives the same
// membership back while the founder is its owner.
//
// Refusals: [ErrInvalid], [ErrConflict] (the id is taken otherwise).
func (s *Service) CreateOrganization(ctx context.Context, organization, owner string) (Member, error) {
	if err := checkOrganization(organization); err != nil {
		return Member{}, err
	}
	if err := checkUser("owner", owner); err != nil {
		return Member{}, err
	}
	q := Query{Organization: organization, Members: []string{owner}}
	return decideIn(ctx, s, s.store.Create, q, func(r rules, f Facts) (Member, Changes, error) {
		return r.establish(f, organization, owner)
	})
}

// Member returns the membership of user in organization, or [ErrNotFound]. It asks for no
// actor: it is the host's own read.
//
// Refusals: [ErrInvalid], [ErrNotFound].
func (s *Service) Member(ctx context.Context, organization, user string) (Member, error) {
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

// Authorize returns the membership of user if their role in organization holds permission at
// present, and [ErrPermissionDenied] otherwise: it is what a host's own routes ask. It is
// one read. Ask at every request, and keep no answer: a member who is removed is refused by
// the very next call.
//
// Refusals: [ErrPermissionDenied], also for who is no member and for an organization that
// does not exist; [ErrInvalid], also for an empty user: ask first whether anybody is signed
// in.
func (s *Service) Authorize(ctx context.Context, organization, user string, permission Permission) (Member, error) {
	if err := checkMember(organization, user); err != nil {
		return Member{}, err
	}
	if err := checkName("permission", string(permission), maxNameBytes); err != nil {
		return Member{}, err
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

// ChangeRoleParams is what [Service.ChangeRole] takes.
type ChangeRoleParams struct {
	Organization string
	UserID       string
	Role         Role // the new one
}

// ChangeRole gives a member another role. The actor needs [PermissionMemberUpdate] and every
// permission of both roles, the member's present one and the new one: nobody touches who is
// above them, and nobody raises anybody above themselves.
//
// Pending invitations that the member sent and with the new role could not send are revoked
// in the same step. Who loses rights does not get them back by leaving and following a link
// from before: for that, they count as removed.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable] (the new role),
// [ErrNotFound], [ErrLastOwner].
func (s *Service) ChangeRole(ctx context.Context, actor Actor, p ChangeRoleParams) (Member, error) {
	if err := checkMemberAct(actor, p.Organization, p.UserID); err != nil {
		return Member{}, err
	}
	if !s.config.Policy.Has(p.Role) {
		return Member{}, invalid("role", "is not in the policy")
	}
	return update(ctx, s, s.leaving(actor, p.Organization, p.UserID), func(r rules, f Facts) (Member, Changes, error) {
		return r.changeRole(f, actor, p.UserID, p.Role)
	})
}

// RemoveMember removes a member, who then has lost everything in the organization, and
// comes back by nothing that was sent before, but by what is sent later. The actor needs
// [PermissionMemberRemove] and every permission of the member's role. Pending invitations
// that the member sent are revoked in the same step. It returns the membership as it was.
// Members may remove themselves, if they hold the permission; to go and be able to come
// back is [Service.Leave].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member),
// [ErrLastOwner].
func (s *Service) RemoveMember(ctx context.Context, actor Actor, organization, user string) (Member, error) {
	if err := checkMemberAct(actor, organization, user); err != nil {
		return Member{}, err
	}
	return update(ctx, s, s.leaving(actor, organization, user), func(r rules, f Facts) (Member, Changes, error) {
		return r.removeMember(f, actor, user)
	})
}

// Leave ends a membership by the member's own will; whoever left may come back by a link
// that still has uses: to keep somebody out who may go first, revoke the links too. Pending
// invitations that they sent are revoked in the same step. It returns the membership as it
// was.
//
// Refusals: [ErrInvalid], [ErrNotFound] (no such member), [ErrLastOwner].
func (s *Service) Leave(ctx context.Context, organization, user string) (Member, error) {
	if err := checkMember(organization, user); err != nil {
		return Member{}, err
	}
	return update(ctx, s, s.leaving(User(user), organization, user), func(r rules, f Facts) (Member, Changes, error) {
		return r.leave(f, user)
	})
}

// TransferParams is what [Service.TransferOwnership] takes.
type TransferOwnershipParams struct {
	Organization string
	From         string // the owner who hands over
	To           string // the member who becomes owner
	Role         Role   // what From becomes: required, and not the owner again
}

// TransferOwnership makes one member an owner and gives the owner who hands over another
// role, in one step. The actor needs [PermissionOrganizationManage] and every permission of
// an owner. Pending invitations of From that they could not send any more are revoked in the
// same step. It returns the membership of the new owner. A transfer that has happened
// already is refused with [ErrPermissionDenied] or [ErrConflict], because From is no owner
// any more.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (From or To is no member),
// [ErrConflict] (From is no owner).
func (s *Service) TransferOwnership(ctx context.Context, actor Actor, p TransferOwnershipParams) (Member, error) {
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
		return Member{}, invalid("to", "is the same as from")
	case p.Role == RoleOwner || !s.config.Policy.Has(p.Role):
		return Member{}, invalid("role", "is not one of the policy beside the owner")
	}
	q := s.leaving(actor, p.Organization, p.From)
	q.Members = append(q.Members, p.To)
	return update(ctx, s, q, func(r rules, f Facts) (Member, Changes, error) {
		return r.transfer(f, actor, p.From, p.To, p.Role)
	})
}

// leaving asks for the facts of who loses a role, or some of it.
func (s *Service) leaving(actor Actor, organization, user string) Query {
	return Query{
		Organization: organization, Members: append(actor.members(), user),
		OwnersUpTo: 2, PendingSentBy: user, PendingAt: s.now(),
	}
}

// MembersParams is what [Service.Members] takes.
type MembersParams struct {
	Organization string
	Role         Role   // only of this role, at most 64 bytes; empty: of all
	Limit        int    // members a page has at most: 1 to 100; 0 is 50
	Cursor       string // [List].NextCursor of the page before, of the same organization and role; empty: at the first
}

// Members returns an organization's members, in the order of their user ids. The actor needs
// [PermissionMemberList]. For System, an organization that does not exist has no members.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Members(ctx context.Context, actor Actor, p MembersParams) (List[Member], error) {
	if err := checkActing(actor, p.Organization); err != nil {
		return List[Member]{}, err
	}
	if p.Role != "" {
		if err := checkName("role", string(p.Role), maxNameBytes); err != nil {
			return List[Member]{}, err
		}
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return List[Member]{}, err
	}
	q := MemberQuery{Organization: p.Organization, Viewer: actor.user, Role: p.Role, Limit: limit + 1}
	if q.After, err = decodeIDCursor(p.Cursor); err != nil {
		return List[Member]{}, err
	}
	found, err := s.store.Members(ctx, q)
	if err != nil {
		return List[Member]{}, err
	}
	if err := s.rules().mayView(found.Viewer, actor, PermissionMemberList); err != nil {
		return List[Member]{}, err
	}
	for _, m := range found.Items {
		if checkUser("user_id", m.UserID) != nil {
			return List[Member]{}, errForeignID
		}
	}
	members, next := cut(found.Items, limit, func(last Member) string { return encodeIDCursor(last.UserID) })
	return List[Member]{Items: members, NextCursor: next}, nil
}

// AllMembers returns an iterator over all that [Service.Members] would return page by page.
// It stops after the first error.
func (s *Service) AllMembers(ctx context.Context, actor Actor, p MembersParams) iter.Seq2[Member, error] {
	return pages(p.Cursor, func(cursor string) ([]Member, string, error) {
		p.Cursor = cursor
		list, err := s.Members(ctx, actor, p)
		return list.Items, list.NextCursor, err
	})
}
