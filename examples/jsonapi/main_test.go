package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSelftest(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	if got := run(t.Context(), []string{"-selftest"}, &out, &errOut); got != 0 {
		t.Errorf("exit status %d: %s", got, errOut.String())
	}
	if out.String() != story {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), story)
	}
}

// The selftest ends at the first unexpected answer.
func TestSelftest_UnexpectedAnswer(t *testing.T) {
	t.Parallel()
	const good, create = "ada POST /register email=ada@example.com -> 200 step=\"home\"", "ada POST /api/organizations {\"id\":\"acme\"} -> "
	tests := []struct{ name, line, err string }{
		{"another status", create + "200 \"role\":\"owner\"", "got 201"},
		{"another answer", create + "201 \"role\":\"admin\"", "got 201"},
		{"unknown path", "ada GET /nowhere -> 200", "got 404"},
		{"unknown variable", "ada GET $mail9 -> 200 step=\"accept\"", "got 200"},
	}
	for _, test := range tests {
		var out bytes.Buffer
		w := newWorld(t)
		err := play(&out, w.url, good+"\n"+test.line+"\n"+good, w.pass)
		if err == nil || !strings.HasPrefix(err.Error(), test.line+": ") || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got error %v", test.name, err)
		}
		if out.String() != good+"\n" {
			t.Errorf("%s: printed %q", test.name, out.String())
		}
	}
	if err := play(io.Discard, "http://127.0.0.1:0", good, nil); err == nil {
		t.Error("the selftest succeeded without a server")
	}
}

// Invalid flags and addresses that other machines can reach are refused.
func TestRun_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want int
		err  string
	}{
		{"unknown flag", []string{"-what"}, 2, "flag provided but not defined"},
		{"all interfaces", []string{"-addr", "0.0.0.0:0"}, 1, "must be a loopback address"},
		{"all interfaces by default", []string{"-addr", ":0"}, 1, "must be a loopback address"},
		{"a name that begins with a loopback one", []string{"-addr", "127.0.0.1.example.com:0"}, 1, "must be a loopback address"},
		{"no port", []string{"-addr", "127.0.0.1"}, 1, "must be a loopback address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			if got := run(t.Context(), test.args, &out, &errOut); got != test.want || !strings.Contains(errOut.String(), test.err) {
				t.Errorf("got %d %s, want %d %s", got, errOut.String(), test.want, test.err)
			}
		})
	}
}

// serve ends with its context and returns nil.
func TestServe_ContextEnds(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		ctx, cancel := context.WithCancel(t.Context())
		err := serve(ctx, addr, time.Now, slog.New(slog.DiscardHandler), func(base string) {
			go func() {
				defer cancel()
				if got := newBrowser(base).get("/"); got.err != nil || got.status != 200 {
					t.Errorf("%s: got %d, %v", addr, got.status, got.err)
				}
			}()
		})
		cancel()
		if err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
