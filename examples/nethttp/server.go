package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

//go:embed pages.html style.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages.html"))

// A page is the data of a template.
type page struct {
	Title, Message, Code string               // Message and Code are those of an error
	Path                 string               // of the page
	Back                 bool                 // whether to link to Path
	User                 invitations.Identity // zero if nobody is signed in
	Next                 invitations.NextStep
	List                 invitations.List[invitations.Invitation]
	Roles                []invitations.Role
}

// A server serves HTTP.
type server struct {
	svc     *invitations.Service
	host    *host
	baseURL string // from configuration: a client could forge the Host header of a request
	log     *slog.Logger
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /style.css", http.FileServerFS(files))

	// For the recipient. GET changes nothing, because mail scanners and link previews follow
	// links too.
	mux.Handle("GET /invite/{token}", s.public(s.showInvitation))
	mux.Handle("POST /invite/{token}/accept", s.signedIn(form(s.accept)))
	mux.Handle("POST /invite/{token}/decline", s.public(form(s.decline))) // the recipient may have no account
	mux.Handle("POST /invite/{token}/sign-in", s.public(s.signIn))

	// For the team. The library checks the permissions of the signed-in user.
	mux.Handle("GET /organizations/{org}", s.signedIn(s.showInvitations))
	mux.Handle("POST /organizations/{org}/sign-in", s.public(s.signIn))
	mux.Handle("POST /organizations/{org}/invite", s.signedIn(form(s.invite)))
	mux.Handle("POST /organizations/{org}/invitations/{id}/resend", s.signedIn(form(s.resend)))
	mux.Handle("POST /organizations/{org}/invitations/{id}/revoke", s.signedIn(form(s.revoke)))

	// A route of your application that needs a permission.
	mux.Handle("GET /organizations/{org}/invoices",
		s.requirePermission(invitations.PermissionBillingManage, http.HandlerFunc(showInvoices)))

	// Because of the Referrer-Policy, browsers send "Origin: null" with a form. The protection uses
	// Sec-Fetch-Site instead, which browsers send to HTTPS and loopback URLs.
	protected := http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 64<<10))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer") // the URL contains the token
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		protected.ServeHTTP(w, r)
	})
}

// A route serves a request of user, who is the zero Identity if nobody is signed in.
type route func(w http.ResponseWriter, r *http.Request, user invitations.Identity) error

var errSignedOut = errors.New("nobody is signed in")

