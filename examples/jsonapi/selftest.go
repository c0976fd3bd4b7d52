package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

//go:embed selftest.txt
var story string

// selftest serves on a free port and plays the story against it.
func selftest(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	played := make(chan error, 1)
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	pass := func(d time.Duration) { passed.Add(int64(d)) }
	err := serve(ctx, "127.0.0.1:0", now, slog.New(slog.DiscardHandler), func(base string) {
		go func() {
			played <- play(out, base, story, pass)
			cancel()
		}()
	})
	if err != nil {
		return err
	}
	return <-played
}

// play sends the requests of story and prints its lines, up to the first unexpected answer. A
// line has the user, the method, the path, an optional body and, after an arrow, the expected
// status and a part of the expected answer.
//
// FORGE is a POST from a page of another site. $mail1 is the path of the link in the first mail.
// $id and $url are the last ones in an answer. A WAIT line moves the clock.
func play(out io.Writer, base, story string, pass func(time.Duration)) error {
	browsers, known := map[string]*browser{}, map[string]string{}
	for line := range strings.Lines(story) {
		line = strings.TrimSpace(line)
		request, want, ok := strings.Cut(line, " -> ")
		if !ok { // a heading or a WAIT line
			if d, err := time.ParseDuration(strings.TrimPrefix(line, "WAIT ")); err == nil {
				pass(d)
			}
			fmt.Fprintln(out, line)
			continue
		}
		words := strings.Fields(os.Expand(request, func(name string) string { return known[name] }))
		words = append(words, "", "", "", "") // in place of omitted words
		b := browsers[words[0]]
		if b == nil {
			b = newBrowser(base)
			browsers[words[0]] = b
		}
		got := b.do(words[1], words[2], words[3])
		status, part, _ := strings.Cut(want, " ")
		switch {
		case got.err != nil:
			return fmt.Errorf("%s: %w", line, got.err)
		case fmt.Sprint(got.status) != status || !strings.Contains(got.body, part):
			return fmt.Errorf("%s: got %d %s", line, got.status, got.body)
		}
		fmt.Fprintln(out, line)
		for _, found := range regexp.MustCompile(`"(id|url)":"([^"]+)"`).FindAllStringSubmatch(got.body, -1) {
			known[found[1]] = strings.TrimPrefix(found[2], base)
		}
		outbox := b.do("GET", "/dev/outbox", "").body
		mails := regexp.MustCompile(`mail to \S+: <a href="([^"]+)"`).FindAllStringSubmatch(outbox, -1)
		for i, found := range mails { // newest first
			known[fmt.Sprint("mail", len(mails)-i)] = strings.TrimPrefix(found[1], base)
		}
	}
	return nil
}

// A browser is a client with cookies that follows redirects.
type browser struct {
	base   string
	client *http.Client
}

func newBrowser(base string) *browser {
	jar, _ := cookiejar.New(nil) // never returns an error without options
	return &browser{base, &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: 10 * time.Second}}
}

// An answer is the response after all redirects.
type answer struct {
	err    error
	status int
	path   string
	header http.Header
	body   string
}

// do sends a request with the headers of a browser. For FORGE, they are those of a form on another
// site. The variadic headers are further names and values.
func (b *browser) do(method, path, body string, headers ...string) answer {
	kind := "application/json"
	if !strings.HasPrefix(path, "/api/") {
		kind = "application/x-www-form-urlencoded"
	}
	headers = append([]string{"Content-Type", kind, "Sec-Fetch-Site", "same-origin", "Origin", "null"}, headers...)
	if method == "FORGE" {
		method, headers = "POST", append(headers, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	}
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	return answer{err, resp.StatusCode, resp.Request.URL.Path, resp.Header, string(read)}
}
