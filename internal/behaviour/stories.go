package behaviour

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
)

var stories = []check{
	{"ExistingUserAccepts", storyExistingUser},
	{"NewUserRegistersAndAccepts", storyNewUser},
	{"WrongAccountLeavesTheInvitation", storyWrongAccount},
	{"LinkAdmitsAnyHolder", storyLink},
	{"PendingLimit", storyPendingLimit},
	{"OnePendingPerAddress", storyOnePending},
	{"ResendRevivesAndTakesAPlace", storyResendExpired},
	{"FinalStates", storyFinalStates},
	{"Decline", storyDecline},
	{"RepeatedCallWithID", storyOwnID},
	{"SameIDInTwoOrganizations", storyTwinIDs},
	{"ReplayWhileTheMembershipLasts", storyReplay},
	{"RemovedMemberStaysOut", storyRemoved},
	{"Founding", storyFounding},
	{"ListsAndFilters", storyLists},
	{"KeyRotation", storyKeyRotation},
}

func storyExistingUser(w *world) {
	w.found("acme", "ada")
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "Ann@Example.com", Role: "developer", Message: "Hi", Metadata: map[string]string{"team": "blue"},
	})
	w.ok(err)
	v := invitations.Visitor{HasAccount: accounts("ann@example.com")}
	offer := invitations.Offer{
		ID: sent.ID, Organization: "acme", Kind: invitations.KindEmail, Email: "ann@example.com", Role: "developer", Message: "Hi",
		SentBy: "ada", SentAt: start, ExpiresAt: start.Add(7 * day),
	}
	w.equal("offer", w.next(sent, v, invitations.StepSignIn).Offer, offer)
	v.Identity = annID
	w.equal("offer", w.next(sent, v, invitations.StepAccept).Offer, offer)
	w.clock.Add(time.Hour)
	m := w.accept(sent, annID)
	w.equal("member", m, invitations.Member{
		Organization: "acme", UserID: "ann", Role: "developer", JoinedAt: start.Add(time.Hour),
		InvitationID: sent.ID, InvitedBy: "ada", Metadata: map[string]string{"team": "blue"},
	})
	got, err := w.svc.Member(w.ctx, "acme", "ann")
	w.ok(err)
	w.equal("stored member", got, m)
	if next := w.next(sent, v, invitations.StepOpen); next.Organization != "acme" {
		w.Errorf("got organization %q to open", next.Organization)
	}
	inv := w.get(sent)
	if inv.State != invitations.StateAccepted || inv.Uses != 1 || !inv.EndedAt.Equal(start.Add(time.Hour)) {
		w.Errorf("got invitation %+v", inv)
	}
	var types []invitations.EventType
	for _, e := range w.state("acme").Events.Items {
		types = append(types, e.Type)
	}
	w.equal("events", types, []invitations.EventType{
		invitations.EventMemberJoined, invitations.EventInvitationCreated, invitations.EventInvitationAccepted, invitations.EventMemberJoined,
	})
}

func storyNewUser(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	next := w.next(sent, invitations.Visitor{HasAccount: accounts()}, invitations.StepRegister)
	if next.Offer.Email != "ann@example.com" {
		w.Errorf("got address %q to register with", next.Offer.Email)
	}
	fresh := invitations.Identity{UserID: "new", Email: next.Offer.Email}
	w.next(sent, invitations.Visitor{Identity: fresh}, invitations.StepVerifyEmail)
	w.acceptRefused(sent, fresh, invitations.ErrEmailUnverified)
	fresh.EmailVerified = true
	w.next(sent, invitations.Visitor{Identity: fresh}, invitations.StepAccept)
	if _, err := w.svc.Member(w.ctx, "acme", "new"); !errors.Is(err, invitations.ErrNotFound) {
		w.Errorf("a member before accepting: %v", err)
	}
	w.accept(sent, fresh)
	_, err := w.svc.Member(w.ctx, "acme", "new")
	w.ok(err)
}

func storyWrongAccount(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	eve := person("eve", "eve@example.com")
	w.next(sent, invitations.Visitor{Identity: eve}, invitations.StepSwitchAccount)
	w.acceptRefused(sent, eve, invitations.ErrRecipientMismatch)
	w.accept(sent, annID)
}

