package sqldrivers

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// A scene is a service with the organization acme, which ada owns.
type scene struct {
	*testing.T
	db     *sql.DB
	wire   *wire
	store  *pgstore.Store
	schema string
	svc    *invitations.Service
}

func eachScene(t *testing.T, f func(*scene)) {
	eachDriver(t, func(t *testing.T, db *sql.DB, w *wire) {
		store, schema, _ := newStore(t, db, "", nil)
		keys, err := invitations.NewKeyring(bytes.Repeat([]byte{1}, 32))
		require.NoError(t, err)
		svc, err := invitations.New(store, keys, invitations.Config{})
		require.NoError(t, err)
		_, err = svc.CreateOrganization(t.Context(), "acme", "ada")
		require.NoError(t, err)
		f(&scene{t, db, w, store, schema, svc})
	})
}

func (s *scene) invite(email string) invitations.SentInvitation {
	s.Helper()
	sent, err := s.svc.Invite(s.Context(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: email, Role: "viewer",
	})
	require.NoError(s, err)
	return sent
}

func person(name string) invitations.Identity {
	return invitations.Identity{UserID: name, Email: name + "@example.com", EmailVerified: true}
}

// noDriver fails the test if err wraps an error of a driver.
func noDriver(t *testing.T, err error) {
	t.Helper()
	require.False(t, errors.As(err, new(*pgconn.PgError)), err)
	require.False(t, errors.As(err, new(*pq.Error)), err)
}

// If the answer to a commit is lost, the caller learns it, and repeating the call has the answer.
func TestChange_LostCommitAnswer_OutcomeUnknown(t *testing.T) {
	eachScene(t, func(s *scene) {
		sent := s.invite("ann@example.com")
		s.wire.loseAnswer.Store(true)
		_, err := s.svc.Accept(s.Context(), sent.Token.Reveal(), person("ann"))
		require.ErrorIs(s, err, invitations.ErrOutcomeUnknown)
		noDriver(s.T, err)
		require.False(s, s.wire.loseAnswer.Load())
		joined, err := s.svc.Accept(s.Context(), sent.Token.Reveal(), person("ann"))
		require.NoError(s, err)
		require.True(s, joined.Repeated)
	})
}

// A connection that is lost before the commit is replaced. If it is lost at the commit, the caller
// learns that the outcome is unknown. Nothing happens twice.
func TestChange_LostConnection(t *testing.T) {
	eachScene(t, func(s *scene) {
		unknown := 0
		for n := int64(1); ; n++ {
			name := fmt.Sprint("user", n)
			sent := s.invite(name + "@example.com")
			s.wire.cutIn.Store(n)
			joined, err := s.svc.Accept(s.Context(), sent.Token.Reveal(), person(name))
			wasCut := s.wire.cutIn.Swap(0) < 0
			if errors.Is(err, invitations.ErrOutcomeUnknown) {
				unknown++
				noDriver(s.T, err)
				joined, err = s.svc.Accept(s.Context(), sent.Token.Reveal(), person(name))
			}
			require.NoError(s, err, "cut at write %d", n)
			require.Equal(s, name, joined.UserID)
			_, err = s.svc.RemoveMember(s.Context(), invitations.System(), "acme", name) // keeps the organization small
			require.NoError(s, err)
			if !wasCut {
				s.Logf("%d writes, %d unknown outcomes", n, unknown)
				require.Positive(s, unknown)
				return
			}
		}
	})
}

// After a restart of the server, all idle connections of the pool are lost. There may be more of them
// than the store repeats a call.
func TestChange_IdleConnectionsAreLost(t *testing.T) {
	eachScene(t, func(s *scene) {
		lose := func() {
			var idle []*sql.Conn
			for range 8 {
				conn, err := s.db.Conn(s.Context())
				require.NoError(s, err)
				idle = append(idle, conn)
			}
			var sessions []string
			for _, conn := range idle {
				var session string
				require.NoError(s, conn.QueryRowContext(s.Context(), "select pg_backend_pid()").Scan(&session))
				sessions = append(sessions, session)
				require.NoError(s, conn.Close())
			}
			server, err := pgx.Connect(s.Context(), pgtest.URL(s.T))
			require.NoError(s, err)
			defer func() { _ = server.Close(context.Background()) }()
			_, err = server.Exec(s.Context(), "select pg_terminate_backend(id::integer, 60000) from unnest($1::text[]) as id", sessions)
			require.NoError(s, err)
		}
		lose()
		sent := s.invite("ann@example.com")
		lose()
		_, err := s.svc.Lookup(s.Context(), sent.Token.Reveal())
		require.NoError(s, err)
	})
}

