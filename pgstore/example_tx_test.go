package pgstore_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// acceptWithProfile accepts an invitation and creates the profile of the new member: both or
// neither.
func acceptWithProfile(
	ctx context.Context, pool *pgxpool.Pool, store *pgstore.Store, svc *invitations.Service,
	token string, identity invitations.Identity,
) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		member, err := svc.WithStore(store.WithTx(tx)).Accept(ctx, token, identity)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into profiles (user_id) values ($1) on conflict do nothing", member.UserID)
		return err
	})
}

// The host's transaction contains the acceptance.
func ExampleStore_WithTx() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := invitations.NewKeyring([]byte(os.Getenv("INVITATIONS_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	store := pgstore.New(pool)
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		log.Fatal(err)
	}

	token := "inv_..."                                                                        // from the path of the request
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true} // from the session
	if err := acceptWithProfile(ctx, pool, store, svc, token, bob); err != nil {
		log.Fatal(err)
	}
}
