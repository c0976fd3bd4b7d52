package bench_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// An inviter invites one address with the role viewer, as actor.
type inviter func(ctx context.Context, organization, actor, email string) error

// byHand is the invite that a host would write without the library. It is as fast as
// PostgreSQL allows: one round trip without an explicit transaction. It makes the checks that
// the service makes with the default policy, writes the same rows and returns a token.
//
// It consists of two statements, which the server runs in one transaction. A statement sees
// the rows that were committed when it began. The first statement waits for the organization's
// row, so the second one sees the changes of the transaction that held the row. Without the
// first statement, the second one would decide on older rows
// (TestInvite_OneStatementIsNotSafe).
//
// Unlike the service it has one answer for every refusal, cannot be repeated safely after a
// lost answer, and knows the roles of one policy, in SQL.
type byHand struct {
	db          *pgxpool.Pool
	lock, sql   string
	withoutLock bool
	limit       int
	tokens      *signer
}

func newByHand(db *pgxpool.Pool, schema string, limit int) *byHand {
	in := pgx.Identifier{schema}.Sanitize()
	return &byHand{db: db, limit: limit, tokens: newSigner(secret),
		lock: `select from ` + in + `.organizations o where o.id = $1::text for no key update`,
		sql: `
		with touched as (
			update ` + in + `.organizations o set version = o.version + 1
			where o.id = $1::text and not o.deleted
			and (o.allowed_domains = '{}' or pg_catalog.split_part($3::text, '@', 2) = any (o.allowed_domains))
			and exists (
				select from ` + in + `.members m where m.organization = $1::text and m.user_id = $2::text
				and (m.role = 'owner' or m.role = 'admin' and $4::text <> 'owner'))
			and not exists (
				select from ` + in + `.invitations i where i.organization = $1::text and i.state = 'pending'
				and i.email = $3::text and i.email <> '' and i.expires_at > $7::timestamptz)
			and $9::bigint > (select count(*) from (
				select from ` + in + `.invitations i where i.organization = $1::text and i.state = 'pending'
				and i.expires_at > $7::timestamptz limit $9::bigint) as counted)
			and not exists (
				select from (
					select count(*) as sent, count(*) filter (where s.actor = $2::text) as by_sender, count(*) filter (where s.email = $3::text) as to_recipient
					from (select e.actor, e.email from ` + in + `.events e where e.organization = $1::text and e.email <> ''
						and e.type in ('invitation.created', 'invitation.resent')
						and e.at > $7::timestamptz - interval '1 day' order by e.at desc limit $10::bigint) as s) as c
				where c.sent >= $10::bigint or c.by_sender >= $10::bigint or c.to_recipient >= 10)
			returning o.version
		), invited as (
			insert into ` + in + `.invitations (organization, id, kind, state, email, role, message, metadata, allowed_domains,
				max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at, nonce, sent_version, quota_limit, quota_period, sweep_at)
			select $1::text, $5::uuid, 'email', 'pending', $3::text, $4::text, '', '{}', '{}',
				1, 0, $2::text, $2::text, '', $7::timestamptz, $7::timestamptz, $8::timestamptz, null, $6::bytea, touched.version, 0, '', $8::timestamptz
			from touched
		)
		insert into ` + in + `.events (organization, version, ordinal, type, at, actor, subject, invitation_id, role, reason, quota_limit, quota_period, email, max_uses, expires_at,
			former_role, invited_by, allowed_domains, changed)
		select $1::text, touched.version, 0, 'invitation.created', $7::timestamptz, $2::text, '', $5::uuid, $4::text, '', 0, '', $3::text, 1, $8::timestamptz,
			'', '', '{}', '{}'
		from touched`}
}

// sends returns the sending limits per sender and per organization for a limit of pending
// invitations.
func sends(pending int) int { return max(100, pending) + 1 }

var errRefused = errors.New("refused")

