package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// api serves f to who is signed in. Whether they may do it is decided by the library,
// from their role in the organization at that instant.
func (a *app) api(status int, f func(*http.Request, account) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := a.host.current(r)
		if !ok {
			writeError(w, errSignedOut)
			return
		}
		answer, err := f(r, who)
		if err != nil {
			a.logFailure(r, err)
			writeError(w, err)
			return
		}
		writeJSON(w, status, answer)
	}
}

func (a *app) createOrganization(r *http.Request, who account) (any, error) {
	var body struct {
		ID string `json:"id"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	member, err := a.svc.CreateOrganization(r.Context(), body.ID, who.id)
	if err != nil {
		return nil, err
	}
	a.host.joined(who, member.Organization)
	return member, nil
}

// A sentBody is an invitation as its sender sees it. The token of an email invitation goes
// to its recipient and to nobody else, for whoever has it is taken for the owner of the
// address; the one of a link goes to who made the link, as its URL.
type sentBody struct {
	invitations.Invitation
	URL string `json:"url,omitempty"`
}

// deliver sends the token of sent to where it belongs.
func (a *app) deliver(sent invitations.Sent) sentBody {
	body := sentBody{Invitation: sent.Invitation}
	switch {
	case sent.Token.IsZero(): // an old call was repeated; nothing is open any more
	case sent.Kind == invitations.KindEmail:
		a.host.send(mail{To: sent.Email, Organization: sent.Organization, Link: a.link(sent.Token)})
	default:
		body.URL = a.link(sent.Token)
	}
	return body
}

// An offerBody is what requests for both kinds have in common. All of it but Role is
// optional.
type offerBody struct {
	ID        string            `json:"id"` // a version 7 UUID, so that the request can be repeated
	Role      invitations.Role  `json:"role"`
	ExpiresIn string            `json:"expires_in"` // such as "72h"
	Message   string            `json:"message"`
	Metadata  map[string]string `json:"metadata"`
}

func (a *app) invite(r *http.Request, who account) (any, error) {
	var body struct {
		offerBody
		Email string `json:"email"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	p := invitations.InviteParams{
		Organization: r.PathValue("org"), Email: body.Email, Role: body.Role,
		Message: body.Message, Metadata: body.Metadata,
	}
	if err := errors.Join(parseID(body.ID, &p.ID), parseDuration(body.ExpiresIn, &p.ExpiresIn)); err != nil {
		return nil, err
	}
	sent, err := a.svc.Invite(r.Context(), invitations.User(who.id), p)
	if err != nil {
		return nil, err
	}
	return a.deliver(sent), nil
}

func (a *app) createLink(r *http.Request, who account) (any, error) {
	var body struct {
		offerBody
		MaxUses        int      `json:"max_uses"`
		AllowedDomains []string `json:"allowed_domains"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	p := invitations.LinkParams{
		Organization: r.PathValue("org"), Role: body.Role, MaxUses: body.MaxUses, AllowedDomains: body.AllowedDomains,
		Message: body.Message, Metadata: body.Metadata,
	}
	if err := errors.Join(parseID(body.ID, &p.ID), parseDuration(body.ExpiresIn, &p.ExpiresIn)); err != nil {
		return nil, err
	}
	sent, err := a.svc.CreateLink(r.Context(), invitations.User(who.id), p)
	if err != nil {
		return nil, err
	}
	return a.deliver(sent), nil
}

func (a *app) list(r *http.Request, who account) (any, error) {
	p := invitations.ListParams{Organization: r.PathValue("org")}
	for name, values := range r.URL.Query() {
		value := values[0]
		switch name {
		case "state":
			p.State = invitations.State(value)
		case "kind":
			p.Kind = invitations.Kind(value)
		case "role":
			p.Role = invitations.Role(value)
		case "email":
			p.Email = value
		case "sent_by":
			p.SentBy = value
		case "cursor":
			p.Cursor = value
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, &invitations.InvalidError{Field: "limit", Reason: "is not a number"}
			}
			p.Limit = n
		default: // a misspelt filter would show everything
			return nil, &invitations.InvalidError{Field: "query", Reason: "has an unknown parameter"}
		}
	}
	return a.svc.List(r.Context(), invitations.User(who.id), p)
}

func (a *app) resend(r *http.Request, who account) (any, error) {
	p := invitations.ResendParams{Organization: r.PathValue("org")}
	if err := parseID(r.PathValue("id"), &p.ID); err != nil {
		return nil, err
	}
	sent, err := a.svc.Resend(r.Context(), invitations.User(who.id), p)
	if err != nil {
		return nil, err
	}
	return a.deliver(sent), nil
}

func (a *app) revoke(r *http.Request, who account) (any, error) {
	var inv invitations.Invitation
	if err := parseID(r.PathValue("id"), &inv.ID); err != nil {
		return nil, err
	}
	return a.svc.Revoke(r.Context(), invitations.User(who.id), r.PathValue("org"), inv.ID)
}

// decode reads the body as one JSON object with no other fields than those of into.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	case errors.As(err, &wrong) && wrong.Field != "":
		// Field is a path with Go's names of embedded structs in it.
		name := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return &invitations.InvalidError{Field: name, Reason: "is of another JSON type"}
	}
	return &invitations.InvalidError{Field: "body", Reason: "is not one JSON object with known fields"}
}

// parseID sets id, which is an invitation's, to what text says, if it says anything.
func parseID(text string, id encoding.TextUnmarshaler) error {
	if text == "" {
		return nil
	}
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return &invitations.InvalidError{Field: "id", Reason: "is not a UUID"}
	}
	return nil
}

// parseDuration sets d to what text says, if it says anything.
func parseDuration(text string, d *time.Duration) (err error) {
	if text == "" {
		return nil
	}
	if *d, err = time.ParseDuration(text); err != nil {
		return &invitations.InvalidError{Field: "expires_in", Reason: `is not a duration such as "72h"`}
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // it fails only with the connection, and then nobody is there to tell
}

// writeError answers with {"error": {"code": ..., "message": ...}}.
func writeError(w http.ResponseWriter, err error) {
	status, detail := describe(err)
	writeJSON(w, status, map[string]errorDetail{"error": detail})
}
