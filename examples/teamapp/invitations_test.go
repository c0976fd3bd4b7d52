package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"rsc.io/qr"

	"github.com/go-invitations/invitations"
)

// A clicker is a person who sends forms without a browser.
type clicker struct {
	account
	t      testing.TB
	base   string
	client http.Client
}

// clicker signs an account in.
func (w *world) clicker(u account) *clicker {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	c := &clicker{u, w.t, w.base, http.Client{Jar: jar}}
	require.Equal(w.t, http.StatusOK, c.post("/sign-in", url.Values{"email": {u.Email}, "password": {password}}).status)
	return c
}

// A landing is the page at the end of the redirects.
type landing struct {
	status     int
	path, text string
}

func (c *clicker) get(path string) landing {
	c.t.Helper()
	return c.read(c.client.Get(c.base + path))
}

func (c *clicker) post(path string, values url.Values) landing {
	c.t.Helper()
	return c.read(c.client.PostForm(c.base+path, values))
}

func (c *clicker) read(r *http.Response, err error) landing {
	c.t.Helper()
	require.NoError(c.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(c.t, err)
	return landing{r.StatusCode, r.Request.URL.RequestURI(), strings.Join(strings.Fields(html.UnescapeString(string(body))), " ")}
}

// inviting returns a world with a team of Ada, and the path of its invitations.
func inviting(t *testing.T) (w *world, ada *clicker, path string) {
	t.Helper()
	t.Parallel()
	w = newSQLiteWorld(t)
	u, team := w.acme()
	return w, w.clicker(u), "/teams/" + team + "/invitations"
}

// addMember adds a member with a role to the team of a path, and signs them in.
func (w *world) addMember(name, path string, role invitations.Role) *clicker {
	w.t.Helper()
	u := w.account(name, strings.ToLower(name)+"@example.com", true)
	_, err := w.app.svc.AddMember(w.t.Context(), invitations.System(), invitations.AddMemberParams{
		Organization: strings.Split(path, "/")[2], UserID: u.ID, Role: role,
	})
	require.NoError(w.t, err)
	return w.clicker(u)
}

// letterCount returns the number of letters to an address.
func (w *world) letterCount(address string) int {
	w.t.Helper()
	letters, err := w.app.letters(w.t.Context(), `where recipient = $1`, address)
	require.NoError(w.t, err)
	return len(letters)
}

// invitationPath returns the path of the first invitation on a page.
func (a landing) invitationPath(t testing.TB) string {
	t.Helper()
	found := regexp.MustCompile(`/teams/[^/"]+/invitations/[0-9a-f-]{36}`).FindString(a.text)
	require.NotEmpty(t, found, a.text)
	return found
}

func tokenOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

func TestInvitations_LifeOfAnInvitation(t *testing.T) {
	w, ada, path := inviting(t)
	page := ada.post(path, url.Values{"email": {" Grace@Example.com "}, "role": {"developer"}, "expires_in": {"3"}, "message": {"Hello\r\nGrace"}})
	require.Equal(t, path, page.path)
	require.Contains(t, page.text, "The invitation to Grace@Example.com is on its way.")
	require.Contains(t, page.text, "1 of 25</strong> seats taken, 1 reserved")
	require.Contains(t, page.text, "1 of 10</strong> pending invitations")
	for _, cell := range []string{">grace@example.com</a>", ">Developer</td>", ">Ada Lovelace</td>", ">in 3 days</time>", ">Pending</span>"} {
		require.Contains(t, page.text, cell)
	}
	mail, first := w.mailTo("grace@example.com")
	require.Contains(t, mail.Text, "Hello\n")

	one := page.invitationPath(t)
	page = ada.post(one+"/resend", url.Values{"return": {path + "?state=pending"}})
	require.Equal(t, path+"?state=pending", page.path)
	require.Contains(t, page.text, "This invitation was sent just now; wait a moment. You can try again in 60 seconds.")
	require.Equal(t, 1, w.letterCount("grace@example.com"))
	w.pass(time.Minute)
	page = ada.post(one+"/resend", url.Values{"return": {"https://elsewhere.example/"}})
	require.Equal(t, path, page.path, "a form must not lead to another site")
	require.Contains(t, page.text, "A new mail to grace@example.com is on its way. The former link no longer works.")
	_, second := w.mailTo("grace@example.com")
	_, err := w.app.svc.Lookup(t.Context(), tokenOf(first))
	require.ErrorIs(t, err, invitations.ErrInvalidToken)
	offer, err := w.app.svc.Lookup(t.Context(), tokenOf(second))
	require.NoError(t, err)
	require.Equal(t, "Hello\nGrace", offer.Message)

	page = ada.post(one, url.Values{"role": {"billing"}, "message": {"Hi"}, "expires_in": {"10"}})
	require.Equal(t, one, page.path)
	require.Contains(t, page.text, "The invitation is changed. Resend it to tell the recipient.")
	require.Contains(t, page.text, "<dd>Billing</dd>")
	require.Contains(t, page.text, "(in 10 days)")
	require.Contains(t, page.text, "Ada Lovelace invited grace@example.com as Developer")
	require.Contains(t, page.text, "from Developer to Billing")
	require.NotContains(t, page.text, tokenOf(second), "the token of a mail proves the mailbox")
	require.NotContains(t, page.text, "/invite/")
	_, err = w.app.svc.Lookup(t.Context(), tokenOf(second))
	require.NoError(t, err, "the mail that was sent stays valid")

	page = ada.post(one+"/revoke", nil)
	require.Contains(t, page.text, "The invitation is revoked.")
	require.Contains(t, page.text, "No invitation is open.")
	_, err = w.app.svc.Lookup(t.Context(), tokenOf(second))
	require.ErrorIs(t, err, invitations.ErrRevoked)
	page = ada.get(one)
	require.Contains(t, page.text, "Ada Lovelace revoked")
	for _, button := range []string{"/resend", "/revoke", ">Save<"} {
		require.NotContains(t, page.text, button)
	}
	require.Contains(t, ada.post(one+"/revoke", nil).text, "Invitation no longer valid.")
	page = ada.post(one, url.Values{"role": {"viewer"}})
	require.Equal(t, http.StatusUnprocessableEntity, page.status)
	require.Contains(t, page.text, "Invitation no longer valid.")
}

func TestInvitations_Expired(t *testing.T) {
	w, ada, path := inviting(t)
	one := ada.post(path, url.Values{"email": {"grace@example.com"}, "role": {"viewer"}, "expires_in": {"1"}}).invitationPath(t)
	w.pass(49 * time.Hour)
	page := ada.get(path)
	require.Contains(t, page.text, ">1 day ago</time>")
	require.Contains(t, page.text, ">Expired</span>")
	require.NotContains(t, page.text, "/revoke")
	require.NotContains(t, ada.get(one).text, ">Save<")
	ada.post(one+"/resend", nil)
	require.Contains(t, ada.get(path).text, ">in 1 day</time>")
}

// What is refused is shown beside its field, with the input.
func TestInvitations_Refused(t *testing.T) {
	w, ada, path := inviting(t)
	ada.post(path, url.Values{"email": {"bob@example.com"}, "role": {"viewer"}})
	one := ada.get(path).invitationPath(t)
	link := ada.post(path+"/links", url.Values{"role": {"viewer"}, "max_uses": {"3"}, "allowed_domains": {""}}).path
	admin := w.addMember("Carol", path, invitations.RoleAdmin)
	everything := func(field, value string) url.Values {
		all := url.Values{"email": {"new@example.com"}, "role": {"viewer"}, "message": {""}, "expires_in": {"7"}, "max_uses": {""}, "allowed_domains": {""}}
		all.Set(field, value)
		return all
	}
	for _, c := range []struct {
		who                      *clicker
		path, form, field, value string
		reason                   string
	}{
		{ada, path, "email", "email", "bob", "Must contain an at sign."},
		{ada, path, "email", "email", "bob@example.com", "This address already has a pending invitation. <a href=\"" + one + "\">Open it</a>"},
		{ada, path, "email", "role", "king", "Must be"},
		{admin, path, "email", "role", "owner", "You cannot give this role."},
		{ada, path, "email", "expires_in", "31", "Must be a number from 1 to 30."},
		{ada, path, "email", "expires_in", "0", "Must be a number from 1 to 30."},
		{ada, path, "email", "message", strings.Repeat("long", 126), "Must have at most 500 characters."},
		{ada, path + "/links", "link", "max_uses", "many", "Must be a number from 1 to 10000."},
		{ada, path + "/links", "link", "max_uses", "10001", "Must be a number from 1 to 10000."},
		{ada, path + "/links", "link", "allowed_domains", "localhost", "Must"},
		{ada, path + "/links", "link", "expires_in", "soon", "Must be a number from 1 to 30."},
		{ada, one, "edit", "expires_in", "31", "Must be a number from 1 to 30."},
		{ada, link, "edit", "allowed_domains", "a_b.c", "Must"},
	} {
		values := everything(c.field, c.value)
		if c.path == one {
			values.Del("max_uses")
		}
		page := c.who.post(c.path, values)
		name := fmt.Sprint(c.path, " ", c.field, "=", c.value)
		require.Equal(t, http.StatusUnprocessableEntity, page.status, name)
		id := c.form + "-" + c.field + "-problem"
		require.Contains(t, page.text, `aria-invalid="true" aria-describedby="`+id+`" autofocus`, name)
		require.Contains(t, page.text, `id="`+id+`" role="alert">`+c.reason, name)
		if c.field != "role" { // a list has no option for a role that does not exist
			require.Contains(t, page.text, c.value, name)
		}
	}
	require.Equal(t, 1, strings.Count(ada.get(path+"?kind=email").text, "/resend"), "nothing was invited")
}

// The limits of the team are refusals of the whole form.
func TestInvitations_LimitReached(t *testing.T) {
	w, ada, path := inviting(t)
	require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), strings.Split(path, "/")[2], invitations.Limits{Pending: 1}))
	ada.post(path, url.Values{"email": {"bob@example.com"}, "role": {"viewer"}})
	page := ada.post(path, url.Values{"email": {"carol@example.com"}, "role": {"viewer"}})
	require.Equal(t, http.StatusUnprocessableEntity, page.status)
	require.Contains(t, page.text, `id="email--problem" role="alert">There are too many pending invitations.`)
	require.Contains(t, page.text, `value="carol@example.com"`)
	require.Contains(t, page.text, "1 of 1</strong> pending invitations")
	require.Zero(t, w.letterCount("carol@example.com"), "a refused invitation has no mail")
}

