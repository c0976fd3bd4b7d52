package pgstore

// SQL returns text with a schema's quoted name in the place of {schema}.
var SQL = inSchema

// Schema returns the name of the store's schema.
func (s *Store) Schema() string { return s.schema }

// HostTable returns the host's members table as it stands in SQL.
func (s *Store) HostTable() string { return s.host.name }

// Emptying returns the statements that delete everything that the store keeps.
func (s *Store) Emptying() string {
	sql := inSchema(s.schema, `update {schema}.feed set last = 0;`)
	for _, table := range []string{"organizations", "invitations", "members", "removals", "events", "quotas", "personal_quotas"} {
		sql += "delete from " + s.in + table + ";"
	}
	if s.host != nil {
		sql += "delete from " + s.host.name + ";"
	}
	return sql
}
