package invitations

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Accept makes a person a member with the role of the invitation, in one atomic step. Call
// it for POST, at the request of the signed-in person.
//
// If the same user accepts again, Accept returns the same membership while it lasts. A
// refusal leaves everything as it was: [ErrInvalid], [ErrInvalidToken], [ErrNotPending],
// [ErrRecipientMismatch], [ErrEmailUnverified], [ErrDomainNotAllowed], [ErrAlreadyMember],
// [ErrMemberLimit].
func (s *Service) Accept(ctx context.Context, token string, identity Identity) (Member, error) {
	c, err := s.keys.verify(token)
	if err != nil {
		return Member{}, err
	}
	if err := checkUser("user_id", identity.UserID); err != nil {
		return Member{}, err
	}
	return run(ctx, s, acceptance{c, identity})
}

// AcceptReceived accepts an invitation that [Service.Received] lists. Its ID and the verified
// address take the place of the token. Like Accept it needs the person's request for this
// very invitation: the host must not accept invitations on a person's behalf.
//
// It has the refusals of Accept except [ErrInvalidToken] and [ErrRecipientMismatch], and
// [ErrNotFound] for every invitation that is not for this address.
func (s *Service) AcceptReceived(ctx context.Context, organization string, id uuid.UUID, identity Identity) (Member, error) {
	if err := checkReceived(organization, id, identity); err != nil {
		return Member{}, err
	}
	return run(ctx, s, receivedAcceptance{received{organization, id}, identity})
}

// An acceptance is by a token.
type acceptance struct {
	claim    claim
	identity Identity
}

func (a acceptance) needs(r rules) Query { return r.needToJoin(a.claim.needs(), a.identity) }

func (a acceptance) decide(r rules, f Facts) (Member, Changes, error) {
	inv, err := a.claim.find(f)
	if err != nil {
		return Member{}, Changes{}, err
	}
	return r.join(f, inv, a.identity)
}

// A receivedAcceptance is by a verified address.
type receivedAcceptance struct {
	received received
	identity Identity
}

func (a receivedAcceptance) needs(r rules) Query {
	return r.needToJoin(a.received.needs(), a.identity)
}

func (a receivedAcceptance) decide(r rules, f Facts) (Member, Changes, error) {
	inv, err := a.received.find(f, a.identity)
	if err != nil {
		return Member{}, Changes{}, err
	}
	return r.join(f, inv, a.identity)
}

// needToJoin adds to q the facts that join reads.
func (r rules) needToJoin(q Query, identity Identity) Query {
	q.Members, q.Removals, q.Quotas = append(q.Members, identity.UserID), true, true
	q.MembersUpTo = r.memberLimit
	if r.reserveSeats {
		q.PendingEmailsUpTo = r.memberLimit + 1 // one of them may be their own
		q.PendingFor, q.PendingAt = identity.verifiedEmail(), r.now
	}
	return q
}

// join makes a person a member through an invitation that they hold.
func (r rules) join(f Facts, inv Record, identity Identity) (Member, Changes, error) {
	member, isMember := f.Members[identity.UserID]
	if isMember && member.InvitationID == inv.ID {
		return member, Changes{}, nil // a repetition, because the answer was lost
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.isFor(inv.Invitation, identity, isMember); err != nil {
		return Member{}, Changes{}, err
	}
	if version, ok := f.Removals[identity.UserID]; ok && version >= inv.SentVersion {
		return Member{}, Changes{}, ErrRevoked
	}
	if err := r.hasSeat(f); err != nil {
		return Member{}, Changes{}, err
	}

	member = Member{
		Organization: inv.Organization, UserID: identity.UserID, Role: inv.Role, JoinedAt: r.now,
		InvitationID: inv.ID, InvitedBy: inv.SentBy, Metadata: maps.Clone(inv.Metadata),
	}
	inv.Uses++
	if inv.Uses == inv.MaxUses {
		inv.State, inv.EndedAt = StateAccepted, r.now
	}
	changes := r.change(inv, EventInvitationAccepted, identity.UserID)
	changes.Members = []Member{member}
	joined := changes.Events[0]
	joined.Type, joined.Subject = EventMemberJoined, identity.UserID
	joined.Quota, joined.MaxUses, joined.ExpiresAt = Quota{}, 0, time.Time{}
	changes.Events = append(changes.Events, joined)
	// After joining by a link, the person no longer needs the seat of their email invitation.
	for _, other := range f.PendingRecords {
		if other.ID != inv.ID {
			changes = r.end(changes, other, identity.UserID, ErrAlreadyMember)
		}
	}
	// The quota of an earlier membership remains. An email invitation replaces it if it was
	// sent after that quota was set.
	old, ok := f.Quotas[identity.UserID]
	if inv.Quota != (Quota{}) && (!ok || inv.Kind == KindEmail && old.Version < inv.SentVersion) {
		changes = r.putQuota(changes, f, inv.SentBy, identity.UserID, inv.Quota)
	}
	return member, changes, nil
}

// isFor refuses a person whom the invitation is not for.
func (r rules) isFor(inv Invitation, identity Identity, isMember bool) error {
	email, err := CanonicalEmail(identity.Email)
	isCanonical := err == nil // an address without a canonical form equals no other
	switch {
	case inv.Kind == KindEmail && (!isCanonical || email != inv.Email):
		return ErrRecipientMismatch
	case inv.Kind == KindEmail && !identity.EmailVerified:
		return ErrEmailUnverified
	case isMember:
		return ErrAlreadyMember
	case len(inv.AllowedDomains) > 0 && (!isCanonical || !slices.Contains(inv.AllowedDomains, domainOf(email))):
		return ErrDomainNotAllowed
	case len(inv.AllowedDomains) > 0 && !identity.EmailVerified:
		return ErrEmailUnverified
	}
	return nil
}

// hasSeat refuses another member if the organization is full. With reserved seats, pending
// email invitations hold one each, except that of the joining person. Links hold none,
// because nobody knows how many people will use them.
func (r rules) hasSeat(f Facts) error {
	if r.memberLimit == 0 {
		return nil
	}
	taken := f.MemberCount
	if r.reserveSeats {
		taken += f.PendingEmailCount
		if len(f.PendingRecords) > 0 {
			taken--
		}
	}
	if taken >= r.memberLimit {
		return ErrMemberLimit
	}
	return nil
}
