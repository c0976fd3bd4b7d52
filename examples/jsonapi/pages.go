package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"

	"github.com/go-invitations/invitations"
)

//go:embed page.html style.css
var files embed.FS

var pageTemplate = template.Must(template.ParseFS(files, "page.html"))

// A page is the data of the template.
type page struct {
	Step       string // an [invitations.Step], or "refused", "home", "outbox"
	Title      string
	Message    string // says why the visitor cannot accept
	User       account
	Path       string // of the invitation's page; empty if the page is about no invitation
	Offer      invitations.Offer
	Workspaces invitations.WorkspaceList
	Mails      []mail
}

func (a *app) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.User, p.Path = a.host.current(r), path(r)
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		a.problem(r, err)
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only if the connection is lost
}

// renderError shows the public part of err.
func (a *app) renderError(w http.ResponseWriter, r *http.Request, err error) {
	problem := a.problem(r, err)
	a.render(w, r, problem.Status, page{Step: "refused", Title: "That did not work", Message: problem.Title})
}

// path returns the path of the page of the request's invitation, or "".
func path(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return "/invite/" + url.PathEscape(token)
	}
	return ""
}

// form returns the handler of a button. It calls do and redirects to the page with the button. It
// reads no parameter for that, so an attacker cannot redirect to another site.
func (a *app) form(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			a.renderError(w, r, err)
			return
		}
		to := path(r)
		if to == "" {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // to begins with a constant path
	}
}

// showInvitation shows the page behind the link. It changes nothing, because mail scanners and link
// previews follow links too.
func (a *app) showInvitation(w http.ResponseWriter, r *http.Request) {
	next, err := a.svc.NextStep(r.Context(), r.PathValue("token"), invitations.Visitor{
		Identity:   a.host.current(r).identity(),
		HasAccount: a.host.hasAccount,
	})
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	status, p := http.StatusOK, page{Step: string(next.Step), Title: "Join " + next.Offer.Organization, Offer: next.Offer}
	if next.Reason != nil {
		problem := a.problem(r, next.Reason)
		p.Message = problem.Title
		if next.Step == invitations.StepStop {
			status, p.Title = problem.Status, "Invitation"
		}
	}
	if next.Step == invitations.StepOpen {
		p.Title, p.Message, p.Offer = "You are a member of "+next.Organization, "", invitations.Offer{}
	}
	a.render(w, r, status, p)
}

// accept takes the token from the path and the user from the session. The library reads the role
// from the stored invitation.
func (a *app) accept(_ http.ResponseWriter, r *http.Request) error {
	user := a.host.current(r)
	if user.id == "" {
		return nil // the page shows the form to sign in
	}
	// To write your own rows in the same transaction, see examples/postgres.
	_, err := a.svc.Accept(r.Context(), r.PathValue("token"), user.identity())
	return err
}

// decline needs no session, because the recipient may not have an account.
func (a *app) decline(_ http.ResponseWriter, r *http.Request) error {
	return a.svc.Decline(r.Context(), r.PathValue("token"))
}

// register creates an account and signs it in. It accepts nothing. The user must still press the
// accept button.
func (a *app) register(w http.ResponseWriter, r *http.Request) error {
	email, verified := r.PostFormValue("email"), false
	if token := r.PathValue("token"); token != "" {
		offer, err := a.svc.Lookup(r.Context(), token)
		if err != nil {
			return err
		}
		// The token of an email invitation was mailed to its address only, so it proves the
		// ownership of that address, and not of an address in the form. A shareable link
		// proves nothing.
		if offer.Kind == invitations.KindEmail {
			email, verified = offer.Email, true
		}
	}
	user, err := a.host.register(email, verified)
	if err != nil {
		return err
	}
	return a.enter(w, r, user)
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) error {
	user, err := a.host.signIn(r.PostFormValue("email"))
	if err != nil {
		return err
	}
	return a.enter(w, r, user)
}

// enter begins a session. It sets the personal quota at each sign-in, in case an earlier attempt
// failed. Setting a quota keeps the amount used.
func (a *app) enter(w http.ResponseWriter, r *http.Request, user account) error {
	err := a.svc.SetQuota(r.Context(), invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: user.id, Quota: personalQuota,
	})
	if err == nil {
		a.host.begin(w, r, user)
	}
	return err
}

// showHome lists the workspaces of the signed-in user.
func (a *app) showHome(w http.ResponseWriter, r *http.Request) {
	p := page{Step: "home", Title: "Workspaces"}
	if user := a.host.current(r); user.id != "" {
		list, err := a.svc.Workspaces(r.Context(), invitations.WorkspacesParams{UserID: user.id})
		if err != nil {
			a.renderError(w, r, err)
			return
		}
		p.Workspaces = list
	}
	a.render(w, r, http.StatusOK, p)
}

func (a *app) showOutbox(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, page{Step: "outbox", Title: "Outbox", Mails: a.host.sent()})
}
