package invitations

import (
	"cmp"
	"context"
	"maps"
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
	Quota          *Quota             // as in [InviteParams]
	Metadata       *map[string]string // as in [InviteParams]
}

// Edit changes what a pending invitation offers. Its token stays valid and grants the new
// offer. The actor becomes the sender, unless nothing changes. An edit by [System] keeps the
// sender who could still send what is offered now. The actor needs
// [PermissionInvitationCreate], every permission of the old and the new role and, if the
// invitation granted or now grants a quota, [PermissionQuotaUpdate]. To tell the recipient,
// resend it. An invitation for a role that the policy no longer knows can be edited to a known
// one by owners and [System].
//
// An edit is not a sending: a member removed after the last sending still cannot return
// through the invitation.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending], [ErrMemberLimit] (with reserved seats, if the new role takes a seat).
func (s *Service) Edit(ctx context.Context, actor Actor, p EditParams) (_ Invitation, err error) {
	ctx, op := s.observe(ctx, "Edit")
	defer op.end(&err)
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
	if e.lifetime, err = s.config.lifetime(p.ExpiresIn); err != nil {
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
	if p.Quota != nil {
		if err := p.Quota.check(); err != nil {
			return Invitation{}, err
		}
		e.quota = p.Quota
	}
	if p.Metadata != nil {
		if err := checkMetadata(*p.Metadata); err != nil {
			return Invitation{}, err
		}
		e.metadata = p.Metadata
	}
	record, err := run(ctx, s, editing{actor, p.Organization, p.ID, e})
	return record.Invitation.clone(), err
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
	quota    *Quota
	metadata *map[string]string
}

func (a editing) needs(r rules) Query {
	q := Query{Organization: a.organization, Invitation: a.id, Members: a.actor.members()}
	q.Sender = a.actor.system
	if r.reserveSeats && a.role != "" {
		return r.needSeat(q)
	}
	return q
}

func (a editing) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := r.findInvitation(f, a.actor, PermissionInvitationCreate)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayOffer(f, a.actor, r.rank(inv.Role), inv.Quota); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayOffer(f, a.actor, cmp.Or(a.role, r.rank(inv.Role)), a.quotaOr(inv.Quota)); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	old := inv
	if err := a.apply(r, &inv); err != nil {
		return Record{}, Changes{}, err
	}
	if inv.Kind == KindEmail && r.reserveSeats && !r.takesSeat(old.Role) {
		if err := r.hasSeat(f, inv.Role, false); err != nil {
			return Record{}, Changes{}, err
		}
	}
	changed := changedFields(old.Invitation, inv.Invitation)
	if len(changed) == 0 {
		return inv, Changes{}, nil
	}
	if !a.actor.system || f.Sender == nil || !r.couldSend(f.Sender.Role, inv.Invitation) {
		inv.SentBy = a.actor.user
	}
	changes := r.change(inv, EventInvitationEdited, a.actor.user)
	changes.Events[0].Changed, changes.Events[0].InvitedBy = changed, inv.SentBy
	if inv.Role != old.Role {
		changes.Events[0].FormerRole = old.Role
	}
	return inv, changes, nil
}

// quotaOr returns the new quota, or the old one if it stays.
func (e edit) quotaOr(old Quota) Quota {
	if e.quota != nil {
		return *e.quota
	}
	return old
}

// apply sets the new values in inv.
func (e edit) apply(r rules, inv *Record) error {
	if e.role != "" {
		inv.Role = e.role
	}
	if e.message != nil {
		inv.Message = *e.message
	}
	inv.Quota = e.quotaOr(inv.Quota)
	if e.metadata != nil {
		inv.Metadata = maps.Clone(*e.metadata)
	}
	if e.lifetime != 0 {
		// Nothing limits the number of edits, so an edit must not cause a second reminder.
		reminded := inv.SweepAt.Equal(inv.ExpiresAt)
		inv.ExpiresAt = r.now.Add(e.lifetime)
		if inv.SweepAt = r.nextSweep(inv.Invitation); reminded {
			inv.SweepAt = inv.ExpiresAt
		}
	}
	if e.maxUses != nil {
		inv.MaxUses = *e.maxUses
		switch {
		case inv.Kind != KindLink:
			return invalid("max_uses", "wrong_kind", "applies only to links", "kind", "link")
		case inv.MaxUses != 0 && inv.MaxUses <= inv.Uses:
			return invalid("max_uses", "too_small", "must be greater than the number of uses so far",
				"min", strconv.Itoa(inv.Uses+1))
		}
	}
	if e.domains != nil {
		if inv.Kind != KindLink {
			return invalid("allowed_domains", "wrong_kind", "applies only to links", "kind", "link")
		}
		inv.AllowedDomains = slices.Clone(*e.domains)
	}
	return nil
}

// changedFields returns the names of the fields in which an edit can make the invitations
// differ.
func changedFields(a, b Invitation) []string {
	var changed []string
	for _, field := range []struct {
		name string
		same bool
	}{
		{"role", a.Role == b.Role},
		{"message", a.Message == b.Message},
		{"expires_at", a.ExpiresAt.Equal(b.ExpiresAt)},
		{"max_uses", a.MaxUses == b.MaxUses},
		{"allowed_domains", slices.Equal(a.AllowedDomains, b.AllowedDomains)},
		{"quota", a.Quota == b.Quota},
		{"metadata", maps.Equal(a.Metadata, b.Metadata)},
	} {
		if !field.same {
			changed = append(changed, field.name)
		}
	}
	return changed
}
