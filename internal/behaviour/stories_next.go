package behaviour

import (
	"errors"
	"slices"

	"github.com/go-invitations/invitations"
)

var nextStories = []check{
	{"MembersAreLedInByEveryToken", storyLedIn},
	{"ExpiredUsedUpAndUnentitledSayWhomToAsk", storyWhomToAsk},
}

// storyLedIn: a member opens the organization by every genuine token of it, in whatever state the
// invitation is. An outsider with the same token stops.
func storyLedIn(w *world) {
	w = w.with(invitations.Config{PendingLimit: 50})
	w.company()
	w.role("acme", "joe", "admin")
	w.role("acme", "eve", "admin")
	tokens := map[string]invitations.SentInvitation{}
	mail := func(name string) invitations.SentInvitation {
		tokens[name] = w.invite(ada, "acme", "m-"+tag(len(tokens))+"@example.com", "viewer")
		return tokens[name]
	}
	link := func(name string, p invitations.CreateLinkParams) invitations.SentInvitation {
		p.Organization, p.Role = "acme", "viewer"
		tokens[name] = w.link(ada, p)
		return tokens[name]
	}
	mail("replaced by a resend")
	w.resend(ada, tokens["replaced by a resend"])
	link("a link that was replaced", invitations.CreateLinkParams{})
	w.resend(ada, tokens["a link that was replaced"])
	mail("expired")
	link("an expired link", invitations.CreateLinkParams{})
	w.clock.Add(8 * day)
	sent := mail("accepted")
	w.accept(sent, person("x", sent.Email))
	w.ok(w.svc.Decline(w.ctx, mail("declined").Token.Reveal()))
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", mail("revoked").ID)))
	w.accept(link("used up", invitations.CreateLinkParams{MaxUses: 1}), invitations.Identity{UserID: "y"})
	tokens["of a sender who left"] = w.invite(invitations.User("joe"), "acme", "l@example.com", "viewer")
	w.leave("acme", "joe")
	tokens["of a sender without rights"] = w.invite(invitations.User("eve"), "acme", "e@example.com", "viewer")
	w.role("acme", "eve", "viewer")
	tokens["of an unknown role"] = w.with(invitations.Config{Policy: oddPolicy(), PendingLimit: 50}).invite(ada, "acme", "g@example.com", "guest")
	mail("pending, for another")
	link("a pending link", invitations.CreateLinkParams{})
	link("a link for other domains", invitations.CreateLinkParams{AllowedDomains: []string{"corp.example"}})

	lead := func(w *world, user string) {
		w.Helper()
		for name, sent := range tokens {
			for _, who := range []invitations.Identity{{UserID: user}, person(user, user+"@example.com")} {
				next, err := w.svc.NextStep(w.ctx, sent.Token.Reveal(), invitations.Visitor{Identity: who})
				w.ok(err)
				if next.Step != invitations.StepOpen || next.Organization != "acme" {
					w.Errorf("%s, %s: got step %q of organization %q (%v)", user, name, next.Step, next.Organization, next.Reason)
				}
			}
		}
	}
	stop := func(w *world, who invitations.Identity) {
		w.Helper()
		for name, sent := range tokens {
			next, err := w.svc.NextStep(w.ctx, sent.Token.Reveal(), invitations.Visitor{Identity: who})
			w.ok(err)
			if next.Step == invitations.StepOpen || next.Organization != "" {
				w.Errorf("%s: an outsider is led in", name)
			}
		}
	}
	w.unchanged("looking", func() {
		for _, user := range []string{"ada", "kim", "x", "y"} {
			lead(w, user)
		}
		stop(w, person("z", "z@example.com"))
		stop(w, invitations.Identity{}) // nobody is signed in
	})
	// A full organization, and one without links, still opens for its members.
	tight := w.with(invitations.Config{MemberLimit: 1})
	w.ok(w.svc.SetLimits(w.ctx, invitations.System(), "acme", invitations.Limits{NoLinks: true, AllowedDomains: []string{"corp.example"}}))
	lead(tight, "kim")
	// Purged invitations leave tokens that lead members in, too.
	w.clock.Add(60 * day)
	w.purge(w.clock.Now().Add(-day))
	lead(w, "kim")
	stop(w, person("z", "z@example.com"))
	// Members of another organization are outsiders, and so are those who left.
	w.found("beta", "z")
	stop(w, person("z", "z@example.com"))
	w.leave("acme", "kim")
	stop(w, person("kim", "kim@example.com"))
	w.ok(w.svc.DeleteOrganization(w.ctx, ada, "acme"))
	stop(w, person("ada", "ada@example.com"))
}

