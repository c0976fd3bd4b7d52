package linearizability

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-invitations/invitations"
)

// A fault happens to the changes of one call.
type fault struct {
	kind     faultKind
	happened atomic.Bool
}

type faultKind int

const (
	failBefore faultKind = iota
	loseAnswer
)

type faultKey struct{}

// errFailed is the error of a store that fails before a change.
var errFailed = errors.New("the store failed before the change")

// unreliable is a store whose calls can have faults, and which lets others go first.
type unreliable struct{ invitations.Store }

// pause lets other calls go on. Its length varies, so that their order does.
func pause() {
	for range rand.N(20) {
		runtime.Gosched()
	}
}

// change makes a change, with the fault of the context.
func change(ctx context.Context, do func() error) error {
	pause()
	defer pause()
	f, hasFault := ctx.Value(faultKey{}).(*fault)
	if hasFault && f.kind == failBefore {
		f.happened.Store(true)
		return errFailed
	}
	err := do()
	if hasFault && f.kind == loseAnswer && err == nil {
		f.happened.Store(true)
		return fmt.Errorf("the answer was lost: %w", invitations.ErrOutcomeUnknown)
	}
	return err
}

func (u unreliable) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return change(ctx, func() error { return u.Store.Update(ctx, q, decide) })
}

func (u unreliable) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return change(ctx, func() error { return u.Store.Create(ctx, q, decide) })
}

func (u unreliable) Consume(ctx context.Context, c invitations.Consumption) (consumed invitations.Consumed, err error) {
	err = change(ctx, func() (err error) {
		consumed, err = u.Store.Consume(ctx, c)
		return err
	})
	return consumed, err
}

func (u unreliable) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return change(ctx, func() error { return u.Store.Sweep(ctx, at, limit, decide) })
}

func (u unreliable) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return change(ctx, func() error { return u.Store.SetPersonalQuota(ctx, user, q) })
}

func (u unreliable) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	err = change(ctx, func() (err error) {
		deleted, err = u.Store.Purge(ctx, q)
		return err
	})
	return deleted, err
}

func (u unreliable) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	pause()
	defer pause()
	return u.Store.View(ctx, q)
}