func storyLink(w *world) {
	w.found("acme", "ada")
	sent := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 2})
	w.next(sent, invitations.Visitor{}, invitations.StepSignIn)
	nobody := invitations.Identity{UserID: "x"} // links need no address
	w.next(sent, invitations.Visitor{Identity: nobody}, invitations.StepAccept)
	w.accept(sent, nobody)
	if inv := w.get(sent); inv.State != invitations.StatePending || inv.Uses != 1 {
		w.Errorf("got invitation %+v after the first use", inv)
	}
	w.accept(sent, invitations.Identity{UserID: "y"})
	if inv := w.get(sent); inv.State != invitations.StateAccepted || inv.Uses != 2 {
		w.Errorf("got invitation %+v after the last use", inv)
	}
	w.acceptRefused(sent, invitations.Identity{UserID: "z"}, invitations.ErrExhausted)
	w.next(sent, invitations.Visitor{Identity: invitations.Identity{UserID: "z"}}, invitations.StepStop)

	endless := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	for i := range 20 {
		w.accept(endless, invitations.Identity{UserID: fmt.Sprint("user ", i)})
	}
	if inv := w.get(endless); inv.State != invitations.StatePending || inv.Uses != 20 {
		w.Errorf("got invitation %+v", inv)
	}
}

func storyFinalStates(w *world) {
	w.found("acme", "ada")
	accepted := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(accepted, annID)
	declined := w.invite(ada, "acme", "joe@example.com", "viewer")
	w.ok(w.svc.Decline(w.ctx, declined.Token.Reveal()))
	revoked := w.invite(ada, "acme", "kim@example.com", "viewer")
	_, err := w.svc.Revoke(w.ctx, ada, "acme", revoked.ID)
	w.ok(err)
	exhausted := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	w.accept(exhausted, invitations.Identity{UserID: "x"})
	before := w.state("acme", "ann", "joe", "kim", "x", "y")
	for _, c := range []struct {
		sent invitations.SentInvitation
		who  invitations.Identity
		want error
	}{
		{accepted, person("ann2", "ann@example.com"), invitations.ErrAccepted},
		{declined, person("joe", "joe@example.com"), invitations.ErrDeclined},
		{revoked, person("kim", "kim@example.com"), invitations.ErrRevoked},
		{exhausted, invitations.Identity{UserID: "y"}, invitations.ErrExhausted},
	} {
		for name, err := range map[string]error{
			"accept": second(w.svc.Accept(w.ctx, c.sent.Token.Reveal(), c.who)),
			"lookup": second(w.svc.Lookup(w.ctx, c.sent.Token.Reveal())),
			"revoke": second(w.svc.Revoke(w.ctx, ada, "acme", c.sent.ID)),
			"resend": second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: c.sent.ID})),
			"token":  second(w.svc.PendingToken(w.ctx, ada, "acme", c.sent.ID)),
		} {
			if !errors.Is(err, c.want) || !errors.Is(err, invitations.ErrNotPending) {
				w.Errorf("%s: got error %v, want %v", name, err, c.want)
			}
		}
		if c.sent.Kind == invitations.KindEmail {
			w.refused(w.svc.Decline(w.ctx, c.sent.Token.Reveal()), c.want)
		}
		w.next(c.sent, invitations.Visitor{Identity: c.who}, invitations.StepStop)
		w.next(c.sent, invitations.Visitor{}, invitations.StepStop)
	}
	w.equal("state", w.state("acme", "ann", "joe", "kim", "x", "y"), before)
}

func storyDecline(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.ok(w.svc.Decline(w.ctx, sent.Token.Reveal())) // needs no account
	w.acceptRefused(sent, annID, invitations.ErrDeclined)
	if inv := w.get(sent); inv.State != invitations.StateDeclined || !inv.EndedAt.Equal(start) {
		w.Errorf("got %+v", inv)
	}
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.refused(w.svc.Decline(w.ctx, link.Token.Reveal()), invitations.ErrInvalid)
	expired := w.invite(ada, "acme", "joe@example.com", "viewer")
	w.clock.Add(7 * day)
	w.refused(w.svc.Decline(w.ctx, expired.Token.Reveal()), invitations.ErrExpired)
}

func storyReplay(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	m := w.accept(sent, annID)
	before := w.state("acme", "ann")
	w.clock.Add(30 * day) // also after the expiry
	w.equal("replay", w.accept(sent, annID), m)
	w.equal("replay with another address", w.accept(sent, person("ann", "new@example.com")), m)
	w.equal("state", w.state("acme", "ann"), before)
	w.leave("acme", "ann")
	w.acceptRefused(sent, annID, invitations.ErrAccepted) // an email invitation is spent

	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 3})
	x := invitations.Identity{UserID: "x"}
	w.accept(link, x)
	w.accept(link, x)
	if got := w.get(link); got.Uses != 1 {
		w.Errorf("a replay took a use: %d", got.Uses)
	}
	w.leave("acme", "x")
	w.accept(link, x) // a former member may join again
	if got := w.get(link); got.Uses != 2 {
		w.Errorf("joining again took no use: %d", got.Uses)
	}
	_, err := w.svc.Revoke(w.ctx, ada, "acme", link.ID)
	w.ok(err)
	w.accept(link, x) // still a replay
	w.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrRevoked)
}

