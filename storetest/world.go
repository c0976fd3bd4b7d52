package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A world is what a check works with: a store, a service on it, and a clock that moves when
// it is told to.
type world struct {
	*testing.T
	ctx   context.Context
	store invitations.Store
	clock *clock
	svc   *invitations.Service
}

// patience bounds a check, so that a store which keeps a lock fails it and does not hang.
const patience = 5 * time.Minute

func newWorld(t *testing.T, store invitations.Store) *world {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	c := &clock{now: start}
	return &world{T: t, ctx: ctx, store: store, clock: c, svc: newService(store, c, testKey(1))}
}

// start is when every world begins.
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

// configured returns a service whose limits of sending are those that config names: what is
// not about them is not held up by them.
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

// with returns the same world with a service that is told config.
func (w *world) with(config invitations.Config) *world {
	config.Clock = w.clock.Now
	other := *w
	other.svc = configured(w.store, config, testKey(1))
	return &other
}

const day = 24 * time.Hour

// id returns the nth of a row of version 7 UUIDs.
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

// refused fails the check if err is not want.
func (w *world) refused(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

// refusal is refused for one of many cases.
func (w *world) refusal(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// equal fails the check if got is not want. Empty and nil are the same.
func (w *world) equal(what string, got, want any) {
	w.Helper()
	if d := differ(got, want); d != "" {
		w.Fatalf("%s: %s", what, d)
	}
}

// differ returns how got differs from want, or "".
func differ(got, want any) string {
	if same(reflect.ValueOf(got), reflect.ValueOf(want)) {
		return ""
	}
	g, v := flatten(reflect.ValueOf(got)), flatten(reflect.ValueOf(want))
	return fmt.Sprintf("\n got %v\nwant %v", g, v)
}

// same reports whether a and b are equal, where nil and empty are the same, times are equal that
// have the same instant and zone, and pointers are followed.
func same(a, b reflect.Value) bool {
	a, b = followed(a), followed(b)
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return reflect.DeepEqual(flatten(a), flatten(b))
	}
	if at, ok := a.Interface().(time.Time); ok {
		bt := b.Interface().(time.Time)
		return at.Equal(bt) && at.Location().String() == bt.Location().String()
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if v := b.MapIndex(key); !v.IsValid() || !same(a.MapIndex(key), v) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// followed returns what v points at, and the zero Value for nil.
func followed(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

// flatten returns v in a form that can be printed, in which nil and empty are equal.
func flatten(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.Format(time.RFC3339Nano) + " " + x.Location().String()
	case uuid.UUID:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "none"
		}
		return flatten(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			out[v.Type().Field(i).Name] = flatten(v.Field(i))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[fmt.Sprint(key)] = flatten(v.MapIndex(key))
		}
		return out
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, flatten(v.Index(i)))
		}
		return out
	}
	return v.Interface()
}

func (w *world) view(q invitations.Query) invitations.Facts {
	w.Helper()
	f, err := w.store.View(w.ctx, q)
	w.ok(err)
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

// change applies changes to an organization, whatever its facts.
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

// A state is all that a store shows of an organization.
type state struct {
	Facts       invitations.Facts
	Invitations invitations.Page[invitations.Record]
	Events      invitations.Page[invitations.Event]
}

// state reads all that the store shows of an organization; users are those whose
// memberships count.
func (w *world) state(organization string, users ...string) state {
	w.Helper()
	s, err := readState(w.ctx, w.store, organization, users...)
	w.ok(err)
	return s
}

func readState(ctx context.Context, store invitations.Store, organization string, users ...string) (s state, err error) {
	const all = 100_000
	q := invitations.Query{
		Organization: organization, Members: users, Removals: true, PendingUpTo: all, PendingAt: start,
		MembersUpTo: all, OwnersUpTo: all, Quotas: true,
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
