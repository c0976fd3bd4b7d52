package pgstore

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// MembersTable describes a table of the host's in which the members are kept, so that they
// are in one place only: the store reads and writes its rows under the same guarantees.
//
// The table must have a unique key, or primary key, of exactly Organization and UserID, and
// these must compare texts byte for byte, as all collations do that are deterministic. An
// index on UserID makes [invitations.Service.Workspaces] fast, one on Organization and Role
// the search for a second owner. Columns that the store does not know need a default. What
// the table has no columns for, such as who invited a member, is in tables of the store's
// schema. [Store.Check] reports what is missing.
//
// An organization that the table has members of is there from the start: there is nothing
// to import. A row that the host writes itself is a member from then on. But the rules hold
// for what goes through the library only: who deletes the last owner by hand has an
// organization without one, and who deletes a member by hand leaves no trace that keeps
// them out.
type MembersTable struct {
	Schema string // empty is "public"
	Name   string

	// Organization and UserID are the columns of the two ids. They can be of the type text,
	// varchar, uuid, integer or bigint. The library's ids are texts: 42, and not 042.
	Organization, UserID Column
	// Role is the column of the role's name. It can also be of an enumeration type, named
	// with its schema.
	Role Column
}

// A Column is the name of a column and of its type; an empty type is text.
type Column struct {
	Name, Type string
}

// hostTable is a [MembersTable] as it stands in SQL.
type hostTable struct {
	MembersTable
	name                       string
	organization, userID, role column
}

type column struct{ name, typ string }

// idTypes are the types that ids can have, and which texts are one spelling of a value.
var idTypes = map[string]func(id string) bool{
	"text": func(string) bool { return true },
	// A varchar of a limited length takes a longer text if only spaces are too much, and
	// drops them.
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

// newHostTable checks t, or returns nil for none.
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
		if reason := badName(name.name); reason != "" {
			return nil, &invitations.InvalidError{Field: name.field, Reason: reason}
		}
	}
	if idTypes[h.Organization.Type] == nil {
		return nil, &invitations.InvalidError{Field: "members.organization", Reason: "has a type that is not text, varchar, uuid, integer or bigint"}
	}
	if idTypes[h.UserID.Type] == nil {
		return nil, &invitations.InvalidError{Field: "members.user_id", Reason: "has a type that is not text, varchar, uuid, integer or bigint"}
	}
	role := h.Role.Type
	if role != "text" && role != "varchar" {
		schema, name, ok := strings.Cut(role, ".")
		if !ok || badName(schema) != "" || badName(name) != "" {
			return nil, &invitations.InvalidError{Field: "members.role", Reason: "has a type that is not text, varchar or one named with its schema"}
		}
		role = pgx.Identifier{schema, name}.Sanitize()
	}
	h.name = pgx.Identifier{h.Schema, h.Name}.Sanitize()
	h.organization = column{pgx.Identifier{h.Organization.Name}.Sanitize(), h.Organization.Type}
	h.userID = column{pgx.Identifier{h.UserID.Name}.Sanitize(), h.UserID.Type}
	h.role = column{pgx.Identifier{h.Role.Name}.Sanitize(), role}
	return h, nil
}

// badName says why name cannot be one of PostgreSQL's, or nothing.
func badName(name string) string {
	switch {
	case name == "":
		return "has no name"
	case len(name) > 63: // what PostgreSQL cuts names to
		return "has more than 63 bytes"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "has a control character or is not valid UTF-8"
	}
	return ""
}

// checkIDs refuses ids that the host's columns cannot have.
func (s *Store) checkIDs(organization string, users ...string) error {
	if s.host == nil {
		return nil
	}
	if organization != "" && !idTypes[s.host.organization.typ](organization) {
		return &invitations.InvalidError{Field: "organization", Reason: "is not of the type " + s.host.organization.typ}
	}
	for _, user := range users {
		if user != "" && !idTypes[s.host.userID.typ](user) {
			return &invitations.InvalidError{Field: "user_id", Reason: "is not of the type " + s.host.userID.typ}
		}
	}
	return nil
}

// memberColumns are the columns of a member with the alias m.
func memberColumns(m string) string {
	return m + ".organization, " + m + ".user_id, " + m + ".role, " + m + ".joined_at, " + m + ".invitation_id, " + m + ".invited_by, " + m + ".metadata::text"
}

