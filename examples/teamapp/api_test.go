package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// description is openapi.yaml, and the validator of requests and answers that conform to it.
var description = sync.OnceValues(func() (*specification, error) {
	document, err := libopenapi.NewDocument(openAPI)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return &specification{document: document, validator: v}, nil
})

type specification struct {
	mu        sync.Mutex
	document  libopenapi.Document
	validator validator.Validator
}

// check fails the test if an answer is not as described. A request that was refused need not be.
func (s *specification) check(t testing.TB, request *http.Request, sent string, got answer) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	again := request.Clone(t.Context())
	again.Body = io.NopCloser(strings.NewReader(sent))
	if got.status < 400 {
		ok, errs := s.validator.ValidateHttpRequest(again)
		require.True(t, ok, "%s %s %s: %v", request.Method, request.URL, sent, errs)
	}
	ok, errs := s.validator.ValidateHttpResponse(again, &http.Response{
		StatusCode: got.status, Header: got.header, Body: io.NopCloser(strings.NewReader(got.body)),
	})
	require.True(t, ok, "%s %s: %d %s: %v", request.Method, request.URL, got.status, got.body, errs)
}

// A client sends requests of a program or, with a session, of a person's browser.
type client struct {
	w      *world
	header http.Header
}

// An answer is the response, without following redirects.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) client(header, value string) *client {
	return &client{w, http.Header{header: {value}}}
}

func (w *world) nobody() *client { return &client{w, http.Header{}} }

// keyOf returns a client with a new key.
func (w *world) keyOf(u account, team string, role invitations.Role) *client {
	w.t.Helper()
	key, err := w.app.addKey(w.t.Context(), u.ID, team, "test", role)
	require.NoError(w.t, err)
	return w.client("Authorization", "Bearer "+key)
}

// session returns a client who has signed in.
func (w *world) session(u account) *client {
	w.t.Helper()
	if !u.Verified() { // has a session from registering
		return w.client("Cookie", w.as(u).cookie)
	}
	return w.sessionWith(u.Email, password)
}

func (w *world) sessionWith(email, password string) *client {
	w.t.Helper()
	got := w.nobody().submit("/sign-in", "email", email, "password", password)
	require.Equal(w.t, http.StatusSeeOther, got.status, got.body)
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	return w.client("Cookie", cookie)
}

// joined adds a member.
func (w *world) joined(team, name string, role invitations.Role) account {
	w.t.Helper()
	u := w.account(name, strings.ToLower(name)+"@example.com", true)
	_, err := w.app.svc.AddMember(w.t.Context(), invitations.System(), invitations.AddMemberParams{Organization: team, UserID: u.ID, Role: role})
	require.NoError(w.t, err)
	return u
}

// do sends a request. The variadic headers are further names and values.
func (c *client) do(method, path, body string, headers ...string) answer {
	c.w.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = c.w.base + path
	}
	request, err := http.NewRequestWithContext(c.w.t.Context(), method, target, strings.NewReader(body))
	require.NoError(c.w.t, err)
	request.Header = c.header.Clone()
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(c.w.t, err)
	read, err := io.ReadAll(response.Body)
	require.NoError(c.w.t, err)
	require.NoError(c.w.t, response.Body.Close())
	got := answer{response.StatusCode, response.Header, string(read)}
	if mediaType := got.header.Get("Content-Type"); strings.HasSuffix(mediaType, "json") {
		s, err := description()
		require.NoError(c.w.t, err)
		s.check(c.w.t, request, body, got)
	}
	return got
}

// api sends a request to the API.
func (c *client) api(method, path, body string, headers ...string) answer {
	c.w.t.Helper()
	return c.do(method, apiPath+path, body, headers...)
}

// submit submits a form of names and values.
func (c *client) submit(path string, form ...string) answer {
	c.w.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return c.do("POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
}

// field returns a string field of a JSON answer, or "".
func (a answer) field(name string) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(a.body), &body)
	text, _ := body[name].(string)
	return text
}

// want checks the status, and a part of the body: the code of a problem, for instance.
func (a answer) want(t testing.TB, status int, parts ...string) answer {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	for _, part := range parts {
		require.Contains(t, a.body, part)
	}
	return a
}

// state returns all that the library keeps about a team, and the accounts and the mail.
func (w *world) state(team string) string {
	w.t.Helper()
	var out bytes.Buffer
	for e, err := range w.app.svc.AllEvents(w.t.Context(), invitations.System(), invitations.TimelineParams{Organization: team}) {
		require.NoError(w.t, err)
		fmt.Fprintf(&out, "%+v\n", e)
	}
	var accounts, letters, verified int
	require.NoError(w.t, w.app.db.QueryRowContext(w.t.Context(),
		`select (select count(*) from accounts), (select count(*) from outbox), (select count(*) from accounts where verified_at > 0)`).
		Scan(&accounts, &letters, &verified))
	balance, err := w.app.svc.Quota(w.t.Context(), invitations.System(), team, "")
	require.NoError(w.t, err)
	fmt.Fprintln(&out, accounts, letters, verified, balance.Shared.Used)
	return out.String()
}

