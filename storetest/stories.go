package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
)

var stories = []check{
	{"ExistingUserAccepts", storyExistingUser},
	{"NewUserRegistersAndAccepts", storyNewUser},
	{"WrongAccountLeavesTheInvitation", storyWrongAccount},
	{"LinkIsForWhoeverHoldsIt", storyLink},
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

var (
	ada   = invitations.User("ada")
	bob   = invitations.User("bob")
	annID = person("ann", "ann@example.com")
)

func (w *world) invite(actor invitations.Actor, organization, email string, role invitations.Role) invitations.Sent {
	w.Helper()
	sent, err := w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: organization, Email: email, Role: role})
	w.ok(err)
	return sent
}

func (w *world) link(actor invitations.Actor, p invitations.LinkParams) invitations.Sent {
	w.Helper()
	sent, err := w.svc.CreateLink(w.ctx, actor, p)
	w.ok(err)
	return sent
}

func (w *world) accept(sent invitations.Sent, who invitations.Identity) invitations.Member {
	w.Helper()
	m, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
	w.ok(err)
	return m
}

// acceptRefused fails the check unless the acceptance is refused with want, twice, and
// changes nothing.
func (w *world) acceptRefused(sent invitations.Sent, who invitations.Identity, want error) {
	w.Helper()
	before := w.state(sent.Organization, who.UserID, "ada")
	for range 2 {
		_, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
		w.refused(err, want)
	}
	w.equal("state after a refusal", w.state(sent.Organization, who.UserID, "ada"), before)
}

func (w *world) next(sent invitations.Sent, v invitations.Visitor, want invitations.Step) invitations.Next {
	w.Helper()
	next, err := w.svc.Next(w.ctx, sent.Token.Reveal(), v)
	w.ok(err)
	if next.Step != want {
		w.Fatalf("got step %q (%v), want %q", next.Step, next.Reason, want)
	}
	return next
}

func (w *world) get(sent invitations.Sent) invitations.Invitation {
	w.Helper()
	inv, err := w.svc.Get(w.ctx, invitations.System(), sent.Organization, sent.ID)
	w.ok(err)
	return inv
}

func (w *world) resend(actor invitations.Actor, sent invitations.Sent) invitations.Sent {
	w.Helper()
	again, err := w.svc.Resend(w.ctx, actor, invitations.ResendParams{Organization: sent.Organization, ID: sent.ID})
	w.ok(err)
	return again
}

func accounts(emails ...string) func(context.Context, string) (bool, error) {
	return func(_ context.Context, email string) (bool, error) {
		for _, e := range emails {
			if e == email {
				return true, nil
			}
		}
		return false, nil
	}
}

