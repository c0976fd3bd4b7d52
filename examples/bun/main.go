// Command bun accepts an invitation and writes a row of the application in one transaction of Bun,
// with the driver lib/pq. Both changes commit, or neither does.
//
//	DATABASE_URL=postgres://localhost/postgres go run -C examples/bun .
//
// The transaction is in accept.go. The program creates two schemas with random names in that
// database, and drops them at the end.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func main() {
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		fmt.Fprintln(os.Stderr, "bun: set DATABASE_URL to the URL of a PostgreSQL database. This program creates schemas in it.")
		os.Exit(2)
	}
	name := "invitations_example_" + strings.ToLower(rand.Text())
	if err := run(context.Background(), os.Stdout, url, name); err != nil {
		fmt.Fprintln(os.Stderr, "bun:", err)
		os.Exit(1)
	}
}

// run uses the schema name for the tables of the library, and name+"_host" for the table of the
// application.
func run(ctx context.Context, out io.Writer, url, name string) (err error) {
	host := name + "_host"
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	connector, err := pq.NewConnector(url + separator + "search_path=" + host)
	if err != nil {
		return err
	}
	db := bun.NewDB(sql.OpenDB(connector), pgdialect.New())
	defer func() { err = errors.Join(err, db.Close()) }()
	defer func() { err = errors.Join(err, drop(ctx, db, name, host)) }()
	_, err = db.ExecContext(ctx, "create schema "+host+`; create table profiles (
		organization text not null,
		user_id      text not null,
		title        text not null check (title <> ''),
		primary key (organization, user_id)
	)`)
	if err != nil {
		return err
	}
	store, err := pgstore.NewSQL(db.DB, pgstore.Config{Schema: name})
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
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
	return story(ctx, out, &app{db: db, store: store, svc: svc})
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
		var refusal *pq.Error
		switch err := a.accept(ctx, sent.Token.Reveal(), grace, step.title); {
		case errors.As(err, &refusal) && refusal.Constraint == "profiles_title_check":
			result = "rolled back"
		case err != nil:
			return err
		}
		var members, profiles []string
		for member, err := range a.svc.AllMembers(ctx, invitations.System(), invitations.MembersParams{Organization: "acme"}) {
			if err != nil {
				return err
			}
			members = append(members, member.UserID)
		}
		if err := a.db.NewSelect().Model((*Profile)(nil)).Column("user_id").Order("user_id").Scan(ctx, &profiles); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n\tmembers %v, profiles %v\n", step.text, result, members, profiles)
	}
	return nil
}

// drop drops the schemas, even if ctx has ended.
func drop(ctx context.Context, db *bun.DB, schemas ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var errs []error
	for _, name := range schemas {
		_, err := db.ExecContext(ctx, "drop schema if exists "+name+" cascade")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