// The document names every route with its parameters, and no others.
func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	s, err := description()
	require.NoError(t, err)
	valid, errs := s.validator.ValidateDocument()
	require.True(t, valid, "%v", errs)
	model, err := s.document.BuildV3Model()
	require.NoError(t, err)
	described, registered := map[string]string{}, map[string]string{}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			var query []string
			for _, p := range operation.Parameters {
				if p.In == "query" {
					query = append(query, p.Name)
				}
			}
			described[strings.ToUpper(method)+" "+path] = strings.Join(query, " ")
		}
	}
	for _, route := range apiRoutes {
		registered[route.method+" "+route.path] = route.query
	}
	require.Equal(t, registered, described)
}

// Every route answers as the document says, to a key or to a session.
func TestOpenAPI_Answers(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"SQLite": newSQLiteWorld(t), "PostgreSQL": newPostgresWorld(t)} {
		t.Run(name, func(t *testing.T) { testEveryRoute(t, w) })
	}
}

func testEveryRoute(t *testing.T, w *world) {
	ada, team := w.acme()
	dora, kim := w.joined(team, "Dora", invitations.RoleDeveloper), w.account("Kim", "kim@example.com", true)
	key, person := w.keyOf(ada, team, invitations.RoleOwner), w.session(kim)
	of := "/teams/" + team
	called := map[string]bool{}
	ok := func(c *client, route, path, body string, parts ...string) answer {
		t.Helper()
		called[route] = true
		method, _, _ := strings.Cut(route, " ")
		got := c.api(method, path, body)
		require.Less(t, got.status, 300, "%s: %s", route, got.body)
		return got.want(t, got.status, parts...)
	}
	const inv = "/teams/{team}/invitations"
	sent := ok(key, "POST "+inv, of+"/invitations", `{"email":"Kim@Example.com","role":"developer","message":"Hi","expires_in_days":3,
		"quota":{"limit":5,"period":"day"},"metadata":{"desk":"4"}}`, `"email":"kim@example.com"`, `"sent_by":"`+ada.ID, "2026-03-05T12:00:00Z")
	one := of + "/invitations/" + sent.field("id")
	ok(key, "POST "+inv+"/bulk", of+"/invitations/bulk", `{"invitations":[{"email":"bob@example.com","role":"viewer"},
		{"email":"kim@example.com","role":"viewer"},{"email":"bob","role":"viewer"}]}`, "already_invited", "missing_at_sign", "bob@example.com")
	link := ok(key, "POST /teams/{team}/links", of+"/links", `{"role":"viewer","max_uses":2,"allowed_domains":["example.com"]}`, w.base+"/invite/inv_")
	ok(key, "GET "+inv, of+"/invitations?state=pending&state=expired&kind=email&limit=1", "", "next_cursor")
	ok(key, "GET "+inv+"/{id}", one, "", `"desk":"4"`)
	ok(key, "PATCH "+inv+"/{id}", one, `{"role":"viewer","expires_in_days":30}`, `"role":"viewer"`, "2026-04-01T12:00:00Z")
	ok(key, "GET "+inv+"/{id}/link", of+"/invitations/"+link.field("id")+"/link", "", link.field("url"))
	require.NotEqual(t, link.field("url"), ok(key, "POST "+inv+"/{id}/resend", of+"/invitations/"+link.field("id")+"/resend", "").field("url"))
	w.pass(time.Hour)
	ok(key, "POST "+inv+"/{id}/resend", one+"/resend", `{"expires_in_days":1}`, "2026-03-03T13:00:00Z")
	ok(key, "GET "+inv+"/{id}/events", one+"/events?newest_first=true&limit=2", "", "invitation.resent", "next_cursor")
	ok(key, "GET /teams/{team}/members", of+"/members?role=developer&balances=true", "", dora.ID, "balance")
	member := "/teams/{team}/members/{user}"
	ok(key, "PUT "+member+"/role", of+"/members/"+dora.ID+"/role", `{"role":"admin"}`, "admin")
	ok(key, "PUT "+member+"/quota", of+"/members/"+dora.ID+"/quota", `{"limit":9,"period":"month"}`, `"limit":9`)
	ok(w.keyOf(dora, team, invitations.RoleDeveloper), "POST /teams/{team}/calls", of+"/calls", `{"amount":3}`, `"used":3`)
	ok(key, "GET "+member+"/quota", of+"/members/"+dora.ID+"/quota", "", `"used":3`)
	ok(key, "GET /teams/{team}/quota", of+"/quota", "", `"shared":{"limit":1000,"period":"month","used":3`)
	ok(key, "GET /teams/{team}/usage", of+"/usage?period=month&at=2026-03-01T00:00:00Z", "", dora.ID)
	ok(key, "GET /teams/{team}/events", of+"/events", "", "member.joined", "quota.changed")

	ok(person, "GET /received", "/received", "", sent.field("id"))
	ok(person, "POST /received/{team}/{id}/accept", "/received/"+team+"/"+sent.field("id")+"/accept", "", `"role":"viewer"`)
	bob := w.session(w.account("Bob", "bob@example.com", true))
	var offers invitations.List[invitations.Offer]
	require.NoError(t, json.Unmarshal([]byte(bob.api("GET", "/received", "").body), &offers))
	ok(bob, "POST /received/{team}/{id}/decline", "/received/"+team+"/"+offers.Items[0].ID.String()+"/decline", "")
	url := ok(key, "GET "+inv+"/{id}/link", of+"/invitations/"+link.field("id")+"/link", "").field("url")
	ok(bob, "POST /accept", "/accept", fmt.Sprintf(`{"token":%q}`, strings.TrimPrefix(url, w.base+"/invite/")), `"role":"viewer"`)
	ok(key, "DELETE "+inv+"/{id}", of+"/invitations/"+link.field("id"), "", "revoked")
	ok(key, "GET /teams/{team}/statistics", of+"/statistics?from=2026-03-01T00:00:00Z", "", `"created":3`, `"joined":2`)
	_, err := w.app.svc.Remaining(t.Context(), invitations.Personal(), kim.ID)
	require.NoError(t, err)
	ok(person, "POST /calls", "/calls", `{"amount":1}`)
	ok(key, "DELETE "+member, of+"/members/"+dora.ID, "", dora.ID)
	for _, route := range apiRoutes {
		require.True(t, called[route.method+" "+route.path], "%s %s was not called", route.method, route.path)
	}
	w.nobody().api("GET", "/openapi.yaml", "").want(t, 200, "openapi: 3.1.0")
	status, err := http.Get(w.base + apiPath + "/nothing") // the document does not have it
	require.NoError(t, err)
	require.NoError(t, status.Body.Close())
	require.Equal(t, 404, status.StatusCode)
}