// A form that is sent twice invites once.
func TestInvitations_SentTwice(t *testing.T) {
	w, ada, path := inviting(t)
	values := url.Values{"id": {uuid.Must(uuid.NewV7()).String()}, "email": {"bob@example.com"}, "role": {"viewer"}}
	ada.post(path, values)
	page := ada.post(path, values)
	require.Equal(t, http.StatusOK, page.status)
	require.Equal(t, 1, strings.Count(page.text, "/resend"))
	require.Equal(t, 1, w.letterCount("bob@example.com"))
	values.Set("email", "carol@example.com")
	page = ada.post(path, values)
	require.Contains(t, page.text, "This form was sent before with other values.")
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page.text)[1]
	require.NotEqual(t, values.Get("id"), id)
	values.Set("id", id)
	require.Contains(t, ada.post(path, values).text, "The invitation to carol@example.com is on its way.")
}

var shownLink = regexp.MustCompile(`id="link" value="([^"]+)" readonly`)

func TestInvitations_Link(t *testing.T) {
	w, ada, path := inviting(t)
	page := ada.post(path+"/links", url.Values{
		"role": {"developer"}, "max_uses": {"2"}, "allowed_domains": {"@example.com, Example.org"}, "expires_in": {"9"},
	})
	one := page.path
	require.Contains(t, page.text, "The link is ready.")
	require.Contains(t, page.text, "<dd>example.com, example.org</dd>")
	require.Contains(t, page.text, `data-copy="link" hidden`)
	link := shownLink.FindStringSubmatch(page.text)[1]
	require.Contains(t, link, w.base+"/invite/")
	require.Contains(t, ada.get(one).text, link, "the page of a pending link shows it again")
	picture, err := newQRCode(link)
	require.NoError(t, err)
	require.Contains(t, page.text, `d="`+picture.Path+`"`)

	grace := w.account("Grace", "grace@example.com", true)
	_, err = w.app.svc.Accept(t.Context(), tokenOf(link), grace.identity())
	require.NoError(t, err)
	require.Contains(t, ada.get(path).text, `data-name="Uses">1 of 2</td>`)
	page = ada.post(one, url.Values{"role": {"viewer"}, "message": {""}, "max_uses": {"1"}, "allowed_domains": {""}, "expires_in": {""}})
	require.Contains(t, page.text, "Must be greater than the number of uses so far.")
	page = ada.post(one, url.Values{"role": {"viewer"}, "message": {""}, "max_uses": {""}, "allowed_domains": {""}, "expires_in": {""}})
	require.Contains(t, page.text, "The link is changed. It stays the same link.")
	require.Contains(t, page.text, link)
	require.NotContains(t, page.text, "<dt>Allowed domains</dt>")

	page = ada.post(one+"/resend", nil)
	require.Equal(t, one, page.path)
	require.Contains(t, page.text, "The former link no longer works.")
	require.NotContains(t, page.text, link)
	require.Regexp(t, shownLink, page.text)
	_, err = w.app.svc.Lookup(t.Context(), tokenOf(link))
	require.ErrorIs(t, err, invitations.ErrInvalidToken)
	ada.post(one+"/revoke", nil)
	require.NotRegexp(t, shownLink, ada.get(one).text)

	viewer := w.addMember("Vic", path, invitations.RoleViewer)
	require.Equal(t, http.StatusForbidden, viewer.get(one).status)
	require.Equal(t, http.StatusForbidden, viewer.get(path).status)
}