func TestChange_ContextEndsWhileWaitingForTheLock(t *testing.T) {
	eachScene(t, func(s *scene) {
		sent := s.invite("ann@example.com")
		holder, err := s.db.Begin()
		require.NoError(s, err)
		defer func() { _ = holder.Rollback() }()
		hold, err := s.svc.WithStore(s.store.WithSQLTx(holder)).Revoke(s.Context(), invitations.User("ada"), "acme", sent.ID)
		require.NoError(s, err)
		require.Equal(s, invitations.StateRevoked, hold.State)

		ctx, cancel := context.WithCancel(s.Context())
		var done sync.WaitGroup
		done.Go(func() {
			defer cancel()
			waitForALock(s.T, s.schema)
		})
		_, err = s.svc.Accept(ctx, sent.Token.Reveal(), person("ann"))
		require.ErrorIs(s, err, context.Canceled)
		require.NotErrorIs(s, err, invitations.ErrOutcomeUnknown)
		done.Wait()
		require.NoError(s, holder.Rollback())
		_, err = s.svc.Accept(s.Context(), sent.Token.Reveal(), person("ann"))
		require.NoError(s, err)
	})
}

// waitForALock polls until a change in the schema waits for a lock.
func waitForALock(t *testing.T, schema string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgtest.URL(t))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	for waits := false; !waits; {
		if err := conn.QueryRow(ctx, `select exists (select from pg_stat_activity
			where wait_event_type = 'Lock' and query like '%' || $1 || '%')`, schema).Scan(&waits); err != nil {
			t.Error(err)
			return
		}
	}
}

// A refusal leaves the host's transaction usable. What it commits is committed together.
func TestWithSQLTx_CommitsOrRollsBackBoth(t *testing.T) {
	eachScene(t, func(s *scene) {
		sent := s.invite("ann@example.com")
		accept := func(end func(*sql.Tx) error) {
			tx, err := s.db.Begin()
			require.NoError(s, err)
			inside := s.svc.WithStore(s.store.WithSQLTx(tx))
			_, err = inside.Accept(s.Context(), sent.Token.Reveal(), person("eve"))
			require.ErrorIs(s, err, invitations.ErrRecipientMismatch)
			_, err = inside.Accept(s.Context(), sent.Token.Reveal(), person("ann"))
			require.NoError(s, err)
			require.NoError(s, end(tx))
		}
		accept((*sql.Tx).Rollback)
		_, err := s.svc.Member(s.Context(), "acme", "ann")
		require.ErrorIs(s, err, invitations.ErrNotFound)
		accept((*sql.Tx).Commit)
		_, err = s.svc.Member(s.Context(), "acme", "ann")
		require.NoError(s, err)
	})
}

func TestWithSQLTx_HigherIsolationLevel_ErrConcurrentChange(t *testing.T) {
	eachScene(t, func(s *scene) {
		for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelSerializable} {
			sent := s.invite(strings.ReplaceAll(level.String(), " ", "") + "@example.com")
			who := invitations.Identity{UserID: level.String(), Email: sent.Email, EmailVerified: true}
			tx, err := s.db.BeginTx(s.Context(), &sql.TxOptions{Isolation: level})
			require.NoError(s, err)
			inside := s.svc.WithStore(s.store.WithSQLTx(tx))
			_, err = inside.Lookup(s.Context(), sent.Token.Reveal()) // takes the snapshot
			require.NoError(s, err)
			_, err = s.svc.Accept(s.Context(), sent.Token.Reveal(), who)
			require.NoError(s, err)
			_, err = inside.Accept(s.Context(), sent.Token.Reveal(), who)
			require.ErrorIs(s, err, invitations.ErrConcurrentChange)
			noDriver(s.T, err)
			require.NoError(s, tx.Rollback())
		}
	})
}

