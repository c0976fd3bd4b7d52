package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
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

// Changes of one database wait for their turn, however many there are, and none gives up because of
// others of the same process. A change through another database, like one of another process, gives
// up after its one attempt meanwhile.
func TestUpdate_TakesTurns(t *testing.T) {
	t.Parallel()
	const changes = 100
	impatient := fast
	impatient.attempts = 1
	path := newFile(t)
	ours, theirs := openStore(t, path, impatient), openStore(t, path, impatient)
	var wg sync.WaitGroup
	errs := make([]error, changes)
	err := join(t, ours, "ada", func() {
		for i := range errs {
			wg.Go(func() { errs[i] = join(t, ours, "ada", nothing) })
		}
		if err := join(t, theirs, "bob", nothing); !errors.Is(err, invitations.ErrConcurrentChange) {
			t.Errorf("the other database: got error %v, want ErrConcurrentChange", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := versionOf(t, ours); got != changes+1 {
		t.Errorf("got version %d, want %d", got, changes+1)
	}
}

// A change waits for its turn without a connection, and a read for others of its kind. Otherwise, many
// of them at once would open a connection each, and close most of them afterwards.
func TestOpen_FewConnections(t *testing.T) {
	t.Parallel()
	const operations = 1000
	for name, c := range map[string]struct {
		operation func(*Store) error
		most      int
	}{
		"changes": {func(s *Store) error { return join(t, s, "ada", nothing) }, 2},
		"reads": {func(s *Store) error {
			_, err := s.View(t.Context(), invitations.Query{Organization: "acme"})
			return err
		}, maxReads + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openStore(t, newFile(t), fast)
			var wg, ready sync.WaitGroup
			errs := make([]error, operations)
			ready.Add(operations)
			err := join(t, store, "ada", func() {
				for i := range errs {
					wg.Go(func() {
						ready.Done()
						ready.Wait()
						errs[i] = c.operation(store)
					})
				}
				ready.Wait()
			})
			wg.Wait()
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Error(err)
			}
			stats := store.db.Stats()
			if got := stats.OpenConnections + int(stats.MaxIdleClosed); got > c.most {
				t.Errorf("%d operations opened %d connections, want at most %d", operations, got, c.most)
			}
		})
	}
}

// Changes of stores and transactions of the host share one connection, if the host wants it so. Those
// that wait for each other never wait for a connection too: the test would not end.
func TestOpen_OneConnection(t *testing.T) {
	t.Parallel()
	const operations = 50
	store := openStore(t, newFile(t), fast)
	store.db.SetMaxOpenConns(1)
	var wg sync.WaitGroup
	errs := make([]error, 3*operations)
	for i := range operations {
		wg.Go(func() { errs[3*i] = join(t, store, "ada", nothing) })
		wg.Go(func() {
			tx, err := store.db.BeginTx(t.Context(), nil)
			if err == nil {
				defer tx.Rollback()
				err = join(t, store.WithTx(tx), "bob", nothing)
			}
			if err == nil {
				err = tx.Commit()
			}
			errs[3*i+1] = err
		})
		wg.Go(func() { _, errs[3*i+2] = store.View(t.Context(), invitations.Query{Organization: "acme"}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := versionOf(t, store); got != 2*operations {
		t.Errorf("got version %d, want %d", got, 2*operations)
	}
}

// A read waits for others, as long as its context lasts. Then it goes on.
func TestView_WaitsForOtherReads(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	for range maxReads {
		store.connector.reads <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := store.View(ctx, invitations.Query{Organization: "acme"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want context.DeadlineExceeded", err)
	}
	<-store.connector.reads
	for range 2 { // a read gives its place back
		versionOf(t, store)
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

	plain, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "plain.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	mustExec(t, plain, `create table profiles (id text primary key)`)
	tx = begin(t, plain, nil)
	mustExec(t, tx, `insert into profiles values ('ada')`)
	if _, err := tx.ExecContext(t.Context(), `insert or rollback into profiles values ('ada')`); err == nil {
		t.Fatal("a duplicate was inserted")
	}
	mustExec(t, tx, `insert into profiles values ('bob')`)
	_ = tx.Rollback()
	if got := count1(t, plain, `select count(*) from profiles`); got != 1 {
		t.Errorf("with the plain driver, got %d rows in spite of the rollback, want the one of bob", got)
	}
}

// A constraint that fails at the commit, such as a deferred foreign key of the host, has changed
// nothing for certain. After an error of the disk that is not certain.
func TestCommitError(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `create table profiles (organization text, user_id text,
		foreign key (organization, user_id) references invitations_members deferrable initially deferred)`)
	if err := join(t, store, "ada", nothing); err != nil {
		t.Fatal(err)
	}
	mustExec(t, store.db, `insert into profiles values ('acme', 'ada')`)
	remove := func() error {
		q := invitations.Query{Organization: "acme"}
		return store.Update(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{RemovedMembers: []string{"ada"}}, nil
		})
	}
	if err := remove(); err == nil || errors.Is(err, invitations.ErrOutcomeUnknown) || strings.Contains(err.Error(), "ada") {
		t.Errorf("got error %v", err)
	}
	if got := versionOf(t, store); got != 1 {
		t.Errorf("got version %d, want 1", got)
	}
	mustExec(t, store.db, `delete from profiles`)
	if err := remove(); err != nil {
		t.Errorf("without the row of the host: %v", err)
	}
	if err := commitError(t.Context(), errors.New("disk I/O error")); !errors.Is(err, invitations.ErrOutcomeUnknown) {
		t.Errorf("got error %v, want ErrOutcomeUnknown", err)
	}
}
