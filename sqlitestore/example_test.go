package sqlitestore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/sqlitestore"
)

// acceptWithProfile accepts an invitation and creates the profile of the new member: both or
// neither.
func acceptWithProfile(
	ctx context.Context, db *sql.DB, store *sqlitestore.Store, svc *invitations.Service,
	token string, identity invitations.Identity,
) error {
	tx, err := db.BeginTx(ctx, nil) // immediate, on a database of Open
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	member, err := svc.WithStore(store.WithTx(tx)).Accept(ctx, token, identity)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "insert into profiles (user_id) values (?) on conflict do nothing", member.UserID)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// The host's transaction contains the acceptance.
func ExampleStore_WithTx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	db, err := sqlitestore.Open(filepath.Join(dir, "app.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store := sqlitestore.New(db)
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "create table profiles (user_id text primary key)"); err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32) // in production: a secret that stays the same
	if _, err := rand.Read(key); err != nil {
		log.Fatal(err)
	}
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		log.Fatal(err)
	}
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		log.Fatal(err)
	}

	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		log.Fatal(err)
	}
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		log.Fatal(err)
	}
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	if err := acceptWithProfile(ctx, db, store, svc, sent.Token.Reveal(), bob); err != nil {
		log.Fatal(err)
	}
	var profiles int
	if err := db.QueryRowContext(ctx, "select count(*) from profiles").Scan(&profiles); err != nil {
		log.Fatal(err)
	}
	member, err := svc.Member(ctx, "acme", "bob")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(member.Role, profiles)
	// Output: developer 1
}
