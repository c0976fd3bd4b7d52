package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

func TestChange_LostCommitAnswer_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			sent := s.invite("ann@example.com")

			w.loseAnswer.Store(true)
			_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			require.ErrorContains(t, err, ": connection lost")
			noDriver(t, err)
			require.False(t, w.loseAnswer.Load(), "the answer was not lost")
			member, err := s.svc.Member(s.ctx, acme, "ann")
			require.NoError(t, err, "the server had committed")
			again, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.NoError(t, err, "repeating the call converges")
			require.Equal(t, invitations.Joined{Member: member, Repeated: true}, again)

			// A creation converges by its ID.
			p := invitations.CreateLinkParams{Organization: acme, Role: "viewer", ID: sent.ID}
			p.ID[15]++
			w.loseAnswer.Store(true)
			_, err = s.svc.CreateLink(s.ctx, invitations.User(ada), p)
			require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
			link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), p)
			require.NoError(t, err)
			page, err := s.svc.Invitations(s.ctx, invitations.User(ada), invitations.InvitationsParams{
				Organization: acme, Kind: invitations.KindLink,
			})
			require.NoError(t, err)
			require.Equal(t, []invitations.Invitation{link.Invitation}, page.Items)
		})
	}
}

// A connection that is lost in the first trip of a change, or in a read, is replaced in every exec mode.
func TestChange_LostFirstTripIsRepeated(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			s, store, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			sent := s.invite("ann@example.com")
			lose := func() { w.loseBegin.Store(true) }
			lost := func() { require.False(t, w.loseBegin.Load(), "no connection was lost") }

			lose()
			_, err := s.svc.Lookup(s.ctx, sent.Token.Reveal())
			require.NoError(t, err)
			lost()
			lose()
			_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
			require.NoError(t, err)
			lost()

			// A single connection cannot be replaced. A consumption commits in its only trip.
			config, err := pgx.ParseConfig(pgtest.URL(t))
			require.NoError(t, err)
			config.DefaultQueryExecMode, config.DialFunc = mode, s.pool.Config().ConnConfig.DialFunc
			for want, call := range map[string]func(*invitations.Service) error{
				"reading: connection lost":  func(svc *invitations.Service) error { _, err := svc.Lookup(s.ctx, sent.Token.Reveal()); return err },
				"updating: connection lost": func(svc *invitations.Service) error { _, err := svc.Leave(s.ctx, acme, "ann"); return err },
				"consuming: " + invitations.ErrOutcomeUnknown.Error() + ": connection lost": func(svc *invitations.Service) error {
					_, err := svc.Consume(s.ctx, invitations.InOrganization(acme), "ann", 1)
					return err
				},
			} {
				conn, err := pgx.ConnectConfig(s.ctx, config)
				require.NoError(t, err)
				lose()
				err = call(s.svc.WithStore(store.On(conn)))
				require.ErrorContains(t, err, want)
				noDriver(t, err)
				lost()
				_ = conn.Close(s.ctx)
			}
		})
	}
}

func TestChange_LostCommit_OutcomeUnknown(t *testing.T) {
	t.Parallel()
	s, _, w := newScene(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec })
	sent := s.invite("ann@example.com")
	w.loseCommit.Store(true)
	_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown, "the client cannot know that nothing was committed")
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.ErrorIs(t, err, invitations.ErrNotFound)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
}

func TestChange_TransientErrorsAreRepeated(t *testing.T) {
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
		require.Equal(t, invitations.StatePending, page.Items[0].State, "nothing must have changed")
	})
}

func TestChange_OtherErrorsAreNotRepeatedOrQuoted(t *testing.T) {
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

// failing makes the next n insertions of members fail with a SQLSTATE. tried returns how many
// insertions were tried. A sequence counts them, because a rollback does not reset it.
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
	exec(t, store.Schema(), `create trigger fail before insert on {schema}.members
		for each row execute function {schema}.fail()`)
	return func() (tried int) {
		conn, err := pgx.Connect(context.Background(), pgtest.URL(t))
		require.NoError(t, err)
		defer conn.Close(context.Background())
		count := conn.QueryRow(context.Background(), pgstore.SQL(store.Schema(), `select last_value + 1 from {schema}.tries`))
		require.NoError(t, count.Scan(&tried))
		return tried
	}
}

func TestChange_TerminatedBackendsAreReplaced(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, func(c *pgxpool.Config) { c.MaxConns = 2 })
	sent := s.invite("ann@example.com")
	name := store.Schema()
	_, err := s.pool.Exec(s.ctx, "select set_config('application_name', $1, false)", name)
	require.NoError(t, err)
	exec(t, name, `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = '`+name+`'`)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)

	// The decision terminates the backend, which is between the two trips.
	tries := 0
	err = store.Update(s.ctx, invitations.Query{Organization: acme}, func(f invitations.Facts) (invitations.Changes, error) {
		tries++
		if tries == 1 {
			exec(t, name, `select pg_terminate_backend(l.pid, 10000) from pg_locks l
				where l.relation = '{schema}.organizations'::regclass and l.mode = 'RowExclusiveLock'`)
		}
		return invitations.Changes{RemovedMembers: []string{"ann"}}, nil
	})
	// The commit was sent into a dead connection. Only the server knows that it did not happen.
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.NoError(t, err)
}

