package pgstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Check returns an error if the store's tables are missing or of an older version. It also
// returns one if the host's table lacks a column, type or key that [MembersTable] requires, and a
// [MemberlessError] if there are organizations without members. A program that migrates with its
// own tool should call it at its start.
//
// With a [MembersTable], its time grows with the number of organizations.
func (s *Store) Check(ctx context.Context) error {
	err := s.checkTables(ctx)
	if err == nil && s.host != nil {
		err = s.checkMembers(ctx)
	}
	return s.describe("checking", err)
}

// A MemberlessError is the error of [Store.Check] if all tables are right, and the store has
// organizations without a member in the host's table. The library never removes the last owner, so
// the host has deleted the rows. The host must delete these organizations in the library too:
// otherwise an invitation by the backend could still bring somebody in. The store works, so a
// program can go on after this error.
type MemberlessError struct {
	Organizations int // at most 1,000
}

// Error returns a text with the number of organizations.
func (e *MemberlessError) Error() string {
	atLeast := ""
	if e.Organizations == maxMemberless {
		atLeast = "at least "
	}
	return "members table: organizations without members, though not deleted by the library: " +
		atLeast + strconv.Itoa(e.Organizations)
}

const maxMemberless = 1000

var errNotMigrated = errors.New("the tables are missing or of an older version: migrate first")

// checkTables checks the tables, and not their rows.
func (s *Store) checkTables(ctx context.Context) error {
	all := render(s.schema)
	version, err := s.appliedVersion(ctx, s.db)
	if err != nil {
		return err
	}
	if version < all[len(all)-1].version {
		return errNotMigrated
	}
	if s.host == nil {
		return nil
	}
	return s.checkHostTable(ctx)
}

// checkMembers checks that each organization has a member in the host's table.
func (s *Store) checkMembers(ctx context.Context) error {
	found := &MemberlessError{}
	organization := s.host.organization
	same := organization.compared() + " = " + organization.value("o.id")
	if organization.isText() {
		same = organization.text() + " = o.id" // the column can have any collation
	}
	var b pgx.Batch
	st := s.statement()
	st.text("select pg_catalog.count(*) from (select from ", s.in, "organizations o",
		" where o.version > 0 and not o.deleted", // 0: it is being created
		" and not exists (select from ", s.host.name, " h where ", same, s.isMember(), ")",
		" limit ", st.param("bigint", int64(maxMemberless)), ") as counted")
	st.targets = []any{&found.Organizations}
	st.collect(&b, func() {})
	err := s.db.send(ctx, &b)
	if pgErr := pgError(err); pgErr != nil && strings.HasPrefix(pgErr.Code, dataException) {
		return hostTableError{"the store has organizations whose IDs are not of type " + s.host.organization.typ}
	}
	if err != nil || found.Organizations == 0 {
		return err
	}
	return found
}

// A hostTableError describes the problems of the host's table.
type hostTableError struct{ problem string }

func (e hostTableError) Error() string { return e.problem }

func (s *Store) checkHostTable(ctx context.Context) error {
	h := s.host
	columns, unique, err := s.describeHostTable(ctx)
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		return hostTableError{"there is no table " + h.name}
	}
	var problems []string
	check := func(want Column, mayBeNull, mustBeNullable bool) {
		typ := want.Type
		if full := fullTypeNames[typ]; full != "" {
			typ = full
		}
		switch got, ok := columns[want.Name]; {
		case !ok:
			problems = append(problems, "it has no column "+want.Name)
		case got.typ != typ && got.enum != typ:
			problems = append(problems, "column "+want.Name+" is of type "+got.typ+", not "+want.Type)
		case !got.deterministic:
			problems = append(problems, "column "+want.Name+" has a collation that is not deterministic")
		case got.nullable && !mayBeNull:
			problems = append(problems, "column "+want.Name+" can be null")
		case !got.nullable && mustBeNullable:
			problems = append(problems, "column "+want.Name+" cannot be null")
		}
	}
	for _, want := range []Column{h.Organization, h.UserID, h.Role} {
		check(want, false, false)
	}
	if h.JoinedAt.Name != "" {
		check(h.JoinedAt, true, false)
	}
	if h.DeletedAt.Name != "" {
		isTime := h.DeletedAt.Type != "boolean"
		check(h.DeletedAt, isTime, isTime)
	}
	if !unique {
		problems = append(problems, "it has no unique key on exactly "+h.Organization.Name+" and "+h.UserID.Name+
			" that is neither partial nor deferrable")
	}
	mapped := []string{h.Organization.Name, h.UserID.Name, h.Role.Name, h.JoinedAt.Name, h.DeletedAt.Name}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if c := columns[name]; !c.nullable && !c.hasDefault && !slices.Contains(mapped, name) {
			problems = append(problems, "column "+name+" must have a default or allow NULL")
		}
	}
	if len(problems) > 0 {
		return hostTableError{"members table " + h.name + ": " + strings.Join(problems, "; ")}
	}
	return nil
}

// fullTypeNames has the names by which PostgreSQL describes types, if they differ.
var fullTypeNames = map[string]string{
	"varchar": "character varying", "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
}

type columnDescription struct {
	typ, enum               string // enum is empty for a type that is not an enumeration
	deterministic, nullable bool
	hasDefault              bool // or the server makes the value
}

// describeHostTable returns the columns of the host's table, and whether its organization and
// user are a unique key. A table that does not exist has no columns.
func (s *Store) describeHostTable(ctx context.Context) (columns map[string]columnDescription, unique bool, err error) {
	columns = map[string]columnDescription{}
	var name string
	var c columnDescription
	var b pgx.Batch
	st := s.statement()
	st.text(`select a.attname, pg_catalog.format_type(a.atttypid, null),
			case when t.typtype = 'e' then n.nspname || '.' || t.typname else '' end,
			coalesce(c.collisdeterministic, true), not a.attnotnull,
			a.atthasdef or a.attidentity <> '' or t.typdefault is not null
		from pg_catalog.pg_attribute a
		join pg_catalog.pg_type t on t.oid = a.atttypid
		join pg_catalog.pg_namespace n on n.oid = t.typnamespace
		left join pg_catalog.pg_collation c on c.oid = a.attcollation
		where a.attrelid = pg_catalog.to_regclass(`, st.param("text", s.host.name), `)
			and a.attnum > 0 and not a.attisdropped`)
	st.targets = []any{&name, &c.typ, &c.enum, &c.deterministic, &c.nullable, &c.hasDefault}
	st.collect(&b, func() { columns[name] = c })

	st = s.statement()
	st.text(`select exists (
		select from pg_catalog.pg_index i
		where i.indrelid = pg_catalog.to_regclass(`, st.param("text", s.host.name), `)
			and i.indisunique and i.indisvalid and i.indimmediate
			and i.indpred is null and i.indexprs is null and i.indnkeyatts = 2
			and (select pg_catalog.count(*) from pg_catalog.pg_attribute a
				where a.attrelid = i.indrelid and a.attnum in (i.indkey[0], i.indkey[1])
				and a.attname in (`, st.param("text", s.host.Organization.Name), `,
					`, st.param("text", s.host.UserID.Name), `)) = 2)`)
	st.targets = []any{&unique}
	st.collect(&b, func() {})
	err = s.db.send(ctx, &b)
	return columns, unique, err
}
