package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// exampleService returns a service with the organization acme of ada's.
func exampleService() *invitations.Service {
	return exampleServiceAt(func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
}

func exampleKeys() *invitations.Keyring {
	keys, err := invitations.NewKeyring([]byte("an example's key of 32 bytes ...."))
	if err != nil {
		panic(err)
	}
	return keys
}

// exampleServiceAt returns the same by a clock that may go on.
func exampleServiceAt(clock func() time.Time) *invitations.Service {
	svc, err := invitations.New(memstore.New(), exampleKeys(), invitations.Config{Clock: clock})
	if err != nil {
		panic(err)
	}
	if _, err := svc.CreateOrganization(context.Background(), "acme", "ada"); err != nil {
		panic(err)
	}
	return svc
}

// exampleTeam returns a service with the organization acme, in which ada is the owner and all
// others are developers.
func exampleTeam(others ...string) *invitations.Service {
	ctx, svc := context.Background(), exampleService()
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleDeveloper})
	if err != nil {
		panic(err)
	}
	for _, user := range others {
		if _, err := svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user}); err != nil {
			panic(err)
		}
	}
	return svc
}

func Example() {
	ctx, svc := context.Background(), exampleService()
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "Bob@Example.com", Role: invitations.RoleDeveloper,
	})
	fmt.Println(sent.Email, sent.State, sent.ExpiresAt.Format(time.DateOnly), sent.Token, err)

	token := sent.Token.Reveal() // goes into the link
	offer, err := svc.Lookup(ctx, token)
	fmt.Println(offer.Organization, offer.Role, err)

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "eve", Email: "eve@example.com", EmailVerified: true})
	fmt.Println(err)

	member, err := svc.Accept(ctx, token, invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true})
	fmt.Println(member.UserID, member.Role, err)
	// Output:
	// bob@example.com pending 2026-03-08 [redacted] <nil>
	// acme developer <nil>
	// invitations: invitation was sent to another address
	// bob developer <nil>
}

func ExampleService_CreateLink() {
	ctx, svc := context.Background(), exampleService()
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleViewer, MaxUses: 10, AllowedDomains: []string{"example.com"},
	})
	fmt.Println(link.Kind, link.MaxUses, link.AllowedDomains, err)

	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "eve", Email: "eve@example.com.evil.example", EmailVerified: true})
	fmt.Println(err)
	// Output:
	// link 10 [example.com] <nil>
	// invitations: email domain is not allowed
}

func ExampleService_NextStep() {
	ctx, svc := context.Background(), exampleService()
	sent, _ := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	hasAccount := func(context.Context, string) (bool, error) { return false, nil }
	show := func(token string, signedIn invitations.Identity) error {
		next, err := svc.NextStep(ctx, token, invitations.Visitor{Identity: signedIn, HasAccount: hasAccount})
		if err != nil {
			return err
		}
		switch next.Step {
		case invitations.StepAccept: // show next.Offer and a button
		case invitations.StepSignIn, invitations.StepRegister: // with next.Offer.Email
		case invitations.StepSwitchAccount, invitations.StepVerifyEmail: // the account does not fit, or not yet
		case invitations.StepOpen: // a member already, of next.Organization
		case invitations.StepStop: // next.Reason says why
		}
		fmt.Println(next.Step)
		return nil
	}
	token := sent.Token.Reveal()
	_ = show(token, invitations.Identity{})
	_ = show(token, invitations.Identity{UserID: "bob", Email: "bob@example.com"})
	_ = show(token, invitations.Identity{UserID: "eve", Email: "eve@example.com", EmailVerified: true})
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	_ = show(token, bob)
	_, _ = svc.Accept(ctx, token, bob)
	_ = show(token, bob)
	_ = show("inv_forged", bob)
	// Output:
	// register
	// verify_email
	// switch_account
	// accept
	// open
	// stop
}

