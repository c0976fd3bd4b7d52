package invitations_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var pendingID = uuid.MustParse("019531f0-0000-7000-8000-000000000009")

// problems has one error of each type with values, and what its problem adds to the members that
// all problems have.
var problems = []struct {
	err   error
	code  string
	extra string
}{
	{invitations.ErrInvalid, "invalid_argument", ``},
	{&invitations.InvalidError{Field: "state", Reason: "must be a known state", Code: "unknown_value"}, "invalid_argument", `,
		"detail":"state must be a known state","field":"state","reason_code":"unknown_value"`},
	{&invitations.InvalidError{
		Field: "email", Reason: "must have at most 254 bytes", Code: "too_long", Values: map[string]string{"max": "254", "unit": "bytes"},
	}, "invalid_argument", `,
		"detail":"email must have at most 254 bytes","field":"email","reason_code":"too_long","values":{"max":"254","unit":"bytes"}`},
	{&invitations.AlreadyInvitedError{InvitationID: pendingID}, "already_invited", `,
		"invitation_id":"019531f0-0000-7000-8000-000000000009"`},
	{&invitations.MembershipError{Organization: "acme"}, "conflict", `,"organization":"acme"`},
	{&invitations.PendingLimitError{Limit: 10, Pending: 12}, "pending_limit_reached", `,"numbers":{"limit":10,"pending":12}`},
	{&invitations.MemberLimitError{Limit: 5, Members: 5}, "member_limit_reached", `,"numbers":{"limit":5,"members":5,"reserved":0}`},
	{&invitations.RateLimitError{TooSoon: true, At: noon}, "too_soon", `,"retry_at":"2026-03-01T12:00:00Z"`},
	{&invitations.RateLimitError{At: noon}, "rate_limited", `,"retry_at":"2026-03-01T12:00:00Z"`},
	{&invitations.QuotaExceededError{Amount: 3, Balance: invitations.Balance{At: noon, Own: &invitations.Usage{
		Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay}, Used: 8, ResetsAt: midnight(2026, 3, 2),
	}}}, "quota_exceeded", `,"retry_at":"2026-03-02T00:00:00Z",
		"balance":{"own":{"limit":10,"period":"day","used":8,"resets_at":"2026-03-02T00:00:00Z"},"at":"2026-03-01T12:00:00Z"}`},
	{&invitations.QuotaExceededError{Amount: 3, Balance: invitations.Balance{At: noon}}, "quota_exceeded", `,
		"balance":{"at":"2026-03-01T12:00:00Z"}`},
}

func errorOf(t *testing.T, code string) *invitations.Error {
	t.Helper()
	for _, e := range invitations.Errors() {
		if e.Code() == code {
			return e
		}
	}
	require.Fail(t, "no error has this code", code)
	return nil
}

func TestProblemOf(t *testing.T) {
	t.Parallel()
	all := slices.Clone(problems)
	for _, e := range invitations.Errors() {
		all = append(all, struct {
			err         error
			code, extra string
		}{e, e.Code(), ""})
	}
	for _, c := range all {
		e := errorOf(t, c.code)
		want := fmt.Sprintf(`{"type":"https://github.com/go-invitations/invitations/blob/main/docs/errors.md#%s","title":%q,"status":%d,"code":%q%s}`,
			c.code, e.Message(), e.HTTPStatus(), c.code, c.extra)
		for _, err := range []error{c.err, fmt.Errorf("inviting eve@example.com: %w", c.err), errors.Join(errors.New("select 1"), c.err)} {
			problem, ok := invitations.ProblemOf(err)
			require.True(t, ok)
			got, marshalErr := json.Marshal(problem)
			require.NoError(t, marshalErr)
			require.JSONEq(t, want, string(got))
			var back invitations.Problem
			require.NoError(t, json.Unmarshal(got, &back))
			require.Equal(t, problem, back, "a client can read it")
			_, parseErr := url.ParseRequestURI(problem.Type)
			require.NoError(t, parseErr)
		}
	}
}

// An error that is not of the package tells nothing.
func TestProblemOf_InternalErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New(`dial tcp 10.0.0.7: password "hunter2"`), context.Canceled, context.DeadlineExceeded,
		fmt.Errorf("select email from invitations: %w", os.ErrClosed), nil,
	} {
		problem, ok := invitations.ProblemOf(err)
		require.False(t, ok)
		got, marshalErr := json.Marshal(problem)
		require.NoError(t, marshalErr)
		require.JSONEq(t, `{"type":"https://github.com/go-invitations/invitations/blob/main/docs/errors.md#internal",
			"title":"Something went wrong","status":500,"code":"internal"}`, string(got))
	}
}

// The values belong to the error that gives the code.
func TestProblemOf_SeveralErrors(t *testing.T) {
	t.Parallel()
	for _, c := range problems {
		for _, e := range invitations.Errors() {
			problem, ok := invitations.ProblemOf(errors.Join(e, c.err))
			require.True(t, ok)
			require.Equal(t, e.Code(), problem.Code)
			if !errors.Is(c.err, e) {
				alone, _ := invitations.ProblemOf(e)
				if e == invitations.ErrTooSoon && problem.Code == "too_soon" {
					continue // the instant of another sending limit
				}
				require.Equal(t, alone, problem)
			}
		}
	}
}

