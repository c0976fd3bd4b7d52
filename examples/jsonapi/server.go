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

// An app is the host's HTTP side.
type app struct {
	svc  *invitations.Service
	host *host
	base *url.URL // configuration, never from a request: whoever asks chooses its Host header
	now  func() time.Time
	log  *slog.Logger
}

func newApp(svc *invitations.Service, base *url.URL, now func() time.Time, log *slog.Logger) *app {
	return &app{svc: svc, host: newHost(base.Scheme == "https"), base: base, now: now, log: log}
}

// maxBody is enough for a hundred invitations with the longest messages.
const maxBody = 256 << 10

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()

	// For the person who followed a link. The token is in the path of all of
	// these, so the page and what its buttons do are always about the same invitation.
	mux.HandleFunc("GET /invite/{token}", a.showInvitation)
	mux.HandleFunc("POST /invite/{token}/accept", a.form(a.accept))
	mux.HandleFunc("POST /invite/{token}/decline", a.form(a.decline))
	for _, at := range []string{"", "/invite/{token}"} { // at home, and on the way
		mux.HandleFunc("POST "+at+"/register", a.form(a.register))
		mux.HandleFunc("POST "+at+"/sign-in", a.form(a.signIn))
		mux.HandleFunc("POST "+at+"/sign-out", a.form(a.host.end))
		mux.HandleFunc("POST "+at+"/verify", a.form(a.host.verify))
	}
	mux.HandleFunc("GET /{$}", a.showHome)
	mux.Handle("GET /style.css", http.FileServerFS(files))
	mux.HandleFunc("GET /dev/outbox", a.showOutbox) // secrets and all, for this machine

	// The JSON API, and the host's own routes, which ask the library who may.
	a.serveAPI(mux)
	mux.Handle("GET /api/organizations/{org}/invoices",
		a.requirePermission(invitations.PermissionBillingManage, http.HandlerFunc(showInvoices)))

	// With Referrer-Policy: no-referrer a browser sends "Origin: null" with a form. The
	// protection goes by Sec-Fetch-Site, which browsers send to https and to loopback.
	protected := http.NewCrossOriginProtection().Handler(mux)
	return headers(http.MaxBytesHandler(a.logged(a.named(protected)), maxBody))
}

// requirePermission serves next to whoever holds permission in the organization that the path
// names. It asks at every request, so a member who is removed is refused by the next one.
func (a *app) requirePermission(permission invitations.Permission, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := a.host.current(r)
		if who.id == "" {
			a.fail(w, r, errSignedOut)
			return
		}
		if _, err := a.svc.Authorize(r.Context(), r.PathValue("org"), who.id, permission); err != nil {
			a.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func showInvoices(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string][]string{"invoices": {}})
}

// named refuses requests to any other host than the base's. Without it a site that gives its
// own name this machine's address (DNS rebinding) has the same origin as these pages, and can
// read them.
func (a *app) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := url.URL{Host: r.Host}
		if !strings.EqualFold(asked.Hostname(), a.base.Hostname()) {
			http.Error(w, "This server answers as "+a.base.String()+" alone", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// headers sets on every answer what a page with a secret in its address needs.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Referrer-Policy", "no-referrer") // the address holds the token
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// logged logs each request by its pattern: its path may hold a token.
func (a *app) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		a.log.InfoContext(r.Context(), "request", "pattern", r.Pattern)
	})
}

// link returns the address that carries token.
func (a *app) link(token invitations.Token) string {
	return a.base.JoinPath("invite", token.Reveal()).String()
}

// errorDetail is what an API answer and a page say of an error.
type errorDetail struct {
	Code         string               `json:"code"`
	Message      string               `json:"message"`
	Field        string               `json:"field,omitempty"`
	Reason       string               `json:"reason,omitempty"`
	InvitationID string               `json:"invitation_id,omitempty"` // the one to resend instead
	Balance      *invitations.Balance `json:"balance,omitempty"`       // too little
}

// describe turns an error into a status and what may be said of it. Errors of the library
// carry both. Of what nobody expected nothing is told; the log has it.
func (a *app) describe(r *http.Request, err error) (int, errorDetail) {
	var (
		refused        *invitations.Error
		invalid        *invitations.InvalidError
		alreadyInvited *invitations.AlreadyInvitedError
		exceeded       *invitations.QuotaExceededError
		own            *refusal
	)
	status, detail := http.StatusInternalServerError, errorDetail{Code: "internal", Message: "Something went wrong"}
	switch {
	case errors.As(err, &refused):
		status, detail = refused.HTTPStatus(), errorDetail{Code: refused.Code(), Message: refused.Message()}
		switch {
		case errors.As(err, &invalid):
			detail.Field, detail.Reason = invalid.Field, invalid.Reason
		case errors.As(err, &alreadyInvited):
			detail.InvitationID = alreadyInvited.InvitationID.String()
		case errors.As(err, &exceeded):
			detail.Balance = &exceeded.Balance
		}
	case errors.As(err, &own):
		status, detail = own.status, errorDetail{Code: own.code, Message: own.message}
	case errors.As(err, new(*http.MaxBytesError)):
		status, detail = http.StatusRequestEntityTooLarge, errorDetail{Code: "request_too_large", Message: "The request is too large"}
	}
	if status >= http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "request failed", "pattern", r.Pattern, "error", err)
	}
	return status, detail
}
