package pgstore_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// The cost of an operation, in blocks touched, must be about the same in an organization of fifty
// thousand invitations, events and members as in one of a thousand. Some filters match nothing, so
// that a page by a wrong index would read everything.
func TestCost_StaysFlat(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, nil)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{
		PendingLimit: 1000, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	_, err := svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)
	require.NoError(t, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(acme),
		Quota:     invitations.Quota{Limit: 1000, Period: invitations.PeriodEndless},
	}))

	grow := func(from, to int) {
		m.exec(`insert into {schema}.invitations (organization, id, kind, state, email, role, message, metadata,
				allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at,
				nonce, sent_version, quota_limit, quota_period)
			select 'acme', gen_random_uuid(), case when n % 3 = 0 then 'link' else 'email' end,
				(array['pending', 'accepted', 'revoked', 'pending'])[n % 4 + 1],
				case when n % 3 = 0 then '' else 'p' || n || '@example.com' end,
				(array['viewer', 'admin', 'developer'])[n % 3 + 1], '', '{}', '{}', 1, 0, 'ada', 'user ' || n % 3, '',
				$1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute',
				$1::timestamptz - interval '1 hour', '\x00112233445566778899aabbccddeeff', 1, 0, ''
			from generate_series($2::int, $3::int) n`, now.Add(-24*time.Hour), from, to)
		m.exec(`insert into {schema}.invitations (organization, id, kind, state, email, role, message, metadata,
				allowed_domains, max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at,
				nonce, sent_version, quota_limit, quota_period)
			select 'team ' || n % 100, gen_random_uuid(), 'email', (array['pending', 'accepted', 'revoked'])[n % 3 + 1],
				'popular@example.com', 'viewer', '', '{}', '{}', 1, 0, 'eve', 'eve', '',
				$1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute',
				$1::timestamptz - interval '1 hour', '\x00112233445566778899aabbccddeeff', 1, 0, ''
			from generate_series($2::int, $3::int) n`, now.Add(-24*time.Hour), from, to)
		m.exec(`insert into {schema}.events (organization, version, ordinal, type, at, actor, subject, invitation_id, role,
				reason, quota_limit, quota_period, email, max_uses, expires_at, former_role, invited_by, allowed_domains,
				changed, position)
			select 'acme', 1000000 + n, 0, (array['invitation.created', 'invitation.accepted', 'member.joined'])[n % 3 + 1],
				$1::timestamptz - interval '2 days' + n * interval '1 second', 'user ' || n % 3, '', gen_random_uuid(),
				'viewer', '', 0, '', 'p' || n || '@example.com', 1, $1::timestamptz, '', '', '{}', '{}',
				(select last from {schema}.feed) + n
			from generate_series($2::int, $3::int) n`, now, from, to)
		m.exec(`update {schema}.feed set last = (select max(position) from {schema}.events)`)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select 'acme', 'member ' || n, (array['viewer', 'admin', 'developer'])[n % 3 + 1], $1::timestamptz,
				gen_random_uuid(), '', '{}'
			from generate_series($2::int, $3::int) n`, now, from, to)
		m.exec("vacuum analyze {schema}.invitations, {schema}.members, {schema}.events")
	}
	round := 0
	measure := func() map[string]int64 {
		now = now.Add(24 * time.Hour) // so that the statistics count as many invitations
		cost := map[string]int64{}
		by := invitations.User(ada)
		for range 8 { // after five calls the server chooses a generic plan; the last call counts
			round++
			email := fmt.Sprintf("new%d@example.com", round)
			var mail, link invitations.SentInvitation
			op := func(name string, f func() error) { cost[name] = m.blocks(name, f) }
			list := func(name string, p invitations.InvitationsParams) {
				op("list "+name, func() error {
					p.Organization = acme
					page, err := svc.Invitations(ctx, by, p)
					if err != nil || page.NextCursor == "" {
						return err
					}
					p.Cursor = page.NextCursor
					_, err = svc.Invitations(ctx, by, p)
					return err
				})
			}
			op("invite", func() (err error) {
				mail, err = svc.Invite(ctx, by, invitations.InviteParams{
					Organization: acme, Email: email, Role: "viewer",
				})
				return err
			})
			op("link", func() (err error) {
				link, err = svc.CreateLink(ctx, by, invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
				return err
			})
			op("resend", func() (err error) {
				mail, err = svc.Resend(ctx, by, invitations.ResendParams{Organization: acme, ID: mail.ID})
				return err
			})
			op("edit", func() error {
				_, err := svc.Edit(ctx, by, invitations.EditParams{Organization: acme, ID: mail.ID, Message: &email})
				return err
			})
			op("invite ten", func() error {
				var rows []invitations.InviteParams
				for i := range 10 {
					rows = append(rows, invitations.InviteParams{
						Email: fmt.Sprintf("new%d-%d@example.com", round, i), Role: "viewer",
					})
				}
				_, err := svc.InviteAll(ctx, by, acme, rows)
				return err
			})
			op("received", func() error {
				recipient := invitations.Identity{UserID: "x", Email: email, EmailVerified: true}
				_, err := svc.Received(ctx, recipient, invitations.ReceivedParams{})
				return err
			})
			op("lookup", func() error { _, err := svc.Lookup(ctx, mail.Token.Reveal()); return err })
			op("accept", func() error {
				_, err := svc.Accept(ctx, mail.Token.Reveal(), invitations.Identity{
					UserID: uuid.NewString(), Email: email, EmailVerified: true,
				})
				return err
			})
			op("revoke", func() error { _, err := svc.Revoke(ctx, by, acme, link.ID); return err })
			op("get", func() error { _, err := svc.Invitation(ctx, by, acme, link.ID); return err })
			members := func(name string, p invitations.MembersParams) {
				op("members "+name, func() error {
					p.Organization = acme
					list, err := svc.Members(ctx, by, p)
					if err != nil {
						return err
					}
					p.Cursor = list.NextCursor
					_, err = svc.Members(ctx, by, p)
					return err
				})
			}
			members("all", invitations.MembersParams{})
			members("owners", invitations.MembersParams{Role: "owner"})
			members("role", invitations.MembersParams{Role: "admin"})
			members("balances", invitations.MembersParams{Balances: true})
			op("authorize", func() error {
				_, err := svc.Authorize(ctx, acme, "member 7", invitations.PermissionMemberList)
				return err
			})
			op("change role", func() error {
				for _, role := range []invitations.Role{"owner", "viewer"} {
					if _, err := svc.ChangeRole(ctx, by, invitations.ChangeRoleParams{
						Organization: acme, UserID: "member 7", Role: role,
					}); err != nil {
						return err
					}
				}
				return nil
			})
			op("remove", func() error {
				_, err := svc.RemoveMember(ctx, by, acme, fmt.Sprintf("member %d", 10+round))
				return err
			})
			op("consume", func() error { _, err := svc.Consume(ctx, invitations.InOrganization(acme), ada, 1); return err })
			op("workspaces", func() error {
				_, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada})
				return err
			})
			types := func(types ...invitations.EventType) invitations.TimelineParams {
				return invitations.TimelineParams{Types: types, Limit: 10}
			}
			for name, p := range map[string]invitations.TimelineParams{
				"newest": {NewestFirst: true}, "oldest": {}, "of one": {Invitation: mail.ID},
				"actor": {Actor: "user 1", NewestFirst: true}, "actor, none": {Actor: "nobody"},
				"type":       types(invitations.EventMemberJoined),
				"type, none": types(invitations.EventLimitsChanged),
				"types":      types(invitations.EventMemberJoined, invitations.EventInvitationAccepted, invitations.EventLimitsChanged),
				"actor, type": {
					Actor: "user 1", Types: []invitations.EventType{invitations.EventInvitationAccepted}, Limit: 10,
				},
			} {
				op("timeline "+name, func() error {
					p.Organization = acme
					page, err := svc.Timeline(ctx, by, p)
					if err != nil || page.NextCursor == "" {
						return err
					}
					p.Cursor = page.NextCursor
					_, err = svc.Timeline(ctx, by, p)
					return err
				})
			}
			op("feed", func() error {
				_, err := svc.Feed(ctx, 900, 0)
				return err
			})
			op("sweep", func() error {
				_, err := svc.Sweep(ctx, 10)
				return err
			})
			op("statistics", func() error { // must read only the period
				_, err := svc.Statistics(ctx, by, invitations.StatisticsParams{
					Organization: acme, From: now.Add(-time.Hour),
				})
				return err
			})
			states := func(states ...invitations.State) invitations.InvitationsParams {
				return invitations.InvitationsParams{States: states}
			}
			const pending, expired = invitations.StatePending, invitations.StateExpired
			const accepted, declined, revoked = invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked
			list("all", invitations.InvitationsParams{})
			list("pending", states(pending))
			list("expired", states(expired))
			list("accepted", states(accepted))
			list("declined, none", states(declined))
			list("pending, expired", states(pending, expired))
			list("three states", states(accepted, declined, revoked))
			list("pending, revoked", states(pending, revoked))
			list("every state", states(pending, expired, accepted, declined, revoked))
			list("links", invitations.InvitationsParams{Kind: invitations.KindLink})
			list("role", invitations.InvitationsParams{Role: "admin"})
			list("role, none", invitations.InvitationsParams{Role: "billing"})
			list("role, state", invitations.InvitationsParams{Role: "admin", States: []invitations.State{accepted}, Limit: 10})
			list("address", invitations.InvitationsParams{Email: "p7@example.com"})
			list("sender", invitations.InvitationsParams{SentBy: "user 1", Limit: 10})
			list("sender, none", invitations.InvitationsParams{SentBy: "nobody"})
			list("sender, states", invitations.InvitationsParams{
				SentBy: "user 1", States: []invitations.State{accepted, revoked}, Limit: 10,
			})
			anywhere := func(name string, states ...invitations.State) {
				op("anywhere "+name, func() error {
					p := invitations.InvitationsParams{Email: "popular@example.com", States: states, Limit: 10}
					page, err := svc.Invitations(ctx, invitations.System(), p)
					if err != nil {
						return err
					}
					p.Cursor = page.NextCursor
					_, err = svc.Invitations(ctx, invitations.System(), p)
					return err
				})
			}
			anywhere("all")
			anywhere("pending", pending)
			anywhere("pending, expired", pending, expired)
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 50_000)
	compareCosts(t, small, measure)

	// A search reads a thousand invitations, and a list of states a thousand of each.
	for name, c := range map[string]struct {
		p      invitations.InvitationsParams
		atMost int64
	}{
		"part of an address":            {invitations.InvitationsParams{EmailContains: "p", Limit: 10}, 1500},
		"part of no address":            {invitations.InvitationsParams{EmailContains: "nobody"}, 1500},
		"part of no address, by states": {invitations.InvitationsParams{EmailContains: "nobody", States: []invitations.State{"pending", "expired"}}, 2500},
	} {
		c.p.Organization = acme
		blocks := m.blocks(name, func() error {
			_, err := svc.Invitations(ctx, invitations.User(ada), c.p)
			return err
		})
		t.Logf("%-30s %4d blocks with many", name, blocks)
		require.LessOrEqual(t, blocks, c.atMost, name)
	}
}

// Seats are counted up to the limit. Members without a seat are not read, however many there are.
func TestCost_OfSeats(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, nil)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc := m.service(func() time.Time { return now }, invitations.Config{
		ReserveSeats: true, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	const crowded = "crowded" // has many members with a seat, and less seats
	for organization, limits := range map[string]invitations.Limits{
		acme:    {Members: 20, SeatlessRoles: []invitations.Role{"billing", "viewer"}},
		crowded: {Members: 20, SeatlessRoles: []invitations.Role{"viewer"}},
	} {
		_, err := svc.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
		require.NoError(t, svc.SetLimits(ctx, invitations.System(), organization, limits))
	}
	grow := func(from, to int) {
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select organization, 'a member ' || n, case when organization = 'crowded' then 'developer'
				when n % 2 = 0 then 'viewer' else 'billing' end, now(), gen_random_uuid(), '', '{}'
			from generate_series($1::int, $2::int) n cross join (values ('acme'), ('crowded')) as o (organization)`, from, to)
		m.exec("vacuum analyze {schema}.members")
	}
	round := 0
	measure := func() map[string]int64 {
		cost := map[string]int64{}
		by := invitations.User(ada)
		for range 8 {
			round++
			now = now.Add(24 * time.Hour)
			email, user := fmt.Sprintf("new%d@example.com", round), fmt.Sprintf("new %d", round)
			op := func(name string, f func() error) { cost[name] = m.blocks(name, f) }
			refused := func(err error) error {
				require.ErrorIs(t, err, invitations.ErrMemberLimit)
				return nil
			}
			var mail, link invitations.SentInvitation
			op("invite", func() (err error) {
				mail, err = svc.Invite(ctx, by, invitations.InviteParams{Organization: acme, Email: email, Role: "developer"})
				return err
			})
			op("accept", func() error {
				_, err := svc.Accept(ctx, mail.Token.Reveal(), invitations.Identity{UserID: user, Email: email, EmailVerified: true})
				return err
			})
			op("change role", func() error {
				for _, role := range []invitations.Role{"viewer", "admin", "viewer"} {
					if _, err := svc.ChangeRole(ctx, by, invitations.ChangeRoleParams{Organization: acme, UserID: user, Role: role}); err != nil {
						return err
					}
				}
				return nil
			})
			op("add", func() error {
				_, err := svc.AddMember(ctx, by, invitations.AddMemberParams{Organization: acme, UserID: user + "a", Role: "developer"})
				return err
			})
			op("remove", func() error {
				_, err := svc.RemoveMember(ctx, by, acme, user+"a")
				return err
			})
			op("invite to a full organization", func() error {
				_, err := svc.Invite(ctx, by, invitations.InviteParams{Organization: crowded, Email: email, Role: "developer"})
				return refused(err)
			})
			link, err := svc.CreateLink(ctx, by, invitations.CreateLinkParams{Organization: crowded, Role: "developer"})
			require.NoError(t, err)
			op("join a full organization", func() error {
				_, err := svc.Accept(ctx, link.Token.Reveal(), person("joe"))
				return refused(err)
			})
			_, err = svc.Revoke(ctx, by, crowded, link.ID)
			require.NoError(t, err)
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 100_000)
	compareCosts(t, small, measure)
}