func storyExistingUser(w *world) {
	w.found("acme", "ada")
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "Ann@Example.com", Role: "developer", Message: "Hi", Metadata: map[string]string{"team": "blue"},
	})
	w.ok(err)
	v := invitations.Visitor{HasAccount: accounts("ann@example.com")}
	offer := invitations.Offer{
		Organization: "acme", Kind: invitations.KindEmail, Email: "ann@example.com", Role: "developer", Message: "Hi",
		SentBy: "ada", ExpiresAt: start.Add(7 * day),
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
	for _, e := range w.state("acme").Events.Events {
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
	sent := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer", MaxUses: 2})
	w.next(sent, invitations.Visitor{}, invitations.StepSignIn)
	nobody := invitations.Identity{UserID: "x"} // a link asks for no address
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

	endless := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	for i := range 20 {
		w.accept(endless, invitations.Identity{UserID: fmt.Sprint("user ", i)})
	}
	if inv := w.get(endless); inv.State != invitations.StatePending || inv.Uses != 20 {
		w.Errorf("got invitation %+v", inv)
	}
}

func storyPendingLimit(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	var all []invitations.Sent
	for i := range 5 {
		all = append(all, w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", i), "viewer"))
		all = append(all, w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer", MaxUses: 1}))
	}
	full := func() {
		w.Helper()
		before := w.state("acme")
		_, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "more@example.com", Role: "viewer"})
		w.refused(err, invitations.ErrPendingLimit)
		_, err = w.svc.CreateLink(w.ctx, invitations.System(), invitations.LinkParams{Organization: "acme", Role: "viewer"})
		w.refused(err, invitations.ErrPendingLimit)
		w.equal("state after a refusal", w.state("acme"), before)
	}
	full()
	w.invite(ada, "zeta", "more@example.com", "viewer") // another organization has its own places
	w.resend(ada, all[0])                               // takes no place, it has one

	// Each end of an invitation frees a place.
	w.accept(w.resend(ada, all[0]), person("p0", "p0@example.com"))
	w.invite(ada, "acme", "a@example.com", "viewer")
	full()
	w.accept(all[1], invitations.Identity{UserID: "x"})
	w.invite(ada, "acme", "b@example.com", "viewer")
	full()
	_, err := w.svc.Revoke(w.ctx, ada, "acme", all[2].ID)
	w.ok(err)
	w.invite(ada, "acme", "c@example.com", "viewer")
	full()
	w.ok(w.svc.Decline(w.ctx, all[4].Token.Reveal()))
	w.invite(ada, "acme", "d@example.com", "viewer")
	full()
	w.clock.Add(7*day - time.Microsecond)
	full()
	w.clock.Add(time.Microsecond)
	for i := range 10 {
		w.invite(ada, "acme", fmt.Sprintf("q%d@example.com", i), "viewer")
	}
	full()
}

func storyOnePending(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	twice := func(email string) error {
		_, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: email, Role: "admin"})
		return err
	}
	var already *invitations.AlreadyInvitedError
	if err := twice("ANN@EXAMPLE.COM"); !errors.As(err, &already) || already.InvitationID != sent.ID || !errors.Is(err, invitations.ErrAlreadyInvited) {
		w.Errorf("got error %v", err)
	}
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.ok(twice("ann+x@example.com")) // another address
	_, err := w.svc.Revoke(w.ctx, ada, "acme", sent.ID)
	w.ok(err)
	w.ok(twice("ann@example.com"))
	w.clock.Add(7 * day)
	w.ok(twice("ann@example.com"))
}

