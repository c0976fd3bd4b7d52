package invitations

import (
	"time"

	"github.com/google/uuid"
)

// An InvitationQuery asks for one page of an organization's invitations, newest first: by
// CreatedAt, then by ID as bytes, both descending.
//
// Without an Organization it asks for the invitations of an address in all of them: State is
// then pending, Email is set, and neither Viewer nor another filter is. Where CreatedAt and ID
// are the same, the id of the organization decides, descending too.
type InvitationQuery struct {
	Organization string
	Viewer       string // a user id whose membership is wanted too, if not empty

	// The filters; an empty one lets everything pass.
	//
	// State is as seen at the instant At: pending are the stored pending ones with
	// ExpiresAt after At, expired the other stored pending ones.
	State  State
	At     time.Time
	Kind   Kind
	Role   Role
	Email  string
	SentBy string

	After *InvitationPosition // the page begins behind this position; nil: at the start
	Limit int                 // at least 1
}

// An InvitationPosition is a place in the order of an [InvitationQuery]. Nothing need stand
// there.
type InvitationPosition struct {
	CreatedAt    time.Time // of the years 1 to 9999
	ID           uuid.UUID
	Organization string // of all organizations; otherwise empty
}

// A MemberQuery asks for one page of an organization's members, in the order of their user
// ids as bytes. A store that keeps ids as numbers may take the order of the numbers.
type MemberQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	Role         Role   // only of this role; empty: of all
	After        string // the page begins behind this user id; empty: at the first
	Limit        int    // at least 1
}

// A WorkspaceQuery asks for the personal quota of a user and one page of their memberships,
// in the order of the organizations' ids as bytes; or of numbers, as in [MemberQuery].
type WorkspaceQuery struct {
	UserID string
	After  string // the page begins behind this organization id; empty: at the first
	Limit  int    // 0: no memberships
}

// A Membership is a member together with the quotas that limit them.
type Membership struct {
	Member
	Own    *QuotaRecord // the member's; nil if there is none
	Shared *QuotaRecord // the organization's; nil if there is none
}

// An EventQuery asks for one page of an organization's events, oldest first: by Version,
// then by Index. Or newest first: both descending.
type EventQuery struct {
	Organization string
	Viewer       string         // as in [InvitationQuery]
	Invitation   uuid.UUID      // only of this invitation; the zero UUID: of all
	NewestFirst  bool           // the order
	After        *EventPosition // the page begins behind this position; nil: at the start
	Limit        int            // at least 1
}

// An EventPosition is a place in the order of an [EventQuery].
type EventPosition struct {
	Version int64
	Index   int
}
