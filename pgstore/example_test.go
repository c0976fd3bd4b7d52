package pgstore_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// openService brings the tables up to date and returns a service on them. Every process can call
// it at its start.
func openService(ctx context.Context, pool *pgxpool.Pool, secret []byte) (*invitations.Service, error) {
	keys, err := invitations.NewKeyring(secret)
	if err != nil {
		return nil, err
	}
	store := pgstore.New(pool)
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	return invitations.New(store, keys, invitations.Config{})
}

func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	svc, err := openService(ctx, pool, []byte(os.Getenv("INVITATIONS_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		log.Fatal(err)
	}
}
