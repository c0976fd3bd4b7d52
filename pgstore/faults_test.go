package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// newScene returns a service on a new store, and its connections' wire. The organization
// acme is ada's.
func newScene(t *testing.T, configure func(*pgxpool.Config)) (*scene, *pgstore.Store, *wire) {
	t.Helper()
	w := &wire{}
	pool := newPool(t, func(c *pgxpool.Config) {
		w.watch(c)
		if configure != nil {
			configure(c)
		}
	})
	store := newStore(t, pool)
	s := &scene{T: t, ctx: context.Background(), pool: pool}
	clock := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var err error
	s.svc, err = invitations.New(store, keyring(t), invitations.Config{Clock: func() time.Time { return clock }, ResendCooldown: -1})
	require.NoError(t, err)
	_, err = s.svc.CreateOrganization(s.ctx, acme, ada)
	require.NoError(t, err)
	return s, store, w
}

// noDriver fails the test if err shows an error of the driver's.
func noDriver(t *testing.T, err error) {
	t.Helper()
	var pgErr *pgconn.PgError
	require.False(t, errors.As(err, &pgErr), "a driver's error is in %v", err)
}

// exec runs SQL on the test's database, with {schema} replaced.
func exec(t *testing.T, schema, sql string, args ...any) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, pgstore.SQL(schema, sql), args...)
	require.NoError(t, err)
}

func TestFault_LostAnswerToACommitIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			sent := s.invite("ann@example.com")

			w.loseAnswer.Store(true)
			_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			noDriver(t, err)
			require.False(t, w.loseAnswer.Load(), "the answer was not lost")
			member, err := s.svc.Member(s.ctx, acme, "ann")
			require.NoError(t, err, "the commit had happened")
			again, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.NoError(t, err, "the same call converges")
			require.Equal(t, member, again)

			// A creation converges by its id.
			p := invitations.CreateLinkParams{Organization: acme, Role: "viewer", ID: sent.ID}
			p.ID[15]++
			w.loseAnswer.Store(true)
			_, err = s.svc.CreateLink(s.ctx, invitations.User(ada), p)
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), p)
			require.NoError(t, err)
			page, err := s.svc.Invitations(s.ctx, invitations.User(ada), invitations.InvitationsParams{Organization: acme, Kind: invitations.KindLink})
			require.NoError(t, err)
			require.Equal(t, []invitations.Invitation{link.Invitation}, page.Items)
		})
	}
}

func TestFault_CommitThatNeverArrives(t *testing.T) {
	t.Parallel()
	s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec })
	sent := s.invite("ann@example.com")
	w.loseCommit.Store(true)
	_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown, "the client cannot know")
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.ErrorIs(t, err, invitations.ErrNotFound)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
}

// failing makes the next n insertions of members fail with a SQLSTATE, and returns how many
// were tried so far. A sequence counts, because a rollback does not take it back.
func failing(t *testing.T, store *pgstore.Store, n int, code string) (tried func() int) {
	t.Helper()
	exec(t, store.Schema(), `create sequence {schema}.tries minvalue 0 start 0`)
	exec(t, store.Schema(), fmt.Sprintf(`create function {schema}.fail() returns trigger language plpgsql as $$
		begin
			if nextval('{schema}.tries') < %d then
				raise exception 'ann@example.com' using errcode = '%s';
			end if;
			return new;
		end $$`, n, code))
	exec(t, store.Schema(), `create trigger fail before insert on {schema}.members for each row execute function {schema}.fail()`)
	return func() (tried int) {
		conn, err := pgx.Connect(context.Background(), pgtest.URL(t))
		require.NoError(t, err)
		defer conn.Close(context.Background())
		require.NoError(t, conn.QueryRow(context.Background(), pgstore.SQL(store.Schema(), `select last_value + 1 from {schema}.tries`)).Scan(&tried))
		return tried
	}
}

func TestFault_SerializationFailuresAndDeadlocksAreRepeated(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01", "0A000"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s, store, _ := newScene(t, nil)
			sent := s.invite("ann@example.com")
			tried := failing(t, store, 3, code)
			_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.NoError(t, err)
			require.Equal(t, 4, tried())
		})
	}
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		s, store, _ := newScene(t, nil)
		sent := s.invite("ann@example.com")
		tried := failing(t, store, 1000, "40001")
		_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
		require.ErrorIs(t, err, invitations.ErrConcurrentChange)
		noDriver(t, err)
		require.Equal(t, 5, tried())
		page, err := s.svc.Invitations(s.ctx, invitations.User(ada), invitations.InvitationsParams{Organization: acme})
		require.NoError(t, err)
		require.Equal(t, invitations.StatePending, page.Items[0].State, "nothing changed")
	})
}

