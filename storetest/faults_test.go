package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// A fault is a single fault of a store, with a check that must find it.
type fault struct {
	name  string
	check string
	fault faulty
}

// faults and lifeFaults are single faults. Those of concurrency are in naive_test.go.
var faults = []fault{
	{"an event is lost", "Update/AppliesEverything", faulty{changes: func(c *invitations.Changes) {
		c.Events = c.Events[:max(0, len(c.Events)-1)]
	}}},
	{"a refusal is applied", "Update/RefusalChangesNothing", faulty{update: refusalApplied}},
	{"the error of a decision is wrapped", "Update/RefusalChangesNothing", faulty{update: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
			if err := do(ctx, q, decide); err != nil {
				return fmt.Errorf("updating: %w", err)
			}
			return nil
		}
	}}},
	{"empty changes have a version", "Update/NoChangesChangeNothing", faulty{update: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
			return do(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
				c, err := decide(f)
				c.RemovedMembers = append(slices.Clip(c.RemovedMembers), "nobody at all")
				return c, err
			})
		}
	}}},
	{"a panic does not pass", "Update/PanicChangesNothing", faulty{update: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) (err error) {
			defer func() { _ = recover() }()
			return do(ctx, q, decide)
		}
	}}},
	{"the end of the context is ignored", "Update/CancelledCallsFail", faulty{context: context.WithoutCancel}},
	{"an existing member is not replaced", "Update/ReplacesByKey", faulty{changes: func() func(c *invitations.Changes) {
		known := map[string]bool{}
		return func(c *invitations.Changes) {
			c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m invitations.Member) bool {
				key := m.Organization + " " + m.UserID
				was := known[key]
				known[key] = true
				return was
			})
		}
	}()}},
	{"members are not removed", "Update/ReplacesByKey", faulty{changes: func(c *invitations.Changes) { c.RemovedMembers = nil }}},
	{"removals are forgotten", "Update/AppliesEverything", faulty{changes: func(c *invitations.Changes) { c.Removals = nil }}},
	{"events count from 1", "Update/VersionsAndEvents", faulty{eventPage: func(p *invitations.Page[invitations.Event]) {
		for i := range p.Items {
			p.Items[i].Index++
		}
	}}},
	{"an unknown organization is not decided", "Update/UnknownOrganization", faulty{update: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
			return do(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
				if f.Version == 0 {
					return invitations.Changes{}, nil
				}
				return decide(f)
			})
		}
	}}},
	{"an organization is found without regard to case", "Update/UnknownOrganization", faulty{query: func(q *invitations.Query) {
		q.Organization = strings.ToLower(q.Organization)
	}}},
	{"a refused Create leaves an organization", "Update/RefusedCreateLeavesNothing", faulty{create: refusalApplied}},
	{"Create always finds a new organization", "Update/CreateNewAndExisting", faulty{create: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
			return do(ctx, q, func(invitations.Facts) (invitations.Changes, error) {
				return decide(invitations.Facts{Organization: q.Organization})
			})
		}
	}}},

	{"texts are trimmed", "Values/Class03_TextsByteForByte", faulty{changes: func(c *invitations.Changes) {
		for i := range c.Events {
			c.Events[i].Reason = strings.TrimSpace(c.Events[i].Reason)
		}
	}}},
	{"times are kept to the millisecond", "Values/TimesToTheMicrosecond", faulty{changes: func(c *invitations.Changes) {
		for i := range c.Members {
			c.Members[i].JoinedAt = c.Members[i].JoinedAt.Truncate(time.Millisecond)
		}
	}}},
	{"times have another zone", "Values/TimesToTheMicrosecond", faulty{facts: func(_ invitations.Query, f *invitations.Facts) {
		for user, m := range f.Members {
			m.JoinedAt = m.JoinedAt.In(time.FixedZone("elsewhere", 0))
			f.Members[user] = m
		}
	}}},
	{"memory is shared", "Values/SharesNoMemory", sharesMemory()},

	{"the sender is missing", "Facts/Sender", faulty{facts: func(_ invitations.Query, f *invitations.Facts) { f.Sender = nil }}},
	{"the sender is there unasked", "Facts/Invitation", faulty{query: func(q *invitations.Query) { q.Sender = true }}},
	{"the removal is off by one", "Facts/MembersAndRemovals", faulty{facts: func(_ invitations.Query, f *invitations.Facts) {
		for user := range f.Removals {
			f.Removals[user]--
		}
	}}},
	{"removals are there unasked", "Facts/MembersAndRemovals", faulty{query: func(q *invitations.Query) { q.Removals = true }}},
	{"the limit of members is ignored", "Facts/SeatAndOwnerCount", faulty{query: func(q *invitations.Query) { q.Limits.Members *= 2 }}},
	{"the shared quota is missing", "Facts/Quotas", faulty{facts: func(_ invitations.Query, f *invitations.Facts) { delete(f.Quotas, "") }}},
	{"only one of several invitations is found", "Facts/InvitationsByID", faulty{facts: func(_ invitations.Query, f *invitations.Facts) {
		maps.DeleteFunc(f.Invitations, func(id uuid.UUID, _ invitations.Record) bool { return len(f.Invitations) > 1 })
	}}},
	{"PendingAt is ignored", "Facts/PendingCount", faulty{query: func(q *invitations.Query) { q.PendingAt = time.Time{} }}},
	{"an invitation is pending at its expiry", "Facts/PendingCount", faulty{query: func(q *invitations.Query) {
		q.PendingAt = q.PendingAt.Add(-time.Microsecond)
	}}},
	{"the limit of pending invitations is ignored", "Facts/PendingCount", faulty{query: func(q *invitations.Query) { q.Limits.Pending *= 1000 }}},
	{"links count as emails", "Facts/ReservedCount", faulty{
		query: func(q *invitations.Query) { q.Totals = true },
		facts: func(q invitations.Query, f *invitations.Facts) {
			if q.CountReserved {
				f.ReservedCount = min(q.Limits.Members, f.Totals.Reserved+f.Totals.PendingLinks)
			}
			f.Totals = invitations.Totals{}
		},
	}},
	{"SameEmail is ignored", "Facts/PendingByEmail", faulty{query: func(q *invitations.Query) { q.SameEmail = false }}},
	{"the oldest invitation of an address is found", "Facts/PendingByEmail", faulty{
		query: func(q *invitations.Query) {
			if len(q.Emails) == 1 {
				q.PendingFor = q.Emails[0]
			}
		},
		facts: func(q invitations.Query, f *invitations.Facts) {
			if len(q.Emails) == 1 && len(f.PendingRecords) > 0 {
				f.PendingByEmail[q.Emails[0]] = f.PendingRecords[len(f.PendingRecords)-1].ID
			}
			if q.PendingFor == "" {
				f.PendingRecords = nil
			}
		},
	}},
	{"pending records come oldest first", "Facts/PendingRecords", faulty{facts: func(_ invitations.Query, f *invitations.Facts) {
		slices.Reverse(f.PendingRecords)
	}}},
	{"a sending at SendingsAfter counts", "Facts/Sendings", faulty{query: func(q *invitations.Query) {
		q.SendingsAfter = q.SendingsAfter.Add(-time.Microsecond)
	}}},
	{"sendings come oldest first", "Facts/Sendings", faulty{facts: func(_ invitations.Query, f *invitations.Facts) { slices.Reverse(f.Sendings) }}},

	{"invitations come oldest first", "Pages/InvitationsByEveryFilter", faulty{
		invitationPage: func(_ invitations.InvitationQuery, p *invitations.Page[invitations.Record]) { slices.Reverse(p.Items) },
	}},
	{"the filter States is ignored", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.States = nil }}},
	{"the filter Kind is ignored", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.Kind = "" }}},
	{"the filter Role is ignored", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.Role = "" }}},
	{"the filter Email is ignored", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.Email = "" }}},
	{"the filter SentBy is ignored", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.SentBy = "" }}},
	{"a page includes the item of its cursor", "Pages/InvitationsAfterAnyPosition", faulty{invitationQuery: func(q *invitations.InvitationQuery) {
		if q.After != nil {
			after := *q.After
			after.ID[15]++
			q.After = &after
		}
	}}},
	{"the viewer is another member", "Pages/Viewer", faulty{invitationQuery: func(q *invitations.InvitationQuery) { q.Viewer = "ada" }}},
	{"the viewer is missing", "Pages/Viewer", faulty{viewer: func(m **invitations.Member) { *m = nil }}},
	{"the viewer of an empty page is missing", "Pages/MembersWithTheirViewer", faulty{memberPage: func(p *invitations.Page[invitations.Membership]) {
		if len(p.Items) == 0 {
			p.Viewer = nil
		}
	}}},
	{"received invitations do not expire", "Pages/InvitationsOfAnAddress", faulty{invitationQuery: func(q *invitations.InvitationQuery) {
		q.At = time.Time{}
	}}},
	{"members come in reverse", "Pages/Members", faulty{memberPage: func(p *invitations.Page[invitations.Membership]) { slices.Reverse(p.Items) }}},
	{"the filter of members is ignored", "Pages/Members", faulty{memberQuery: func(q *invitations.MemberQuery) { q.Role = "" }}},
	{"events are always oldest first", "Pages/EventsInBothOrders", faulty{eventQuery: func(q *invitations.EventQuery) { q.NewestFirst = false }}},
	{"the filter of events is ignored", "Pages/EventsInBothOrders", faulty{eventQuery: func(q *invitations.EventQuery) { q.Invitation = uuid.Nil }}},
	{"the shared quota of a workspace is missing", "Pages/Workspaces", faulty{memberships: func(all []invitations.Membership) {
		for i := range all {
			all[i].Shared = nil
		}
	}}},
	{"workspaces are of a user in lower case", "Pages/WorkspacesOfOthers", faulty{workspaceQuery: func(q *invitations.WorkspaceQuery) {
		q.UserID = strings.ToLower(q.UserID)
	}}},

	{"nothing is taken", "Quotas/ConsumeInAnOrganization", faulty{consumption: func(c *invitations.Consumption) { c.Amount = 0 }}},
	{"the answer tells the quota before", "Quotas/ConsumeInAnOrganization", faulty{consumed: func(c *invitations.Consumed) {
		for user, q := range c.Quotas {
			q.Used = max(0, q.Used-1)
			c.Quotas[user] = q
		}
	}}},
	{"a viewer consumes", "Quotas/ConsumeNeedsTheRole", faulty{consumption: func(c *invitations.Consumption) {
		c.Roles = append(slices.Clip(c.Roles), "viewer")
	}}},
	{"a period never ends", "Quotas/ConsumeOverPeriods", faulty{consumption: func(c *invitations.Consumption) { c.Periods = periodsOn(-40_000) }}},
	{"personal quotas are mixed up", "Quotas/PersonalQuota", faulty{personal: func(user *string, _ *invitations.Quota) { *user = "ada" }}},
	{"quotas are not kept", "Quotas/ChangesKeepTheUsedAmount", faulty{changes: func(c *invitations.Changes) { c.Quotas = nil }}},

	{"the feed skips an event", "Feed/AllOrganizationsInOrder", faulty{feedQuery: func(after *int64, _ *int) {
		if *after == 3 {
			*after++
		}
	}}},
	{"the feed repeats an event", "Feed/AllOrganizationsInOrder", faulty{feedQuery: func(after *int64, _ *int) { *after = max(0, *after-1) }}},
	{"the feed ignores its limit", "Feed/AllOrganizationsInOrder", faulty{feedQuery: func(_ *int64, limit *int) { *limit *= 2 }}},

	{"statistics are of another organization", "Statistics/EqualARecount", faulty{statisticsQuery: func(q *invitations.StatisticsQuery) {
		q.Organization = strings.Replace(q.Organization, "acme", "zeta", 1)
	}}},
	{"the period of statistics includes its end", "Statistics/EqualARecount", faulty{statisticsQuery: func(q *invitations.StatisticsQuery) {
		q.To = q.To.Add(time.Hour)
	}}},
	{"statistics have no bound of groups", "Statistics/OfManySendersAndLinks", faulty{statisticsQuery: func(q *invitations.StatisticsQuery) {
		q.MaxGroups = 1000
	}}},
	{"the viewer of statistics is missing", "Statistics/OfNothing", faulty{viewer: func(m **invitations.Member) { *m = nil }}},

	{"a Sweep is a microsecond early", "Sweep/FactsAreTheDueInvitations", faulty{sweepQuery: func(at *time.Time, _ *int) { *at = at.Add(time.Microsecond) }}},
	{"a Sweep ignores its limit", "Sweep/FactsAreTheDueInvitations", faulty{sweepQuery: func(_ *time.Time, limit *int) { *limit = 1000 }}},
	{"a Sweep has no version", "Sweep/FactsAreTheDueInvitations", faulty{due: func(all []invitations.Facts) {
		for i := range all {
			all[i].Version = 0
		}
	}}},
	{"a Sweep changes one organization only", "Sweep/AppliesPerOrganization", faulty{swept: func(all []invitations.Changes) {
		for i := range all {
			if i > 0 {
				all[i] = invitations.Changes{}
			}
		}
	}}},
}

