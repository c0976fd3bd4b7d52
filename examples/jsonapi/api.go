package main

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// serveAPI adds the routes of the team. Each is a call of the library, which decides whether
// who asks may, from their role in the organization at that instant.
func (a *app) serveAPI(mux *http.ServeMux) {
	const org = "/api/organizations/{org}"

	// It can be repeated, which is what to do if only its first half succeeded.
	mux.Handle("POST /api/organizations", api(a, 201, func(c call, body struct{ ID string }) (any, error) {
		founder, err := a.svc.CreateOrganization(c.Context(), body.ID, c.who.id)
		if err != nil {
			return nil, err
		}
		return founder, a.svc.SetQuota(c.Context(), invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(body.ID), Quota: sharedQuota,
		})
	}))

	mux.Handle("POST "+org+"/invitations", api(a, 201, func(c call, body inviteBody) (any, error) {
		return a.deliver(a.svc.Invite(c.Context(), c.actor, body.params(c.org)))
	}))
	mux.Handle("POST "+org+"/invitations/bulk", api(a, 200, func(c call, body struct{ Invitations []inviteBody }) (any, error) {
		rows := make([]invitations.InviteParams, len(body.Invitations))
		for i, row := range body.Invitations {
			rows[i] = row.params(c.org)
		}
		outcomes, err := a.svc.InviteAll(c.Context(), c.actor, c.org, rows)
		answers := make([]outcomeBody, len(outcomes))
		for i, outcome := range outcomes {
			if outcome.Err != nil {
				_, detail := a.describe(c.Request, outcome.Err)
				answers[i].Error = &detail
				continue
			}
			answers[i].Invitation, _ = a.deliver(outcome.Invitation, nil)
		}
		return answers, err
	}))
	mux.Handle("POST "+org+"/links", api(a, 201, func(c call, body struct {
		ID             uuid.UUID // as of an invitation
		Role           invitations.Role
		Message        string
		MaxUses        int      `json:"max_uses"`
		AllowedDomains []string `json:"allowed_domains"`
	}) (any, error) {
		return a.deliver(a.svc.CreateLink(c.Context(), c.actor, invitations.CreateLinkParams{
			Organization: c.org, ID: body.ID, Role: body.Role, Message: body.Message,
			MaxUses: body.MaxUses, AllowedDomains: body.AllowedDomains,
		}))
	}))
	mux.Handle("GET "+org+"/invitations", api(a, 200, func(c call, _ struct{}) (any, error) {
		q := c.URL.Query()
		return a.svc.Invitations(c.Context(), c.actor, invitations.InvitationsParams{
			Organization: c.org, State: invitations.State(q.Get("state")), Kind: invitations.Kind(q.Get("kind")),
			Email: q.Get("email"), Cursor: q.Get("cursor"),
		})
	}))
	mux.Handle("PATCH "+org+"/invitations/{id}", api(a, 200, func(c call, body struct { // what is left out stays
		Role           invitations.Role
		Message        *string
		MaxUses        *int      `json:"max_uses"`
		AllowedDomains *[]string `json:"allowed_domains"`
	}) (any, error) {
		return a.svc.Edit(c.Context(), c.actor, invitations.EditParams{
			Organization: c.org, ID: c.id, Role: body.Role, Message: body.Message,
			MaxUses: body.MaxUses, AllowedDomains: body.AllowedDomains,
		})
	}))
	mux.Handle("POST "+org+"/invitations/{id}/resend", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.deliver(a.svc.Resend(c.Context(), c.actor, invitations.ResendParams{Organization: c.org, ID: c.id}))
	}))
	mux.Handle("DELETE "+org+"/invitations/{id}", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Revoke(c.Context(), c.actor, c.org, c.id)
	}))
	mux.Handle("GET "+org+"/invitations/{id}/timeline", api(a, 200, func(c call, _ struct{}) (any, error) {
		if c.id == uuid.Nil { // to the library, the whole organization
			return nil, invitations.ErrNotFound
		}
		return a.svc.Timeline(c.Context(), c.actor, invitations.TimelineParams{
			Organization: c.org, Invitation: c.id, Cursor: c.URL.Query().Get("cursor"),
		})
	}))
	mux.Handle("GET "+org+"/statistics", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Statistics(c.Context(), c.actor, invitations.StatisticsParams{Organization: c.org})
	}))

	// For the person who is invited: what a verified address finds without the mail.
	mux.Handle("GET /api/received", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Received(c.Context(), c.who.identity(), invitations.ReceivedParams{Cursor: c.URL.Query().Get("cursor")})
	}))
	mux.Handle("POST /api/received/{org}/{id}/accept", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.AcceptReceived(c.Context(), c.org, c.id, c.who.identity())
	}))
	mux.Handle("POST /api/received/{org}/{id}/decline", api(a, 200, func(c call, _ struct{}) (any, error) {
		return struct{}{}, a.svc.DeclineReceived(c.Context(), c.org, c.id, c.who.identity())
	}))

	mux.Handle("GET "+org+"/members", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Members(c.Context(), c.actor, invitations.MembersParams{Organization: c.org, Cursor: c.URL.Query().Get("cursor")})
	}))
	mux.Handle("PUT "+org+"/members/{user}/role", api(a, 200, func(c call, body struct{ Role invitations.Role }) (any, error) {
		return a.svc.ChangeRole(c.Context(), c.actor, invitations.ChangeRoleParams{
			Organization: c.org, UserID: c.PathValue("user"), Role: body.Role,
		})
	}))
	mux.Handle("PUT "+org+"/members/{user}/quota", api(a, 200, func(c call, quota invitations.Quota) (any, error) {
		return quota, a.svc.SetQuota(c.Context(), c.actor, invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(c.org), UserID: c.PathValue("user"), Quota: quota,
		})
	}))
	mux.Handle("DELETE "+org+"/members/{user}", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.RemoveMember(c.Context(), c.actor, c.org, c.PathValue("user"))
	}))
	mux.Handle("POST "+org+"/leave", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Leave(c.Context(), c.org, c.who.id)
	}))

	// What is spent names its workspace by the path, and touches no other. What it pays for
	// comes after.
	mux.Handle("POST "+org+"/calls", api(a, 200, func(c call, body spendBody) (any, error) {
		return a.svc.Consume(c.Context(), invitations.InOrganization(c.org), c.who.id, body.Amount)
	}))
	mux.Handle("POST /api/personal/calls", api(a, 200, func(c call, body spendBody) (any, error) {
		return a.svc.Consume(c.Context(), invitations.Personal(), c.who.id, body.Amount)
	}))
}

