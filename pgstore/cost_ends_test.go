package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The columns of rows that the tests below insert.
const (
	invitationColumns = `(organization, id, kind, state, email, role, message, metadata, allowed_domains, max_uses, uses,
		created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at, nonce, sent_version, quota_limit,
		quota_period, sweep_at)`
	eventColumns = `(organization, version, ordinal, type, at, actor, subject, invitation_id, role, reason, quota_limit,
		quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains, changed, position)`
)

// A purge reads the rows that go. It does not read those that stay: pending invitations, those that
// ended lately, events that are new or have no position, and deleted organizations that are purged.
func TestCost_OfPurge(t *testing.T) {
	t.Parallel()
	m := newMeter(t, nil)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{})
	_, err := svc.CreateOrganization(context.Background(), acme, ada)
	require.NoError(t, err)
	// put inserts rows whose age counts since an instant.
	put := func(from, to int, since time.Time) {
		m.exec(`insert into {schema}.invitations `+invitationColumns+`
			select 'acme', gen_random_uuid(), 'email', (array['pending', 'pending', 'accepted', 'revoked'])[abs(n) % 4 + 1],
				'p' || n || '@example.com', 'viewer', '', '{}', '{}', 1, 0, 'ada', 'ada', '', $1, $1,
				$1::timestamptz + n * interval '1 second',
				case when abs(n) % 4 > 1 then $1::timestamptz + n * interval '1 second' end,
				'\x00112233445566778899aabbccddeeff', 1, 0, '', case when abs(n) % 4 = 0 then $1::timestamptz end
			from generate_series($2::int, $3::int) n`, since, from, to)
		m.exec(`insert into {schema}.events `+eventColumns+`
			select 'acme', 1000000 + n, 0, 'invitation.created', $1::timestamptz + n * interval '1 second', 'ada', '',
				gen_random_uuid(), 'viewer', '', 0, '', 'p' || n || '@example.com', 1, $1, '', '', '{}', '{}', n
			from generate_series($2::int, $3::int) n`, since, from, to)
	}
	grow := func(from, to int) {
		put(from, to, now)
		m.exec(`update {schema}.events set position = null, at = at - interval '1 year'
			where version between 1000000 + $1 and 1000000 + $2 and version % 4 = 0`, from, to)
		m.exec(`insert into {schema}.organizations (id, version, deleted, purged) select 'gone ' || n, 1, true, true
			from generate_series($1::int, $2::int) n`, from, to)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select 'member of acme ' || n, 'member ' || n, 'viewer', now(), gen_random_uuid(), '', '{}'
			from generate_series($1::int, $2::int) n`, from, to)
		m.exec(`insert into {schema}.closed_usage (organization, user_id, period, period_start, used)
			select 'acme', 'member ' || n, 'day', $3, 1 from generate_series($1::int, $2::int) n`, from, to, now)
		m.exec("vacuum analyze {schema}.organizations, {schema}.invitations, {schema}.events, {schema}.members, {schema}.closed_usage")
	}
	round := 0
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		purge := func(name string, want int) {
			cost[name] = m.blocks(name, func() error {
				n, err := svc.Purge(context.Background(), now.Add(-day), 1000)
				require.Equal(t, want, n, name)
				return err
			})
		}
		for range 8 { // after five calls the server chooses a generic plan; the last call counts
			round++
			put(-8*round, -8*round+7, now.Add(-100*day))
			purge("purge old rows", 16)
			m.exec(`insert into {schema}.organizations (id, version, deleted) values ($1, 1, true)`, fmt.Sprint("team ", round))
			m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
				select $1::text, 'member ' || n, 'viewer', now(), gen_random_uuid(), '', '{}' from generate_series(1, 5) n`,
				fmt.Sprint("team ", round))
			m.exec(`insert into {schema}.closed_usage (organization, user_id, period, period_start, used)
				select $1::text, 'member ' || n, 'day', $2, 1 from generate_series(1, 5) n`, fmt.Sprint("team ", round), now)
			purge("purge a deleted organization", 10)
			purge("purge nothing", 0)
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 50_000)
	compareCosts(t, small, measure)
}

