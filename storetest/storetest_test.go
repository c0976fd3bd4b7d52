package storetest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// TestRacesCatchANaiveStore is the negative control of the races: a store that reads,
// decides and then writes, as is common, fails every one of them.
func TestRacesCatchANaiveStore(t *testing.T) {
	t.Parallel()
	for _, r := range races {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			err := r.run(context.Background(), naive{memstore.New()})
			if err == nil {
				t.Fatal("the race does not tell a naive store from an atomic one")
			}
			t.Log(err)
		})
	}
}

// naive is a store whose Update is not atomic, and whose View asks twice.
type naive struct{ *memstore.Store }

// pause lets others in. It varies, so that who comes first does not always go on first.
func pause() {
	for range rand.N(200) {
		runtime.Gosched()
	}
}

func (n naive) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	facts, err := n.Store.View(ctx, q)
	if err != nil || len(q.Members) == 0 {
		return facts, err
	}
	pause()
	again, err := n.Store.View(ctx, q)
	facts.Members, facts.Removals = again.Members, again.Removals
	return facts, err
}

func (n naive) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	facts, err := n.View(ctx, q)
	if err != nil {
		return err
	}
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	pause()
	organization := facts.Organization
	if organization == "" {
		organization = q.Organization
	}
	return n.Store.Update(ctx, invitations.Query{Organization: organization, Create: q.Create}, func(invitations.Facts) (invitations.Changes, error) {
		return changes, nil
	})
}
