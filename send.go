package invitations

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// InviteParams is what [Service.Invite] takes.
type InviteParams struct {
	Organization string
	Email        string // see [CanonicalEmail]
	Role         Role

	// ID, optional like all that follows, is a version 7 UUID of the caller's own making, as uuid.NewV7 of
	// github.com/google/uuid returns. A call that is repeated with it, because its answer
	// was lost, by the same actor and with the same params gives back what exists, as long as
	// no resend or edit has given it other content.
	ID        uuid.UUID
	ExpiresIn time.Duration // cut to microseconds; bounds and default are in [Config]
	// Quota is the one that the member starts with; the zero Quota is none of their own. The
	// actor needs [PermissionQuotaUpdate] to give one.
	Quota    Quota
	Message  string            // at most 500 characters; the only control character is newline
	Metadata map[string]string // at most 16 pairs and 4 KiB; no empty key, no control characters
}

// Invite invites the owner of one address. The actor needs [PermissionInvitationCreate] and
// every permission of the role. The addresses of members are the host's to know: one of a
// member is invited like any other, and accepting is refused with [ErrAlreadyMember].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound]
// (System, and no such organization), [ErrAlreadyInvited], [ErrPendingLimit],
// [ErrMemberLimit] (where seats are reserved), [ErrRateLimited], [ErrConflict] (the ID is of
// an invitation with other content).
func (s *Service) Invite(ctx context.Context, actor Actor, p InviteParams) (SentInvitation, error) {
	if err := checkActing(actor, p.Organization); err != nil {
		return SentInvitation{}, err
	}
	inv, err := p.invitation()
	if err != nil {
		return SentInvitation{}, err
	}
	return s.create(ctx, actor, p.ExpiresIn, inv)
}

// invitation returns what p asks for.
func (p InviteParams) invitation() (Invitation, error) {
	email, err := CanonicalEmail(p.Email)
	return Invitation{
		ID: p.ID, Organization: p.Organization, Kind: KindEmail, Email: email, Role: p.Role, Quota: p.Quota,
		Message: p.Message, Metadata: p.Metadata, MaxUses: 1,
	}, err
}

// LinkParams is what [Service.CreateLink] takes.
type CreateLinkParams struct {
	Organization string
	Role         Role

	// MaxUses, optional like all that follows, is how many can join by the link, up to
	// [Config].MaxUses; 0 is without limit.
	MaxUses int
	// AllowedDomains, at most 100, limit the link to people whose verified address is of
	// exactly one of these domains.
	AllowedDomains []string

	ID        uuid.UUID         // as in [InviteParams]
	ExpiresIn time.Duration     // as in [InviteParams]
	Quota     Quota             // as in [InviteParams], of each member
	Message   string            // as in [InviteParams]
	Metadata  map[string]string // as in [InviteParams]
}

// CreateLink creates a link by which whoever holds it can join. It needs what [Service.Invite]
// needs.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound]
// (System, and no such organization), [ErrPendingLimit], [ErrConflict] (the ID is of an
// invitation with other content).
func (s *Service) CreateLink(ctx context.Context, actor Actor, p CreateLinkParams) (SentInvitation, error) {
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
	return s.create(ctx, actor, p.ExpiresIn, Invitation{
		ID: p.ID, Organization: p.Organization, Kind: KindLink, Role: p.Role, Quota: p.Quota,
		Message: p.Message, Metadata: p.Metadata, MaxUses: p.MaxUses, AllowedDomains: domains,
	})
}

// create is what both kinds have in common.
func (s *Service) create(ctx context.Context, actor Actor, expiresIn time.Duration, inv Invitation) (SentInvitation, error) {
	now := s.now()
	d, err := s.draft(actor, expiresIn, inv, now)
	if err != nil {
		return SentInvitation{}, err
	}
	q := Query{
		Organization: inv.Organization,
		Invitation:   inv.ID,
		Members:      actor.members(),
		PendingUpTo:  s.config.PendingLimit,
		PendingAt:    now,
	}
	if inv.Kind == KindEmail {
		q.Emails = []string{inv.Email}
		s.mailing(&q)
	}
	repeated := false
	record, err := update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		record, changes, err := r.create(f, actor, d)
		repeated = changes.Empty()
		return record, changes, err
	})
	if err != nil {
		return SentInvitation{}, err
	}
	sent := s.sent(record)
	sent.Repeated = repeated
	return sent, nil
}

