package invitations

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// InviteParams are the parameters of [Service.Invite]. Organization, Email and Role are
// required.
type InviteParams struct {
	Organization string
	Email        string // see [CanonicalEmail]
	Role         Role

	// ID is a UUID of version 7 that the caller makes, for instance with uuid.NewV7 of
	// github.com/google/uuid. It makes the call repeatable after a lost answer: the same call
	// by the same actor returns the existing invitation. It is refused with [ErrConflict] if
	// the content differs, also because of a resend or an edit.
	ID uuid.UUID
	// ExpiresIn is the lifetime, truncated to microseconds; 0 means the default of the
	// organization's [Limits], or [Config].Expiry. Config bounds it.
	ExpiresIn time.Duration
	// Quota is the member's own quota from the start; the zero Quota means none. Granting one
	// requires [PermissionQuotaUpdate].
	Quota    Quota
	Message  string            // at most 500 characters; newline is the only control character
	Metadata map[string]string // at most 16 pairs and 4 KiB; no empty key, no control characters
}

// Invite invites the owner of an email address. The actor needs
// [PermissionInvitationCreate] and every permission of the role. The library does not know
// the addresses of members: a member's address is invited like any other, and the acceptance
// is refused with [ErrAlreadyMember].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound] (for
// System: no such organization), [ErrAlreadyInvited], [ErrPendingLimit], [ErrMemberLimit]
// (with reserved seats), [ErrDomainNotAllowed] (by the organization's [Limits]),
// [ErrRateLimited], [ErrConflict] (the ID belongs to an invitation with other content).
func (s *Service) Invite(ctx context.Context, actor Actor, p InviteParams) (_ SentInvitation, err error) {
	ctx, op := s.observe(ctx, "Invite")
	defer op.end(&err)
	if err := checkActing(actor, p.Organization); err != nil {
		return SentInvitation{}, err
	}
	c, err := s.emailCreation(actor, p)
	if err != nil {
		return SentInvitation{}, err
	}
	return s.create(ctx, c)
}

// emailCreation checks the parameters of one invitation by email, except the organization.
func (s *Service) emailCreation(actor Actor, p InviteParams) (creation, error) {
	email, err := CanonicalEmail(p.Email)
	if err != nil {
		return creation{}, err
	}
	return s.creation(actor, p.ExpiresIn, Invitation{
		ID: p.ID, Organization: p.Organization, Kind: KindEmail, Email: email, Role: p.Role, Quota: p.Quota,
		Message: p.Message, Metadata: p.Metadata, MaxUses: 1,
	})
}

// creation checks the parameters that both kinds share.
func (s *Service) creation(actor Actor, expiresIn time.Duration, inv Invitation) (creation, error) {
	lifetime, err := s.config.lifetime(expiresIn)
	if err != nil {
		return creation{}, err
	}
	if err := checkOwnID(inv.ID); err != nil {
		return creation{}, err
	}
	if err := s.checkRole(inv.Role); err != nil {
		return creation{}, err
	}
	if err := checkMessage(inv.Message); err != nil {
		return creation{}, err
	}
	if err := inv.Quota.check(); err != nil {
		return creation{}, err
	}
	if err := checkMetadata(inv.Metadata); err != nil {
		return creation{}, err
	}
	c := creation{actor: actor, ownID: inv.ID, lifetime: lifetime}
	if inv.ID == uuid.Nil {
		inv.ID = newID(s.now())
	}
	inv.State, inv.CreatedBy, inv.SentBy = StatePending, actor.user, actor.user
	c.draft = Record{Invitation: inv, Nonce: newNonce()}.Clone()
	return c, nil
}

// create runs a creation and returns the invitation with its token.
func (s *Service) create(ctx context.Context, c creation) (SentInvitation, error) {
	made, err := run(ctx, s, c)
	if err != nil {
		return SentInvitation{}, err
	}
	return s.sent(made.record, made.repeated), nil
}

// sent returns a record with its token if it is still pending.
func (s *Service) sent(record Record, repeated bool) SentInvitation {
	sent := SentInvitation{Invitation: record.Invitation.clone().at(s.now()), Repeated: repeated}
	if sent.State == StatePending {
		sent.Token = s.keys.sign(record.claim())
	}
	return sent
}

// newID returns a UUID of version 7 (RFC 9562, 5.7) for the instant now.
func newID(now time.Time) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // crypto/rand.Read never fails
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// A creation makes an invitation of either kind.
type creation struct {
	actor    Actor
	ownID    uuid.UUID     // the ID that the caller made, if any
	draft    Record        // without times and versions
	lifetime time.Duration // 0: the organization's default
}

// made is the result of a creation.
type made struct {
	record   Record
	repeated bool // the call was answered before
}

func (c creation) needs(r rules) Query {
	q := Query{Organization: c.draft.Organization, Invitation: c.ownID, Members: c.actor.members()}
	if c.draft.Kind == KindEmail {
		q.Emails = []string{c.draft.Email}
	}
	return r.needPlace(q, c.draft.Kind)
}

func (c creation) decide(r rules, f Facts) (made, Changes, error) {
	if err := r.may(f, c.actor, PermissionInvitationCreate); err != nil {
		return made{}, Changes{}, err
	}
	if err := r.mayOffer(f, c.actor, c.draft.Role, c.draft.Quota); err != nil {
		return made{}, Changes{}, err
	}
	if f.Invitation != nil {
		if !c.repeats(*f.Invitation) {
			return made{}, Changes{}, ErrConflict
		}
		return made{*f.Invitation, true}, Changes{}, nil
	}
	if err := r.mayTakePlace(f, c.draft.Invitation); err != nil {
		return made{}, Changes{}, err
	}
	if err := r.maySend(f, c.actor, c.draft.Email); err != nil {
		return made{}, Changes{}, err
	}
	inv := c.draft
	lifetime := c.lifetime
	if lifetime == 0 {
		lifetime = r.limits.Expiry
	}
	inv.CreatedAt, inv.SentAt, inv.ExpiresAt = r.now, r.now, r.now.Add(lifetime)
	inv.SentVersion = f.Version + 1
	inv.SweepAt = r.nextSweep(inv.Invitation)
	return made{inv, false}, r.change(inv, EventInvitationCreated, c.actor.user), nil
}

// repeats reports whether c is the call that made the existing invitation.
func (c creation) repeats(existing Record) bool {
	a, b := existing.Invitation, c.draft.Invitation
	return a.Kind == b.Kind && a.Email == b.Email && a.Role == b.Role && a.Message == b.Message &&
		maps.Equal(a.Metadata, b.Metadata) && slices.Equal(a.AllowedDomains, b.AllowedDomains) &&
		a.MaxUses == b.MaxUses && a.Quota == b.Quota && a.CreatedBy == b.CreatedBy &&
		(c.lifetime == 0 || a.ExpiresAt.Sub(a.SentAt) == c.lifetime)
}
