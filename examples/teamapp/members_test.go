package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A visitor is a person who is signed in without a browser.
type visitor struct {
	t      testing.TB
	base   string
	client *http.Client
	account
}

// visitor creates a verified account and signs it in.
func (w *world) visitor(name string) *visitor {
	w.t.Helper()
	u := w.account(name, strings.ToLower(name)+"@example.com", true)
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	v := &visitor{w.t, w.base, &http.Client{Jar: jar}, u}
	status, _ := v.post("/sign-in", "email", u.Email, "password", password)
	require.Equal(w.t, http.StatusOK, status)
	return v
}

// teamWith creates a team with an owner and adds members with a role to it.
func (w *world) teamWith(owner *visitor, role invitations.Role, members ...*visitor) (team string) {
	w.t.Helper()
	team, err := w.app.createTeam(w.t.Context(), owner.ID, "Acme")
	require.NoError(w.t, err)
	for _, m := range members {
		_, err := w.app.svc.AddMember(w.t.Context(), invitations.User(owner.ID), invitations.AddMemberParams{
			Organization: team, UserID: m.ID, Role: role,
		})
		require.NoError(w.t, err)
	}
	return team
}

// post sends a form and follows the redirect. It returns the text of the page in the end.
func (v *visitor) post(path string, pairs ...string) (status int, text string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	answer, err := v.client.PostForm(v.base+path, form)
	require.NoError(v.t, err)
	return v.read(answer)
}

func (v *visitor) get(path string) (status int, text string) {
	v.t.Helper()
	answer, err := v.client.Get(v.base + path)
	require.NoError(v.t, err)
	return v.read(answer)
}

func (v *visitor) read(answer *http.Response) (status int, text string) {
	v.t.Helper()
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(v.t, err)
	return answer.StatusCode, html.UnescapeString(string(page))
}

func TestMembers_Change(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, bob := w.visitor("Ada"), w.visitor("Bob")
	path := "/teams/" + w.teamWith(ada, invitations.RoleViewer, bob) + "/members"

	status, page := ada.get(path)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "bob@example.com")
	require.Contains(t, page, "invited by Ada")
	require.NotContains(t, page, ">"+bob.ID)
	require.NotContains(t, page, "/"+ada.ID+"/remove", "people leave, and do not remove themselves")

	status, page = ada.post(path+"/"+bob.ID+"/role?role=viewer", "role", "developer")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "The role of Bob is changed.")
	require.Contains(t, page, "No member has this role.", "the page keeps its filter")

	_, page = ada.post(path+"/"+bob.ID+"/quota", "kind", "limited", "limit", "50", "period", "day")
	require.Contains(t, page, "The quota of Bob is saved.")
	require.Contains(t, page, "0 of 50 calls used today")
	_, page = ada.post(path+"/"+bob.ID+"/quota", "kind", "counted", "limit", "", "period", "month")
	require.Contains(t, page, "0 calls this month, not limited")
	_, page = ada.post(path+"/"+bob.ID+"/quota", "kind", "limited", "limit", "0", "period", "month")
	require.Contains(t, page, "No calls")
	for _, limit := range []string{"", "-1", "many", "1000000000000001"} {
		status, page = ada.post(path+"/"+bob.ID+"/quota", "kind", "limited", "limit", limit, "period", "month")
		require.Equal(t, http.StatusUnprocessableEntity, status, limit)
		require.Contains(t, page, `value="`+limit+`" inputmode="numeric" maxlength="16" aria-invalid="true"`)
	}

	_, page = ada.post(path+"/"+ada.ID+"/role", "role", "admin")
	require.Contains(t, page, "The last owner has to stay.")
	_, page = ada.post("/teams/" + strings.Split(path, "/")[2] + "/leave")
	require.Contains(t, page, "The last owner has to stay.")
	_, page = bob.post(path + "/" + ada.ID + "/remove")
	require.Contains(t, page, "You do not have permission to do this.")
	_, page = ada.post(path + "/" + bob.ID + "/remove")
	require.Contains(t, page, "Bob is no longer a member.")
	status, _ = bob.get(path)
	require.Equal(t, http.StatusNotFound, status)
}

