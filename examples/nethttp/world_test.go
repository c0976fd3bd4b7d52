package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
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

// A world is a test's server with its store, clock, mailbox and log.
type world struct {
	*server
	t       *testing.T
	store   *memstore.Store
	mailbox *buffer
	logs    *buffer

	mu  sync.Mutex
	now time.Time
}

// newWorld starts a server with the organization acme, whose owner is ada@example.com.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, store: memstore.New(), mailbox: &buffer{}, logs: &buffer{},
		now: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC),
	}
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	svc, err := invitations.New(w.store, keys, invitations.Config{Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.CreateOrganization(t.Context(), "acme", "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(nil)
	w.server = &server{
		svc: svc, host: &host{mailbox: w.mailbox}, log: slog.New(slog.NewTextHandler(w.logs, nil)),
		baseURL: "http://" + listener.Listener.Addr().String(),
	}
	listener.Config.Handler = w.handler()
	listener.Start()
	t.Cleanup(listener.Close)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass moves the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// browser returns a new browser that is signed out.
func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil) // never returns an error without options
	return &browser{w: w, client: &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: 10 * time.Second}}
}

// signedInAs returns a new browser that is signed in as this user.
func (w *world) signedInAs(email string) *browser {
	w.t.Helper()
	b := w.browser()
	got := b.post("/organizations/acme/sign-in", "email", email)
	if got.path != "/organizations/acme" || !strings.Contains(got.body, "You are signed in as") {
		w.t.Fatalf("signing in: got %d %s\n%s", got.status, got.path, got.body)
	}
	return b
}

// invited has ada invite a person, and returns the path of the link in the mail.
func (w *world) invited(ada *browser, email string, role invitations.Role) string {
	w.t.Helper()
	ada.post("/organizations/acme/invite", "email", email, "role", string(role)).want(200, email)
	return w.mailedTo(email)
}

// mailedTo returns the path of the link in the last mail to this address.
func (w *world) mailedTo(email string) string {
	w.t.Helper()
	mails := regexp.MustCompile(`(?m)^Mail to `+regexp.QuoteMeta(email)+`: (\S+)$`).FindAllStringSubmatch(w.mailbox.String(), -1)
	if mails == nil {
		w.t.Fatalf("no mail to %s", email)
	}
	return strings.TrimPrefix(mails[len(mails)-1][1], w.baseURL)
}

// member checks the role of a user in acme; "" means no membership.
func (w *world) member(user string, want invitations.Role) {
	w.t.Helper()
	m, err := w.svc.Member(w.t.Context(), "acme", user)
	if err != nil && !errors.Is(err, invitations.ErrNotFound) {
		w.t.Fatal(err)
	}
	if m.Role != want {
		w.t.Errorf("%s is %q in acme, want %q", user, m.Role, want)
	}
}

// state returns the events and invitations of acme.
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
	return fmt.Sprintf("%+v\n%+v", events, records)
}

// unchanged checks that the state is still before.
func (w *world) unchanged(before string) {
	w.t.Helper()
	if after := w.state(); after != before {
		w.t.Errorf("changed from\n%s\nto\n%s", before, after)
	}
}

// A browser has cookies and follows redirects.
type browser struct {
	w      *world
	client *http.Client
}

// An answer is the response after all redirects.
type answer struct {
	w      *world
	status int
	path   string
	header http.Header
	body   string
}

func (b *browser) get(path string) answer {
	b.w.t.Helper()
	return b.do("GET", path, "")
}

// post submits a form of names and values.
func (b *browser) post(path string, form ...string) answer {
	b.w.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return b.do("POST", path, values.Encode())
}

// do sends a request with the headers of a browser on a page of the server. The variadic headers
// are further names and values.
func (b *browser) do(method, path, body string, headers ...string) answer {
	b.w.t.Helper()
	req, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.baseURL+path, strings.NewReader(body))
	if err != nil {
		b.w.t.Fatal(err)
	}
	headers = append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Origin", "null",
	}, headers...)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return answer{b.w, resp.StatusCode, resp.Request.URL.Path, resp.Header, string(read)}
}

// want checks the status and a part of the body.
func (a answer) want(status int, part string) answer {
	a.w.t.Helper()
	if a.status != status || !strings.Contains(a.body, part) {
		a.w.t.Fatalf("got %d, want %d with %q\n%s", a.status, status, part, a.body)
	}
	return a
}

// refused checks that the answer is the error page of a refusal.
func (a answer) refused(want *invitations.Error) {
	a.w.t.Helper()
	a.want(want.HTTPStatus(), "Error code: "+want.Code())
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
