package behaviour

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// sendingThreats are the threats to edits, bulks and answers by address.
var sendingThreats = []check{
	{"Class06_OnlyAcceptanceJoins", storyConsent},
	{"Class10_EditAndBulkGiveNoMoreThanTheActorHolds", storyNoEscalationByEdit},
	{"Class12_QuotaOfAnInvitationInEditAndBulk", storyQuotaByEdit},
	{"Class15_EditIsNoSending", storyEditIsNoSending},
	{"Class15_InvitationsEndWithTheirEditor", storyEditorFalls},
	{"Class18_IDsOfAnotherOrganizationEverywhere", storyOtherIDs},
	{"Class26_EditLeavesOneToken", storyEditToken},
}

// storyConsent: a user becomes a member only by accepting, and only by that invitation.
func storyConsent(w *world) {
	w = w.with(invitations.Config{RemindBefore: 2 * day})
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	other := w.invite(ada, "zeta", "ann@example.com", "owner")
	out := func() {
		w.Helper()
		for _, organization := range []string{"acme", "zeta"} {
			w.holds(organization, "ann", invitations.PermissionMemberList, false)
			_, err := w.svc.Member(w.ctx, organization, "ann")
			w.refused(err, invitations.ErrNotFound)
		}
	}
	w.found("ann's own", "ann") // ann signs up
	w.received(annID, invitations.ReceivedParams{})
	w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepAccept)
	w.next(sent, invitations.Visitor{HasAccount: accounts("ann@example.com")}, invitations.StepSignIn)
	w.lookup(sent)
	out()
	w.edit(bob, sent, invitations.EditParams{Role: "developer"})
	sent = w.resend(bob, sent)
	w.refused(w.inviteAll(ada, "acme", row("ann@example.com"))[0].Err, invitations.ErrAlreadyInvited)
	w.clock.Add(5 * day)
	w.sweepAll(100)
	list, err := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: "ann"})
	w.ok(err)
	if len(list.Organizations) != 1 {
		w.Errorf("ann is a member of %+v", list.Organizations)
	}
	out()
	_, err = w.svc.AcceptReceived(w.ctx, "acme", sent.ID, annID)
	w.ok(err)
	_, err = w.svc.Member(w.ctx, "zeta", "ann")
	w.refused(err, invitations.ErrNotFound)
	w.equal("the other invitation", w.get(other).State, invitations.StatePending)
}

func storyNoEscalationByEdit(w *world) {
	w.company()
	low := w.invite(bob, "acme", "ann@example.com", "viewer")
	high := w.invite(ada, "acme", "joe@example.com", "owner")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "owner"})
	w.unchanged("refused", func() {
		for _, c := range []struct {
			sent invitations.SentInvitation
			role invitations.Role
		}{{low, "owner"}, {high, "viewer"}, {high, ""}, {link, "viewer"}, {link, ""}} {
			for range 2 {
				_, err := w.svc.Edit(w.ctx, bob, invitations.EditParams{Organization: "acme", ID: c.sent.ID, Role: c.role, ExpiresIn: day})
				w.refusal(fmt.Sprintf("bob edits one as %s to be as %s", c.sent.Role, c.role), err, invitations.ErrRoleNotAssignable)
			}
		}
		for _, user := range []string{"dev", "kim"} {
			_, err := w.svc.Edit(w.ctx, invitations.User(user), invitations.EditParams{Organization: "acme", ID: low.ID, Role: "viewer"})
			w.refusal(user, err, invitations.ErrPermissionDenied)
		}
		rows := []invitations.InviteParams{row("x@example.com"), row("y@example.com")}
		rows[0].Role, rows[1].Role = "owner", "superuser"
		outcomes := w.inviteAll(bob, "acme", rows...)
		w.refusal("owner", outcomes[0].Err, invitations.ErrRoleNotAssignable)
		w.refusal("superuser", outcomes[1].Err, invitations.ErrInvalid)
	})
	w.equal("edited by an admin", w.edit(bob, low, invitations.EditParams{Role: "admin"}).Role, invitations.Role("admin"))
	w.equal("edited by an owner", w.edit(ada, high, invitations.EditParams{Role: "viewer"}).Role, invitations.Role("viewer"))
	// The member gets the edited role.
	w.equal("member", w.accept(high, person("joe", "joe@example.com")).Role, invitations.Role("viewer"))
}

func storyQuotaByEdit(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	w.company()
	w.role("acme", "joe", "recruiter")
	joe := invitations.User("joe")
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	mail, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "viewer", Quota: some})
	w.ok(err)
	plain := w.invite(bob, "acme", "eve@example.com", "viewer")
	w.unchanged("refused", func() {
		_, err := w.svc.Edit(w.ctx, joe, invitations.EditParams{Organization: "acme", ID: mail.ID, Role: "viewer", ExpiresIn: day})
		w.refusal("edit", err, invitations.ErrPermissionDenied)
		r := row("x@example.com")
		r.Quota = some
		w.refusal("bulk", w.inviteAll(joe, "acme", r)[0].Err, invitations.ErrPermissionDenied)
	})
	w.edit(joe, plain, invitations.EditParams{ExpiresIn: day})
	w.accept(plain, person("eve", "eve@example.com"))
	w.edit(ada, mail, invitations.EditParams{ExpiresIn: day}) // the quota stays
	w.accept(mail, annID)
	w.equal("quota", w.view(invitations.Query{Organization: "acme", Members: []string{"ann"}, Quotas: true}).Quotas["ann"].Quota, some)
}

