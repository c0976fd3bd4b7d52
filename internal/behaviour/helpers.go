package behaviour

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A world is one store under check, with a service on it and the clock of the service.
type world struct {
	*testing.T
	ctx   context.Context
	store invitations.Store
	clock *clock
	svc   *invitations.Service
	law   law // of svc
}

func newWorld(t *testing.T, store invitations.Store) *world {
	c := &clock{now: start}
	w := &world{T: t, ctx: t.Context(), store: store, clock: c}
	return w.with(invitations.Config{})
}

// start is the instant at which every check begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func testKey(n byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = n
	}
	return key
}

func newService(store invitations.Store, c *clock, keys ...[]byte) *invitations.Service {
	return configured(store, invitations.Config{Clock: c.Now}, keys...)
}

// configured returns a service that has only the sending limits of config.
func configured(store invitations.Store, config invitations.Config, keys ...[]byte) *invitations.Service {
	if config.ResendCooldown == 0 {
		config.ResendCooldown = -1
	}
	for _, limit := range []*int{&config.SendsPerRecipient, &config.SendsPerSender, &config.SendsPerOrganization} {
		if *limit == 0 {
			*limit = -1
		}
	}
	ring, err := invitations.NewKeyring(keys...)
	if err != nil {
		panic(err)
	}
	svc, err := invitations.New(store, ring, config)
	if err != nil {
		panic(err)
	}
	return svc
}

// with returns the same world with a service that has config.
func (w *world) with(config invitations.Config) *world {
	config.Clock = w.clock.Now
	other := *w
	other.svc = configured(w.store, config, testKey(1))
	other.law = lawOf(other.svc, config)
	return &other
}

// lawOf returns the law of a service with config.
func lawOf(svc *invitations.Service, config invitations.Config) law {
	limits := invitations.Limits{Members: config.MemberLimit, Pending: cmp.Or(config.PendingLimit, 10)}
	return law{policy: svc.Policy(), limits: limits, reserve: config.ReserveSeats, users: map[string]string{pseudonym: zed}}
}

const day = 24 * time.Hour

// id returns the nth of a row of UUIDs of version 7.
func id(n int) uuid.UUID {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:], uint64(start.UnixMilli())<<16)
	binary.BigEndian.PutUint64(u[8:], uint64(n))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u
}

// ok fails the check if err is not nil.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

// refused fails the check if err does not match want.
func (w *world) refused(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

// refusal is refused for one of many cases. The check goes on.
func (w *world) refusal(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// equal fails the check if got differs from want.
func (w *world) equal(what string, got, want any) {
	w.Helper()
	if d := differ(got, want); d != "" {
		w.Fatalf("%s: %s", what, d)
	}
}

// differ returns how got differs from want, or "". It compares their JSON. Nil and empty are
// equal.
func differ(got, want any) string {
	g, w := marshal(got), marshal(want)
	if bytes.Equal(g, w) {
		return ""
	}
	if g, w := pruneJSON(g), pruneJSON(w); g != w {
		return "\n got " + g + "\nwant " + w
	}
	return ""
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func pruneJSON(text []byte) string {
	var parsed any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		panic(err)
	}
	return string(marshal(pruned(parsed)))
}

// pruned returns v, in which empty arrays and objects are null.
func pruned(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = pruned(v[i])
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
		for key := range v {
			v[key] = pruned(v[key])
		}
	}
	return v
}

// view returns the facts of q, with their traces in order. A store returns them in any order.
func (w *world) view(q invitations.Query) invitations.Facts {
	w.Helper()
	f, err := w.store.View(w.ctx, q)
	w.ok(err)
	slices.SortFunc(f.TracedInvitations, func(a, b invitations.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	slices.SortFunc(f.TracedMembers, func(a, b invitations.Member) int { return strings.Compare(a.UserID, b.UserID) })
	slices.SortFunc(f.TracedEvents, func(a, b invitations.Event) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Index, b.Index))
	})
	return f
}

func (w *world) page(q invitations.InvitationQuery) invitations.Page[invitations.Record] {
	w.Helper()
	page, err := w.store.Invitations(w.ctx, q)
	w.ok(err)
	return page
}

func (w *world) events(q invitations.EventQuery) invitations.Page[invitations.Event] {
	w.Helper()
	page, err := w.store.Events(w.ctx, q)
	w.ok(err)
	return page
}

