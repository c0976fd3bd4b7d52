package invitations

import (
	"time"

	"github.com/google/uuid"
)

// Error is the type of every sentinel of this package: one kind of refusal that a caller
// can act on, or [ErrOutcomeUnknown]. Compare with [errors.Is]; take the details for an API
// answer with [errors.As]:
//
//	var refusal *invitations.Error
//	if errors.As(err, &refusal) {
//		http.Error(w, refusal.Message(), refusal.HTTPStatus())
//	}
//
// An error of this package never contains a token, a key, SQL, or an address that the
// caller did not pass in the same call.
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

// Message returns a sentence that can be shown to the person who acted.
func (e *Error) Message() string { return e.message }

// Unwrap returns the coarse error that a fine one also matches, or nil.
func (e *Error) Unwrap() error {
	if e.coarse == nil {
		return nil // a nil *Error in an error would not be nil
	}
	return e.coarse
}

const noLongerValid = "Invitation no longer valid"

// What a token can be refused for.
var (
	// ErrInvalidToken: the token is malformed, forged, of an unknown key, or replaced by a
	// later one. Which of these it is, is not told.
	ErrInvalidToken = &Error{code: "invalid_token", status: 404, text: "invalid token", message: noLongerValid}

	// ErrNotPending is the coarse error of every invitation that can no longer be answered;
	// one of those below always says why.
	ErrNotPending = &Error{code: "not_pending", status: 410, text: "invitation is not pending", message: noLongerValid}

	// ErrExpired: the invitation was pending until its expiry. It can be resent.
	ErrExpired = &Error{code: "expired", status: 410, text: "invitation has expired", message: "This invitation has expired; ask for a new one", coarse: ErrNotPending}

	// ErrRevoked: the invitation was revoked, or the person who answers was removed from
	// the organization, or lost rights there, after it was sent.
	ErrRevoked = &Error{code: "revoked", status: 410, text: "invitation was revoked", message: noLongerValid, coarse: ErrNotPending}

	// ErrDeclined: the recipient declined.
	ErrDeclined = &Error{code: "declined", status: 410, text: "invitation was declined", message: noLongerValid, coarse: ErrNotPending}

	// ErrAccepted: the email invitation was accepted.
	ErrAccepted = &Error{code: "already_accepted", status: 409, text: "invitation was already accepted", message: "This invitation was already used", coarse: ErrNotPending}

	// ErrExhausted: the link has no use left.
	ErrExhausted = &Error{code: "exhausted", status: 410, text: "invitation link has no uses left", message: noLongerValid, coarse: ErrNotPending}

	// ErrSenderNotEntitled: the member who sent the invitation could not send it any more,
	// so its authority is gone. Another member may resend or edit it.
	ErrSenderNotEntitled = &Error{code: "sender_not_entitled", status: 410, text: "sender is no longer entitled to this invitation", message: noLongerValid, coarse: ErrNotPending}
)

// What the person who answers can be refused for.
var (
	// ErrRecipientMismatch: the invitation was sent to another address.
	ErrRecipientMismatch = &Error{code: "recipient_mismatch", status: 403, text: "invitation was sent to another address", message: "This invitation was sent to another address"}

	// ErrEmailUnverified: the address fits, but the host has not verified it.
	ErrEmailUnverified = &Error{code: "email_unverified", status: 403, text: "email address is not verified", message: "Verify your email address first"}

	// ErrDomainNotAllowed: the link is for other email domains.
	ErrDomainNotAllowed = &Error{code: "domain_not_allowed", status: 403, text: "email domain is not allowed", message: "This invitation is for addresses of other domains"}

	// ErrAlreadyMember: the person is a member already, by another way.
	ErrAlreadyMember = &Error{code: "already_member", status: 409, text: "already a member", message: "You are already a member"}
)

