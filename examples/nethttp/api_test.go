package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

func TestAPIAsksWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	invited := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`)
	one := api + "/invitations/" + invited.field("id")
	nobody, mallory := newBrowser(w.url), w.verified("mallory@example.com")
	before := w.state()
	for _, request := range [][3]string{
		{"POST", api + "/invitations", `{"email":"x@example.com","role":"viewer"}`},
		{"POST", api + "/links", `{"role":"viewer"}`},
		{"GET", api + "/invitations", ""},
		{"POST", one + "/resend", ""},
		{"DELETE", one, ""},
		{"GET", api + "/members", ""},
		{"PUT", api + "/members/user-1/role", `{"role":"viewer"}`},
		{"PUT", api + "/members/user-1/quota", `{"limit":1,"period":"day"}`},
		{"DELETE", api + "/members/user-1", ""},
		{"POST", api + "/calls", `{"amount":1}`},
		{"GET", api + "/invoices", ""},
	} {
		w.want(nobody.do(request[0], request[1], request[2]), 401, "unauthenticated")
		w.want(mallory.do(request[0], request[1], request[2]), 403, "permission_denied")
	}
	w.want(nobody.do("POST", "/api/organizations", `{"id":"other"}`), 401, "unauthenticated")
	w.want(nobody.do("POST", "/api/personal/calls", `{"amount":1}`), 401, "unauthenticated")
	w.want(nobody.do("POST", api+"/leave", ""), 401, "unauthenticated")
	w.want(mallory.do("POST", api+"/leave", ""), 404, "not_found")
	w.want(mallory.do("POST", "/api/organizations", `{"id":"acme"}`), 409, "conflict")
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// The owner of one organization finds nothing of another by its id.
func TestClass18_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).field("id")
	mallory := w.browser("mallory@example.com")
	w.want(mallory.do("POST", "/api/organizations", `{"id":"evil"}`), 201, "owner")
	w.want(mallory.do("DELETE", "/api/organizations/evil/invitations/"+id, ""), 404, "not_found")
	w.want(mallory.do("POST", "/api/organizations/evil/invitations/"+id+"/resend", ""), 404, "not_found")
	w.want(newBrowser(w.url).get(ada.mailedTo("grace@example.com")), 200, "register")
}

// The token of an email invitation is in no answer of the API, and that of a link only in
// the answer to who made or renewed it.
func TestClass31_TokenInAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	const id = "01a20091-31a0-73f6-ad9b-bebb76c82057"
	invite := fmt.Sprintf(`{"id":%q,"email":"grace@example.com","role":"viewer"}`, id)
	quiet := map[string]answer{
		"invite":       ada.do("POST", api+"/invitations", invite),
		"invite again": ada.do("POST", api+"/invitations", invite),
		"resend":       ada.do("POST", api+"/invitations/"+id+"/resend", ""),
		"refused":      ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`),
	}
	link := ada.do("POST", api+"/links", `{"role":"viewer"}`)
	renewed := ada.do("POST", api+"/invitations/"+link.field("id")+"/resend", "")
	for name, got := range map[string]answer{"link": link, "renewed link": renewed} {
		if !strings.HasPrefix(got.field("url"), w.url+"/invite/inv_") {
			t.Errorf("%s: got %s", name, got.body)
		}
	}
	quiet["list"] = ada.do("GET", api+"/invitations", "")
	quiet["list of links"] = ada.do("GET", api+"/invitations?kind=link", "")
	quiet["revoke"] = ada.do("DELETE", api+"/invitations/"+id, "")
	for name, got := range quiet {
		if got.err != nil || strings.Contains(got.body, "inv_") || strings.Contains(got.body, "token") {
			t.Errorf("%s: %v\n%s", name, got.err, got.body)
		}
	}
	// Invited, repeated and resent: each was mailed.
	if mails := w.host.sent(); len(mails) != 3 || mails[0].Link == mails[1].Link || mails[1].Link != mails[2].Link {
		t.Errorf("got %d mails", len(mails))
	}
	w.want(ada.do("POST", api+"/invitations", invite), 201, "revoked")
	if len(w.host.sent()) != 3 {
		t.Error("a revoked invitation was mailed")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	for i := range 4 {
		w.invited(ada, fmt.Sprintf("guest%d@example.com", i))
	}
	w.linked(ada, `{"role":"viewer"}`)
	list := func(query string) (page invitations.Page) {
		t.Helper()
		got := ada.do("GET", api+"/invitations?"+query, "")
		if got.err != nil || got.status != 200 {
			t.Fatalf("%s: got %d %s", query, got.status, got.body)
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		return page
	}
	for query, want := range map[string]int{
		"": 5, "kind=email": 4, "kind=link": 1, "state=pending": 5, "state=revoked": 0,
		"email=Guest2@Example.com": 1, "state=pending&kind=link": 1,
	} {
		if got := len(list(query).Invitations); got != want {
			t.Errorf("%s: got %d, want %d", query, got, want)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	before := w.state()
	tests := []struct {
		name, method, path, body string
		field, reason            string // of 422
	}{
		{"no body", "POST", "/invitations", ``, "email", "is empty"},
		{"no JSON", "POST", "/invitations", `email=a@example.com`, "body", "is not one JSON object with known fields of the right types"},
		{"no object", "POST", "/invitations", `[]`, "body", "is not one JSON object with known fields of the right types"},
		{"unknown field", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","organization":"evil"}`, "body", "is not one JSON object with known fields of the right types"},
		{"unknown field where there is none", "POST", "/leave", `{"user":"user-1"}`, "body", "is not one JSON object with known fields of the right types"},
		{"two objects", "POST", "/invitations", `{"email":"a@example.com","role":"viewer"} {}`, "body", "is not one JSON object with known fields of the right types"},
		{"wrong type", "POST", "/links", `{"role":"viewer","max_uses":"secret"}`, "body", "is not one JSON object with known fields of the right types"},
		{"unknown role", "POST", "/invitations", `{"email":"a@example.com","role":"king"}`, "role", "is not in the policy"},
		{"no id", "POST", "/links", `{"role":"viewer","id":"1"}`, "body", "is not one JSON object with known fields of the right types"},
		{"id of another version", "POST", "/links", `{"role":"viewer","id":"11111111-1111-4111-8111-111111111111"}`, "id", "is not a version 7 UUID"},
		{"revoke without an id", "DELETE", "/invitations/1", ``, "id", "is missing"},
		{"resend without an id", "POST", "/invitations/1/resend", ``, "id", "is missing"},
		{"unknown state", "GET", "/invitations?state=lost", ``, "state", "is unknown"},
		{"forged cursor", "GET", "/invitations?cursor=x", ``, "cursor", "is not one of this list"},
		{"forged cursor of members", "GET", "/members?cursor=x", ``, "cursor", "is not one of this list"},
		{"a quota of no period", "PUT", "/members/user-1/quota", `{"limit":1}`, "quota", "has an unknown period"},
		{"nothing spent", "POST", "/calls", `{"amount":0}`, "amount", "is not between 1 and 1000000000000000"},
		{"less than nothing spent", "POST", "/calls", `{"amount":-1}`, "amount", "is not between 1 and 1000000000000000"},
		{"another workspace than the path's", "POST", "/calls", `{"amount":1,"personal":true}`, "body", "is not one JSON object with known fields of the right types"},
	}
	for _, test := range tests {
		got := ada.do(test.method, api+test.path, test.body)
		want, _ := json.Marshal(map[string]errorDetail{"error": {
			Code: "invalid_argument", Message: "The request is not valid", Field: test.field, Reason: test.reason,
		}})
		if got.err != nil || got.status != 422 || strings.TrimSpace(got.body) != string(want) {
			t.Errorf("%s: got %d %s, want %s", test.name, got.status, got.body, want)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// The largest invitation that the library takes fits into a request, and what is larger is
// refused before it is read.
func TestClass41_LargeRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	large := map[string]any{
		"role":    "viewer",
		"message": strings.Repeat("\U0001f600", 500),
	}
	var domains []string
	for i := range 100 {
		label := strings.Repeat("d", 60)
		domains = append(domains, fmt.Sprintf("%s.%s.%s.d%03d.example", label, label, label, i))
	}
	large["allowed_domains"] = domains
	body, err := json.Marshal(large)
	if err != nil {
		t.Fatal(err)
	}
	w.want(ada.do("POST", api+"/links", string(body)), 201, "pending")
	w.want(ada.do("POST", api+"/links", `{"role":"`+strings.Repeat("x", maxBody)+`"}`), 413, "request_too_large")
	w.want(ada.do("POST", api+"/links", `{"role":"viewer"}`+strings.Repeat(" ", maxBody)), 413, "request_too_large")
}

// A route of the host's own is open as long as the role is one that opens it.
func TestRequirePermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	grace := w.joined(ada, "grace@example.com")
	invoices := func(status int, outcome string) {
		t.Helper()
		w.want(grace.do("GET", api+"/invoices", ""), status, outcome)
	}
	set := func(role string) {
		t.Helper()
		w.want(ada.do("PUT", api+"/members/user-2/role", `{"role":"`+role+`"}`), 200, role)
	}
	invoices(403, "permission_denied")
	set("billing")
	invoices(200, "")
	set("viewer")
	invoices(403, "permission_denied")
	set("admin")
	invoices(200, "")
	w.want(grace.do("GET", "/api/organizations/other/invoices", ""), 403, "permission_denied")
	w.want(ada.do("DELETE", api+"/members/user-2", ""), 200, "admin")
	invoices(403, "permission_denied")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	grace, bob := w.joined(ada, "grace@example.com"), w.joined(ada, "bob@example.com")
	path := w.invited(ada, "linus@example.com")
	for _, b := range []*browser{ada, grace, bob} {
		if got := b.do("GET", api+"/members", ""); got.status != 200 || strings.Count(got.body, `"user_id"`) != 3 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	w.want(grace.do("PUT", api+"/members/user-2/role", `{"role":"owner"}`), 403, "permission_denied")
	w.want(ada.do("PUT", api+"/members/user-2/role", `{"role":"admin"}`), 200, "admin")
	w.want(grace.do("PUT", api+"/members/user-2/role", `{"role":"owner"}`), 403, "role_not_assignable")
	w.want(grace.do("DELETE", api+"/members/user-1", ""), 403, "permission_denied")
	w.want(grace.do("PUT", api+"/members/user-9/role", `{"role":"viewer"}`), 404, "not_found")
	w.want(grace.do("DELETE", api+"/members/user-3", ""), 200, "developer")
	w.want(bob.do("GET", api+"/members", ""), 403, "permission_denied")
	w.want(grace.do("POST", api+"/leave", ""), 200, "admin")
	w.member("grace@example.com", "")
	w.want(ada.do("POST", api+"/leave", ""), 409, "last_owner")
	w.want(newBrowser(w.url).get(path), 200, "register") // ada's invitation stays good
}

// What is refused for now says when it may be otherwise, and touches no other workspace.
func TestSpend(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // on 2 March
	ada, api := w.team()
	grace := w.joined(ada, "grace@example.com")
	w.want(ada.do("PUT", api+"/members/user-2/quota", `{"limit":10,"period":"day"}`), 200, "")
	spend := func(path string, amount, status int, outcome, retryAfter string) {
		t.Helper()
		got := grace.do("POST", path, fmt.Sprintf(`{"amount":%d}`, amount))
		w.want(got, status, outcome)
		if got := got.header.Get("Retry-After"); got != retryAfter {
			t.Errorf("got Retry-After %q, want %q", got, retryAfter)
		}
	}
	spend(api+"/calls", 8, 200, "", "")
	spend(api+"/calls", 3, 429, "quota_exceeded", "Tue, 03 Mar 2026 00:00:00 GMT")
	spend(api+"/calls", 11, 429, "quota_exceeded", "") // more than a day ever has
	spend("/api/personal/calls", 20, 200, "", "")
	spend("/api/personal/calls", 1, 429, "quota_exceeded", "Tue, 03 Mar 2026 00:00:00 GMT")
	spend(api+"/calls", 2, 200, "", "")
	w.pass(15 * time.Hour)
	spend(api+"/calls", 10, 200, "", "")

	w.want(ada.do("POST", api+"/calls", `{"amount":975}`), 200, "")
	spend(api+"/calls", 10, 429, "quota_exceeded", "Wed, 01 Apr 2026 00:00:00 GMT") // both lack it; the later one counts
	w.want(ada.do("PUT", api+"/members/user-2/quota", `{"limit":10,"period":"endless"}`), 200, "")
	w.want(ada.do("POST", api+"/calls", `{"amount":6}`), 429, "quota_exceeded")
	spend(api+"/calls", 5, 200, "", "")
	spend(api+"/calls", 6, 429, "quota_exceeded", "") // the endless one will not have it either
	w.want(grace.do("PUT", api+"/members/user-2/quota", `{"limit":99,"period":"day"}`), 403, "permission_denied")
}
