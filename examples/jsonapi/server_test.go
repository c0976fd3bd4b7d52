package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// A world is a test's server with its store, clock and log.
type world struct {
	*app
	t     *testing.T
	url   string
	store *memstore.Store
	logs  *lockedBuffer

	mu sync.Mutex
	at time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: memstore.New(), logs: &lockedBuffer{}, at: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	svc, err := invitations.New(w.store, keys, invitations.Config{Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	base, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.app = newApp(svc, base, w.clock, slog.New(slog.NewTextHandler(w.logs, nil)))
	server.Config.Handler = w.handler()
	server.Start()
	t.Cleanup(server.Close)
	return w
}

func (b *browser) get(path string) answer { return b.do("GET", path, "") }

// submit submits a form of names and values.
func (b *browser) submit(path string, form ...string) answer {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return b.do("POST", path, values.Encode())
}

// mailedTo returns the path of the link in the newest mail to this address, or "/none".
func (b *browser) mailedTo(email string) string {
	for _, mail := range regexp.MustCompile(`mail to (\S+): <a href="([^"]+)"`).FindAllStringSubmatch(b.get("/dev/outbox").body, -1) {
		if html.UnescapeString(mail[1]) == email {
			return strings.TrimPrefix(html.UnescapeString(mail[2]), b.base)
		}
	}
	return "/none"
}

// outcome returns a word for the result of a request: the step of the page, the code of the API
// error, or the state or role in the API answer.
func (a answer) outcome() string {
	if step := regexp.MustCompile(`<main data-step="(\w+)">`).FindStringSubmatch(a.body); step != nil {
		return step[1]
	}
	var body struct {
		Code, State, Role string
	}
	_ = json.Unmarshal([]byte(a.body), &body)
	return cmp.Or(body.Code, body.State, body.Role)
}

// field returns a string field of a JSON answer, or "".
func (a answer) field(name string) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(a.body), &body)
	text, _ := body[name].(string)
	return text
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// pass moves the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// browser returns a new browser, signed in to a new account.
func (w *world) browser(email string) *browser {
	w.t.Helper()
	b := newBrowser(w.url)
	w.want(b.submit("/register", "email", email), 200, "home")
	return b
}

// verified returns a new browser, signed in to a new account with a verified address.
func (w *world) verified(email string) *browser {
	w.t.Helper()
	b := w.browser(email)
	w.want(b.submit("/verify"), 200, "home")
	return b
}

// team creates acme. It returns the browser of its owner ada and the path of its API.
func (w *world) team() (ada *browser, path string) {
	w.t.Helper()
	ada = w.browser("ada@example.com")
	w.want(ada.do("POST", "/api/organizations", `{"id":"acme"}`), 201, "owner")
	return ada, "/api/organizations/acme"
}

// invited invites a person and returns the path of the link in the mail.
func (w *world) invited(ada *browser, email string) string {
	w.t.Helper()
	w.want(ada.do("POST", "/api/organizations/acme/invitations", fmt.Sprintf(`{"email":%q,"role":"developer"}`, email)), 201, "pending")
	return ada.mailedTo(email)
}

// joined returns the browser of a new member of acme, a developer.
func (w *world) joined(ada *browser, email string) *browser {
	w.t.Helper()
	path, b := w.invited(ada, email), newBrowser(w.url)
	w.want(b.submit(path+"/register"), 200, "accept")
	w.want(b.submit(path+"/accept"), 200, "open")
	return b
}

// linked creates a shareable link and returns its path.
func (w *world) linked(ada *browser, body string) string {
	w.t.Helper()
	made := ada.do("POST", "/api/organizations/acme/links", body)
	w.want(made, 201, "pending")
	return strings.TrimPrefix(made.field("url"), w.url)
}

func (w *world) want(got answer, status int, outcome string) {
	w.t.Helper()
	if got.err != nil {
		w.t.Fatal(got.err)
	}
	if got.status != status || got.outcome() != outcome {
		w.t.Fatalf("got %d %s, want %d %s\n%s", got.status, got.outcome(), status, outcome, got.body)
	}
}

// member checks the role of the account with this address in acme; "" means no membership.
func (w *world) member(email string, want invitations.Role) {
	w.t.Helper()
	user, err := w.host.signIn(email)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.svc.Member(w.t.Context(), "acme", user.id)
	if err != nil && !errors.Is(err, invitations.ErrNotFound) {
		w.t.Fatal(err)
	}
	if m.Role != want {
		w.t.Errorf("%s is %q in acme, want %q", email, m.Role, want)
	}
}

// state returns the events and invitations of acme, and all accounts.
func (w *world) state() string {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), invitations.EventQuery{Organization: "acme", Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	records, err := w.store.Invitations(w.t.Context(), invitations.InvitationQuery{Organization: "acme", Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%+v", events, records, w.host.accounts)
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// All answers have the headers that protect a secret in the URL.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	path := w.invited(ada, "grace@example.com")
	answers := map[string]answer{
		"accept page":    newBrowser(w.url).get(path),
		"stop page":      newBrowser(w.url).get("/invite/inv_x"),
		"refused accept": ada.submit(path + "/accept"),
		"refused CSRF":   ada.do("FORGE", path+"/accept", ""),
		"style":          ada.get("/style.css"),
		"list":           ada.do("GET", api+"/invitations", ""),
		"API error":      newBrowser(w.url).do("GET", api+"/invitations", ""),
		"unknown path":   ada.get("/nowhere"),
	}
	for name, got := range answers {
		if got.err != nil {
			t.Fatal(got.err)
		}
		for header, want := range map[string]string{
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-store",
			"X-Content-Type-Options":  "nosniff",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if g := got.header.Get(header); g != want {
				t.Errorf("%s: %s: got %q, want %q", name, header, g, want)
			}
		}
	}
}

// Pages of other sites can change nothing, even with the victim's cookie.
func TestClass44_CrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	link := w.linked(ada, `{"role":"viewer"}`)
	invited := ada.do("POST", api+"/invitations", `{"email":"ada@example.com","role":"viewer"}`)
	w.want(invited, 201, "pending")
	path, id := ada.mailedTo("ada@example.com"), invited.field("id")
	grace := w.verified("grace@example.com")

	before := w.state()
	for _, b := range []*browser{ada, grace} {
		for _, request := range [][3]string{
			{"POST", path + "/accept"}, {"POST", path + "/decline"}, {"POST", link + "/accept"},
			{"POST", path + "/register"}, {"POST", link + "/register", "email=new@example.com"},
			{"POST", path + "/sign-in", "email=ada@example.com"}, {"POST", path + "/sign-out"}, {"POST", path + "/verify"},
			{"POST", "/register", "email=new@example.com"}, {"POST", "/sign-in", "email=ada@example.com"},
			{"POST", "/sign-out"}, {"POST", "/verify"},
			{"POST", "/api/organizations", `{"id":"other"}`},
			{"POST", api + "/invitations", `{"email":"evil@example.com","role":"owner"}`},
			{"POST", api + "/links", `{"role":"owner"}`},
			{"POST", api + "/invitations/" + id + "/resend"},
			{"DELETE", api + "/invitations/" + id},
			{"PATCH", api + "/invitations/" + id, `{"role":"owner"}`},
			{"POST", api + "/invitations/bulk", `{"invitations":[{"email":"evil@example.com","role":"owner"}]}`},
			{"POST", "/api/received/acme/" + id + "/accept"}, {"POST", "/api/received/acme/" + id + "/decline"},
			{"PUT", api + "/members/user-2/role", `{"role":"owner"}`}, {"PUT", api + "/members/user-2/quota", `{"limit":1,"period":"day"}`},
			{"DELETE", api + "/members/user-2"}, {"POST", api + "/leave"},
			{"POST", api + "/calls", `{"amount":1}`}, {"POST", "/api/personal/calls", `{"amount":1}`},
		} {
			for name, headers := range map[string][]string{
				"cross-site":    {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
				"same-site":     {"Sec-Fetch-Site", "same-site", "Origin", w.url},
				"older browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			} {
				got := b.do(request[0], request[1], request[2], append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
				if got.err != nil || got.status != http.StatusForbidden {
					t.Errorf("%s %s, %s: got %d %v, want 403", request[0], request[1], name, got.status, got.err)
				}
			}
		}
		if got := b.get("/"); !strings.Contains(got.body, "signed in as") {
			t.Error("signed out by another site")
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed by another site: from\n%s\nto\n%s", before, after)
	}
}

// Errors of the library and of the application have public texts. Unexpected errors have none.
func TestFail(t *testing.T) {
	t.Parallel()
	type test struct {
		name   string
		err    error
		status int
		body   string
	}
	const types = "https://github.com/go-invitations/invitations/blob/main/docs/errors.md#"
	refused := func(err *invitations.Error, status int, code string) test {
		return test{code, err, status, fmt.Sprintf(`{"type":%q,"title":%q,"status":%d,"code":%q}`, types+code, err.Message(), status, code)}
	}
	own := func(err error, status int, code, message string) test {
		return test{code, err, status, fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"code":%q}`, message, status, code)}
	}
	const internal = `{"type":"` + types + `internal","title":"Something went wrong","status":500,"code":"internal"}`
	tests := []test{
		refused(invitations.ErrExpired, 410, "expired"),
		refused(invitations.ErrConcurrentChange, 409, "concurrent_change"), // not the code of ErrConflict
		{
			"with a field", &invitations.InvalidError{Field: "email", Reason: "must not be empty", Code: "required"}, 422,
			`{"type":"` + types + `invalid_argument","title":"The request is not valid","status":422,"detail":"email must not be empty",` +
				`"code":"invalid_argument","field":"email","reason_code":"required"}`,
		},
		{
			"with the existing invitation", &invitations.AlreadyInvitedError{InvitationID: [16]byte{15: 7}}, 409,
			`{"type":"` + types + `already_invited","title":"This address already has a pending invitation","status":409,` +
				`"code":"already_invited","invitation_id":"00000000-0000-0000-0000-000000000007"}`,
		},
		{
			"with the balance", &invitations.QuotaExceededError{Balance: invitations.Balance{Own: &invitations.Usage{
				Quota: invitations.Quota{Limit: 9, Period: invitations.PeriodEndless}, Used: 7,
			}}}, 429,
			`{"type":"` + types + `quota_exceeded","title":"Not enough is left of the quota","status":429,"code":"quota_exceeded",` +
				`"balance":{"own":{"limit":9,"period":"endless","used":7}}}`,
		},
		own(errSignedOut, 401, "unauthenticated", "Sign in first"),
		own(&http.MaxBytesError{Limit: 1}, 413, "request_too_large", "The request is too large"),
		{"an unexpected error", errors.New("password of the database: hunter2"), 500, internal},
		{"a deadline", context.DeadlineExceeded, 500, internal},
	}
	for _, test := range tests {
		for wrapping, err := range map[string]error{"": test.err, " wrapped": fmt.Errorf("inviting eve@example.com: %w", test.err)} {
			t.Run(test.name+wrapping, func(t *testing.T) {
				t.Parallel()
				w := httptest.NewRecorder()
				(&app{log: slog.New(slog.DiscardHandler)}).fail(w, httptest.NewRequest("GET", "/", nil), err)
				if w.Code != test.status {
					t.Errorf("got status %d, want %d", w.Code, test.status)
				}
				if got := strings.TrimSpace(w.Body.String()); got != test.body {
					t.Errorf("got  %s\nwant %s", got, test.body)
				}
				if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
					t.Errorf("got Content-Type %q", got)
				}
			})
		}
	}
}

// brokenStore fails in every method that the example uses.
type brokenStore struct{ invitations.Store }

var errBroken = errors.New("the disk is full")

func (brokenStore) Update(context.Context, invitations.Query, invitations.Decision) error {
	return errBroken
}

func (brokenStore) Create(context.Context, invitations.Query, invitations.Decision) error {
	return errBroken
}

func (brokenStore) View(context.Context, invitations.Query) (invitations.Facts, error) {
	return invitations.Facts{}, errBroken
}

func (brokenStore) Invitations(context.Context, invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	return invitations.Page[invitations.Record]{}, errBroken
}

func (brokenStore) Events(context.Context, invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	return invitations.Page[invitations.Event]{}, errBroken
}

func (brokenStore) Statistics(
	context.Context, invitations.StatisticsQuery,
) (*invitations.Member, invitations.Statistics, error) {
	return nil, invitations.Statistics{}, errBroken
}

func (brokenStore) Members(
	context.Context, invitations.MemberQuery,
) (invitations.Page[invitations.Membership], error) {
	return invitations.Page[invitations.Membership]{}, errBroken
}

func (brokenStore) Usage(
	context.Context, invitations.UsageQuery,
) (int64, invitations.Page[invitations.MemberUsage], error) {
	return 0, invitations.Page[invitations.MemberUsage]{}, errBroken
}

func (brokenStore) Purge(context.Context, invitations.PurgeQuery) (int, error) { return 0, errBroken }

func (brokenStore) Traces(context.Context, invitations.Person, int) ([]string, error) {
	return nil, errBroken
}

func (brokenStore) Workspaces(
	context.Context, invitations.WorkspaceQuery,
) (*invitations.QuotaRecord, []invitations.Membership, error) {
	return nil, nil, errBroken
}

func (brokenStore) Consume(context.Context, invitations.Consumption) (invitations.Consumed, error) {
	return invitations.Consumed{}, errBroken
}

func (brokenStore) SetPersonalQuota(context.Context, string, invitations.Quota) error {
	return errBroken
}

// Errors of the store are logged, and clients see none of their text.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	path := w.invited(ada, "grace@example.com")
	grace := w.verified("grace@example.com")
	w.svc = w.svc.WithStore(brokenStore{})
	const org, id = "/api/organizations/{org}", "01a20091-31a0-73f6-ad9b-bebb76c82057"
	requests := map[string]answer{
		"PATCH " + org + "/invitations/{id}":        ada.do("PATCH", api+"/invitations/"+id, `{"role":"viewer"}`),
		"POST " + org + "/invitations/bulk":         ada.do("POST", api+"/invitations/bulk", `{"invitations":[{"email":"a@example.com","role":"viewer"}]}`),
		"GET " + org + "/invitations/{id}/timeline": ada.do("GET", api+"/invitations/"+id+"/timeline", ""),
		"GET " + org + "/statistics":                ada.do("GET", api+"/statistics", ""),
		"GET /api/received":                         grace.do("GET", "/api/received", ""),
		"POST /api/received/{org}/{id}/accept":      grace.do("POST", "/api/received/acme/"+id+"/accept", ""),
		"POST /api/received/{org}/{id}/decline":     grace.do("POST", "/api/received/acme/"+id+"/decline", ""),
		"GET /invite/{token}":                       ada.get(path),
		"POST /invite/{token}/accept":               ada.submit(path + "/accept"),
		"POST /invite/{token}/decline":              ada.submit(path + "/decline"),
		"POST /invite/{token}/register":             ada.submit(path + "/register"),
		"POST /sign-in":                             newBrowser(w.url).submit("/sign-in", "email", "ada@example.com"),
		"GET /{$}":                                  ada.get("/"),
		"POST /api/organizations":                   ada.do("POST", "/api/organizations", `{"id":"other"}`),
		"POST " + org + "/invitations":              ada.do("POST", api+"/invitations", `{"email":"a@example.com","role":"viewer"}`),
		"POST " + org + "/links":                    ada.do("POST", api+"/links", `{"role":"viewer"}`),
		"GET " + org + "/invitations":               ada.do("GET", api+"/invitations", ""),
		"DELETE " + org + "/invitations/{id}":       ada.do("DELETE", api+"/invitations/"+id, ""),
		"POST " + org + "/invitations/{id}/re":      ada.do("POST", api+"/invitations/"+id+"/resend", ""),
		"GET " + org + "/members":                   ada.do("GET", api+"/members", ""),
		"PUT " + org + "/members/{user}/role":       ada.do("PUT", api+"/members/user-1/role", `{"role":"viewer"}`),
		"PUT " + org + "/members/{user}/quota":      ada.do("PUT", api+"/members/user-1/quota", `{"limit":1,"period":"day"}`),
		"DELETE " + org + "/members/{user}":         ada.do("DELETE", api+"/members/user-1", ""),
		"POST " + org + "/leave":                    ada.do("POST", api+"/leave", ""),
		"POST " + org + "/calls":                    ada.do("POST", api+"/calls", `{"amount":1}`),
		"POST /api/personal/calls":                  ada.do("POST", "/api/personal/calls", `{"amount":1}`),
		"GET " + org + "/invoices":                  ada.do("GET", api+"/invoices", ""),
	}
	for pattern, got := range requests {
		if got.err != nil || got.status != 500 {
			t.Errorf("%s: got %d %v, want 500", pattern, got.status, got.err)
		}
		if strings.Contains(got.body, errBroken.Error()) || !strings.Contains(got.body, "Something went wrong") {
			t.Errorf("%s: answered %s", pattern, got.body)
		}
		if want := `msg="request failed" pattern="` + pattern; !strings.Contains(w.logs.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if !strings.Contains(w.logs.String(), errBroken.Error()) {
		t.Error("the log lacks the error of the store")
	}
}

// No token reaches the log, neither in the selftest's requests nor with a broken store.
func TestClass33_TokenInLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := play(io.Discard, w.url, story, w.pass); err != nil {
		t.Fatal(err)
	}
	w.svc = w.svc.WithStore(brokenStore{})
	newBrowser(w.url).get(newBrowser(w.url).mailedTo("grace@example.com"))
	logs := w.logs.String()
	for _, pattern := range []string{"GET /invite/{token}", "POST /invite/{token}/accept", "request failed"} {
		if !strings.Contains(logs, pattern) {
			t.Errorf("the log lacks %q", pattern)
		}
	}
	if strings.Contains(logs, "inv_") {
		t.Errorf("a token in the log:\n%s", logs)
	}
}

// Links begin with the configured base URL, even if a request names another host.
func TestClass34_HostHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	for path, body := range map[string]string{
		"/invitations": `{"email":"grace@example.com","role":"viewer"}`,
		"/links":       `{"role":"viewer"}`,
	} {
		r := httptest.NewRequest("POST", api+path, strings.NewReader(body))
		for _, c := range ada.client.Jar.Cookies(w.base) {
			r.AddCookie(c)
		}
		r.Host = w.base.Hostname() + ":666" // the same host, so the request is not refused
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("Forwarded", "host=evil.example")
		answer := httptest.NewRecorder()
		w.handler().ServeHTTP(answer, r)
		if got := answer.Body.String(); answer.Code != 201 || strings.Contains(got, "evil.example") || strings.Contains(got, ":666") {
			t.Errorf("%s: got %d %s", path, answer.Code, got)
		}
	}
	if mails := w.host.sent(); len(mails) != 1 || !strings.HasPrefix(mails[0].Link, w.url+"/invite/inv_") {
		t.Errorf("the link of the mail does not begin with %s", w.url)
	}
}

// A request with another Host header gets 421 and sees nothing.
func TestOnlyBaseHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.invited(first(w.team()), "grace@example.com")
	const local, public = "http://127.0.0.1:8080", "https://app.example.com"
	tests := []struct {
		name, base, host string
		want             int
	}{
		{"base", local, "127.0.0.1:8080", 200},
		{"base, IPv6", "http://[::1]:8080", "[::1]:8080", 200},
		{"another name of this machine", local, "localhost:8080", 421},
		{"another site's name", local, "evil.example:8080", 421},
		{"a name that begins with the base's", local, "127.0.0.1.evil.example", 421},
		{"no host", local, "", 421},
		{"public", public, "app.example.com", 200},
		{"public, with a port", public, "app.example.com:443", 200},
		{"public, in upper case", public, "APP.example.com", 200},
		{"public, the address behind the proxy", public, "127.0.0.1:8080", 421},
		{"public, another site's name", public, "evil.example", 421},
		{"public, a subdomain", public, "evil.app.example.com", 421},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base, err := url.Parse(test.base)
			if err != nil {
				t.Fatal(err)
			}
			handler := (&app{svc: w.svc, host: w.host, base: base, log: w.log}).handler()
			for _, path := range []string{"/", path, "/style.css", "/dev/outbox"} {
				r := httptest.NewRequest("GET", path, nil)
				r.Host = test.host
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, r)
				if answer.Code != test.want {
					t.Errorf("%s: got %d, want %d", path, answer.Code, test.want)
				}
				if got := answer.Body.String(); answer.Code != 200 && (strings.Contains(got, "inv_") || strings.Contains(got, "acme")) {
					t.Errorf("%s: answered %s", path, got)
				}
			}
		})
	}
}

func first(b *browser, _ string) *browser { return b }
