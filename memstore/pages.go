package memstore

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(ctx context.Context, q invitations.InvitationQuery) (invitations.InvitationPage, error) {
	var page invitations.InvitationPage
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.find(invitations.Query{Organization: q.Organization})
	if org == nil {
		return page, nil
	}
	org.mu.RLock()
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	start := 0
	if q.After != nil {
		var there bool
		if start, there = slices.BinarySearchFunc(org.newest, *q.After, newestFirst); there {
			start++
		}
	}
	for _, position := range org.newest[start:] {
		if len(page.Records) == q.Limit {
			break
		}
		if r := org.invitations[position.ID]; matches(r, q) {
			page.Records = append(page.Records, r.Clone())
		}
	}
	return page, nil
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (invitations.EventPage, error) {
	var page invitations.EventPage
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.find(invitations.Query{Organization: q.Organization})
	if org == nil {
		return page, nil
	}
	org.mu.RLock()
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	for _, e := range org.events {
		if len(page.Events) == q.Limit {
			break
		}
		after := e.Version > q.After.Version || e.Version == q.After.Version && e.Index > q.After.Index
		if after && (q.Invitation == uuid.Nil || q.Invitation == e.InvitationID) {
			page.Events = append(page.Events, e)
		}
	}
	return page, nil
}

// Members implements [invitations.Store].
func (s *Store) Members(ctx context.Context, q invitations.MemberQuery) (invitations.MemberPage, error) {
	var page invitations.MemberPage
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.find(invitations.Query{Organization: q.Organization})
	if org == nil {
		return page, nil
	}
	org.mu.RLock()
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	for _, user := range slices.Sorted(maps.Keys(org.members)) {
		if len(page.Members) == q.Limit {
			break
		}
		if m := org.member(user); user > q.After && (q.Role == "" || q.Role == m.Role) {
			page.Members = append(page.Members, *m)
		}
	}
	return page, nil
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (invitations.WorkspacePage, error) {
	var page invitations.WorkspacePage
	if err := ctx.Err(); err != nil {
		return page, err
	}
	s.mu.RLock()
	page.Personal = pointer(s.personal, q.UserID)
	organizations := maps.Clone(s.organizations)
	s.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Keys(organizations)) {
		if len(page.Memberships) == q.Limit {
			break
		}
		if id <= q.After {
			continue
		}
		org := organizations[id]
		org.mu.RLock()
		if m := org.member(q.UserID); m != nil {
			page.Memberships = append(page.Memberships, invitations.Membership{
				Member: *m, Own: pointer(org.quotas, q.UserID), Shared: pointer(org.quotas, ""),
			})
		}
		org.mu.RUnlock()
	}
	return page, nil
}

// pointer returns a copy of what m has under key, or nil.
func pointer[V any](m map[string]V, key string) *V {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

func newestFirst(a, b invitations.InvitationPosition) int {
	if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
		return c
	}
	return bytes.Compare(b.ID[:], a.ID[:])
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
