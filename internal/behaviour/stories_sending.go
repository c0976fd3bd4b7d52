package behaviour

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
)

func storyPendingLimit(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	var all []invitations.SentInvitation
	for i := range 5 {
		all = append(all, w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", i), "viewer"))
		all = append(all, w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1}))
	}
	full := func() {
		w.Helper()
		before := w.state("acme")
		_, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "more@example.com", Role: "viewer"})
		w.refused(err, invitations.ErrPendingLimit)
		_, err = w.svc.CreateLink(w.ctx, invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
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
		w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	}
	_, err = w.svc.Revoke(w.ctx, ada, "acme", newer.ID)
	w.ok(err)
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	_, err = w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: old.ID})
	w.refused(err, invitations.ErrPendingLimit)
	if got := w.get(old); got.State != invitations.StateExpired {
		w.Errorf("got state %q after refusals", got.State)
	}

	// It keeps the lifetime that it had, unless told another.
	w.found("zeta", "ada")
	long := w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer", ExpiresIn: 30 * day})
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
	w.equal("repeated", []bool{sent.Repeated, again.Repeated}, []bool{false, true})
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
	_, err = w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", ID: id(1)})
	w.refused(err, invitations.ErrConflict)
	w.equal("state", w.state("acme"), before)
	w.accept(sent, annID)
	again, err = w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	if again.State != invitations.StateAccepted || !again.Token.IsZero() {
		w.Errorf("after the acceptance: got %+v", again)
	}

	lp := invitations.CreateLinkParams{Organization: "acme", Role: "viewer", ID: id(2), MaxUses: 3, AllowedDomains: []string{"b.example", "A.example"}}
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
	victim := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", ID: id(1)})
	twin := w.link(invitations.User("eve"), invitations.CreateLinkParams{Organization: "zeta", Role: "owner", ID: id(1)})
	w.equal("offer", w.lookup(victim).Organization, "acme")
	w.equal("offer", w.lookup(twin).Organization, "zeta")
	_, err := w.svc.Revoke(w.ctx, invitations.User("eve"), "zeta", id(1))
	w.ok(err)
	if m := w.accept(victim, invitations.Identity{UserID: "x"}); m.Organization != "acme" || m.Role != "viewer" {
		w.Errorf("got %+v", m)
	}
}
