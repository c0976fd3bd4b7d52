package invitations

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// An error of this package, passed to slog as it is, logs as a group of its message, its code and
// its values. A wrapped one logs as its text. Neither has a token or an address.

// LogValue returns a group of the error's message and code.
func (e *Error) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code, field, reason code and values.
func (e *InvalidError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code and invitation ID.
func (e *AlreadyInvitedError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code and organization.
func (e *MembershipError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code and numbers.
func (e *PendingLimitError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code and numbers.
func (e *MemberLimitError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code, balance and instant to try again.
func (e *QuotaExceededError) LogValue() slog.Value { return logValue(e) }

// LogValue returns a group of the error's message, code and instant to try again.
func (e *RateLimitError) LogValue() slog.Value { return logValue(e) }

// logValue returns the group of an error of this package.
func logValue(err error) slog.Value {
	p, _ := ProblemOf(err)
	attrs := []slog.Attr{slog.String("message", err.Error()), slog.String("code", p.Code)}
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("field", p.Field)
	text("reason_code", p.ReasonCode)
	var values []any
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		values = append(values, slog.String(name, p.Values[name]))
	}
	attrs = append(attrs, slog.Group("values", values...)) // slog leaves an empty group out
	if p.InvitationID != uuid.Nil {
		text("invitation_id", p.InvitationID.String())
	}
	text("organization", p.Organization)
	for _, name := range slices.Sorted(maps.Keys(p.Numbers)) {
		attrs = append(attrs, slog.Int(name, p.Numbers[name]))
	}
	if p.Balance != nil {
		attrs = append(attrs, usageAttr("own", p.Balance.Own), usageAttr("shared", p.Balance.Shared))
	}
	if !p.RetryAt.IsZero() {
		text("retry_at", p.RetryAt.Format(time.RFC3339Nano))
	}
	return slog.GroupValue(attrs...)
}

// usageAttr returns the group of a usage. Without one it returns the zero Attr, which slog
// leaves out.
func usageAttr(key string, u *Usage) slog.Attr {
	if u == nil {
		return slog.Attr{}
	}
	return slog.Group(key, slog.Int64("limit", u.Limit), slog.Int64("used", u.Used))
}

// LogValue returns a group of the user ID, or of system=true, and of the ceiling of
// [Actor.AtMost].
func (a Actor) LogValue() slog.Value {
	name := slog.String("user_id", a.user)
	if a.system {
		name = slog.Bool("system", true)
	}
	if a.ceiling == nil {
		return slog.GroupValue(name)
	}
	roles := string(a.ceiling.role)
	for c := a.ceiling.other; c != nil; c = c.other {
		roles += ", " + string(c.role)
	}
	return slog.GroupValue(name, slog.String("at_most", roles))
}

// LogValue returns a group of the user ID and of whether the address is verified. It leaves the
// address out.
func (i Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user_id", i.UserID), slog.Bool("email_verified", i.EmailVerified))
}
