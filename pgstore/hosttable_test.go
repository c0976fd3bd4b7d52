package pgstore_test

import (
	"bytes"
	"cmp"
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

// newHostStore returns a store whose members are in a table of a schema of the host's, made
// by create with the schema's quoted name in the place of {schema}.
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
	Name: "team members", Organization: pgstore.Column{Name: "Team"}, UserID: pgstore.Column{Name: "account"}, Role: pgstore.Column{Name: "role"},
}

// TestStoreOnAHostsTable runs the suite with the members in a table that has columns of its
// own, with odd names.
func TestStoreOnAHostsTable(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return newHostStore(t, pool, teamMembers, teamMembersTable) })
	storetest.Run(t, func(t *testing.T) invitations.Store { return lend(t) })
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

// TestStoreOnAHostsTableOfNumbers runs the suite with the members in a table whose ids are
// numbers: the suite's names stand for them.
func TestStoreOnAHostsTableOfNumbers(t *testing.T) {
	t.Parallel()
	pool := newPool(t, nil)
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return newHostStore(t, pool, numberedMembers, numberedMembersTable) })
	storetest.Run(t, func(t *testing.T) invitations.Store {
		return &numbered{Store: lend(t), numbers: map[string]string{}, names: map[string]string{}}
	})
}

// numbered gives the store beneath a number for each organization and user.
type numbered struct {
	*pgstore.Store
	mu             sync.Mutex
	numbers, names map[string]string
}

func (n *numbered) number(name string) string {
	if name == "" {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	number, ok := n.numbers[name]
	if !ok {
		number = strconv.Itoa(len(n.numbers) - 1000) // also negative ones
		n.numbers[name], n.names[number] = number, name
	}
	return number
}

func (n *numbered) name(number string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[number]
}

// ids returns a copy of v with translate applied to all ids of organizations and users.
func ids[T any](v T, translate func(string) string) T {
	return translated(reflect.ValueOf(&v).Elem(), translate).Interface().(T)
}

// idFields are the fields whose texts are ids of organizations and users.
var idFields = map[string]bool{
	"Organization": true, "UserID": true, "Viewer": true, "SentBy": true, "CreatedBy": true, "InvitedBy": true, "Actor": true,
	"Subject": true, "PendingSentBy": true, "Members": true, "RemovedMembers": true, "Removals": true,
}

func translated(v reflect.Value, translate func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(translated(v.Elem(), translate))
		}
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() == reflect.Struct {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(translated(v.Index(i), translate))
			}
		}
	case reflect.Map: // of members, quotas, records or removals
		kind := v.Type().Elem().Kind()
		if !v.IsNil() && (kind == reflect.Int64 || kind == reflect.Struct && v.Type().Elem().NumField() > 3) {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				to := key
				if key.Kind() == reflect.String { // and no invitation's id
					to = reflect.ValueOf(translate(key.String()))
				}
				out.SetMapIndex(to, translated(v.MapIndex(key), translate))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			names, isNames := v.Field(i).Interface().([]string)
			switch {
			case idFields[field.Name] && field.Type.Kind() == reflect.String:
				out.Field(i).SetString(translate(v.Field(i).String()))
			case idFields[field.Name] && isNames:
				names = slices.Clone(names)
				for j := range names {
					names[j] = translate(names[j])
				}
				out.Field(i).Set(reflect.ValueOf(names))
			case field.Type != reflect.TypeFor[time.Time]():
				out.Field(i).Set(translated(v.Field(i), translate))
			}
		}
	}
	return out
}

func (n *numbered) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return n.Store.Update(ctx, ids(q, n.number), n.decision(decide))
}

func (n *numbered) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return n.Store.Create(ctx, ids(q, n.number), n.decision(decide))
}

func (n *numbered) decision(decide invitations.Decision) invitations.Decision {
	return func(f invitations.Facts) (invitations.Changes, error) {
		changes, err := decide(ids(f, n.name))
		return ids(changes, n.number), err
	}
}

func (n *numbered) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	f, err := n.Store.View(ctx, ids(q, n.number))
	return ids(f, n.name), err
}

func (n *numbered) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	consumed, err := n.Store.Consume(ctx, ids(c, n.number))
	return ids(consumed, n.name), err
}

func (n *numbered) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return n.Store.SetPersonalQuota(ctx, n.number(user), q)
}

func (n *numbered) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return n.Store.Sweep(ctx, at, limit, func(due []invitations.Facts) []invitations.Changes {
		return ids(decide(ids(due, n.name)), n.number)
	})
}

func (n *numbered) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	events, err := n.Store.Feed(ctx, after, limit)
	return ids(events, n.name), err
}