func storyResendExpired(w *world) {
	w.found("acme", "ada")
	old := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.clock.Add(8 * day)
	w.acceptRefused(old, annID, invitations.ErrExpired)
	again := w.resend(ada, old)
	if again.ID != old.ID || again.State != invitations.StatePending || !again.ExpiresAt.Equal(start.Add(15*day)) {
		w.Errorf("got %+v", again)
	}
	w.accept(again, annID)

	// While a newer one is pending, and at the limit, it is refused like an invite.
	old = w.invite(ada, "acme", "joe@example.com", "viewer")
	w.clock.Add(8 * day)
	newer := w.invite(ada, "acme", "joe@example.com", "viewer")
	var already *invitations.AlreadyInvitedError
	_, err := w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: old.ID})
	if !errors.As(err, &already) || already.InvitationID != newer.ID {
		w.Errorf("got error %v", err)
	}
	for range 9 {
		w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	}
	_, err = w.svc.Revoke(w.ctx, ada, "acme", newer.ID)
	w.ok(err)
	w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	_, err = w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: old.ID})
	w.refused(err, invitations.ErrPendingLimit)
	if got := w.get(old); got.State != invitations.StateExpired {
		w.Errorf("got state %q after refusals", got.State)
	}

	// It keeps the lifetime that it had, unless told another.
	long, err := w.svc.CreateLink(w.ctx, ada, invitations.LinkParams{Organization: "zeta", Role: "viewer", ExpiresIn: 30 * day})
	w.refused(err, invitations.ErrPermissionDenied)
	w.found("zeta", "ada")
	long = w.link(ada, invitations.LinkParams{Organization: "zeta", Role: "viewer", ExpiresIn: 30 * day})
	w.clock.Add(day)
	if again := w.resend(ada, long); !again.ExpiresAt.Equal(long.ExpiresAt.Add(day)) {
		w.Errorf("got expiry %v", again.ExpiresAt)
	}
	short, err := w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "zeta", ID: long.ID, ExpiresIn: day})
	w.ok(err)
	if !short.ExpiresAt.Equal(w.clock.Now().Add(day)) {
		w.Errorf("got expiry %v", short.ExpiresAt)
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
	exhausted := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	w.accept(exhausted, invitations.Identity{UserID: "x"})
	before := w.state("acme", "ann", "joe", "kim", "x", "y")
	for _, c := range []struct {
		sent invitations.Sent
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
			"token":  second(w.svc.Token(w.ctx, ada, "acme", c.sent.ID)),
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

func second[T any](_ T, err error) error { return err }

func storyDecline(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.ok(w.svc.Decline(w.ctx, sent.Token.Reveal())) // no account needed
	w.acceptRefused(sent, annID, invitations.ErrDeclined)
	if inv := w.get(sent); inv.State != invitations.StateDeclined || !inv.EndedAt.Equal(start) {
		w.Errorf("got %+v", inv)
	}
	link := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	w.refused(w.svc.Decline(w.ctx, link.Token.Reveal()), invitations.ErrInvalid)
	expired := w.invite(ada, "acme", "joe@example.com", "viewer")
	w.clock.Add(7 * day)
	w.refused(w.svc.Decline(w.ctx, expired.Token.Reveal()), invitations.ErrExpired)
}

func storyOwnID(w *world) {
	w.found("acme", "ada")
	w.role("acme", "bob", "admin")
	p := invitations.InviteParams{
		Organization: "acme", Email: "ann@example.com", Role: "viewer", ID: id(1), Message: "Hi",
		Metadata: map[string]string{"k": "v"}, ExpiresIn: 2 * day,
	}
	sent, err := w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	before := w.state("acme")
	w.clock.Add(time.Hour)
	again, err := w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	w.equal("invitation", again.Invitation, sent.Invitation)
	if again.ID != id(1) || again.Token.Reveal() != sent.Token.Reveal() {
		w.Error("the repeated call gave another id or token")
	}
	other := map[string]func(p *invitations.InviteParams){
		"email":    func(p *invitations.InviteParams) { p.Email = "joe@example.com" },
		"role":     func(p *invitations.InviteParams) { p.Role = "admin" },
		"message":  func(p *invitations.InviteParams) { p.Message = "" },
		"metadata": func(p *invitations.InviteParams) { p.Metadata = nil },
		"expiry":   func(p *invitations.InviteParams) { p.ExpiresIn = 3 * day },
	}
	for what, change := range other {
		q := p
		change(&q)
		_, err := w.svc.Invite(w.ctx, ada, q)
		if !errors.Is(err, invitations.ErrConflict) {
			w.Errorf("other %s: got error %v", what, err)
		}
	}
	_, err = w.svc.Invite(w.ctx, bob, p)
	w.refused(err, invitations.ErrConflict)
	_, err = w.svc.CreateLink(w.ctx, ada, invitations.LinkParams{Organization: "acme", Role: "viewer", ID: id(1)})
	w.refused(err, invitations.ErrConflict)
	w.equal("state", w.state("acme"), before)
	w.accept(sent, annID)
	again, err = w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	if again.State != invitations.StateAccepted || !again.Token.IsZero() {
		w.Errorf("after the acceptance: got %+v", again)
	}

	lp := invitations.LinkParams{Organization: "acme", Role: "viewer", ID: id(2), MaxUses: 3, AllowedDomains: []string{"b.example", "A.example"}}
	l := w.link(ada, lp)
	lp.AllowedDomains = []string{"a.example", "B.example", "a.example"}
	if again := w.link(ada, lp); again.Token.Reveal() != l.Token.Reveal() {
		w.Error("the repeated call gave another token")
	}
	lp.MaxUses = 4
	_, err = w.svc.CreateLink(w.ctx, ada, lp)
	w.refused(err, invitations.ErrConflict)
}

// storyTwinIDs: an id is the caller's own, so another organization may have the same one.
func storyTwinIDs(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "eve")
	victim := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer", ID: id(1)})
	twin := w.link(invitations.User("eve"), invitations.LinkParams{Organization: "zeta", Role: "owner", ID: id(1)})
	w.equal("offer", must(w.svc.Lookup(w.ctx, victim.Token.Reveal())).Organization, "acme")
	w.equal("offer", must(w.svc.Lookup(w.ctx, twin.Token.Reveal())).Organization, "zeta")
	_, err := w.svc.Revoke(w.ctx, invitations.User("eve"), "zeta", id(1))
	w.ok(err)
	if m := w.accept(victim, invitations.Identity{UserID: "x"}); m.Organization != "acme" || m.Role != "viewer" {
		w.Errorf("got %+v", m)
	}
}

// must returns v where an error would show in v.
func must[T any](v T, _ error) T { return v }

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

	link := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer", MaxUses: 3})
	x := invitations.Identity{UserID: "x"}
	w.accept(link, x)
	w.accept(link, x)
	if got := w.get(link); got.Uses != 1 {
		w.Errorf("a replay took a use: %d", got.Uses)
	}
	w.leave("acme", "x")
	w.accept(link, x) // who left may join again
	if got := w.get(link); got.Uses != 2 {
		w.Errorf("joining again took no use: %d", got.Uses)
	}
	_, err := w.svc.Revoke(w.ctx, ada, "acme", link.ID)
	w.ok(err)
	w.accept(link, x) // a replay still
	w.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrRevoked)
}

