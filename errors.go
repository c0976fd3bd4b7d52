package invitations

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Error is the type of the package's error variables: one kind of refusal that a caller can
// act on, or [ErrOutcomeUnknown]. Compare them with [errors.Is]. [Errors] returns all of them.
// Use [ProblemOf] to answer an API request.
//
// No error of this package contains a token, a key, SQL, or an address other than the one
// that the caller passed in the same call.
type Error struct {
	code    string
	status  int
	text    string
	message string
	coarse  *Error
}

// Error returns the text for logs.
func (e *Error) Error() string { return "invitations: " + e.text }

// Code returns the stable identifier for APIs, such as "already_invited".
func (e *Error) Code() string { return e.code }

// HTTPStatus returns the suggested HTTP status code.
func (e *Error) HTTPStatus() int { return e.status }

// Message returns an English sentence for the person concerned.
func (e *Error) Message() string { return e.message }

// Unwrap returns the coarse error that a fine error also matches, or nil.
func (e *Error) Unwrap() error {
	if e.coarse == nil {
		return nil // not a nil *Error in a non-nil error
	}
	return e.coarse
}

const noLongerValid = "Invitation no longer valid"

// Refusals of a token.
var (
	// ErrInvalidToken: the token is malformed, forged, signed with an unknown key, or replaced
	// by a later one. The error does not tell which.
	ErrInvalidToken = &Error{code: "invalid_token", status: 404, text: "invalid token", message: noLongerValid}

	// ErrNotPending: the invitation can no longer be answered. One of the errors below that
	// match it says why.
	ErrNotPending = &Error{code: "not_pending", status: 410, text: "invitation is not pending", message: noLongerValid}

	// ErrExpired: the invitation was pending until it expired. It can be resent.
	ErrExpired = &Error{code: "expired", status: 410, text: "invitation has expired", message: "This invitation has expired; ask for a new one", coarse: ErrNotPending}

	// ErrRevoked: the invitation was revoked, or the person was removed or demoted after it
	// was sent.
	ErrRevoked = &Error{code: "revoked", status: 410, text: "invitation was revoked", message: noLongerValid, coarse: ErrNotPending}

	// ErrDeclined: the recipient declined the invitation.
	ErrDeclined = &Error{code: "declined", status: 410, text: "invitation was declined", message: noLongerValid, coarse: ErrNotPending}

	// ErrAccepted: the email invitation was accepted before.
	ErrAccepted = &Error{code: "already_accepted", status: 409, text: "invitation was already accepted", message: "This invitation was already used", coarse: ErrNotPending}

	// ErrExhausted: the link has no uses left.
	ErrExhausted = &Error{code: "exhausted", status: 410, text: "invitation link has no uses left", message: noLongerValid, coarse: ErrNotPending}

	// ErrRoleUnknown: the policy does not know the role that the invitation offers. An owner or
	// [System] can edit it to a known role.
	ErrRoleUnknown = &Error{code: "role_unknown", status: 410, text: "role of the invitation is not known", message: noLongerValid, coarse: ErrNotPending}

	// ErrSenderNotEntitled: the sender could no longer send this invitation. Another member
	// can resend or edit it.
	ErrSenderNotEntitled = &Error{code: "sender_not_entitled", status: 410, text: "sender is no longer entitled to this invitation", message: noLongerValid, coarse: ErrNotPending}
)

// Refusals about a person.
var (
	// ErrRecipientMismatch: the invitation was sent to another address.
	ErrRecipientMismatch = &Error{code: "recipient_mismatch", status: 403, text: "invitation was sent to another address", message: "This invitation was sent to another address"}

	// ErrEmailUnverified: the address matches, but the host has not verified it.
	ErrEmailUnverified = &Error{code: "email_unverified", status: 403, text: "email address is not verified", message: "Verify your email address first"}

	// ErrDomainNotAllowed: the address has a domain that the link, or the [Limits] of the
	// organization, do not allow.
	ErrDomainNotAllowed = &Error{code: "domain_not_allowed", status: 403, text: "email domain is not allowed", message: "Addresses of this domain are not allowed"}

	// ErrAlreadyMember: the person is already a member in another way.
	ErrAlreadyMember = &Error{code: "already_member", status: 409, text: "already a member", message: "Already a member"}
)