// Invitations of an address have the order of the names, which the numbers do not have.
func (n *numbered) Invitations(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	if q.Organization != "" {
		page, err := n.Store.Invitations(ctx, ids(q, n.number))
		return ids(page, n.name), err
	}
	after, limit := q.After, q.Limit
	q.After, q.Limit = nil, 1_000_000
	page, err := n.Store.Invitations(ctx, q)
	page = ids(page, n.name)
	order := func(r invitations.Record, at time.Time, id uuid.UUID, organization string) int {
		return cmp.Or(at.Compare(r.CreatedAt), bytes.Compare(id[:], r.ID[:]), strings.Compare(organization, r.Organization))
	}
	page.Items = slices.DeleteFunc(page.Items, func(r invitations.Record) bool {
		return after != nil && order(r, after.CreatedAt, after.ID, after.Organization) <= 0
	})
	slices.SortFunc(page.Items, func(a, b invitations.Record) int { return order(a, b.CreatedAt, b.ID, b.Organization) })
	page.Items = page.Items[:min(limit, len(page.Items))]
	return page, err
}

// Statistics has the order of the names, which the numbers do not have.
func (n *numbered) Statistics(ctx context.Context, q invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
	groups := q.MaxGroups
	q = ids(q, n.number)
	q.MaxGroups = 1_000_000
	viewer, s, err := n.Store.Statistics(ctx, q)
	viewer = ids(viewer, n.name)
	for i := range s.BySender {
		s.BySender[i].Key = n.name(s.BySender[i].Key)
	}
	for _, group := range []*[]invitations.Funnel{&s.BySender, &s.ByLink} {
		slices.SortFunc(*group, func(a, b invitations.Funnel) int {
			return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.Joined, a.Joined), strings.Compare(a.Key, b.Key))
		})
		*group = (*group)[:min(groups, len(*group))]
	}
	return viewer, s, err
}

func (n *numbered) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	page, err := n.Store.Events(ctx, ids(q, n.number))
	return ids(page, n.name), err
}

// Members has the order of the names, which the numbers do not have.
func (n *numbered) Members(ctx context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
	after, limit := q.After, q.Limit
	q = ids(q, n.number)
	q.After, q.Limit = "", 1_000_000
	page, err := n.Store.Members(ctx, q)
	page = ids(page, n.name)
	page.Items = slices.DeleteFunc(page.Items, func(m invitations.Member) bool { return m.UserID <= after })
	slices.SortFunc(page.Items, func(a, b invitations.Member) int { return strings.Compare(a.UserID, b.UserID) })
	page.Items = page.Items[:min(limit, len(page.Items))]
	return page, err
}

// Workspaces has the order of the names, which the numbers do not have.
func (n *numbered) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
	after, limit := q.After, q.Limit
	q = ids(q, n.number)
	q.After, q.Limit = "", 1_000_000
	personal, memberships, err := n.Store.Workspaces(ctx, q)
	personal, memberships = ids(personal, n.name), ids(memberships, n.name)
	memberships = slices.DeleteFunc(memberships, func(m invitations.Membership) bool { return m.Organization <= after })
	slices.SortFunc(memberships, func(a, b invitations.Membership) int { return strings.Compare(a.Organization, b.Organization) })
	memberships = memberships[:min(limit, len(memberships))]
	return personal, memberships, err
}

func TestHostsTableKeepsTheHostsOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	create := `create type {schema}.rank as enum ('owner', 'admin', 'viewer');
		create table {schema}.people (
			id uuid primary key default gen_random_uuid(), org integer not null, person uuid not null, rank {schema}.rank not null default 'viewer',
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
	// Whom the host adds itself is a member, and what the host keeps beside stays.
	_, err = pool.Exec(ctx, pgstore.SQL(schema, `insert into {schema}.people (org, person, note) values (42, $1::text::uuid, 'mine')`), joe)
	require.NoError(t, err)
	m, err := svc.Member(ctx, "42", joe)
	require.NoError(t, err)
	require.Equal(t, invitations.Member{Organization: "42", UserID: joe, Role: "viewer"}, m)
	_, err = svc.ChangeRole(ctx, invitations.User(ann), invitations.ChangeRoleParams{Organization: "42", UserID: joe, Role: "admin"})
	require.NoError(t, err)
	var rank, note string
	require.NoError(t, pool.QueryRow(ctx, pgstore.SQL(schema, `select rank::text, note from {schema}.people where person = $1::text::uuid`), joe).Scan(&rank, &note))
	require.Equal(t, "admin mine", rank+" "+note)
	_, err = svc.Leave(ctx, "42", ann)
	require.ErrorIs(t, err, invitations.ErrLastOwner)
	_, err = svc.RemoveMember(ctx, invitations.User(ann), "42", joe)
	require.NoError(t, err)
	_, err = svc.Member(ctx, "42", joe)
	require.ErrorIs(t, err, invitations.ErrNotFound)

	// One value has one spelling, and what is no value is an argument that is wrong.
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

// Organizations that the host has had before are there, as they are.
func TestHostsTableIsAdopted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, numberedMembers, numberedMembersTable)
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	const owner, viewer, stranger = "1", "2", "3"
	for _, organization := range []string{"42", "43", "44"} {
		_, err = pool.Exec(ctx, "insert into "+store.HostTable()+" values ($1::text::bigint, 1, 'owner'), ($1::text::bigint, 2, 'viewer')", organization)
		require.NoError(t, err)
	}
	for _, user := range []string{viewer, stranger} {
		_, err = svc.CreateOrganization(ctx, "42", user)
		require.ErrorIs(t, err, invitations.ErrConflict, "nobody takes over what exists")
	}
	_, err = svc.Authorize(ctx, "42", owner, invitations.PermissionOrganizationManage)
	require.NoError(t, err)
	m, err := svc.CreateOrganization(ctx, "42", owner)
	require.NoError(t, err, "it is as if the owner had begun it")
	require.Equal(t, invitations.RoleOwner, m.Role)

	_, err = svc.Invite(ctx, invitations.User(viewer), invitations.InviteParams{Organization: "43", Email: "ann@example.com", Role: "viewer"})
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	sent, err := svc.Invite(ctx, invitations.User(owner), invitations.InviteParams{Organization: "43", Email: "ann@example.com", Role: "viewer"})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: stranger, Email: "ann@example.com", EmailVerified: true})
	require.NoError(t, err)
	_, err = svc.Leave(ctx, "44", owner)
	require.ErrorIs(t, err, invitations.ErrLastOwner)
	_, err = svc.Member(ctx, "45", owner)
	require.ErrorIs(t, err, invitations.ErrNotFound)
	_, err = svc.Invite(ctx, invitations.System(), invitations.InviteParams{Organization: "45", Email: "ann@example.com", Role: "viewer"})
	require.ErrorIs(t, err, invitations.ErrNotFound)
}

func TestCheckOfAHostsTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	for name, c := range map[string]struct{ create, want string }{
		"no table":       {`create table {schema}.other (x int)`, "there is no table"},
		"no column":      {`create table {schema}.members (org text, person text, primary key (org, person))`, "has no column role"},
		"no key":         {`create table {schema}.members (org text, person text, role text, primary key (org, person, role))`, "has no unique key of exactly org and person"},
		"a part's key":   {`create table {schema}.members (org text, person text, role text); create unique index on {schema}.members (org, person) where role = 'owner'`, "has no unique key"},
		"a role or none": {`create table {schema}.members (org text, person text, role text, primary key (org, person))`, "has a column role that can be null"},
		"another type":   {`create table {schema}.members (org bigint, person text, role text, primary key (org, person))`, "has a column org of the type bigint, not text"},
		"loose compare": {`create collation {schema}.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			create table {schema}.members (org text, person text collate {schema}.loose, role text, primary key (org, person))`, "person of a collation that is not deterministic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := pgtest.Schema(t)
			_, err := pool.Exec(ctx, pgstore.SQL(schema, "create schema if not exists {schema}"))
			require.NoError(t, err)
			_, err = pool.Exec(ctx, pgstore.SQL(schema, c.create))
			require.NoError(t, err)
			store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: pgtest.Schema(t), Members: &pgstore.MembersTable{
				Schema: schema, Name: "members", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
			}})
			require.NoError(t, err)
			require.ErrorContains(t, store.Check(ctx), "migrate first")
			require.ErrorContains(t, store.Migrate(ctx), c.want)
			require.ErrorContains(t, store.Check(ctx), c.want)
		})
	}
}

// A column of a limited length drops spaces that are too many, and so would take the name of
// another.
func TestHostsTableOfLimitedLength(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, `create table {schema}.seats (org varchar(4) not null, person varchar(3) not null, role varchar(20) not null, primary key (org, person))`,
		pgstore.MembersTable{Name: "seats", Organization: pgstore.Column{Name: "org", Type: "varchar"}, UserID: pgstore.Column{Name: "person", Type: "varchar"}, Role: pgstore.Column{Name: "role", Type: "varchar"}})
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme+" ", "eve")
	require.ErrorIs(t, err, invitations.ErrInvalid)
	link, err := svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: ada + " "})
	require.ErrorIs(t, err, invitations.ErrInvalid)
	_, err = svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: "robert"})
	require.ErrorContains(t, err, "SQLSTATE 22001", "too long is refused, and not cut")
	m, err := svc.Member(ctx, acme, ada)
	require.NoError(t, err)
	require.Equal(t, invitations.RoleOwner, m.Role)
}

func TestMembersTableConfig(t *testing.T) {
	t.Parallel()
	good := func() pgstore.MembersTable {
		return pgstore.MembersTable{
			Name: "members", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
		}
	}
	for field, change := range map[string]func(*pgstore.MembersTable){
		"members.schema":       func(m *pgstore.MembersTable) { m.Schema = "a\x00b" },
		"members.name":         func(m *pgstore.MembersTable) { m.Name = "" },
		"members.organization": func(m *pgstore.MembersTable) { m.Organization.Type = "text; drop table members" },
		"members.user_id":      func(m *pgstore.MembersTable) { m.UserID.Type = "citext" },
		"members.role":         func(m *pgstore.MembersTable) { m.Role.Type = "rank" },
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
