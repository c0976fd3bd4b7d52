package pgstore

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// MembersTable describes a table of the host in which the store keeps the members, instead of
// in a table of its own. The store changes its rows under the same guarantees as its own.
//
// The three columns must be NOT NULL. Organization and UserID together must have a primary key or
// a unique index that is neither partial nor deferrable. A text column must have a deterministic
// collation. [Store.Check] reports a violation of these rules. Columns that the store does not
// know must have a default or allow NULL.
//
// Two more indexes should exist: one on UserID for [invitations.Service.Workspaces], and one on
// Organization and Role for the search of owners. The store keeps the remaining data of a
// member, such as the inviter, in its own schema.
//
// Organizations with members in the table exist from the start; there is nothing to import. A
// row that the host inserts is a member at once. The rules apply only to changes that go through
// the library. A host that deletes the last owner leaves an organization without one. A member
// that the host deletes can join again by an old invitation.
type MembersTable struct {
	Schema string // empty: "public"
	Name   string

	// Organization and UserID are the columns of the two IDs. Their type must be text, varchar,
	// uuid, integer or bigint. The library's IDs are texts, in the form that PostgreSQL writes:
	// 42 and not 042.
	Organization, UserID Column
	// Role is the column of the role's name. Its type must be text, varchar, or an enumeration
	// type, which is named with its schema: "public.role".
	Role Column
}

// A Column names a column and its type. An empty Type is text.
type Column struct {
	Name, Type string
}

// A hostTable is a [MembersTable] in the form in which SQL needs it.
type hostTable struct {
	MembersTable
	name                       string // quoted, with the schema
	organization, userID, role hostColumn
}

// newHostTable checks t. It returns nil for nil.
func newHostTable(t *MembersTable) (*hostTable, error) {
	if t == nil {
		return nil, nil
	}
	h := &hostTable{MembersTable: *t}
	if h.Schema == "" {
		h.Schema = "public"
	}
	for _, c := range []*Column{&h.Organization, &h.UserID, &h.Role} {
		if c.Type == "" {
			c.Type = "text"
		}
	}
	for _, name := range []struct{ field, name string }{
		{"members.schema", h.Schema}, {"members.name", h.Name}, {"members.organization", h.Organization.Name},
		{"members.user_id", h.UserID.Name}, {"members.role", h.Role.Name},
	} {
		if err := checkName(name.field, name.name); err != nil {
			return nil, err
		}
	}
	const idType = "must be text, varchar, uuid, integer or bigint"
	if idTypes[h.Organization.Type] == nil {
		return nil, &invitations.InvalidError{Field: "members.organization", Reason: idType, Code: "unsupported_type"}
	}
	if idTypes[h.UserID.Type] == nil {
		return nil, &invitations.InvalidError{Field: "members.user_id", Reason: idType, Code: "unsupported_type"}
	}
	role := h.Role.Type
	if role != "text" && role != "varchar" {
		schema, name, ok := strings.Cut(role, ".")
		if !ok || checkName("members.role", schema) != nil || checkName("members.role", name) != nil {
			return nil, &invitations.InvalidError{
				Field: "members.role", Reason: "must be text, varchar or an enumeration type named with its schema",
				Code: "unsupported_type",
			}
		}
		role = pgx.Identifier{schema, name}.Sanitize()
	}
	h.name = pgx.Identifier{h.Schema, h.Name}.Sanitize()
	h.organization = hostColumn{pgx.Identifier{h.Organization.Name}.Sanitize(), h.Organization.Type}
	h.userID = hostColumn{pgx.Identifier{h.UserID.Name}.Sanitize(), h.UserID.Type}
	h.role = hostColumn{pgx.Identifier{h.Role.Name}.Sanitize(), role}
	return h, nil
}

// checkName refuses a name that PostgreSQL cannot have.
func checkName(field, name string) error {
	switch {
	case name == "":
		return &invitations.InvalidError{Field: field, Reason: "must not be empty", Code: "required"}
	case len(name) > 63: // PostgreSQL cuts longer names
		return &invitations.InvalidError{
			Field: field, Reason: "must have at most 63 bytes", Code: "too_long", Values: map[string]string{"max": "63", "unit": "bytes"},
		}
	case !utf8.ValidString(name):
		return &invitations.InvalidError{Field: field, Reason: "must be valid UTF-8", Code: "not_utf8"}
	case strings.ContainsFunc(name, unicode.IsControl):
		return &invitations.InvalidError{Field: field, Reason: "must not contain a control character", Code: "control_character"}
	}
	return nil
}

// idTypes has the types of ID columns. The functions report whether a text is the form in which
// PostgreSQL writes a value of the type, so that one value has one ID.
var idTypes = map[string]func(id string) bool{
	"text": func(string) bool { return true },
	// A varchar of limited length drops trailing spaces that are too many.
	"varchar": func(id string) bool { return !strings.HasSuffix(id, " ") },
	"uuid": func(id string) bool {
		u, err := uuid.Parse(id)
		return err == nil && u.String() == id
	},
	"integer": func(id string) bool { return isInteger(id, 32) },
	"bigint":  func(id string) bool { return isInteger(id, 64) },
}

func isInteger(id string, bits int) bool {
	n, err := strconv.ParseInt(id, 10, bits)
	return err == nil && strconv.FormatInt(n, 10) == id
}

// checkIDs refuses IDs that the columns of the host's table cannot hold. Empty ones pass.
func (s *Store) checkIDs(organization string, users ...string) error {
	if s.host == nil {
		return nil
	}
	if typ := s.host.organization.typ; organization != "" && !idTypes[typ](organization) {
		return wrongType("organization", typ)
	}
	for _, user := range users {
		if typ := s.host.userID.typ; user != "" && !idTypes[typ](user) {
			return wrongType("user_id", typ)
		}
	}
	return nil
}

func wrongType(field, typ string) error {
	return &invitations.InvalidError{
		Field: field, Reason: "must be a value of type " + typ, Code: "wrong_type", Values: map[string]string{"type": typ},
	}
}

// A hostColumn is a column of the table h, with its quoted name and its type. Its methods return
// SQL expressions.
type hostColumn struct{ name, typ string }

func (c hostColumn) isText() bool { return c.typ == "text" || c.typ == "varchar" }

// text returns the column as a text of the library.
func (c hostColumn) text() string {
	return "h." + c.name + `::text collate "C"`
}

// order returns the column as an expression to sort by: texts byte for byte.
func (c hostColumn) order() string {
	if c.isText() {
		return c.text()
	}
	return "h." + c.name
}

// compared returns the column as the left side of an equals sign. PostgreSQL has no operator for
// varchar and text, so a schema of the search path could bring one.
func (c hostColumn) compared() string {
	if c.typ == "varchar" {
		return "h." + c.name + "::text"
	}
	return "h." + c.name
}

// value returns a text of the library as a value that the column is compared with or set to.
func (c hostColumn) value(text string) string {
	if c.isText() {
		return text
	}
	return "(" + text + ")::" + c.typ
}
