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

// A stranger uses up the confirmations of an address. The answer to its owner, who registers then,
// is the usual one. The owner confirms that account by any mail that the address got: the session
// tells which account it is. Without it, it is the account of the link.
func TestAccounts_TooManyConfirmations(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		const graces = "the password of Grace"
		mallory := w.account("Mallory", "grace@example.com", false)
		for range mailsADay[mailVerification] {
			w.session(mallory).submit("/verify/mail").want(t, 303)
		}
		_, link := w.mailTo("grace@example.com")
		require.Contains(t, link, mallory.ID)

		answers, clients := map[string]string{}, map[string]*client{}
		for _, email := range []string{"grace@example.com", "eve@example.com"} {
			got := w.nobody().submit("/register", "name", "Grace", "email", email, "password", graces).want(t, 303)
			cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
			clients[email] = w.client("Cookie", cookie)
			page := clients[email].do("GET", got.header.Get("Location"), "").want(t, 200).body
			answers[email] = got.header.Get("Location") + strings.ReplaceAll(page, email, "")
		}
		require.Equal(t, answers["eve@example.com"], answers["grace@example.com"])
		require.Equal(t, mailsADay[mailVerification], w.letterCount("grace@example.com"))

		const wrong = "The address or the password is wrong."
		for _, c := range []*client{w.nobody(), clients["eve@example.com"]} { // these open the link of Mallory's account
			c.submit(link, "password", graces).want(t, 422, wrong)
		}
		clients["grace@example.com"].submit(link, "password", password).want(t, 422, wrong)
		got := clients["grace@example.com"].submit(link, "password", graces).want(t, 303)
		cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
		w.client("Cookie", cookie).api("GET", "/received", "").want(t, 200)
		grace, err := w.app.signIn(t.Context(), "grace@example.com", graces)
		require.NoError(t, err)
		require.NotEqual(t, mallory.ID, grace.ID)
		gone, err := w.app.accountByID(t.Context(), mallory.ID)
		require.NoError(t, err)
		require.Empty(t, gone.ID)
		eve, err := w.app.findAccount(t.Context(), `email = $1`, "eve@example.com")
		require.NoError(t, err)
		require.False(t, eve.Verified())
		w.sessionWith(grace.Email, graces).submit(w.app.verificationPath(eve), "password", graces).want(t, 303) // of another person's session
		_, err = w.app.signIn(t.Context(), "eve@example.com", graces)
		require.NoError(t, err)
	})
}

// The link of a full team does not tell a person who registers which addresses are invited and
// have a seat.
func TestClass38_FullTeamTellsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		link := w.linkPath(ada, team)
		w.invite(ada, team, "grace@example.com")
		require.NoError(t, w.app.svc.SetLimits(t.Context(), invitations.System(), team, invitations.Limits{Members: 2}))
		answers := map[string]string{}
		for _, email := range []string{"grace@example.com", "eve@example.com"} {
			got := w.nobody().submit(link+"/register", "name", "Eve", "email", email, "password", password).want(t, 303)
			cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
			page := w.client("Cookie", cookie).do("GET", got.header.Get("Location"), "").body
			answers[email] = got.header.Get("Location") + strings.ReplaceAll(page, email, "")
		}
		require.Equal(t, answers["eve@example.com"], answers["grace@example.com"])
		for email, want := range map[string]error{"grace@example.com": nil, "eve@example.com": invitations.ErrMemberLimit} {
			next, err := w.app.svc.NextStep(t.Context(), tokenOf(link), invitations.Visitor{Identity: invitations.Identity{
				UserID: "somebody", Email: email, EmailVerified: true,
			}})
			require.NoError(t, err)
			require.ErrorIs(t, next.Reason, want, "only Grace has a seat")
		}
	})
}

// Two people register by one mailed token at the same instant: the first has the account, and the
// other is told.
func TestRegister_SameTokenAtOnce(t *testing.T) {
	t.Parallel()
	w := newPostgresWorld(t)
	logs := w.logs()
	ada, team := w.acme()
	ctx, path := t.Context(), w.invitedPath(ada, team, "grace@example.com")
	first, err := w.app.newAccount(ctx, accountForm{Name: "Grace", Email: "grace@example.com", Password: password})
	require.NoError(t, err)
	second := make(chan answer, 1)
	require.NoError(t, w.app.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		require.NoError(t, w.app.addAccount(ctx, tx, first))
		u, err := w.app.confirm(ctx, tx, svc, first)
		require.NoError(t, err)
		var pid int
		require.NoError(t, tx.QueryRowContext(ctx, `select pg_backend_pid()`).Scan(&pid))
		go func() { second <- w.nobody().submit(path+"/register", "name", "Eve", "password", password) }()
		require.Eventually(t, func() bool { // the other waits for this transaction
			var waits bool
			err := w.app.db.QueryRowContext(ctx, `select exists (select from pg_stat_activity where $1::int = any (pg_blocking_pids(pid)))`, pid).Scan(&waits)
			return err == nil && waits
		}, time.Minute, time.Millisecond)
		_, err = svc.Accept(ctx, tokenOf(path), u.identity())
		return err
	}))
	(<-second).want(t, 422, "This invitation was already used")
	require.NotContains(t, logs.String(), "level=ERROR")
	require.ElementsMatch(t, []string{"Ada Lovelace", "Grace"}, w.members(team))
	u, err := w.app.signIn(ctx, "grace@example.com", password)
	require.NoError(t, err)
	require.Equal(t, first.ID, u.ID)
}

// A person who registers by a mailed token is signed in at once.
func TestRegister_SignsIn(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		path := w.invitedPath(ada, team, "grace@example.com")
		got := w.nobody().submit(path+"/register", "name", "Grace", "password", password).want(t, 303)
		cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
		w.client("Cookie", cookie).do("GET", "/personal", "").want(t, 200, "Grace")
	})
}

// A password has at least 8 characters, however many bytes they take, and no more bytes than bcrypt
// reads.
func TestAccounts_LengthOfPasswords(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	for text, want := range map[string]int{
		strings.Repeat("x", 7): 422, strings.Repeat("é", 7): 422, strings.Repeat("x", 8): 303, strings.Repeat("é", 8): 303,
		strings.Repeat("x", 72): 303, strings.Repeat("é", 36): 303, strings.Repeat("x", 73): 422, strings.Repeat("é", 37): 422,
	} {
		got := w.nobody().submit("/register", "name", "Eve", "email", "eve@example.com", "password", text)
		require.Equal(t, want, got.status, text)
		if want == 422 {
			require.Contains(t, got.body, "Password must have at least 8 characters, and at most 72 bytes.")
		}
	}
}
