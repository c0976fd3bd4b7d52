package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// serveInvitations adds the pages of the people who invite.
func (a *app) serveInvitations(mux *http.ServeMux) {
	const path = "/teams/{team}/invitations"
	mux.Handle("GET "+path, a.team(a.showInvitations))
	mux.Handle("POST "+path, a.team(a.invite))
	mux.Handle("POST "+path+"/links", a.team(a.createLink))
	mux.Handle("GET "+path+"/bulk", a.team(a.showBulk))
	mux.Handle("POST "+path+"/bulk", a.team(a.inviteAll))
	mux.Handle("GET "+path+"/{id}", a.team(a.showInvitation))
	mux.Handle("POST "+path+"/{id}", a.team(a.editInvitation))
	mux.Handle("POST "+path+"/{id}/resend", a.action(a.resendInvitation))
	mux.Handle("POST "+path+"/{id}/revoke", a.action(a.revokeInvitation))
}

// An invitationsPage lists invitations, and has the forms that make new ones.
type invitationsPage struct {
	Rows        []invitationView
	Overview    invitations.Overview
	Roles       []invitations.Role // that the person can give
	Email, Link form               // the forms

	Tabs              []tab
	State, Kind, Part string // the filter
	Here              string // the path with the filter
	pager
}

// A tab leads to the invitations of some states.
type tab struct {
	Name, Path string
	Current    bool
}

// stateTabs are the values of "state" in the URL. The first one, without a value, is the default.
var stateTabs = []struct {
	value, name string
	states      []invitations.State
}{
	{"", "Open", []invitations.State{invitations.StatePending, invitations.StateExpired}},
	{"pending", "Pending", []invitations.State{invitations.StatePending}},
	{"expired", "Expired", []invitations.State{invitations.StateExpired}},
	{"accepted", "Accepted", []invitations.State{invitations.StateAccepted}},
	{"ended", "Revoked or declined", []invitations.State{invitations.StateRevoked, invitations.StateDeclined}},
	{"all", "All", nil},
}

func (a *app) showInvitations(v *visit) error {
	return a.showInvitationsWith(v, http.StatusOK, invitationsPage{})
}

// showInvitationsWith shows the list that the URL asks for, with the forms of p.
func (a *app) showInvitationsWith(v *visit, status int, p invitationsPage) error {
	ctx, query := v.r.Context(), v.r.URL.Query()
	p.Kind, p.Part = query.Get("kind"), strings.TrimSpace(query.Get("email"))
	params := invitations.InvitationsParams{
		Organization: v.Team.ID, Kind: invitations.Kind(p.Kind), EmailContains: p.Part, Limit: 20, Cursor: query.Get("cursor"),
		States: stateTabs[0].states,
	}
	for _, t := range stateTabs {
		if t.value == query.Get("state") {
			p.State, params.States = t.value, t.states
		}
	}
	list, err := a.svc.Invitations(ctx, v.actor(), params)
	if err != nil {
		return err
	}
	if p.Overview, err = a.svc.Overview(ctx, v.actor(), v.Team.ID); err != nil {
		return err
	}
	senders := make([]string, len(list.Items))
	for i, inv := range list.Items {
		senders[i] = inv.SentBy
	}
	names, err := a.namesOf(ctx, senders...)
	if err != nil {
		return err
	}
	for _, inv := range list.Items {
		p.Rows = append(p.Rows, newInvitationView(v, inv, names))
	}
	path := v.Team.Path() + "/invitations"
	for _, t := range stateTabs {
		p.Tabs = append(p.Tabs, tab{t.name, v.pathWith(path, "state", t.value, "cursor", ""), t.value == p.State})
	}
	p.Here, p.pager = v.pathWith(path), v.pager(path, list.NextCursor)
	p.Roles = v.Team.roles()
	days := fmt.Sprint(max(1, int(p.Overview.Limits.Expiry/(24*time.Hour))))
	if !p.Email.Rejected {
		p.Email = newForm("email", url.Values{"expires_in": {days}})
	}
	if !p.Link.Rejected {
		p.Link = newForm("link", url.Values{"expires_in": {days}})
	}
	return a.show(v, status, "invitations", "Invitations", p)
}

// Pending returns the number of pending invitations of both kinds.
func (p invitationsPage) Pending() int { return p.Overview.PendingEmails + p.Overview.PendingLinks }

