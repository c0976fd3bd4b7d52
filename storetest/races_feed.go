package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var feedRaces = []race{{name: "FollowersOfTheFeed", round: raceFeed}}

// A follower reads the feed and keeps its position, as a host does.
type follower struct {
	store invitations.Store
	limit int
	after int64
	all   []invitations.Event
}

// next reads once, and reports whether there was an event.
func (f *follower) next(ctx context.Context) (bool, error) {
	found, err := f.store.Feed(ctx, f.after, f.limit)
	for _, e := range found {
		if e.Position <= f.after {
			return false, fmt.Errorf("position %d comes after position %d", e.Position, f.after)
		}
		f.after = e.Position
	}
	f.all = append(f.all, found...)
	return len(found) > 0, err
}

func (f *follower) toTheEnd(ctx context.Context) error {
	for {
		if more, err := f.next(ctx); err != nil || !more {
			return err
		}
	}
}

// raceFeed lets many write into a few organizations while three others follow the feed. Some
// changes have many events, so that shorter ones begin after them and end before them.
func raceFeed(r *round) error {
	const writers, writes = 8, 6
	organizations := names(r.organization+", organization", 4)
	refusal := errors.New("refusal")
	write := func(organization string, n, m int) error {
		return r.store.Create(r.ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
			var c invitations.Changes
			events := 1 + m%2
			if n%3 == 0 && m%2 == 0 {
				events = 20
			}
			for range events {
				c.Events = append(c.Events, event(organization, fmt.Sprint("writer ", n), uuid.Nil))
			}
			if m%5 == 4 {
				return c, refusal
			}
			return c, nil
		})
	}
	before := follower{store: r.store, limit: 1000}
	if err := before.toTheEnd(r.ctx); err != nil {
		return err
	}
	var followers []*follower
	for _, limit := range []int{10, 30, 100} {
		followers = append(followers, &follower{store: r.store, limit: limit, after: before.after})
	}
	var writing atomic.Int32
	writing.Store(writers)
	err := cmp.Or(together(writers+len(followers), func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			for m := range writes {
				if err := write(organizations[(i+m)%len(organizations)], i, m); err != nil && !errors.Is(err, refusal) {
					return err
				}
			}
			return nil
		}
		for writing.Load() > 0 {
			if _, err := followers[i-writers].next(r.ctx); err != nil {
				return err
			}
		}
		return nil
	})...)
	if err != nil {
		return err
	}
	var want []invitations.Event
	for _, organization := range organizations {
		page, err := r.store.Events(r.ctx, invitations.EventQuery{Organization: organization, Limit: 100_000})
		if err != nil {
			return err
		}
		want = append(want, page.Items...)
	}
	for _, f := range followers {
		if err := f.toTheEnd(r.ctx); err != nil {
			return err
		}
		if len(f.all) != len(want) {
			return fmt.Errorf("a follower with a limit of %d got %d events of %d", f.limit, len(f.all), len(want))
		}
		var got []invitations.Event
		for _, organization := range organizations {
			for _, e := range f.all {
				if e.Organization == organization {
					e.Position = 0
					got = append(got, e)
				}
			}
		}
		if d := differ(got, want); d != "" {
			return fmt.Errorf("a follower with a limit of %d got other events, or in another order: %s", f.limit, d)
		}
		if d := differ(f.all, followers[0].all); d != "" {
			return fmt.Errorf("two followers got different feeds: %s", d)
		}
	}
	return nil
}
