package invitations_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-invitations/invitations"
)

// Lookup shows an offer on GET. Mail scanners can call it without harm.
func ExampleService_Lookup() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}

	for range 2 {
		offer, err := svc.Lookup(ctx, sent.Token.Reveal())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(offer.Email, offer.Organization, offer.Role)
	}
	// Output:
	// bob@example.com acme developer
	// bob@example.com acme developer
}

// The page behind the link asks NextStep on GET.
func ExampleService_NextStep() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}

	// The host looks up whether an account with this verified address exists.
	hasAccount := func(ctx context.Context, email string) (bool, error) { return false, nil }

	// signedIn comes from the session. The zero Identity means that nobody is signed in.
	show := func(token string, signedIn invitations.Identity) error {
		next, err := svc.NextStep(ctx, token, invitations.Visitor{Identity: signedIn, HasAccount: hasAccount})
		if err != nil {
			return err
		}
		switch next.Step {
		case invitations.StepSignIn:
			fmt.Println("show the sign-in form")
		case invitations.StepRegister:
			fmt.Println("register", next.Offer.Email)
		case invitations.StepVerifyEmail:
			fmt.Println("verify the address of the account")
		case invitations.StepSwitchAccount:
			fmt.Println("sign in with another account")
		case invitations.StepAccept:
			fmt.Println("show the offer of", next.Offer.Organization, "with a button to accept")
		case invitations.StepOpen:
			fmt.Println("already a member: open", next.Organization)
		case invitations.StepStop:
			fmt.Println("no longer valid:", next.Reason)
		}
		return nil
	}

	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	for _, signedIn := range []invitations.Identity{
		{}, // nobody
		{UserID: "eve", Email: "eve@example.com", EmailVerified: true},
		{UserID: "bob", Email: "bob@example.com"},
		bob,
	} {
		if err := show(sent.Token.Reveal(), signedIn); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := svc.Accept(ctx, sent.Token.Reveal(), bob); err != nil {
		log.Fatal(err)
	}
	if err := show(sent.Token.Reveal(), bob); err != nil {
		log.Fatal(err)
	}
	if err := show("inv_forged", bob); err != nil {
		log.Fatal(err)
	}
	// Output:
	// register bob@example.com
	// sign in with another account
	// verify the address of the account
	// show the offer of acme with a button to accept
	// already a member: open acme
	// no longer valid: invitations: invalid token
}

// The token and the verified address decide. A refusal leaves the invitation as it was.
func ExampleService_Accept() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}
	token := sent.Token.Reveal()

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "bob", Email: "bob@example.com"})
	fmt.Println(err)

	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	for range 2 { // a client that lost the answer can repeat the call
		member, err := svc.Accept(ctx, token, bob)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.UserID, member.Role)
	}
	// Output:
	// invitations: email address is not verified
	// bob developer
	// bob developer
}

// Declining needs only the token: the recipient may have no account.
func ExampleService_Decline() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}

	if err := svc.Decline(ctx, sent.Token.Reveal()); err != nil {
		log.Fatal(err)
	}
	inv, err := svc.Invitation(ctx, invitations.User("ada"), "acme", sent.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(inv.Email, inv.State)
	// Output:
	// bob@example.com declined
}

// A person with a verified address finds invitations without the email, and chooses one.
func ExampleService_Received() {
	ctx := context.Background()
	svc := exampleService()
	_, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}

	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	received, err := svc.Received(ctx, bob, invitations.ReceivedParams{})
	if err != nil {
		log.Fatal(err)
	}
	for _, offer := range received.Items {
		fmt.Println("offered:", offer.Organization, offer.Role)
	}

	chosen := received.Items[0]
	member, err := svc.AcceptReceived(ctx, chosen.Organization, chosen.ID, bob)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("joined:", member.Organization, member.Role)
	// Output:
	// offered: acme developer
	// joined: acme developer
}
