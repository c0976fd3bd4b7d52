package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

// A timesTable is a table with a column of the join date and a mark of deleted rows.
type timesTable struct {
	joined, deleted string // the types
	precision       string // of joined
}

var timesTables = []timesTable{
	{joined: "timestamptz", deleted: "timestamp"},
	{joined: "timestamp", deleted: "timestamptz"},
	{joined: "date", deleted: "boolean"},
	{joined: "timestamp", precision: "(0)", deleted: "boolean"},
}

func (c timesTable) String() string { return c.joined + c.precision + " and " + c.deleted }

// newTimesStore returns a store on a new table.
func (c timesTable) newStore(t *testing.T, pool *pgxpool.Pool) *pgstore.Store {
	t.Helper()
	gone := c.deleted
	if gone == "boolean" {
		gone = "boolean not null"
	}
	return newHostStore(t, pool, `create table {schema}.members (
			org text not null, person text not null, role text not null,
			"joined on" `+c.joined+c.precision+`, gone `+gone+`, primary key (org, person))`,
		pgstore.MembersTable{
			Name: "members", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"},
			Role:      pgstore.Column{Name: "role"},
			JoinedAt:  pgstore.Column{Name: "joined on", Type: c.joined},
			DeletedAt: pgstore.Column{Name: "gone", Type: c.deleted},
		})
}

// farFromUTC gives the sessions of a pool a time zone in which it is the next day at 10:00 UTC.
func farFromUTC(c *pgxpool.Config) {
	c.ConnConfig.RuntimeParams["timezone"] = "Pacific/Kiritimati"
}

// The checks share a table, and begin with the rows that earlier checks left, all of them marked.
// Marks concern what is a member, so storetest runs with a mark of each kind, and its races with
// one of them. The rules of package behaviour do not depend on marks, and run in
// TestMembersTable_Store.
func TestMembersTable_StoreWithMarks(t *testing.T) {
	t.Parallel()
	for i, c := range timesTables[1:3] { // the suite takes its time, and the tests below use all tables
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(c *pgxpool.Config) {
				farFromUTC(c)
				c.MaxConnLifetime = suiteLifetime
			})
			lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return c.newStore(t, pool) })
			borrow := func(t *testing.T) invitations.Store { return lend(t) }
			if i > 0 {
				borrow = withoutRaces(borrow, "TestMembersTable_StoreWithMarks/"+timesTables[1].String())
			}
			storetest.Run(t, borrow)
		})
	}
}

// A timesScene is a service on a table of the host, in which ada has owned acme since 2019.
type timesScene struct {
	*testing.T
	timesTable
	ctx   context.Context
	pool  *pgxpool.Pool
	store *pgstore.Store
	svc   *invitations.Service
	now   time.Time
}

// forTimesTables runs a test on each of the tables.
func forTimesTables(t *testing.T, config invitations.Config, test func(s *timesScene)) {
	t.Helper()
	for _, c := range timesTables {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			s := &timesScene{T: t, timesTable: c, ctx: context.Background(), pool: newPool(t, farFromUTC)}
			s.store = c.newStore(t, s.pool)
			s.now = time.Date(2026, 3, 1, 11, 30, 0, 723_456_000, time.UTC)
			config := config
			config.Clock = func() time.Time { return s.now }
			var err error
			s.svc, err = invitations.New(s.store, keyring(t), config)
			require.NoError(t, err)
			s.hostInserts(ada, "owner", "'2019-05-17'", false)
			test(s)
		})
	}
}

// hostInserts inserts a row of acme, as the host does. joined is an SQL expression.
func (s *timesScene) hostInserts(user, role, joined string, marked bool) {
	s.Helper()
	_, err := s.pool.Exec(s.ctx, fmt.Sprintf(`insert into %s (org, person, role, "joined on", gone) values ($1, $2, $3, %s, %s)`,
		s.store.HostTable(), joined, s.mark(marked)), acme, user, role)
	require.NoError(s, err)
}

// mark returns an SQL expression of a mark, or of its absence.
func (s *timesScene) mark(marked bool) string {
	switch {
	case s.deleted == "boolean":
		return fmt.Sprint(marked)
	case marked:
		return "'2020-02-02 00:00:00'"
	}
	return "null"
}

// row returns the host's row of a user in acme: its role, join date and mark.
func (s *timesScene) row(user string) string {
	s.Helper()
	tx, err := s.pool.Begin(s.ctx)
	require.NoError(s, err)
	defer func() { _ = tx.Rollback(s.ctx) }()
	_, err = tx.Exec(s.ctx, "set local timezone to 'UTC'")
	require.NoError(s, err)
	var row string
	err = tx.QueryRow(s.ctx, `select concat_ws(' ', role, "joined on"::text, coalesce(gone::text, 'null')) from `+s.store.HostTable()+
		` where org = $1 and person = $2`, acme, user).Scan(&row)
	require.NoError(s, err)
	return strings.ReplaceAll(row, "+00", "")
}