// joinMember returns the join of one member, whose two ids are expressions, as the alias m.
func (s *Store) joinMember(m, organization, user string) string {
	if s.host == nil {
		return " left join " + s.in + "members " + m + " on " + m + ".organization = " + organization + " and " + m + ".user_id = " + user
	}
	return " left join lateral (" + s.selectMembers() + " where " + s.isOf(organization) +
		" and " + s.host.userID.compared() + " = " + s.host.userID.value(user) + ") " + m + " on true"
}

// selectMembers returns a select of members, of the table h, without a condition.
func (s *Store) selectMembers() string {
	if s.host == nil {
		return "select " + memberColumns("h") + " from " + s.in + "members h"
	}
	h := s.host
	return "select " + h.organization.text() + " as organization, " + h.userID.text() + " as user_id, coalesce(" + h.role.text() + `, '') as role,
		coalesce(x.joined_at, '0001-01-01 00:00:00+00'::timestamptz) as joined_at,
		coalesce(x.invitation_id, '00000000-0000-0000-0000-000000000000'::uuid) as invitation_id,
		coalesce(x.invited_by, '') as invited_by, coalesce(x.metadata, '{}'::jsonb) as metadata
		from ` + h.name + " h left join " + s.in + "members x on x.organization = " + h.organization.text() + " and x.user_id = " + h.userID.text()
}

// countMembers returns a select of as many rows as an organization has members, or of those
// with a role, which is an expression.
func (s *Store) countMembers(organization, role string) string {
	from := s.in + "members"
	if s.host != nil {
		from = s.host.name
	}
	sql := "select from " + from + " h where " + s.isOf(organization)
	if role != "" {
		// The order has the index of an organization's roles used, and not a scan of all
		// owners of all organizations.
		sql += " and " + s.hasRole(role) + " order by " + s.userColumn().order()
	}
	return sql
}

func (s *Store) organizationColumn() column {
	if s.host != nil {
		return s.host.organization
	}
	return column{"organization", "text"}
}

func (s *Store) userColumn() column {
	if s.host != nil {
		return s.host.userID
	}
	return column{"user_id", "text"}
}

// isOf returns the condition that the row h is of the organization.
func (s *Store) isOf(organization string) string {
	c := s.organizationColumn()
	return c.compared() + " = " + c.value(organization)
}

// hasRole returns the condition that the row h has the role. A role that is no value of the
// host's enumeration is nobody's.
func (s *Store) hasRole(role string) string {
	switch {
	case s.host == nil:
		return "h.role = " + role
	case s.host.role.typ == "text", s.host.role.typ == "varchar":
		return s.host.role.compared() + " = " + role
	}
	return s.host.role.text() + " = " + role
}

// text returns the column of the row h as the library's text.
func (c column) text() string {
	return "h." + c.name + `::text collate "C"`
}

// order returns what the column of the row h is put in order by: texts byte by byte.
func (c column) order() string {
	if c.typ == "text" || c.typ == "varchar" {
		return c.text()
	}
	return "h." + c.name
}

// compared returns the column of the row h as it stands before an equals sign. There is no
// operator of varchar and text in the catalog, and so the search path could bring one.
func (c column) compared() string {
	if c.typ == "varchar" {
		return "h." + c.name + "::text"
	}
	return "h." + c.name
}

// value returns the expression of a text in the type of the column. A text need not become a
// varchar, which compares as one.
func (c column) value(text string) string {
	if c.typ == "text" || c.typ == "varchar" {
		return text
	}
	return "(" + text + ")::" + c.typ
}

// putMember writes a member, also into the host's table, if there is one.
func (s *Store) putMember(w *writes, organization string, m invitations.Member) {
	w.next().put(s.in, membersTable, memberArgs(organization, m))
	if s.host == nil {
		return
	}
	h, st := s.host, w.next()
	st.text("insert into ", h.name, " (", h.organization.name, ", ", h.userID.name, ", ", h.role.name, ") values (",
		h.organization.value(st.param("text", organization)), ", ",
		h.userID.value(st.param("text", m.UserID)), ", ",
		h.role.value(st.param("text", string(m.Role))), ") on conflict (", h.organization.name, ", ", h.userID.name,
		") do update set ", h.role.name, " = excluded.", h.role.name)
}

