package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// An app serves HTTP.
type app struct {
	svc  *invitations.Service
	host *host
	base *url.URL // from configuration: a client could forge the Host header of a request
	now  func() time.Time
	log  *slog.Logger
}

func newApp(svc *invitations.Service, base *url.URL, now func() time.Time, log *slog.Logger) *app {
	return &app{svc: svc, host: newHost(base.Scheme == "https"), base: base, now: now, log: log}
}

// maxBody allows a hundred invitations with the longest messages.
const maxBody = 256 << 10

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()

	// The pages of the recipient. All their paths contain the token, so a page and its buttons are
	// always about the same invitation.
	mux.HandleFunc("GET /invite/{token}", a.showInvitation)
	mux.HandleFunc("POST /invite/{token}/accept", a.form(a.accept))
	mux.HandleFunc("POST /invite/{token}/decline", a.form(a.decline))
	for _, at := range []string{"", "/invite/{token}"} { // on the home page, and on an invitation's
		mux.HandleFunc("POST "+at+"/register", a.form(a.register))
		mux.HandleFunc("POST "+at+"/sign-in", a.form(a.signIn))
		mux.HandleFunc("POST "+at+"/sign-out", a.form(a.host.signOut))
		mux.HandleFunc("POST "+at+"/verify", a.form(a.host.verify))
	}
	mux.HandleFunc("GET /{$}", a.showHome)
	mux.Handle("GET /style.css", http.FileServerFS(files))
	mux.HandleFunc("GET /dev/outbox", a.showOutbox) // shows tokens: for development only

	// The JSON API, and a route of the application that needs a permission.
	a.serveAPI(mux)
	mux.Handle("GET /api/organizations/{org}/invoices",
		a.requirePermission(invitations.PermissionBillingManage, http.HandlerFunc(showInvoices)))

	// Because of the Referrer-Policy, browsers send "Origin: null" with a form. The protection uses
	// Sec-Fetch-Site instead, which browsers send to HTTPS and loopback URLs.
	protected := http.NewCrossOriginProtection().Handler(mux)
	return headers(http.MaxBytesHandler(a.logged(a.onlyBaseHost(protected)), maxBody))
}

// requirePermission calls next for members who hold permission in the organization of the path. It
// asks at every request, so a removed member is refused at the next one.
func (a *app) requirePermission(permission invitations.Permission, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := a.host.current(r)
		if user.id == "" {
			a.fail(w, r, errSignedOut)
			return
		}
		if _, err := a.svc.Authorize(r.Context(), r.PathValue("org"), user.id, permission); err != nil {
			a.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func showInvoices(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, "application/json", map[string][]string{"invoices": {}})
}

// onlyBaseHost refuses requests with a Host header other than that of the base URL. Otherwise
// another site could resolve its name to this machine (DNS rebinding), and read these pages as
// its own.
func (a *app) onlyBaseHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := url.URL{Host: r.Host}
		if !strings.EqualFold(asked.Hostname(), a.base.Hostname()) {
			http.Error(w, "This server answers only as "+a.base.String(), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// headers sets the headers that protect pages with a secret in their URL.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Referrer-Policy", "no-referrer") // the URL contains the token
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// logged logs the pattern of each request. It must not log the path, which may contain a token.
func (a *app) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		a.log.InfoContext(r.Context(), "request", "pattern", r.Pattern)
	})
}

// link returns the URL of the page for token.
func (a *app) link(token invitations.Token) string {
	return a.base.JoinPath("invite", token.Reveal()).String()
}

// problem returns the answer to an error. Errors of the library have one. Unexpected errors are
// logged, and clients see none of their text.
func (a *app) problem(r *http.Request, err error) invitations.Problem {
	problem, known := invitations.ProblemOf(err)
	var own *refusal
	switch {
	case known:
	case errors.As(err, &own):
		problem = invitations.Problem{Type: "about:blank", Title: own.message, Status: own.status, Code: own.code}
	case errors.As(err, new(*http.MaxBytesError)):
		problem = invitations.Problem{Type: "about:blank", Title: "The request is too large", Status: 413, Code: "request_too_large"}
	}
	if problem.Status >= http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "request failed", "pattern", r.Pattern, "error", err)
	}
	return problem
}
