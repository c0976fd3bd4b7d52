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
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// A store may keep these values as JSON.
func TestJSON_StoredValuesSurvive(t *testing.T) {
	t.Parallel()
	at := utc(2026, 3, 1, 12, 0, 0, 123_456)
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	metadata := map[string]string{"<k>": "\u2028 v"}
	limits := invitations.Limits{
		Members: 100_000, Pending: 3, SeatlessRoles: []invitations.Role{"viewer"}, NoLinks: true,
		AllowedDomains: []string{"example.com"}, Expiry: 3*day + time.Microsecond,
	}
	requireRoundTrip(t, invitations.Record{
		Invitation: invitations.Invitation{
			ID: id, Organization: "acme", Kind: invitations.KindLink, State: invitations.StateRevoked, Email: "a@example.com",
			Role: "viewer", Message: "Hi\n", Metadata: metadata, AllowedDomains: []string{"example.com"}, MaxUses: 3, Uses: 2,
			Quota: invitations.Quota{Limit: 1 << 50, Period: "month"}, CreatedBy: "ada", SentBy: "bob", AcceptedBy: "kim",
			CreatedAt: at, SentAt: at.Add(1000), ExpiresAt: at.Add(2000), EndedAt: at.Add(3000),
		},
		Nonce: invitations.NewNonce(), SentVersion: 1 << 60, SweepAt: at.Add(4000),
	})
	requireRoundTrip(t, invitations.Record{})
	requireRoundTrip(t, invitations.Member{
		Organization: "acme", UserID: "ada", Role: "owner", JoinedAt: at, InvitationID: id, InvitedBy: "bob", Metadata: metadata,
	})
	requireRoundTrip(t, invitations.Member{})
	requireRoundTrip(t, invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberJoined, At: at, Actor: "ada", Subject: "bob",
		InvitationID: id, Email: "a@example.com", Role: "viewer", Quota: invitations.Quota{Limit: 5, Period: "day"},
		MaxUses: 3, ExpiresAt: at.Add(5000), Reason: "because", FormerRole: "admin", InvitedBy: "ada",
		AllowedDomains: []string{"example.com"}, Changed: []string{"role", "message"}, Limits: &limits,
	})
	requireRoundTrip(t, limits)
	requireRoundTrip(t, invitations.Limits{})
	requireRoundTrip(t, invitations.Limits{Members: invitations.NoLimit})
	requireRoundTrip(t, invitations.MemberUsage{UserID: "ada", Used: 9 * maxAmount})
	requireRoundTrip(t, invitations.Event{Position: 1 << 60, Organization: "acme", Version: 7, Index: 2, Type: "member.left", At: at})
	requireRoundTrip(t, invitations.Event{})
	requireRoundTrip(t, invitations.Sending{At: at, Actor: "ada", Email: "a@example.com"})
	requireRoundTrip(t, invitations.QuotaRecord{
		Organization: "acme", UserID: "ada", Quota: invitations.Quota{Limit: maxAmount, Period: "endless"}, Version: 7,
		PeriodStart: at, Used: maxAmount,
	})
	requireRoundTrip(t, invitations.QuotaRecord{UserID: "ada", Quota: invitations.Quota{Limit: invitations.NoLimit, Period: "day"}, Used: 9 * maxAmount})
	requireRoundTrip(t, invitations.QuotaRecord{})
	requireRoundTrip(t, invitations.Statistics{
		Total: invitations.Funnel{
			Created: 1, Pending: 2, Accepted: 3, Declined: 4, Revoked: 5, Expired: 6, Used: 7, Joined: 8, Median: 9, P90: 10,
		},
		BySender: []invitations.Funnel{{Key: "ada", Created: 1}},
	})
}

// The zero Quota is left out.
func TestJSON_Quota(t *testing.T) {
	t.Parallel()
	quota := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	for want, value := range map[string]any{
		`{"organization":"acme","version":7,"index":0,"type":"quota.changed","at":"2026-03-01T12:00:00Z","actor":"ada","subject":"bob",
			"quota":{"limit":5,"period":"day"}}`: invitations.Event{
			Organization: "acme", Version: 7, Type: invitations.EventQuotaChanged, At: noon, Actor: "ada", Subject: "bob", Quota: quota,
		},
		`{"organization":"acme","version":7,"index":1,"type":"member.left","at":"2026-03-01T12:00:00Z","actor":"bob","subject":"bob",
			"role":"viewer"}`: invitations.Event{
			Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberLeft, At: noon, Actor: "bob", Subject: "bob", Role: "viewer",
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"quota":{"limit":5,"period":"day"},
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer", Quota: quota,
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon,
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer",
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon,
		},
		`{"organization":"acme","user_id":"bob","limit":5,"period":"day","version":7,"period_start":"2026-03-01T12:00:00Z","used":2}`: invitations.QuotaRecord{
			Organization: "acme", UserID: "bob", Quota: quota, Version: 7, PeriodStart: noon, Used: 2,
		},
	} {
		requireJSON(t, want, value)
	}
}

