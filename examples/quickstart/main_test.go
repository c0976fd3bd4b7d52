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
	if err := run(&out); err != nil {
		t.Errorf("run: %v", err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// The story ends at its first step that goes wrong, or the program would
// report success for a library that is broken.
func TestTeller(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	tests := []struct {
		name string
		tell func(*teller)
		want string // in the error; empty: no error
	}{
		{"done", func(l *teller) { l.done("step", nil, true, "%s", "fine") }, ""},
		{"done with an error", func(l *teller) { l.done("step", lost, true, "fine") }, "step: lost"},
		{"done with another result", func(l *teller) { l.done("step", nil, false, "fine") }, "step: not the expected result"},
		{"refused", func(l *teller) { l.refused("step", invitations.ErrExpired, invitations.ErrExpired) }, ""},
		{"refused, wrapped", func(l *teller) {
			l.refused("step", fmt.Errorf("wrapped: %w", invitations.ErrExpired), invitations.ErrExpired)
		}, ""},
		{"refused, and more", func(l *teller) { l.refused("step", invitations.ErrExpired, invitations.ErrExpired, "more") }, ""},
		{"not refused", func(l *teller) { l.refused("step", nil, invitations.ErrExpired) }, "step: got <nil>, want invitations: invitation has expired"},
		{"refused otherwise", func(l *teller) { l.refused("step", invitations.ErrRevoked, invitations.ErrExpired) }, "step: got invitations: invitation was revoked"},
		{"not told", func(l *teller) { l.check("asking", lost) }, "asking: lost"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			l := &teller{out: &out}
			test.tell(l)
			l.done("next", nil, true, "told")
			failed := l.err != nil
			if failed != (test.want != "") || failed && !strings.HasPrefix(l.err.Error(), test.want) {
				t.Errorf("got error %v, want %q", l.err, test.want)
			}
			if told := strings.Contains(out.String(), "next: told"); told == failed {
				t.Errorf("the step after it was told: %v", told)
			}
		})
	}
}
