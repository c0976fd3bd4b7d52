package pgstore_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// upgradeFolder has an installation for each version of the tables: its rows in 0001.sql, and in
// 0001.json all that the service reads from them. After a change of the newest migration, which is
// not released yet, and together with a new migration, run
//
//	go test ./pgstore -run TestUpgrade -update
//
// It writes the files of the newest version only. Those of released versions stay as they are.
const upgradeFolder = "testdata/upgrade"

// A recording is what the service read from an installation.
type recording struct {
	Now           time.Time      `json:"now"`
	Organizations []string       `json:"organizations"`
	Users         []string       `json:"users"`
	Numbered      int            `json:"numbered"` // events with a position
	Feed          []any          `json:"feed"`     // these events
	State         map[string]any `json:"state"`
}

// TestUpgrade brings the installations of all versions up to date.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if *update {
		recordInstallation(t)
	}
	fresh := newStore(t, newPool(t, nil))
	paths, err := filepath.Glob(filepath.Join(upgradeFolder, "*.sql"))
	require.NoError(t, err)
	require.Len(t, paths, pgstore.Version(), "there must be an installation of each version: run this test with -update")
	for n, path := range paths {
		version := n + 1
		name := fmt.Sprintf("%04d", version)
		require.Equal(t, filepath.Join(upgradeFolder, name+".sql"), path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var recorded recording
			text, err := os.ReadFile(filepath.Join(upgradeFolder, name+".json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &recorded))
			requireAllKinds(t, recorded)

			store := storeOn(t, newPool(t, nil), pgtest.Schema(t))
			loadInstallation(t, store, version)
			if version < pgstore.Version() {
				require.ErrorContains(t, store.Check(ctx), "migrate first")
			}
			require.NoError(t, store.Migrate(ctx))
			require.NoError(t, store.Check(ctx))
			require.Equal(t, strings.ReplaceAll(relationsOf(t, fresh.Schema()), fresh.Schema(), "S"),
				strings.ReplaceAll(relationsOf(t, store.Schema()), store.Schema(), "S"), "an upgrade must end like a new installation")

			i := newInstallation(t, store, recorded.Now)
			state := i.read(recorded.Organizations, recorded.Users)
			for description, want := range recorded.State {
				requireSubset(t, description, want, state[description])
			}
			last := i.checkFeed(recorded)
			i.goOn()
			i.checkFeedAfter(last)
		})
	}
}

// recordInstallation writes the files of the newest version.
func recordInstallation(t *testing.T) {
	t.Helper()
	name := filepath.Join(upgradeFolder, fmt.Sprintf("%04d", pgstore.Version()))
	require.NoError(t, os.MkdirAll(upgradeFolder, 0o755))
	store := newStore(t, newPool(t, nil))
	used := newInstallation(t, store, time.Date(2026, 3, 1, 9, 0, 0, 123_456_000, time.UTC))
	used.use()
	// Nonces are random, and would make every recording differ from the one before.
	exec(t, store.Schema(), "update {schema}.invitations set nonce = decode(md5(organization || id), 'hex')")
	require.NoError(t, os.WriteFile(name+".sql", []byte(rowsAsSQL(t, store.Schema())), 0o644))

	// What is recorded is read from a copy, because reading the feed changes it.
	store = storeOn(t, newPool(t, nil), pgtest.Schema(t))
	loadInstallation(t, store, pgstore.Version())
	i := newInstallation(t, store, used.now)
	r := recording{Now: used.now, Organizations: installedOrganizations, Users: installedUsers}
	r.State = i.read(r.Organizations, r.Users)
	require.NoError(t, connect(t).QueryRow(i.ctx, pgstore.SQL(store.Schema(), "select last from {schema}.feed")).Scan(&r.Numbered))
	feed, err := i.svc.Feed(i.ctx, 0, r.Numbered)
	require.NoError(t, err)
	for _, event := range feed {
		r.Feed = append(r.Feed, jsonValue(t, event))
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	require.NoError(t, encoder.Encode(r))
	require.NoError(t, os.WriteFile(name+".json", text.Bytes(), 0o644))
}

// loadInstallation makes the tables of a version, with the rows of its installation.
func loadInstallation(t *testing.T, store *pgstore.Store, version int) {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, store.MigrateTo(ctx, version))
	path := filepath.Join(upgradeFolder, fmt.Sprintf("%04d.sql", version))
	rows, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = connect(t).Exec(ctx, pgstore.SQL(store.Schema(), string(rows)))
	require.NoError(t, err, "the rows of %s are not of this version: run this test with -update", path)

	inserted := map[string]string{}
	for _, insertion := range regexp.MustCompile(`(?m)^insert into \{schema\}\.(\w+) \((.*)\) values$`).FindAllStringSubmatch(string(rows), -1) {
		inserted[insertion[1]] = insertion[2]
	}
	require.Equal(t, columnsOf(t, store.Schema()), inserted, "%s lacks columns of this version: run this test with -update", path)
}

