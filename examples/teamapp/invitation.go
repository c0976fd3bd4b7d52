package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/go-invitations/invitations"
)

// An invitationPage shows one invitation.
type invitationPage struct {
	invitationView
	Link    string // of a link that the person may share; empty for an email invitation
	QR      qrCode
	Closed  string // why nobody can join though it is pending
	Roles   []invitations.Role
	Form    form // to edit it
	History []happening
	pager   // of the history
}

// A happening is one event in a sentence.
type happening struct {
	At   time.Time
	Text string
}

func (a *app) showInvitation(v *visit) error {
	return a.showInvitationWith(v, http.StatusOK, form{})
}

func (a *app) showInvitationWith(v *visit, status int, f form) error {
	ctx, id, cursor := v.r.Context(), invitationID(v), v.r.URL.Query().Get("cursor")
	events, err := a.svc.Timeline(ctx, v.actor(), invitations.TimelineParams{
		Organization: v.Team.ID, Invitation: id, Types: invitationEvents, NewestFirst: true, Limit: 20, Cursor: cursor,
	})
	if err != nil {
		return err
	}
	sent, closed, err := a.readInvitation(v, events.Items)
	if err != nil {
		return err
	}
	p := invitationPage{Form: f, Closed: closed, Roles: v.Team.roles()}
	if p.Link = a.linkURL(sent); p.Link != "" {
		if p.QR, err = newQRCode(p.Link); err != nil {
			return err
		}
	}
	names, err := a.namesOf(ctx, append(peopleIn(events.Items...), sent.SentBy)...)
	if err != nil {
		return err
	}
	for _, e := range events.Items {
		p.History = append(p.History, happening{e.At, describe(e, names)})
	}
	p.invitationView = newInvitationView(v, sent.Invitation, names)
	p.pager = v.pager(p.Path, events.NextCursor)
	if !f.Rejected {
		p.Form = form{name: "edit", Values: url.Values{
			"role": {string(sent.Role)}, "message": {sent.Message}, "allowed_domains": {strings.Join(sent.AllowedDomains, ", ")},
		}}
		if sent.MaxUses > 0 {
			p.Form.Set("max_uses", fmt.Sprint(sent.MaxUses))
		}
	}
	if !slices.Contains(p.Roles, sent.Role) {
		p.Roles = append([]invitations.Role{""}, p.Roles...) // the person must choose one
	}
	return a.show(v, status, "invitation", p.Title, p)
}

// readInvitation returns the invitation of the path. It comes with its token if it is open, and
// with the reason if it is pending and nobody can join through it all the same. The newest events
// tell which read to try first.
func (a *app) readInvitation(v *visit, events []invitations.Event) (sent invitations.SentInvitation, closed string, err error) {
	ctx, id := v.r.Context(), invitationID(v)
	if len(events) == 0 || v.Team.canOffer(events[0].Role) && canBeOpen(events, v.Now) {
		sent, err = a.svc.PendingToken(ctx, v.actor(), v.Team.ID, id)
		problem, refused := invitations.ProblemOf(err)
		if !refused {
			return sent, "", err
		}
		switch problem.Code {
		case "sender_not_entitled":
			closed = "its sender may no longer invite with this role. Resend it to make it yours."
		case "role_unknown":
			closed = "its role no longer exists. Choose another one."
		case "domain_not_allowed", "links_not_allowed":
			closed = "the team does not allow it any more."
		}
	}
	sent.Invitation, err = a.svc.Invitation(ctx, v.actor(), v.Team.ID, id)
	return sent, closed, err
}

// canBeOpen reports whether an invitation can be pending after its newest events. It can be wrong
// about a link with many uses.
func canBeOpen(events []invitations.Event, now time.Time) bool {
	newest, uses := events[0], 0
	for _, e := range events {
		if e.Type == invitations.EventInvitationAccepted {
			uses++
		}
	}
	ended := newest.Type == invitations.EventInvitationRevoked || newest.Type == invitations.EventInvitationDeclined
	return !ended && now.Before(newest.ExpiresAt) && (newest.MaxUses == 0 || uses < newest.MaxUses)
}

// editInvitation changes what a pending invitation offers. The mail that was sent stays valid.
func (a *app) editInvitation(v *visit) error {
	return a.submit(v, "edit", func(f form) (string, string, error) {
		id, message := invitationID(v), f.text("message")
		params := invitations.EditParams{
			Organization: v.Team.ID, ID: id, Role: invitations.Role(f.Get("role")), Message: &message, ExpiresIn: f.lifetime,
		}
		if f.Has("max_uses") { // the form of a link
			domains := f.domains()
			params.MaxUses, params.AllowedDomains = &f.maxUses, &domains
		}
		inv, err := a.svc.Edit(v.r.Context(), v.actor(), params)
		notice := "The invitation is changed. Resend it to tell the recipient."
		if inv.Kind == invitations.KindLink {
			notice = "The link is changed. It stays the same link."
		}
		return v.Team.Path() + "/invitations/" + id.String(), notice, err
	}, func(f form) error { return a.showInvitationWith(v, http.StatusUnprocessableEntity, f) })
}

// invitationEvents are the types of the events of an invitation.
var invitationEvents = []invitations.EventType{
	invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationResent,
	invitations.EventInvitationRevoked, invitations.EventInvitationDeclined, invitations.EventInvitationAccepted,
	invitations.EventInvitationReminded, invitations.EventInvitationExpired,
}

// A qrCode is the picture of a link that phones read, as the path of an SVG.
type qrCode struct {
	Size int // of the picture, in squares
	Path string
}

// newQRCode returns the picture of a text. Its lines go through the middle of the squares.
func newQRCode(text string) (qrCode, error) {
	const margin = 4 // squares that must stay white around it
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrCode{}, err
	}
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %d.5h1", x+margin, y+margin)
			}
		}
	}
	return qrCode{code.Size + 2*margin, path.String()}, nil
}
