package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var feedRaces = []race{
	{"FollowersOfTheFeed", raceFeed},
}

// A follower reads the feed and keeps its position, as a host does.
type follower struct {
	store invitations.Store
	limit int
	after int64
	all   []invitations.Event
}

// next takes what the feed has behind the position, and reports whether there was anything.
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

// raceFeed lets many write into a few organizations that they have in common, while others
// follow. Each follower gets each event once, and those of an organization in order. Some
// changes have many events, so that others begin after them and have ended before.
func raceFeed(ctx context.Context, store invitations.Store) error {
	const writers, writes = 12, 16
	organizations := names("organization", 8)
	write := func(organization string, n, m int) error {
		return store.Create(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
			var c invitations.Changes
			events := 1 + m%2
			if n%3 == 0 && m%2 == 0 {
				events = 50
			}
			for range events {
				c.Events = append(c.Events, event(organization, fmt.Sprint("writer ", n), uuid.Nil))
			}
			if m%5 == 4 {
				return c, errRefused
			}
			return c, nil
		})
	}
	followers := []*follower{{store: store, limit: 5}, {store: store, limit: 30}, {store: store, limit: 100}}
	var writing atomic.Int32
	writing.Store(writers)
	err := errors.Join(together(writers+len(followers), func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			for m := range writes {
				if err := write(organizations[(i+m)%len(organizations)], i, m); err != nil && !errors.Is(err, errRefused) {
					return err
				}
			}
			return nil
		}
		for writing.Load() > 0 {
			if _, err := followers[i-writers].next(ctx); err != nil {
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
		page, err := store.Events(ctx, invitations.EventQuery{Organization: organization, Limit: 100_000})
		if err != nil {
			return err
		}
		want = append(want, page.Items...)
	}
	for _, f := range followers {
		for more := true; more; {
			if more, err = f.next(ctx); err != nil {
				return err
			}
		}
		if len(f.all) != len(want) {
			return fmt.Errorf("who follows with a limit of %d has got %d events, of %d", f.limit, len(f.all), len(want))
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
		if !slices.Equal(got, want) {
			return fmt.Errorf("who follows with a limit of %d has got other events than there are, or in another order", f.limit)
		}
		if !slices.Equal(f.all, followers[0].all) {
			return errors.New("two followers have got different feeds")
		}
	}
	return nil
}

var errRefused = errors.New("refused")
