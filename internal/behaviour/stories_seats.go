package behaviour

import (
	"fmt"

	"github.com/go-invitations/invitations"
)

var seatStories = []check{
	{"Class29_MemberLimit", storyMemberLimit},
	{"Class29_ReservedSeats", storyReservedSeats},
	{"Class29_OneSeatForOnePerson", storyOneSeat},
}

func storyMemberLimit(w *world) {
	w = w.with(invitations.Config{MemberLimit: 3})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	// A pending invitation takes no seat.
	var mails []invitations.SentInvitation
	for i := range 4 {
		mails = append(mails, w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", i), "viewer"))
	}
	p := func(i int) invitations.Identity { return person(fmt.Sprint("p", i), fmt.Sprintf("p%d@example.com", i)) }
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	elsewhere := w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	w.accept(mails[0], p(0))
	w.accept(link, p(1))
	full := func() {
		w.Helper()
		w.acceptRefused(mails[2], p(2), invitations.ErrMemberLimit)
		w.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
		next := w.next(mails[2], invitations.Visitor{Identity: p(2)}, invitations.StepStop)
		w.refused(next.Reason, invitations.ErrMemberLimit)
	}
	full()
	w.accept(mails[0], p(0)) // a replay needs no seat
	w.accept(elsewhere, p(2))
	w.invite(ada, "acme", "more@example.com", "viewer") // counts when it is accepted
	w.leave("acme", "p1")
	w.accept(link, p(3))
	full()
	_, err := w.svc.RemoveMember(w.ctx, ada, "acme", "p3")
	w.ok(err)
	w.accept(mails[2], p(2))
	w.changeRole(ada, "acme", "p2", "admin") // takes no seat

	// A lower limit removes no member and admits none.
	lower := w.with(invitations.Config{MemberLimit: 1})
	lower.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
	lower.holds("acme", "p2", invitations.PermissionMemberList, true)
	lower.leave("acme", "p2")
	lower.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
}

func storyReservedSeats(w *world) {
	w = w.with(invitations.Config{MemberLimit: 4, ReserveSeats: true})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}) // holds no seat
	ann := w.invite(ada, "acme", "ann@example.com", "viewer")
	joe := w.invite(ada, "acme", "joe@example.com", "viewer")
	w.accept(link, invitations.Identity{UserID: "x"})
	full := func() {
		w.Helper()
		w.unchanged("at the limit", func() {
			_, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "more@example.com", Role: "viewer"})
			w.refused(err, invitations.ErrMemberLimit)
		})
		w.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
		w.acceptRefused(link, person("y", "y@example.com"), invitations.ErrMemberLimit)
		// An unverified address gives no right to its seat.
		w.acceptRefused(link, invitations.Identity{UserID: "y", Email: "ann@example.com"}, invitations.ErrMemberLimit)
	}
	full() // ada, x, and the seats of ann and joe
	w.invite(ada, "zeta", "more@example.com", "viewer")
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	ann = w.resend(ada, ann) // has its seat
	w.accept(ann, annID)     // takes the seat that it held
	w.unchanged("a replay", func() { w.accept(ann, annID) })
	full()

	// Every way to end an invitation frees its seat.
	w.ok(w.svc.Decline(w.ctx, joe.Token.Reveal()))
	joe = w.invite(ada, "acme", "joe@example.com", "viewer")
	full()
	_, err := w.svc.Revoke(w.ctx, ada, "acme", joe.ID)
	w.ok(err)
	joe = w.invite(ada, "acme", "joe@example.com", "viewer")
	full()
	w.clock.Add(7 * day)
	again := w.invite(ada, "acme", "kim@example.com", "viewer") // the invitation of joe has expired
	_, err = w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: joe.ID})
	w.refused(err, invitations.ErrMemberLimit)
	_, err = w.svc.Revoke(w.ctx, ada, "acme", again.ID)
	w.ok(err)
	joe = w.resend(ada, joe)
	// Every way to end a membership frees its seat.
	link = w.resend(ada, link)
	full()
	w.leave("acme", "x")
	w.accept(link, invitations.Identity{UserID: "y"})
	w.accept(joe, person("joe", "joe@example.com"))
	w.acceptRefused(link, invitations.Identity{UserID: "z"}, invitations.ErrMemberLimit)
}

// storyOneSeat: a user takes one seat, by any invitation.
func storyOneSeat(w *world) {
	w = w.with(invitations.Config{MemberLimit: 2, ReserveSeats: true})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	mail := w.invite(ada, "acme", "ann@example.com", "admin")
	other := w.invite(ada, "zeta", "ann@example.com", "admin")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.acceptRefused(link, invitations.Identity{UserID: "x"}, invitations.ErrMemberLimit)
	version := w.version("acme")
	w.accept(link, annID) // by the link, on the seat of the email invitation
	if inv := w.get(mail); inv.State != invitations.StateRevoked || !inv.EndedAt.Equal(start) {
		w.Errorf("her own invitation is %+v", inv)
	}
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Index: 0, Type: invitations.EventInvitationAccepted, Actor: "ann", InvitationID: link.ID, Role: "viewer", ExpiresAt: link.ExpiresAt},
		{Version: version + 1, Index: 1, Type: invitations.EventMemberJoined, Actor: "ann", Subject: "ann", InvitationID: link.ID, Role: "viewer", InvitedBy: "ada"},
		{
			Version: version + 1, Index: 2, Type: invitations.EventInvitationRevoked, Actor: "ann", InvitationID: mail.ID, Email: "ann@example.com", Role: "admin",
			MaxUses: 1, ExpiresAt: mail.ExpiresAt, Reason: invitations.ErrAlreadyMember.Code(),
		},
	})
	w.leave("acme", "ann")
	w.acceptRefused(mail, annID, invitations.ErrRevoked)
	// Her seat is free again, and that of the other organization is still reserved.
	w.accept(link, invitations.Identity{UserID: "x"})
	w.acceptRefused(link, annID, invitations.ErrMemberLimit)
	w.accept(other, annID)

}