// A change of the problem does not change the error, which may be shared.
func TestProblemOf_SharesNoValues(t *testing.T) {
	t.Parallel()
	err := &invitations.InvalidError{Field: "email", Code: "too_long", Values: map[string]string{"max": "254"}}
	problem, _ := invitations.ProblemOf(err)
	problem.Values["max"] = "1"
	require.Equal(t, "254", err.Values["max"])
}

// A refusal names the argument and not its value.
func TestProblemOf_NoValueOfTheCaller(t *testing.T) {
	t.Parallel()
	const secret = "xyzzy"
	svc := acmeOn(t, func() time.Time { return noon }, invitations.Config{})
	invite := func(change func(*invitations.InviteParams)) error {
		p := invitations.InviteParams{Organization: "acme", Email: "nina@example.com", Role: invitations.RoleViewer}
		change(&p)
		_, err := svc.Invite(t.Context(), olga, p)
		return err
	}
	_, lookupErr := svc.Lookup(t.Context(), "inv_"+secret)
	for name, err := range map[string]error{
		"email":        invite(func(p *invitations.InviteParams) { p.Email = secret }),
		"domain":       invite(func(p *invitations.InviteParams) { p.Email = "a@" + secret }),
		"role":         invite(func(p *invitations.InviteParams) { p.Role = secret }),
		"message":      invite(func(p *invitations.InviteParams) { p.Message = secret + "\x00" }),
		"metadata":     invite(func(p *invitations.InviteParams) { p.Metadata = map[string]string{secret: "\x00"} }),
		"organization": invite(func(p *invitations.InviteParams) { p.Organization = secret }),
		"token":        lookupErr,
	} {
		problem, ok := invitations.ProblemOf(err)
		require.True(t, ok, name)
		got, marshalErr := json.Marshal(problem)
		require.NoError(t, marshalErr)
		require.NotContains(t, string(got), secret, name)
	}
}

// declaredErrors returns the names and codes of the error variables in errors.go, in order.
func declaredErrors(t *testing.T) (names, codes []string) {
	t.Helper()
	source, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	_, err = parser.ParseFile(token.NewFileSet(), "errors.go", source, 0)
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?m)^(?:var |\t)(Err\w+) += &Error\{code: "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		names, codes = append(names, m[1]), append(codes, m[2])
	}
	require.Equal(t, strings.Count(string(source), "&Error{"), len(names), "the test misses a declaration")
	return names, codes
}

// Errors returns every error variable, in the order of errors.go.
func TestErrors_All(t *testing.T) {
	t.Parallel()
	_, want := declaredErrors(t)
	var got []string
	for _, e := range invitations.Errors() {
		got = append(got, e.Code())
	}
	require.Equal(t, want, got)
	for name := range parseCore(t, token.NewFileSet()) {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		if name != "errors.go" {
			require.NotContains(t, string(source), "&Error{", "%s declares an error", name)
		}
	}
	all := invitations.Errors()
	all[0] = nil
	require.NotNil(t, invitations.Errors()[0], "a caller gets a copy")
}

// docs/errors.md lists every error, and every reason code with the names of its values.
func TestDocuments_ErrorCodes(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("docs/errors.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| <a id="(\w+)"></a>` + "`(\\w+)` \\| (\\d+) \\| `(\\w+)` \\| (.+) \\| `?(\\w*)`? \\|$")
	var got []string
	for _, m := range row.FindAllStringSubmatch(string(document), -1) {
		require.Equal(t, m[1], m[2], "the anchor of the code")
		got = append(got, strings.Join(m[2:], " "))
	}
	names, _ := declaredErrors(t)
	var want []string
	for i, e := range invitations.Errors() {
		coarse := ""
		if at := slices.IndexFunc(invitations.Errors(), func(c *invitations.Error) bool { return e != c && errors.Is(e, c) }); at >= 0 {
			coarse = names[at]
		}
		want = append(want, fmt.Sprintf("%s %d %s %s %s", e.Code(), e.HTTPStatus(), names[i], e.Message(), coarse))
	}
	require.Equal(t, want, got)

	_, reasons, found := strings.Cut(string(document), "\n## Reason codes\n")
	require.True(t, found)
	documented := map[string][]string{}
	var codes []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .+ \\| (.*) \\|$").FindAllStringSubmatch(reasons, -1) {
		codes = append(codes, m[1])
		documented[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return strings.ContainsRune("`, ", r) })
	}
	require.Equal(t, invitations.InvalidCodes(), codes)
	for code, values := range valuesByCode(t) {
		require.ElementsMatch(t, values, documented[code], code)
	}
}

// valuesByCode returns the names of the values that an InvalidError of each code can have.
func valuesByCode(t *testing.T) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	for _, pattern := range invalidFiles {
		for _, call := range invalidCalls(t, pattern) {
			values[call.code] = append(values[call.code], call.values...)
		}
	}
	for code := range values {
		slices.Sort(values[code])
		values[code] = slices.Compact(values[code])
	}
	// The function bound gives the values of these.
	values["out_of_range"], values["too_large"] = []string{"max", "min", "unit"}, []string{"max", "unit"}
	return values
}
