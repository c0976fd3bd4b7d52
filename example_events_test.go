package invitations_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-invitations/invitations"
)

// An audit page shows the newest events first, a page at a time.
func ExampleService_Timeline() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	if _, err := svc.RemoveMember(ctx, invitations.User("ada"), "acme", "bob"); err != nil {
		log.Fatal(err)
	}

	timeline, err := svc.Timeline(ctx, invitations.User("ada"), invitations.TimelineParams{
		Organization: "acme", NewestFirst: true, Limit: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range timeline.Items {
		fmt.Println(event.Type, "by", event.Actor, "of", event.Subject)
	}
	fmt.Println("more:", timeline.NextCursor != "")
	// Output:
	// member.removed by ada of bob
	// member.joined by bob of bob
	// more: true
}

func ExampleService_AllEvents() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	all := invitations.TimelineParams{Organization: "acme"}
	for event, err := range svc.AllEvents(ctx, invitations.User("ada"), all) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.At.Format(time.DateTime), event.Actor, event.Type, event.Role)
	}
	// Output:
	// 2026-03-01 12:00:00 ada member.joined owner
	// 2026-03-01 12:00:00 ada invitation.created developer
	// 2026-03-01 12:00:00 bob invitation.accepted developer
	// 2026-03-01 12:00:00 bob member.joined developer
}

// A follower reads the events of all organizations, and keeps the position of the last one.
func ExampleService_Feed() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	handle := func(event invitations.Event) error {
		fmt.Println(event.Organization, event.Type)
		return nil
	}

	var position int64 // stored by the host; 0 is the beginning
	follow := func() error {
		events, err := svc.Feed(ctx, position, 100)
		if err != nil {
			return err
		}
		for _, event := range events {
			if err := handle(event); err != nil {
				return err
			}
			position = event.Position // store it in the transaction of handle
		}
		return nil
	}

	if err := follow(); err != nil {
		log.Fatal(err)
	}
	if _, err := svc.CreateOrganization(ctx, "initech", "bob"); err != nil {
		log.Fatal(err)
	}
	if err := follow(); err != nil { // only what is new
		log.Fatal(err)
	}
	// Output:
	// acme member.joined
	// acme invitation.created
	// acme invitation.accepted
	// acme member.joined
	// initech member.joined
}

func ExampleService_Statistics() {
	ctx := context.Background()
	now := exampleTime
	svc := exampleServiceWith(invitations.Config{Clock: func() time.Time { return now }})
	ada := invitations.User("ada")
	outcomes, err := svc.InviteAll(ctx, ada, "acme", []invitations.InviteParams{
		{Email: "bob@example.com", Role: invitations.RoleDeveloper},
		{Email: "carol@example.com", Role: invitations.RoleViewer},
	})
	if err != nil {
		log.Fatal(err)
	}
	now = now.Add(90 * time.Minute)
	_, err = svc.Accept(ctx, outcomes[0].Invitation.Token.Reveal(), invitations.Identity{
		UserID: "bob", Email: "bob@example.com", EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	statistics, err := svc.Statistics(ctx, ada, invitations.StatisticsParams{
		Organization: "acme", From: now.AddDate(0, -1, 0),
	})
	if err != nil {
		log.Fatal(err)
	}
	total := statistics.Total
	fmt.Println("created:", total.Created, "pending:", total.Pending, "accepted:", total.Accepted)
	fmt.Println("rate:", total.AcceptanceRate(), "median:", total.Median)
	for _, role := range statistics.ByRole { // also ByKind, BySender and ByLink
		fmt.Println(role.Key, "joined:", role.Joined)
	}
	// Output:
	// created: 2 pending: 1 accepted: 1
	// rate: 0.5 median: 1h30m0s
	// developer joined: 1
	// viewer joined: 0
}
