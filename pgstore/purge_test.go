package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// An old scene has organizations with an invitation each, which has expired long ago.
type oldScene struct {
	*testing.T
	ctx   context.Context
	pool  *pgxpool.Pool
	wire  *wire
	store *pgstore.Store
	svc   *invitations.Service
	now   time.Time
	sent  map[string]invitations.SentInvitation // by organization
}

func newOldScene(t *testing.T, newStore func(*testing.T, *pgxpool.Pool) *pgstore.Store, organizations ...string) *oldScene {
	t.Helper()
	s := &oldScene{
		T: t, wire: &wire{}, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), sent: map[string]invitations.SentInvitation{},
	}
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s.pool = newPool(t, s.wire.watch)
	s.store = newStore(t, s.pool)
	var err error
	s.svc, err = invitations.New(s.store, keyring(t), invitations.Config{Clock: func() time.Time { return s.now }})
	require.NoError(t, err)
	for _, organization := range organizations {
		_, err = s.svc.CreateOrganization(s.ctx, organization, ada)
		require.NoError(t, err)
		s.sent[organization], err = s.svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{
			Organization: organization, Email: "ann@example.com", Role: "viewer",
		})
		require.NoError(t, err)
	}
	s.now = s.now.Add(100 * day)
	return s
}

const day = 24 * time.Hour

func onOwnTable(t *testing.T, pool *pgxpool.Pool) *pgstore.Store { return newStore(t, pool) }

func (s *oldScene) purge(svc *invitations.Service, limit int) int {
	s.Helper()
	n, err := svc.Purge(s.ctx, s.now.Add(-day), limit)
	require.NoError(s, err)
	return n
}

// rows returns how many rows a table has of an organization.
func (s *oldScene) rows(table, organization string) (n int) {
	s.Helper()
	sql := pgstore.SQL(s.store.Schema(), "select count(*) from {schema}."+table+" where organization = $1::text")
	require.NoError(s, s.pool.QueryRow(s.ctx, sql, organization).Scan(&n))
	return n
}

// begin returns a transaction of the host and a service in it.
func (s *oldScene) begin(level pgx.TxIsoLevel) (pgx.Tx, *invitations.Service) {
	s.Helper()
	tx, err := s.pool.BeginTx(s.ctx, pgx.TxOptions{IsoLevel: level})
	require.NoError(s, err)
	s.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(s.ctx)) })
	return tx, s.svc.WithStore(s.store.WithTx(tx))
}

// waitForBlocked waits until somebody waits for a lock of tx.
func (s *oldScene) waitForBlocked(tx pgx.Tx) {
	s.Helper()
	pid := int32(tx.Conn().PgConn().PID())
	require.Eventually(s, func() bool {
		var waiting bool
		err := s.pool.QueryRow(s.ctx,
			"select exists (select from pg_stat_activity where $1::int = any (pg_blocking_pids(pid)))", pid).Scan(&waiting)
		return err == nil && waiting
	}, time.Minute, time.Millisecond)
}

// It takes one round trip to find old rows, and one for each of their organizations.
func TestPurge_RoundTrips(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, "a", "b", "c")
	require.Equal(t, 3, s.purge(s.svc, 1000)) // makes connections and prepares the statements
	for organizations := range 3 {
		for i := range organizations {
			_, err := s.svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{
				Organization: string(rune('a' + i)), Email: fmt.Sprintf("ann%d@example.com", organizations), Role: "viewer",
			})
			require.NoError(t, err)
		}
		s.now = s.now.Add(100 * day)
		trips := s.wire.count(func() { require.Equal(t, organizations, s.purge(s.svc, 1000)) })
		require.EqualValues(t, 1+organizations, trips)
	}
}

// Organizations that are being changed must not hide the old rows of others.
func TestPurge_SkipsLockedOrganizations(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, "busy 1", "busy 2", "idle")
	tx, inside := s.begin(pgx.ReadCommitted)
	for _, organization := range []string{"busy 1", "busy 2"} {
		_, err := inside.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
			Organization: organization, Role: "viewer",
		})
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.purge(s.svc, 1), "the oldest row is of busy 1")
	require.Zero(t, s.rows("invitations", "idle"))
	require.Zero(t, s.purge(s.svc, 1))
	require.NoError(t, tx.Commit(s.ctx))
	require.Equal(t, 2, s.purge(s.svc, 1000))
	require.Zero(t, s.purge(s.svc, 1000))
}

// An invitation that is resent between its search and its deletion is not old any more.
func TestPurge_LooksAgainAfterTheLock(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, acme)
	db := beforeBatch{s.pool, 2, func() {
		_, err := s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{Organization: acme, ID: s.sent[acme].ID})
		require.NoError(t, err)
	}}
	n, err := storeOn(t, &db, s.store.Schema()).Purge(s.ctx, invitations.PurgeQuery{Before: s.now.Add(-day), Limit: 10})
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 1, s.rows("invitations", acme))
	s.now = s.now.Add(100 * day)
	require.Equal(t, 1, s.purge(s.svc, 10))
}

