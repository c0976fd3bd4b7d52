package behaviour

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

var historyChecks = []check{
	{"EventsGiveTheState", historiesReplayed},
}

// A history is a row of random calls in two organizations that have all users and IDs in
// common. The seed decides the calls.
type history struct {
	*world
	random        *rand.Rand
	people        []string
	organizations []string // those that live
	gone          []string // those that were deleted
	sent          []invitations.SentInvitation
	did           map[string]bool // the kinds of calls that succeeded

	archive  []invitations.Event // the feed, read before each purge
	position int64               // of the last event in the archive
	purges   []purge
	spent    map[string]map[string]int64 // by organization and user, under any quota
	taken    []invitations.RefundParams  // the consumptions
}

const historySteps = 130

// historiesReplayed runs histories. Afterwards the store must show what a replay of the events
// leaves. Refusals must leave nothing.
func historiesReplayed(w *world) {
	did, happened := map[string]bool{}, map[invitations.EventType]bool{}
	var gone []string
	fixed := []uint64{122, 125, 132, 1617026333386218768}
	for n, seed := range append(fixed, rand.Uint64()) {
		w.Logf("history %d: seed %d", n, seed)
		random := rand.New(rand.NewPCG(seed, 1))
		on := *w
		if n%2 == 1 {
			on.store = repeating{w.store}
		}
		h := &history{world: on.with(invitations.Config{
			RemindBefore: 2 * day, PendingLimit: 9, ResendCooldown: time.Minute,
			SendsPerRecipient: 4, SendsPerSender: 12, SendsPerOrganization: 25, MemberLimit: 7, ReserveSeats: n%2 == 0,
		}), random: random, did: map[string]bool{}, spent: map[string]map[string]int64{}}
		for _, name := range []string{"ada", "bob", "joe", "ann", "kim", "eve", "dev", "x"} {
			user := fmt.Sprint(name, n) // of this history only, because an erasure concerns all organizations
			h.people = append(h.people, user)
			h.law.users["erased "+user] = user
		}
		h.position = lastPosition(w.follow(0))
		h.run(fmt.Sprint("acme ", n), fmt.Sprint("zeta ", n))
		gone = append(gone, h.gone...)
		for _, e := range h.archive {
			happened[e.Type] = true
		}
		if w.Failed() {
			w.Fatalf("history %d", n)
		}
		if n < len(fixed) {
			for what := range h.did {
				did[what] = true
			}
		}
	}
	// The fixed seeds must leave out no kind of call.
	for _, what := range historyKinds {
		if !did[what] {
			w.Errorf("no call of the kind %q succeeds in the histories", what)
		}
	}
	feed := w.follow(0)
	// A deleted organization has events in the feed only.
	feed = slices.DeleteFunc(feed, func(e invitations.Event) bool { return slices.Contains(gone, e.Organization) })
	var organizations []string
	for _, e := range feed {
		organizations = append(organizations, e.Organization)
	}
	slices.Sort(organizations)
	w.fed(feed, slices.Compact(organizations)...)
	for _, what := range eventTypes {
		if !happened[what] {
			w.Errorf("no event %s occurs in the histories", what)
		}
	}
}

// eventTypes are all types of events.
var eventTypes = []invitations.EventType{
	invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationResent, invitations.EventInvitationRevoked,
	invitations.EventInvitationDeclined, invitations.EventInvitationAccepted, invitations.EventInvitationReminded, invitations.EventInvitationExpired,
	invitations.EventMemberJoined, invitations.EventMemberRoleChanged, invitations.EventMemberRemoved, invitations.EventMemberLeft,
	invitations.EventOwnershipTransferred, invitations.EventQuotaChanged, invitations.EventMemberMetadataChanged, invitations.EventLimitsChanged,
	invitations.EventOrganizationDeleted, invitations.EventPersonErased,
}

// lastPosition returns the position of the last event, or 0.
func lastPosition(feed []invitations.Event) int64 {
	if len(feed) == 0 {
		return 0
	}
	return feed[len(feed)-1].Position
}

// repeating is a store that makes each decision twice, like a store that repeats a change.
type repeating struct{ invitations.Store }