// requests are requests of all routes that change something or show something, with valid bodies.
func requests(team, id, user string) [][3]string {
	var all [][3]string
	bodies := map[string]string{
		"POST /teams/{team}/invitations":             `{"email":"x@example.com","role":"viewer"}`,
		"POST /teams/{team}/invitations/bulk":        `{"invitations":[{"email":"x@example.com","role":"viewer"}]}`,
		"POST /teams/{team}/links":                   `{"role":"viewer"}`,
		"PATCH /teams/{team}/invitations/{id}":       `{"role":"viewer"}`,
		"PUT /teams/{team}/members/{user}/role":      `{"role":"viewer"}`,
		"PUT /teams/{team}/members/{user}/quota":     `{"limit":1,"period":"day"}`,
		"POST /teams/{team}/calls":                   `{"amount":1}`,
		"POST /calls":                                `{"amount":1}`,
		"POST /accept":                               `{"token":"inv_x"}`,
		"GET /teams/{team}/usage":                    ``,
		"POST /teams/{team}/invitations/{id}/resend": ``,
	}
	for _, route := range apiRoutes {
		path := strings.NewReplacer("{team}", team, "{id}", id, "{user}", user).Replace(route.path)
		if strings.HasSuffix(path, "/usage") {
			path += "?period=day"
		}
		all = append(all, [3]string{route.method, path, bodies[route.method+" "+route.path]})
	}
	return all
}

// Without a session or a valid key every route answers 401, with the key of another team 403, to a
// stranger 403, and nothing changes.
func TestAPI_Authentication(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	id := w.keyOf(ada, team, "admin").api("POST", "/teams/"+team+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).
		want(t, 201).field("id")
	eve := w.account("Eve", "eve@example.com", true)
	evil, err := w.app.createTeam(t.Context(), eve.ID, "Evil")
	require.NoError(t, err)
	key, err := w.app.addKey(t.Context(), eve.ID, evil, "test", "owner")
	require.NoError(t, err)
	unverified := w.session(w.account("Una", "una@example.com", false))
	session, other := w.session(eve), w.client("Authorization", "Bearer "+key)
	before := w.state(team)
	for _, r := range requests(team, id, ada.ID) {
		for name, c := range map[string]*client{
			"nobody": w.nobody(), "another scheme": w.client("Authorization", "Basic "+key), "no prefix": w.client("Authorization", "Bearer x"),
			"another cookie": w.client("Cookie", "session="+newSecret()), "empty": w.client("Authorization", ""),
			"a session and a bad key": {w, http.Header{"Cookie": session.header["Cookie"], "Authorization": {"Bearer x"}}},
			"two keys":                {w, http.Header{"Authorization": {"Bearer " + key, "Bearer " + key}}},
		} {
			got := c.api(r[0], r[1], r[2])
			require.Equal(t, 401, got.status, "%s: %v: %s", name, r, got.body)
			require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"))
		}
		unverified.api(r[0], r[1], r[2]).want(t, 403, "email_unverified")
		if strings.HasPrefix(r[1], "/teams/") {
			other.api(r[0], r[1], r[2]).want(t, 403, "other_team")
			session.api(r[0], r[1], r[2]).want(t, 403, "permission_denied")
		} else {
			other.api(r[0], r[1], r[2]).want(t, 403, "session_needed")
		}
	}
	require.Equal(t, before, w.state(team))
}

