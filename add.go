package invitations

import (
	"context"
	"maps"

	"github.com/google/uuid"
)

// AddMemberParams are the parameters of [Service.AddMember]. Organization, UserID and Role are
// required.
type AddMemberParams struct {
	Organization string
	UserID       string
	Role         Role

	// Email is a verified address of the user. If the call makes the user a member, the pending
	// email invitation for this address is revoked in the same step, whatever role it offered,
	// and its reserved seat is used.
	Email    string
	Quota    Quota             // as in [InviteParams]; replaces the quota of an earlier membership
	Metadata map[string]string // as in [InviteParams]
}

// AddMember makes a user a member without an invitation: for single sign-on, directory
// synchronization, approved requests, imports and support. It sends no mail and uses no place
// among the pending invitations. It takes a seat if the role does. It also admits users who were
// removed before: a program that calls it at every sign-in must not call it for them.
//
// Nobody asks the user: a route must take the user ID from a directory or from a request of that
// user, never from another user. An organization without an owner can get one by AddMember, and
// nobody else.
//
// The actor needs [PermissionMemberAdd], every permission of the role, [PermissionQuotaUpdate]
// for a quota, and [PermissionInvitationRevoke] for an Email. If the user is a member with this
// role already, AddMember changes nothing and returns the membership as Repeated.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound] (for
// System: no such organization), [ErrAlreadyMember] (with another role), [ErrMemberLimit].
func (s *Service) AddMember(ctx context.Context, actor Actor, p AddMemberParams) (_ Joined, err error) {
	ctx, op := s.observe(ctx, "AddMember")
	defer op.end(&err)
	if err := checkMemberAct(actor, p.Organization, p.UserID); err != nil {
		return Joined{}, err
	}
	if err := s.checkRole(p.Role); err != nil {
		return Joined{}, err
	}
	if p.Email != "" {
		var err error
		if p.Email, err = CanonicalEmail(p.Email); err != nil {
			return Joined{}, err
		}
	}
	if err := p.Quota.check(); err != nil {
		return Joined{}, err
	}
	if err := checkMetadata(p.Metadata); err != nil {
		return Joined{}, err
	}
	p.Metadata = maps.Clone(p.Metadata)
	return run(ctx, s, addition{actor, p})
}

type addition struct {
	actor Actor
	p     AddMemberParams
}

func (a addition) needs(r rules) Query {
	return r.needSeat(Query{
		Organization: a.p.Organization, Members: append(a.actor.members(), a.p.UserID), PendingFor: a.p.Email, OwnersUpTo: 1,
	})
}

func (a addition) decide(r rules, f Facts) (Joined, Changes, error) {
	if err := r.may(f, a.actor, PermissionMemberAdd); err != nil {
		return Joined{}, Changes{}, err
	}
	if err := r.mayOffer(f, a.actor, a.p.Role, a.p.Quota); err != nil {
		return Joined{}, Changes{}, err
	}
	if a.p.Email != "" {
		if err := r.may(f, a.actor, PermissionInvitationRevoke); err != nil {
			return Joined{}, Changes{}, err
		}
	}
	if f.OwnerCount == 0 && a.p.Role != RoleOwner { // as in claim.find; an owner would repair it
		return Joined{}, Changes{}, ErrNotFound
	}
	if m, isMember := f.Members[a.p.UserID]; isMember {
		if m.Role != a.p.Role {
			return Joined{}, Changes{}, ErrAlreadyMember
		}
		return Joined{m, true}, Changes{}, nil
	}
	if err := r.hasSeat(f, a.p.Role, r.holdsSeat(f)); err != nil {
		return Joined{}, Changes{}, err
	}
	m := Member{
		Organization: f.Organization, UserID: a.p.UserID, Role: a.p.Role, JoinedAt: r.now,
		InvitedBy: a.actor.user, Metadata: maps.Clone(a.p.Metadata),
	}
	event := r.memberEvent(EventMemberJoined, a.actor.user, m)
	event.InvitedBy = a.actor.user
	changes := Changes{Members: []Member{m}, Events: []Event{event}}
	changes = r.endFor(changes, f, uuid.Nil, a.actor.user)
	if a.p.Quota != (Quota{}) {
		changes = r.putQuota(changes, f, a.actor.user, a.p.UserID, a.p.Quota)
	}
	return Joined{Member: m}, changes, nil
}
