package invitations

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// A Store keeps organizations: their members, invitations, quotas and events. It knows no
// rule. The rules are pure functions of this package, the [Decision]s: a store loads the
// [Facts] that they need and writes the [Changes] that they return.
//
// Update, Create, Sweep, Consume, SetPersonalQuota and Purge must be atomic. Package storetest
// checks that, and the rest of this contract.
//
// The service checks all arguments before it calls a store, so the documented bounds of texts
// and numbers hold. Times are zero or in the years 1 to 9999. A store must compare IDs,
// addresses and all other texts byte for byte, keep times to the microsecond and return them
// in UTC. It must not read the clock, and must copy values both in and out. It may return
// nil or empty maps and slices alike.
//
// An organization exists from the change that creates it until the change that deletes it. For
// one that does not exist, a read must return zero values and no error. A deleted one exists
// only for Create, Feed, Purge, Traces, and the queries that set AlsoDeleted: no other method
// may show or change anything of it. A read must show each organization at one instant: the
// viewer and the items of a page, for example, must not be read at different times. Different
// organizations may be shown at different instants.
//
// A store must return an error that matches [ErrConcurrentChange] if it gave up because of a
// concurrent change. It must return one that matches [ErrOutcomeUnknown] if it cannot tell
// whether a change took effect, as when the answer to a commit is lost. A method called after
// the end of ctx must do nothing and return an error that matches ctx.Err(), as must every
// error that the end of ctx causes. All other errors are the store's own. No error may contain
// an argument or a stored text: a driver's or an encoder's error that quotes one must not be
// wrapped.
//
// Values of [Record], [Member], [QuotaRecord], [Event], [Limits] and [Sending] survive
// encoding/json unchanged, so a store may keep them in that form.
type Store interface {
	// Update changes one organization. It must load the facts of q, call decide with them and
	// write the changes that decide returns, in one atomic step: between reading and writing,
	// no other change of that organization takes effect. Updates of different organizations
	// should not block each other.
	//
	// If decide returns an error, Update must change nothing and return that error as it is.
	// If decide returns empty changes, Update must change nothing and return nil. Otherwise it
	// must increase the organization's version by one, and give the events that version and
	// their places in the slice. An Update that returns any error other than one that matches
	// [ErrOutcomeUnknown] must have changed nothing.
	//
	// Update may call decide again, each time with fresh facts; the last call counts. decide
	// is fast and does no I/O. If decide panics, Update must change nothing and let the panic
	// pass.
	//
	// If the organization does not exist, Update must call decide with the zero Facts. The
	// decision then returns an error or no changes.
	Update(ctx context.Context, q Query, decide Decision) error

	// Create is Update for an organization that may not exist yet. If it does not exist, the
	// facts have Version 0 and the Organization of q, and the changes create it with version
	// 1. If it was deleted, the facts are Organization, Version and Deleted, and there are no
	// changes. Concurrent Creates of one organization must be serialized like Updates. An
	// organization that decide refuses to create must not exist afterwards.
	Create(ctx context.Context, q Query, decide Decision) error

	// View loads the facts of q without changing anything. It need not wait for changes that
	// are in progress.
	View(ctx context.Context, q Query) (Facts, error)

	// Sweep is Update for all organizations that have due invitations: those that are
	// pending and whose SweepAt is set and not after at. It must load up to limit (at least 1)
	// due invitations, the earliest SweepAt first. It must call decide with the facts of their
	// organizations, each once, and write the returned changes, which are in the same order.
	// All of this is one atomic step. The facts are Organization, Version and PendingRecords:
	// the due ones in the order of SweepAt. An organization with empty changes keeps its
	// version. If nothing is due, Sweep need not call decide.
	//
	// Sweep must not wait for an organization that is being changed. It must leave it out, so
	// that concurrent Sweeps share the work. A store with a single lock leaves all of them out.
	// Sweep may also leave out invitations that such a change makes due.
	Sweep(ctx context.Context, at time.Time, limit int, decide func([]Facts) []Changes) error

	// Consume takes an amount from a user's quotas, all or nothing, or gives one back, in one
	// atomic step: it must load the member's role and the quotas of c, and write the quotas
	// that c.Decide returns for them. Consumes and Updates of an organization must have an
	// order that explains their results. A Consume in progress when an Update returns may come
	// before that Update. Consume must not change the organization's version.
	//
	// This is the hot path: a store may replace c.Decide by a database statement with the same
	// result. A Consume that returns any error other than one that matches [ErrOutcomeUnknown]
	// must have taken nothing.
	Consume(ctx context.Context, c Consumption) (Consumed, error)

	// SetPersonalQuota sets the quota of a user outside of all organizations. It must be
	// serialized with the Consumes of that quota. [QuotaRecord] says what stays of the amount
	// used.
	SetPersonalQuota(ctx context.Context, user string, q Quota) error

	// Invitations returns one page of an organization's invitations, or of the invitations for
	// one address in all organizations.
	Invitations(ctx context.Context, q InvitationQuery) (Page[Record], error)

	// Members returns one page of an organization's members. It sets Own and Shared only if q
	// asks for them.
	Members(ctx context.Context, q MemberQuery) (Page[Membership], error)

	// Usage returns the amount of the shared quota that an organization used in one period, and
	// one page of the amounts of its users.
	Usage(ctx context.Context, q UsageQuery) (shared int64, page Page[MemberUsage], err error)

	// Events returns one page of an organization's events, with Position 0.
	Events(ctx context.Context, q EventQuery) (Page[Event], error)

	// Workspaces returns a user's personal quota, or nil if none was set, and one page of
	// their memberships in all organizations.
	Workspaces(ctx context.Context, q WorkspaceQuery) (personal *QuotaRecord, memberships []Membership, err error)

	// Feed returns up to limit events (at least 1) of all organizations whose Position is above
	// after (at least 0), in the order of Position. An event must get its position after its
	// change took effect. The position must be above all positions returned before, and must
	// never change. A caller that continues after the last position thus misses no event and
	// gets none twice. If Feed returns fewer than limit events, there must be no others whose
	// change had taken effect when it was called. The events of one organization must keep
	// their order. Positions start above 0 and may skip numbers.
	Feed(ctx context.Context, after int64, limit int) ([]Event, error)

	// Statistics counts the invitations of an organization that were created in a period, and
	// returns the membership of q.Viewer like a [Page]. A store may replace q.Count by a
	// database query with the same result.
	Statistics(ctx context.Context, q StatisticsQuery) (viewer *Member, statistics Statistics, err error)

	// Purge deletes old rows of all organizations, up to q.Limit of them, and returns how many.
	// [PurgeQuery] says which. In each organization it must be serialized with Updates. Like
	// Sweep it must leave out an organization that is being changed, and it may lock one
	// organization at a time. If it returns 0, no row was left to delete in the organizations
	// that it did not leave out. Purge must not change a version.
	Purge(ctx context.Context, q PurgeQuery) (deleted int, err error)

	// Traces returns the IDs of up to limit organizations (at least 1), deleted ones included,
	// that have an invitation, a member or an event in which the [Facts] have a trace of p, in
	// any order.
	Traces(ctx context.Context, p Person, limit int) ([]string, error)
}

