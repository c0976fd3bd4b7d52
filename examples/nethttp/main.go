// Command nethttp serves invitations on net/http alone: an accept page, on which
// GET shows and POST accepts, and a JSON API for the team.
//
//	go run ./examples/nethttp             # then open http://127.0.0.1:8080
//	go run ./examples/nethttp -selftest   # tells the story to itself over HTTP
//
// Register and sign in on the page, or with curl, and invite somebody:
//
//	alias team='curl -s -c jar -b jar'
//	team -d email=ada@example.com http://127.0.0.1:8080/register
//	team -d '{"id":"acme"}' http://127.0.0.1:8080/api/organizations
//	team -d '{"email":"grace@example.com","role":"developer"}' http://127.0.0.1:8080/api/organizations/acme/invitations
//	team 'http://127.0.0.1:8080/api/organizations/acme/invitations?state=pending'
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
	"strings"
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
	base := flags.String("base", "http://127.0.0.1:8080", "the `URL` that links in mails begin with")
	self := flags.Bool("selftest", false, "tell the story over HTTP on a free port, and exit")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	serveOrTest := func() error {
		if *self {
			return selftest(ctx, out)
		}
		listener, err := listen(*addr)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "listening on http://%s\n", listener.Addr())
		return serve(ctx, listener, *base, slog.New(slog.NewTextHandler(errOut, nil)))
	}
	if err := serveOrTest(); err != nil {
		fmt.Fprintln(errOut, "nethttp:", err)
		return 1
	}
	return 0
}

// listen refuses every address that another machine could reach.
func listen(addr string) (net.Listener, error) {
	if !isLoopback(addr) {
		return nil, errors.New("-addr is not a loopback address, and this program has no real sign-in")
	}
	return net.Listen("tcp", addr)
}

// serve serves until ctx ends. Links begin with base, wherever it listens.
func serve(ctx context.Context, listener net.Listener, base string, log *slog.Logger) error {
	root, err := parseBase(base)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	// What is in memory ends with the process, and the key may end with it. A real
	// one comes from where you keep secrets, the same for all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a := &app{svc: svc, host: newHost(), base: root, log: log}
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	if err := server.Serve(listener); stop() {
		return err // it ended by itself
	}
	return <-stopped
}

// parseBase takes an absolute https URL without a path, or such an http URL of a
// loopback address: a link over plain HTTP shows its token to the network.
func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("-base is not an absolute URL without a path")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Host)) {
		return nil, errors.New("-base is neither https nor http on a loopback address")
	}
	return u, nil
}

// isLoopback reports whether host, with or without a port, is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
