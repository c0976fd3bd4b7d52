// Command nethttp serves invitations on net/http alone: an accept page, on which
// GET shows and POST accepts, and a JSON API for the team.
//
//	go run ./examples/nethttp             # then open http://127.0.0.1:8080
//	go run ./examples/nethttp -selftest   # tells the story of selftest.txt to itself
//
// Register and sign in on the page, or with curl, and invite somebody:
//
//	alias team='curl -s -c jar -b jar'
//	team -d email=ada@example.com http://127.0.0.1:8080/register
//	team -d '{"id":"acme"}' http://127.0.0.1:8080/api/organizations
//	team -d '{"email":"grace@example.com","role":"developer"}' http://127.0.0.1:8080/api/organizations/acme/invitations
//	team 'http://127.0.0.1:8080/api/organizations/acme/members'
//
// The mail that this would send is on http://127.0.0.1:8080/dev/outbox: open its link in
// another browser.
//
// What to take from here is in server.go, api.go and pages.go. Accounts, sessions and
// mail, in host.go, stand for what your application has already; they let
// everybody in, so the program serves the machine that it runs on and no other.
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
	flags := flag.NewFlagSet("nethttp", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8080", "the loopback `address` to listen on")
	self := flags.Bool("selftest", false, "tell the story over HTTP on a free port, and exit")
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
		fmt.Fprintln(errOut, "nethttp:", err)
		return 1
	}
	return 0
}

// serve serves until ctx ends, and calls ready with the URL that it is reached by. It refuses
// every address that another machine could reach.
func serve(ctx context.Context, addr string, now func() time.Time, log *slog.Logger, ready func(base string)) error {
	name, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(name); err != nil || name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("-addr is not a loopback address, and this program has no real sign-in")
	}
	// What is in memory ends with the process, and the key may end with it. A real
	// one comes from where you keep secrets, the same for all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
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
	// Yours is configuration, and https: a link over plain HTTP shows its token to the network.
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