// change applies changes to an organization, which need not exist.
func (w *world) change(organization string, changes invitations.Changes) {
	w.Helper()
	w.ok(put(w.ctx, w.store, organization, changes))
}

// put applies changes to an organization, which need not exist. It asks for the invitations
// that they replace.
func put(ctx context.Context, store invitations.Store, organization string, c invitations.Changes) error {
	q := invitations.Query{Organization: organization}
	for _, r := range c.Invitations {
		q.Invitations = append(q.Invitations, r.ID)
	}
	return store.Create(ctx, q, func(invitations.Facts) (invitations.Changes, error) { return c, nil })
}

// A state is everything that a store shows of an organization and some users.
type state struct {
	Facts       invitations.Facts
	Invitations invitations.Page[invitations.Record]
	Events      invitations.Page[invitations.Event]
}

func (w *world) state(organization string, users ...string) state {
	w.Helper()
	s, err := readState(w.ctx, w.store, organization, users...)
	w.ok(err)
	return s
}

func readState(ctx context.Context, store invitations.Store, organization string, users ...string) (s state, err error) {
	const all = 100_000
	q := invitations.Query{
		Organization: organization, Members: users, Removals: true, Totals: true, PendingAt: start, OwnersUpTo: all, Quotas: true,
	}
	if s.Facts, err = store.View(ctx, q); err != nil {
		return s, err
	}
	if s.Invitations, err = store.Invitations(ctx, invitations.InvitationQuery{Organization: organization, At: start, Limit: all}); err != nil {
		return s, err
	}
	s.Events, err = store.Events(ctx, invitations.EventQuery{Organization: organization, Limit: all})
	return s, err
}

// follow returns the feed after a position.
func (w *world) follow(after int64) []invitations.Event {
	w.Helper()
	all, err := follow(w.ctx, w.store, after)
	w.ok(err)
	return all
}

func follow(ctx context.Context, store invitations.Store, after int64) (all []invitations.Event, err error) {
	for {
		found, err := store.Feed(ctx, after, 100)
		if err != nil || len(found) == 0 {
			return all, err
		}
		for _, e := range found {
			if e.Position <= after {
				return all, fmt.Errorf("position %d comes after position %d", e.Position, after)
			}
			after = e.Position
		}
		all = append(all, found...)
	}
}

// explained fails the check unless the events of an organization explain it.
func (w *world) explained(organization string) {
	w.Helper()
	if _, err := explained(w.ctx, w.store, w.law, organization); err != nil {
		w.Errorf("%s: %v", organization, err)
	}
}

// fed fails the check unless the feed has the events of the organizations, each organization
// in its own order.
func (w *world) fed(feed []invitations.Event, organizations ...string) {
	w.Helper()
	got, want := map[string][]invitations.Event{}, map[string][]invitations.Event{}
	for _, e := range feed {
		e.Position = 0
		got[e.Organization] = append(got[e.Organization], e)
	}
	for _, organization := range organizations {
		want[organization] = w.events(invitations.EventQuery{Organization: organization, Limit: 100_000}).Items
	}
	w.equal("the feed", got, want)
}

// link returns the nth invitation of an organization as a link.
func link(organization string, n int) invitations.Record {
	return invitations.Record{
		Invitation: invitations.Invitation{
			ID: id(n), Organization: organization, Kind: invitations.KindLink, State: invitations.StatePending, Role: "developer",
			Quota: invitations.Quota{Limit: int64(n), Period: invitations.PeriodMonth}, MaxUses: 10, Uses: 3,
			CreatedBy: "ada", SentBy: "bob", CreatedAt: start.Add(time.Duration(n) * time.Microsecond), SentAt: start, ExpiresAt: start.Add(7 * day),
		},
		Nonce:       [16]byte{byte(n), byte(n >> 8), 1, 0xff},
		SentVersion: int64(n + 1),
	}
}

func member(organization, user string, role invitations.Role) invitations.Member {
	return invitations.Member{Organization: organization, UserID: user, Role: role, JoinedAt: start}
}

// odd are user IDs that a store could confuse, in no order.
var odd = []string{
	"a", "A", "a ", "\u00e4", "a\u0308", "\u00df", "ss", "\u0131", "\u0130", "\u212a", "0", "null", "'", `"`, `\`, "%", "_", "$1", "{}", "--",
	"a\u200bb", "\U0001f600", "\ufffd", strings.Repeat("z", 255), "\u00a0",
}
