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
func (s *Store) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (invitations.Page[invitations.Record], error) {
	var page invitations.Page[invitations.Record]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	if q.Organization == "" {
		page.Items = s.received(q)
		return page, nil
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	page.Items = org.list(q)
	return page, nil
}

// received returns the invitations of an address in all organizations.
func (s *Store) received(q invitations.InvitationQuery) []invitations.Record {
	var found []invitations.Record
	for _, org := range s.all() {
		org.mu.RLock()
		if org.exists() {
			found = append(found, org.list(q)...)
		}
		org.mu.RUnlock()
	}
	slices.SortFunc(found, func(a, b invitations.Record) int { return compareReceived(positionOf(a), positionOf(b)) })
	return found[:min(len(found), q.Limit)]
}

// list returns the invitations of an organization that q asks for.
func (o *organization) list(q invitations.InvitationQuery) []invitations.Record {
	var found []invitations.Record
	for _, position := range o.newestFirst {
		if r := o.invitations[position.ID]; matches(r, q) && isAfter(r, q) {
			found = append(found, r.Clone())
			if len(found) == q.Limit {
				break
			}
		}
	}
	return found
}

// matches reports whether r passes the filters of q.
func matches(r invitations.Record, q invitations.InvitationQuery) bool {
	state := r.State
	if state == invitations.StatePending && !r.ExpiresAt.After(q.At) {
		state = invitations.StateExpired
	}
	return (len(q.States) == 0 || slices.Contains(q.States, state)) &&
		(q.Kind == "" || q.Kind == r.Kind) &&
		(q.Role == "" || q.Role == r.Role) &&
		(q.Email == "" || q.Email == r.Email) &&
		(q.SentBy == "" || q.SentBy == r.SentBy)
}

func positionOf(r invitations.Record) invitations.InvitationPosition {
	return invitations.InvitationPosition{CreatedAt: r.CreatedAt, ID: r.ID, Organization: r.Organization}
}

// comparePositions is the order within an organization, newest first.
func comparePositions(a, b invitations.InvitationPosition) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), bytes.Compare(b.ID[:], a.ID[:]))
}

// compareReceived is the order across organizations.
func compareReceived(a, b invitations.InvitationPosition) int {
	return cmp.Or(comparePositions(a, b), strings.Compare(b.Organization, a.Organization))
}

// isAfter reports whether r comes after the position where the page begins. Within an
// organization that position names no organization.
func isAfter(r invitations.Record, q invitations.InvitationQuery) bool {
	switch {
	case q.After == nil:
		return true
	case q.Organization != "":
		return comparePositions(positionOf(r), *q.After) > 0
	default:
		return compareReceived(positionOf(r), *q.After) > 0
	}
}

// Members implements [invitations.Store].
func (s *Store) Members(
	ctx context.Context, q invitations.MemberQuery,
) (invitations.Page[invitations.Membership], error) {
	var page invitations.Page[invitations.Membership]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	for _, user := range slices.Sorted(maps.Keys(org.members)) {
		if len(page.Items) == q.Limit {
			break
		}
		m := invitations.Membership{Member: *org.member(user)}
		if user <= q.After || q.Role != "" && q.Role != m.Role {
			continue
		}
		if q.Quotas {
			m.Own, m.Shared = org.quota(user), org.quota("")
		}
		page.Items = append(page.Items, m)
	}
	return page, nil
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, org := range s.all() {
		if len(memberships) == q.Limit {
			break
		}
		if org.id <= q.After {
			continue
		}
		org.mu.RLock()
		if m := org.member(q.UserID); m != nil && org.exists() {
			memberships = append(memberships, invitations.Membership{
				Member: *m, Own: org.quota(q.UserID), Shared: org.quota(""),
			})
		}
		org.mu.RUnlock()
	}
	return s.personalQuota(q.UserID), memberships, nil
}

// Events implements [invitations.Store].
func (s *Store) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	var page invitations.Page[invitations.Event]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	events := slices.Clone(org.events)
	if q.NewestFirst {
		slices.Reverse(events)
	}
	for _, e := range events {
		if len(page.Items) == q.Limit {
			break
		}
		if isOnPage(e, q) && hasEvent(q, e) {
			event := e.Clone()
			event.Position = 0
			page.Items = append(page.Items, event)
		}
	}
	return page, nil
}

// hasEvent reports whether e passes the filters of q.
func hasEvent(q invitations.EventQuery, e *invitations.Event) bool {
	return (q.Invitation == uuid.Nil || q.Invitation == e.InvitationID) &&
		(q.Actor == "" || q.Actor == e.Actor) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, e.Type)) &&
		!e.At.Before(q.From) && (q.To.IsZero() || e.At.Before(q.To))
}

// isOnPage reports whether e comes after the position where the page begins.
func isOnPage(e *invitations.Event, q invitations.EventQuery) bool {
	if q.After == nil {
		return true
	}
	c := cmp.Or(cmp.Compare(e.Version, q.After.Version), cmp.Compare(e.Index, q.After.Index))
	if q.NewestFirst {
		return c < 0
	}
	return c > 0
}
