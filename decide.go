package invitations

import (
	"crypto/subtle"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The rules. Each method of rules is pure: facts in; a result and changes, or a refusal,
// out. They run inside a store's atomic step, so the facts cannot change between a check
// here and the change that it allows. That is the whole of what keeps an invitation from
// being accepted twice, a limit from being passed and a rank from being gained; nothing is
// checked before the step that matters after it.

// rules is what a decision knows beside the facts.
type rules struct {
	policy               *Policy
	pendingLimit         int
	minExpiry, maxExpiry time.Duration
	memberLimit          int // 0: none
	reserveSeats         bool
	now                  time.Time
}

// establish begins an organization.
func (r rules) establish(f Facts, organization, owner string) (Member, Changes, error) {
	if f.Version > 0 {
		m, ok := f.Members[owner]
		if ok && m.Role == RoleOwner && m.InvitationID == uuid.Nil {
			return m, Changes{}, nil
		}
		return Member{}, Changes{}, ErrConflict
	}
	m := Member{Organization: organization, UserID: owner, Role: RoleOwner, JoinedAt: r.now}
	return m, Changes{
		Members: []Member{m},
		Events:  []Event{{Organization: organization, Type: EventMemberJoined, At: r.now, Actor: owner, Subject: owner, Role: RoleOwner}},
	}, nil
}

// create makes an invitation of either kind from a draft that lacks only what the facts
// give.
func (r rules) create(f Facts, actor Actor, draft Record) (Record, Changes, error) {
	if err := r.may(f, actor, PermissionInvitationCreate); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayGive(f, actor, draft.Role); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayGiveQuota(f, actor, draft.Quota); err != nil {
		return Record{}, Changes{}, err
	}
	if f.Invitation != nil { // the id that the caller made exists
		if !sameRequest(*f.Invitation, draft) {
			return Record{}, Changes{}, ErrConflict
		}
		return *f.Invitation, Changes{}, nil
	}
	if err := r.mayTakePlace(f, draft.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	draft.SentVersion = f.Version + 1
	return draft, r.change(draft, EventInvitationCreated, actor.user), nil
}

// sameRequest reports whether the call that asks for draft is the one that made existing.
func sameRequest(existing, draft Record) bool {
	a, b := existing.Invitation, draft.Invitation
	return a.Kind == b.Kind && a.Email == b.Email && a.Role == b.Role && a.Message == b.Message &&
		maps.Equal(a.Metadata, b.Metadata) && slices.Equal(a.AllowedDomains, b.AllowedDomains) &&
		a.MaxUses == b.MaxUses && a.Quota == b.Quota && a.CreatedBy == b.CreatedBy &&
		a.ExpiresAt.Sub(a.SentAt) == b.ExpiresAt.Sub(b.SentAt)
}

// mayTakePlace decides whether inv may become pending now.
func (r rules) mayTakePlace(f Facts, inv Invitation) error {
	if inv.Kind == KindEmail {
		if id, ok := f.Pending[inv.Email]; ok && id != inv.ID {
			return &AlreadyInvitedError{InvitationID: id}
		}
	}
	if f.PendingCount >= r.pendingLimit {
		return ErrPendingLimit
	}
	if inv.Kind == KindEmail && r.reserveSeats && f.MemberCount+f.PendingEmails >= r.memberLimit {
		return ErrMemberLimit
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
		taken += f.PendingEmails
		if len(f.PendingRecords) > 0 {
			taken-- // their own seat
		}
	}
	if taken >= r.memberLimit {
		return ErrMemberLimit
	}
	return nil
}

// resend gives the invitation a new token and a fresh expiry; the actor becomes its sender.
// A lifetime of zero is the one that it had.
func (r rules) resend(f Facts, actor Actor, nonce Nonce, lifetime time.Duration) (Record, Changes, error) {
	inv, err := r.reach(f, actor, PermissionInvitationResend)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayGive(f, actor, inv.Role); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayGiveQuota(f, actor, inv.Quota); err != nil {
		return Record{}, Changes{}, err
	}
	switch err := r.pending(inv.Invitation); err {
	case nil:
	case ErrExpired:
		if err := r.mayTakePlace(f, inv.Invitation); err != nil {
			return Record{}, Changes{}, err
		}
	default:
		return Record{}, Changes{}, err
	}
	if lifetime == 0 { // as it was, within what may be asked for today
		lifetime = min(max(inv.ExpiresAt.Sub(inv.SentAt), r.minExpiry), r.maxExpiry)
	}
	inv.Nonce = nonce
	inv.SentAt = r.now
	inv.SentBy = actor.user
	inv.SentVersion = f.Version + 1
	inv.ExpiresAt = r.now.Add(lifetime)
	return inv, r.change(inv, EventInvitationResent, actor.user), nil
}

func (r rules) revoke(f Facts, actor Actor) (Record, Changes, error) {
	inv, err := r.reach(f, actor, PermissionInvitationRevoke)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	inv.State, inv.EndedAt = StateRevoked, r.now
	return inv, r.change(inv, EventInvitationRevoked, actor.user), nil
}

// reveal decides who may have the token of the present sending again. The token is worth
// the role, so it is held like one.
func (r rules) reveal(f Facts, actor Actor) (Record, error) {
	inv, err := r.reach(f, actor, PermissionInvitationResend)
	if err != nil {
		return Record{}, err
	}
	if err := r.mayGive(f, actor, inv.Role); err != nil {
		return Record{}, err
	}
	if err := r.mayGiveQuota(f, actor, inv.Quota); err != nil {
		return Record{}, err
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Record{}, err
	}
	return inv, nil
}

// claim is what a verified token says.
type claim struct {
	id    uuid.UUID
	nonce Nonce
}

// opens returns the invitation that the claim is for.
func (r rules) opens(f Facts, c claim) (Record, error) {
	inv := f.Invitation
	if inv == nil || inv.ID != c.id || c.nonce == (Nonce{}) ||
		subtle.ConstantTimeCompare(inv.Nonce[:], c.nonce[:]) != 1 {
		return Record{}, ErrInvalidToken
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

func (r rules) accept(f Facts, c claim, who Identity) (Member, Changes, error) {
	inv, err := r.opens(f, c)
	if err != nil {
		return Member{}, Changes{}, err
	}
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
	if removal, ok := f.Removals[who.UserID]; ok && removal.Version >= inv.SentVersion {
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

func (r rules) decline(f Facts, c claim) (Record, Changes, error) {
	inv, err := r.opens(f, c)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if inv.Kind != KindEmail {
		return Record{}, Changes{}, invalid("token", "is of a link, which nobody can decline for all")
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	inv.State, inv.EndedAt = StateDeclined, r.now
	return inv, r.change(inv, EventInvitationDeclined, ""), nil
}

// pending refuses an invitation that is not pending now, and says why.
func (r rules) pending(inv Invitation) error {
	switch inv.at(r.now).State {
	case StatePending:
		return nil
	case StateExpired:
		return ErrExpired
	case StateDeclined:
		return ErrDeclined
	case StateAccepted:
		if inv.Kind == KindLink {
			return ErrExhausted
		}
		return ErrAccepted
	default:
		return ErrRevoked
	}
}

// open refuses an invitation that nobody can accept now.
func (r rules) open(f Facts, inv Invitation) error {
	if err := r.pending(inv); err != nil {
		return err
	}
	if inv.SentBy == "" { // the host's backend sent it, and vouches
		if !r.policy.Has(inv.Role) {
			return ErrSenderNotEntitled
		}
		return nil
	}
	if f.Sender == nil || !r.maySend(f.Sender.Role, inv) {
		return ErrSenderNotEntitled
	}
	return nil
}

// maySend reports whether a member with this role could send the invitation.
func (r rules) maySend(sender Role, inv Invitation) bool {
	return r.policy.CanGrant(sender, inv.Role) &&
		(inv.Quota == Quota{} || r.policy.Allows(sender, PermissionQuotaUpdate)) &&
		(r.policy.Allows(sender, PermissionInvitationCreate) || r.policy.Allows(sender, PermissionInvitationResend))
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

// may refuses an actor who does not hold permission. Who is no member learns nothing of
// what exists.
func (r rules) may(f Facts, actor Actor, permission Permission) error {
	if actor.system {
		if f.Version == 0 {
			return ErrNotFound
		}
		return nil
	}
	m, ok := f.Members[actor.user]
	if !ok || !r.policy.Allows(m.Role, permission) {
		return ErrPermissionDenied
	}
	return nil
}

// mayView is may for a read whose only fact is the membership of who reads.
func (r rules) mayView(viewer *Member, actor Actor, permission Permission) error {
	f := Facts{Version: 1}
	if viewer != nil {
		f.Members = map[string]Member{actor.user: *viewer}
	}
	return r.may(f, actor, permission)
}

// mayGive refuses an actor whose own role does not hold all of role.
func (r rules) mayGive(f Facts, actor Actor, role Role) error {
	if actor.system && r.policy.Has(role) {
		return nil
	}
	if m, ok := f.Members[actor.user]; ok && r.policy.CanGrant(m.Role, role) {
		return nil
	}
	return ErrRoleNotAssignable
}

// mayGiveQuota refuses an actor who may not set the quota that an invitation brings.
func (r rules) mayGiveQuota(f Facts, actor Actor, q Quota) error {
	if q == (Quota{}) {
		return nil
	}
	return r.may(f, actor, PermissionQuotaUpdate)
}

// reach returns the invitation of the facts to an actor who holds permission.
func (r rules) reach(f Facts, actor Actor, permission Permission) (Record, error) {
	if err := r.may(f, actor, permission); err != nil {
		return Record{}, err
	}
	if f.Invitation == nil {
		return Record{}, ErrNotFound
	}
	return *f.Invitation, nil
}

// change puts inv and says what happened to it.
func (r rules) change(inv Record, what EventType, actor string) Changes {
	return Changes{
		Invitations: []Record{inv},
		Events: []Event{{
			Organization: inv.Organization, Type: what, At: r.now, Actor: actor,
			InvitationID: inv.ID, Role: inv.Role,
		}},
	}
}
