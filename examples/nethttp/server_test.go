package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

const (
	acceptButton = "<button>Accept</button>"
	signInForm   = "<button>Sign in</button>"
)

// invitationID returns the ID of the newest invitation on the page of acme.
func (b *browser) invitationID() string {
	b.w.t.Helper()
	found := regexp.MustCompile(`/invitations/([0-9a-f-]{36})/resend`).FindStringSubmatch(b.get("/organizations/acme").body)
	if found == nil {
		b.w.t.Fatal("no invitation to resend")
	}
	return found[1]
}

// TestStory goes through the example once, as the people in it would.
func TestStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	// Ada opens the page of her team, signs in and invites Grace.
	ada := w.browser()
	ada.get("/organizations/acme").want(401, signInForm)
	ada = w.signedInAs("ada@example.com")
	ada.get("/organizations/acme").want(200, "<option selected>viewer</option>")
	link := w.invited(ada, "grace@example.com", invitations.RoleDeveloper)

	// Grace follows the link, signs in and accepts.
	grace := w.browser()
	page := grace.get(link).want(200, signInForm)
	for _, want := range []string{
		"<strong>acme</strong>", "<strong>developer</strong>", `value="grace@example.com"`, "9 March 2026, 09:00 UTC",
	} {
		page.want(200, want)
	}
	grace.post(link+"/sign-in", "email", "Grace@Example.com").want(200, acceptButton)
	w.member("grace@example.com", "")
	grace.post(link+"/accept").want(200, "You are a member of acme")
	w.member("grace@example.com", invitations.RoleDeveloper)
	grace.post(link+"/accept").want(200, "You are a member of acme")

	// Ada invites Linus, resends the invitation and revokes it.
	first := w.invited(ada, "linus@example.com", invitations.RoleViewer)
	ada.post("/organizations/acme/invite", "email", "linus@example.com", "role", "viewer").refused(invitations.ErrAlreadyInvited)
	path := "/organizations/acme/invitations/" + ada.invitationID()
	ada.post(path + "/resend").refused(invitations.ErrTooSoon)
	w.pass(time.Minute)
	ada.post(path+"/resend").want(200, "linus@example.com")
	second := w.mailedTo("linus@example.com")
	linus := w.browser()
	linus.get(first).refused(invitations.ErrInvalidToken)
	linus.get(second).want(200, signInForm)
	ada.post(path+"/revoke").want(200, "<strong>linus@example.com</strong>, viewer: revoked")
	linus.get(second).refused(invitations.ErrRevoked)
}

// A refused account changes nothing. The recipient can still accept.
func TestAccept_WrongAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.invited(w.signedInAs("ada@example.com"), "grace@example.com", invitations.RoleDeveloper)
	mallory := w.signedInAs("mallory@example.com")
	page := mallory.get(link).want(200, invitations.ErrRecipientMismatch.Message())
	if strings.Contains(page.body, "/accept") || strings.Contains(page.body, "/decline") {
		t.Errorf("the page has a button to answer:\n%s", page.body)
	}
	before := w.state()
	for range 2 {
		mallory.post(link+"/accept", "email", "grace@example.com", "role", "owner").refused(invitations.ErrRecipientMismatch)
	}
	w.unchanged(before)
	mallory.post(link+"/sign-in", "email", "grace@example.com").want(200, acceptButton)
	mallory.post(link+"/accept").want(200, "You are a member of acme")
	w.member("mallory@example.com", "")
	w.member("grace@example.com", invitations.RoleDeveloper)
}

// Declining needs no account, and ends the invitation.
func TestDecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.invited(w.signedInAs("ada@example.com"), "grace@example.com", invitations.RoleDeveloper)
	b := w.browser()
	b.get(link).want(200, link+"/decline")
	b.post(link + "/decline").refused(invitations.ErrDeclined) // on the page behind the redirect
	w.signedInAs("grace@example.com").post(link + "/accept").refused(invitations.ErrDeclined)
	w.member("grace@example.com", "")
}

