package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/storetest"
)

// Each operation runs in a transaction of the host, which must be able to commit even after a
// refusal.
func TestStoreInHostTransaction(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) invitations.Store { return newHostTx(t) })
}

// hostTx is a store that works in transactions of a host's.
type hostTx struct {
	t     *testing.T
	db    *sql.DB
	store *Store
}

func newHostTx(t *testing.T) hostTx {
	t.Helper()
	s := fast
	s.busyTimeout = time.Millisecond // for Sweep and Purge
	store := openStore(t, newFile(t), s)
	return hostTx{t, store.db, store}
}

// in runs f on the store in a transaction and commits it.
func (h hostTx) in(ctx context.Context, opts *sql.TxOptions, f func(*Store) error) error {
	tx, err := h.db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	err = f(h.store.WithTx(tx))
	if ctx.Err() != nil {
		return cmp.Or(err, ctx.Err()) // rolled back, with everything
	}
	if err := tx.Commit(); err != nil {
		h.t.Errorf("the transaction is poisoned: %v", err)
	}
	return err
}

// deferred transactions do not wait for the write lock when they begin.
var deferred = &sql.TxOptions{ReadOnly: true}

func (h hostTx) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return h.in(ctx, nil, func(s *Store) error { return s.Update(ctx, q, decide) })
}

func (h hostTx) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return h.in(ctx, nil, func(s *Store) error { return s.Create(ctx, q, decide) })
}

func (h hostTx) View(ctx context.Context, q invitations.Query) (f invitations.Facts, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		f, err = s.View(ctx, q)
		return err
	})
	return f, err
}

func (h hostTx) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	return h.in(ctx, deferred, func(s *Store) error { return s.Sweep(ctx, at, limit, decide) })
}

func (h hostTx) Consume(
	ctx context.Context, c invitations.Consumption,
) (consumed invitations.Consumed, err error) {
	err = h.in(ctx, nil, func(s *Store) error {
		consumed, err = s.Consume(ctx, c)
		return err
	})
	return consumed, err
}

func (h hostTx) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return h.in(ctx, nil, func(s *Store) error { return s.SetPersonalQuota(ctx, user, q) })
}

func (h hostTx) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (p invitations.Page[invitations.Record], err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		p, err = s.Invitations(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Members(
	ctx context.Context, q invitations.MemberQuery,
) (p invitations.Page[invitations.Membership], err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		p, err = s.Members(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Usage(
	ctx context.Context, q invitations.UsageQuery,
) (shared int64, p invitations.Page[invitations.MemberUsage], err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		shared, p, err = s.Usage(ctx, q)
		return err
	})
	return shared, p, err
}

func (h hostTx) Events(
	ctx context.Context, q invitations.EventQuery,
) (p invitations.Page[invitations.Event], err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		p, err = s.Events(ctx, q)
		return err
	})
	return p, err
}

func (h hostTx) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		personal, memberships, err = s.Workspaces(ctx, q)
		return err
	})
	return personal, memberships, err
}

func (h hostTx) Feed(ctx context.Context, after int64, limit int) (events []invitations.Event, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		events, err = s.Feed(ctx, after, limit)
		return err
	})
	return events, err
}

func (h hostTx) Statistics(
	ctx context.Context, q invitations.StatisticsQuery,
) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		viewer, statistics, err = s.Statistics(ctx, q)
		return err
	})
	return viewer, statistics, err
}

func (h hostTx) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		deleted, err = s.Purge(ctx, q)
		return err
	})
	return deleted, err
}

func (h hostTx) Traces(ctx context.Context, p invitations.Person, limit int) (organizations []string, err error) {
	err = h.in(ctx, deferred, func(s *Store) error {
		organizations, err = s.Traces(ctx, p, limit)
		return err
	})
	return organizations, err
}

// begin begins a transaction of the host, and rolls it back at the end of the test.
func begin(t *testing.T, db *sql.DB, opts *sql.TxOptions) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

