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

// The test binary is also the worker of the crash tests.
func TestMain(m *testing.M) {
	if point := os.Getenv(workerVariable); point != "" {
		os.Exit(work(context.Background(), os.Stdin, stopAt(point)))
	}
	_ = flag.Set("test.parallel", "4") // the default; the tests wait more than they compute
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

// A run whose context ends early drops its schemas too.
func TestRun_Interrupted(t *testing.T) {
	t.Parallel()
	url, schema, jobSchema := pgtest.URL(t), pgtest.Schema(t), pgtest.Schema(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		cancel() // after the first step
		return len(p), nil
	})
	require.ErrorIs(t, run(ctx, out, url, schema, jobSchema), context.Canceled)
	requireDropped(t, url, schema, jobSchema)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args   []string
		url    string // DATABASE_URL
		want   int
		stderr string
	}{
		"no URL":         {nil, "", 2, "river: set -database or DATABASE_URL"},
		"unknown flag":   {[]string{"-unknown"}, "", 2, "flag provided but not defined: -unknown"},
		"malformed URL":  {nil, "postgres://%", 1, "river: "},
		"no server":      {nil, "postgres://127.0.0.1:1/x?connect_timeout=2", 1, "river: "},
		"flag overrides": {[]string{"-database", "postgres://%"}, pgtest.URL(t), 1, "river: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			require.Equal(t, test.want, start(t.Context(), test.args, test.url, &out, &errOut))
			require.Empty(t, out.String())
			require.True(t, strings.HasPrefix(errOut.String(), test.stderr), errOut.String())
		})
	}
}

func requireDropped(t *testing.T, url string, schemas ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var left int
	const count = "select count(*) from pg_catalog.pg_namespace where nspname::text = any($1)"
	require.NoError(t, conn.QueryRow(t.Context(), count, schemas).Scan(&left))
	require.Zero(t, left)
}
