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

// A page is what the template shows.
type page struct {
	Step       string // an [invitations.Step], or "refused", "home", "outbox"
	Title      string
	Message    string // what stands in the way
	Who        account
	Path       string // of the invitation; empty: there is none
	Offer      invitations.Offer
	Workspaces invitations.WorkspaceList
	Mails      []mail
}

func (a *app) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Who, p.Path = a.host.current(r), path(r)
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		a.describe(r, err)
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // it fails only with the connection
}

// renderError shows what may be told of err, and the way back.
func (a *app) renderError(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := a.describe(r, err)
	a.render(w, r, status, page{Step: "refused", Title: "That did not work", Message: detail.Message})
}

// path returns that of the invitation which the request's path names, or "".
func path(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return "/invite/" + url.PathEscape(token)
	}
	return ""
}

// form does what a button says. Then the person goes on from where it was: no parameter is
// asked, so nobody can be sent elsewhere.
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
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// showInvitation is the page that the link opens. It changes nothing, so that mail
// scanners and link previews may open it as well.
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
		stop, detail := a.describe(r, next.Reason)
		p.Message = detail.Message
		if next.Step == invitations.StepStop {
			status, p.Title = stop, "Invitation"
		}
	}
	if next.Step == invitations.StepOpen { // nothing stands in the way of who is in
		p.Title, p.Message, p.Offer = "You are in "+next.Organization, "", invitations.Offer{}
	}
	a.render(w, r, status, p)
}

// accept takes the token from the path and the person from the session. What they
// get is in the stored invitation, so there is nothing else to read.
func (a *app) accept(_ http.ResponseWriter, r *http.Request) error {
	who := a.host.current(r)
	if who.id == "" {
		return nil // the page says how to sign in
	}
	// What you write beside it belongs into the same transaction: see examples/postgres.
	_, err := a.svc.Accept(r.Context(), r.PathValue("token"), who.identity())
	return err
}

// decline asks for no session: the recipient may have no account.
func (a *app) decline(_ http.ResponseWriter, r *http.Request) error {
	return a.svc.Decline(r.Context(), r.PathValue("token"))
}

// register makes an account and signs it in. It never joins anything: that takes the
// accept button.
func (a *app) register(w http.ResponseWriter, r *http.Request) error {
	email, verified := r.PostFormValue("email"), false
	if token := r.PathValue("token"); token != "" {
		offer, err := a.svc.Lookup(r.Context(), token)
		if err != nil {
			return err
		}
		// The token of an email invitation went to that address alone, so whoever has it
		// reads that mailbox: this proves the address of the offer, and no address
		// that a form could name. A link proves nothing, for it can go anywhere.
		if offer.Kind == invitations.KindEmail {
			email, verified = offer.Email, true
		}
	}
	who, err := a.host.register(email, verified)
	if err != nil {
		return err
	}
	return a.enter(w, r, who)
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) error {
	who, err := a.host.signIn(r.PostFormValue("email"))
	if err != nil {
		return err
	}
	return a.enter(w, r, who)
}

// enter begins a session. It grants the personal quota each time, so that nobody is without
// for whom that failed before; what is used stays used.
func (a *app) enter(w http.ResponseWriter, r *http.Request, who account) error {
	err := a.svc.SetQuota(r.Context(), invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: who.id, Quota: personalQuota,
	})
	if err == nil {
		a.host.begin(w, r, who)
	}
	return err
}

// showHome shows where the person can go: the workspaces as they are now.
func (a *app) showHome(w http.ResponseWriter, r *http.Request) {
	p := page{Step: "home", Title: "Workspaces"}
	if who := a.host.current(r); who.id != "" {
		var err error
		if p.Workspaces, err = a.svc.Workspaces(r.Context(), invitations.WorkspacesParams{UserID: who.id}); err != nil {
			a.renderError(w, r, err)
			return
		}
	}
	a.render(w, r, http.StatusOK, p)
}

func (a *app) showOutbox(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, page{Step: "outbox", Title: "Outbox", Mails: a.host.sent()})
}
