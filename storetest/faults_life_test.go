package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// counting returns a store that loads the totals with every count, and replaces the counts.
func counting(replace func(q invitations.Query, exact invitations.Totals, f *invitations.Facts)) faulty {
	return faulty{
		query: func(q *invitations.Query) { q.Totals = true },
		facts: func(q invitations.Query, f *invitations.Facts) {
			replace(q, f.Totals, f)
			if !q.Totals {
				f.Totals = invitations.Totals{}
			}
		},
	}
}

// totaling returns a store that changes the totals that were asked for.
func totaling(change func(limits invitations.Limits, t *invitations.Totals)) faulty {
	return faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		if q.Totals {
			change(f.Limits, &f.Totals)
		}
	}}
}

// factsOf returns a store that changes its facts.
func factsOf(change func(*invitations.Facts)) faulty {
	return faulty{facts: func(_ invitations.Query, f *invitations.Facts) { change(f) }}
}

// eventsOf returns a store that keeps other events than it was given.
func eventsOf(change func(*invitations.Event)) faulty {
	return faulty{changes: func(c *invitations.Changes) {
		c.Events = slices.Clone(c.Events)
		for i := range c.Events {
			change(&c.Events[i])
		}
	}}
}

// limitsFault returns a store that keeps other limits than it was given.
func limitsFault(change func(*invitations.Limits)) faulty {
	return faulty{changes: func(c *invitations.Changes) {
		if c.Limits != nil {
			limits := c.Limits.Clone()
			change(&limits)
			c.Limits = &limits
		}
	}}
}

// quotasOf returns a store that keeps other quotas than it was given.
func quotasOf(change func(*invitations.QuotaRecord)) faulty {
	return faulty{changes: func(c *invitations.Changes) {
		c.Quotas = slices.Clone(c.Quotas)
		for i := range c.Quotas {
			change(&c.Quotas[i])
		}
	}}
}

// afterwards returns a store that is faulty from the first Purge on.
func afterwards(of func(purged *bool) faulty) faulty {
	purged := new(bool)
	f := of(purged)
	f.purge = func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			*purged = true
			return do(ctx, q)
		}
	}
	return f
}

