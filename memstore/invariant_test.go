package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// scanned is an index that can be compared with a scan of all rows.
type scanned[R any] interface{ compare(rows []*R) error }

// compare returns an error if the index is not what a scan of rows gives.
func (x *index[R, K]) compare(rows []*R) error {
	want := map[K][]*R{}
	for _, row := range rows {
		if key, ok := x.key(row); ok {
			want[key] = append(want[key], row)
		}
	}
	return x.groups.compare(want)
}

func (g *groups[R, K]) compare(want map[K][]*R) error {
	if len(g.byKey) != len(want) {
		return fmt.Errorf("%d keys, want %d", len(g.byKey), len(want))
	}
	for key, rows := range want {
		l := g.of(key)
		slices.SortFunc(rows, g.order.compare)
		if !slices.Equal(slices.Collect(l.all()), rows) || l.len() != len(rows) || g.first(key) != rows[0] {
			return fmt.Errorf("the rows of %v differ", key)
		}
		slices.Reverse(rows)
		if !slices.Equal(slices.Collect(l.allDown()), rows) {
			return fmt.Errorf("the rows of %v differ downwards", key)
		}
		for _, block := range l.blocks {
			if len(block) == 0 || len(block) > blockSize {
				return fmt.Errorf("a block of %v has %d rows", key, len(block))
			}
			for _, e := range block {
				if e.rank != g.order.rank(e.row) {
					return fmt.Errorf("a rank of %v is out of date", key)
				}
			}
		}
	}
	return nil
}

// compareAll compares all indexes that are fields of table, a pointer to the rows of one kind.
func compareAll[R any](table any, rows []*R) error {
	v := reflect.ValueOf(table).Elem()
	for i := range v.NumField() {
		if x, ok := reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Interface().(scanned[R]); ok {
			if err := x.compare(rows); err != nil {
				return fmt.Errorf("index %s: %w", v.Type().Field(i).Name, err)
			}
		}
	}
	return nil
}

// compare returns an error if an index of the store is not what a scan of all rows gives.
func (s *Store) compare() error {
	workspaces, received := map[string][]*organization{}, map[string][]*organization{}
	var sweeps, purges []*organization
	var feed []*invitations.Event
	for _, o := range s.all() {
		members := slices.Collect(maps.Values(o.members.byUser))
		records := slices.Collect(maps.Values(o.invitations.byID))
		var events []*invitations.Event
		for e := range s.feed.all() {
			if e.Organization == o.id {
				events = append(events, e)
			}
		}
		feed = append(feed, events...)
		err := cmp.Or(compareAll(&o.members, members), compareAll(&o.invitations, records), compareAll(&o.events, events))
		if err != nil {
			return fmt.Errorf("organization %s: %w", o.id, err)
		}
		for user := range o.members.byUser {
			workspaces[user] = append(workspaces[user], o)
		}
		addresses := map[string]bool{}
		sweepAt, purgeAt := never, never
		for _, r := range records {
			if r.Email != "" {
				addresses[r.Email] = true
			}
			if !r.SweepAt.IsZero() && r.State == invitations.StatePending && !o.deleted {
				sweepAt = min(sweepAt, instantOf(r.SweepAt))
			}
			if r.State == invitations.StatePending {
				purgeAt = min(purgeAt, instantOf(r.ExpiresAt))
			} else {
				purgeAt = min(purgeAt, instantOf(r.EndedAt))
			}
		}
		for email := range addresses {
			received[email] = append(received[email], o)
		}
		for _, e := range events {
			purgeAt = min(purgeAt, instantOf(e.At))
		}
		if o.deleted && len(records)+len(members)+len(o.removals)+len(o.quotas)+len(o.closed) > 0 {
			purgeAt = -never
		}
		if o.sweepAt != sweepAt || o.purgeAt != purgeAt {
			return fmt.Errorf("organization %s: its agenda is out of date", o.id)
		}
		if sweepAt != never {
			sweeps = append(sweeps, o)
		}
		if purgeAt != never {
			purges = append(purges, o)
		}
	}
	slices.SortFunc(feed, byPosition.compare)
	slices.SortFunc(sweeps, s.sweeps.organizations.order.compare)
	slices.SortFunc(purges, s.purges.organizations.order.compare)
	switch {
	case !slices.Equal(slices.Collect(s.feed.all()), feed):
		return fmt.Errorf("the feed differs")
	case !slices.Equal(slices.Collect(s.sweeps.organizations.all()), sweeps):
		return fmt.Errorf("the agenda of Sweep differs")
	case !slices.Equal(slices.Collect(s.purges.organizations.all()), purges):
		return fmt.Errorf("the agenda of Purge differs")
	}
	if err := s.workspaces.organizations.compare(workspaces); err != nil {
		return fmt.Errorf("workspaces: %w", err)
	}
	if err := s.received.organizations.compare(received); err != nil {
		return fmt.Errorf("received: %w", err)
	}
	return nil
}

