package pgstore

// SQL returns sql with the quoted name of the schema in place of {schema}.
var SQL = inSchema

// On returns a copy of s that works on db.
func (s *Store) On(db DB) *Store {
	t := *s
	t.db = db
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
		"organizations", "invitations", "members", "removals", "events", "quotas", "personal_quotas",
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
