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
	// at that time. The founder has neither. InvitedBy is also empty if [System] invited.
	InvitationID uuid.UUID         `json:"invitation_id,omitzero"`
	InvitedBy    string            `json:"invited_by,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"` // of the invitation
}

func (m Member) clone() Member {
	m.Metadata = maps.Clone(m.Metadata)
	return m
}
