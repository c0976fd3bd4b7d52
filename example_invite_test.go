package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

func ExampleService_Invite() {
	ctx := context.Background()
	svc := exampleService()
	mail := func(to, link string) { fmt.Println("mail to", to) }

	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme",
		Email:        "bob@example.com",
		Role:         invitations.RoleDeveloper,
		Message:      "Welcome to the team!",
		ExpiresIn:    3 * 24 * time.Hour, // the default is 7 days
	})
	if err != nil {
		log.Fatal(err)
	}
	mail(sent.Email, "https://app.example.com/invite/"+sent.Token.Reveal())

	fmt.Println(sent.State, "until", sent.ExpiresAt.Format(time.DateOnly))
	// Output:
	// mail to bob@example.com
	// pending until 2026-03-04
}

// A call with an ID can be repeated when its answer was lost.
func ExampleService_Invite_repeat() {
	ctx := context.Background()
	svc := exampleService()

	id, err := uuid.NewV7() // before the first attempt
	if err != nil {
		log.Fatal(err)
	}
	params := invitations.InviteParams{
		ID: id, Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	}
	first, err := svc.Invite(ctx, invitations.User("ada"), params)
	if err != nil {
		log.Fatal(err)
	}
	second, err := svc.Invite(ctx, invitations.User("ada"), params)
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println("first call repeated:", first.Repeated)
	fmt.Println("second call repeated:", second.Repeated)
	fmt.Println("same invitation:", first.ID == second.ID)
	// Output:
	// first call repeated: false
	// second call repeated: true
	// same invitation: true
}

func ExampleService_CreateLink() {
	ctx := context.Background()
	svc := exampleService()

	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer,
		MaxUses: 10, AllowedDomains: []string{"example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	token := link.Token.Reveal()

	bob, err := svc.Accept(ctx, token, invitations.Identity{
		UserID: "bob", Email: "bob@example.com", EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bob.UserID, bob.Role)

	_, err = svc.Accept(ctx, token, invitations.Identity{
		UserID: "eve", Email: "eve@example.com.evil.example", EmailVerified: true,
	})
	fmt.Println(err)
	// Output:
	// bob viewer
	// invitations: email domain is not allowed
}

func ExampleService_InviteAll() {
	ctx := context.Background()
	svc := exampleService()

	rows := []invitations.InviteParams{
		{Email: "bob@example.com", Role: invitations.RoleDeveloper},
		{Email: "carol@example.com", Role: invitations.RoleViewer},
		{Email: "BOB@example.com", Role: invitations.RoleViewer},
	}
	outcomes, err := svc.InviteAll(ctx, invitations.User("ada"), "acme", rows)
	if err != nil {
		log.Fatal(err) // the whole call was refused, and nobody was invited
	}
	for i, outcome := range outcomes {
		if outcome.Err != nil {
			fmt.Println(rows[i].Email, "refused:", outcome.Err)
			continue
		}
		fmt.Println(rows[i].Email, "invited as", outcome.Invitation.Role)
	}
	// Output:
	// bob@example.com invited as developer
	// carol@example.com invited as viewer
	// BOB@example.com refused: invitations: address is already invited
}

// The link in Bob's mailbox stays the same and grants the new role.
func ExampleService_Edit() {
	ctx := context.Background()
	svc := exampleService()
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	edited, err := svc.Edit(ctx, ada, invitations.EditParams{
		Organization: "acme", ID: sent.ID,
		Role: invitations.RoleDeveloper, Message: new("Now with more to do."),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("offered:", edited.Role)

	bob, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{
		UserID: "bob", Email: "bob@example.com", EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("joined:", bob.Role)
	// Output:
	// offered: developer
	// joined: developer
}

// Resending makes a new token. The old one is dead at once.
func ExampleService_Resend() {
	ctx := context.Background()
	now := exampleTime
	svc := exampleServiceWith(invitations.Config{Clock: func() time.Time { return now }})
	ada := invitations.User("ada")
	first, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	now = now.Add(10 * 24 * time.Hour) // the invitation has expired meanwhile
	_, err = svc.Lookup(ctx, first.Token.Reveal())
	fmt.Println("expired:", errors.Is(err, invitations.ErrExpired))

	second, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: first.ID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(second.State, "until", second.ExpiresAt.Format(time.DateOnly))

	_, err = svc.Lookup(ctx, first.Token.Reveal())
	fmt.Println("old token:", err)
	// Output:
	// expired: true
	// pending until 2026-03-18
	// old token: invitations: invalid token
}

func ExampleService_Revoke() {
	ctx := context.Background()
	svc := exampleService()
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	revoked, err := svc.Revoke(ctx, ada, "acme", sent.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(revoked.Email, revoked.State)

	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	fmt.Println(err)
	// Output:
	// bob@example.com revoked
	// invitations: invitation was revoked
}

// The newest invitation comes first. The filters can be combined.
func ExampleService_AllInvitations() {
	ctx := context.Background()
	now := exampleTime
	svc := exampleServiceWith(invitations.Config{Clock: func() time.Time { return now }})
	ada := invitations.User("ada")
	for _, email := range []string{"bob@example.com", "carol@example.com"} {
		_, err := svc.Invite(ctx, ada, invitations.InviteParams{
			Organization: "acme", Email: email, Role: invitations.RoleViewer,
		})
		if err != nil {
			log.Fatal(err)
		}
		now = now.Add(time.Second)
	}

	pending := invitations.InvitationsParams{Organization: "acme", State: invitations.StatePending}
	for inv, err := range svc.AllInvitations(ctx, ada, pending) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(inv.Email, inv.Role)
	}
	// Output:
	// carol@example.com viewer
	// bob@example.com viewer
}

// An API returns a page at a time, with the cursor of the next one.
func ExampleService_Invitations() {
	ctx := context.Background()
	svc := exampleService()
	ada := invitations.User("ada")
	for _, email := range []string{"bob@example.com", "carol@example.com", "kim@example.com"} {
		_, err := svc.Invite(ctx, ada, invitations.InviteParams{
			Organization: "acme", Email: email, Role: invitations.RoleViewer,
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	page, err := svc.Invitations(ctx, ada, invitations.InvitationsParams{Organization: "acme", Limit: 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("first page:", len(page.Items))

	page, err = svc.Invitations(ctx, ada, invitations.InvitationsParams{
		Organization: "acme", Limit: 2, Cursor: page.NextCursor,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("second page:", len(page.Items))
	fmt.Println("more:", page.NextCursor != "")
	// Output:
	// first page: 2
	// second page: 1
	// more: false
}
