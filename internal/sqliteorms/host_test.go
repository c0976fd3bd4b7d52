package sqliteorms_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/sqlitestore"
)

// A host has a table of profiles beside the store's tables. Its accept creates one in the
// transaction of the acceptance.
type host struct {
	db    *sql.DB
	other *sql.DB // of another process on the same file, which does not wait
	store *sqlitestore.Store
	svc   *invitations.Service
}

const createProfiles = `create table profiles (user_id text primary key, title text not null check (title <> ''))`

func newHost(t *testing.T) *host {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	db, err := sqlitestore.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	other, err := sql.Open("sqlite", path+"?_busy_timeout=0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	store := sqlitestore.New(db)
	require.NoError(t, store.Migrate(t.Context()))
	_, err = db.ExecContext(t.Context(), createProfiles)
	require.NoError(t, err)
	keys, err := invitations.NewKeyring(make([]byte, 32))
	require.NoError(t, err)
	svc, err := invitations.New(store, keys, invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(t.Context(), "acme", "ada")
	require.NoError(t, err)
	return &host{db, other, store, svc}
}

// invite invites a user and returns the token, and the user's identity.
func (h *host) invite(t *testing.T, user string) (string, invitations.Identity) {
	t.Helper()
	email := user + "@example.com"
	sent, err := h.svc.Invite(t.Context(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: email, Role: invitations.RoleViewer,
	})
	require.NoError(t, err)
	return sent.Token.Reveal(), invitations.Identity{UserID: user, Email: email, EmailVerified: true}
}

// check checks whether a user is a member and has a profile: both or neither.
func (h *host) check(t *testing.T, user string, want bool) {
	t.Helper()
	_, err := h.svc.Member(t.Context(), "acme", user)
	if want {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, invitations.ErrNotFound)
	}
	var profiles int
	err = h.db.QueryRowContext(t.Context(), "select count(*) from profiles where user_id = ?", user).Scan(&profiles)
	require.NoError(t, err)
	require.Equal(t, want, profiles == 1)
}

type accept func(ctx context.Context, token string, user invitations.Identity, title string) error

// testAccept tests that the acceptance and the profile are committed together or not at all.
func testAccept(t *testing.T, h *host, accept accept) {
	t.Helper()
	token, grace := h.invite(t, "grace")
	require.ErrorContains(t, accept(t.Context(), token, grace, ""), "CHECK constraint failed")
	h.check(t, "grace", false)
	stranger := invitations.Identity{UserID: "mallory", Email: "mallory@example.com", EmailVerified: true}
	require.ErrorIs(t, accept(t.Context(), token, stranger, "Thief"), invitations.ErrRecipientMismatch)
	h.check(t, "mallory", false)
	for range 2 { // the second time, as if the answer to the first was lost
		require.NoError(t, accept(t.Context(), token, grace, "Rear Admiral"))
		h.check(t, "grace", true)
	}
}

// testImmediate tests that transact, which begins a transaction, reads in it and calls f, has the
// write lock before it reads. Otherwise, a change of another process could come between.
func testImmediate(t *testing.T, h *host, transact func(f func() error) error) {
	t.Helper()
	change := func() error {
		_, err := h.other.ExecContext(t.Context(), "update profiles set title = title where false")
		return err
	}
	require.NoError(t, transact(func() error {
		if change() == nil {
			return errors.New("another process can change the database")
		}
		return nil
	}))
	require.NoError(t, change(), "the lock ends with the transaction")
}
