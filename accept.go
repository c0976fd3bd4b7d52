package invitations

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// Accept makes a person a member with the role of the invitation, in one atomic step. Call
// it for POST, at the request of the signed-in person.
//
// If the same user accepts again, Accept returns the same membership while it lasts, as
// Repeated. Joining ends the pending email invitation for the person's verified address, if
// they have another one. A refusal leaves everything as it was: [ErrInvalid],
// [ErrInvalidToken], [ErrNotPending], [ErrLinksNotAllowed], [ErrRecipientMismatch],
// [ErrEmailUnverified], [ErrDomainNotAllowed], [ErrAlreadyMember], [ErrMemberLimit].
func (s *Service) Accept(ctx context.Context, token string, identity Identity) (_ Joined, err error) {
	ctx, op := s.observe(ctx, "Accept")
	defer op.end(&err)
	c, err := s.keys.verify(token)
	if err != nil {
		return Joined{}, err
	}
	if err := checkUser("user_id", identity.UserID); err != nil {
		return Joined{}, err
	}
	return run(ctx, s, acceptance{c, identity})
}

// AcceptReceived accepts an invitation that [Service.Received] lists. Its ID and the verified
// address take the place of the token. Like Accept it needs the person's request for this
// very invitation: the host must not accept invitations on a person's behalf.
//
// It has the refusals of Accept except [ErrInvalidToken] and [ErrRecipientMismatch], and
// [ErrNotFound] for every invitation that is not for this address. None is for an address
// without a canonical form.
func (s *Service) AcceptReceived(ctx context.Context, organization string, id uuid.UUID, identity Identity) (_ Joined, err error) {
	ctx, op := s.observe(ctx, "AcceptReceived")
	defer op.end(&err)
	if err := checkReceived(organization, id, identity); err != nil {
		return Joined{}, err
	}
	return run(ctx, s, receivedAcceptance{received{organization, id}, identity})
}

// An acceptance is by a token.
type acceptance struct {
	claim    claim
	identity Identity
}

func (a acceptance) needs(r rules) Query { return r.needToJoin(a.claim.needs(), a.identity) }

func (a acceptance) decide(r rules, f Facts) (Joined, Changes, error) {
	inv, err := a.claim.find(f)
	if err != nil {
		return Joined{}, Changes{}, err
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

func (a receivedAcceptance) decide(r rules, f Facts) (Joined, Changes, error) {
	inv, err := a.received.find(f, a.identity)
	if err != nil {
		return Joined{}, Changes{}, err
	}
	return r.join(f, inv, a.identity)
}

// needToJoin adds to q the facts that join reads.
func (r rules) needToJoin(q Query, identity Identity) Query {
	q.Members, q.Removals, q.Quotas = append(q.Members, identity.UserID), true, true
	q.PendingFor = identity.verifiedEmail()
	return r.needSeat(q)
}

// join makes a person a member through an invitation that they hold.
func (r rules) join(f Facts, inv Record, identity Identity) (Joined, Changes, error) {
	member, isMember := f.Members[identity.UserID]
	if isMember && member.InvitationID == inv.ID {
		return Joined{member, true}, Changes{}, nil // the answer was lost
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Joined{}, Changes{}, err
	}
	if err := r.isFor(inv.Invitation, identity, isMember); err != nil {
		return Joined{}, Changes{}, err
	}
	if f.Removals[identity.UserID] >= inv.SentVersion {
		return Joined{}, Changes{}, ErrRevoked
	}
	if err := r.hasSeat(f, inv.Role, r.holdsSeat(f)); err != nil {
		return Joined{}, Changes{}, err
	}

	member = Member{
		Organization: inv.Organization, UserID: identity.UserID, Role: inv.Role, JoinedAt: r.now,
		InvitationID: inv.ID, InvitedBy: inv.SentBy, Metadata: maps.Clone(inv.Metadata),
	}
	inv.Uses++
	if inv.Uses == inv.MaxUses {
		inv.State, inv.EndedAt = StateAccepted, r.now
	}
	if inv.Kind == KindEmail {
		inv.AcceptedBy = identity.UserID
	}
	joined := r.memberEvent(EventMemberJoined, identity.UserID, member)
	joined.InvitationID, joined.Email, joined.InvitedBy = inv.ID, inv.Email, inv.SentBy
	changes := r.change(inv, EventInvitationAccepted, identity.UserID, joined)
	changes.Members = []Member{member}
	changes = r.endFor(changes, f, inv.ID, identity.UserID)
	// The quota of an earlier membership remains. An email invitation replaces it if it was
	// sent after that quota was set.
	old, ok := f.Quotas[identity.UserID]
	if inv.Quota != (Quota{}) && (!ok || inv.Kind == KindEmail && old.Version < inv.SentVersion) {
		changes = r.putQuota(changes, f, inv.SentBy, identity.UserID, inv.Quota)
	}
	return Joined{Member: member}, changes, nil
}

// holdsSeat reports whether a pending email invitation reserves a seat for the person.
func (r rules) holdsSeat(f Facts) bool {
	return slices.ContainsFunc(f.PendingRecords, func(inv Record) bool { return r.takesSeat(inv.Role) })
}

// isFor refuses a person whom the invitation is not for.
func (r rules) isFor(inv Invitation, identity Identity, isMember bool) error {
	email, err := CanonicalEmail(identity.Email) // empty without a canonical form
	switch {
	case inv.Kind == KindEmail && (err != nil || email != inv.Email):
		return ErrRecipientMismatch
	case inv.Kind == KindEmail && !identity.EmailVerified:
		return ErrEmailUnverified
	case isMember:
		return ErrAlreadyMember
	case !r.admits(email):
		return ErrDomainNotAllowed
	case len(inv.AllowedDomains) > 0 && !slices.Contains(inv.AllowedDomains, domainOf(email)):
		return ErrDomainNotAllowed
	case len(inv.AllowedDomains)+len(r.limits.AllowedDomains) > 0 && !identity.EmailVerified:
		return ErrEmailUnverified
	}
	return nil
}