// A client that guesses keys is stopped. Its bad keys keep nobody from signing in, and wrong
// passwords keep no program from working.
func TestAPI_GuessedKeys(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	guess := func() answer {
		return w.client("Authorization", "Bearer "+keyPrefix+newSecret()).api("POST", "/teams/x/calls", `{"amount":1}`)
	}
	for range clientBurst {
		guess().want(t, 401)
	}
	got := guess().want(t, 429, "too_many_attempts")
	require.Equal(t, "10", got.header.Get("Retry-After"))
	for range clientBurst {
		w.nobody().submit("/sign-in", "email", "ada@example.com", "password", "wrong password").want(t, 422)
	}
	w.nobody().submit("/sign-in", "email", "ada@example.com", "password", "wrong password").want(t, 429)
	w.pass(clientInterval)
	guess().want(t, 401)
}

// A key does no more than its role and its member's present role, and nothing after the membership.
func TestAPI_KeyIsACeiling(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	adam, of := w.joined(team, "Adam", invitations.RoleAdmin), "/teams/"+team
	id := w.keyOf(ada, team, "owner").api("POST", of+"/invitations", `{"email":"grace@example.com","role":"developer"}`).want(t, 201).field("id")
	before := w.state(team)
	viewer := w.keyOf(ada, team, "viewer")
	for _, r := range requests(team, id, adam.ID) {
		if strings.HasPrefix(r[1], "/teams/") && r[1] != of+"/members" {
			viewer.api(r[0], r[1], r[2]).want(t, 403, "permission_denied")
		}
	}
	viewer.api("GET", of+"/members", "").want(t, 200, adam.ID)
	require.Equal(t, before, w.state(team))

	admin := w.keyOf(ada, team, "admin")
	admin.api("POST", of+"/invitations", `{"email":"olga@example.com","role":"owner"}`).want(t, 403, "role_not_assignable")
	admin.api("PUT", of+"/members/"+ada.ID+"/role", `{"role":"viewer"}`).want(t, 403, "permission_denied")
	admin.api("POST", of+"/invitations", `{"email":"olga@example.com","role":"admin"}`).want(t, 201, ada.ID)

	_, err := w.app.addKey(t.Context(), adam.ID, team, "test", "owner")
	require.ErrorContains(t, err, "must not be above your own")
	_, err = w.app.addKey(t.Context(), adam.ID, team, "test", "king")
	require.ErrorContains(t, err, "must not be above your own")
	ofAdam := w.keyOf(adam, team, "admin")
	ofAdam.api("GET", of+"/invitations", "").want(t, 200)
	setRole := func(role invitations.Role) {
		_, err := w.app.svc.ChangeRole(t.Context(), invitations.System(), invitations.ChangeRoleParams{Organization: team, UserID: adam.ID, Role: role})
		require.NoError(t, err)
	}
	setRole("viewer")
	ofAdam.api("GET", of+"/invitations", "").want(t, 403, "permission_denied")
	setRole("owner")
	ofAdam.api("POST", of+"/links", `{"role":"owner"}`).want(t, 403, "role_not_assignable")
	setRole("admin")
	_, err = w.app.svc.RemoveMember(t.Context(), invitations.System(), team, adam.ID)
	require.NoError(t, err)
	ofAdam.api("GET", of+"/members", "").want(t, 401, "unauthenticated")
	w.pass(time.Second)
	_, err = w.app.svc.AddMember(t.Context(), invitations.System(), invitations.AddMemberParams{Organization: team, UserID: adam.ID, Role: "admin"})
	require.NoError(t, err)
	ofAdam.api("GET", of+"/members", "").want(t, 401, "unauthenticated") // a key of the former membership
	w.keyOf(adam, team, "admin").api("GET", of+"/members", "").want(t, 200)
}

