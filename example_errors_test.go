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

// One function answers every error of a handler.
func ExampleError() {
	svc := exampleService()

	answer := func(w http.ResponseWriter, err error) {
		var refusal *invitations.Error
		if errors.As(err, &refusal) {
			w.Header().Set("X-Error-Code", refusal.Code()) // stable, for programs
			http.Error(w, refusal.Message(), refusal.HTTPStatus())
			return
		}
		http.Error(w, "Something went wrong", http.StatusInternalServerError) // and log err
	}

	_, err := svc.Lookup(context.Background(), "inv_forged")
	w := httptest.NewRecorder()
	answer(w, err)
	fmt.Print(w.Code, " ", w.Header().Get("X-Error-Code"), " ", w.Body)
	// Output:
	// 404 invalid_token Invitation no longer valid
}

// An InvalidError names the argument, so that a form can mark the field.
func ExampleInvalidError() {
	svc := exampleService()

	_, err := svc.Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob at example.com", Role: invitations.RoleViewer,
	})
	var invalid *invitations.InvalidError
	if errors.As(err, &invalid) {
		fmt.Println("check the field", invalid.Field) // invalid.Reason says why
	}
	// Output:
	// check the field email
}

// The error names the pending invitation, so that a page can offer to resend it.
func ExampleAlreadyInvitedError() {
	ctx := context.Background()
	svc := exampleService()
	params := invitations.InviteParams{Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer}
	first, err := svc.Invite(ctx, invitations.User("ada"), params)
	if err != nil {
		log.Fatal(err)
	}

	_, err = svc.Invite(ctx, invitations.User("ada"), params)
	var already *invitations.AlreadyInvitedError
	if errors.As(err, &already) {
		fmt.Println("pending already:", already.InvitationID == first.ID)
	}
	// Output:
	// pending already: true
}
