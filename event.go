package invitations

import (
	"time"

	"github.com/google/uuid"
)

// An EventType is the kind of an [Event].
type EventType string

const (
	EventInvitationCreated  EventType = "invitation.created"
	EventInvitationEdited   EventType = "invitation.edited"
	EventInvitationResent   EventType = "invitation.resent"
	EventInvitationRevoked  EventType = "invitation.revoked"
	EventInvitationDeclined EventType = "invitation.declined"
	EventInvitationAccepted EventType = "invitation.accepted"
	// EventInvitationReminded and EventInvitationExpired are written by [Service.Sweep]. An
	// invitation expires at its ExpiresAt, with or without the event.
	EventInvitationReminded EventType = "invitation.reminded"
	EventInvitationExpired  EventType = "invitation.expired"

	EventMemberJoined      EventType = "member.joined"
	EventMemberRoleChanged EventType = "member.role_changed"
	EventMemberRemoved     EventType = "member.removed"
	EventMemberLeft        EventType = "member.left"
	// EventOwnershipTransferred comes in addition to the events of the two role changes. Its
	// subject is the new owner.
	EventOwnershipTransferred EventType = "ownership.transferred"
	EventQuotaChanged         EventType = "quota.changed"
)

// An Event records one change. It is written in the same atomic step. The events of an
// organization, applied in order, give its invitations, members and quotas. No event
// contains a secret.
type Event struct {
	// Position is the place in the feed of all organizations. Only [Service.Feed] sets it.
	Position int64 `json:"position,omitempty"`

	Organization string `json:"organization"`
	// Version and Index order the events of an organization and identify them: the version
	// after the change, and the place within the change, from 0.
	Version int64     `json:"version"`
	Index   int       `json:"index"`
	Type    EventType `json:"type"`
	At      time.Time `json:"at"`
	// Actor is the ID of the user acting. It is empty for [System], for a sweep,
	// and if an invitation was declined by its token, which needs no account.
	Actor string `json:"actor,omitempty"`
	// Subject is the ID of the user whom the change concerns. A change of the shared quota has
	// none.
	Subject      string    `json:"subject,omitempty"`
	InvitationID uuid.UUID `json:"invitation_id,omitzero"`
	// Email is the address that an invitation was sent to, if this event is a sending: created
	// or resent.
	Email string `json:"email,omitempty"`
	// Role is the role that is offered, or that the member has now; after leaving or removal,
	// the member's last role.
	Role Role `json:"role,omitempty"`
	// Quota is the quota that was set, or that the invitation grants.
	Quota Quota `json:"quota,omitzero"`
	// MaxUses and ExpiresAt are those of the invitation after the change.
	MaxUses   int       `json:"max_uses,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Reason is the code of an [Error], if the change had one.
	Reason string `json:"reason,omitempty"`
}