func storyRemoved(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	other := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	elsewhere := w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(link, invitations.Identity{UserID: "ann"}) // without her address, so mail stays pending
	w.clock.Add(-day)                                   // the clock does not tell the order of removal and sending
	w.remove("acme", "ann")
	for _, sent := range []invitations.SentInvitation{link, other, mail} {
		w.acceptRefused(sent, annID, invitations.ErrNotPending)
		w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepStop)
	}
	w.accept(elsewhere, annID)
	w.accept(link, invitations.Identity{UserID: "x"}) // other users may
	w.clock.Add(-day)
	w.accept(w.resend(ada, mail), annID) // sent after the removal
	w.leave("acme", "ann")
	w.acceptRefused(link, annID, invitations.ErrNotPending) // leaving does not undo it
	w.accept(w.resend(ada, link), annID)
}

func storyFounding(w *world) {
	_, err := w.svc.Member(w.ctx, "acme", "ada")
	w.refused(err, invitations.ErrNotFound)
	_, err = w.svc.Invite(w.ctx, invitations.System(), invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "viewer"})
	w.refused(err, invitations.ErrNotFound)
	m, err := w.svc.CreateOrganization(w.ctx, "acme", "ada")
	w.ok(err)
	w.equal("founder", m, invitations.Member{Organization: "acme", UserID: "ada", Role: "owner", JoinedAt: start})
	w.clock.Add(time.Hour)
	again, err := w.svc.CreateOrganization(w.ctx, "acme", "ada")
	w.ok(err)
	w.equal("founder", again, m)
	_, err = w.svc.CreateOrganization(w.ctx, "acme", "eve")
	w.refused(err, invitations.ErrConflict)
	w.accept(w.invite(ada, "acme", "ann@example.com", "owner"), annID)
	_, err = w.svc.CreateOrganization(w.ctx, "acme", "ann")
	w.refused(err, invitations.ErrConflict)
	w.role("acme", "ada", "viewer")
	_, err = w.svc.CreateOrganization(w.ctx, "acme", "ada")
	w.refused(err, invitations.ErrConflict)
}

func storyLists(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	w.role("acme", "bob", "admin")
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	var all []invitations.Invitation // newest first
	add := func(sent invitations.SentInvitation) invitations.SentInvitation {
		all = append([]invitations.Invitation{sent.Invitation}, all...)
		w.clock.Add(time.Second)
		return sent
	}
	ann := add(w.invite(ada, "acme", "ann@example.com", "viewer"))
	add(w.invite(bob, "acme", "joe@example.com", "admin"))
	add(w.link(invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}))
	revoked := add(w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "developer"}))
	inv, err := w.svc.Revoke(w.ctx, ada, "acme", revoked.ID)
	w.ok(err)
	all[0] = inv
	list := func(p invitations.InvitationsParams, want ...int) {
		w.Helper()
		p.Organization = "acme"
		var got, wanted []invitations.Invitation
		for inv, err := range w.svc.AllInvitations(w.ctx, bob, p) {
			w.ok(err)
			got = append(got, inv)
		}
		for _, i := range want {
			wanted = append(wanted, all[i])
		}
		w.equal(fmt.Sprintf("%+v", p), got, wanted)
	}
	for limit := 1; limit <= 5; limit++ {
		list(invitations.InvitationsParams{Limit: limit}, 0, 1, 2, 3)
	}
	list(invitations.InvitationsParams{States: []invitations.State{invitations.StatePending}, Limit: 2}, 1, 2, 3)
	list(invitations.InvitationsParams{States: []invitations.State{invitations.StateRevoked}}, 0)
	list(invitations.InvitationsParams{Kind: invitations.KindEmail}, 2, 3)
	list(invitations.InvitationsParams{Role: "viewer"}, 1, 3)
	list(invitations.InvitationsParams{Email: "ANN@example.com"}, 3)
	list(invitations.InvitationsParams{SentBy: "bob"}, 0, 2)
	list(invitations.InvitationsParams{SentBy: "bob", Kind: invitations.KindLink}, 0)
	w.clock.Add(7*day - 4*time.Second) // only the invitation of ann has expired
	all[3].State = invitations.StateExpired
	list(invitations.InvitationsParams{States: []invitations.State{invitations.StateExpired}}, 3)
	list(invitations.InvitationsParams{States: []invitations.State{invitations.StatePending}}, 1, 2)
	w.equal("one", w.get(ann), all[3])
}

func storyKeyRotation(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	both := newService(w.store, w.clock, testKey(2), testKey(1))
	_, err := both.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	again, err := both.PendingToken(w.ctx, ada, "acme", sent.ID) // signed with the new key
	w.ok(err)
	alone := newService(w.store, w.clock, testKey(2))
	_, err = alone.Lookup(w.ctx, sent.Token.Reveal())
	w.refused(err, invitations.ErrInvalidToken)
	_, err = alone.Accept(w.ctx, again.Token.Reveal(), annID)
	w.ok(err)
}
