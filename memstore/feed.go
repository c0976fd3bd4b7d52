package memstore

import (
	"context"

	"github.com/go-invitations/invitations"
)

// byPosition is the order of the feed.
var byPosition = &order[invitations.Event]{
	rank: func(e *invitations.Event) int64 { return e.Position },
	tie:  func(a, b *invitations.Event) int { return 0 },
}

// Feed implements [invitations.Store]. An event gets its position with its change, under the lock
// of the feed.
func (s *Store) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []invitations.Event
	for e := range s.feed.up(func(e entry[invitations.Event]) bool { return e.rank > after }) {
		if len(found) == limit {
			break
		}
		found = append(found, e.Clone())
	}
	return found, nil
}
