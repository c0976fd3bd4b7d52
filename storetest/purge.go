package storetest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var purgeChecks = []check{
	{"OldRows", purgeOld},
	{"UpToANumber", purgeBounded},
	{"NothingIsOld", purgeNothing},
	{"EventsWithoutAPosition", purgeUnnumbered},
	{"DeletedOrganizations", purgeDeleted},
	{"TheSameIDAgain", purgeAgain},
	{"NothingIsLeftToSweep", purgeSweep},
	{"DoesNotWait", purgeDoesNotWait},
}

func (w *world) purge(before time.Time, limit int) int {
	w.Helper()
	n, err := w.store.Purge(w.ctx, invitations.PurgeQuery{Before: before, Limit: limit})
	w.ok(err)
	if n < 0 || n > limit {
		w.Fatalf("Purge returned %d, and was asked for up to %d", n, limit)
	}
	return n
}

// purgeAll purges until nothing is left, and returns the number of deleted rows.
func (w *world) purgeAll(before time.Time, limit int) (total int) {
	w.Helper()
	for {
		n := w.purge(before, limit)
		if n == 0 {
			return total
		}
		total += n
	}
}

// archive fills organizations with the same rows: some that are older than start, some that are
// not, and some that never go. Each has used its quotas in a period that is over.
func (w *world) archive(organizations ...string) {
	w.Helper()
	limits := plan(50)
	for _, organization := range organizations {
		w.change(organization, everything(organization))
		c := invitations.Changes{Limits: &limits}
		n := 10
		put := func(r invitations.Record) {
			c.Invitations = append(c.Invitations, r)
			n++
		}
		for _, at := range []time.Duration{-90 * day, -time.Microsecond, 0, time.Microsecond, day} {
			for _, state := range []invitations.State{
				invitations.StatePending, invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked,
			} {
				mail, shared := invitation(organization, n), link(organization, n+1)
				for _, r := range []*invitations.Record{&mail, &shared} {
					r.State, r.ExpiresAt = state, start.Add(at)
					if state != invitations.StatePending { // the expiry does not matter
						r.EndedAt, r.ExpiresAt = start.Add(at), start.Add(-at)
					}
					if state == invitations.StateAccepted {
						r.Uses = 1
					}
					r.CreatedAt, r.SentAt, r.SweepAt = start.Add(-100*day), start.Add(-100*day), time.Time{}
				}
				put(mail)
				put(shared)
			}
			for i := range 3 {
				e := event(organization, fmt.Sprint(at, i), []uuid.UUID{id(1), id(n), uuid.Nil}[i])
				e.At = start.Add(at)
				c.Events = append(c.Events, e)
			}
		}
		late := c.Events[0] // an old event after newer ones
		late.Subject = "late"
		c.Events = append(c.Events, late)
		c.Quotas = []invitations.QuotaRecord{
			quota(organization, "ada", 9, invitations.PeriodDay, 2), quota(organization, "eve", invitations.NoLimit, invitations.PeriodDay, 2),
		}
		w.change(organization, c)
		for _, day := range []int{-300, -1} {
			w.consume(consumption(organization, "ada", 5, day))
		}
	}
}

// rest returns the state after a Purge, and the number of rows that go.
func (s state) rest(q invitations.PurgeQuery) (rest state, gone int) {
	rest = s
	rest.Invitations.Items = slices.DeleteFunc(slices.Clone(s.Invitations.Items), q.Invitation)
	rest.Events.Items = slices.DeleteFunc(slices.Clone(s.Events.Items), q.Event)
	return rest, len(s.Invitations.Items) + len(s.Events.Items) - len(rest.Invitations.Items) - len(rest.Events.Items)
}

