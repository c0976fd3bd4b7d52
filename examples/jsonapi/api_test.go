package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

// bodyReason is the reason of the error for malformed bodies.
const bodyReason = "must be one JSON object with known fields of the right types"

// Signed-out users get 401. Users who are not members get 403, and nothing changes.
func TestAPI_Authentication(t *testing.T) {
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
		{"PATCH", one, `{"role":"viewer"}`},
		{"POST", api + "/invitations/bulk", `{"invitations":[{"email":"x@example.com","role":"viewer"}]}`},
		{"GET", one + "/timeline", ""},
		{"GET", api + "/statistics", ""},
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
	w.want(nobody.do("GET", "/api/received", ""), 401, "unauthenticated")
	for _, action := range []string{"/accept", "/decline"} {
		path := "/api/received/acme/" + invited.field("id") + action
		w.want(nobody.do("POST", path, ""), 401, "unauthenticated")
		w.want(mallory.do("POST", path, ""), 404, "not_found")
		w.want(ada.do("POST", path, ""), 403, "email_unverified")
	}
	w.want(mallory.do("POST", api+"/leave", ""), 404, "not_found")
	w.want(mallory.do("POST", "/api/organizations", `{"id":"acme"}`), 409, "conflict")
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// The owner of an organization cannot reach the invitations of another one by their IDs.
func TestClass18_OtherOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).field("id")
	mallory := w.browser("mallory@example.com")
	w.want(mallory.do("POST", "/api/organizations", `{"id":"evil"}`), 201, "owner")
	w.want(mallory.do("DELETE", "/api/organizations/evil/invitations/"+id, ""), 404, "not_found")
	w.want(mallory.do("POST", "/api/organizations/evil/invitations/"+id+"/resend", ""), 404, "not_found")
	w.want(mallory.do("PATCH", "/api/organizations/evil/invitations/"+id, `{"role":"admin"}`), 404, "not_found")
	if got := mallory.do("GET", "/api/organizations/evil/invitations/"+id+"/timeline", ""); got.body != "{\"items\":[]}\n" {
		t.Errorf("timeline of another organization's invitation: got %d %s", got.status, got.body)
	}
	w.want(newBrowser(w.url).get(ada.mailedTo("grace@example.com")), 200, "register")
}

