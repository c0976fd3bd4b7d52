package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// The cost of an operation, in blocks touched, must be about the same in an organization of fifty
// thousand invitations and members as in one of a thousand.
func TestCost_StaysFlat(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, func(c *pgxpool.Config) { c.MaxConns = 1 }) // its session reports the blocks it touched
	store := newStore(t, pool)
	var version int
	require.NoError(t, pool.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version))
	if version < 150000 {
		t.Skip("PostgreSQL before 15 cannot report its statistics at once")
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{
		Clock:        func() time.Time { return now },
		PendingLimit: 1000, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, acme, ada)
	require.NoError(t, err)

	require.NoError(t, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(acme),
		Quota:     invitations.Quota{Limit: 1000, Period: invitations.PeriodEndless},
	}))

	blocks := func() (n int64) {
		_, err := pool.Exec(ctx, "select pg_stat_force_next_flush()")
		require.NoError(t, err)
		require.NoError(t, pool.QueryRow(ctx, `select sum(
				coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))
			from pg_statio_user_tables where schemaname = $1`, store.Schema()).Scan(&n))
		return n
	}
	grow := func(from, to int) {
		_, err := pool.Exec(ctx, pgstore.SQL(store.Schema(), `insert into {schema}.invitations
			select 'acme', gen_random_uuid(), case when n % 3 = 0 then 'link' else 'email' end,
				(array['pending', 'accepted', 'declined', 'revoked'])[n % 4 + 1],
				case when n % 3 = 0 then '' else 'p' || n || '@example.com' end,
				(array['viewer', 'admin', 'developer'])[n % 3 + 1], '', '{}', '{}', 1, 0, 'ada', 'user ' || n % 50,
				$1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute',
				$1::timestamptz - interval '1 hour', null, '\x00112233445566778899aabbccddeeff', 1, 0, '', null
			from generate_series($2::int, $3::int) n`), now.Add(-24*time.Hour), from, to)
		require.NoError(t, err)
		_, err = pool.Exec(ctx, pgstore.SQL(store.Schema(), `insert into {schema}.events
			select 'acme', 1000000 + n, 0, 'invitation.created', $1::timestamptz - interval '2 days' + n * interval '1 second',
				'ada', '', gen_random_uuid(), 'viewer', '', 0, '', 'p' || n || '@example.com', 1, $1::timestamptz, (select last from {schema}.feed) + n
			from generate_series($2::int, $3::int) n`), now, from, to)
		require.NoError(t, err)
		_, err = pool.Exec(ctx, pgstore.SQL(store.Schema(),
			`update {schema}.feed set last = (select max(position) from {schema}.events)`))
		require.NoError(t, err)
		_, err = pool.Exec(ctx, pgstore.SQL(store.Schema(), `insert into {schema}.members
			select 'acme', 'member ' || n, (array['viewer', 'admin', 'developer'])[n % 3 + 1], $1::timestamptz,
				gen_random_uuid(), '', '{}'
			from generate_series($2::int, $3::int) n`), now, from, to)
		require.NoError(t, err)
		_, err = pool.Exec(ctx, pgstore.SQL(store.Schema(),
			"vacuum analyze {schema}.invitations, {schema}.members, {schema}.events"))
		require.NoError(t, err)
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
			op := func(name string, f func() error) {
				before := blocks()
				require.NoError(t, f(), name)
				cost[name] = blocks() - before
			}
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
			for name, p := range map[string]invitations.TimelineParams{
				"newest": {NewestFirst: true}, "oldest": {}, "of one": {Invitation: mail.ID},
			} {
				op("timeline "+name, func() error {
					p.Organization = acme
					_, err := svc.Timeline(ctx, by, p)
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
			list("all", invitations.InvitationsParams{})
			list("pending", invitations.InvitationsParams{States: []invitations.State{invitations.StatePending}})
			list("expired", invitations.InvitationsParams{States: []invitations.State{invitations.StateExpired}})
			list("accepted", invitations.InvitationsParams{States: []invitations.State{invitations.StateAccepted}})
			list("links", invitations.InvitationsParams{Kind: invitations.KindLink})
			list("role", invitations.InvitationsParams{Role: "admin"})
			list("address", invitations.InvitationsParams{Email: "p7@example.com"})
			list("sender", invitations.InvitationsParams{SentBy: "user 7", Limit: 10})
		}
		return cost
	}
	grow(1, 1000)
	small := measure()
	grow(1001, 50_000)
	large := measure()
	for name, cost := range large {
		t.Logf("%-14s %4d blocks at a thousand, %4d at fifty thousand", name, small[name], cost)
		// Trees grow by a level or two, and the rows of a page lie further apart.
		if cost > 2*small[name]+60 {
			t.Errorf("%s: %d blocks at a thousand invitations, %d at fifty thousand", name, small[name], cost)
		}
	}
}