func TestAccept_Expired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.invited(w.signedInAs("ada@example.com"), "grace@example.com", invitations.RoleDeveloper)
	grace := w.signedInAs("grace@example.com")
	w.pass(7*24*time.Hour - time.Microsecond)
	grace.get(link).want(200, acceptButton)
	w.pass(time.Microsecond)
	grace.get(link).refused(invitations.ErrExpired)
	grace.post(link + "/accept").refused(invitations.ErrExpired)
	w.member("grace@example.com", "")
}

// Signed-out users get 401. Users who are not members get 403, and nothing changes.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	link := w.invited(ada, "grace@example.com", invitations.RoleViewer)
	one := "/organizations/acme/invitations/" + ada.invitationID()
	signedOut, mallory := w.browser(), w.signedInAs("mallory@example.com")
	before := w.state()
	for _, path := range []string{"/organizations/acme", "/organizations/acme/invoices"} {
		signedOut.get(path).want(401, signInForm)
		mallory.get(path).refused(invitations.ErrPermissionDenied)
	}
	for _, path := range []string{"/organizations/acme/invite", one + "/resend", one + "/revoke"} {
		form := []string{"email", "mallory@example.com", "role", "viewer"}
		signedOut.post(path, form...).want(401, signInForm)
		mallory.post(path, form...).refused(invitations.ErrPermissionDenied)
	}
	signedOut.post(link+"/accept").want(401, signInForm)
	w.unchanged(before)
}

// The owner of an organization cannot reach the invitations of another one by their IDs.
func TestClass18_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, mallory := w.signedInAs("ada@example.com"), w.signedInAs("mallory@example.com")
	w.invited(ada, "grace@example.com", invitations.RoleViewer)
	if _, err := w.svc.CreateOrganization(t.Context(), "evil", "mallory@example.com"); err != nil {
		t.Fatal(err)
	}
	before, path := w.state(), "/organizations/evil/invitations/"+ada.invitationID()
	mallory.post(path + "/resend").refused(invitations.ErrNotFound)
	mallory.post(path + "/revoke").refused(invitations.ErrNotFound)
	if got := mallory.get("/organizations/evil"); strings.Contains(got.body, "grace@example.com") {
		t.Errorf("the page lists another organization's invitation:\n%s", got.body)
	}
	w.unchanged(before)
}

