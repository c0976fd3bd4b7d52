package storetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// naive is a store whose Update, Sweep and Consume are not atomic, whose View asks twice, and
// whose feed has the order in which changes began. It keeps the quotas itself, because a
// consumption that was decided before it is written cannot be told to the store beneath.
type naive struct {
	*memstore.Store
	mu     sync.Mutex
	quotas map[owner]invitations.QuotaRecord
	next   int64
	feed   []invitations.Event

	reading sync.Mutex
}

func newNaive() *naive {
	return &naive{Store: memstore.New(), quotas: map[owner]invitations.QuotaRecord{}}
}

// An owner identifies a quota.
type owner struct{ organization, user string }

// pause lets other calls go on. Its length varies, so that their order does.
func pause() {
	for range rand.N(200) {
		runtime.Gosched()
	}
}

func (n *naive) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	facts, err := n.Store.View(ctx, q)
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
		n.quotas[owner{q.Organization, q.UserID}] = q
	}
}

// set puts quotas, and keeps the used amount of the same period.
func (n *naive) set(quotas ...invitations.QuotaRecord) {
	for _, q := range quotas {
		if old := n.read(q.Organization, q.UserID)[q.UserID]; old.Period == q.Period {
			q.PeriodStart, q.Used = old.PeriodStart, old.Used
		}
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
	facts, err := n.View(ctx, q)
	if err != nil {
		return err
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
		return changes, nil
	})
}

func (n *naive) Feed(_ context.Context, after int64, limit int) ([]invitations.Event, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
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
