package linearizability

import (
	"context"
	"errors"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// controls are stores with one fault each. The checker must find all of them.
var controls = map[string]func() invitations.Store{
	"decides outside the lock":            func() invitations.Store { return outsideLock{memstore.New()} },
	"loses an event":                      func() invitations.Store { return losesEvent{memstore.New()} },
	"counts pending invitations late":     late(func(f, old *invitations.Facts) { f.PendingCount = old.PendingCount }),
	"counts seats late":                   late(func(f, old *invitations.Facts) { f.SeatCount, f.ReservedCount = old.SeatCount, old.ReservedCount }),
	"counts owners late":                  late(func(f, old *invitations.Facts) { f.OwnerCount = old.OwnerCount }),
	"counts uses late":                    late(usesOf),
	"applies a refusal":                   func() invitations.Store { return appliesRefusal{memstore.New()} },
	"reports a failure of what it did":    func() invitations.Store { return failsAfter{memstore.New()} },
	"answers a list with the one before":  func() invitations.Store { return &oneBehind{Store: memstore.New()} },
	"reads an overview at two instants":   func() invitations.Store { return readsTwice{memstore.New()} },
	"takes an amount twice":               func() invitations.Store { return takesTwice{memstore.New()} },
	"sweeps without writing":              func() invitations.Store { return sweepsOnly{memstore.New()} },
	"purges what is not old":              func() invitations.Store { return purgesMore{memstore.New()} },
	"forgets the mark of a removal":       func() invitations.Store { return forgetsRemovals{memstore.New()} },
	"finds no trace of an erased address": func() invitations.Store { return erasesLess{memstore.New()} },
}

// outsideLock decides on facts that can be old when it writes.
type outsideLock struct{ *memstore.Store }

func (s outsideLock) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	facts, err := s.View(ctx, q)
	if err != nil {
		return err
	}
	pause()
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	return s.Store.Update(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		if f.Version == 0 {
			return invitations.Changes{}, nil
		}
		return changes, nil
	})
}

// changing is a store that changes what decisions return.
func changing(ctx context.Context, s *memstore.Store, q invitations.Query, decide invitations.Decision, change func(*invitations.Changes)) error {
	return s.Update(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		c, err := decide(f)
		if err == nil && !c.Empty() {
			change(&c)
		}
		return c, err
	})
}

type losesEvent struct{ *memstore.Store }

func (s losesEvent) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return changing(ctx, s.Store, q, decide, func(c *invitations.Changes) {
		if last := len(c.Events) - 1; last > 0 {
			c.Events = c.Events[:last]
		}
	})
}

// countsLate decides on counts that another change can have made wrong.
type countsLate struct {
	*memstore.Store
	count func(facts, old *invitations.Facts)
}

func late(count func(facts, old *invitations.Facts)) func() invitations.Store {
	return func() invitations.Store { return countsLate{memstore.New(), count} }
}

func usesOf(f, old *invitations.Facts) {
	if f.Invitation != nil && old.Invitation != nil {
		f.Invitation.Uses = old.Invitation.Uses
	}
}

func (s countsLate) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	old, err := s.View(ctx, q)
	if err != nil {
		return err
	}
	for range 4 {
		pause()
	}
	return s.Store.Update(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
		if f.Version > 0 && old.Version > 0 {
			s.count(&f, &old)
		}
		return decide(f)
	})
}

// appliesRefusal counts a use of a link that refuses a person.
type appliesRefusal struct{ *memstore.Store }

func (s appliesRefusal) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	var refusal error
	err := s.Store.Update(ctx, q, func(f invitations.Facts) (c invitations.Changes, err error) {
		c, refusal = decide(f)
		if inv := f.Invitation; refusal != nil && inv != nil && inv.Kind == invitations.KindLink && inv.State == invitations.StatePending {
			inv.Uses++
			return invitations.Changes{Invitations: []invitations.Record{*inv}}, nil
		}
		return c, refusal
	})
	if err != nil {
		return err
	}
	return refusal
}

// failsAfter returns an ordinary error although the change took effect.
type failsAfter struct{ *memstore.Store }

func (s failsAfter) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	if err := s.Store.Update(ctx, q, decide); err != nil || rand.N(10) > 0 {
		return err
	}
	return errors.New("the connection is gone")
}

// oneBehind answers each list of members with the page of the list before.
type oneBehind struct {
	*memstore.Store
	mu   sync.Mutex
	last map[invitations.MemberQuery]invitations.Page[invitations.Membership]
}

func (s *oneBehind) Members(ctx context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
	page, err := s.Store.Members(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.last[q]
	if s.last == nil {
		s.last = map[invitations.MemberQuery]invitations.Page[invitations.Membership]{}
	}
	if s.last[q] = page; ok {
		before.Viewer = page.Viewer
		return before, err
	}
	return page, err
}

// readsTwice counts the members before the invitations.
type readsTwice struct{ *memstore.Store }

func (s readsTwice) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	facts, err := s.Store.View(ctx, q)
	if err != nil || !q.Totals {
		return facts, err
	}
	for range 4 {
		pause()
	}
	again, err := s.Store.View(ctx, q)
	facts.Totals.PendingEmails, facts.Totals.PendingLinks = again.Totals.PendingEmails, again.Totals.PendingLinks
	return facts, err
}

type takesTwice struct{ *memstore.Store }

func (s takesTwice) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	consumed, err := s.Store.Consume(ctx, c)
	if err == nil && consumed.Taken && rand.N(3) == 0 {
		_, err = s.Store.Consume(ctx, c)
	}
	return consumed, err
}

type sweepsOnly struct{ *memstore.Store }

func (s sweepsOnly) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return s.Store.Sweep(ctx, at, limit, func(facts []invitations.Facts) []invitations.Changes {
		return make([]invitations.Changes, len(decide(facts)))
	})
}

type purgesMore struct{ *memstore.Store }

func (s purgesMore) Purge(ctx context.Context, q invitations.PurgeQuery) (int, error) {
	q.Before = q.Before.Add(25 * time.Hour)
	return s.Store.Purge(ctx, q)
}

type forgetsRemovals struct{ *memstore.Store }

func (s forgetsRemovals) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return changing(ctx, s.Store, q, decide, func(c *invitations.Changes) { c.Removals = nil })
}

type erasesLess struct{ *memstore.Store }

func (s erasesLess) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return changing(ctx, s.Store, q, decide, func(c *invitations.Changes) { c.ErasedEvents = nil })
}

// Every control is found in a history, which stays one after it was made small.
func TestControls_AreFound(t *testing.T) {
	seed := firstSeed(t)
	for name, open := range controls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const most = 1000
			for round := range uint64(most) {
				w := newWorld(anySettings(rand.New(rand.NewPCG(seed, round))), size{organizations: 1, clients: 8, phases: 2, calls: 9}, fresh{Store: open()}, false)
				w.run(seed + round)
				for _, org := range slices.Sorted(maps.Keys(w.seen)) {
					h := w.of(org)
					if !h.isFault() {
						continue
					}
					small := h.shrink()
					result, _ := small.check(patience)
					require.Equal(t, porcupine.Illegal, result)
					_, err := parser.ParseFile(token.NewFileSet(), "found.go", "package found\n"+small.literal(), parser.AllErrors)
					require.NoError(t, err)
					t.Logf("found in round %d: %d of %d operations remain\n%s", round+1, len(small.operations), len(h.operations), small.literal())
					return
				}
			}
			t.Errorf("no history of %d rounds shows the fault (-seed %d)", most, seed)
		})
	}
}
