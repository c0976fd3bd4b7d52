package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

func TestAnalytics_CountsThePeriod(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	grace, alan := w.account("Grace Hopper", "grace@example.com", true), w.account("Alan Turing", "alan@example.com", true)
	path, page := "/teams/"+team+"/analytics", w.as(ada)
	_, text := page.page(path)
	require.Contains(t, text, "Nobody was invited in this time.")

	invite := func(email string) string {
		sent, err := w.app.svc.Invite(t.Context(), ada.actor(), invitations.InviteParams{
			Organization: team, Email: email, Role: invitations.RoleDeveloper,
		})
		require.NoError(t, err)
		return sent.Token.Reveal()
	}
	token := invite(grace.Email)
	w.pass(26 * time.Hour)
	_, err := w.app.svc.Accept(t.Context(), token, grace.identity())
	require.NoError(t, err)
	w.pass(40 * 24 * time.Hour)
	invite("pending@example.com")
	link, err := w.app.svc.CreateLink(t.Context(), ada.actor(), invitations.CreateLinkParams{Organization: team, Role: invitations.RoleViewer})
	require.NoError(t, err)
	_, err = w.app.svc.Accept(t.Context(), link.Token.Reveal(), alan.identity())
	require.NoError(t, err)

	_, text = page.page(path + "?period=all")
	for _, words := range []string{
		"3 invitations", "67% led to a new member", "2 people joined",
		"less than a minute until half of them joined", "1 day until nine in ten joined",
		"Created 3", "Led to a new member 2", "Pending 2", "Declined 0", "Revoked 0", "Expired 0",
		"Developer 1 of 2 accepted", "Viewer 1 of 1 accepted", "Ada Lovelace 2 of 3 accepted", "Viewer, 12 April 2026 1 joined",
	} {
		require.Contains(t, text, words)
	}
	source, text := page.page(path)
	require.Contains(t, source, `href="?period=30" aria-current="page"`)
	require.Contains(t, text, "Developer 0 of 1 accepted")
	require.Contains(t, source, `viewBox="0 0 2 1"`)
	require.Contains(t, source, `<rect class="all" width="2" height="1"/><rect class="part" width="1" height="1"/>`)
	require.Equal(t, http.StatusForbidden, w.as(grace).get(path).Code, "a developer")
}

func TestNewChart_LeavesOutWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	groups := []invitations.Funnel{{Key: "nothing"}}
	for i := range 12 {
		groups = append(groups, invitations.Funnel{Key: "some", Created: i + 1})
	}
	c := newChart("", groups, strings.ToUpper, func(f invitations.Funnel) bar { return bar{All: f.Created} })
	require.Len(t, c.Bars, 10)
	require.Equal(t, bar{Label: "SOME", All: 1}, c.Bars[0])
	require.Equal(t, []int{10, 2}, []int{c.Max, c.More})
}