func ExampleService_Resend() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx, svc := context.Background(), exampleServiceAt(func() time.Time { return now })
	ada := invitations.User("ada")
	sent, _ := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer})
	_, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	var limit *invitations.RateLimitError
	if errors.As(err, &limit) {
		fmt.Println(errors.Is(err, invitations.ErrTooSoon), limit.RetryAt().Sub(now))
		now = limit.RetryAt()
	}
	again, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	fmt.Println(again.ID == sent.ID, err)
	_, err = svc.Lookup(ctx, sent.Token.Reveal()) // the old token
	fmt.Println(err)

	_, err = svc.Revoke(ctx, ada, "acme", sent.ID)
	fmt.Println(err)
	_, err = svc.Lookup(ctx, again.Token.Reveal())
	fmt.Println(errors.Is(err, invitations.ErrRevoked), errors.Is(err, invitations.ErrNotPending))
	// Output:
	// true 1m0s
	// true <nil>
	// invitations: invalid token
	// <nil>
	// true true
}

func ExampleService_AllInvitations() {
	ctx, svc := context.Background(), exampleService()
	ada := invitations.User("ada")
	for _, email := range []string{"bob@example.com", "kim@example.com"} {
		_, _ = svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: email, Role: invitations.RoleViewer})
	}
	show := func() error {
		for inv, err := range svc.AllInvitations(ctx, ada, invitations.InvitationsParams{Organization: "acme", State: invitations.StatePending}) {
			if err != nil {
				return err
			}
			fmt.Println(inv.Email, inv.Role)
		}
		return nil
	}
	fmt.Println(show())
	// Unordered output:
	// bob@example.com viewer
	// kim@example.com viewer
	// <nil>
}

func ExampleService_ChangeRole() {
	ctx, svc := context.Background(), exampleTeam("bob")
	ada, bob := invitations.User("ada"), invitations.User("bob")
	change := func(actor invitations.Actor, user string, role invitations.Role) error {
		member, err := svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{
			Organization: "acme", UserID: user, Role: role,
		})
		if err != nil {
			return err
		}
		fmt.Println(member.UserID, "is", member.Role)
		return nil
	}
	fmt.Println(change(ada, "bob", invitations.RoleAdmin))
	fmt.Println(change(bob, "bob", invitations.RoleOwner))  // nobody gives what they do not hold
	fmt.Println(change(bob, "ada", invitations.RoleViewer)) // nor touches who holds more

	sent, _ := svc.Invite(ctx, bob, invitations.InviteParams{Organization: "acme", Email: "kim@example.com", Role: invitations.RoleAdmin})
	fmt.Println(change(ada, "bob", invitations.RoleBilling))
	_, err := svc.Lookup(ctx, sent.Token.Reveal()) // bob could not send it any more
	fmt.Println(err)
	// Output:
	// bob is admin
	// <nil>
	// invitations: role is not assignable by this actor
	// invitations: permission denied
	// bob is billing
	// <nil>
	// invitations: invitation was revoked
}

func ExampleService_RemoveMember() {
	ctx, svc := context.Background(), exampleTeam("bob", "carol")
	ada := invitations.User("ada")
	link, _ := svc.CreateLink(ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleViewer})
	removed, err := svc.RemoveMember(ctx, ada, "acme", "carol")
	fmt.Println(removed.UserID, err)
	left, err := svc.Leave(ctx, "acme", "bob")
	fmt.Println(left.UserID, err)

	_, err = svc.Authorize(ctx, "acme", "carol", invitations.PermissionMemberList)
	fmt.Println(err)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "carol"}) // it was sent before
	fmt.Println(err)
	back, err := svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "bob"}) // who left may return
	fmt.Println(back.UserID, err)
	// Output:
	// carol <nil>
	// bob <nil>
	// invitations: permission denied
	// invitations: invitation was revoked
	// bob <nil>
}

