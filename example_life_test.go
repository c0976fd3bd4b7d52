package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// The limits of a price plan are those of one organization.
func ExampleService_SetLimits() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	starter := invitations.Limits{
		Members: 2, Pending: 5, SeatlessRoles: []invitations.Role{invitations.RoleBilling}, NoLinks: true,
	}
	if err := svc.SetLimits(ctx, invitations.System(), "acme", starter); err != nil {
		log.Fatal(err)
	}
	_, err := svc.AddMember(ctx, invitations.User("ada"), invitations.AddMemberParams{
		Organization: "acme", UserID: "carol", Role: invitations.RoleDeveloper,
	})
	fmt.Println(err)

	overview, err := svc.Overview(ctx, invitations.User("ada"), "acme")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d seats are taken\n", overview.SeatsTaken, overview.Limits.Members)
	// Output:
	// invitations: limit of members reached
	// 2 of 2 seats are taken
}

// After the deletion, all tokens of the organization are invalid. Purge deletes its rows.
func ExampleService_DeleteOrganization() {
	ctx := context.Background()
	now := exampleTime
	svc := exampleServiceWith(invitations.Config{Clock: func() time.Time { return now }})
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}

	if err := svc.DeleteOrganization(ctx, ada, "acme"); err != nil {
		log.Fatal(err)
	}
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	fmt.Println(err)
	_, err = svc.CreateOrganization(ctx, "acme", "bob") // the ID stays taken
	fmt.Println(err)

	purge := func() error { // a job of the host, once a day
		for {
			deleted, err := svc.Purge(ctx, now.AddDate(-1, 0, 0), 1000)
			if err != nil || deleted == 0 {
				return err
			}
			fmt.Println("deleted rows:", deleted)
		}
	}
	if err := purge(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// invitations: invalid token
	// invitations: conflicts with what exists
	// deleted rows: 2
}

// A person asks to be forgotten: their address and their user ID go from all organizations.
func ExampleService_Erase() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	erase := func(p invitations.EraseParams) error {
		for {
			erasure, err := svc.Erase(ctx, p)
			if err != nil || erasure.Done {
				return err
			}
		}
	}
	forget := func() error {
		if err := erase(invitations.EraseParams{UserID: "bob", Pseudonym: "erased-7f3a"}); err != nil {
			return err
		}
		return erase(invitations.EraseParams{Email: "bob@example.com"})
	}

	var membership *invitations.MembershipError
	if err := forget(); errors.As(err, &membership) {
		fmt.Println("still a member of", membership.Organization)
	}
	if _, err := svc.Leave(ctx, "acme", "bob"); err != nil {
		log.Fatal(err)
	}
	if err := forget(); err != nil {
		log.Fatal(err)
	}
	for event, err := range svc.AllEvents(ctx, invitations.System(), invitations.TimelineParams{Organization: "acme"}) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Subject != "ada" && event.Subject != "" {
			fmt.Println(event.Type, "of", event.Subject)
		}
	}
	// Output:
	// still a member of acme
	// member.joined of erased-7f3a
	// member.left of erased-7f3a
	// person.erased of erased-7f3a
}

// A deployment renames the role "author" to "writer". Nobody can accept the invitations for the
// old name until they are edited. The sender stays.
func ExampleService_Edit_renamedRole() {
	ctx := context.Background()
	store := memstore.New()
	before, after := exampleServiceOn(store, rolesWith("author")), exampleServiceOn(store, rolesWith("writer"))
	sent, err := before.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: "author",
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = after.Lookup(ctx, sent.Token.Reveal())
	fmt.Println(err)

	rename := func(organization string) error { // for each organization of the host
		pending := invitations.InvitationsParams{
			Organization: organization, Role: "author", States: []invitations.State{invitations.StatePending},
		}
		for inv, err := range after.AllInvitations(ctx, invitations.System(), pending) {
			if err != nil {
				return err
			}
			_, err := after.Edit(ctx, invitations.System(), invitations.EditParams{
				Organization: organization, ID: inv.ID, Role: "writer",
			})
			if err != nil && !errors.Is(err, invitations.ErrNotPending) {
				return err
			}
		}
		return nil
	}
	if err := rename("acme"); err != nil {
		log.Fatal(err)
	}
	offer, err := after.Lookup(ctx, sent.Token.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(offer.Role, "sent by", offer.SentBy)
	// Output:
	// invitations: role of the invitation is not known
	// writer sent by ada
}

// A follower of the feed tells the inviter that somebody has joined.
func ExampleService_Feed_notifyInviter() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	events, err := svc.Feed(ctx, 0, 100) // after the stored position
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		if event.Type == invitations.EventMemberJoined && event.InvitedBy != "" {
			fmt.Printf("to %s: %s has joined %s\n", event.InvitedBy, event.Subject, event.Organization)
		}
	}
	// Output:
	// to ada: bob has joined acme
}

