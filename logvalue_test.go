package invitations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// logged returns the attribute that the JSON handler of slog writes for a value.
func logged(t *testing.T, value any) string {
	t.Helper()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", slog.Any("value", value))
	var line struct{ Value json.RawMessage }
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	return string(line.Value)
}

// An error logs as a group with its code and values.
func TestLogValue_Errors(t *testing.T) {
	t.Parallel()
	for _, e := range invitations.Errors() {
		require.JSONEq(t, fmt.Sprintf(`{"message":%q,"code":%q}`, e.Error(), e.Code()), logged(t, e))
	}
	for i, extra := range []string{
		``,
		`,"field":"state","reason_code":"unknown_value"`,
		`,"field":"email","reason_code":"too_long","values":{"max":"254","unit":"bytes"}`,
		`,"invitation_id":"019531f0-0000-7000-8000-000000000009"`,
		`,"organization":"acme"`,
		`,"limit":10,"pending":12`,
		`,"limit":5,"members":5,"reserved":0`,
		`,"retry_at":"2026-03-01T12:00:00Z"`,
		`,"retry_at":"2026-03-01T12:00:00Z"`,
		`,"own":{"limit":10,"used":8},"retry_at":"2026-03-02T00:00:00Z"`,
		``,
	} {
		c := problems[i]
		require.JSONEq(t, fmt.Sprintf(`{"message":%q,"code":%q%s}`, c.err.Error(), c.code, extra), logged(t, c.err))
		require.Implements(t, (*slog.LogValuer)(nil), c.err)
	}
	require.Len(t, problems, 11)
}

// The text handler gives the same attributes.
func TestLogValue_Text(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "err", error(invitations.ErrExpired))
	require.Contains(t, out.String(), ` err.message="invitations: invitation has expired" err.code=expired`)
}

// Actors and identities log without an address.
func TestLogValue_People(t *testing.T) {
	t.Parallel()
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	for want, value := range map[string]any{
		`{"user_id":"ada"}`:                        invitations.User("ada"),
		`{"system":true}`:                          invitations.System(),
		`{"user_id":""}`:                           invitations.Actor{},
		`{"user_id":"ada","at_most":"viewer"}`:     invitations.User("ada").AtMost("viewer"),
		`{"system":true,"at_most":"king, viewer"}`: invitations.System().AtMost("viewer").AtMost("king"),
		`{"user_id":"bob","email_verified":true}`:  bob,
		`{"user_id":"","email_verified":false}`:    invitations.Identity{Email: "eve@example.com"},
		`{"user_id":"bob","email_verified":false}`: invitations.Visitor{Identity: invitations.Identity{UserID: "bob", Email: "bob@example.com"}},
	} {
		require.JSONEq(t, want, logged(t, value))
	}
	require.NotContains(t, logged(t, &bob), "example.com")
}
