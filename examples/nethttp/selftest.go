package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// selftest serves on a free port, and tells the story of an invitation through it.
func selftest(ctx context.Context, out io.Writer) error {
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, base, slog.New(slog.DiscardHandler)) }()
	err = tellStory(out, base)
	cancel()
	return errors.Join(err, <-served)
}

func tellStory(out io.Writer, base string) error {
	t := &teller{out: out}
	const team = "/api/organizations/acme"

	ada := newBrowser(base)
	t.expect("ada registers", ada.submit("/register", "email", "ada@example.com"), 200, "home")
	t.expect("ada founds acme", ada.call("POST", "/api/organizations", `{"id":"acme"}`), 201, "owner")
	t.expect("ada invites grace", ada.call("POST", team+"/invitations",
		`{"email":"grace@example.com","role":"developer","message":"Welcome!"}`), 201, "pending")
	first := ada.mailedTo("grace@example.com")

	mallory := newBrowser(base)
	t.expect("mallory registers", mallory.submit("/register", "email", "mallory@example.com"), 200, "home")
	t.expect("mallory follows the link of grace", mallory.get(first), 200, "switch_account")
	t.expect("mallory accepts all the same", mallory.submit(first+"/accept"), 403, "refused")

	grace := newBrowser(base)
	t.expect("grace follows the link", grace.get(first), 200, "register")
	t.expect("grace registers there", grace.submit(first+"/register"), 200, "accept")
	t.expect("another site accepts for grace", grace.crossSite(first+"/accept"), 403, "")
	t.expect("grace accepts", grace.submit(first+"/accept"), 200, "home")
	t.expect("grace accepts again", grace.submit(first+"/accept"), 200, "home")
	t.expect("grace follows the link again", grace.get(first), 200, "open")
	t.expect("grace invites, as a developer", grace.call("POST", team+"/invitations",
		`{"email":"friend@example.com","role":"viewer"}`), 403, "permission_denied")

	invited := ada.call("POST", team+"/invitations", `{"email":"linus@example.com","role":"viewer"}`)
	t.expect("ada invites linus", invited, 201, "pending")
	t.expect("ada invites linus again", ada.call("POST", team+"/invitations",
		`{"email":"Linus@Example.com","role":"viewer"}`), 409, "already_invited")
	old := ada.mailedTo("linus@example.com")
	t.expect("ada resends it", ada.call("POST", team+"/invitations/"+invited.field("id")+"/resend", ""), 200, "pending")
	t.expect("linus follows the old link", newBrowser(base).get(old), 404, "stop")
	renewed := ada.mailedTo("linus@example.com")
	t.expect("linus follows the new link", newBrowser(base).get(renewed), 200, "register")
	t.expect("ada revokes it", ada.call("DELETE", team+"/invitations/"+invited.field("id"), ""), 200, "revoked")
	t.expect("linus follows the new link again", newBrowser(base).get(renewed), 410, "stop")

	made := ada.call("POST", team+"/links", `{"role":"viewer","max_uses":1}`)
	t.expect("ada makes a link for one", made, 201, "pending")
	link := strings.TrimPrefix(made.field("url"), base)
	t.expect("mallory follows it", mallory.get(link), 200, "accept")
	t.expect("mallory accepts", mallory.submit(link+"/accept"), 200, "home")
	bob := newBrowser(base)
	t.expect("bob follows it as the second", bob.get(link), 410, "stop")

	t.expect("ada lists what is accepted", ada.call("GET", team+"/invitations?state=accepted&kind=email", ""), 200, "accepted")
	return t.err
}

// A teller prints the steps of the story, up to the first that did not end as expected.
type teller struct {
	out io.Writer
	err error
}

// expect tells a step that must be answered with this status and outcome: the page's step, the
// code of an API error, or the state or role of what an API call returned.
func (t *teller) expect(step string, got answer, status int, outcome string) {
	if t.err != nil {
		return
	}
	if got.err != nil {
		t.err = fmt.Errorf("%s: %w", step, got.err)
		return
	}
	if got.status != status || got.outcome() != outcome {
		t.err = fmt.Errorf("%s: got %d %s, want %d %s", step, got.status, got.outcome(), status, outcome)
		return
	}
	fmt.Fprintln(t.out, strings.TrimSpace(fmt.Sprintf("%s: %d %s", step, status, outcome)))
}

// A browser is a client with cookies that follows redirects.
type browser struct {
	base   string
	client *http.Client
}

func newBrowser(base string) *browser {
	jar, _ := cookiejar.New(nil) // without options it never fails
	return &browser{base, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

// An answer is what came back last, after all redirects.
type answer struct {
	err    error
	status int
	path   string
	header http.Header
	body   string
}

func (b *browser) do(method, path, body string, headers ...string) answer {
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	var read bytes.Buffer
	_, err = read.ReadFrom(resp.Body)
	return answer{err, resp.StatusCode, resp.Request.URL.Path, resp.Header, read.String()}
}

func (b *browser) get(path string) answer { return b.do("GET", path, "") }

// submit submits a form of names and values as a browser does from a page that
// sends no referrer.
func (b *browser) submit(path string, form ...string) answer {
	return b.do("POST", path, encode(form), "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Site", "same-origin", "Origin", "null")
}

// crossSite submits a form as a browser does from a page of another site.
func (b *browser) crossSite(path string, form ...string) answer {
	return b.do("POST", path, encode(form), "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
}

func encode(form []string) string {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return values.Encode()
}

// call calls the API.
func (b *browser) call(method, path, body string) answer {
	return b.do(method, path, body, "Content-Type", "application/json")
}

var mailPattern = regexp.MustCompile(`mail to (\S+): <a href="([^"]+)"`)

// mailedTo returns the path of the link in the newest mail to this address, or "/none".
func (b *browser) mailedTo(email string) string {
	for _, match := range mailPattern.FindAllStringSubmatch(b.get("/dev/outbox").body, -1) {
		if html.UnescapeString(match[1]) == email {
			return strings.TrimPrefix(html.UnescapeString(match[2]), b.base)
		}
	}
	return "/none"
}

var stepPattern = regexp.MustCompile(`<main data-step="(\w+)">`)

// outcome returns the one word that says how a request ended.
func (a answer) outcome() string {
	if match := stepPattern.FindStringSubmatch(a.body); match != nil {
		return match[1]
	}
	var body struct {
		Error       struct{ Code string }
		State       string
		Role        string
		Invitations []struct{ State string }
	}
	switch err := json.Unmarshal([]byte(a.body), &body); {
	case err != nil:
		return ""
	case body.Error.Code != "":
		return body.Error.Code
	case body.State != "":
		return body.State
	case len(body.Invitations) > 0:
		return body.Invitations[0].State
	}
	return body.Role
}

// field returns a text of a JSON answer, or "".
func (a answer) field(name string) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(a.body), &body)
	text, _ := body[name].(string)
	return text
}
