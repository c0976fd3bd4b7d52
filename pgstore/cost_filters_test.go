package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// genericPlans makes the server plan a statement for all arguments, from its first call on.
func genericPlans(c *pgxpool.Config) {
	c.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
}

// A page by several filters reads as much of twenty thousand invitations as of a thousand. Two
// thousand of them are pending. Many pairs of filters exclude each other: no link was revoked, no
// developer accepted, and nobody declined. The statistics are fresh, or date from a moment at which
// all invitations were accepted ones by email.
func TestCost_OfFilters(t *testing.T) {
	t.Parallel()
	t.Run("planned for all arguments", func(t *testing.T) {
		t.Parallel()
		costOfFilters(t, newMeter(t, genericPlans), false)
	})
	t.Run("planned for each call", func(t *testing.T) {
		t.Parallel()
		costOfFilters(t, newMeter(t, nil), false)
	})
	t.Run("statistics are old", func(t *testing.T) {
		t.Parallel()
		costOfFilters(t, newMeter(t, genericPlans), true)
	})
}

func costOfFilters(t *testing.T, m *meter, stale bool) {
	t.Helper()
	ctx := context.Background()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	m.exec("insert into {schema}.organizations (id, version) values ('acme', 1)")
	put := func(from, to int, kind, state string) {
		m.exec(`insert into {schema}.invitations `+invitationColumns+`
			select 'acme', gen_random_uuid(), case when state = 'revoked' then 'email' else kind end, state,
				case when state = 'revoked' or kind = 'email' then 'p' || n || '@example.com' else '' end,
				case when state <> 'accepted' and n % 2 = 0 then 'developer' else 'viewer' end, '', '{}', '{}', 1, 0, 'ada',
				case when state = 'pending' then 'user ' || n % 3 else 'ada' end, '', at, at,
				case when n % 10 = 0 then $1::timestamptz + interval '1 day' else $1::timestamptz - interval '1 day' end,
				case when state <> 'pending' then $1::timestamptz end, '\x00112233445566778899aabbccddeeff', 1, 0, '', null
			from (select n, `+state+` as state, `+kind+` as kind, $1::timestamptz - n * interval '1 minute' as at
				from generate_series($2::int, $3::int) n) n`, now, from, to)
	}
	vary := func(from, to int) {
		put(from, to, "case when n % 4 = 1 then 'link' else 'email' end",
			"case when n % 10 = 0 then 'pending' else (array['pending', 'accepted', 'revoked'])[n % 3 + 1] end")
	}
	m.exec("alter table {schema}.invitations set (autovacuum_enabled = false)")
	if stale {
		put(100_001, 101_000, "'email'", "'accepted'")
		m.exec("vacuum analyze {schema}.invitations")
	}
	grow := func(from, to int) {
		vary(from, to)
		if !stale {
			m.exec("vacuum analyze {schema}.invitations")
		}
	}
	const none = "nobody"
	var queries []invitations.InvitationQuery
	for _, state := range []invitations.State{"", "pending", "expired", "accepted", "declined", "revoked"} {
		for _, kind := range []invitations.Kind{"", "email", "link"} {
			for _, role := range []invitations.Role{"", "viewer", "developer", none} {
				for _, sender := range []string{"", ada, "user 1", none} {
					q := invitations.InvitationQuery{Organization: acme, At: now, Kind: kind, Role: role, SentBy: sender, Limit: 11}
					if state != "" {
						q.States = []invitations.State{state}
					}
					filters := 0
					for _, set := range []bool{state != "", kind != "", role != "", sender != ""} {
						if set {
							filters++
						}
					}
					// There is no index for each role of a sender.
					if filters == 2 && (role == "" || sender == "") {
						queries = append(queries, q)
					}
				}
			}
		}
	}
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		for _, q := range queries {
			for page := range 2 {
				name := fmt.Sprint("page ", page+1, " by ", q.States, q.Kind, q.Role, q.SentBy)
				cost[name] = m.blocks(name, func() error {
					found, err := m.store.Invitations(ctx, q)
					if n := len(found.Items); n > 0 {
						q.After = &invitations.InvitationPosition{CreatedAt: found.Items[n-1].CreatedAt, ID: found.Items[n-1].ID}
					}
					return err
				})
			}
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 20_000)
	compareCosts(t, small, measure)
}

