package invitations

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What the events tell, in the world of TestHistories: one after the other, they give the
// organization as it is.

// A story is what the events tell.
type story struct {
	members     map[string]Member
	removals    map[string]int64
	invitations map[uuid.UUID]toldInvitation
	quotas      map[string]toldQuota
}

// A toldInvitation is what the events tell of an invitation: all but its message, metadata,
// domains and nonce.
type toldInvitation struct {
	kind                                  Kind
	email                                 string
	state                                 State
	role                                  Role
	quota                                 Quota
	createdBy, sentBy                     string
	createdAt, sentAt, expiresAt, endedAt time.Time
	sentVersion                           int64
	uses, maxUses                         int
}

type toldQuota struct {
	quota   Quota
	version int64
}

// replay tells the story of the events. Whether a new role is less than the old one is told by
// the policy of the program that wrote the event.
func replay(events []Event, policies map[int64]*Policy) story {
	s := story{
		members: map[string]Member{}, removals: map[string]int64{},
		invitations: map[uuid.UUID]toldInvitation{}, quotas: map[string]toldQuota{},
	}
	for _, e := range events {
		switch e.Type {
		case EventMemberJoined:
			s.members[e.Subject] = Member{
				Organization: e.Organization, UserID: e.Subject, Role: e.Role, JoinedAt: e.At,
				InvitationID: e.InvitationID, InvitedBy: s.invitations[e.InvitationID].sentBy,
			}
		case EventMemberRoleChanged:
			m := s.members[e.Subject]
			heir := slices.ContainsFunc(events, func(other Event) bool {
				return other.Type == EventOwnershipTransferred && other.Version == e.Version && other.Subject == e.Subject
			})
			if !heir && losesBy(policies[e.Version], m.Role, e.Role) { // who is handed the ownership loses nothing
				s.removals[e.Subject] = e.Version
			}
			m.Role = e.Role
			s.members[e.Subject] = m
		case EventMemberRemoved:
			s.removals[e.Subject] = e.Version
			delete(s.members, e.Subject)
		case EventMemberLeft:
			delete(s.members, e.Subject)
		case EventQuotaChanged:
			s.quotas[e.Subject] = toldQuota{e.Quota, e.Version}
		case EventOwnershipTransferred:
		default:
			s.invitations[e.InvitationID] = s.invitations[e.InvitationID].after(e)
		}
	}
	return s
}

// after returns what i is after an event of it.
func (i toldInvitation) after(e Event) toldInvitation {
	i.role, i.quota, i.maxUses, i.expiresAt = e.Role, e.Quota, e.MaxUses, e.ExpiresAt
	switch e.Type {
	case EventInvitationCreated:
		i.kind, i.state, i.email = KindLink, StatePending, e.Email
		if e.Email != "" {
			i.kind = KindEmail
		}
		i.createdBy, i.createdAt = e.Actor, e.At
		i.sentBy, i.sentAt, i.sentVersion = e.Actor, e.At, e.Version
	case EventInvitationResent:
		i.sentBy, i.sentAt, i.sentVersion = e.Actor, e.At, e.Version
	case EventInvitationEdited:
		i.sentBy = e.Actor
	case EventInvitationAccepted:
		if i.uses++; i.uses == i.maxUses {
			i.state, i.endedAt = StateAccepted, e.At
		}
	case EventInvitationDeclined:
		i.state, i.endedAt = StateDeclined, e.At
	case EventInvitationRevoked:
		i.state, i.endedAt = StateRevoked, e.At
	}
	return i
}

// checkReplay fails unless the events tell the world as it is.
func (w *world) checkReplay(t *rapid.T) {
	told := replay(w.events, w.policies)
	require.Equal(t, w.members, told.members)
	require.Equal(t, w.removals, told.removals)
	require.Len(t, told.invitations, len(w.records))
	for id, r := range w.records {
		require.Equal(t, toldInvitation{
			r.Kind, r.Email, r.State, r.Role, r.Quota, r.CreatedBy, r.SentBy,
			r.CreatedAt, r.SentAt, r.ExpiresAt, r.EndedAt, r.SentVersion, r.Uses, r.MaxUses,
		}, told.invitations[id])
	}
	require.Len(t, told.quotas, len(w.quotas))
	for user, q := range w.quotas {
		require.Equal(t, toldQuota{q.Quota, q.Version}, told.quotas[user])
	}
}