// draft checks the arguments that make an invitation, and returns it as of now.
func (s *Service) draft(actor Actor, expiresIn time.Duration, inv Invitation, now time.Time) (Record, error) {
	lifetime, err := s.config.lifetime(expiresIn, s.config.Expiry)
	if err != nil {
		return Record{}, err
	}
	if err := checkOwnID(inv.ID); err != nil {
		return Record{}, err
	}
	if !s.config.Policy.Has(inv.Role) {
		return Record{}, invalid("role", "is not in the policy")
	}
	if err := checkMessage(inv.Message); err != nil {
		return Record{}, err
	}
	if err := inv.Quota.check(); err != nil {
		return Record{}, err
	}
	if err := checkMetadata(inv.Metadata); err != nil {
		return Record{}, err
	}
	if inv.ID == uuid.Nil {
		inv.ID = newID(now)
	}
	inv.State = StatePending
	inv.CreatedBy, inv.SentBy = actor.user, actor.user
	inv.CreatedAt, inv.SentAt, inv.ExpiresAt = now, now, now.Add(lifetime)
	return Record{Invitation: inv, Nonce: newNonce()}.Clone(), nil
}

// mailing adds the facts that sending an email invitation needs: the sendings of the day and,
// where seats are reserved, the seats.
func (s *Service) mailing(q *Query) {
	if q.SendingsUpTo = s.config.sending().upTo(); q.SendingsUpTo > 0 {
		q.SendingsAfter = q.PendingAt.Add(-sendingWindow)
	}
	if s.config.ReserveSeats {
		q.MembersUpTo, q.PendingEmailsUpTo = s.config.MemberLimit, s.config.MemberLimit
	}
}

// lifetime returns how long an invitation lives that was asked to expire after in; zero
// means fallback.
func (c *Config) lifetime(in, fallback time.Duration) (time.Duration, error) {
	if in == 0 {
		return fallback, nil
	}
	in = in.Truncate(time.Microsecond)
	if in < c.MinExpiry || in > c.MaxExpiry {
		return 0, invalid("expires_in", "is not between "+c.MinExpiry.String()+" and "+c.MaxExpiry.String())
	}
	return in, nil
}

// sent returns record with its token, if there is still a use for one.
func (s *Service) sent(record Record) SentInvitation {
	sent := SentInvitation{Invitation: record.Invitation.clone().at(s.now())}
	if sent.State == StatePending {
		sent.Token = s.keys.sign(claim{record.Organization, record.ID, record.Nonce})
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

// ResendParams is what [Service.Resend] takes.
type ResendParams struct {
	Organization string
	ID           uuid.UUID
	// ExpiresIn is how long the invitation lives from now; 0 is as long as from its last
	// sending to its present expiry, or the nearer bound. Bounds are in [Config].
	ExpiresIn time.Duration
}

// Resend gives a pending or expired invitation a new token and a fresh expiry; the old
// token is dead at once. The actor becomes the sender and needs
// [PermissionInvitationResend], every permission of the role and, if the invitation brings a
// quota, [PermissionQuotaUpdate].
//
// An expired invitation takes a place among the pending ones again, and is refused like a
// new one: [ErrPendingLimit], [ErrAlreadyInvited], [ErrMemberLimit]. Other refusals:
// [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending], and for an email invitation [ErrTooSoon] and [ErrRateLimited].
func (s *Service) Resend(ctx context.Context, actor Actor, p ResendParams) (SentInvitation, error) {
	if err := checkNamed(actor, p.Organization, p.ID); err != nil {
		return SentInvitation{}, err
	}
	lifetime, err := s.config.lifetime(p.ExpiresIn, 0)
	if err != nil {
		return SentInvitation{}, err
	}
	nonce := newNonce()
	q := Query{
		Organization: p.Organization,
		Invitation:   p.ID,
		Members:      actor.members(),
		SameEmail:    true,
		PendingUpTo:  s.config.PendingLimit,
		PendingAt:    s.now(),
	}
	s.mailing(&q)
	record, err := update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		return r.resend(f, actor, nonce, lifetime)
	})
	return s.sent(record), err
}

// Revoke ends a pending invitation for good. The actor needs [PermissionInvitationRevoke].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound], [ErrNotPending].
func (s *Service) Revoke(ctx context.Context, actor Actor, organization string, id uuid.UUID) (Invitation, error) {
	if err := checkNamed(actor, organization, id); err != nil {
		return Invitation{}, err
	}
	q := Query{Organization: organization, Invitation: id, Members: actor.members()}
	record, err := update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		return r.revoke(f, actor)
	})
	return record.clone(), err
}

// Sent returns a pending invitation with the token of its present sending again, so that a job
// in a mail queue carries organization and id alone, and its worker, which acts as [System],
// asks when it sends. The actor needs what [Service.Resend] needs; nothing changes. A worker that is refused with [ErrNotPending] or [ErrNotFound] has
// nothing to send any more.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrRoleNotAssignable], [ErrNotFound],
// [ErrNotPending].
func (s *Service) PendingToken(ctx context.Context, actor Actor, organization string, id uuid.UUID) (SentInvitation, error) {
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
	return SentInvitation{Invitation: record.Invitation.clone(), Token: s.keys.sign(claim{record.Organization, record.ID, record.Nonce})}, nil
}