// An admin gets no button for the owner. A developer gets none at all, and sees no quotas.
func TestMembers_LeavesOutWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, bob, eve := w.visitor("Ada"), w.visitor("Bob"), w.visitor("Eve")
	team := w.teamWith(ada, invitations.RoleDeveloper, bob, eve)
	_, page := bob.get("/teams/" + team + "/members")
	require.NotContains(t, page, "/remove")
	require.NotContains(t, page, ">Quota<")
	_, err := w.app.svc.ChangeRole(t.Context(), invitations.System(), invitations.ChangeRoleParams{
		Organization: team, UserID: bob.ID, Role: invitations.RoleAdmin,
	})
	require.NoError(t, err)
	_, page = bob.get("/teams/" + team + "/members")
	require.Contains(t, page, ">Quota<")
	require.Contains(t, page, "/members/"+eve.ID+"/remove")
	require.NotContains(t, page, "/members/"+ada.ID+"/")
	require.NotContains(t, page, `<option value="owner" selected>`)
}

func TestMembers_Leave(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, bob := w.visitor("Ada"), w.visitor("Bob")
	team := w.teamWith(ada, invitations.RoleDeveloper, bob)
	_, page := bob.post("/teams/" + team + "/leave")
	require.Contains(t, page, "You have left Acme.")
	require.Equal(t, []string{"Ada"}, w.members(team))
}

func TestMembers_Pages(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.visitor("Ada")
	team := w.teamWith(ada, invitations.RoleViewer)
	for i := range 21 {
		_, err := w.app.svc.AddMember(t.Context(), invitations.System(), invitations.AddMemberParams{
			Organization: team, UserID: "user" + string(rune('a'+i)), Role: invitations.RoleViewer,
		})
		require.NoError(t, err)
	}
	_, page := ada.get("/teams/" + team + "/members?role=viewer")
	require.Equal(t, 20, strings.Count(page, "a former user</strong>"))
	_, rest, ok := strings.Cut(page, `<a href="/teams/`+team+`/members?`)
	require.True(t, ok)
	query, _, _ := strings.Cut(rest, `"`)
	_, page = ada.get("/teams/" + team + "/members?" + query)
	require.Equal(t, 1, strings.Count(page, "a former user</strong>"))
	require.Contains(t, page, `/members?role=viewer">First page`)
}

// A team of one page is in the order of names, and so is the list of the next owners.
func TestMembers_ByName(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.visitor("Ada")
	var others []*visitor
	for _, name := range []string{"Joan", "alan", "Tim", "Grace", "Hedy", "barbara", "Mary", "Radia"} {
		others = append(others, w.visitor(name))
	}
	team := w.teamWith(ada, invitations.RoleViewer, others...)
	_, page := ada.get("/teams/" + team + "/members")
	var names []string
	for _, part := range strings.Split(page, "<td><strong>")[1:] {
		name, _, _ := strings.Cut(part, "<")
		names = append(names, name)
	}
	require.Equal(t, []string{"Ada", "alan", "barbara", "Grace", "Hedy", "Joan", "Mary", "Radia", "Tim"}, names)

	_, page = ada.get("/teams/" + team + "/settings")
	last := 0
	for _, name := range names[1:] {
		at := strings.Index(page, ">"+name+" (")
		require.Greater(t, at, last, name)
		last = at
	}
}

func TestUsage_Calls(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.visitor("Ada")
	_, page := ada.post("/personal/calls", "amount", "19")
	require.Contains(t, page, "Made 19 calls in Personal.")
	require.Contains(t, page, "Left: 1 call.")
	status, page := ada.post("/personal/calls", "amount", "2")
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, page, "Only 1 call left. The quota starts again on 3 March 2026, 00:00 UTC, in 12 hours.")
	status, page = ada.post("/personal/calls", "amount", "30")
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, page, "Waiting does not help")
	for _, amount := range []string{"0", "101", "-1", "x", ""} {
		status, page = ada.post("/personal/calls", "amount", amount)
		require.Equal(t, http.StatusUnprocessableEntity, status, amount)
		require.Contains(t, page, "id=\"calls-amount-problem\" role=\"alert\">Must be ")
	}
	w.pass(12 * time.Hour)
	_, page = ada.post("/personal/calls", "amount", "2")
	require.Contains(t, page, "Left: 18 calls.")
}

