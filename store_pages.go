package invitations

import (
	"time"

	"github.com/google/uuid"
)

// An InvitationQuery asks for one page of an organization's invitations, the newest first: by
// CreatedAt, then by ID as bytes, both descending.
//
// Without an Organization it asks for the invitations for an address in all organizations.
// Email is then set, and Viewer and the other filters except States are empty. Where CreatedAt
// and ID are equal, the organization's ID decides, descending too.
type InvitationQuery struct {
	Organization string
	Viewer       string // a user ID: also return their membership; empty: none

	// States are the states at the instant At, each once: pending invitations are those stored
	// as pending with ExpiresAt after At; expired ones are the others stored as pending. An
	// empty filter selects everything. All filters apply together.
	States []State
	At     time.Time
	Kind   Kind
	Role   Role
	Email  string
	SentBy string

	After *InvitationPosition // the page starts after this position; nil: with the first
	Limit int                 // at least 1
}

// An InvitationPosition is a place in the order of an [InvitationQuery]. There need not be an
// invitation at that place.
type InvitationPosition struct {
	CreatedAt    time.Time // in the years 1 to 9999
	ID           uuid.UUID
	Organization string // empty unless the query is for all organizations
}

// A MemberQuery asks for one page of an organization's members, in the order of their user
// IDs as bytes. A store that keeps IDs as numbers may use the order of numbers. There need not
// be a member at the place where the page starts.
type MemberQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	Role         Role   // only members with this role; empty: all
	Quotas       bool   // also the quotas of each member
	After        string // the page starts after this user ID; empty: with the first
	Limit        int    // at least 1
}

// An EventQuery asks for one page of an organization's events, in the order of Version and
// Index.
type EventQuery struct {
	Organization string
	Viewer       string         // as in [InvitationQuery]
	Invitation   uuid.UUID      // only events of this invitation; the zero UUID: all
	Actor        string         // only events of this actor; empty: all
	Types        []EventType    // only events of these types, each once; empty: all
	From, To     time.Time      // only events with At at or after From and before To; zero: no bound
	NewestFirst  bool           // the opposite order
	After        *EventPosition // the page starts after this position; nil: with the first
	Limit        int            // at least 1
}

// An EventPosition is a place in the order of an [EventQuery]. There need not be an event at
// that place.
type EventPosition struct {
	Version int64
	Index   int
}

// A WorkspaceQuery asks for a user's personal quota and one page of their memberships, in the
// order of the organizations' IDs as bytes, or as numbers like a [MemberQuery]. There need not
// be a membership at the place where the page starts.
type WorkspaceQuery struct {
	UserID string
	After  string // the page starts after this organization's ID; empty: with the first
	Limit  int    // 0: no memberships
}

// A Membership is a member with the quotas that limit them.
type Membership struct {
	Member
	Own    *QuotaRecord // the member's own; nil if none was set
	Shared *QuotaRecord // the organization's; nil if none was set
}

// balance returns the balance of m at the instant now.
func (m Membership) balance(now time.Time) Balance {
	return Balance{Own: m.Own.usage(now), Shared: m.Shared.usage(now), At: now}
}

// A UsageQuery asks for one page of the amounts that the users of an organization used in one
// period, the highest amount first, then in the order of a [MemberQuery].
//
// Whenever a quota of an organization gets another Period or PeriodStart, a store must keep the
// former Period, PeriodStart and Used as closed, if Used is above 0. The amount of a user for a
// period is the sum of the closed amounts of that period and of the Used of the user's quota, if
// its Period and PeriodStart are those of the query. The page has the users, members or not,
// with an amount above 0.
type UsageQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	Period       Period
	PeriodStart  time.Time
	After        *MemberUsage // the page starts after this place, which need not exist; nil: with the first
	Limit        int          // at least 1
}
