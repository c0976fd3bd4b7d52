package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The stories of this file are those of the two documents of products that the library is made
// for, from the first click to the last. docs/teamapp.md lists each sentence with its test.

const password = "correct horse"

// register creates an account in the browser, and confirms its address.
func (w *world) register(b *browser, name, email string) {
	w.t.Helper()
	b.open("/register")
	b.fill("Your name", name)
	b.fill("Email", email)
	b.fill("Password", password)
	b.follow("Create account")
	b.sees("Confirm your address", email)
	_, link := w.mailTo(email)
	b.open(link)
	b.fill("Password", password)
	b.follow("Confirm this address")
	b.sees("Your address is confirmed.")
}

// foundTeam registers Ada in a browser, and creates the team Acme. It returns the team's path.
func (w *world) foundTeam(ada *browser) (path string) {
	w.t.Helper()
	w.register(ada, "Ada Lovelace", "ada@example.com")
	ada.open("/personal")
	ada.fill("Name of the team", "Acme")
	ada.follow("Create team")
	ada.sees("The team is ready.", "No invitation is open.")
	path = ada.path()
	return path[:len(path)-len("/invitations")]
}

// inviteByEmail sends an invitation in the browser, and returns the link in the mail.
func (w *world) inviteByEmail(b *browser, team, email, role string) (link string) {
	w.t.Helper()
	b.open(team + "/invitations")
	b.fill("Email", email)
	b.choose("Role", role)
	b.follow("Send invitation")
	b.sees(email)
	_, link = w.mailTo(email)
	return link
}

// joinByMail registers with an invitation's link.
func (b *browser) joinByMail(link, name string) {
	b.t.Helper()
	b.open(link)
	b.fill("Your name", name)
	b.fill("Password", password)
	b.follow("Create account and join")
	b.sees("Welcome to Acme")
}

// A person registers, confirms the address, creates a team and switches to it from the account
// menu, without JavaScript.
func TestStory_FirstTeam(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada := newBrowser(t, w.base, screens[0])
	w.foundTeam(ada)
	elsewhere := newBrowser(t, w.base, screens[1]).withoutScripts()
	elsewhere.open("/personal")
	elsewhere.sees("Sign in")
	elsewhere.fill("Email", "ada@example.com")
	elsewhere.fill("Password", "wrong password")
	elsewhere.follow("Sign in")
	elsewhere.sees("The address or the password is wrong.")
	elsewhere.fill("Password", password)
	elsewhere.follow("Sign in")
	elsewhere.press("Personal Ada Lovelace")
	elsewhere.follow("Acme Owner")
	elsewhere.sees("You are working in Acme now.")
}

// An email invitation is sent with a role and a message, resent with a new link, corrected by
// revoking it, and accepted by registering.
func TestStory_EmailInvitation(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		ada.press("Message and expiry")
		ada.fill("Personal message", "Come and join us.")
		ada.fill("Expires after days", "30")
		ada.fill("Email", "grcae@example.com")
		ada.choose("Role", "Developer")
		ada.follow("Send invitation")
		ada.sees("grcae@example.com", "Developer", "Ada Lovelace", "in 30 days", "1 of 10 pending invitations")
		_, mistyped := w.mailTo("grcae@example.com")

		ada.pressIn("grcae@example.com", "Revoke grcae@example.com")
		ada.followIn("grcae@example.com", "Revoke invitation")
		ada.seesNot("in 30 days")
		grace := newBrowser(t, w.base, size).withoutScripts()
		grace.open(mistyped)
		grace.sees("Invitation no longer valid")
		grace.seesNot("Acme")

		first := w.inviteByEmail(ada, team, "grace@example.com", "Developer")
		ada.follow("Resend to grace@example.com")
		ada.sees("sent just now")
		w.pass(time.Minute)
		ada.open(team + "/invitations")
		ada.follow("Resend to grace@example.com")
		m, second := w.mailTo("grace@example.com")
		require.Contains(t, m.Subject, "Ada Lovelace")
		require.Contains(t, m.Subject, "Acme")
		require.NotEqual(t, first, second)
		grace.open(first)
		grace.sees("Invitation no longer valid")
		grace.joinByMail(second, "Grace Hopper")
		ada.open(team + "/members")
		ada.sees("Grace Hopper", "grace@example.com", "Developer", "invited by Ada Lovelace")
		ada.open(team + "/invitations?state=accepted")
		ada.sees("grace@example.com")
	})
}

