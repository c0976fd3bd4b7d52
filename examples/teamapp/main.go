// Command teamapp is a small product with teams: people register, invite colleagues and use a
// quota together. It shows the library in a browser, and is made to be copied from.
//
//	go run . -demo
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "teamapp:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then waits for the requests and the mail in progress.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("teamapp", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "the `address` to serve on")
	o := options{log: slog.New(slog.NewTextHandler(os.Stderr, nil)), now: time.Now}
	flags.StringVar(&o.baseURL, "url", "", "the `URL` of the app in links; empty: http and the address it serves on")
	flags.StringVar(&o.database, "database", "teamapp.db", "a `file` for SQLite, or the URL of a PostgreSQL database")
	flags.StringVar(&o.smtp, "smtp", "", "the `URL` of a mail server, smtp://user:password@host:587; empty: an outbox page")
	flags.StringVar(&o.from, "from", "Teamy <teamy@localhost>", "the `address` that mail comes from")
	demo := flags.Bool("demo", false, "add demonstration data to an empty database")
	if err := flags.Parse(args); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	if o.baseURL == "" {
		o.baseURL = "http://" + listener.Addr().String()
	}
	a, err := newApp(ctx, o)
	if err != nil {
		return err
	}
	defer a.close()
	if *demo {
		if err := a.addDemo(ctx); err != nil {
			return err
		}
		fmt.Printf("Sign in as %s with the password %q.\n", demoAddress, demoPassword)
	}
	fmt.Println("Teamy is at", o.baseURL)
	return a.serve(ctx, listener)
}

// serve handles requests and runs the background work until ctx ends.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	background := make(chan struct{})
	go func() {
		defer close(background)
		a.work(ctx)
	}()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	<-background
	return err
}
