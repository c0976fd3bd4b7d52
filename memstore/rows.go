package memstore

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// memberRows are the members of an organization. The members of a role are in the order of a
// page.
type memberRows struct {
	byUser  map[string]*invitations.Member              // a membership
	byRole  index[invitations.Member, invitations.Role] // pages, seats, owners
	indexes indexes[invitations.Member]

	// changed is called when a user becomes a member, or is one no longer.
	changed func(user string, isMember bool)
}

var byUserID = &order[invitations.Member]{
	rank: func(m *invitations.Member) int64 { return rankOf(m.UserID) },
	tie:  func(a, b *invitations.Member) int { return strings.Compare(a.UserID, b.UserID) },
}

func (t *memberRows) init(changed func(string, bool)) {
	t.changed = changed
	t.byRole = newIndex(byUserID, roleOf)
	t.indexes = indexes[invitations.Member]{&t.byRole}
}

// put keeps a copy of a member, in place of an earlier one.
func (t *memberRows) put(m *invitations.Member) {
	kept := m.Clone()
	if row, ok := t.byUser[m.UserID]; ok {
		t.indexes.replace(row, &kept)
		return
	}
	put(&t.byUser, kept.UserID, &kept)
	t.indexes.add(&kept)
	t.changed(kept.UserID, true)
}

// remove removes a member, if the user is one.
func (t *memberRows) remove(user string) {
	row, ok := t.byUser[user]
	if !ok {
		return
	}
	delete(t.byUser, user)
	t.indexes.remove(row)
	t.changed(user, false)
}

func roleOf(m *invitations.Member) (invitations.Role, bool) { return m.Role, true }

// invitationRows are the invitations of an organization.
type invitationRows struct {
	byID map[uuid.UUID]*invitations.Record

	// In the order of a page, which begins at the end.
	ordered  index[invitations.Record, only]   // pages without a filter, statistics, traces
	byFilter index[invitations.Record, filter] // pages of a state, a kind, a role
	bySender index[invitations.Record, string] // pages of a sender
	byEmail  index[invitations.Record, string] // pages and the pending invitation of an address

	// The pending ones, in the order of their expiry. Those that have not expired come last.
	pending         index[invitations.Record, kindAndRole] // numbers of pending ones, reserved seats
	pendingBySender index[invitations.Record, string]      // those to revoke with their sender
	due             index[invitations.Record, only]        // Sweep, in the order of SweepAt
	ending          index[invitations.Record, only]        // Purge, in the order of the end

	indexes indexes[invitations.Record]
}

// A filter has the values by which a page selects invitations.
type filter struct {
	state invitations.State
	kind  invitations.Kind
	role  invitations.Role
}

type kindAndRole struct {
	kind invitations.Kind
	role invitations.Role
}

var (
	// The oldest first. A page has the opposite order.
	byCreation = &order[invitations.Record]{
		rank: func(r *invitations.Record) int64 { return instantOf(r.CreatedAt) },
		tie:  compareIDs,
	}
	byExpiry = &order[invitations.Record]{
		rank: func(r *invitations.Record) int64 { return instantOf(r.ExpiresAt) },
		tie:  compareIDs,
	}
	bySweep = &order[invitations.Record]{
		rank: func(r *invitations.Record) int64 { return instantOf(r.SweepAt) },
		tie: func(a, b *invitations.Record) int { // of several organizations
			return cmp.Or(compareIDs(a, b), strings.Compare(a.Organization, b.Organization))
		},
	}
	byEnd = &order[invitations.Record]{
		rank: func(r *invitations.Record) int64 { return instantOf(endOf(r)) },
		tie:  compareIDs,
	}
)

