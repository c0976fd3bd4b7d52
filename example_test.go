package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// exampleService returns a service with the organization acme of ada's.
func exampleService() *invitations.Service {
	keys, err := invitations.NewKeyring([]byte("an example's key of 32 bytes ...."))
	if err != nil {
		panic(err)
	}
	clock := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{Clock: clock})
	if err != nil {
		panic(err)
	}
	if _, err := svc.CreateOrganization(context.Background(), "acme", "ada"); err != nil {
		panic(err)
	}
	return svc
}

func Example() {
	ctx, svc := context.Background(), exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "Bob@Example.com", Role: invitations.RoleDeveloper,
	})
	fmt.Println(sent.Email, sent.State, sent.ExpiresAt.Format(time.DateOnly), sent.Token, err)

	token := sent.Token.Reveal() // goes into the link
	offer, err := svc.Lookup(ctx, token)
	fmt.Println(offer.Organization, offer.Role, err)

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "eve", Email: "eve@example.com", EmailVerified: true})
	fmt.Println(err)

	member, err := svc.Accept(ctx, token, invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true})
	fmt.Println(member.UserID, member.Role, err)
	// Output:
	// bob@example.com pending 2026-03-08 [redacted] <nil>
	// acme developer <nil>
	// invitations: invitation was sent to another address
	// bob developer <nil>
}

func ExampleService_CreateLink() {
	ctx, svc := context.Background(), exampleService()
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.LinkParams{
		Organization: "acme", Role: invitations.RoleViewer, MaxUses: 10, AllowedDomains: []string{"example.com"},
	})
	fmt.Println(link.Kind, link.MaxUses, link.AllowedDomains, err)

	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "eve", Email: "eve@example.com.evil.example", EmailVerified: true})
	fmt.Println(err)
	// Output:
	// link 10 [example.com] <nil>
	// invitations: email domain is not allowed
}

func ExampleService_Next() {
	ctx, svc := context.Background(), exampleService()
	sent, _ := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	hasAccount := func(context.Context, string) (bool, error) { return false, nil }
	show := func(token string, signedIn invitations.Identity) error {
		next, err := svc.Next(ctx, token, invitations.Visitor{Identity: signedIn, HasAccount: hasAccount})
		if err != nil {
			return err
		}
		switch next.Step {
		case invitations.StepAccept: // show next.Offer and a button
		case invitations.StepSignIn, invitations.StepRegister: // with next.Offer.Email
		case invitations.StepSwitchAccount, invitations.StepVerifyEmail: // the account does not fit, or not yet
		case invitations.StepOpen: // a member already, of next.Organization
		case invitations.StepStop: // next.Reason says why
		}
		fmt.Println(next.Step)
		return nil
	}
	token := sent.Token.Reveal()
	_ = show(token, invitations.Identity{})
	_ = show(token, invitations.Identity{UserID: "bob", Email: "bob@example.com"})
	_ = show(token, invitations.Identity{UserID: "eve", Email: "eve@example.com", EmailVerified: true})
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	_ = show(token, bob)
	_, _ = svc.Accept(ctx, token, bob)
	_ = show(token, bob)
	_ = show("inv_forged", bob)
	// Output:
	// register
	// verify_email
	// switch_account
	// accept
	// open
	// stop
}

func ExampleService_Resend() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	sent, _ := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer})
	again, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	fmt.Println(again.ID == sent.ID, err)
	_, err = svc.Lookup(ctx, sent.Token.Reveal()) // the old token
	fmt.Println(err)

	_, err = svc.Revoke(ctx, ada, "acme", sent.ID)
	fmt.Println(err)
	_, err = svc.Lookup(ctx, again.Token.Reveal())
	fmt.Println(errors.Is(err, invitations.ErrRevoked), errors.Is(err, invitations.ErrNotPending))
	// Output:
	// true <nil>
	// invitations: invalid token
	// <nil>
	// true true
}

func ExampleService_All() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	for _, email := range []string{"bob@example.com", "kim@example.com"} {
		_, _ = svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: email, Role: invitations.RoleViewer})
	}
	show := func() error {
		for inv, err := range svc.All(ctx, ada, invitations.ListParams{Organization: "acme", State: invitations.StatePending}) {
			if err != nil {
				return err
			}
			fmt.Println(inv.Email, inv.Role)
		}
		return nil
	}
	fmt.Println(show())
	// Unordered output:
	// bob@example.com viewer
	// kim@example.com viewer
	// <nil>
}

func ExamplePolicy_Allows() {
	ctx, svc := context.Background(), exampleService()
	for _, user := range []string{"ada", "eve"} {
		member, err := svc.Member(ctx, "acme", user)
		allowed := err == nil && svc.Policy().Allows(member.Role, invitations.PermissionOrganizationUse)
		fmt.Println(user, allowed)
	}
	// Output:
	// ada true
	// eve false
}

func ExampleNewPolicy() {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		invitations.RoleOwner: {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend,
			invitations.PermissionInvitationRevoke, invitations.PermissionInvitationList, "report:read", "report:write",
		},
		"author": {"report:read", "report:write"},
		"reader": {"report:read"},
	})
	fmt.Println(policy.CanGrant("author", "reader"), policy.CanGrant("reader", "author"), policy.CanGrant("author", "unknown"), err)
	// Output: true false false <nil>
}

func ExampleError() {
	answer := func(w http.ResponseWriter, err error) {
		var refusal *invitations.Error
		if errors.As(err, &refusal) {
			http.Error(w, refusal.Message(), refusal.HTTPStatus()) // refusal.Code() is stable
			return
		}
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
	}
	_, err := exampleService().Lookup(context.Background(), "inv_forged")
	w := httptest.NewRecorder()
	answer(w, err)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 404 Invitation no longer valid
}

func ExampleNewKeyring() {
	oldKey, newKey := []byte("the key of last year, 32 bytes .."), []byte("the key of this year, 32 bytes ..")
	before, _ := invitations.NewKeyring(oldKey)
	token := before.Sign([16]byte{1}, invitations.NewNonce())

	rotated, _ := invitations.NewKeyring(newKey, oldKey) // signs with the first, accepts both
	_, _, err := rotated.Verify(token.Reveal())
	fmt.Println(err)
	after, _ := invitations.NewKeyring(newKey)
	_, _, err = after.Verify(token.Reveal())
	fmt.Println(err)
	// Output:
	// <nil>
	// invitations: invalid token
}