// A link is created with one click, used after signing in, and revoked.
func TestStory_Link(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		ada.follow("Create link")
		ada.sees("Share this link", "Viewer")
		link := evaluate[string](ada, `document.getElementById("link").value`)
		page := ada.path()

		w.account("Grace Hopper", "grace@example.com", true)
		grace := newBrowser(t, w.base, size)
		grace.open(link)
		grace.press("I have an account already")
		grace.fillIn("I have an account already", "Email", "grace@example.com")
		grace.fillIn("I have an account already", "Password", password)
		grace.follow("Sign in and continue")
		grace.follow("Join Acme")
		grace.sees("Welcome to Acme")

		ada.open(page)
		ada.press("Revoke…")
		ada.follow("Revoke invitation")
		eve := newBrowser(t, w.base, size)
		eve.open(link)
		eve.sees("Invitation no longer valid")
		ada.open(team + "/activity")
		ada.sees("Grace Hopper joined as Viewer", "Ada Lovelace revoked")
	})
}

// Roles and quotas are adjusted after joining. A removed member is out at the next click, and a
// member can leave.
func TestStory_Members(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		grace, bob := newBrowser(t, w.base, size), newBrowser(t, w.base, size)
		grace.joinByMail(w.inviteByEmail(ada, team, "grace@example.com", "Viewer"), "Grace Hopper")
		bob.joinByMail(w.inviteByEmail(ada, team, "bob@example.com", "Viewer"), "Bob")

		grace.open(team + "/usage")
		grace.sees("makes no calls")
		ada.open(team + "/members")
		ada.pressIn("Grace Hopper", "Change Grace Hopper")
		ada.chooseIn("Grace Hopper", "Role", "Developer")
		ada.followIn("Grace Hopper", "Change role")
		ada.pressIn("Grace Hopper", "Change Grace Hopper")
		ada.chooseIn("Grace Hopper", "Own quota", "Limited")
		ada.fillIn("Grace Hopper", "Calls", "3")
		ada.followIn("Grace Hopper", "Save quota")
		ada.sees("0 of 3 calls used this month")
		grace.open(team + "/usage")
		grace.fill("Calls to make", "3")
		grace.follow("Make sample calls")
		grace.sees("3 of 3 calls used this month")
		grace.fill("Calls to make", "1")
		grace.follow("Make sample calls")
		grace.seesNot("4 of 3")

		ada.open(team + "/members")
		ada.pressIn("Bob", "Change Bob")
		ada.pressIn("Bob", "Remove…")
		ada.followIn("Bob", "Remove Bob")
		ada.seesNot("bob@example.com")
		bob.open(team + "/members")
		bob.sees("Not found")

		grace.open(team + "/members")
		grace.press("Leave Acme…")
		grace.follow("Leave Acme")
		require.Equal(t, []string{"Ada Lovelace"}, w.members(team[len("/teams/"):]))
		ada.open(team + "/members")
		ada.press("Leave Acme…")
		ada.follow("Leave Acme")
		ada.sees("The last owner has to stay.")
	})
}

// A call takes from the quota of the workspace that the page names. If the session has switched in
// another tab, the page asks first.
func TestStory_Context(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		ada.open(team + "/usage")
		ada.sees("0 of 1,000 calls used this month")
		ada.fill("Calls to make in Acme", "5")
		ada.follow("Make sample calls")
		ada.sees("5 of 1,000 calls used this month")
		other := ada.tab()
		other.open("/personal")
		other.press("Acme Ada Lovelace")
		other.follow("Personal")
		other.sees("You are working in Personal now.")
		ada.fill("Calls to make in Acme", "7")
		ada.follow("Make sample calls")
		ada.sees("Which workspace?", "No call was made.")
		other.open(team + "/usage")
		other.sees("5 of 1,000 calls used this month")
		ada.follow("Switch to Acme and make 7 calls")
		ada.sees("12 of 1,000 calls used this month")
		ada.open("/personal/usage")
		ada.seesNot("12 of")
	})
}