func ExampleService_TransferOwnership() {
	ctx, svc := context.Background(), exampleTeam("bob", "carol", "grace")
	ada := invitations.User("ada")
	_, err := svc.Leave(ctx, "acme", "ada")
	fmt.Println(err)

	handOver := func() error {
		_, err := svc.ChangeRole(ctx, ada, invitations.ChangeRoleParams{
			Organization: "acme", UserID: "bob", Role: invitations.RoleAdmin,
		})
		if err != nil {
			return err
		}
		if _, err := svc.RemoveMember(ctx, ada, "acme", "carol"); err != nil {
			return err
		}
		_, err = svc.TransferOwnership(ctx, ada, invitations.TransferOwnershipParams{
			Organization: "acme", From: "ada", To: "grace", Role: invitations.RoleViewer,
		})
		if err != nil {
			return err
		}
		_, err = svc.Leave(ctx, "acme", "ada") // invitations.ErrLastOwner, had she not handed over
		return err
	}
	fmt.Println(handOver())
	for member, err := range svc.AllMembers(ctx, invitations.User("grace"), invitations.MembersParams{Organization: "acme"}) {
		fmt.Println(member.UserID, member.Role, err)
	}
	// Output:
	// invitations: an organization needs an owner
	// <nil>
	// bob admin <nil>
	// grace owner <nil>
}

func ExampleService_Authorize() {
	svc := exampleTeam("bob")
	signedIn := func(r *http.Request) string { return r.Header.Get("X-Example-User") } // yours asks the session
	answer := func(w http.ResponseWriter, err error) {
		var refusal *invitations.Error
		if errors.As(err, &refusal) {
			http.Error(w, refusal.Message(), refusal.HTTPStatus())
			return
		}
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
	}
	requirePermission := func(permission invitations.Permission, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := signedIn(r)
			if user == "" {
				http.Error(w, "Sign in first", http.StatusUnauthorized)
				return
			}
			_, err := svc.Authorize(r.Context(), r.PathValue("org"), user, permission)
			if err != nil {
				answer(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	mux, showInvoices := http.NewServeMux(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "2 invoices") })
	mux.Handle("GET /organizations/{org}/invoices",
		requirePermission(invitations.PermissionBillingManage, showInvoices))

	for _, user := range []string{"ada", "bob", "eve"} {
		r := httptest.NewRequest("GET", "/organizations/acme/invoices", nil)
		r.Header.Set("X-Example-User", user)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(user, ": ", w.Code, " ", w.Body)
	}
	// Output:
	// ada: 200 2 invoices
	// bob: 403 You do not have permission to do this
	// eve: 403 You do not have permission to do this
}

func ExampleService_Consume() {
	ctx, svc := context.Background(), exampleTeam("bob")
	ada, acme := invitations.User("ada"), invitations.InOrganization("acme")
	grant := func() error {
		shared := invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}
		err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: acme, Quota: shared,
		})
		if err != nil {
			return err
		}
		own := invitations.Quota{Limit: 50, Period: invitations.PeriodDay}
		return svc.SetQuota(ctx, ada, invitations.SetQuotaParams{
			Workspace: acme, UserID: "bob", Quota: own,
		})
	}
	fmt.Println(grant())

	call := func(amount int64) error {
		balance, err := svc.Consume(ctx, acme, "bob", amount)
		var exceeded *invitations.QuotaExceededError
		if errors.As(err, &exceeded) {
			left, _ := exceeded.Balance.Left()
			return fmt.Errorf("%w: %d left", err, left)
		}
		if err != nil {
			return err
		}
		fmt.Println(balance.Own.Left(), "for bob,", balance.Shared.Left(), "for all")
		return nil
	}
	fmt.Println(call(40))
	fmt.Println(call(15)) // all or nothing

	balance, err := svc.Remaining(ctx, acme, "bob")
	fmt.Println(balance.Own.Left(), balance.Own.ResetsAt.Format(time.DateOnly), err)
	// Output:
	// <nil>
	// 10 for bob, 960 for all
	// <nil>
	// invitations: quota exceeded: 10 left
	// 10 2026-03-02 <nil>
}

func ExamplePersonal() {
	ctx, svc := context.Background(), exampleTeam("bob")
	acme := invitations.InOrganization("acme")
	for _, p := range []invitations.SetQuotaParams{
		{Workspace: acme, Quota: invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}},
		{Workspace: invitations.Personal(), UserID: "bob", Quota: invitations.Quota{Limit: 20, Period: invitations.PeriodDay}},
	} {
		if err := svc.SetQuota(ctx, invitations.System(), p); err != nil {
			panic(err)
		}
	}
	for _, workspace := range []invitations.Workspace{invitations.Personal(), acme, {}} {
		balance, err := svc.Consume(ctx, workspace, "bob", 5)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(balance.Left())
	}
	// Output:
	// 15 true
	// 995 true
	// invitations: invalid workspace: is missing
}