// The middleware decides by the present role at each request.
func TestRequirePermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/organizations/acme/invoices"
	link := w.invited(w.signedInAs("ada@example.com"), "grace@example.com", invitations.RoleDeveloper)
	grace := w.signedInAs("grace@example.com")
	grace.post(link + "/accept")
	setRole := func(role invitations.Role) {
		t.Helper()
		_, err := w.svc.ChangeRole(t.Context(), invitations.User("ada@example.com"), invitations.ChangeRoleParams{
			Organization: "acme", UserID: "grace@example.com", Role: role,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	grace.get(path).refused(invitations.ErrPermissionDenied)
	setRole(invitations.RoleBilling)
	grace.get(path).want(200, "No invoices.")
	setRole(invitations.RoleViewer)
	grace.get(path).refused(invitations.ErrPermissionDenied)
	setRole(invitations.RoleAdmin)
	grace.get(path).want(200, "No invoices.")
	grace.get("/organizations/other/invoices").refused(invitations.ErrPermissionDenied)
	if _, err := w.svc.RemoveMember(t.Context(), invitations.User("ada@example.com"), "acme", "grace@example.com"); err != nil {
		t.Fatal(err)
	}
	grace.get(path).refused(invitations.ErrPermissionDenied)
}

// Following a link changes nothing. The paths that change something refuse GET and HEAD.
func TestClass44_GetChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	link := w.invited(ada, "grace@example.com", invitations.RoleViewer)
	one := "/organizations/acme/invitations/" + ada.invitationID()
	visitors := []*browser{w.browser(), ada, w.signedInAs("mallory@example.com"), w.signedInAs("grace@example.com")}
	before := w.state()
	for _, b := range visitors {
		for _, method := range []string{"GET", "HEAD", "GET"} {
			b.do(method, link, "").want(200, "")
		}
		for _, path := range []string{
			link + "/accept", link + "/decline", link + "/sign-in",
			"/organizations/acme/invite", "/organizations/acme/sign-in", one + "/resend", one + "/revoke",
		} {
			for _, method := range []string{"GET", "HEAD"} {
				if got := b.do(method, path, ""); got.status != http.StatusMethodNotAllowed {
					t.Errorf("%s %s: got %d", method, path, got.status)
				}
			}
		}
	}
	w.unchanged(before)
}

// Pages of other sites can change nothing, even with the victim's cookie.
func TestClass44_CrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, grace := w.signedInAs("ada@example.com"), w.signedInAs("grace@example.com")
	link := w.invited(ada, "grace@example.com", invitations.RoleViewer)
	one := "/organizations/acme/invitations/" + ada.invitationID()
	before := w.state()
	for _, b := range []*browser{ada, grace} {
		for _, path := range []string{
			link + "/accept", link + "/decline", link + "/sign-in",
			"/organizations/acme/invite", "/organizations/acme/sign-in", one + "/resend", one + "/revoke",
		} {
			for name, headers := range map[string][]string{
				"cross-site":    {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
				"same-site":     {"Sec-Fetch-Site", "same-site", "Origin", w.baseURL},
				"older browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			} {
				got := b.do("POST", path, "email=evil%40example.com&role=owner", headers...)
				if got.status != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
					t.Errorf("POST %s, %s: got %d, want 403", path, name, got.status)
				}
			}
		}
	}
	w.unchanged(before)
	ada.get("/organizations/acme").want(200, "You are signed in as ada@example.com")
}

// All answers have the headers that protect a secret in the URL.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	link := w.invited(ada, "grace@example.com", invitations.RoleViewer)
	for name, got := range map[string]answer{
		"invitation":      w.browser().get(link),
		"invalid token":   w.browser().get("/invite/inv_x"),
		"refused accept":  ada.post(link + "/accept"),
		"cross-site form": ada.do("POST", link+"/accept", "", "Sec-Fetch-Site", "cross-site"),
		"style":           ada.get("/style.css"),
		"team":            ada.get("/organizations/acme"),
		"signed out":      w.browser().get("/organizations/acme"),
		"unknown path":    ada.get("/nowhere"),
	} {
		for header, want := range map[string]string{
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-store",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if g := got.header.Get(header); g != want {
				t.Errorf("%s: %s: got %q, want %q", name, header, g, want)
			}
		}
	}
}

// A form over the limit gets 413, and one that cannot be parsed 422. Neither changes anything.
func TestClass41_InvalidForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	before := w.state()
	ada.post("/organizations/acme/invite", "email", strings.Repeat("x", 64<<10)).want(413, "Error code: request_too_large")
	ada.do("POST", "/organizations/acme/invite", "email=%").refused(invitations.ErrInvalid)
	ada.post("/organizations/acme/invite", "email", "grace", "role", "viewer").refused(invitations.ErrInvalid)
	ada.post("/organizations/acme/invite", "email", "grace@example.com", "role", "king").refused(invitations.ErrInvalid)
	ada.post("/organizations/acme/invitations/1/resend").refused(invitations.ErrInvalid)
	ada.post("/organizations/acme/invitations/1/revoke").refused(invitations.ErrInvalid)
	ada.get("/organizations/acme?cursor=x").refused(invitations.ErrInvalid)
	w.unchanged(before)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err           error
		status        int
		code, message string
	}{
		{invitations.ErrExpired, 410, "expired", invitations.ErrExpired.Message()},
		{invitations.ErrConcurrentChange, 409, "concurrent_change", invitations.ErrConcurrentChange.Message()},
		{invitations.ErrOutcomeUnknown, 503, "outcome_unknown", invitations.ErrOutcomeUnknown.Message()},
		{&invitations.AlreadyInvitedError{}, 409, "already_invited", invitations.ErrAlreadyInvited.Message()},
		{&invitations.InvalidError{Field: "email", Reason: "must not be empty"}, 422, "invalid_argument", "email must not be empty"},
		{errSignedOut, 401, "signed_out", "Sign in first"},
		{&http.MaxBytesError{Limit: 1}, 413, "request_too_large", "The request is too large"},
		{errors.New("password of the database: hunter2"), 500, "internal", "Something went wrong"},
		{context.DeadlineExceeded, 500, "internal", "Something went wrong"},
	}
	for _, test := range tests {
		for _, err := range []error{test.err, fmt.Errorf("inviting eve@example.com: %w", test.err)} {
			status, code, message := describe(err)
			if status != test.status || code != test.code || message != test.message {
				t.Errorf("%v: got %d %s %q, want %d %s %q", err, status, code, message, test.status, test.code, test.message)
			}
		}
	}
}