// A wild changes a store at random, with few different values, so that rows meet.
type wild struct {
	*rand.Rand
	store  *Store
	now    time.Time
	number int
	client byte // makes the IDs of several clients differ
}

func newWild(seed uint64) *wild {
	return &wild{Rand: rand.New(rand.NewPCG(seed, 1)), store: New(), now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
}

func pick[T any](w *wild, values ...T) T { return values[w.IntN(len(values))] }

func (w *wild) user() string  { return pick(w, "", "ada", "bob", "cid", "dan") }
func (w *wild) email() string { return pick(w, "", "ada@example.com", "bob@example.com") }
func (w *wild) role() invitations.Role {
	return pick(w, invitations.RoleOwner, invitations.RoleAdmin, invitations.RoleViewer)
}

// time returns an instant at most a day away. Clocks disagree.
func (w *wild) time() time.Time { return w.now.Add(time.Duration(w.IntN(48)-24) * time.Hour) }

func (w *wild) invitation(organization string, old *invitations.Record) invitations.Record {
	w.number++
	r := invitations.Record{Invitation: invitations.Invitation{ID: uuid.UUID{byte(w.number >> 8), byte(w.number), w.client}, CreatedAt: w.time()}}
	if old != nil {
		r.ID, r.CreatedAt = old.ID, old.CreatedAt
	}
	r.Organization, r.Kind = organization, pick(w, invitations.KindEmail, invitations.KindLink)
	r.State = pick(w, invitations.StatePending, invitations.StatePending, invitations.StateAccepted, invitations.StateRevoked)
	r.Email, r.Role, r.SentBy, r.CreatedBy, r.AcceptedBy = w.email(), w.role(), w.user(), w.user(), w.user()
	r.ExpiresAt, r.EndedAt = w.time(), w.time()
	if w.IntN(2) == 0 {
		r.SweepAt = w.time()
	}
	return r
}

func (w *wild) event(organization string) invitations.Event {
	return invitations.Event{
		Organization: organization, Type: pick(w, invitations.EventInvitationCreated, invitations.EventMemberJoined), At: w.time(),
		Actor: w.user(), Subject: w.user(), Email: w.email(), InvitationID: uuid.UUID{0, byte(w.IntN(4))},
	}
}

// step makes one random call.
func (w *wild) step(t *testing.T) {
	ctx := context.Background()
	w.now = w.now.Add(time.Minute)
	switch w.IntN(12) {
	case 0:
		assert.NoError(t, w.store.Sweep(ctx, w.time(), 1+w.IntN(5), func(all []invitations.Facts) []invitations.Changes {
			changes := make([]invitations.Changes, len(all))
			for i, f := range all {
				for _, r := range f.PendingRecords {
					r.SweepAt = pick(w, time.Time{}, r.ExpiresAt)
					changes[i].Invitations = append(changes[i].Invitations, r)
				}
			}
			return changes
		}))
	case 1:
		_, err := w.store.Purge(ctx, invitations.PurgeQuery{Before: w.now.Add(time.Duration(-w.IntN(36)) * time.Hour), Limit: 1 + w.IntN(20)})
		assert.NoError(t, err)
	default:
		organization := pick(w, "acme", "beta", "zeta", fmt.Sprintf("short-lived %d", w.number/50))
		q := invitations.Query{Organization: organization, AlsoDeleted: true, TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 100}
		assert.NoError(t, w.store.Create(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			return w.changes(f), nil
		}))
	}
}

func (w *wild) changes(f invitations.Facts) (c invitations.Changes) {
	if f.Deleted {
		return c
	}
	for range w.IntN(4) {
		c.Invitations = append(c.Invitations, w.invitation(f.Organization, nil))
	}
	for _, r := range f.TracedInvitations {
		if w.IntN(4) == 0 {
			c.Invitations = append(c.Invitations, w.invitation(f.Organization, &r))
		}
	}
	for _, e := range f.TracedEvents {
		if w.IntN(8) == 0 {
			e.Actor, e.Email = w.user(), ""
			c.ErasedEvents = append(c.ErasedEvents, e)
		}
	}
	for range w.IntN(3) {
		c.Events = append(c.Events, w.event(f.Organization))
	}
	if user := w.user(); w.IntN(2) == 0 {
		c.Members = append(c.Members, invitations.Member{Organization: f.Organization, UserID: user, Role: w.role()})
	} else if w.IntN(2) == 0 {
		c.RemovedMembers, c.Removals = append(c.RemovedMembers, user), append(c.Removals, user)
	}
	c.Deleted = strings.HasPrefix(f.Organization, "short") && w.IntN(8) == 0
	return c
}

