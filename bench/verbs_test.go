package bench_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A target is the invitation that one call of a verb is about.
type target struct {
	organization string
	id           uuid.UUID
	email        string
	nonce        [16]byte
	token        string
}

// A verb is an operation of the service on pgstore, and the same by hand. The actor is the owner
// "ada".
type verb struct {
	name    string
	service func(ctx context.Context, svc *invitations.Service, t target) error
	hand    func(ctx context.Context, h *verbsByHand, t target, now time.Time) error
	empty   bool // the organizations have no invitations
	page    bool // the organizations have a page of invitations
	written int  // the number of events of one call
	// The bounds of TestVerbs_Allocations for a call of the service.
	allocs, bytes float64
}

const pageSize = 50

var (
	message = "See you on Monday."
	verbs   = []verb{
		{
			name: "Invite", empty: true, written: 1, allocs: 124, bytes: 9600,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
					Organization: t.organization, Email: t.email, Role: invitations.RoleViewer, ID: uuid.Nil,
				})
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				id, err := uuid.NewV7()
				if err != nil {
					return err
				}
				_, err = h.invite(ctx, t.organization, "ada", t.email, invitations.RoleViewer, id, now)
				return err
			},
		}, {
			name: "Accept", written: 2, allocs: 170, bytes: 24_500,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Accept(ctx, t.token, invitations.Identity{UserID: t.email, Email: t.email, EmailVerified: true})
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				return h.accept(ctx, t.organization, t.email, t.email, t.id, t.nonce, now)
			},
		}, {
			name: "Resend", written: 1, allocs: 169, bytes: 14_000,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Resend(ctx, invitations.User("ada"), invitations.ResendParams{Organization: t.organization, ID: t.id})
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				_, err := h.resend(ctx, t.organization, "ada", t.id, now)
				return err
			},
		}, {
			name: "Revoke", written: 1, allocs: 139, bytes: 12_200,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Revoke(ctx, invitations.User("ada"), t.organization, t.id)
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				return h.revoke(ctx, t.organization, "ada", t.id, now)
			},
		}, {
			name: "Edit", written: 1, allocs: 143, bytes: 12_400,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Edit(ctx, invitations.User("ada"), invitations.EditParams{Organization: t.organization, ID: t.id, Message: &message})
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				return h.edit(ctx, t.organization, "ada", t.id, message, now)
			},
		}, {
			name: "List", page: true, allocs: 480, bytes: 76_000,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				list, err := svc.Invitations(ctx, invitations.User("ada"), invitations.InvitationsParams{Organization: t.organization})
				return checkPage(list.Items, err)
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, _ time.Time) error {
				return checkPage(h.list(ctx, t.organization, "ada", pageSize))
			},
		}, {
			name: "Consume", empty: true, allocs: 82, bytes: 5200,
			service: func(ctx context.Context, svc *invitations.Service, t target) error {
				_, err := svc.Consume(ctx, invitations.InOrganization(t.organization), "ada", 1)
				return err
			},
			hand: func(ctx context.Context, h *verbsByHand, t target, now time.Time) error {
				_, err := h.consume(ctx, t.organization, "ada", 1, now)
				return err
			},
		},
	}
)

func checkPage(page []invitations.Invitation, err error) error {
	if err == nil && len(page) != pageSize {
		err = fmt.Errorf("a page of %d", len(page))
	}
	return err
}