func purgeOld(w *world) {
	w.archive("acme", "zeta")
	w.ok(w.store.SetPersonalQuota(w.ctx, "ada", invitations.Quota{Limit: 3, Period: invitations.PeriodDay}))
	feed := w.follow(0, 1000)
	q := invitations.PurgeQuery{Before: start, Limit: 1000}
	want, gone := map[string]state{}, 0
	for _, organization := range []string{"acme", "zeta"} {
		rest, n := w.state(organization, users...).rest(q)
		want[organization] = rest
		gone += n
	}
	if gone < 20 {
		w.Fatalf("%d rows are old", gone)
	}
	w.equal("number of deleted rows", w.purgeAll(start, 1000), gone)
	for organization, want := range want {
		got := w.state(organization, users...)
		w.equal("state of "+organization, got, want)
		w.counted(organization, invitations.StatisticsQuery{To: start.Add(day), At: start, MaxGroups: 9})
		w.used(organization, invitations.PeriodDay, -300, 0, of("ada", 5))
		w.used(organization, invitations.PeriodDay, -1, 0, of("ada", 5))
		facts := w.view(invitations.Query{
			Organization: organization, Invitations: []uuid.UUID{id(10), id(1)}, SendingsUpTo: 1000,
			TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 1000,
		})
		if _, found := facts.Invitations[id(10)]; found || len(facts.Invitations) != 1 {
			w.Errorf("%s: the facts have invitations %v", organization, facts.Invitations)
		}
		sendings := slices.DeleteFunc(slices.Clone(want.Events.Items), func(e invitations.Event) bool { return !e.IsSending() })
		w.equal("number of sendings", len(facts.Sendings), len(sendings))
		w.equal("number of traced invitations", len(facts.TracedInvitations), len(want.Invitations.Items))
		w.equal("number of traced events", len(facts.TracedEvents), len(want.Events.Items))
	}
	w.equal("personal quota", w.personal("ada").Personal.Limit, int64(3))
	hers := w.page(invitations.InvitationQuery{Email: invitation("", 10).Email, At: start, Limit: 1000}).Items
	for _, r := range hers {
		if q.Invitation(r) {
			w.Errorf("the invitations of an address have one that went: %+v", r)
		}
	}

	// The events that remain keep their positions, and a new one stands above those that went.
	remain := slices.DeleteFunc(slices.Clone(feed), q.Event)
	w.equal("feed", w.follow(0, 1000), remain)
	w.change("acme", invitations.Changes{Events: []invitations.Event{event("acme", "new", uuid.Nil)}})
	added := w.follow(feed[len(feed)-1].Position, 1000)
	w.equal("number of new events", len(added), 1)
	w.equal("the new event", added[0].Subject, "new")
}

func purgeBounded(w *world) {
	for i, limit := range []int{1, 3, 20, 1000} {
		organizations := []string{fmt.Sprintf("acme %d", i), fmt.Sprintf("zeta %d", i)}
		w.archive(organizations...)
		w.follow(0, 1000)
		rows := func() (n int) {
			for _, organization := range organizations {
				s := w.state(organization)
				n += len(s.Invitations.Items) + len(s.Events.Items)
			}
			return n
		}
		gone := 0
		for _, organization := range organizations {
			_, n := w.state(organization).rest(invitations.PurgeQuery{Before: start})
			gone += n
		}
		before, total := rows(), 0
		for {
			n := w.purge(start, limit)
			total += n
			w.equal(fmt.Sprintf("up to %d: rows that went so far", limit), before-rows(), total)
			if n == 0 {
				break
			}
		}
		w.equal(fmt.Sprintf("up to %d: deleted rows", limit), total, gone)
	}
}

func purgeNothing(w *world) {
	w.equal("rows of an empty store", w.purge(start, 10), 0)
	w.archive("acme", "zeta")
	feed := w.follow(0, 1000)
	before := w.state("acme", users...)
	w.equal("rows that are older than all", w.purge(start.Add(-90*day), 10), 0)
	w.equal("state", w.state("acme", users...), before)
	w.equal("feed", w.follow(0, 1000), feed)
}

// purgeUnnumbered purges before the feed is read. Events without a position must stay until they
// have one.
func purgeUnnumbered(w *world) {
	w.archive("acme", "zeta")
	q := invitations.PurgeQuery{Before: start}
	_, gone := w.state("acme").rest(q)
	_, more := w.state("zeta").rest(q)
	total := w.purgeAll(start, 1000)
	w.fed(w.follow(0, 1000), "acme", "zeta")
	total += w.purgeAll(start, 1000)
	w.equal("deleted rows before and after the feed was read", total, gone+more)
	w.fed(w.follow(0, 1000), "acme", "zeta")
	for _, organization := range []string{"acme", "zeta"} {
		_, n := w.state(organization).rest(q)
		w.equal(organization+": old rows that are left", n, 0)
	}
}