// The page of keys shows a key once. Only its hash is kept, and only its member can delete it.
func TestKeys(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	dora := w.joined(team, "Dora", invitations.RoleDeveloper)
	a, d, path := w.session(ada), w.session(dora), "/teams/"+team+"/keys"
	made := a.submit(path, "name", "Continuous <integration>", "role", "admin").want(t, 201, "Copy it now")
	_, key, _ := strings.Cut(made.body, `id="key" value="`)
	key, _, _ = strings.Cut(key, `"`)
	require.True(t, strings.HasPrefix(key, keyPrefix), made.body)
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
	c := w.client("Authorization", "Bearer "+key)
	c.api("GET", "/teams/"+team+"/invitations", "").want(t, 200)
	page := a.do("GET", path, "").want(t, 200, "Continuous &lt;integration&gt;", "Admin")
	require.NotContains(t, page.body, key)
	require.NotContains(t, d.do("GET", path, "").want(t, 200, "You have no keys").body, "Continuous")
	keys, err := w.app.keys(t.Context(), `account_id = $1`, ada.ID)
	require.NoError(t, err)
	var kept string
	require.NoError(t, w.app.db.QueryRowContext(t.Context(), `select hash || name || id from api_keys`).Scan(&kept))
	require.NotContains(t, kept, strings.TrimPrefix(key, keyPrefix))

	d.submit(path+"/"+keys[0].ID+"/delete").want(t, 303)
	c.api("GET", "/teams/"+team+"/invitations", "").want(t, 200)
	a.submit(path+"/"+keys[0].ID+"/delete").want(t, 303)
	c.api("GET", "/teams/"+team+"/invitations", "").want(t, 401, "unauthenticated")

	d.submit(path, "name", "", "role", "viewer").want(t, 422, `aria-invalid="true"`, "Must have 1 to 80 characters.")
	d.submit(path, "name", "mine", "role", "admin").want(t, 422, "Must not be above your own.", `value="mine"`)
	for range maxKeys {
		_, err := w.app.addKey(t.Context(), dora.ID, team, "test", "viewer")
		require.NoError(t, err)
	}
	d.submit(path, "name", "one more", "role", "viewer").want(t, 422, "must be deleted first")
	w.session(w.account("Eve", "eve@example.com", true)).do("GET", path, "").want(t, 404)
}

// The owner of another team cannot reach invitations and members by their IDs.
func TestClass18_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	id := w.keyOf(ada, team, "admin").api("POST", "/teams/"+team+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).want(t, 201).field("id")
	eve := w.account("Eve", "eve@example.com", true)
	evil, err := w.app.createTeam(t.Context(), eve.ID, "Evil")
	require.NoError(t, err)
	before := w.state(team)
	for _, c := range []*client{w.session(eve), w.keyOf(eve, evil, "owner")} {
		for _, r := range requests(evil, id, ada.ID) {
			switch {
			case strings.HasSuffix(r[1], "/events") && strings.Contains(r[1], id):
				c.api(r[0], r[1], r[2]).want(t, 200, `"items":[]`)
			case strings.HasPrefix(r[1], "/teams/") && (strings.Contains(r[1], id) || strings.Contains(r[1], ada.ID)):
				c.api(r[0], r[1], r[2]).want(t, 404, "not_found")
			}
		}
	}
	require.Equal(t, before, w.state(team))
}

// No answer contains the token of an email invitation. The URL of a link is only in the answers
// that create, renew and get it.
func TestClass31_TokenInAnswers(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	c, of := w.keyOf(ada, team, "owner"), "/teams/"+team
	const id = "01a20091-31a0-73f6-ad9b-bebb76c82057"
	invite := fmt.Sprintf(`{"id":%q,"email":"grace@example.com","role":"viewer"}`, id)
	quiet := []answer{
		c.api("POST", of+"/invitations", invite).want(t, 201),
		c.api("POST", of+"/invitations", invite).want(t, 201, `"repeated":true`),
		c.api("POST", of+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).want(t, 409, "already_invited", id),
		c.api("GET", of+"/invitations/"+id, "").want(t, 200),
		c.api("GET", of+"/invitations/"+id+"/link", "").want(t, 422, "must be that of a link"),
	}
	w.pass(time.Hour)
	quiet = append(quiet,
		c.api("POST", of+"/invitations/"+id+"/resend", "").want(t, 200),
		c.api("POST", of+"/invitations/"+id+"/resend", "").want(t, 429, "too_soon"),
		c.api("POST", of+"/invitations/bulk", `{"invitations":[{"email":"bob@example.com","role":"viewer"}]}`).want(t, 200, "bob@example.com"),
		c.api("GET", of+"/invitations/"+id+"/events", "").want(t, 200, "invitation.resent"),
		w.session(w.account("Bob", "bob@example.com", true)).api("GET", "/received", "").want(t, 200, "bob@example.com"),
	)
	link := c.api("POST", of+"/links", `{"role":"viewer"}`).want(t, 201)
	for _, got := range []answer{link, c.api("GET", of+"/invitations/"+link.field("id")+"/link", ""), c.api("POST", of+"/invitations/"+link.field("id")+"/resend", "")} {
		require.True(t, strings.HasPrefix(got.field("url"), w.base+"/invite/inv_"), got.body)
	}
	quiet = append(quiet,
		c.api("PATCH", of+"/invitations/"+link.field("id"), `{"role":"developer"}`).want(t, 200),
		c.api("GET", of+"/invitations", "").want(t, 200),
		c.api("GET", of+"/invitations/"+link.field("id"), "").want(t, 200),
		c.api("DELETE", of+"/invitations/"+link.field("id"), "").want(t, 200),
		c.api("GET", of+"/invitations/"+link.field("id")+"/link", "").want(t, 410, "revoked"),
	)
	for _, got := range quiet {
		require.NotContains(t, got.body, "inv_")
		require.NotContains(t, got.body, `"url"`)
	}
	// The invitation, its resend and the row of the bulk were mailed. The repeated request was not.
	letters, err := w.app.letters(t.Context(), `where kind = 'invitation'`)
	require.NoError(t, err)
	require.Len(t, letters, 3)
}

