package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A ledger is a replay that also checks the order of the events: each actor must have had the
// right to the act when its turn came.
type ledger struct {
	*replay
	// instants, if not nil, gets the numbers of a full organization at each version.
	instants map[invitations.MemberLimitError]bool
}

// Explain returns an error if the order of an organization's events does not explain them, if there
// was no owner at some instant, or if the store shows anything else than the events leave. The
// service on the store has config.
func Explain(ctx context.Context, store invitations.Store, svc *invitations.Service, config invitations.Config, organization string) error {
	_, err := explained(ctx, store, lawOf(svc, config), organization)
	return err
}

// explained returns the roles that the events of an organization leave. It returns an error if
// their order does not explain them, if there was no owner at some instant, or if the store
// shows something else. It reads the events of a deleted organization from the feed.
func explained(ctx context.Context, store invitations.Store, of law, organization string) (map[string]invitations.Role, error) {
	page, err := store.Events(ctx, invitations.EventQuery{Organization: organization, Limit: 100_000})
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		feed, err := follow(ctx, store, 0)
		if err != nil {
			return nil, err
		}
		page.Items = slices.DeleteFunc(feed, func(e invitations.Event) bool { return e.Organization != organization })
	}
	l := ledger{replay: newReplay(of, page.Items)}
	version, err := l.play(page.Items)
	if err != nil {
		return nil, err
	}
	return l.roles(), l.shown(ctx, store, organization, version)
}

// A purge was asked for when organizations had these versions.
type purge struct {
	invitations.PurgeQuery
	versions map[string]int64
}

// play takes events, and returns the version of the last. It takes each purge in its turn.
func (l ledger) play(events []invitations.Event, purges ...purge) (version int64, err error) {
	for len(events) > 0 {
		for len(purges) > 0 && purges[0].versions[events[0].Organization] == version {
			l.purge(purges[0])
			purges = purges[1:]
		}
		n := 1
		for n < len(events) && events[n].Version == events[0].Version {
			n++
		}
		if version++; events[0].Version != version {
			return version, fmt.Errorf("the events of version %d are missing", version)
		}
		if err := l.step(events[:n]); err != nil {
			return version, fmt.Errorf("version %d: %w", version, err)
		}
		l.note(events[0].At)
		events = events[n:]
	}
	for _, p := range purges {
		l.purge(p)
	}
	return version, nil
}

// note notes the numbers of a full organization. Facts count up to the limit.
func (l ledger) note(at time.Time) {
	if limits := l.inForce(); l.instants != nil && limits.Members > 0 {
		n := l.count(at)
		l.instants[invitations.MemberLimitError{
			Limit: limits.Members, Members: min(n.seats, limits.Members), Reserved: min(n.reserved, limits.Members),
		}] = true
	}
}

// purge forgets the invitations that a purge deletes.
func (l ledger) purge(p purge) {
	maps.DeleteFunc(l.records, func(_ uuid.UUID, r invitations.Record) bool { return p.Invitation(r) })
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
	// The roles before the change decide what an actor may do.
	before, counted := l.roles(), l.count(events[0].At)
	does := map[invitations.EventType]invitations.Event{}
	for _, e := range events {
		does[e.Type] = l.named(e)
	}
	for i, e := range events {
		e = l.named(e)
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
	if err := l.fits(events, counted); err != nil {
		return err
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
			return fmt.Errorf("an invitation as %s by %q is still pending, and the sender is %q", inv.Role, inv.SentBy, role)
		}
	}
	return nil
}

// A tally is the numbers that limits bound.
type tally struct{ seats, reserved, pending int }

// count returns the numbers at an instant.
func (l ledger) count(at time.Time) (t tally) {
	limits := l.inForce()
	takesSeat := func(role invitations.Role) bool { return !slices.Contains(limits.SeatlessRoles, role) }
	for _, m := range l.members {
		if takesSeat(m.Role) {
			t.seats++
		}
	}
	for _, inv := range l.records {
		if inv.State != invitations.StatePending || !at.Before(inv.ExpiresAt) {
			continue
		}
		if t.pending++; inv.Kind == invitations.KindEmail && l.reserve && takesSeat(inv.Role) {
			t.reserved++
		}
	}
	return t
}

