package invitations_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func Example() {
	ctx := context.Background()
	keys, err := invitations.NewKeyring([]byte("secret random bytes, at least 32"))
	if err != nil {
		log.Fatal(err)
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		log.Fatal(err)
	}

	// Ada invites Bob. The token belongs in the link of the email and nowhere else.
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "Bob@Example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("invited:", sent.Email, sent.Token)
	token := sent.Token.Reveal()

	// The link opens a page. Showing the offer changes nothing.
	offer, err := svc.Lookup(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("offer:", offer.Organization, offer.Role)

	// Eve has the link too, but the invitation is for another address.
	_, err = svc.Accept(ctx, token, invitations.Identity{
		UserID: "eve", Email: "eve@example.com", EmailVerified: true,
	})
	fmt.Println("eve:", err)

	// Bob signs in and accepts.
	member, err := svc.Accept(ctx, token, invitations.Identity{
		UserID: "bob", Email: "bob@example.com", EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("joined:", member.UserID, member.Role)
	// Output:
	// invited: bob@example.com [redacted]
	// offer: acme developer
	// eve: invitations: invitation was sent to another address
	// joined: bob developer
}
