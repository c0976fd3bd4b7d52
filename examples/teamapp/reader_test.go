package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A reader asks for pages without a browser.
type reader struct {
	w      *world
	cookie string // of the session; empty: nobody is signed in
}

// as returns a reader who is signed in.
func (w *world) as(u account) reader {
	w.t.Helper()
	ctx, err := w.app.sessions.Load(w.t.Context(), "")
	require.NoError(w.t, err)
	require.NoError(w.t, w.app.startSession(ctx, u))
	token, _, err := w.app.sessions.Commit(ctx)
	require.NoError(w.t, err)
	return reader{w, w.app.sessions.Cookie.Name + "=" + token}
}

// get returns the answer to a GET.
func (r reader) get(path string) *httptest.ResponseRecorder {
	r.w.t.Helper()
	answer, request := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = strings.TrimPrefix(r.w.base, "http://")
	request.Header.Set("Cookie", r.cookie)
	r.w.app.handler().ServeHTTP(answer, request)
	return answer
}

// page returns the HTML of a page, and its text without the markup.
func (r reader) page(path string) (source, text string) {
	r.w.t.Helper()
	answer := r.get(path)
	require.Equal(r.w.t, http.StatusOK, answer.Code, path)
	source = answer.Body.String()
	text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(source, " ")
	return source, strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// next returns the query of the link to the next page.
func (r reader) next(source string) string {
	r.w.t.Helper()
	found := regexp.MustCompile(`href="[^"]*([?][^"]+)" rel="next"`).FindStringSubmatch(source)
	require.NotEmpty(r.w.t, found, "no next page")
	return html.UnescapeString(found[1])
}

func (u account) actor() invitations.Actor { return invitations.User(u.ID) }
