package pgstore_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// rows is how many invitations TestMillions makes. It takes about 3 kB of the disk for each.
var rows = flag.Int("rows", 0, "the number of invitations of TestMillions; 0: it does not run")

// TestMillions compares the operations in an installation of many invitations with those in one of ten
// thousand, in blocks and in time, and logs the size of every table and index. It asserts nothing:
//
//	go test ./pgstore -run TestMillions -v -timeout 2h -rows 10000000
func TestMillions(t *testing.T) {
	if *rows == 0 {
		t.Skip("it takes minutes and gigabytes: give it a number by -rows")
	}
	const few = 10_000
	small, large := newMillions(t, few), newMillions(t, *rows)
	fewer, more := small.measure(), large.measure()
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "operation\tblocks at %d\tat %d\tms at %d\tat %d\t\n", few, *rows, few, *rows)
	for i, c := range fewer {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.2f\t%.2f\t\n", c.name, c.blocks, more[i].blocks, c.took.Seconds()*1000, more[i].took.Seconds()*1000)
	}
	fmt.Fprintf(w, "\t\t\t\t\t\nrelation\tbytes an invitation\t\t\t\t\n")
	for _, r := range large.sizes() {
		fmt.Fprintf(w, "%s\t%.0f\t\t\t\t\n", r.name, r.bytes)
	}
	require.NoError(t, w.Flush())
	t.Log("\n" + text.String())
}

// millions is an installation. A million invitations were made in a year. A tenth of them are in one
// organization, acme, and the others in organizations of a hundred each. Of a hundred invitations, 50
// were accepted, 15 revoked, 5 declined, and 28 have expired. The newest 2,000 of acme are pending: in
// an installation of up to 20,000, all of them. Every twentieth is a link.
type millions struct {
	*meter
	n   int
	now time.Time
	svc *invitations.Service
}

