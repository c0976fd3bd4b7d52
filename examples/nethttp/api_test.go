package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-invitations/invitations"
)

func TestAPIAsksWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	invited := ada.call("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`)
	one := api + "/invitations/" + invited.field("id")
	nobody, mallory := newBrowser(w.url), w.verified("mallory@example.com")
	before := w.state()
	for _, request := range [][3]string{
		{"POST", api + "/invitations", `{"email":"x@example.com","role":"viewer"}`},
		{"POST", api + "/links", `{"role":"viewer"}`},
		{"GET", api + "/invitations", ""},
		{"POST", one + "/resend", ""},
		{"DELETE", one, ""},
	} {
		w.want(nobody.call(request[0], request[1], request[2]), 401, "unauthenticated")
		w.want(mallory.call(request[0], request[1], request[2]), 403, "permission_denied")
	}
	w.want(nobody.call("POST", "/api/organizations", `{"id":"other"}`), 401, "unauthenticated")
	w.want(mallory.call("POST", "/api/organizations", `{"id":"acme"}`), 409, "conflict")
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// The owner of one organization finds nothing of another by its id.
func TestClass18_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.call("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).field("id")
	mallory := w.browser("mallory@example.com")
	w.want(mallory.call("POST", "/api/organizations", `{"id":"evil"}`), 201, "owner")
	w.want(mallory.call("DELETE", "/api/organizations/evil/invitations/"+id, ""), 404, "not_found")
	w.want(mallory.call("POST", "/api/organizations/evil/invitations/"+id+"/resend", ""), 404, "not_found")
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
		"invite":       ada.call("POST", api+"/invitations", invite),
		"invite again": ada.call("POST", api+"/invitations", invite),
		"resend":       ada.call("POST", api+"/invitations/"+id+"/resend", ""),
		"refused":      ada.call("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`),
	}
	link := ada.call("POST", api+"/links", `{"role":"viewer"}`)
	renewed := ada.call("POST", api+"/invitations/"+link.field("id")+"/resend", "")
	for name, got := range map[string]answer{"link": link, "renewed link": renewed} {
		if !strings.HasPrefix(got.field("url"), w.url+"/invite/inv_") {
			t.Errorf("%s: got %s", name, got.body)
		}
	}
	quiet["list"] = ada.call("GET", api+"/invitations", "")
	quiet["list of links"] = ada.call("GET", api+"/invitations?kind=link", "")
	quiet["revoke"] = ada.call("DELETE", api+"/invitations/"+id, "")
	for name, got := range quiet {
		if got.err != nil || strings.Contains(got.body, "inv_") || strings.Contains(got.body, "token") {
			t.Errorf("%s: %v\n%s", name, got.err, got.body)
		}
	}
	// Invited, repeated and resent: each was mailed.
	if mails := w.host.sent(); len(mails) != 3 || mails[0].Link == mails[1].Link || mails[1].Link != mails[2].Link {
		t.Errorf("got %d mails", len(mails))
	}
	w.want(ada.call("POST", api+"/invitations", invite), 201, "revoked")
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
		got := ada.call("GET", api+"/invitations?"+query, "")
		if got.err != nil || got.status != 200 {
			t.Fatalf("%s: got %d %s", query, got.status, got.body)
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		return page
	}
	for query, want := range map[string]int{
		"": 5, "kind=email": 4, "kind=link": 1, "role=viewer": 1, "state=pending": 5, "state=revoked": 0,
		"email=Guest2@Example.com": 1, "sent_by=user-1": 5, "sent_by=user-2": 0, "state=pending&kind=email&role=viewer": 0, "limit=3": 3,
	} {
		if got := len(list(query).Invitations); got != want {
			t.Errorf("%s: got %d, want %d", query, got, want)
		}
	}
	var emails []string
	for query, pages := "kind=email&limit=2", 0; ; pages++ {
		page := list(query)
		for _, inv := range page.Invitations {
			emails = append(emails, inv.Email)
		}
		if page.Next == "" {
			if pages != 1 {
				t.Errorf("got %d pages, want 2", pages+1)
			}
			break
		}
		query = "kind=email&limit=2&cursor=" + page.Next
	}
	slices.Sort(emails)
	if got := strings.Join(slices.Compact(emails), " "); got != "guest0@example.com guest1@example.com guest2@example.com guest3@example.com" {
		t.Errorf("the pages have %s", got)
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
		{"no body", "POST", "/invitations", ``, "body", "is not one JSON object with known fields"},
		{"no JSON", "POST", "/invitations", `email=a@example.com`, "body", "is not one JSON object with known fields"},
		{"no object", "POST", "/invitations", `[]`, "body", "is not one JSON object with known fields"},
		{"unknown field", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","organization":"evil"}`, "body", "is not one JSON object with known fields"},
		{"two objects", "POST", "/invitations", `{"email":"a@example.com","role":"viewer"} {}`, "body", "is not one JSON object with known fields"},
		{"wrong type", "POST", "/links", `{"role":"viewer","max_uses":"secret"}`, "max_uses", "is of another JSON type"},
		{"wrong type of what both kinds have", "POST", "/invitations", `{"email":"a@example.com","role":7}`, "role", "is of another JSON type"},
		{"wrong type inside", "POST", "/links", `{"role":"viewer","metadata":{"k":{"v":1}}}`, "metadata", "is of another JSON type"},
		{"no address", "POST", "/invitations", `{"role":"viewer"}`, "email", "is empty"},
		{"unknown role", "POST", "/invitations", `{"email":"a@example.com","role":"king"}`, "role", "is not in the policy"},
		{"no duration", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","expires_in":"soon"}`, "expires_in", `is not a duration such as "72h"`},
		{"too long", "POST", "/links", `{"role":"viewer","expires_in":"721h"}`, "expires_in", "is not between 24h0m0s and 720h0m0s"},
		{"beyond all time", "POST", "/links", `{"role":"viewer","expires_in":"9999999h"}`, "expires_in", `is not a duration such as "72h"`},
		{"no id", "POST", "/links", `{"role":"viewer","id":"1"}`, "id", "is not a UUID"},
		{"id of another version", "POST", "/links", `{"role":"viewer","id":"11111111-1111-4111-8111-111111111111"}`, "id", "is not a version 7 UUID"},
		{"revoke without an id", "DELETE", "/invitations/1", ``, "id", "is not a UUID"},
		{"resend without an id", "POST", "/invitations/1/resend", ``, "id", "is not a UUID"},
		{"unknown filter", "GET", "/invitations?stat=pending", ``, "query", "has an unknown parameter"},
		{"unknown state", "GET", "/invitations?state=lost", ``, "state", "is unknown"},
		{"limit of no number", "GET", "/invitations?limit=all", ``, "limit", "is not a number"},
		{"too high a limit", "GET", "/invitations?limit=101", ``, "limit", "is not between 1 and 100"},
		{"forged cursor", "GET", "/invitations?cursor=x", ``, "cursor", "is not one of this list"},
	}
	for _, test := range tests {
		got := ada.call(test.method, api+test.path, test.body)
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
		"role":     "viewer",
		"message":  strings.Repeat("\U0001f600", 500),
		"metadata": map[string]string{"k": strings.Repeat("v", 4095)},
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
	w.want(ada.call("POST", api+"/links", string(body)), 201, "pending")
	w.want(ada.call("POST", api+"/links", `{"role":"`+strings.Repeat("x", maxBody)+`"}`), 413, "request_too_large")
	w.want(ada.call("POST", api+"/links", `{"role":"viewer"}`+strings.Repeat(" ", maxBody)), 413, "request_too_large")
}
