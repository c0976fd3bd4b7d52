package invitations

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// EditParams is what [Service.Edit] takes. What is left out stays as it is.
type EditParams struct {
	Organization string
	ID           uuid.UUID

	Role      Role
	Message   *string       // as in [InviteParams]
	ExpiresIn time.Duration // from now; bounds are in [Config]
	// MaxUses and AllowedDomains are a link's, as in [CreateLinkParams]. MaxUses must be more than
	// have used it already.
	MaxUses        *int
	AllowedDomains *[]string
}

// Edit changes what a pending invitation offers. Its token stays, and grants what is offered
// now. The actor becomes the sender, unless nothing changes, and needs
// [PermissionInvitationCreate], every permission of both roles, the present one and the new
// one, and, if the invitation brings a quota, [PermissionQuotaUpdate]. Nothing is mailed: to
// tell the recipient, resend.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending].
func (s *Service) Edit(ctx context.Context, actor Actor, p EditParams) (Invitation, error) {
	e := edit{role: p.Role, message: p.Message, maxUses: p.MaxUses}
	if err := checkNamed(actor, p.Organization, p.ID); err != nil {
		return Invitation{}, err
	}
	if p.Role != "" && !s.config.Policy.Has(p.Role) {
		return Invitation{}, invalid("role", "is not in the policy")
	}
	if p.Message != nil {
		if err := checkMessage(*p.Message); err != nil {
			return Invitation{}, err
		}
	}
	var err error
	if e.lifetime, err = s.config.lifetime(p.ExpiresIn, 0); err != nil {
		return Invitation{}, err
	}
	if p.MaxUses != nil {
		if err := s.config.checkMaxUses(*p.MaxUses); err != nil {
			return Invitation{}, err
		}
	}
	if p.AllowedDomains != nil {
		domains, err := canonicalDomains(*p.AllowedDomains)
		if err != nil {
			return Invitation{}, err
		}
		e.domains = &domains
	}
	q := Query{Organization: p.Organization, Invitation: p.ID, Members: actor.members()}
	record, err := update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		return r.edit(f, actor, e)
	})
	return record.clone(), err
}
