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

// Emptying returns statements that delete all rows of the store.
func (s *Store) Emptying() string {
	sql := inSchema(s.schema, `update {schema}.feed set last = 0;`)
	for _, table := range []string{
		"organizations", "invitations", "members", "removals", "events", "quotas", "personal_quotas",
	} {
		sql += "delete from " + s.in + table + ";"
	}
	if s.host != nil {
		sql += "delete from " + s.host.name + ";"
	}
	return sql
}