// An endingContext ends when it is looked at for the nth time.
type endingContext struct {
	context.Context
	cancel context.CancelFunc
	looks  atomic.Int64
}

func newEndingContext(ctx context.Context, n int64) *endingContext {
	ctx, cancel := context.WithCancel(ctx)
	c := &endingContext{Context: ctx, cancel: cancel}
	c.looks.Store(n)
	return c
}

func (c *endingContext) look() {
	if c.looks.Add(-1) == 0 {
		c.cancel()
	}
}

func (c *endingContext) Done() <-chan struct{} { c.look(); return c.Context.Done() }
func (c *endingContext) Err() error            { c.look(); return c.Context.Err() }

// If the context of a call ends between two statements, a host that commits nevertheless must not
// commit a part of the change. The acceptance has so many writes that they take several statements.
func TestWithSQLTx_EndOfContextIsAllOrNothing(t *testing.T) {
	eachScene(t, func(s *scene) {
		link, err := s.svc.CreateLink(s.Context(), invitations.User("ada"), invitations.CreateLinkParams{
			Organization: "acme", Role: "developer", Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay},
		})
		require.NoError(s, err)
		last := func() invitations.Event {
			found, err := s.svc.Timeline(s.Context(), invitations.User("ada"), invitations.TimelineParams{
				Organization: "acme", NewestFirst: true, Limit: 1,
			})
			require.NoError(s, err)
			return found.Items[0]
		}
		version := func() int64 {
			f, err := s.store.View(s.Context(), invitations.Query{Organization: "acme"})
			require.NoError(s, err)
			return f.Version
		}
		before := version()
		for n := int64(1); ; n += 3 { // there are more looks than that before each statement
			name := fmt.Sprint("user", n)
			tx, err := s.db.Begin()
			require.NoError(s, err)
			ctx := newEndingContext(s.Context(), n)
			_, refusal := s.svc.WithStore(s.store.WithSQLTx(tx)).Accept(ctx, link.Token.Reveal(), person(name))
			ended := ctx.Context.Err() != nil
			ctx.cancel()
			committed := tx.Commit() == nil // a careless host
			_, err = s.svc.Member(s.Context(), "acme", name)
			if refusal == nil && committed {
				require.NoError(s, err)
				require.Equal(s, name, last().Subject)
				before++
			} else {
				require.ErrorIs(s, err, invitations.ErrNotFound, "the context ends at look %d", n)
			}
			require.Equal(s, before, version(), "the context ends at look %d", n)
			if !ended {
				require.NoError(s, refusal)
				require.Greater(s, n, int64(10))
				return
			}
		}
	})
}

// A transaction that has ended is refused, and the error says so.
func TestWithSQLTx_Ended(t *testing.T) {
	eachScene(t, func(s *scene) {
		tx, err := s.db.Begin()
		require.NoError(s, err)
		require.NoError(s, tx.Rollback())
		_, err = s.svc.WithStore(s.store.WithSQLTx(tx)).Member(s.Context(), "acme", "ada")
		require.ErrorIs(s, err, sql.ErrTxDone)
	})
}

// A connection to a server that is not a primary any more leaves the pool. lib/pq begins writing
// transactions as such, so no setting can make it meet one.
func TestChange_ReadOnlyServerLosesItsConnections(t *testing.T) {
	t.Parallel()
	var w wire
	db := drivers["pgx"](t, pgtest.URL(t), w.dial)
	t.Cleanup(func() { _ = db.Close() })
	_, schema, _ := newStore(t, db, "", nil)
	there := drivers["pgx"](t, pgtest.URL(t)+"&default_transaction_read_only=on", w.dial)
	t.Cleanup(func() { _ = there.Close() })
	store, err := pgstore.NewSQL(there, pgstore.Config{Schema: schema})
	require.NoError(t, err)
	err = store.SetPersonalQuota(t.Context(), "ada", invitations.Quota{Limit: 1, Period: invitations.PeriodDay})
	require.ErrorContains(t, err, "25006")
	require.Zero(t, there.Stats().OpenConnections)
	_, err = store.View(t.Context(), invitations.Query{Organization: "acme"})
	require.NoError(t, err)
	require.Equal(t, 1, there.Stats().OpenConnections, "a read keeps its connection")
}