func TestFault_OtherErrorsAreNotRepeatedAndQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"23505", "22P02"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s, store, _ := newScene(t, nil)
			sent := s.invite("ann@example.com")
			tried := failing(t, store, 1000, code)
			_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.ErrorContains(t, err, code)
			require.NotContains(t, err.Error(), "ann")
			require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
			noDriver(t, err)
			require.Equal(t, 1, tried())
		})
	}
}

// A new invitation replaces none, whatever ids there are.
func TestFault_NewInvitationReplacesNone(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	sent := s.invite("bob@example.com")
	record := invitations.Record{Invitation: sent.Invitation}
	record.Email = "eve@example.com"
	put := func(q invitations.Query) error {
		return store.Update(s.ctx, q, func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{Invitations: []invitations.Record{record}}, nil
		})
	}
	err := put(invitations.Query{Organization: acme})
	require.Error(t, err)
	noDriver(t, err)
	got, err := s.svc.Invitation(s.ctx, invitations.User(ada), acme, record.ID)
	require.NoError(t, err)
	require.Equal(t, "bob@example.com", got.Email)
	require.NoError(t, put(invitations.Query{Organization: acme, Invitation: record.ID}), "one of the facts is replaced")
}

func TestFault_TerminatedBackendsAreReplaced(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, func(c *pgxpool.Config) { c.MaxConns = 2 })
	sent := s.invite("ann@example.com")
	name := store.Schema()
	_, err := s.pool.Exec(s.ctx, "select set_config('application_name', $1, false)", name)
	require.NoError(t, err)
	exec(t, name, `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = '`+name+`'`)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)

	// Terminated by its own decision's time: between the two trips.
	tries := 0
	err = store.Update(s.ctx, invitations.Query{Organization: acme}, func(f invitations.Facts) (invitations.Changes, error) {
		tries++
		if tries == 1 {
			exec(t, name, `select pg_terminate_backend(l.pid, 10000) from pg_locks l where l.relation = '{schema}.organizations'::regclass and l.mode = 'RowExclusiveLock'`)
		}
		return invitations.Changes{RemovedMembers: []string{"ann"}}, nil
	})
	// The commit was sent into a dead connection: that nothing came of it, only the server
	// knows.
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.NoError(t, err)
}

func TestFault_ReadOnlyServerLosesItsConnections(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	pool := newPool(t, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	})
	there, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: store.Schema()})
	require.NoError(t, err)
	_, err = s.svc.WithStore(there).CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.ErrorContains(t, err, "25006")
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	require.EqualValues(t, 5, pool.Stat().NewConnsCount(), "each attempt has a new connection, which may lead to the new primary")
	require.EqualValues(t, 0, pool.Stat().IdleConns())
}

func TestFault_ContextEndsWhileWaitingForTheLock(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	sent := s.invite("ann@example.com")
	holder, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(s.ctx) }()
	_, err = holder.Exec(s.ctx, pgstore.SQL(store.Schema(), `select 1 from {schema}.organizations for update`))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(s.ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer cancel()
		waitFor(t, `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%')`, store.Schema())
	})
	_, err = s.svc.Accept(ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	done.Wait()
	require.NoError(t, holder.Rollback(s.ctx))
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
}

// waitFor polls until a query about a schema, $1, says true.
func waitFor(t *testing.T, sql, schema string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), pgtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for {
		var yes bool
		require.NoError(t, conn.QueryRow(context.Background(), pgstore.SQL(schema, sql), schema).Scan(&yes))
		if yes {
			return
		}
	}
}

func TestFault_OneConnectionForAnOperation(t *testing.T) {
	t.Parallel()
	s, _, _ := newScene(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s.invite("ann@example.com") // with one connection, an operation that needs two would hang
	held, err := s.pool.Acquire(s.ctx)
	require.NoError(t, err)
	defer held.Release()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err = s.svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.ErrorIs(t, err, context.Canceled, "a full pool is not waited for without end")
}

// TestClass24_ExpiryWhileWaitingForTheLock: what expires while a change waits has expired.
func TestClass24_ExpiryWhileWaitingForTheLock(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	var offset atomic.Int64
	svc, err := invitations.New(store, keyring(t), invitations.Config{PendingLimit: 1, Clock: func() time.Time {
		return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(offset.Load()))
	}})
	require.NoError(t, err)
	sent, err := svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{Organization: acme, Email: "ann@example.com", Role: "viewer"})
	require.NoError(t, err)
	holder, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback(s.ctx) }()
	_, err = holder.Exec(s.ctx, pgstore.SQL(store.Schema(), `select 1 from {schema}.organizations for update`))
	require.NoError(t, err)
	var done sync.WaitGroup
	done.Go(func() {
		waitFor(t, `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%')`, store.Schema())
		offset.Store(int64(8 * 24 * time.Hour))
		_ = holder.Rollback(s.ctx)
	})
	_, err = svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, invitations.ErrExpired)
	done.Wait()
}

