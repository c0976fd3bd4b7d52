package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// invitedPath returns the path of the link in the mail to a person whom ada invites.
func (w *world) invitedPath(ada account, team, email string) string {
	w.t.Helper()
	return strings.TrimPrefix(w.invite(ada, team, email), w.base)
}

// linkPath returns the path of a new link.
func (w *world) linkPath(ada account, team string) string {
	w.t.Helper()
	return strings.TrimPrefix(w.link(ada, invitations.CreateLinkParams{Organization: team}), w.base)
}

// forms are the paths of the forms, on a page of an invitation and on others.
func forms(invited, team string) []string {
	return []string{
		invited + "/accept", invited + "/decline", invited + "/register", invited + "/sign-in", invited + "/switch",
		"/register", "/sign-in", "/sign-out", "/verify/x/y", "/verify/mail", "/workspace", "/teams",
		"/teams/" + team + "/keys", "/teams/" + team + "/keys/1/delete",
	}
}

// All answers have the headers that protect a secret in the URL.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path, nobody := w.invitedPath(ada, team, "grace@example.com"), w.nobody()
	for name, got := range map[string]answer{
		"invitation": nobody.do("GET", path, ""), "unknown token": nobody.do("GET", "/invite/inv_x", ""),
		"refused form": nobody.submit(path + "/sign-in"), "refused CSRF": nobody.do("POST", path+"/accept", "", "Sec-Fetch-Site", "cross-site"),
		"style": nobody.do("GET", "/static/style.css", ""), "list": w.session(ada).api("GET", "/teams/"+team+"/members", ""),
		"API error": nobody.api("GET", "/received", ""), "unknown path": nobody.do("GET", "/nowhere", ""),
	} {
		for header, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			require.Equal(t, want, got.header.Get(header), "%s: %s", name, header)
		}
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'; style-src 'self'; script-src 'self'", "form-action 'self'", "base-uri 'none'"} {
			require.Contains(t, policy, want, name)
		}
	}
}