// seed creates organizations with the owner "ada", a quota, and as many invitations, which ada
// sent an hour before. It returns a target for each invitation.
func (w *world) seed(t testing.TB, organizations []string, each int, now time.Time) (targets []target) {
	w.found(t, organizations)
	w.exec(t, `insert into `+w.in+`.quotas (organization, user_id, quota_limit, period, version)
		select unnest($1::text[]), '', 1000000000, 'endless', 1`, organizations)
	tokens := newSigner(secret)
	var of, ids, emails []string
	var nonces [][]byte
	for _, organization := range organizations {
		for n := range each {
			one := target{
				organization: organization, id: uuid.Must(uuid.NewV7()), email: fmt.Sprintf("user-%d@example.com", n), nonce: newNonce(),
			}
			one.token = tokens.sign(organization, one.id, one.nonce)
			targets = append(targets, one)
			of, ids, emails, nonces = append(of, organization), append(ids, one.id.String()), append(emails, one.email), append(nonces, one.nonce[:])
		}
	}
	rows := ` from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[]) as t (organization, id, email, nonce)`
	times := ` $5::timestamptz - interval '1 hour'`
	w.exec(t, `insert into `+w.in+`.invitations (organization, id, kind, state, email, role, message, metadata, allowed_domains,
			max_uses, uses, created_by, sent_by, accepted_by, created_at, sent_at, expires_at, ended_at, nonce, sent_version, quota_limit, quota_period, sweep_at)
		select t.organization, t.id, 'email', 'pending', t.email, 'viewer', '', '{}', '{}',
			1, 0, 'ada', 'ada', '',`+times+`,`+times+`,`+times+` + interval '7 days', null, t.nonce, 1, 0, '',`+times+` + interval '7 days'`+rows,
		of, ids, emails, nonces, now)
	w.exec(t, `insert into `+w.in+`.events (organization, version, ordinal, type, at, actor, subject, invitation_id, role, reason, quota_limit, quota_period, email, max_uses, expires_at,
			former_role, invited_by, allowed_domains, changed)
		select t.organization, 1, row_number() over (partition by t.organization order by t.id), 'invitation.created',`+times+`, 'ada', '', t.id, 'viewer', '', 0, '', t.email, 1,`+times+` + interval '7 days',
			'', '', '{}', '{}'`+rows+` where $4::bytea[] is not null`, of, ids, emails, nonces, now)
	return targets
}

// clear deletes all that belongs to the organizations.
func (w *world) clear(t testing.TB, organizations []string) {
	for _, table := range []string{"invitations", "events", "members", "quotas"} {
		w.exec(t, `delete from `+w.in+`.`+table+` where organization = any ($1::text[])`, organizations)
	}
	w.exec(t, `delete from `+w.in+`.organizations where id = any ($1::text[])`, organizations)
	w.tidy(t)
}

// A cost is the cost of one call: of the process that calls, without the server's.
type cost struct {
	perSecond, cpu, allocs, bytes float64
}

// measure returns the cost of calls of a verb, which are divided among clients that run at once.
// It leaves the tables as they were.
func (w *world) measure(t testing.TB, v verb, call func(ctx context.Context, t target) error, clients, calls int) cost {
	const warmUp = 10 // the vacuum before has discarded the plans of all connections
	each, share := 10, calls/clients
	if v.page {
		each = pageSize + 1
	}
	var organizations []string
	for n := range clients * (share + warmUp) / 10 {
		organizations = append(organizations, fmt.Sprintf("organization-%d", n))
	}
	targets := w.seed(t, organizations, each, time.Now().UTC())
	if v.empty {
		w.exec(t, `delete from `+w.in+`.invitations where organization = any ($1::text[])`, organizations)
		w.exec(t, `delete from `+w.in+`.events where organization = any ($1::text[])`, organizations)
	}
	before := w.events(t, organizations)

	ctx := context.Background()
	errs := make([]error, clients)
	start := make(chan struct{})
	var warm, running sync.WaitGroup
	warm.Add(clients)
	for client := range clients {
		mine := targets[client*(share+warmUp):][:share+warmUp]
		running.Go(func() {
			send := func(targets []target) {
				for _, one := range targets {
					if err := call(ctx, one); err != nil {
						errs[client] = errors.Join(errs[client], err)
					}
				}
			}
			send(mine[:warmUp])
			warm.Done()
			<-start
			send(mine[warmUp:])
		})
	}
	warm.Wait()
	runtime.GC()
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	spent, began := processorTime(t), time.Now()
	close(start)
	running.Wait()
	took, spent := time.Since(began), processorTime(t)-spent
	runtime.ReadMemStats(&to)

	require.NoError(t, errors.Join(errs...))
	require.Equal(t, v.written*clients*(share+warmUp), w.events(t, organizations)-before)
	w.clear(t, organizations)
	n := float64(clients * share)
	return cost{n / took.Seconds(), float64(spent) / n, float64(to.Mallocs-from.Mallocs) / n, float64(to.TotalAlloc-from.TotalAlloc) / n}
}

