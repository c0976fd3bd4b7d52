// Command jsonapi serves a JSON API for teams with net/http: invitations, links, members and
// quotas. It also serves the pages on which the recipients answer.
//
//	go run ./examples/jsonapi             # then open http://127.0.0.1:8080
//	go run ./examples/jsonapi -selftest   # sends the requests of selftest.txt to itself
//
// Register and sign in on the page, or invite with curl:
//
//	alias team='curl -s -c jar -b jar'
//	team -d email=ada@example.com http://127.0.0.1:8080/register
//	team -d '{"id":"acme"}' http://127.0.0.1:8080/api/organizations
//	team -d '{"email":"grace@example.com","role":"developer"}' http://127.0.0.1:8080/api/organizations/acme/invitations
//	team 'http://127.0.0.1:8080/api/organizations/acme/members'
//
// The program sends no mail. The page http://127.0.0.1:8080/dev/outbox shows the link of each
// invitation. Open it in another browser.
//
// Copy server.go, api.go and pages.go. Replace host.go, which stands for the accounts, sessions and
// mails of your application. It signs everybody in without a password, so the program listens on
// loopback addresses only.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("jsonapi", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8080", "the loopback `address` to listen on")
	self := flags.Bool("selftest", false, "send the requests of selftest.txt on a free port, and exit")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	var err error
	if *self {
		err = selftest(ctx, out)
	} else {
		err = serve(ctx, *addr, time.Now, slog.New(slog.NewTextHandler(errOut, nil)), func(base string) {
			fmt.Fprintln(out, "open", base)
		})
	}
	if err != nil {
		fmt.Fprintln(errOut, "jsonapi:", err)
		return 1
	}
	return 0
}

// serve serves until ctx ends. It calls ready with its URL. It refuses addresses that other
// machines can reach.
func serve(ctx context.Context, addr string, now func() time.Time, log *slog.Logger, ready func(base string)) error {
	name, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(name); err != nil || name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("-addr must be a loopback address, because this program signs everybody in")
	}
	// The invitations end with the process, so the key may too. In production, load the key from a
	// secret store. It must be the same in all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{Clock: now})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	// In production, configure an https URL. Plain HTTP shows the tokens to the network.
	base := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	server := &http.Server{
		Handler:           newApp(svc, base, now, log).handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	ready(base.String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
