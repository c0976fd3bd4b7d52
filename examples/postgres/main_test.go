package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Two runs with the same schema print the same, so the first one leaves nothing behind.
func TestRun(t *testing.T) {
	t.Parallel()
	url, schema := pgtest.URL(t), pgtest.Schema(t)
	want, err := os.ReadFile("testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var out bytes.Buffer
		if err := run(t.Context(), &out, url, schema); err != nil {
			t.Errorf("run: %v", err)
		}
		if out.String() != string(want) {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
		if left := schemas(t, url, schema); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// A run whose context ends early drops its schemas too.
func TestRun_Interrupted(t *testing.T) {
	t.Parallel()
	url, schema := pgtest.URL(t), pgtest.Schema(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		cancel() // after the first step
		return len(p), nil
	})
	if err := run(ctx, out, url, schema); err == nil {
		t.Error("run succeeded without its context")
	}
	if left := schemas(t, url, schema); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		want      int
		stderr    string
	}{
		{"no URL", "", 2, "set DATABASE_URL"},
		{"malformed URL", "postgres://%", 1, "postgres: "},
		{"no server", "postgres://127.0.0.1:1/x?connect_timeout=2", 1, "postgres: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			if got := start(test.url, &out, &errOut); got != test.want {
				t.Errorf("exit status %d, want %d", got, test.want)
			}
			if !strings.Contains(errOut.String(), test.stderr) || out.Len() > 0 {
				t.Errorf("printed %q and %q, want nothing and %q", out.String(), errOut.String(), test.stderr)
			}
		})
	}
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		var out, errOut bytes.Buffer
		if got := start(pgtest.URL(t), &out, &errOut); got != 0 || errOut.Len() > 0 {
			t.Errorf("exit status %d, want 0: %s", got, errOut.String())
		}
	})
}

// schemas returns the existing schemas of a run.
func schemas(t *testing.T, url, schema string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(),
		`select nspname::text from pg_catalog.pg_namespace where nspname in ($1, $2)`, schema, schema+"_host")
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}
