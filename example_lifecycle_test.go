package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func ExampleService_InviteAll() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	invite := func() error {
		outcomes, err := svc.InviteAll(ctx, ada, "acme", []invitations.InviteParams{
			{Email: "bob@example.com", Role: invitations.RoleDeveloper},
			{Email: "carol@example", Role: invitations.RoleViewer},
			{Email: "BOB@example.com", Role: invitations.RoleViewer},
		})
		if err != nil {
			return err // against all of them: nobody was invited
		}
		for _, outcome := range outcomes { // in the order of the rows
			if outcome.Err != nil {
				fmt.Println("refused:", outcome.Err)
				continue
			}
			fmt.Println("invited:", outcome.Invitation.Email)
		}
		return nil
	}
	if err := invite(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// invited: bob@example.com
	// refused: invitations: invalid email: has a domain without a dot
	// refused: invitations: address is already invited
}

func ExampleService_Edit() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer})
	if err != nil {
		fmt.Println(err)
		return
	}
	edited, err := svc.Edit(ctx, ada, invitations.EditParams{
		Organization: "acme", ID: sent.ID, Role: invitations.RoleDeveloper, Message: new("Now with more to do."),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(edited.Role, edited.Message)
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	member, err := svc.Accept(ctx, sent.Token.Reveal(), bob) // by the link that was mailed
	fmt.Println(member.Role, err)
	// Output:
	// developer Now with more to do.
	// developer <nil>
}

func ExampleService_Received() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	_, err := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper})
	if err != nil {
		fmt.Println(err)
		return
	}
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	choose := func() error {
		list, err := svc.Received(ctx, bob, invitations.ReceivedParams{})
		if err != nil {
			return err
		}
		offer := list.Offers[0] // the one that bob chooses
		member, err := svc.AcceptReceived(ctx, offer.Organization, offer.ID, bob)
		if err != nil {
			return err
		}
		fmt.Println(member.UserID, member.Role)
		return nil
	}
	if err := choose(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// bob developer
}

func ExampleService_Timeline() {
	ctx, svc := context.Background(), exampleTeam("bob")
	ada := invitations.User("ada")
	if _, err := svc.RemoveMember(ctx, ada, "acme", "bob"); err != nil {
		fmt.Println(err)
		return
	}
	timeline, err := svc.Timeline(ctx, ada, invitations.TimelineParams{Organization: "acme", NewestFirst: true, Limit: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range timeline.Events {
		fmt.Println(event.Type, event.Actor, event.Subject)
	}
	fmt.Println("more:", timeline.Next != "")
	// Output:
	// member.removed ada bob
	// member.joined bob bob
	// more: true
}

func ExampleService_AllEvents() {
	ctx, svc := context.Background(), exampleTeam("bob")
	ada := invitations.User("ada")
	show := func() error {
		for event, err := range svc.AllEvents(ctx, ada, invitations.TimelineParams{Organization: "acme"}) {
			if err != nil {
				return err
			}
			fmt.Println(event.At.Format(time.DateTime), event.Actor, event.Type, event.Role)
		}
		return nil
	}
	if err := show(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2026-03-01 12:00:00 ada member.joined owner
	// 2026-03-01 12:00:00 ada invitation.created developer
	// 2026-03-01 12:00:00 bob invitation.accepted developer
	// 2026-03-01 12:00:00 bob member.joined developer
}

func ExampleService_Feed() {
	ctx, svc := context.Background(), exampleTeam("bob")
	if _, err := svc.CreateOrganization(ctx, "zeta", "zoe"); err != nil {
		fmt.Println(err)
		return
	}
	handle := func(event invitations.Event) error {
		fmt.Println(event.Organization, event.Type)
		return nil
	}
	var position int64
	follow := func() error {
		events, err := svc.Feed(ctx, invitations.FeedParams{After: position})
		if err != nil {
			return err
		}
		for _, event := range events {
			if err := handle(event.Event); err != nil {
				return err
			}
			position = event.Position // keep it where handle writes, in one transaction
		}
		return nil
	}
	first, again := follow(), follow() // there is nothing new
	fmt.Println(first, again)
	// Output:
	// acme member.joined
	// acme invitation.created
	// acme invitation.accepted
	// acme member.joined
	// zeta member.joined
	// <nil> <nil>
}

func ExampleService_Statistics() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx, svc := context.Background(), exampleServiceAt(func() time.Time { return now })
	ada := invitations.User("ada")
	rows := []invitations.InviteParams{
		{Email: "bob@example.com", Role: invitations.RoleDeveloper}, {Email: "carol@example.com", Role: invitations.RoleViewer},
	}
	outcomes, err := svc.InviteAll(ctx, ada, "acme", rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	now = now.Add(90 * time.Minute)
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	if _, err := svc.Accept(ctx, outcomes[0].Invitation.Token.Reveal(), bob); err != nil {
		fmt.Println(err)
		return
	}
	show := func() error {
		statistics, err := svc.Statistics(ctx, ada, invitations.StatisticsParams{
			Organization: "acme", From: now.AddDate(0, -1, 0),
		})
		if err != nil {
			return err
		}
		total := statistics.Total
		fmt.Println(total.Created, total.Pending, total.Accepted, total.AcceptanceRate(), total.Median)
		for _, sender := range statistics.BySender { // also ByKind, ByRole and ByLink
			fmt.Println(sender.Key, sender.Created, sender.Joined)
		}
		return nil
	}
	if err := show(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2 1 1 0.5 1h30m0s
	// ada 2 1
}

func ExampleService_Sweep() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx, keys := context.Background(), exampleKeys()
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{
		RemindBefore: 48 * time.Hour, Clock: func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	queue := func(inv invitations.Invitation) error {
		fmt.Println("remind", inv.Email)
		return nil
	}
	sweep := func() error {
		swept, err := svc.Sweep(ctx, 100)
		if err != nil {
			return err
		}
		for _, inv := range swept.Reminders {
			if err := queue(inv); err != nil { // organization and id; the worker asks svc.PendingToken
				return err
			}
		}
		for _, inv := range swept.Expired {
			fmt.Println(inv.Email, inv.State)
		}
		return nil
	}
	for range 9 { // days
		if err := sweep(); err != nil {
			fmt.Println(err)
		}
		now = now.Add(24 * time.Hour)
	}
	// Output:
	// remind bob@example.com
	// bob@example.com expired
}

func ExampleRateLimitError() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer})
	if err != nil {
		fmt.Println(err)
		return
	}
	resend := func() error {
		_, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
		var limit *invitations.RateLimitError
		if errors.As(err, &limit) {
			fmt.Println("again at", limit.RetryAt().Format(time.DateTime))
		}
		return err
	}
	fmt.Println(errors.Is(resend(), invitations.ErrTooSoon))
	// Output:
	// again at 2026-03-01 12:01:00
	// true
}