// Refusals of an actor.
var (
	// ErrPermissionDenied: the actor is not a member, lacks the permission, or would act on a
	// member with permissions that the actor lacks; or only [System] may do it.
	ErrPermissionDenied = &Error{code: "permission_denied", status: 403, text: "permission denied", message: "You do not have permission to do this"}

	// ErrRoleNotAssignable: the role holds a permission that the actor lacks.
	ErrRoleNotAssignable = &Error{code: "role_not_assignable", status: 403, text: "role is not assignable by this actor", message: "You cannot give this role"}

	// ErrNotFound: no such invitation, member or organization. An ID of another organization
	// gets the same answer.
	ErrNotFound = &Error{code: "not_found", status: 404, text: "not found", message: "Not found"}

	// ErrAlreadyInvited: the address has a pending invitation, which [AlreadyInvitedError]
	// names.
	ErrAlreadyInvited = &Error{code: "already_invited", status: 409, text: "address is already invited", message: "This address already has a pending invitation"}

	// ErrPendingLimit: the organization has as many pending invitations as its [Limits] or
	// [Config].PendingLimit allow.
	ErrPendingLimit = &Error{code: "pending_limit_reached", status: 409, text: "limit of pending invitations reached", message: "There are too many pending invitations"}

	// ErrLinksNotAllowed: the [Limits] of the organization do not allow links.
	ErrLinksNotAllowed = &Error{code: "links_not_allowed", status: 403, text: "links are not allowed in this organization", message: "Links are not allowed in this organization"}

	// ErrLastOwner: the member is the last owner, and an organization must have one.
	ErrLastOwner = &Error{code: "last_owner", status: 409, text: "an organization needs an owner", message: "The last owner has to stay"}

	// ErrMemberLimit: no seat is free. Members take seats and, with [Config].ReserveSeats, so
	// do pending email invitations.
	ErrMemberLimit = &Error{code: "member_limit_reached", status: 409, text: "limit of members reached", message: "The organization is full"}

	// ErrQuotaExceeded: a quota has less than the amount left. [QuotaExceededError] has the
	// balance.
	ErrQuotaExceeded = &Error{code: "quota_exceeded", status: 429, text: "quota exceeded", message: "Not enough is left of the quota"}

	// ErrRateLimited: a sending limit is reached: of the recipient, of the sender or of the
	// organization. [RateLimitError] says when to try again.
	ErrRateLimited = &Error{code: "rate_limited", status: 429, text: "too many invitations were sent within a day", message: "Too many invitations were sent; try again later"}

	// ErrTooSoon: the invitation was sent a moment ago. [RateLimitError] says when to try
	// again.
	ErrTooSoon = &Error{code: "too_soon", status: 429, text: "invitation was sent just now", message: "This invitation was sent just now; wait a moment", coarse: ErrRateLimited}

	// ErrConflict: the ID already belongs to something else, the user to transfer the ownership
	// from is not an owner, or the user to erase is still a member.
	ErrConflict = &Error{code: "conflict", status: 409, text: "conflicts with what exists", message: "This conflicts with what exists already"}

	// ErrConcurrentChange: the store gave up because of a concurrent change. Nothing changed.
	// The same call may succeed. In a transaction of the host's, roll back and run the
	// transaction again.
	ErrConcurrentChange = &Error{code: "concurrent_change", status: 409, text: "a concurrent change won", message: "Somebody else changed this; try again", coarse: ErrConflict}

	// ErrInvalid: an argument is not valid. [InvalidError] names it and the reason.
	ErrInvalid = &Error{code: "invalid_argument", status: 422, text: "invalid argument", message: "The request is not valid"}
)

// ErrOutcomeUnknown means that the answer to a commit was lost: the change may or may not have
// happened. Repeat the call to find out:
//
//   - Accept returns the membership; a creation with an ID returns the invitation.
//   - A change that had happened is refused: a revocation with [ErrRevoked], a decline with
//     [ErrDeclined], a removal or leaving with [ErrNotFound], a transfer with [ErrConflict] or
//     [ErrPermissionDenied], a resend with [ErrTooSoon] during its cooldown, and a row of
//     [Service.InviteAll] without an ID with [ErrAlreadyInvited], which names the invitation.
//   - AddMember returns the membership. A deletion that had happened is refused with
//     [ErrNotFound] or, for a user, [ErrPermissionDenied].
//   - Repeating an edit, a role change, SetQuota, SetLimits or SetMetadata has the same result.
//     Purge and Erase can be repeated: they continue.
//   - A link without an ID may exist twice. [Service.Consume] takes the amount again, and
//     [Service.Refund] gives it back again. [Service.Sweep] does not return the same reminders
//     again.
var ErrOutcomeUnknown = &Error{code: "outcome_unknown", status: 503, text: "outcome unknown: the answer to the commit was lost", message: "Something went wrong; try again"}

