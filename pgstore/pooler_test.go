package pgstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

// newPooler starts a pooler and returns a function that makes a pool use it. The pool has several
// clients for each server connection of the pooler.
func newPooler(t *testing.T, mode pgx.QueryExecMode, maxPreparedStatements int) func(*pgxpool.Config) {
	t.Helper()
	url := pgtest.Pooler(t, maxPreparedStatements)
	if url == "" {
		t.Skipf("NOT TESTED: %v needs PgBouncer 1.21 or later, and this one is older", mode)
	}
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	config.DefaultQueryExecMode = mode
	return func(c *pgxpool.Config) {
		c.ConnConfig = config.Copy() // the pooler refuses a session that begins with a search_path
		c.MaxConns = 4 * pgtest.PoolerServers
	}
}

// All modes have the story, which has what differs behind a pooler. One mode also has the whole of
// storetest and, of package behaviour, the simultaneous calls of the group Storms. The other rules
// do not depend on the connection, and run in TestStore.
func TestPooler_EveryExecMode(t *testing.T) {
	t.Parallel()
	for _, setup := range []struct {
		mode                  pgx.QueryExecMode
		maxPreparedStatements int
		suites                bool
	}{
		{pgx.QueryExecModeExec, 0, true},
		{pgx.QueryExecModeSimpleProtocol, 0, false},
		{pgx.QueryExecModeCacheDescribe, 0, false},
		{pgx.QueryExecModeCacheStatement, 10, false}, // fewer than the store prepares, so the pooler must drop some
	} {
		t.Run(setup.mode.String(), func(t *testing.T) {
			t.Parallel()
			configure := newPooler(t, setup.mode, setup.maxPreparedStatements)
			s, store, _ := newScene(t, configure)
			sessionsShareServers(s)
			manyMigrate(s)
			storyBehindPooler(s, store)
			if setup.suites {
				lend := lending(t, s.pool, func(t *testing.T) *pgstore.Store { return newStore(t, s.pool) })
				borrow := func(t *testing.T) invitations.Store { return lend(t) }
				storetest.Run(t, borrow)
				behaviour.Run(t, borrow, "Storms")
			}
		})
	}
}

// sessionsShareServers checks that the sessions of the clients share sessions of the server. This
// is the danger of a pooler.
func sessionsShareServers(s *scene) {
	s.Helper()
	servers := map[uint32]bool{}
	for range s.pool.Config().MaxConns {
		conn, err := s.pool.Acquire(s.ctx)
		require.NoError(s, err)
		defer conn.Release()
		var pid uint32
		require.NoError(s, conn.QueryRow(s.ctx, "select pg_backend_pid()").Scan(&pid))
		servers[pid] = true
	}
	require.LessOrEqual(s, len(servers), pgtest.PoolerServers)
}

// manyMigrate migrates from as many processes at once as the pooler has clients.
func manyMigrate(s *scene) {
	s.Helper()
	store := storeOn(s.T, s.pool, pgtest.Schema(s))
	// A lock that stayed with a session of the server would never be released.
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	require.Equal(s, crowdSize, crowd(s, crowdSize, nil, func(int) error { return store.Migrate(ctx) }))
	_, err := s.svc.WithStore(store).CreateOrganization(s.ctx, acme, ada)
	require.NoError(s, err)
}

