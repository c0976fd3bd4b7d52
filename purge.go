package invitations

import (
	"context"
	"time"
)

// Purge deletes old rows, up to limit of them (1 to 1000), and returns how many. Call it
// regularly, such as once a day, from any number of processes, and again at once while it
// returns more than 0. Beside an error it returns 0, although rows may have been deleted. It
// skips organizations that are being changed; a later call finds them. It deletes:
//
//   - invitations that ended or expired before the instant before, which must be at least 24
//     hours ago. Their tokens are then unknown: accepting again does not return the membership,
//     an expired invitation cannot be resent, and repeating an Invite with its ID invites anew.
//     [Service.Statistics] no longer count them. One that Sweep has not seen is deleted without
//     an event of its expiry;
//   - events from before that instant, if they have a position in the feed. [Service.Feed] gives
//     positions, also to a host that does not follow it: such a host must call it before Purge.
//     A follower that is further behind misses these events. The people who joined by links then
//     are gone from the statistics, and so is this part of the timeline;
//   - all rows of deleted organizations except events, which the rule above covers.
//
// Pending invitations, members, quotas, amounts used and the marks of removals remain. Purge
// has no actor: it is for the host itself.
//
// Refusals: [ErrInvalid].
func (s *Service) Purge(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	ctx, op := s.observe(ctx, "Purge")
	defer op.end(&err)
	before = before.UTC().Truncate(time.Microsecond)
	switch {
	case limit < 1 || limit > maxSweep:
		return 0, outOfRange("limit", 1, maxSweep)
	case before.IsZero():
		return 0, required("before")
	case !storable(before):
		return 0, outOfYears("before")
	case before.After(s.now().Add(-day)):
		return 0, invalid("before", "too_recent", "must be at least 24h ago", "min", "86400", "unit", "seconds")
	}
	if deleted, err = s.store.Purge(ctx, PurgeQuery{Before: before, Limit: limit}); err != nil {
		return 0, err
	}
	return deleted, nil
}

// A PurgeQuery names the rows that [Store].Purge deletes:
//
//   - the invitations and events for which the methods of the query return true. An event goes
//     only after it got its position in the feed;
//   - all invitations, members, removals, quotas and amounts used of deleted organizations. The
//     organization itself remains, with its version, so that its ID stays taken.
//
// The marks of removals remain in organizations that are not deleted.
type PurgeQuery struct {
	Before time.Time
	Limit  int // the largest number of rows, at least 1
}

// Invitation reports whether a row goes because of its age. A pending invitation goes if it
// expired before.
func (q PurgeQuery) Invitation(r Record) bool {
	if r.State == StatePending {
		return r.ExpiresAt.Before(q.Before)
	}
	return r.EndedAt.Before(q.Before)
}

// Event reports whether a row with a position goes because of its age.
func (q PurgeQuery) Event(e Event) bool { return e.At.Before(q.Before) }