func ExampleService_Workspaces() {
	ctx, svc := context.Background(), exampleTeam("bob")
	_, _ = svc.CreateOrganization(ctx, "bobs-own", "bob")
	for organization, limit := range map[string]int64{"acme": 1000, "bobs-own": 200} {
		_ = svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(organization), Quota: invitations.Quota{Limit: limit, Period: invitations.PeriodMonth},
		})
	}
	show := func() error {
		list, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
		if err != nil {
			return err
		}
		for _, organization := range list.Organizations { // beside list.Personal
			if left, limited := organization.Balance.Left(); limited {
				fmt.Println(organization.ID, organization.Role, left)
			}
		}
		return nil
	}
	fmt.Println(show())
	// Output:
	// acme developer 1000
	// bobs-own owner 200
	// <nil>
}

func ExampleConfig_memberLimit() {
	keys, _ := invitations.NewKeyring([]byte("an example's key of 32 bytes ...."))
	ctx, store := context.Background(), memstore.New()
	svc, err := invitations.New(store, keys, invitations.Config{MemberLimit: 3, ReserveSeats: true})
	if err != nil {
		panic(err)
	}
	ada := invitations.User("ada")
	_, _ = svc.CreateOrganization(ctx, "acme", "ada")
	link, _ := svc.CreateLink(ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleViewer})
	for _, email := range []string{"bob@example.com", "carol@example.com", "kim@example.com"} {
		_, err := svc.Invite(ctx, ada, invitations.InviteParams{Organization: "acme", Email: email, Role: invitations.RoleViewer})
		fmt.Println(email, err)
	}
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "eve"}) // a link holds no seat
	fmt.Println(err)
	// Output:
	// bob@example.com <nil>
	// carol@example.com <nil>
	// kim@example.com invitations: limit of members reached
	// invitations: limit of members reached
}

func ExamplePolicy_Allows() {
	ctx, svc := context.Background(), exampleService()
	for _, user := range []string{"ada", "eve"} {
		member, err := svc.Member(ctx, "acme", user)
		allowed := err == nil && svc.Policy().Allows(member.Role, invitations.PermissionOrganizationUse)
		fmt.Println(user, allowed)
	}
	// Output:
	// ada true
	// eve false
}

func ExampleNewPolicy() {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		invitations.RoleOwner: {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend,
			invitations.PermissionInvitationRevoke, invitations.PermissionInvitationList, "report:read", "report:write",
		},
		"author": {"report:read", "report:write"},
		"reader": {"report:read"},
	})
	fmt.Println(policy.CanGrant("author", "reader"), policy.CanGrant("reader", "author"), policy.CanGrant("author", "unknown"), err)
	// Output: true false false <nil>
}

func ExampleError() {
	answer := func(w http.ResponseWriter, err error) {
		var refusal *invitations.Error
		if errors.As(err, &refusal) {
			http.Error(w, refusal.Message(), refusal.HTTPStatus()) // refusal.Code() is stable
			return
		}
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
	}
	_, err := exampleService().Lookup(context.Background(), "inv_forged")
	w := httptest.NewRecorder()
	answer(w, err)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 404 Invitation no longer valid
}

func ExampleNewKeyring() {
	oldKey, newKey := []byte("the key of last year, 32 bytes .."), []byte("the key of this year, 32 bytes ..")
	before, _ := invitations.NewKeyring(oldKey)
	token := before.Sign([16]byte{1}, invitations.NewNonce())

	rotated, _ := invitations.NewKeyring(newKey, oldKey) // signs with the first, accepts both
	_, _, err := rotated.Verify(token.Reveal())
	fmt.Println(err)
	after, _ := invitations.NewKeyring(newKey)
	_, _, err = after.Verify(token.Reveal())
	fmt.Println(err)
	// Output:
	// <nil>
	// invitations: invalid token
}
