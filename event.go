package invitations

import (
	"time"

	"github.com/google/uuid"
)

// An EventType says what happened.
type EventType string

const (
	EventInvitationCreated  EventType = "invitation.created"
	EventInvitationEdited   EventType = "invitation.edited"
	EventInvitationResent   EventType = "invitation.resent"
	EventInvitationRevoked  EventType = "invitation.revoked"
	EventInvitationDeclined EventType = "invitation.declined"
	EventInvitationAccepted EventType = "invitation.accepted"
	// EventInvitationReminded and EventInvitationExpired are written by [Service.Sweep]. An
	// invitation has expired from the instant of its ExpiresAt on, whether it is written or
	// not.
	EventInvitationReminded EventType = "invitation.reminded"
	EventInvitationExpired  EventType = "invitation.expired"

	EventMemberJoined      EventType = "member.joined"
	EventMemberRoleChanged EventType = "member.role_changed"
	EventMemberRemoved     EventType = "member.removed"
	EventMemberLeft        EventType = "member.left"
	// EventOwnershipTransferred stands beside the changes of the two roles. Its subject is
	// the new owner.
	EventOwnershipTransferred EventType = "ownership.transferred"
	EventQuotaChanged         EventType = "quota.changed"
)

// An Event is the record of one change, written in the same atomic step. The events of an
// organization, one after the other, give its invitations, members and quotas as they are. No
// event contains a secret.
type Event struct {
	// Position is the event's place in the feed of all organizations. Only [Service.Feed]
	// returns it; it is 0 elsewhere.
	Position int64 `json:"position,omitempty"`

	Organization string `json:"organization"`
	// Version and Index order the events of an organization: the version that the change
	// gave it, and the place within the change, from 0. Together with Organization they name
	// the event.
	Version int64     `json:"version"`
	Index   int       `json:"index"`
	Type    EventType `json:"type"`
	At      time.Time `json:"at"`
	// Actor is the user id of who did it. It is empty where the host's backend did, as in a
	// sweep, and where an invitation was declined by its token, which needs no account.
	Actor string `json:"actor,omitempty"`
	// Subject is the user id of whom it was done to, where that is a user. A change of the
	// shared quota has none.
	Subject string `json:"subject,omitempty"`
	// InvitationID is the invitation concerned, if any.
	InvitationID uuid.UUID `json:"invitation_id,omitzero"`
	// Email is the address that an invitation was sent to, where this is its sending:
	// created, or resent.
	Email string `json:"email,omitempty"`
	// Role is the one that was offered or that the member has now; of who left or was
	// removed, the last one.
	Role Role `json:"role,omitempty"`
	// Quota is the one that was set or, with an invitation, that it brings.
	Quota Quota `json:"quota,omitzero"`
	// MaxUses and ExpiresAt are those of the invitation after the change, where the event is
	// of one.
	MaxUses   int       `json:"max_uses,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Reason says why, where a reason was given: the code of an [Error].
	Reason string `json:"reason,omitempty"`
}
