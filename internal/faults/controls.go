package main

import (
	"context"
	"errors"

	"github.com/go-invitations/invitations"
)

// The controls. Each is a fault that the check must find.
const (
	plainFailure  = "unknown as failure"   // the store reports a lost answer as a failure
	blindRepeat   = "blind repeat"         // the store repeats a change after a lost answer
	failureAsDone = "failure as done"      // the store reports a failure as a success
	earlyAnswer   = "answer before commit" // the client takes a call as done before it has an answer
	unknownAsDone = "unknown as done"      // the store reports a lost answer as a success
)

// broken returns a store with the fault of a control, or store itself.
func broken(store invitations.Store, control string) invitations.Store {
	switch control {
	case plainFailure:
		return afterLostAnswer{store, func(error, func() error) error { return errors.New("connection lost") }}
	case failureAsDone:
		return afterFailure{store}
	case unknownAsDone:
		return afterLostAnswer{store, func(error, func() error) error { return nil }}
	case blindRepeat:
		return afterLostAnswer{store, func(_ error, again func() error) error { return again() }}
	}
	return store
}

// afterLostAnswer does something else than to report an unknown outcome.
type afterLostAnswer struct {
	invitations.Store
	then func(err error, again func() error) error
}

func (s afterLostAnswer) do(call func() error) error {
	err := call()
	if errors.Is(err, invitations.ErrOutcomeUnknown) {
		return s.then(err, call)
	}
	return err
}

func (s afterLostAnswer) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.do(func() error { return s.Store.Update(ctx, q, decide) })
}

func (s afterLostAnswer) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.do(func() error { return s.Store.Create(ctx, q, decide) })
}

func (s afterLostAnswer) Consume(ctx context.Context, c invitations.Consumption) (taken invitations.Consumed, err error) {
	err = s.do(func() (err error) {
		taken, err = s.Store.Consume(ctx, c)
		return err
	})
	return taken, err
}

// afterFailure reports a failure of a change as a success.
type afterFailure struct{ invitations.Store }

func (s afterFailure) do(err error) error {
	if answerOf(err) == failed {
		return nil
	}
	return err
}

func (s afterFailure) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.do(s.Store.Update(ctx, q, decide))
}

func (s afterFailure) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.do(s.Store.Create(ctx, q, decide))
}
