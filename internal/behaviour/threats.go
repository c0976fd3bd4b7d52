package behaviour

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// threats are stories of vulnerabilities that invitation systems have had. The classes follow
// the life of an invitation: redemption, grants, lifetime, leaks.
var threats = []check{
	{"Class01_EmailIsBoundToToken", storyBound},
	{"Class02_UnverifiedEmailIsNoProof", storyUnverified},
	{"Class03_OneCanonicalForm", storyCanonical},
	{"Class05_DomainsAreExact", storyDomains},
	{"Class07_AcceptanceRewritesNoMembership", storyNoRewrite},
	{"Class09_RoleComesFromTheInvitation", storyRoleFromInvitation},
	{"Class10_NobodyGivesWhatTheyDoNotHold", storyNoEscalation},
	{"Class11_RefusedOnceIsRefusedEveryTime", storyRefusedAgain},
	{"Class15_SenderAuthorityAtAcceptance", storySenderAuthority},
	{"Class17_TokenOfOneThingOnly", storyPurpose},
	{"Class18_IDsOfAnotherOrganization", storyOtherOrganization},
	{"Class23_StoreWithoutKeyOpensNothing", storyWithoutKey},
	{"Class24_ExpiryIsCheckedAtUse", storyExpiry},
	{"Class25_RevokedIsDead", storyRevoked},
	{"Class26_ResendKillsTheOldToken", storyResend},
	{"Class27_AcceptedIsSpent", storySpent},
}

func storyBound(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "admin")
	for _, email := range []string{
		"", "eve@example.com", "ann@example.com.evil.example", "ann@sub.example.com", "ann@example.co", "ann+x@example.com", "a.nn@example.com",
		"ann@example.com,eve@evil.example", "Ann <ann@example.com>", " ann@example.com", "ann@example.com ", "ann@example.com\n", "ann@ex\u00e4mple.com",
		"\"ann\"@example.com", "ann@example.com\x00", "ann@EXAMPLE.com@evil.example",
	} {
		w.acceptRefused(sent, person("eve", email), invitations.ErrRecipientMismatch)
	}
	w.accept(sent, person("ann", "Ann@Example.Com"))
}

func storyUnverified(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "admin")
	w.acceptRefused(sent, invitations.Identity{UserID: "eve", Email: "ann@example.com"}, invitations.ErrEmailUnverified)
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", AllowedDomains: []string{"example.com"}})
	w.acceptRefused(link, invitations.Identity{UserID: "eve", Email: "eve@example.com"}, invitations.ErrEmailUnverified)
	w.next(link, invitations.Visitor{Identity: invitations.Identity{UserID: "eve", Email: "eve@example.com"}}, invitations.StepVerifyEmail)
}

func storyCanonical(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "Ann.Lee+x@B\u00fccher.Example", "viewer")
	if sent.Email != "ann.lee+x@xn--bcher-kva.example" {
		w.Errorf("got address %q", sent.Email)
	}
	// These are equal under the folding rules of a database or of Unicode.
	for _, email := range []string{"ann.lee+x@bucher.example", "ann.lee+x@b\u00fccher.exampl\u00e9", "\u0430nn.lee+x@b\u00fccher.example", "annlee+x@b\u00fccher.example", "ann.lee@b\u00fccher.example"} {
		w.acceptRefused(sent, person("eve", email), invitations.ErrRecipientMismatch)
	}
	w.accept(sent, person("ann", "ANN.LEE+X@xn--BCHER-kva.EXAMPLE"))
}

