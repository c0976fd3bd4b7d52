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
// What makes a store trustworthy is that [Store.Update], [Store.Sweep] and [Store.Consume] are
// atomic. Package storetest proves it, together with the rest of this contract; a store that
// passes it is as good as those of this module.
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
// Values of [Record], [Member], [Removal], [QuotaRecord], [Event] and [Sending] survive
// encoding/json unchanged, so a store may keep them in that form.
type Store interface {
	// Update is the way in which one organization changes. It loads the facts that q asks
	// for, calls decide with them, and applies the changes that decide returns, as one
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

	// Sweep is an Update of several organizations together, of those that have invitations
	// which are due: pending ones with a SweepAt that is set and not after q.At. It loads up
	// to q.Limit of them, those of the earliest SweepAt, calls decide with the facts of their
	// organizations, and applies the changes that it returns, one for each of them in the same
	// order, as one atomic step. Like Update it may call decide several times, and the last
	// call counts. The facts are Organization, Version and PendingRecords, those that are
	// due in the order of SweepAt, and nothing else. Where nothing is due, decide need not be
	// called.
	//
	// It does not wait for an organization that somebody else is changing, but leaves it out,
	// so that several Sweeps at once share the work. A store that has one lock for all leaves
	// all of them out.
	Sweep(ctx context.Context, q SweepQuery, decide func([]Facts) []Changes) error

	// Consume takes an amount from the quotas of a user, all or nothing, as one atomic step:
	// it loads the role of the member and the quotas that c names, and puts what c.Decide
	// returns for them. Together with the Updates of the organization, all Consumes have an
	// order that explains their answers; one that was under way when an Update returned may
	// come before it. The version of the organization stays as it is.
	//
	// It is the hot path: a store whose database can say all of it in a statement need not
	// call Decide, as long as it does the same. A Consume that returns any other error than
	// [ErrOutcomeUnknown] changed nothing.
	Consume(ctx context.Context, c Consumption) (Consumed, error)

	// SetPersonalQuota puts the personal quota of a user, which belongs to no organization.
	// As in [Changes].Quotas, what is used stays as long as the period does. It is atomic
	// like a Consume, and serialized with those of this quota.
	SetPersonalQuota(ctx context.Context, user string, q Quota) error

	// Invitations returns one page of an organization's invitations.
	Invitations(ctx context.Context, q InvitationQuery) (InvitationPage, error)

	// Members returns one page of an organization's members.
	Members(ctx context.Context, q MemberQuery) (MemberPage, error)

	// Workspaces returns one page of a user's memberships, of all organizations.
	Workspaces(ctx context.Context, q WorkspaceQuery) (WorkspacePage, error)

	// Events returns one page of an organization's events.
	Events(ctx context.Context, q EventQuery) (EventPage, error)

	// Feed returns the next events of all organizations, in the order of their positions. An
	// event gets its position after its change has taken effect, higher than all that were
	// returned before, and keeps it: so who asks again after the last position misses none and
	// meets none twice. Where fewer than q.Limit are returned, there are no others whose change
	// had taken effect when Feed was called. Within an organization, positions follow Version
	// and Index. Positions are above 0, and may leave numbers out.
	Feed(ctx context.Context, q FeedQuery) ([]FeedEvent, error)

	// Statistics counts the invitations of an organization that were created in a period. A
	// store whose database can say it in a query need not call q.Count, as long as it does
	// the same.
	Statistics(ctx context.Context, q StatisticsQuery) (StatisticsPage, error)
}

// A Decision applies the rules to the facts: it returns the changes to make, or the
// refusal. It is a pure function, and gives the same answer for the same facts.
type Decision func(Facts) (Changes, error)

