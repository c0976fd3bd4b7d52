package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-invitations/invitations/internal/pgtest"
)

// A world is an app on a database of its own, with a clock that the test moves.
type world struct {
	t    testing.TB
	app  *app
	base string // the URL of the app

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB, database string) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewUnstartedServer(nil)
	w.base = "http://" + server.Listener.Addr().String()
	var err error
	w.app, err = newApp(t.Context(), options{
		baseURL: w.base, database: database, from: "Teamy <teamy@example.com>",
		now: w.clock, log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	require.NoError(t, err)
	server.Config.Handler = w.app.handler()
	server.Start()
	t.Cleanup(func() {
		server.Close()
		w.app.close()
	})
	return w
}

// newSQLiteWorld returns a world on a new file.
func newSQLiteWorld(t testing.TB) *world {
	t.Helper()
	return newWorld(t, filepath.Join(t.TempDir(), "teamapp.db"))
}

// newPostgresWorld returns a world in a new database.
func newPostgresWorld(t testing.TB) *world {
	t.Helper()
	server, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	admin, err := sql.Open("pgx", server.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	name := "teamapp_" + strings.ToLower(rand.Text())
	_, err = admin.ExecContext(t.Context(), "create database "+name)
	require.NoError(t, err)
	t.Cleanup(func() { // the pool of the world is closed by then
		_, _ = admin.ExecContext(context.WithoutCancel(t.Context()), "drop database "+name+" with (force)")
	})
	server.Path = "/" + name
	return newWorld(t, server.String())
}

// onEach runs a story on both databases, with the screens in turn: a desktop on SQLite and a phone
// on PostgreSQL.
func onEach(t *testing.T, story func(t *testing.T, w *world, size screen)) {
	t.Helper()
	t.Parallel()
	t.Run("SQLite, desktop", func(t *testing.T) { t.Parallel(); story(t, newSQLiteWorld(t), screens[0]) })
	t.Run("PostgreSQL, phone", func(t *testing.T) { t.Parallel(); story(t, newPostgresWorld(t), screens[1]) })
}

func TestMain(m *testing.M) {
	passwordCost = bcrypt.MinCost
	os.Exit(pgtest.Main(m))
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass moves the clock, and does the background work.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.advance(d)
	w.work()
}

// advance moves the clock.
func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// work does the background work once.
func (w *world) work() {
	w.t.Helper()
	require.NoError(w.t, w.app.sweep(w.t.Context()))
	require.NoError(w.t, w.app.sendMail(w.t.Context()))
}

var linkInMail = regexp.MustCompile(`<(http://[^>]+)>`)

// mailTo returns the newest letter to an address, and the link in it.
func (w *world) mailTo(address string) (m message, link string) {
	w.t.Helper()
	w.work()
	letters, err := w.app.letters(w.t.Context(), `where recipient = $1 order by created_at desc limit 1`, address)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, letters, "no mail to "+address)
	m, err = w.app.compose(w.t.Context(), letters[0])
	require.NoError(w.t, err)
	found := linkInMail.FindStringSubmatch(m.Text)
	require.NotEmpty(w.t, found, m.Text)
	return m, found[1]
}

// A testWriter writes a log into the output of a test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	w.t.Log(string(p))
	return len(p), nil
}
