// Package memstore keeps invitations in memory. It is a complete store for tests and for
// programs that can lose their data when they stop: it passes the same suite as the
// PostgreSQL store, package storetest.
package memstore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Store is an [invitations.Store] in memory. It is safe for concurrent use.
type Store struct {
	mu            sync.RWMutex
	organizations map[string]*organization
	personal      map[string]invitations.QuotaRecord // by user id
	feed          []invitations.Event                // of all organizations, as they happened
}

var _ invitations.Store = (*Store)(nil)

// An organization is locked as a whole: an Update holds mu from the reading of the facts to
// the end of the writing.
type organization struct {
	id string

	mu          sync.RWMutex
	version     int64
	members     map[string]invitations.Member
	removals    map[string]int64
	invitations map[uuid.UUID]invitations.Record
	newest      []invitations.InvitationPosition   // of all invitations, in the order of listing
	quotas      map[string]invitations.QuotaRecord // by user id, the organization's own under ""
	events      []invitations.Event
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		organizations: map[string]*organization{},
		personal:      map[string]invitations.QuotaRecord{},
	}
}

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	org := s.find(q.Organization)
	if org == nil {
		_, err := decide(invitations.Facts{})
		return err
	}
	return s.change(org, decide, func() invitations.Facts { return org.facts(q) })
}

// Create implements [invitations.Store].
func (s *Store) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	org := s.findOrMake(q.Organization)
	return s.change(org, decide, func() invitations.Facts { return org.load(q) })
}

// change is one atomic step.
func (s *Store) change(org *organization, decide invitations.Decision, facts func() invitations.Facts) error {
	org.mu.Lock()
	defer org.mu.Unlock()
	changes, err := decide(facts())
	if err != nil || changes.Empty() {
		return err
	}
	s.apply(org, changes)
	return nil
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	if err := ctx.Err(); err != nil {
		return invitations.Facts{}, err
	}
	org := s.find(q.Organization)
	if org == nil {
		return invitations.Facts{}, nil
	}
	org.mu.RLock()
	defer org.mu.RUnlock()
	return org.facts(q), nil
}

// find returns the organization, or nil if it does not exist.
func (s *Store) find(id string) *organization {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.organizations[id]
}

// findOrMake returns the organization. A new one has version 0 until a change gives it
// another.
func (s *Store) findOrMake(id string) *organization {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.organizations[id] == nil {
		s.organizations[id] = &organization{
			id:          id,
			members:     map[string]invitations.Member{},
			removals:    map[string]int64{},
			invitations: map[uuid.UUID]invitations.Record{},
			quotas:      map[string]invitations.QuotaRecord{},
		}
	}
	return s.organizations[id]
}

// apply applies changes to an organization that is locked.
func (s *Store) apply(org *organization, c invitations.Changes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed = append(s.feed, org.apply(c)...)
}

// facts returns the facts of an organization, which are zero until it is created.
func (o *organization) facts(q invitations.Query) invitations.Facts {
	if o.version == 0 {
		return invitations.Facts{}
	}
	return o.load(q)
}