// storyBehindPooler makes each kind of query, refusals, races and a transaction of the host.
func storyBehindPooler(s *scene, store *pgstore.Store) {
	s.Helper()
	user := invitations.User(ada)

	// Only one of many accepts an email invitation, and its first token is dead.
	old := s.invite("ann@example.com")
	sent, err := s.svc.Resend(s.ctx, user, invitations.ResendParams{Organization: acme, ID: old.ID})
	require.NoError(s, err)
	_, err = s.svc.Lookup(s.ctx, old.Token.Reveal())
	require.ErrorIs(s, err, invitations.ErrInvalidToken)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("joe"))
	require.ErrorIs(s, err, invitations.ErrRecipientMismatch)
	require.Equal(s, 1, crowd(s, crowdSize, invitations.ErrAccepted, func(i int) error {
		ann := person("ann")
		ann.UserID = fmt.Sprintf("ann %d", i)
		_, err := s.svc.Accept(s.ctx, sent.Token.Reveal(), ann)
		return err
	}))

	// A link admits no more than its limit.
	link, err := s.svc.CreateLink(s.ctx, user, invitations.CreateLinkParams{
		Organization: acme, Role: "viewer", MaxUses: 5,
	})
	require.NoError(s, err)
	require.Equal(s, 5, crowd(s, crowdSize, invitations.ErrExhausted, func(i int) error {
		_, err := s.svc.Accept(s.ctx, link.Token.Reveal(), invitations.Identity{UserID: fmt.Sprintf("joe %d", i)})
		return err
	}))
	got, err := s.svc.Invitation(s.ctx, user, acme, link.ID)
	require.NoError(s, err)
	require.Equal(s, 5, got.Uses)

	// The pending limit holds.
	require.Equal(s, 10, crowd(s, crowdSize, invitations.ErrPendingLimit, func(i int) error {
		_, err := s.svc.Invite(s.ctx, user, invitations.InviteParams{
			Organization: acme, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer",
			Metadata: map[string]string{"team": "blue"},
		})
		return err
	}))
	pending := listed(s, invitations.InvitationsParams{Organization: acme, States: []invitations.State{invitations.StatePending}, Limit: 3})
	require.Len(s, pending, 10)
	require.ElementsMatch(s, []uuid.UUID{sent.ID, link.ID}, listed(s, invitations.InvitationsParams{
		Organization: acme, States: []invitations.State{invitations.StateAccepted},
	}))

	// A transaction of the host is committed as a whole or not at all, and a refusal leaves it
	// usable.
	inside := func(end error) error {
		return pgx.BeginFunc(s.ctx, s.pool, func(tx pgx.Tx) error {
			svc := s.svc.WithStore(store.WithTx(tx))
			_, err := svc.Accept(s.ctx, link.Token.Reveal(), person("eve"))
			require.ErrorIs(s, err, invitations.ErrExhausted)
			for _, id := range pending[:2] {
				_, err = svc.Revoke(s.ctx, user, acme, id)
				require.NoError(s, err)
			}
			return end
		})
	}
	require.ErrorIs(s, inside(pgx.ErrNoRows), pgx.ErrNoRows)
	require.Empty(s, listed(s, invitations.InvitationsParams{Organization: acme, States: []invitations.State{invitations.StateRevoked}}))
	require.NoError(s, inside(nil))
	require.ElementsMatch(s, pending[:2], listed(s, invitations.InvitationsParams{
		Organization: acme, States: []invitations.State{invitations.StateRevoked},
	}))

	events, err := store.Events(s.ctx, invitations.EventQuery{Organization: acme, Limit: 1000})
	require.NoError(s, err)
	joined := map[uuid.UUID]int{}
	for _, e := range events.Items {
		if e.Type == invitations.EventMemberJoined {
			joined[e.InvitationID]++
		}
	}
	require.Equal(s, map[uuid.UUID]int{sent.ID: 1, link.ID: 5, uuid.Nil: 1}, joined)
}

// crowd starts n calls of f at the same instant and returns how many succeed. The others must
// return want; if want is nil, all must succeed.
func crowd(s *scene, n int, want error, f func(i int) error) (successes int) {
	s.Helper()
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	barrier := make(chan struct{})
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-barrier
			errs[i] = f(i)
		})
	}
	ready.Wait()
	close(barrier)
	done.Wait()
	for _, err := range errs {
		if err == nil {
			successes++
			continue
		}
		require.ErrorIs(s, err, want)
	}
	return successes
}

const crowdSize = 16

// listed returns the IDs of a whole list, read page by page.
func listed(s *scene, p invitations.InvitationsParams) (ids []uuid.UUID) {
	s.Helper()
	for {
		page, err := s.svc.Invitations(s.ctx, invitations.User(ada), p)
		require.NoError(s, err)
		for _, inv := range page.Items {
			ids = append(ids, inv.ID)
		}
		if p.Cursor = page.NextCursor; p.Cursor == "" {
			return ids
		}
	}
}

// The sessions of the server end, while the sessions of the clients last.
func TestPooler_LosesItsServers(t *testing.T) {
	t.Parallel()
	configure := newPooler(t, pgx.QueryExecModeExec, 0)
	name := pgtest.Schema(t) // a name that only this test has
	s, store, _ := newScene(t, func(c *pgxpool.Config) {
		configure(c)
		c.ConnConfig.RuntimeParams["application_name"] = name // the pooler passes it to the server
	})
	sent := s.invite("ann@example.com")

	// Between transactions, no client notices.
	exec(t, name, `do $$ begin
		assert (select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
			where application_name = '`+name+`') > 0;
	end $$`)
	_, err := s.svc.Lookup(s.ctx, sent.Token.Reveal())
	require.NoError(t, err)

	// Between the two trips of a change.
	tries := 0
	err = store.Update(s.ctx, invitations.Query{Organization: acme}, func(invitations.Facts) (invitations.Changes, error) {
		tries++
		exec(t, store.Schema(), `select pg_terminate_backend(l.pid, 10000) from pg_locks l
			where l.relation = '{schema}.organizations'::regclass and l.mode = 'RowExclusiveLock'`)
		return invitations.Changes{RemovedMembers: []string{ada}}, nil
	})
	require.ErrorIs(t, err, invitations.ErrOutcomeUnknown)
	noDriver(t, err)
	require.Equal(t, 1, tries)
	_, err = s.svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
}
