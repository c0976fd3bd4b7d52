package invitations

import (
	"time"

	"github.com/google/uuid"
)

// An EventType says what happened.
type EventType string

const (
	EventInvitationCreated  EventType = "invitation.created"
	EventInvitationResent   EventType = "invitation.resent"
	EventInvitationRevoked  EventType = "invitation.revoked"
	EventInvitationDeclined EventType = "invitation.declined"
	EventInvitationAccepted EventType = "invitation.accepted"
	EventMemberJoined       EventType = "member.joined"
	EventMemberRoleChanged  EventType = "member.role_changed"
	EventMemberRemoved      EventType = "member.removed"
	EventMemberLeft         EventType = "member.left"
	// EventOwnershipTransferred stands beside the changes of the two roles. Its subject is
	// the new owner.
	EventOwnershipTransferred EventType = "ownership.transferred"
	EventQuotaChanged         EventType = "quota.changed"
)

// An Event is the record of one change, written in the same atomic step.
type Event struct {
	Organization string `json:"organization"`
	// Version and Index order the events of an organization: the version that the change
	// gave it, and the place within the change, from 0.
	Version int64     `json:"version"`
	Index   int       `json:"index"`
	Type    EventType `json:"type"`
	At      time.Time `json:"at"`
	// Actor is the user id of who did it. It is empty where the host's backend did, and for
	// a declined invitation, which needs no account.
	Actor string `json:"actor,omitempty"`
	// Subject is the user id of whom it was done to, where that is a user. A change of the
	// shared quota has none.
	Subject string `json:"subject,omitempty"`
	// InvitationID is the invitation concerned, if any.
	InvitationID uuid.UUID `json:"invitation_id,omitzero"`
	// Role is the one that was offered or that the member has now; of who left or was
	// removed, the last one.
	Role  Role  `json:"role,omitempty"`
	Quota Quota `json:"quota,omitzero"` // that was set
	// Reason says why, where a reason was given.
	Reason string `json:"reason,omitempty"`
}
