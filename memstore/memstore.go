// Package memstore keeps invitations in memory. It is a complete store for tests and for
// programs that can lose their data when they stop.
//
// It has a lock for each organization and an index for each question, and passes package storetest.
// The indexes are listed in rows.go. Authors of a store should read module sqlitestore, which
// is plainer.
package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-invitations/invitations"
)

// Store is an [invitations.Store] in memory. It is safe for concurrent use.
//
// The cost of an operation does not grow with the rows of an organization or with the number of
// organizations: indexes lead to the rows that it needs. The exceptions are Usage, which reads the
// quotas of an organization, Statistics, which reads the invitations of its period, and Traces and
// Query.TracesOf, which read everything.
type Store struct {
	// mu guards the fields up to position, but not the organizations themselves. Code that holds
	// the lock of an organization may take mu. Code that holds mu must not wait for an
	// organization.
	mu            sync.RWMutex
	organizations map[string]*organization           // by ID
	personal      map[string]invitations.QuotaRecord // by user ID
	feed          *list[invitations.Event]           // of all organizations, in the order of their changes
	position      int64                              // of the last event

	workspaces *directory // the organizations of a member, by user ID
	received   *directory // the organizations with invitations for an address
	sweeps     *agenda    // the organizations with an invitation that becomes due
	purges     *agenda    // the organizations with a row that becomes old
}

var _ invitations.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store {
	return &Store{
		organizations: map[string]*organization{},
		personal:      map[string]invitations.QuotaRecord{},
		feed:          newList(byPosition),
		workspaces:    newDirectory(),
		received:      newDirectory(),
		sweeps:        newAgenda(func(o *organization) *int64 { return &o.sweepAt }),
		purges:        newAgenda(func(o *organization) *int64 { return &o.purgeAt }),
	}
}

// Update implements [invitations.Store].
func (s *Store) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	org := s.find(q.Organization)
	org.mu.Lock()
	defer org.mu.Unlock()
	if !org.exists() && !(org.deleted && q.AlsoDeleted) {
		_, err := decide(invitations.Facts{})
		return err
	}
	return s.change(org, &q, decide)
}

// Create implements [invitations.Store].
func (s *Store) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	org := s.findOrAdd(q.Organization)
	org.mu.Lock()
	defer org.mu.Unlock()
	if org.deleted {
		_, err := decide(invitations.Facts{Organization: org.id, Version: org.version, Deleted: true})
		return err
	}
	return s.change(org, &q, decide)
}

// View implements [invitations.Store].
func (s *Store) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	if err := ctx.Err(); err != nil {
		return invitations.Facts{}, err
	}
	org := s.find(q.Organization)
	org.mu.RLock()
	defer org.mu.RUnlock()
	if !org.exists() && !(org.deleted && q.AlsoDeleted) {
		return invitations.Facts{}, nil
	}
	return org.facts(&q), nil
}

// change loads the facts, calls decide with them and applies its changes. The caller must hold
// org.mu all the time, which makes this one atomic step.
func (s *Store) change(org *organization, q *invitations.Query, decide invitations.Decision) error {
	changes, err := decide(org.facts(q))
	if err != nil {
		return err
	}
	s.apply(org, &changes)
	return nil
}

// apply applies changes to an organization and adds their events to the feed. The caller
// must hold org.mu. An event is written under both locks, so either one is enough to read it.
func (s *Store) apply(org *organization, changes *invitations.Changes) {
	if changes.Empty() {
		return
	}
	added := org.apply(changes)
	s.mu.Lock()
	for i := range changes.ErasedEvents {
		org.events.replace(&changes.ErasedEvents[i])
	}
	for _, e := range added {
		s.position++
		e.Position = s.position
		s.feed.add(e)
	}
	s.mu.Unlock()
	s.plan(org)
}

// plan tells the agendas when an organization has work. It must follow every change. The caller
// must hold org.mu.
func (s *Store) plan(org *organization) {
	s.sweeps.set(org, org.nextSweep())
	s.purges.set(org, org.nextPurge())
}

// find returns an organization. If there is none with this ID, it returns one that does not
// exist and that the store does not keep.
func (s *Store) find(id string) *organization {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if org, ok := s.organizations[id]; ok {
		return org
	}
	return newOrganization(id, s.workspaces, s.received)
}

// findOrAdd is find for Create. It keeps the organization that does not exist, because
// concurrent Creates must all wait for the same lock.
func (s *Store) findOrAdd(id string) *organization {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.organizations[id]; !ok {
		s.organizations[id] = newOrganization(id, s.workspaces, s.received)
	}
	return s.organizations[id]
}

// findToRead is find for a read, and locks the organization for it. In place of a deleted one it
// returns an empty one.
func (s *Store) findToRead(id string) *organization {
	org := s.find(id)
	org.mu.RLock()
	if org.deleted {
		org.mu.RUnlock()
		org = newOrganization(id, s.workspaces, s.received)
		org.mu.RLock()
	}
	return org
}

// all returns all organizations, in the order of their IDs.
func (s *Store) all() []*organization {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.organizations), func(a, b *organization) int {
		return strings.Compare(a.id, b.id)
	})
}
