package memstore

import (
	"context"

	"github.com/go-invitations/invitations"
)

// Feed implements [invitations.Store]. The position of an event is its place in the feed,
// from 1.
func (s *Store) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []invitations.Event
	for i := after; i < int64(len(s.feed)) && len(found) < limit; i++ {
		e := s.feed[i]
		e.Position = i + 1
		found = append(found, e)
	}
	return found, nil
}
