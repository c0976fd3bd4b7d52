package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-invitations/invitations"
)

func TestRun(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Errorf("run: %v", err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A tour must stop at the first unexpected result. Otherwise the program would report success for
// a broken library.
func TestTour_StopsAtUnexpectedResult(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	tests := []struct {
		name string
		step func(*tour)
		want string // in the error; empty if none is expected
	}{
		{"success", func(walk *tour) { walk.succeeded("step", nil, true, "%s", "fine") }, ""},
		{"error instead of success", func(walk *tour) { walk.succeeded("step", lost, true, "fine") }, "step: lost"},
		{"unexpected result", func(walk *tour) { walk.succeeded("step", nil, false, "fine") }, "step: unexpected result"},
		{"refusal", func(walk *tour) { walk.refused("step", invitations.ErrExpired, invitations.ErrExpired) }, ""},
		{"wrapped refusal", func(walk *tour) {
			walk.refused("step", fmt.Errorf("wrapped: %w", invitations.ErrExpired), invitations.ErrExpired)
		}, ""},
		{"refusal with details", func(walk *tour) {
			walk.refused("step", invitations.ErrExpired, invitations.ErrExpired, "details")
		}, ""},
		{"success instead of refusal", func(walk *tour) {
			walk.refused("step", nil, invitations.ErrExpired)
		}, "step: got <nil>, want invitations: invitation has expired"},
		{"another refusal", func(walk *tour) {
			walk.refused("step", invitations.ErrRevoked, invitations.ErrExpired)
		}, "step: got invitations: invitation was revoked"},
		{"error between steps", func(walk *tour) { walk.check("asking", lost) }, "asking: lost"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			walk := &tour{out: &out}
			test.step(walk)
			walk.succeeded("next", nil, true, "printed")
			failed := walk.err != nil
			if failed != (test.want != "") || failed && !strings.HasPrefix(walk.err.Error(), test.want) {
				t.Errorf("got error %v, want %q", walk.err, test.want)
			}
			if printed := strings.Contains(out.String(), "next: printed"); printed == failed {
				t.Errorf("the next step was printed: %v", printed)
			}
		})
	}
}
