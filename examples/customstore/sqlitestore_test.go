package customstore

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/storetest"
)

func open(t *testing.T, path string) *Store {
	store, err := Open(t.Context(), path)
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
	storetest.Run(t, func(t *testing.T) invitations.Store {
		return open(t, filepath.Join(t.TempDir(), "invitations.db"))
	})
}

// TestOtherProcess: who cannot get the lock in time gives up before reading anything.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "invitations.db")
	ours, theirs := open(t, path), open(t, path)
	if _, err := theirs.write.ExecContext(t.Context(), `pragma busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	join := func(store *Store, user string, meanwhile func()) error {
		q := invitations.Query{Organization: "acme", Create: true}
		return store.Update(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) {
			meanwhile()
			return invitations.Changes{Members: []invitations.Member{{Organization: "acme", UserID: user}}}, nil
		})
	}
	if err := join(ours, "ada", func() {
		if err := join(theirs, "bob", func() { t.Error("two Updates at once") }); !errors.Is(err, invitations.ErrConcurrentChange) {
			t.Errorf("got error %v, want ErrConcurrentChange", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := join(theirs, "bob", func() {}); err != nil {
		t.Fatal(err)
	}
}