func storyDomains(w *world) {
	w.found("acme", "ada")
	sent := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", AllowedDomains: []string{"Example.com", "b\u00fccher.example"}})
	for _, email := range []string{
		"eve@notexample.com", "eve@sub.example.com", "eve@example.com.evil.example", "eve@example.co", "example.com@evil.example", "", "example.com", "@example.com",
		"eve@evil.example@example.com", "eve@bucher.example", "eve@evil.example,x@example.com",
	} {
		w.acceptRefused(sent, person("eve", email), invitations.ErrDomainNotAllowed)
		w.next(sent, invitations.Visitor{Identity: person("eve", email)}, invitations.StepSwitchAccount)
	}
	w.accept(sent, person("x", "x@EXAMPLE.com"))
	w.accept(sent, person("y", "y@xn--bcher-kva.example"))
}

func storyNoRewrite(w *world) {
	w.found("acme", "ada")
	w.role("acme", "ann", "admin")
	mail := w.invite(ada, "acme", "ann@example.com", "owner")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	for _, sent := range []invitations.SentInvitation{mail, link} {
		w.acceptRefused(sent, annID, invitations.ErrAlreadyMember)
		w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepOpen)
	}
	w.accept(link, invitations.Identity{UserID: "x"}) // the refusal took no use
}

func storyRoleFromInvitation(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "billing")
	// The caller of Accept names a user, and cannot name a role.
	if m := w.accept(sent, annID); m.Role != "billing" || m.Organization != "acme" {
		w.Errorf("got %+v", m)
	}
}

func storyNoEscalation(w *world) {
	w.found("acme", "ada")
	w.role("acme", "bob", "admin")
	mail := w.invite(ada, "acme", "ann@example.com", "owner")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "owner"})
	before := w.state("acme", "ada", "bob")
	_, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "eve@example.com", Role: "owner"})
	w.refused(err, invitations.ErrRoleNotAssignable)
	_, err = w.svc.CreateLink(w.ctx, bob, invitations.CreateLinkParams{Organization: "acme", Role: "owner"})
	w.refused(err, invitations.ErrRoleNotAssignable)
	for _, sent := range []invitations.SentInvitation{mail, link} {
		_, err = w.svc.Resend(w.ctx, bob, invitations.ResendParams{Organization: "acme", ID: sent.ID})
		w.refused(err, invitations.ErrRoleNotAssignable)
		_, err = w.svc.PendingToken(w.ctx, bob, "acme", sent.ID)
		w.refused(err, invitations.ErrRoleNotAssignable)
	}
	_, err = w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "eve@example.com", Role: "superuser"})
	w.refused(err, invitations.ErrInvalid)
	for _, role := range []invitations.Role{"developer", "billing", "viewer", "superuser"} {
		w.role("acme", "low", role)
		_, err = w.svc.Invite(w.ctx, invitations.User("low"), invitations.InviteParams{Organization: "acme", Email: "eve@example.com", Role: "viewer"})
		w.refused(err, invitations.ErrPermissionDenied)
	}
	after := w.state("acme", "ada", "bob")
	w.equal("invitations", after.Invitations, before.Invitations)
	w.invite(bob, "acme", "joe@example.com", "admin") // an admin can invite an admin
}

func storyRefusedAgain(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	for range 5 {
		w.acceptRefused(sent, person("eve", "eve@example.com"), invitations.ErrRecipientMismatch)
		w.acceptRefused(sent, invitations.Identity{UserID: "ann", Email: "ann@example.com"}, invitations.ErrEmailUnverified)
	}
	_, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), invitations.Identity{})
	w.refused(err, invitations.ErrInvalid)
	w.accept(sent, annID)
}

