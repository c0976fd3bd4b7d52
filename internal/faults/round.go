package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-invitations/invitations"
)

// A kind is one kind of fault.
type kind struct {
	name string
	// open prepares what the rounds run on. It returns a [skip] if this machine cannot have the fault.
	open     func(ctx context.Context, m *machine) (stage, error)
	variants int // how many rounds show all variants; 0 means 1
	// controls are faults of a store, of a client or of a setup, which the check must find.
	controls []string
}

// A skip says why a kind is left out.
type skip struct{ error }

func (s skip) Unwrap() error { return s.error }

// A stage is what the rounds of one kind run on.
type stage interface {
	// run lets clients work while the fault happens, and returns how often it has happened.
	run(ctx context.Context, r *round) (faults int, err error)
	// calm ends the fault. It waits until no call is in progress, and returns a store for reading.
	calm(ctx context.Context) (invitations.Store, error)
	close()
}

// A round is one run of clients under a fault.
type round struct {
	n       int    // from 0
	name    string // no other round has it
	control string // empty: none
	scene   scene
	journal *journal
	workers []*worker
	// contexts, if not nil, are those of the calls.
	contexts *contexts
}

// patience bounds a round. It ends long before on any machine, unless something hangs.
const patience = 5 * time.Minute

// perform runs a round and returns the violations, and how often the fault happened.
func (r *round) perform(ctx context.Context, s stage) (violations []string, faults int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.journal = newJournal()
	store, err := s.calm(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("before the fault: %w", err)
	}
	r.scene, err = newScene(ctx, newService(store), r.name, r.journal)
	if err != nil {
		return nil, 0, err
	}
	if faults, err = s.run(ctx, r); err != nil {
		return nil, faults, fmt.Errorf("during the fault: %w", err)
	}
	store, err = s.calm(ctx)
	if err != nil {
		return nil, faults, fmt.Errorf("after the fault: %w", err)
	}
	f, err := check(ctx, store, r.scene, r.journal)
	if err != nil || len(f.violations) > 0 {
		return violationsOf(f), faults, err
	}
	var repeats []repeat
	for _, w := range r.workers {
		repeats = append(repeats, w.repeats...)
	}
	if err = f.repeatUnknown(r.journal, repeats); err != nil || len(f.violations) > 0 {
		return f.violations, faults, err
	}
	if f, err = check(ctx, store, r.scene, r.journal); err == nil {
		err = f.goesOn()
	}
	return violationsOf(f), faults, err
}

func violationsOf(f *finding) []string {
	if f == nil {
		return nil
	}
	return f.violations
}

// clients lets clients work on a store until strike returns.
func (r *round) clients(ctx context.Context, store invitations.Store, strike func(context.Context) (int, error)) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	svc := newService(broken(store, r.control))
	stop := make(chan struct{})
	var working sync.WaitGroup
	for n := range clients {
		w := &worker{svc: svc, record: r.journal, scene: &r.scene, name: clientName(n)}
		r.workers = append(r.workers, w)
		w.contexts = r.contexts
		working.Go(func() { w.work(ctx, stop) })
	}
	faults, err := strike(ctx)
	if err != nil {
		cancel()
	}
	close(stop)
	working.Wait()
	return faults, err
}
