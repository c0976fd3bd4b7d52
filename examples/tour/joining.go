package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-invitations/invitations"
)

// joining shows how people become members: by email invitations and by shareable links.
func (t *tour) joining(ctx context.Context, svc *invitations.Service) {
	// Your application has the users. The library knows them by their IDs, and trusts your
	// application for their addresses and whether these are verified.
	ada := invitations.User("ada")
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}

	founder, err := svc.CreateOrganization(ctx, "acme", "ada")
	t.succeeded("Create an organization", err, founder.Role == invitations.RoleOwner,
		"%s is %s of %s", founder.UserID, founder.Role, founder.Organization)

	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme",
		Email:        "Grace@Example.com",
		Role:         invitations.RoleDeveloper,
	})
	t.succeeded("Invite by email", err, sent.State == invitations.StatePending,
		"%s as %s, %s until %s; the token prints as %v",
		sent.Email, sent.Role, sent.State, sent.ExpiresAt.Format(time.DateOnly), sent.Token)

	// The link in your mail is "https://app.example.com/invite/" + token.
	token := sent.Token.Reveal()

	// On GET, show the offer. Lookup changes nothing, so mail scanners can follow the link.
	offer, err := svc.Lookup(ctx, token)
	for range 10 {
		_, againErr := svc.Lookup(ctx, token)
		err = errors.Join(err, againErr)
	}
	after, getErr := svc.Invitation(ctx, ada, "acme", sent.ID)
	t.succeeded("Look up the offer", errors.Join(err, getErr), reflect.DeepEqual(after, sent.Invitation),
		"%s as %s for %s; nothing changed", offer.Organization, offer.Role, offer.Email)

	// On POST, accept. A refusal changes nothing.
	mallory := invitations.Identity{UserID: "mallory", Email: "mallory@example.com", EmailVerified: true}
	_, err = svc.Accept(ctx, token, mallory)
	t.refused("Accept with the wrong account", err, invitations.ErrRecipientMismatch)

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "grace", Email: "grace@example.com"})
	t.refused("Accept with an unverified address", err, invitations.ErrEmailUnverified)

	member, err := svc.Accept(ctx, token, grace)
	t.succeeded("Accept with the invited account", err, member.Role == invitations.RoleDeveloper,
		"%s is %s of %s, invited by %s", member.UserID, member.Role, member.Organization, member.InvitedBy)

	again, err := svc.Accept(ctx, token, grace)
	t.succeeded("Accept again, because the answer was lost", err, again.Repeated && reflect.DeepEqual(again.Member, member.Member),
		"the same membership")

	_, err = svc.Invite(ctx, invitations.User("grace"), invitations.InviteParams{
		Organization: "acme", Email: "friend@example.com", Role: invitations.RoleViewer,
	})
	t.refused("Invite as a developer", err, invitations.ErrPermissionDenied)

	sent, err = svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "linus@example.com", Role: invitations.RoleAdmin,
	})
	t.check("inviting linus", err)
	_, err = svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	var limit *invitations.RateLimitError
	if !errors.As(err, &limit) {
		limit = &invitations.RateLimitError{}
	}
	t.refused("Resend at once", err, invitations.ErrTooSoon, "possible at "+limit.RetryAt().Format(time.TimeOnly))

	t.now = limit.RetryAt()
	resent, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	t.succeeded("Resend a minute later", err, resent.Email == "linus@example.com", "%s has a new link", resent.Email)

	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow the old link", err, invitations.ErrInvalidToken)

	revoked, err := svc.Revoke(ctx, ada, "acme", sent.ID)
	t.succeeded("Revoke", err, revoked.State == invitations.StateRevoked, "%s is %s", revoked.Email, revoked.State)

	_, err = svc.Lookup(ctx, resent.Token.Reveal())
	t.refused("Follow the new link", err, invitations.ErrRevoked)

	// Everybody who has a shareable link can join by it. This one works twice.
	shared, err := svc.CreateLink(ctx, ada, invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer, MaxUses: 2,
	})
	for _, user := range []string{"bob", "carol"} {
		_, acceptErr := svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: user})
		err = errors.Join(err, acceptErr)
	}
	used, getErr := svc.Invitation(ctx, ada, "acme", shared.ID)
	t.succeeded("Share a link for two people", errors.Join(err, getErr), used.Uses == 2,
		"bob and carol joined; used %d of %d times", used.Uses, used.MaxUses)

	_, err = svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: "dave"})
	t.refused("Join as the third person", err, invitations.ErrExhausted)

	var last invitations.SentInvitation
	for i := range 10 {
		last, err = svc.Invite(ctx, ada, invitations.InviteParams{
			Organization: "acme", Email: fmt.Sprintf("guest%d@example.com", i+1), Role: invitations.RoleViewer,
		})
		t.check("inviting a guest", err)
	}
	eleventh := invitations.InviteParams{Organization: "acme", Email: "guest11@example.com", Role: invitations.RoleViewer}
	_, err = svc.Invite(ctx, ada, eleventh)
	t.refused("Invite while ten are pending", err, invitations.ErrPendingLimit)

	// Expiry needs no background job. The clock decides.
	t.now = last.ExpiresAt
	guest := invitations.Identity{UserID: "guest10", Email: "guest10@example.com", EmailVerified: true}
	_, err = svc.Accept(ctx, last.Token.Reveal(), guest)
	t.refused("Accept a week later", err, invitations.ErrExpired)

	sent, err = svc.Invite(ctx, ada, eleventh)
	t.succeeded("Invite again, because expired invitations do not count", err, sent.State == invitations.StatePending,
		"%s is %s", sent.Email, sent.State)
}
