// Command withpg runs a command with a PostgreSQL to work on. Unless
// INVITATIONS_TEST_DATABASE_URL names one already, it starts a throwaway cluster, sets that
// variable and DATABASE_URL, runs the command, and removes the cluster.
//
//	go run ./internal/withpg go test ./...
//
// With -check instead of a command it only says whether there is a PostgreSQL.
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
