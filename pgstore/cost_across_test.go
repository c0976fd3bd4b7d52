package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The cost of an operation on all organizations must not grow with their number: of the memberships
// of a user, of those with due invitations, and of those with events that are not in the feed yet.
func TestCost_AcrossOrganizations(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, nil)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{})
	grow := func(from, to int) {
		m.exec(`insert into {schema}.organizations (id, version) select 'team ' || n, 1 from generate_series($1::int, $2::int) n`, from, to)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select 'team ' || n, u, 'viewer', now(), gen_random_uuid(), '', '{}'
			from generate_series($1::int, $2::int) n, lateral (values ('ada'), ('member ' || n)) as u (u)`, from, to)
		m.exec(`insert into {schema}.quotas (organization, user_id, quota_limit, period, version)
			select 'team ' || n, u, 10, 'day', 1
			from generate_series($1::int, $2::int) n, lateral (values (''), ('ada'), ('member ' || n)) as u (u)`, from, to)
		m.exec(`insert into {schema}.invitations `+invitationColumns+`
			select 'team ' || n, gen_random_uuid(), 'email', 'pending', 'p' || n || '@example.com', 'viewer', '', '{}', '{}',
				1, 0, 'ada', 'ada', '', at, at, at, null, '\x00112233445566778899aabbccddeeff', 1, 0, '', at
			from generate_series($2::int, $3::int) n, lateral (values ($1::timestamptz - n * interval '1 second')) as a (at)`,
			now.Add(-time.Hour), from, to)
		m.exec(`insert into {schema}.events `+eventColumns+`
			select 'team ' || n, 100 + i, 0, 'invitation.created', $1, 'ada', '', gen_random_uuid(), 'viewer', '', 0, '',
				'p' || n || '@example.com', 1, $1, '', '', '{}', '{}', null
			from generate_series($2::int, $3::int) n, generate_series(1, 10) i`, now, from, to)
		m.exec("vacuum analyze {schema}.organizations, {schema}.members, {schema}.quotas, {schema}.invitations, {schema}.events")
	}
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		for range 8 { // after five calls the server chooses a generic plan; the last call counts
			op := func(name string, f func() error) { cost[name] = m.blocks(name, f) }
			op("workspaces", func() error {
				page, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada, Limit: 10})
				if err != nil {
					return err
				}
				require.Len(t, page.Organizations, 10)
				_, err = svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada, Limit: 10, Cursor: page.NextCursor})
				return err
			})
			op("feed", func() error { // gives a thousand events their positions
				_, err := svc.Feed(ctx, 0, 10)
				return err
			})
			op("sweep", func() error {
				swept, err := svc.Sweep(ctx, 10)
				if err == nil {
					require.Len(t, swept.Expired, 10)
				}
				return err
			})
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 20_000)
	compareCosts(t, small, measure)
}
