package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// A tour prints its steps, up to the first one with an unexpected result.
type tour struct {
	out   io.Writer
	now   time.Time // the time of the service's clock
	steps int
	err   error // of the first step with an unexpected result
}

// succeeded records a step that must succeed. The step has the expected result if ok is true.
func (t *tour) succeeded(step string, err error, ok bool, result string, args ...any) {
	t.check(step, err)
	if !ok && t.err == nil {
		t.err = fmt.Errorf("%s: unexpected result", step)
	}
	t.print(step, fmt.Sprintf(result, args...))
}

// refused records a step that must end with the error want. The details are printed after it.
func (t *tour) refused(step string, err error, want *invitations.Error, details ...string) {
	if !errors.Is(err, want) && t.err == nil {
		t.err = fmt.Errorf("%s: got %v, want %v", step, err, want)
	}
	parts := append([]string{fmt.Sprintf("refused, %s: %q", want.Code(), want.Message())}, details...)
	t.print(step, strings.Join(parts, "; "))
}

// check records the error of a call that is not a step of its own.
func (t *tour) check(call string, err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", call, err)
	}
}

func (t *tour) print(step, result string) {
	if t.err == nil {
		t.steps++
		fmt.Fprintf(t.out, "%2d. %s: %s\n", t.steps, step, result)
	}
}