func newMillions(t *testing.T, n int) *millions {
	t.Helper()
	m := &millions{meter: newMeter(t, nil), n: n, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	m.svc = m.service(func() time.Time { return m.now }, invitations.Config{
		PendingLimit: 100_000, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	began := time.Now()
	indexes := m.dropIndexes()
	m.exec(`create temporary table made as
		select n, case when n % 10 = 0 then 'acme' else 'team ' || n / 100 end as organization,
			(lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 2, 3) || '8' || substr(md5(n::text), 6, 15))::uuid as id,
			case when n % 20 = 7 or n % 100 = 50 then 'link' else 'email' end as kind,
			case when n > $2::int - 20000 and n % 10 = 0 or n / 10 % 10 = 9 and n % 10 < 3 then 'pending'
				when n / 10 % 20 < 10 then 'accepted' when n / 10 % 20 < 13 then 'revoked' when n / 10 % 20 < 14 then 'declined' else 'pending' end as state,
			(array['viewer', 'developer', 'admin'])[n / 7 % 3 + 1] as role, 'sender ' || n / 10 % 7 as sender,
			$1::timestamptz - ($2::int - n) * interval '1 year' / 1000000 as at
		from generate_series(1, $2::int) n`, m.now, n)
	m.exec(`insert into {schema}.organizations (id, version)
		select organization, max(n) from made group by organization`)
	m.exec(`insert into {schema}.invitations `+invitationColumns+`
		select organization, id, kind, state, case when kind = 'email' then 'p' || n || '@example.com' else '' end, role, '', '{}', '{}',
			case when kind = 'email' then 1 else 0 end, case when state = 'accepted' then 1 else 0 end, sender, sender,
			case when state = 'accepted' then 'member ' || n else '' end, at, at,
			case when state = 'pending' and n > $2::int - 20000 and n % 10 = 0 then $1::timestamptz + interval '30 days' else at end,
			case when state <> 'pending' then at + interval '1 hour' end, decode(md5(n::text), 'hex'), n, 0, '',
			case when state = 'pending' and n > $2::int - 20000 and n % 10 = 0 then $1::timestamptz + interval '30 days' end
		from made order by n`, m.now, n)
	m.exec(`insert into {schema}.events ` + eventColumns + `
		select organization, n, ordinal, type, case when ordinal = 0 then at else at + interval '1 hour' end,
			case when ordinal = 0 then sender else 'member ' || n end, case when ordinal = 2 then 'member ' || n else '' end,
			id, role, '', 0, '', case when kind = 'email' then 'p' || n || '@example.com' else '' end, 1, at, '', '', '{}', '{}',
			row_number() over (order by n, ordinal)
		from made, lateral (values (0, 'invitation.created'), (1, 'invitation.' || state), (2, 'member.joined')) as e (ordinal, type)
		where ordinal = 0 or ordinal = 1 and state <> 'pending' or ordinal = 2 and state = 'accepted'`)
	m.exec(`update {schema}.feed set last = (select max(position) from {schema}.events)`)
	m.exec(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
		select organization, 'member ' || n, role, at, id, sender, '{}'::jsonb from made where state = 'accepted'
		union all select 'acme', 'ada', 'owner', $1::timestamptz, gen_random_uuid(), '', '{}'
		union all select 'acme', 'sender ' || n, 'admin', $1::timestamptz, gen_random_uuid(), '', '{}' from generate_series(0, 6) n`, m.now)
	m.exec("drop table made")
	for _, index := range indexes {
		m.exec(index)
	}
	m.exec("vacuum analyze {schema}.organizations, {schema}.invitations, {schema}.events, {schema}.members")
	t.Logf("%d invitations made in %v", n, time.Since(began).Round(time.Second))
	return m
}

// dropIndexes drops the indexes that are not keys, and returns the statements that make them. Made after
// the rows, they take minutes and not hours.
func (m *millions) dropIndexes() (made []string) {
	m.Helper()
	found, err := m.pool.Query(context.Background(), `select indexname, indexdef from pg_indexes i
		where schemaname = $1 and tablename in ('invitations', 'events', 'members')
			and not exists (select from pg_constraint c where c.conname = i.indexname and c.connamespace = i.schemaname::regnamespace)`,
		m.store.Schema())
	require.NoError(m, err)
	var names []string
	for found.Next() {
		var name, text string
		require.NoError(m, found.Scan(&name, &text))
		names, made = append(names, name), append(made, text)
	}
	require.NoError(m, found.Err())
	for _, name := range names {
		m.exec("drop index {schema}." + name)
	}
	return made
}

type measured struct {
	name   string
	blocks int64
	took   time.Duration
}

// measure returns the cost of each operation: the blocks of the last of ten calls, and the shortest
// time.
func (m *millions) measure() (all []measured) {
	m.Helper()
	ctx := context.Background()
	place := map[string]int{}
	op := func(name string, f func() error) {
		var took time.Duration
		blocks := m.blocks(name, func() error {
			began := time.Now()
			err := f()
			took = time.Since(began)
			return err
		})
		i, ok := place[name]
		if !ok {
			i, all = len(all), append(all, measured{name, blocks, took})
			place[name] = i
		}
		all[i].blocks, all[i].took = blocks, min(took, all[i].took)
	}
	by := invitations.User(ada)
	for round := range 10 {
		m.now = m.now.Add(time.Minute)
		email := fmt.Sprintf("new%d@example.com", round)
		var mail, link invitations.SentInvitation
		op("invite", func() (err error) {
			mail, err = m.svc.Invite(ctx, by, invitations.InviteParams{Organization: acme, Email: email, Role: "viewer"})
			return err
		})
		op("create a link", func() (err error) {
			link, err = m.svc.CreateLink(ctx, by, invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
			return err
		})
		op("invite ten", func() error {
			var rows []invitations.InviteParams
			for i := range 10 {
				rows = append(rows, invitations.InviteParams{Email: fmt.Sprintf("new%d-%d@example.com", round, i), Role: "viewer"})
			}
			_, err := m.svc.InviteAll(ctx, by, acme, rows)
			return err
		})
		op("resend", func() (err error) {
			mail, err = m.svc.Resend(ctx, by, invitations.ResendParams{Organization: acme, ID: mail.ID})
			return err
		})
		op("edit", func() error {
			_, err := m.svc.Edit(ctx, by, invitations.EditParams{Organization: acme, ID: mail.ID, Message: &email})
			return err
		})
		op("lookup", func() error { _, err := m.svc.Lookup(ctx, mail.Token.Reveal()); return err })
		user := uuid.NewString()
		recipient := invitations.Identity{UserID: user, Email: email, EmailVerified: true}
		op("received", func() error { _, err := m.svc.Received(ctx, recipient, invitations.ReceivedParams{}); return err })
		op("accept", func() error { _, err := m.svc.Accept(ctx, mail.Token.Reveal(), recipient); return err })
		op("revoke", func() error { _, err := m.svc.Revoke(ctx, by, acme, link.ID); return err })
		op("change a role", func() error {
			_, err := m.svc.ChangeRole(ctx, by, invitations.ChangeRoleParams{Organization: acme, UserID: user, Role: "admin"})
			return err
		})
		op("remove a member", func() error { _, err := m.svc.RemoveMember(ctx, by, acme, user); return err })
		op("feed with new events", func() error { _, err := m.svc.Feed(ctx, 1000, 0); return err })
		op("feed without new events", func() error { _, err := m.svc.Feed(ctx, 1000, 0); return err })
		op("sweep", func() error { _, err := m.svc.Sweep(ctx, 10); return err })
		op("purge of nothing", func() error { _, err := m.svc.Purge(ctx, m.now.AddDate(-50, 0, 0), 10); return err })
		op("authorize", func() error {
			_, err := m.svc.Authorize(ctx, acme, ada, invitations.PermissionMemberList)
			return err
		})
		op("get", func() error { _, err := m.svc.Invitation(ctx, by, acme, link.ID); return err })
		op("members", func() error {
			_, err := m.svc.Members(ctx, by, invitations.MembersParams{Organization: acme})
			return err
		})
		op("workspaces", func() error { _, err := m.svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada}); return err })
		op("overview", func() error { _, err := m.svc.Overview(ctx, by, acme); return err })
		list := func(name string, p invitations.InvitationsParams) {
			op("list "+name, func() error {
				p.Organization = acme
				_, err := m.svc.Invitations(ctx, by, p)
				return err
			})
		}
		states := func(states ...invitations.State) invitations.InvitationsParams {
			return invitations.InvitationsParams{States: states}
		}
		list("all", states())
		list("pending", states("pending"))
		list("expired", states("expired"))
		list("accepted", states("accepted"))
		list("accepted and revoked", states("accepted", "revoked"))
		list("links", invitations.InvitationsParams{Kind: "link"})
		list("revoked links", invitations.InvitationsParams{Kind: "link", States: []invitations.State{"revoked"}})
		list("expired of a role", invitations.InvitationsParams{Role: "admin", States: []invitations.State{"expired"}})
		list("expired of no role", invitations.InvitationsParams{Role: "nobody", States: []invitations.State{"expired"}})
		list("of a sender", invitations.InvitationsParams{SentBy: "sender 1"})
		list("pending of a sender", invitations.InvitationsParams{SentBy: "sender 1", States: []invitations.State{"pending"}})
		list("of an address", invitations.InvitationsParams{Email: "p10@example.com"})
		op("timeline", func() error {
			_, err := m.svc.Timeline(ctx, by, invitations.TimelineParams{Organization: acme, NewestFirst: true})
			return err
		})
		op("timeline of a type", func() error {
			_, err := m.svc.Timeline(ctx, by, invitations.TimelineParams{
				Organization: acme, NewestFirst: true, Types: []invitations.EventType{invitations.EventMemberJoined},
			})
			return err
		})
		op("statistics of an hour", func() error {
			_, err := m.svc.Statistics(ctx, by, invitations.StatisticsParams{Organization: acme, From: m.now.Add(-time.Hour)})
			return err
		})
	}
	return all
}

// A relation is a table or an index, with its size for each invitation.
type relation struct {
	name  string
	bytes float64
}

func (m *millions) sizes() (all []relation) {
	m.Helper()
	found, err := m.pool.Query(context.Background(), `select c.relname, pg_relation_size(c.oid)::float8 / $2::float8
		from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'i')
		order by pg_relation_size(c.oid) desc`, m.store.Schema(), m.n)
	require.NoError(m, err)
	defer found.Close()
	for found.Next() {
		var r relation
		require.NoError(m, found.Scan(&r.name, &r.bytes))
		if r.bytes >= 0.5 {
			all = append(all, r)
		}
	}
	require.NoError(m, found.Err())
	return all
}
