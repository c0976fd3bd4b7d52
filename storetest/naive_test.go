package storetest

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// naive is a store whose Update, Sweep, Consume and Purge are not atomic, whose View asks twice,
// and whose feed has the order in which changes began. It keeps the quotas itself, because a
// consumption that was decided before it is written cannot be told to the store beneath. It
// hides the rows that a Purge deleted, because the store beneath would look at them again.
type naive struct {
	*memstore.Store
	mu            sync.Mutex
	organizations map[string]bool
	quotas        map[owner]invitations.QuotaRecord
	closed        map[closed]int64
	purged        map[row]bool
	next          int64
	feed          []invitations.Event

	reading sync.Mutex
}

func newNaive() *naive {
	return &naive{
		Store: memstore.New(), organizations: map[string]bool{}, quotas: map[owner]invitations.QuotaRecord{},
		closed: map[closed]int64{}, purged: map[row]bool{},
	}
}

// An owner identifies a quota.
type owner struct{ organization, user string }

// A closed period of a quota.
type closed struct {
	owner
	period invitations.Period
	start  time.Time
}

// A row identifies an invitation or an event.
type row struct {
	organization string
	id           uuid.UUID
	position     invitations.EventPosition
}

func rowOf(r invitations.Record) row { return row{organization: r.Organization, id: r.ID} }

func rowOfEvent(e invitations.Event) row {
	return row{organization: e.Organization, position: invitations.EventPosition{Version: e.Version, Index: e.Index}}
}

// isPurged reports whether a Purge deleted an invitation. isPurgedEvent is the same for an event.
func (n *naive) isPurged(r invitations.Record) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.purged[rowOf(r)]
}

func (n *naive) isPurgedEvent(e invitations.Event) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.purged[rowOfEvent(e)]
}

// pause lets other calls go on. Its length varies, so that their order does.
func pause() {
	for range rand.N(200) {
		runtime.Gosched()
	}
}

func (n *naive) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	facts, err := n.Store.View(ctx, q)
	if facts.Invitation != nil && n.isPurged(*facts.Invitation) {
		facts.Invitation, facts.Sender = nil, nil
	}
	if err != nil || len(q.Members) == 0 && !q.Quotas {
		return facts, err
	}
	pause()
	again, err := n.Store.View(ctx, q)
	facts.Members, facts.Removals = again.Members, again.Removals
	if q.Quotas {
		facts.Quotas = n.read(facts.Organization, q.Members...)
	}
	return facts, err
}

// read returns the quotas of an organization and of users.
func (n *naive) read(organization string, users ...string) map[string]invitations.QuotaRecord {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := map[string]invitations.QuotaRecord{}
	for _, user := range append([]string{""}, users...) {
		if q, ok := n.quotas[owner{organization, user}]; ok {
			found[user] = q
		}
	}
	return found
}

// write puts quotas as they are.
func (n *naive) write(quotas ...invitations.QuotaRecord) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range quotas {
		of := owner{q.Organization, q.UserID}
		if old := n.quotas[of]; old.Period != q.Period || !old.PeriodStart.Equal(q.PeriodStart) {
			n.closed[closed{of, old.Period, old.PeriodStart}] += old.Used
		}
		n.quotas[of] = q
	}
}

// set puts quotas, and keeps the used amount of the same period.
func (n *naive) set(quotas ...invitations.QuotaRecord) {
	for _, q := range quotas {
		if old := n.read(q.Organization, q.UserID)[q.UserID]; old.Period == q.Period {
			q.PeriodStart, q.Used = old.PeriodStart, old.Used
		}
		pause()
		n.write(q)
	}
}

func (n *naive) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	facts, err := n.View(ctx, q)
	if err != nil {
		return err
	}
	return n.decided(ctx, q.Organization, facts, decide)
}

func (n *naive) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	q.AlsoDeleted = true
	facts, err := n.View(ctx, q)
	if err != nil {
		return err
	}
	if facts.Deleted {
		facts = invitations.Facts{Version: facts.Version, Deleted: true}
	}
	facts.Organization = q.Organization
	return n.decided(ctx, q.Organization, facts, decide)
}

func (n *naive) decided(ctx context.Context, organization string, facts invitations.Facts, decide invitations.Decision) error {
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	return n.apply(ctx, organization, changes)
}

// apply applies changes to the present organization. Like an identity column, it numbers the
// events before they can be read.
func (n *naive) apply(ctx context.Context, organization string, changes invitations.Changes) error {
	n.mu.Lock()
	first := n.next + 1
	n.next += int64(len(changes.Events))
	n.organizations[organization] = true
	n.mu.Unlock()
	pause()
	n.set(changes.Quotas...)
	return n.Store.Create(ctx, invitations.Query{Organization: organization}, func(f invitations.Facts) (invitations.Changes, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for i, e := range changes.Events {
			e.Position, e.Version, e.Index = first+int64(i), f.Version+1, i
			n.feed = append(n.feed, e)
		}
		for _, r := range changes.Invitations {
			delete(n.purged, rowOf(r))
		}
		return changes, nil
	})
}

