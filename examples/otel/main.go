// Command otel records the operations of invitations with OpenTelemetry and prints them: a span
// for each, and a histogram of their durations.
//
//	go run -C examples/otel .
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run records a story with providers that print. Your program has its own providers.
func run(ctx context.Context, out io.Writer) (err error) {
	spans, err := stdouttrace.New(stdouttrace.WithWriter(out), stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	numbers, err := stdoutmetric.New(stdoutmetric.WithWriter(out))
	if err != nil {
		return err
	}
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(numbers)))
	defer func() { err = errors.Join(err, traces.Shutdown(ctx), metrics.Shutdown(ctx)) }()
	return story(ctx, traces, metrics)
}

// story invites Bob. A stranger is refused, and Bob accepts.
func story(ctx context.Context, traces trace.TracerProvider, metrics metric.MeterProvider) error {
	hook, err := observe(traces, metrics)
	if err != nil {
		return err
	}
	key := make([]byte, 32) // in production, a secret that stays the same
	_, _ = rand.Read(key)   // never returns an error
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{Observe: hook})
	if err != nil {
		return err
	}
	if _, err := svc.CreateOrganization(ctx, "acme", "ada"); err != nil {
		return err
	}
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		return err
	}
	stranger := invitations.Identity{UserID: "eve", Email: "eve@example.com", EmailVerified: true}
	if _, err := svc.Accept(ctx, sent.Token.Reveal(), stranger); !errors.Is(err, invitations.ErrRecipientMismatch) {
		return fmt.Errorf("a stranger must be refused, got %v", err)
	}
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	_, err = svc.Accept(ctx, sent.Token.Reveal(), bob)
	return err
}
