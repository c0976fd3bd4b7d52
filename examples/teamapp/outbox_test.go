package main

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Strangers who ask for mail to an address get so much a day and no more, and stop no invitation.
func TestOutbox_LimitOfConfirmations(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		una := w.session(w.account("Una", "una@example.com", false))
		for range mailsADay[mailVerification] {
			una.submit("/verify/mail").want(t, 303)
		}
		una.submit("/verify/mail").want(t, 303)
		una.do("GET", "/verify", "").want(t, 200, "Email has got too much mail today: try again tomorrow.")
		require.Equal(t, mailsADay[mailVerification], w.letterCount("una@example.com"))
		ada, team := w.acme()
		w.invite(ada, team, "una@example.com")
		w.pass(24 * time.Hour)
		una.submit("/verify/mail").want(t, 303)
		require.Equal(t, mailsADay[mailVerification]+2, w.letterCount("una@example.com"))
	})
}

// Many teams together send an address so much a day and no more. Deleting a team changes nothing.
func TestOutbox_LimitOfInvitations(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		grace := `{"email":"grace@example.com","role":"viewer"}`
		eve := w.account("Eve", "eve@example.com", true)
		for range mailsADay[mailInvitation] {
			other, err := w.app.createTeam(t.Context(), eve.ID, "Other")
			require.NoError(t, err)
			w.invite(eve, other, "grace@example.com")
			w.session(eve).submit("/teams/"+other+"/delete", "typed", "Other").want(t, 303)
		}
		c := w.keyOf(ada, team, "owner")
		c.api("POST", "/teams/"+team+"/invitations", grace).want(t, 422, "has got too much mail today")
		got := c.api("POST", "/teams/"+team+"/invitations/bulk", `{"invitations":[`+grace+`,{"email":"joan@example.com","role":"viewer"}]}`)
		got.want(t, 200, "has got too much mail today", `{"invitation":`)
		pending, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{
			Organization: team, States: []invitations.State{invitations.StatePending},
		})
		require.NoError(t, err)
		require.Len(t, pending.Items, 1)
		require.Equal(t, "joan@example.com", pending.Items[0].Email)
	})
}

// A reminder that is one mail too many is left out, and holds up nothing.
func TestOutbox_LimitOfReminders(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		w.invite(ada, team, "grace@example.com")
		w.invite(ada, team, "joan@example.com")
		w.pass(5*24*time.Hour - time.Minute)
		for range mailsADay[mailReminder] {
			require.NoError(t, w.app.enqueue(t.Context(), w.app.db, letter{Kind: mailReminder, Recipient: "grace@example.com"}))
		}
		w.pass(time.Minute)
		require.Equal(t, mailsADay[mailReminder]+1, w.letterCount("grace@example.com"))
		require.Equal(t, 2, w.letterCount("joan@example.com"))
	})
}

// Letters that are done are kept for 30 days, and those that wait are kept.
func TestOutbox_Purge(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		w.invite(ada, team, "grace@example.com")
		w.pass(5 * 24 * time.Hour) // sends a reminder
		require.NoError(t, w.app.enqueueVerification(t.Context(), w.app.db, account{Email: "una@example.com"}))
		w.advance(25 * 24 * time.Hour)
		require.NoError(t, w.app.purge(t.Context()))
		require.Equal(t, 2, w.letterCount("grace@example.com"))
		w.advance(time.Minute)
		require.NoError(t, w.app.purge(t.Context()))
		require.Equal(t, 1, w.letterCount("grace@example.com"))
		w.advance(30 * 24 * time.Hour)
		require.NoError(t, w.app.purge(t.Context()))
		require.Zero(t, w.letterCount("grace@example.com"))
		require.Equal(t, 1, w.letterCount("una@example.com"))
	})
}

// An address of a member gets no invitation, on any path. One of a person in another team does.
func TestOutbox_NotForMembers(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		grace := w.account("Grace", "grace@example.com", true)
		_, err := w.app.svc.AddMember(t.Context(), invitations.System(), invitations.AddMemberParams{
			Organization: team, UserID: grace.ID, Role: "viewer",
		})
		require.NoError(t, err)
		w.account("Joan", "joan@example.com", true)

		w.session(ada).submit("/teams/"+team+"/invitations", "email", "grace@example.com", "role", "viewer").
			want(t, 422, "Belongs to a member of the team already")
		c := w.keyOf(ada, team, "owner")
		c.api("POST", "/teams/"+team+"/invitations", `{"email":"Grace@example.com","role":"viewer"}`).want(t, 422, "belongs to a member")
		c.api("POST", "/teams/"+team+"/invitations/bulk", `{"invitations":[{"email":"grace@example.com","role":"viewer"},
			{"email":"joan@example.com","role":"viewer"}]}`).want(t, 200, "belongs to a member", `{"invitation":`)
		pending, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{
			Organization: team, States: []invitations.State{invitations.StatePending},
		})
		require.NoError(t, err)
		require.Len(t, pending.Items, 1)
		require.Equal(t, "joan@example.com", pending.Items[0].Email)
		require.Zero(t, w.letterCount("grace@example.com"))
	})
}

// Letters that were not needed any more were not sent, so they do not count. Those that wait do.
func TestOutbox_LimitOfLettersThatWereSent(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		for range mailsADay[mailInvitation] {
			require.NoError(t, w.app.enqueue(t.Context(), w.app.db, letter{
				Kind: mailInvitation, Organization: team, InvitationID: uuid.New(), Recipient: "grace@example.com",
			}))
		}
		c, grace := w.session(ada), []string{"email", "grace@example.com", "role", "viewer"}
		c.submit("/teams/"+team+"/invitations", grace...).want(t, 422, "Has got too much mail today")
		w.work() // finds no invitation
		c.submit("/teams/"+team+"/invitations", grace...).want(t, 303)
		w.mailTo("grace@example.com")
	})
}

// One team sends an address 5 invitations a day, so that another team can still invite it.
func TestOutbox_LimitOfATeam(t *testing.T) {
	onEach(t, func(t *testing.T, w *world, _ screen) {
		ada, team := w.acme()
		w.invite(ada, team, "grace@example.com")
		found, err := w.app.svc.Invitations(t.Context(), ada.actor(), invitations.InvitationsParams{Organization: team})
		require.NoError(t, err)
		resend, c := "/teams/"+team+"/invitations/"+found.Items[0].ID.String()+"/resend", w.keyOf(ada, team, "owner")
		for range 4 {
			w.pass(time.Minute)
			c.api("POST", resend, "").want(t, 200)
		}
		w.pass(time.Minute)
		c.api("POST", resend, "").want(t, 429, "rate_limited")
		eve := w.account("Eve", "eve@example.com", true)
		other, err := w.app.createTeam(t.Context(), eve.ID, "Other")
		require.NoError(t, err)
		w.session(eve).submit("/teams/"+other+"/invitations", "email", "grace@example.com", "role", "viewer").want(t, 303)
		require.Equal(t, 6, w.letterCount("grace@example.com"))
		w.pass(24 * time.Hour)
		c.api("POST", resend, "").want(t, 200)
	})
}
