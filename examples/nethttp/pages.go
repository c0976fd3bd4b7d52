package main

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/url"

	"github.com/go-invitations/invitations"
)

//go:embed pages.html
var pagesHTML string

//go:embed style.css
var style []byte

// pages has a template for each [invitations.Step], under its name.
var pages = template.Must(template.New("").Parse(pagesHTML))

// A page is what templates show.
type page struct {
	Title        string
	Who          account // zero: nobody is signed in
	Path         string  // of the invitation
	Organization string  // where the visitor is a member already
	Offer        invitations.Offer
	Message      string
	Teams        []invitations.Member
	Mails        []mail
	CanRefuse    bool // the invitation can be declined
}

func (a *app) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, p); err != nil {
		a.logFailure(r, err)
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // it fails only with the connection
}

// renderError shows what may be told of err, and the way back to the invitation if there
// is one.
func (a *app) renderError(w http.ResponseWriter, r *http.Request, err error) {
	a.logFailure(r, err)
	status, detail := describe(err)
	who, _ := a.host.current(r)
	a.render(w, r, status, "refused", page{Title: "That did not work", Who: who, Path: back(r), Message: detail.Message})
}

// showInvitation is the page that the link opens. It changes nothing, so that mail
// scanners and link previews may open it as well.
func (a *app) showInvitation(w http.ResponseWriter, r *http.Request) {
	who, _ := a.host.current(r)
	next, err := a.svc.Next(r.Context(), r.PathValue("token"), invitations.Visitor{
		Identity:   who.identity(),
		HasAccount: a.host.hasAccount,
	})
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	p := page{
		Title: "Join " + next.Offer.Organization, Who: who, Path: back(r), Offer: next.Offer,
		CanRefuse: next.Offer.Kind == invitations.KindEmail,
	}
	status := http.StatusOK
	switch {
	case next.Step == invitations.StepStop:
		var detail errorDetail
		status, detail = describe(next.Reason)
		p.Title, p.Message = "Invitation", detail.Message
	case next.Step == invitations.StepOpen:
		p.Title, p.Organization = "You are in", next.Organization
	case next.Reason != nil:
		_, detail := describe(next.Reason)
		p.Message = detail.Message
	}
	a.render(w, r, status, string(next.Step), p)
}

// accept takes the token from the path and the person from the session. What they
// get is in the stored invitation, so there is nothing else to read.
func (a *app) accept(w http.ResponseWriter, r *http.Request) {
	who, ok := a.host.current(r)
	if !ok {
		http.Redirect(w, r, back(r), http.StatusSeeOther) // the page says how to sign in
		return
	}
	member, err := a.svc.Accept(r.Context(), r.PathValue("token"), who.identity())
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	// With a database, this and the acceptance are one transaction: see examples/postgres.
	a.host.joined(who, member.Organization)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// decline asks for no session: the recipient may have no account.
func (a *app) decline(w http.ResponseWriter, r *http.Request) {
	if err := a.svc.Decline(r.Context(), r.PathValue("token")); err != nil {
		a.renderError(w, r, err)
		return
	}
	http.Redirect(w, r, "/declined", http.StatusSeeOther)
}

// register makes an account and signs it in. It never joins anything: that takes the
// accept button.
func (a *app) register(w http.ResponseWriter, r *http.Request) {
	email, verified := r.PostFormValue("email"), false
	if token := r.PathValue("token"); token != "" {
		offer, err := a.svc.Lookup(r.Context(), token)
		if err != nil {
			a.renderError(w, r, err)
			return
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
		a.renderError(w, r, err)
		return
	}
	a.host.begin(w, r, who, a.secure())
	http.Redirect(w, r, back(r), http.StatusSeeOther)
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	who, err := a.host.signIn(r.PostFormValue("email"))
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	a.host.begin(w, r, who, a.secure())
	http.Redirect(w, r, back(r), http.StatusSeeOther)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	a.host.end(w, r, a.secure())
	http.Redirect(w, r, back(r), http.StatusSeeOther)
}

func (a *app) verify(w http.ResponseWriter, r *http.Request) {
	if who, ok := a.host.current(r); ok {
		a.host.verify(who, session(r))
	}
	http.Redirect(w, r, back(r), http.StatusSeeOther)
}

// secure reports whether cookies are for https alone.
func (a *app) secure() bool { return a.base.Scheme == "https" }

// back returns where a person goes on: to the invitation that the request's path
// names, or to the home page. No parameter is asked, so nobody can be sent elsewhere.
func back(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return "/invite/" + url.PathEscape(token)
	}
	return "/"
}

func (a *app) showHome(w http.ResponseWriter, r *http.Request) {
	who, _ := a.host.current(r)
	p := page{Title: "Teams", Who: who}
	for _, team := range a.host.teamsOf(who) {
		member, err := a.svc.Member(r.Context(), team, who.id)
		switch {
		case err == nil:
			p.Teams = append(p.Teams, member)
		case !errors.Is(err, invitations.ErrNotFound):
			a.renderError(w, r, err)
			return
		}
	}
	a.render(w, r, http.StatusOK, "home", p)
}

func (a *app) showDeclined(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, "declined", page{Title: "Declined"})
}

// showOutbox shows the mails, secrets and all, to this machine.
func (a *app) showOutbox(w http.ResponseWriter, r *http.Request) {
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopback(remote) {
		http.NotFound(w, r)
		return
	}
	a.render(w, r, http.StatusOK, "outbox", page{Title: "Outbox", Mails: a.host.sent()})
}

func showStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style)
}
