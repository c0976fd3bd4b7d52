package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestSelftest(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/selftest.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if got := run(t.Context(), []string{"-selftest"}, &out, &errOut); got != 0 {
		t.Errorf("exit status %d: %s", got, errOut.String())
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// The story ends at its first step that is not as expected.
func TestSelftestFails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			writeError(w, errSignedOut)
			return
		}
		_, _ = w.Write([]byte(`<main data-step="home">`))
	}))
	defer server.Close()
	var out bytes.Buffer
	err := tellStory(&out, server.URL)
	if err == nil || err.Error() != "ada founds acme: got 401 unauthenticated, want 201 owner" {
		t.Errorf("got error %v", err)
	}
	if out.String() != "ada registers: 200 home\n" {
		t.Errorf("told %q", out.String())
	}
	server.Close()
	if err := tellStory(&out, server.URL); err == nil {
		t.Error("told without a server")
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want int
		err  string
	}{
		{"unknown flag", []string{"-what"}, 2, "flag provided but not defined"},
		{"for all to reach", []string{"-addr", "0.0.0.0:0"}, 1, "not a loopback address"},
		{"for all to reach, by default", []string{"-addr", ":0"}, 1, "not a loopback address"},
		{"wrong base", []string{"-addr", "127.0.0.1:0", "-base", "http://app.example.com"}, 1, "neither https nor http on a loopback address"},
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

// serve ends with its context, and without an error.
func TestServeStops(t *testing.T) {
	t.Parallel()
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, base, slog.New(slog.DiscardHandler)) }()
	if got := newBrowser(base).get("/"); got.err != nil || got.status != 200 {
		t.Errorf("got %d, %v", got.status, got.err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestParseBase(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"http://127.0.0.1:8080":         true,
		"http://localhost":              true,
		"http://[::1]:8080":             true,
		"https://app.example.com":       true,
		"https://app.example.com/":      true,
		"":                              false,
		"app.example.com":               false,
		"//app.example.com":             false,
		"http://app.example.com":        false,
		"http://127.0.0.1.example.com":  false,
		"http://localhost.example.com":  false,
		"javascript://localhost":        false,
		"https://":                      false,
		"https://user@app.example.com":  false,
		"https://app.example.com/app":   false,
		"https://app.example.com?a=b":   false,
		"https://app.example.com#there": false,
	}
	for base, want := range tests {
		if _, err := parseBase(base); (err == nil) != want {
			t.Errorf("%q: got %v", base, err)
		}
	}
}
