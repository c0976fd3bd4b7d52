package invitations

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// CreateLinkParams are the parameters of [Service.CreateLink]. Organization and Role are
// required.
type CreateLinkParams struct {
	Organization string
	Role         Role

	// MaxUses is how many people can join through the link, up to [Config].MaxUses; 0 means
	// no limit.
	MaxUses int
	// AllowedDomains restricts the link to people whose verified address has exactly one of
	// these domains. At most 100.
	AllowedDomains []string

	ID        uuid.UUID         // as in [InviteParams]
	ExpiresIn time.Duration     // as in [InviteParams]
	Quota     Quota             // of each member, as in [InviteParams]
	Message   string            // as in [InviteParams]
	Metadata  map[string]string // as in [InviteParams]
}

// CreateLink creates a link through which anybody who has it can join. The actor needs the
// same permissions as for [Service.Invite].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound] (for
// System: no such organization), [ErrPendingLimit], [ErrLinksNotAllowed] (by the
// organization's [Limits]), [ErrConflict] (the ID belongs to an invitation with other
// content).
func (s *Service) CreateLink(ctx context.Context, actor Actor, p CreateLinkParams) (_ SentInvitation, err error) {
	ctx, op := s.observe(ctx, "CreateLink")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return SentInvitation{}, err
	}
	if err := s.config.checkMaxUses(p.MaxUses); err != nil {
		return SentInvitation{}, err
	}
	domains, err := canonicalDomains(p.AllowedDomains)
	if err != nil {
		return SentInvitation{}, err
	}
	c, err := s.creation(actor, p.ExpiresIn, Invitation{
		ID: p.ID, Organization: p.Organization, Kind: KindLink, Role: p.Role, Quota: p.Quota,
		Message: p.Message, Metadata: p.Metadata, MaxUses: p.MaxUses, AllowedDomains: domains,
	})
	if err != nil {
		return SentInvitation{}, err
	}
	return s.create(ctx, c)
}