// want returns the row of a member, or of a removed one, as [timesScene.row] does.
func (s *timesScene) want(role string, joined time.Time, removed time.Time) string {
	layout := "2006-01-02 15:04:05.999999"
	switch {
	case s.joined == "date":
		layout = "2006-01-02"
	case s.precision != "":
		joined = joined.Round(time.Second)
	}
	mark := "null"
	switch {
	case s.deleted == "boolean":
		mark = fmt.Sprint(!removed.IsZero())
	case !removed.IsZero():
		mark = removed.Format("2006-01-02 15:04:05.999999")
	}
	return role + " " + joined.Format(layout) + " " + mark
}

func (s *timesScene) link() string {
	s.Helper()
	link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.NoError(s, err)
	return link.Token.Reveal()
}

func TestMembersTable_JoinedAt(t *testing.T) {
	t.Parallel()
	forTimesTables(t, invitations.Config{}, func(s *timesScene) {
		// The host's own members have joined when its column says.
		founded := time.Date(2019, 5, 17, 0, 0, 0, 0, time.UTC)
		if s.joined == "timestamptz" {
			founded = founded.Add(-14 * time.Hour) // the text was in the time zone of the session
		}
		m, err := s.svc.Member(s.ctx, acme, ada)
		require.NoError(s, err)
		require.Equal(s, founded, m.JoinedAt)
		s.hostInserts("joe", "viewer", "null", false)
		m, err = s.svc.Member(s.ctx, acme, "joe")
		require.NoError(s, err)
		require.Equal(s, time.Time{}, m.JoinedAt)
		s.hostInserts("eve", "viewer", "'infinity'", false)
		m, err = s.svc.Member(s.ctx, acme, "eve")
		require.NoError(s, err)
		require.Equal(s, time.Time{}, m.JoinedAt)

		// A change of the role keeps the date, known or not.
		for _, user := range []string{"joe", "eve"} {
			before := s.row(user)
			m, err = s.svc.ChangeRole(s.ctx, invitations.User(ada), invitations.ChangeRoleParams{Organization: acme, UserID: user, Role: "admin"})
			require.NoError(s, err)
			require.Equal(s, time.Time{}, m.JoinedAt)
			require.Equal(s, strings.Replace(before, "viewer", "admin", 1), s.row(user))
		}

		// The date of an acceptance is written, and read in full, although the column may have
		// less.
		token := s.link()
		joined := s.now
		first, err := s.svc.Accept(s.ctx, token, person("ann"))
		require.NoError(s, err)
		require.Equal(s, joined, first.JoinedAt)
		require.Equal(s, s.want("viewer", joined, time.Time{}), s.row("ann"))
		s.now = s.now.Add(time.Hour)
		again, err := s.svc.Accept(s.ctx, token, person("ann"))
		require.NoError(s, err)
		require.Equal(s, first.Member, again.Member)
		require.True(s, again.Repeated)
		promoted, err := s.svc.ChangeRole(s.ctx, invitations.User(ada), invitations.ChangeRoleParams{Organization: acme, UserID: "ann", Role: "admin"})
		require.NoError(s, err)
		require.Equal(s, joined, promoted.JoinedAt)
		require.Equal(s, s.want("admin", joined, time.Time{}), s.row("ann"))

		// The host can correct it.
		_, err = s.pool.Exec(s.ctx, `update `+s.store.HostTable()+` set "joined on" = '2020-06-01 00:00:00' where person = 'ann'`)
		require.NoError(s, err)
		m, err = s.svc.Member(s.ctx, acme, "ann")
		require.NoError(s, err)
		require.Equal(s, founded.AddDate(1, 0, 15), m.JoinedAt)
	})
}

