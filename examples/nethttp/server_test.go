package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// A world is a server with what is behind it.
type world struct {
	*app
	t     *testing.T
	url   string
	store *memstore.Store
	logs  *lockedBuffer

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: memstore.New(), logs: &lockedBuffer{}, now: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	svc, err := invitations.New(w.store, keys, invitations.Config{Clock: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	base, err := parseBase(w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.app = &app{svc: svc, host: newHost(), base: base, log: slog.New(slog.NewTextHandler(w.logs, nil))}
	server.Config.Handler = w.handler()
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// pass moves the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// browser returns a new browser, signed in to a new account unless email is empty.
func (w *world) browser(email string) *browser {
	w.t.Helper()
	b := newBrowser(w.url)
	if email != "" {
		w.want(b.submit("/register", "email", email), 200, "home")
	}
	return b
}

// verified returns a browser that is signed in to a new account with a verified address.
func (w *world) verified(email string) *browser {
	w.t.Helper()
	b := w.browser(email)
	w.want(b.submit("/verify"), 200, "home")
	return b
}

// team returns the browser of ada, the founder of acme, and the path of its API.
func (w *world) team() (ada *browser, path string) {
	w.t.Helper()
	ada = w.browser("ada@example.com")
	w.want(ada.call("POST", "/api/organizations", `{"id":"acme"}`), 201, "owner")
	return ada, "/api/organizations/acme"
}

// invited returns the path of the link in the mail to a person whom ada has invited.
func (w *world) invited(ada *browser, email string) string {
	w.t.Helper()
	w.want(ada.call("POST", "/api/organizations/acme/invitations", fmt.Sprintf(`{"email":%q,"role":"developer"}`, email)), 201, "pending")
	return ada.mailedTo(email)
}

// linked returns the path of a link that ada has made.
func (w *world) linked(ada *browser, body string) string {
	w.t.Helper()
	made := ada.call("POST", "/api/organizations/acme/links", body)
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

// member checks the role that the account with this address has in acme; "" is none.
func (w *world) member(email string, want invitations.Role) {
	w.t.Helper()
	who, err := w.host.signIn(email)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.svc.Member(w.t.Context(), "acme", who.id)
	if err != nil && !errors.Is(err, invitations.ErrNotFound) {
		w.t.Fatal(err)
	}
	if m.Role != want {
		w.t.Errorf("%s is %q in acme, want %q", email, m.Role, want)
	}
}

// state returns all that acme has, its events and its invitations.
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

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	path := w.invited(ada, "grace@example.com")
	answers := map[string]answer{
		"accept page":    newBrowser(w.url).get(path),
		"stop page":      newBrowser(w.url).get("/invite/inv_x"),
		"refused accept": ada.submit(path + "/accept"),
		"refused CSRF":   ada.crossSite(path + "/accept"),
		"style":          ada.get("/style.css"),
		"list":           ada.call("GET", api+"/invitations", ""),
		"API error":      newBrowser(w.url).call("GET", api+"/invitations", ""),
		"no page":        ada.get("/nowhere"),
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

// Every change is refused to a page of another site, with the victim's cookie.
func TestClass44_CrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	link := w.linked(ada, `{"role":"viewer"}`)
	invited := ada.call("POST", api+"/invitations", `{"email":"ada@example.com","role":"viewer"}`)
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
		} {
			for name, headers := range map[string][]string{
				"cross-site":    {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
				"same-site":     {"Sec-Fetch-Site", "same-site", "Origin", w.url},
				"older browser": {"Origin", "https://evil.example"},
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

// What the API says of an error of the library, of its own, and of what nobody expected.
func TestWriteError(t *testing.T) {
	t.Parallel()
	type test struct {
		name   string
		err    error
		status int
		body   string
	}
	plain := func(err error, status int, code, message string) test {
		return test{code, err, status, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message)}
	}
	tests := []test{
		plain(invitations.ErrExpired, 410, "expired", "This invitation has expired; ask for a new one"),
		plain(invitations.ErrConcurrentChange, 409, "concurrent_change", invitations.ErrConcurrentChange.Message()), // not ErrConflict
		{
			"with a field", &invitations.InvalidError{Field: "email", Reason: "is empty"}, 422,
			`{"error":{"code":"invalid_argument","message":"The request is not valid","field":"email","reason":"is empty"}}`,
		},
		{
			"with the one that exists", &invitations.AlreadyInvitedError{InvitationID: [16]byte{15: 7}}, 409,
			`{"error":{"code":"already_invited","message":"This address already has a pending invitation","invitation_id":"00000000-0000-0000-0000-000000000007"}}`,
		},
		plain(errSignedOut, 401, "unauthenticated", "Sign in first"),
		plain(&http.MaxBytesError{Limit: 1}, 413, "request_too_large", "The request is too large"),
		plain(errors.New("password of the database: hunter2"), 500, "internal", "Something went wrong"),
		plain(context.DeadlineExceeded, 500, "internal", "Something went wrong"),
	}
	for _, test := range tests {
		for wrapping, err := range map[string]error{"": test.err, " wrapped": fmt.Errorf("inviting eve@example.com: %w", test.err)} {
			t.Run(test.name+wrapping, func(t *testing.T) {
				t.Parallel()
				w := httptest.NewRecorder()
				writeError(w, err)
				if w.Code != test.status {
					t.Errorf("got status %d, want %d", w.Code, test.status)
				}
				if got := strings.TrimSpace(w.Body.String()); got != test.body {
					t.Errorf("got  %s\nwant %s", got, test.body)
				}
				if got := w.Header().Get("Content-Type"); got != "application/json" {
					t.Errorf("got Content-Type %q", got)
				}
			})
		}
	}
}

// brokenStore fails at everything.
type brokenStore struct{ invitations.Store }

var errBroken = errors.New("the disk is full")

func (brokenStore) Update(context.Context, invitations.Query, invitations.Decision) error {
	return errBroken
}

func (brokenStore) View(context.Context, invitations.Query) (invitations.Facts, error) {
	return invitations.Facts{}, errBroken
}

func (brokenStore) Invitations(context.Context, invitations.InvitationQuery) (invitations.InvitationPage, error) {
	return invitations.InvitationPage{}, errBroken
}

// What is broken is logged, and not told.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	path := w.invited(ada, "grace@example.com")
	w.svc = w.svc.WithStore(brokenStore{})
	requests := map[string]answer{
		"GET /invite/{token}":                               ada.get(path),
		"POST /invite/{token}/accept":                       ada.submit(path + "/accept"),
		"POST /invite/{token}/decline":                      ada.submit(path + "/decline"),
		"POST /invite/{token}/register":                     ada.submit(path + "/register"),
		"GET /{$}":                                          ada.get("/"),
		"POST /api/organizations":                           ada.call("POST", "/api/organizations", `{"id":"other"}`),
		"POST /api/organizations/{org}/invitations":         ada.call("POST", api+"/invitations", `{"email":"a@example.com","role":"viewer"}`),
		"POST /api/organizations/{org}/links":               ada.call("POST", api+"/links", `{"role":"viewer"}`),
		"GET /api/organizations/{org}/invitations":          ada.call("GET", api+"/invitations", ""),
		"DELETE /api/organizations/{org}/invitations/{id}":  ada.call("DELETE", api+"/invitations/01a20091-31a0-73f6-ad9b-bebb76c82057", ""),
		"POST /api/organizations/{org}/invitations/{id}/re": ada.call("POST", api+"/invitations/01a20091-31a0-73f6-ad9b-bebb76c82057/resend", ""),
	}
	for pattern, got := range requests {
		if got.err != nil || got.status != 500 {
			t.Errorf("%s: got %d %v, want 500", pattern, got.status, got.err)
		}
		if strings.Contains(got.body, errBroken.Error()) || !strings.Contains(got.body, "Something went wrong") {
			t.Errorf("%s: told %s", pattern, got.body)
		}
		if want := `msg="request failed" pattern="` + pattern; !strings.Contains(w.logs.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if !strings.Contains(w.logs.String(), errBroken.Error()) {
		t.Error("the log does not say what is broken")
	}
}

// No token reaches the log, whatever happens to an invitation.
func TestClass33_TokenInLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := tellStory(io.Discard, w.url); err != nil {
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

// Links begin with the configured base, whatever a request says of hosts.
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
		r.Host = "localhost:666" // another one that is answered
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

// A site whose name leads here is told nothing, and the outbox is for this machine, where the
// pages are for this machine alone.
func TestHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.invited(first(w.team()), "grace@example.com")
	const local, public = "http://127.0.0.1:8080", "https://app.example.com:443"
	const here, there = "127.0.0.1:1234", "192.0.2.1:1234"
	tests := []struct {
		name, base, remote, host string
		home, outbox             int
	}{
		{"this machine", local, here, "127.0.0.1:8080", 200, 200},
		{"by name", local, here, "localhost:8080", 200, 200},
		{"IPv6", local, "[::1]:1234", "[::1]:8080", 200, 200},
		{"another machine", local, there, "127.0.0.1:8080", 200, 404},
		{"another site's name", local, here, "evil.example:8080", 421, 421},
		{"which begins with ours", local, here, "127.0.0.1.evil.example", 421, 421},
		{"no host", local, here, "", 421, 421},
		{"public", public, here, "app.example.com", 200, 404},
		{"public, in capitals", public, here, "APP.example.com:443", 200, 404},
		{"public, past the proxy", public, here, "127.0.0.1:8080", 200, 404},
		{"public, another site's name", public, here, "evil.example", 421, 421},
		{"public, a name below", public, here, "evil.app.example.com", 421, 421},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base, err := parseBase(test.base)
			if err != nil {
				t.Fatal(err)
			}
			handler := (&app{svc: w.svc, host: w.host, base: base, log: w.log}).handler()
			for path, want := range map[string]int{"/": test.home, path: test.home, "/style.css": test.home, "/dev/outbox": test.outbox} {
				r := httptest.NewRequest("GET", path, nil)
				r.RemoteAddr, r.Host = test.remote, test.host
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, r)
				if answer.Code != want {
					t.Errorf("%s: got %d, want %d", path, answer.Code, want)
				}
				if got := answer.Body.String(); answer.Code != 200 && (strings.Contains(got, "inv_") || strings.Contains(got, "acme")) {
					t.Errorf("%s: told %s", path, got)
				}
			}
		})
	}
}

func first(b *browser, _ string) *browser { return b }
