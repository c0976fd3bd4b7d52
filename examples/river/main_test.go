package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/internal/pgtest"
)

// The test's program is its own worker, as the command is.
func TestMain(m *testing.M) {
	if kind := os.Getenv(workerVariable); kind != "" {
		os.Exit(work(context.Background(), os.Stdin, stopAt(kind)))
	}
	_ = flag.Set("test.parallel", "4") // unless the command line says otherwise: they wait more than they work
	os.Exit(pgtest.Main(m))
}

func TestRun(t *testing.T) {
	t.Parallel()
	url, schema, jobSchema := pgtest.URL(t), pgtest.Schema(t), pgtest.Schema(t)
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, url, schema, jobSchema))
	require.Equal(t, string(want), out.String())
	requireDropped(t, url, schema, jobSchema)
}

// A run that ends before the story does drops what it has made all the same.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	url, schema, jobSchema := pgtest.URL(t), pgtest.Schema(t), pgtest.Schema(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		cancel() // at the first line
		return len(p), nil
	})
	require.ErrorIs(t, run(ctx, out, url, schema, jobSchema), context.Canceled)
	requireDropped(t, url, schema, jobSchema)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://%", "postgres://127.0.0.1:1/x?connect_timeout=2"} {
		var out, errOut bytes.Buffer
		require.Equal(t, 1, start(t.Context(), url, &out, &errOut))
		require.Empty(t, out.String())
		require.True(t, strings.HasPrefix(errOut.String(), "river: "), errOut.String())
	}
}

// The story ends where something is not as expected.
func TestStoryEnds(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	s := &story{host: h.delivery, out: writerFunc(func(p []byte) (int, error) {
		t.Errorf("told %q", p)
		return len(p), nil
	})}
	require.ErrorContains(t, s.expect(t.Context(), "a step", facts{}), "a step: found pending 0, members 1;")
}

func requireDropped(t *testing.T, url string, schemas ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var left int
	require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from pg_catalog.pg_namespace where nspname::text = any($1)", schemas).Scan(&left))
	require.Zero(t, left)
}
