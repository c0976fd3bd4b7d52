package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-invitations/invitations"
)

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
