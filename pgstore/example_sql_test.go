package pgstore_test

import (
	"context"
	"database/sql"
	"log"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib" // or _ "github.com/lib/pq", whose name is "postgres"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// acceptInSQL accepts an invitation and creates the profile of the new member: both or neither.
func acceptInSQL(
	ctx context.Context, db *sql.DB, store *pgstore.Store, svc *invitations.Service,
	token string, identity invitations.Identity,
) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	member, err := svc.WithStore(store.WithSQLTx(tx)).Accept(ctx, token, identity)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "insert into profiles (user_id) values ($1) on conflict do nothing", member.UserID)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// The host's transaction of database/sql contains the acceptance.
func ExampleStore_WithSQLTx() {
	ctx := context.Background()
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := invitations.NewKeyring([]byte(os.Getenv("INVITATIONS_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	store, err := pgstore.NewSQL(db, pgstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		log.Fatal(err)
	}

	token := "inv_..."                                                                        // from the path of the request
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true} // from the session
	if err := acceptInSQL(ctx, db, store, svc, token, bob); err != nil {
		log.Fatal(err)
	}
}
