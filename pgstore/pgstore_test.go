package pgstore_test

import (
	"cmp"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// newPool returns a pool of up to 8 connections, whose configuration configure may change.
func newPool(t *testing.T, configure func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(pgtest.URL(t))
	require.NoError(t, err)
	config.MaxConns = 8
	// No statement may depend on the search path.
	config.ConnConfig.RuntimeParams["search_path"] = "nowhere"
	// A session keeps every table and statement that it has seen. With a schema for each test,
	// long sessions would take gigabytes.
	config.MaxConnLifetime = 5 * time.Second
	if configure != nil {
		configure(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// newStore returns a store in a new schema.
func newStore(t *testing.T, db pgstore.DB) *pgstore.Store {
	t.Helper()
	store, err := pgstore.NewWithConfig(db, pgstore.Config{Schema: pgtest.Schema(t)})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(context.Background()))
	return store
}

// lending returns a function that lends an empty store to a check of t, for its duration. Making a
// store takes longer than most checks.
func lending(t *testing.T, pool *pgxpool.Pool, make func(*testing.T) *pgstore.Store) func(*testing.T) *pgstore.Store {
	var mu sync.Mutex
	var free []*pgstore.Store
	take := func() *pgstore.Store {
		mu.Lock()
		defer mu.Unlock()
		if len(free) == 0 {
			return nil
		}
		store := free[len(free)-1]
		free = free[:len(free)-1]
		return store
	}
	return func(check *testing.T) *pgstore.Store {
		store := take()
		if store == nil {
			store = make(t)
		}
		check.Cleanup(func() {
			if check.Failed() {
				return // its rows may explain the failure
			}
			if _, err := pool.Exec(context.Background(), store.Emptying(), pgx.QueryExecModeSimpleProtocol); err != nil {
				check.Errorf("emptying a store: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			free = append(free, store)
		})
		return store
	}
}

// execModes are all that pgx has.
var execModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement,
	pgx.QueryExecModeCacheDescribe,
	pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec,
	pgx.QueryExecModeSimpleProtocol,
}

// An exec mode can break any statement, so storetest runs in each mode. Races depend on the
// protocol only: those of storetest run in the default mode, which has the extended protocol like
// the three after it, and in the simple protocol. The rules of package behaviour do not depend on
// the mode. They run in the default one, and the other modes have its group Storms only, with calls
// of all kinds.
func TestStore(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(c *pgxpool.Config) {
				c.ConnConfig.DefaultQueryExecMode = mode
				c.MaxConnLifetime = suiteLifetime
			})
			lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return newStore(t, pool) })
			borrow := func(t *testing.T) invitations.Store { return lend(t) }
			switch mode {
			case pgx.QueryExecModeCacheStatement:
				storetest.Run(t, borrow)
				behaviour.Run(t, borrow)
			case pgx.QueryExecModeSimpleProtocol:
				storetest.Run(t, borrow)
				behaviour.Run(t, borrow, "Storms")
			default:
				storetest.Run(t, withoutRaces(borrow, "TestStore/cache_statement"))
				behaviour.Run(t, borrow, "Storms")
			}
		})
	}
}

// withoutRaces returns a newStore for storetest that skips the group Races, and says where the
// races run instead.
func withoutRaces(newStore func(*testing.T) invitations.Store, instead string) func(*testing.T) invitations.Store {
	return func(t *testing.T) invitations.Store {
		if strings.Contains(t.Name(), "/Races/") {
			t.Skip("the races run in " + instead)
		}
		return newStore(t)
	}
}

// suiteLifetime is for pools of suites. A suite works in one schema, so its sessions stay small.
const suiteLifetime = time.Hour

// Each operation runs in a transaction of the host, which must be able to commit even after a
// refusal. This concerns the whole of storetest and, of package behaviour, the simultaneous calls
// of the group Storms. The other rules do not depend on the transaction, and run in TestStore.
func TestStoreInHostTransaction(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(c *pgxpool.Config) { c.MaxConnLifetime = suiteLifetime })
	lend := lending(t, pool, func(t *testing.T) *pgstore.Store { return newStore(t, pool) })
	borrow := func(t *testing.T) invitations.Store { return hostTx{t, pool, lend(t)} }
	storetest.Run(t, borrow)
	behaviour.Run(t, borrow, "Storms")
}

// hostTx is a store that works in transactions of a host's.
type hostTx struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *pgstore.Store
}

// in runs f on the store in a transaction and commits it.
func (h hostTx) in(ctx context.Context, level pgx.TxIsoLevel, f func(*pgstore.Store) error) error {
	tx, err := h.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	err = f(h.store.WithTx(tx))
	if ctx.Err() != nil {
		return cmp.Or(err, ctx.Err()) // rolled back, with everything
	}
	assert.NoError(h.t, tx.Commit(ctx), "the transaction is poisoned")
	return err
}

func (h hostTx) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error { return s.Update(ctx, q, decide) })
}

func (h hostTx) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error { return s.Create(ctx, q, decide) })
}

func (h hostTx) View(ctx context.Context, q invitations.Query) (f invitations.Facts, err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		f, err = s.View(ctx, q)
		return err
	})
	return f, err
}

func (h hostTx) Invitations(ctx context.Context, q invitations.InvitationQuery) (p invitations.Page[invitations.Record], err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		p, err = s.Invitations(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Events(ctx context.Context, q invitations.EventQuery) (p invitations.Page[invitations.Event], err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		p, err = s.Events(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Members(ctx context.Context, q invitations.MemberQuery) (p invitations.Page[invitations.Membership], err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		p, err = s.Members(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		personal, memberships, err = s.Workspaces(ctx, q)
		return err
	})
	return personal, memberships, err
}

func (h hostTx) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	err = h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error {
		consumed, err = s.Consume(ctx, c)
		return err
	})
	return consumed, err
}

func (h hostTx) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error { return s.SetPersonalQuota(ctx, user, q) })
}

func (h hostTx) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error { return s.Sweep(ctx, at, limit, decide) })
}

func (h hostTx) Feed(ctx context.Context, after int64, limit int) (events []invitations.Event, err error) {
	err = h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error {
		events, err = s.Feed(ctx, after, limit)
		return err
	})
	return events, err
}

func (h hostTx) Statistics(ctx context.Context, q invitations.StatisticsQuery) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		viewer, statistics, err = s.Statistics(ctx, q)
		return err
	})
	return viewer, statistics, err
}

func (h hostTx) Usage(ctx context.Context, q invitations.UsageQuery) (shared int64, p invitations.Page[invitations.MemberUsage], err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		shared, p, err = s.Usage(ctx, q)
		return err
	})
	return shared, p, err
}

func (h hostTx) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	err = h.in(ctx, pgx.ReadCommitted, func(s *pgstore.Store) error {
		deleted, err = s.Purge(ctx, q)
		return err
	})
	return deleted, err
}

func (h hostTx) Traces(ctx context.Context, p invitations.Person, limit int) (organizations []string, err error) {
	err = h.in(ctx, pgx.RepeatableRead, func(s *pgstore.Store) error {
		organizations, err = s.Traces(ctx, p, limit)
		return err
	})
	return organizations, err
}