func storyRemoved(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	link := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	other := w.link(ada, invitations.LinkParams{Organization: "acme", Role: "viewer"})
	elsewhere := w.link(ada, invitations.LinkParams{Organization: "zeta", Role: "viewer"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(link, annID)
	w.clock.Add(-day) // no clock tells what was before the removal
	w.remove("acme", "ann")
	for _, sent := range []invitations.Sent{link, other, mail} {
		w.acceptRefused(sent, annID, invitations.ErrNotPending)
		w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepStop)
	}
	w.accept(elsewhere, annID)
	w.accept(link, invitations.Identity{UserID: "x"}) // others may
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
	add := func(sent invitations.Sent) invitations.Sent {
		all = append([]invitations.Invitation{sent.Invitation}, all...)
		w.clock.Add(time.Second)
		return sent
	}
	ann := add(w.invite(ada, "acme", "ann@example.com", "viewer"))
	add(w.invite(bob, "acme", "joe@example.com", "admin"))
	add(w.link(invitations.System(), invitations.LinkParams{Organization: "acme", Role: "viewer"}))
	revoked := add(w.link(bob, invitations.LinkParams{Organization: "acme", Role: "developer"}))
	inv, err := w.svc.Revoke(w.ctx, ada, "acme", revoked.ID)
	w.ok(err)
	all[0] = inv
	list := func(p invitations.ListParams, want ...int) {
		w.Helper()
		p.Organization = "acme"
		var got, wanted []invitations.Invitation
		for inv, err := range w.svc.All(w.ctx, bob, p) {
			w.ok(err)
			got = append(got, inv)
		}
		for _, i := range want {
			wanted = append(wanted, all[i])
		}
		w.equal(fmt.Sprintf("%+v", p), got, wanted)
	}
	for limit := 1; limit <= 5; limit++ {
		list(invitations.ListParams{Limit: limit}, 0, 1, 2, 3)
	}
	list(invitations.ListParams{State: invitations.StatePending, Limit: 2}, 1, 2, 3)
	list(invitations.ListParams{State: invitations.StateRevoked}, 0)
	list(invitations.ListParams{Kind: invitations.KindEmail}, 2, 3)
	list(invitations.ListParams{Role: "viewer"}, 1, 3)
	list(invitations.ListParams{Email: "ANN@example.com"}, 3)
	list(invitations.ListParams{SentBy: "bob"}, 0, 2)
	list(invitations.ListParams{SentBy: "bob", Kind: invitations.KindLink}, 0)
	w.clock.Add(7*day - 4*time.Second) // ann's has expired, the others not yet
	all[3].State = invitations.StateExpired
	list(invitations.ListParams{State: invitations.StateExpired}, 3)
	list(invitations.ListParams{State: invitations.StatePending}, 1, 2)
	w.equal("one", w.get(ann), all[3])
}

func storyKeyRotation(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	both := newService(w.store, w.clock, testKey(2), testKey(1))
	_, err := both.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	token, err := both.Token(w.ctx, ada, "acme", sent.ID) // signed with the new key
	w.ok(err)
	alone := newService(w.store, w.clock, testKey(2))
	_, err = alone.Lookup(w.ctx, sent.Token.Reveal())
	w.refused(err, invitations.ErrInvalidToken)
	_, err = alone.Accept(w.ctx, token.Reveal(), annID)
	w.ok(err)
}