// refusalApplied writes the changes of a decision that refuses.
func refusalApplied(do change) change {
	return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
		var refusal error
		err := do(ctx, q, func(f invitations.Facts) (c invitations.Changes, _ error) {
			c, refusal = decide(f)
			return c, nil
		})
		return errors.Join(err, refusal)
	}
}

// sharesMemory returns a store that hands out the metadata that it was given.
func sharesMemory() faulty {
	given := map[uuid.UUID]map[string]string{}
	return faulty{
		changes: func(c *invitations.Changes) {
			for _, r := range c.Invitations {
				given[r.ID] = r.Metadata
			}
		},
		invitationPage: func(_ invitations.InvitationQuery, p *invitations.Page[invitations.Record]) {
			for i, r := range p.Items {
				p.Items[i].Metadata = given[r.ID]
			}
		},
	}
}

// A recorder keeps the failures of a check.
type recorder struct{ failures []string }

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Errorf(format string, a ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, a...))
}
func (r *recorder) Fatalf(format string, a ...any) { r.Errorf(format, a...); runtime.Goexit() }

// failures returns the failures of a check on a store.
func failures(ctx context.Context, c check, store invitations.Store) []string {
	var r recorder
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.perform(newWorld(ctx, &r, store))
	}()
	<-done
	return r.failures
}

// TestChecks_FindSingleFaults shows that each check finds a fault that is put into a store.
func TestChecks_FindSingleFaults(t *testing.T) {
	t.Parallel()
	checks := map[string]check{}
	for _, g := range groups {
		for _, c := range g.checks {
			checks[g.name+"/"+c.name] = c
		}
	}
	for _, f := range slices.Concat(faults, lifeFaults) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c, ok := checks[f.check]
			if !ok {
				t.Fatalf("there is no check %s", f.check)
			}
			store := f.fault
			store.Store = memstore.New()
			if store.lasts != "" {
				store.lasting = memstore.New()
			}
			found := failures(t.Context(), c, &store)
			if len(found) == 0 {
				t.Errorf("%s does not find it", f.check)
			}
			for _, failure := range found {
				if strings.HasPrefix(failure, "panic: ") {
					t.Errorf("%s panics: %s", f.check, failure)
				}
			}
		})
	}
}
