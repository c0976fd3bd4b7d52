package main

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Of several accounts that claim an address, the first that proves it has it. The others end, with
// their sessions and links.
func TestAccounts_FirstProofWins(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		mallory, grace := w.account("Mallory", "grace@example.com", false), w.account("Grace", "grace@example.com", false)
		waiting := w.session(mallory)
		waiting.do("GET", "/verify", "").want(t, 200, "grace@example.com")
		w.nobody().do("GET", w.app.verificationPath(grace), "").want(t, 200, "Confirm this address")
		w.nobody().submit(w.app.verificationPath(grace), "password", "wrong password").want(t, 422, "The address or the password is wrong.")
		forged := "/verify/" + grace.ID + "/" + w.app.verificationCode(mallory)
		w.nobody().submit(forged, "password", password).want(t, 422, "Link was used, or is too old")
		w.nobody().submit(w.app.verificationPath(grace), "password", password).want(t, 303)

		waiting.do("GET", "/verify", "").want(t, 303)
		w.nobody().submit(w.app.verificationPath(mallory), "password", password).want(t, 422, "Link was used, or is too old")
		w.nobody().submit(w.app.verificationPath(grace), "password", password).want(t, 422, "Link was used, or is too old")
		u, err := w.app.signIn(t.Context(), "grace@example.com", password)
		require.NoError(t, err)
		require.Equal(t, grace.ID, u.ID)
	})
}

// Two accounts prove one address at the same instant: one of them has it.
func TestAccounts_ProofsRace(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		done := make(chan error, 4)
		for range cap(done) {
			u := w.account("Grace", "grace@example.com", false)
			go func() {
				done <- w.app.change(t.Context(), func(tx *sql.Tx, svc *invitations.Service) error {
					_, err := w.app.confirm(t.Context(), tx, svc, u)
					return err
				})
			}()
		}
		won := 0
		for range cap(done) {
			if err := <-done; err == nil {
				won++
			} else {
				require.ErrorIs(t, err, errTaken)
			}
		}
		require.Equal(t, 1, won)
	})
}

// The answer to a person who registers does not tell whether the address has an account. The owner
// of the address learns it from a mail.
func TestClass38_RegisteringTellsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		for _, path := range []string{"/register", w.linkPath(ada, team) + "/register"} {
			answers := map[string]string{}
			for _, email := range []string{"ada@example.com", "eve@example.com"} {
				got := w.nobody().submit(path, "name", "Eve", "email", email, "password", password).want(t, 303)
				cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
				c := w.client("Cookie", cookie)
				page := c.do("GET", got.header.Get("Location"), "").want(t, 200).body
				again := c.submit("/verify/mail").want(t, 303).header.Get("Location")
				w.nobody().submit("/sign-in", "email", email, "password", "another password").want(t, 422)
				answers[email] = got.header.Get("Location") + again + strings.ReplaceAll(page, email, "")
			}
			require.Equal(t, answers["eve@example.com"], answers["ada@example.com"])
		}
		m, link := w.mailTo("ada@example.com")
		require.Equal(t, "You have an account on Teamy", m.Subject)
		require.Equal(t, w.base+"/sign-in", link)
		m, link = w.mailTo("eve@example.com")
		require.Equal(t, "Confirm your address for Teamy", m.Subject)
		require.Contains(t, link, "/verify/")
	})
}

// An account that claims the address of another one never gets it, whatever its owner clicks.
func TestAccounts_ClaimOnAnother(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	mallory := w.account("Mallory", "ada@example.com", false)
	w.nobody().submit(w.app.verificationPath(mallory), "password", password).want(t, 422, "Email has an account already: sign in.")
	require.Equal(t, []string{"Ada Lovelace"}, w.members(team))
	_, err := w.app.signIn(t.Context(), ada.Email, password)
	require.NoError(t, err)
}

// A person who proves an address with the token from a mail ends the sessions from before, and
// needs the password of the account: another person can have prepared it.
func TestAccounts_ProofByTokenEndsSessions(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		path := w.invitedPath(ada, team, "grace@example.com")
		prepared := w.account("Mallory", "grace@example.com", false)
		here, elsewhere := w.session(prepared), w.session(prepared)
		here.submit(path+"/accept").want(t, 422, "The address or the password is wrong.")
		require.Equal(t, []string{"Ada Lovelace"}, w.members(team))
		got := here.submit(path+"/accept", "password", password).want(t, 303)
		cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
		w.client("Cookie", cookie).api("GET", "/received", "").want(t, 200)
		here.api("GET", "/received", "").want(t, 401)
		elsewhere.api("GET", "/received", "").want(t, 401)
		elsewhere.do("GET", "/", "").want(t, 303)
	})
}

// An account that does not prove its address is deleted, and its link ends with it.
func TestAccounts_PurgesClaims(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, una := w.account("Ada", "ada@example.com", true), w.account("Una", "una@example.com", false)
		w.advance(claimDays*24*time.Hour + time.Minute)
		w.nobody().do("GET", w.app.verificationPath(una), "").want(t, 200)
		require.NoError(t, w.app.purge(t.Context()))
		w.nobody().do("GET", w.app.verificationPath(una), "").want(t, 422, "Link was used, or is too old")
		w.session(ada)
	})
}

// A person can create so many teams and no more, because each brings a quota. Deleting one does not
// bring another one at once.
func TestTeams_Limit(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada := w.account("Ada", "ada@example.com", true)
		done := make(chan error, maxTeams+2)
		for range cap(done) {
			go func() {
				_, err := w.app.createTeam(t.Context(), ada.ID, "Acme")
				done <- err
			}()
		}
		refused := 0
		for range cap(done) {
			if err := <-done; err != nil {
				require.ErrorIs(t, err, errTeamLimit)
				refused++
			}
		}
		require.Equal(t, 2, refused)
		c := w.session(ada)
		all, err := w.app.workspacesOf(t.Context(), ada)
		require.NoError(t, err)
		require.Len(t, all, maxTeams+1)
		c.submit(all[1].Path()+"/delete", "typed", "Acme").want(t, 303)
		c.submit("/teams", "name", "Another").want(t, 303)
		c.do("GET", "/personal", "").want(t, 200, "Teams cannot be more than 10")
		w.advance(teamDays*24*time.Hour + time.Minute)
		require.NoError(t, w.app.purge(t.Context()))
		_, err = w.app.createTeam(t.Context(), ada.ID, "Another")
		require.NoError(t, err)
	})
}

// The menu has all teams of a person, however many they are.
func TestWorkspaces_MoreThanAPage(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	bob := w.account("Bob", "bob@example.com", true)
	for range 101 {
		team, err := w.app.createTeam(t.Context(), w.account("Ada", strings.ToLower(newSecret()[:20])+"@example.com", true).ID, "Acme")
		require.NoError(t, err)
		_, err = w.app.svc.AddMember(t.Context(), invitations.System(), invitations.AddMemberParams{
			Organization: team, UserID: bob.ID, Role: invitations.RoleViewer,
		})
		require.NoError(t, err)
	}
	all, err := w.app.workspacesOf(t.Context(), bob)
	require.NoError(t, err)
	require.Len(t, all, 102)
	for _, one := range all[1:] {
		require.Equal(t, "Acme", one.Name)
	}
}
