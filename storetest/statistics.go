package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var statisticsChecks = []check{
	{"EqualARecount", statisticsRecount},
	{"OfManySendersAndLinks", statisticsMany},
	{"OfNothing", statisticsNothing},
}

// counts are what [invitations.Store.Statistics] returns.
type counts struct {
	Viewer     *invitations.Member
	Statistics invitations.Statistics
}

func (w *world) statistics(q invitations.StatisticsQuery) counts {
	w.Helper()
	viewer, statistics, err := w.store.Statistics(w.ctx, q)
	w.ok(err)
	return counts{viewer, statistics}
}

// recount returns the statistics of q. It counts each group by a walk over all invitations.
func recount(q invitations.StatisticsQuery, records []invitations.Record, events []invitations.Event) invitations.Statistics {
	joined := map[uuid.UUID][]time.Time{}
	for _, e := range events {
		if e.Type == invitations.EventInvitationAccepted {
			joined[e.InvitationID] = append(joined[e.InvitationID], e.At)
		}
	}
	counted := slices.DeleteFunc(slices.Clone(records), func(r invitations.Record) bool {
		return r.CreatedAt.Before(q.From) || !r.CreatedAt.Before(q.To)
	})
	funnel := func(in func(invitations.Record) bool) (f invitations.Funnel) {
		var took []time.Duration
		for _, r := range counted {
			if !in(r) {
				continue
			}
			f.Created++
			switch r.State {
			case invitations.StateAccepted:
				f.Accepted++
			case invitations.StateDeclined:
				f.Declined++
			case invitations.StateRevoked:
				f.Revoked++
			case invitations.StatePending:
				if q.At.Before(r.ExpiresAt) {
					f.Pending++
				} else {
					f.Expired++
				}
			}
			if r.Kind == invitations.KindEmail && r.State == invitations.StateAccepted || r.Kind == invitations.KindLink && r.Uses > 0 {
				f.Used++
			}
			switch {
			case r.Kind == invitations.KindLink:
				for _, at := range joined[r.ID] {
					took = append(took, at.Sub(r.CreatedAt))
				}
			case r.State == invitations.StateAccepted:
				took = append(took, r.EndedAt.Sub(r.CreatedAt))
			}
		}
		if f.Joined = len(took); f.Joined > 0 {
			slices.Sort(took)
			f.Median, f.P90 = took[(f.Joined+1)/2-1], took[(9*f.Joined+9)/10-1] // by nearest rank
		}
		return f
	}
	groups := func(most int, key func(invitations.Record) (string, bool)) (all []invitations.Funnel) {
		keys := map[string]bool{}
		for _, r := range counted {
			if k, ok := key(r); ok {
				keys[k] = true
			}
		}
		for k := range keys {
			f := funnel(func(r invitations.Record) bool {
				of, ok := key(r)
				return ok && of == k
			})
			f.Key = k
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b invitations.Funnel) int {
			return cmp.Or(b.Created-a.Created, b.Joined-a.Joined, strings.Compare(a.Key, b.Key))
		})
		return all[:min(len(all), most)]
	}
	return invitations.Statistics{
		Total:    funnel(func(invitations.Record) bool { return true }),
		ByKind:   groups(len(counted), func(r invitations.Record) (string, bool) { return string(r.Kind), true }),
		ByRole:   groups(len(counted), func(r invitations.Record) (string, bool) { return string(r.Role), true }),
		BySender: groups(q.MaxGroups, func(r invitations.Record) (string, bool) { return r.SentBy, true }),
		ByLink:   groups(q.MaxGroups, func(r invitations.Record) (string, bool) { return r.ID.String(), r.Kind == invitations.KindLink }),
	}
}

// counted compares the statistics of an organization with a recount.
func (w *world) counted(organization string, queries ...invitations.StatisticsQuery) {
	w.Helper()
	s := w.state(organization)
	for _, q := range queries {
		q.Organization = organization
		w.equal(fmt.Sprintf("%+v", q), w.statistics(q).Statistics, recount(q, s.Invitations.Items, s.Events.Items))
	}
}

