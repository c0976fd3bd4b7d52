package invitations_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-invitations/invitations"
)

func ExampleService_ChangeRole() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	bob, err := svc.ChangeRole(ctx, invitations.User("ada"), invitations.ChangeRoleParams{
		Organization: "acme", UserID: "bob", Role: invitations.RoleAdmin,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bob.UserID, "is now", bob.Role)

	// An admin cannot grant a role above their own, and cannot demote an owner.
	_, err = svc.ChangeRole(ctx, invitations.User("bob"), invitations.ChangeRoleParams{
		Organization: "acme", UserID: "bob", Role: invitations.RoleOwner,
	})
	fmt.Println(err)
	_, err = svc.ChangeRole(ctx, invitations.User("bob"), invitations.ChangeRoleParams{
		Organization: "acme", UserID: "ada", Role: invitations.RoleViewer,
	})
	fmt.Println(err)
	// Output:
	// bob is now admin
	// invitations: role is not assignable by this actor
	// invitations: permission denied
}

// A demotion revokes the pending invitations that the member could no longer send.
func ExampleService_ChangeRole_demotion() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	setRole := func(role invitations.Role) {
		_, err := svc.ChangeRole(ctx, invitations.User("ada"), invitations.ChangeRoleParams{
			Organization: "acme", UserID: "bob", Role: role,
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	setRole(invitations.RoleAdmin)
	sent, err := svc.Invite(ctx, invitations.User("bob"), invitations.InviteParams{
		Organization: "acme", Email: "kim@example.com", Role: invitations.RoleAdmin,
	})
	if err != nil {
		log.Fatal(err)
	}
	setRole(invitations.RoleBilling)

	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	fmt.Println(err)
	// Output:
	// invitations: invitation was revoked
}

// A removed member loses access at once. Links from before do not admit them again.
func ExampleService_RemoveMember() {
	ctx := context.Background()
	svc := exampleTeam("carol")
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	removed, err := svc.RemoveMember(ctx, invitations.User("ada"), "acme", "carol")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("removed:", removed.UserID, removed.Role)

	_, err = svc.Authorize(ctx, "acme", "carol", invitations.PermissionMemberList)
	fmt.Println("authorize:", err)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "carol"})
	fmt.Println("accept:", err)
	// Output:
	// removed: carol developer
	// authorize: invitations: permission denied
	// accept: invitations: invitation was revoked
}

// A member who left can come back by a link that still has uses.
func ExampleService_Leave() {
	ctx := context.Background()
	svc := exampleTeam("bob")
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	left, err := svc.Leave(ctx, "acme", "bob")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", left.UserID, left.Role)

	back, err := svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "bob"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("back:", back.UserID, back.Role)
	// Output:
	// left: bob developer
	// back: bob viewer
}

// The last owner must hand over before leaving.
func ExampleService_TransferOwnership() {
	ctx := context.Background()
	svc := exampleTeam("grace")

	_, err := svc.Leave(ctx, "acme", "ada")
	fmt.Println(err)

	owner, err := svc.TransferOwnership(ctx, invitations.User("ada"), invitations.TransferOwnershipParams{
		Organization: "acme", From: "ada", To: "grace", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(owner.UserID, "is now", owner.Role)

	left, err := svc.Leave(ctx, "acme", "ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left.UserID, "left as", left.Role)
	// Output:
	// invitations: an organization needs an owner
	// grace is now owner
	// ada left as viewer
}

func ExampleService_AllMembers() {
	ctx := context.Background()
	svc := exampleTeam("bob", "carol")

	everybody := invitations.MembersParams{Organization: "acme"}
	for member, err := range svc.AllMembers(ctx, invitations.User("bob"), everybody) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.UserID, member.Role)
	}
	// Output:
	// ada owner
	// bob developer
	// carol developer
}

// Three seats: one is Ada's, and pending email invitations reserve the others.
func ExampleConfig_memberLimit() {
	ctx := context.Background()
	config := invitations.Config{MemberLimit: 3, ReserveSeats: true}
	svc := exampleServiceWith(config)

	for _, email := range []string{"bob@example.com", "carol@example.com", "kim@example.com"} {
		_, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
			Organization: "acme", Email: email, Role: invitations.RoleViewer,
		})
		fmt.Println(email, err)
	}
	// Output:
	// bob@example.com <nil>
	// carol@example.com <nil>
	// kim@example.com invitations: limit of members reached
}
