package invitations

import (
	"context"

	"github.com/google/uuid"
)

// Revoke ends a pending invitation for good. The actor needs [PermissionInvitationRevoke].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound], [ErrNotPending].
func (s *Service) Revoke(ctx context.Context, actor Actor, organization string, id uuid.UUID) (_ Invitation, err error) {
	ctx, op := s.observe(ctx, "Revoke")
	defer op.end(&err)
	if err := checkNamed(actor, organization, id); err != nil {
		return Invitation{}, err
	}
	record, err := run(ctx, s, revocation{actor, organization, id})
	return record.Invitation, err
}

type revocation struct {
	actor        Actor
	organization string
	id           uuid.UUID
}

func (a revocation) needs(rules) Query {
	return Query{Organization: a.organization, Invitation: a.id, Members: a.actor.members()}
}

func (a revocation) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := r.findInvitation(f, a.actor, PermissionInvitationRevoke)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	inv.State, inv.EndedAt = StateRevoked, r.now
	return inv, r.change(inv, EventInvitationRevoked, a.actor.user), nil
}