// Pages of other sites can change nothing, even with the victim's cookie.
func TestClass44_CrossSite(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path := w.invitedPath(ada, team, "ada@example.com")
	link, grace := w.linkPath(ada, team), w.account("Grace", "grace@example.com", true)
	before := w.state(team)
	for _, u := range []account{ada, grace} {
		c := w.session(u)
		for name, headers := range map[string][]string{
			"cross-site":    {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			"same-site":     {"Sec-Fetch-Site", "same-site", "Origin", w.base},
			"older browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		} {
			headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
			for _, form := range append(forms(path, team), forms(link, team)[:5]...) {
				got := c.do("POST", form, "email=new@example.com&password="+password+"&name=x&role=viewer", headers...)
				require.Equal(t, http.StatusForbidden, got.status, "%s: %s", form, name)
			}
			for _, r := range requests(team, "01a20091-31a0-73f6-ad9b-bebb76c82057", ada.ID) {
				if r[0] != "GET" {
					got := c.api(r[0], r[1], r[2], headers...)
					require.Equal(t, http.StatusForbidden, got.status, "%s: %s", r, name)
					require.NotContains(t, got.body, "code", "the library must not have been asked")
				}
			}
		}
		require.Contains(t, c.do("GET", "/personal", "").body, u.Name, "signed out by another site")
	}
	require.Equal(t, before, w.state(team))
}

// Following a link changes nothing. The paths that change something refuse GET and HEAD.
func TestClass44_GetChangesNothing(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	invited, link := w.invitedPath(ada, team, "grace@example.com"), w.linkPath(ada, team)
	visitors := []*client{
		w.nobody(), w.session(ada), w.session(w.account("Mallory", "mallory@example.com", true)),
		w.session(w.account("Grace", "grace@example.com", true)), w.session(w.account("Una", "una@example.com", false)),
	}
	before := w.state(team)
	for _, c := range visitors {
		for _, method := range []string{"GET", "HEAD"} {
			for _, path := range []string{invited, link} {
				c.do(method, path, "").want(t, 200)
				for _, form := range forms(path, team)[:5] {
					c.do(method, form, "").want(t, http.StatusMethodNotAllowed)
				}
			}
		}
	}
	require.Equal(t, before, w.state(team))
	for _, r := range changing() {
		require.NotEqual(t, "GET", r.method)
	}
}

// No parameter of a request chooses the target of a redirect.
func TestClass35_Redirects(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path := w.invitedPath(ada, team, "grace@example.com")
	w.account("Grace", "grace@example.com", true)
	const elsewhere = "?next=https://evil.example&redirect_to=//evil.example"
	for _, test := range []struct{ path, want string }{
		{path + "/sign-in", path},
		{path + "/accept", path}, // signed out
		{"/sign-in", "/"},
		{"/sign-out", "/sign-in"},
		{"/invite/%2F%2Fevil.example/switch", "/invite/%2F%2Fevil.example"},
		{"/invite/%5Cevil.example/switch", "/invite/%5Cevil.example"},
		{"/invite/a%0D%0AX-Evil:%201/switch", "/invite/a%0D%0AX-Evil:%201"},
	} {
		got := w.nobody().submit(test.path+elsewhere, "email", "grace@example.com", "password", password, "next", "https://evil.example")
		require.Equal(t, http.StatusSeeOther, got.status, test.path)
		require.Equal(t, test.want, got.header.Get("Location"), test.path)
		require.Empty(t, got.header.Get("X-Evil"), test.path)
	}
}

// Pages escape the texts of users.
func TestClass36_HTML(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	const evil = `<script src=//evil.example></script>"'><img src=x>{{.Body}}`
	ada := w.account("<b>Ada</b>", "o'ada&co@example.com", true)
	team, err := w.app.createTeam(t.Context(), ada.ID, "<b>acme</b>")
	require.NoError(t, err)
	key := w.keyOf(ada, team, "owner")
	key.api("POST", "/teams/"+team+"/invitations", fmt.Sprintf(`{"email":"o'grace&co@example.com","role":"viewer","message":%q}`, evil)).want(t, 201)
	_, link := w.mailTo("o'grace&co@example.com")
	c := w.session(ada)
	for name, got := range map[string]answer{
		"invitation": w.nobody().do("GET", link, "").want(t, 200), "personal": c.do("GET", "/personal", "").want(t, 200),
		"keys": c.do("GET", "/teams/"+team+"/keys", "").want(t, 200),
	} {
		for _, raw := range []string{"<script src=//", "<img", "<b>", "'grace"} {
			require.NotContains(t, got.body, raw, name)
		}
		require.Contains(t, got.body, "&lt;b&gt;acme&lt;/b&gt;", name)
	}
}

// Signing in makes a new session cookie, whatever cookie the browser had, and signing out ends the
// session.
func TestSession(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.account("Ada", "ada@example.com", true)
	first := w.session(ada)
	again := first.submit("/sign-in", "email", ada.Email, "password", password).want(t, 303)
	set := again.header.Get("Set-Cookie")
	for _, want := range []string{"session=", "; HttpOnly", "; SameSite=Lax", "; Path=/"} {
		require.Contains(t, set, want)
	}
	cookie, _, _ := strings.Cut(set, ";")
	second := w.client("Cookie", cookie)
	require.NotEqual(t, first.header.Get("Cookie"), cookie)
	first.api("GET", "/received", "").want(t, 401)
	second.api("GET", "/received", "").want(t, 200)
	second.submit("/sign-out").want(t, 303)
	second.api("GET", "/received", "").want(t, 401)
	w.nobody().submit("/sign-in", "email", ada.Email, "password", "another").want(t, 422, "The address or the password is wrong.")
	require.True(t, newSessions(w.app.db, true).Cookie.Secure)
	require.Equal(t, "__Host-session", newSessions(w.app.db, true).Cookie.Name)
}

// An attacker registers the address of another person. When that person follows the invitation, the
// attacker loses the account and its sessions.
func TestRegister_ReplacesUnverifiedAccount(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path, prepared := w.invitedPath(ada, team, "grace@example.com"), w.account("Mallory", "grace@example.com", false)
	mallory := w.session(prepared)
	w.nobody().submit(path+"/register", "name", "Grace", "password", "another password").want(t, 303)
	mallory.api("GET", "/received", "").want(t, 401, "unauthenticated")
	grace, err := w.app.signIn(t.Context(), "grace@example.com", "another password")
	require.NoError(t, err)
	require.True(t, grace.Verified())
	require.NotEqual(t, prepared.ID, grace.ID)
	require.ElementsMatch(t, []string{"Ada Lovelace", "Grace"}, w.members(team))
}

// A token signs nobody in to an account with a verified address.
func TestRegister_VerifiedAccountExists(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path := w.invitedPath(ada, team, "grace@example.com")
	grace := w.session(w.account("Grace", "grace@example.com", true))
	before := w.state(team)
	w.nobody().submit(path+"/register", "name", "Mallory", "password", "another password").want(t, 422)
	grace.api("GET", "/received", "").want(t, 200)
	require.Equal(t, before, w.state(team))
}

// A shareable link proves no address, so an account that is registered through it takes no seat.
func TestRegister_ThroughLink(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	w.nobody().submit(w.linkPath(ada, team)+"/register", "name", "Bob", "email", "bob@example.com", "password", password).want(t, 303)
	bob, err := w.app.findAccount(t.Context(), `email = $1`, "bob@example.com")
	require.NoError(t, err)
	require.False(t, bob.Verified())
	w.session(bob).submit(w.linkPath(ada, team)+"/accept", "password", password).want(t, 403)
	require.Equal(t, []string{"Ada Lovelace"}, w.members(team))
	w.nobody().submit("/sign-in", "email", bob.Email, "password", password).want(t, 422, "The address or the password is wrong.")
}

// Errors of the library and of the app have public texts. Unexpected errors have none.
func TestFailAPI(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
		body   string
	}{
		{invitations.ErrExpired, 410, `"code":"expired"`},
		{invitations.ErrConcurrentChange, 409, `"code":"concurrent_change"`}, // not the code of ErrConflict
		{&invitations.InvalidError{Field: "email", Reason: "must not be empty", Code: "required"}, 422, `"detail":"email must not be empty"`},
		{errSignedOut, 401, `{"type":"about:blank","title":"Sign in, or send a valid API key","status":401,"code":"unauthenticated"}`},
		{&http.MaxBytesError{Limit: 1}, 413, `"code":"request_too_large"`},
		{errors.New("password of the database: hunter2"), 500, `"title":"Something went wrong"`},
		{context.DeadlineExceeded, 500, `"code":"internal"`},
	} {
		for _, err := range []error{test.err, fmt.Errorf("inviting eve@example.com: %w", test.err)} {
			w := httptest.NewRecorder()
			a := &app{options: options{log: slog.New(slog.DiscardHandler)}}
			a.failAPI(w, httptest.NewRequest("GET", "/", nil), err)
			require.Equal(t, test.status, w.Code, err)
			require.Contains(t, w.Body.String(), test.body)
			require.NotContains(t, w.Body.String(), "hunter2")
			require.NotContains(t, w.Body.String(), "eve@example.com")
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
	}
}

// A lockedBuffer is a log.
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

// logs makes the app write all that it logs into the result.
func (w *world) logs() *lockedBuffer {
	logs := &lockedBuffer{}
	w.app.log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return logs
}

// brokenStore fails in every method that the app uses.
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

// breakStore makes every call of the library's store fail.
func (w *world) breakStore() {
	w.app.svc = w.app.svc.WithStore(brokenStore{})
	w.app.db.withTx = func(*sql.Tx) invitations.Store { return brokenStore{} }
}

// Errors of the store are logged, and clients see none of their text.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	logs := w.logs()
	ada, team := w.acme()
	path, c := w.invitedPath(ada, team, "grace@example.com"), w.session(ada)
	w.breakStore()
	for _, r := range requests(team, "01a20091-31a0-73f6-ad9b-bebb76c82057", ada.ID) {
		if r[1] != "/accept" { // a token that is not one asks no store
			got := c.api(r[0], r[1], r[2]).want(t, 500, "Something went wrong")
			require.NotContains(t, got.body, errBroken.Error(), r)
		}
	}
	for _, got := range []answer{
		w.nobody().do("GET", path, ""), w.nobody().submit(path + "/decline"), w.nobody().submit(path+"/register", "name", "x", "password", password),
		c.do("GET", "/", ""), c.do("GET", "/teams/"+team+"/keys", ""),
	} {
		got.want(t, 500, "Something went wrong")
		require.NotContains(t, got.body, errBroken.Error())
	}
	require.Contains(t, logs.String(), errBroken.Error())
	for _, route := range apiRoutes {
		if route.path != "/accept" {
			require.Contains(t, logs.String(), `msg="request failed" route="`+route.method+" "+apiPath+route.path+`" error="the disk is full"`)
		}
	}
}

