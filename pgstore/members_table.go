package pgstore

import (
	"slices"
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
// Organization, UserID and Role must be NOT NULL. Organization and UserID together must have a
// primary key or a unique index that is neither partial nor deferrable. A text column must have a
// deterministic collation. [Store.Check] reports a violation of these rules. Columns that the
// store does not know must have a default or allow NULL.
//
// Two more indexes should exist: one on UserID for [invitations.Service.Workspaces], and one on
// Organization and Role for the search of owners. The store keeps the remaining data of a
// member, such as the inviter, in its own schema.
//
// Organizations with members in the table exist from the start; there is nothing to import. A
// row that the host inserts is a member at once. The rules apply only to changes that go through
// the library. A host that deletes the last owner leaves an organization without one. A member
// that the host deletes can join again by an old invitation. The data that the store keeps of such
// a member remains until Purge deletes the organization: a member whose data must be erased
// must be removed with [invitations.Service.RemoveMember]. [Store.Check] reports organizations that
// have lost all members.
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

	// JoinedAt is the column of the time at which the member joined, if there is one. Its type
	// must be timestamptz, which is the default, or timestamp or date, which are in UTC. The
	// store writes it when a user joins. Without this column, and for rows with NULL, the members
	// that the host inserts have joined at the zero time.
	JoinedAt Column
	// DeletedAt is the column that marks a row as deleted, if there is one: such a row is not a
	// member. A host that marks rows must name it: otherwise marked rows are members. With it, the
	// store marks rows and deletes none. When the user joins again, it clears the mark. The type
	// must be timestamptz, which is the default, or timestamp, which is in UTC, or boolean. A time
	// must allow NULL, which stands for a member; the store writes the time of the removal. A
	// boolean must be NOT NULL; false stands for a member.
	DeletedAt Column
}

// A Column names a column and its type. An empty Type is text, or timestamptz if the column is for
// a time. The zero Column stands for no column.
type Column struct {
	Name, Type string
}

// A hostTable is a [MembersTable] in the form in which SQL needs it.
type hostTable struct {
	MembersTable
	name                       string // quoted, with the schema
	organization, userID, role hostColumn
	joinedAt, deletedAt        hostColumn // the zero value: there is no such column
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
	for _, name := range []struct{ field, name string }{{"members.schema", h.Schema}, {"members.name", h.Name}} {
		if err := checkName(name.field, name.name); err != nil {
			return nil, err
		}
	}
	h.name = pgx.Identifier{h.Schema, h.Name}.Sanitize()
	role, ok := roleType(h.Role.Type)
	if !ok {
		return nil, &invitations.InvalidError{
			Field: "members.role", Reason: "must be text, varchar or an enumeration type named with its schema", Code: "unsupported_type",
		}
	}
	for _, c := range []struct {
		field    string
		column   *Column
		optional bool
		types    []string // the first is the default
		to       *hostColumn
	}{
		{"members.organization", &h.Organization, false, []string{"text", "varchar", "uuid", "integer", "bigint"}, &h.organization},
		{"members.user_id", &h.UserID, false, []string{"text", "varchar", "uuid", "integer", "bigint"}, &h.userID},
		{"members.role", &h.Role, false, []string{"text", h.Role.Type}, &h.role},
		{"members.joined_at", &h.JoinedAt, true, []string{"timestamptz", "timestamp", "date"}, &h.joinedAt},
		{"members.deleted_at", &h.DeletedAt, true, []string{"timestamptz", "timestamp", "boolean"}, &h.deletedAt},
	} {
		if c.optional && *c.column == (Column{}) {
			continue
		}
		if err := checkName(c.field, c.column.Name); err != nil {
			return nil, err
		}
		if c.column.Type == "" {
			c.column.Type = c.types[0]
		}
		if last := len(c.types) - 1; !slices.Contains(c.types, c.column.Type) {
			return nil, &invitations.InvalidError{
				Field: c.field, Reason: "must be " + strings.Join(c.types[:last], ", ") + " or " + c.types[last], Code: "unsupported_type",
			}
		}
		*c.to = hostColumn{pgx.Identifier{c.column.Name}.Sanitize(), c.column.Type}
	}
	h.role.typ = role
	return h, nil
}

// roleType returns the type of a role's column, quoted if it is an enumeration, and whether it can
// be one.
func roleType(typ string) (quoted string, ok bool) {
	switch typ {
	case "", "text":
		return "text", true
	case "varchar":
		return typ, true
	}
	schema, name, ok := strings.Cut(typ, ".")
	if !ok || checkName("", schema) != nil || checkName("", name) != nil {
		return "", false
	}
	return pgx.Identifier{schema, name}.Sanitize(), true
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

// checkPseudonym refuses an erasure that would leave an ID of another type: a statement that joins
// members by it would fail. All other user IDs in changes are those of a query or of the facts.
func (s *Store) checkPseudonym(changes invitations.Changes) error {
	for i := range changes.Invitations {
		r := &changes.Invitations[i]
		if err := s.checkIDs("", r.CreatedBy, r.SentBy, r.AcceptedBy); err != nil {
			return err
		}
	}
	for i := range changes.ErasedEvents {
		e := &changes.ErasedEvents[i]
		if err := s.checkIDs("", e.Actor, e.Subject, e.InvitedBy); err != nil {
			return err
		}
	}
	return nil
}

// checkCursor refuses the places in a cursor that the columns of the host's table cannot hold.
func (s *Store) checkCursor(organization, user string) error {
	if s.checkIDs(organization, user) != nil {
		return &invitations.InvalidError{Field: "cursor", Reason: "must be the NextCursor of this list", Code: "malformed"}
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

// instant returns the column, which has times, as a timestamptz.
func (c hostColumn) instant() string {
	switch c.typ {
	case "timestamp":
		return "(h." + c.name + " at time zone 'UTC')"
	case "date":
		return "(h." + c.name + "::timestamp at time zone 'UTC')"
	}
	return "h." + c.name
}

// fromInstant returns a timestamptz as a value that the column is set to.
func (c hostColumn) fromInstant(instant string) string {
	switch c.typ {
	case "timestamp":
		return "(" + instant + " at time zone 'UTC')"
	case "date":
		return "(" + instant + " at time zone 'UTC')::date"
	}
	return instant
}

// rounds returns the condition that the column has the instant, in its own precision: a date has no
// time, and a timestamp can have a second without its fraction.
func (c hostColumn) rounds(instant string) string {
	if c.typ == "date" {
		return "h." + c.name + " = " + c.fromInstant(instant)
	}
	return c.instant() + " between " + instant + " - interval '1 second' and " + instant + " + interval '1 second'"
}

// isMember returns the condition that a row, h, is not marked as deleted. It begins with "and", and
// is empty if the table has no marks.
func (h *hostTable) isMember() string {
	switch {
	case h.deletedAt.name == "":
		return ""
	case h.deletedAt.typ == "boolean":
		return " and not h." + h.deletedAt.name
	}
	return " and h." + h.deletedAt.name + " is null"
}
