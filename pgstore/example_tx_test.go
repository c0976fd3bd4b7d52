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

// A host joins people: it accepts their invitations and writes rows of its own.
type host struct {
	pool  *pgxpool.Pool
	store *pgstore.Store
	svc   *invitations.Service
}

// join accepts an invitation and creates the profile of the new member: both or neither.
func (h *host) join(ctx context.Context, token string, identity invitations.Identity) error {
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		member, err := h.svc.WithStore(h.store.WithTx(tx)).Accept(ctx, token, identity)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into profiles (user_id) values ($1)", member.UserID)
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

	h := &host{pool, store, svc}
	token := "inv_..."                                                                        // from the path of the request
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true} // from the session
	if err := h.join(ctx, token, bob); err != nil {
		log.Fatal(err)
	}
}