func TestAPI_Filters(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	c, of := w.keyOf(ada, team, "admin"), "/teams/"+team
	for i := range 4 {
		c.api("POST", of+"/invitations", fmt.Sprintf(`{"email":"guest%d@example.com","role":"viewer"}`, i)).want(t, 201)
		w.pass(time.Second) // the order of the list
	}
	c.api("POST", of+"/links", `{"role":"developer"}`).want(t, 201)
	for query, want := range map[string]int{
		"": 5, "kind=email": 4, "kind=link": 1, "state=pending": 5, "state=revoked": 0, "state=revoked&state=pending": 5, "role=developer": 1,
		"email=Guest2@Example.com": 1, "email_contains=GUEST": 4, "state=pending&kind=link": 1, "sent_by=" + ada.ID: 5, "sent_by=x": 0, "limit=2": 2,
	} {
		var page invitations.List[invitations.Invitation]
		require.NoError(t, json.Unmarshal([]byte(c.api("GET", of+"/invitations?"+query, "").want(t, 200).body), &page))
		require.Len(t, page.Items, want, query)
	}
	first := c.api("GET", of+"/invitations?limit=4", "")
	c.api("GET", of+"/invitations?limit=4&cursor="+first.field("next_cursor"), "").want(t, 200, "guest0@example.com")
}

