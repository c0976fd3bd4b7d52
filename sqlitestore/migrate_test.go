package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-invitations/invitations"
)

// Many processes start at once on a file that does not exist, also if the database is one of the host
// that begins its transactions deferred.
func TestMigrate_ManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(path string) *sql.DB{
		"Open": func(path string) *sql.DB { return openDB(t, path, fast) },
		"deferred transactions of the host": func(path string) *sql.DB {
			mustExec(t, openDB(t, path, fast), `pragma user_version = 1`) // the write-ahead log
			db, err := sql.Open("sqlite", path+"?_busy_timeout=60000")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				path := newFile(t)
				errs := make([]error, 16)
				var ready, done sync.WaitGroup
				ready.Add(len(errs))
				barrier := make(chan struct{})
				for i := range errs {
					store := New(open(path))
					done.Go(func() {
						ready.Done()
						<-barrier
						errs[i] = store.Migrate(t.Context())
					})
				}
				ready.Wait()
				close(barrier)
				done.Wait()
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				if err := join(t, openStore(t, path, fast), "ada", nothing); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestMigrate_InTheHostsTransaction(t *testing.T) {
	t.Parallel()
	store := New(openDB(t, newFile(t), fast))
	if err := store.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "migrate first") {
		t.Errorf("got error %v before Migrate", err)
	}
	for _, commit := range []bool{false, true} {
		tx := begin(t, store.db, nil)
		if err := store.WithTx(tx).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := store.Check(t.Context()); (err == nil) != commit {
			t.Errorf("commit %t: Check returns %v", commit, err)
		}
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// Another tool applies the files, and applies them again when there are rows.
func TestMigrations_AppliedByAnotherTool(t *testing.T) {
	t.Parallel()
	db := openDB(t, newFile(t), fast)
	store := New(db)
	names, err := fs.Glob(Migrations(), "*")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no files", err)
	}
	for range 2 {
		for i, name := range names {
			if !regexp.MustCompile(fmt.Sprintf(`^%04d_[a-z_]+\.up\.sql$`, i+1)).MatchString(name) {
				t.Errorf("the name %s has another form", name)
			}
			text, err := fs.ReadFile(Migrations(), name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "-- +goose Up\n") {
				t.Errorf("%s does not begin as goose wants", name)
			}
			mustExec(t, db, string(text))
			if got := count1(t, db, `select max(version) from invitations_migrations`); got < i+1 {
				t.Errorf("%s does not record itself", name)
			}
		}
		if err := store.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := versionOf(t, store); got == 0 {
			if err := join(t, store, "ada", nothing); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := versionOf(t, store); got != 1 {
		t.Errorf("got version %d, want 1", got)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The names of the store's tables and indexes leave those of the host alone.
func TestMigrate_BesideTheHostsTables(t *testing.T) {
	t.Parallel()
	store := New(openDB(t, newFile(t), fast))
	mustExec(t, store.db, `create table members (name text);
		create table organizations (name text); create table events (name text);
		create table invitations (name text); create table migrations (name text)`)
	const names = `select count(*) from sqlite_schema where name not like 'sqlite%' and name not like 'invitations\_%' escape '\'`
	before := count1(t, store.db, names)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := count1(t, store.db, names); got != before {
		t.Errorf("got %d names without the prefix, want %d of the host", got, before)
	}
	if err := join(t, store, "ada", nothing); err != nil {
		t.Fatal(err)
	}
}

// A table of another program does not pass for one of the store, which has the same names. Nothing
// is created beside it.
func TestMigrate_TableOfAnotherProgram(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"invitations_quotas":  `create table invitations_quotas (organization, user_id, value, period, period_start, used)`,
		"Invitations_Members": `create view Invitations_Members as select 1`,
	} {
		store := New(openDB(t, newFile(t), fast))
		mustExec(t, store.db, statement)
		err := store.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the table "+name+" is of another program") {
			t.Errorf("got error %v", err)
		}
		if got := count1(t, store.db, `select count(*) from sqlite_schema`); got != 1 {
			t.Errorf("got %d tables and indexes, want the one of the other program", got)
		}
	}
}

func TestCheck_NeedsTheWriteAheadLog(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `pragma journal_mode = delete`)
	s := fast
	s.more = []string{"_journal_mode=delete"}
	if err := New(openDB(t, newFile(t), s)).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "write-ahead log") {
		t.Errorf("got error %v", err)
	}
}

// With UTF-16 the order of texts is not that of their bytes.
func TestCheck_NeedsUTF8(t *testing.T) {
	t.Parallel()
	s := fast
	s.more = []string{"_pragma=encoding('UTF-16')"}
	if err := New(openDB(t, newFile(t), s)).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("got error %v", err)
	}
}

// A store without tables says so, and quotes nothing.
func TestUpdate_NotMigrated(t *testing.T) {
	t.Parallel()
	store := New(openDB(t, newFile(t), fast))
	err := join(t, store, "ada", nothing)
	if err == nil || errors.Is(err, invitations.ErrConcurrentChange) || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("got error %v", err)
	}
}

// A new file gets its write-ahead log while another connection holds its lock. SQLite does not wait
// for that, so one attempt fails, and the next ones get it.
func TestOpen_NewFileIsLocked(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx := begin(t, other, nil)
	impatient := fast
	impatient.attempts = 1
	ours, theirs := New(openDB(t, path, fast)), New(openDB(t, path, impatient))
	var wg sync.WaitGroup
	wg.Go(func() { err = ours.Migrate(t.Context()) })
	if err := theirs.Migrate(t.Context()); !errors.Is(err, invitations.ErrConcurrentChange) {
		t.Errorf("one attempt: got error %v, want ErrConcurrentChange", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err != nil {
		t.Errorf("many attempts: %v", err)
	}
}
