package sqlitestore

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-invitations/invitations"
)

// Triggers of the host can put a value into SQLite's text of an error.
func TestUpdate_TriggerErrorQuotesNothing(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]string{
		"raise":      `select raise(abort, 'ada is a secret')`,
		"function":   `select json_extract('{}', new.user_id)`,
		"constraint": `insert into numbers values (new.user_id)`,
	} {
		store := openStore(t, newFile(t), fast)
		mustExec(t, store.db, `create table numbers (n integer check (n > 0)) strict`)
		mustExec(t, store.db, `create trigger host before insert on invitations_members begin `+action+`; end`)
		err := join(t, store, "ada", nothing)
		if err == nil || strings.Contains(err.Error(), "ada") || !strings.Contains(err.Error(), "SQLite error ") {
			t.Errorf("%s: got error %v", name, err)
		}
		if got := versionOf(t, store); got != 0 {
			t.Errorf("%s: got version %d of a failed change", name, got)
		}
	}
}

// Connections that share a cache lock each other's tables, with other errors of SQLite. Some versions of
// the driver wait for such a lock, others report it.
func TestUpdate_SharedCache(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+newFile(t)+"?cache=shared&_txlock=immediate&_journal_mode=wal")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store := New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const changes = 40
	var working sync.WaitGroup
	for n := range changes {
		working.Go(func() {
			for {
				err := join(t, store, strconv.Itoa(n), nothing)
				if errors.Is(err, invitations.ErrConcurrentChange) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	working.Wait()
	if got := versionOf(t, store); got != changes {
		t.Errorf("got version %d after %d changes", got, changes)
	}
}
