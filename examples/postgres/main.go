// Command postgres shows how the library's changes and the host's own commit
// together or not at all: the host begins the transaction, and a service on that
// transaction works in it.
//
//	DATABASE_URL=postgres://localhost/postgres go run ./examples/postgres
//
// It works in two schemas of its own, which it drops at the end. It exits with a
// status other than 0 if something is not as it says.
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
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func main() { os.Exit(start(os.Getenv("DATABASE_URL"), os.Stdout, os.Stderr)) }

func start(url string, out, errOut io.Writer) int {
	if url == "" {
		fmt.Fprintln(errOut, "postgres: set DATABASE_URL to a PostgreSQL database in which this program may create schemas, such as\n"+
			"\tDATABASE_URL=postgres://localhost/postgres go run ./examples/postgres")
		return 2
	}
	// A name that nobody else has: what is dropped at the end is this run's alone.
	schema := "invitations_example_" + strings.ToLower(rand.Text())
	if err := run(context.Background(), out, url, schema); err != nil {
		fmt.Fprintln(errOut, "postgres:", err)
		return 1
	}
	return 0
}

// run tells the story with the library's tables in schema, and the host's in
// schema with the suffix _host.
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
	host := newHost(schema + "_host")
	defer func() { err = errors.Join(err, drop(ctx, pool, schema, host.schema)) }()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	if err := host.migrate(ctx, pool); err != nil {
		return err
	}

	key := make([]byte, 32) // a real one comes from where you keep secrets
	_, _ = rand.Read(key)   // never fails
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		return err
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		return err
	}
	s := &story{out: out, pool: pool, svc: svc, host: host}
	ada := invitations.User("ada")
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}

	// Inviting, and the order to send the mail. The order carries the
	// invitation's id, which is no secret, and never the token. The host's own part ends
	// with the error then, if it is not nil.
	invite := func(email string, then error) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			sent, err := svc.WithStore(store.WithTx(tx)).Invite(ctx, ada, invitations.InviteParams{
				Organization: "acme", Email: email, Role: invitations.RoleDeveloper,
			})
			if err != nil {
				return err
			}
			if err := host.orderMail(ctx, tx, sent.Invitation); err != nil {
				return err
			}
			return then
		})
	}
	s.done(ctx, "invite grace, and order the mail", invite("grace@example.com", nil),
		facts{pending: 1, mails: 1})
	s.undone(ctx, "invite linus, order the mail, and fail", invite("linus@example.com", errHost), errHost,
		facts{pending: 1, mails: 1})

	// The mail's worker, perhaps much later and elsewhere, asks for the token
	// when it sends.
	var token string
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		inv, err := host.nextMail(ctx, tx)
		if err != nil {
			return err
		}
		sent, err := svc.WithStore(store.WithTx(tx)).PendingToken(ctx, invitations.System(), inv.Organization, inv.ID)
		if errors.Is(err, invitations.ErrNotPending) {
			return nil // it has ended meanwhile: the order is done, and nothing goes out
		}
		token = sent.Token.Reveal() // into the mail
		return err
	})
	s.done(ctx, "send the mail", err, facts{pending: 1})

	// Accepting, and a row of the host's for the new member. The organization is locked
	// until the transaction ends, so nothing slow belongs into it.
	accept := func(then error) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			member, err := svc.WithStore(store.WithTx(tx)).Accept(ctx, token, grace)
			if err != nil {
				return err
			}
			if err := host.addProfile(ctx, tx, member); err != nil {
				return err
			}
			return then
		})
	}
	s.undone(ctx, "accept, add a profile, and fail", accept(errHost), errHost,
		facts{pending: 1})

	// A refusal leaves the transaction usable: what the host writes beside it stays.
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		mallory := invitations.Identity{UserID: "mallory", Email: "mallory@example.com", EmailVerified: true}
		_, err := svc.WithStore(store.WithTx(tx)).Accept(ctx, token, mallory)
		if !errors.Is(err, invitations.ErrRecipientMismatch) {
			return fmt.Errorf("got %v, want %v", err, invitations.ErrRecipientMismatch)
		}
		return host.note(ctx, tx, "mallory was refused")
	})
	s.done(ctx, "accept as mallory, be refused, and note that", err, facts{pending: 1, notes: 1})

	s.done(ctx, "accept, and add a profile", accept(nil),
		facts{notes: 1, members: 1, profiles: 1})

	// The answer to a commit can be lost. Then run it all again: the library gives the
	// same membership back, and so should the host's write.
	s.done(ctx, "accept, and add a profile, again", accept(nil),
		facts{notes: 1, members: 1, profiles: 1})
	return s.err
}

// drop drops the schemas, also after ctx has ended.
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
