package migrationtools_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	atlassqlite "ariga.io/atlas/sql/sqlite"
	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/sqlite" // for URLs
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/sqlitestore"
)

// A sqliteTool applies all files to the SQLite database at path, in which it keeps its own records.
type sqliteTool func(t *testing.T, path string, files fs.FS)

var sqliteTools = map[string]sqliteTool{
	"goose":          runGooseSQLite,
	"golang-migrate": runGolangMigrateSQLite,
	"atlas":          runAtlasSQLite,
	"sqlite3":        runSQLite3,
}

func runGooseSQLite(t *testing.T, path string, files fs.FS) {
	provider, err := goose.NewProvider(goose.DialectSQLite3, openSQLite(t, path), files)
	require.NoError(t, err)
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
}

func runGolangMigrateSQLite(t *testing.T, path string, files fs.FS) {
	source, err := iofs.New(files, ".")
	require.NoError(t, err)
	m, err := migrate.NewWithSourceInstance("iofs", source, "sqlite://"+path)
	require.NoError(t, err)
	if err := m.Up(); !errors.Is(err, migrate.ErrNoChange) {
		require.NoError(t, err)
	}
	sourceErr, err := m.Close()
	require.NoError(t, errors.Join(sourceErr, err))
}

// runAtlasSQLite is runAtlas for SQLite.
func runAtlasSQLite(t *testing.T, path string, files fs.FS) {
	driver, err := atlassqlite.Open(openSQLite(t, path))
	require.NoError(t, err)
	executeAtlas(t, driver, files)
}

// runSQLite3 runs SQLite's program on files in a directory, without a transaction around them.
func runSQLite3(t *testing.T, path string, files fs.FS) {
	program, err := exec.LookPath("sqlite3")
	if err != nil && os.Getenv(pgtest.RequireVariable) == "" {
		pgtest.Skip(t, "THE PROGRAM sqlite3 WAS NOT TESTED:", err)
	}
	require.NoError(t, err)
	directory := t.TempDir()
	require.NoError(t, os.CopyFS(directory, files))
	names, err := filepath.Glob(filepath.Join(directory, "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		out, err := exec.CommandContext(t.Context(), program, "-bail", path, ".read "+name).CombinedOutput()
		require.NoError(t, err, string(out))
		require.Empty(t, string(out))
	}
}

// openSQLite opens a database with the driver's defaults, as a tool does.
func openSQLite(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newSQLite returns a store on a file that does not exist.
func newSQLite(t *testing.T) (store *sqlitestore.Store, db *sql.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.db")
	db, err := sqlitestore.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return sqlitestore.New(db), db, path
}

// sqliteState has the definitions of the store's tables and indexes, and the recorded versions.
func sqliteState(t *testing.T, db *sql.DB) string {
	t.Helper()
	var state string
	err := db.QueryRowContext(t.Context(), `select group_concat(line, char(10) order by line) from (
		select type || ' ' || name || ' ' || sql as line from sqlite_schema where tbl_name glob 'invitations_*' and sql <> ''
		union all select 'version ' || version from invitations_migrations)`).Scan(&state)
	require.NoError(t, err)
	return state
}

func TestSQLiteTools_AgreeWithCheckAndMigrate(t *testing.T) {
	t.Parallel()
	reference, db, _ := newSQLite(t)
	require.NoError(t, reference.Migrate(t.Context()))
	want := sqliteState(t, db)
	require.Contains(t, want, "version 1")
	for name, run := range sqliteTools {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, db, path := newSQLite(t)
			for range 2 { // the second time does nothing
				run(t, path, sqlitestore.Migrations())
				require.NoError(t, store.Check(t.Context()))
				require.NoError(t, store.Migrate(t.Context()))
				require.Equal(t, want, sqliteState(t, db))
			}
		})
		t.Run(name+" after Migrate", func(t *testing.T) {
			t.Parallel()
			store, db, path := newSQLite(t)
			require.ErrorContains(t, store.Check(t.Context()), "migrate first")
			require.NoError(t, store.Migrate(t.Context()))
			for range 2 {
				run(t, path, sqlitestore.Migrations())
				require.NoError(t, store.Check(t.Context()))
				require.Equal(t, want, sqliteState(t, db))
			}
		})
	}
}