// Each dark square of the QR code is a line of the picture, inside a margin of 4 squares.
func TestQRCode(t *testing.T) {
	t.Parallel()
	const link = "https://teamy.example/invite/inv_abc"
	picture, err := newQRCode(link)
	require.NoError(t, err)
	code, err := qr.Encode(link, qr.M)
	require.NoError(t, err)
	require.Equal(t, code.Size+8, picture.Size)
	dark := 0
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				dark++
				require.Contains(t, picture.Path, fmt.Sprintf("M%d %d.5h1", x+4, y+4))
			}
		}
	}
	require.Equal(t, dark, strings.Count(picture.Path, "M"))
}

// A link that only owners could send is not shown to an admin. One that the team does not allow any
// more says so.
func TestInvitations_LinkOfNoUse(t *testing.T) {
	w, ada, path := inviting(t)
	carol := w.addMember("Carol", path, invitations.RoleAdmin)
	page := carol.get(ada.post(path+"/links", url.Values{"role": {"owner"}}).path)
	require.Equal(t, http.StatusOK, page.status)
	require.NotContains(t, page.text, "/invite/")
	require.NotContains(t, page.text, "/resend")
	one := carol.post(path+"/links", url.Values{"role": {"viewer"}}).path
	require.Regexp(t, shownLink, ada.get(one).text)
	require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), strings.Split(path, "/")[2], invitations.Limits{NoLinks: true}))
	page = carol.get(one)
	require.Contains(t, page.text, "Nobody can join through it, because the team does not allow it any more.")
	require.NotRegexp(t, shownLink, page.text)
	require.Contains(t, ada.get(path).text, "Links are turned off for this team.")
}

