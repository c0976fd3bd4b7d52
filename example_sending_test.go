package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-invitations/invitations"
)

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
