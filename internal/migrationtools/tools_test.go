package migrationtools_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/sqltool"
	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	tern "github.com/jackc/tern/v2/migrate"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A tool applies all files to the database of url. It keeps its own records in the schema records.
type tool func(t *testing.T, url, records string, files fs.FS)

var tools = map[string]tool{
	"goose":          runGoose,
	"golang-migrate": runGolangMigrate,
	"atlas":          runAtlas,
	"tern":           runTern,
	"psql":           runPSQL,
}

func runGoose(t *testing.T, url, records string, files fs.FS) {
	db := open(t, url)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(records+".goose_db_version"))
	require.NoError(t, err)
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
}

func runGolangMigrate(t *testing.T, url, records string, files fs.FS) {
	source, err := iofs.New(files, ".")
	require.NoError(t, err)
	database, err := migratepgx.WithInstance(open(t, url), &migratepgx.Config{SchemaName: records})
	require.NoError(t, err)
	m, err := migrate.NewWithInstance("iofs", source, "pgx5", database)
	require.NoError(t, err)
	if err := m.Up(); !errors.Is(err, migrate.ErrNoChange) {
		require.NoError(t, err)
	}
	sourceErr, err := m.Close()
	require.NoError(t, errors.Join(sourceErr, err))
}

func runTern(t *testing.T, url, records string, files fs.FS) {
	m, err := tern.NewMigrator(t.Context(), connect(t, url), records+".schema_version")
	require.NoError(t, err)
	require.NoError(t, m.LoadMigrations(files))
	require.NoError(t, m.Migrate(t.Context()))
}

// runAtlas reads the files as those of golang-migrate. The records stay in memory, because only
// Atlas's program keeps them in the database. A second run has none, and applies the files again.
func runAtlas(t *testing.T, url, _ string, files fs.FS) {
	driver, err := postgres.Open(open(t, url))
	require.NoError(t, err)
	executeAtlas(t, driver, files)
}

func executeAtlas(t *testing.T, driver atlas.Driver, files fs.FS) {
	t.Helper()
	path := t.TempDir()
	require.NoError(t, os.CopyFS(path, files))
	directory, err := sqltool.NewGolangMigrateDir(path)
	require.NoError(t, err)
	sum, err := directory.Checksum()
	require.NoError(t, err)
	require.NoError(t, atlas.WriteSumFile(directory, sum))
	executor, err := atlas.NewExecutor(driver, directory, &revisions{}, atlas.WithAllowDirty(true))
	require.NoError(t, err)
	require.NoError(t, executor.ExecuteN(t.Context(), 0)) // all
}

// revisions are records of Atlas.
type revisions struct{ all []*atlas.Revision }

func (r *revisions) Ident() *atlas.TableIdent { return &atlas.TableIdent{} }

func (r *revisions) ReadRevisions(context.Context) ([]*atlas.Revision, error) { return r.all, nil }

func (r *revisions) ReadRevision(_ context.Context, version string) (*atlas.Revision, error) {
	for _, revision := range r.all {
		if revision.Version == version {
			return revision, nil
		}
	}
	return nil, atlas.ErrRevisionNotExist
}

func (r *revisions) WriteRevision(ctx context.Context, revision *atlas.Revision) error {
	if _, err := r.ReadRevision(ctx, revision.Version); err != nil {
		r.all = append(r.all, revision)
	}
	return nil
}

func (r *revisions) DeleteRevision(context.Context, string) error { return errors.ErrUnsupported }

// runPSQL runs psql on files in a directory, without a transaction around them.
func runPSQL(t *testing.T, url, _ string, files fs.FS) {
	psql, err := pgtest.Program("psql")
	if err != nil && os.Getenv(pgtest.RequireVariable) == "" {
		pgtest.Skip(t, "THE PROGRAM psql WAS NOT TESTED:", err)
	}
	require.NoError(t, err)
	directory := t.TempDir()
	require.NoError(t, os.CopyFS(directory, files))
	names, err := filepath.Glob(filepath.Join(directory, "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		out, err := exec.CommandContext(t.Context(), psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", name, url).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// A scene has a schema for the store and one for the records of a tool. The tool has privileges
// on these two only.
type scene struct {
	url             string // of a session with these privileges
	store           *pgstore.Store
	files           fs.FS
	schema, records string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{schema: pgtest.Schema(t), records: pgtest.Schema(t)}
	role := pgtest.Schema(t) // a name that is not taken
	admin := connect(t, pgtest.URL(t))
	for _, sql := range []string{
		"create role " + role, "create schema " + s.schema + " authorization " + role, "create schema " + s.records + " authorization " + role,
	} {
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := admin.Exec(context.Background(), "drop owned by "+role+" cascade; drop role "+role)
		require.NoError(t, err)
	})
	separator := "?"
	if strings.Contains(pgtest.URL(t), "?") {
		separator = "&"
	}
	s.url = pgtest.URL(t) + separator + "options=-c%20role%3D" + role
	var err error
	s.files, err = pgstore.Migrations(s.schema)
	require.NoError(t, err)
	s.store, err = pgstore.NewWithConfig(connect(t, s.url), pgstore.Config{Schema: s.schema})
	require.NoError(t, err)
	return s
}

// state describes all columns and indexes in the store's schema, and has the recorded versions.
func (s *scene) state(t *testing.T) string {
	t.Helper()
	var state string
	err := connect(t, pgtest.URL(t)).QueryRow(t.Context(), `select string_agg(l.line, E'\n' order by l.line) from (
		select format('%s.%s %s %s', table_name, column_name, data_type, column_default) as line
			from information_schema.columns where table_schema = $1
		union all select indexdef from pg_indexes where schemaname = $1
		union all select 'version ' || version from `+s.schema+`.migrations) as l`, s.schema).Scan(&state)
	require.NoError(t, err)
	return state
}

func TestTools_AgreeWithCheckAndMigrate(t *testing.T) {
	t.Parallel()
	reference := newScene(t)
	require.NoError(t, reference.store.Migrate(t.Context()))
	want := strings.ReplaceAll(reference.state(t), reference.schema, "S")
	require.Contains(t, want, "version "+strconv.Itoa(1))
	for name, run := range tools {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			require.ErrorContains(t, s.store.Check(t.Context()), "migrate first")
			for range 2 { // the second time does nothing
				run(t, s.url, s.records, s.files)
				require.NoError(t, s.store.Check(t.Context()))
				require.NoError(t, s.store.Migrate(t.Context()))
				require.Equal(t, want, strings.ReplaceAll(s.state(t), s.schema, "S"))
			}
		})
		t.Run(name+" after Migrate", func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			require.NoError(t, s.store.Migrate(t.Context()))
			for range 2 {
				run(t, s.url, s.records, s.files)
				require.NoError(t, s.store.Check(t.Context()))
				require.Equal(t, want, strings.ReplaceAll(s.state(t), s.schema, "S"))
			}
		})
	}
}
