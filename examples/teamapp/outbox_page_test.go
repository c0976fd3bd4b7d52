package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutbox_ShowsMailToEverybody(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	link := w.invite(ada, team, "grace@example.com")
	nobody := reader{w: w}
	_, text := nobody.page("/outbox")
	require.Contains(t, text, "Invitation to Acme to grace@example.com just now Sent")

	letters, err := w.app.letters(t.Context(), "")
	require.NoError(t, err)
	path := "/outbox/" + letters[0].ID
	source, text := nobody.page(path)
	require.Contains(t, source, `src="`+path+`/html"`)
	require.Contains(t, source, `<a href="`+link+`">`)
	require.Contains(t, text, "Ada Lovelace")
	require.Contains(t, text, "We look forward to you.")
	part := nobody.get(path + "/html")
	require.Contains(t, part.Body.String(), `<base target="_top">`)
	require.Contains(t, part.Body.String(), `href="`+link+`"`)
	for _, rule := range []string{"default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'", "sandbox"} {
		require.Contains(t, part.Header().Get("Content-Security-Policy"), rule)
	}

	_, err = w.app.svc.Revoke(t.Context(), ada.actor(), team, letters[0].InvitationID)
	require.NoError(t, err)
	source, text = nobody.page(path)
	require.Contains(t, text, "The invitation has ended")
	require.NotContains(t, source, link)
	require.Equal(t, http.StatusGone, nobody.get(path+"/html").Code)
	require.Equal(t, http.StatusNotFound, nobody.get("/outbox/other").Code)
}

func TestOutbox_ShowsStates(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	u := w.account("Ada Lovelace", "ada@example.com", false)
	require.NoError(t, w.app.enqueueVerification(t.Context(), w.app.db, u))
	shows := func(words string) {
		t.Helper()
		_, text := reader{w: w}.page("/outbox")
		require.Contains(t, text, "Confirmation of an address to ada@example.com "+words)
	}
	shows("just now Waiting")
	w.app.deliver = func(context.Context, message) error { return http.ErrServerClosed }
	w.work()
	w.app.deliver = nil
	shows("just now Waiting to try again the mail server did not take it")
	w.nobody().submit(w.app.verificationPath(u), "password", password).want(t, 303)
	w.pass(time.Hour)
	shows("1 hour ago No longer needed")
}

func TestOutbox_PagesFromTheNewest(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	for i := range lettersPerPage + 1 {
		w.pass(time.Hour)
		require.NoError(t, w.app.enqueueVerification(t.Context(), w.app.db, account{Email: fmt.Sprintf("a%d@example.com", i)}))
	}
	nobody := reader{w: w}
	source, _ := nobody.page("/outbox")
	require.Contains(t, source, "a25@")
	require.Contains(t, source, "a1@")
	require.NotContains(t, source, "a0@")
	second, _ := nobody.page("/outbox" + nobody.next(source))
	require.Contains(t, second, "a0@")
	require.NotContains(t, second, "a1@")
}

func TestOutbox_WithMailServer_DoesNotExist(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	w.app.deliver = func(context.Context, message) error { return nil }
	require.Equal(t, http.StatusNotFound, reader{w: w}.get("/outbox").Code)
}

// A site whose name leads to this machine cannot read the mail.
func TestOutbox_OtherHost(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	w.invite(ada, team, "grace@example.com")
	for host, status := range map[string]int{"": http.StatusOK, "evil.example": http.StatusNotFound} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+"/outbox", nil)
		require.NoError(t, err)
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, status, answer.StatusCode, host)
	}
}

// A letter that cannot be written waits, and holds up no other.
func TestOutbox_LetterThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ada, team := w.acme()
	_, err := w.app.db.ExecContext(t.Context(), `update organizations set name = $1 where id = $2`, "\u200b", team)
	require.NoError(t, err)
	key := w.keyOf(ada, team, "owner")
	key.api("POST", "/teams/"+team+"/invitations", `{"email":"grace@example.com","role":"viewer"}`).want(t, 201)
	w.pass(time.Second)
	require.NoError(t, w.app.enqueueVerification(t.Context(), w.app.db, w.account("Bob", "bob@example.com", false)))
	_ = w.app.sendMail(t.Context())
	_, text := reader{w: w}.page("/outbox")
	require.Contains(t, text, "to bob@example.com just now Sent")
	require.Contains(t, text, "to grace@example.com just now Waiting to try again")
}

// An app that others can reach must not show mail to everybody.
func TestOutbox_OnlyOnThisMachine(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"http://localhost:1": true, "http://127.0.0.2:1": true, "http://[::1]:1": true, "https://teamy.example": false, "http://10.0.0.1": false,
	} {
		o := options{baseURL: url, database: filepath.Join(t.TempDir(), "teamapp.db"), now: time.Now, log: slog.New(slog.DiscardHandler)}
		a, err := newApp(t.Context(), o)
		if err == nil {
			a.close()
		}
		require.Equal(t, ok, err == nil, "%s: %v", url, err)
	}
}