// An invitationView is an invitation with the words that pages show for it.
type invitationView struct {
	invitations.Invitation
	Path    string
	Title   string // the address, or "Link"
	Inviter string
	Until   time.Time // it expires, has expired or has ended

	CanResend, CanRevoke, CanEdit bool
}

func newInvitationView(v *visit, inv invitations.Invitation, names nameBook) invitationView {
	view := invitationView{Invitation: inv, Title: inv.Email, Inviter: names.Of(inv.SentBy), Until: inv.EndedAt}
	view.Path = v.Team.Path() + "/invitations/" + inv.ID.String()
	if inv.EndedAt.IsZero() {
		view.Until = inv.ExpiresAt
	}
	if inv.Kind == invitations.KindLink {
		view.Title = "Link"
	} else if inv.Email == "" {
		view.Title = "An erased address"
	}
	pending, offers := inv.State == invitations.StatePending, v.Team.canOffer(inv.Role)
	view.CanResend = (pending || inv.State == invitations.StateExpired) && offers && v.Team.Can(invitations.PermissionInvitationResend)
	view.CanEdit = pending && offers && v.Team.Can(invitations.PermissionInvitationCreate)
	view.CanRevoke = pending && v.Team.Can(invitations.PermissionInvitationRevoke)
	return view
}

// invite invites the owner of an address. The mail waits in the outbox from the same instant.
func (a *app) invite(v *visit) error {
	return a.submit(v, "email", func(f form) (string, string, error) {
		ctx, email := v.r.Context(), f.text("email")
		_, err := a.withMail(ctx, func(svc *invitations.Service) (invitations.SentInvitation, error) {
			return svc.Invite(ctx, v.actor(), invitations.InviteParams{
				Organization: v.Team.ID, Email: email, Role: invitations.Role(f.Get("role")), ID: f.id(),
				ExpiresIn: f.lifetime, Message: f.text("message"),
			})
		})
		return v.Team.Path() + "/invitations", "The invitation to " + email + " is on its way.", err
	}, func(f form) error {
		return a.showInvitationsWith(v, http.StatusUnprocessableEntity, invitationsPage{Email: f})
	})
}

// createLink creates a link and leads to the page that shows it.
func (a *app) createLink(v *visit) error {
	return a.submit(v, "link", func(f form) (string, string, error) {
		sent, err := a.svc.CreateLink(v.r.Context(), v.actor(), invitations.CreateLinkParams{
			Organization: v.Team.ID, Role: invitations.Role(f.Get("role")), ID: f.id(),
			ExpiresIn: f.lifetime, MaxUses: f.maxUses, AllowedDomains: f.domains(),
		})
		return v.Team.Path() + "/invitations/" + sent.ID.String(), "The link is ready. Everybody who has it can join.", err
	}, func(f form) error {
		return a.showInvitationsWith(v, http.StatusUnprocessableEntity, invitationsPage{Link: f})
	})
}

// resendInvitation sends an invitation again with a new link. The former link is dead.
func (a *app) resendInvitation(v *visit) (path, notice string, err error) {
	ctx, id := v.r.Context(), invitationID(v)
	sent, err := a.withMail(ctx, func(svc *invitations.Service) (invitations.SentInvitation, error) {
		return svc.Resend(ctx, v.actor(), invitations.ResendParams{Organization: v.Team.ID, ID: id})
	})
	if sent.Kind == invitations.KindLink {
		return v.Team.Path() + "/invitations/" + id.String(), "The link is new. The former link no longer works.", err
	}
	return back(v), "A new mail to " + sent.Email + " is on its way. The former link no longer works.", err
}

// revokeInvitation ends a pending invitation for good.
func (a *app) revokeInvitation(v *visit) (path, notice string, err error) {
	_, err = a.svc.Revoke(v.r.Context(), v.actor(), v.Team.ID, invitationID(v))
	return back(v), "The invitation is revoked. Its link no longer works.", err
}

// invitationID returns the ID in the path, or one that no invitation has.
func invitationID(v *visit) uuid.UUID {
	id, err := uuid.Parse(v.r.PathValue("id"))
	if err != nil {
		return uuid.Max
	}
	return id
}

// back returns the page of invitations on which a button was.
func back(v *visit) string {
	list := v.Team.Path() + "/invitations"
	path := v.r.PostFormValue("return")
	if u, err := url.Parse(path); err == nil && strings.HasPrefix(path, list) && (u.Path == list || u.Path == list+"/"+v.r.PathValue("id")) {
		return path
	}
	return list
}
