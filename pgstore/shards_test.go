package pgstore_test

import (
	"context"
	"fmt"
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
// on all organizations may look for them without it, in a round trip of its own, but must not lock or
// write rows of several organizations by one statement.
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
			looksForOrganizations := inAll && !slices.ContainsFunc(batch, sentStatement.locks)
			if looksForOrganizations || c.operation == "Feed" && slices.ContainsFunc(batch, sentStatement.givesPositions) {
				continue
			}
			for _, statement := range batch {
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
		return err == nil && fmt.Sprint(s.args[n-1]) == organization
	}
	whole := newSQLQuery(s.sql)
	tables, free = whole.findTables(schema, is)
	for whole.findOrganizations(is) { // one may follow from another
	}
	return tables, append(free, whole.withoutOrganization()...)
}

// A sqlQuery is a statement or a query inside it. The same alias can stand for several tables, in
// queries of their own.
type sqlQuery struct {
	text   string // without the queries inside
	inside []*sqlQuery
	around *sqlQuery
	key    map[string]string // by alias of a table: its column with the organization
	known  map[string]bool   // by alias: the organization is the parameter
}

var beginsQuery = regexp.MustCompile(`^\(\s*(select|with|insert|update|delete)\b`)

func newSQLQuery(sql string) *sqlQuery {
	whole := &sqlQuery{}
	open := []*sqlQuery{whole} // by the depth of parentheses
	for rest := sql; rest != ""; {
		q := open[len(open)-1]
		switch {
		case rest[0] == '\'': // a literal
			_, rest, _ = strings.Cut(rest[1:], "'")
			continue
		case rest[0] == '(' && beginsQuery.MatchString(rest):
			inside := &sqlQuery{around: q}
			q.inside = append(q.inside, inside)
			open = append(open, inside)
		case rest[0] == '(':
			q.text += "("
			open = append(open, q)
		case rest[0] == ')':
			open = open[:len(open)-1]
			open[len(open)-1].text += ")"
		default:
			q.text += rest[:1]
		}
		rest = rest[1:]
	}
	return whole
}

// findTables counts the tables with organizations, and returns the insertions whose organization is
// not a parameter.
func (q *sqlQuery) findTables(schema string, is func(parameter string) bool) (tables int, free []string) {
	q.key, q.known = map[string]string{}, map[string]bool{}
	table := `"` + regexp.QuoteMeta(schema) + `"\.(organizations|invitations|members|removals|events|quotas|closed_usage)\b`
	for _, m := range regexp.MustCompile(table+`(?: (?:as )?(\w+))?(?: \((\w+)[^()]*\)\s*(?:values \(|select )\$(\d+)::text)?`).FindAllStringSubmatch(q.text, -1) {
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
		if _, ok := q.key[alias]; ok {
			free = append(free, "the second alias "+strconv.Quote(alias))
		}
		if q.key[alias] = "organization"; m[1] == "organizations" {
			q.key[alias] = "id"
		}
	}
	for _, inside := range q.inside {
		n, more := inside.findTables(schema, is)
		tables, free = tables+n, append(free, more...)
	}
	return tables, free
}

// has reports whether a column has the organization of a table, in this query or around it, and
// whether that is known.
func (q *sqlQuery) has(alias, column string) (ok, known bool) {
	for ; q != nil; q = q.around {
		if key, here := q.key[alias]; here {
			return key == column, q.known[alias]
		}
	}
	return false, false
}

// findOrganizations reads the equations of organizations, and reports whether that has made more of
// them known. An equation concerns the tables of its own query.
func (q *sqlQuery) findOrganizations(is func(parameter string) bool) (more bool) {
	learn := func(alias, column string) {
		if q.key[alias] == column && !q.known[alias] {
			q.known[alias], more = true, true
		}
	}
	for _, m := range regexp.MustCompile(`(?:\b(\w+)\.)?\b(organization|id) = \$(\d+)::text`).FindAllStringSubmatch(q.text, -1) {
		if is(m[3]) {
			learn(m[1], m[2])
		}
	}
	for _, m := range regexp.MustCompile(`\b(\w+)\.(organization|id) = (\w+)\.(organization|id)\b`).FindAllStringSubmatch(q.text, -1) {
		left, leftKnown := q.has(m[1], m[2])
		right, rightKnown := q.has(m[3], m[4])
		if left && right && (leftKnown || rightKnown) {
			learn(m[1], m[2])
			learn(m[3], m[4])
		}
	}
	for _, inside := range q.inside {
		more = inside.findOrganizations(is) || more
	}
	return more
}

func (q *sqlQuery) withoutOrganization() (free []string) {
	for alias := range q.key {
		if !q.known[alias] {
			free = append(free, "the alias "+strconv.Quote(alias)+" in "+q.text)
		}
	}
	for _, inside := range q.inside {
		free = append(free, inside.withoutOrganization()...)
	}
	return free
}

func TestSQL_FindsTablesWithoutOrganization(t *testing.T) {
	t.Parallel()
	for sql, free := range map[string]int{
		`select from "s".members m where m.organization = $1::text`:                         0,
		`select from "s".members m where m.organization = $2::text`:                         1,
		`select from "s".members m where m.role = 'm.organization = $1::text'`:              1,
		`select from "s".organizations where organization = $1::text`:                       1,
		`insert into "s".removals as t (organization, user_id) values ($1::text, $2::text)`: 0,
		`insert into "s".removals as t (organization, user_id) select $2::text, $1::text`:   1,
		`select from "s".members m join "s".quotas q on q.organization = m.organization
			where m.organization = $1::text`: 0,
		`select from "s".members m join "s".quotas q on q.user_id = m.user_id
			where m.organization = $1::text`: 1,
		`select from "s".members m where m.organization = $1::text and exists (
			select from "s".organizations d where d.id = m.organization)`: 0,
		`select from "s".members m where not exists (
			select from "s".organizations d where d.id = $1::text and d.id = m.organization)`: 1,
		`with w0 as (delete from "s".members t where t.organization = $1::text), w1 as (
			delete from "s".quotas t where t.user_id = $2::text) select`: 1,
		`(select from "s".events e where e.organization = $1::text) union all (select from "s".events e)`: 1,
	} {
		_, found := sentStatement{sql, []any{acme, ada}}.withoutOrganization("s", acme)
		require.Len(t, found, free, sql)
	}
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
