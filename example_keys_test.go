package invitations_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

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
