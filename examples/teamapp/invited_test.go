package main

import (
	"database/sql"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// acme creates Ada, a team of hers, and returns its ID.
func (w *world) acme() (ada account, team string) {
	w.t.Helper()
	ada = w.account("Ada Lovelace", "ada@example.com", true)
	team, err := w.app.createTeam(w.t.Context(), ada.ID, "Acme")
	require.NoError(w.t, err)
	return ada, team
}

// account adds an account without a browser.
func (w *world) account(name, email string, verified bool) (u account) {
	w.t.Helper()
	ctx := w.t.Context()
	u, err := w.app.newAccount(ctx, accountForm{Name: name, Email: email, Password: password})
	require.NoError(w.t, err)
	require.NoError(w.t, w.app.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
		if err = w.app.addAccount(ctx, tx, u); err == nil && verified {
			u, err = w.app.confirm(ctx, tx, svc, u)
		}
		return err
	}))
	return u
}

// invite invites an address to a team, and returns the link in the mail.
func (w *world) invite(sender account, team, email string) (link string) {
	w.t.Helper()
	ctx := w.t.Context()
	require.NoError(w.t, w.app.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		sent, err := svc.Invite(ctx, invitations.User(sender.ID), invitations.InviteParams{
			Organization: team, Email: email, Role: invitations.RoleDeveloper, Message: "We look forward to you.",
		})
		if err != nil {
			return err
		}
		return w.app.enqueueInvitation(ctx, tx, mailInvitation, sent.Invitation)
	}))
	_, link = w.mailTo(email)
	return link
}

// link creates a link into a team, and returns its address.
func (w *world) link(sender account, p invitations.CreateLinkParams) string {
	w.t.Helper()
	p.Role = invitations.RoleViewer
	sent, err := w.app.svc.CreateLink(w.t.Context(), invitations.User(sender.ID), p)
	require.NoError(w.t, err)
	return w.base + invitePath(sent.Token.Reveal())
}

// members returns the names of a team's members.
func (w *world) members(team string) (names []string) {
	w.t.Helper()
	for m, err := range w.app.svc.AllMembers(w.t.Context(), invitations.System(), invitations.MembersParams{Organization: team}) {
		require.NoError(w.t, err)
		u, err := w.app.accountByID(w.t.Context(), m.UserID)
		require.NoError(w.t, err)
		names = append(names, u.Name)
	}
	return names
}

// signIn signs in on the page of that name.
func (b *browser) signIn(email string) {
	b.t.Helper()
	b.signInWith(email, password)
}

func (b *browser) signInWith(email, password string) {
	b.t.Helper()
	b.open("/sign-in")
	b.fill("Email", email)
	b.fill("Password", password)
	b.follow("Sign in")
	require.NotContains(b.t, b.path(), "sign-in")
}

// A person without an account registers with the invited address and joins, with one button.
func TestInvited_NewUser(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		grace := newBrowser(t, w.base, size).withoutScripts()
		grace.open(w.invite(ada, team, "grace@example.com"))
		grace.sees("Ada Lovelace invited you to join Acme", "Developer", "grace@example.com", "We look forward to you.", "in 7 days")
		grace.fill("Your name", "Grace Hopper")
		grace.fill("Password", "short")
		grace.fill("Password", password)
		grace.follow("Create account and join")
		grace.sees("Welcome to Acme")
		require.ElementsMatch(t, []string{"Ada Lovelace", "Grace Hopper"}, w.members(team))
		u, err := w.app.findAccount(t.Context(), `email = $1`, "grace@example.com")
		require.NoError(t, err)
		require.True(t, u.Verified(), "the token was mailed to the address")
	})
}

// A form that names another address than the invited one does not give it to the account.
func TestInvited_RegistersWithTheInvitedAddressOnly(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.invite(ada, team, "grace@example.com")
	answer, err := http.PostForm(link+"/register", map[string][]string{
		"name": {"Mallory"}, "email": {"mallory@example.com"}, "password": {password},
	})
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	_, err = w.app.findAccount(t.Context(), `email = $1`, "mallory@example.com")
	require.ErrorIs(t, err, sql.ErrNoRows)
}

// A person with an account signs in on the way, and ends on the same invitation.
func TestInvited_ExistingUser(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		w.account("Grace Hopper", "grace@example.com", true)
		grace := newBrowser(t, w.base, size)
		link := w.invite(ada, team, "grace@example.com")
		grace.open(link)
		grace.sees("Ada Lovelace invited you to join Acme", "g***@example.com")
		grace.seesNot("grace@example.com")
		grace.fill("Email", "grace@example.com")
		grace.fill("Password", "wrong password")
		grace.follow("Sign in and continue")
		grace.sees("The address or the password is wrong.")
		grace.fill("Password", password)
		grace.follow("Sign in and continue")
		require.Equal(t, link, w.base+grace.path())
		grace.follow("Join Acme")
		grace.sees("Welcome to Acme")
		grace.open(link)
		grace.sees("You are a member of Acme")
		grace.follow("Open Acme")
	})
}

// A person with the wrong account learns which one is meant, and can switch.
func TestInvited_WrongAccount(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		w.account("Eve", "eve@example.com", true)
		b := newBrowser(t, w.base, size)
		b.signIn("eve@example.com")
		link := w.invite(ada, team, "grace@example.com")
		b.open(link)
		b.sees("You are signed in as eve@example.com", "g***@example.com")
		b.seesNot("grace@example.com", "Join Acme Decline")
		b.follow("Switch account")
		require.Equal(t, link, w.base+b.path())
		b.sees("Create account and join")
		require.Equal(t, []string{"Ada Lovelace"}, w.members(team))
	})
}

