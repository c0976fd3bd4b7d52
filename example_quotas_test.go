package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-invitations/invitations"
)

// The host grants the shared quota. Within it, an admin limits a member.
func ExampleService_SetQuota() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	acme := invitations.InOrganization("acme")

	err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: acme, Quota: invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = svc.SetQuota(ctx, invitations.User("ada"), invitations.SetQuotaParams{
		Workspace: acme, UserID: "bob", Quota: invitations.Quota{Limit: 50, Period: invitations.PeriodDay},
	})
	if err != nil {
		log.Fatal(err)
	}

	balance, err := svc.Remaining(ctx, acme, "bob")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("bob:", balance.Own.Left(), "until", balance.Own.ResetsAt.Format(time.DateOnly))
	fmt.Println("acme:", balance.Shared.Left(), "until", balance.Shared.ResetsAt.Format(time.DateOnly))
	// Output:
	// bob: 50 until 2026-03-02
	// acme: 1000 until 2026-04-01
}

// Consume takes the whole amount from every quota that applies, or nothing.
func ExampleService_Consume() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	acme := invitations.InOrganization("acme")
	err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: acme, Quota: invitations.Quota{Limit: 50, Period: invitations.PeriodDay},
	})
	if err != nil {
		log.Fatal(err)
	}

	consume := func(amount int64) error {
		balance, err := svc.Consume(ctx, acme, "bob", amount)
		var exceeded *invitations.QuotaExceededError
		if errors.As(err, &exceeded) {
			left, _ := exceeded.Balance.Left()
			fmt.Println("refused:", left, "left until", exceeded.RetryAt().Format(time.DateTime))
			return nil
		}
		if err != nil {
			return err
		}
		left, _ := balance.Left()
		fmt.Println("taken:", left, "left")
		return nil
	}
	for _, amount := range []int64{40, 15, 10} {
		if err := consume(amount); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// taken: 10 left
	// refused: 10 left until 2026-03-02 00:00:00
	// taken: 0 left
}

// The personal quota of a user and the quota of an organization are separate.
func ExamplePersonal() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	acme := invitations.InOrganization("acme")
	for _, grant := range []invitations.SetQuotaParams{
		{Workspace: acme, Quota: invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}},
		{Workspace: invitations.Personal(), UserID: "bob", Quota: invitations.Quota{Limit: 20, Period: invitations.PeriodDay}},
	} {
		if err := svc.SetQuota(ctx, invitations.System(), grant); err != nil {
			log.Fatal(err)
		}
	}

	for _, workspace := range []invitations.Workspace{invitations.Personal(), acme} {
		balance, err := svc.Consume(ctx, workspace, "bob", 5)
		if err != nil {
			log.Fatal(err)
		}
		left, _ := balance.Left()
		fmt.Println(left, "left")
	}
	// Output:
	// 15 left
	// 995 left
}

// A switcher lists the workspaces of a user, with the role and the quota in each.
func ExampleService_Workspaces() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	if _, err := svc.CreateOrganization(ctx, "initech", "bob"); err != nil {
		log.Fatal(err)
	}
	err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization("acme"),
		Quota:     invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth},
	})
	if err != nil {
		log.Fatal(err)
	}

	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
	if err != nil {
		log.Fatal(err)
	}
	for _, organization := range workspaces.Organizations {
		if left, limited := organization.Balance.Left(); limited {
			fmt.Println(organization.ID, organization.Role, left, "left")
		} else {
			fmt.Println(organization.ID, organization.Role, "not limited")
		}
	}
	// Output:
	// acme developer 1000 left
	// initech owner not limited
}
