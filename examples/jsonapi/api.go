package main

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// serveAPI adds the routes of the API. Each of them calls the library, which checks the permissions
// of the user's present role in the organization.
func (a *app) serveAPI(mux *http.ServeMux) {
	const org = "/api/organizations/{org}"

	// If only the first call succeeds, the client can repeat the request.
	mux.Handle("POST /api/organizations", api(a, 201, func(c call, body struct{ ID string }) (any, error) {
		founder, err := a.svc.CreateOrganization(c.Context(), body.ID, c.user.id)
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
	mux.Handle("POST "+org+"/invitations/bulk", api(a, 200, func(c call, body bulkBody) (any, error) {
		rows := make([]invitations.InviteParams, len(body.Invitations))
		for i, row := range body.Invitations {
			rows[i] = row.params(c.org)
		}
		outcomes, err := a.svc.InviteAll(c.Context(), c.actor, c.org, rows)
		for _, outcome := range outcomes {
			if outcome.Err == nil {
				_, _ = a.deliver(outcome.Invitation, nil) // returns the error that it is given
			}
		}
		return outcomes, err
	}))
	mux.Handle("POST "+org+"/links", api(a, 201, func(c call, body struct {
		ID             uuid.UUID // as in inviteBody
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
		var states []invitations.State
		for _, state := range q["state"] { // may be repeated
			states = append(states, invitations.State(state))
		}
		return a.svc.Invitations(c.Context(), c.actor, invitations.InvitationsParams{
			Organization: c.org, States: states, Kind: invitations.Kind(q.Get("kind")),
			Email: q.Get("email"), Cursor: q.Get("cursor"),
		})
	}))
	mux.Handle("PATCH "+org+"/invitations/{id}", api(a, 200, func(c call, body struct { // omitted fields stay as they are
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
		if c.id == uuid.Nil { // would ask for the timeline of the whole organization
			return nil, invitations.ErrNotFound
		}
		return a.svc.Timeline(c.Context(), c.actor, invitations.TimelineParams{
			Organization: c.org, Invitation: c.id, Cursor: c.URL.Query().Get("cursor"),
		})
	}))
	mux.Handle("GET "+org+"/statistics", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Statistics(c.Context(), c.actor, invitations.StatisticsParams{Organization: c.org})
	}))

	// A user with a verified address finds their invitations without the mail.
	mux.Handle("GET /api/received", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Received(c.Context(), c.user.identity(), invitations.ReceivedParams{Cursor: c.URL.Query().Get("cursor")})
	}))
	mux.Handle("POST /api/received/{org}/{id}/accept", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.AcceptReceived(c.Context(), c.org, c.id, c.user.identity())
	}))
	mux.Handle("POST /api/received/{org}/{id}/decline", api(a, 200, func(c call, _ struct{}) (any, error) {
		return struct{}{}, a.svc.DeclineReceived(c.Context(), c.org, c.id, c.user.identity())
	}))

	mux.Handle("GET "+org+"/members", api(a, 200, func(c call, _ struct{}) (any, error) {
		return a.svc.Members(c.Context(), c.actor, invitations.MembersParams{
			Organization: c.org, Cursor: c.URL.Query().Get("cursor"),
		})
	}))
	mux.Handle("PUT "+org+"/members/{user}/role", api(a, 200, func(c call, body roleBody) (any, error) {
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
		return a.svc.Leave(c.Context(), c.org, c.user.id)
	}))

	// The path names the workspace whose quota is used. Your handler does the paid work afterwards.
	mux.Handle("POST "+org+"/calls", api(a, 200, func(c call, body consumeBody) (any, error) {
		return a.svc.Consume(c.Context(), invitations.InOrganization(c.org), c.user.id, body.Amount)
	}))
	mux.Handle("POST /api/personal/calls", api(a, 200, func(c call, body consumeBody) (any, error) {
		return a.svc.Consume(c.Context(), invitations.Personal(), c.user.id, body.Amount)
	}))
}

// The quotas that the application grants to each user and to each organization. Yours may depend on
// a subscription.
var (
	personalQuota = invitations.Quota{Limit: 20, Period: invitations.PeriodDay}
	sharedQuota   = invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}
)

type (
	bulkBody    struct{ Invitations []inviteBody }
	roleBody    struct{ Role invitations.Role }
	consumeBody struct{ Amount int64 }
)

// An inviteBody is one invitation to create.
type inviteBody struct {
	ID      uuid.UUID // optional, version 7; a request with an ID can be repeated safely
	Email   string
	Role    invitations.Role
	Message string
}

func (b inviteBody) params(org string) invitations.InviteParams {
	return invitations.InviteParams{Organization: org, ID: b.ID, Email: b.Email, Role: b.Role, Message: b.Message}
}

// A sentBody is an invitation in the form that its sender may see. It has the URL of a shareable
// link. It must not have the token of an email invitation: that token proves the ownership of the
// address.
type sentBody struct {
	invitations.Invitation
	URL string `json:"url,omitempty"`
}

// deliver mails the token of an email invitation, and returns the URL of a shareable link.
func (a *app) deliver(sent invitations.SentInvitation, err error) (any, error) {
	body := sentBody{Invitation: sent.Invitation}
	switch {
	case err != nil || sent.Token.IsZero(): // a repeated request for an invitation that has ended
	case sent.Kind == invitations.KindEmail && sent.Repeated: // the first request sent the mail
	case sent.Kind == invitations.KindEmail:
		a.host.send(mail{To: sent.Email, Organization: sent.Organization, Link: a.link(sent.Token)})
	default:
		body.URL = a.link(sent.Token)
	}
	return body, err
}

// A call is an API request of a signed-in user.
type call struct {
	*http.Request
	user  account
	actor invitations.Actor // user
	org   string            // from the path
	id    uuid.UUID         // from the path; zero if it is malformed, which the library refuses
}

// api returns a handler that decodes the body, calls do and encodes its result.
func api[B any](a *app, status int, do func(call, B) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := a.host.current(r)
		if user.id == "" {
			a.fail(w, r, errSignedOut)
			return
		}
		var body B
		if err := decode(r, &body); err != nil {
			a.fail(w, r, err)
			return
		}
		id, _ := uuid.Parse(r.PathValue("id"))
		answer, err := do(call{r, user, invitations.User(user.id), r.PathValue("org"), id}, body)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		writeJSON(w, status, "application/json", answer)
	}
}

// decode reads the body as one JSON object, and refuses fields that into does not have. An empty
// body counts as an empty object, because the library refuses missing values.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		_, err = d.Token() // returns io.EOF if nothing follows
	}
	switch {
	case err == io.EOF:
		return nil
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	}
	return &invitations.InvalidError{
		Field: "body", Reason: "must be one JSON object with known fields of the right types", Code: "malformed",
	}
}

// fail answers with a problem (RFC 9457). If the request can succeed later, the header Retry-After
// says after how many seconds.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem := a.problem(r, err)
	if !problem.RetryAt.IsZero() {
		seconds := math.Ceil(problem.RetryAt.Sub(a.now()).Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(max(0, int(seconds))))
	}
	writeJSON(w, problem.Status, invitations.ProblemMediaType, problem)
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the connection is lost
}