// Only owners and admins manage invitations.
func TestStory_Permissions(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		for _, role := range []string{"Viewer", "Developer", "Billing"} {
			b := newBrowser(t, w.base, size)
			b.joinByMail(w.inviteByEmail(ada, team, strings.ToLower(role)+"@example.com", role), role)
			b.seesNot("Invitations", "Send invitation")
			b.open(team + "/invitations")
			b.sees("You do not have permission to do this.")
		}
		admin := newBrowser(t, w.base, size)
		admin.joinByMail(w.inviteByEmail(ada, team, "admin@example.com", "Admin"), "Alan")
		w.inviteByEmail(admin, team, "last@example.com", "Developer")
		require.NotContains(t, evaluate[string](admin, `document.querySelector("select[name=role]").innerText`), "Owner")
	})
}

// Ten invitations can be pending. One that expires or is revoked makes room at once. An expired one
// is resent with a new link.
func TestStory_LimitsAndExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		old := w.inviteByEmail(ada, team, "old@example.com", "Developer")
		w.pass(6 * 24 * time.Hour)
		ada.open(team + "/invitations/bulk")
		rows := "Name,email,role\n"
		for i := range 9 {
			rows += fmt.Sprintf("N%d,n%d@example.com,viewer\n", i, i)
		}
		ada.fill("People, one in each line", rows+"old@example.com\n")
		ada.follow("Send invitations")
		ada.sees("n8@example.com", "Not invited", "already has a pending invitation")
		ada.open(team + "/invitations")
		ada.sees("10 of 10 pending invitations")
		ada.fill("Email", "more@example.com")
		ada.follow("Send invitation")
		ada.sees("too many pending invitations")
		require.Equal(t, "more@example.com", evaluate[string](ada, `document.querySelector("input[name=email]").value`))

		w.pass(24 * time.Hour)
		ada.open(team + "/invitations")
		ada.sees("9 of 10 pending invitations", "old@example.com", "Expired")
		guest := newBrowser(t, w.base, size)
		guest.open(old)
		guest.sees("This invitation has expired", "Acme", "Ask Ada Lovelace")
		ada.follow("Resend to old@example.com")
		ada.sees("10 of 10 pending invitations")
		_, fresh := w.mailTo("old@example.com")
		guest.open(fresh)
		guest.sees("in 7 days")
		ada.pressIn("n1@example.com", "Revoke n1@example.com")
		ada.followIn("n1@example.com", "Revoke invitation")
		ada.sees("9 of 10 pending invitations")
	})
}

// A person finds what was sent to them without the mail.
func TestStory_Received(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada, team := w.acme()
		w.invite(ada, team, "grace@example.com")
		w.account("Grace Hopper", "grace@example.com", true)
		grace := newBrowser(t, w.base, size)
		grace.signIn("grace@example.com")
		grace.open("/received")
		grace.sees("Acme", "Ada Lovelace invited you as Developer")
		grace.follow("Join Acme")
		require.ElementsMatch(t, []string{"Ada Lovelace", "Grace Hopper"}, w.members(team))
	})
}

// The owner hands the team over, and the new one deletes it by typing its name.
func TestStory_End(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, size screen) {
		ada := newBrowser(t, w.base, size)
		team := w.foundTeam(ada)
		grace := newBrowser(t, w.base, size)
		grace.joinByMail(w.inviteByEmail(ada, team, "grace@example.com", "Admin"), "Grace Hopper")
		ada.open(team + "/settings")
		ada.choose("New owner", "Grace")
		ada.press("Transfer the ownership…")
		ada.follow("Transfer the ownership")
		grace.open(team + "/settings")
		grace.press("Delete Acme…")
		grace.fill("Type the name of the team", "Acmee")
		grace.follow("Delete Acme for good")
		grace.fill("Type the name of the team", "Acme")
		grace.follow("Delete Acme for good")
		ada.open(team + "/members")
		ada.sees("Not found")
	})
}