func TestChange_ReadOnlyServerLosesItsConnections(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	pool := newPool(t, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	})
	there, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: store.Schema()})
	require.NoError(t, err)
	_, err = s.svc.WithStore(there).CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer",
	})
	require.ErrorContains(t, err, "25006")
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	require.EqualValues(t, 5, pool.Stat().NewConnsCount(), "each attempt must have a new connection, maybe to the new primary")
	require.EqualValues(t, 0, pool.Stat().IdleConns())
}

func TestView_NamesTheMissingTable(t *testing.T) {
	t.Parallel()
	store, err := pgstore.NewWithConfig(newPool(t, nil), pgstore.Config{Schema: "not_migrated"})
	require.NoError(t, err)
	_, err = store.View(context.Background(), invitations.Query{Organization: acme})
	require.ErrorContains(t, err, `relation "not_migrated.organizations" does not exist`)
	noDriver(t, err)
}

// The host's table of members refers to its table of users.
func TestConstraintError_ForeignKeyOfTheHost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, nil)
	store := newHostStore(t, pool, `
		create table {schema}.users (id text primary key);
		insert into {schema}.users values ('ada');
		create table {schema}.seats (
			org text not null, person text not null constraint seats_person references {schema}.users,
			role text not null constraint seats_role check (role <> 'billing'), primary key (org, person))`,
		pgstore.MembersTable{
			Name: "seats", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
		})
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	accept := func(svc *invitations.Service, role invitations.Role, user string) error {
		link, err := svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: role})
		require.NoError(t, err)
		_, err = svc.Accept(ctx, link.Token.Reveal(), person(user))
		return err
	}
	hostSchema, _, _ := strings.Cut(strings.Trim(store.HostTable(), `"`), `"`)
	check := func(err error, want pgstore.ConstraintError, text string) {
		t.Helper()
		want.Schema, want.Table = hostSchema, "seats"
		var violated *pgstore.ConstraintError
		require.ErrorAs(t, err, &violated)
		require.Equal(t, want, *violated)
		require.ErrorContains(t, err, text+" of table "+hostSchema+".seats")
		require.NotContains(t, err.Error(), "stranger")
		noDriver(t, err)
	}

	foreignKey := pgstore.ConstraintError{Code: "23503", Constraint: "seats_person"}
	check(accept(svc, "viewer", "stranger"), foreignKey, "SQLSTATE 23503: constraint seats_person")
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	check(accept(svc.WithStore(store.WithTx(tx)), "viewer", "stranger"), foreignKey, "SQLSTATE 23503: constraint seats_person")
	require.NoError(t, tx.Rollback(ctx))

	exec(t, hostSchema, `insert into {schema}.users values ('stranger')`)
	check(accept(svc, "billing", "stranger"), pgstore.ConstraintError{Code: "23514", Constraint: "seats_role"}, "constraint seats_role")
	exec(t, hostSchema, `alter table {schema}.seats add plan text; update {schema}.seats set plan = ''; alter table {schema}.seats alter plan set not null`)
	check(accept(svc, "viewer", "stranger"), pgstore.ConstraintError{Code: "23502", Column: "plan"}, "SQLSTATE 23502: column plan")
	exec(t, hostSchema, `alter table {schema}.seats drop plan`)
	require.NoError(t, accept(svc, "viewer", "stranger"))
}

// A deferred constraint is checked by the commit.
func TestConstraintError_DeferredForeignKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newHostStore(t, newPool(t, nil), `
		create table {schema}.users (id text primary key);
		create table {schema}.seats (
			org text not null, person text not null constraint seats_person references {schema}.users deferrable initially deferred,
			role text not null, primary key (org, person))`,
		pgstore.MembersTable{
			Name: "seats", Organization: pgstore.Column{Name: "org"}, UserID: pgstore.Column{Name: "person"}, Role: pgstore.Column{Name: "role"},
		})
	svc, err := invitations.New(store, keyring(t), invitations.Config{})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	var violated *pgstore.ConstraintError
	require.ErrorAs(t, err, &violated)
	require.Equal(t, "seats_person", violated.Constraint)
	require.NotErrorIs(t, err, invitations.ErrOutcomeUnknown)
	noDriver(t, err)
}

// lib/pq leaves the severity in the language of the server.
func TestIsFatal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  pgconn.PgError
		want bool
	}{
		{pgconn.PgError{Code: "57P01", Severity: "ВАЖНО"}, true},
		{pgconn.PgError{Code: "57014", Severity: "ОШИБКА"}, false},
		{pgconn.PgError{Code: "XX000", Severity: "ВАЖНО", SeverityUnlocalized: "FATAL"}, true},
		{pgconn.PgError{Code: "XX000", Severity: "PANIC"}, true},
		{pgconn.PgError{Code: "23505", Severity: "ERROR"}, false},
	} {
		require.Equal(t, c.want, pgstore.IsFatal(&c.err), c.err.Code)
	}
}