// storyEditIsNoSending: an edit after a removal does not let an older invitation admit the
// removed user.
func storyEditIsNoSending(w *world) {
	w.company()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(link, invitations.Identity{UserID: "ann"}) // without her address, so mail stays pending
	w.remove("acme", "ann")
	for _, sent := range []invitations.SentInvitation{link, mail} {
		w.edit(ada, sent, invitations.EditParams{Role: "developer", ExpiresIn: 10 * day})
		w.acceptRefused(sent, annID, invitations.ErrRevoked)
	}
	w.unchanged("by address", func() {
		_, err := w.svc.AcceptReceived(w.ctx, "acme", mail.ID, annID)
		w.refused(err, invitations.ErrRevoked)
	})
	w.accept(link, invitations.Identity{UserID: "x"}) // other users may
	w.accept(w.resend(ada, mail), annID)
}

// storyEditorFalls: an invitation depends on its last editor, and not on its first sender.
func storyEditorFalls(w *world) {
	w.company()
	w.role("acme", "joe", "admin")
	joe := invitations.User("joe")
	byBob := w.invite(ada, "acme", "ann@example.com", "viewer")
	byJoe := w.invite(bob, "acme", "eve@example.com", "viewer")
	w.edit(bob, byBob, invitations.EditParams{Role: "admin"})
	w.edit(joe, byJoe, invitations.EditParams{Role: "developer"})
	w.changeRole(ada, "acme", "bob", "viewer")
	w.acceptRefused(byBob, annID, invitations.ErrRevoked)
	w.equal("the sender", w.lookup(byJoe).SentBy, "joe")
	// The editor's role is checked at acceptance too.
	w.role("acme", "joe", "viewer")
	w.acceptRefused(byJoe, person("eve", "eve@example.com"), invitations.ErrSenderNotEntitled)
	w.edit(ada, byJoe, invitations.EditParams{ExpiresIn: day})
	w.accept(byJoe, person("eve", "eve@example.com"))
}

func storyOtherIDs(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "eve")
	eve := invitations.User("eve")
	sent := w.invite(ada, "acme", "eve@example.com", "owner") // eve may accept it, and not manage it
	joes := w.invite(ada, "acme", "joe@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	who := person("eve", "eve@example.com")
	w.unchanged("refused", func() {
		for _, id := range []uuid.UUID{sent.ID, joes.ID, id(77)} { // an ID of the other organization, and an unknown one
			for name, c := range map[string]struct{ err, want error }{
				"edit there":   {second(w.svc.Edit(w.ctx, eve, invitations.EditParams{Organization: "acme", ID: id, Role: "viewer"})), invitations.ErrPermissionDenied},
				"edit here":    {second(w.svc.Edit(w.ctx, eve, invitations.EditParams{Organization: "zeta", ID: id, Role: "viewer"})), invitations.ErrNotFound},
				"accept here":  {second(w.svc.AcceptReceived(w.ctx, "zeta", id, who)), invitations.ErrNotFound},
				"decline here": {w.svc.DeclineReceived(w.ctx, "zeta", id, who), invitations.ErrNotFound},
				"of no organization": {
					second(w.svc.AcceptReceived(w.ctx, "none", id, who)), invitations.ErrNotFound,
				},
				"timeline there": {
					second(w.svc.Timeline(w.ctx, eve, invitations.TimelineParams{Organization: "acme", Invitation: id})), invitations.ErrPermissionDenied,
				},
			} {
				if c.err != c.want { //nolint:errorlint // the very same answer
					w.Errorf("%s: got error %v, want %v", name, c.err, c.want)
				}
			}
			w.equal("timeline here", w.timeline(eve, invitations.TimelineParams{Organization: "zeta", Invitation: id}), []invitations.Event{})
		}
		for _, id := range []uuid.UUID{joes.ID, id(77), link.ID} {
			if err := second(w.svc.AcceptReceived(w.ctx, "acme", id, who)); err != error(invitations.ErrNotFound) { //nolint:errorlint // the very same answer
				w.Errorf("accept another's: got error %v", err)
			}
			if err := w.svc.DeclineReceived(w.ctx, "acme", id, who); err != error(invitations.ErrNotFound) { //nolint:errorlint // the very same answer
				w.Errorf("decline another's: got error %v", err)
			}
		}
	})
	// With the same ID in both, an answer counts for the named organization.
	for organization, actor := range map[string]invitations.Actor{"acme": ada, "zeta": eve} {
		_, err := w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "viewer", ID: id(1)})
		w.ok(err)
	}
	w.ok(w.svc.DeclineReceived(w.ctx, "zeta", id(1), annID))
	m, err := w.svc.AcceptReceived(w.ctx, "acme", id(1), annID)
	w.ok(err)
	w.equal("organization", m.Organization, "acme")
}

// storyEditToken: an edit keeps the token, and a resend replaces it.
func storyEditToken(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "admin")
	w.edit(ada, sent, invitations.EditParams{Role: "viewer"})
	same, err := w.svc.PendingToken(w.ctx, ada, "acme", sent.ID)
	w.ok(err)
	w.equal("token", same.Token.Reveal(), sent.Token.Reveal())
	again := w.resend(ada, sent)
	w.acceptRefused(sent, annID, invitations.ErrInvalidToken)
	w.edit(ada, again, invitations.EditParams{Role: "developer"})
	w.acceptRefused(sent, annID, invitations.ErrInvalidToken)
	w.equal("role", w.accept(again, annID).Role, invitations.Role("developer"))
	page, err := w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", Email: "ann@example.com"})
	w.ok(err)
	w.equal("invitations of ann", len(page.Items), 1)
}
