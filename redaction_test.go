package invitations_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// renderings returns the texts that would disclose a secret or a large part of it.
func renderings(secret []byte) []string {
	var found []string
	for _, part := range [][]byte{secret, secret[:12], secret[len(secret)/2:][:12], secret[len(secret)-12:]} {
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		goSyntax := fmt.Sprintf("%#v", part)
		goSyntax = goSyntax[strings.Index(goSyntax, "{")+1 : len(goSyntax)-1]
		octal := strings.Trim(fmt.Sprintf("%o", part), "[]")
		binary := strings.Trim(fmt.Sprintf("%b", part), "[]")
		chars := strings.Trim(fmt.Sprintf("%c", part), "[]")
		code := strings.Trim(fmt.Sprintf("%U", part), "[]")
		quoted := strings.Trim(fmt.Sprintf("%q", string(part)), `"`)
		found = append(found, string(part), quoted, decimal, goSyntax, octal, binary, chars, code,
			strings.ReplaceAll(decimal, " ", ","),
			hex.EncodeToString(part), fmt.Sprintf("%X", part), fmt.Sprintf("% x", part), fmt.Sprintf("%# x", part))
	}
	// Base64 groups three bytes, so the secret can begin at three places.
	for shift := range 3 {
		shifted := append(make([]byte, shift), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			found = append(found, encoding.EncodeToString(shifted)[4:20])
		}
	}
	return found
}

// requireHidden fails if out contains one of the renderings.
func requireHidden(t require.TestingT, out string, shown []string) {
	for _, s := range shown {
		if strings.Contains(out, s) {
			require.Failf(t, "the secret is disclosed", "%q in %q", s, out)
		}
	}
}

// Structs in which a host might keep a secret.
type (
	openHolder struct {
		Name  string
		Token invitations.Token
		Ring  invitations.Keyring
		Ptr   *invitations.Token
		Ring2 *invitations.Keyring
	}
	closedHolder struct {
		name  string
		token invitations.Token
		ring  invitations.Keyring
		ptr   *invitations.Token
		ring2 *invitations.Keyring
		any   any
		sent  invitations.SentInvitation
		bulk  []invitations.Outcome
		list  []invitations.Token
		dict  map[string]invitations.Token
	}
	embedder struct {
		invitations.Token
	}
)

// secretsOf returns a ring, a token, and the renderings of the keys, the token and its MAC.
func secretsOf(t *testing.T) (*invitations.Keyring, invitations.Token, []string) {
	t.Helper()
	second := bytes.Repeat([]byte("Zz9-"), 10)
	ring := ringOf(t, testKey, second)
	token := invitations.SignToken(ring, signed)
	var shown []string
	for _, secret := range [][]byte{[]byte(token.Reveal()), validWire().binary()[len(validWire().message()):], testKey, second} {
		shown = append(shown, renderings(secret)...)
	}
	return ring, token, shown
}

func TestClass33_SecretsAreRedacted(t *testing.T) {
	t.Parallel()
	ring, token, shown := secretsOf(t)
	sent := invitations.SentInvitation{Invitation: invitations.Invitation{ID: signedID, Email: "nina@example.com"}, Token: token}
	for name, value := range map[string]any{
		"token":                    token,
		"token pointer":            &token,
		"keyring":                  *ring,
		"keyring pointer":          ring,
		"sent":                     sent,
		"sent pointer":             &sent,
		"outcome":                  invitations.Outcome{Invitation: sent},
		"outcomes":                 []invitations.Outcome{{Invitation: sent}, {Err: invitations.ErrTooSoon}},
		"outcome pointer":          &invitations.Outcome{Invitation: sent, Err: errors.New("x")},
		"slice of tokens":          []invitations.Token{token, token},
		"slice of pointers":        []*invitations.Token{&token},
		"array":                    [2]invitations.Token{token, token},
		"map of tokens":            map[string]invitations.Token{"a": token},
		"map by token":             map[invitations.Token]string{token: "a"},
		"slice of any":             []any{token, ring, *ring, &token, sent},
		"slice of keyrings":        []invitations.Keyring{*ring},
		"map of keyrings":          map[string]*invitations.Keyring{"a": ring},
		"exported fields":          openHolder{"x", token, *ring, &token, ring},
		"exported fields, pointer": &openHolder{"x", token, *ring, &token, ring},
		"embedded":                 embedder{token},
		"embedded pointer":         &embedder{token},
		"error around it":          fmt.Errorf("cannot send %v with %v: %w", token, ring, errors.New("smtp")),
		"function":                 token.Reveal, // not called
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireNeverShown(t, value, "vTtbcdoOqxXUeEfFgGspw!z", shown)
		})
	}
}