// What an actor can be refused for.
var (
	// ErrPermissionDenied: the actor's role lacks the permission, they are no member, the
	// member that they would act on holds more than they do, or only [System] may do it.
	ErrPermissionDenied = &Error{code: "permission_denied", status: 403, text: "permission denied", message: "You do not have permission to do this"}

	// ErrRoleNotAssignable: the role holds a permission that the actor's does not.
	ErrRoleNotAssignable = &Error{code: "role_not_assignable", status: 403, text: "role is not assignable by this actor", message: "You cannot give this role"}

	// ErrNotFound: the organization has no such thing. An id of another organization is
	// answered the same.
	ErrNotFound = &Error{code: "not_found", status: 404, text: "not found", message: "Not found"}

	// ErrAlreadyInvited: the address has a pending invitation; [AlreadyInvitedError] names
	// it.
	ErrAlreadyInvited = &Error{code: "already_invited", status: 409, text: "address is already invited", message: "This address already has a pending invitation"}

	// ErrPendingLimit: the organization has as many pending invitations as it may.
	ErrPendingLimit = &Error{code: "pending_limit_reached", status: 409, text: "limit of pending invitations reached", message: "There are too many pending invitations"}

	// ErrLastOwner: an organization always has an owner, and this is the last one.
	ErrLastOwner = &Error{code: "last_owner", status: 409, text: "an organization needs an owner", message: "The last owner has to stay"}

	// ErrMemberLimit: the organization has as many members as it may. It is met by who
	// accepts and, where seats are reserved, by who invites.
	ErrMemberLimit = &Error{code: "member_limit_reached", status: 409, text: "limit of members reached", message: "The organization is full"}

	// ErrQuotaExceeded: a quota does not have that much left; [QuotaExceededError] tells what
	// it has.
	ErrQuotaExceeded = &Error{code: "quota_exceeded", status: 429, text: "quota exceeded", message: "Not enough is left of the quota"}

	// ErrRateLimited: as much was sent within the last day as may be, to this recipient, by
	// this sender or from this organization. [RateLimitError] tells when to try again.
	ErrRateLimited = &Error{code: "rate_limited", status: 429, text: "too many invitations were sent within a day", message: "Too many invitations were sent; try again later"}

	// ErrTooSoon: the invitation was sent just now. [RateLimitError] tells when to try again.
	ErrTooSoon = &Error{code: "too_soon", status: 429, text: "invitation was sent just now", message: "This invitation was sent just now; wait a moment", coarse: ErrRateLimited}

	// ErrConflict: the id stands for something else already, or who would hand over the
	// ownership is no owner.
	ErrConflict = &Error{code: "conflict", status: 409, text: "conflicts with what exists", message: "This conflicts with what exists already"}

	// ErrConcurrentChange: a concurrent change won, and nothing was done. The same call may
	// succeed; inside a host's transaction, roll back and run the transaction again.
	ErrConcurrentChange = &Error{code: "concurrent_change", status: 409, text: "a concurrent change won", message: "Somebody else changed this; try again", coarse: ErrConflict}

	// ErrInvalid: an argument is not acceptable; [InvalidError] says which and why.
	ErrInvalid = &Error{code: "invalid_argument", status: 422, text: "invalid argument", message: "The request is not valid"}
)

// ErrOutcomeUnknown is returned when the answer to a commit was lost, so that the change
// may or may not have happened. Repeating the same call converges: acceptance gives the
// same membership back, a creation that carries an id gives back what exists, and a
// repeated revocation or decline is refused with [ErrRevoked] or [ErrDeclined], a repeated
// resend with [ErrTooSoon] within its cooldown, a repeated removal or leaving with
// [ErrNotFound], a transfer with [ErrConflict] or [ErrPermissionDenied], rows of
// [Service.InviteAll] without an id with [ErrAlreadyInvited], which names what exists, and an
// edit, a role or a quota is set again. A link that was created without an id may exist twice,
// [Service.Consume] takes again, and what [Service.Sweep] handed out is not handed out again.
var ErrOutcomeUnknown = &Error{code: "outcome_unknown", status: 503, text: "outcome unknown: the answer to the commit was lost", message: "Something went wrong; try again"}

// AlreadyInvitedError names the pending invitation that stands in the way, so that a host
// can offer to resend it. It matches [ErrAlreadyInvited].
type AlreadyInvitedError struct {
	InvitationID uuid.UUID
}

// Error returns the text of [ErrAlreadyInvited].
func (e *AlreadyInvitedError) Error() string { return ErrAlreadyInvited.Error() }

// Unwrap returns [ErrAlreadyInvited].
func (e *AlreadyInvitedError) Unwrap() error { return ErrAlreadyInvited }

// QuotaExceededError tells what was left when it was not enough. It matches
// [ErrQuotaExceeded].
type QuotaExceededError struct {
	Amount  int64 // that was asked for
	Balance Balance
}

// RetryAt returns the instant from which the amount could be there, if nobody takes it
// before, for a Retry-After; the zero time if waiting does not help: a quota is endless, or
// less than the amount altogether.
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

// RateLimitError tells when what was too much could be sent. It matches [ErrRateLimited] and,
// within the cooldown of a resend, [ErrTooSoon].
type RateLimitError struct {
	TooSoon bool      // it is the cooldown
	At      time.Time // the instant from which the call could succeed
}

// RetryAt returns At. Both errors with this method, the other is [QuotaExceededError], are told
// in a Retry-After header.
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

// InvalidError names the argument that was refused and the reason. It matches [ErrInvalid].
// It never quotes the value.
type InvalidError struct {
	Field  string // the argument's name in lower case with underscores, such as "expires_in"
	Reason string // such as "has no at sign"
}

// Error returns "invitations: invalid FIELD: REASON".
func (e *InvalidError) Error() string { return "invitations: invalid " + e.Field + ": " + e.Reason }

// Unwrap returns [ErrInvalid].
func (e *InvalidError) Unwrap() error { return ErrInvalid }

func invalid(field, reason string) error { return &InvalidError{Field: field, Reason: reason} }
