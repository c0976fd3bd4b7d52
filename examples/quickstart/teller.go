package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-invitations/invitations"
)

// A teller prints the steps of the story, up to the first that did not end as expected.
type teller struct {
	out   io.Writer
	steps int
	err   error
}

// done is a step that must succeed, with a result that is as it should be.
func (t *teller) done(step string, err error, ok bool, result string, args ...any) {
	if t.check(step, err); !ok && t.err == nil {
		t.err = fmt.Errorf("%s: not the expected result", step)
	}
	t.print(step, fmt.Sprintf(result, args...))
}

// refused is a step that must end with the error want; more is what the error tells beside.
func (t *teller) refused(step string, err error, want *invitations.Error, more ...string) {
	if !errors.Is(err, want) && t.err == nil {
		t.err = fmt.Errorf("%s: got %v, want %v", step, err, want)
	}
	told := append([]string{fmt.Sprintf("refused, %s: %q", want.Code(), want.Message())}, more...)
	t.print(step, strings.Join(told, "; "))
}

// check remembers an error that no part of the story is.
func (t *teller) check(step string, err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", step, err)
	}
}

func (t *teller) print(step, result string) {
	if t.err == nil {
		t.steps++
		fmt.Fprintf(t.out, "%2d. %s: %s\n", t.steps, step, result)
	}
}
