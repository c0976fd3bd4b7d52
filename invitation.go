package invitations

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// A Kind is the way in which an invitation reaches people.
type Kind string

const (
	// KindEmail is an invitation for one recipient, named by an email address.
	KindEmail Kind = "email"
	// KindLink is an invitation for everybody who has the link.
	KindLink Kind = "link"
)

// A State is the place of an invitation in its life. Accepted, declined and revoked are
// final. A link is accepted when its last use is taken.
type State string

// The states of an invitation.
const (
	StatePending  State = "pending"
	StateAccepted State = "accepted"
	StateDeclined State = "declined"
	StateRevoked  State = "revoked"
	// StateExpired is a pending invitation at or after its ExpiresAt. It is derived when an
	// invitation is read, and never stored.
	StateExpired State = "expired"
)

// An Invitation is an offer of one role in one organization. Its times are in UTC and in
// microseconds.
type Invitation struct {
	ID           uuid.UUID `json:"id"` // version 7; not a secret
	Organization string    `json:"organization"`
	Kind         Kind      `json:"kind"`
	State        State     `json:"state"`
	Email        string    `json:"email,omitempty"` // canonical; empty for links
	Role         Role      `json:"role"`
	Message      string    `json:"message,omitempty"`

	// Quota is the member's own quota from the start; the zero Quota means none.
	Quota Quota `json:"quota,omitzero"`
	// Metadata is the host's. It is copied to the membership.
	Metadata map[string]string `json:"metadata,omitempty"`

	// AllowedDomains are the only email domains that a link admits; none means all. They are
	// canonical and sorted.
	AllowedDomains []string `json:"allowed_domains,omitempty"`
	// MaxUses is how many people can join through a link; 0 means no limit. It is 1 for email.
	MaxUses int `json:"max_uses"`
	// Uses is how many people have joined through it.
	Uses int `json:"uses"`

	// CreatedBy and SentBy are user IDs, empty for [System]. SentBy is the sender: the last
	// user to create, edit or resend the invitation, which is valid only while the sender
	// could still send it.
	// A host must not empty SentBy to erase a user: that would make System the sender. See
	// [Service.Erase].
	CreatedBy string `json:"created_by,omitempty"`
	SentBy    string `json:"sent_by,omitempty"`
	// AcceptedBy is the user ID of the member who accepted an email invitation.
	AcceptedBy string `json:"accepted_by,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	SentAt    time.Time `json:"sent_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// EndedAt is when it was accepted, declined or revoked; zero before.
	EndedAt time.Time `json:"ended_at,omitzero"`
}

// clone returns a copy that shares no memory with i.
func (i Invitation) clone() Invitation {
	i.Metadata = maps.Clone(i.Metadata)
	i.AllowedDomains = slices.Clone(i.AllowedDomains)
	return i
}

// at returns i with its state at the instant now.
func (i Invitation) at(now time.Time) Invitation {
	if i.State == StatePending && !now.Before(i.ExpiresAt) {
		i.State = StateExpired
	}
	return i
}

// A SentInvitation is an invitation with its present token.
type SentInvitation struct {
	Invitation
	// Token belongs in the link. JSON leaves it out. It is the zero Token if the invitation
	// is no longer pending, which only the repetition of a call with an ID can find.
	Token Token `json:"-"`
	// Repeated reports that this call repeats an earlier one with the same ID. Nothing was
	// sent and no limit counts it. Mail it again only if the mail of the first call may have
	// been lost with its answer.
	Repeated bool `json:"repeated,omitempty"`
}

// An Offer is the part of an invitation that the invited person may see.
type Offer struct {
	ID           uuid.UUID `json:"id"`
	Organization string    `json:"organization"`
	Kind         Kind      `json:"kind"`
	Email        string    `json:"email,omitempty"` // the address to register or sign in with
	Role         Role      `json:"role"`
	Message      string    `json:"message,omitempty"`
	SentBy       string    `json:"sent_by,omitempty"` // a user ID; empty for [System]
	SentAt       time.Time `json:"sent_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

func (i Invitation) offer() Offer {
	return Offer{
		ID: i.ID, Organization: i.Organization, Kind: i.Kind, Email: i.Email, Role: i.Role,
		Message: i.Message, SentBy: i.SentBy, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt,
	}
}