// The session was switched in another window. Nothing is used until the person has chosen.
func TestUsage_OtherWorkspace(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := w.visitor("Ada")
	path := "/teams/" + w.teamWith(ada, "")
	status, page := ada.post(path+"/calls", "amount", "7")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, page, "You are working in <strong>Personal</strong>")
	require.Contains(t, page, `href="/personal/usage"`)
	_, page = ada.get(path + "/usage")
	require.Contains(t, page, "0 of 1,000 calls used this month")

	_, page = ada.post(path+"/calls", "amount", "7", "switch", "yes")
	require.Contains(t, page, "Made 7 calls in Acme. Left: 993 calls.")
	_, page = ada.post(path+"/calls", "amount", "1")
	require.Contains(t, page, "Left: 992 calls.", "the session is in the team now")
	status, _ = ada.post("/personal/calls", "amount", "1")
	require.Equal(t, http.StatusConflict, status)
}

func TestUsage_ByMember(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, bob := w.visitor("Ada"), w.visitor("Bob")
	team := w.teamWith(ada, invitations.RoleDeveloper, bob)
	require.NoError(t, w.app.svc.SetQuota(t.Context(), invitations.User(ada.ID), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(team), UserID: bob.ID,
		Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodMonth},
	}))
	bob.post("/teams/"+team+"/calls", "amount", "40", "switch", "yes")
	path := "/teams/" + team + "/usage"
	_, page := ada.get(path)
	require.Contains(t, page, "March 2026")
	require.Contains(t, page, `<td class="number" data-name="Calls">40</td>`)
	_, page = bob.get(path)
	require.NotContains(t, page, "Use by member")

	w.pass(31 * 24 * time.Hour)
	_, page = ada.get(path)
	require.Contains(t, page, "No calls of single members were counted.")
	require.Contains(t, page, path+"?at=2026-03-31\"")
	_, page = ada.get(path + "?at=2026-03-31&period=month")
	require.Contains(t, page, `<td class="number" data-name="Calls">40</td>`)
	require.Contains(t, page, path+"?at=2026-04-01&period=month\"")
	for _, query := range []string{"?at=yesterday", "?period=week", "?at=0000-01-01", "?cursor=x"} {
		status, _ := ada.get(path + query)
		require.Equal(t, http.StatusUnprocessableEntity, status, query)
	}
}

func TestSettings(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, bob := w.visitor("Ada"), w.visitor("Bob")
		team := w.teamWith(ada, invitations.RoleDeveloper, bob)
		path := "/teams/" + team
		_, page := bob.get(path + "/settings")
		require.Contains(t, page, "2 of 25 taken")
		require.Contains(t, page, "after 7 days")
		require.NotContains(t, page, "Transfer")
		_, page = bob.post(path+"/name", "name", "Bob's")
		require.Contains(t, page, "You do not have permission to do this.")

		status, page := ada.post(path+"/name", "name", " ")
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, page, "Must have 1 to 80 characters.")
		_, page = ada.post(path+"/name", "name", "Acme  <b>")
		require.Contains(t, page, "The team is called Acme <b> now.")
		status, _ = ada.post(path+"/delete", "typed", "Acme")
		require.Equal(t, http.StatusUnprocessableEntity, status)

		_, page = ada.post(path+"/owner", "to", bob.ID, "role", "admin")
		require.Contains(t, page, "Bob owns the team now.")
		_, page = ada.post(path+"/delete", "typed", "Acme <b>")
		require.Contains(t, page, "You do not have permission to do this.")
		_, page = bob.post(path+"/delete", "typed", "Acme <b>")
		require.Contains(t, page, "The team Acme <b> is deleted.")
		status, _ = bob.get(path + "/settings")
		require.Equal(t, http.StatusNotFound, status)
		names, err := w.app.teamNames(t.Context(), team)
		require.NoError(t, err)
		require.Empty(t, names)
	})
}