// lifeFaults are faults in the life of an organization: limits, traces, deletions, usage and
// purges, and in the filters of pages.
var lifeFaults = []fault{
	{"limits come only with the seats", "Facts/LimitsAreAlwaysLoaded", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		if !q.CountSeats {
			f.Limits = invitations.Limits{}
		}
	}}},
	{"limits of the query come with the facts", "Facts/LimitsAreAlwaysLoaded", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		f.Limits = f.Limits.Or(q.Limits)
	}}},
	{"the limit of the query is always in force", "Facts/CountsUpToTheLimitsInForce", counting(
		func(q invitations.Query, exact invitations.Totals, f *invitations.Facts) {
			if q.CountSeats && q.Limits.Members > 0 {
				f.SeatCount = min(q.Limits.Members, exact.Seats)
			}
		},
	)},
	{"the limit of the organization is in force even if it has none", "Facts/CountsUpToTheLimitsInForce", counting(
		func(q invitations.Query, exact invitations.Totals, f *invitations.Facts) {
			if q.CountPending {
				f.PendingCount = min(f.Limits.Pending, exact.PendingEmails+exact.PendingLinks)
			}
		},
	)},
	{"seats are counted without a limit", "Facts/CountsUpToTheLimitsInForce", counting(
		func(q invitations.Query, exact invitations.Totals, f *invitations.Facts) {
			if q.CountSeats && f.Limits.Or(q.Limits).Members <= 0 {
				f.SeatCount = exact.Seats
			}
		},
	)},
	{"every role takes a seat", "Facts/CountsUpToTheLimitsInForce", counting(
		func(q invitations.Query, exact invitations.Totals, f *invitations.Facts) {
			if q.CountSeats {
				f.SeatCount = min(max(0, f.Limits.Or(q.Limits).Members), exact.Members)
			}
		},
	)},
	{"every role reserves a seat", "Facts/CountsUpToTheLimitsInForce", counting(
		func(q invitations.Query, exact invitations.Totals, f *invitations.Facts) {
			if q.CountReserved {
				f.ReservedCount = min(max(0, f.Limits.Or(q.Limits).Members), exact.PendingEmails)
			}
		},
	)},
	{"seats are counted unasked", "Facts/CountsUpToTheLimitsInForce", faulty{query: func(q *invitations.Query) { q.CountSeats = true }}},
	{"reservations are counted unasked", "Facts/CountsUpToTheLimitsInForce", faulty{query: func(q *invitations.Query) { q.CountReserved = true }}},
	{"totals are there unasked", "Facts/SeatAndOwnerCount", faulty{query: func(q *invitations.Query) { q.Totals = true }}},
	{"totals are bounded", "Facts/Totals", totaling(func(l invitations.Limits, t *invitations.Totals) {
		if l.Members > 0 {
			t.Members = min(t.Members, l.Members)
		}
	})},
	{"every role takes a seat of the totals", "Facts/Totals", totaling(func(_ invitations.Limits, t *invitations.Totals) { t.Seats = t.Members })},
	{"links reserve seats of the totals", "Facts/Totals", totaling(func(_ invitations.Limits, t *invitations.Totals) { t.Reserved += t.PendingLinks })},
	{"every role reserves a seat of the totals", "Facts/Totals", totaling(func(_ invitations.Limits, t *invitations.Totals) { t.Reserved = t.PendingEmails })},
	{"totals have expired invitations", "Facts/Totals", faulty{query: func(q *invitations.Query) { q.PendingAt = time.Time{} }}},

	{"traces have no bound", "Facts/TracesUpToANumber", faulty{query: func(q *invitations.Query) { q.TracesUpTo *= 2 }}},
	{"traces of users are found without regard to case", "Facts/TracesOfAPerson", faulty{query: func(q *invitations.Query) {
		q.TracesOf.UserID = strings.ToLower(q.TracesOf.UserID)
	}}},
	{"members of an address are no trace", "Facts/TracesOfAPerson", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		if q.TracesOf.Email != "" {
			f.TracedMembers = nil
		}
	}}},
	{"invited members are no trace", "Facts/TracesOfAPerson", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		if q.TracesOf.UserID != "" {
			f.TracedMembers = nil
		}
	}}},
	{"the person that accepted leaves no trace", "Facts/TracesOfAPerson", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		f.TracedInvitations = slices.DeleteFunc(f.TracedInvitations, func(r invitations.Record) bool {
			return r.AcceptedBy == q.TracesOf.UserID && r.CreatedBy != r.AcceptedBy && r.SentBy != r.AcceptedBy
		})
	}}},
	{"the subject of an event leaves no trace", "Facts/TracesOfAPerson", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		f.TracedEvents = slices.DeleteFunc(f.TracedEvents, func(e invitations.Event) bool { return e.Subject == q.TracesOf.UserID })
	}}},
	{"the inviter of an event leaves no trace", "Facts/TracesOfAPerson", faulty{facts: func(q invitations.Query, f *invitations.Facts) {
		f.TracedEvents = slices.DeleteFunc(f.TracedEvents, func(e invitations.Event) bool { return e.InvitedBy == q.TracesOf.UserID })
	}}},
	{"traced events have no position", "Facts/TracesOfAPerson", factsOf(func(f *invitations.Facts) {
		for i := range f.TracedEvents {
			f.TracedEvents[i].Position = 0
		}
	})},
	{"Traces have no bound", "Traces/UpToANumber", faulty{tracesQuery: func(_ *invitations.Person, limit *int) { *limit *= 2 }}},
	{"Traces have an organization twice", "Traces/UpToANumber", faulty{traces: func(found []string) []string {
		if len(found) > 1 {
			found[1] = found[0]
		}
		return found
	}}},
	{"Traces are found without regard to case", "Traces/OrganizationsOfAPerson", faulty{tracesQuery: func(p *invitations.Person, _ *int) {
		p.UserID = strings.ToLower(p.UserID)
		p.Email = strings.ToUpper(p.Email[:min(1, len(p.Email))]) + p.Email[min(1, len(p.Email)):]
	}}},
	{"Traces of events are missed", "Traces/OrganizationsOfAPerson", faulty{traces: func(found []string) []string {
		return slices.DeleteFunc(found, func(organization string) bool { return organization == "eve was concerned" })
	}}},
	{"Traces miss deleted organizations", "Traces/OfDeletedOrganizations", faulty{traces: func(found []string) []string {
		return slices.DeleteFunc(found, func(organization string) bool { return organization == "acme" })
	}}},

	{"limits are not kept", "Update/Limits", faulty{changes: func(c *invitations.Changes) { c.Limits = nil }}},
	{"limits are merged with those before", "Update/Limits", func() faulty {
		var before invitations.Limits
		return limitsFault(func(l *invitations.Limits) { *l = l.Or(before); before = l.Clone() })
	}()},
	{"a change without limits takes them away", "Update/Limits", faulty{changes: func(c *invitations.Changes) {
		if c.Limits == nil {
			c.Limits = &invitations.Limits{}
		}
	}}},
	{"limits alone are no change", "Update/EachKindOfChangeHasAVersion", faulty{changes: func(c *invitations.Changes) {
		if c.Limits != nil && len(c.Members) == 0 {
			*c = invitations.Changes{}
		}
	}}},
	{"erased events are no change", "Update/EachKindOfChangeHasAVersion", faulty{changes: func(c *invitations.Changes) { c.ErasedEvents = nil }}},
	{"erased events stay", "Update/ErasedEvents", faulty{changes: func(c *invitations.Changes) { c.ErasedEvents = nil }}},
	{"erased events keep the address", "Update/ErasedEvents", faulty{changes: func(c *invitations.Changes) {
		c.ErasedEvents = slices.Clone(c.ErasedEvents)
		for i := range c.ErasedEvents {
			c.ErasedEvents[i].Email = c.ErasedEvents[i].Subject + "@example.com"
		}
	}}},
	{"only the first erased event is replaced", "Update/ErasedEvents", faulty{changes: func(c *invitations.Changes) {
		c.ErasedEvents = c.ErasedEvents[:min(1, len(c.ErasedEvents))]
	}}},
	{"erased events are appended", "Update/ErasedEvents", faulty{changes: func(c *invitations.Changes) {
		c.Events, c.ErasedEvents = slices.Concat(c.Events, c.ErasedEvents), nil
	}}},
	{"erased events have another position", "Update/ErasedEventsKeepTheirPosition", faulty{feed: func(found []invitations.Event) []invitations.Event {
		for i := range found {
			if found[i].Reason == "forgotten" {
				found[i].Position += 1000
			}
		}
		return found
	}}},
	{"the feed keeps erased events as they were", "Update/ErasedEventsKeepTheirPosition", func() faulty {
		seen := map[int64]invitations.Event{}
		return faulty{feed: func(found []invitations.Event) []invitations.Event {
			for i, e := range found {
				if _, ok := seen[e.Position]; !ok {
					seen[e.Position] = e
				}
				found[i] = seen[e.Position]
			}
			return found
		}}
	}()},
	{"a deletion is ignored", "Update/Deleted", faulty{changes: func(c *invitations.Changes) { c.Deleted = false }}},
	{"a deletion drops the other changes", "Update/Deleted", faulty{changes: func(c *invitations.Changes) {
		if c.Deleted {
			*c = invitations.Changes{Deleted: true, Events: c.Events}
		}
	}}},
	{"a deletion drops its events", "Update/Deleted", faulty{changes: func(c *invitations.Changes) {
		if c.Deleted {
			c.Events = nil
		}
	}}},

	{"a deleted organization has facts", "Deleted/ReadsOfIt", faulty{lasts: "View"}},
	{"a deleted organization has invitations", "Deleted/ReadsOfIt", faulty{lasts: "Invitations"}},
	{"a deleted organization has members", "Deleted/ReadsOfIt", faulty{lasts: "Members"}},
	{"a deleted organization has events", "Deleted/ReadsOfIt", faulty{lasts: "Events"}},
	{"a deleted organization has statistics", "Deleted/ReadsOfIt", faulty{lasts: "Statistics"}},
	{"a deleted organization has usage", "Deleted/ReadsOfIt", faulty{lasts: "Usage"}},
	{"a deleted organization is a workspace", "Deleted/ReadsAcrossOrganizations", faulty{lasts: "Workspaces"}},
	{"an address has invitations to a deleted organization", "Deleted/ReadsAcrossOrganizations", faulty{lasts: "Invitations"}},
	{"a deleted organization is changed", "Deleted/UpdateFindsNothing", faulty{query: func(q *invitations.Query) { q.AlsoDeleted = true }}},
	{"a deleted organization is consumed in", "Deleted/ConsumeTakesNothing", faulty{lasts: "Consume"}},
	{"a deleted organization is swept", "Deleted/SweepLeavesItOut", faulty{lasts: "Sweep"}},
	{"AlsoDeleted is ignored", "Deleted/AlsoDeleted", faulty{query: func(q *invitations.Query) { q.AlsoDeleted = false }}},
	{"a deleted organization seems to exist", "Deleted/AlsoDeleted", factsOf(func(f *invitations.Facts) { f.Deleted = false })},
	{"a change brings a deleted organization back", "Deleted/AlsoDeleted", func() faulty {
		changes := 0
		return factsOf(func(f *invitations.Facts) {
			if f.Deleted {
				changes++
				f.Deleted = changes < 4
			}
		})
	}()},
	{"a deleted organization is new to Create", "Deleted/CreateFindsItsVersion", faulty{create: func(do change) change {
		return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
			return do(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
				if f.Deleted {
					f = invitations.Facts{Organization: q.Organization}
				}
				return decide(f)
			})
		}
	}}},
	{"Create has the members of a deleted organization", "Deleted/CreateFindsItsVersion", factsOf(func(f *invitations.Facts) {
		if f.Deleted && len(f.Members) == 0 {
			f.Members = map[string]invitations.Member{"ada": member(f.Organization, "ada", "owner")}
		}
	})},
	{"the feed drops a deleted organization", "Deleted/StaysInTheFeed", func() faulty {
		deleted := false
		return faulty{
			changes: func(c *invitations.Changes) { deleted = deleted || c.Deleted },
			feed: func(found []invitations.Event) []invitations.Event {
				return slices.DeleteFunc(found, func(e invitations.Event) bool { return deleted && e.Organization == "acme" })
			},
		}
	}()},

	{"the first of several states counts", "Pages/InvitationsByEveryFilter", faulty{invitationQuery: func(q *invitations.InvitationQuery) {
		q.States = q.States[:min(1, len(q.States))]
	}}},
	{"all organizations have pending invitations only", "Pages/InvitationsOfAnAddress", faulty{invitationQuery: func(q *invitations.InvitationQuery) {
		if q.Organization == "" {
			q.States = []invitations.State{invitations.StatePending}
		}
	}}},
	{"members come without quotas", "Pages/MembersWithQuotas", faulty{memberQuery: func(q *invitations.MemberQuery) { q.Quotas = false }}},
	{"members come with quotas unasked", "Pages/MembersWithQuotas", faulty{memberQuery: func(q *invitations.MemberQuery) { q.Quotas = true }}},
	{"a member has one quota only", "Pages/MembersWithQuotas", faulty{memberPage: func(p *invitations.Page[invitations.Membership]) {
		for i, m := range p.Items {
			if m.Own != nil {
				p.Items[i].Shared = nil
			}
		}
	}}},
	{"a member has the quota before it was used", "Pages/MembersWithQuotas", faulty{memberPage: func(p *invitations.Page[invitations.Membership]) {
		for i := range p.Items {
			if own := p.Items[i].Own; own != nil {
				own.Used, own.PeriodStart = 0, time.Time{}
			}
		}
	}}},
	{"a member's zero quota is left out", "Pages/MembersWithQuotas", faulty{memberPage: func(p *invitations.Page[invitations.Membership]) {
		for i := range p.Items {
			if own := p.Items[i].Own; own != nil && own.Quota == (invitations.Quota{}) {
				p.Items[i].Own = nil
			}
		}
	}}},
	{"the filter Actor is ignored", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) { q.Actor = "" }}},
	{"the filter Types is ignored", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) { q.Types = nil }}},
	{"the first of several types counts", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) {
		q.Types = q.Types[:min(1, len(q.Types))]
	}}},
	{"the filter From is ignored", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) { q.From = time.Time{} }}},
	{"an event at From is left out", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) {
		if !q.From.IsZero() {
			q.From = q.From.Add(time.Microsecond)
		}
	}}},
	{"the filter To is ignored", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) { q.To = time.Time{} }}},
	{"an event at To is on the page", "Pages/EventsByEveryFilter", faulty{eventQuery: func(q *invitations.EventQuery) {
		if !q.To.IsZero() {
			q.To = q.To.Add(time.Microsecond)
		}
	}}},
	{"filtered events come in the order of time", "Pages/EventsByEveryFilter", faulty{eventPage: func(p *invitations.Page[invitations.Event]) {
		slices.SortStableFunc(p.Items, func(a, b invitations.Event) int { return a.At.Compare(b.At) })
	}}},

	{"the acceptor is lost", "Values/Class03_TextsByteForByte", faulty{changes: func(c *invitations.Changes) {
		c.Invitations = slices.Clone(c.Invitations)
		for i := range c.Invitations {
			c.Invitations[i].AcceptedBy = ""
		}
	}}},
	{"FormerRole is lost", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) { e.FormerRole = "" })},
	{"InvitedBy is lost", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) { e.InvitedBy = "" })},
	{"AllowedDomains are lost", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) { e.AllowedDomains = nil })},
	{"Changed is sorted", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) { e.Changed = slices.Sorted(slices.Values(e.Changed)) })},
	{"Changed is lost without an address", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) {
		if e.Email == "" {
			e.Changed = nil
		}
	})},
	{"limits of an event are lost", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) { e.Limits = nil })},
	{"empty limits of an event are lost", "Values/EventsWithEveryField", eventsOf(func(e *invitations.Event) {
		if e.Limits != nil && e.Limits.Members == 0 && e.Limits.Pending == 0 {
			e.Limits = nil
		}
	})},
	{"NoLinks is lost", "Values/Limits", limitsFault(func(l *invitations.Limits) { l.NoLinks = false })},
	{"NoLimit is no limit of members", "Values/Limits", limitsFault(func(l *invitations.Limits) { l.Members = max(0, l.Members) })},
	{"the expiry is kept to the second", "Values/Limits", limitsFault(func(l *invitations.Limits) { l.Expiry = l.Expiry.Truncate(time.Second) })},
	{"seatless roles are sorted", "Values/Limits", limitsFault(func(l *invitations.Limits) { slices.Sort(l.SeatlessRoles) })},
	{"domains are lost", "Values/Limits", limitsFault(func(l *invitations.Limits) { l.AllowedDomains = nil })},
	{"memory of limits is shared", "Values/SharesNoMemory", func() faulty {
		var given *invitations.Limits
		return faulty{
			changes: func(c *invitations.Changes) { given = c.Limits },
			facts: func(_ invitations.Query, f *invitations.Facts) {
				if given != nil {
					f.Limits = *given
				}
			},
		}
	}()},
	{"memory of events is shared", "Values/SharesNoMemory", func() faulty {
		var given []invitations.Event
		return faulty{
			changes: func(c *invitations.Changes) { given = c.Events },
			eventPage: func(p *invitations.Page[invitations.Event]) {
				for i := range min(len(given), len(p.Items)) {
					p.Items[i].Changed = given[i].Changed
				}
			},
		}
	}()},

	{"NoLimit forbids", "Quotas/ConsumeInAnOrganization", quotasOf(func(q *invitations.QuotaRecord) { q.Limit = max(0, q.Limit) })},
	{"nothing is counted without a limit", "Quotas/ConsumeInAnOrganization", quotasOf(func(q *invitations.QuotaRecord) {
		if q.Limit == invitations.NoLimit {
			q.Quota = invitations.Quota{}
		}
	})},
	{"a refund takes", "Quotas/ConsumeInAnOrganization", faulty{consumption: func(c *invitations.Consumption) { c.Amount = max(c.Amount, -c.Amount) }}},
	{"a refund gives back too little", "Quotas/Refunds", faulty{consumption: func(c *invitations.Consumption) {
		if c.Amount < 0 {
			c.Amount = min(-1, c.Amount+1)
		}
	}}},
	{"a refund is refused", "Quotas/Refunds", faulty{consumed: func(c *invitations.Consumed) { c.Taken = c.Taken && c.Role != "" }}},
	{"a refund goes into any period", "Quotas/Refunds", faulty{consumption: func(c *invitations.Consumption) {
		if c.Amount < 0 {
			c.Periods = periodsOn(1)
		}
	}}},
	{"a refund of a personal quota goes into any period", "Quotas/RefundsOfAPersonalQuota", faulty{consumption: func(c *invitations.Consumption) {
		if c.Amount < 0 && c.Organization == "" {
			c.Periods = periodsOn(1)
		}
	}}},
	{"a refund begins a period", "Quotas/ConsumeEqualsDecide", faulty{consumed: func(c *invitations.Consumed) {
		for user, q := range c.Quotas {
			if c.Taken && q.Used == 0 && q.PeriodStart.IsZero() && q.Period != "" {
				q.PeriodStart = today
				c.Quotas[user] = q
			}
		}
	}}},

	{"the shared amount is missing", "Usage/PresentAndClosedPeriods", faulty{usage: func(shared *int64, _ *invitations.Page[invitations.MemberUsage]) { *shared = 0 }}},
	{"the shared amount is that of a user", "Usage/PresentAndClosedPeriods", faulty{usage: func(shared *int64, p *invitations.Page[invitations.MemberUsage]) {
		if *shared > 0 {
			p.Items = append(p.Items, of("", *shared))
		}
	}}},
	{"every period is the present one", "Usage/PresentAndClosedPeriods", faulty{usageQuery: func(q *invitations.UsageQuery) { q.PeriodStart = today }}},
	{"usage is of another kind of period", "Usage/AfterAnotherKindOfPeriod", faulty{usageQuery: func(q *invitations.UsageQuery) {
		if q.Period == invitations.PeriodEndless {
			q.Period, q.PeriodStart = invitations.PeriodMonth, today
		}
	}}},
	{"usage is of another organization", "Usage/UsersAndViewer", faulty{usageQuery: func(q *invitations.UsageQuery) {
		q.Organization = strings.Replace(q.Organization, "zeta", "acme", 1)
	}}},
	{"usage is that of members", "Usage/UsersAndViewer", func() faulty {
		left := map[string]bool{}
		return faulty{
			changes: func(c *invitations.Changes) {
				for _, user := range c.RemovedMembers {
					left[user] = true
				}
			},
			usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) {
				p.Items = slices.DeleteFunc(p.Items, func(m invitations.MemberUsage) bool { return left[m.UserID] })
			},
		}
	}()},
	{"the viewer of usage is missing", "Usage/UsersAndViewer", faulty{viewer: func(m **invitations.Member) { *m = nil }}},
	{"the viewer of no usage is missing", "Usage/UsersAndViewer", faulty{usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) {
		if len(p.Items) == 0 {
			p.Viewer = nil
		}
	}}},
	{"usage has amounts of 0", "Usage/PresentAndClosedPeriods", faulty{usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) {
		p.Items = append(p.Items, of("joe", 0))
	}}},
	{"usage has the lowest amount first", "Usage/AfterAnyPlace", faulty{usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) { slices.Reverse(p.Items) }}},
	{"usage ignores its limit", "Usage/AfterAnyPlace", faulty{usageQuery: func(q *invitations.UsageQuery) { q.Limit *= 2 }}},
	{"a page of usage includes its place", "Usage/AfterAnyPlace", faulty{usageQuery: func(q *invitations.UsageQuery) {
		if q.After != nil {
			after := of(strings.TrimSuffix(q.After.UserID, q.After.UserID[max(0, len(q.After.UserID)-1):]), q.After.Used)
			q.After = &after
		}
	}}},
	{"a page of usage looks at the amount only", "Usage/AfterAnyPlace", faulty{usageQuery: func(q *invitations.UsageQuery) {
		if q.After != nil {
			after := of("\U0010ffff", q.After.Used)
			q.After = &after
		}
	}}},
	{"users with the same amount are in the order of a language", "Usage/AfterAnyPlace", faulty{usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) {
		slices.SortStableFunc(p.Items, func(a, b invitations.MemberUsage) int {
			return strings.Compare(strings.ToLower(a.UserID), strings.ToLower(b.UserID))
		})
	}}},
	{"the present amount of a period that was closed before is missing", "Usage/EqualsALedger", func() faulty {
		most := map[invitations.UsageQuery]int64{}
		var asked invitations.UsageQuery
		return faulty{
			usageQuery: func(q *invitations.UsageQuery) { asked = *q; asked.After, asked.Viewer = nil, "" },
			usage: func(shared *int64, _ *invitations.Page[invitations.MemberUsage]) {
				if before, known := most[asked]; known {
					*shared = min(*shared, before)
				}
				most[asked] = *shared
			},
		}
	}()},

	{"a Purge is a microsecond late", "Purge/OldRows", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			q.Before = q.Before.Add(time.Microsecond)
			return do(ctx, q)
		}
	}}},
	{"a Purge ignores its limit", "Purge/UpToANumber", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			limit := q.Limit
			q.Limit *= 2
			n, err := do(ctx, q)
			return min(n, limit), err
		}
	}}},
	{"a Purge miscounts", "Purge/OldRows", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			n, err := do(ctx, q)
			return max(0, n-1), err
		}
	}}},
	{"a Purge returns 0 although rows are left", "Purge/UpToANumber", func() faulty {
		calls := 0
		return faulty{purge: func(do purge) purge {
			return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
				if calls++; calls%2 == 0 {
					return 0, nil
				}
				return do(ctx, q)
			}
		}}
	}()},
	{"a Purge deletes young rows if nothing is old", "Purge/NothingIsOld", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			n, err := do(ctx, q)
			if n == 0 {
				q.Before = q.Before.Add(day)
				n, err = do(ctx, q)
			}
			return n, err
		}
	}}},
	{"rows of deleted organizations stay", "Purge/DeletedOrganizations", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			if q.Before.Before(start.Add(-90 * day)) {
				return 0, nil
			}
			return do(ctx, q)
		}
	}}},
	{"purged invitations are listed", "Purge/OldRows", faulty{lasts: "Invitations"}},
	{"purged events are listed", "Purge/OldRows", faulty{lasts: "Events"}},
	{"purged events are in the feed", "Purge/OldRows", faulty{lasts: "Feed"}},
	{"purged invitations are facts", "Purge/OldRows", faulty{lasts: "View"}},
	{"purged invitations are counted", "Purge/OldRows", faulty{lasts: "Statistics"}},
	{"purged invitations are due", "Purge/NothingIsLeftToSweep", faulty{lasts: "Sweep"}},
	{"a Purge deletes removals", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return factsOf(func(f *invitations.Facts) {
			if *purged {
				f.Removals = nil
			}
		})
	})},
	{"a Purge changes the version", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return factsOf(func(f *invitations.Facts) {
			if *purged && f.Version > 0 {
				f.Version++
			}
		})
	})},
	{"a Purge takes the limits away", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return factsOf(func(f *invitations.Facts) {
			if *purged {
				f.Limits = invitations.Limits{}
			}
		})
	})},
	{"a Purge deletes amounts of closed periods", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return faulty{usage: func(_ *int64, p *invitations.Page[invitations.MemberUsage]) {
			if *purged {
				p.Items = nil
			}
		}}
	})},
	{"a Purge deletes used quotas", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return factsOf(func(f *invitations.Facts) {
			if *purged {
				delete(f.Quotas, "ada")
			}
		})
	})},
	{"positions begin again after a Purge", "Purge/OldRows", afterwards(func(purged *bool) faulty {
		return faulty{feedQuery: func(after *int64, _ *int) {
			if *purged && *after > 0 {
				*after += 1000
			}
		}}
	})},
	{"the ID of a purged organization is free", "Purge/DeletedOrganizations", afterwards(func(purged *bool) faulty {
		return faulty{create: func(do change) change {
			return func(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
				return do(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
					if *purged && f.Deleted {
						f = invitations.Facts{Organization: q.Organization}
					}
					return decide(f)
				})
			}
		}}
	})},
	{"events without a position are purged", "Purge/EventsWithoutAPosition", func() faulty {
		numbered := false
		return faulty{
			feedQuery: func(*int64, *int) { numbered = true },
			purge: func(do purge) purge {
				return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
					n, err := do(ctx, q)
					if !numbered && n > 0 {
						n-- // what the feed then misses
					}
					return n, err
				}
			},
		}
	}()},
	{"an ID that was purged cannot be used again", "Purge/TheSameIDAgain", afterwards(func(purged *bool) faulty {
		return faulty{changes: func(c *invitations.Changes) {
			if *purged {
				c.Invitations = slices.DeleteFunc(slices.Clone(c.Invitations), func(r invitations.Record) bool { return r.ID == id(1) })
			}
		}}
	})},
	{"a Purge counts what it left out", "Purge/DoesNotWait", faulty{purge: func(do purge) purge {
		return func(ctx context.Context, q invitations.PurgeQuery) (int, error) {
			n, err := do(ctx, q)
			if n > 0 {
				n++
			}
			return n, err
		}
	}}},
}