var errBroken = errors.New("the disk is full")

// brokenStore fails in every method that the example uses.
type brokenStore struct{ invitations.Store }

func (brokenStore) Update(context.Context, invitations.Query, invitations.Decision) error {
	return errBroken
}

func (brokenStore) View(context.Context, invitations.Query) (invitations.Facts, error) {
	return invitations.Facts{}, errBroken
}

func (brokenStore) Invitations(context.Context, invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	return invitations.Page[invitations.Record]{}, errBroken
}

// Errors of the store are logged without the token, and clients see none of their text.
func TestClass33_BrokenStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	link := w.invited(ada, "grace@example.com", invitations.RoleViewer)
	one := "/organizations/acme/invitations/" + ada.invitationID()
	w.svc = w.svc.WithStore(brokenStore{})
	for pattern, got := range map[string]answer{
		"GET /invite/{token}":                               ada.get(link),
		"POST /invite/{token}/decline":                      ada.post(link + "/decline"),
		"POST /invite/{token}/accept":                       ada.post(link + "/accept"),
		"GET /organizations/{org}":                          ada.get("/organizations/acme"),
		"GET /organizations/{org}/invoices":                 ada.get("/organizations/acme/invoices"),
		"POST /organizations/{org}/invite":                  ada.post("/organizations/acme/invite", "email", "a@example.com", "role", "viewer"),
		"POST /organizations/{org}/invitations/{id}/resend": ada.post(one + "/resend"),
		"POST /organizations/{org}/invitations/{id}/revoke": ada.post(one + "/revoke"),
	} {
		got.want(500, "Something went wrong")
		if strings.Contains(got.body, errBroken.Error()) {
			t.Errorf("%s: answered %s", pattern, got.body)
		}
		if want := fmt.Sprintf("pattern=%q", pattern); !strings.Contains(w.logs.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if logs := w.logs.String(); !strings.Contains(logs, errBroken.Error()) || strings.Contains(logs, "inv_") {
		t.Errorf("the log must have the error and no token:\n%s", logs)
	}
}

// No page of the team contains a token.
func TestClass31_TokenInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	pages := []answer{
		ada.post("/organizations/acme/invite", "email", "grace@example.com", "role", "viewer"),
		ada.post("/organizations/acme/invite", "email", "grace@example.com", "role", "viewer"),
	}
	path := "/organizations/acme/invitations/" + ada.invitationID()
	w.pass(time.Minute)
	pages = append(pages, ada.post(path+"/resend"), ada.post(path+"/revoke"), ada.get("/organizations/acme"))
	for _, page := range pages {
		if strings.Contains(page.body, "inv_") {
			t.Errorf("got\n%s", page.body)
		}
	}
}