// A purge of a large organization costs as much as that of a small one.
func TestCost_OfPurgeOfALargeOrganization(t *testing.T) {
	t.Parallel()
	m := newMeter(t, nil)
	svc := m.service(nil, invitations.Config{})
	fill := func(organization string, rows int) {
		m.exec(`insert into {schema}.organizations (id, version, deleted) values ($1, 1, true)`, organization)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select $1::text, 'member ' || n, 'viewer', now(), gen_random_uuid(), '', '{}' from generate_series(1, $2::int) n`,
			organization, rows)
		m.exec(`insert into {schema}.closed_usage (organization, user_id, period, period_start, used)
			select $1::text, 'member ' || n, 'day', now(), 1 from generate_series(1, $2::int) n`, organization, rows)
		m.exec("vacuum analyze {schema}.organizations, {schema}.members, {schema}.closed_usage")
	}
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		for range 8 {
			cost["purge"] = m.blocks("purge", func() error {
				n, err := svc.Purge(context.Background(), time.Now().Add(-25*time.Hour), 100)
				require.Equal(t, 100, n)
				return err
			})
		}
		return cost
	}
	fill("small", 500)
	fill("large", 100_000)
	m.exec("update {schema}.organizations set purged = true where id = 'large'")
	small := measure()
	m.exec("update {schema}.organizations set purged = id <> 'large'")
	compareCosts(t, small, measure)
}

// Traces are found by an index for each kind of trace. The traces in an organization are not read:
// eve has many in one organization and few in others.
func TestCost_OfTraces(t *testing.T) {
	t.Parallel()
	m := newMeter(t, nil)
	grow := func(from, to int) {
		m.exec(`insert into {schema}.invitations `+invitationColumns+`
			select case when n % 1000 = 1 then 'team ' || n % 3 else 'acme' end, gen_random_uuid(), 'email', 'accepted',
				case when n % 1000 = 1 then 'eve@example.com' else 'p' || n || '@example.com' end, 'viewer', '', '{}', '{}',
				1, 0, 'eve', (array['eve', 'ada'])[n % 2 + 1], 'eve', now(), now(), now(), now(),
				'\x00112233445566778899aabbccddeeff', 1, 0, '', null
			from generate_series($1::int, $2::int) n`, from, to)
		m.exec(`insert into {schema}.events `+eventColumns+`
			select case when n % 1000 = 1 then 'team ' || n % 5 else 'acme' end, n, 0, 'member.joined', now(), 'eve',
				(array['eve', 'ada', ''])[n % 3 + 1], gen_random_uuid(), 'viewer', '', 0, '', 'eve@example.com', 1, now(), '',
				(array['eve', 'ada', ''])[n % 3 + 1], '{}', '{}', n
			from generate_series($1::int, $2::int) n`, from, to)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select 'acme', 'member ' || n, 'viewer', now(), gen_random_uuid(), 'eve', '{}'
			from generate_series($1::int, $2::int) n`, from, to)
		m.exec("vacuum analyze {schema}.invitations, {schema}.events, {schema}.members")
	}
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		for range 8 {
			for name, p := range map[string]invitations.Person{
				"traces of eve":        {UserID: "eve"},
				"traces of nobody":     {UserID: "nobody"},
				"traces of an address": {Email: "eve@example.com"},
				"traces of no address": {Email: "nobody@example.com"},
			} {
				for _, limit := range []int{1, 10} {
					name := fmt.Sprint(name, ", up to ", limit)
					cost[name] = m.blocks(name, func() error {
						_, err := m.store.Traces(context.Background(), p, limit)
						return err
					})
				}
			}
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 50_000)
	compareCosts(t, small, measure)
}

// The usage of a closed period reads a page, and those of its users whose quota is still in it.
func TestCost_OfUsage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, nil)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{})
	_, err := svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	for _, user := range []string{"", ada} {
		require.NoError(t, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: inAcme, UserID: user, Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodDay},
		}))
	}
	grow := func(from, to int) {
		// Half of the users had the same amount, and all of them have used their quota since.
		m.exec(`insert into {schema}.closed_usage (organization, user_id, period, period_start, used)
			select 'acme', 'member ' || n, 'day', $1::timestamptz - interval '1 day' * d, case when n % 2 = 0 then 7 else n end
			from generate_series($2::int, $3::int) n cross join generate_series(50, 52) d`, now, from, to)
		m.exec(`insert into {schema}.quotas (organization, user_id, quota_limit, period, version, period_start, used)
			select 'acme', 'member ' || n, -1, 'day', 1, $1::timestamptz - interval '10 days', 1
			from generate_series($2::int, $3::int) n`, now, from, to)
		m.exec("vacuum analyze {schema}.closed_usage, {schema}.quotas")
	}
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		for range 8 {
			now = now.Add(day)
			use := func(name string) {
				cost[name] = m.blocks(name, func() error { _, err := svc.Consume(ctx, inAcme, ada, 1); return err })
			}
			use("consume in a new period")
			use("consume")
			p := invitations.UsageParams{
				Organization: acme, Period: invitations.PeriodDay, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(-51 * day),
			}
			// The second cursor stands among the users with the same amount.
			for name, cursor := range map[string]invitations.MemberUsage{
				"first page": {}, "in the middle": {UserID: "member 5", Used: 500}, "in a tie": {UserID: "member 1", Used: 7},
			} {
				q := invitations.UsageQuery{
					Organization: acme, Viewer: ada, Period: p.Period, PeriodStart: p.At, Limit: 50,
				}
				if cursor.UserID != "" {
					q.After = &cursor
				}
				cost["closed usage, "+name] = m.blocks(name, func() error {
					_, page, err := m.store.Usage(ctx, q)
					require.NotEmpty(t, page.Items)
					return err
				})
			}
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 50_000)
	compareCosts(t, small, measure)
}
