package invitations_test

import (
	"context"
	"log"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// exampleTime is the instant at which the examples begin.
var exampleTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// exampleService returns a service with the organization acme, which ada owns. Its clock stands
// still at exampleTime.
func exampleService() *invitations.Service {
	return exampleServiceWith(invitations.Config{})
}

// exampleServiceWith returns the same service with other settings.
func exampleServiceWith(config invitations.Config) *invitations.Service {
	if config.Clock == nil {
		config.Clock = func() time.Time { return exampleTime }
	}
	keys, err := invitations.NewKeyring([]byte("secret random bytes, at least 32"))
	if err != nil {
		log.Fatal(err)
	}
	svc, err := invitations.New(memstore.New(), keys, config)
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