// campaign puts n random invitations into an organization, and the events of the members that
// joined by them.
func (w *world) campaign(random *rand.Rand, organization string, n int, senders []string) {
	w.Helper()
	var c invitations.Changes
	states := []invitations.State{invitations.StatePending, invitations.StatePending, invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked}
	roles := []invitations.Role{"viewer", "admin", "owner", "Viewer"}
	for i := range n {
		r := invitation(organization, i)
		if random.IntN(2) == 0 {
			r = link(organization, i)
			r.MaxUses, r.Uses = 3*random.IntN(2), random.IntN(4)
		}
		r.State, r.Role = states[random.IntN(len(states))], roles[random.IntN(len(roles))]
		r.SentBy, r.CreatedBy = senders[random.IntN(len(senders))], senders[random.IntN(len(senders))]
		r.CreatedAt = start.Add(time.Duration(random.IntN(10)) * time.Hour)
		r.ExpiresAt = start.Add(time.Duration(9+random.IntN(3)) * time.Hour)
		if r.Kind == invitations.KindEmail {
			if r.Uses = 0; r.State == invitations.StateAccepted {
				r.Uses = 1
			}
		}
		if r.State != invitations.StatePending {
			r.EndedAt = r.CreatedAt.Add(time.Duration(random.IntN(1_000_000)) * time.Microsecond)
		}
		c.Invitations = append(c.Invitations, r)
		add := func(e invitations.Event, what invitations.EventType) {
			e.Type, e.At = what, r.CreatedAt.Add(time.Duration(random.IntN(1_000_000))*time.Microsecond)
			c.Events = append(c.Events, e)
		}
		for range r.Uses {
			add(event(organization, "x", r.ID), invitations.EventInvitationAccepted)
			add(event(organization, "x", r.ID), invitations.EventMemberJoined)
		}
		add(event(organization, "x", r.ID), invitations.EventInvitationResent)
	}
	random.Shuffle(len(c.Events), func(i, j int) { c.Events[i], c.Events[j] = c.Events[j], c.Events[i] })
	w.change(organization, c)
}

func statisticsRecount(w *world) {
	random := w.random()
	senders := append([]string{"", "ada", "bob"}, texts...)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for _, n := range []int{1, 2, 3, 10, 60} {
		acme, zeta := fmt.Sprintf("acme %d", n), fmt.Sprintf("zeta %d", n)
		w.campaign(random, acme, n, senders)
		w.campaign(random, zeta, n, senders)
		queries := []invitations.StatisticsQuery{
			{To: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), At: hour(10)},
			{From: start, To: hour(10), At: hour(11)},
			{From: hour(3), To: hour(7), At: hour(0)},
			{From: hour(3).Add(time.Microsecond), To: hour(7).Add(time.Microsecond), At: hour(10).Add(-time.Microsecond)},
			{From: hour(5), To: hour(6), At: hour(12)},
			{From: hour(100), To: hour(101), At: hour(200)},
		}
		for i := range queries {
			queries[i].MaxGroups = 1 + random.IntN(n+1)
		}
		w.counted(acme, queries...)
		w.counted(zeta, queries...)
	}
}

func statisticsMany(w *world) {
	random := w.random()
	senders := append(names("sender", 100), texts...)
	w.campaign(random, "acme", 300, senders)
	w.campaign(random, "zeta", 40, senders)
	q := invitations.StatisticsQuery{Organization: "acme", To: start.Add(day), At: start.Add(10 * time.Hour), MaxGroups: 100}
	got := w.statistics(q).Statistics
	if len(got.BySender) != 100 || len(got.ByLink) != 100 {
		w.Errorf("got %d senders and %d links, want 100 of each", len(got.BySender), len(got.ByLink))
	}
	few, all, later := q, q, q
	few.MaxGroups, all.MaxGroups, later.From = 7, 1000, start.Add(8*time.Hour)
	w.counted("acme", q, few, all, later)
	w.counted("zeta", q, few, all, later)
}

func statisticsNothing(w *world) {
	w.twins()
	bob := member("acme", "bob", "admin")
	q := invitations.StatisticsQuery{Organization: "acme", Viewer: "bob", To: start, At: start, MaxGroups: 100}
	w.equal("of no period", w.statistics(q), counts{Viewer: &bob})
	q.Organization = "none"
	w.equal("of no organization", w.statistics(q), counts{})
	q.Organization = "acme"
	for _, q.Viewer = range []string{"", "eve", "nobody"} {
		w.equal("viewer "+q.Viewer, w.statistics(q), counts{})
	}
}
