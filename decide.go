package invitations

import (
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
	remindBefore         time.Duration // 0: no reminders
	sending              sendingLimits
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
	if err := r.mayOffer(f, actor, draft.Invitation); err != nil {
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
	if err := r.maySendNow(f, actor, draft.Email); err != nil {
		return Record{}, Changes{}, err
	}
	lifetime := draft.ExpiresAt.Sub(draft.SentAt)
	draft.CreatedAt, draft.SentAt, draft.ExpiresAt = r.now, r.now, r.now.Add(lifetime)
	draft.SentVersion = f.Version + 1
	draft.SweepAt = r.nextSweep(draft.Invitation)
	return draft, r.change(draft, EventInvitationCreated, actor.user), nil
}

// createAll makes invitations one after the other, each on the facts that those before it
// leave. A refused one changes nothing, and the others go on.
func (r rules) createAll(f Facts, actor Actor, drafts []draft) ([]created, Changes, error) {
	if err := r.may(f, actor, PermissionInvitationCreate); err != nil {
		return nil, Changes{}, err
	}
	pending, invitations := map[string]uuid.UUID{}, map[uuid.UUID]Record{}
	maps.Copy(pending, f.PendingByEmail) // the facts stay as they are
	maps.Copy(invitations, f.Invitations)
	f.PendingByEmail, f.Invitations, f.Sendings = pending, invitations, slices.Clone(f.Sendings)
	all := make([]created, len(drafts))
	var changes Changes
	for i, d := range drafts {
		if d.err != nil {
			all[i].err = d.err
			continue
		}
		f.Invitation = nil
		if existing, ok := f.Invitations[d.ID]; ok {
			f.Invitation = &existing
		}
		record, c, err := r.create(f, actor, d.Record)
		all[i] = created{record, err, err == nil && c.Empty()}
		if err != nil || c.Empty() {
			continue
		}
		changes = changes.plus(c)
		invitations[record.ID] = record
		f.PendingCount++
		if record.Kind == KindEmail {
			pending[record.Email] = record.ID
			f.PendingEmailCount++
			first, _ := slices.BinarySearchFunc(f.Sendings, r.now, func(s Sending, now time.Time) int { return now.Compare(s.At) })
			f.Sendings = slices.Insert(f.Sendings, first, Sending{At: r.now, Actor: actor.user, Email: record.Email})
		}
	}
	return all, changes, nil
}

// A draft is an invitation to make, or the reason why its arguments are refused.
type draft struct {
	Record
	err error
}

// created is what has become of a draft.
type created struct {
	record   Record
	err      error
	repeated bool // it was there before
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
		if id, ok := f.PendingByEmail[inv.Email]; ok && id != inv.ID {
			return &AlreadyInvitedError{InvitationID: id}
		}
	}
	if f.PendingCount >= r.pendingLimit {
		return ErrPendingLimit
	}
	if inv.Kind == KindEmail && r.reserveSeats && f.MemberCount+f.PendingEmailCount >= r.memberLimit {
		return ErrMemberLimit
	}
	return nil
}

// resend gives the invitation a new token and a fresh expiry; the actor becomes its sender.
// A lifetime of zero is the one that it had.
func (r rules) resend(f Facts, actor Actor, nonce [nonceLen]byte, lifetime time.Duration) (Record, Changes, error) {
	inv, err := r.reach(f, actor, PermissionInvitationResend)
	if err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.mayOffer(f, actor, inv.Invitation); err != nil {
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
	if err := r.maySendAgain(f, actor, inv.Invitation); err != nil {
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
	inv.SweepAt = r.nextSweep(inv.Invitation)
	return inv, r.change(inv, EventInvitationResent, actor.user), nil
}

// edit changes what a pending invitation offers, also to who holds its token already; the
// actor becomes its sender. It is no sending: who was removed since the last one still does
// not come back.
func (r rules) edit(f Facts, actor Actor, e edit) (Record, Changes, error) {
	inv, err := r.reach(f, actor, PermissionInvitationCreate)
	if err != nil {
		return Record{}, Changes{}, err
	}
	was := inv.Clone()
	if err := r.mayGive(f, actor, inv.Role); err != nil {
		return Record{}, Changes{}, err
	}
	if e.role != "" {
		inv.Role = e.role
	}
	if err := r.mayOffer(f, actor, inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	if e.message != nil {
		inv.Message = *e.message
	}
	if e.lifetime != 0 {
		reminded := inv.SweepAt.Equal(inv.ExpiresAt) // or will not be
		inv.ExpiresAt = r.now.Add(e.lifetime)
		// A sending has one reminder at most: nothing limits how often it is edited.
		if inv.SweepAt = r.nextSweep(inv.Invitation); reminded {
			inv.SweepAt = inv.ExpiresAt
		}
	}
	if e.maxUses != nil {
		inv.MaxUses = *e.maxUses
		switch {
		case inv.Kind != KindLink:
			return Record{}, Changes{}, invalid("max_uses", "is of a link alone")
		case inv.MaxUses != 0 && inv.MaxUses <= inv.Uses:
			return Record{}, Changes{}, invalid("max_uses", "is not more than have used the link already")
		}
	}
	if e.domains != nil {
		if inv.Kind != KindLink {
			return Record{}, Changes{}, invalid("allowed_domains", "are of a link alone")
		}
		inv.AllowedDomains = slices.Clone(*e.domains)
	}
	if inv.Role == was.Role && inv.Message == was.Message && inv.ExpiresAt.Equal(was.ExpiresAt) && inv.MaxUses == was.MaxUses &&
		slices.Equal(inv.AllowedDomains, was.AllowedDomains) {
		return inv, Changes{}, nil
	}
	inv.SentBy = actor.user
	return inv, r.change(inv, EventInvitationEdited, actor.user), nil
}

// An edit is what to change. What is not set stays.
type edit struct {
	role     Role
	message  *string
	lifetime time.Duration
	maxUses  *int
	domains  *[]string // canonical
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
	if err := r.mayOffer(f, actor, inv.Invitation); err != nil {
		return Record{}, err
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Record{}, err
	}
	return inv, nil
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

// change puts inv and says what happened to it.
func (r rules) change(inv Record, what EventType, actor string) Changes {
	if inv.State != StatePending {
		inv.SweepAt = time.Time{}
	}
	e := Event{
		Organization: inv.Organization, Type: what, At: r.now, Actor: actor, InvitationID: inv.ID,
		Role: inv.Role, Quota: inv.Quota, MaxUses: inv.MaxUses, ExpiresAt: inv.ExpiresAt,
	}
	if what == EventInvitationCreated || what == EventInvitationResent {
		e.Email = inv.Email
	}
	return Changes{Invitations: []Record{inv}, Events: []Event{e}}
}

// plus returns c with the invitations and events of d behind its own.
func (c Changes) plus(d Changes) Changes {
	c.Invitations = append(c.Invitations, d.Invitations...)
	c.Events = append(c.Events, d.Events...)
	return c
}