func storySenderAuthority(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	w.role("acme", "bob", "admin")
	w.role("zeta", "bob", "admin")
	mail := w.invite(bob, "acme", "ann@example.com", "admin")
	link := w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	elsewhere := w.link(bob, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	dead := func() {
		w.Helper()
		for _, sent := range []invitations.SentInvitation{mail, link} {
			w.acceptRefused(sent, annID, invitations.ErrSenderNotEntitled)
			w.next(sent, invitations.Visitor{}, invitations.StepStop)
			_, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
			w.refused(err, invitations.ErrSenderNotEntitled)
			_, err = w.svc.PendingToken(w.ctx, ada, "acme", sent.ID)
			w.refused(err, invitations.ErrSenderNotEntitled)
		}
	}
	for _, role := range []invitations.Role{"developer", "billing", "viewer", "unknown"} {
		w.role("acme", "bob", role)
		dead()
	}
	w.change("acme", invitations.Changes{RemovedMembers: []string{"bob"}})
	dead()
	w.accept(elsewhere, annID) // the other organization has not changed
	w.accept(w.resend(ada, mail), annID)
	w.accept(w.resend(invitations.System(), link), invitations.Identity{UserID: "x"})

	byOwner := w.invite(ada, "acme", "joe@example.com", "owner")
	w.role("acme", "eve", "owner") // an organization has one
	w.role("acme", "ada", "admin") // may still invite, except owners
	w.acceptRefused(byOwner, person("joe", "joe@example.com"), invitations.ErrSenderNotEntitled)
}

func storyPurpose(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	a := w.invite(ada, "acme", "ann@example.com", "viewer")
	z := w.invite(ada, "zeta", "ann@example.com", "admin")
	if m := w.accept(a, annID); m.Organization != "acme" || m.Role != "viewer" {
		w.Errorf("got %+v", m)
	}
	if _, err := w.svc.Member(w.ctx, "zeta", "ann"); !errors.Is(err, invitations.ErrNotFound) {
		w.Errorf("a member of the other organization: %v", err)
	}
	// Parts of two tokens do not make a token.
	mixed := a.Token.Reveal()[:40] + z.Token.Reveal()[40:]
	_, err := w.svc.Accept(w.ctx, mixed, annID)
	w.refused(err, invitations.ErrInvalidToken)
	page, err := w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", Limit: 1})
	w.ok(err)
	for _, text := range []string{a.ID.String(), page.NextCursor, ""} { // an ID or a cursor is not a token
		_, err := w.svc.Accept(w.ctx, text, annID)
		w.refused(err, invitations.ErrInvalidToken)
	}
}

func storyOtherOrganization(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "eve")
	eve := invitations.User("eve")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	before := w.state("acme")
	for _, id := range []uuid.UUID{sent.ID, id(77)} { // an ID of the other organization, and an unknown one
		for name, err := range map[string]error{
			"get":    second(w.svc.Invitation(w.ctx, eve, "zeta", id)),
			"resend": second(w.svc.Resend(w.ctx, eve, invitations.ResendParams{Organization: "zeta", ID: id})),
			"revoke": second(w.svc.Revoke(w.ctx, eve, "zeta", id)),
			"token":  second(w.svc.PendingToken(w.ctx, eve, "zeta", id)),
		} {
			if err != error(invitations.ErrNotFound) { //nolint:errorlint // the very same answer
				w.Errorf("%s: got error %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"get":    second(w.svc.Invitation(w.ctx, eve, "acme", id)),
			"resend": second(w.svc.Resend(w.ctx, eve, invitations.ResendParams{Organization: "acme", ID: id})),
			"revoke": second(w.svc.Revoke(w.ctx, eve, "acme", id)),
			"token":  second(w.svc.PendingToken(w.ctx, eve, "acme", id)),
			"list":   second(w.svc.Invitations(w.ctx, eve, invitations.InvitationsParams{Organization: "acme"})),
		} {
			if err != error(invitations.ErrPermissionDenied) { //nolint:errorlint // the very same answer
				w.Errorf("%s: got error %v", name, err)
			}
		}
	}
	w.equal("state", w.state("acme"), before)
	w.accept(sent, annID)
}

func storyWithoutKey(w *world) {
	w.found("acme", "ada")
	w.invite(ada, "acme", "ann@example.com", "viewer")
	record := w.state("acme").Invitations.Items[0]
	// A token of everything that the store has, signed with another key.
	other := newService(w.store, w.clock, testKey(9))
	forged := []invitations.SentInvitation{w.pending(other, record.ID)}
	// Tokens of the right key, with other nonces than the record has.
	for _, nonce := range [][16]byte{{}, {1, 2, 3}} {
		elsewhere := memstore.New()
		r := record
		r.Nonce = nonce
		w.ok(put(w.ctx, elsewhere, "acme", invitations.Changes{
			Members: []invitations.Member{member("acme", "ada", "owner")}, Invitations: []invitations.Record{r},
		}))
		forged = append(forged, w.pending(newService(elsewhere, w.clock, testKey(1)), record.ID))
	}
	for _, sent := range forged {
		w.refused(second(w.svc.Accept(w.ctx, sent.Token.Reveal(), annID)), invitations.ErrInvalidToken)
		w.refused(second(w.svc.Lookup(w.ctx, sent.Token.Reveal())), invitations.ErrInvalidToken)
		w.refused(w.svc.Decline(w.ctx, sent.Token.Reveal()), invitations.ErrInvalidToken)
	}
	w.accept(w.pending(w.svc, record.ID), annID)
}

// pending returns an invitation to acme with the token that svc makes.
func (w *world) pending(svc *invitations.Service, id uuid.UUID) invitations.SentInvitation {
	w.Helper()
	sent, err := svc.PendingToken(w.ctx, ada, "acme", id)
	w.ok(err)
	return sent
}

func storyExpiry(w *world) {
	w.found("acme", "ada")
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "viewer", ExpiresIn: day})
	w.ok(err)
	w.clock.Add(day - time.Microsecond)
	_, err = w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	w.clock.Add(time.Microsecond)
	w.acceptRefused(sent, annID, invitations.ErrExpired)
	_, err = w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.refused(err, invitations.ErrExpired)
	_, err = w.svc.PendingToken(w.ctx, ada, "acme", sent.ID)
	w.refused(err, invitations.ErrExpired)
	_, err = w.svc.Revoke(w.ctx, ada, "acme", sent.ID)
	w.refused(err, invitations.ErrExpired)
	w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepStop)
	if got := w.get(sent); got.State != invitations.StateExpired {
		w.Errorf("got state %q", got.State)
	}
}

