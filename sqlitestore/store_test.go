package sqlitestore

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/storetest"
)

// newStore opens an empty store for one test.
func newStore(t *testing.T) invitations.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "invitations.db"))
}

func openFile(t *testing.T, path string) *Store {
	t.Helper()
	store, err := open(t.Context(), path, "off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newStore)
}

// join adds a member to an organization, and calls meanwhile while it has the write lock.
func join(t *testing.T, store *Store, user string, meanwhile func()) error {
	q := invitations.Query{Organization: "acme"}
	return store.Create(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) {
		meanwhile()
		return invitations.Changes{Members: []invitations.Member{{Organization: "acme", UserID: user}}}, nil
	})
}

// Another process holds the write lock. An Update that does not get it in time gives up before
// it reads anything.
func TestUpdate_LockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "invitations.db")
	ours, theirs := openFile(t, path), openFile(t, path)
	if _, err := theirs.write.ExecContext(t.Context(), `pragma busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	err := join(t, ours, "ada", func() {
		err := join(t, theirs, "bob", func() { t.Error("two Updates at once") })
		if !errors.Is(err, invitations.ErrConcurrentChange) {
			t.Errorf("got error %v, want ErrConcurrentChange", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := join(t, theirs, "bob", func() {}); err != nil {
		t.Fatal(err)
	}
}

// Open makes changes durable: they are in the file when it is opened again, and SQLite waits
// for the disk at each commit.
func TestOpen_Durable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a file?#%.db")
	for version := range int64(2) {
		store, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var synchronous int
		if err := store.write.QueryRowContext(t.Context(), `pragma synchronous`).Scan(&synchronous); err != nil {
			t.Fatal(err)
		}
		if synchronous != 2 {
			t.Errorf("synchronous is %d, want 2 (full)", synchronous)
		}
		facts, err := store.View(t.Context(), invitations.Query{Organization: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		if facts.Version != version {
			t.Errorf("got version %d, want %d", facts.Version, version)
		}
		if err := join(t, store, "ada", func() {}); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
