package main

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-invitations/invitations/internal/pgtest"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		fmt.Fprintln(os.Stderr, "a client ended:", child(text))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Each kind of fault holds in a few rounds, and its controls are caught. The program runs more.
func TestKinds(t *testing.T) {
	m := &machine{}
	t.Cleanup(m.close)
	for _, k := range allKinds() {
		t.Run(k.name, func(t *testing.T) {
			o := k.run(t.Context(), m, max(1, k.variants))
			switch {
			case errors.Is(o.skipped, pgtest.ErrNoServer) && os.Getenv(pgtest.RequireVariable) != "":
				t.Fatal(o.skipped)
			case o.skipped != nil:
				pgtest.Skip(t, "A KIND OF FAULT WAS NOT TESTED:", k.name+":", o.skipped)
			case !o.held():
				t.Fatal(o.progress())
			case o.faults == 0 || o.answers[done] == 0:
				t.Fatalf("%d faults and %d calls that were done: the rounds show nothing", o.faults, o.answers[done])
			}
			t.Logf("%d faults in %d calls: %v", o.faults, o.calls, o.answers)
		})
	}
}
