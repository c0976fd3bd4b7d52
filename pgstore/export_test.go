package pgstore

import "strings"

// SQL returns text with a schema's name in its place.
func SQL(schema, text string) string {
	return strings.ReplaceAll(text, "{schema}", quote(schema))
}

// Schema returns the name of the store's schema.
func (s *Store) Schema() string { return s.schema }
