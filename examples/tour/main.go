// Command tour walks through the library in 55 steps, with everything in memory. Each step calls
// the library, checks the result and prints it.
//
//	go run ./examples/tour
//
// Read joining.go first, then members.go, tracking.go and life.go. The program exits with a
// non-zero status if a step has an unexpected result.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	// A service needs a store and a key. In production, load the key from a secret store.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	// Without a Clock, a service uses time.Now. The tour sets the time, to show what expires.
	t := &tour{out: out, now: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{
		Clock:        func() time.Time { return t.now },
		RemindBefore: 48 * time.Hour,
	})
	if err != nil {
		return err
	}
	t.joining(ctx, svc)
	t.members(ctx, svc)
	t.tracking(ctx, svc)
	t.life(ctx, svc)
	return t.err
}
