package main

import (
	"context"
	"math/rand/v2"
)

// cutKinds cut the connections of clients at a commit.
func cutKinds() (kinds []kind) {
	for _, k := range []struct {
		name string
		what cut
		// A blind repetition before the commit is right, so it is no control there.
		controls []string
	}{
		{"cut before commit", before, []string{unknownAsDone}},
		{"cut during commit", during, []string{plainFailure, unknownAsDone}},
		{"cut after commit", after, []string{plainFailure, blindRepeat}},
	} {
		kinds = append(kinds, kind{
			name: k.name, controls: k.controls,
			open: func(ctx context.Context, m *machine) (stage, error) {
				s, err := m.server(ctx)
				if err != nil {
					return nil, err
				}
				return &cutStage{s, k.what}, nil
			},
		})
	}
	return kinds
}

type cutStage struct {
	*server
	what cut
}

func (s *cutStage) close() {}

// run cuts the connection at some of the commits, until there were enough cuts.
func (s *cutStage) run(ctx context.Context, r *round) (int, error) {
	p, err := newProxy(s.Address())
	if err != nil {
		return 0, err
	}
	defer p.close()
	pool, store, err := connect(ctx, throughProxy(p), clientsName, modes[r.n%len(modes)])
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return r.clients(ctx, store, func(ctx context.Context) (int, error) {
		p.at(func() cut {
			if rand.IntN(4) == 0 {
				return s.what
			}
			return carry
		})
		for p.cuts.Load() < 10 {
			if err := r.journal.more(ctx, 1, done, refused, failed, unknown); err != nil {
				return 0, err
			}
		}
		p.at(func() cut { return carry })
		return int(p.cuts.Load()), r.journal.more(ctx, 5, done)
	})
}
