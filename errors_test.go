package invitations_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

const noLongerValid = "Invitation no longer valid"

// sentinels lists all errors with the values that hosts and their clients rely on. An empty
// message is not compared.
var sentinels = []struct {
	err     *invitations.Error
	code    string
	status  int
	message string
	coarse  *invitations.Error
}{
	{invitations.ErrInvalidToken, "invalid_token", http.StatusNotFound, noLongerValid, nil},
	{invitations.ErrNotPending, "not_pending", http.StatusGone, noLongerValid, nil},
	{invitations.ErrRevoked, "revoked", http.StatusGone, noLongerValid, invitations.ErrNotPending},
	{invitations.ErrDeclined, "declined", http.StatusGone, noLongerValid, invitations.ErrNotPending},
	{invitations.ErrExhausted, "exhausted", http.StatusGone, noLongerValid, invitations.ErrNotPending},
	{invitations.ErrRoleUnknown, "role_unknown", http.StatusGone, noLongerValid, invitations.ErrNotPending},
	{invitations.ErrSenderNotEntitled, "sender_not_entitled", http.StatusGone, noLongerValid, invitations.ErrNotPending},
	{invitations.ErrExpired, "expired", http.StatusGone, "This invitation has expired; ask for a new one", invitations.ErrNotPending},
	{invitations.ErrAccepted, "already_accepted", http.StatusConflict, "This invitation was already used", invitations.ErrNotPending},
	{invitations.ErrRecipientMismatch, "recipient_mismatch", http.StatusForbidden, "This invitation was sent to another address", nil},
	{invitations.ErrEmailUnverified, "email_unverified", http.StatusForbidden, "Verify your email address first", nil},
	{invitations.ErrDomainNotAllowed, "domain_not_allowed", http.StatusForbidden, "", nil},
	{invitations.ErrPermissionDenied, "permission_denied", http.StatusForbidden, "", nil},
	{invitations.ErrRoleNotAssignable, "role_not_assignable", http.StatusForbidden, "", nil},
	{invitations.ErrNotFound, "not_found", http.StatusNotFound, "", nil},
	{invitations.ErrAlreadyInvited, "already_invited", http.StatusConflict, "", nil},
	{invitations.ErrAlreadyMember, "already_member", http.StatusConflict, "", nil},
	{invitations.ErrConflict, "conflict", http.StatusConflict, "", nil},
	{invitations.ErrConcurrentChange, "concurrent_change", http.StatusConflict, "", invitations.ErrConflict},
	{invitations.ErrLinksNotAllowed, "links_not_allowed", http.StatusForbidden, "Links are not allowed in this organization", nil},
	{invitations.ErrLastOwner, "last_owner", http.StatusConflict, "", nil},
	{invitations.ErrPendingLimit, "pending_limit_reached", http.StatusConflict, "", nil},
	{invitations.ErrMemberLimit, "member_limit_reached", http.StatusConflict, "", nil},
	{invitations.ErrQuotaExceeded, "quota_exceeded", http.StatusTooManyRequests, "", nil},
	{invitations.ErrRateLimited, "rate_limited", http.StatusTooManyRequests, "", nil},
	{invitations.ErrTooSoon, "too_soon", http.StatusTooManyRequests, "", invitations.ErrRateLimited},
	{invitations.ErrInvalid, "invalid_argument", http.StatusUnprocessableEntity, "", nil},
	{invitations.ErrOutcomeUnknown, "outcome_unknown", http.StatusServiceUnavailable, "", nil},
}

func TestErrors(t *testing.T) {
	t.Parallel()
	require.Len(t, sentinels, len(invitations.Errors()))
	codes := map[string]bool{}
	for _, s := range sentinels {
		t.Run(s.code, func(t *testing.T) {
			require.Equal(t, s.code, s.err.Code())
			require.Equal(t, s.status, s.err.HTTPStatus())
			require.NotEmpty(t, s.err.Message())
			if s.message != "" {
				require.Equal(t, s.message, s.err.Message())
			}
			require.Regexp(t, `^invitations: [a-z][a-z :,']*[a-z]$`, s.err.Error())
			require.False(t, codes[s.code], "the code is taken")
			require.Contains(t, invitations.Errors(), s.err)
			codes[s.code] = true
		})
	}
}