func purgeDeleted(w *world) {
	w.archive("acme", "zeta", "beta")
	events := len(w.follow(0, 1000))
	w.change("acme", invitations.Changes{Deleted: true, Events: []invitations.Event{event("acme", "deleted", uuid.Nil)}})
	w.change("beta", invitations.Changes{Deleted: true})
	feed := w.follow(0, 1000)
	w.equal("number of events", len(feed), events+1)
	before := w.state("zeta", users...)

	// Nothing but the rows of deleted organizations is that old.
	old := start.Add(-91 * day)
	some := w.purge(old, 5)
	if some == 0 {
		w.Errorf("a Purge of up to 5 rows deletes none")
	}
	if rows := some + w.purgeAll(old, 7); rows < 2*(42+2+1+4) {
		w.Errorf("%d rows went of two organizations, which had more", rows)
	}
	w.equal("zeta", w.state("zeta", users...), before)
	w.equal("feed", w.follow(0, 1000), feed)
	for organization, version := range map[string]int64{"acme": 3, "beta": 3} {
		q := invitations.Query{
			Organization: organization, AlsoDeleted: true, Invitation: id(1), Members: users, Removals: true, Quotas: true, Totals: true,
			PendingSentBy: "bob", PendingAt: start, OwnersUpTo: 9,
		}
		f := w.view(q)
		f.Limits = invitations.Limits{} // a store may keep them
		w.equal("facts of "+organization, f, invitations.Facts{Organization: organization, Version: version, Deleted: true})
		w.equal("facts of Create", w.loaded(w.store.Create, q), invitations.Facts{Organization: organization, Version: version, Deleted: true})
		w.equal("state", w.state(organization, users...), state{})
	}

	// Their events go with those of the others.
	q := invitations.PurgeQuery{Before: start, Limit: 1000}
	_, gone := before.rest(q)
	for _, e := range feed {
		if e.Organization != "zeta" && q.Event(e) {
			gone++
		}
	}
	w.equal("rows that are older than start", w.purgeAll(start, 1000), gone)
	w.equal("feed, at last", w.follow(0, 1000), slices.DeleteFunc(slices.Clone(feed), q.Event))
	w.equal("facts of Create, at last", w.loaded(w.store.Create, invitations.Query{Organization: "acme"}), invitations.Facts{
		Organization: "acme", Version: 3, Deleted: true,
	})
	w.equal("organizations of ada", len(w.workspaces(invitations.WorkspaceQuery{UserID: "ada", Limit: 9}).Memberships), 1)
}

// purgeAgain creates an invitation with the ID of one that went.
func purgeAgain(w *world) {
	for _, organization := range []string{"acme", "zeta"} {
		old := invitation(organization, 1)
		old.ExpiresAt = start.Add(-day)
		w.change(organization, invitations.Changes{Invitations: []invitations.Record{old, invitation(organization, 2)}})
	}
	w.equal("deleted rows", w.purgeAll(start, 9), 2)
	again := invitation("acme", 1)
	again.CreatedAt, again.Message = start.Add(time.Hour), "again"
	w.ok(put(w.ctx, w.store.Update, "acme", invitations.Changes{Invitations: []invitations.Record{again}}))
	w.equal("acme", w.state("acme").Invitations.Items, []invitations.Record{again, invitation("acme", 2)})
	w.equal("zeta", w.state("zeta").Invitations.Items, []invitations.Record{invitation("zeta", 2)})
	w.facts("acme", invitations.Query{Organization: "acme", Invitation: id(1)}, invitations.Facts{
		Organization: "acme", Version: 2, Invitation: &again,
	})
}

// purgeSweep purges expired invitations before a Sweep finds them.
func purgeSweep(w *world) {
	due := w.overdue()
	for _, organization := range []string{"acme", "zeta"} {
		var c invitations.Changes
		for _, r := range due {
			if r.Organization == organization {
				r.ExpiresAt = start.Add(-2 * day)
				c.Invitations = append(c.Invitations, r)
			}
		}
		w.change(organization, c)
	}
	gone := 0
	for _, organization := range []string{"acme", "zeta", "beta", "not due"} {
		_, n := w.state(organization).rest(invitations.PurgeQuery{Before: start.Add(-day)})
		gone += n
	}
	w.equal("deleted rows", w.purgeAll(start.Add(-day), 1000), gone)
	found := w.sweep(start, 1000, markSwept)
	w.equal("number of organizations that have due invitations", len(found), 1)
	w.equal("due invitations of beta", len(found["beta"].PendingRecords), 8)
}

// purgeDoesNotWait runs a Purge inside an Update of one of the organizations. The Purge must
// leave that organization out.
func purgeDoesNotWait(w *world) {
	w.archive("acme", "zeta")
	w.follow(0, 1000)
	q := invitations.PurgeQuery{Before: start, Limit: 1000}
	acme, gone := w.state("acme", users...).rest(q)
	zeta, more := w.state("zeta", users...).rest(q)
	purge := func() (n int, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		return w.store.Purge(w.ctx, q)
	}
	// A Purge that waits for the Update would wait for ever.
	const patience = 2 * time.Minute
	var once sync.Once
	var meanwhile answer[int]
	w.ok(w.store.Update(w.ctx, invitations.Query{Organization: "acme"}, func(invitations.Facts) (invitations.Changes, error) {
		once.Do(func() {
			done := make(chan answer[int], 1)
			go func() { done <- answerOf(purge()) }()
			select {
			case meanwhile = <-done:
			case <-time.After(patience):
				meanwhile.err = errors.New("the Purge waits for an organization that is being changed")
			}
		})
		return invitations.Changes{RemovedMembers: []string{"nobody"}}, nil
	}))
	w.ok(meanwhile.err)
	acme.Facts.Version++
	w.equal("deleted rows", meanwhile.value+w.purgeAll(start, 1000), gone+more)
	w.equal("acme", w.state("acme", users...), acme)
	w.equal("zeta", w.state("zeta", users...), zeta)
}