func TestInvitations_Filters(t *testing.T) {
	w, ada, path := inviting(t)
	require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), strings.Split(path, "/")[2], invitations.Limits{Pending: 100, Members: invitations.NoLimit}))
	for i := range 24 {
		w.pass(time.Second)
		ada.post(path, url.Values{"email": {fmt.Sprintf("p%02d@example.com", i)}, "role": {"viewer"}})
	}
	ada.post(ada.get(path+"?email=P07").invitationPath(t)+"/revoke", nil)
	ada.post(path+"/links", url.Values{"role": {"viewer"}})
	next := regexp.MustCompile(`<a href="([^"]+)" rel="next">`)

	page := ada.get(path)
	require.Contains(t, page.text, "p23@example.com")
	require.NotContains(t, page.text, "p03@example.com")
	page = ada.get(next.FindStringSubmatch(page.text)[1])
	require.Contains(t, page.text, "p00@example.com")
	require.NotRegexp(t, next, page.text)
	require.Contains(t, page.text, `<a href="`+path+`">Newest</a>`)
	page = ada.get(path + "?state=ended")
	require.Contains(t, page.text, "p07@example.com")
	require.Equal(t, 1, strings.Count(page.text, ">Viewer</td>"))
	page = ada.get(path + "?kind=link")
	require.Equal(t, 1, strings.Count(page.text, ">Viewer</td>"))
	require.Contains(t, page.text, `<a href="`+path+`?kind=link&state=all">All</a>`, "a tab keeps the other filters")
	page = ada.get(path + "?email=p1&state=pending")
	require.Equal(t, 10, strings.Count(page.text, "/resend"))
	require.Contains(t, ada.get(path+"?email=nobody").text, "No invitation matches.")
}

