package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

const maxBody = 1 << 20 // bytes of a request

// protect puts around the routes what each of them needs: a log without paths, headers, a limit
// on bodies, a session, and the refusal of changes that another site asks for and of bad text.
func (a *app) protect(mux *http.ServeMux) http.Handler {
	h := http.NewCrossOriginProtection().Handler(a.sessions.LoadAndSave(a.readable(mux)))
	return a.logged(mux, headers(http.MaxBytesHandler(h, maxBody)))
}

// readable reads the forms, and refuses requests with text that a database does not take.
func (a *app) readable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch err := readText(r); {
		case err == nil:
			h.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			a.failAPI(w, r, err)
		default:
			a.fail(w, r, err)
		}
	})
}

// readText reads the query and the body of a request. All of it must be UTF-8 without zero bytes,
// except files.
func readText(r *http.Request) error {
	tooLarge := func(err error) bool { return errors.As(err, new(*http.MaxBytesError)) }
	if strings.HasPrefix(r.URL.Path, "/api/") { // the body is JSON, whatever its type says
		var err error
		if r.Form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return errUnreadable
		}
	} else if err := r.ParseMultipartForm(maxBody); tooLarge(err) {
		return err
	} else if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return errUnreadable
	}
	body, err := io.ReadAll(r.Body) // of JSON: forms are read
	if tooLarge(err) {
		return err
	} else if err != nil {
		return errUnreadable
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	texts := []string{r.URL.Path, string(body)}
	for name, values := range r.Form {
		texts = append(append(texts, name), values...)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) || strings.Contains(s, "\x00") }) {
		return errUnreadable
	}
	return nil
}

// headers sets the headers that keep a page from leaking its address, which can contain a token,
// and from running what it did not bring.
func headers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "+
			"form-action 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// logged writes one line for each request. It names the route and not the path, because a path
// can contain a token.
func (a *app) logged(mux *http.ServeMux, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(r)
		start, answer := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				a.log.Error("panic", "route", route, "panic", p, "stack", string(debug.Stack()))
				if !answer.wrote {
					http.Error(answer, "Something went wrong", http.StatusInternalServerError)
				}
			}
			level := slog.LevelDebug
			if answer.status >= http.StatusInternalServerError && r.Context().Err() == nil {
				level = slog.LevelError
			}
			a.log.Log(r.Context(), level, "request", "method", r.Method, "route", route, "status", answer.status,
				"milliseconds", time.Since(start).Milliseconds())
		}()
		h.ServeHTTP(answer, r)
	})
}

// A statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *statusWriter) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// clientLimits limit how often each client can try secrets of one kind.
type clientLimits struct {
	now   func() time.Time
	burst int // how often a client can try at once

	mu      *sync.Mutex
	clients map[string]*rate.Limiter
}

// A client can try 30 times at once, and then once in 2 seconds.
const (
	clientBurst    = 30
	clientInterval = 2 * time.Second
	maxClients     = 100_000
)

func newClientLimits(now func() time.Time) clientLimits {
	return clientLimits{now, clientBurst, &sync.Mutex{}, map[string]*rate.Limiter{}}
}

// allow reports whether the client of a request can try now. Behind a proxy, the address of the
// client is in a header that the proxy sets.
func (l clientLimits) allow(r *http.Request) bool {
	client := clientOf(r.RemoteAddr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.clients) >= maxClients {
		for name, limiter := range l.clients {
			if limiter.TokensAt(l.now()) >= float64(l.burst) { // has tried nothing for a while
				delete(l.clients, name)
			}
		}
	}
	limiter := l.clients[client]
	if limiter == nil {
		if len(l.clients) >= maxClients {
			return false
		}
		limiter = rate.NewLimiter(rate.Every(clientInterval), l.burst)
		l.clients[client] = limiter
	}
	return limiter.AllowN(l.now(), 1)
}

// clientOf returns the part of an address that counts as one client. Whoever has one IPv6 address
// has all of its network of 64 bits.
func clientOf(address string) string {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := parsed.Addr().Unmap()
	if network, err := ip.Prefix(64); err == nil && ip.Is6() {
		return network.String()
	}
	return ip.String()
}

// limited refuses a client that tries too often. Pages count apart from forms: another site can
// make a browser ask for pages, and that must not keep people from signing in.
func (a *app) limited(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limits := a.limits
		if r.Method != http.MethodPost {
			limits = a.pageLimits
		}
		if !limits.allow(r) {
			a.fail(w, r, errTooMany)
			return
		}
		h(w, r)
	}
}