func mustExec(t *testing.T, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count1(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The store's changes and the host's are committed together or not at all.
func TestWithTx_TogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `create table profiles (id text primary key)`)
	for _, commit := range []bool{false, true} {
		tx := begin(t, store.db, nil)
		mustExec(t, tx, `insert into profiles values ('ada')`)
		if err := join(t, store.WithTx(tx), "ada", nothing); err != nil {
			t.Fatal(err)
		}
		if got := versionOf(t, store.WithTx(tx)); got != 1 {
			t.Errorf("inside, got version %d, want 1", got)
		}
		if got := versionOf(t, store); got != 0 {
			t.Errorf("before the end, got version %d, want 0", got)
		}
		end, want := tx.Rollback, 0
		if commit {
			end, want = tx.Commit, 1
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got := versionOf(t, store); got != int64(want) {
			t.Errorf("commit %t: got version %d, want %d", commit, got, want)
		}
		if got := count1(t, store.db, `select count(*) from profiles`); got != want {
			t.Errorf("commit %t: got %d profiles, want %d", commit, got, want)
		}
	}
}

// A change that fails half way is taken back as a whole, and a refusal or a panic too. The host can
// commit its own work. The host's trigger fails the second of two members.
func TestWithTx_FailedStepLeavesNothing(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `create table profiles (id text primary key)`)
	mustExec(t, store.db, `create trigger no_bob before insert on invitations_members when new.user_id = 'bob'
		begin select raise(abort, 'bob is secret'); end`)
	tx := begin(t, store.db, nil)
	inside := store.WithTx(tx)
	both := invitations.Changes{Members: []invitations.Member{
		{Organization: "acme", UserID: "ada"}, {Organization: "acme", UserID: "bob"},
	}}
	q := invitations.Query{Organization: "acme"}
	err := inside.Create(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) { return both, nil })
	const want = "invitations: sqlitestore: SQLite error 1811: a constraint of the database"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	refusal := errors.New("refused")
	err = inside.Create(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) { return both, refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("got error %v, want the refusal", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not pass")
			}
		}()
		_ = join(t, inside, "ada", func() { panic("decide") })
	}()
	mustExec(t, tx, `insert into profiles values ('ada')`)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if members := count1(t, store.db, `select count(*) from invitations_members`); members != 0 {
		t.Errorf("got %d members of a failed change", members)
	}
	if got := versionOf(t, store); got != 0 {
		t.Errorf("got version %d of a failed change", got)
	}
	if got := count1(t, store.db, `select count(*) from profiles`); got != 1 {
		t.Error("the host's own work is lost")
	}

	// Without the savepoint, the half would be committed.
	plain := begin(t, store.db, nil)
	if err := apply(t.Context(), plain, "acme", 1, both); err == nil {
		t.Fatal("the trigger did not fail")
	}
	if err := plain.Commit(); err != nil {
		t.Fatal(err)
	}
	if members := count1(t, store.db, `select count(*) from invitations_members`); members != 1 {
		t.Errorf("without a savepoint, got %d members, want the half", members)
	}
}

// In a transaction that was not begun immediate, a change takes the lock before it reads. One that
// has read before can fail, but never decides on old facts.
func TestWithTx_Deferred(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	fresh := begin(t, store.db, deferred)
	if err := join(t, store, "ada", nothing); err != nil {
		t.Fatal(err)
	}
	err := join(t, store.WithTx(fresh), "bob", func() {
		if _, err := store.db.BeginTx(withoutWaiting(t.Context()), nil); !isBusy(err) {
			t.Errorf("the decision is made without the write lock: another transaction got error %v", err)
		}
	})
	if err != nil {
		t.Errorf("a transaction that has not read: %v", err)
	}
	if err := fresh.Commit(); err != nil {
		t.Fatal(err)
	}
	stale := begin(t, store.db, deferred)
	if got := versionOf(t, store.WithTx(stale)); got != 2 {
		t.Errorf("got version %d, want 2", got)
	}
	if err := join(t, store, "cy", nothing); err != nil {
		t.Fatal(err)
	}
	err = join(t, store.WithTx(stale), "dan", func() { t.Error("a decision on old facts") })
	if !errors.Is(err, invitations.ErrConcurrentChange) {
		t.Errorf("got error %v, want ErrConcurrentChange", err)
	}
}
