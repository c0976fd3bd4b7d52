package bench_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/memstore"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/sqlitestore"
)

// A storeBench is a service on one of the stores.
type storeBench struct {
	name   string
	svc    *invitations.Service
	number int
	sent   []invitations.SentInvitation
	spent  time.Duration
}

// migrated is a store with tables.
type migrated interface {
	invitations.Store
	Migrate(ctx context.Context) error
}

// newStoreBenches returns a service on each store. The first is the one that the others are
// compared with.
func newStoreBenches(b *testing.B) []*storeBench {
	url := pgtest.URL(b)
	pool, err := pgxpool.New(b.Context(), url)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	connector, err := pq.NewConnector(url)
	require.NoError(b, err)
	onPgx, onPq := stdlib.OpenDBFromPool(pool), sql.OpenDB(connector)
	b.Cleanup(func() { _, _ = onPgx.Close(), onPq.Close() })
	file, err := sqlitestore.Open(filepath.Join(b.TempDir(), "invitations.db"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = file.Close() })

	var all []*storeBench
	add := func(name string, store invitations.Store) {
		if m, ok := store.(migrated); ok {
			require.NoError(b, m.Migrate(b.Context()))
		}
		keys, err := invitations.NewKeyring(secret)
		require.NoError(b, err)
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		one := &storeBench{name: name}
		one.svc, err = invitations.New(store, keys, invitations.Config{
			PendingLimit: 100_000, SendsPerSender: -1, SendsPerOrganization: 100,
			Clock: func() time.Time { return now.Add(time.Duration(one.number) * 20 * time.Minute) },
		})
		require.NoError(b, err)
		_, err = one.svc.CreateOrganization(b.Context(), "acme", "ada")
		require.NoError(b, err)
		require.NoError(b, one.svc.SetQuota(b.Context(), invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization("acme"), Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodMonth},
		}))
		all = append(all, one)
	}
	onPostgres := func(make func(pgstore.Config) (*pgstore.Store, error)) *pgstore.Store {
		store, err := make(pgstore.Config{Schema: pgtest.Schema(b)})
		require.NoError(b, err)
		return store
	}
	add("pgx", onPostgres(func(c pgstore.Config) (*pgstore.Store, error) { return pgstore.NewWithConfig(pool, c) }))
	add("sql-pgx", onPostgres(func(c pgstore.Config) (*pgstore.Store, error) { return pgstore.NewSQL(onPgx, c) }))
	add("sql-pq", onPostgres(func(c pgstore.Config) (*pgstore.Store, error) { return pgstore.NewSQL(onPq, c) }))
	add("sqlite", sqlitestore.New(file))
	add("memory", memstore.New())
	return all
}

// storeOperations are the operations that are compared.
var storeOperations = []struct {
	name string
	run  func(ctx context.Context, s *storeBench) error
}{
	{"Invite", func(ctx context.Context, s *storeBench) error {
		sent, err := s.svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
			Organization: "acme", Email: fmt.Sprintf("user%d@example.com", s.number), Role: "developer",
		})
		s.sent = append(s.sent, sent)
		return err
	}},
	{"Accept", func(ctx context.Context, s *storeBench) error {
		sent := s.sent[0]
		s.sent = s.sent[1:]
		_, err := s.svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{
			UserID: sent.Email, Email: sent.Email, EmailVerified: true,
		})
		return err
	}},
	{"List", func(ctx context.Context, s *storeBench) error {
		_, err := s.svc.Invitations(ctx, invitations.User("ada"), invitations.InvitationsParams{Organization: "acme"})
		return err
	}},
	{"Consume", func(ctx context.Context, s *storeBench) error {
		_, err := s.svc.Consume(ctx, invitations.InOrganization("acme"), "ada", 1)
		return err
	}},
}

// BenchmarkStores runs each operation on all stores in turn. The results are times that a store
// takes, in units of the time that pgstore takes through pgx.
func BenchmarkStores(b *testing.B) {
	stores := newStoreBenches(b)
	for _, op := range storeOperations {
		b.Run(op.name, func(b *testing.B) {
			for _, s := range stores {
				s.spent = 0
			}
			const each = 20
			for b.Loop() {
				for _, s := range stores {
					if op.name == "Accept" { // which needs invitations
						s.sent = nil
						for range each {
							s.number++
							require.NoError(b, storeOperations[0].run(b.Context(), s))
						}
					}
					began := time.Now()
					for range each {
						s.number++
						require.NoError(b, op.run(b.Context(), s))
					}
					s.spent += time.Since(began)
				}
			}
			b.ReportMetric(0, "ns/op") // of all stores together, which has no meaning
			for _, s := range stores[1:] {
				b.ReportMetric(float64(s.spent)/float64(stores[0].spent), s.name+"/pgx")
			}
		})
	}
}