// fits returns an error if a change added to a number beyond its limit.
func (l ledger) fits(events []invitations.Event, before tally) error {
	limits, after := l.inForce(), l.count(events[0].At)
	if events[0].Type == invitations.EventLimitsChanged {
		return nil // it may count other roles
	}
	if after.pending > before.pending && after.pending > limits.Pending {
		return fmt.Errorf("%d invitations are pending, and the limit is %d", after.pending, limits.Pending)
	}
	if limits.Members <= 0 || after.seats <= before.seats && after.reserved <= before.reserved {
		return nil
	}
	// The holder of a reserved seat gets in past the reservations of others.
	holder := after.seats == before.seats+1 && after.reserved < before.reserved
	if after.seats > limits.Members || !holder && after.seats+after.reserved > limits.Members {
		return fmt.Errorf("%+v of %+v, and the limit is %d", after, before, limits.Members)
	}
	return nil
}

// allowed returns an error if the limits in force do not allow the kind or the address of an
// invitation that is made or accepted.
func (l ledger) allowed(inv invitations.Record) error {
	limits := l.inForce()
	_, domain, hasAddress := strings.Cut(inv.Email, "@")
	switch {
	case inv.Kind == invitations.KindLink && limits.NoLinks:
		return errors.New("links are not allowed")
	case hasAddress && len(limits.AllowedDomains) > 0 && !slices.Contains(limits.AllowedDomains, domain):
		return fmt.Errorf("the domain %s is not allowed", domain)
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

// take takes one event of a change that has the events of does.
func (l ledger) take(e invitations.Event, before map[string]invitations.Role, does map[invitations.EventType]invitations.Event) error {
	subject, isMember := l.members[e.Subject]
	old := l.records[e.InvitationID]
	if err := l.apply(e); err != nil {
		return err
	}
	inv := l.records[e.InvitationID]
	may := func(permission invitations.Permission, roles ...invitations.Role) error {
		if e.Actor == "" {
			return nil // the host's backend
		}
		role := before[e.Actor]
		if !l.policy.Allows(role, permission) {
			return fmt.Errorf("the actor is %q", role)
		}
		for _, other := range roles {
			if !covers(l.policy, role, rank(l.policy, other)) {
				return fmt.Errorf("the actor is %q, and this needs what %q holds", role, other)
			}
		}
		return nil
	}
	switch e.Type {
	case invitations.EventMemberJoined:
		if e.InvitationID == uuid.Nil {
			if e.Version == 1 {
				return nil // the founder
			}
			return may(invitations.PermissionMemberAdd, e.Role)
		}
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
		case joins && joined.Subject == e.Subject && joined.InvitationID != uuid.Nil: // the quota of the invitation
		case e.Subject == "" && e.Actor != "", e.Subject != "" && !isMember:
			return errors.New("it is not theirs to set")
		default:
			return may(invitations.PermissionQuotaUpdate, subject.Role)
		}
	case invitations.EventMemberMetadataChanged:
		return may(invitations.PermissionMemberUpdate, subject.Role)
	case invitations.EventOrganizationDeleted:
		return may(invitations.PermissionOrganizationManage)
	case invitations.EventLimitsChanged, invitations.EventPersonErased:
		if e.Actor != "" {
			return errors.New("this is the host's")
		}
	case invitations.EventInvitationAccepted:
		return l.allowed(inv)
	case invitations.EventInvitationCreated:
		if err := l.allowed(inv); err != nil {
			return err
		}
		return may(invitations.PermissionInvitationCreate, e.Role)
	case invitations.EventInvitationEdited:
		kept := e.Actor == "" && e.InvitedBy == old.SentBy && couldSend(l.policy, before[old.SentBy], inv.Invitation)
		if e.InvitedBy != e.Actor && !kept {
			return fmt.Errorf("the sender is %q", e.InvitedBy)
		}
		return may(invitations.PermissionInvitationCreate, old.Role, e.Role)
	case invitations.EventInvitationResent:
		if err := l.allowed(inv); err != nil {
			return err
		}
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
