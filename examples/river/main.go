// Command river shows mails of invitations that survive a crash. The host's transaction holds
// the invitation and the job to mail it, in the queue River; a worker asks for the link when it
// sends, and sends by go-mail to an SMTP server that proves who it is. The program is its own
// mail server, and kills a worker of its own.
//
//	go run .
//
// It uses the PostgreSQL that DATABASE_URL or INVITATIONS_TEST_DATABASE_URL names, where it
// works in two schemas of its own, which it drops at the end; if there is none, it starts a
// throwaway one. It exits with a status other than 0 if something is not as it says.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations/internal/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(workerVariable) != "" {
		os.Exit(work(ctx, os.Stdin))
	}
	os.Exit(start(ctx, cmp.Or(os.Getenv("DATABASE_URL"), os.Getenv(pgtest.URLVariable)), os.Stdout, os.Stderr))
}

// start runs the story on the database of url, or on a throwaway one, and returns the exit
// status.
func start(ctx context.Context, url string, out, errOut io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if url == "" {
		started, stop, err := pgtest.Start(ctx)
		if err != nil {
			fmt.Fprintln(errOut, "river:", err)
			return 1
		}
		defer stop()
		url = started
	}
	// Names that nobody else has: what is dropped at the end is this run's alone.
	suffix := strings.ToLower(rand.Text())
	if err := run(ctx, out, url, "invitations_"+suffix, "river_"+suffix); err != nil {
		fmt.Fprintln(errOut, "river:", err)
		return 1
	}
	return 0
}

// run tells the story with the library's tables in schema and those of River in jobSchema.
func run(ctx context.Context, out io.Writer, url, schema, jobSchema string) (err error) {
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
	key := make([]byte, 32) // a real one comes from where you keep secrets
	_, _ = rand.Read(key)   // never fails
	host, err := open(ctx, setting{
		Database: url, Schema: schema, JobSchema: jobSchema, Key: key,
		SMTP: smtpServer{Host: server.host, Port: server.port, Roots: authority.pem()},
	})
	if err != nil {
		return err
	}
	defer host.close()
	if err := host.pool.Ping(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.drop(ctx)) }()
	if err := host.migrate(ctx); err != nil {
		return err
	}
	if _, err := host.svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		return err
	}
	return (&story{out: out, host: host, server: server}).tell(ctx)
}

// drop drops the schemas, also after ctx has ended.
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
