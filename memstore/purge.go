package memstore

import (
	"context"
	"slices"

	"github.com/go-invitations/invitations"
)

// Purge implements [invitations.Store]. It holds the lock of one organization at a time, and
// waits for none.
func (s *Store) Purge(ctx context.Context, q invitations.PurgeQuery) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p := purge{PurgeQuery: q, left: q.Limit}
	for _, org := range s.all() {
		if p.left == 0 {
			break
		}
		if !org.mu.TryLock() {
			continue // in use, so left to the next Purge
		}
		p.organization(org)
		s.purgeEvents(org, &p)
		org.mu.Unlock()
	}
	return q.Limit - p.left, nil
}

// A purge deletes up to a number of rows.
type purge struct {
	invitations.PurgeQuery
	left int // how many rows may still go
}

// take reports whether one more row may go, and counts it.
func (p *purge) take() bool {
	if p.left == 0 {
		return false
	}
	p.left--
	return true
}

// organization deletes all rows except events.
func (p *purge) organization(o *organization) {
	o.newestFirst = slices.DeleteFunc(o.newestFirst, func(position invitations.InvitationPosition) bool {
		if (o.deleted || p.Invitation(o.invitations[position.ID])) && p.take() {
			delete(o.invitations, position.ID)
			return true
		}
		return false
	})
	if !o.deleted {
		return
	}
	purgeAll(p, o.members)
	purgeAll(p, o.removals)
	purgeAll(p, o.quotas)
	purgeAll(p, o.closed)
}

func purgeAll[K comparable, V any](p *purge, rows map[K]V) {
	for key := range rows {
		if !p.take() {
			return
		}
		delete(rows, key)
	}
}

// purgeEvents deletes events, which all have a position. The caller must hold org.mu.
func (s *Store) purgeEvents(org *organization, p *purge) {
	gone := map[*invitations.Event]bool{}
	org.events = slices.DeleteFunc(org.events, func(e *invitations.Event) bool {
		if p.Event(*e) && p.take() {
			gone[e] = true
		}
		return gone[e]
	})
	if len(gone) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed = slices.DeleteFunc(s.feed, func(e *invitations.Event) bool { return gone[e] })
}