// A sentinel matches itself and its coarse error, and no other sentinel.
func TestErrors_Is(t *testing.T) {
	t.Parallel()
	for _, a := range sentinels {
		wrapped := fmt.Errorf("accepting: %w", a.err)
		for _, b := range sentinels {
			want := a.err == b.err || a.coarse == b.err
			require.Equal(t, want, errors.Is(a.err, b.err), "%v is %v", a.err, b.err)
			require.Equal(t, want, errors.Is(wrapped, b.err), "%v, wrapped, is %v", a.err, b.err)
		}
		if a.coarse == nil {
			require.NoError(t, errors.Unwrap(a.err), "not a nil *Error in an error")
		}
	}
}

// errors.As finds the sentinel of every refusal.
func TestErrors_As(t *testing.T) {
	t.Parallel()
	for _, s := range sentinels {
		for _, err := range []error{s.err, fmt.Errorf("accepting: %w", s.err)} {
			var refusal *invitations.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, s.code, refusal.Code(), "the fine error comes before the coarse one")
		}
	}
	for err, want := range map[error]*invitations.Error{
		&invitations.InvalidError{Field: "email", Reason: "is empty"}:      invitations.ErrInvalid,
		&invitations.AlreadyInvitedError{InvitationID: signedID}:           invitations.ErrAlreadyInvited,
		fmt.Errorf("x: %w", &invitations.InvalidError{Field: "email"}):     invitations.ErrInvalid,
		fmt.Errorf("x: %w", &invitations.AlreadyInvitedError{}):            invitations.ErrAlreadyInvited,
		&invitations.PendingLimitError{Limit: 10, Pending: 10}:             invitations.ErrPendingLimit,
		&invitations.MemberLimitError{Limit: 5, Members: 5}:                invitations.ErrMemberLimit,
		&invitations.MembershipError{Organization: "acme"}:                 invitations.ErrConflict,
		&invitations.QuotaExceededError{}:                                  invitations.ErrQuotaExceeded,
		fmt.Errorf("x: %w", &invitations.QuotaExceededError{}):             invitations.ErrQuotaExceeded,
		errors.Join(errors.New("x"), invitations.ErrExpired):               invitations.ErrExpired,
		fmt.Errorf("%w: %w", errors.New("x"), invitations.ErrPendingLimit): invitations.ErrPendingLimit,
	} {
		var refusal *invitations.Error
		require.ErrorAs(t, err, &refusal)
		require.Same(t, want, refusal)
		require.ErrorIs(t, err, want)
		for _, other := range sentinels {
			if other.err != want && want != invitations.ErrExpired {
				require.NotErrorIs(t, err, other.err)
			}
		}
	}
	var refusal *invitations.Error
	require.False(t, errors.As(errors.New("disk full"), &refusal))
}

func TestInvalidError(t *testing.T) {
	t.Parallel()
	err := &invitations.InvalidError{Field: "email", Reason: "must contain an at sign"}
	require.Equal(t, "invitations: email must contain an at sign", err.Error())
}

func TestAlreadyInvitedError(t *testing.T) {
	t.Parallel()
	err := &invitations.AlreadyInvitedError{InvitationID: uuid.MustParse("019531f0-0000-7000-8000-000000000009")}
	require.Equal(t, invitations.ErrAlreadyInvited.Error(), err.Error())
}

// The errors with numbers have the texts of those that they match.
func TestLimitErrors(t *testing.T) {
	t.Parallel()
	require.Equal(t, invitations.ErrPendingLimit.Error(), (&invitations.PendingLimitError{Limit: 10, Pending: 10}).Error())
	require.Equal(t, invitations.ErrMemberLimit.Error(), (&invitations.MemberLimitError{Limit: 5, Members: 5}).Error())
	require.Equal(t, invitations.ErrConflict.Error(), (&invitations.MembershipError{Organization: "acme"}).Error())
}

func TestQuotaExceededError(t *testing.T) {
	t.Parallel()
	err := &invitations.QuotaExceededError{Balance: invitations.Balance{Own: usage(10, invitations.PeriodDay, 8, midnight(2026, 3, 2))}}
	require.Equal(t, invitations.ErrQuotaExceeded.Error(), err.Error())
	left, limited := err.Balance.Left()
	require.Equal(t, int64(2), left)
	require.True(t, limited)
}

