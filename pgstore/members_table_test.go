package pgstore_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

// newHostStore returns a store on a members table, which create makes in a new schema of the host.
// In create, the schema's quoted name takes the place of {schema}.
func newHostStore(t *testing.T, pool *pgxpool.Pool, create string, table pgstore.MembersTable) *pgstore.Store {
	t.Helper()
	ctx := context.Background()
	table.Schema = pgtest.Schema(t)
	_, err := pool.Exec(ctx, pgstore.SQL(table.Schema, "create schema if not exists {schema}"))
	require.NoError(t, err)
	_, err = pool.Exec(ctx, pgstore.SQL(table.Schema, create))
	require.NoError(t, err)
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t), Members: &table})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(ctx))
	return store
}

const teamMembers = `create table {schema}."team members" (
	id         bigint generated always as identity primary key,
	"Team"     text not null,
	account    text not null,
	"role"     text not null,
	plan       text not null default 'free',
	created_at timestamptz not null default now(),
	unique (account, "Team")
)`

var teamMembersTable = pgstore.MembersTable{
	Name:         "team members",
	Organization: pgstore.Column{Name: "Team"}, UserID: pgstore.Column{Name: "account"}, Role: pgstore.Column{Name: "role"},
}

// The table has names that must be quoted, and columns that the store does not know. Here run all
// of storetest and of package behaviour, as in TestStore on the store's own table: the rules of
// members meet other statements.
func TestMembersTable_Store(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(c *pgxpool.Config) { c.MaxConnLifetime = suiteLifetime })
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store {
		return newHostStore(t, pool, teamMembers, teamMembersTable)
	})
	borrow := func(t *testing.T) invitations.Store { return lend(t) }
	storetest.Run(t, borrow)
	behaviour.Run(t, borrow)
}

// The IDs in the table are numbers, and the suites' names stand for them. Numbers concern the
// values in statements: here run storetest without races and, of package behaviour, the group
// Storms, with calls of all kinds. The other rules and the races run in TestMembersTable_Store.
func TestMembersTable_StoreOfNumbers(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(c *pgxpool.Config) { c.MaxConnLifetime = suiteLifetime })
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store {
		return newHostStore(t, pool, numberedMembers, numberedMembersTable)
	})
	borrow := func(t *testing.T) invitations.Store {
		return &numbered{Store: lend(t), numbers: map[string]string{}, names: map[string]string{}}
	}
	storetest.Run(t, withoutRaces(borrow, "TestMembersTable_Store"))
	behaviour.Run(t, borrow, "Storms")
}

const numberedMembers = `create table {schema}.memberships (
	org_id  bigint not null,
	user_id bigint not null,
	role    text not null,
	primary key (org_id, user_id)
)`

var numberedMembersTable = pgstore.MembersTable{
	Name: "memberships", Organization: pgstore.Column{Name: "org_id", Type: "bigint"},
	UserID: pgstore.Column{Name: "user_id", Type: "bigint"}, Role: pgstore.Column{Name: "role"},
}

func TestMembersTable_KeepsOtherColumns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	create := `create type {schema}.rank as enum ('owner', 'admin', 'viewer');
		create table {schema}.people (
			id uuid primary key default gen_random_uuid(),
			org integer not null, person uuid not null, rank {schema}.rank not null default 'viewer',
			note text not null default 'hello', unique (person, org))`
	schema := pgtest.Schema(t)
	_, err := pool.Exec(ctx, pgstore.SQL(schema, "create schema if not exists {schema}"))
	require.NoError(t, err)
	_, err = pool.Exec(ctx, pgstore.SQL(schema, create))
	require.NoError(t, err)
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t), Members: &pgstore.MembersTable{
		Schema: schema, Name: "people", Organization: pgstore.Column{Name: "org", Type: "integer"},
		UserID: pgstore.Column{Name: "person", Type: "uuid"}, Role: pgstore.Column{Name: "rank", Type: schema + ".rank"},
	}})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(ctx))
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	const ann, joe = "019531f0-0000-7000-8000-00000000000a", "019531f0-0000-7000-8000-00000000000b"

	_, err = svc.CreateOrganization(ctx, "42", ann)
	require.NoError(t, err)
	// A row that the host inserts is a member, and its other columns stay as they are.
	_, err = pool.Exec(ctx, pgstore.SQL(schema,
		`insert into {schema}.people (org, person, note) values (42, $1::text::uuid, 'mine')`), joe)
	require.NoError(t, err)
	m, err := svc.Member(ctx, "42", joe)
	require.NoError(t, err)
	require.Equal(t, invitations.Member{Organization: "42", UserID: joe, Role: "viewer"}, m)
	_, err = svc.ChangeRole(ctx, invitations.User(ann), invitations.ChangeRoleParams{
		Organization: "42", UserID: joe, Role: "admin",
	})
	require.NoError(t, err)
	var rank, note string
	row := pool.QueryRow(ctx, pgstore.SQL(schema, `select rank::text, note from {schema}.people where person = $1::text::uuid`), joe)
	require.NoError(t, row.Scan(&rank, &note))
	require.Equal(t, "admin mine", rank+" "+note)
	_, err = svc.Leave(ctx, "42", ann)
	require.ErrorIs(t, err, invitations.ErrLastOwner)
	_, err = svc.RemoveMember(ctx, invitations.User(ann), "42", joe)
	require.NoError(t, err)
	_, err = svc.Member(ctx, "42", joe)
	require.ErrorIs(t, err, invitations.ErrNotFound)

	// An ID must be a value of the column's type, in the one form that PostgreSQL writes.
	for field, call := range map[string]func() error{
		"organization": func() error { _, err := svc.Member(ctx, "042", ann); return err },
		"user_id":      func() error { _, err := svc.Member(ctx, "42", strings.ToUpper(ann)); return err },
	} {
		var invalid *invitations.InvalidError
		require.ErrorAs(t, call(), &invalid)
		require.Equal(t, field, invalid.Field)
	}
	for _, organization := range []string{"2147483648", "x", " 42", "+42", "4_2", "٤٢", "-0"} {
		_, err := svc.CreateOrganization(ctx, organization, ann)
		require.ErrorIs(t, err, invitations.ErrInvalid, organization)
	}
}