func TestCost_OfDeletion(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMeter(t, nil)
	svc := m.service(nil, invitations.Config{})
	cost := map[int]int64{}
	for _, members := range []int{1, 2, 3, 4, 5, 6, 1000, 100_000} { // the first prepare the statements
		organization := fmt.Sprintf("of %d", members)
		_, err := svc.CreateOrganization(ctx, organization, ada)
		require.NoError(t, err)
		_, err = svc.CreateLink(ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: organization, Role: "viewer"})
		require.NoError(t, err)
		m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select $1::text, 'member ' || n, 'viewer', now(), gen_random_uuid(), '', '{}' from generate_series(1, $2::int) n`,
			organization, members)
		m.exec("vacuum analyze {schema}.members")
		cost[members] = m.blocks("delete", func() error {
			return svc.DeleteOrganization(ctx, invitations.User(ada), organization)
		})
	}
	t.Logf("%d blocks with a thousand members, %d with a hundred thousand", cost[1000], cost[100_000])
	require.LessOrEqual(t, cost[100_000], cost[1000]+10)
}

// A meter measures the blocks that a store touches.
type meter struct {
	*testing.T
	pool  *pgxpool.Pool
	store *pgstore.Store
}

func newMeter(t *testing.T, configure func(*pgxpool.Config)) *meter {
	t.Helper()
	pool := newPool(t, func(c *pgxpool.Config) {
		c.MaxConns, c.MaxConnLifetime = 1, time.Hour // its session reports the blocks it touched
		if configure != nil {
			configure(c)
		}
	})
	m := &meter{t, pool, newStore(t, pool)}
	var version int
	require.NoError(t, pool.QueryRow(context.Background(), "select current_setting('server_version_num')::int").Scan(&version))
	if version < 150000 {
		t.Skip("PostgreSQL before 15 cannot report its statistics at once")
	}
	return m
}

func (m *meter) service(clock func() time.Time, config invitations.Config) *invitations.Service {
	m.Helper()
	config.Clock = clock
	svc, err := invitations.New(m.store, keyring(m.T), config)
	require.NoError(m, err)
	return svc
}

func (m *meter) exec(sql string, args ...any) {
	m.Helper()
	_, err := m.pool.Exec(context.Background(), pgstore.SQL(m.store.Schema(), sql), args...)
	require.NoError(m, err)
}

// blocks returns how many blocks f touches.
func (m *meter) blocks(name string, f func() error) int64 {
	m.Helper()
	before := m.touched()
	require.NoError(m, f(), name)
	return m.touched() - before
}

func (m *meter) touched() (n int64) {
	m.Helper()
	m.exec("select pg_stat_force_next_flush()")
	require.NoError(m, m.pool.QueryRow(context.Background(), `select sum(
			coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))
		from pg_statio_user_tables where schemaname = $1`, m.store.Schema()).Scan(&n))
	return n
}

// rows returns how many rows were read.
func (m *meter) rows() (n int64) {
	m.Helper()
	m.exec("select pg_stat_force_next_flush()")
	require.NoError(m, m.pool.QueryRow(context.Background(), `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))
		from pg_stat_user_tables where schemaname = $1`, m.store.Schema()).Scan(&n))
	return n
}

// compareCosts measures the costs with many rows, and fails if one is much higher than with a few.
// Tests that run at the same time can hold old snapshots, for which the server keeps old versions
// of rows that every reader then passes. So a cost that is too high is measured again, up to three
// times. A cost that grows with the number of rows is too high each time.
func compareCosts(t *testing.T, small map[string]int64, measure func() map[string]int64) {
	t.Helper()
	// Trees grow by a level or two, and the rows of a page lie further apart.
	tooHigh := func(name string, cost int64) bool { return cost > 2*small[name]+60 }
	large := measure()
	for range 3 {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(large)), func(name string) bool { return tooHigh(name, large[name]) }) {
			break
		}
		for name, cost := range measure() {
			large[name] = min(large[name], cost)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(large)) {
		t.Logf("%-30s %4d blocks at a thousand, %4d with many more", name, small[name], large[name])
		if tooHigh(name, large[name]) {
			t.Errorf("%s: %d blocks at a thousand, %d with many more", name, small[name], large[name])
		}
	}
}
