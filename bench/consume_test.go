package bench_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// BenchmarkConsume runs Service.Consume on pgstore and the update that a host would write by
// hand in turn. It reports the median of the ratios of their throughputs (ratio), and the
// throughput of all clients in relation to that of one client (times-one).
//
// shared: all clients use the shared quota of one organization. own: each client uses its own
// quota, and the organization has none. apart: each client uses the shared quota of another
// organization.
func BenchmarkConsume(b *testing.B) {
	for _, quotas := range []string{"shared", "own", "apart"} {
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/clients=%d", quotas, clients), func(b *testing.B) {
				benchmarkConsume(b, quotas, clients)
			})
		}
	}
}

// A consumer consumes 1 as the client's user.
type consumer func(ctx context.Context, client int) error

func benchmarkConsume(b *testing.B, quotas string, clients int) {
	const rounds, each = 16, 50
	w := newWorld(b, clients, nil)
	svc := w.service(b, invitations.Config{})
	name := func(client int) (organization, user, quotaOf string) {
		switch quotas {
		case "own":
			user = fmt.Sprintf("user %d", client)
			return "acme", user, user
		case "apart":
			return fmt.Sprintf("organization %d", client), "bob", ""
		}
		return "acme", "bob", ""
	}
	for client := range clients {
		organization, user, quotaOf := name(client)
		w.exec(b, `insert into `+w.in+`.organizations (id, version) values ($1, 1) on conflict do nothing`, organization)
		w.exec(b, `insert into `+w.in+`.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			values ($1, $2, 'developer', now(), '00000000-0000-0000-0000-000000000000', '', '{}') on conflict do nothing`, organization, user)
		w.exec(b, `insert into `+w.in+`.quotas (organization, user_id, quota_limit, period, version)
			values ($1, $2, 1000000000, 'endless', 1) on conflict do nothing`, organization, quotaOf)
	}
	service := func(ctx context.Context, client int) error {
		organization, user, _ := name(client)
		_, err := svc.Consume(ctx, invitations.InOrganization(organization), user, 1)
		return err
	}
	byHand := func(ctx context.Context, client int) error {
		organization, user, quotaOf := name(client)
		var left int64
		err := w.pool.QueryRow(ctx, `update `+w.in+`.quotas q set used = q.used + $1::bigint
			where q.organization = $2::text and q.user_id = $3::text and q.used + $1::bigint <= q.quota_limit
			and exists (select from `+w.in+`.members m where m.organization = $2::text and m.user_id = $4::text and m.role in ('owner', 'admin', 'developer'))
			returning q.quota_limit - q.used`, 1, organization, quotaOf, user).Scan(&left)
		if errors.Is(err, pgx.ErrNoRows) {
			return errRefused
		}
		return err
	}
	run := func(consume consumer, clients int) float64 {
		errs := make([]error, clients)
		var all sync.WaitGroup
		began := time.Now()
		for client := range clients {
			all.Go(func() {
				for range each {
					errs[client] = errors.Join(errs[client], consume(context.Background(), client))
				}
			})
		}
		all.Wait()
		took := time.Since(began)
		require.NoError(b, errors.Join(errs...))
		return float64(each*clients) / took.Seconds()
	}
	for range 2 { // to make connections and prepare statements
		run(service, clients)
		run(byHand, clients)
	}
	var ratios, scaling []float64
	for b.Loop() {
		for round := range rounds {
			var s, h float64
			if round%2 == 0 {
				s, h = run(service, clients), run(byHand, clients)
			} else {
				h, s = run(byHand, clients), run(service, clients)
			}
			ratios, scaling = append(ratios, s/h), append(scaling, s/run(service, 1))
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together, which has no meaning
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(scaling), "times-one")
}