func TestConstraintError(t *testing.T) {
	eachDriver(t, func(t *testing.T, db *sql.DB, _ *wire) {
		const create = `create table {schema}.people (id text primary key);
			insert into {schema}.people values ('ada');
			create table {schema}.members (org text, person text constraint known references {schema}.people, role text not null,
				primary key (org, person))`
		store, _, _ := newStore(t, db, create, &pgstore.MembersTable{
			Name: "members", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
		})
		keys, err := invitations.NewKeyring(bytes.Repeat([]byte{1}, 32))
		require.NoError(t, err)
		svc, err := invitations.New(store, keys, invitations.Config{})
		require.NoError(t, err)
		_, err = svc.CreateOrganization(t.Context(), "acme", "ada")
		require.NoError(t, err)
		_, err = svc.AddMember(t.Context(), invitations.User("ada"), invitations.AddMemberParams{Organization: "acme", UserID: "secret", Role: "viewer"})
		var constraint *pgstore.ConstraintError
		require.ErrorAs(t, err, &constraint)
		require.Equal(t, "23503 known members", constraint.Code+" "+constraint.Constraint+" "+constraint.Table)
		require.NotContains(t, err.Error(), "secret")
		noDriver(t, err)
	})
}

// A store that is not migrated says so, and an unreachable database is an error of the connection.
func TestErrors_WrongSetup(t *testing.T) {
	eachDriver(t, func(t *testing.T, db *sql.DB, _ *wire) {
		store, err := pgstore.NewSQL(db, pgstore.Config{Schema: pgtest.Schema(t)})
		require.NoError(t, err)
		require.ErrorContains(t, store.Check(t.Context()), "migrate first")
		_, err = store.View(t.Context(), invitations.Query{Organization: "acme"})
		require.ErrorContains(t, err, "SQLSTATE 42P01")
		noDriver(t, err)
	})
}

// docs/postgresql.md has these numbers of round trips.
func TestRoundTrips(t *testing.T) {
	eachScene(t, func(s *scene) {
		s.db.SetMaxOpenConns(1)
		got := map[string]int64{}
		for range 3 { // the first calls prepare statements
			var sent invitations.SentInvitation
			count := func(name string, f func() error) {
				var err error
				got[name] = s.wire.count(func() { err = f() })
				require.NoError(s, err, name)
			}
			count("invite", func() (err error) {
				sent, err = s.svc.Invite(s.Context(), invitations.User("ada"), invitations.InviteParams{
					Organization: "acme", Email: "ann@example.com", Role: "viewer",
				})
				return err
			})
			count("lookup", func() error { _, err := s.svc.Lookup(s.Context(), sent.Token.Reveal()); return err })
			count("accept", func() error { _, err := s.svc.Accept(s.Context(), sent.Token.Reveal(), person("ann")); return err })
			count("authorize", func() error {
				_, err := s.svc.Authorize(s.Context(), "acme", "ada", invitations.PermissionMemberList)
				return err
			})
			count("list", func() error {
				_, err := s.svc.Invitations(s.Context(), invitations.User("ada"), invitations.InvitationsParams{Organization: "acme"})
				return err
			})
			count("consume", func() error {
				_, err := s.svc.Consume(s.Context(), invitations.InOrganization("acme"), "ada", 1)
				return err
			})
			count("leave", func() error { _, err := s.svc.Leave(s.Context(), "acme", "ann"); return err })
		}
		want := map[string]map[string]int64{
			"pgx": {"invite": 5, "lookup": 4, "accept": 6, "authorize": 4, "list": 4, "consume": 4, "leave": 6},
			"pq":  {"invite": 8, "lookup": 6, "accept": 10, "authorize": 6, "list": 6, "consume": 6, "leave": 10},
		}
		require.Equal(s, want[s.Name()[strings.LastIndex(s.Name(), "/")+1:]], got)
	})
}