// The fmt package does not call methods of unexported fields, so their values must be
// unreadable by themselves.
func TestClass33_UnexportedFieldsAreUnreadable(t *testing.T) {
	t.Parallel()
	ring, token, shown := secretsOf(t)
	svc, err := invitations.New(memstore.New(), ring, invitations.Config{})
	require.NoError(t, err)
	closed := closedHolder{
		name: "x", token: token, ring: *ring, ptr: &token, ring2: ring, any: token,
		sent: invitations.SentInvitation{Token: token}, bulk: []invitations.Outcome{{Invitation: invitations.SentInvitation{Token: token}}}, list: []invitations.Token{token}, dict: map[string]invitations.Token{"t": token},
	}
	for name, value := range map[string]any{
		"service":              svc,
		"service value":        *svc,
		"struct":               closed,
		"pointer":              &closed,
		"slice":                []closedHolder{closed},
		"slice of pointers":    []*closedHolder{&closed},
		"map":                  map[string]closedHolder{"a": closed},
		"pointer to pointer":   func() any { p := &closed; return &p }(),
		"in an exported field": struct{ Closed closedHolder }{closed},
		"only a token":         struct{ token invitations.Token }{token},
		"two tokens":           struct{ a, b invitations.Token }{token, token},
		"only a keyring":       struct{ ring invitations.Keyring }{*ring},
		"only a pointer":       struct{ token *invitations.Token }{&token},
		"interface":            struct{ v any }{token},
		"interface, pointer":   struct{ v any }{&token},
		"embedded":             struct{ closedHolder }{closed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireNeverShown(t, value, "vTtbcdoOqxXUeEfFgGspw!z", shown)
		})
	}
}

// requireNeverShown prints, marshals and logs value in many ways and fails if one of them
// discloses a secret.
func requireNeverShown(t *testing.T, value any, verbs string, shown []string) {
	t.Helper()
	for _, flags := range []string{"", "+", "#", " ", "-", "0", "+#", "# ", "200", ".3", "10.200", "[1]"} {
		for _, verb := range verbs {
			requireHidden(t, fmt.Sprintf("%"+flags+string(verb), value), shown)
		}
	}
	requireHidden(t, fmt.Sprint(value), shown)
	requireHidden(t, fmt.Sprintln(value), shown)
	for _, wrong := range []string{"%!", "no verb", "%*d", "%[2]d", "%.*d"} {
		requireHidden(t, fmt.Sprintf(wrong, value, value), shown)
	}

	if out, err := json.Marshal(value); err == nil {
		requireHidden(t, string(out), shown)
	}
	if out, err := json.MarshalIndent(map[string]any{"v": value}, "", " "); err == nil {
		requireHidden(t, string(out), shown)
	}
	if out, err := xml.Marshal(value); err == nil {
		requireHidden(t, string(out), shown)
	}
	var text, lines bytes.Buffer
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&text, &slog.HandlerOptions{AddSource: true}), slog.NewJSONHandler(&lines, nil),
	} {
		log := slog.New(handler).With("with", value).WithGroup("group")
		log.Info("message", "value", value, slog.Group("g", slog.Any("v", value)), "list", []any{value})
		log.Error(fmt.Sprint(value))
	}
	require.NotZero(t, text.Len())
	require.NotZero(t, lines.Len())
	requireHidden(t, text.String(), shown)
	requireHidden(t, lines.String(), shown)
}

// The tests above find a secret that is printed without protection.
func TestClass33_TestFindsBareSecrets(t *testing.T) {
	t.Parallel()
	secret := []byte(validWire().text())
	for _, out := range []string{
		string(secret), fmt.Sprintf("%q", secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
		fmt.Sprint(secret), fmt.Sprintf("%#v", secret), fmt.Sprintf("%v", [96]byte(secret)), fmt.Sprintf("%v", &[]any{secret}),
		base64.StdEncoding.EncodeToString(append([]byte("x"), secret...)), string(secret[30:70]),
	} {
		seen := false
		for _, shown := range renderings(secret) {
			seen = seen || strings.Contains(out, shown)
		}
		require.True(t, seen, out)
	}
}

// A secret formats, marshals and logs as "[redacted]".
func TestRedaction(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	token := invitations.SignToken(ring, signed)
	const redacted = "[redacted]"
	for _, value := range []any{token, &token, ring, *ring, invitations.Token{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.Equal(t, redacted, fmt.Sprintf(verb, value), "%s of %T", verb, value)
		}
		out, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, `"`+redacted+`"`, string(out))
		require.Equal(t, redacted, slog.AnyValue(value).Resolve().String())
	}
	require.Equal(t, redacted, token.String())

	out, err := json.Marshal(invitations.SentInvitation{Token: token})
	require.NoError(t, err)
	require.NotContains(t, string(out), "oken", "JSON does not mention the token")
}

// Nil pointers can be printed.
func TestRedaction_Nil(t *testing.T) {
	t.Parallel()
	var ring *invitations.Keyring
	var token *invitations.Token
	for _, value := range []any{ring, token} {
		require.NotPanics(t, func() {
			_ = fmt.Sprintf("%v %+v %#v %s", value, value, value, value)
			_, _ = json.Marshal(value)
			slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)).Info("x", "value", value)
		})
	}
}
