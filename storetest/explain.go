package storetest

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A ledger is what the events of an organization have made of it, one after the other. It
// tells whether their order explains them: whether each act was its actor's to do when its
// turn came.
type ledger struct {
	policy  *invitations.Policy
	records map[uuid.UUID]invitations.Record // as they are at the end, for what no event says
	roles   map[string]invitations.Role
	pending map[uuid.UUID]string // the sender
	uses    map[uuid.UUID]int
	sent    map[uuid.UUID]int64 // the version that last sent it
	lost    map[string]int64    // the version at which a user last lost rights, but by leaving
}

// explained returns who the members of an organization are. It is an error if the order of
// its events does not explain them, if there was no owner at some instant, or if the store
// shows other members than the events leave.
func explained(ctx context.Context, store invitations.Store, policy *invitations.Policy, organization string) (map[string]invitations.Role, error) {
	s, err := readState(ctx, store, organization)
	if err != nil {
		return nil, err
	}
	l := ledger{
		policy: policy, records: map[uuid.UUID]invitations.Record{}, roles: map[string]invitations.Role{},
		pending: map[uuid.UUID]string{}, uses: map[uuid.UUID]int{}, sent: map[uuid.UUID]int64{}, lost: map[string]int64{},
	}
	for _, r := range s.Invitations.Records {
		l.records[r.ID] = r
	}
	events, version := s.Events.Events, int64(0)
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
	if version != s.Facts.Version {
		return nil, fmt.Errorf("there are events of %d versions, of %d", version, s.Facts.Version)
	}
	page, err := store.Members(ctx, invitations.MemberQuery{Organization: organization, Limit: 100_000})
	if err != nil {
		return nil, err
	}
	shown := map[string]invitations.Role{}
	for _, m := range page.Members {
		shown[m.UserID] = m.Role
	}
	if !maps.Equal(shown, l.roles) {
		return nil, fmt.Errorf("the events leave the members %v, and the store shows %v", l.roles, shown)
	}
	return shown, nil
}

// step takes the events of one version.
func (l *ledger) step(events []invitations.Event) error {
	// What an actor may is decided by what everybody was before the change.
	before := maps.Clone(l.roles)
	does := map[invitations.EventType]invitations.Event{}
	for _, e := range events {
		does[e.Type] = e
	}
	for _, e := range events {
		if err := l.take(e, before, does); err != nil {
			return fmt.Errorf("%s of %q by %q: %w", e.Type, e.Subject, e.Actor, err)
		}
		if !l.hasOwner() {
			return fmt.Errorf("after %s of %q by %q there is no owner", e.Type, e.Subject, e.Actor)
		}
	}
	for id, sender := range l.pending {
		if sender != "" && !couldSend(l.policy, l.roles[sender], l.records[id].Invitation) {
			return fmt.Errorf("an invitation as %s by %q is still pending, who is %q", l.records[id].Role, sender, l.roles[sender])
		}
	}
	return nil
}

func (l *ledger) hasOwner() bool {
	for _, role := range l.roles {
		if role == invitations.RoleOwner {
			return true
		}
	}
	return false
}

// take takes one event, of a change that does these things.
func (l *ledger) take(e invitations.Event, before map[string]invitations.Role, does map[invitations.EventType]invitations.Event) error {
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
	role, isMember := l.roles[e.Subject]
	_, isPending := l.pending[e.InvitationID]
	switch e.Type {
	case invitations.EventMemberJoined:
		if isMember {
			return fmt.Errorf("they are %q already", role)
		}
		if lost, ok := l.lost[e.Subject]; ok && lost >= l.sent[e.InvitationID] {
			return fmt.Errorf("they lost rights at version %d, and this was sent at version %d", lost, l.sent[e.InvitationID])
		}
		l.roles[e.Subject] = e.Role
	case invitations.EventMemberRoleChanged, invitations.EventMemberRemoved, invitations.EventMemberLeft, invitations.EventOwnershipTransferred:
		if !isMember {
			return fmt.Errorf("they are no member")
		}
	}
	switch e.Type {
	case invitations.EventMemberRoleChanged:
		l.roles[e.Subject] = e.Role
		if !covers(l.policy, e.Role, role) {
			l.lost[e.Subject] = e.Version
		}
		if _, ok := does[invitations.EventOwnershipTransferred]; ok {
			return may(invitations.PermissionOrganizationManage, role, e.Role)
		}
		return may(invitations.PermissionMemberUpdate, role, e.Role)
	case invitations.EventMemberRemoved:
		delete(l.roles, e.Subject)
		l.lost[e.Subject] = e.Version
		return may(invitations.PermissionMemberRemove, role)
	case invitations.EventMemberLeft:
		delete(l.roles, e.Subject)
		if e.Actor != e.Subject {
			return fmt.Errorf("nobody leaves for another")
		}
	case invitations.EventQuotaChanged:
		switch joined, joins := does[invitations.EventMemberJoined]; {
		case joins && joined.Subject == e.Subject: // what the invitation brought
		case e.Subject == "" && e.Actor != "", e.Subject != "" && !isMember:
			return fmt.Errorf("it is not theirs to set")
		default:
			return may(invitations.PermissionQuotaUpdate, role)
		}
	case invitations.EventInvitationCreated:
		l.pending[e.InvitationID], l.sent[e.InvitationID] = e.Actor, e.Version
		return may(invitations.PermissionInvitationCreate, e.Role)
	case invitations.EventInvitationResent, invitations.EventInvitationRevoked, invitations.EventInvitationDeclined, invitations.EventInvitationAccepted:
		if !isPending {
			return fmt.Errorf("it is not pending")
		}
	}
	switch e.Type {
	case invitations.EventInvitationResent:
		l.pending[e.InvitationID], l.sent[e.InvitationID] = e.Actor, e.Version
		return may(invitations.PermissionInvitationResend, e.Role)
	case invitations.EventInvitationRevoked:
		delete(l.pending, e.InvitationID)
		if e.Reason == "" {
			return may(invitations.PermissionInvitationRevoke)
		}
	case invitations.EventInvitationDeclined:
		delete(l.pending, e.InvitationID)
	case invitations.EventInvitationAccepted:
		if l.uses[e.InvitationID]++; l.uses[e.InvitationID] == l.records[e.InvitationID].MaxUses {
			delete(l.pending, e.InvitationID)
		}
	}
	return nil
}