func (n *naive) Feed(_ context.Context, after int64, limit int) ([]invitations.Event, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.feed = slices.DeleteFunc(n.feed, func(e invitations.Event) bool { return n.purged[rowOfEvent(e)] })
	slices.SortFunc(n.feed, func(a, b invitations.Event) int { return cmp.Compare(a.Position, b.Position) })
	first, found := slices.BinarySearchFunc(n.feed, after, func(e invitations.Event, after int64) int { return cmp.Compare(e.Position, after) })
	if found {
		first++
	}
	return slices.Clone(n.feed[first:min(first+limit, len(n.feed))]), nil
}

func (n *naive) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	var due []invitations.Facts
	n.reading.Lock() // nobody is left out
	err := n.Store.Sweep(ctx, at, limit, func(all []invitations.Facts) []invitations.Changes {
		due = all
		return make([]invitations.Changes, len(all))
	})
	n.reading.Unlock()
	if err != nil {
		return err
	}
	for i := range due {
		due[i].PendingRecords = slices.DeleteFunc(due[i].PendingRecords, n.isPurged)
	}
	pause()
	for i, changes := range decide(due) {
		if changes.Empty() {
			continue
		}
		if err := n.apply(ctx, due[i].Organization, changes); err != nil {
			return err
		}
	}
	return nil
}

func (n *naive) Invitations(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	page, err := n.Store.Invitations(ctx, q)
	page.Items = slices.DeleteFunc(page.Items, n.isPurged)
	return page, err
}

func (n *naive) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	page, err := n.Store.Events(ctx, q)
	page.Items = slices.DeleteFunc(page.Items, n.isPurgedEvent)
	return page, err
}

// Purge reads the old rows, and later deletes the rows that it read.
func (n *naive) Purge(ctx context.Context, q invitations.PurgeQuery) (int, error) {
	n.mu.Lock()
	organizations := slices.Collect(maps.Keys(n.organizations))
	n.mu.Unlock()
	var old []row
	for _, organization := range organizations {
		records, err := n.Invitations(ctx, invitations.InvitationQuery{Organization: organization, Limit: 100_000})
		if err != nil {
			return 0, err
		}
		for _, r := range records.Items {
			if q.Invitation(r) {
				old = append(old, rowOf(r))
			}
		}
		events, err := n.Events(ctx, invitations.EventQuery{Organization: organization, Limit: 100_000})
		if err != nil {
			return 0, err
		}
		for _, e := range events.Items {
			if q.Event(e) {
				old = append(old, rowOfEvent(e))
			}
		}
	}
	old = old[:min(len(old), q.Limit)]
	pause()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range old {
		n.purged[r] = true
	}
	return len(old), nil
}

// Usage returns the amounts of the present period and of closed ones, without a page.
func (n *naive) Usage(_ context.Context, q invitations.UsageQuery) (shared int64, page invitations.Page[invitations.MemberUsage], err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	amounts := map[string]int64{}
	for of, amount := range n.closed {
		if of.organization == q.Organization && of.period == q.Period && of.start.Equal(q.PeriodStart) {
			amounts[of.user] += amount
		}
	}
	for of, u := range n.quotas {
		if of.organization == q.Organization && u.Period == q.Period && u.PeriodStart.Equal(q.PeriodStart) {
			amounts[of.user] += u.Used
		}
	}
	for user, amount := range amounts {
		if user != "" && amount > 0 {
			page.Items = append(page.Items, invitations.MemberUsage{UserID: user, Used: amount})
		}
	}
	return amounts[""], page, nil
}

func (n *naive) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	var consumed invitations.Consumed
	if c.Organization != "" {
		facts, err := n.Store.View(ctx, invitations.Query{Organization: c.Organization, Members: []string{c.UserID}})
		if err != nil {
			return consumed, err
		}
		consumed.Role = facts.Members[c.UserID].Role
	}
	consumed.Quotas = n.read(c.Organization, c.UserID)
	put, ok := c.Decide(consumed.Role, consumed.Quotas)
	consumed.Taken = ok
	pause()
	n.write(put...)
	for _, q := range put {
		consumed.Quotas[q.UserID] = q
	}
	return consumed, nil
}

func (n *naive) SetPersonalQuota(_ context.Context, user string, q invitations.Quota) error {
	n.set(invitations.QuotaRecord{UserID: user, Quota: q})
	return nil
}

func (n *naive) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
	personal, memberships, err := n.Store.Workspaces(ctx, q)
	if mine, ok := n.read("", q.UserID)[q.UserID]; ok {
		personal = &mine
	}
	return personal, memberships, err
}
