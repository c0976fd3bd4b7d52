package behaviour

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
)

var limitStories = []check{
	{"Class40_ResendCooldown", storyCooldown},
	{"Class40_LimitOfARecipient", storyRecipientLimit},
	{"Class40_LimitOfASender", storySenderLimit},
	{"Class40_LimitOfAnOrganization", storyOrganizationLimit},
	{"Class40_SeveralLimits", storySeveralLimits},
	{"Class40_LimitsByDefault", storyDefaultLimits},
}

// limited fails the check unless the call is refused until an instant, and changes nothing.
func (w *world) limited(call func() error, want error, until time.Time) {
	w.Helper()
	w.unchanged("refused", func() {
		w.Helper()
		err := call()
		w.refused(err, want)
		w.refused(err, invitations.ErrRateLimited)
		var limit *invitations.RateLimitError
		if !errors.As(err, &limit) || !limit.RetryAt().Equal(until) {
			w.Errorf("got error %v (%+v), want one until %v", err, limit, until)
		}
	})
}

func (w *world) inviting(actor invitations.Actor, organization, email string) func() error {
	return func() error {
		return second(w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: organization, Email: email, Role: "viewer"}))
	}
}

func (w *world) resending(actor invitations.Actor, sent invitations.SentInvitation) func() error {
	return func() error {
		return second(w.svc.Resend(w.ctx, actor, invitations.ResendParams{Organization: sent.Organization, ID: sent.ID}))
	}
}

// again revokes the invitation and sends another to the same address.
func (w *world) again(actor invitations.Actor, sent invitations.SentInvitation) invitations.SentInvitation {
	w.Helper()
	w.ok(second(w.svc.Revoke(w.ctx, invitations.System(), sent.Organization, sent.ID)))
	return w.invite(actor, sent.Organization, sent.Email, "viewer")
}

func storyCooldown(w *world) {
	w = w.with(invitations.Config{ResendCooldown: time.Minute})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	other := w.invite(ada, "zeta", "ann@example.com", "viewer")
	until := start.Add(time.Minute)
	for _, actor := range []invitations.Actor{ada, invitations.System()} {
		w.limited(w.resending(actor, mail), invitations.ErrTooSoon, until)
	}
	w.resend(ada, link) // is not mailed
	w.resend(ada, link)
	mail = w.again(ada, mail) // is another invitation
	w.clock.Add(time.Minute - time.Microsecond)
	w.limited(w.resending(ada, mail), invitations.ErrTooSoon, until)
	w.clock.Add(time.Microsecond)
	mail = w.resend(ada, mail)
	w.limited(w.resending(ada, mail), invitations.ErrTooSoon, until.Add(time.Minute))
	message := "no sending"
	w.edit(ada, mail, invitations.EditParams{Message: &message}) // and begins no cooldown
	w.resend(ada, other)
	w.accept(mail, annID)
}

func storyRecipientLimit(w *world) {
	w = w.with(invitations.Config{SendsPerRecipient: 3})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.clock.Add(time.Hour)
	sent = w.resend(invitations.System(), sent)
	w.clock.Add(time.Hour)
	sent = w.again(ada, sent)
	for _, actor := range []invitations.Actor{ada, invitations.System()} {
		w.limited(w.resending(actor, sent), invitations.ErrRateLimited, start.Add(day))
	}
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", sent.ID)))
	w.limited(w.inviting(ada, "acme", "Ann@EXAMPLE.com"), invitations.ErrRateLimited, start.Add(day)) // is the same address
	w.invite(ada, "acme", "joe@example.com", "viewer")
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	// A place is free when the first of the three is a day old.
	w.clock.Add(22*time.Hour - time.Microsecond)
	w.limited(w.inviting(ada, "acme", "ann@example.com"), invitations.ErrRateLimited, start.Add(day))
	w.clock.Add(time.Microsecond)
	sent = w.invite(ada, "acme", "ann@example.com", "viewer")
	w.limited(w.resending(ada, sent), invitations.ErrRateLimited, start.Add(day+time.Hour))
	w.accept(sent, annID)
}

func storySenderLimit(w *world) {
	w = w.with(invitations.Config{SendsPerSender: 2, PendingLimit: 100})
	w.company()
	one := w.invite(bob, "acme", "p1@example.com", "viewer")
	w.clock.Add(time.Hour)
	w.resend(bob, one)
	until := start.Add(day)
	w.limited(w.inviting(bob, "acme", "p2@example.com"), invitations.ErrRateLimited, until)
	w.limited(w.resending(bob, one), invitations.ErrRateLimited, until)
	// Others may: in this organization, and bob in the other one. Links are not mailed.
	w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.invite(bob, "zeta", "p1@example.com", "viewer")
	w.resend(ada, one)
	for n := range 5 {
		w.invite(invitations.System(), "acme", fmt.Sprintf("q%d@example.com", n), "viewer") // is no sender
	}
	// Who sent is what counts, not who is the sender now, and an edit is no sending.
	message := "by bob"
	w.edit(bob, one, invitations.EditParams{Message: &message})
	w.invite(ada, "acme", "p3@example.com", "viewer")
	w.limited(w.inviting(ada, "acme", "p4@example.com"), invitations.ErrRateLimited, w.clock.Now().Add(day))
	w.clock.Add(23 * time.Hour)
	w.invite(bob, "acme", "p4@example.com", "viewer")
	w.limited(w.inviting(bob, "acme", "p5@example.com"), invitations.ErrRateLimited, until.Add(time.Hour))
}