func TestJSON_EventsAndLists(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	event := invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventInvitationResent, At: noon, Actor: "ada", InvitationID: id,
		Email: "nina@example.com", Role: "viewer", MaxUses: 1, ExpiresAt: noon,
	}
	const eventText = `"organization":"acme","version":7,"index":1,"type":"invitation.resent","at":"2026-03-01T12:00:00Z","actor":"ada",
		"invitation_id":"01957b2c-0000-7000-8000-000000000001","email":"nina@example.com","role":"viewer","max_uses":1,"expires_at":"2026-03-01T12:00:00Z"`
	inFeed := event
	inFeed.Position = 9
	offered := invitations.Offer{
		ID: id, Organization: "acme", Kind: "email", Email: "nina@example.com", Role: "viewer", SentAt: noon, ExpiresAt: noon,
	}
	for want, value := range map[string]any{
		`{` + eventText + `}`:              event,
		`{"position":9,` + eventText + `}`: inFeed,
		`{"items":[{` + eventText + `}],"next_cursor":"abc"}`: invitations.List[invitations.Event]{
			Items: []invitations.Event{event}, NextCursor: "abc",
		},
		`{"items":[]}`: invitations.List[invitations.Event]{Items: []invitations.Event{}},
		`{"items":[{"id":"01957b2c-0000-7000-8000-000000000001","organization":"acme","kind":"email","email":"nina@example.com",
			"role":"viewer","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}],"next_cursor":"abc"}`: invitations.List[invitations.Offer]{
			Items: []invitations.Offer{offered}, NextCursor: "abc",
		},
		`{"items":[
			{"organization":"acme","user_id":"olga","role":"owner","joined_at":"2026-03-01T12:00:00Z"},
			{"organization":"acme","user_id":"dora","role":"viewer","joined_at":"2026-03-01T12:00:00Z",
				"invitation_id":"019531f0-0000-7000-8000-000000000001","invited_by":"olga","metadata":{"team":"red"}}
		],"next_cursor":"abc"}`: invitations.List[invitations.Member]{
			Items: []invitations.Member{
				{Organization: "acme", UserID: "olga", Role: "owner", JoinedAt: noon},
				{
					Organization: "acme", UserID: "dora", Role: "viewer", JoinedAt: noon, InvitationID: signedID, InvitedBy: "olga",
					Metadata: map[string]string{"team": "red"},
				},
			},
			NextCursor: "abc",
		},
	} {
		requireJSON(t, want, value)
	}
}

func TestJSON_Statistics(t *testing.T) {
	t.Parallel()
	const funnelText = `"created":4,"pending":1,"accepted":1,"declined":1,"revoked":1,"expired":0,"used":1,"joined":2,"median_ns":5,"p90_ns":9`
	total := invitations.Funnel{Created: 4, Pending: 1, Accepted: 1, Declined: 1, Revoked: 1, Used: 1, Joined: 2, Median: 5, P90: 9}
	group := total
	group.Key = "x"
	groups := []invitations.Funnel{group}
	requireJSON(t, `{"total":{"key":"",`+funnelText+`},"by_kind":[{"key":"x",`+funnelText+`}],"by_role":[{"key":"x",`+funnelText+`}],
		"by_sender":[{"key":"x",`+funnelText+`}],"by_link":[{"key":"x",`+funnelText+`}]}`, invitations.Statistics{
		Total: total, ByKind: groups, ByRole: groups, BySender: groups, ByLink: groups,
	})
}

func TestJSON_Workspaces(t *testing.T) {
	t.Parallel()
	list := invitations.WorkspaceList{
		Personal: invitations.Balance{Own: usage(7, invitations.PeriodEndless, 3, time.Time{})},
		Organizations: []invitations.OrganizationWorkspace{
			{ID: "acme", Role: "owner"},
			{ID: "bcme", Role: "viewer", Balance: invitations.Balance{Shared: usage(9, invitations.PeriodDay, 1, midnight(2026, 3, 2))}},
		},
		NextCursor: "abc",
	}
	requireJSON(t, `{
		"personal":{"own":{"limit":7,"period":"endless","used":3}},
		"organizations":[
			{"id":"acme","role":"owner","balance":{}},
			{"id":"bcme","role":"viewer","balance":{"shared":{"limit":9,"period":"day","used":1,"resets_at":"2026-03-02T00:00:00Z"}}}
		],
		"next_cursor":"abc"}`, list)
	requireRoundTrip(t, list)
}

func TestJSON_Balance(t *testing.T) {
	t.Parallel()
	for want, balance := range map[string]invitations.Balance{
		`{}`: {},
		`{"own":{"limit":5,"period":"day","used":2,"resets_at":"2026-03-02T00:00:00Z"}}`: {
			Own: usage(5, invitations.PeriodDay, 2, midnight(2026, 3, 2)),
		},
		`{"own":{"limit":0,"period":"month","used":0},"shared":{"limit":9,"period":"endless","used":9}}`: {
			Own:    usage(0, invitations.PeriodMonth, 0, time.Time{}),
			Shared: usage(9, invitations.PeriodEndless, 9, time.Time{}),
		},
	} {
		requireJSON(t, want, balance)
		requireRoundTrip(t, balance)
	}
}

func TestJSON_NextStep(t *testing.T) {
	t.Parallel()
	const types = "https://github.com/go-invitations/invitations/blob/main/docs/errors.md#"
	for want, next := range map[string]invitations.NextStep{
		`{"step":"stop","problem":{"type":"` + types + `expired","title":"This invitation has expired; ask for a new one",
			"status":410,"code":"expired"}}`: {Step: invitations.StepStop, Reason: invitations.ErrExpired},
		`{"step":"open","organization":"acme","problem":{"type":"` + types + `already_member","title":"Already a member",
			"status":409,"code":"already_member"}}`: {Step: invitations.StepOpen, Organization: "acme", Reason: invitations.ErrAlreadyMember},
		`{"step":"open","organization":"acme"}`: {Step: invitations.StepOpen, Organization: "acme"},
		`{"step":"accept","offer":{"id":"019531f0-0000-7000-8000-000000000001","organization":"acme","kind":"email","email":"nina@example.com",
			"role":"developer","message":"Welcome!","sent_by":"olga","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-08T12:00:00Z"}}`: {
			Step: invitations.StepAccept, Offer: offer,
		},
	} {
		requireJSON(t, want, next)
	}
}

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