// A Decision applies the rules to the facts: it returns the changes to write, or an error
// that refuses them. It is a pure function.
type Decision func(Facts) (Changes, error)

// A Query names an organization and the facts that a decision needs. A store must leave
// facts that were not asked for at their zero value.
type Query struct {
	Organization string
	AlsoDeleted  bool // a deleted organization has facts, and can be changed, like any other

	Invitation  uuid.UUID   // the invitation of this ID; the zero UUID: none
	Sender      bool        // also the membership of that invitation's sender
	Invitations []uuid.UUID // the invitations of these IDs, which may repeat

	Members  []string // the memberships of these user IDs, which may repeat
	Removals bool     // also the removals of these users, whether or not they are members
	Quotas   bool     // the organization's quota and those of these users, members or not

	// Emails asks, for each of these canonical addresses, which may repeat, for the pending
	// invitation that expires after PendingAt. SameEmail adds the address of Invitation, if it
	// has one.
	Emails    []string
	SameEmail bool
	// CountPending asks for the number of pending invitations that expire after PendingAt,
	// counted up to the limit of pending invitations in force. CountReserved asks for those of
	// [KindEmail] whose role takes a seat, counted up to the member limit in force.
	CountPending, CountReserved bool
	// CountSeats asks for the number of members whose role takes a seat, counted up to the
	// member limit in force. Roles in [Limits].SeatlessRoles of the organization take none.
	CountSeats bool
	// Limits are those of [Config]. A limit of the organization that is not zero is in force in
	// place of it. Without a member limit in force, CountSeats and CountReserved ask for nothing.
	Limits Limits
	// Totals asks for exact numbers.
	Totals bool
	// PendingSentBy, a user ID, and PendingFor, an address, ask for the pending invitations
	// that this user sent or that are for this address, if they expire after PendingAt.
	PendingSentBy, PendingFor string
	PendingAt                 time.Time

	// SendingsUpTo, if positive, asks for the sendings after SendingsAfter, the newest first,
	// up to this number.
	SendingsUpTo  int
	SendingsAfter time.Time

	// OwnersUpTo, if positive, asks for the number of members with [RoleOwner], counted up to
	// this bound.
	OwnersUpTo int

	// TracesUpTo, if positive, asks for the rows with a trace of TracesOf: up to this number of
	// invitations, of members and of events each, in any order.
	TracesOf   Person
	TracesUpTo int
}

// A Person is either an address or a user, who left traces in organizations.
//
// The traces of an address are the invitations with that Email, the members who accepted one of
// the loaded ones of these (AcceptedBy) and have its ID as InvitationID, and the events with that
// Email. The traces of a user are the invitations with that user as CreatedBy, SentBy or
// AcceptedBy, the members with that user as InvitedBy, and the events with that user as Actor,
// Subject or InvitedBy.
type Person struct {
	Email  string // canonical; empty for a user
	UserID string // empty for an address
}

