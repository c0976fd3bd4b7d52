package invitations

import (
	"crypto/subtle"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The rules of answering an invitation. What decide.go says of rules holds here.

// opens returns the invitation that the claim is for.
func (r rules) opens(f Facts, c claim) (Record, error) {
	inv := f.Invitation
	if inv == nil || inv.ID != c.id || inv.Organization != c.organization || c.nonce == ([nonceLen]byte{}) ||
		subtle.ConstantTimeCompare(inv.Nonce[:], c.nonce[:]) != 1 {
		return Record{}, ErrInvalidToken
	}
	return *inv, nil
}

// addressed returns the email invitation with the id if it is for the verified address of
// this person. Others learn nothing of it.
func (r rules) addressed(f Facts, id uuid.UUID, who Identity) (Record, error) {
	inv := f.Invitation
	email, err := CanonicalEmail(who.Email)
	if inv == nil || inv.ID != id || inv.Kind != KindEmail || err != nil || !who.EmailVerified || inv.Email != email {
		return Record{}, ErrNotFound
	}
	return *inv, nil
}

// look decides what the holder of a token may see without saying who they are.
func (r rules) look(f Facts, c claim) (Record, error) {
	inv, err := r.opens(f, c)
	if err != nil {
		return Record{}, err
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Record{}, err
	}
	return inv, nil
}

// accept is by a token.
func (r rules) accept(f Facts, c claim, who Identity) (Member, Changes, error) {
	inv, err := r.opens(f, c)
	if err != nil {
		return Member{}, Changes{}, err
	}
	return r.join(f, inv, who)
}

// acceptReceived is by a verified address.
func (r rules) acceptReceived(f Facts, id uuid.UUID, who Identity) (Member, Changes, error) {
	inv, err := r.addressed(f, id, who)
	if err != nil {
		return Member{}, Changes{}, err
	}
	return r.join(f, inv, who)
}

// join makes who a member by an invitation that was opened for them.
func (r rules) join(f Facts, inv Record, who Identity) (Member, Changes, error) {
	member, isMember := f.Members[who.UserID]
	if isMember && member.InvitationID == inv.ID {
		return member, Changes{}, nil // the answer to the first call was lost
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Member{}, Changes{}, err
	}
	if err := r.mayAnswer(inv.Invitation, who, isMember); err != nil {
		return Member{}, Changes{}, err
	}
	if removed, ok := f.Removals[who.UserID]; ok && removed >= inv.SentVersion {
		return Member{}, Changes{}, ErrRevoked
	}
	if err := r.hasSeat(f); err != nil {
		return Member{}, Changes{}, err
	}

	member = Member{
		Organization: inv.Organization,
		UserID:       who.UserID,
		Role:         inv.Role,
		JoinedAt:     r.now,
		InvitationID: inv.ID,
		InvitedBy:    inv.SentBy,
		Metadata:     maps.Clone(inv.Metadata),
	}
	inv.Uses++
	if inv.Uses == inv.MaxUses {
		inv.State, inv.EndedAt = StateAccepted, r.now
	}
	changes := r.change(inv, EventInvitationAccepted, who.UserID)
	changes.Members = []Member{member}
	joined := changes.Events[0]
	joined.Type = EventMemberJoined
	joined.Subject = who.UserID
	joined.Quota, joined.MaxUses, joined.ExpiresAt = Quota{}, 0, time.Time{}
	changes.Events = append(changes.Events, joined)
	// Who came in by a link needs their email invitation no more, nor its seat.
	for _, other := range f.PendingRecords {
		if other.ID != inv.ID {
			changes = r.end(changes, other, who.UserID, ErrAlreadyMember)
		}
	}
	// A quota from an earlier membership stays, but for an invitation that names the person
	// and was sent after it was set.
	old, ok := f.Quotas[who.UserID]
	if inv.Quota != (Quota{}) && (!ok || inv.Kind == KindEmail && old.Version < inv.SentVersion) {
		changes = r.putQuota(changes, f, inv.SentBy, who.UserID, inv.Quota)
	}
	return member, changes, nil
}

// decline is by a token, which tells nobody's name.
func (r rules) decline(f Facts, c claim) (Record, Changes, error) {
	inv, err := r.opens(f, c)
	if err != nil {
		return Record{}, Changes{}, err
	}
	return r.turnDown(inv, "")
}

// declineReceived is by a verified address.
func (r rules) declineReceived(f Facts, id uuid.UUID, who Identity) (Record, Changes, error) {
	inv, err := r.addressed(f, id, who)
	if err != nil {
		return Record{}, Changes{}, err
	}
	return r.turnDown(inv, who.UserID)
}

// turnDown ends an invitation that was opened for its recipient.
func (r rules) turnDown(inv Record, actor string) (Record, Changes, error) {
	if inv.Kind != KindEmail {
		return Record{}, Changes{}, invalid("token", "is of a link, which nobody can decline for all")
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	inv.State, inv.EndedAt = StateDeclined, r.now
	return inv, r.change(inv, EventInvitationDeclined, actor), nil
}

// mayAnswer decides whether the invitation is for this person.
func (r rules) mayAnswer(inv Invitation, who Identity, isMember bool) error {
	// An address that has no canonical form equals none.
	email, emailErr := CanonicalEmail(who.Email)
	switch {
	case inv.Kind == KindEmail && (emailErr != nil || email != inv.Email):
		return ErrRecipientMismatch
	case inv.Kind == KindEmail && !who.EmailVerified:
		return ErrEmailUnverified
	case isMember:
		return ErrAlreadyMember
	case len(inv.AllowedDomains) > 0 && (emailErr != nil || !slices.Contains(inv.AllowedDomains, domainOf(email))):
		return ErrDomainNotAllowed
	case len(inv.AllowedDomains) > 0 && !who.EmailVerified:
		return ErrEmailUnverified
	}
	return nil
}

// hasSeat decides whether one more member fits in. Where seats are reserved, each pending
// email invitation holds one, but not against the person that it is for, who may come by a
// link. A link holds none: how many will use it, nobody knows.
func (r rules) hasSeat(f Facts) error {
	if r.memberLimit == 0 {
		return nil
	}
	taken := f.MemberCount
	if r.reserveSeats {
		taken += f.PendingEmailCount
		if len(f.PendingRecords) > 0 {
			taken-- // their own seat
		}
	}
	if taken >= r.memberLimit {
		return ErrMemberLimit
	}
	return nil
}
