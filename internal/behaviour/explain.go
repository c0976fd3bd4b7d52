package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/go-invitations/invitations"
)

// A ledger is a replay that tells whether the order of the events explains them: whether each
// act was its actor's to do when its turn came.
type ledger struct{ *replay }

// explained returns who the members of an organization are. It is an error if the order of
// its events does not explain them, if there was no owner at some instant, or if the store
// shows anything else than the events leave.
func explained(ctx context.Context, store invitations.Store, policy *invitations.Policy, organization string) (map[string]invitations.Role, error) {
	page, err := store.Events(ctx, invitations.EventQuery{Organization: organization, Limit: 100_000})
	if err != nil {
		return nil, err
	}
	l := ledger{newReplay(policy)}
	events, version := page.Items, int64(0)
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Version == events[0].Version {
			n++
		}
		if version++; events[0].Version != version {
			return nil, fmt.Errorf("the events of version %d are missing", version)
		}
		if err := l.step(events[:n]); err != nil {
			return nil, fmt.Errorf("version %d: %w", version, err)
		}
		events = events[n:]
	}
	return l.roles(), l.shown(ctx, store, organization, version)
}

func (l ledger) roles() map[string]invitations.Role {
	roles := map[string]invitations.Role{}
	for user, m := range l.members {
		roles[user] = m.Role
	}
	return roles
}

// step takes the events of one version.
func (l ledger) step(events []invitations.Event) error {
	// What an actor may is decided by what everybody was before the change.
	before := l.roles()
	does := map[invitations.EventType]invitations.Event{}
	for _, e := range events {
		does[e.Type] = e
	}
	for i, e := range events {
		err := errors.New("it has another index")
		if e.Index == i {
			err = l.take(e, before, does)
		}
		if err != nil {
			return fmt.Errorf("%s of %q by %q: %w", e.Type, e.Subject, e.Actor, err)
		}
		if !l.hasOwner() {
			return fmt.Errorf("after %s of %q by %q there is no owner", e.Type, e.Subject, e.Actor)
		}
	}
	if maps.Equal(before, l.roles()) {
		return nil
	}
	now := events[0].At
	for _, inv := range l.records {
		if inv.State != invitations.StatePending || inv.SentBy == "" || !now.Before(inv.ExpiresAt) {
			continue
		}
		if role := l.members[inv.SentBy].Role; !couldSend(l.policy, role, inv.Invitation) {
			return fmt.Errorf("an invitation as %s by %q is still pending, who is %q", inv.Role, inv.SentBy, role)
		}
	}
	return nil
}

func (l ledger) hasOwner() bool {
	for _, m := range l.members {
		if m.Role == invitations.RoleOwner {
			return true
		}
	}
	return false
}

// take takes one event, of a change that does these things.
func (l ledger) take(e invitations.Event, before map[string]invitations.Role, does map[invitations.EventType]invitations.Event) error {
	subject, isMember := l.members[e.Subject]
	inv := l.records[e.InvitationID]
	if err := l.apply(e); err != nil {
		return err
	}
	may := func(permission invitations.Permission, roles ...invitations.Role) error {
		if e.Actor == "" {
			return nil // the host's backend
		}
		role := before[e.Actor]
		if !l.policy.Allows(role, permission) {
			return fmt.Errorf("the actor is %q", role)
		}
		for _, other := range roles {
			if !covers(l.policy, role, other) {
				return fmt.Errorf("the actor is %q, and this needs what %q holds", role, other)
			}
		}
		return nil
	}
	switch e.Type {
	case invitations.EventMemberJoined:
		if lost, ok := l.removals[e.Subject]; ok && lost >= inv.SentVersion {
			return fmt.Errorf("they lost rights at version %d, and this was sent at version %d", lost, inv.SentVersion)
		}
		if e.Role != inv.Role && inv.SentVersion > 0 {
			return fmt.Errorf("they join as %q by an invitation as %q", e.Role, inv.Role)
		}
	case invitations.EventMemberRoleChanged:
		if _, ok := does[invitations.EventOwnershipTransferred]; ok {
			return may(invitations.PermissionOrganizationManage, subject.Role, e.Role)
		}
		return may(invitations.PermissionMemberUpdate, subject.Role, e.Role)
	case invitations.EventMemberRemoved:
		return may(invitations.PermissionMemberRemove, subject.Role)
	case invitations.EventMemberLeft:
		if e.Actor != e.Subject {
			return errors.New("nobody leaves for another")
		}
	case invitations.EventQuotaChanged:
		switch joined, joins := does[invitations.EventMemberJoined]; {
		case joins && joined.Subject == e.Subject: // what the invitation brought
		case e.Subject == "" && e.Actor != "", e.Subject != "" && !isMember:
			return errors.New("it is not theirs to set")
		default:
			return may(invitations.PermissionQuotaUpdate, subject.Role)
		}
	case invitations.EventInvitationCreated:
		return may(invitations.PermissionInvitationCreate, e.Role)
	case invitations.EventInvitationEdited:
		return may(invitations.PermissionInvitationCreate, inv.Role, e.Role)
	case invitations.EventInvitationResent:
		return may(invitations.PermissionInvitationResend, e.Role)
	case invitations.EventInvitationRevoked:
		if e.Reason == "" {
			return may(invitations.PermissionInvitationRevoke)
		}
	case invitations.EventInvitationReminded, invitations.EventInvitationExpired:
		if e.Actor != "" {
			return errors.New("nobody sweeps")
		}
	}
	return nil
}
