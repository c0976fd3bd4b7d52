package pgstore_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations/pgstore"
)

// createTeamMembers creates the table that the host has already.
const createTeamMembers = `
	create table team_members (
		team_id bigint not null,
		user_id bigint not null,
		role    text not null,
		plan    text not null default 'free',
		primary key (team_id, user_id)
	)
`

// openTeamMembers returns a store that reads and writes members in that table.
func openTeamMembers(ctx context.Context, pool *pgxpool.Pool) (*pgstore.Store, error) {
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Members: &pgstore.MembersTable{
		Name:         "team_members",
		Organization: pgstore.Column{Name: "team_id", Type: "bigint"},
		UserID:       pgstore.Column{Name: "user_id", Type: "bigint"},
		Role:         pgstore.Column{Name: "role"},
	}})
	if err != nil {
		return nil, err
	}
	return store, store.Migrate(ctx) // the error also tells what the table lacks
}

// The members stay in the table of the host.
func ExampleMembersTable() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(ctx, createTeamMembers); err != nil {
		log.Fatal(err)
	}
	store, err := openTeamMembers(ctx, pool)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Check(ctx); err != nil {
		log.Fatal(err)
	}
}
