package sqlitestore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

// Another process holds the write lock. A change that does not get it in time gives up before
// it reads anything. When the lock is free, the same change succeeds.
func TestUpdate_LockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	impatient := fast
	impatient.attempts = 1
	ours, theirs := openStore(t, path, fast), openStore(t, path, impatient)
	err := join(t, ours, "ada", func() {
		err := join(t, theirs, "bob", func() { t.Error("two Updates at once") })
		if !errors.Is(err, invitations.ErrConcurrentChange) {
			t.Errorf("got error %v, want ErrConcurrentChange", err)
		}
		if err != nil && strings.Contains(err.Error(), "bob") {
			t.Errorf("the error %v quotes a value", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := join(t, theirs, "bob", nothing); err != nil {
		t.Fatal(err)
	}
	if got := versionOf(t, ours); got != 2 {
		t.Errorf("got version %d, want 2", got)
	}
}

// The waiting ends with the context, both for another process and for a turn in this one. Without
// that, the test would end only by its timeout.
func TestUpdate_WaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	patient := fast
	patient.attempts = 1 << 30
	ours, theirs := openStore(t, path, patient), openStore(t, path, patient)
	late := func(facts invitations.Facts) (invitations.Changes, error) {
		t.Error("two Updates at once")
		return invitations.Changes{}, nil
	}
	err := join(t, ours, "ada", func() {
		for _, store := range []*Store{ours, theirs} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			err := store.Create(ctx, invitations.Query{Organization: "acme"}, late)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v, want context.DeadlineExceeded", err)
			}
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Those that gave up have left no turn and no lock behind.
	for _, store := range []*Store{ours, theirs} {
		if err := join(t, store, "ada", nothing); err != nil {
			t.Fatal(err)
		}
	}
}

// All changes of one database get their turn, however many wait: none gives up because of others
// of the same process. With SQLite's poll instead of turns, one attempt would not be enough.
func TestUpdate_TakesTurns(t *testing.T) {
	t.Parallel()
	const changes = 200
	run := func(stores ...*Store) (failed int) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i := range changes {
			wg.Go(func() {
				if err := join(t, stores[i%len(stores)], "ada", nothing); err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return failed
	}
	impatient := fast
	impatient.attempts = 1
	path := newFile(t)
	store := openStore(t, path, impatient)
	if failed := run(store); failed > 0 {
		t.Errorf("%d of %d changes gave up", failed, changes)
	}
	if got := versionOf(t, store); got != changes {
		t.Errorf("got version %d, want %d", got, changes)
	}
}

// After some errors SQLite rolls the whole transaction back. A host that goes on must not commit
// the rest of its work by itself. With the plain driver it would.
func TestTransaction_RolledBackBySQLite(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `create table profiles (id text primary key)`)
	tx := begin(t, store.db, nil)
	mustExec(t, tx, `insert into profiles values ('ada')`)
	prepared, err := tx.PrepareContext(t.Context(), `insert into profiles values ('cy')`)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	if _, err := tx.ExecContext(t.Context(), `insert or rollback into profiles values ('ada')`); err == nil {
		t.Fatal("a duplicate was inserted")
	}
	if _, err := tx.ExecContext(t.Context(), `insert into profiles values ('bob')`); !errors.Is(err, errLost) {
		t.Errorf("got error %v, want errLost", err)
	}
	if _, err := prepared.ExecContext(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("a prepared statement: got error %v, want errLost", err)
	}
	if err := join(t, store.WithTx(tx), "ada", nothing); err == nil {
		t.Error("a change had no error")
	}
	if err := tx.Commit(); !errors.Is(err, errLost) {
		t.Errorf("got error %v, want errLost", err)
	}
	if got := count1(t, store.db, `select count(*) from profiles`); got != 0 {
		t.Errorf("got %d rows of a transaction that failed", got)
	}
	if err := join(t, store, "ada", nothing); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}