// beforeBatch calls f before it sends a batch, given by its number from 1.
type beforeBatch struct {
	*pgxpool.Pool
	number int
	f      func()
}

func (d *beforeBatch) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if d.number--; d.number == 0 {
		d.f()
	}
	return d.Pool.SendBatch(ctx, b)
}

// A purge in a transaction of the host keeps the organizations locked, and ends with it.
func TestPurge_InHostTransaction(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{false, true} {
		t.Run(fmt.Sprint("commits=", commits), func(t *testing.T) {
			t.Parallel()
			s := newOldScene(t, onOwnTable, acme)
			tx, inside := s.begin(pgx.ReadCommitted)
			require.Equal(t, 1, s.purge(inside, 10))
			require.Zero(t, s.purge(s.svc, 10), "the organization is locked")
			done := make(chan error, 1)
			go func() {
				_, err := s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{
					Organization: acme, ID: s.sent[acme].ID,
				})
				done <- err
			}()
			s.waitForBlocked(tx)
			if commits {
				require.NoError(t, tx.Commit(s.ctx))
				require.ErrorIs(t, <-done, invitations.ErrNotFound)
			} else {
				require.NoError(t, tx.Rollback(s.ctx))
				require.NoError(t, <-done)
				require.Equal(t, 1, s.rows("invitations", acme))
			}
		})
	}
}

// Above read committed, the server refuses to lock an organization that has changed since the
// transaction began.
func TestPurge_HigherIsolationLevel_ErrConcurrentChange(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, acme)
	_, inside := s.begin(pgx.RepeatableRead)
	_, err := inside.Member(s.ctx, acme, ada) // takes the snapshot
	require.NoError(t, err)
	_, err = s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{Organization: acme, ID: s.sent[acme].ID})
	require.NoError(t, err)
	_, err = inside.Purge(s.ctx, s.now.Add(-day), 10)
	require.ErrorIs(t, err, invitations.ErrConcurrentChange)
	noDriver(t, err)
	require.Equal(t, 1, s.rows("invitations", acme))
}

// Old invitations are resent and purged at the same time. Each of them is either resent, and then
// stays, or purged, and then cannot be found.
func TestPurge_RacesWithResend(t *testing.T) {
	t.Parallel()
	var organizations []string
	for i := range 40 {
		organizations = append(organizations, fmt.Sprint("organization ", i))
	}
	s := newOldScene(t, onOwnTable, organizations...)
	var all sync.WaitGroup
	errs := make([]error, len(organizations))
	all.Go(func() {
		for i, organization := range organizations {
			_, errs[i] = s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{
				Organization: organization, ID: s.sent[organization].ID,
			})
		}
	})
	var deleted [2]int
	var purgeErrs [2]error
	for i := range deleted {
		all.Go(func() {
			for {
				var n int
				if n, purgeErrs[i] = s.svc.Purge(s.ctx, s.now.Add(-day), 3); n == 0 {
					return
				}
				deleted[i] += n
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(purgeErrs[:]...))
	total := deleted[0] + deleted[1]
	for i, organization := range organizations {
		if errors.Is(errs[i], invitations.ErrNotFound) {
			require.Zero(t, s.rows("invitations", organization))
			total--
		} else {
			require.NoError(t, errs[i])
			require.Equal(t, 1, s.rows("invitations", organization))
		}
	}
	require.Zero(t, total, "each purged invitation counts once")
}

// A deleted organization without rows must not be looked at by every purge that follows.
func TestPurge_DeletedOrganizationIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, acme)
	require.NoError(t, s.svc.DeleteOrganization(s.ctx, invitations.System(), acme))
	require.Equal(t, 2, s.purge(s.svc, 1000), "a member and an invitation")
	require.EqualValues(t, 1, s.wire.count(func() { require.Zero(t, s.purge(s.svc, 1000)) }))

	// A store can be asked to change it even now.
	err := s.store.Update(s.ctx, invitations.Query{Organization: acme, AlsoDeleted: true},
		func(f invitations.Facts) (invitations.Changes, error) {
			require.True(t, f.Deleted)
			return invitations.Changes{Removals: []string{ada}}, nil
		})
	require.NoError(t, err)
	require.Equal(t, 1, s.purge(s.svc, 1000))
	require.EqualValues(t, 1, s.wire.count(func() { require.Zero(t, s.purge(s.svc, 1000)) }))
}

// A deleted organization is marked as purged only if no change has added rows meanwhile.
func TestPurge_DeletedOrganizationChangesMeanwhile(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onOwnTable, acme)
	require.NoError(t, s.svc.DeleteOrganization(s.ctx, invitations.System(), acme))
	db := beforeBatch{s.pool, 2, func() {
		err := s.store.Update(s.ctx, invitations.Query{Organization: acme, AlsoDeleted: true},
			func(invitations.Facts) (invitations.Changes, error) {
				return invitations.Changes{Removals: []string{ada}}, nil
			})
		require.NoError(t, err)
	}}
	n, err := storeOn(t, &db, s.store.Schema()).Purge(s.ctx, invitations.PurgeQuery{Before: s.now.Add(-day), Limit: 10})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, 1, s.purge(s.svc, 10), "the removal")
}

