package invitations

import (
	"context"
	"math"
)

// Feed returns the events of all organizations whose Position is above after, in the order of
// Position: up to limit, 1 to 100; 0 means 50. A host follows it to index events, to notify
// people or to copy events elsewhere. Feed has no actor: it is for the host itself.
//
// To miss no event and to handle none twice, store the Position of the last event in the same
// transaction as the result of handling it, and ask again after it. This is right although
// changes of different organizations commit in any order: an event gets its position after
// its commit, above all positions before. The events of one organization keep their order. An
// empty result means that there is nothing new.
//
// If a failover or a restore loses commits, their positions are given to other events.
//
// Refusals: [ErrInvalid].
func (s *Service) Feed(ctx context.Context, after int64, limit int) (_ []Event, err error) {
	ctx, op := s.observe(ctx, "Feed")
	defer op.end(&err)
	limit, err = pageLimit(limit)
	if err != nil {
		return nil, err
	}
	if after < 0 || after == math.MaxInt64 {
		return nil, outOfRangeBecause[int64]("after", "must be a position of the feed, or 0", 0, math.MaxInt64-1)
	}
	events, err := s.store.Feed(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	return notNil(events), nil
}