func (r repeating) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return r.Store.Update(ctx, q, twice(decide))
}

func (r repeating) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return r.Store.Create(ctx, q, twice(decide))
}

// twice makes a decision two times. Both results must be equal.
func twice(decide invitations.Decision) invitations.Decision {
	return func(f invitations.Facts) (invitations.Changes, error) {
		first, refusal := decide(f)
		changes, err := decide(f)
		if differ(changes, first) != "" || fmt.Sprint(err) != fmt.Sprint(refusal) {
			return changes, fmt.Errorf("of the same facts a decision makes this, and then that: %v (%v), %v (%v)", first, refusal, changes, err)
		}
		return changes, err
	}
}

func (r repeating) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return r.Store.Sweep(ctx, at, limit, func(all []invitations.Facts) []invitations.Changes {
		decide(all)
		return decide(all)
	})
}

func (h *history) run(organizations ...string) {
	h.Helper()
	for _, organization := range organizations {
		h.begin(organization)
	}
	before := h.versions()
	for range historySteps {
		h.clock.Add(time.Second)
		kind := pick(h.random, historyKinds)
		err := h.step(kind, pick(h.random, h.organizations))
		after := h.versions()
		switch {
		case err == nil:
			h.did[kind] = true
		case !isRefusal(err):
			h.Fatalf("%s ended with: %v", kind, err)
		case differ(after, before) != "":
			h.Fatalf("%s was refused (%v), and has changed %v to %v", kind, err, before, after)
		}
		before = after
	}
	h.read()
	for _, organization := range slices.Concat(h.organizations, h.gone) {
		if err := h.explain(organization); err != nil {
			h.Errorf("%s: %v", organization, err)
		}
	}
	for _, organization := range h.organizations {
		h.recounted(organization)
	}
}

// begin creates an organization with three members.
func (h *history) begin(organization string) {
	h.Helper()
	h.organizations = append(h.organizations, organization)
	h.found(organization, h.people[0])
	for _, user := range h.people[1:3] {
		sent := h.invite(invitations.System(), organization, user+"@example.com", "admin")
		h.accept(sent, person(user, user+"@example.com"))
	}
	h.setQuota(invitations.System(), organization, "", 9, invitations.PeriodMonth)
}

// versions returns the versions of all organizations, deleted ones included.
func (h *history) versions() map[string]int64 {
	h.Helper()
	all := map[string]int64{}
	for _, organization := range slices.Concat(h.organizations, h.gone) {
		all[organization] = h.view(invitations.Query{Organization: organization, AlsoDeleted: true}).Version
	}
	return all
}

// read adds the rest of the feed to the archive.
func (h *history) read() {
	h.Helper()
	h.archive = append(h.archive, h.follow(h.position)...)
	h.position = max(h.position, lastPosition(h.archive))
}

// explain returns an error if the archive does not explain an organization.
func (h *history) explain(organization string) error {
	events := slices.DeleteFunc(slices.Clone(h.archive), func(e invitations.Event) bool { return e.Organization != organization })
	l := ledger{replay: newReplay(h.law, events)}
	version, err := l.play(events, h.purges...)
	if err != nil {
		return err
	}
	if l.deleted {
		return l.shown(h.ctx, h.store, organization, version)
	}
	// The store has the events that no purge took.
	left := slices.DeleteFunc(events, func(e invitations.Event) bool {
		return slices.ContainsFunc(h.purges, func(p purge) bool { return e.Version <= p.versions[organization] && p.Event(e) })
	})
	var want, got []string
	for _, e := range left {
		want = append(want, fmt.Sprint(e.Version, e.Index, e.Type))
	}
	for _, e := range h.events(invitations.EventQuery{Organization: organization, Limit: 100_000}).Items {
		got = append(got, fmt.Sprint(e.Version, e.Index, e.Type))
	}
	if d := differ(got, want); d != "" {
		return fmt.Errorf("the events after the purges: %s", d)
	}
	return l.shown(h.ctx, h.store, organization, version)
}

