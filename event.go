package invitations

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// An EventType is the kind of an [Event].
type EventType string

// The types of events. A refused operation writes no event.
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
	EventOwnershipTransferred  EventType = "ownership.transferred"
	EventQuotaChanged          EventType = "quota.changed"
	EventMemberMetadataChanged EventType = "member.metadata_changed"

	EventLimitsChanged       EventType = "limits.changed"
	EventOrganizationDeleted EventType = "organization.deleted"
	// EventPersonErased tells that [Service.Erase] has removed a person's data from earlier
	// events, also from those with an earlier Position. Of an erased user, Subject is the
	// pseudonym. Of an erased address, InvitationID is an invitation for it.
	EventPersonErased EventType = "person.erased"
)

// EventTypes returns all types of events, for example for the choices of a filter.
func EventTypes() []EventType { return slices.Clone(eventTypes) }

var eventTypes = []EventType{
	EventInvitationCreated, EventInvitationEdited, EventInvitationResent, EventInvitationRevoked, EventInvitationDeclined,
	EventInvitationAccepted, EventInvitationReminded, EventInvitationExpired, EventMemberJoined, EventMemberRoleChanged,
	EventMemberRemoved, EventMemberLeft, EventMemberMetadataChanged, EventOwnershipTransferred, EventQuotaChanged,
	EventLimitsChanged, EventOrganizationDeleted, EventPersonErased,
}

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
	// Email is the address of an email invitation, on each of its events and on that of the
	// member who joined through it.
	Email string `json:"email,omitempty"`
	// Role is the role that is offered, or that the member has now; after leaving or removal,
	// the member's last role. FormerRole is the one before, if this change replaced it.
	Role       Role `json:"role,omitempty"`
	FormerRole Role `json:"former_role,omitempty"`
	// InvitedBy is the user who invited or added the member who joined or, on an edit, the sender
	// of the invitation after it. It is empty for [System].
	InvitedBy string `json:"invited_by,omitempty"`
	// Quota is the quota that was set, zero if it was removed; or the one that the invitation
	// grants.
	Quota Quota `json:"quota,omitzero"`
	// MaxUses, ExpiresAt and AllowedDomains are those of the invitation after the change.
	MaxUses        int       `json:"max_uses,omitempty"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"`
	AllowedDomains []string  `json:"allowed_domains,omitempty"`
	// Changed names the fields of the invitation that an edit changed, such as "role",
	// "message" and "expires_at", as [Invitation] has them in JSON.
	Changed []string `json:"changed,omitempty"`
	// Limits are those of the organization after a change of limits.
	Limits *Limits `json:"limits,omitempty"`
	// Reason is the code of an [Error], if the change had one, or "erased".
	Reason string `json:"reason,omitempty"`
}

// IsSending reports whether the event is a [Sending].
func (e Event) IsSending() bool {
	return e.Email != "" && (e.Type == EventInvitationCreated || e.Type == EventInvitationResent)
}

// Clone returns a copy that shares no memory with e.
func (e Event) Clone() Event {
	e.AllowedDomains, e.Changed = slices.Clone(e.AllowedDomains), slices.Clone(e.Changed)
	if e.Limits != nil {
		limits := e.Limits.Clone()
		e.Limits = &limits
	}
	return e
}
