package memstore

import (
	"sync"

	"github.com/go-invitations/invitations"
)

// An organization is locked as a whole: the caller of its methods must hold mu.
type organization struct {
	id string

	mu      sync.RWMutex
	version int64 // 0 until Create makes the organization exist
	deleted bool
	limits  invitations.Limits

	// The rows with their indexes.
	members     memberRows
	invitations invitationRows
	events      eventRows

	removals map[string]int64                   // by user ID
	quotas   map[string]invitations.QuotaRecord // by user ID; that of the organization under ""
	closed   map[closedPeriod]map[string]int64  // the amounts used in periods that are over, by user ID

	// The instants in the agendas of the store, which alone write them.
	sweepAt, purgeAt int64
}

// A closedPeriod is a period that is over.
type closedPeriod struct {
	period invitations.Period
	start  int64 // an instant
}

// newOrganization returns an organization whose members and addresses are in the directories.
func newOrganization(id string, workspaces, received *directory) *organization {
	o := &organization{id: id, sweepAt: never, purgeAt: never}
	o.members.init(func(user string, exists bool) { workspaces.set(user, o, exists) })
	o.invitations.init(func(email string, exists bool) { received.set(email, o, exists) })
	o.events.init()
	return o
}

// exists reports whether Create has made the organization, and no change has deleted it.
func (o *organization) exists() bool { return o.version > 0 && !o.deleted }

// member returns a copy of a member, or nil if the user is not one.
func (o *organization) member(user string) *invitations.Member {
	kept, ok := o.members.byUser[user]
	if !ok {
		return nil
	}
	m := kept.Clone()
	return &m
}

// quota returns a copy of a quota, or nil if none was set.
func (o *organization) quota(user string) *invitations.QuotaRecord {
	return quotaOf(o.quotas, user)
}

// apply applies changes, and returns their events as they are kept.
func (o *organization) apply(c *invitations.Changes) []*invitations.Event {
	o.version++
	o.deleted = o.deleted || c.Deleted
	if c.Limits != nil {
		o.limits = c.Limits.Clone()
	}
	for _, user := range c.RemovedMembers {
		o.members.remove(user)
	}
	for i := range c.Members {
		o.members.put(&c.Members[i])
	}
	for _, user := range c.Removals {
		put(&o.removals, user, o.version)
	}
	for _, q := range c.Quotas {
		o.putQuota(keepUsed(o.quotas, q))
	}
	for i := range c.Invitations {
		o.invitations.put(&c.Invitations[i])
	}
	added := make([]*invitations.Event, len(c.Events))
	for i := range c.Events {
		added[i] = o.events.add(&c.Events[i], o.version, i)
	}
	return added
}

// put puts a value into a map, which it makes for the first one.
func put[K comparable, V any](values *map[K]V, key K, value V) {
	if *values == nil {
		*values = map[K]V{}
	}
	(*values)[key] = value
}

// nextSweep returns the instant at which the organization has something to sweep.
func (o *organization) nextSweep() int64 {
	if first := o.invitations.due.first(only{}); first != nil && o.exists() {
		return instantOf(first.SweepAt)
	}
	return never
}

// nextPurge returns the instant after which the organization has something to purge.
func (o *organization) nextPurge() int64 {
	if o.deleted && len(o.invitations.byID)+len(o.members.byUser)+len(o.removals)+len(o.quotas)+len(o.closed) > 0 {
		return -never
	}
	at := never
	if first := o.invitations.ending.first(only{}); first != nil {
		at = instantOf(endOf(first))
	}
	if first := o.events.byTime.first(only{}); first != nil {
		at = min(at, instantOf(first.At))
	}
	return at
}
