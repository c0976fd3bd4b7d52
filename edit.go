package invitations

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// EditParams are the parameters of [Service.Edit]. A field that is not set stays as it is.
type EditParams struct {
	Organization string
	ID           uuid.UUID

	Role      Role
	Message   *string       // as in [InviteParams]
	ExpiresIn time.Duration // from now; [Config] bounds it
	// MaxUses and AllowedDomains apply only to links, as in [CreateLinkParams]. MaxUses must
	// be greater than the number of uses so far.
	MaxUses        *int
	AllowedDomains *[]string
}

// Edit changes what a pending invitation offers. Its token stays valid and grants the new
// offer. The actor becomes the sender, unless nothing changes. The actor needs
// [PermissionInvitationCreate], every permission of the old and the new role and, if the
// invitation grants a quota, [PermissionQuotaUpdate]. To tell the recipient, resend it.
//
// An edit is not a sending: a member removed after the last sending still cannot return
// through the invitation.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending].
func (s *Service) Edit(ctx context.Context, actor Actor, p EditParams) (Invitation, error) {
	if err := checkNamed(actor, p.Organization, p.ID); err != nil {
		return Invitation{}, err
	}
	e := edit{role: p.Role, message: p.Message, maxUses: p.MaxUses}
	if p.Role != "" {
		if err := s.checkRole(p.Role); err != nil {
			return Invitation{}, err
		}
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
	record, err := run(ctx, s, editing{actor, p.Organization, p.ID, e})
	return record.clone(), err
}

type editing struct {
	actor        Actor
	organization string
	id           uuid.UUID
	edit
}

// An edit has the new values. Values that are not set stay.
type edit struct {
	role     Role
	message  *string
	lifetime time.Duration
	maxUses  *int
	domains  *[]string // canonical
}

func (a editing) needs(rules) Query {
	return Query{Organization: a.organization, Invitation: a.id, Members: a.actor.members()}
}

func (a editing) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := r.findInvitation(f, a.actor, PermissionInvitationCreate)
	if err != nil {
		return Record{}, Changes{}, err
	}
	old := inv.Clone()
	if err := r.mayGrant(f, a.actor, inv.Role); err != nil {
		return Record{}, Changes{}, err
	}
	if a.role != "" {
		inv.Role = a.role
	}
	if err := r.mayOffer(f, a.actor, inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	if a.message != nil {
		inv.Message = *a.message
	}
	if a.lifetime != 0 {
		// Nothing limits the number of edits, so an edit must not cause a second reminder.
		reminded := inv.SweepAt.Equal(inv.ExpiresAt)
		inv.ExpiresAt = r.now.Add(a.lifetime)
		if inv.SweepAt = r.nextSweep(inv.Invitation); reminded {
			inv.SweepAt = inv.ExpiresAt
		}
	}
	if a.maxUses != nil {
		inv.MaxUses = *a.maxUses
		switch {
		case inv.Kind != KindLink:
			return Record{}, Changes{}, invalid("max_uses", "wrong_kind", "applies only to links", "kind", "link")
		case inv.MaxUses != 0 && inv.MaxUses <= inv.Uses:
			return Record{}, Changes{}, invalid("max_uses", "too_small", "must be greater than the number of uses so far",
				"min", strconv.Itoa(inv.Uses+1))
		}
	}
	if a.domains != nil {
		if inv.Kind != KindLink {
			return Record{}, Changes{}, invalid("allowed_domains", "wrong_kind", "applies only to links", "kind", "link")
		}
		inv.AllowedDomains = slices.Clone(*a.domains)
	}
	if inv.Role == old.Role && inv.Message == old.Message && inv.ExpiresAt.Equal(old.ExpiresAt) &&
		inv.MaxUses == old.MaxUses && slices.Equal(inv.AllowedDomains, old.AllowedDomains) {
		return inv, Changes{}, nil
	}
	inv.SentBy = a.actor.user
	return inv, r.change(inv, EventInvitationEdited, a.actor.user), nil
}