func (w *world) events(t testing.TB, organizations []string) int {
	return w.number(t, `select count(*) from `+w.in+`.events where organization = any ($1::text[])`, organizations)
}

// A pair of costs is that of the service and that of the statements by hand.
type costs struct{ service, hand []cost }

func (w *world) compare(t testing.TB, v verb, svc *invitations.Service, h *verbsByHand, clients, calls, rounds int) (c costs) {
	service := func(ctx context.Context, one target) error { return v.service(ctx, svc, one) }
	hand := func(ctx context.Context, one target) error {
		return v.hand(ctx, h, one, time.Now().UTC().Truncate(time.Microsecond))
	}
	w.measure(t, v, service, clients, calls) // to make connections and prepare statements
	w.measure(t, v, hand, clients, calls)
	for round := range rounds {
		if round%2 == 0 {
			c.service = append(c.service, w.measure(t, v, service, clients, calls))
			c.hand = append(c.hand, w.measure(t, v, hand, clients, calls))
		} else { // the order alternates, because the first turn may slow down the second
			c.hand = append(c.hand, w.measure(t, v, hand, clients, calls))
			c.service = append(c.service, w.measure(t, v, service, clients, calls))
		}
	}
	return c
}

// BenchmarkVerbs runs each verb of the service on pgstore and by hand in turn. It reports the
// median of the ratios of their throughputs (ratio). Of the process that calls, it reports the
// median of the processor time of one call in microseconds, and the memory that one call
// allocates: of the service, and by hand (sql).
func BenchmarkVerbs(b *testing.B) {
	const rounds, calls = 8, 320
	for _, clients := range []int{1, 16} {
		for _, v := range verbs {
			b.Run(fmt.Sprintf("%s/clients=%d", v.name, clients), func(b *testing.B) {
				w, svc, h := newVerbs(b, clients)
				w.fill(b)
				var c costs
				for b.Loop() {
					c = w.compare(b, v, svc, h, clients, calls, rounds)
				}
				b.ReportMetric(0, "ns/op") // of all rounds together, which has no meaning
				var ratios []float64
				for i := range c.service {
					ratios = append(ratios, c.service[i].perSecond/c.hand[i].perSecond)
				}
				b.ReportMetric(median(ratios), "ratio")
				for name, of := range map[string][]cost{"service": c.service, "sql": c.hand} {
					b.ReportMetric(medianOf(of, func(c cost) float64 { return c.cpu / 1000 }), name+"-µs")
					b.ReportMetric(medianOf(of, func(c cost) float64 { return c.allocs }), name+"-allocs")
					b.ReportMetric(medianOf(of, func(c cost) float64 { return c.bytes }), name+"-B")
				}
			})
		}
	}
}

func medianOf(costs []cost, value func(cost) float64) float64 {
	var values []float64
	for _, c := range costs {
		values = append(values, value(c))
	}
	return median(values)
}

func newVerbs(t testing.TB, clients int) (*world, *invitations.Service, *verbsByHand) {
	w := newWorld(t, clients, map[string]string{"synchronous_commit": "off"})
	limit := sends(10)
	svc := w.service(t, invitations.Config{PendingLimit: 10, SendsPerSender: limit, SendsPerOrganization: limit})
	return w, svc, newVerbsByHand(w, 10)
}