// public returns the handler of a route for everybody.
func (s *server) public(serve route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		if err == nil {
			err = serve(w, r, s.host.current(r))
		} else if !errors.As(err, new(*http.MaxBytesError)) {
			err = &invitations.InvalidError{Field: "form", Reason: "must be URL-encoded", Code: "malformed"}
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// signedIn returns the handler of a route for signed-in users.
func (s *server) signedIn(serve route) http.Handler {
	return s.public(func(w http.ResponseWriter, r *http.Request, user invitations.Identity) error {
		if user.UserID == "" {
			return errSignedOut
		}
		return serve(w, r, user)
	})
}

// form returns the route of a form. It calls do and redirects to the page of the form.
func form(do func(r *http.Request, user invitations.Identity) error) route {
	return func(w http.ResponseWriter, r *http.Request, user invitations.Identity) error {
		if err := do(r, user); err != nil {
			return err
		}
		back(w, r)
		return nil
	}
}

// requirePermission calls next for members who hold permission in the organization of the path. It
// asks at every request, so a removed member is refused at the next one.
func (s *server) requirePermission(permission invitations.Permission, next http.Handler) http.Handler {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, user invitations.Identity) error {
		if _, err := s.svc.Authorize(r.Context(), r.PathValue("org"), user.UserID, permission); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func showInvoices(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("No invoices.\n"))
}

func (s *server) showInvitation(w http.ResponseWriter, r *http.Request, user invitations.Identity) error {
	// Set Visitor.HasAccount to send recipients without an account to your registration.
	next, err := s.svc.NextStep(r.Context(), r.PathValue("token"), invitations.Visitor{Identity: user})
	if err != nil {
		return err
	}
	p := page{Title: "Invitation", Next: next}
	switch {
	case next.Step == invitations.StepStop:
		return next.Reason
	case next.Step == invitations.StepOpen:
		p.Title = "You are a member of " + next.Organization
	case next.Reason != nil:
		_, _, p.Message = describe(next.Reason)
	}
	return s.render(w, r, http.StatusOK, "invitation", p)
}

func (s *server) showInvitations(w http.ResponseWriter, r *http.Request, user invitations.Identity) error {
	org := r.PathValue("org")
	list, err := s.svc.Invitations(r.Context(), invitations.User(user.UserID), invitations.InvitationsParams{
		Organization: org, Cursor: r.FormValue("cursor"),
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "organization", page{Title: org, List: list, Roles: s.svc.Policy().Roles()})
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request, _ invitations.Identity) error {
	if err := s.host.signIn(w, r.PostFormValue("email")); err != nil {
		return err
	}
	back(w, r)
	return nil
}

func (s *server) accept(r *http.Request, user invitations.Identity) error {
	// To write your own rows in the same transaction, see examples/postgres.
	_, err := s.svc.Accept(r.Context(), r.PathValue("token"), user)
	return err
}

func (s *server) decline(r *http.Request, _ invitations.Identity) error {
	return s.svc.Decline(r.Context(), r.PathValue("token"))
}

func (s *server) invite(r *http.Request, user invitations.Identity) error {
	return s.mail(s.svc.Invite(r.Context(), invitations.User(user.UserID), invitations.InviteParams{
		Organization: r.PathValue("org"), Email: r.PostFormValue("email"), Role: invitations.Role(r.PostFormValue("role")),
	}))
}

func (s *server) resend(r *http.Request, user invitations.Identity) error {
	return s.mail(s.svc.Resend(r.Context(), invitations.User(user.UserID), invitations.ResendParams{
		Organization: r.PathValue("org"), ID: pathID(r),
	}))
}

func (s *server) revoke(r *http.Request, user invitations.Identity) error {
	_, err := s.svc.Revoke(r.Context(), invitations.User(user.UserID), r.PathValue("org"), pathID(r))
	return err
}

// mail mails the link of an invitation that was sent. It returns err.
func (s *server) mail(sent invitations.SentInvitation, err error) error {
	if err == nil {
		s.host.mail(sent.Email, s.baseURL+"/invite/"+sent.Token.Reveal())
	}
	return err
}

// pathID returns the ID in the path. The library refuses the zero UUID, which stands for a
// malformed ID.
func pathID(r *http.Request) uuid.UUID {
	id, _ := uuid.Parse(r.PathValue("id"))
	return id
}

// back redirects to the page of a form. A URL in a parameter could lead to another site.
func back(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, pagePath(r), http.StatusSeeOther) //nolint:gosec // the path begins with a constant
}

// pagePath returns the path of the page to which the request belongs.
func pagePath(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return "/invite/" + url.PathEscape(token)
	}
	return "/organizations/" + url.PathEscape(r.PathValue("org"))
}

func (s *server) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) error {
	p.Path, p.User = pagePath(r), s.host.current(r)
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only if the connection is lost
	return nil
}

// fail shows the public part of err.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code, message := describe(err)
	if status >= http.StatusInternalServerError {
		// Do not log the path, which may contain a token.
		s.log.ErrorContext(r.Context(), "request failed", "pattern", r.Pattern, "error", err)
	}
	p := page{Title: "Sorry", Message: message, Code: code, Back: r.Method == http.MethodPost}
	if err := s.render(w, r, status, "error", p); err != nil {
		http.Error(w, message, status)
	}
}

// describe returns the public part of an error. Clients must not see the text of unexpected errors.
func describe(err error) (status int, code, message string) {
	problem, _ := invitations.ProblemOf(err)
	switch {
	case errors.Is(err, errSignedOut):
		return http.StatusUnauthorized, "signed_out", "Sign in first"
	case errors.As(err, new(*http.MaxBytesError)):
		return http.StatusRequestEntityTooLarge, "request_too_large", "The request is too large"
	}
	return problem.Status, problem.Code, cmp.Or(problem.Detail, problem.Title)
}