// Errors returns all error variables of this package, in the order of their declaration. An
// API can document or translate them by their codes.
func Errors() []*Error { return slices.Clone(allErrors) }

var allErrors = []*Error{
	ErrInvalidToken, ErrNotPending, ErrExpired, ErrRevoked, ErrDeclined, ErrAccepted, ErrExhausted,
	ErrRoleUnknown, ErrSenderNotEntitled, ErrRecipientMismatch, ErrEmailUnverified,
	ErrDomainNotAllowed, ErrAlreadyMember, ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound,
	ErrAlreadyInvited, ErrPendingLimit, ErrLinksNotAllowed, ErrLastOwner, ErrMemberLimit,
	ErrQuotaExceeded, ErrRateLimited, ErrTooSoon, ErrConflict, ErrConcurrentChange, ErrInvalid,
	ErrOutcomeUnknown,
}

// AlreadyInvitedError names the pending invitation of an address, so that a host can offer
// to resend it. It matches [ErrAlreadyInvited].
type AlreadyInvitedError struct {
	InvitationID uuid.UUID
}

// Error returns the text of [ErrAlreadyInvited].
func (e *AlreadyInvitedError) Error() string { return ErrAlreadyInvited.Error() }

// Unwrap returns [ErrAlreadyInvited].
func (e *AlreadyInvitedError) Unwrap() error { return ErrAlreadyInvited }

// MemberLimitError has the numbers of a full organization. It matches [ErrMemberLimit]. Members
// and Reserved are counted up to Limit: use [Service.Overview] for exact numbers.
type MemberLimitError struct {
	Limit    int // the seats
	Members  int // the members who take one
	Reserved int // the pending email invitations that hold one
}

// Error returns the text of [ErrMemberLimit].
func (e *MemberLimitError) Error() string { return ErrMemberLimit.Error() }

// Unwrap returns [ErrMemberLimit].
func (e *MemberLimitError) Unwrap() error { return ErrMemberLimit }

// PendingLimitError has the numbers of a limit of pending invitations. It matches
// [ErrPendingLimit]. Pending is counted up to Limit.
type PendingLimitError struct {
	Limit   int
	Pending int
}

// Error returns the text of [ErrPendingLimit].
func (e *PendingLimitError) Error() string { return ErrPendingLimit.Error() }

// Unwrap returns [ErrPendingLimit].
func (e *PendingLimitError) Unwrap() error { return ErrPendingLimit }

// MembershipError names an organization in which a user to erase is still a member. It matches
// [ErrConflict].
type MembershipError struct {
	Organization string
}

// Error returns the text of [ErrConflict].
func (e *MembershipError) Error() string { return ErrConflict.Error() }

// Unwrap returns [ErrConflict].
func (e *MembershipError) Unwrap() error { return ErrConflict }

// QuotaExceededError has the balance that was too small. It matches [ErrQuotaExceeded].
type QuotaExceededError struct {
	Amount  int64 // the amount asked for
	Balance Balance
}

// RetryAt returns the earliest instant at which the amount can be available, for a
// Retry-After header. It returns the zero time if waiting does not help: a quota is endless,
// or its limit is less than the amount.
func (e *QuotaExceededError) RetryAt() time.Time {
	var at time.Time
	for _, u := range []*Usage{e.Balance.Own, e.Balance.Shared} {
		switch {
		case u == nil || u.Left() >= e.Amount:
		case u.ResetsAt.IsZero() || u.Limit < e.Amount:
			return time.Time{}
		case u.ResetsAt.After(at):
			at = u.ResetsAt
		}
	}
	return at
}

// Error returns the text of [ErrQuotaExceeded].
func (e *QuotaExceededError) Error() string { return ErrQuotaExceeded.Error() }

// Unwrap returns [ErrQuotaExceeded].
func (e *QuotaExceededError) Unwrap() error { return ErrQuotaExceeded }

// RateLimitError says when a sending that was refused is possible. It matches
// [ErrRateLimited] and, during the cooldown of a resend, [ErrTooSoon].
type RateLimitError struct {
	TooSoon bool      // the cooldown is the reason
	At      time.Time // the earliest instant at which the call can succeed
}

// RetryAt returns At. [QuotaExceededError] has the same method, so one interface serves for
// a Retry-After header.
func (e *RateLimitError) RetryAt() time.Time { return e.At }

// Error returns the text of the error that it matches.
func (e *RateLimitError) Error() string { return e.Unwrap().Error() }

// Unwrap returns [ErrTooSoon] or [ErrRateLimited].
func (e *RateLimitError) Unwrap() error {
	if e.TooSoon {
		return ErrTooSoon
	}
	return ErrRateLimited
}