// The host's support looks for the invitations of an address in all organizations.
func ExampleService_Invitations_support() {
	ctx := context.Background()
	svc := exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := svc.Revoke(ctx, invitations.User("ada"), "acme", sent.ID); err != nil {
		log.Fatal(err)
	}

	found, err := svc.Invitations(ctx, invitations.System(), invitations.InvitationsParams{Email: "bob@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	for _, inv := range found.Items {
		fmt.Println(inv.Organization, inv.State, "sent by", inv.SentBy)
	}
	// Output:
	// acme revoked sent by ada
}

// Single sign-on makes everybody of the company a member. The directory must not send people whom
// the team has removed.
func ExampleService_AddMember() {
	ctx := context.Background()
	svc := exampleService()
	signedIn := func(user, email string) (invitations.Member, error) {
		joined, err := svc.AddMember(ctx, invitations.System(), invitations.AddMemberParams{
			Organization: "acme", UserID: user, Email: email, Role: invitations.RoleDeveloper,
			Metadata: map[string]string{"source": "sso"},
		})
		if errors.Is(err, invitations.ErrAlreadyMember) { // with another role, which stays
			return svc.Member(ctx, "acme", user)
		}
		return joined.Member, err
	}

	for _, user := range []string{"bob", "bob", "ada"} {
		member, err := signedIn(user, user+"@example.com")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.UserID, member.Role)
	}
	// Output:
	// bob developer
	// bob developer
	// ada owner
}

// An audit page in sentences. An event says enough without another read.
func ExampleService_Timeline_audit() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	ada := invitations.User("ada")
	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "carol@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}
	message := "See you on Monday"
	_, err = svc.Edit(ctx, ada, invitations.EditParams{
		Organization: "acme", ID: sent.ID, Role: invitations.RoleAdmin, Message: &message,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = svc.ChangeRole(ctx, ada, invitations.ChangeRoleParams{
		Organization: "acme", UserID: "bob", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	timeline, err := svc.Timeline(ctx, ada, invitations.TimelineParams{
		Organization: "acme", Actor: "ada", From: exampleTime, // as filters in the address of the page
		Types: []invitations.EventType{
			invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventMemberRoleChanged,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range timeline.Items {
		switch e.Type {
		case invitations.EventInvitationCreated:
			fmt.Printf("%s invited %s as %s\n", e.Actor, e.Email, e.Role)
		case invitations.EventInvitationEdited:
			fmt.Printf("%s changed %s of the invitation of %s\n", e.Actor, strings.Join(e.Changed, " and "), e.Email)
		case invitations.EventMemberRoleChanged:
			fmt.Printf("%s changed %s from %s to %s\n", e.Actor, e.Subject, e.FormerRole, e.Role)
		}
	}
	// Output:
	// ada invited  as developer
	// ada invited carol@example.com as viewer
	// ada changed role and message of the invitation of carol@example.com
	// ada changed bob from developer to viewer
}

// Usage shows the highest use first. A quota without a limit counts.
func ExampleService_Usage() {
	ctx := context.Background()
	svc := exampleTeam("bob", "carol")
	acme := invitations.InOrganization("acme")
	for _, user := range []string{"bob", "carol"} {
		err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: acme, UserID: user,
			Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodMonth},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if _, err := svc.Consume(ctx, acme, "bob", 70); err != nil {
		log.Fatal(err)
	}
	taken, err := svc.Consume(ctx, acme, "carol", 250)
	if err != nil {
		log.Fatal(err)
	}
	// The call failed, so it must not be counted.
	_, err = svc.Refund(ctx, invitations.RefundParams{Workspace: acme, UserID: "carol", Amount: 50, At: taken.At})
	if err != nil {
		log.Fatal(err)
	}

	usage, err := svc.Usage(ctx, invitations.User("ada"), invitations.UsageParams{
		Organization: "acme", Period: invitations.PeriodMonth,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, member := range usage.Members {
		fmt.Println(usage.Start.Format("January"), member.UserID, member.Used)
	}
	// Output:
	// March carol 200
	// March bob 70
}

// rolesWith returns the default roles and one that can be renamed.
func rolesWith(role invitations.Role) invitations.Config {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		invitations.RoleOwner: {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationList, invitations.PermissionMemberList,
		},
		role: {invitations.PermissionMemberList},
	})
	if err != nil {
		log.Fatal(err)
	}
	return invitations.Config{Policy: policy}
}
