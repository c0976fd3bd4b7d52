package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The tests of this file show the sentences of both documents that no story shows in full.

// Owners and admins send, resend and revoke. Nobody else does, in a browser or through the API.
func TestInvitations_OnlyOwnersAndAdmins(t *testing.T) {
	w, ada, path := inviting(t)
	team := strings.Split(path, "/")[2]
	one := ada.post(path, url.Values{"email": {"grace@example.com"}, "role": {"viewer"}}).invitationPath(t)
	w.pass(time.Hour)
	email := url.Values{"email": {"new@example.com"}, "role": {"viewer"}}
	for _, role := range []invitations.Role{invitations.RoleViewer, invitations.RoleDeveloper, invitations.RoleBilling} {
		member := w.joined(team, string(role), role)
		before := w.state(team)
		c := w.clicker(member)
		for path, form := range map[string]url.Values{path: email, path + "/links": {"role": {"viewer"}}, one + "/resend": nil, one + "/revoke": nil} {
			require.Contains(t, c.post(path, form).text, "You do not have permission to do this.", "%s %s", role, path)
		}
		key := w.keyOf(member, team, role)
		for _, r := range [][3]string{
			{"GET", path, ""}, {"POST", path, `{"email":"new@example.com","role":"viewer"}`},
			{"POST", "/teams/" + team + "/links", `{"role":"viewer"}`}, {"POST", one + "/resend", ""}, {"DELETE", one, ""},
		} {
			key.api(r[0], r[1], r[2]).want(t, 403, "permission_denied")
		}
		require.Equal(t, before, w.state(team), role)
	}
	admin := w.addMember("Carol", path, invitations.RoleAdmin)
	require.Contains(t, admin.post(path, email).text, "The invitation to new@example.com is on its way.")
	require.Contains(t, admin.post(one+"/resend", nil).text, "A new mail to grace@example.com is on its way.")
	require.Contains(t, admin.post(one+"/revoke", nil).text, "The invitation is revoked.")
}

// Of ten invitations, those that are accepted, declined, revoked or expired make room at once: no
// background work is needed.
func TestInvitations_EndedOnesMakeRoom(t *testing.T) {
	w, ada, path := inviting(t)
	invite := func(email, days string) landing {
		return ada.post(path, url.Values{"email": {email}, "role": {"viewer"}, "expires_in": {days}})
	}
	one := invite("old@example.com", "1").invitationPath(t)
	for i := range 9 {
		invite(fmt.Sprintf("p%d@example.com", i), "30")
	}
	require.Contains(t, ada.get(path).text, "10 of 10</strong> pending invitations")
	require.Contains(t, invite("more@example.com", "7").text, "There are too many pending invitations.")

	_, link := w.mailTo("p0@example.com")
	_, err := w.app.svc.Accept(t.Context(), tokenOf(link), w.account("P0", "p0@example.com", true).identity())
	require.NoError(t, err)
	require.Contains(t, ada.get(path).text, "9 of 10</strong> pending invitations")
	_, link = w.mailTo("p1@example.com")
	require.NoError(t, w.app.svc.Decline(t.Context(), tokenOf(link)))
	require.Contains(t, ada.get(path).text, "8 of 10</strong> pending invitations")
	ada.post(ada.get(path+"?email=p2").invitationPath(t)+"/revoke", nil)
	require.Contains(t, ada.get(path).text, "7 of 10</strong> pending invitations")

	w.mu.Lock()
	w.now = w.now.Add(24 * time.Hour)
	w.mu.Unlock()
	require.Contains(t, ada.get(path).text, "6 of 10</strong> pending invitations")
	require.Contains(t, ada.get(one).text, ">Expired</span>")
	require.Contains(t, invite("more@example.com", "7").text, "7 of 10</strong> pending invitations")
}

// A pending invitation that is resent gets the whole time again. A revoked one cannot be resent:
// a new invitation or a new link takes its place.
func TestInvitations_AfterRevoking(t *testing.T) {
	w, ada, path := inviting(t)
	form := url.Values{"email": {"grace@example.com"}, "role": {"viewer"}}
	one := ada.post(path, form).invitationPath(t)
	w.pass(3 * 24 * time.Hour)
	require.Contains(t, ada.get(path).text, ">in 4 days</time>")
	ada.post(one+"/resend", nil)
	require.Contains(t, ada.get(path).text, ">in 7 days</time>")

	_, former := w.mailTo("grace@example.com")
	ada.post(one+"/revoke", nil)
	w.pass(time.Hour)
	require.Contains(t, ada.post(one+"/resend", nil).text, "Invitation no longer valid.")
	require.NotContains(t, ada.get(path+"?state=ended").text, "/resend")
	require.Contains(t, ada.post(path, form).text, "The invitation to grace@example.com is on its way.")
	_, link := w.mailTo("grace@example.com")
	require.NotEqual(t, former, link)
	w.nobody().do("GET", former, "").want(t, 410, "Invitation no longer valid")
	w.nobody().do("GET", link, "").want(t, 200, "Create account and join")
	require.Regexp(t, shownLink, ada.post(path+"/links", url.Values{"role": {"viewer"}}).text)
}

// Two members take from the quota of their team, and neither from a personal one.
func TestUsage_SharedByTheTeam(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, bob := w.visitor("Ada"), w.visitor("Bob")
	path := "/teams/" + w.teamWith(ada, invitations.RoleDeveloper, bob)
	_, page := ada.post(path+"/calls", "amount", "7", "switch", "yes")
	require.Contains(t, page, "Made 7 calls in Acme. Left: 993 calls.")
	_, page = bob.post(path+"/calls", "amount", "5", "switch", "yes")
	require.Contains(t, page, "Made 5 calls in Acme. Left: 988 calls.")
	_, page = bob.get("/personal/usage")
	require.Contains(t, page, "0 of 20 calls used today")
}

// In the API, an invitation expires after 7 days if expires_in_days is left out, and after 1 to 30.
func TestAPI_ExpiresInDays(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t) // on 2 March
	ada, team := w.acme()
	c := w.keyOf(ada, team, invitations.RoleAdmin)
	for days, expires := range map[string]string{
		"": "2026-03-09T12:00:00Z", `,"expires_in_days":1`: "2026-03-03T12:00:00Z", `,"expires_in_days":30`: "2026-04-01T12:00:00Z",
	} {
		sent := c.api("POST", "/teams/"+team+"/links", `{"role":"viewer"`+days+`}`).want(t, 201)
		require.Equal(t, expires, sent.field("expires_at"))
	}
	for _, days := range []string{"0", "31"} {
		c.api("POST", "/teams/"+team+"/links", `{"role":"viewer","expires_in_days":`+days+`}`).want(t, 422, "must be between 1 and 30")
	}
}
