package invitations

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// A Kind tells who may accept an invitation.
type Kind string

const (
	// KindEmail is an invitation of one recipient, named by address.
	KindEmail Kind = "email"
	// KindLink is an invitation of whoever holds the link.
	KindLink Kind = "link"
)

// A State is where an invitation is in its life. Accepted, declined and revoked are final. A
// link is accepted when its last use is taken.
type State string

const (
	StatePending  State = "pending"
	StateAccepted State = "accepted"
	StateDeclined State = "declined"
	StateRevoked  State = "revoked"
	// StateExpired is pending at or after ExpiresAt. It is never stored: whoever reads an
	// invitation derives it.
	StateExpired State = "expired"
)

// An Invitation is an offer of one role in one organization. All times are UTC in
// microseconds, from the service's clock.
type Invitation struct {
	ID           uuid.UUID `json:"id"` // version 7; no secret, and opens nothing
	Organization string    `json:"organization"`
	Kind         Kind      `json:"kind"`
	State        State     `json:"state"`
	Email        string    `json:"email,omitempty"` // canonical; empty for links
	Role         Role      `json:"role"`
	Message      string    `json:"message,omitempty"`

	// Quota is the one that its member starts with; the zero Quota is none of their own.
	Quota Quota `json:"quota,omitzero"`
	// Metadata is the host's, and is carried over to the membership.
	Metadata map[string]string `json:"metadata,omitempty"`

	// AllowedDomains, if any, are the only email domains that a link is for.
	AllowedDomains []string `json:"allowed_domains,omitempty"` // canonical, sorted
	// MaxUses is how many can join by a link; 0 is without limit. It is 1 for email.
	MaxUses int `json:"max_uses"`
	// Uses is how many have joined by it.
	Uses int `json:"uses"`

	// CreatedBy and SentBy are user ids, or empty where the host's backend acted. SentBy is
	// the sender: who last created, edited or resent the invitation, and whose authority it
	// rests on. Never empty it to forget a user: that would make the host the sender.
	CreatedBy string `json:"created_by,omitempty"`
	SentBy    string `json:"sent_by,omitempty"`

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

// at returns what i is at the instant now.
func (i Invitation) at(now time.Time) Invitation {
	if i.State == StatePending && !now.Before(i.ExpiresAt) {
		i.State = StateExpired
	}
	return i
}

// Sent is an invitation together with the token of its present sending.
type SentInvitation struct {
	Invitation
	// Token is for the link, and is left out of JSON. It is the zero Token if the
	// invitation is no longer pending, which only the repetition of a call with an id can
	// meet.
	Token Token `json:"-"`
	// Repeated says that a call with this id was answered, or could have been, before: nothing
	// was sent by this one, and no limit counts it. Do not mail it again, unless the mail of
	// the first call may have been lost with its answer.
	Repeated bool `json:"-"`
}

// An Offer is what the person who is invited may know of the invitation.
type Offer struct {
	ID           uuid.UUID `json:"id"`
	Organization string    `json:"organization"`
	Kind         Kind      `json:"kind"`
	Email        string    `json:"email,omitempty"` // the address to register or sign in with
	Role         Role      `json:"role"`
	Message      string    `json:"message,omitempty"`
	SentBy       string    `json:"sent_by,omitempty"` // user id; empty: the host's backend
	SentAt       time.Time `json:"sent_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

func (i Invitation) offer() Offer {
	return Offer{
		ID: i.ID, Organization: i.Organization, Kind: i.Kind, Email: i.Email, Role: i.Role,
		Message: i.Message, SentBy: i.SentBy, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt,
	}
}