// Organizations that have members in the table exist, with these members.
func TestMembersTable_AdoptsOrganizations(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	const owner, viewer, stranger = "1", "2", "3"
	for _, organization := range []string{"42", "43", "44"} {
		_, err = pool.Exec(ctx, "insert into "+store.HostTable()+
			" values ($1::text::bigint, 1, 'owner'), ($1::text::bigint, 2, 'viewer')", organization)
		require.NoError(t, err)
	}
	for _, user := range []string{viewer, stranger} {
		_, err = svc.CreateOrganization(ctx, "42", user)
		require.ErrorIs(t, err, invitations.ErrConflict, "an existing organization must not be taken over")
	}
	_, err = svc.Authorize(ctx, "42", owner, invitations.PermissionOrganizationManage)
	require.NoError(t, err)
	m, err := svc.CreateOrganization(ctx, "42", owner)
	require.NoError(t, err, "it is as if the owner had created it")
	require.Equal(t, invitations.RoleOwner, m.Role)

	_, err = svc.Invite(ctx, invitations.User(viewer), invitations.InviteParams{
		Organization: "43", Email: "ann@example.com", Role: "viewer",
	})
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	sent, err := svc.Invite(ctx, invitations.User(owner), invitations.InviteParams{
		Organization: "43", Email: "ann@example.com", Role: "viewer",
	})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{
		UserID: stranger, Email: "ann@example.com", EmailVerified: true,
	})
	require.NoError(t, err)
	_, err = svc.Leave(ctx, "44", owner)
	require.ErrorIs(t, err, invitations.ErrLastOwner)
	_, err = svc.Member(ctx, "45", owner)
	require.ErrorIs(t, err, invitations.ErrNotFound)
	_, err = svc.Invite(ctx, invitations.System(), invitations.InviteParams{
		Organization: "45", Email: "ann@example.com", Role: "viewer",
	})
	require.ErrorIs(t, err, invitations.ErrNotFound)
}

// The empty text is nobody's ID. It must not reach a column of numbers, which cannot hold it.
func TestMembersTable_EmptyIDIsNoMember(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	_, err := pool.Exec(ctx, "insert into "+store.HostTable()+" values (42, 1, 'owner')")
	require.NoError(t, err)
	facts, err := store.View(ctx, invitations.Query{
		Organization: "42", Members: []string{"1", ""}, Removals: true, Quotas: true,
	})
	require.NoError(t, err)
	require.Equal(t, map[string]invitations.Member{"1": {Organization: "42", UserID: "1", Role: "owner"}}, facts.Members)
}

// A varchar of limited length drops trailing spaces that are too many. An ID with such spaces would
// become another user's.
func TestMembersTable_ColumnsOfLimitedLength(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, `create table {schema}.seats (
			org varchar(4) not null, person varchar(3) not null, role varchar(20) not null, primary key (org, person))`,
		pgstore.MembersTable{
			Name:         "seats",
			Organization: pgstore.Column{Name: "org", Type: "varchar"},
			UserID:       pgstore.Column{Name: "person", Type: "varchar"},
			Role:         pgstore.Column{Name: "role", Type: "varchar"},
		})
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme+" ", "eve")
	require.ErrorIs(t, err, invitations.ErrInvalid)
	link, err := svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: ada + " "})
	require.ErrorIs(t, err, invitations.ErrInvalid)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "robert"})
	require.ErrorContains(t, err, "SQLSTATE 22001", "a longer ID must be refused, not cut")
	m, err := svc.Member(ctx, acme, ada)
	require.NoError(t, err)
	require.Equal(t, invitations.RoleOwner, m.Role)
}

