// Command quickstart invites a person to an organization by email, with everything in memory.
// The program examples/tour shows the rest of the library.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

const baseURL = "https://app.example.com/invite/"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	// The key signs the links. In production, load a secret that stays the same.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
	if err != nil {
		return err
	}

	// Your application has the users. The library knows them by their IDs.
	owner, err := svc.CreateOrganization(ctx, "acme", "ada")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s creates %s and is its %s.\n", owner.UserID, owner.Organization, owner.Role)

	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "grace@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		return err
	}
	link := baseURL + sent.Token.Reveal() // a secret: mail it to sent.Email, and do not log it
	fmt.Fprintf(out, "ada invites %s. The invitation is %s.\n%s\n", sent.Email, sent.State, link)

	// Grace opens the link. Your page takes the token from the path and shows the offer.
	token := strings.TrimPrefix(link, baseURL)
	offer, err := svc.Lookup(ctx, token)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The page behind the link offers to join %s as %s.\n", offer.Organization, offer.Role)

	// Grace signs in and accepts. Your application vouches for the verified address.
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}
	member, err := svc.Accept(ctx, token, grace)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s accepts and is now a %s.\n", member.UserID, member.Role)

	// Your own routes ask this at every request. An error means that they must refuse it.
	if _, err := svc.Authorize(ctx, "acme", "grace", invitations.PermissionOrganizationUse); err != nil {
		return err
	}
	fmt.Fprintln(out, "grace may use acme.")
	return nil
}
