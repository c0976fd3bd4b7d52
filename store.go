package invitations

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// A Store keeps organizations: their members, invitations and events. It knows no rule of
// this package. Rules are pure functions of the core, the [Decision]s; a store loads the
// facts that they ask for and applies the changes that they return.
//
// What makes a store trustworthy is that [Store.Update] is atomic. Package storetest proves
// it, together with the rest of this contract; a store that passes it is as good as those
// of this module.
//
// A store gets arguments that the service has checked. It stores and compares ids,
// addresses and all other texts byte for byte, keeps times to the microsecond, and returns
// them in UTC. It asks no clock. What it returns shares no memory with what it keeps, nor
// does it keep what it was given. Empty and nil maps and slices are the same.
//
// Its errors are its own, but for two of this package: [ErrConcurrentChange] if it gave up
// before a concurrent change, and [ErrOutcomeUnknown] if it cannot tell whether an Update
// took effect: a commit that the database refused is a failure, and one whose answer is
// missing an unknown outcome. An error that is caused by the end of ctx matches the error
// of ctx. No error contains an argument or a stored text, not even by wrapping a driver's
// or an encoder's error that quotes one.
//
// Values of [Record], [Member], [Removal] and [Event] survive encoding/json unchanged, so a
// store may keep them in that form.
type Store interface {
	// Update is the one way in which an organization changes. It loads the facts that q
	// asks for, calls decide with them, and applies the changes that decide returns, as one
	// atomic step: between the loading and the end of the applying no other Update of that
	// organization takes effect, and afterwards either all changes are there or none.
	// Updates of different organizations need not wait for each other, and better do not.
	//
	// If decide returns an error, nothing changes and Update returns that very error. If it
	// returns empty changes, nothing changes and Update returns nil. Otherwise the
	// organization's version goes up by one and the events get that version, and their
	// places in the slice as indexes. An Update that returns any other error than
	// [ErrOutcomeUnknown] changed nothing.
	//
	// The store may call decide several times, each time with fresh facts; the result of
	// the last call is what counts. decide is quick and does no I/O. If it panics, nothing
	// changes and the panic goes on.
	//
	// If no organization answers to q, decide is called with zero Facts all the same, and
	// returns an error or no changes.
	Update(ctx context.Context, q Query, decide Decision) error

	// View loads the facts that q asks for, and changes nothing. It ignores Create. It need
	// not wait for an Update under way.
	View(ctx context.Context, q Query) (Facts, error)

	// Invitations returns one page of an organization's invitations.
	Invitations(ctx context.Context, q InvitationQuery) (InvitationPage, error)

	// Events returns one page of an organization's events.
	Events(ctx context.Context, q EventQuery) (EventPage, error)
}

// A Decision applies the rules to the facts: it returns the changes to make, or the
// refusal. It is a pure function, and gives the same answer for the same facts.
type Decision func(Facts) (Changes, error)

// A Query names an organization and the facts that are wanted of it. Facts that it does not
// ask for may be left out.
type Query struct {
	// Organization is the organization's id. If it is empty, the organization is the one
	// whose invitation has the id Invitation and, at present, the nonce Nonce; if there is
	// none, no organization answers to the query.
	//
	// An invitation id is unique within its organization only. Together with a nonce, which
	// is random, it is unique altogether.
	Organization string

	// Create makes the organization if it does not exist, with version 0 before the change.
	// Two Updates that create the same one are serialized like any others. If nothing
	// changes, it does not exist afterwards, or still has version 0 and is to all other
	// calls as if it did not exist.
	Create bool

	Invitation uuid.UUID // this invitation; the zero UUID: none
	Nonce      Nonce     // only with an empty Organization
	Sender     bool      // and the membership of who sent it

	// Members are user ids: their memberships, and the removals of those who were removed.
	Members []string

	// Emails are canonical addresses: for each, its pending invitation that expires after
	// PendingAt, if there is one.
	Emails []string
	// SameEmail adds the address of Invitation to Emails.
	SameEmail bool
	// PendingUpTo, if positive, asks how many pending invitations expire after PendingAt,
	// counting no further than that number.
	PendingUpTo int
	PendingAt   time.Time
}

// Facts are what a store knows of one organization at one instant.
type Facts struct {
	// Organization is the id of the organization, and Version counts its changes. Both are
	// zero if no organization answers to the query. A Version of 0 with an Organization is
	// one that this Update creates.
	Organization string
	Version      int64

	Invitation *Record // nil if there is none in this organization
	Sender     *Member // nil if the sender is no user, or no member

	Members  map[string]Member  // by user id; who is no member is not in it
	Removals map[string]Removal // by user id; who was never removed is not in it

	// Pending is, by address, the pending invitation; the newest, if clocks that disagree
	// have left several.
	Pending      map[string]uuid.UUID
	PendingCount int // at most PendingUpTo
}

// A Record is an invitation as a store keeps it. Its State is never [StateExpired].
type Record struct {
	Invitation
	Nonce Nonce `json:"nonce"` // of the token that opens it
	// SentVersion is the version of the organization's change that last sent it. Whether a
	// removal came before or after is told by versions, because no two clocks agree.
	SentVersion int64 `json:"sent_version"`
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Invitation = r.Invitation.clone()
	return r
}

// A Removal is the trace that a removed member leaves: nothing that was sent before it
// brings them back. A store keeps the last one of each user.
type Removal struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Version      int64     `json:"version"` // of the change that removed them
	At           time.Time `json:"at"`
}

// Changes are what an Update writes. All of it bears the id of the organization that the
// query names or, by a token, the facts. Nothing in it occurs twice, so the order of
// writing does not matter.
type Changes struct {
	// Invitations are put: each replaces the one with its id, or is new.
	Invitations []Record
	// Members are put: each replaces the one with its user id, or is new.
	Members []Member
	// Gone are the user ids of members to delete. None of them is in Members.
	Gone []string
	// Removals are put: each replaces the one with its user id, or is new. They delete no
	// member: whoever is removed is in Gone as well, and who left of their own accord is in
	// Gone alone.
	Removals []Removal
	// Events are appended. The store gives them Version and Index.
	Events []Event
}

// Empty reports whether c changes nothing.
func (c Changes) Empty() bool {
	return len(c.Invitations) == 0 && len(c.Members) == 0 && len(c.Gone) == 0 &&
		len(c.Removals) == 0 && len(c.Events) == 0
}

// An InvitationQuery asks for one page of an organization's invitations, newest first: by
// CreatedAt, then by ID as bytes, both descending.
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
	CreatedAt time.Time // of the years 1 to 9999
	ID        uuid.UUID
}

// An InvitationPage is the answer to an [InvitationQuery].
type InvitationPage struct {
	Viewer  *Member // nil if the viewer is no member
	Records []Record
}

// An EventQuery asks for one page of an organization's events, oldest first: by Version,
// then by Index.
type EventQuery struct {
	Organization string
	Viewer       string        // as in [InvitationQuery]
	Invitation   uuid.UUID     // only of this invitation; the zero UUID: of all
	After        EventPosition // the page begins behind this position; the zero one is before all
	Limit        int           // at least 1
}

// An EventPosition is a place in the order of an [EventQuery].
type EventPosition struct {
	Version int64
	Index   int
}

// An EventPage is the answer to an [EventQuery].
type EventPage struct {
	Viewer *Member // nil if the viewer is no member
	Events []Event
}
