package pgstore

// SQL returns text with a schema's quoted name in the place of {schema}.
var SQL = inSchema

// Schema returns the name of the store's schema.
func (s *Store) Schema() string { return s.schema }

// HostTable returns the host's members table as it stands in SQL.
func (s *Store) HostTable() string { return s.host.name }
