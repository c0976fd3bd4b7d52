package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

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

// An API key acts as its owner, with a ceiling.
func ExampleActor_AtMost() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	// The API key of an owner, made to invite developers: as an admin, not as an owner.
	key := invitations.User("ada").AtMost(invitations.RoleAdmin)
	for _, role := range []invitations.Role{invitations.RoleDeveloper, invitations.RoleOwner} {
		sent, err := svc.Invite(ctx, key, invitations.InviteParams{
			Organization: "acme", Email: string(role) + "@example.com", Role: role,
		})
		fmt.Printf("%s: %q %v\n", role, sent.SentBy, err)
	}
	// Output:
	// developer: "ada" <nil>
	// owner: "" invitations: role is not assignable by this actor
}

// A middleware asks Authorize at every request.
func ExampleService_Authorize() {
	svc := exampleTeam("bob")
	// The host asks its session.
	signedIn := func(r *http.Request) string { return r.Header.Get("X-Example-User") }

	requirePermission := func(permission invitations.Permission, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := signedIn(r)
			if user == "" {
				http.Error(w, "Sign in first", http.StatusUnauthorized)
				return
			}
			_, err := svc.Authorize(r.Context(), r.PathValue("org"), user, permission)
			if errors.Is(err, invitations.ErrPermissionDenied) {
				http.Error(w, "Permission denied", http.StatusForbidden)
				return
			}
			if err != nil {
				http.Error(w, "Something went wrong", http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}

	mux := http.NewServeMux()
	showInvoices := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "2 invoices")
	})
	mux.Handle("GET /organizations/{org}/invoices",
		requirePermission(invitations.PermissionBillingManage, showInvoices))

	for _, user := range []string{"ada", "bob", ""} {
		r := httptest.NewRequest(http.MethodGet, "/organizations/acme/invoices", nil)
		r.Header.Set("X-Example-User", user)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 2 invoices
	// 403 Permission denied
	// 401 Sign in first
}

// Allows is a pure look-up in the policy, for a role that is already known.
func ExamplePolicy_Allows() {
	ctx := context.Background()
	svc := exampleTeam("bob")

	member, err := svc.Member(ctx, "acme", "bob")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(svc.Policy().Allows(member.Role, invitations.PermissionOrganizationUse))
	fmt.Println(svc.Policy().Allows(member.Role, invitations.PermissionMemberRemove))
	// Output:
	// true
	// false
}

// A policy replaces the default roles. The owner must hold every permission of the other roles.
func ExampleNewPolicy() {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		invitations.RoleOwner: {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend,
			invitations.PermissionInvitationRevoke, invitations.PermissionInvitationList,
			invitations.PermissionMemberList, invitations.PermissionMemberUpdate,
			invitations.PermissionMemberRemove, invitations.PermissionOrganizationManage,
			"report:read", "report:write",
		},
		"editor": {invitations.PermissionMemberList, "report:read", "report:write"},
		"reader": {"report:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	svc := exampleServiceWith(invitations.Config{Policy: policy})

	fmt.Println(svc.Policy().Roles())
	fmt.Println("editor grants reader:", policy.CanGrant("editor", "reader"))
	fmt.Println("reader grants editor:", policy.CanGrant("reader", "editor"))
	// Output:
	// [editor owner reader]
	// editor grants reader: true
	// reader grants editor: false
}

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