// onHostTable returns a store on a table of the host. Its column gone has the type, unless that is
// empty.
func onHostTable(gone string) func(*testing.T, *pgxpool.Pool) *pgstore.Store {
	return func(t *testing.T, pool *pgxpool.Pool) *pgstore.Store {
		table := pgstore.MembersTable{
			Name: "seats", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"},
			Role: pgstore.Column{Name: "role"},
		}
		column := ""
		if gone != "" {
			table.DeletedAt = pgstore.Column{Name: "gone", Type: gone}
			column = "gone " + gone + ", "
			if gone == "boolean" {
				column = "gone boolean not null default false, "
			}
		}
		return newHostStore(t, pool, `create table {schema}.seats (
			org text not null, person text not null, role text not null, `+column+`primary key (org, person))`, table)
	}
}

func (s *oldScene) exec(sql string) {
	s.Helper()
	_, err := s.pool.Exec(s.ctx, sql)
	require.NoError(s, err)
}

// The members of a deleted organization go from the host's table too, or are marked there. A member
// whom both tables have counts once.
func TestPurge_MembersTable(t *testing.T) {
	t.Parallel()
	for mark, isMarked := range map[string]string{
		"": "false", "boolean": "gone", "timestamp": "gone = '2026-06-09'", "timestamptz": "gone = '2026-06-09 00:00:00+00'",
	} {
		t.Run("mark="+mark, func(t *testing.T) {
			t.Parallel()
			s := newOldScene(t, onHostTable(mark), acme, "zeta")
			table := s.store.HostTable()
			_, err := s.svc.AddMember(s.ctx, invitations.User(ada), invitations.AddMemberParams{
				Organization: acme, UserID: "bob", Role: "viewer",
			})
			require.NoError(t, err)
			s.exec("delete from " + table + " where person = 'bob'")
			s.exec("insert into " + table + " (org, person, role) select 'acme', 'member ' || n, 'viewer' from generate_series(1, 5) n")
			require.NoError(t, s.svc.DeleteOrganization(s.ctx, invitations.User(ada), acme))
			total := 0
			for {
				n := s.purge(s.svc, 2)
				require.LessOrEqual(t, n, 2)
				if n == 0 {
					break
				}
				total += n
			}
			// Two invitations, ada, bob in the store's table only, and five in the host's table
			// only.
			require.Equal(t, 9, total)
			require.Zero(t, s.rows("members", acme))
			require.EqualValues(t, 1, s.wire.count(func() { require.Zero(t, s.purge(s.svc, 1000)) }))
			var members, marked int
			require.NoError(t, s.pool.QueryRow(s.ctx, "select count(*), count(*) filter (where "+isMarked+") from "+table+
				" where org = 'acme'").Scan(&members, &marked))
			if mark == "" {
				require.Zero(t, members)
			} else {
				require.Equal(t, 6, members)
				require.Equal(t, 6, marked)
			}
			_, err = s.svc.Member(s.ctx, "zeta", ada)
			require.NoError(t, err)
		})
	}
}

// A row that a constraint of the host keeps must not keep the rows of other organizations.
func TestPurge_ConstraintOfTheHost(t *testing.T) {
	t.Parallel()
	s := newOldScene(t, onHostTable(""), "a", "b", "c")
	table := s.store.HostTable()
	badges := strings.TrimSuffix(table, `"seats"`) + "badges"
	s.exec("create table " + badges + " (org text, person text, constraint badges_seat foreign key (org, person) references " +
		table + " (org, person))")
	s.exec("insert into " + badges + " values ('a', 'ada')")
	for _, organization := range []string{"a", "b"} {
		require.NoError(t, s.svc.DeleteOrganization(s.ctx, invitations.User(ada), organization))
	}
	require.Equal(t, 3, s.purge(s.svc, 1000), "ada and the invitation of b, and the invitation of c")
	before := invitations.PurgeQuery{Before: s.now.Add(-day), Limit: 1000}
	n, err := s.store.Purge(s.ctx, before)
	var refused *pgstore.ConstraintError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "badges_seat", refused.Constraint)
	require.Zero(t, n)
	require.Equal(t, 1, s.rows("invitations", "a"), "nothing of the organization is deleted")

	tx, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	_, err = s.store.WithTx(tx).Purge(s.ctx, before)
	require.ErrorAs(t, err, &refused)
	require.NoError(t, tx.Rollback(s.ctx))

	s.exec("delete from " + badges)
	require.Equal(t, 2, s.purge(s.svc, 1000))
	require.Zero(t, s.purge(s.svc, 1000))
}