// columnsOf returns the columns of all tables of a schema, except the versions.
func columnsOf(t *testing.T, schema string) map[string]string {
	t.Helper()
	rows, err := connect(t).Query(context.Background(), `select c.relname::text, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = $1::text::regnamespace and c.relkind = 'r' and c.relname <> 'migrations' group by 1`, schema)
	require.NoError(t, err)
	defer rows.Close()
	columns := map[string]string{}
	for rows.Next() {
		var table, list string
		require.NoError(t, rows.Scan(&table, &list))
		columns[table] = list
	}
	require.NoError(t, rows.Err())
	return columns
}

// rowsAsSQL returns statements that insert all rows of a schema, with {schema} in place of its
// name.
func rowsAsSQL(t *testing.T, schema string) string {
	t.Helper()
	ctx := context.Background()
	conn := connect(t)
	_, err := conn.Exec(ctx, "set timezone to 'UTC'")
	require.NoError(t, err)
	sql := "-- Written by the test TestUpgrade with -update.\n"
	columns := columnsOf(t, schema)
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		var values []string
		for column := range strings.SplitSeq(columns[table], ", ") {
			values = append(values, "quote_nullable("+column+"::text)")
		}
		rows, err := conn.Query(ctx, pgstore.SQL(schema, "select concat_ws(', ', "+strings.Join(values, ", ")+") from {schema}."+table+
			" order by "+columns[table]))
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotEmpty(t, lines, "the installation has no rows in the table %s: add some to installation.use", table)
		sql += "\ndelete from {schema}." + table + ";\ninsert into {schema}." + table + " (" + columns[table] + ") values\n\t(" +
			strings.Join(lines, "),\n\t(") + ");\n"
	}
	return sql
}

// requireAllKinds fails the test unless a recording has invitations of all kinds and states.
func requireAllKinds(t *testing.T, r recording) {
	t.Helper()
	have := map[string]bool{}
	for _, organization := range r.Organizations {
		for _, found := range r.State["invitations of "+organization].([]any) {
			fields := found.(map[string]any)
			have[fmt.Sprint(fields["kind"], " ", fields["state"])] = true
		}
	}
	require.Equal(t, []string{
		"email accepted", "email declined", "email expired", "email pending", "email revoked",
		"link accepted", "link expired", "link pending", "link revoked",
	}, slices.Sorted(maps.Keys(have)))
	require.NotEmpty(t, r.Feed)
}

// requireSubset fails the test unless got has all that want has. Objects may have more fields.
func requireSubset(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		fields, ok := got.(map[string]any)
		require.True(t, ok, "%s is not an object: %v", path, got)
		for field, value := range want {
			require.Contains(t, fields, field, path)
			requireSubset(t, path+"."+field, value, fields[field])
		}
	case []any:
		elements, ok := got.([]any)
		require.True(t, ok, "%s is not an array: %v", path, got)
		require.Len(t, elements, len(want), path)
		for n, value := range want {
			requireSubset(t, path+"["+strconv.Itoa(n)+"]", value, elements[n])
		}
	default:
		require.Equal(t, want, got, path)
	}
}

// checkFeed checks that numbered events have kept their positions, and that all others follow. It
// returns the last position.
func (i *installation) checkFeed(r recording) int64 {
	i.t.Helper()
	feed, err := i.svc.Feed(i.ctx, 0, r.Numbered)
	i.ok(err)
	requireSubset(i.t, "feed", r.Feed, jsonValue(i.t, feed))
	last := feed[len(feed)-1].Position
	rest, err := i.svc.Feed(i.ctx, last, 100)
	i.ok(err)
	require.NotEmpty(i.t, rest, "events without positions")
	events := 0
	for _, organization := range r.Organizations {
		events += len(r.State["events of "+organization].([]any))
	}
	require.Equal(i.t, events, len(feed)+len(rest))
	for _, event := range rest {
		require.Greater(i.t, event.Position, last)
		last = event.Position
	}
	return last
}

// checkFeedAfter checks that the feed goes on after a position.
func (i *installation) checkFeedAfter(last int64) {
	i.t.Helper()
	events, err := i.svc.Feed(i.ctx, last, 100)
	i.ok(err)
	require.Greater(i.t, len(events), 10)
	for _, event := range events {
		require.Greater(i.t, event.Position, last)
		last = event.Position
	}
}

// A nextMigration is of the kind that a later version may have, because the present one can work
// next to it: new columns and an index of one table. The locks of several tables could deadlock
// with a program that is running.
type nextMigration struct {
	version int
	sql     string
}

// nextMigrations returns a migration of each table, and one that makes a table.
func nextMigrations(t *testing.T, schema string) []nextMigration {
	t.Helper()
	next := []nextMigration{{pgstore.Version() + 1, "create table {schema}.next (organization text not null primary key)"}}
	for _, table := range slices.Sorted(maps.Keys(columnsOf(t, schema))) {
		next = append(next, nextMigration{next[len(next)-1].version + 1, fmt.Sprintf(`
			alter table {schema}.%[1]s add column next text not null default 'default', add column later timestamptz;
			create index %[1]s_next on {schema}.%[1]s (next, later) where next <> 'default'`, table)})
	}
	return next
}

