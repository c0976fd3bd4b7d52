package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

//go:embed pages static
var files embed.FS

// A visit is one request of a person, with what every page shows about them.
type visit struct {
	w http.ResponseWriter
	r *http.Request

	User       account     // the zero account if nobody is signed in
	Workspaces []workspace // those of User, the personal one first
	Current    workspace   // the one that the session has chosen
	Team       workspace   // the one that the page is about; zero on other pages
	Now        time.Time
}

// actor returns the person as the library knows them.
func (v *visit) actor() invitations.Actor { return invitations.User(v.User.ID) }

// A page is the data of a template. Body is that of the page itself.
type page struct {
	*visit
	Title, Section  string
	Notice, Problem string
	Outbox          bool
	Body            any
}

// show answers with a page.
func (a *app) show(v *visit, status int, name, title string, body any) error {
	ctx := v.r.Context()
	p := page{
		visit: v, Title: title, Section: name, Outbox: a.deliver == nil, Body: body,
		Notice: a.sessions.PopString(ctx, keyNotice), Problem: a.sessions.PopString(ctx, keyProblem),
	}
	var out bytes.Buffer
	if err := templates[name].ExecuteTemplate(&out, "layout", p); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = out.WriteTo(v.w) // fails only if the connection is lost
	return nil
}

// redirect sends the person to a path of the app, where they see a notice.
func (a *app) redirect(v *visit, path, notice string) {
	if notice != "" {
		a.sessions.Put(v.r.Context(), keyNotice, notice)
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// pathWith returns a path with the query of the request. The values of the pairs of names and
// values take the place of those in it, and names without a value are left out.
func (v *visit) pathWith(path string, pairs ...string) string {
	query := v.r.URL.Query()
	for pair := range slices.Chunk(pairs, 2) {
		query.Set(pair[0], pair[1])
	}
	maps.DeleteFunc(query, func(_ string, values []string) bool { return values[0] == "" })
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// A pager has the paths of other pages of a list. An empty path means that there is none.
type pager struct{ First, Next string }

// pager returns the pager of the list at a path, whose next page begins at a cursor. The pages
// keep the filters of the request.
func (v *visit) pager(path, next string) (p pager) {
	if v.r.URL.Query().Get("cursor") != "" {
		p.First = v.pathWith(path, "cursor", "")
	}
	if next != "" {
		p.Next = v.pathWith(path, "cursor", next)
	}
	return p
}

// pageOf returns the handler of a page that everybody can see.
func (a *app) pageOf(show func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := a.newVisit(w, r)
		if err == nil {
			err = show(v)
		}
		if err != nil {
			a.fail(w, r, err)
		}
	}
}

// signedIn returns the handler of a page for people with a verified address.
func (a *app) signedIn(show func(*visit) error) http.HandlerFunc {
	return a.pageOf(func(v *visit) error {
		switch {
		case v.User.ID == "":
			a.redirect(v, "/sign-in", "")
			return nil
		case !v.User.Verified():
			a.redirect(v, "/verify", "")
			return nil
		}
		return show(v)
	})
}

// team returns the handler of a page of a team. Its path names the team, so a page acts on the
// team that it shows, whatever the session has chosen meanwhile.
func (a *app) team(show func(*visit) error) http.HandlerFunc {
	return a.signedIn(func(v *visit) error {
		for _, w := range v.Workspaces {
			if w.ID != "" && w.ID == v.r.PathValue("team") {
				v.Team = w
				return show(v)
			}
		}
		return invitations.ErrNotFound
	})
}

// action returns the handler of a button on a page of a team. do returns the page to go to and
// what it did. If the library refuses, that page shows the reason.
func (a *app) action(do func(*visit) (path, notice string, err error)) http.HandlerFunc {
	return a.team(func(v *visit) error {
		path, notice, err := do(v)
		return a.finish(v, path, notice, err)
	})
}

// finish redirects the person to a path of the app, where they see a notice or the reason of a
// refusal. An error that is not a refusal is returned.
func (a *app) finish(v *visit, path, notice string, err error) error {
	if err != nil {
		text, ok := refusalAt(err, v.Now)
		if !ok {
			return err
		}
		a.sessions.Put(v.r.Context(), keyProblem, text)
		notice = ""
	}
	a.redirect(v, path, notice)
	return nil
}

// newVisit reads the session of a request, and the person's workspaces.
func (a *app) newVisit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	ctx := r.Context()
	v := &visit{w: w, r: r, Now: a.now()}
	var err error
	if v.User, err = a.sessionAccount(ctx); err != nil || !v.User.Verified() {
		return v, err
	}
	if v.Workspaces, err = a.workspacesOf(ctx, v.User); err != nil {
		return nil, err
	}
	v.Current = v.Workspaces[0]
	for _, w := range v.Workspaces {
		if w.ID == a.sessions.GetString(ctx, keyWorkspace) {
			v.Current = w
		}
	}
	return v, nil
}

// refusal returns the sentence that tells a person why the library, or the app, refused. It
// reports false for an error that is not a refusal.
func refusal(err error) (string, bool) {
	var invalid *invitations.InvalidError
	switch p, ok := invitations.ProblemOf(err); {
	case errors.Is(err, errWrongPassword):
		return sentence(err.Error()), true
	case errors.As(err, &invalid):
		return sentence(strings.ReplaceAll(invalid.Field, "_", " ") + " " + invalid.Reason), true
	case ok:
		return sentence(p.Title), true
	default:
		return "", false
	}
}

// refusalAt is refusal with the time after which the person can try again, if waiting helps.
func refusalAt(err error, now time.Time) (string, bool) {
	text, ok := refusal(err)
	if p, _ := invitations.ProblemOf(err); ok && p.RetryAt.After(now) {
		text += " You can try again in " + wait(p.RetryAt.Sub(now)) + "."
	}
	return text, ok
}

// fail answers with a page about an error.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, "Something went wrong. Nothing is lost; try again."
	if refused, ok := refusal(err); ok {
		text = refused
		status = http.StatusUnprocessableEntity
		if p, ok := invitations.ProblemOf(err); ok {
			status = p.Status
		}
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		err = errTooLarge
	}
	if own := (*refusedCall)(nil); errors.As(err, &own) {
		status, text = own.status, own.message+"."
	}
	if errors.Is(err, errTooMany) {
		w.Header().Set("Retry-After", "10")
	}
	if status >= http.StatusInternalServerError {
		a.logFailure(r, err)
	}
	v := &visit{w: w, r: r, Now: a.now()}
	if err := a.show(v, status, "error", "That did not work", text); err != nil {
		a.log.Error("the page of an error failed", "error", err)
		http.Error(w, text, status)
	}
}

// logFailure logs an error. The error of a request that its client has given up tells nothing.
func (a *app) logFailure(r *http.Request, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	a.log.Log(r.Context(), level, "request failed", "route", r.Pattern, "error", err)
}

// templates are the pages by the names of their files.
var templates = parsePages()

func parsePages() map[string]*template.Template {
	functions := template.FuncMap{
		"role": roleName, "relative": relative, "date": date, "dateTime": dateTime, "number": number,
		"period": periodName, "masked": masked, "initial": initial, "describe": describe,
		"calls": calls, "used": usedText, "distance": distance,
		"stateName": func(s invitations.State) string { return roleName(invitations.Role(s)) },
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	layout := template.Must(template.New("").Funcs(functions).ParseFS(files, "pages/layout.html"))
	pages := map[string]*template.Template{}
	for _, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "pages/"), ".html")
		if name != "layout" {
			pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, path))
		}
	}
	return pages
}