// Invalid requests get 422 with the field and the reason, and change nothing.
func TestAPI_InvalidRequests(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	c := w.session(ada)
	const bodyReason, cursorReason = "must be one JSON object with known fields of the right types", "must be the NextCursor of this list"
	before := w.state(team)
	for _, test := range []struct{ name, method, path, body, field, reason string }{
		{"no body", "POST", "/invitations", ``, "email", "must not be empty"},
		{"body is not JSON", "POST", "/invitations", `email=a@example.com`, "body", bodyReason},
		{"body is not an object", "POST", "/invitations", `[]`, "body", bodyReason},
		{"unknown field", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","organization":"evil"}`, "body", bodyReason},
		{"two objects", "POST", "/invitations", `{"email":"a@example.com","role":"viewer"} {}`, "body", bodyReason},
		{"wrong type", "POST", "/links", `{"role":"viewer","max_uses":"secret"}`, "body", bodyReason},
		{"unknown role", "POST", "/invitations", `{"email":"a@example.com","role":"king"}`, "role", "must be a role of the policy"},
		{"no days", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","expires_in_days":0}`, "expires_in_days", "must be between 1 and 30"},
		{"too many days", "POST", "/links", `{"role":"viewer","expires_in_days":31}`, "expires_in_days", "must be between 1 and 30"},
		{"too many days in a row", "POST", "/invitations/bulk", `{"invitations":[{"email":"a@example.com","role":"viewer","expires_in_days":31}]}`, "expires_in_days", "must be between 1 and 30"},
		{"overflowing days", "POST", "/links", `{"role":"viewer","expires_in_days":213504}`, "expires_in_days", "must be between 1 and 30"},
		{"malformed ID", "POST", "/links", `{"role":"viewer","id":"1"}`, "body", bodyReason},
		{"ID of another version", "POST", "/links", `{"role":"viewer","id":"11111111-1111-4111-8111-111111111111"}`, "id", "must be a UUID of version 7"},
		{"revoke, malformed ID", "DELETE", "/invitations/1", ``, "id", "must not be empty"},
		{"revoke with a body", "DELETE", "/invitations/1", `{"id":"2"}`, "body", bodyReason},
		{"edit, address", "PATCH", "/invitations/1", `{"email":"a@example.com"}`, "body", bodyReason},
		{"bulk without rows", "POST", "/invitations/bulk", `{"invitations":[]}`, "rows", "must not be empty"},
		{"bulk without a list", "POST", "/invitations/bulk", `{"email":"a@example.com","role":"viewer"}`, "body", bodyReason},
		{"unknown state", "GET", "/invitations?state=lost", ``, "states", "must be known states"},
		{"unknown parameter", "GET", "/invitations?states=pending", ``, "states", "is not a parameter of this route"},
		{"limit", "GET", "/invitations?limit=many", ``, "limit", "must be a number"},
		{"forged cursor, events", "GET", "/events?cursor=x", ``, "cursor", cursorReason},
		{"forged cursor, invitations", "GET", "/invitations?cursor=x", ``, "cursor", cursorReason},
		{"forged cursor, members", "GET", "/members?cursor=x", ``, "cursor", cursorReason},
		{"no time", "GET", "/statistics?from=yesterday", ``, "from", "must be a time such as 2026-03-01T12:00:00Z"},
		{"no period", "GET", "/usage", ``, "period", "must be day, month or endless"},
		{"quota without a period", "PUT", "/members/" + ada.ID + "/quota", `{"limit":1}`, "quota", "must have the period day, month or endless"},
		{"zero amount", "POST", "/calls", `{"amount":0}`, "amount", "must be between 1 and 1000000000000000"},
		{"workspace in the body", "POST", "/calls", `{"amount":1,"personal":true}`, "body", bodyReason},
	} {
		got := c.api(test.method, "/teams/"+team+test.path, test.body)
		require.Equal(t, 422, got.status, "%s: %s", test.name, got.body)
		require.Equal(t, test.field+" "+test.reason, got.field("detail"), test.name)
		require.Equal(t, invitations.ProblemMediaType, got.header.Get("Content-Type"))
	}
	c.api("GET", "/teams/"+team+"/invitations/1/events", "").want(t, 404, "not_found") // not the events of the team
	require.Equal(t, before, w.state(team))
}

// The largest valid invitation fits into a request, and so do a hundred of them in bulk. A body
// over the limit gets 413.
func TestClass41_LargeRequests(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	c, of := w.keyOf(ada, team, "admin"), "/teams/"+team
	var domains []string
	for i := range 100 {
		label := strings.Repeat("d", 60)
		domains = append(domains, fmt.Sprintf("%s.%s.%s.d%03d.example", label, label, label, i))
	}
	message := strings.Repeat("\U0001f600", 500)
	body, err := json.Marshal(map[string]any{"role": "viewer", "message": message, "allowed_domains": domains})
	require.NoError(t, err)
	c.api("POST", of+"/links", string(body)).want(t, 201, "pending")
	row := fmt.Sprintf(`{"email":"%s@%s","role":"viewer","message":%q,"metadata":{"a":%q}}`, strings.Repeat("a", 64), domains[0], message, strings.Repeat("x", 4000))
	c.api("POST", of+"/invitations/bulk", `{"invitations":[`+strings.Repeat(row+",", 99)+row+`]}`).want(t, 200)
	c.api("POST", of+"/links", `{"role":"`+strings.Repeat("x", maxBody)+`"}`).want(t, 413, "request_too_large")
	c.api("POST", of+"/links", `{"role":"viewer"}`+strings.Repeat(" ", maxBody)).want(t, 413, "request_too_large")
}

// A refused call says when waiting helps, and uses no other workspace.
func TestAPI_Consume(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t) // at noon on 2 March
	ada, team := w.acme()
	grace := w.joined(team, "Grace", invitations.RoleDeveloper)
	owner, key, session := w.keyOf(ada, team, "owner"), w.keyOf(grace, team, "developer"), w.session(grace)
	require.NoError(t, w.app.svc.SetQuota(t.Context(), invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: grace.ID, Quota: personalQuota,
	}))
	of := "/teams/" + team
	owner.api("PUT", of+"/members/"+grace.ID+"/quota", `{"limit":10,"period":"day"}`).want(t, 200)
	consume := func(c *client, path string, amount, status int, retryAfter string) {
		t.Helper()
		got := c.api("POST", path, fmt.Sprintf(`{"amount":%d}`, amount)).want(t, status)
		require.Equal(t, retryAfter, got.header.Get("Retry-After"))
	}
	consume(key, of+"/calls", 8, 200, "")
	consume(key, of+"/calls", 3, 429, "43200")
	consume(key, of+"/calls", 11, 429, "") // over the limit of any day
	consume(session, "/calls", 20, 200, "")
	consume(session, "/calls", 1, 429, "43200")
	consume(session, of+"/calls", 2, 200, "")
	w.pass(12 * time.Hour)
	consume(key, of+"/calls", 10, 200, "")
	owner.api("POST", of+"/calls", `{"amount":981}`).want(t, 429, "quota_exceeded", `"balance"`)
	key.api("PUT", of+"/members/"+grace.ID+"/quota", `{"limit":99,"period":"day"}`).want(t, 403, "permission_denied")
	w.keyOf(grace, team, "viewer").api("POST", of+"/calls", `{"amount":1}`).want(t, 403, "permission_denied")
}

// Mail is enqueued with the invitation or not at all.
func TestAPI_MailInTheTransaction(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	_, err := w.app.db.ExecContext(t.Context(), `alter table outbox rename to elsewhere`)
	require.NoError(t, err)
	c := w.keyOf(ada, team, "admin")
	for path, body := range map[string]string{
		"/invitations":      `{"email":"grace@example.com","role":"viewer"}`,
		"/invitations/bulk": `{"invitations":[{"email":"grace@example.com","role":"viewer"}]}`,
	} {
		got := c.api("POST", "/teams/"+team+path, body).want(t, 500, "Something went wrong")
		require.NotContains(t, got.body, "outbox")
	}
	c.api("GET", "/teams/"+team+"/invitations", "").want(t, 200, `"items":[]`)
}

