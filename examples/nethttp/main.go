// Command nethttp serves invitations with net/http. One page shows an invitation on GET and accepts
// it on POST. On another page, a team invites people, and resends and revokes their invitations.
//
//	go run ./examples/nethttp
//
// Copy server.go, pages.html and style.css. Replace host.go, which stands for the sessions and mails
// of your application.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// address must be a loopback address, because host.go signs everybody in without a password.
const address = "127.0.0.1:8080"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "nethttp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	// In production, load the key from a secret store. It must be the same in all processes.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
	if err != nil {
		return err
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada@example.com"); err != nil {
		return err
	}
	const baseURL = "http://" + address // in production, https
	s := &server{svc: svc, host: &host{mailbox: os.Stdout}, baseURL: baseURL, log: slog.Default()}
	fmt.Println("Open " + baseURL + "/organizations/acme and sign in as ada@example.com.")
	const timeout = 10 * time.Second
	server := &http.Server{Addr: address, Handler: s.handler(), ReadTimeout: timeout, WriteTimeout: timeout}
	return server.ListenAndServe()
}
