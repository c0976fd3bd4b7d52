package sqlitestore

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/storetest"
)

// fast are settings for files that need not survive a loss of power.
var fast = settings{synchronous: "off", attempts: durable.attempts, busyTimeout: durable.busyTimeout}

// newFile returns the path of a file that does not exist.
func newFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "invitations.db")
}

func openDB(t *testing.T, path string, s settings) *sql.DB {
	t.Helper()
	db, err := open(path, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// openStore returns a store on the file at path.
func openStore(t *testing.T, path string, s settings) *Store {
	t.Helper()
	store := New(openDB(t, path, s))
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// newStore opens an empty store for one test.
func newStore(t *testing.T) invitations.Store {
	t.Helper()
	return openStore(t, newFile(t), fast)
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newStore)
}

// join adds a member to an organization, and calls meanwhile while it has the write lock.
func join(t *testing.T, store invitations.Store, user string, meanwhile func()) error {
	q := invitations.Query{Organization: "acme"}
	return store.Create(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) {
		meanwhile()
		return invitations.Changes{Members: []invitations.Member{{Organization: "acme", UserID: user}}}, nil
	})
}

// versionOf returns the number of changes of the organization.
func versionOf(t *testing.T, store invitations.Store) int64 {
	t.Helper()
	facts, err := store.View(t.Context(), invitations.Query{Organization: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return facts.Version
}

func nothing() {}