func storyOrganizationLimit(w *world) {
	w = w.with(invitations.Config{SendsPerOrganization: 4, SendsPerSender: 3, SendsPerRecipient: 2, PendingLimit: 100})
	w.company()
	var sent []invitations.SentInvitation
	for n, actor := range []invitations.Actor{ada, bob, invitations.System(), ada} {
		sent = append(sent, w.invite(actor, "acme", fmt.Sprintf("p%d@example.com", n), "viewer"))
		w.clock.Add(time.Minute)
	}
	until := start.Add(day)
	for _, actor := range []invitations.Actor{ada, bob, invitations.System()} {
		w.limited(w.inviting(actor, "acme", "more@example.com"), invitations.ErrRateLimited, until)
		w.limited(w.resending(actor, sent[3]), invitations.ErrRateLimited, until)
	}
	w.invite(bob, "zeta", "more@example.com", "viewer")
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	// Whoever has sent and however it ended, it was mailed.
	w.accept(sent[0], person("p0", "p0@example.com"))
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", sent[1].ID)))
	w.limited(w.inviting(ada, "acme", "more@example.com"), invitations.ErrRateLimited, until)
	w.clock.Add(day - 4*time.Minute)
	w.resend(bob, sent[3])
	w.limited(w.resending(bob, sent[3]), invitations.ErrRateLimited, until.Add(3*time.Minute)) // of the recipient
	w.limited(w.inviting(bob, "acme", "more@example.com"), invitations.ErrRateLimited, until.Add(time.Minute))
	// No limit of the others stands against who has reached none.
	free := w.with(invitations.Config{})
	free.invite(bob, "acme", "more@example.com", "viewer")
}

// storySeveralLimits: the limit that ends last is the one to wait for, whichever it is.
func storySeveralLimits(w *world) {
	w.company()
	ann := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.clock.Add(time.Hour)
	w.invite(ada, "acme", "joe@example.com", "viewer")
	w.clock.Add(time.Hour)
	ann = w.resend(ada, ann)
	for _, c := range []struct {
		config invitations.Config
		until  time.Duration
	}{
		{invitations.Config{SendsPerRecipient: 2, SendsPerSender: 2}, time.Hour},
		{invitations.Config{SendsPerRecipient: 1, SendsPerSender: 2}, 2 * time.Hour},
		{invitations.Config{SendsPerRecipient: 2, SendsPerSender: 3, SendsPerOrganization: 1}, 2 * time.Hour},
		{invitations.Config{SendsPerSender: 1, SendsPerOrganization: 2}, 2 * time.Hour},
		{invitations.Config{SendsPerRecipient: 2, SendsPerSender: 3, SendsPerOrganization: 3}, 0},
	} {
		other := w.with(c.config)
		other.limited(other.resending(ada, ann), invitations.ErrRateLimited, start.Add(day+c.until))
	}
}

// storyDefaultLimits is the only one with the limits that nobody has set.
func storyDefaultLimits(w *world) {
	ring, err := invitations.NewKeyring(testKey(1))
	w.ok(err)
	w.svc, err = invitations.New(w.store, ring, invitations.Config{Clock: w.clock.Now, PendingLimit: 1000})
	w.ok(err)
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	for n := range 10 {
		until := w.clock.Now().Add(time.Minute)
		w.limited(w.resending(bob, sent), invitations.ErrTooSoon, until)
		if w.clock.Add(time.Minute); n < 9 {
			sent = w.resend(ada, sent)
		}
	}
	w.limited(w.resending(bob, sent), invitations.ErrRateLimited, start.Add(day)) // 10 to a recipient
	rows := func(prefix string, n int) (all []invitations.InviteParams) {
		for i := range n {
			all = append(all, row(fmt.Sprintf("%s%d@example.com", prefix, i)))
		}
		return all
	}
	outcomes, err := w.svc.InviteAll(w.ctx, bob, "acme", rows("a", 91))
	w.ok(err)
	for i, o := range outcomes { // 100 of an organization
		if i < 90 {
			w.ok(o.Err)
		} else {
			w.refused(o.Err, invitations.ErrRateLimited)
		}
	}
	outcomes, err = w.svc.InviteAll(w.ctx, ada, "zeta", rows("b", 100))
	w.ok(err)
	w.ok(outcomes[99].Err)
	w.refused(w.inviting(ada, "zeta", "more@example.com")(), invitations.ErrRateLimited)
}