// No token and no key reaches the log, neither in good requests nor with a broken store.
func TestClass33_TokenInLog(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	logs := w.logs()
	ada, team := w.acme()
	path, link := w.invitedPath(ada, team, "grace@example.com"), w.linkPath(ada, team)
	grace := w.session(w.account("Grace", "grace@example.com", true))
	visit := func() {
		for _, p := range []string{path, link} {
			w.nobody().do("GET", p, "")
			grace.submit(p + "/accept")
			grace.api("POST", "/accept", fmt.Sprintf(`{"token":%q}`, strings.TrimPrefix(p, "/invite/")))
		}
	}
	key := w.keyOf(ada, team, "owner")
	key.api("POST", "/teams/"+team+"/links", `{"role":"viewer"}`).want(t, 201)
	visit()
	w.breakStore()
	visit()
	key.api("POST", "/teams/"+team+"/links", `{"role":"viewer"}`).want(t, 500)
	for _, want := range []string{"GET /invite/{token}", "POST /invite/{token}/accept", "request failed"} {
		require.Contains(t, logs.String(), want)
	}
	require.NotContains(t, logs.String(), "inv_")
	require.NotContains(t, logs.String(), keyPrefix)
}

// Links begin with the configured base URL, even if a request names another host.
func TestClass34_HostHeader(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	key := w.keyOf(ada, team, "owner").header
	for path, body := range map[string]string{"/invitations": `{"email":"grace@example.com","role":"viewer"}`, "/links": `{"role":"viewer"}`} {
		r := httptest.NewRequest("POST", apiPath+"/teams/"+team+path, strings.NewReader(body))
		r.Header = key.Clone()
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("Forwarded", "host=evil.example")
		got := httptest.NewRecorder()
		w.app.handler().ServeHTTP(got, r)
		require.Equal(t, 201, got.Code, got.Body)
		require.NotContains(t, got.Body.String(), "evil.example")
	}
	_, link := w.mailTo("grace@example.com")
	require.True(t, strings.HasPrefix(link, w.base+"/invite/inv_"))
}

