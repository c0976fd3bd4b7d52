package invitations

import (
	"context"
	"slices"
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
// Values of [Record], [Member], [Removal], [QuotaRecord] and [Event] survive encoding/json
// unchanged, so a store may keep them in that form.
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

	// Consume takes an amount from the quotas of a user, all or nothing, as one atomic step:
	// it loads the role of the member and the quotas that c names, and puts what c.Decide
	// returns for them. Together with the Updates of the organization, all Consumes take
	// effect one after the other. The version of the organization stays as it is.
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

	// Members are user ids, some perhaps twice: their memberships, and the removals of
	// those who were removed.
	Members []string

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

	// MembersUpTo and OwnersUpTo, if positive, ask how many members there are, and how many
	// of them have [RoleOwner], counting no further than that number.
	MembersUpTo, OwnersUpTo int

	// Quotas asks for the quota of the organization and those of Members.
	Quotas bool
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
	Pending       map[string]uuid.UUID
	PendingCount  int // at most PendingUpTo
	PendingEmails int // at most PendingEmailsUpTo
	// PendingRecords are those of PendingSentBy or PendingFor, in the order of an
	// [InvitationQuery].
	PendingRecords []Record

	MemberCount int // at most MembersUpTo
	Owners      int // at most OwnersUpTo

	Quotas map[string]QuotaRecord // by user id, that of the organization under ""
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

// A Removal is the trace that a member leaves who was removed, or whose role was lowered:
// nothing that was sent before it brings them in. A store keeps the last one of each user.
type Removal struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Version      int64     `json:"version"` // of the change that removed them
	At           time.Time `json:"at"`
}

// A QuotaRecord is a quota as a store keeps it, with what is used of it. The zero Quota is
// kept like any other.
type QuotaRecord struct {
	Organization string `json:"organization"` // empty for a personal quota
	UserID       string `json:"user_id"`      // empty for the organization's own
	Quota
	Version int64 `json:"version"` // of the change that set it; zero for a personal quota
	// PeriodStart is when the period began that Used belongs to: the zero time before
	// anything is used.
	PeriodStart time.Time `json:"period_start"`
	Used        int64     `json:"used"`
}

// A Consumption asks to take an amount from quotas: in an organization from its own and from
// that of the member, otherwise from the user's personal one.
type Consumption struct {
	Organization string // empty: the personal quota
	UserID       string
	Roles        []Role // in an organization, the roles that may
	Amount       int64  // at least 1
	// Periods are the starts of the present periods, of all three kinds.
	Periods map[Period]time.Time
}

// Decide returns the quotas to put for the role of the member (empty if they are none) and
// the quotas that exist, by user id as in [Facts]. It reports false, and nothing is to be
// put, if the role may not or one of the quotas has not the amount left.
func (c Consumption) Decide(role Role, quotas map[string]QuotaRecord) (put []QuotaRecord, ok bool) {
	if c.Organization != "" && (role == "" || !slices.Contains(c.Roles, role)) {
		return nil, false
	}
	for _, user := range []string{"", c.UserID} {
		q, limited := quotas[user]
		if !limited || q.Quota == (Quota{}) {
			continue
		}
		q = q.in(c.Periods)
		if q.Used += c.Amount; q.Used > q.Limit {
			return nil, false
		}
		put = append(put, q)
	}
	return put, true
}

// Consumed is the answer to a [Consumption].
type Consumed struct {
	Taken bool
	Role  Role // of the member; empty if they are none, or outside organizations
	// Quotas are those that limit, by user id as in [Facts] and as they are afterwards. A
	// zero Quota limits nothing, and may be among them.
	Quotas map[string]QuotaRecord
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
	return len(c.Invitations) == 0 && len(c.Members) == 0 && len(c.Gone) == 0 &&
		len(c.Removals) == 0 && len(c.Quotas) == 0 && len(c.Events) == 0
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

// A MemberQuery asks for one page of an organization's members, in the order of their user
// ids as bytes. A store that keeps ids as numbers may take the order of the numbers.
type MemberQuery struct {
	Organization string
	Viewer       string // as in [InvitationQuery]
	Role         Role   // only of this role; empty: of all
	After        string // the page begins behind this user id; empty: at the first
	Limit        int    // at least 1
}

// A MemberPage is the answer to a [MemberQuery].
type MemberPage struct {
	Viewer  *Member // nil if the viewer is no member
	Members []Member
}

// A WorkspaceQuery asks for the personal quota of a user and one page of their memberships,
// in the order of the organizations' ids as bytes; or of numbers, as in [MemberQuery].
type WorkspaceQuery struct {
	UserID string
	After  string // the page begins behind this organization id; empty: at the first
	Limit  int    // 0: no memberships
}

// A WorkspacePage is the answer to a [WorkspaceQuery].
type WorkspacePage struct {
	Personal    *QuotaRecord // nil if there is none
	Memberships []Membership
}

// A Membership is a member together with the quotas that limit them.
type Membership struct {
	Member
	Own    *QuotaRecord // the member's; nil if there is none
	Shared *QuotaRecord // the organization's; nil if there is none
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