// What the host does to its row while a change of other data of the member is decided stays done.
func TestMembersTable_HostChangesARowMeanwhile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	for name, c := range map[string]struct {
		host, role string // what the host does, and the role to which the change changes the member's
		want       string
	}{
		"metadata, deleted": {"delete from %s where org_id = 42 and user_id = 2", "admin", ""},
		"metadata, demoted": {"update %s set role = 'viewer' where org_id = 42 and user_id = 2", "admin", "viewer"},
		"role, deleted":     {"delete from %s where org_id = 42 and user_id = 2", "developer", ""},
		"role, demoted":     {"update %s set role = 'viewer' where org_id = 42 and user_id = 2", "developer", "developer"},
	} {
		_, err := pool.Exec(ctx, "delete from "+store.HostTable())
		require.NoError(t, err)
		_, err = pool.Exec(ctx, "insert into "+store.HostTable()+" values (42, 1, 'owner'), (42, 2, 'admin')")
		require.NoError(t, err)
		err = store.Update(ctx, invitations.Query{Organization: "42", Members: []string{"2"}}, func(f invitations.Facts) (invitations.Changes, error) {
			_, err := pool.Exec(ctx, fmt.Sprintf(c.host, store.HostTable()))
			require.NoError(t, err)
			m := f.Members["2"]
			m.Role, m.Metadata = invitations.Role(c.role), map[string]string{"team": "red"}
			return invitations.Changes{Members: []invitations.Member{m}}, nil
		})
		require.NoError(t, err)
		var role string
		err = pool.QueryRow(ctx, "select coalesce(max(role), '') from "+store.HostTable()+" where user_id = 2").Scan(&role)
		require.NoError(t, err)
		require.Equal(t, c.want, role, name)
	}
}

// An ID that the host's columns cannot hold must not reach a statement, wherever it comes from: it
// would fail there, and again whenever it is read.
func TestMembersTable_IDsOfAnotherType(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	const owner, joe = "1", "2"
	_, err = svc.CreateOrganization(ctx, "42", owner)
	require.NoError(t, err)
	sent, err := svc.Invite(ctx, invitations.User(owner), invitations.InviteParams{Organization: "42", Email: "joe@example.com", Role: "admin"})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: joe, Email: "joe@example.com", EmailVerified: true})
	require.NoError(t, err)
	link, err := svc.CreateLink(ctx, invitations.User(joe), invitations.CreateLinkParams{Organization: "42", Role: "viewer"})
	require.NoError(t, err)
	_, err = svc.Leave(ctx, "42", joe)
	require.NoError(t, err)
	erase := func(p invitations.EraseParams) (rows int) {
		for {
			done, err := svc.Erase(ctx, p)
			require.NoError(t, err)
			if done.Done {
				return rows
			}
			rows += done.Rows
		}
	}
	var invalid *invitations.InvalidError
	for _, pseudonym := range []string{"erased", "007", "9223372036854775808"} {
		_, err = svc.Erase(ctx, invitations.EraseParams{UserID: joe, Pseudonym: pseudonym})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "wrong_type", invalid.Code)
	}
	require.Positive(t, erase(invitations.EraseParams{UserID: joe, Pseudonym: "-1"}))
	for _, token := range []string{sent.Token.Reveal(), link.Token.Reveal()} {
		_, err = svc.Lookup(ctx, token)
		require.ErrorIs(t, err, invitations.ErrNotPending)
	}
	require.Positive(t, erase(invitations.EraseParams{Email: "joe@example.com"}))

	for _, id := range []string{"joe", "02", "9223372036854775808"} {
		cursor := base64.RawURLEncoding.EncodeToString(append([]byte{2, byte(len(id))}, id...)) // of the kind of IDs
		_, err = svc.Members(ctx, invitations.User(owner), invitations.MembersParams{Organization: "42", Cursor: cursor})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "cursor", invalid.Field)
		_, err = svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: owner, Cursor: cursor})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "cursor", invalid.Field)
	}
}

func TestMembersTable_IsChecked(t *testing.T) {
	t.Parallel()
	good := func() pgstore.MembersTable {
		return pgstore.MembersTable{
			Name:         "members",
			Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
		}
	}
	for field, change := range map[string]func(*pgstore.MembersTable){
		"members.schema":       func(m *pgstore.MembersTable) { m.Schema = "a\x00b" },
		"members.name":         func(m *pgstore.MembersTable) { m.Name = "" },
		"members.organization": func(m *pgstore.MembersTable) { m.Organization.Type = "text; drop table members" },
		"members.user_id":      func(m *pgstore.MembersTable) { m.UserID.Type = "citext" },
		"members.role":         func(m *pgstore.MembersTable) { m.Role.Type = "rank" },
		"members.joined_at":    func(m *pgstore.MembersTable) { m.JoinedAt = pgstore.Column{Name: "joined", Type: "boolean"} },
		"members.deleted_at":   func(m *pgstore.MembersTable) { m.DeletedAt = pgstore.Column{Type: "boolean"} },
	} {
		table := good()
		change(&table)
		_, err := pgstore.NewWithConfig(nil, pgstore.Config{Members: &table})
		var invalid *invitations.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, field, invalid.Field)
	}
	table := good()
	table.Name = strings.Repeat("x", 64)
	_, err := pgstore.NewWithConfig(nil, pgstore.Config{Members: &table})
	require.ErrorIs(t, err, invitations.ErrInvalid)
	_, err = pgstore.NewWithConfig(nil, pgstore.Config{Members: new(good())})
	require.NoError(t, err)
}
