package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-invitations/invitations/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Two runs with the same schema print the same, so the first one leaves nothing behind.
func TestRun(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	url, name := pgtest.URL(t), strings.ToLower(pgtest.Schema(t))
	for range 2 {
		var out bytes.Buffer
		if err := run(t.Context(), &out, url, name); err != nil {
			t.Errorf("run: %v", err)
		}
		if out.String() != string(want) {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
}
