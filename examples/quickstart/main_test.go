package main

import (
	"bytes"
	"regexp"
	"testing"
)

const want = `ada creates acme and is its owner.
ada invites grace@example.com. The invitation is pending.
https://app.example.com/invite/inv_...
The page behind the link offers to join acme as developer.
grace accepts and is now a developer.
grace may use acme.
`

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	// The token is different in each run.
	got := regexp.MustCompile(`inv_[\w-]+`).ReplaceAllString(out.String(), "inv_...")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