// With thousands of pending invitations, the end of one or of a membership does not read those of others,
// and a page reads its own. An invitation counts them, which takes as many index entries.
func TestCost_OfManyPending(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, genericPlans)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{
		PendingLimit: 100_000, ResendCooldown: -1, SendsPerOrganization: -1, SendsPerSender: -1, SendsPerRecipient: -1,
	})
	_, err := svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	grow := func(from, to int) {
		m.exec(`insert into {schema}.invitations `+invitationColumns+`
			select 'acme', gen_random_uuid(), 'email', 'pending', 'p' || n || '@example.com', 'viewer', '', '{}', '{}', 1, 0,
				'ada', 'user ' || n % 10, '', at, at,
				case when n % 10 < 5 then $1::timestamptz + interval '100 days' else $1::timestamptz - interval '1 day' end, null,
				'\x00112233445566778899aabbccddeeff', 1, 0, '', null
			from (select n, $1::timestamptz - n * interval '1 minute' as at from generate_series($2::int, $3::int) n) n`, now, from, to)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select 'acme', 'user ' || n, 'admin', now(), gen_random_uuid(), '', '{}' from generate_series(5, 9) n on conflict do nothing`)
		m.exec("vacuum analyze {schema}.invitations, {schema}.members")
	}
	round := 0
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		by := invitations.User(ada)
		for range 3 {
			round++
			now = now.Add(time.Minute)
			op := func(name string, f func() error) { cost[name] = m.blocks(name, f) }
			mail, err := svc.Invite(ctx, by, invitations.InviteParams{
				Organization: acme, Email: fmt.Sprintf("new%d@example.com", round), Role: "viewer",
			})
			require.NoError(t, err)
			op("revoke", func() error { _, err := svc.Revoke(ctx, by, acme, mail.ID); return err })
			// The invitations of this user have expired.
			user := fmt.Sprintf("user %d", 5+round%5)
			op("demote", func() error {
				_, err := svc.ChangeRole(ctx, by, invitations.ChangeRoleParams{Organization: acme, UserID: user, Role: "viewer"})
				return err
			})
			op("remove", func() error { _, err := svc.RemoveMember(ctx, by, acme, user); return err })
			_, err = svc.AddMember(ctx, by, invitations.AddMemberParams{Organization: acme, UserID: user, Role: "admin"})
			require.NoError(t, err)
			op("a page of pending ones", func() error {
				_, err := svc.Invitations(ctx, by, invitations.InvitationsParams{
					Organization: acme, States: []invitations.State{invitations.StatePending}, Limit: 10,
				})
				return err
			})
			op("a page of expired ones", func() error {
				_, err := svc.Invitations(ctx, by, invitations.InvitationsParams{
					Organization: acme, States: []invitations.State{invitations.StateExpired}, Limit: 10,
				})
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

// Statistics read the invitations of the period, and the events of links only.
func TestCost_OfStatistics(t *testing.T) {
	t.Parallel()
	m := newMeter(t, genericPlans)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	m.exec("insert into {schema}.organizations (id, version) values ('acme', 1)")
	m.exec(`insert into {schema}.invitations `+invitationColumns+`
		select 'acme', md5(n::text)::uuid, 'email', 'accepted', 'p' || n || '@example.com', 'viewer', '', '{}', '{}', 1, 1,
			'ada', 'ada', 'member ' || n, $1::timestamptz + n * interval '1 second', $1, $1, $1::timestamptz + n * interval '1 minute',
			'\x00112233445566778899aabbccddeeff', 1, 0, '', null
		from generate_series(1, 1000) n`, now)
	m.exec(`insert into {schema}.events `+eventColumns+`
		select 'acme', n, 0, 'invitation.accepted', $1::timestamptz + n * interval '1 second', 'ada', '', md5(n::text)::uuid,
			'viewer', '', 0, '', '', 1, $1, '', '', '{}', '{}', n from generate_series(1, 1000) n`, now)
	m.exec("vacuum analyze {schema}.invitations, {schema}.events")
	blocks := m.blocks("statistics", func() error {
		_, found, err := m.store.Statistics(context.Background(), invitations.StatisticsQuery{
			Organization: acme, To: now.Add(day), At: now, MaxGroups: 10,
		})
		require.Equal(t, 1000, found.Total.Joined)
		return err
	})
	t.Logf("%d blocks for a thousand invitations", blocks)
	require.Less(t, blocks, int64(1000))
}

// A call of the feed reads the events that it numbers, however many more have no position, and
// although the statistics date from a moment at which all events had one.
func TestCost_OfNumbering(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, genericPlans)
	m.exec("alter table {schema}.events set (autovacuum_enabled = false)")
	m.exec(`insert into {schema}.events ` + eventColumns + `
		select 'team ' || n % 1000, n, 0, 'invitation.accepted', now(), 'ada', '', gen_random_uuid(),
			'viewer', '', 0, '', '', 1, now(), '', '', '{}', '{}', n from generate_series(1, 30000) n`)
	m.exec("update {schema}.feed set last = 30000")
	m.exec("vacuum analyze {schema}.events")
	read := func() int64 {
		before := m.rows()
		_, err := m.store.Feed(ctx, 0, 10)
		require.NoError(t, err)
		return m.rows() - before
	}
	m.exec("update {schema}.events set position = null where version % 30 = 0")
	small := read()
	m.exec("update {schema}.events set position = null where version % 30 <> 0 and version <= 20000")
	large := read()
	t.Logf("%d rows read with a thousand events without a position, %d with twenty thousand", small, large)
	require.LessOrEqual(t, large, small+1000)
}