// No mail can show a name without a visible character.
func TestNames_Invisible(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	for _, name := range []string{"", "\u200b", "\u2060 \u00ad", "\u3164", "\u2800"} {
		w.session(ada).submit("/teams/"+team+"/name", "name", name).want(t, 422, "Must have 1 to 80 characters.")
		w.nobody().submit("/register", "name", name, "email", "x@example.com", "password", password).want(t, 422, "Name must have 1 to 80 characters.")
	}
}

// A person who has seen a link does not get the one that replaces it.
func TestClass26_ReturnToReplacedLink(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.linkPath(ada, team)
	mallory := w.account("Mallory", "mallory@example.com", false)
	c := w.session(mallory)
	c.do("GET", link, "").want(t, 200, "must be confirmed first")
	list, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{Organization: team})
	require.NoError(t, err)
	_, err = w.app.svc.Resend(t.Context(), ada.actor(), invitations.ResendParams{Organization: team, ID: list.Items[0].ID})
	require.NoError(t, err)
	got := c.submit(w.app.verificationPath(mallory), "password", password).want(t, 303)
	require.Equal(t, "/", got.header.Get("Location"))
}

// A session keeps nothing of the person who was signed in before.
func TestSession_OfAnotherPerson(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	grace := w.joined(team, "Grace", invitations.RoleAdmin)
	c := w.session(ada)
	bulk := "/teams/" + team + "/invitations/bulk"
	c.submit(bulk, "rows", "secret plan", "role", "viewer").want(t, 303)
	got := c.submit("/sign-in", "email", grace.Email, "password", password).want(t, 303)
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	require.NotContains(t, w.client("Cookie", cookie).do("GET", bulk, "").want(t, 200).body, "secret plan")
}