// changing returns the routes that change something.
func changing() []apiRoute {
	return slices.DeleteFunc(slices.Clone(apiRoutes), func(r apiRoute) bool { return r.method == "GET" })
}

// The body of a request is JSON, even if its type is that of a form: curl sends that type unless it
// is told another one. The query and the body must be text.
func TestAPI_BodyIsJSON(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		grace, key := w.joined(team, "Grace", invitations.RoleDeveloper), w.keyOf(ada, team, "owner").header
		sent, err := w.app.svc.CreateLink(t.Context(), ada.actor(), invitations.CreateLinkParams{Organization: team, Role: "viewer"})
		require.NoError(t, err)
		quota, link := "/members/"+grace.ID+"/quota", "/invitations/"+sent.ID.String()
		send := func(method, path, mediaType, body string) int {
			r := httptest.NewRequest(method, apiPath+"/teams/"+team+path, strings.NewReader(body))
			r.Header = key.Clone()
			r.Header.Set("Content-Type", mediaType)
			got := httptest.NewRecorder()
			w.app.handler().ServeHTTP(got, r)
			return got.Code
		}
		for i, mediaType := range []string{
			"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "no type", "",
		} {
			limit, message := int64(10+i), fmt.Sprintf("hello %d", i)
			require.Equal(t, 200, send("PUT", quota, mediaType, fmt.Sprintf(`{"limit":%d,"period":"day"}`, limit)), mediaType)
			balance, err := w.app.svc.Quota(t.Context(), invitations.System(), team, grace.ID)
			require.NoError(t, err)
			require.NotNil(t, balance.Own, mediaType)
			require.Equal(t, limit, balance.Own.Quota.Limit, mediaType)
			require.Equal(t, 200, send("PATCH", link, mediaType, fmt.Sprintf(`{"message":%q}`, message)), mediaType)
			inv, err := w.app.svc.Invitation(t.Context(), ada.actor(), team, sent.ID)
			require.NoError(t, err)
			require.Equal(t, message, inv.Message, mediaType)
			for _, bad := range []string{"%", "%zz", "%ff", "%00"} {
				require.Equal(t, 400, send("PATCH", link+"?cursor="+bad, mediaType, `{"message":"x"}`), "%s %s", mediaType, bad)
			}
			for _, bad := range []string{"\xff", "\x00"} {
				require.Equal(t, 400, send("PATCH", link, mediaType, `{"message":"`+bad+`"}`), mediaType)
			}
		}
	})
}

// A row for a member, or for a person who got too much mail, takes no seat and no place from the
// rows after it, and leaves nothing behind: the request can be repeated, with the same answer.
func TestBulk_RefusedRowsTakeNoPlace(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		w.joined(team, "Grace", invitations.RoleViewer)
		for range mailsADay[mailInvitation] {
			require.NoError(t, w.app.enqueue(t.Context(), w.app.db, letter{Kind: mailInvitation, Recipient: "busy@example.com"}))
		}
		limits := invitations.Limits{Members: 3, Pending: 1} // Ada, Grace and one more
		require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), team, limits))
		var rows []string
		for _, email := range []string{"grace@example.com", "busy@example.com", "Grace@Example.com", "joan@example.com"} {
			rows = append(rows, fmt.Sprintf(`{"id":%q,"email":%q,"role":"viewer"}`, uuid.Must(uuid.NewV7()), email))
		}
		invite := func() (answers []string) {
			var body struct{ Outcomes []map[string]json.RawMessage }
			got := w.keyOf(ada, team, "owner").api("POST", "/teams/"+team+"/invitations/bulk", `{"invitations":[`+strings.Join(rows, ",")+`]}`)
			require.NoError(t, json.Unmarshal([]byte(got.want(t, 200).body), &body))
			require.Len(t, body.Outcomes, len(rows))
			require.NotNil(t, body.Outcomes[3]["invitation"], got.body)
			for _, o := range body.Outcomes[:3] {
				require.Nil(t, o["invitation"])
				answers = append(answers, string(o["problem"]))
			}
			return answers
		}
		first := invite()
		for i, want := range []string{"belongs to a member", "too much mail", "belongs to a member"} {
			require.Contains(t, first[i], want)
		}
		require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), team, invitations.Limits{}))
		require.Equal(t, first, invite())
		all, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{Organization: team})
		require.NoError(t, err)
		require.Len(t, all.Items, 1)
		require.Equal(t, "joan@example.com", all.Items[0].Email)
		for e, err := range w.app.svc.AllEvents(t.Context(), invitations.System(), invitations.TimelineParams{Organization: team}) {
			require.NoError(t, err)
			require.NotEqual(t, invitations.EventInvitationRevoked, e.Type)
		}
		require.Equal(t, 1, w.letterCount("joan@example.com"))
		require.Zero(t, w.letterCount("grace@example.com"))
	})
}