// TestSearchPathIsNotReliedOn: what a stranger defines in a schema of the search path is
// not run.
func TestSearchPathIsNotReliedOn(t *testing.T) {
	t.Parallel()
	evil := pgtest.Schema(t)
	exec(t, evil, `create schema {schema}`)
	for _, f := range []string{
		"unnest(text[]) returns setof text", "hashtextextended(text, integer) returns bigint", "count(text) returns bigint",
		"max(text) returns integer", "pg_advisory_xact_lock(integer) returns void",
	} {
		exec(t, evil, `create function {schema}.`+f+` language plpgsql as $$ begin raise exception 'run by a stranger'; end $$`)
	}
	exec(t, evil, `create function {schema}.stranger(text[], text[]) returns text[] language plpgsql as $$ begin raise exception 'run by a stranger'; end $$`)
	exec(t, evil, `create operator {schema}.|| (leftarg = text[], rightarg = text[], function = {schema}.stranger)`)
	// Where the catalog has no operator of exactly these types.
	exec(t, evil, `create function {schema}.equal(varchar, text) returns boolean language sql as 'select true'`)
	exec(t, evil, `create operator {schema}.= (leftarg = varchar, rightarg = text, function = {schema}.equal)`)
	exec(t, evil, `create function {schema}.times(numeric, integer) returns numeric language plpgsql as $$ begin raise exception 'run by a stranger'; end $$`)
	exec(t, evil, `create operator {schema}.* (leftarg = numeric, rightarg = integer, function = {schema}.times)`)
	path := func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = `"` + evil + `"` }
	s, store, _ := newScene(t, path)
	sent := s.invite("ann@example.com")
	_, err := s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{Organization: acme, ID: sent.ID})
	require.NoError(t, err)
	_, err = s.svc.Invitations(s.ctx, invitations.User(ada), invitations.InvitationsParams{Organization: acme, State: invitations.StatePending})
	require.NoError(t, err)
	_, err = s.svc.AcceptReceived(s.ctx, acme, sent.ID, person("ann"))
	require.NoError(t, err)
	_, err = s.svc.Statistics(s.ctx, invitations.User(ada), invitations.StatisticsParams{Organization: acme})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(s.ctx))

	varchar := func(name string) pgstore.Column { return pgstore.Column{Name: name, Type: "varchar"} }
	onHosts, err := invitations.New(newHostStore(t, newPool(t, path), `create table {schema}.team (org varchar not null, person varchar not null, role varchar not null, primary key (org, person))`,
		pgstore.MembersTable{Name: "team", Organization: varchar("org"), UserID: varchar("person"), Role: varchar("role")}), keyring(t), invitations.Config{})
	require.NoError(t, err)
	for _, owner := range []string{"one", "two"} {
		_, err = onHosts.CreateOrganization(s.ctx, "of "+owner, owner)
		require.NoError(t, err)
	}
	_, err = onHosts.Authorize(s.ctx, "of one", "two", invitations.PermissionOrganizationManage)
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	list, err := onHosts.Workspaces(s.ctx, invitations.WorkspacesParams{UserID: "two"})
	require.NoError(t, err)
	require.Len(t, list.Organizations, 1)
	members, err := onHosts.Members(s.ctx, invitations.User("one"), invitations.MembersParams{Organization: "of one", Role: invitations.RoleViewer})
	require.NoError(t, err)
	require.Empty(t, members.Items)
	_, err = onHosts.RemoveMember(s.ctx, invitations.System(), "of one", "two")
	require.ErrorIs(t, err, invitations.ErrNotFound)
}

func TestOrganizationsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	err := store.Update(s.ctx, invitations.Query{Organization: acme}, func(invitations.Facts) (invitations.Changes, error) {
		_, err := s.svc.CreateOrganization(s.ctx, "zeta", "eve") // while acme is locked
		return invitations.Changes{RemovedMembers: []string{"nobody"}}, err
	})
	require.NoError(t, err)
}

func TestMissingTablesAreSaid(t *testing.T) {
	t.Parallel()
	store, err := pgstore.NewWithConfig(newPool(t, nil), pgstore.Config{Schema: "not_migrated"})
	require.NoError(t, err)
	_, err = store.View(context.Background(), invitations.Query{Organization: acme})
	require.ErrorContains(t, err, `relation "not_migrated.organizations" does not exist`)
	noDriver(t, err)
}
