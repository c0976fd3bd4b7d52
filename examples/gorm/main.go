// Command gorm accepts an invitation and writes a row of the application in one transaction of
// GORM. The members are rows of a GORM model with soft deletion.
//
//	DATABASE_URL=postgres://localhost/postgres go run -C examples/gorm .
//
// The models and the transaction are in accept.go. The program creates two schemas with random
// names in that database, and drops them at the end.
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

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func main() {
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		fmt.Fprintln(os.Stderr, "gorm: set DATABASE_URL to the URL of a PostgreSQL database. This program creates schemas in it.")
		os.Exit(2)
	}
	name := "invitations_example_" + strings.ToLower(rand.Text())
	if err := run(context.Background(), os.Stdout, url, name); err != nil {
		fmt.Fprintln(os.Stderr, "gorm:", err)
		os.Exit(1)
	}
}

// run uses the schema name for the tables of the library, and name+"_host" for those of the
// application.
func run(ctx context.Context, out io.Writer, url, name string) (err error) {
	host := name + "_host"
	db, err := gorm.Open(postgres.Open(url), &gorm.Config{
		NamingStrategy: schema.NamingStrategy{TablePrefix: host + "."},
		Logger:         logger.Discard, // a refused profile is part of the story
	})
	if err != nil {
		return err
	}
	sqlDB, err := db.DB()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sqlDB.Close()) }()
	defer func() { err = errors.Join(err, drop(ctx, db, name, host)) }()
	if err := db.WithContext(ctx).Exec("create schema " + host).Error; err != nil {
		return err
	}
	if err := db.WithContext(ctx).AutoMigrate(&Membership{}, &Profile{}); err != nil {
		return err
	}
	store, err := pgstore.NewSQL(sqlDB, pgstore.Config{Schema: name, Members: membersTable(host)})
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

// story prints the members of acme and their profiles after each step.
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
		if err := a.print(ctx, out, step.text+": "+result); err != nil {
			return err
		}
	}
	if _, err := a.svc.Leave(ctx, "acme", "grace"); err != nil {
		return err
	}
	return a.print(ctx, out, "Grace leaves: her membership is marked as deleted")
}

// print prints text, the members and the profiles.
func (a *app) print(ctx context.Context, out io.Writer, text string) error {
	var members, profiles []string
	var all int64
	db := a.db.WithContext(ctx)
	for _, err := range []error{
		db.Model(&Membership{}).Order("user_id").Pluck("user_id", &members).Error,
		db.Model(&Membership{}).Unscoped().Count(&all).Error,
		db.Model(&Profile{}).Order("user_id").Pluck("user_id", &profiles).Error,
	} {
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s\n\tmembers %v of %d rows, profiles %v\n", text, members, all, profiles)
	return err
}

// drop drops the schemas, even if ctx has ended.
func drop(ctx context.Context, db *gorm.DB, schemas ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var errs []error
	for _, name := range schemas {
		errs = append(errs, db.WithContext(ctx).Exec("drop schema if exists "+name+" cascade").Error)
	}
	return errors.Join(errs...)
}
