// Command postgres accepts an invitation and writes a row of the application in one transaction.
// Both changes commit, or neither does.
//
//	DATABASE_URL=postgres://localhost/postgres go run ./examples/postgres
//
// The transaction is in accept.go. The program creates two schemas with random names in that
// database, and drops them at the end.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func main() { os.Exit(start(os.Getenv("DATABASE_URL"), os.Stdout, os.Stderr)) }

// start returns the exit status of the program.
func start(url string, out, errOut io.Writer) int {
	if url == "" {
		fmt.Fprintln(errOut, "postgres: set DATABASE_URL to the URL of a PostgreSQL database. This program creates schemas in it.")
		return 2
	}
	schema := "invitations_example_" + strings.ToLower(rand.Text())
	if err := run(context.Background(), out, url, schema); err != nil {
		fmt.Fprintln(errOut, "postgres:", err)
		return 1
	}
	return 0
}

// run uses schema for the tables of the library, and schema+"_host" for the table of the
// application.
func run(ctx context.Context, out io.Writer, url, schema string) (err error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: schema})
	if err != nil {
		return err
	}
	if err := pool.Ping(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop(ctx, pool, schema, schema+"_host")) }()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	profiles := pgx.Identifier{schema + "_host", "profiles"}.Sanitize()
	_, err = pool.Exec(ctx, "create schema "+pgx.Identifier{schema + "_host"}.Sanitize()+";"+
		"create table "+profiles+` (
			organization text not null,
			user_id      text not null,
			title        text not null check (title <> ''),
			primary key (organization, user_id)
		)`)
	if err != nil {
		return err
	}

	// In production, load the key from a secret store. It must be the same in all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		return err
	}
	return story(ctx, out, &app{pool: pool, store: store, svc: svc, profiles: profiles})
}

// story prints the members of acme and their profiles after each call of accept.
func story(ctx context.Context, out io.Writer, a *app) error {
	if _, err := a.svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		return err
	}
	sent, err := a.svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "grace@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		return err
	}
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}
	for _, step := range []struct{ text, title string }{
		{"Grace accepts, but the table refuses her profile, which has no title", ""},
		{"Grace accepts, with a valid profile", "Rear Admiral"},
		{"Grace accepts again, because the answer was lost", "Rear Admiral"},
	} {
		result := "committed"
		var refusal *pgconn.PgError
		switch err := a.accept(ctx, sent.Token.Reveal(), grace, step.title); {
		case errors.As(err, &refusal) && refusal.ConstraintName == "profiles_title_check":
			result = "rolled back"
		case err != nil:
			return err
		}
		members, profiles, err := a.users(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n\tmembers %v, profiles %v\n", step.text, result, members, profiles)
	}
	return nil
}

// users returns the user IDs of the members of acme, and of the profiles.
func (a *app) users(ctx context.Context) (members, profiles []string, err error) {
	everybody := invitations.MembersParams{Organization: "acme"}
	for member, err := range a.svc.AllMembers(ctx, invitations.System(), everybody) {
		if err != nil {
			return nil, nil, err
		}
		members = append(members, member.UserID)
	}
	rows, err := a.pool.Query(ctx, "select user_id from "+a.profiles+" order by user_id")
	if err != nil {
		return nil, nil, err
	}
	profiles, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return members, profiles, err
}

// drop drops the schemas, even if ctx has ended.
func drop(ctx context.Context, pool *pgxpool.Pool, schemas ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var errs []error
	for _, schema := range schemas {
		_, err := pool.Exec(ctx, "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
