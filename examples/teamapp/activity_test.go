package main

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

func TestActivity_TellsWhatHappenedByDay(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	grace, alan := w.account("Grace Hopper", "grace@example.com", true), w.account("Alan Turing", "alan@example.com", true)
	w.pass(24 * time.Hour)
	sent, err := w.app.svc.Invite(t.Context(), ada.actor(), invitations.InviteParams{
		Organization: team, Email: grace.Email, Role: invitations.RoleDeveloper,
	})
	require.NoError(t, err)
	_, err = w.app.svc.Accept(t.Context(), sent.Token.Reveal(), grace.identity())
	require.NoError(t, err)
	_, err = w.app.svc.AddMember(t.Context(), ada.actor(), invitations.AddMemberParams{
		Organization: team, UserID: alan.ID, Role: invitations.RoleViewer,
	})
	require.NoError(t, err)

	path, page := "/teams/"+team+"/activity", w.as(ada)
	const added, founded = "Ada Lovelace added Alan Turing as Viewer", "Ada Lovelace created the team"
	const joined = "Grace Hopper joined as Developer, invited by Ada Lovelace"
	source, text := page.page(path)
	require.Contains(t, text, "3 March 2026 12:00 "+added+" 12:00 "+joined)
	require.Contains(t, text, "2 March 2026 12:00 Teamy gave the team a quota of 1,000 calls a month 12:00 "+founded)
	require.Contains(t, source, `href="/teams/`+team+`/invitations/`+sent.ID.String()+`"`)

	for query, want := range map[string]string{
		"?group=quotas":                     "Teamy gave the team",
		"?person=" + grace.ID:               joined,
		"?from=2026-03-03&group=members":    added,
		"?to=2026-03-02&person=" + ada.ID:   founded,
		"?group=members&to=2026-03-01":      "Nothing matches these filters.",
		"?group=invitations&from=2026-03-1": "Choose a first day",
		"?from=2026-03-03&to=2026-03-01":    "Choose a first day",
	} {
		got := html.UnescapeString(page.get(path + query).Body.String())
		require.Contains(t, got, want, query)
		for _, other := range []string{added, founded} {
			if other != want && strings.Contains(got, other) {
				t.Errorf("%s shows %q", query, other)
			}
		}
	}
	require.Equal(t, http.StatusForbidden, w.as(alan).get(path).Code, "a viewer")
}

func TestActivity_PagesKeepTheFilters(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	for i := range 50 { // and the quota of the new team
		require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), team, invitations.Limits{Pending: i + 1}))
	}
	path, page := "/teams/"+team+"/activity", w.as(ada)
	first, _ := page.page(path + "?group=quotas")
	_, second := page.page(path + page.next(first))
	require.Contains(t, second, "Teamy gave the team a quota of 1,000 calls a month Newest")
	require.NotContains(t, second, "changed the limits")
	require.NotContains(t, second, "Ada Lovelace created the team")
}

func TestActivity_EachTypeIsInOneGroup(t *testing.T) {
	t.Parallel()
	for _, kind := range invitations.EventTypes() {
		in := 0
		for _, group := range eventGroups {
			if group.Key != "" && group.has(kind) {
				in++
			}
		}
		require.Equal(t, 1, in, kind)
	}
}
