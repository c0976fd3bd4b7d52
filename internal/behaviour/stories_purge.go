package behaviour

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var purgeStories = []check{
	{"PurgeLeavesAllThatIsOfUse", storyPurge},
	{"Class15_PurgeLeavesTheMarkOfARemoval", storyPurgedRemoval},
	{"PurgeLeavesNothingOfADeletedOrganization", storyPurgeDeleted},
	{"PurgeIsBounded", storyPurgeBounds},
}

// purge deletes all rows from before an instant, and returns how many.
func (w *world) purge(before time.Time) (rows int) {
	w.Helper()
	for range 1000 {
		n, err := w.svc.Purge(w.ctx, before, 1000)
		w.ok(err)
		if rows += n; n == 0 {
			return rows
		}
	}
	w.Fatal("a purge has no end")
	return rows
}

// storyPurge: a purge takes old invitations that have ended or expired, and old events. Everything
// else works as before.
func storyPurge(w *world) {
	w = w.with(invitations.Config{RemindBefore: 2 * day})
	w.company()
	ends := map[string]invitations.SentInvitation{}
	invite := func(name string) invitations.SentInvitation {
		ends[name] = w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", len(ends)), "viewer")
		return ends[name]
	}
	accepted := invite("accepted")
	w.accept(accepted, person("x", accepted.Email))
	w.ok(w.svc.Decline(w.ctx, invite("declined").Token.Reveal()))
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", invite("revoked").ID)))
	usedUp := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	ends["used up"] = usedUp
	w.accept(usedUp, invitations.Identity{UserID: "y"})
	expired, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "exp@example.com", Role: "viewer", ExpiresIn: day})
	w.ok(err)
	ends["expired"] = expired
	pending, err := w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", ExpiresIn: 30 * day})
	w.ok(err)
	mail, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "developer", ExpiresIn: 14 * day})
	w.ok(err)
	w.accept(pending, invitations.Identity{UserID: "z"})
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodMonth)
	w.ok(second(w.svc.Consume(w.ctx, invitations.InOrganization("acme"), "dev", 7)))
	followed := w.follow(0)

	w.clock.Add(10 * day)
	recent := w.invite(ada, "acme", "new@example.com", "viewer")
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", recent.ID)))
	late := w.state("acme", everybody...)
	before := w.clock.Now().Add(-2 * day)
	if n := w.purge(before); n < len(ends)+10 {
		w.Errorf("%d rows are purged", n)
	}
	w.unchanged("a second purge", func() { w.equal("rows", w.purge(before), 0) })

	// Members, quotas, amounts and versions are as they were.
	after := w.state("acme", everybody...)
	late.Facts.Totals.PendingEmails-- // the one that has expired since
	late.Facts.Totals.Reserved--
	w.equal("the facts", after.Facts, late.Facts)
	b, err := w.svc.Remaining(w.ctx, invitations.InOrganization("acme"), "dev")
	w.ok(err)
	w.equal("the amount used", b.Shared.Used, 7)
	isEnd := func(id uuid.UUID) bool {
		for _, sent := range ends {
			if sent.ID == id {
				return true
			}
		}
		return false
	}
	late.Invitations.Items = slices.DeleteFunc(late.Invitations.Items, func(r invitations.Record) bool { return isEnd(r.ID) })
	w.equal("the invitations", after.Invitations, late.Invitations)
	late.Events.Items = slices.DeleteFunc(late.Events.Items, func(e invitations.Event) bool { return e.At.Before(before) })
	w.equal("the events", after.Events, late.Events)
	w.equal("the feed goes on", len(w.follow(followed[len(followed)-1].Position)), len(late.Events.Items))
	s, err := w.svc.Statistics(w.ctx, bob, invitations.StatisticsParams{Organization: "acme"})
	w.ok(err)
	w.equal("statistics count the rest", []int{s.Total.Created, s.Total.Pending, s.Total.Revoked, s.Total.Joined}, []int{3, 2, 1, 0})

	// Purged invitations are unknown. Their members stay, and are led in.
	for name, sent := range ends {
		w.refusal(name, second(w.svc.Lookup(w.ctx, sent.Token.Reveal())), noToken)
		w.refusal(name, second(w.svc.Accept(w.ctx, sent.Token.Reveal(), person("eve", sent.Email))), noToken)
		w.refusal(name, second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})), notFound)
	}
	w.refused(second(w.svc.Accept(w.ctx, accepted.Token.Reveal(), person("x", accepted.Email))), noToken)
	w.next(accepted, invitations.Visitor{Identity: person("x", accepted.Email)}, invitations.StepOpen)
	w.holds("acme", "x", invitations.PermissionMemberList, true)
	// An ID of a purged invitation is free, and its old token stays dead.
	again, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: expired.Email, Role: "viewer", ID: expired.ID})
	w.ok(err)
	w.equal("repeated", again.Repeated, false)
	w.refused(second(w.svc.Accept(w.ctx, expired.Token.Reveal(), person("eve", expired.Email))), noToken)
	w.accept(again, person("eve", expired.Email))

	// Pending invitations live on: tokens, sweeps, edits and replays.
	w.equal("who joined by the link", w.accept(pending, invitations.Identity{UserID: "z"}).UserID, "z")
	w.accept(pending, invitations.Identity{UserID: "joe"})
	w.edit(bob, mail, invitations.EditParams{Role: "viewer"})
	w.clock.Add(2 * day)
	reminders, _ := w.sweepAll(100)
	w.equal("reminders", reminders, []uuid.UUID{mail.ID})
	w.equal("role", w.accept(mail, annID).Role, invitations.Role("viewer"))
}

