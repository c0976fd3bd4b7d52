package memstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/go-invitations/invitations"
)

// Feed implements [invitations.Store]. An event gets its position with its change, under the lock
// of the feed.
func (s *Store) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	start, _ := slices.BinarySearchFunc(s.feed, after+1, func(e *invitations.Event, position int64) int {
		return cmp.Compare(e.Position, position)
	})
	var found []invitations.Event
	for _, e := range s.feed[start:min(start+limit, len(s.feed))] {
		found = append(found, e.Clone())
	}
	return found, nil
}