// An account that has not proved its address does so by the token that was mailed to it, and by its
// password.
func TestInvited_Unverified(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		b := newBrowser(t, w.base, size)
		b.open("/register")
		b.fill("Your name", "Grace Hopper")
		b.fill("Email", "grace@example.com")
		b.fill("Password", password)
		b.follow("Create account")
		b.sees("Confirm your address")
		b.open(w.link(ada, invitations.CreateLinkParams{Organization: team}))
		b.sees("must be confirmed first")
		b.seesNot("Join Acme")
		b.open(w.invite(ada, team, "grace@example.com"))
		b.fill("Password of your account", "wrong password")
		b.follow("Confirm my address and join Acme")
		b.sees("The address or the password is wrong.")
		b.fill("Password of your account", password)
		b.follow("Confirm my address and join Acme")
		b.sees("Welcome to Acme")
	})
}

// A link for a domain needs a verified address: the person registers, confirms it, and is back.
func TestInvited_LinkForADomain(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		link := w.link(ada, invitations.CreateLinkParams{Organization: team, AllowedDomains: []string{"example.com"}})
		b := newBrowser(t, w.base, size)
		b.open(link)
		b.fill("Your name", "Grace Hopper")
		b.fill("Email", "grace@example.org")
		b.fill("Password", password)
		b.follow("Create account")
		b.sees("Addresses of this domain are not allowed.")
		b.fill("Email", "grace@example.com")
		b.fill("Password", password)
		b.follow("Create account")
		b.sees("must be confirmed first")
		require.Equal(t, []string{"Ada Lovelace"}, w.members(team))
		_, confirm := w.mailTo("grace@example.com")
		b.open(confirm)
		b.fill("Password", password)
		b.follow("Confirm this address")
		require.Equal(t, link, w.base+b.path())
		b.follow("Join Acme")
		b.sees("Welcome to Acme")
	})
}

// What has ended says what the person can do.
func TestInvited_Ended(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		ctx, actor := t.Context(), invitations.User(ada.ID)
		nobody := newBrowser(t, w.base, size)

		declined := w.invite(ada, team, "dan@example.com")
		nobody.open(declined)
		nobody.follow("Decline")
		nobody.sees("Invitation declined")
		nobody.open(declined)
		nobody.sees("Invitation no longer valid")

		revoked := w.invite(ada, team, "rob@example.com")
		list, err := w.app.svc.Invitations(ctx, actor, invitations.InvitationsParams{Organization: team, Email: "rob@example.com"})
		require.NoError(t, err)
		nobody.open(revoked)
		_, err = w.app.svc.Revoke(ctx, actor, team, list.Items[0].ID) // while the page is open
		require.NoError(t, err)
		nobody.fill("Your name", "Rob")
		nobody.fill("Password", password)
		nobody.follow("Create account and join")
		nobody.sees("Invitation no longer valid")
		nobody.seesNot("Acme")

		expired := w.invite(ada, team, "eva@example.com")
		full := w.invite(ada, team, "fay@example.com")
		link := w.link(ada, invitations.CreateLinkParams{Organization: team, MaxUses: 1, ExpiresIn: 30 * 24 * time.Hour})
		_, err = w.app.svc.Accept(ctx, strings.TrimPrefix(link, w.base+"/invite/"), w.account("Lin", "lin@example.com", true).identity())
		require.NoError(t, err)
		nobody.open(link)
		nobody.sees("This link is used up", "Ada Lovelace", "Acme")

		w.account("Fay", "fay@example.com", true)
		require.NoError(t, w.app.svc.SetLimits(ctx, invitations.System(), team, invitations.Limits{Members: 2}))
		fay := newBrowser(t, w.base, size)
		fay.signIn("fay@example.com")
		fay.open(full)
		fay.sees("Acme is full", "Ada Lovelace")

		w.pass(7 * 24 * time.Hour)
		nobody.open(expired)
		nobody.sees("This invitation has expired", "Acme", "Ask Ada Lovelace to send it again")
		nobody.open("/invite/inv_made-up")
		nobody.sees("Invitation no longer valid")
	})
}

// Mail scanners follow links. Nothing changes by that.
func TestInvited_ScannerChangesNothing(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.invite(ada, team, "grace@example.com")
	events := func() (n int) {
		for _, err := range w.app.svc.AllEvents(t.Context(), invitations.System(), invitations.TimelineParams{Organization: team}) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	before := events()
	for _, path := range []string{"", "/accept", "/decline", "/register", "/switch"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			request, err := http.NewRequestWithContext(t.Context(), method, link+path, nil)
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"))
		}
	}
	require.Equal(t, before, events())
}

// Two browsers race for the last use of a link: one joins, and the other learns why it did not.
func TestInvited_LastUse(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		link := w.link(ada, invitations.CreateLinkParams{Organization: team, MaxUses: 1})
		var racers [2]*browser
		for i, email := range []string{"x@example.com", "y@example.com"} {
			w.account(email, email, true)
			racers[i] = newBrowser(t, w.base, size)
			racers[i].signIn(email)
			racers[i].open(link)
		}
		done := make(chan string, len(racers))
		for _, b := range racers {
			go func() {
				b.follow("Join Acme")
				done <- b.text()
			}()
		}
		first, second := <-done, <-done
		require.Len(t, w.members(team), 2)
		require.Contains(t, first+second, "Welcome to Acme")
		require.Contains(t, first+second, "This link is used up")
	})
}