// storyPurgedRemoval: however often old rows are purged, nobody who was removed or demoted comes
// back by an invitation from before.
func storyPurgedRemoval(w *world) {
	w.company()
	create := func() invitations.SentInvitation {
		sent, err := w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "admin", ExpiresIn: 30 * day})
		w.ok(err)
		return sent
	}
	link, other := create(), create()
	for _, user := range []string{"x", "y"} {
		w.accept(link, invitations.Identity{UserID: user})
	}
	w.remove("acme", "x")
	w.changeRole(ada, "acme", "y", "viewer")
	w.leave("acme", "y")
	w.clock.Add(20 * day)
	w.follow(0)
	w.purge(w.clock.Now().Add(-day))
	w.equal("events", w.state("acme").Events.Items, []invitations.Event{})
	for _, sent := range []invitations.SentInvitation{link, other} {
		for _, user := range []string{"x", "y"} {
			w.acceptRefused(sent, invitations.Identity{UserID: user}, invitations.ErrRevoked)
		}
	}
	w.accept(other, invitations.Identity{UserID: "z"})
	w.accept(w.resend(ada, link), invitations.Identity{UserID: "x"})
}

// storyPurgeDeleted: all rows of a deleted organization go, at once except for its events. Its ID
// stays taken, its tokens stay dead, and the other organization keeps everything.
func storyPurgeDeleted(w *world) {
	g := w.buried()
	live := g.state(g.live, everybody...)
	told := g.follow(0)
	w.clock.Add(day - time.Microsecond)
	if n := g.purge(g.clock.Now().Add(-day)); n < 7+4+2 { // invitations, members and quotas
		g.Errorf("%d rows are purged", n)
	}
	g.equal("the events are not old yet", len(g.follow(0)), len(told))
	g.clock.Add(2 * day)
	g.purge(g.clock.Now().Add(-day))
	all := g.afterlife(g.dead)
	version := g.view(invitations.Query{Organization: g.dead, AlsoDeleted: true}).Version
	g.equal("what is left", all[0], invitations.Facts{Organization: g.dead, Version: version, Deleted: true})
	for _, e := range g.follow(0) {
		if e.Organization == g.dead {
			g.Errorf("an event is left: %+v", e)
		}
	}
	after := g.state(g.live, everybody...)
	g.equal("the facts of the other", after.Facts, live.Facts)
	g.equal("the invitations of the other", after.Invitations, live.Invitations)
	for _, owner := range []string{"ada", "eve"} {
		_, err := g.svc.CreateOrganization(g.ctx, g.dead, owner)
		g.refused(err, invitations.ErrConflict)
	}
	g.refused(second(g.svc.Accept(g.ctx, g.links[g.dead].Token.Reveal(), invitations.Identity{UserID: "x"})), noToken)
	g.accept(g.links[g.live], invitations.Identity{UserID: "x"})
	g.equal("a purge of nothing", g.purge(g.clock.Now().Add(-day)), 0)
}

func storyPurgeBounds(w *world) {
	w = w.with(invitations.Config{PendingLimit: 50})
	for _, organization := range []string{"acme", "zeta"} {
		w.found(organization, "ada")
		for n := range 4 {
			w.ok(second(w.svc.Revoke(w.ctx, ada, organization, w.invite(ada, organization, fmt.Sprintf("p%d@example.com", n), "viewer").ID)))
		}
	}
	w.follow(0)
	w.clock.Add(3 * day)
	w.invite(ada, "acme", "ann@example.com", "viewer")
	rows := 0
	for n := 3; n > 0; rows += n {
		var err error
		if n, err = w.svc.Purge(w.ctx, w.clock.Now().Add(-day), 3); err != nil || n > 3 {
			w.Fatalf("got %d rows and error %v, and asked for 3", n, err)
		}
	}
	w.equal("rows", rows, 2*(4+1+4+4)) // invitations, a founding, creations and revocations
	w.equal("the rest", len(w.state("acme").Events.Items), 1)
	now := w.clock.Now()
	w.unchanged("refused", func() {
		for _, c := range []struct {
			before time.Time
			limit  int
		}{
			{now.Add(-day), 0}, {now.Add(-day), -1}, {now.Add(-day), 1001}, {time.Time{}, 1}, {now, 1}, {now.Add(-day + time.Microsecond), 1},
			{now.AddDate(10_000, 0, 0), 1}, {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), 1},
		} {
			n, err := w.svc.Purge(w.ctx, c.before, c.limit)
			w.refusal(fmt.Sprint(c), err, invitations.ErrInvalid)
			w.equal("rows of a refusal", n, 0)
		}
	})
}
