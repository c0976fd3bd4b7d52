package behaviour

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// naive is a store whose changes are not atomic: it reads, decides and then writes.
type naive struct{ *memstore.Store }

func (n naive) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	facts, err := n.View(ctx, q)
	if err != nil {
		return err
	}
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	return n.write(ctx, q.Organization, changes)
}

func (n naive) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	var due []invitations.Facts
	err := n.Store.Sweep(ctx, at, limit, func(all []invitations.Facts) []invitations.Changes {
		due = all
		return make([]invitations.Changes, len(all))
	})
	if err != nil {
		return err
	}
	for i, changes := range decide(due) {
		if err := n.write(ctx, due[i].Organization, changes); err != nil {
			return err
		}
	}
	return nil
}

func (n naive) write(ctx context.Context, organization string, changes invitations.Changes) error {
	for range rand.N(200) {
		runtime.Gosched()
	}
	return n.Store.Update(ctx, invitations.Query{Organization: organization, AlsoDeleted: true}, func(invitations.Facts) (invitations.Changes, error) {
		return changes, nil
	})
}

// TestRaces_EachFailsOnANaiveStore is the negative control of the races.
func TestRaces_EachFailsOnANaiveStore(t *testing.T) {
	t.Parallel()
	for _, r := range races {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			store := naive{memstore.New()}
			for n := range 1000 {
				if err := r.once(t.Context(), store, n); err != nil {
					t.Logf("round %d: %v", n, err)
					return
				}
			}
			t.Fatal("a thousand rounds do not tell a naive store from an atomic one")
		})
	}
}

// TestStorm_FailsOnANaiveStore is the negative control of the storms.
func TestStorm_FailsOnANaiveStore(t *testing.T) {
	t.Parallel()
	store := naive{memstore.New()}
	for n := range 1000 {
		if err := storm(t.Context(), store, n); err != nil {
			t.Logf("storm %d: %v", n, err)
			return
		}
	}
	t.Fatal("a thousand storms do not tell a naive store from an atomic one")
}

// unordered is a store that returns the traces of a person in another order each time.
type unordered struct{ *memstore.Store }

func (s unordered) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	f, err := s.Store.View(ctx, q)
	shuffle(f)
	return f, err
}

func (s unordered) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.Store.Update(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		shuffle(f)
		return decide(f)
	})
}

func shuffle(f invitations.Facts) {
	swap(f.TracedInvitations)
	swap(f.TracedMembers)
	swap(f.TracedEvents)
}

func swap[T any](s []T) {
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// TestStories_TracesInAnyOrder tells that no story depends on the order of traces.
func TestStories_TracesInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, c := range groups[0].checks {
		t.Run(c.name, func(t *testing.T) {
			c.perform(newWorld(t, unordered{memstore.New()}))
		})
	}
}