// Names and addresses are text on every page, whatever they contain.
func TestInvitations_EscapesInput(t *testing.T) {
	w, ada, path := inviting(t)
	one := ada.post(path, url.Values{"email": {"bob@example.com"}, "role": {"viewer"}, "message": {"<script>alert(1)</script>"}}).invitationPath(t)
	bob := w.clicker(w.account("Bob", "bob@example.com", true))
	for _, read := range []func() (*http.Response, error){
		func() (*http.Response, error) { return ada.client.Get(w.base + one) },
		func() (*http.Response, error) { return bob.client.Get(w.base + "/received") },
	} {
		landing, err := read()
		require.NoError(t, err)
		body, err := io.ReadAll(landing.Body)
		require.NoError(t, err)
		require.NoError(t, landing.Body.Close())
		require.Contains(t, string(body), "&lt;script&gt;alert(1)")
		require.NotContains(t, string(body), "<script>alert(1)")
	}
}

// readsCounted counts the reads of the library's store.
type readsCounted struct {
	invitations.Store
	n atomic.Int64
}

func (s *readsCounted) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	s.n.Add(1)
	return s.Store.View(ctx, q)
}

func (s *readsCounted) Invitations(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	s.n.Add(1)
	return s.Store.Invitations(ctx, q)
}

func (s *readsCounted) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	s.n.Add(1)
	return s.Store.Events(ctx, q)
}

func (s *readsCounted) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
	s.n.Add(1)
	return s.Store.Workspaces(ctx, q)
}

// A page reads the store at most 3 times, with the workspaces of the menu.
func TestInvitations_ReadsOfAPage(t *testing.T) {
	w, ada, path := inviting(t)
	store := &readsCounted{Store: w.app.db.store}
	w.app.svc = w.app.svc.WithStore(store)
	email := ada.post(path, url.Values{"email": {"bob@example.com"}, "role": {"viewer"}}).invitationPath(t)
	link := ada.post(path+"/links", url.Values{"role": {"viewer"}, "max_uses": {"2"}}).path
	revoked := ada.post(path+"/links", url.Values{"role": {"viewer"}}).path
	ada.post(revoked+"/revoke", nil)
	used := ada.post(path+"/links", url.Values{"role": {"viewer"}, "max_uses": {"2"}})
	for _, name := range []string{"carol", "dave"} {
		u := w.account(name, name+"@example.com", true)
		_, err := w.app.svc.Accept(t.Context(), tokenOf(shownLink.FindStringSubmatch(used.text)[1]), u.identity())
		require.NoError(t, err)
	}
	require.Contains(t, ada.get(used.path).text, ">Accepted</span>")
	for _, page := range []string{path, path + "/bulk", email, link, revoked, used.path, "/received"} {
		store.n.Store(0)
		require.Equal(t, http.StatusOK, ada.get(page).status)
		require.LessOrEqual(t, store.n.Load(), int64(3), page)
		require.Positive(t, store.n.Load(), page)
	}
	w.pass(8 * 24 * time.Hour)
	for _, page := range []string{email, link} {
		store.n.Store(0)
		require.Contains(t, ada.get(page).text, ">Expired</span>")
		require.LessOrEqual(t, store.n.Load(), int64(3), page)
	}
}