// Links begin with the configured base URL, even if a request names another host.
func TestClass34_HostHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.signedInAs("ada@example.com")
	r := httptest.NewRequest("POST", "/organizations/acme/invite", strings.NewReader("email=grace%40example.com&role=viewer"))
	base, err := url.Parse(w.baseURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ada.client.Jar.Cookies(base) {
		r.AddCookie(c)
	}
	r.Host = "evil.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("Forwarded", "host=evil.example")
	got := httptest.NewRecorder()
	w.handler().ServeHTTP(got, r)
	if location := got.Header().Get("Location"); got.Code != http.StatusSeeOther || location != "/organizations/acme" {
		t.Errorf("got %d %s", got.Code, location)
	}
	if want := "Mail to grace@example.com: " + w.baseURL + "/invite/inv_"; !strings.HasPrefix(w.mailbox.String(), want) {
		t.Errorf("the mail does not begin with %q", want)
	}
}

// No parameter of a request chooses the target of a redirect.
func TestClass35_Redirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.invited(w.signedInAs("ada@example.com"), "grace@example.com", invitations.RoleViewer)
	grace := w.signedInAs("grace@example.com")
	grace.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const elsewhere = "?next=https://evil.example&redirect_to=//evil.example"
	for _, test := range []struct{ path, want string }{
		{link + "/sign-in", link},
		{link + "/accept", link},
		{"/organizations/acme/sign-in", "/organizations/acme"},
		{"/invite/%2F%2Fevil.example/sign-in", "/invite/%2F%2Fevil.example"},
		{"/organizations/%2F%2Fevil.example/sign-in", "/organizations/%2F%2Fevil.example"},
		{"/invite/%5Cevil.example/sign-in", "/invite/%5Cevil.example"},
		{"/invite/a%0D%0AX-Evil:%201/sign-in", "/invite/a%0D%0AX-Evil:%201"},
	} {
		got := grace.post(test.path+elsewhere, "email", "grace@example.com", "next", "https://evil.example")
		if got.status != http.StatusSeeOther || got.header.Get("Location") != test.want {
			t.Errorf("%s: got %d %q, want a redirect to %q", test.path, got.status, got.header.Get("Location"), test.want)
		}
		if got.header.Get("X-Evil") != "" {
			t.Errorf("%s: a header was injected", test.path)
		}
	}
}

// Pages escape the texts of users.
func TestClass36_HTML(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const org, path = "<b>acme</b>", "/organizations/%3Cb%3Eacme%3C%2Fb%3E"
	if _, err := w.svc.CreateOrganization(t.Context(), org, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	sent, err := w.svc.Invite(t.Context(), invitations.User("ada@example.com"), invitations.InviteParams{
		Organization: org, Email: "o'grace&co@example.com", Role: invitations.RoleViewer,
		Message: `<script src=//evil.example></script>"'><img src=x>{{.User}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]answer{
		"invitation": w.browser().get("/invite/" + sent.Token.Reveal()),
		"team":       w.signedInAs("ada@example.com").get(path),
	} {
		got.want(200, "&lt;b&gt;acme&lt;/b&gt;")
		for _, raw := range []string{"<script", "<img", "<b>", "'grace"} {
			if strings.Contains(got.body, raw) {
				t.Errorf("%s: %q is in the page:\n%s", name, raw, got.body)
			}
		}
	}
}

// The session cookie is hidden from scripts, and each sign-in makes a new one.
func TestSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cookies := map[string]bool{}
	for range 2 {
		set := b.post("/organizations/acme/sign-in", "email", "ada@example.com").header.Get("Set-Cookie")
		for _, want := range []string{"session=", "; HttpOnly", "; SameSite=Lax", "; Path=/"} {
			if !strings.Contains(set, want) {
				t.Errorf("Set-Cookie: %s lacks %q", set, want)
			}
		}
		cookies[strings.SplitN(set, ";", 2)[0]] = true
	}
	if len(cookies) != 2 {
		t.Errorf("two sign-ins have the cookies %v", cookies)
	}
	w.browser().do("GET", "/organizations/acme", "", "Cookie", "session=guess").want(401, signInForm)
}