// A copy of the database signs nobody in.
func TestClass23_SessionAtRest(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, _ := w.acme()
	_, token, _ := strings.Cut(w.session(ada).header.Get("Cookie"), "=")
	var kept string
	require.NoError(t, w.app.db.QueryRowContext(t.Context(), `select token from sessions`).Scan(&kept))
	require.NotEqual(t, token, kept)
}

// Visitors who only look fill no table.
func TestSession_NoneForVisitors(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	for _, path := range []string{"/", "/sign-in", "/register", "/verify", "/verify/x", "/personal", w.linkPath(ada, team)} {
		require.Empty(t, w.nobody().do("GET", path, "").header.Get("Set-Cookie"), path)
	}
}

// The addresses of one IPv6 network count as one client.
func TestClass30_IPv6Network(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	allowed := func(address string) bool {
		r := httptest.NewRequest("POST", "/sign-in", nil)
		r.RemoteAddr = address
		return w.app.limits.allow(r)
	}
	for i := range w.app.limits.burst {
		require.True(t, allowed(fmt.Sprintf("[2001:db8:0:1::%x]:443", i)))
	}
	require.False(t, allowed("[2001:db8:0:1:ffff::]:443"))
	for _, other := range []string{"[2001:db8:0:2::1]:443", "192.0.2.1:443", "[::ffff:192.0.2.2]:443"} {
		require.True(t, allowed(other), other)
	}
}

// A button leads back to a page of invitations, and nowhere else.
func TestClass35_Return(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	w.linkPath(ada, team)
	found, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{Organization: team})
	require.NoError(t, err)
	list := "/teams/" + team + "/invitations"
	one := list + "/" + found.Items[0].ID.String()
	for path, want := range map[string]string{
		one: one, list + "?state=all": list + "?state=all", list + `/../../../\evil.example`: list, list + "/../../../personal": list,
		list + "/%2e%2e": list, list + "x": list, "//evil.example" + list: list,
	} {
		got := w.session(ada).submit(one+"/revoke", "return", path).want(t, 303)
		require.Equal(t, want, got.header.Get("Location"), path)
	}
}

// A form that cannot be read is the client's fault.
func TestForms_Malformed(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path := "/teams/" + team + "/invitations"
	w.session(ada).do("POST", path, "x", "Content-Type", "multipart/form-data").want(t, 400, "The request cannot be read as text.")
}

// Text that a database does not take is the client's fault, on every route.
func TestText_Malformed(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		cookie := w.session(ada).header.Get("Cookie")
		status := func(method, path, mediaType, body string) int {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Host = strings.TrimPrefix(w.base, "http://")
			r.Header.Set("Cookie", cookie)
			r.Header.Set("Content-Type", mediaType)
			got := httptest.NewRecorder()
			w.app.handler().ServeHTTP(got, r)
			return got.Code
		}
		for _, bad := range []string{"%FF", "%00"} {
			for _, path := range []string{
				"/static/" + bad, "/nowhere/" + bad, "/outbox/" + bad, "/outbox?cursor=" + bad, "/invite/" + bad, "/verify/" + bad + "/x", "/verify/x/" + bad,
				"/received?cursor=" + bad, "/personal/usage?at=" + bad, "/teams/" + bad + "/members", "/teams/" + team + "/members?role=" + bad,
				"/teams/" + team + "/invitations?email=" + bad, "/teams/" + team + "/activity?person=" + bad, "/teams/" + team + "/members?" + bad + "=x",
			} {
				require.Equal(t, 400, status("GET", path, "", ""), path)
			}
			for _, path := range append(forms("/invite/x", team), "/teams/"+team+"/name", "/teams/"+team+"/calls", "/teams/"+team+"/invitations") {
				require.Equal(t, 400, status("POST", path, "application/x-www-form-urlencoded", "name="+bad), path)
			}
			for _, route := range apiRoutes {
				require.Equal(t, 400, status(route.method, apiPath+strings.NewReplacer("{team}", team).Replace(route.path)+"?cursor="+bad, "", ""), route.path)
			}
			require.Equal(t, 400, status("GET", apiPath+"/teams/"+bad+"/members", "", ""))
			require.Equal(t, 400, status("DELETE", apiPath+"/teams/"+team+"/members/"+bad, "", ""))
		}
		require.Equal(t, 400, status("POST", "/teams", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nA\xff\r\n--x--\r\n"))
		for _, text := range []string{"\xff", "\x00"} {
			require.Equal(t, 400, status("POST", apiPath+"/teams/"+team+"/links", "application/json", `{"role":"viewer","message":"`+text+`"}`))
		}
		require.Equal(t, 422, status("POST", apiPath+"/teams/"+team+"/links", "application/json", `{"role":"viewer","message":"\u0000"}`))
		require.Equal(t, 422, status("PUT", apiPath+"/teams/"+team+"/members/"+ada.ID+"/role", "application/json", `{"role":"\u0000"}`))
	})
}