func (h *byHand) invite(ctx context.Context, organization, actor, email string, role invitations.Role, id uuid.UUID, now time.Time) (string, error) {
	nonce := newNonce()
	var invited int64
	var b pgx.Batch
	if !h.withoutLock {
		b.Queue(h.lock, organization)
	}
	insert := b.Queue(h.sql, organization, actor, email, string(role), [16]byte(id), nonce[:],
		now, now.Add(7*24*time.Hour), int64(h.limit), int64(sends(h.limit)))
	insert.Exec(func(tag pgconn.CommandTag) error {
		invited = tag.RowsAffected()
		return nil
	})
	switch err := h.db.SendBatch(ctx, &b).Close(); {
	case err != nil:
		return "", err
	case invited == 0:
		return "", errRefused
	}
	return h.tokens.sign(organization, id, nonce), nil
}

func (h *byHand) inviter() inviter {
	return func(ctx context.Context, organization, actor, email string) error {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		_, err = h.invite(ctx, organization, actor, email, invitations.RoleViewer, id, time.Now().UTC().Truncate(time.Microsecond))
		return err
	}
}

func serviceInviter(svc *invitations.Service) inviter {
	return func(ctx context.Context, organization, actor, email string) error {
		p := invitations.InviteParams{Organization: organization, Email: email, Role: invitations.RoleViewer}
		_, err := svc.Invite(ctx, invitations.User(actor), p)
		return err
	}
}

// A world is a schema, and a pool on its database.
type world struct {
	pool   *pgxpool.Pool
	schema string // not quoted
	in     string // quoted
	store  *pgstore.Store
}

// newWorld returns a new schema with the store's tables, and a pool of conns connections with
// these settings.
func newWorld(t testing.TB, conns int, settings map[string]string) *world {
	config, err := pgxpool.ParseConfig(pgtest.URL(t))
	require.NoError(t, err)
	maps.Copy(config.ConnConfig.RuntimeParams, settings)
	config.MaxConns = int32(conns)
	schema := pgtest.Schema(t)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	return &world{pool: pool, schema: schema, in: pgx.Identifier{schema}.Sanitize(), store: store}
}

func (w *world) service(t testing.TB, config invitations.Config) *invitations.Service {
	svc, err := invitations.New(w.store, newKeyring(t), config)
	require.NoError(t, err)
	return svc
}

func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := w.pool.Exec(context.Background(), sql, args...)
	require.NoError(t, err)
}

