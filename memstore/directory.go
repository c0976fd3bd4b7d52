package memstore

import (
	"strings"
	"sync"
	"time"
)

// The indexes across organizations. Each has its own lock, which is held for a moment and under
// which nothing waits. Code that holds the lock of an organization may take it.

// A directory knows the organizations of each key, in the order of their IDs.
type directory struct {
	mu            sync.RWMutex
	organizations groups[organization, string]
}

func newDirectory() *directory {
	return &directory{organizations: groups[organization, string]{order: byOrganizationID}}
}

var byOrganizationID = &order[organization]{
	rank: func(o *organization) int64 { return rankOf(o.id) },
	tie:  func(a, b *organization) int { return strings.Compare(a.id, b.id) },
}

// set adds an organization to a key, or removes it.
func (d *directory) set(key string, o *organization, exists bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if exists {
		d.organizations.add(key, o)
	} else {
		d.organizations.remove(key, o)
	}
}

// of returns up to limit organizations of a key whose ID is above after.
func (d *directory) of(key, after string, limit int) []*organization {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*organization
	for o := range d.organizations.of(key).up(func(e entry[organization]) bool { return e.row.id > after }) {
		if len(found) == limit {
			break
		}
		found = append(found, o)
	}
	return found
}

// An agenda knows the organizations that have work to do, in the order of its instant.
type agenda struct {
	mu            sync.Mutex
	organizations *list[organization]
	at            func(*organization) *int64 // where an organization keeps its instant
}

// never is the instant of an organization without work.
const never = int64(1<<63 - 1)

func newAgenda(at func(*organization) *int64) *agenda {
	return &agenda{at: at, organizations: newList(&order[organization]{
		rank: func(o *organization) int64 { return *at(o) },
		tie:  byOrganizationID.tie,
	})}
}

// set sets the instant at which an organization has work. The caller must hold the lock of the
// organization.
func (a *agenda) set(o *organization, instant int64) {
	at := a.at(o)
	if *at == instant {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if *at != never {
		a.organizations.remove(o)
	}
	*at = instant
	if instant != never {
		a.organizations.add(o)
	}
}

// An appointment is a place in an agenda.
type appointment struct {
	instant      int64
	organization *organization
}

// due calls work with the organizations whose instant is not after until, the earliest first,
// until it returns false. An organization in use is left to the next call, also if its instant has
// changed before it was locked: it may be deleted. The others are locked, and work must see to it
// that they are unlocked.
func (a *agenda) due(until int64, work func(*organization) bool) {
	var last *appointment
	for next := a.next(last, until); next != nil; next = a.next(next, until) {
		o := next.organization
		switch {
		case !o.mu.TryLock():
		case *a.at(o) != next.instant:
			o.mu.Unlock()
		case !work(o):
			return
		}
	}
}

// next returns the appointment after one, or the first, if it is not after until.
func (a *agenda) next(after *appointment, until int64) *appointment {
	a.mu.Lock()
	defer a.mu.Unlock()
	for o := range a.organizations.up(func(e entry[organization]) bool {
		return after == nil || e.rank > after.instant || e.rank == after.instant && e.row.id > after.organization.id
	}) {
		if instant := *a.at(o); instant <= until {
			return &appointment{instant, o}
		}
		break
	}
	return nil
}

// instantOf is a time as the rank of an order: in microseconds, the precision of a store.
func instantOf(t time.Time) int64 { return t.UnixMicro() }