// A RateLimitError tells when to try again, and matches ErrTooSoon within the cooldown.
func TestRateLimitError(t *testing.T) {
	t.Parallel()
	f := factsFor("Resend")
	f.Invitation.SentAt = noon
	f.Sendings = make([]invitations.Sending, 10)
	for i := range f.Sendings {
		f.Sendings[i] = invitations.Sending{At: noon.Add(-time.Hour), Email: "nina@example.com"}
	}
	svc := serviceOn(t, answering(f), atNoon())
	_, tooSoon := svc.Resend(t.Context(), olga, goodResend())
	f.Invitation.SentAt = noon.Add(-time.Minute)
	_, limited := svc.Resend(t.Context(), olga, goodResend())
	for err, want := range map[error]struct {
		reason *invitations.Error
		at     time.Time
	}{
		tooSoon: {invitations.ErrTooSoon, noon.Add(time.Minute)}, limited: {invitations.ErrRateLimited, noon.Add(23 * time.Hour)},
	} {
		for _, err := range []error{err, fmt.Errorf("inviting: %w", err)} {
			var limit *invitations.RateLimitError
			require.ErrorAs(t, err, &limit)
			require.Equal(t, want.at, limit.RetryAt())
			require.Equal(t, want.reason.Error(), limit.Error())
			var refusal *invitations.Error
			require.ErrorAs(t, err, &refusal)
			require.Same(t, want.reason, refusal, "the fine error comes before the coarse one")
			for _, s := range sentinels {
				require.Equal(t, s.err == want.reason || s.err == invitations.ErrRateLimited, errors.Is(err, s.err), "%v is %v", err, s.err)
			}
		}
	}
}

// RetryAt is set if every quota that is short resets and has enough then.
func TestQuotaExceededError_RetryAt(t *testing.T) {
	t.Parallel()
	tomorrow, april := midnight(2026, 3, 2), midnight(2026, 4, 1)
	perDay := func(limit, used int64) *invitations.Usage { return usage(limit, invitations.PeriodDay, used, tomorrow) }
	perMonth := func(limit, used int64) *invitations.Usage { return usage(limit, invitations.PeriodMonth, used, april) }
	endless := func(limit, used int64) *invitations.Usage {
		return usage(limit, invitations.PeriodEndless, used, time.Time{})
	}
	for name, c := range map[string]struct {
		amount      int64
		own, shared *invitations.Usage
		want        time.Time
	}{
		"own short":                     {3, perDay(10, 8), nil, tomorrow},
		"shared short":                  {3, nil, perMonth(10, 8), april},
		"own short, shared enough":      {3, perDay(10, 8), perMonth(100, 8), tomorrow},
		"shared short, own enough":      {3, perDay(10, 7), perMonth(10, 8), april},
		"both short, shared for longer": {3, perDay(10, 8), perMonth(10, 8), april},
		"both short, own for longer":    {3, perMonth(10, 8), perDay(10, 8), april},
		"own endless and short":         {3, endless(10, 8), perMonth(100, 8), time.Time{}},
		"shared endless and short":      {3, perDay(10, 8), endless(10, 8), time.Time{}},
		"shared endless and enough":     {3, perDay(10, 8), endless(10, 7), tomorrow},
		"more than the limit":           {11, perDay(10, 0), nil, time.Time{}},
		"as much as the limit":          {10, perDay(10, 1), nil, tomorrow},
		"more than the shared limit":    {11, perDay(20, 15), perMonth(10, 0), time.Time{}},
		"a limit of 0":                  {1, perDay(0, 0), nil, time.Time{}},
		"a limit below the amount used": {5, perDay(5, 9), nil, tomorrow},
		"both enough":                   {3, perDay(10, 1), perMonth(10, 1), time.Time{}},
		"no quota":                      {3, nil, nil, time.Time{}},
	} {
		err := &invitations.QuotaExceededError{Amount: c.amount, Balance: invitations.Balance{Own: c.own, Shared: c.shared}}
		require.Equal(t, c.want, err.RetryAt(), name)
	}
}
