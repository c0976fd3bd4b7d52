// Command river sends the mails of invitations through the job queue River. An invitation and the
// job to mail it are committed in one transaction. A worker asks for the link when it sends the
// mail.
//
//	go run . -database postgres://localhost/postgres
//
// Copy delivery.go, worker.go and smtp.go. The file mailserver.go stands for your mail server. The
// program creates two schemas with random names in the database, and drops them at the end.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/go-invitations/invitations"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(start(ctx, os.Args[1:], os.Getenv("DATABASE_URL"), os.Stdout, os.Stderr))
}

// start returns the exit status of the program.
func start(ctx context.Context, args []string, databaseURL string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("river", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&databaseURL, "database", databaseURL, "the `URL` of a PostgreSQL database (default: $DATABASE_URL)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if databaseURL == "" {
		fmt.Fprintln(errOut, "river: set -database or DATABASE_URL to the URL of a PostgreSQL database. "+
			"This program creates schemas in it.")
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	suffix := strings.ToLower(rand.Text())
	if err := run(ctx, out, databaseURL, "invitations_"+suffix, "river_"+suffix); err != nil {
		fmt.Fprintln(errOut, "river:", err)
		return 1
	}
	return 0
}

// run uses schema for the tables of the library, and jobSchema for those of River.
func run(ctx context.Context, out io.Writer, databaseURL, schema, jobSchema string) (err error) {
	authority, err := newAuthority("Example")
	if err != nil {
		return err
	}
	certificate, err := authority.issue("localhost", time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	server, err := listen(certificate, nil)
	if err != nil {
		return err
	}
	defer server.close()

	// In production, load the key from a secret store. It must be the same in all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	d, err := open(ctx, settings{
		Database: databaseURL, Schema: schema, JobSchema: jobSchema, Key: key,
		SMTP: smtpServer{Host: server.host, Port: server.port, Roots: authority.pem()},
	})
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.pool.Ping(ctx); err != nil {
		return err
	}
	defer func() {
		d.stop() // it uses the schemas
		err = errors.Join(err, d.drop(ctx))
	}()
	if err := d.migrate(ctx); err != nil {
		return err
	}
	return story(ctx, out, d, server)
}

// story prints the committed state after each step.
func story(ctx context.Context, out io.Writer, d *delivery, server *mailServer) error {
	tell := func(step string) error {
		found, err := d.state(ctx)
		if err == nil {
			fmt.Fprintf(out, "%s\n\t%s\n", step, found)
		}
		return err
	}
	ada := invitations.User("ada")
	if _, err := d.svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		return err
	}

	errOther := errors.New("the rest of the transaction failed")
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		_, err := d.invite(ctx, tx, ada, invitations.InviteParams{
			Organization: "acme", Email: "linus@example.com", Role: invitations.RoleDeveloper,
		})
		if err != nil {
			return err
		}
		return errOther
	})
	if !errors.Is(err, errOther) {
		return err
	}
	if err := tell("Ada invites Linus, and the transaction is rolled back."); err != nil {
		return err
	}

	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		_, err := d.invite(ctx, tx, ada, invitations.InviteParams{
			Organization: "acme", Email: "grace@example.com", Role: invitations.RoleDeveloper,
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := tell("Ada invites Grace, and the transaction is committed."); err != nil {
		return err
	}

	completed, unsubscribe := d.jobs.Subscribe(river.EventKindJobCompleted)
	defer unsubscribe()
	if err := d.jobs.Start(ctx); err != nil {
		return err
	}
	mail, err := server.next(ctx)
	if err != nil {
		return err
	}
	mail.accept()
	select {
	case <-completed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return tell(fmt.Sprintf("The worker starts, and the mail server receives a mail for %s.", strings.Join(mail.to, ", ")))
}

// A state counts what is committed: pending invitations, members, and jobs by their state.
type state struct {
	invitations, members   int
	waiting, running, done int
}

func (s state) String() string {
	return fmt.Sprintf("pending invitations %d, members %d; jobs: waiting %d, running %d, done %d",
		s.invitations, s.members, s.waiting, s.running, s.done)
}

// state returns the state of acme and of the queue.
func (d *delivery) state(ctx context.Context) (s state, err error) {
	for _, err := range d.svc.AllInvitations(ctx, invitations.System(), invitations.InvitationsParams{
		Organization: "acme", States: []invitations.State{invitations.StatePending},
	}) {
		if err != nil {
			return s, err
		}
		s.invitations++
	}
	for _, err := range d.svc.AllMembers(ctx, invitations.System(), invitations.MembersParams{Organization: "acme"}) {
		if err != nil {
			return s, err
		}
		s.members++
	}
	err = d.pool.QueryRow(ctx, `select count(*) filter (where state in ('available', 'retryable', 'scheduled')),
			count(*) filter (where state = 'running'), count(*) filter (where finalized_at is not null)
		from `+pgx.Identifier{d.JobSchema, "river_job"}.Sanitize()).Scan(&s.waiting, &s.running, &s.done)
	return s, err
}

// drop drops the schemas, even if ctx has ended.
func (d *delivery) drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var errs []error
	for _, schema := range []string{d.JobSchema, d.Schema} {
		_, err := d.pool.Exec(ctx, "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
