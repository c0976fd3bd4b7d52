package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-invitations/invitations"
)

// An app is the host's HTTP side.
type app struct {
	svc  *invitations.Service
	host *host
	base *url.URL // configuration, never from a request: whoever asks chooses its Host header
	log  *slog.Logger
}

// maxBody is enough for the largest invitation that the library takes.
const maxBody = 64 << 10

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()

	// For the person who followed a link. The token is in the path of all of
	// these, so the page and what its buttons do are always about the same invitation.
	mux.HandleFunc("GET /invite/{token}", a.showInvitation)
	mux.HandleFunc("POST /invite/{token}/accept", a.accept)
	mux.HandleFunc("POST /invite/{token}/decline", a.decline)
	mux.HandleFunc("POST /invite/{token}/register", a.register)
	mux.HandleFunc("POST /invite/{token}/sign-in", a.signIn)
	mux.HandleFunc("POST /invite/{token}/sign-out", a.signOut)
	mux.HandleFunc("POST /invite/{token}/verify", a.verify)

	// For the team.
	mux.HandleFunc("POST /api/organizations", a.api(http.StatusCreated, a.createOrganization))
	mux.HandleFunc("POST /api/organizations/{org}/invitations", a.api(http.StatusCreated, a.invite))
	mux.HandleFunc("POST /api/organizations/{org}/links", a.api(http.StatusCreated, a.createLink))
	mux.HandleFunc("GET /api/organizations/{org}/invitations", a.api(http.StatusOK, a.list))
	mux.HandleFunc("POST /api/organizations/{org}/invitations/{id}/resend", a.api(http.StatusOK, a.resend))
	mux.HandleFunc("DELETE /api/organizations/{org}/invitations/{id}", a.api(http.StatusOK, a.revoke))

	// The rest of the application.
	mux.HandleFunc("GET /{$}", a.showHome)
	mux.HandleFunc("GET /declined", a.showDeclined)
	mux.HandleFunc("GET /style.css", showStyle)
	mux.HandleFunc("POST /register", a.register)
	mux.HandleFunc("POST /sign-in", a.signIn)
	mux.HandleFunc("POST /sign-out", a.signOut)
	mux.HandleFunc("POST /verify", a.verify)
	if isLoopback(a.base.Host) {
		mux.HandleFunc("GET /dev/outbox", a.showOutbox)
	}

	// With Referrer-Policy: no-referrer a browser sends "Origin: null" with a form. The
	// protection goes by Sec-Fetch-Site, which browsers send to https and to loopback.
	protected := http.NewCrossOriginProtection().Handler(mux)
	return headers(http.MaxBytesHandler(a.logged(a.named(protected)), maxBody))
}

// named refuses requests to any other host than the base's and this machine. Without it a
// site that gives its own name this machine's address (DNS rebinding) has the same origin as
// these pages, and can read them.
func (a *app) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := url.URL{Host: r.Host}
		if !isLoopback(r.Host) && !strings.EqualFold(asked.Hostname(), a.base.Hostname()) {
			http.Error(w, "This server does not go by that name", http.StatusMisdirectedRequest)
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
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		a.log.InfoContext(r.Context(), "request", "pattern", r.Pattern, "status", answer.status)
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// link returns the address that carries token.
func (a *app) link(token invitations.Token) string {
	return a.base.JoinPath("invite", token.Reveal()).String()
}

// errorDetail is what an API answer and a page say of an error.
type errorDetail struct {
	Code         string `json:"code"`
	Message      string `json:"message"`
	Field        string `json:"field,omitempty"`
	Reason       string `json:"reason,omitempty"`
	InvitationID string `json:"invitation_id,omitempty"` // the one to resend instead
}

// describe turns an error into a status and what may be said of it. Errors of the
// library carry both; of all others nothing is told.
func describe(err error) (int, errorDetail) {
	var (
		refused        *invitations.Error
		invalid        *invitations.InvalidError
		alreadyInvited *invitations.AlreadyInvitedError
		own            *refusal
	)
	switch {
	case errors.As(err, &refused):
		detail := errorDetail{Code: refused.Code(), Message: refused.Message()}
		if errors.As(err, &invalid) {
			detail.Field, detail.Reason = invalid.Field, invalid.Reason
		}
		if errors.As(err, &alreadyInvited) {
			detail.InvitationID = alreadyInvited.InvitationID.String()
		}
		return refused.HTTPStatus(), detail
	case errors.As(err, &own):
		return own.status, errorDetail{Code: own.code, Message: own.message}
	case errors.As(err, new(*http.MaxBytesError)):
		return http.StatusRequestEntityTooLarge, errorDetail{Code: "request_too_large", Message: "The request is too large"}
	}
	return http.StatusInternalServerError, errorDetail{Code: "internal", Message: "Something went wrong"}
}

// logFailure logs an error that is no refusal, for the answer does not tell it.
func (a *app) logFailure(r *http.Request, err error) {
	if status, _ := describe(err); status >= http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "request failed", "pattern", r.Pattern, "error", err)
	}
}