// deleteMember deletes a member, also from the host's table, if there is one.
func (s *Store) deleteMember(w *writes, organization, user string) {
	st := w.next()
	st.text("delete from ", s.in, "members h where h.organization = ", st.param("text", organization), " and h.user_id = ", st.param("text", user))
	if s.host == nil {
		return
	}
	st = w.next()
	st.text("delete from ", s.host.name, " h where ", s.isOf(st.param("text", organization)),
		" and ", s.host.userID.compared(), " = ", s.host.userID.value(st.param("text", user)))
}

// Check reports whether the database is as the store needs it: its own tables at the present
// version, and the host's members table, if there is one, with the columns, types and key
// that [MembersTable] tells. Call it at the start of a program that migrates with a tool of
// its own; [Store.Migrate] ends with it.
func (s *Store) Check(ctx context.Context) error {
	return s.describe("checking", s.check(ctx))
}

var errNotMigrated = errors.New("the tables are not there, or of an older version: migrate first")

func (s *Store) check(ctx context.Context) error {
	all := render(s.schema)
	version, err := s.migrated(ctx, s.db)
	if err != nil {
		return err
	}
	if version < all[len(all)-1].version {
		return errNotMigrated
	}
	return s.checkHost(ctx)
}

// checkHost reports what the host's table lacks.
func (s *Store) checkHost(ctx context.Context) error {
	if s.host == nil {
		return nil
	}
	h := s.host
	var missing []string
	columns := map[string]hostColumn{}
	unique := false
	var b pgx.Batch
	b.Queue(`select a.attname, pg_catalog.format_type(a.atttypid, null), case when t.typtype = 'e' then n.nspname || '.' || t.typname else '' end,
			coalesce(c.collisdeterministic, true), a.attnotnull
		from pg_catalog.pg_attribute a
		join pg_catalog.pg_type t on t.oid = a.atttypid
		join pg_catalog.pg_namespace n on n.oid = t.typnamespace
		left join pg_catalog.pg_collation c on c.oid = a.attcollation
		where a.attrelid = pg_catalog.to_regclass($1::text) and a.attnum > 0 and not a.attisdropped`, h.name).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var name string
			var c hostColumn
			if err := rows.Scan(&name, &c.typ, &c.enum, &c.exact, &c.notNull); err != nil {
				return err
			}
			columns[name] = c
		}
		return nil
	})
	b.Queue(`select exists (
		select from pg_catalog.pg_index i
		where i.indrelid = pg_catalog.to_regclass($1::text) and i.indisunique and i.indisvalid and i.indimmediate
		and i.indpred is null and i.indexprs is null and i.indnkeyatts = 2
		and (select pg_catalog.count(*) from pg_catalog.pg_attribute a
			where a.attrelid = i.indrelid and a.attnum in (i.indkey[0], i.indkey[1]) and a.attname in ($2::text, $3::text)) = 2)`,
		h.name, h.Organization.Name, h.UserID.Name).QueryRow(func(row pgx.Row) error { return row.Scan(&unique) })
	if err := s.db.SendBatch(ctx, &b).Close(); err != nil {
		return err
	}
	if len(columns) == 0 {
		return hostError{"there is no table " + h.name}
	}
	for _, want := range []Column{h.Organization, h.UserID, h.Role} {
		typ := want.Type
		if typ == "varchar" {
			typ = "character varying"
		}
		switch got, ok := columns[want.Name]; {
		case !ok:
			missing = append(missing, "has no column "+want.Name)
		case got.typ != typ && got.enum != typ:
			missing = append(missing, "has a column "+want.Name+" of the type "+got.typ+", not "+want.Type)
		case !got.exact:
			missing = append(missing, "has a column "+want.Name+" of a collation that is not deterministic")
		case !got.notNull:
			missing = append(missing, "has a column "+want.Name+" that can be null")
		}
	}
	if !unique {
		missing = append(missing, "has no unique key of exactly "+h.Organization.Name+" and "+h.UserID.Name)
	}
	if len(missing) > 0 {
		return hostError{"the members table " + strings.Join(missing, ", and ")}
	}
	return nil
}

type hostColumn struct {
	typ, enum      string // the latter empty for a type that is no enumeration
	exact, notNull bool
}

// A hostError says what is wrong with the host's table.
type hostError struct{ text string }

func (e hostError) Error() string { return e.text }
