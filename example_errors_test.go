package invitations_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
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

// An API answers every error with a problem (RFC 9457).
func ExampleProblemOf() {
	svc := exampleService()

	answer := func(w http.ResponseWriter, err error) {
		problem, _ := invitations.ProblemOf(err)
		if problem.Status >= http.StatusInternalServerError {
			log.Print(err) // of the store or the context; problem tells nothing of it
		}
		w.Header().Set("Content-Type", invitations.ProblemMediaType)
		w.WriteHeader(problem.Status)
		_ = json.NewEncoder(w).Encode(problem)
	}

	_, err := svc.Received(context.Background(), invitations.Identity{UserID: "bob"}, invitations.ReceivedParams{})
	w := httptest.NewRecorder()
	answer(w, err)
	var problem invitations.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Code, problem.Code, problem.Field, problem.ReasonCode)
	fmt.Println(problem.Detail)
	// Output:
	// 422 invalid_argument email required
	// email must not be empty
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

// Keys rotate without downtime: a link that was sent before the rotation works after it.
func ExampleNewKeyring() {
	ctx := context.Background()
	store := memstore.New()
	oldKey := []byte("old: secret random bytes, 32 or more")
	newKey := []byte("new: secret random bytes, 32 or more")

	// start returns the service of a process with these keys.
	start := func(secrets ...[]byte) *invitations.Service {
		keys, err := invitations.NewKeyring(secrets...)
		if err != nil {
			log.Fatal(err)
		}
		svc, err := invitations.New(store, keys, invitations.Config{})
		if err != nil {
			log.Fatal(err)
		}
		return svc
	}

	before := start(oldKey)
	if _, err := before.CreateOrganization(ctx, "acme", "ada"); err != nil {
		log.Fatal(err)
	}
	older, err := before.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}

	// 1. Append the new key in every process. All of them still sign with the old key.
	appended := start(oldKey, newKey)

	// 2. Move the new key to the front. Processes of both steps can run side by side.
	rotated := start(newKey, oldKey)
	newer, err := rotated.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "kim@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = appended.Lookup(ctx, newer.Token.Reveal())
	fmt.Println("new token in step 1:", err)
	bob, err := rotated.Accept(ctx, older.Token.Reveal(), invitations.Identity{
		UserID: "bob", Email: "bob@example.com", EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("old token in step 2:", bob.UserID, "joined")

	// 3. Drop the old key when the last invitation that it signed has expired.
	dropped := start(newKey)
	_, err = dropped.Lookup(ctx, older.Token.Reveal())
	fmt.Println("old token in step 3:", err)
	// Output:
	// new token in step 1: <nil>
	// old token in step 2: bob joined
	// old token in step 3: invitations: invalid token
}

// exampleTime is the instant at which the examples begin.
var exampleTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// exampleService returns a service with the organization acme, which ada owns. Its clock stands
// still at exampleTime.
func exampleService() *invitations.Service {
	return exampleServiceWith(invitations.Config{})
}

// exampleServiceWith returns the same service with other settings.
func exampleServiceWith(config invitations.Config) *invitations.Service {
	return exampleServiceOn(memstore.New(), config)
}

// exampleServiceOn returns the same service on a store that may have the organization already.
func exampleServiceOn(store invitations.Store, config invitations.Config) *invitations.Service {
	if config.Clock == nil {
		config.Clock = func() time.Time { return exampleTime }
	}
	keys, err := invitations.NewKeyring([]byte("secret random bytes, at least 32"))
	if err != nil {
		log.Fatal(err)
	}
	svc, err := invitations.New(store, keys, config)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := svc.CreateOrganization(context.Background(), "acme", "ada"); err != nil {
		log.Fatal(err)
	}
	return svc
}

// exampleTeam returns the service of exampleService, where users are developers of acme.
func exampleTeam(users ...string) *invitations.Service {
	ctx := context.Background()
	svc := exampleService()
	link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
		Organization: "acme", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range users {
		if _, err := svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user}); err != nil {
			log.Fatal(err)
		}
	}
	return svc
}