// Facts are the state of one organization at one instant. Absent means zero or not in the
// map: an invitation of another organization, a non-member, a quota that was never set.
type Facts struct {
	Organization string
	Version      int64  // the number of changes so far; 0: the organization does not exist
	Limits       Limits // those of the organization; always loaded
	Deleted      bool   // only with AlsoDeleted, and for Create

	Invitation  *Record
	Sender      *Member              // nil if the sender is System or no longer a member
	Invitations map[uuid.UUID]Record // by ID

	Members map[string]Member // by user ID
	// Removals has, by user ID, the version at which the user was last removed or demoted.
	// Invitations sent up to that version do not admit them.
	Removals map[string]int64
	Quotas   map[string]QuotaRecord // by user ID; that of the organization under ""

	// PendingByEmail has the pending invitation of an address. It is the newest if there are
	// several, which only clocks that disagree can cause.
	PendingByEmail map[string]uuid.UUID
	PendingCount   int // of CountPending
	ReservedCount  int // of CountReserved
	SeatCount      int // of CountSeats
	Totals         Totals
	// PendingRecords are the invitations of PendingSentBy and PendingFor, each once, in the
	// order of an [InvitationQuery].
	PendingRecords []Record

	Sendings []Sending // the newest first; at one instant, by Version and Index, descending

	OwnerCount int // at most OwnersUpTo

	TracedInvitations []Record
	TracedMembers     []Member
	TracedEvents      []Event // with Position
}

// Totals are exact numbers of an organization. Its limits do not bound them.
type Totals struct {
	Members int
	Seats   int // of the members, those whose role takes a seat
	// PendingEmails and PendingLinks are the pending invitations of each kind that expire
	// after PendingAt. Reserved are those by email whose role takes a seat.
	PendingEmails, PendingLinks, Reserved int
}

// Changes are the rows to write, all of them in the organization of the facts. No row occurs
// twice, so a store may write them in any order.
type Changes struct {
	// Invitations replace the invitation of their ID if the facts contain it. Otherwise they
	// are new.
	Invitations []Record
	// Members replace the member of their user ID, or are new.
	Members []Member
	// RemovedMembers are the user IDs of members to delete. None of them is in Members. Their
	// quotas and removals must remain.
	RemovedMembers []string
	// Removals are user IDs. The store must keep the new version as the removal of each, in
	// place of an earlier one. Removals delete no member: a removed member is in
	// RemovedMembers too, a demoted one in Members. A removal must remain when the user becomes
	// a member again.
	Removals []string
	// Quotas replace Quota and Version of the quota of their user ID, or are new. A store must
	// ignore their PeriodStart and Used: [QuotaRecord] says what stays of the amount used.
	Quotas []QuotaRecord
	// Limits, if not nil, replace the limits of the organization.
	Limits *Limits
	// ErasedEvents replace the event of their Version and Index, which the facts contain. The
	// Position of that event must stay.
	ErasedEvents []Event
	// Deleted ends the existence of the organization. A store should only mark it, at a cost
	// that does not depend on the number of its rows: Purge deletes them later. Its version
	// must remain.
	Deleted bool
	// Events are appended. The store sets their Version and Index.
	Events []Event
}

// Empty reports whether c changes nothing.
func (c Changes) Empty() bool {
	return len(c.Invitations) == 0 && len(c.Members) == 0 && len(c.RemovedMembers) == 0 &&
		len(c.Removals) == 0 && len(c.Quotas) == 0 && c.Limits == nil && len(c.ErasedEvents) == 0 &&
		!c.Deleted && len(c.Events) == 0
}

// A Record is an invitation as a store keeps it. Its State is never [StateExpired]. Its ID is
// unique within its organization only: another organization can have the same ID.
type Record struct {
	Invitation
	// Nonce is the random part of the present token. A new token has a new nonce.
	Nonce [16]byte `json:"nonce"`
	// SentVersion is the organization's version at the last sending. Comparing versions tells
	// whether a removal came before or after it; clocks may disagree.
	SentVersion int64 `json:"sent_version"`
	// SweepAt is the next instant at which a sweep has work to do: the reminder, then the
	// expiry. The zero time means that no work is left.
	SweepAt time.Time `json:"sweep_at,omitzero"`
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Invitation = r.Invitation.clone()
	return r
}

// A Sending is one mail to one recipient, which the sending limits count. Each [Event] of the
// types [EventInvitationCreated] and [EventInvitationResent] with an Email is one.
type Sending struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor,omitempty"` // as in Event
	Email string    `json:"email"`
}

// A Page is one page of a list in a store.
type Page[T any] struct {
	// Viewer is the membership of the query's Viewer, nil if that user is not a member.
	Viewer *Member
	Items  []T
}