// A Query names an organization and the facts that are wanted of it. Facts that it does not
// ask for are zero.
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

	// Invitations are the ids of further invitations, some perhaps twice.
	Invitations []uuid.UUID

	// Members are user ids, some perhaps twice: their memberships.
	Members []string
	// Removals asks for the removals of those of Members who were removed.
	Removals bool

	// Emails are canonical addresses: for each, its pending invitation that expires after
	// PendingAt, if there is one.
	Emails []string
	// SameEmail adds the address of Invitation to Emails.
	SameEmail bool
	// PendingUpTo, if positive, asks how many pending invitations expire after PendingAt,
	// counting no further than that number.
	PendingUpTo int
	// PendingEmailsUpTo, if positive, asks the same of those of [KindEmail] alone.
	PendingEmailsUpTo int
	// PendingSentBy, if not empty, is a user id, and PendingFor an address: the pending
	// invitations that this user sent, or that are for this address, each once, and that
	// expire after PendingAt.
	PendingSentBy, PendingFor string
	PendingAt                 time.Time

	// SentUpTo, if positive, asks for the sendings later than SentAfter: the events with an
	// Email, the newest by At, and no more than that number.
	SendingsUpTo  int
	SendingsAfter time.Time

	// MembersUpTo and OwnersUpTo, if positive, ask how many members there are, and how many
	// of them have [RoleOwner], counting no further than that number.
	MembersUpTo, OwnersUpTo int

	// Quotas asks for the quota of the organization and those of Members.
	Quotas bool
}

// A SweepQuery asks for what is due.
type SweepQuery struct {
	At    time.Time
	Limit int // invitations, at least 1
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

	Invitations map[uuid.UUID]Record // by id; what there is not in this organization is not in it

	Members  map[string]Member  // by user id; who is no member is not in it
	Removals map[string]Removal // by user id; who was never removed is not in it

	// Pending is, by address, the pending invitation; the newest, if clocks that disagree
	// have left several.
	PendingByEmail    map[string]uuid.UUID
	PendingCount      int // at most PendingUpTo
	PendingEmailCount int // at most PendingEmailsUpTo
	// PendingRecords are those of PendingSentBy or PendingFor, in the order of an
	// [InvitationQuery].
	PendingRecords []Record

	Sendings []Sending // newest first; at the same instant, by Version and Index

	MemberCount int // at most MembersUpTo
	OwnerCount  int // at most OwnersUpTo

	Quotas map[string]QuotaRecord // by user id, that of the organization under ""
}

// A Record is an invitation as a store keeps it. Its State is never [StateExpired].
type Record struct {
	Invitation
	Nonce Nonce `json:"nonce"` // of the token that opens it
	// SentVersion is the version of the organization's change that last sent it. Whether a
	// removal came before or after is told by versions, because no two clocks agree.
	SentVersion int64 `json:"sent_version"`
	// SweepAt is when a sweep has something to do for it: at its reminder, then at its expiry.
	// It is the zero time once nothing is left to do.
	SweepAt time.Time `json:"sweep_at,omitzero"`
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Invitation = r.Invitation.clone()
	return r
}

// A Removal is the trace that a member leaves who was removed, or whose role was lowered:
// nothing that was sent before it brings them in. A store keeps the last one of each user.
type Removal struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Version      int64     `json:"version"` // of the change that removed them
	At           time.Time `json:"at"`
}

// A Sending is what counts against the limits of a day: one mail to one recipient.
type Sending struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor,omitempty"` // as in [Event]
	Email string    `json:"email"`
}

// Changes are what an Update writes. All of it bears the id of the organization that the
// query names or, by a token, the facts. Nothing in it occurs twice, so the order of
// writing does not matter.
type Changes struct {
	// Invitations are put: each replaces the one with its id, which is among the facts, or is
	// new.
	Invitations []Record
	// Members are put: each replaces the one with its user id, or is new.
	Members []Member
	// Gone are the user ids of members to delete. None of them is in Members.
	RemovedMembers []string
	// Removals are put: each replaces the one with its user id, or is new. They delete no
	// member: who is removed is in Gone as well, who left of their own accord in Gone alone,
	// and whose role was lowered in Members as well.
	Removals []Removal
	// Quotas are put: the Quota and Version of each replace those of the one with its user
	// id, or it is new. What is used stays if the Period is the same, and otherwise nothing
	// is; PeriodStart and Used say nothing here.
	Quotas []QuotaRecord
	// Events are appended. The store gives them Version and Index.
	Events []Event
}

// Empty reports whether c changes nothing.
func (c Changes) Empty() bool {
	return len(c.Invitations) == 0 && len(c.Members) == 0 && len(c.RemovedMembers) == 0 &&
		len(c.Removals) == 0 && len(c.Quotas) == 0 && len(c.Events) == 0
}
