package pgstore_test

import (
	"context"
	"log"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// acceptAndTakeASeat is the host's transaction of the README.
func acceptAndTakeASeat(
	ctx context.Context, pool *pgxpool.Pool, store *pgstore.Store, svc *invitations.Service, token string, identity invitations.Identity,
) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	member, err := svc.WithStore(store.WithTx(tx)).Accept(ctx, token, identity)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "insert into seats (user_id) values ($1)", member.UserID); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// The host keeps its table of members, and the library reads and writes it.
func ExampleMembersTable() {
	pool := connectToDatabase()
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Members: &pgstore.MembersTable{
		Name:         "team_members",
		Organization: pgstore.Column{Name: "team_id", Type: "bigint"},
		UserID:       pgstore.Column{Name: "user_id", Type: "bigint"},
		Role:         pgstore.Column{Name: "role"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(context.Background()); err != nil { // also says what the table lacks
		log.Fatal(err)
	}
}

func connectToDatabase() *pgxpool.Pool {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	return pool
}

// TestREADME runs what the README shows of this package.
func TestREADME(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = "public"
	})
	keys := keyring(t)
	run := func(ctx context.Context) error {
		store := pgstore.New(pool)
		if err := store.Migrate(ctx); err != nil { // or apply pgstore.Migrations with your own tool
			return err
		}
		svc, err := invitations.New(store, keys, invitations.Config{})
		if err != nil {
			return err
		}
		if _, err := svc.CreateOrganization(ctx, acme, ada); err != nil {
			return err
		}
		sent, err := svc.Invite(ctx, invitations.User(ada), invitations.InviteParams{Organization: acme, Email: "ann@example.com", Role: "viewer"})
		if err != nil {
			return err
		}
		require.Error(t, acceptAndTakeASeat(ctx, pool, store, svc, sent.Token.Reveal(), person("ann")), "there is no table of seats")
		_, err = svc.Member(ctx, acme, "ann")
		require.ErrorIs(t, err, invitations.ErrNotFound, "both or none")
		if _, err := pool.Exec(ctx, "create table seats (user_id text)"); err != nil {
			return err
		}
		if err := acceptAndTakeASeat(ctx, pool, store, svc, sent.Token.Reveal(), person("ann")); err != nil {
			return err
		}
		_, err = svc.Member(ctx, acme, "ann")
		return err
	}
	ctx := context.Background()
	drop := func() {
		_, err := pool.Exec(ctx, "drop schema if exists invitations cascade; drop table if exists seats")
		require.NoError(t, err)
	}
	drop()
	t.Cleanup(drop)
	require.NoError(t, run(ctx))
}
