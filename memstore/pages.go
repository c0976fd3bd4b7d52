package memstore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (page invitations.Page[invitations.Record], err error) {
	if q.Organization == "" {
		if err := ctx.Err(); err != nil {
			return page, err
		}
		page.Items = s.received(q)
		return page, nil
	}
	err = s.view(ctx, q.Organization, q.Viewer, &page.Viewer, func(org *organization) { page.Items = org.page(q) })
	return page, err
}

// page returns the invitations that q asks for.
func (o *organization) page(q invitations.InvitationQuery) []invitations.Record {
	start := 0
	if q.After != nil {
		// Behind the position there may stand, of another organization, the very same.
		start, _ = slices.BinarySearchFunc(o.newest, *q.After, newestFirst)
	}
	var found []invitations.Record
	for _, position := range o.newest[start:] {
		if len(found) == q.Limit {
			break
		}
		if r := o.invitations[position.ID]; matches(r, q) && (q.After == nil || order(r, *q.After) > 0) {
			found = append(found, r.Clone())
		}
	}
	return found
}

// received returns the invitations of an address in all organizations.
func (s *Store) received(q invitations.InvitationQuery) []invitations.Record {
	var found []invitations.Record
	for _, org := range s.all() {
		org.mu.RLock()
		found = append(found, org.page(q)...)
		org.mu.RUnlock()
	}
	slices.SortFunc(found, func(a, b invitations.Record) int { return order(a, positionOf(b)) })
	return found[:min(len(found), q.Limit)]
}

// all returns all organizations, in the order of their ids.
func (s *Store) all() []*organization {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.organizations), func(a, b *organization) int { return strings.Compare(a.id, b.id) })
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (page invitations.Page[invitations.Event], err error) {
	err = s.view(ctx, q.Organization, q.Viewer, &page.Viewer, func(org *organization) {
		events := slices.Clone(org.events)
		if q.NewestFirst {
			slices.Reverse(events)
		}
		for _, e := range events {
			if len(page.Items) == q.Limit {
				break
			}
			if isBehind(e, q) && (q.Invitation == uuid.Nil || q.Invitation == e.InvitationID) {
				page.Items = append(page.Items, e)
			}
		}
	})
	return page, err
}

// isBehind reports whether e comes after the position of q, in the order of q.
func isBehind(e invitations.Event, q invitations.EventQuery) bool {
	if q.After == nil {
		return true
	}
	c := cmp.Or(cmp.Compare(e.Version, q.After.Version), cmp.Compare(e.Index, q.After.Index))
	return q.NewestFirst && c < 0 || !q.NewestFirst && c > 0
}

// Feed implements [invitations.Store].
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

// Statistics implements [invitations.Store].
func (s *Store) Statistics(ctx context.Context, q invitations.StatisticsQuery) (viewer *invitations.Member, statistics invitations.Statistics, err error) {
	err = s.view(ctx, q.Organization, q.Viewer, &viewer, func(org *organization) {
		if q.Viewer == "" || viewer != nil && slices.Contains(q.Roles, viewer.Role) {
			statistics = q.Count(slices.Collect(maps.Values(org.invitations)), org.events)
		}
	})
	return viewer, statistics, err
}

// Members implements [invitations.Store].
func (s *Store) Members(ctx context.Context, q invitations.MemberQuery) (page invitations.Page[invitations.Member], err error) {
	err = s.view(ctx, q.Organization, q.Viewer, &page.Viewer, func(org *organization) {
		for _, user := range slices.Sorted(maps.Keys(org.members)) {
			if len(page.Items) == q.Limit {
				break
			}
			if m := org.member(user); user > q.After && (q.Role == "" || q.Role == m.Role) {
				page.Items = append(page.Items, *m)
			}
		}
	})
	return page, err
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.RLock()
	personal = pointer(s.personal, q.UserID)
	s.mu.RUnlock()
	for _, org := range s.all() {
		if len(memberships) == q.Limit {
			break
		}
		if org.id <= q.After {
			continue
		}
		org.mu.RLock()
		if m := org.member(q.UserID); m != nil {
			memberships = append(memberships, invitations.Membership{
				Member: *m, Own: pointer(org.quotas, q.UserID), Shared: pointer(org.quotas, ""),
			})
		}
		org.mu.RUnlock()
	}
	return personal, memberships, nil
}

// view runs read on an organization, if there is one, locked for reading, and finds its viewer.
func (s *Store) view(ctx context.Context, organization, viewer string, found **invitations.Member, read func(*organization)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	org := s.find(organization)
	if org == nil {
		return nil
	}
	org.mu.RLock()
	defer org.mu.RUnlock()
	*found = org.member(viewer)
	read(org)
	return nil
}

// pointer returns a copy of what m has under key, or nil.
func pointer[V any](m map[string]V, key string) *V {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

func positionOf(r invitations.Record) invitations.InvitationPosition {
	return invitations.InvitationPosition{CreatedAt: r.CreatedAt, ID: r.ID, Organization: r.Organization}
}

// newestFirst is the order within an organization.
func newestFirst(a, b invitations.InvitationPosition) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), bytes.Compare(b.ID[:], a.ID[:]))
}

// order tells where r stands to a position, which names no organization within one.
func order(r invitations.Record, p invitations.InvitationPosition) int {
	c := newestFirst(positionOf(r), p)
	if c == 0 && p.Organization != "" {
		c = strings.Compare(p.Organization, r.Organization)
	}
	return c
}

func matches(r invitations.Record, q invitations.InvitationQuery) bool {
	state := r.State
	if state == invitations.StatePending && !r.ExpiresAt.After(q.At) {
		state = invitations.StateExpired
	}
	return (q.State == "" || q.State == state) &&
		(q.Kind == "" || q.Kind == r.Kind) &&
		(q.Role == "" || q.Role == r.Role) &&
		(q.Email == "" || q.Email == r.Email) &&
		(q.SentBy == "" || q.SentBy == r.SentBy)
}