func storyRevoked(w *world) {
	w.found("acme", "ada")
	for _, sent := range []invitations.SentInvitation{
		w.invite(ada, "acme", "ann@example.com", "viewer"),
		w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}),
	} {
		inv, err := w.svc.Revoke(w.ctx, ada, "acme", sent.ID)
		w.ok(err)
		if inv.State != invitations.StateRevoked || !inv.EndedAt.Equal(start) {
			w.Errorf("got %+v", inv)
		}
		w.acceptRefused(sent, annID, invitations.ErrRevoked)
		_, err = w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
		w.refused(err, invitations.ErrRevoked)
	}
}

func storyResend(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.clock.Add(day)
	again := w.resend(ada, sent)
	if again.Token.Reveal() == sent.Token.Reveal() || again.ID != sent.ID || !again.ExpiresAt.Equal(sent.ExpiresAt.Add(day)) {
		w.Errorf("got %+v", again)
	}
	w.acceptRefused(sent, annID, invitations.ErrInvalidToken)
	w.refused(w.svc.Decline(w.ctx, sent.Token.Reveal()), invitations.ErrInvalidToken)
	_, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.refused(err, invitations.ErrInvalidToken)
	w.next(sent, invitations.Visitor{}, invitations.StepStop)
	w.accept(again, annID)
}

func storySpent(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(sent, annID)
	w.acceptRefused(sent, person("other", "ann@example.com"), invitations.ErrAccepted)
	w.acceptRefused(sent, person("eve", "eve@example.com"), invitations.ErrAccepted)
	w.refused(w.svc.Decline(w.ctx, sent.Token.Reveal()), invitations.ErrAccepted)
}