func (w *world) number(t testing.TB, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, w.pool.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// found creates the organizations, each with the owner "ada".
func (w *world) found(t testing.TB, organizations []string) {
	w.exec(t, `insert into `+w.in+`.organizations (id, version) select unnest($1::text[]), 1`, organizations)
	w.exec(t, `insert into `+w.in+`.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
		select unnest($1::text[]), 'ada', 'owner', now(), '00000000-0000-0000-0000-000000000000', '', '{}'`, organizations)
}

// fill creates 2,000 other organizations with 10 members and 10 accepted invitations each, so
// that the planner has statistics of large tables.
func (w *world) fill(t testing.TB) {
	for _, table := range []string{"organizations", "members", "invitations", "events"} {
		// A vacuum must not run in the turn of only one inviter.
		w.exec(t, `alter table `+w.in+`.`+table+` set (autovacuum_enabled = off)`)
	}
	w.exec(t, `insert into `+w.in+`.organizations (id, version) select 'other-' || o, 11 from generate_series(1, 2000) o`)
	w.exec(t, `insert into `+w.in+`.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
		select 'other-' || o, 'user-' || n, 'viewer', now(), gen_random_uuid(), 'ada', '{}'
		from generate_series(1, 2000) o, generate_series(1, 10) n`)
	w.exec(t, `insert into `+w.in+`.invitations (organization, id, kind, state, email, role, message, metadata, allowed_domains,
			max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at, nonce, sent_version, quota_limit, quota_period, sweep_at)
		select 'other-' || o, gen_random_uuid(), 'email', 'accepted', 'user-' || n || '@example.com', 'viewer', '', '{}', '{}',
			1, 1, 'ada', 'ada', 'user-' || n, now(), now(), now(), now(), '\x00010203040506070809101112131415', n, 0, '', null
		from generate_series(1, 2000) o, generate_series(1, 10) n`)
	w.exec(t, `insert into `+w.in+`.events (organization, version, ordinal, type, at, actor, subject, invitation_id, role, reason, quota_limit, quota_period, email, max_uses, expires_at,
			former_role, invited_by, allowed_domains, changed)
		select 'other-' || o, n, 0, 'invitation.created', now(), 'ada', '', gen_random_uuid(), 'viewer', '', 0, '', 'user-' || n || '@example.com', 1, now(),
			'', '', '{}', '{}'
		from generate_series(1, 2000) o, generate_series(1, 10) n`)
	w.tidy(t)
}

// tidy frees the space of deleted rows.
func (w *world) tidy(t testing.TB) {
	for _, table := range []string{"organizations", "members", "invitations", "events"} {
		w.exec(t, `vacuum analyze `+w.in+`.`+table)
	}
}

// A turn is one measurement of one inviter. The invitations are divided among clients that
// run at once.
type turn struct {
	clients, invitations, perOrganization int
	shared                                bool // all clients invite to one organization
}

// run returns the number of invitations per second. It leaves the tables as they were.
func (w *world) run(t testing.TB, invite inviter, p turn) float64 {
	share := p.invitations / p.clients
	of := make([][]string, p.clients) // each client's organizations
	warmUp := make([]string, p.clients)
	var organizations []string
	for client := range p.clients {
		warmUp[client] = fmt.Sprintf("warm-up-%d", client)
		for n := 0; n*p.perOrganization < share && !p.shared; n++ {
			of[client] = append(of[client], fmt.Sprintf("client-%d-organization-%d", client, n))
		}
		organizations = append(organizations, of[client]...)
	}
	if p.shared {
		organizations = []string{"one"}
		for client := range p.clients {
			of[client] = organizations
		}
	}
	w.found(t, slices.Concat(organizations, warmUp))

	ctx := context.Background()
	errs := make([]error, p.clients)
	start := make(chan struct{})
	var warm, clients sync.WaitGroup
	warm.Add(p.clients)
	for client := range p.clients {
		clients.Go(func() {
			send := func(organizations []string, number int) {
				for n := range number {
					email := fmt.Sprintf("user-%d-%d@example.com", client, n)
					errs[client] = errors.Join(errs[client], invite(ctx, organizations[n%len(organizations)], "ada", email))
				}
			}
			// The vacuum before has discarded the plans of all connections.
			send(warmUp[client:client+1], min(10, p.perOrganization))
			warm.Done()
			<-start
			send(of[client], share)
		})
	}
	warm.Wait()
	began := time.Now()
	close(start)
	clients.Wait()
	took := time.Since(began)

	require.NoError(t, errors.Join(errs...))
	invited := share * p.clients
	for _, table := range []string{"invitations", "events"} {
		require.Equal(t, invited, w.number(t, `select count(*) from `+w.in+`.`+table+` where organization = any ($1::text[])`, organizations), table)
	}
	require.Equal(t, invited+len(organizations), w.number(t, `select sum(version) from `+w.in+`.organizations where id = any ($1::text[])`, organizations))
	for _, table := range []string{"invitations", "events", "members"} {
		w.exec(t, `delete from `+w.in+`.`+table+` where organization = any ($1::text[])`, slices.Concat(organizations, warmUp))
	}
	w.exec(t, `delete from `+w.in+`.organizations where id = any ($1::text[])`, slices.Concat(organizations, warmUp))
	w.tidy(t)
	return float64(invited) / took.Seconds()
}

// BenchmarkInvite runs the service on pgstore and the invite that is written by hand in turn.
// It reports the median of the ratios of their throughputs, so other load on the machine
// concerns both.
//
// The throwaway server never waits for a disk. This is the hardest case for the library:
// nothing hides its second round trip. With commit=wal, a commit at least passes the log to
// the operating system. If the environment names a server, a commit is as durable as there
// (commit=server), and then takes one or four milliseconds more, like on a slower disk
// (commit=1ms, commit=4ms). That server must be durable, and the user a superuser.
func BenchmarkInvite(b *testing.B) {
	commits := map[string]map[string]string{
		"async": {"synchronous_commit": "off"},
		"wal":   {"synchronous_commit": "on"},
	}
	if os.Getenv(pgtest.URLVariable) != "" {
		commits = map[string]map[string]string{
			"server": nil,
			"1ms":    {"commit_delay": "1000", "commit_siblings": "0"},
			"4ms":    {"commit_delay": "4000", "commit_siblings": "0"},
		}
	}
	shapes := map[string]turn{
		// Ten is the default limit of pending invitations.
		"spread": {invitations: 640, perOrganization: 10},
		"one":    {invitations: 320, perOrganization: 320, shared: true},
	}
	for _, shape := range []string{"spread", "one"} {
		for _, clients := range []int{1, 16} {
			for _, commit := range slices.Sorted(maps.Keys(commits)) {
				p := shapes[shape]
				p.clients = clients
				b.Run(fmt.Sprintf("%s/clients=%d/commit=%s", shape, clients, commit), func(b *testing.B) {
					benchmarkInvite(b, p, commits[commit])
				})
			}
		}
	}
}

func benchmarkInvite(b *testing.B, p turn, settings map[string]string) {
	const rounds = 16
	w := newWorld(b, p.clients, settings)
	w.fill(b)
	limit := sends(p.perOrganization)
	service := serviceInviter(w.service(b, invitations.Config{
		PendingLimit: p.perOrganization, SendsPerSender: limit, SendsPerOrganization: limit,
	}))
	hand := newByHand(w.pool, w.schema, p.perOrganization).inviter()
	w.run(b, service, p) // to make all connections
	w.run(b, hand, p)
	var ratios, ofService, ofHand []float64
	for b.Loop() {
		for round := range rounds {
			var s, h float64
			if round%2 == 0 {
				s, h = w.run(b, service, p), w.run(b, hand, p)
			} else { // the order alternates, because the first turn may slow down the second
				h, s = w.run(b, hand, p), w.run(b, service, p)
			}
			ratios, ofService, ofHand = append(ratios, s/h), append(ofService, s), append(ofHand, h)
		}
	}
	b.ReportMetric(0, "ns/op") // of all rounds together, which has no meaning
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(ofService), "service/s")
	b.ReportMetric(median(ofHand), "sql/s")
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// The invite by hand must write the same rows and refuse the same calls.
func TestInvite_ByHandDoesTheSame(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld(t, 2, nil)
	now := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
	svc := w.service(t, invitations.Config{Clock: func() time.Time { return now }, PendingLimit: 2})
	hand := newByHand(w.pool, w.schema, 2)
	w.found(t, []string{"service", "hand"})
	for _, member := range [][2]string{{"adam", "admin"}, {"vera", "viewer"}} {
		w.exec(t, `insert into `+w.in+`.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select unnest('{service,hand}'::text[]), $1, $2, now(), '00000000-0000-0000-0000-000000000000', '', '{}'`, member[0], member[1])
	}

	for _, c := range []struct {
		name, actor, email string
		role               invitations.Role
		want               error
	}{
		{"a stranger", "nobody", "a@example.com", invitations.RoleViewer, invitations.ErrPermissionDenied},
		{"a viewer", "vera", "a@example.com", invitations.RoleViewer, invitations.ErrPermissionDenied},
		{"an admin, for an owner", "adam", "a@example.com", invitations.RoleOwner, invitations.ErrRoleNotAssignable},
		{"an owner", "ada", "a@example.com", invitations.RoleOwner, nil},
		{"the same address", "adam", "a@example.com", invitations.RoleViewer, invitations.ErrAlreadyInvited},
		{"an admin", "adam", "b@example.com", invitations.RoleAdmin, nil},
		{"one too many", "ada", "c@example.com", invitations.RoleViewer, invitations.ErrPendingLimit},
	} {
		id := uuid.Must(uuid.NewV7())
		_, err := svc.Invite(ctx, invitations.User(c.actor), invitations.InviteParams{Organization: "service", Email: c.email, Role: c.role, ID: id})
		require.ErrorIs(t, err, c.want, c.name)
		token, err := hand.invite(ctx, "hand", c.actor, c.email, c.role, id, now)
		if c.want != nil {
			require.ErrorIs(t, err, errRefused, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		offer, err := svc.Lookup(ctx, token)
		require.NoError(t, err, c.name)
		require.Equal(t, id, offer.ID)
		require.Equal(t, "hand", offer.Organization)
	}

	rows := func(organization string) (all string) {
		require.NoError(t, w.pool.QueryRow(ctx, `select jsonb_pretty(jsonb_build_object(
			'invitations', (select jsonb_agg(to_jsonb(i) - 'organization' - 'nonce' order by i.id) from `+w.in+`.invitations i where i.organization = $1),
			'nonces', (select count(distinct i.nonce) from `+w.in+`.invitations i where i.organization = $1 and length(i.nonce) = 16),
			'events', (select jsonb_agg(to_jsonb(e) - 'organization' order by e.version, e.ordinal) from `+w.in+`.events e where e.organization = $1),
			'version', (select o.version from `+w.in+`.organizations o where o.id = $1)))::text`, organization).Scan(&all))
		return all
	}
	require.Contains(t, rows("service"), `"version": 3`)
	require.Equal(t, rows("service"), rows("hand"))
}

// A single statement is not safe: after waiting for the organization's row, it decides on the
// rows that it saw before. The two statements by hand are as safe as the service.
func TestInvite_OneStatementIsNotSafe(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld(t, 8, nil)
	service := serviceInviter(w.service(t, invitations.Config{}))
	hand, one := newByHand(w.pool, w.schema, 10), newByHand(w.pool, w.schema, 10)
	one.withoutLock = true
	w.found(t, []string{"service", "hand", "one"})

	// behind runs invite while another transaction holds the organization's row, invites the
	// same address and then commits.
	behind := func(organization string, invite inviter) error {
		tx, err := w.pool.Begin(ctx)
		require.NoError(t, err)
		defer tx.Rollback(context.WithoutCancel(ctx))
		first := serviceInviter(w.service(t, invitations.Config{}).WithStore(w.store.WithTx(tx)))
		require.NoError(t, first(ctx, organization, "ada", "bob@example.com"))
		var pid int
		require.NoError(t, tx.QueryRow(ctx, `select pg_backend_pid()`).Scan(&pid))
		second := make(chan error, 1)
		go func() { second <- invite(ctx, organization, "ada", "bob@example.com") }()
		for w.number(t, `select count(*) from pg_stat_activity where $1::integer = any (pg_blocking_pids(pid))`, pid) == 0 {
			require.Empty(t, second, "invite did not wait")
		}
		require.NoError(t, tx.Commit(ctx))
		return <-second
	}
	pending := func(organization string) int {
		return w.number(t, `select count(*) from `+w.in+`.invitations where organization = $1 and state = 'pending' and email = 'bob@example.com'`, organization)
	}
	require.ErrorIs(t, behind("service", service), invitations.ErrAlreadyInvited)
	require.Equal(t, 1, pending("service"))
	require.ErrorIs(t, behind("hand", hand.inviter()), errRefused)
	require.Equal(t, 1, pending("hand"))
	require.NoError(t, behind("one", one.inviter()))
	require.Equal(t, 2, pending("one"))
}
