package invitations

import (
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"
)

// ProblemMediaType is the Content-Type of a [Problem] (RFC 9457, 3).
const ProblemMediaType = "application/problem+json"

// problemTypes is the page that describes all errors by their codes.
const problemTypes = "https://github.com/go-invitations/invitations/blob/main/docs/errors.md#"

// A Problem is an error in the form in which an API answers (RFC 9457). Its JSON is the body
// of the answer. It contains no token, no address, no SQL and no text of a store. A field
// that does not apply is left out.
type Problem struct {
	// Type is the URI of the kind of problem: a place in the documentation of this module. An
	// API can set its own.
	Type string `json:"type"`
	// Title is an English sentence for the person concerned, the same for all problems of a Type:
	// the [Error.Message].
	Title  string `json:"title"`
	Status int    `json:"status"` // the suggested HTTP status code
	// Detail is the English reason of an invalid argument, such as "email must not be empty".
	Detail string `json:"detail,omitempty"`

	// Code is the [Error.Code], or "internal".
	Code string `json:"code"`
	// Field, ReasonCode and Values are those of an [InvalidError].
	Field      string            `json:"field,omitempty"`
	ReasonCode string            `json:"reason_code,omitempty"`
	Values     map[string]string `json:"values,omitempty"`
	// InvitationID is the pending invitation that an [AlreadyInvitedError] names.
	InvitationID uuid.UUID `json:"invitation_id,omitzero"`
	// Organization is the organization that a [MembershipError] names.
	Organization string `json:"organization,omitempty"`
	// RetryAt is the earliest instant at which the call can succeed, if waiting helps.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Balance is the balance that was too small.
	Balance *Balance `json:"balance,omitempty"`
	// Numbers are those of a limit that is reached: limit and pending for [ErrPendingLimit];
	// limit, members and reserved for [ErrMemberLimit].
	Numbers map[string]int `json:"numbers,omitempty"`
}

// ProblemOf returns the problem of an error of this package, and whether err is one. For any
// other error it returns an internal error with status 500, which tells nothing of err: the
// host should log err.
func ProblemOf(err error) (Problem, bool) {
	var refusal *Error
	if !errors.As(err, &refusal) {
		return Problem{Type: problemTypes + "internal", Title: "Something went wrong", Status: 500, Code: "internal"}, false
	}
	p := Problem{Type: problemTypes + refusal.code, Title: refusal.message, Status: refusal.status, Code: refusal.code}
	var (
		invalid  *InvalidError
		invited  *AlreadyInvitedError
		member   *MembershipError
		pending  *PendingLimitError
		members  *MemberLimitError
		exceeded *QuotaExceededError
		limited  *RateLimitError
	)
	// An error can wrap several. Only the values of the refusal itself count.
	switch {
	case refusal == ErrInvalid && errors.As(err, &invalid):
		p.Detail = invalid.Field + " " + invalid.Reason
		p.Field, p.ReasonCode, p.Values = invalid.Field, invalid.Code, maps.Clone(invalid.Values)
	case refusal == ErrAlreadyInvited && errors.As(err, &invited):
		p.InvitationID = invited.InvitationID
	case refusal == ErrConflict && errors.As(err, &member):
		p.Organization = member.Organization
	case refusal == ErrPendingLimit && errors.As(err, &pending):
		p.Numbers = map[string]int{"limit": pending.Limit, "pending": pending.Pending}
	case refusal == ErrMemberLimit && errors.As(err, &members):
		p.Numbers = map[string]int{"limit": members.Limit, "members": members.Members, "reserved": members.Reserved}
	case refusal == ErrQuotaExceeded && errors.As(err, &exceeded):
		p.RetryAt, p.Balance = exceeded.RetryAt(), &exceeded.Balance
	case errors.Is(refusal, ErrRateLimited) && errors.As(err, &limited):
		p.RetryAt = limited.RetryAt()
	}
	return p, true
}

// problemOf returns the problem of err, or nil if there is no error.
func problemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	p, _ := ProblemOf(err)
	return &p
}
