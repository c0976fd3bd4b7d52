package main

import (
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

const invitationPath = "/teams/{team}/invitations/{id}"

var invitationRoutes = []apiRoute{
	{"POST", "/teams/{team}/invitations", "", 201, takes((*app).apiInvite)},
	{"POST", "/teams/{team}/invitations/bulk", "", 200, takes((*app).apiInviteAll)},
	{"POST", "/teams/{team}/links", "", 201, takes((*app).apiCreateLink)},
	{"GET", "/teams/{team}/invitations", "state kind role email email_contains sent_by limit cursor", 200, (*app).apiList},
	{"GET", invitationPath, "", 200, func(a *app, c apiCall) (any, error) {
		return a.svc.Invitation(c.Context(), c.actor(), c.team, c.id)
	}},
	{"PATCH", invitationPath, "", 200, takes((*app).apiEdit)},
	{"DELETE", invitationPath, "", 200, takes(func(a *app, c apiCall, _ struct{}) (any, error) {
		return a.svc.Revoke(c.Context(), c.actor(), c.team, c.id)
	})},
	{"POST", invitationPath + "/resend", "", 200, takes((*app).apiResend)},
	{"GET", invitationPath + "/link", "", 200, (*app).apiLink},
	{"GET", invitationPath + "/events", "newest_first limit cursor", 200, func(a *app, c apiCall) (any, error) {
		if c.id == uuid.Nil { // would ask for the events of the whole team
			return nil, invitations.ErrNotFound
		}
		return a.apiTimeline(c)
	}},
}

// An offerBody is what an invitation of either kind offers.
type offerBody struct {
	ID            uuid.UUID // optional, version 7; a request with an ID can be repeated
	Role          invitations.Role
	Message       string
	ExpiresInDays *int `json:"expires_in_days"`
	Quota         invitations.Quota
	Metadata      map[string]string
}

// lifetime returns the lifetime of a number of days. Without one it is 0, which the library takes
// for the team's default, 7 days.
func lifetime(days *int) (time.Duration, error) {
	if days == nil {
		return 0, nil
	}
	if *days < 1 || *days > 30 {
		return 0, &invitations.InvalidError{
			Field: "expires_in_days", Code: "out_of_range", Reason: "must be between 1 and 30", Values: map[string]string{"min": "1", "max": "30"},
		}
	}
	return time.Duration(*days) * 24 * time.Hour, nil
}

type inviteBody struct {
	Email string
	offerBody
}

func (b inviteBody) params(team string) (invitations.InviteParams, error) {
	expiresIn, err := lifetime(b.ExpiresInDays)
	return invitations.InviteParams{
		Organization: team, ID: b.ID, Email: b.Email, Role: b.Role, Message: b.Message,
		ExpiresIn: expiresIn, Quota: b.Quota, Metadata: b.Metadata,
	}, err
}

func (a *app) apiInvite(c apiCall, b inviteBody) (any, error) {
	p, err := b.params(c.team)
	if err != nil {
		return nil, err
	}
	sent, err := a.withMail(c.Context(), func(svc *invitations.Service) (invitations.SentInvitation, error) {
		return svc.Invite(c.Context(), c.actor(), p)
	})
	return a.sent(sent), err
}

func (a *app) apiInviteAll(c apiCall, b struct{ Invitations []inviteBody }) (any, error) {
	rows := make([]invitations.InviteParams, len(b.Invitations))
	for i, row := range b.Invitations {
		var err error
		if rows[i], err = row.params(c.team); err != nil {
			return nil, err
		}
	}
	outcomes, err := a.inviteRows(c.Context(), c.actor(), c.team, rows)
	return map[string]any{"outcomes": outcomes}, err
}

func (a *app) apiCreateLink(c apiCall, b struct {
	offerBody
	MaxUses        int      `json:"max_uses"`
	AllowedDomains []string `json:"allowed_domains"`
},
) (any, error) {
	expiresIn, err := lifetime(b.ExpiresInDays)
	if err != nil {
		return nil, err
	}
	sent, err := a.svc.CreateLink(c.Context(), c.actor(), invitations.CreateLinkParams{
		Organization: c.team, ID: b.ID, Role: b.Role, Message: b.Message, ExpiresIn: expiresIn, Quota: b.Quota,
		Metadata: b.Metadata, MaxUses: b.MaxUses, AllowedDomains: b.AllowedDomains,
	})
	return a.sent(sent), err
}

func (a *app) apiList(c apiCall) (any, error) {
	p := invitations.InvitationsParams{
		Organization: c.team, Kind: invitations.Kind(c.get("kind")), Role: invitations.Role(c.get("role")), Email: c.get("email"),
		EmailContains: c.get("email_contains"), SentBy: c.get("sent_by"), Limit: c.limit, Cursor: c.get("cursor"),
	}
	for _, state := range c.URL.Query()["state"] { // may be repeated
		p.States = append(p.States, invitations.State(state))
	}
	return a.svc.Invitations(c.Context(), c.actor(), p)
}

// apiEdit changes what an invitation offers. A field that is left out stays as it is.
func (a *app) apiEdit(c apiCall, b struct {
	Role           invitations.Role
	Message        *string
	ExpiresInDays  *int      `json:"expires_in_days"`
	MaxUses        *int      `json:"max_uses"`
	AllowedDomains *[]string `json:"allowed_domains"`
	Quota          *invitations.Quota
	Metadata       *map[string]string
},
) (any, error) {
	expiresIn, err := lifetime(b.ExpiresInDays)
	if err != nil {
		return nil, err
	}
	return a.svc.Edit(c.Context(), c.actor(), invitations.EditParams{
		Organization: c.team, ID: c.id, Role: b.Role, Message: b.Message, ExpiresIn: expiresIn,
		MaxUses: b.MaxUses, AllowedDomains: b.AllowedDomains, Quota: b.Quota, Metadata: b.Metadata,
	})
}

func (a *app) apiResend(c apiCall, b struct {
	ExpiresInDays *int `json:"expires_in_days"`
},
) (any, error) {
	expiresIn, err := lifetime(b.ExpiresInDays)
	if err != nil {
		return nil, err
	}
	sent, err := a.withMail(c.Context(), func(svc *invitations.Service) (invitations.SentInvitation, error) {
		return svc.Resend(c.Context(), c.actor(), invitations.ResendParams{Organization: c.team, ID: c.id, ExpiresIn: expiresIn})
	})
	return a.sent(sent), err
}

// apiLink returns a link with its URL again.
func (a *app) apiLink(c apiCall) (any, error) {
	sent, err := a.svc.PendingToken(c.Context(), c.actor(), c.team, c.id)
	if err == nil && sent.Kind != invitations.KindLink {
		err = &invitations.InvalidError{Field: "id", Code: "wrong_kind", Reason: "must be that of a link"}
	}
	return a.sent(sent), err
}

// A sentBody is an invitation in the form that its sender may see.
type sentBody struct {
	invitations.SentInvitation
	URL string `json:"url,omitempty"` // of a link
}

func (a *app) sent(sent invitations.SentInvitation) sentBody {
	return sentBody{sent, a.linkURL(sent)}
}
