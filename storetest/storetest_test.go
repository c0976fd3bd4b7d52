package storetest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// TestRacesCatchANaiveStore is the negative control of the races: a store that reads,
// decides and then writes, as is common, fails every one of them.
func TestRacesCatchANaiveStore(t *testing.T) {
	t.Parallel()
	for _, r := range allRaces() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			err := r.run(context.Background(), &naive{Store: memstore.New(), quotas: map[owner]invitations.QuotaRecord{}})
			if err == nil {
				t.Fatal("the race does not tell a naive store from an atomic one")
			}
			t.Log(err)
		})
	}
}

// naive is a store whose Update and Consume are not atomic, and whose View asks twice. It
// keeps the quotas itself, because a consumption that was decided before it is written
// cannot be told to the store beneath.
type naive struct {
	*memstore.Store
	mu     sync.Mutex
	quotas map[owner]invitations.QuotaRecord
}

// An owner is whose a quota is.
type owner struct{ organization, user string }

// pause lets others in. It varies, so that who comes first does not always go on first.
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

// set puts quotas, and keeps what is used in the same period.
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
	changes, err := decide(facts)
	if err != nil || changes.Empty() {
		return err
	}
	pause()
	organization := facts.Organization
	if organization == "" {
		organization = q.Organization
	}
	n.set(changes.Quotas...)
	return n.Store.Update(ctx, invitations.Query{Organization: organization, Create: q.Create}, func(invitations.Facts) (invitations.Changes, error) {
		return changes, nil
	})
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

func (n *naive) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (invitations.WorkspacePage, error) {
	page, err := n.Store.Workspaces(ctx, q)
	if mine, ok := n.read("", q.UserID)[q.UserID]; ok {
		page.Personal = &mine
	}
	return page, err
}
