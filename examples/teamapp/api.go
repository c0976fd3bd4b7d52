package main

import (
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// apiPath begins the paths of the JSON API.
const apiPath = "/api/v1"

// openAPI describes every route. A test compares it with the answers.
//
//go:embed openapi.yaml
var openAPI []byte

// An apiRoute is a route of the API.
type apiRoute struct {
	method, path string
	query        string // the names of its parameters, with spaces
	status       int    // of its answer
	handle       func(*app, apiCall) (any, error)
}

// apiRoutes are all routes. Those below /teams/{team} serve a key of that team or a session, and
// the others a session, because they concern a person and not a team.
var apiRoutes = slices.Concat(invitationRoutes, teamRoutes, personRoutes)

// serveAPI adds the JSON API.
func (a *app) serveAPI(mux *http.ServeMux) {
	for _, route := range apiRoutes {
		mux.HandleFunc(route.method+" "+apiPath+route.path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := a.callAPI(route, r)
			if err != nil {
				a.failAPI(w, r, err)
				return
			}
			writeJSON(w, route.status, "application/json", answer)
		})
	}
	mux.HandleFunc("GET "+apiPath+"/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(openAPI) // fails only if the connection is lost
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { a.failAPI(w, r, invitations.ErrNotFound) })
}

// An apiCall is a request of a person, or of a program with a key of theirs.
type apiCall struct {
	*http.Request
	account
	key   *apiKey   // nil: the person's session
	team  string    // of the path
	id    uuid.UUID // of the path; zero if it is malformed, which the library refuses
	limit int       // of the query; zero if it has none
}

// actor returns the person, and with a key its role as the ceiling.
func (c apiCall) actor() invitations.Actor {
	if c.key != nil {
		return invitations.User(c.ID).AtMost(c.key.Role)
	}
	return invitations.User(c.ID)
}

func (c apiCall) get(name string) string { return c.URL.Query().Get(name) }

// callAPI checks the caller and the query, and calls the route.
func (a *app) callAPI(route apiRoute, r *http.Request) (any, error) {
	c, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	c.team = r.PathValue("team")
	c.id, _ = uuid.Parse(r.PathValue("id"))
	switch personal := !strings.HasPrefix(route.path, "/teams/{team}"); {
	case c.key != nil && personal:
		return nil, errSessionNeeded
	case c.key != nil && c.key.Team != c.team:
		return nil, errOtherTeam
	}
	for name := range r.URL.Query() {
		if !slices.Contains(strings.Fields(route.query), name) {
			return nil, &invitations.InvalidError{Field: name, Code: "unknown_value", Reason: "is not a parameter of this route"}
		}
	}
	if limit := c.get("limit"); limit != "" {
		if c.limit, err = strconv.Atoi(limit); err != nil {
			return nil, &invitations.InvalidError{Field: "limit", Code: "malformed", Reason: "must be a number"}
		}
	}
	return route.handle(a, c)
}

// caller returns the person of a session or a key. A request with a key is that of the key, whatever
// cookies it has.
func (a *app) caller(r *http.Request) (apiCall, error) {
	ctx, c := r.Context(), apiCall{Request: r}
	var err error
	if header := r.Header.Values("Authorization"); len(header) > 0 {
		text, ok := strings.CutPrefix(header[0], "Bearer "+keyPrefix)
		if !ok || len(header) > 1 {
			return c, errSignedOut
		}
		key, failed := a.findKey(ctx, keyPrefix+text)
		if errors.Is(failed, sql.ErrNoRows) {
			if failed = errSignedOut; !a.badKeys.allow(r) {
				failed = errTooMany
			}
		}
		if failed != nil {
			return c, failed
		}
		c.key = &key
		c.account, err = a.accountByID(ctx, key.Account)
	} else {
		c.account, err = a.sessionAccount(ctx)
	}
	switch {
	case err == nil && c.ID == "":
		err = errSignedOut
	case err == nil && !c.Verified():
		err = invitations.ErrEmailUnverified
	}
	return c, err
}

// A refusedCall is an error of the app itself.
type refusedCall struct {
	status        int
	code, message string
}

func (r *refusedCall) Error() string { return r.code }

var (
	errSignedOut     = &refusedCall{http.StatusUnauthorized, "unauthenticated", "Sign in, or send a valid API key"}
	errOtherTeam     = &refusedCall{http.StatusForbidden, "other_team", "This API key is for another team"}
	errSessionNeeded = &refusedCall{http.StatusForbidden, "session_needed", "An API key cannot do this: sign in"}
	errTooMany       = &refusedCall{http.StatusTooManyRequests, "too_many_attempts", "Too many attempts; wait a moment"}
	errUnreadable    = &refusedCall{http.StatusBadRequest, "malformed", "The request cannot be read as text"}
	errTooLarge      = &refusedCall{http.StatusRequestEntityTooLarge, "request_too_large", "The request is too large"}
)

// takes returns the handler of a route that changes something. B is its body.
func takes[B any](do func(*app, apiCall, B) (any, error)) func(*app, apiCall) (any, error) {
	return func(a *app, c apiCall) (any, error) {
		var body B
		if err := decode(c.Request, &body); err != nil {
			return nil, err
		}
		return do(a, c, body)
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
		Field: "body", Code: "malformed", Reason: "must be one JSON object with known fields of the right types",
	}
}

// failAPI answers with a problem (RFC 9457). If the request can succeed later, the header
// Retry-After says after how many seconds.
func (a *app) failAPI(w http.ResponseWriter, r *http.Request, err error) {
	if errors.As(err, new(*http.MaxBytesError)) {
		err = errTooLarge
	}
	p, _ := invitations.ProblemOf(err)
	if own := (*refusedCall)(nil); errors.As(err, &own) {
		p = invitations.Problem{Type: "about:blank", Title: own.message, Status: own.status, Code: own.code}
	}
	switch {
	case p.Status >= http.StatusInternalServerError:
		a.logFailure(r, err)
	case p.Status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case errors.Is(err, errTooMany):
		w.Header().Set("Retry-After", "10")
	}
	if !p.RetryAt.IsZero() {
		seconds := math.Ceil(p.RetryAt.Sub(a.now()).Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(max(0, int(seconds))))
	}
	writeJSON(w, p.Status, invitations.ProblemMediaType, p)
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the connection is lost
}
