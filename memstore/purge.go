package memstore

import (
	"context"

	"github.com/go-invitations/invitations"
)

// Purge implements [invitations.Store]. It holds the lock of one organization at a time, and
// waits for none.
func (s *Store) Purge(ctx context.Context, q invitations.PurgeQuery) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p := purge{PurgeQuery: q, left: q.Limit}
	s.purges.due(instantOf(q.Before)-1, func(org *organization) bool {
		defer org.mu.Unlock()
		if org.deleted {
			p.deleted(org)
		} else {
			p.invitations(org)
		}
		p.events(s, org)
		s.plan(org)
		return p.left > 0
	})
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

// invitations deletes the old invitations.
func (p *purge) invitations(o *organization) {
	next := func() *invitations.Record { return o.invitations.ending.first(only{}) }
	for r := next(); r != nil && p.Invitation(*r) && p.take(); r = next() {
		o.invitations.remove(r)
	}
}

// deleted deletes all rows of a deleted organization, except events.
func (p *purge) deleted(o *organization) {
	purgeAll(p, o.invitations.byID, o.invitations.remove)
	purgeAll(p, o.members.byUser, func(m *invitations.Member) { o.members.remove(m.UserID) })
	purgeAll(p, o.removals, nil)
	purgeAll(p, o.quotas, nil)
	for period, used := range o.closed {
		if purgeAll(p, used, nil); len(used) == 0 {
			delete(o.closed, period)
		}
	}
}

// purgeAll deletes rows, with remove if there is one.
func purgeAll[K comparable, V any](p *purge, rows map[K]V, remove func(V)) {
	for key, row := range rows {
		if !p.take() {
			return
		}
		if remove != nil {
			remove(row)
		}
		delete(rows, key)
	}
}

// events deletes the old events, which all have a position, from an organization and the feed.
func (p *purge) events(s *Store, o *organization) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := func() *invitations.Event { return o.events.byTime.first(only{}) }
	for e := next(); e != nil && p.Event(*e) && p.take(); e = next() {
		o.events.remove(e)
		s.feed.remove(e)
	}
}
