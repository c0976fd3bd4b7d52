package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

// A user with an account signs in and accepts.
func TestAccept_ExistingUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	w.want(w.verified("grace@example.com").submit("/sign-out"), 200, "home")
	path := w.invited(ada, "grace@example.com")

	grace := newBrowser(w.url)
	page := grace.get(path)
	w.want(page, 200, "sign_in")
	for _, want := range []string{"acme", "developer", `value="grace@example.com"`, "9 March 2026, 09:00 UTC"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, page.body)
		}
	}
	w.want(grace.submit(path+"/accept"), 200, "sign_in") // signed out
	w.want(grace.submit(path+"/sign-in", "email", "Grace@Example.com"), 200, "accept")
	w.member("grace@example.com", "")
	w.want(grace.submit(path+"/accept"), 200, "open")
	home := grace.get("/")
	w.want(home, 200, "home")
	for _, want := range []string{"<strong>acme</strong>, as developer; 1000 of 1000 left for all", "Personal; 20 of 20 left"} {
		if !strings.Contains(home.body, want) {
			t.Errorf("the home page lacks %q:\n%s", want, home.body)
		}
	}
	w.member("grace@example.com", invitations.RoleDeveloper)

	w.want(grace.get(path), 200, "open")
	w.want(grace.submit(path+"/accept"), 200, "open")
	w.want(newBrowser(w.url).get(path), 409, "stop")
}

// A user without an account registers and accepts. The token proves the ownership of the address.
func TestAccept_NewUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")

	grace := newBrowser(w.url)
	w.want(grace.get(path), 200, "register")
	// The account gets the address of the invitation, not the one in the form.
	w.want(grace.submit(path+"/register", "email", "ada.lovelace@example.com", "verified", "true"), 200, "accept")
	if known, _ := w.host.hasAccount(t.Context(), "ada.lovelace@example.com"); known {
		t.Error("the form chose the address")
	}
	if user, err := w.host.signIn("grace@example.com"); err != nil || !user.Verified {
		t.Errorf("got account %+v, %v; want a verified one", user, err)
	}
	w.member("grace@example.com", "") // registering accepts nothing
	w.want(grace.submit(path+"/accept"), 200, "open")
	w.member("grace@example.com", invitations.RoleDeveloper)
}

// A refused account changes nothing. The recipient can still accept.
func TestAccept_WrongAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	mallory := w.verified("mallory@example.com")

	page := mallory.get(path)
	w.want(page, 200, "switch_account")
	if !strings.Contains(page.body, "This invitation was sent to another address.") || strings.Contains(page.body, "/accept") {
		t.Errorf("got\n%s", page.body)
	}
	before := w.state()
	for range 2 {
		w.want(mallory.submit(path+"/accept", "email", "grace@example.com", "role", "owner"), 403, "refused")
	}
	if after := w.state(); after != before {
		t.Errorf("a refusal changed something: from\n%s\nto\n%s", before, after)
	}
	w.member("mallory@example.com", "")

	w.want(mallory.submit(path+"/sign-out"), 200, "register")
	w.want(mallory.submit(path+"/register"), 200, "accept")
	w.want(mallory.submit(path+"/accept"), 200, "open")
	w.member("grace@example.com", invitations.RoleDeveloper)
}

// A user with the invited address must verify it first.
func TestAccept_UnverifiedAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	grace, mallory := w.browser("grace@example.com"), newBrowser(w.url)
	w.want(mallory.submit("/sign-in", "email", "grace@example.com"), 200, "home")
	w.want(grace.get(path), 200, "verify_email")
	w.want(grace.submit(path+"/accept"), 403, "refused")
	w.member("grace@example.com", "")
	w.want(grace.submit(path+"/verify"), 200, "accept")
	w.want(mallory.get(path), 200, "sign_in") // verifying ended all other sessions
	w.want(grace.submit(path+"/accept"), 200, "open")
	w.member("grace@example.com", invitations.RoleDeveloper)
}

