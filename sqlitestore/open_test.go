package sqlitestore

import (
	"path/filepath"
	"testing"
)

// Open makes changes durable: they are in the file when it is opened again, and SQLite waits
// for the disk at each commit.
func TestOpen_Durable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a file?#%.db")
	for version := range int64(2) {
		db, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		store := New(db)
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for pragma, want := range map[string]string{
			"synchronous": "2", "journal_mode": "wal", "busy_timeout": "5000", "foreign_keys": "1",
			"secure_delete": "1",
		} {
			var got string
			if err := db.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
		if got := versionOf(t, store); got != version {
			t.Errorf("got version %d, want %d", got, version)
		}
		if err := join(t, store, "ada", nothing); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Each connection to one of these would have a database of its own, or another file than the one that
// is named.
func TestOpen_NeedsAFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ":memory:", "file\x00.db"} {
		if _, err := Open(path); err == nil {
			t.Errorf("Open(%q) returned no error", path)
		}
	}
}
