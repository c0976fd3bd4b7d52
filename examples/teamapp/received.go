package main

import (
	"net/http"

	"github.com/go-invitations/invitations"
)

// serveReceived adds the page of the invitations that a person has received. It needs no mail,
// because the address of the person is verified.
func (a *app) serveReceived(mux *http.ServeMux) {
	mux.Handle("GET /received", a.signedIn(a.showReceived))
	mux.Handle("POST /received/{team}/{id}/accept", a.signedIn(a.acceptReceived))
	mux.Handle("POST /received/{team}/{id}/decline", a.signedIn(a.declineReceived))
}

// A receivedPage lists offers.
type receivedPage struct {
	Offers []invitations.Offer
	Teams  map[string]string // names by ID
	Names  nameBook
	pager
}

func (a *app) showReceived(v *visit) error {
	ctx := v.r.Context()
	list, err := a.svc.Received(ctx, v.User.identity(), invitations.ReceivedParams{Limit: 20, Cursor: v.r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	p := receivedPage{Offers: list.Items, pager: v.pager("/received", list.NextCursor)}
	var teams, senders []string
	for _, o := range list.Items {
		teams, senders = append(teams, o.Organization), append(senders, o.SentBy)
	}
	if p.Teams, err = a.teamNames(ctx, teams...); err != nil {
		return err
	}
	if p.Names, err = a.namesOf(ctx, senders...); err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "received", "Your invitations", p)
}

// acceptReceived joins the team of an invitation.
func (a *app) acceptReceived(v *visit) error {
	joined, err := a.svc.AcceptReceived(v.r.Context(), v.r.PathValue("team"), invitationID(v), v.User.identity())
	if err != nil {
		return a.finish(v, "/received", "", err)
	}
	return a.welcome(v, joined.Member)
}

// declineReceived ends an invitation for good.
func (a *app) declineReceived(v *visit) error {
	err := a.svc.DeclineReceived(v.r.Context(), v.r.PathValue("team"), invitationID(v), v.User.identity())
	return a.finish(v, "/received", "You have declined the invitation.", err)
}