// No answer of the API contains the token of an email invitation. The token of a shareable link is
// only in the answers that create and resend it.
func TestClass31_TokenInAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	const id = "01a20091-31a0-73f6-ad9b-bebb76c82057"
	invite := fmt.Sprintf(`{"id":%q,"email":"grace@example.com","role":"viewer"}`, id)
	quiet := map[string]answer{
		"invite":       ada.do("POST", api+"/invitations", invite),
		"invite again": ada.do("POST", api+"/invitations", invite),
		"refused":      ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`),
	}
	w.pass(time.Minute)
	quiet["resend"] = ada.do("POST", api+"/invitations/"+id+"/resend", "")
	quiet["bulk"] = ada.do("POST", api+"/invitations/bulk",
		`{"invitations":[{"email":"grace@example.com","role":"viewer"},{"email":"bob@example.com","role":"viewer"}]}`)
	quiet["timeline"] = ada.do("GET", api+"/invitations/"+id+"/timeline", "")
	quiet["received"] = w.verified("bob@example.com").do("GET", "/api/received", "")
	link := ada.do("POST", api+"/links", `{"role":"viewer"}`)
	renewed := ada.do("POST", api+"/invitations/"+link.field("id")+"/resend", "")
	for name, got := range map[string]answer{"link": link, "renewed link": renewed} {
		if !strings.HasPrefix(got.field("url"), w.url+"/invite/inv_") {
			t.Errorf("%s: got %s", name, got.body)
		}
	}
	quiet["edit of a link"] = ada.do("PATCH", api+"/invitations/"+link.field("id"), `{"role":"developer"}`)
	quiet["list"] = ada.do("GET", api+"/invitations", "")
	quiet["list of links"] = ada.do("GET", api+"/invitations?kind=link", "")
	quiet["revoke"] = ada.do("DELETE", api+"/invitations/"+id, "")
	for name, got := range quiet {
		if got.err != nil || strings.Contains(got.body, "inv_") || strings.Contains(got.body, "token") {
			t.Errorf("%s: %v\n%s", name, got.err, got.body)
		}
	}
	// The invitation, its resend and one row of the bulk were mailed. The repeated request was not.
	if mails := w.host.sent(); len(mails) != 3 || mails[0].Link == mails[1].Link {
		t.Errorf("got %d mails", len(mails))
	}
	w.want(ada.do("POST", api+"/invitations", invite), 201, "revoked")
	if len(w.host.sent()) != 3 {
		t.Error("a revoked invitation was mailed")
	}
}

func TestInvitations_Filters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	for i := range 4 {
		w.invited(ada, fmt.Sprintf("guest%d@example.com", i))
	}
	w.linked(ada, `{"role":"viewer"}`)
	list := func(query string) (page invitations.List[invitations.Invitation]) {
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
		if got := len(list(query).Items); got != want {
			t.Errorf("%s: got %d, want %d", query, got, want)
		}
	}
}

// Invalid requests get 422 with the field and the reason, and change nothing.
func TestAPI_InvalidRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	before := w.state()
	tests := []struct {
		name, method, path, body string
		field, reason            string // of the error
	}{
		{"no body", "POST", "/invitations", ``, "email", "must not be empty"},
		{"body is not JSON", "POST", "/invitations", `email=a@example.com`, "body", bodyReason},
		{"body is not an object", "POST", "/invitations", `[]`, "body", bodyReason},
		{"unknown field", "POST", "/invitations", `{"email":"a@example.com","role":"viewer","organization":"evil"}`, "body", bodyReason},
		{"unknown field where the body is empty", "POST", "/leave", `{"user":"user-1"}`, "body", bodyReason},
		{"two objects", "POST", "/invitations", `{"email":"a@example.com","role":"viewer"} {}`, "body", bodyReason},
		{"wrong type", "POST", "/links", `{"role":"viewer","max_uses":"secret"}`, "body", bodyReason},
		{"unknown role", "POST", "/invitations", `{"email":"a@example.com","role":"king"}`, "role", "must be a role of the policy"},
		{"malformed ID", "POST", "/links", `{"role":"viewer","id":"1"}`, "body", bodyReason},
		{"ID of another version", "POST", "/links", `{"role":"viewer","id":"11111111-1111-4111-8111-111111111111"}`, "id", "must be a UUID of version 7"},
		{"revoke, malformed ID", "DELETE", "/invitations/1", ``, "id", "must not be empty"},
		{"resend, malformed ID", "POST", "/invitations/1/resend", ``, "id", "must not be empty"},
		{"edit, malformed ID", "PATCH", "/invitations/1", `{"role":"viewer"}`, "id", "must not be empty"},
		{"edit, address", "PATCH", "/invitations/1", `{"email":"a@example.com"}`, "body", bodyReason},
		{"bulk without rows", "POST", "/invitations/bulk", `{"invitations":[]}`, "rows", "must not be empty"},
		{"bulk without a list", "POST", "/invitations/bulk", `{"email":"a@example.com","role":"viewer"}`, "body", bodyReason},
		{"forged cursor, timeline", "GET", "/invitations/01a20091-31a0-73f6-ad9b-bebb76c82057/timeline?cursor=x", ``, "cursor", "must be the NextCursor of this list"},
		{"unknown state", "GET", "/invitations?state=lost", ``, "states", "must be known states"},
		{"forged cursor, invitations", "GET", "/invitations?cursor=x", ``, "cursor", "must be the NextCursor of this list"},
		{"forged cursor, members", "GET", "/members?cursor=x", ``, "cursor", "must be the NextCursor of this list"},
		{"quota without a period", "PUT", "/members/user-1/quota", `{"limit":1}`, "quota", "must have the period day, month or endless"},
		{"zero amount", "POST", "/calls", `{"amount":0}`, "amount", "must be between 1 and 1000000000000000"},
		{"negative amount", "POST", "/calls", `{"amount":-1}`, "amount", "must be between 1 and 1000000000000000"},
		{"workspace in the body", "POST", "/calls", `{"amount":1,"personal":true}`, "body", bodyReason},
	}
	for _, test := range tests {
		got := ada.do(test.method, api+test.path, test.body)
		var problem invitations.Problem
		err := json.Unmarshal([]byte(got.body), &problem)
		if err != nil || got.status != 422 || problem.Code != "invalid_argument" || problem.Field != test.field ||
			problem.Detail != test.field+" "+test.reason || problem.ReasonCode == "" {
			t.Errorf("%s: got %d %s, want %s %s", test.name, got.status, got.body, test.field, test.reason)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed: from\n%s\nto\n%s", before, after)
	}
}

// The largest valid invitation fits into a request, and so do a hundred of them in bulk. A body
// over the limit gets 413.
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
	row := fmt.Sprintf(`{"email":"%s@%s","role":"viewer","message":%q}`, strings.Repeat("a", 64), domains[0], large["message"])
	w.want(ada.do("POST", api+"/invitations/bulk", `{"invitations":[`+strings.Repeat(row+",", 99)+row+`]}`), 200, "")
	w.want(ada.do("POST", api+"/links", `{"role":"`+strings.Repeat("x", maxBody)+`"}`), 413, "request_too_large")
	w.want(ada.do("POST", api+"/links", `{"role":"viewer"}`+strings.Repeat(" ", maxBody)), 413, "request_too_large")
}

// The middleware decides by the present role at each request.
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
	w.want(newBrowser(w.url).get(path), 200, "register") // the invitation is still valid
}

// A refused consumption has a Retry-After header if waiting helps, and uses no other workspace.
func TestConsume(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // on 2 March
	ada, api := w.team()
	grace := w.joined(ada, "grace@example.com")
	w.want(ada.do("PUT", api+"/members/user-2/quota", `{"limit":10,"period":"day"}`), 200, "")
	consume := func(path string, amount, status int, outcome, retryAfter string) {
		t.Helper()
		got := grace.do("POST", path, fmt.Sprintf(`{"amount":%d}`, amount))
		w.want(got, status, outcome)
		if got := got.header.Get("Retry-After"); got != retryAfter {
			t.Errorf("got Retry-After %q, want %q", got, retryAfter)
		}
	}
	consume(api+"/calls", 8, 200, "", "")
	consume(api+"/calls", 3, 429, "quota_exceeded", "54000")
	consume(api+"/calls", 11, 429, "quota_exceeded", "") // over the limit of any day
	consume("/api/personal/calls", 20, 200, "", "")
	consume("/api/personal/calls", 1, 429, "quota_exceeded", "54000")
	consume(api+"/calls", 2, 200, "", "")
	w.pass(15 * time.Hour)
	consume(api+"/calls", 10, 200, "", "")

	w.want(ada.do("POST", api+"/calls", `{"amount":975}`), 200, "")
	consume(api+"/calls", 10, 429, "quota_exceeded", "2505600") // both quotas are exceeded; the month ends later
	w.want(ada.do("PUT", api+"/members/user-2/quota", `{"limit":10,"period":"endless"}`), 200, "")
	w.want(ada.do("POST", api+"/calls", `{"amount":6}`), 429, "quota_exceeded")
	consume(api+"/calls", 5, 200, "", "")
	consume(api+"/calls", 6, 429, "quota_exceeded", "") // the endless quota never resets
	w.want(grace.do("PUT", api+"/members/user-2/quota", `{"limit":99,"period":"day"}`), 403, "permission_denied")
}

// An email invitation can be resent after a minute, and ten times a day to one address.
// Retry-After is rounded up to seconds.
func TestResend_RetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).field("id")
	resend := func(status int, outcome, retryAfter string) {
		t.Helper()
		got := ada.do("POST", api+"/invitations/"+id+"/resend", "")
		w.want(got, status, outcome)
		if got := got.header.Get("Retry-After"); got != retryAfter {
			t.Errorf("got Retry-After %q, want %q", got, retryAfter)
		}
	}
	resend(429, "too_soon", "60")
	w.pass(time.Microsecond)
	resend(429, "too_soon", "60")
	w.pass(59*time.Second - time.Microsecond)
	resend(429, "too_soon", "1")
	w.pass(time.Second - time.Microsecond)
	resend(429, "too_soon", "1")
	w.pass(time.Microsecond)
	resend(200, "pending", "")
	for range 8 {
		w.pass(time.Minute)
		resend(200, "pending", "")
	}
	w.pass(time.Minute)
	resend(429, "rate_limited", "85800") // 24 hours after the first sending
	if got := len(w.host.sent()); got != 10 {
		t.Errorf("got %d mails, want 10", got)
	}
}

// An edit changes the offer of the link that was mailed before.
func TestEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer","message":"Hi"}`).field("id")
	w.want(ada.do("PATCH", api+"/invitations/"+id, `{"role":"admin"}`), 200, "pending")
	path, grace := ada.mailedTo("grace@example.com"), newBrowser(w.url)
	page := grace.get(path)
	for _, want := range []string{"as <strong>admin</strong>", "<blockquote>Hi</blockquote>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, page.body)
		}
	}
	w.want(ada.do("PATCH", api+"/invitations/"+id, `{"message":""}`), 200, "pending")
	if got := grace.get(path); strings.Contains(got.body, "blockquote") {
		t.Errorf("got\n%s", got.body)
	}
	w.want(ada.do("PATCH", api+"/invitations/"+id, `{"max_uses":2}`), 422, "invalid_argument") // only links have max_uses
	if len(w.host.sent()) != 1 {
		t.Error("an edit sent a mail")
	}

	link := ada.do("POST", api+"/links", `{"role":"viewer","max_uses":5}`)
	edited := ada.do("PATCH", api+"/invitations/"+link.field("id"), `{"max_uses":2,"allowed_domains":["example.org"]}`)
	w.want(edited, 200, "pending")
	if !strings.Contains(edited.body, `"allowed_domains":["example.org"],"max_uses":2`) {
		t.Errorf("got %s", edited.body)
	}
}

