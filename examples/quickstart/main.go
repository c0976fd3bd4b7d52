// Command quickstart tells the whole story of an invitation and of the members that it
// brings, in memory: read main.go, belonging.go and following.go, and run them with
//
//	go run ./examples/quickstart
//
// It exits with a status other than 0 if a step does not end as it says.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	ctx := context.Background()
	t := &teller{out: out}

	// A service needs a store and a key. Real keys come from where you keep secrets, and
	// real services go by time.Now; this one's time moves when the story says so.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	now := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{
		Clock:        func() time.Time { return now },
		RemindBefore: 48 * time.Hour, // of an expiry
	})
	if err != nil {
		return err
	}
	joining(ctx, t, svc, &now)
	belonging(ctx, t, svc, &now)
	following(ctx, t, svc, &now)
	return t.err
}

// joining is how people come in.
func joining(ctx context.Context, t *teller, svc *invitations.Service, now *time.Time) {
	// Users are yours. The library knows them by an id, and takes your word for
	// their address and for whether it is verified.
	ada := invitations.User("ada")
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}

	founder, err := svc.CreateOrganization(ctx, "acme", "ada")
	t.done("Found an organization", err, founder.Role == invitations.RoleOwner,
		"%s is %s of %s", founder.UserID, founder.Role, founder.Organization)

	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme",
		Email:        "Grace@Example.com",
		Role:         invitations.RoleDeveloper,
	})
	t.done("Invite by email", err, sent.State == invitations.StatePending,
		"%s as %s, %s until %s; the token prints as %v",
		sent.Email, sent.Role, sent.State, sent.ExpiresAt.Format(time.DateOnly), sent.Token)

	// The link that you mail carries the token: "https://app.example.com/invite/" + token.
	token := sent.Token.Reveal()

	// On GET: show what is offered. Mail scanners may follow the link as often as they like.
	offer, err := svc.Lookup(ctx, token)
	for range 10 {
		_, again := svc.Lookup(ctx, token)
		err = errors.Join(err, again)
	}
	after, getErr := svc.Invitation(ctx, ada, "acme", sent.ID)
	t.done("Look up what is offered", errors.Join(err, getErr), reflect.DeepEqual(after, sent.Invitation),
		"%s as %s for %s; nothing changed", offer.Organization, offer.Role, offer.Email)

	// On POST: accept. A refusal leaves the invitation as it was.
	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "mallory", Email: "mallory@example.com", EmailVerified: true})
	t.refused("Accept with a wrong account", err, invitations.ErrRecipientMismatch)

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: false})
	t.refused("Accept with an unverified address", err, invitations.ErrEmailUnverified)

	member, err := svc.Accept(ctx, token, grace)
	t.done("Accept with the invited account", err, member.Role == invitations.RoleDeveloper,
		"%s is %s of %s, invited by %s", member.UserID, member.Role, member.Organization, member.InvitedBy)

	again, err := svc.Accept(ctx, token, grace)
	t.done("Accept again, for the answer was lost", err, reflect.DeepEqual(again, member),
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
	var limited *invitations.RateLimitError
	if !errors.As(err, &limited) {
		limited = &invitations.RateLimitError{}
	}
	t.refused("Resend an invitation at once", err, invitations.ErrTooSoon, "possible from "+limited.RetryAt().Format(time.TimeOnly)+" on")

	*now = limited.RetryAt()
	resent, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	t.done("Resend it then", err, resent.Email == "linus@example.com",
		"%s has a new link", resent.Email)

	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow the old link", err, invitations.ErrInvalidToken)

	revoked, err := svc.Revoke(ctx, ada, "acme", sent.ID)
	t.done("Revoke it", err, revoked.State == invitations.StateRevoked,
		"%s is %s", revoked.Email, revoked.State)

	_, err = svc.Lookup(ctx, resent.Token.Reveal())
	t.refused("Follow the new link", err, invitations.ErrRevoked)

	// A link is for whoever holds it, here for two people.
	shared, err := svc.CreateLink(ctx, ada, invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer, MaxUses: 2,
	})
	for _, user := range []string{"bob", "carol"} {
		_, joinErr := svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: user})
		err = errors.Join(err, joinErr)
	}
	used, getErr := svc.Invitation(ctx, ada, "acme", shared.ID)
	t.done("Share a link for two", errors.Join(err, getErr), used.Uses == 2,
		"bob and carol joined; used %d of %d times", used.Uses, used.MaxUses)

	_, err = svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: "dave"})
	t.refused("Join as the third", err, invitations.ErrExhausted)

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

	// No background job is needed: the clock alone decides.
	*now = last.ExpiresAt
	_, err = svc.Accept(ctx, last.Token.Reveal(), invitations.Identity{UserID: "guest10", Email: "guest10@example.com", EmailVerified: true})
	t.refused("Accept a week later", err, invitations.ErrExpired)

	sent, err = svc.Invite(ctx, ada, eleventh)
	t.done("Invite again, for the expired do not count", err, sent.State == invitations.StatePending,
		"%s is %s", sent.Email, sent.State)
}