// An attacker registers the address of another person. When that person follows the invitation, the
// attacker loses the account and its sessions.
func TestRegister_ReplacesUnverifiedAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	mallory := w.browser("grace@example.com")
	w.want(mallory.do("POST", "/api/organizations", `{"id":"evil"}`), 201, "owner")
	prepared, _ := w.host.signIn("grace@example.com")
	w.want(newBrowser(w.url).submit("/register", "email", "grace@example.com"), 409, "refused") // proves nothing
	path := w.invited(ada, "grace@example.com")

	grace := newBrowser(w.url)
	w.want(grace.get(path), 200, "register")
	w.want(grace.submit(path+"/register"), 200, "accept")
	w.want(grace.submit(path+"/accept"), 200, "open")
	w.member("grace@example.com", invitations.RoleDeveloper)
	if user, err := w.host.signIn("grace@example.com"); err != nil || user.id == prepared.id || !user.Verified {
		t.Errorf("got account %+v, %v; want a verified one that is not %s", user, err, prepared.id)
	}
	if got := grace.get("/"); strings.Contains(got.body, "evil") {
		t.Error("the new account has a team of the old one")
	}
	if got := mallory.get("/"); strings.Contains(got.body, "signed in as") {
		t.Error("the session of the old account still works")
	}
	w.want(mallory.do("GET", "/api/organizations/acme/members", ""), 401, "unauthenticated")
}

// A token signs nobody in to an account with a verified address.
func TestRegister_VerifiedAccountExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	grace, b := w.verified("grace@example.com"), newBrowser(w.url)
	before := w.state()
	w.want(b.submit(path+"/register"), 409, "refused")
	w.want(b.get(path), 200, "sign_in")
	w.want(grace.get(path), 200, "accept") // her session continues
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// A shareable link proves no address, so an account that is registered through it is unverified.
func TestRegister_ThroughLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.linked(ada, `{"role":"viewer","allowed_domains":["example.org"]}`)

	bob := newBrowser(w.url)
	page := bob.get(path)
	w.want(page, 200, "sign_in")
	if strings.Contains(page.body, "/decline") {
		t.Error("the page of a shareable link has a button to decline")
	}
	w.want(bob.submit(path+"/register", "email", "bob@example.org"), 200, "verify_email")
	w.want(bob.submit(path+"/verify"), 200, "accept")
	w.want(bob.submit(path+"/accept"), 200, "open")
	w.member("bob@example.org", invitations.RoleViewer)

	carol := w.verified("carol@example.com")
	w.want(carol.get(path), 200, "switch_account")
	w.want(carol.submit(path+"/accept"), 403, "refused")
	w.want(carol.submit(path+"/decline"), 422, "refused")
	w.want(bob.get(path), 200, "open")
}

func TestDecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	b := newBrowser(w.url)                         // without an account
	w.want(b.submit(path+"/decline"), 410, "stop") // the redirect's page
	w.want(b.submit(path+"/decline"), 410, "refused")
	w.want(b.submit(path+"/register"), 410, "refused")
}

func TestExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	grace := w.verified("grace@example.com")
	w.pass(7*24*time.Hour - time.Microsecond)
	w.want(grace.get(path), 200, "accept")
	w.pass(time.Microsecond)
	page := grace.get(path)
	w.want(page, 410, "stop")
	if !strings.Contains(page.body, "This invitation has expired; ask for a new one.") {
		t.Errorf("got\n%s", page.body)
	}
	w.want(grace.submit(path+"/accept"), 410, "refused")
}

// Following a link changes nothing. The paths that change something refuse GET and HEAD.
func TestClass44_GetChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	invited, link := w.invited(ada, "grace@example.com"), w.linked(ada, `{"role":"viewer","max_uses":1}`)
	visitors := []*browser{
		newBrowser(w.url), ada, w.verified("mallory@example.com"), w.verified("grace@example.com"), w.browser("bob@example.com"),
	}
	before := w.state()
	for _, b := range visitors {
		for _, path := range []string{invited, link} {
			for _, method := range []string{"GET", "HEAD", "GET"} {
				if got := b.do(method, path, ""); got.err != nil || got.status != 200 {
					t.Errorf("%s: got %d, %v", method, got.status, got.err)
				}
			}
			for _, action := range []string{"/accept", "/decline", "/register", "/sign-in", "/sign-out", "/verify"} {
				for _, method := range []string{"GET", "HEAD"} {
					if got := b.do(method, path+action, ""); got.err != nil || got.status != http.StatusMethodNotAllowed {
						t.Errorf("%s %s: got %d, %v", method, action, got.status, got.err)
					}
				}
			}
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed by following links: from\n%s\nto\n%s", before, after)
	}
}