// Each row has its own outcome. Refused rows are not mailed.
func TestInviteAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	got := ada.do("POST", api+"/invitations/bulk", `{"invitations":[
		{"email":"grace@example.com","role":"viewer"},
		{"email":"Grace@Example.com","role":"viewer"},
		{"email":"linus","role":"viewer"},
		{"email":"linus@example.com","role":"viewer"}
	]}`)
	var rows []struct {
		Invitation invitations.Invitation
		Problem    invitations.Problem
	}
	if err := json.Unmarshal([]byte(got.body), &rows); err != nil || got.status != 200 || len(rows) != 4 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	for i, want := range []struct{ email, code string }{
		{email: "grace@example.com"}, {code: "already_invited"}, {code: "invalid_argument"}, {email: "linus@example.com"},
	} {
		if rows[i].Invitation.Email != want.email || rows[i].Problem.Code != want.code {
			t.Errorf("row %d: got %+v, want %+v", i, rows[i], want)
		}
	}
	if rows[1].Problem.InvitationID != rows[0].Invitation.ID || rows[2].Problem.Field != "email" {
		t.Errorf("got %s", got.body)
	}
	if mails := w.host.sent(); len(mails) != 2 || mails[1].To != "grace@example.com" || mails[0].To != "linus@example.com" {
		t.Errorf("got %d mails", len(mails))
	}
}