func TestMembersTable_DeletedAt_RemovalMarksAndJoiningClears(t *testing.T) {
	t.Parallel()
	forTimesTables(t, invitations.Config{}, func(s *timesScene) {
		first := s.now
		_, err := s.svc.Accept(s.ctx, s.link(), person("ann"))
		require.NoError(s, err)
		require.Equal(s, s.want("viewer", first, time.Time{}), s.row("ann"))

		s.now = s.now.Add(time.Hour)
		_, err = s.svc.RemoveMember(s.ctx, invitations.User(ada), acme, "ann")
		require.NoError(s, err)
		require.Equal(s, s.want("viewer", first, s.now), s.row("ann"))
		_, err = s.svc.Member(s.ctx, acme, "ann")
		require.ErrorIs(s, err, invitations.ErrNotFound)

		s.now = s.now.Add(25 * time.Hour)
		second := s.now
		m, err := s.svc.Accept(s.ctx, s.link(), person("ann"))
		require.NoError(s, err)
		require.Equal(s, second, m.JoinedAt)
		require.Equal(s, s.want("viewer", second, time.Time{}), s.row("ann"))

		s.now = s.now.Add(time.Hour)
		_, err = s.svc.Leave(s.ctx, acme, "ann")
		require.NoError(s, err)
		require.Equal(s, s.want("viewer", second, s.now), s.row("ann"))

		// A mark of the host's is cleared like one of the store's.
		s.hostInserts("joe", "owner", "'2018-01-01'", true)
		_, err = s.svc.Accept(s.ctx, s.link(), person("joe"))
		require.NoError(s, err)
		require.Equal(s, s.want("viewer", s.now, time.Time{}), s.row("joe"))
	})
}

// joe's row is marked by the host, and joe was an owner.
func TestMembersTable_DeletedAt_MarkedRowIsNotAMember(t *testing.T) {
	t.Parallel()
	forTimesTables(t, invitations.Config{MemberLimit: 2}, func(s *timesScene) {
		joe := invitations.User("joe")
		s.hostInserts("joe", "owner", "'2018-01-01'", false)
		sent, err := s.svc.Invite(s.ctx, joe, invitations.InviteParams{Organization: acme, Email: "ann@example.com", Role: "viewer"})
		require.NoError(s, err)
		err = s.svc.SetQuota(s.ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(acme), Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
		})
		require.NoError(s, err)
		_, err = s.pool.Exec(s.ctx, "update "+s.store.HostTable()+" set gone = "+s.mark(true)+" where person = 'joe'")
		require.NoError(s, err)

		_, err = s.svc.Member(s.ctx, acme, "joe")
		require.ErrorIs(s, err, invitations.ErrNotFound)
		_, err = s.svc.Authorize(s.ctx, acme, "joe", invitations.PermissionMemberList)
		require.ErrorIs(s, err, invitations.ErrPermissionDenied)
		_, err = s.svc.Members(s.ctx, joe, invitations.MembersParams{Organization: acme})
		require.ErrorIs(s, err, invitations.ErrPermissionDenied, "the viewer")
		_, err = s.svc.Statistics(s.ctx, joe, invitations.StatisticsParams{Organization: acme})
		require.ErrorIs(s, err, invitations.ErrPermissionDenied)
		for _, role := range []invitations.Role{"", "owner"} {
			list, err := s.svc.Members(s.ctx, invitations.User(ada), invitations.MembersParams{Organization: acme, Role: role})
			require.NoError(s, err)
			require.Len(s, list.Items, 1)
			require.Equal(s, ada, list.Items[0].UserID)
		}
		workspaces, err := s.svc.Workspaces(s.ctx, invitations.WorkspacesParams{UserID: "joe"})
		require.NoError(s, err)
		require.Empty(s, workspaces.Organizations)
		_, err = s.svc.Consume(s.ctx, invitations.InOrganization(acme), "joe", 1)
		require.ErrorIs(s, err, invitations.ErrPermissionDenied)
		_, err = s.svc.Invite(s.ctx, joe, invitations.InviteParams{Organization: acme, Email: "eve@example.com", Role: "viewer"})
		require.ErrorIs(s, err, invitations.ErrPermissionDenied)
		_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
		require.ErrorIs(s, err, invitations.ErrSenderNotEntitled)
		_, err = s.svc.RemoveMember(s.ctx, invitations.User(ada), acme, "joe")
		require.ErrorIs(s, err, invitations.ErrNotFound)
		_, err = s.svc.Leave(s.ctx, acme, ada)
		require.ErrorIs(s, err, invitations.ErrLastOwner, "the count of owners")
		_, err = s.svc.Accept(s.ctx, s.link(), person("bob"))
		require.NoError(s, err, "the count of members")
		_, err = s.svc.Accept(s.ctx, s.link(), person("joe"))
		require.ErrorIs(s, err, invitations.ErrMemberLimit)

		// An organization with marked rows only does not exist.
		_, err = s.pool.Exec(s.ctx, "update "+s.store.HostTable()+" set org = 'other', gone = "+s.mark(true)+" where person = 'joe'")
		require.NoError(s, err)
		_, err = s.svc.Invite(s.ctx, invitations.System(), invitations.InviteParams{Organization: "other", Email: "ann@example.com", Role: "viewer"})
		require.ErrorIs(s, err, invitations.ErrNotFound)
		_, err = s.svc.CreateOrganization(s.ctx, "other", "eve")
		require.NoError(s, err)
	})
}
