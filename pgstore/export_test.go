package pgstore

import (
	"context"
	"strconv"
)

// SQL returns sql with the quoted name of the schema in place of {schema}.
var SQL = inSchema

// Version returns the version of the newest migration.
func Version() int {
	all := render(defaultSchema)
	return all[len(all)-1].version
}

// MigrateTo applies the migrations up to a version.
func (s *Store) MigrateTo(ctx context.Context, version int) error {
	return s.migrate(ctx, render(s.schema)[:version])
}

// MigrateAlso applies all migrations, and then one of a later version of the library, whose
// version is given.
func (s *Store) MigrateAlso(ctx context.Context, version int, sql string) error {
	sql += "; insert into {schema}.migrations (version) values (" + strconv.Itoa(version) + ")"
	return s.migrate(ctx, append(render(s.schema), migration{version, "", inSchema(s.schema, sql)}))
}

// On returns a copy of s that works on db.
func (s *Store) On(db DB) *Store {
	t := *s
	t.db = carrierOf(db)
	return &t
}

// Schema returns the name of the store's schema.
func (s *Store) Schema() string { return s.schema }

// HostTable returns the quoted name of the members table.
func (s *Store) HostTable() string { return s.host.name }

// Emptying returns statements that delete all rows of the store, and all members of the host's
// table. If the table has marks, its rows stay, marked as deleted.
func (s *Store) Emptying() string {
	sql := inSchema(s.schema, `update {schema}.feed set last = 0;`)
	for _, table := range []string{
		"organizations", "invitations", "members", "removals", "events", "quotas", "closed_usage", "personal_quotas",
	} {
		sql += "delete from " + s.in + table + ";"
	}
	switch {
	case s.host == nil:
	case s.host.deletedAt.name == "":
		sql += "delete from " + s.host.name + ";"
	case s.host.deletedAt.typ == "boolean":
		sql += "update " + s.host.name + " h set " + s.host.deletedAt.name + " = true where true" + s.host.isMember() + ";"
	default:
		sql += "update " + s.host.name + " h set " + s.host.deletedAt.name + " = '2020-01-01' where true" + s.host.isMember() + ";"
	}
	return sql
}

// IsFatal reports whether the server closed the connection with this error.
var IsFatal = isFatal