// No parameter of a request chooses the target of a redirect.
func TestClass35_Redirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.team()
	path := w.invited(ada, "grace@example.com")
	grace := w.verified("grace@example.com")
	grace.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const elsewhere = "?next=https://evil.example&redirect_to=//evil.example"
	tests := []struct{ path, want string }{
		{path + "/sign-in", path},
		{path + "/verify", path},
		{"/sign-in", "/"},
		{"/verify", "/"},
		{"/invite/%2F%2Fevil.example/verify", "/invite/%2F%2Fevil.example"},
		{"/invite/%5Cevil.example/verify", "/invite/%5Cevil.example"},
		{"/invite/a%0D%0AX-Evil:%201/verify", "/invite/a%0D%0AX-Evil:%201"},
		{path + "/accept", path},
		{path + "/sign-out", path},
		{path + "/accept", path}, // signed out
		{"/sign-out", "/"},
	}
	for _, test := range tests {
		got := grace.submit(test.path+elsewhere, "email", "grace@example.com", "next", "https://evil.example")
		if got.err != nil || got.status != http.StatusSeeOther || got.header.Get("Location") != test.want {
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
	ada := w.browser("ada@example.com")
	const evil = `<script src=//evil.example></script>"'><img src=x>{{.Who}}`
	w.want(ada.do("POST", "/api/organizations", `{"id":"<b>acme</b>"}`), 201, "owner")
	made := ada.do("POST", "/api/organizations/%3Cb%3Eacme%3C%2Fb%3E/invitations",
		`{"email":"o'grace&co@example.com","role":"viewer","message":"`+strings.ReplaceAll(evil, `"`, `\"`)+`"}`)
	w.want(made, 201, "pending")
	path := ada.mailedTo("o'grace&co@example.com")
	for name, got := range map[string]answer{
		"invitation": newBrowser(w.url).get(path), "home": ada.get("/"), "outbox": ada.get("/dev/outbox"),
	} {
		for _, raw := range []string{"<script", "<img", "<b>", "'grace"} {
			if strings.Contains(got.body, raw) {
				t.Errorf("%s: %q is in the page:\n%s", name, raw, got.body)
			}
		}
		if !strings.Contains(got.body, "&lt;b&gt;acme&lt;/b&gt;") {
			t.Errorf("%s: the name is not in the page:\n%s", name, got.body)
		}
	}
}

// Signing in makes a new session cookie, and signing out ends the session.
func TestSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser("ada@example.com")
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cookies := map[string]bool{}
	for range 2 {
		set := b.submit("/sign-in", "email", "ada@example.com").header.Get("Set-Cookie")
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
	b.submit("/sign-out")
	for cookie := range cookies {
		got := newBrowser(w.url).do("GET", "/", "", "Cookie", cookie)
		if got.err != nil || strings.Contains(got.body, "signed in as") {
			t.Errorf("an old cookie still works: %v", got.err)
		}
	}
	w.want(b.submit("/sign-in", "email", "nobody@example.com"), 403, "refused")

	for _, scheme := range []string{"http", "https"} {
		answer := httptest.NewRecorder()
		app := newApp(w.svc, &url.URL{Scheme: scheme, Host: w.base.Host}, w.clock, w.log)
		app.host.begin(answer, httptest.NewRequest("POST", "/sign-in", nil), account{id: "user-1"})
		if got := strings.Contains(answer.Header().Get("Set-Cookie"), "; Secure"); got != (scheme == "https") {
			t.Errorf("%s: Secure is %v", scheme, got)
		}
	}
}