// After random changes, every index must equal what a scan of the rows gives.
func TestIndexes_EqualAScan(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWild(seed)
	rows := 0
	for i := range 3_000 {
		w.step(t)
		if i%10 == 0 {
			require.NoError(t, w.store.compare(), "step %d", i)
		}
		rows = max(rows, w.store.feed.len())
	}
	require.NoError(t, w.store.compare())
	require.Greater(t, rows, blockSize, "the most rows of the feed, which must have several blocks")
}

// The same must hold after changes by several clients at once, which read meanwhile.
func TestIndexes_EqualAScanAfterConcurrentChanges(t *testing.T) {
	t.Parallel()
	store := New()
	var all sync.WaitGroup
	for client := range byte(4) {
		all.Go(func() {
			w := newWild(rand.Uint64())
			w.store, w.client = store, client
			for range 300 {
				w.step(t)
				w.read(t)
			}
		})
	}
	all.Wait()
	require.NoError(t, store.compare())
}

// read makes one random call that reads across organizations.
func (w *wild) read(t *testing.T) {
	ctx := context.Background()
	var err error
	switch w.IntN(4) {
	case 0:
		_, err = w.store.Invitations(ctx, invitations.InvitationQuery{Email: "ada@example.com", At: w.now, Limit: 9})
	case 1:
		_, _, err = w.store.Workspaces(ctx, invitations.WorkspaceQuery{UserID: "bob", Limit: 9})
	case 2:
		_, err = w.store.Feed(ctx, 0, 9)
	case 3:
		_, err = w.store.Events(ctx, invitations.EventQuery{Organization: "acme", Actor: "cid", Limit: 9})
	}
	assert.NoError(t, err)
}

// The comparison must find an index that misses the changes of its rows.
func TestIndexes_AForgottenOneIsFound(t *testing.T) {
	t.Parallel()
	forget := map[string]func(o *organization){
		"": func(*organization) {}, // nothing
	}
	sample := newOrganization("", newDirectory(), newDirectory())
	for i := range sample.members.indexes {
		forget[fmt.Sprint("members ", i)] = func(o *organization) { o.members.indexes = without(o.members.indexes, i) }
	}
	for i := range sample.invitations.indexes {
		forget[fmt.Sprint("invitations ", i)] = func(o *organization) { o.invitations.indexes = without(o.invitations.indexes, i) }
	}
	for i := range sample.events.indexes {
		if i > 0 { // the first one finds the events to erase
			forget[fmt.Sprint("events ", i)] = func(o *organization) { o.events.indexes = without(o.events.indexes, i) }
		}
	}
	require.Len(t, forget, 1+1+8+5)
	for name, forget := range forget {
		t.Run(name, func(t *testing.T) {
			w := newWild(1)
			for _, organization := range []string{"acme", "beta", "zeta"} {
				forget(w.store.findOrAdd(organization))
			}
			var err error
			for i := 0; i < 300 && err == nil; i++ {
				w.step(t)
				err = w.store.compare()
			}
			if name == "" {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		})
	}
}

// An index must also be found if it takes a row for unmoved, or if a directory, an agenda or the
// feed misses a change.
func TestIndexes_AStaleOneIsFound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *wild, o *organization){
		"a row that changes in place": func(_ *wild, o *organization) {
			for _, r := range o.invitations.byID {
				r.SentBy = "eve"
			}
		},
		"a time that changes in place": func(_ *wild, o *organization) {
			for _, r := range o.invitations.byID {
				r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
			}
		},
		"a member that nobody announced": func(w *wild, o *organization) { w.store.workspaces.set("eve", o, true) },
		"an address that nobody lost":    func(w *wild, o *organization) { w.store.received.set("eve@example.com", o, true) },
		"an agenda that was not told":    func(w *wild, o *organization) { w.store.purges.set(o, 1) },
		"an event out of the feed":       func(w *wild, _ *organization) { w.store.feed.remove(w.store.feed.first()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWild(2)
			for range 100 {
				w.step(t)
			}
			require.NoError(t, w.store.compare())
			spoil(w, w.store.find("acme"))
			require.Error(t, w.store.compare())
		})
	}
}

func without[R any](all indexes[R], i int) indexes[R] {
	return slices.Delete(slices.Clone(all), i, i+1)
}

// The rank of a text must agree with the order of its bytes.
func TestRankOf_IsInTheOrderOfBytes(t *testing.T) {
	t.Parallel()
	texts := []string{"", "\x00", "a", "a\x00", "ab", "abcdefgh", "abcdefghi", "b", "\x7f", "\x80", "\u00e9", "\xff\xff\xff\xff\xff\xff\xff\xff"}
	require.True(t, slices.IsSorted(texts))
	for i, text := range texts[1:] {
		require.LessOrEqual(t, rankOf(texts[i]), rankOf(text), "%q and %q", texts[i], text)
	}
	require.Less(t, rankOf("\x7f"), rankOf("\x80"))
}
