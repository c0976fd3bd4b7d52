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

	pending := invitations.InvitationsParams{Organization: "acme", States: []invitations.State{invitations.StatePending}}
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

// A worker of a mail queue gets IDs from its job, and asks for the link when it sends.
func ExampleService_PendingToken() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	work := func() error {
		current, err := svc.PendingToken(ctx, invitations.System(), "acme", sent.ID)
		if errors.Is(err, invitations.ErrNotPending) || errors.Is(err, invitations.ErrNotFound) {
			fmt.Println("nothing to send:", err)
			return nil // the job is done
		}
		if err != nil {
			return err // the queue tries again
		}
		fmt.Println("mail to", current.Email)
		return nil
	}
	if err := work(); err != nil {
		log.Fatal(err)
	}
	if _, err := svc.Revoke(ctx, invitations.User("ada"), "acme", sent.ID); err != nil {
		log.Fatal(err)
	}
	if err := work(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// mail to bob@example.com
	// nothing to send: invitations: invitation was revoked
}

// A host calls Sweep every few minutes. Each reminder and each expiry is returned once.
func ExampleService_Sweep() {
	ctx := context.Background()
	now := exampleTime
	svc := exampleServiceWith(invitations.Config{
		RemindBefore: 48 * time.Hour,
		Clock:        func() time.Time { return now },
	})
	_, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}
	enqueueReminder := func(inv invitations.Invitation) error {
		fmt.Println(now.Format(time.DateOnly), "remind", inv.Email)
		return nil
	}

	sweep := func() error {
		for {
			swept, err := svc.Sweep(ctx, 100)
			if err != nil {
				return err
			}
			for _, inv := range swept.Reminders {
				if err := enqueueReminder(inv); err != nil {
					return err
				}
			}
			for _, inv := range swept.Expired {
				fmt.Println(now.Format(time.DateOnly), inv.State, inv.Email)
			}
			if len(swept.Reminders)+len(swept.Expired) == 0 {
				return nil
			}
		}
	}
	for range 9 { // days
		if err := sweep(); err != nil {
			log.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
	}
	// Output:
	// 2026-03-06 remind bob@example.com
	// 2026-03-08 expired bob@example.com
}

// An email invitation can be resent once a minute.
func ExampleRateLimitError() {
	ctx := context.Background()
	svc := exampleService()
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	_, err = svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	var limit *invitations.RateLimitError
	if errors.As(err, &limit) {
		fmt.Println("try again at", limit.RetryAt().Format(time.DateTime))
	}
	// Output:
	// try again at 2026-03-01 12:01:00
}
