package pgstore_test

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
)

// A distributed PostgreSQL finds the shard of a statement by the organization. So a statement of an
// operation on one organization must have it as a parameter, for each of its tables. An operation
// on all organizations may read without it, but must not lock or write rows of several
// organizations by one statement.
func TestSQL_KeepsToOneOrganization(t *testing.T) {
	t.Parallel()
	t.Run("own table", func(t *testing.T) {
		t.Parallel()
		pool, sent := newTracedPool(t)
		store := newStore(t, pool)
		newSQLScript(t).checkOrganization(t, sent, store, store.Schema())
	})
	t.Run("own table in a transaction of the host", func(t *testing.T) {
		t.Parallel()
		pool, sent := newTracedPool(t)
		store := newStore(t, pool)
		tx, err := pool.Begin(context.Background())
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.Background()) }()
		newSQLScript(t).checkOrganization(t, sent, store.WithTx(tx), store.Schema())
	})
}

// inAllOrganizations are the operations that are not on one organization. Of Invitations, these are
// the calls whose variant says so.
var inAllOrganizations = []string{"Received", "Workspaces", "Feed", "Sweep", "Erase", "Purge"}

func (s *sqlScript) checkOrganization(t *testing.T, sent *sentBatches, store invitations.Store, schema string) {
	t.Helper()
	svc, err := invitations.New(store, keyring(t), invitations.Config{ResendCooldown: -1, Clock: s.clock})
	require.NoError(t, err)
	checked := 0
	for _, c := range s.calls {
		*sent = nil
		require.NoError(t, c.run(svc), "%s %s", c.operation, c.variant)
		inAll := slices.Contains(inAllOrganizations, c.operation) || strings.Contains(c.variant, "in all organizations")
		for _, batch := range *sent {
			for _, statement := range batch {
				if inAll && !statement.locks() || c.operation == "Feed" && statement.givesPositions() {
					continue
				}
				tables, free := statement.withoutOrganization(schema, acme)
				checked += tables
				for _, table := range free {
					t.Errorf("%s, %s: the organization is no parameter for %s in\n%s",
						c.operation, c.variant, table, formatSQL(statement.sql))
				}
			}
		}
	}
	require.Greater(t, checked, 300, "tables in statements")
}

// locks reports whether a statement locks or writes rows.
func (s sentStatement) locks() bool {
	return regexp.MustCompile(`(?i)\b(for (no key )?update|insert into|update|delete from)\b`).MatchString(s.sql)
}

// givesPositions reports whether a statement gives events their positions, under the lock of the feed.
func (s sentStatement) givesPositions() bool {
	return strings.Contains(s.sql, ".feed set last = ")
}

// withoutOrganization counts the tables with organizations in a statement, and returns those whose
// organization is not a parameter.
func (s sentStatement) withoutOrganization(schema, organization string) (tables int, free []string) {
	is := func(parameter string) bool {
		n, err := strconv.Atoi(parameter)
		return err == nil && s.args[n-1] == organization
	}
	table := `"` + regexp.QuoteMeta(schema) + `"\.(organizations|invitations|members|removals|events|quotas|closed_usage)\b`
	keys := map[string]string{} // by alias: the column with the organization
	known := map[string]bool{}  // by alias
	for _, m := range regexp.MustCompile(table+`(?: (?:as )?(\w+))?(?: \((\w+)[^()]*\)\s*(?:values \(|select )\$(\d+)::text)?`).FindAllStringSubmatch(s.sql, -1) {
		alias := m[2]
		if alias == "set" || alias == "where" {
			alias = ""
		}
		tables++
		if m[4] != "" { // an insertion
			if !is(m[4]) || m[3] != "organization" && m[3] != "id" {
				free = append(free, m[0])
			}
			continue
		}
		if keys[alias] = "organization"; m[1] == "organizations" {
			keys[alias] = "id"
		}
	}
	for _, m := range regexp.MustCompile(`(?:\b(\w+)\.)?\b(organization|id) = \$(\d+)::text`).FindAllStringSubmatch(s.sql, -1) {
		if keys[m[1]] == m[2] && is(m[3]) {
			known[m[1]] = true
		}
	}
	equations := regexp.MustCompile(`\b(\w+)\.(organization|id) = (\w+)\.(organization|id)\b`).FindAllStringSubmatch(s.sql, -1)
	for range equations { // one may follow from another
		for _, m := range equations {
			if keys[m[1]] == m[2] && keys[m[3]] == m[4] && (known[m[1]] || known[m[3]]) {
				known[m[1]], known[m[3]] = true, true
			}
		}
	}
	for alias := range keys {
		if !known[alias] {
			free = append(free, "the alias "+strconv.Quote(alias))
		}
	}
	return tables, free
}

// placeTables are the commands of the documentation for Citus.
const placeTables = `
	select create_distributed_table('invitations.organizations', 'id');
	select create_distributed_table('invitations.invitations', 'organization', colocate_with => 'invitations.organizations');
	select create_distributed_table('invitations.members', 'organization', colocate_with => 'invitations.organizations');
	select create_distributed_table('invitations.removals', 'organization', colocate_with => 'invitations.organizations');
	select create_distributed_table('invitations.events', 'organization', colocate_with => 'invitations.organizations');
	select create_distributed_table('invitations.quotas', 'organization', colocate_with => 'invitations.organizations');
	select create_distributed_table('invitations.closed_usage', 'organization', colocate_with => 'invitations.organizations');
	select create_reference_table('invitations.feed');
	select create_reference_table('invitations.personal_quotas');
`

// PostgreSQL has no such functions. Those of this test only record their arguments.
func TestDocumentation_PlacesEveryTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn := connect(t)
	store := storeOn(t, conn, pgtest.Schema(t))
	require.NoError(t, store.Migrate(ctx))
	placed := func(query string, args ...any) map[string]string {
		t.Helper()
		found := map[string]string{}
		rows, err := conn.Query(ctx, query, args...)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var table, by string
			require.NoError(t, rows.Scan(&table, &by))
			found[table] = by
		}
		require.NoError(t, rows.Err())
		return found
	}
	want := placed(`select c.relname, case when c.relname = 'organizations' then 'id'
			when exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization') then 'organization'
			else 'reference' end
		from pg_class c where c.relkind = 'r' and c.relname <> 'migrations' and c.relnamespace = $1::regnamespace`, store.Schema())

	inSchema := strings.NewReplacer("{schema}", `"`+store.Schema()+`"`, "'invitations.", `'"`+store.Schema()+`".`)
	_, err := conn.Exec(ctx, inSchema.Replace(`set search_path = {schema};
		create table placed (name text primary key, by text not null);
		create function create_distributed_table(regclass, text, colocate_with regclass default null) returns void language sql as $$
			insert into placed select relname, $2 from pg_class where oid = $1
				and (relname = 'organizations' or colocate_with = '{schema}.organizations'::regclass)
		$$;
		create function create_reference_table(regclass) returns void language sql as $$
			insert into placed select relname, 'reference' from pg_class where oid = $1
		$$`))
	require.NoError(t, err)
	_, err = conn.Exec(ctx, inSchema.Replace(placeTables))
	require.NoError(t, err)
	require.Equal(t, want, placed("select name, by from placed"))
}