func TestReceived(t *testing.T) {
	w, ada, path := inviting(t)
	team := strings.Split(path, "/")[2]
	grace, eve := w.clicker(w.account("Grace", "grace@example.com", true)), w.clicker(w.account("Eve", "eve@example.com", true))
	require.Contains(t, grace.get("/received").text, "Nobody is waiting for your answer.")
	one := ada.post(path, url.Values{"email": {"grace@example.com"}, "role": {"developer"}, "message": {"Join us"}}).invitationPath(t)
	received := "/received/" + team + "/" + one[strings.LastIndex(one, "/")+1:]
	page := grace.get("/received")
	for _, text := range []string{"<h2>Acme</h2>", "Ada Lovelace invited you as <strong>Developer</strong>", "Join us", "in 7 days"} {
		require.Contains(t, page.text, text)
	}
	require.NotContains(t, eve.get("/received").text, "Acme")
	for _, verb := range []string{"/accept", "/decline"} {
		require.Contains(t, eve.post(received+verb, nil).text, "Not found.")
		require.Equal(t, http.StatusMethodNotAllowed, grace.get(received+verb).status, "GET changes nothing")
	}
	page = grace.post(received+"/decline", nil)
	require.Contains(t, page.text, "You have declined the invitation.")
	require.NotContains(t, page.text, "<h2>Acme</h2>")
	require.Contains(t, ada.get(path+"?state=ended").text, ">Declined</span>")

	one = ada.post(path, url.Values{"email": {"grace@example.com"}, "role": {"admin"}}).invitationPath(t)
	page = grace.post("/received/"+team+"/"+one[strings.LastIndex(one, "/")+1:]+"/accept", nil)
	require.Equal(t, path, page.path, "an admin begins with the invitations")
	require.Contains(t, page.text, "Welcome to Acme.")
	require.ElementsMatch(t, []string{"Ada Lovelace", "Grace"}, w.members(team))
	require.Contains(t, ada.get(path+"?state=accepted").text, ">Accepted</span>")
}

func TestReadRecipients(t *testing.T) {
	t.Parallel()
	const common = invitations.RoleViewer
	for _, c := range []struct {
		text string
		want []recipient
	}{
		{"", nil},
		{" \r\n;\n\u00a0\f,\n", nil},
		{"a@x.org", []recipient{{"a@x.org", "a@x.org", common}}},
		{"a@x.org,\r\nb@x.org;", []recipient{{"a@x.org", "a@x.org", common}, {"b@x.org", "b@x.org", common}}},
		{"a@x.org, Bob <b@x.org>; \"C, D\" <c@x.org>", []recipient{{"a@x.org", "a@x.org", common}, {"b@x.org", "b@x.org", common}, {"c@x.org", "c@x.org", common}}},
		{"Ada Lovelace <a@x.org>", []recipient{{"Ada Lovelace <a@x.org>", "a@x.org", common}}},
		{"a@x.org,Developer", []recipient{{"a@x.org,Developer", "a@x.org", "developer"}}},
		{"a@x.org;admin", []recipient{{"a@x.org;admin", "a@x.org", "admin"}}},
		{"a@x.org\tadmin", []recipient{{"a@x.org\tadmin", "a@x.org", "admin"}}},
		{"Name,Role,Email\n\"Lovelace, Ada\",admin,a@x.org\nBob,,b@x.org", []recipient{
			{"\"Lovelace, Ada\",admin,a@x.org", "a@x.org", "admin"}, {"Bob,,b@x.org", "b@x.org", common}}},
		{"email\na@x.org", []recipient{{"a@x.org", "a@x.org", common}}},
		{"nobody", []recipient{{"nobody", "nobody", common}}},
		{"\"broken", []recipient{{"\"broken", "broken", common}}},
		{"Name,Email\nAda", []recipient{{"Ada", "", common}}},
	} {
		require.Equal(t, c.want, readRecipients(c.text, common), "%q", c.text)
	}
}