// Every operation works on the tables of later versions. Its connections have prepared statements
// from before the migration.
func TestUpgrade_PresentVersionWorksOnTheNextTables(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, newPool(t, func(c *pgxpool.Config) { c.MaxConns = 1 }))
	newer := storeOn(t, newPool(t, nil), store.Schema())
	script := newSQLScript(t)
	svc, err := invitations.New(store, keyring(t), invitations.Config{ResendCooldown: -1, Clock: script.clock})
	require.NoError(t, err)
	next := nextMigrations(t, store.Schema())
	purged := false
	for n, c := range script.calls {
		if n%4 == 1 && len(next) > 0 {
			require.NoError(t, newer.MigrateAlso(ctx, next[0].version, next[0].sql))
			next = next[1:]
			require.NoError(t, store.Check(ctx), "the present version must start next to the new one")
			require.NoError(t, store.Migrate(ctx))
		}
		if c.operation == "ChangeRole" {
			exec(t, store.Schema(), "update {schema}.members set next = 'kept'; update {schema}.invitations set next = 'kept'")
		}
		if c.operation == "Purge" && !purged {
			purged = true
			// A change by the present version keeps the columns that it does not know.
			var members, ended int
			require.NoError(t, connect(t).QueryRow(ctx, pgstore.SQL(store.Schema(), `select
				(select count(*) from {schema}.members where user_id = 'ada' and role = 'owner' and next = 'kept'),
				(select count(*) from {schema}.invitations
					where state = 'pending' and sweep_at is null and next = 'kept')`)).Scan(&members, &ended))
			require.Equal(t, 1, members)
			require.Equal(t, 1, ended)
		}
		require.NoError(t, c.run(svc), "%s %s", c.operation, c.variant)
	}
	require.Empty(t, next)
	require.True(t, purged)
}

// The migrations run while the present version is at work.
func TestUpgrade_MigrationsWhileThePresentVersionWorks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, newPool(t, nil))
	newer := storeOn(t, newPool(t, nil), store.Schema())
	migrateAtWork(t, store, func() (err error) {
		for _, next := range nextMigrations(t, store.Schema()) {
			err = cmp.Or(err, newer.MigrateAlso(ctx, next.version, next.sql))
		}
		return err
	})
}

// The migrations since the first one run while clients work. The statements of this version need no
// column that the first tables lack.
func TestUpgrade_MigrationsSinceTheFirst(t *testing.T) {
	t.Parallel()
	store := storeOn(t, newPool(t, nil), pgtest.Schema(t))
	loadInstallation(t, store, 1)
	newer := storeOn(t, newPool(t, nil), store.Schema())
	migrateAtWork(t, store, func() error { return newer.Migrate(context.Background()) })
}

// migrateAtWork migrates the tables of a store while clients work on it.
func migrateAtWork(t *testing.T, store *pgstore.Store, migrate func() error) {
	t.Helper()
	ctx := context.Background()
	i := newInstallation(t, store, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	const workers, rounds = 4, 3
	var migrated atomic.Bool
	var ready, done sync.WaitGroup
	errs := make([]error, workers)
	ready.Add(workers)
	for w := range workers {
		organization := fmt.Sprint("organization ", w)
		done.Go(func() {
			errs[w] = work(ctx, i.svc, organization, 0)
			ready.Done()
			for round := 1; errs[w] == nil && (round < rounds || !migrated.Load()); round++ {
				errs[w] = work(ctx, i.svc, organization, round)
			}
		})
	}
	ready.Wait()
	migrating := migrate()
	migrated.Store(true)
	done.Wait()
	require.NoError(t, migrating)
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, store.Check(ctx))
}

// work has one member come and go in an organization.
func work(ctx context.Context, svc *invitations.Service, organization string, round int) error {
	by, in := invitations.User(ada), invitations.InOrganization(organization)
	if round == 0 {
		if _, err := svc.CreateOrganization(ctx, organization, ada); err != nil {
			return err
		}
		quota := invitations.SetQuotaParams{Workspace: in, Quota: invitations.Quota{Limit: 1_000_000, Period: invitations.PeriodDay}}
		if err := svc.SetQuota(ctx, invitations.System(), quota); err != nil {
			return err
		}
	}
	user := fmt.Sprint("user", round)
	link, err := svc.CreateLink(ctx, by, invitations.CreateLinkParams{Organization: organization, Role: "developer", MaxUses: 1})
	if err != nil {
		return err
	}
	if _, err := svc.Accept(ctx, link.Token.Reveal(), person(user)); err != nil {
		return err
	}
	if _, err := svc.Consume(ctx, in, user, 1); err != nil {
		return err
	}
	if _, err := svc.Members(ctx, by, invitations.MembersParams{Organization: organization}); err != nil {
		return err
	}
	if _, err := svc.Invitations(ctx, by, invitations.InvitationsParams{Organization: organization}); err != nil {
		return err
	}
	if _, err := svc.Feed(ctx, 0, 10); err != nil {
		return err
	}
	_, err = svc.RemoveMember(ctx, by, organization, user)
	return err
}
