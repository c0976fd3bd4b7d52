package invitations

import (
	"maps"
	"time"

	"github.com/google/uuid"
)

// A Member is the membership of a user in an organization.
type Member struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Role         Role      `json:"role"`
	JoinedAt     time.Time `json:"joined_at"`

	// InvitationID is the invitation through which the user joined, and InvitedBy its sender
	// at that time. A founder has neither. A member from [Service.AddMember] has no invitation,
	// and InvitedBy is the actor. InvitedBy is empty for [System].
	InvitationID uuid.UUID         `json:"invitation_id,omitzero"`
	InvitedBy    string            `json:"invited_by,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"` // the host's
}

// Joined is the membership of a person who joined.
type Joined struct {
	Member
	// Repeated reports that the person was this member already, and that the call changed
	// nothing: it repeats one whose answer may have been lost.
	Repeated bool `json:"repeated,omitempty"`
}

// A TeamMember is a member in a list.
type TeamMember struct {
	Member
	// Balance is set only if it was asked for.
	Balance *Balance `json:"balance,omitempty"`
}

// Clone returns a copy that shares no memory with m.
func (m Member) Clone() Member {
	m.Metadata = maps.Clone(m.Metadata)
	return m
}