// recounted compares the statistics and the amounts used with a recount.
func (h *history) recounted(organization string) {
	h.Helper()
	now := h.clock.Now()
	all := invitations.StatisticsQuery{To: now.Add(day), At: now, MaxGroups: 100}
	some := invitations.StatisticsQuery{From: now.Add(-10 * day), To: now.Add(-day), At: now, MaxGroups: 1 + h.random.IntN(9)}
	s := h.state(organization)
	for _, q := range []invitations.StatisticsQuery{all, some} {
		q.Organization = organization
		_, counted, err := h.store.Statistics(h.ctx, q)
		h.ok(err)
		h.equal("statistics", counted, q.Count(s.Invitations.Items, s.Events.Items))
	}
	// Nothing that was used is lost or counted twice, when quotas change and periods end.
	total := map[string]int64{}
	h.addUse(total, organization, invitations.PeriodEndless, now)
	for at := start.Truncate(day); !at.After(now); at = at.Add(day) {
		h.addUse(total, organization, invitations.PeriodDay, at)
		if at.Day() == 1 {
			h.addUse(total, organization, invitations.PeriodMonth, at)
		}
	}
	h.equal("the amounts used in "+organization, total, h.spent[organization])
}

// addUse adds the amounts of a period to a total by user, that of the organization under "".
func (h *history) addUse(total map[string]int64, organization string, period invitations.Period, at time.Time) {
	h.Helper()
	u, err := h.svc.Usage(h.ctx, invitations.System(), invitations.UsageParams{Organization: organization, Period: period, At: at, Limit: 100})
	h.ok(err)
	for _, m := range append(u.Members, invitations.MemberUsage{Used: u.Shared}) {
		if m.Used > 0 {
			total[m.UserID] += m.Used
		}
	}
}

// spend runs a call that takes an amount, or gives it back if it is negative. It books the
// difference that the call makes in the present periods.
func (h *history) spend(organization, user string, amount int64, call func() error) error {
	h.Helper()
	present := func() map[string]int64 {
		total := map[string]int64{}
		for _, period := range []invitations.Period{invitations.PeriodDay, invitations.PeriodMonth, invitations.PeriodEndless} {
			h.addUse(total, organization, period, h.clock.Now())
		}
		return total
	}
	quotas := h.view(invitations.Query{Organization: organization, Members: []string{user}, Quotas: true}).Quotas
	before := present()
	err := call()
	after, changed := present(), false
	for _, of := range []string{user, ""} {
		added, want := after[of]-before[of], int64(0)
		if err == nil && quotas[of].Quota != (invitations.Quota{}) {
			want = amount
		}
		if added != want && (amount > 0 || added < amount || added > 0) {
			h.Fatalf("%q took %d, and the amount used by %q changed by %d (%v)", user, amount, of, added, err)
		}
		if added != 0 {
			changed = true
			if h.spent[organization] == nil {
				h.spent[organization] = map[string]int64{}
			}
			if h.spent[organization][of] += added; h.spent[organization][of] == 0 {
				delete(h.spent[organization], of)
			}
		}
		delete(before, of)
		delete(after, of)
	}
	if d := differ(after, before); d != "" {
		h.Fatalf("%q took %d from others: %s", user, amount, d)
	}
	if err == nil && !changed {
		return invitations.ErrNotFound // no quota counts it
	}
	if err == nil && amount > 0 {
		h.taken = append(h.taken, invitations.RefundParams{
			Workspace: invitations.InOrganization(organization), UserID: user, Amount: amount, At: h.clock.Now(),
		})
	}
	return err
}

// isRefusal reports whether err is an error of package invitations.
func isRefusal(err error) bool {
	var refusal *invitations.Error
	return errors.As(err, &refusal)
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// historyKinds are the names of the kinds of calls.
var historyKinds = []string{
	"invite", "link", "bulk", "edit", "edit a link", "resend", "revoke", "decline", "accept", "accept by a link",
	"accept received", "decline received", "change a role", "remove", "leave", "transfer", "set a quota", "sweep", "wait", "invite again",
	"add a member", "set metadata", "set limits", "consume", "consume again", "refund", "delete", "purge", "erase an address", "erase a user",
}
