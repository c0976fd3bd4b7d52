package invitations

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// ResendParams are the parameters of [Service.Resend].
type ResendParams struct {
	Organization string
	ID           uuid.UUID
	// ExpiresIn is the lifetime from now; 0 means the time from the last sending to the
	// present expiry, or the nearest bound. [Config] bounds it.
	ExpiresIn time.Duration
}

// Resend gives a pending or expired invitation a new token and a new expiry. The old token
// is dead at once. The actor becomes the sender. The actor needs
// [PermissionInvitationResend], every permission of the role and, if the invitation grants a
// quota, [PermissionQuotaUpdate].
//
// An expired invitation takes a place among the pending ones again, and is refused like a new
// one: [ErrPendingLimit], [ErrAlreadyInvited], [ErrMemberLimit]. The organization's [Limits] can
// refuse it with [ErrDomainNotAllowed] or [ErrLinksNotAllowed]. Other refusals: [ErrInvalid],
// [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound], [ErrNotPending], and for an email
// invitation [ErrTooSoon] and [ErrRateLimited].
func (s *Service) Resend(ctx context.Context, actor Actor, p ResendParams) (_ SentInvitation, err error) {
	ctx, op := s.observe(ctx, "Resend")
	defer op.end(&err)
	if err := checkNamed(actor, p.Organization, p.ID); err != nil {
		return SentInvitation{}, err
	}
	lifetime, err := s.config.lifetime(p.ExpiresIn)
	if err != nil {
		return SentInvitation{}, err
	}
	record, err := run(ctx, s, resending{actor, p.Organization, p.ID, newNonce(), lifetime})
	if err != nil {
		return SentInvitation{}, err
	}
	return s.sent(record, false), nil
}

type resending struct {
	actor        Actor
	organization string
	id           uuid.UUID
	nonce        [nonceLen]byte
	lifetime     time.Duration // 0: as before
}

func (a resending) needs(r rules) Query {
	q := Query{Organization: a.organization, Invitation: a.id, Members: a.actor.members(), SameEmail: true}
	return r.needPlace(q, KindEmail) // the kind is not known yet
}

func (a resending) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := r.findInvitation(f, a.actor, PermissionInvitationResend)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayOffer(f, a.actor, r.rank(inv.Role), inv.Quota); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); errors.Is(err, ErrExpired) {
		if err := r.mayTakePlace(f, inv.Invitation); err != nil {
			return Record{}, Changes{}, err
		}
	} else if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.allows(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	if at := inv.SentAt.Add(r.cooldown); inv.Kind == KindEmail && r.cooldown > 0 && r.now.Before(at) {
		return Record{}, Changes{}, &RateLimitError{TooSoon: true, At: at}
	}
	if err := r.maySend(f, a.actor, inv.Email); err != nil {
		return Record{}, Changes{}, err
	}
	lifetime := a.lifetime
	if lifetime == 0 {
		lifetime = min(max(inv.ExpiresAt.Sub(inv.SentAt), r.minExpiry), r.maxExpiry)
	}
	inv.Nonce = a.nonce
	inv.SentAt, inv.SentBy, inv.SentVersion = r.now, a.actor.user, f.Version+1
	inv.ExpiresAt = r.now.Add(lifetime)
	inv.SweepAt = r.nextSweep(inv.Invitation)
	return inv, r.change(inv, EventInvitationResent, a.actor.user), nil
}

// PendingToken returns a pending invitation with its present token again, and changes
// nothing. A job in a mail queue needs to carry the organization and the ID only: the
// worker, which acts as [System], asks for the token when it sends. A worker that is refused
// with [ErrNotPending], [ErrNotFound], [ErrDomainNotAllowed] or [ErrLinksNotAllowed] has nothing to
// send. The actor needs the permissions of [Service.Resend].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending], [ErrDomainNotAllowed], [ErrLinksNotAllowed].
func (s *Service) PendingToken(ctx context.Context, actor Actor, organization string, id uuid.UUID) (_ SentInvitation, err error) {
	ctx, op := s.observe(ctx, "PendingToken")
	defer op.end(&err)
	if err := checkNamed(actor, organization, id); err != nil {
		return SentInvitation{}, err
	}
	r, f, err := s.view(ctx, Query{Organization: organization, Invitation: id, Sender: true, Members: actor.members()})
	if err != nil {
		return SentInvitation{}, err
	}
	record, err := r.reveal(f, actor)
	if err != nil {
		return SentInvitation{}, err
	}
	// It was pending when it was read, so it has a token whatever the clock says now.
	return SentInvitation{Invitation: record.Invitation, Token: s.keys.sign(record.claim())}, nil
}

// reveal returns the invitation whose token the actor may have. The token is worth the role,
// so the actor must be able to grant it.
func (r rules) reveal(f Facts, actor Actor) (Record, error) {
	inv, err := r.findInvitation(f, actor, PermissionInvitationResend)
	if err != nil {
		return Record{}, err
	}
	if err := r.mayOffer(f, actor, r.rank(inv.Role), inv.Quota); err != nil {
		return Record{}, err
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Record{}, err
	}
	return inv, nil
}