// Only a user with the verified address can answer without the mail.
func TestReceived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	id := ada.do("POST", api+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).field("id")
	other := ada.do("POST", api+"/invitations", `{"email":"linus@example.com","role":"viewer"}`).field("id")
	grace, linus := w.browser("grace@example.com"), w.verified("linus@example.com")
	w.want(grace.do("GET", "/api/received", ""), 403, "email_unverified")
	w.want(grace.do("POST", "/api/received/acme/"+id+"/accept", ""), 403, "email_unverified")
	w.want(grace.submit("/verify"), 200, "home")
	got := grace.do("GET", "/api/received", "")
	if got.status != 200 || !strings.Contains(got.body, id) || strings.Contains(got.body, other) {
		t.Errorf("got %d %s", got.status, got.body)
	}
	w.want(grace.do("GET", "/api/received?cursor=x", ""), 422, "invalid_argument")
	w.want(linus.do("POST", "/api/received/acme/"+id+"/accept", ""), 404, "not_found")
	w.want(grace.do("POST", "/api/received/other/"+id+"/accept", ""), 404, "not_found")
	w.want(grace.do("POST", "/api/received/acme/1/accept", ""), 422, "invalid_argument")
	w.member("grace@example.com", "") // listing accepts nothing
	w.want(grace.do("POST", "/api/received/acme/"+id+"/accept", ""), 200, "viewer")
	w.member("grace@example.com", invitations.RoleViewer)
	w.want(linus.do("POST", "/api/received/acme/"+other+"/decline", ""), 200, "")
	w.want(linus.do("POST", "/api/received/acme/"+other+"/accept", ""), 410, "declined")
	w.member("linus@example.com", "")
}

func TestTimelineAndStatistics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, api := w.team()
	grace := w.joined(ada, "grace@example.com")
	id := ada.do("POST", api+"/invitations", `{"email":"linus@example.com","role":"viewer"}`).field("id")
	w.want(ada.do("PATCH", api+"/invitations/"+id, `{"role":"admin"}`), 200, "pending")
	w.want(ada.do("DELETE", api+"/invitations/"+id, ""), 200, "revoked")
	var timeline invitations.List[invitations.Event]
	got := ada.do("GET", api+"/invitations/"+id+"/timeline", "")
	if err := json.Unmarshal([]byte(got.body), &timeline); err != nil || got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	var events []invitations.EventType
	for _, e := range timeline.Items {
		events = append(events, e.Type)
	}
	if want := []invitations.EventType{
		invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationRevoked,
	}; !slices.Equal(events, want) {
		t.Errorf("got %v, want %v", events, want)
	}
	w.want(ada.do("GET", api+"/invitations/1/timeline", ""), 404, "not_found") // not the timeline of the organization

	var stats invitations.Statistics
	got = ada.do("GET", api+"/statistics", "")
	if err := json.Unmarshal([]byte(got.body), &stats); err != nil || got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if want := (invitations.Funnel{Created: 2, Accepted: 1, Revoked: 1, Used: 1, Joined: 1}); stats.Total != want {
		t.Errorf("got %+v, want %+v", stats.Total, want)
	}
	w.want(grace.do("GET", api+"/statistics", ""), 403, "permission_denied")
}
