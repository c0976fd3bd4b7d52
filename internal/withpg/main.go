// Command withpg runs a command with a PostgreSQL. It starts a throwaway cluster, sets DATABASE_URL
// and INVITATIONS_TEST_DATABASE_URL, runs the command and removes the cluster. If
// INVITATIONS_TEST_DATABASE_URL is set already, it uses that database instead.
//
//	go run ./internal/withpg go test ./...
//
// With -check instead of a command, it fails if there is no PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/go-invitations/invitations/internal/pgtest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withpg -check | COMMAND [ARGUMENT ...]")
		os.Exit(2)
	}
	if os.Args[1] == "-check" {
		if err := pgtest.Check(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run())
}

func run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	url := os.Getenv(pgtest.URLVariable)
	if url == "" {
		started, stop, err := pgtest.Start(ctx)
		if err != nil {
			fmt.Fprintln(os.Stderr, "withpg:", err)
			return 1
		}
		defer stop()
		url = started
	}
	cmd := exec.CommandContext(ctx, os.Args[1], os.Args[2:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), pgtest.URLVariable+"="+url, "DATABASE_URL="+url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	}
	fmt.Fprintln(os.Stderr, "withpg:", err)
	return 1
}