// tag returns a short text for a number.
func tag(n int) string { return string(rune('a' + n)) }

// storyWhomToAsk: the token of an invitation that has expired, is used up or has lost its sender
// still says what it was. Other dead tokens reveal nothing.
func storyWhomToAsk(w *world) {
	w.company()
	w.role("acme", "joe", "admin")
	odd := w.with(invitations.Config{Policy: oddPolicy()})
	invite := func(email string) invitations.SentInvitation { return w.invite(ada, "acme", email, "viewer") }
	replaced := invite("a@example.com")
	accepted := invite("b@example.com")
	w.accept(accepted, person("b", "b@example.com"))
	w.leave("acme", "b")
	declined := invite("c@example.com")
	w.ok(w.svc.Decline(w.ctx, declined.Token.Reveal()))
	revoked := invite("d@example.com")
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", revoked.ID)))
	usedUp := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1, Message: "Hi"})
	w.accept(usedUp, invitations.Identity{UserID: "y"})
	unentitled := w.invite(invitations.User("joe"), "acme", "e@example.com", "viewer")
	w.role("acme", "joe", "viewer")
	unknown := odd.invite(ada, "acme", "f@example.com", "guest")
	removed := invite("g@example.com")
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}), invitations.Identity{UserID: "g"})
	w.remove("acme", "g")
	expired, expiredLink := invite("h@example.com"), w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer", Message: "Hi"})
	w.resend(ada, replaced)

	outsider, g := person("z", "z@example.com"), person("g", "g@example.com")
	says := func(name string, sent invitations.SentInvitation, who invitations.Identity, reason error, offer bool) {
		w.Helper()
		next, err := w.svc.NextStep(w.ctx, sent.Token.Reveal(), invitations.Visitor{Identity: who, HasAccount: accounts()})
		w.ok(err)
		want := invitations.Offer{}
		if offer {
			want = offerOf(sent)
		}
		if next.Step != invitations.StepStop || !errors.Is(next.Reason, reason) || next.Organization != "" {
			w.Errorf("%s: got step %q of organization %q (%v)", name, next.Step, next.Organization, next.Reason)
		}
		w.equal(name+": the offer", next.Offer, want)
	}
	dead := func() {
		w.Helper()
		for _, who := range []invitations.Identity{{}, outsider, g} {
			says("used up", usedUp, who, invitations.ErrExhausted, true)
			says("accepted by another", accepted, who, invitations.ErrAccepted, true)
			says("declined", declined, who, invitations.ErrDeclined, false)
			says("revoked", revoked, who, invitations.ErrRevoked, false)
			says("replaced", replaced, who, invitations.ErrInvalidToken, false)
		}
	}
	w.unchanged("looking", func() {
		dead()
		for _, who := range []invitations.Identity{{}, outsider, g} {
			says("without an entitled sender", unentitled, who, invitations.ErrSenderNotEntitled, true)
			says("for an unknown role", unknown, who, invitations.ErrRoleUnknown, true)
		}
		says("removed after it was sent", removed, g, invitations.ErrRevoked, false)
		// A token that is not genuine reveals nothing, whatever it is made of.
		token := []byte(usedUp.Token.Reveal())
		slices.Reverse(token[8:])
		next, err := w.svc.NextStep(w.ctx, string(token), invitations.Visitor{Identity: outsider})
		w.ok(err)
		w.refused(next.Reason, invitations.ErrInvalidToken)
		w.equal("a forged token", next.Offer, invitations.Offer{})
	})
	w.clock.Add(7 * day)
	w.unchanged("looking", func() {
		dead()
		for _, who := range []invitations.Identity{{}, outsider} {
			says("expired", expired, who, invitations.ErrExpired, true)
			says("an expired link", expiredLink, who, invitations.ErrExpired, true)
			says("expired, without an entitled sender", unentitled, who, invitations.ErrExpired, true)
		}
	})
}