func (o *organization) load(q invitations.Query) invitations.Facts {
	record, ok := o.invitations[q.Invitation]
	f := invitations.Facts{
		Organization:   o.id,
		Version:        o.version,
		Invitations:    map[uuid.UUID]invitations.Record{},
		Members:        map[string]invitations.Member{},
		Removals:       map[string]int64{},
		PendingByEmail: map[string]uuid.UUID{},
		Quotas:         map[string]invitations.QuotaRecord{},
	}
	emails := q.Emails
	for _, id := range q.Invitations {
		if r, ok := o.invitations[id]; ok {
			f.Invitations[id] = r.Clone()
		}
	}
	if ok {
		record = record.Clone()
		f.Invitation = &record
		if q.Sender {
			f.Sender = o.member(record.SentBy)
		}
		if q.SameEmail && record.Email != "" {
			emails = append(slices.Clip(emails), record.Email)
		}
	}
	for _, user := range q.Members {
		if m := o.member(user); m != nil {
			f.Members[user] = *m
		}
		if r, ok := o.removals[user]; ok && q.Removals {
			f.Removals[user] = r
		}
	}
	if q.Quotas {
		for _, user := range append([]string{""}, q.Members...) {
			if quota, ok := o.quotas[user]; ok {
				f.Quotas[user] = quota
			}
		}
	}
	f.MemberCount = min(len(o.members), max(0, q.MembersUpTo))
	if q.OwnersUpTo > 0 {
		for _, m := range o.members {
			if m.Role == invitations.RoleOwner {
				f.OwnerCount = min(f.OwnerCount+1, q.OwnersUpTo)
			}
		}
	}
	f.Sendings = o.sendings(q.SendingsAfter, q.SendingsUpTo)
	if q.PendingUpTo > 0 || q.PendingEmailsUpTo > 0 || q.PendingSentBy != "" || q.PendingFor != "" || len(emails) > 0 {
		o.pending(q, emails, &f)
	}
	return f
}

// pending adds the facts of pending invitations.
func (o *organization) pending(q invitations.Query, emails []string, f *invitations.Facts) {
	for _, position := range o.newest {
		r := o.invitations[position.ID]
		if r.State != invitations.StatePending || !r.ExpiresAt.After(q.PendingAt) {
			continue
		}
		f.PendingCount = min(f.PendingCount+1, q.PendingUpTo)
		if r.Kind == invitations.KindEmail {
			f.PendingEmailCount = min(f.PendingEmailCount+1, q.PendingEmailsUpTo)
		}
		if _, newer := f.PendingByEmail[r.Email]; !newer && slices.Contains(emails, r.Email) {
			f.PendingByEmail[r.Email] = r.ID
		}
		if q.PendingSentBy != "" && q.PendingSentBy == r.SentBy || q.PendingFor != "" && q.PendingFor == r.Email {
			f.PendingRecords = append(f.PendingRecords, r.Clone())
		}
	}
}

// sendings returns the newest sendings after an instant, up to a number.
func (o *organization) sendings(after time.Time, upTo int) []invitations.Sending {
	if upTo <= 0 {
		return nil
	}
	var found []invitations.Sending
	for _, e := range slices.Backward(o.events) {
		if e.Email != "" && e.At.After(after) {
			found = append(found, invitations.Sending{At: e.At, Actor: e.Actor, Email: e.Email})
		}
	}
	slices.SortStableFunc(found, func(a, b invitations.Sending) int { return b.At.Compare(a.At) })
	return found[:min(len(found), upTo)]
}

func (o *organization) member(user string) *invitations.Member {
	m, ok := o.members[user]
	if !ok {
		return nil
	}
	m.Metadata = maps.Clone(m.Metadata)
	return &m
}

// apply applies changes, and returns the events as they are kept.
func (o *organization) apply(c invitations.Changes) []invitations.Event {
	o.version++
	for _, user := range c.RemovedMembers {
		delete(o.members, user)
	}
	for _, user := range c.Removals {
		o.removals[user] = o.version
	}
	for _, m := range c.Members {
		m.Metadata = maps.Clone(m.Metadata)
		o.members[m.UserID] = m
	}
	for _, q := range c.Quotas {
		setQuota(o.quotas, q)
	}
	for _, r := range c.Invitations {
		if _, ok := o.invitations[r.ID]; !ok {
			position := invitations.InvitationPosition{CreatedAt: r.CreatedAt, ID: r.ID}
			at, _ := slices.BinarySearchFunc(o.newest, position, newestFirst)
			o.newest = slices.Insert(o.newest, at, position)
		}
		o.invitations[r.ID] = r.Clone()
	}
	for i, e := range c.Events {
		e.Version, e.Index = o.version, i
		o.events = append(o.events, e)
	}
	return o.events[len(o.events)-len(c.Events):]
}