// What the host grants to each user for themselves, and to each organization. Yours depends
// on what they pay for.
var (
	personalQuota = invitations.Quota{Limit: 20, Period: invitations.PeriodDay}
	sharedQuota   = invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}
)

type spendBody struct{ Amount int64 }

// An inviteBody asks to invite somebody.
type inviteBody struct {
	ID      uuid.UUID // optional, version 7: the request can then be repeated
	Email   string
	Role    invitations.Role
	Message string
}

func (b inviteBody) params(org string) invitations.InviteParams {
	return invitations.InviteParams{Organization: org, ID: b.ID, Email: b.Email, Role: b.Role, Message: b.Message}
}

// An outcomeBody is what has become of one of many.
type outcomeBody struct {
	Invitation any          `json:"invitation,omitempty"`
	Error      *errorDetail `json:"error,omitempty"`
}

// A sentBody is an invitation as its sender sees it. The token of an email invitation goes
// to its recipient and to nobody else, for whoever has it is taken for the owner of the
// address; the one of a link goes to who made the link, as its URL.
type sentBody struct {
	invitations.Invitation
	URL string `json:"url,omitempty"`
}

// deliver sends the token of sent to where it belongs.
func (a *app) deliver(sent invitations.SentInvitation, err error) (any, error) {
	body := sentBody{Invitation: sent.Invitation}
	switch {
	case err != nil || sent.Token.IsZero(): // no token: an old call was repeated, and nothing is open any more
	case sent.Kind == invitations.KindEmail && sent.Repeated: // mailed by the first call; if that was lost, there is resend
	case sent.Kind == invitations.KindEmail:
		a.host.send(mail{To: sent.Email, Organization: sent.Organization, Link: a.link(sent.Token)})
	default:
		body.URL = a.link(sent.Token)
	}
	return body, err
}

// A call is a request to the API by who is signed in.
type call struct {
	*http.Request
	who   account
	actor invitations.Actor
	org   string    // of the path
	id    uuid.UUID // of the path; what is none is zero, which the library refuses
}

// api answers with what do returns for the call and the object in its body.
func api[B any](a *app, status int, do func(call, B) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := a.host.current(r)
		if who.id == "" {
			a.fail(w, r, errSignedOut)
			return
		}
		var body B
		if err := decode(r, &body); err != nil {
			a.fail(w, r, err)
			return
		}
		id, _ := uuid.Parse(r.PathValue("id"))
		answer, err := do(call{r, who, invitations.User(who.id), r.PathValue("org"), id}, body)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		writeJSON(w, status, answer)
	}
}

// decode reads the body as one JSON object with no other fields than those of into. No body
// is an empty object: what is missing, the library refuses.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		_, err = d.Token() // there is no other
	}
	switch {
	case err == io.EOF:
		return nil
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	}
	return &invitations.InvalidError{Field: "body", Reason: "is not one JSON object with known fields of the right types"}
}

// fail answers with {"error": {"code": ..., "message": ...}}. What is refused for now says for
// how many seconds.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := a.describe(r, err)
	var later interface{ RetryAt() time.Time } // of limits and quotas
	if errors.As(err, &later) && !later.RetryAt().IsZero() {
		seconds := math.Ceil(later.RetryAt().Sub(a.now()).Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(max(0, int(seconds))))
	}
	writeJSON(w, status, map[string]errorDetail{"error": detail})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // it fails only with the connection, and then nobody is there to tell
}