// A call of the service must not allocate more than now. The medians of a few turns leave out what
// happens once: a new connection, or a pool that the garbage collector has emptied.
func TestVerbs_Allocations(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector empties pools; make test runs this test without it too")
	}
	const turns, calls = 3, 160
	w, svc, _ := newVerbs(t, 1)
	for _, v := range verbs {
		var costs []cost
		for range turns {
			costs = append(costs, w.measure(t, v, func(ctx context.Context, one target) error { return v.service(ctx, svc, one) }, 1, calls))
		}
		allocs, bytes := medianOf(costs, func(c cost) float64 { return c.allocs }), medianOf(costs, func(c cost) float64 { return c.bytes })
		t.Logf("%s: %.0f allocations, %.0f bytes", v.name, allocs, bytes)
		require.LessOrEqual(t, allocs, v.allocs, v.name)
		require.LessOrEqual(t, bytes, v.bytes, v.name)
	}
}

// raceEnabled reports whether the race detector is on.
func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// The verbs by hand must write the same rows and refuse the same calls. For the first one,
// TestInvite_ByHandDoesTheSame shows it.
func TestVerbs_ByHandDoTheSame(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
	for _, v := range verbs[1:] {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2, nil)
			limit := sends(pageSize + 1)
			svc := w.service(t, invitations.Config{
				Clock: func() time.Time { return now }, PendingLimit: pageSize + 1, SendsPerSender: limit, SendsPerOrganization: limit,
			})
			h := newVerbsByHand(w, pageSize+1)
			targets := w.seed(t, []string{"service", "hand"}, pageSize+1, now)
			ofService, ofHand := targets[0], targets[pageSize+1]

			same := func(call string) string {
				t.Helper()
				service := w.rows(t, "service")
				require.True(t, service == w.rows(t, "hand"), "%s: the rows differ", call)
				return service
			}
			refused := func(call string) {
				t.Helper()
				before := same("before " + call)
				require.ErrorAs(t, v.service(ctx, svc, ofService), new(*invitations.Error), call)
				require.ErrorIs(t, v.hand(ctx, h, ofHand, now), errRefused, call)
				require.True(t, before == same(call), "%s: a refusal has changed rows", call)
			}
			w.exec(t, `update `+w.in+`.members set role = 'viewer'`)
			refused("a viewer")
			w.exec(t, `update `+w.in+`.members set role = 'owner'`)
			w.exec(t, `update `+w.in+`.organizations set deleted = true`)
			refused("a deleted organization")
			w.exec(t, `update `+w.in+`.organizations set deleted = false`)

			before := same("before")
			require.NoError(t, v.service(ctx, svc, ofService))
			require.NoError(t, v.hand(ctx, h, ofHand, now))
			require.Equal(t, v.page, before == same("after"))
			if !v.page && v.written > 0 {
				w.exec(t, `update `+w.in+`.invitations set state = 'declined', accepted_by = '', ended_at = $1 where email = $2`, now, ofHand.email)
				w.exec(t, `delete from `+w.in+`.members where user_id = $1`, ofHand.email)
				refused("an invitation that has ended")
			}
		})
	}
}

// rows returns all that a verb can write, as a text.
func (w *world) rows(t testing.TB, organization string) (all string) {
	require.NoError(t, w.pool.QueryRow(t.Context(), `select jsonb_pretty(jsonb_build_object(
		'invitations', (select jsonb_agg(to_jsonb(i) - 'organization' - 'nonce' - 'id' order by i.email) from `+w.in+`.invitations i where i.organization = $1),
		'events', (select jsonb_agg(to_jsonb(e) - 'organization' - 'invitation_id' order by e.version, e.ordinal) from `+w.in+`.events e where e.organization = $1),
		'members', (select jsonb_agg(to_jsonb(m) - 'organization' - 'invitation_id' order by m.user_id) from `+w.in+`.members m where m.organization = $1),
		'quotas', (select jsonb_agg(to_jsonb(q) - 'organization' order by q.user_id) from `+w.in+`.quotas q where q.organization = $1),
		'version', (select o.version from `+w.in+`.organizations o where o.id = $1)))::text`, organization).Scan(&all))
	return all
}
