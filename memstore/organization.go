package memstore

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An organization is locked as a whole: the caller of its methods must hold mu.
type organization struct {
	id string

	mu          sync.RWMutex
	version     int64 // 0 until Create makes the organization exist
	deleted     bool
	limits      invitations.Limits
	members     map[string]invitations.Member      // by user ID
	removals    map[string]int64                   // by user ID
	quotas      map[string]invitations.QuotaRecord // by user ID; that of the organization under ""
	invitations map[uuid.UUID]invitations.Record
	newestFirst []invitations.InvitationPosition // of all invitations, in the order of a page
	events      []*invitations.Event             // oldest first; the feed has the same events
	closed      map[closedPeriod]int64           // the amounts used in periods that are over
}

// A closedPeriod is a period of a user, or of the organization for an empty ID.
type closedPeriod struct {
	user   string
	period invitations.Period
	start  time.Time
}

func newOrganization(id string) *organization {
	return &organization{
		id:          id,
		members:     map[string]invitations.Member{},
		removals:    map[string]int64{},
		quotas:      map[string]invitations.QuotaRecord{},
		invitations: map[uuid.UUID]invitations.Record{},
		closed:      map[closedPeriod]int64{},
	}
}

// exists reports whether Create has made the organization, and no change has deleted it.
func (o *organization) exists() bool { return o.version > 0 && !o.deleted }

// member returns a copy of a member, or nil if the user is not one.
func (o *organization) member(user string) *invitations.Member {
	m, ok := o.members[user]
	if !ok {
		return nil
	}
	m = m.Clone()
	return &m
}

// quota returns a copy of a quota, or nil if none was set.
func (o *organization) quota(user string) *invitations.QuotaRecord {
	return quotaOf(o.quotas, user)
}

// apply applies changes, and returns their events as they are kept.
func (o *organization) apply(c invitations.Changes) []*invitations.Event {
	o.version++
	o.deleted = o.deleted || c.Deleted
	if c.Limits != nil {
		o.limits = c.Limits.Clone()
	}
	for _, user := range c.RemovedMembers {
		delete(o.members, user)
	}
	for _, m := range c.Members {
		o.members[m.UserID] = m.Clone()
	}
	for _, user := range c.Removals {
		o.removals[user] = o.version
	}
	for _, q := range c.Quotas {
		o.putQuota(keepUsed(o.quotas, q))
	}
	for _, r := range c.Invitations {
		o.put(r)
	}
	for i, e := range c.Events {
		kept := e.Clone()
		kept.Version, kept.Index = o.version, i
		o.events = append(o.events, &kept)
	}
	return o.events[len(o.events)-len(c.Events):]
}

// erase replaces events. Their positions stay. The feed has the same events, so the caller must
// hold its lock too.
func (o *organization) erase(events []invitations.Event) {
	for _, erased := range events {
		i, ok := slices.BinarySearchFunc(o.events, erased, func(e *invitations.Event, erased invitations.Event) int {
			return cmp.Or(cmp.Compare(e.Version, erased.Version), cmp.Compare(e.Index, erased.Index))
		})
		if ok {
			erased.Position = o.events[i].Position
			*o.events[i] = erased.Clone()
		}
	}
}

// put keeps a copy of an invitation. Its place in the list never changes, because CreatedAt
// and ID do not.
func (o *organization) put(r invitations.Record) {
	if _, ok := o.invitations[r.ID]; !ok {
		position := positionOf(r)
		i, _ := slices.BinarySearchFunc(o.newestFirst, position, comparePositions)
		o.newestFirst = slices.Insert(o.newestFirst, i, position)
	}
	o.invitations[r.ID] = r.Clone()
}