// FuzzReadRecipients finds a list whose rows cannot be shown again, one in each line.
func FuzzReadRecipients(f *testing.F) {
	f.Add("Name,Email\n\"Lovelace, Ada\",a@x.org\nBob <b@x.org>; c@x.org")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range readRecipients(text, invitations.RoleViewer) {
			require.NotContains(t, r.input, "\n")
			require.NotEmpty(t, strings.TrimSpace(r.input))
		}
	})
}

// upload sends the form for several people, with a file.
func (c *clicker) upload(path, rows, role, file string) landing {
	c.t.Helper()
	const boundary = "aBoundary"
	var body strings.Builder
	for _, field := range [][2]string{{"rows", rows}, {"role", role}, {"message", ""}} {
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, field[0], field[1])
	}
	fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n%s\r\n--%[1]s--\r\n", boundary, file)
	return c.read(c.client.Post(c.base+path, "multipart/form-data; boundary="+boundary, strings.NewReader(body.String())))
}

func TestBulk(t *testing.T) {
	w, ada, path := inviting(t)
	ada.post(path, url.Values{"email": {"bob@example.com"}, "role": {"viewer"}})
	page := ada.upload(path+"/bulk", "Grace <grace@example.com>\r\nnonsense\r\nbob@example.com\r\ngrace@example.com", "developer",
		"\ufeffEmail,Role\ncarol@example.com,admin\ndave@example.com,king\n")
	require.Equal(t, path+"/bulk", page.path)
	require.Contains(t, page.text, "Invited: 2 of 6 rows.")
	require.Equal(t, 2, strings.Count(page.text, ">Invited</span>"))
	require.Equal(t, 4, strings.Count(page.text, ">Not invited</span>"))
	for _, text := range []string{"Invited as Developer.", "Invited as Admin.", "Email must contain an at sign.", "This address already has a pending invitation.", "Role must be"} {
		require.Contains(t, page.text, text)
	}
	require.Contains(t, page.text, ">nonsense bob@example.com grace@example.com dave@example.com,king</textarea>", "refused rows stay")
	require.Equal(t, 1, w.letterCount("grace@example.com"))
	require.Equal(t, 1, w.letterCount("carol@example.com"))
	require.Equal(t, 1, w.letterCount("bob@example.com"))
	require.Zero(t, w.letterCount("dave@example.com"))
	require.NotContains(t, ada.get(path+"/bulk").text, "Result of each row", "outcomes are shown once")

	for rows, reason := range map[string]string{
		"":                                      "Must not be empty.",
		strings.Repeat("person@x.org\r\n", 101): "Must have at most 100 rows.",
	} {
		page = ada.upload(path+"/bulk", rows, "viewer", "")
		require.Equal(t, http.StatusUnprocessableEntity, page.status)
		require.Contains(t, page.text, `id="bulk-rows-problem" role="alert">`+reason)
	}
	viewer := w.addMember("Vic", path, invitations.RoleViewer)
	page = viewer.upload(path+"/bulk", "x@example.com", "viewer", "")
	require.Contains(t, page.text, "You do not have permission to do this.")
	require.Zero(t, w.letterCount("x@example.com"))
	require.Equal(t, http.StatusRequestEntityTooLarge, ada.upload(path+"/bulk", "", "viewer", strings.Repeat("x", maxBody)).status)
}