func compareIDs(a, b *invitations.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// init makes the indexes. The function addressed is called when an address gets its first
// invitation, and when it loses the last one.
func (t *invitationRows) init(addressed func(email string, exists bool)) {
	type record = invitations.Record
	t.ordered = newIndex(byCreation, everyRow[record])
	t.byFilter = newIndex(byCreation, func(r *record) (filter, bool) {
		return filter{r.State, r.Kind, r.Role}, true
	})
	t.bySender = newIndex(byCreation, func(r *record) (string, bool) {
		return r.SentBy, r.SentBy != ""
	})
	t.byEmail = newIndex(byCreation, func(r *record) (string, bool) {
		return r.Email, r.Email != ""
	})
	t.byEmail.changed = addressed
	t.pending = newIndex(byExpiry, func(r *record) (kindAndRole, bool) {
		return kindAndRole{r.Kind, r.Role}, r.State == invitations.StatePending
	})
	t.pendingBySender = newIndex(byExpiry, func(r *record) (string, bool) {
		return r.SentBy, r.SentBy != "" && r.State == invitations.StatePending
	})
	t.due = newIndex(bySweep, func(r *record) (only, bool) {
		return only{}, r.State == invitations.StatePending && !r.SweepAt.IsZero()
	})
	t.ending = newIndex(byEnd, everyRow[record])
	t.indexes = indexes[record]{
		&t.ordered, &t.byFilter, &t.bySender, &t.byEmail, &t.pending, &t.pendingBySender, &t.due, &t.ending,
	}
}

// put keeps a copy of an invitation, in place of an earlier one.
func (t *invitationRows) put(r *invitations.Record) {
	kept := r.Clone()
	if row, ok := t.byID[r.ID]; ok {
		t.indexes.replace(row, &kept)
		return
	}
	put(&t.byID, kept.ID, &kept)
	t.indexes.add(&kept)
}

// remove removes an invitation.
func (t *invitationRows) remove(row *invitations.Record) {
	delete(t.byID, row.ID)
	t.indexes.remove(row)
}

// endOf returns the instant from which the age of an invitation counts for Purge.
func endOf(r *invitations.Record) time.Time {
	if r.State == invitations.StatePending {
		return r.ExpiresAt
	}
	return r.EndedAt
}

// eventRows are the events of an organization. The feed has the same events, so a change of one
// needs the lock of the feed too. Nothing here reads a Position.
type eventRows struct {
	// In the order of a page.
	ordered      index[invitations.Event, only] // pages without a filter
	byInvitation index[invitations.Event, uuid.UUID]
	byActor      index[invitations.Event, string]
	byType       index[invitations.Event, invitations.EventType]

	// In the order of their times. Clocks may disagree, so it is another one.
	byTime   index[invitations.Event, only] // pages of a period, Purge
	sendings index[invitations.Event, only] // the sendings that limits count

	indexes indexes[invitations.Event]
}

var (
	byVersion = &order[invitations.Event]{
		rank: func(e *invitations.Event) int64 { return e.Version },
		tie:  func(a, b *invitations.Event) int { return cmp.Compare(a.Index, b.Index) },
	}
	byTime = &order[invitations.Event]{
		rank: func(e *invitations.Event) int64 { return instantOf(e.At) },
		tie:  byVersion.compare,
	}
)

func (t *eventRows) init() {
	type event = invitations.Event
	t.ordered = newIndex(byVersion, everyRow[event])
	t.byInvitation = newIndex(byVersion, func(e *event) (uuid.UUID, bool) {
		return e.InvitationID, e.InvitationID != uuid.Nil
	})
	t.byActor = newIndex(byVersion, func(e *event) (string, bool) {
		return e.Actor, e.Actor != ""
	})
	t.byType = newIndex(byVersion, func(e *event) (invitations.EventType, bool) {
		return e.Type, true
	})
	t.byTime = newIndex(byTime, everyRow[event])
	t.sendings = newIndex(byTime, func(e *event) (only, bool) { return only{}, e.IsSending() })
	t.indexes = indexes[event]{&t.ordered, &t.byInvitation, &t.byActor, &t.byType, &t.byTime, &t.sendings}
}

// add keeps a copy of an event, and returns it.
func (t *eventRows) add(e *invitations.Event, version int64, i int) *invitations.Event {
	kept := e.Clone()
	kept.Version, kept.Index = version, i
	t.indexes.add(&kept)
	return &kept
}

// replace replaces the event of the same version and index, if there is one. Its position stays.
func (t *eventRows) replace(e *invitations.Event) {
	kept := e.Clone()
	for row := range t.ordered.of(only{}).up(func(at entry[invitations.Event]) bool {
		return byVersion.compare(at.row, e) >= 0
	}) {
		if byVersion.compare(row, e) == 0 {
			kept.Position = row.Position
			t.indexes.replace(row, &kept)
		}
		return
	}
}

// remove removes an event.
func (t *eventRows) remove(row *invitations.Event) { t.indexes.remove(row) }