// Passwords that wait for a processor do not outlive their request.
func TestPasswords_BoundedAndCancelled(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.account("Ada", "ada@example.com", true)
	for range cap(w.app.passwords.places) {
		w.app.passwords.places <- struct{}{} // all processors are busy
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.app.signIn(ctx, ada.Email, password)
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.app.newAccount(ctx, accountForm{Name: "Eve", Email: "eve@example.com", Password: password})
	require.ErrorIs(t, err, context.Canceled)
	<-w.app.passwords.places
	_, err = w.app.signIn(t.Context(), ada.Email, password)
	require.NoError(t, err)
}

// Nobody waits for a processor for ever.
func TestPasswords_Patience(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.linkPath(ada, team)
	w.app.passwords.patience = 0
	for range cap(w.app.passwords.places) {
		w.app.passwords.places <- struct{}{} // all processors are busy
	}
	_, err := w.app.signIn(t.Context(), ada.Email, password)
	require.ErrorIs(t, err, errTooMany)
	_, err = w.app.newAccount(t.Context(), accountForm{Name: "Eve", Email: "eve@example.com", Password: password})
	require.ErrorIs(t, err, errTooMany)
	for _, path := range []string{"/sign-in", "/register", link + "/sign-in", link + "/register"} {
		got := w.nobody().submit(path, "name", "Ada", "email", ada.Email, "password", password)
		got.want(t, 429, "Too many attempts; wait a moment.")
		require.Equal(t, "10", got.header.Get("Retry-After"), path)
	}
}

// A request that its client has given up fails, and that is no error.
func TestLog_ClientHasLeft(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	path, signedIn := w.invitedPath(ada, team, "grace@example.com"), w.session(ada).header
	key := w.keyOf(ada, team, "owner").header
	w.breakStore()
	left, leave := context.WithCancel(t.Context())
	leave()
	for _, r := range []struct {
		path   string
		header http.Header
	}{{path, http.Header{}}, {apiPath + "/teams/" + team + "/members", key}, {"/personal", signedIn}} {
		for _, ctx := range []context.Context{t.Context(), left} {
			logs, got := w.logs(), httptest.NewRecorder()
			request := httptest.NewRequestWithContext(ctx, "GET", r.path, nil)
			request.Header = r.header.Clone()
			w.app.handler().ServeHTTP(got, request)
			require.Equal(t, 500, got.Code, r.path)
			require.Contains(t, logs.String(), "request failed", r.path)
			require.Equal(t, ctx != left, strings.Contains(logs.String(), "level=ERROR"), logs.String())
		}
	}
}

// Another site can make a browser ask for pages with a token, and that keeps nobody from signing in.
func TestLimits_PagesApart(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.linkPath(ada, team)
	for i := range clientBurst {
		w.nobody().do([]string{"GET", "HEAD"}[i%2], link, "", "Sec-Fetch-Site", "cross-site").want(t, 200)
	}
	got := w.nobody().do("GET", link, "").want(t, 429, "Too many attempts; wait a moment.")
	require.Equal(t, "10", got.header.Get("Retry-After"))
	w.nobody().do("HEAD", link, "").want(t, 429)
	for range clientBurst {
		w.nobody().submit("/sign-in", "email", ada.Email, "password", "wrong password").want(t, 422)
	}
	w.nobody().submit("/sign-in", "email", ada.Email, "password", password).want(t, 429)
	w.advance(clientInterval)
	w.nobody().do("GET", link, "").want(t, 200)
	w.session(ada)
}
