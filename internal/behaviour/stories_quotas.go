package behaviour

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

var quotaStories = []check{
	{"ConsumeAndRemaining", storyConsume},
	{"PeriodsOfAQuota", storyPeriods},
	{"WhoSetsQuotas", storySetQuota},
	{"QuotaOfAnInvitation", storyInvitedQuota},
	{"QuotaOutlivesTheMembership", storyQuotaStays},
	{"PersonalAndShared", storyWorkspacesApart},
	{"Workspaces", storyWorkspaces},
}

func usage(limit int64, period invitations.Period, used int64, resets time.Time) *invitations.Usage {
	return &invitations.Usage{Quota: invitations.Quota{Limit: limit, Period: period}, Used: used, ResetsAt: resets}
}

// The first instants of the periods after start.
var (
	today     = start.Truncate(day) // the first of a month
	tomorrow  = today.AddDate(0, 0, 1)
	nextMonth = today.AddDate(0, 1, 0)
)

// spend consumes an amount and compares the balance with want.
func (w *world) spend(in invitations.Workspace, user string, amount int64, want invitations.Balance) {
	w.Helper()
	b, err := w.svc.Consume(w.ctx, in, user, amount)
	w.ok(err)
	w.equal("the balance", b, w.now(want))
	w.remains(in, user, want)
}

// now returns a balance as of now.
func (w *world) now(b invitations.Balance) invitations.Balance {
	b.At = w.clock.Now()
	return b
}

// exceeds fails the check unless a consumption is refused with the balance want.
func (w *world) exceeds(in invitations.Workspace, user string, amount int64, want invitations.Balance) {
	w.Helper()
	for range 2 {
		b, err := w.svc.Consume(w.ctx, in, user, amount)
		w.refused(err, invitations.ErrQuotaExceeded)
		var exceeded *invitations.QuotaExceededError
		if !errors.As(err, &exceeded) {
			w.Fatalf("got error %T", err)
		}
		w.equal("the error", exceeded, invitations.QuotaExceededError{Amount: amount, Balance: w.now(want)})
		w.equal("the balance of a refusal", b, invitations.Balance{})
		w.remains(in, user, want)
	}
}

func (w *world) remains(in invitations.Workspace, user string, want invitations.Balance) {
	w.Helper()
	b, err := w.svc.Remaining(w.ctx, in, user)
	w.ok(err)
	w.equal("the balance", b, w.now(want))
}

func storyConsume(w *world) {
	const day, month = invitations.PeriodDay, invitations.PeriodMonth
	w.company()
	acme := invitations.InOrganization("acme")
	w.spend(acme, "dev", 1_000_000, invitations.Balance{}) // nothing limits
	w.setQuota(invitations.System(), "acme", "", 100, month)
	w.setQuota(ada, "acme", "dev", 10, day)
	w.remains(acme, "dev", invitations.Balance{Own: usage(10, day, 0, tomorrow), Shared: usage(100, month, 0, nextMonth)})
	w.spend(acme, "dev", 7, invitations.Balance{Own: usage(10, day, 7, tomorrow), Shared: usage(100, month, 7, nextMonth)})
	w.exceeds(acme, "dev", 4, invitations.Balance{Own: usage(10, day, 7, tomorrow), Shared: usage(100, month, 7, nextMonth)})
	w.spend(acme, "ada", 90, invitations.Balance{Shared: usage(100, month, 97, nextMonth)})
	// The shared quota refuses an amount that the own quota allows. Nothing is taken from either.
	w.setQuota(ada, "acme", "dev", 50, day)
	w.exceeds(acme, "dev", 4, invitations.Balance{Own: usage(50, day, 7, tomorrow), Shared: usage(100, month, 97, nextMonth)})
	w.spend(acme, "dev", 3, invitations.Balance{Own: usage(50, day, 10, tomorrow), Shared: usage(100, month, 100, nextMonth)})
	w.exceeds(acme, "ada", 1, invitations.Balance{Shared: usage(100, month, 100, nextMonth)})
	// A limit below the used amount leaves 0.
	w.setQuota(invitations.System(), "acme", "", 60, month)
	b, err := w.svc.Remaining(w.ctx, acme, "ada")
	w.ok(err)
	if left, limited := b.Left(); left != 0 || !limited || b.Shared.Used != 100 {
		w.Errorf("got %d left of %+v", left, b.Shared)
	}
	w.setQuota(invitations.System(), "acme", "", 101, month)
	w.spend(acme, "bob", 1, invitations.Balance{Shared: usage(101, month, 101, nextMonth)})
	// The zero quota limits nothing.
	w.setQuota(invitations.System(), "acme", "", 0, "")
	w.spend(acme, "bob", 1_000_000, invitations.Balance{})

	w.unchanged("without the permission", func() {
		for _, user := range []string{"kim", "eve", "nobody"} { // a viewer and non-members
			_, err := w.svc.Consume(w.ctx, acme, user, 1)
			w.refusal(user, err, invitations.ErrPermissionDenied)
		}
		_, err := w.svc.Consume(w.ctx, invitations.InOrganization("none"), "ada", 1)
		w.refusal("no organization", err, invitations.ErrPermissionDenied)
		_, err = w.svc.Remaining(w.ctx, acme, "eve")
		w.refusal("the balance of a non-member", err, invitations.ErrPermissionDenied)
		for _, amount := range []int64{0, -1, 1_000_000_000_000_001} {
			_, err := w.svc.Consume(w.ctx, acme, "ada", amount)
			w.refusal(fmt.Sprint(amount), err, invitations.ErrInvalid)
		}
		_, err = w.svc.Consume(w.ctx, invitations.Workspace{}, "ada", 1)
		w.refusal("no workspace", err, invitations.ErrInvalid)
		_, err = w.svc.Remaining(w.ctx, invitations.Workspace{}, "ada")
		w.refusal("no workspace", err, invitations.ErrInvalid)
	})
	w.remains(acme, "kim", invitations.Balance{}) // a viewer may ask, and not consume
	w.changeRole(ada, "acme", "kim", "developer")
	w.spend(acme, "kim", 1, invitations.Balance{})
	w.remove("acme", "kim")
	_, err = w.svc.Consume(w.ctx, acme, "kim", 1)
	w.refused(err, invitations.ErrPermissionDenied)
}

func storyPeriods(w *world) {
	w.found("acme", "ada")
	acme := invitations.InOrganization("acme")
	w.setQuota(invitations.System(), "acme", "", 100, invitations.PeriodMonth)
	w.setQuota(ada, "acme", "ada", 10, invitations.PeriodDay)
	w.ok(w.svc.SetQuota(w.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: "ada", Quota: invitations.Quota{Limit: 5, Period: invitations.PeriodEndless},
	}))
	balance := func(own, shared int64, days, months int) invitations.Balance {
		return invitations.Balance{
			Own:    usage(10, invitations.PeriodDay, own, today.AddDate(0, 0, days)),
			Shared: usage(100, invitations.PeriodMonth, shared, today.AddDate(0, months, 0)),
		}
	}
	endless := func(used int64) invitations.Balance {
		return invitations.Balance{Own: usage(5, invitations.PeriodEndless, used, time.Time{})}
	}
	w.spend(acme, "ada", 10, balance(10, 10, 1, 1))
	w.spend(invitations.Personal(), "ada", 4, endless(4))
	w.clock.Add(tomorrow.Sub(start) - time.Microsecond)
	w.exceeds(acme, "ada", 1, balance(10, 10, 1, 1))
	w.clock.Add(time.Microsecond) // the instant of midnight
	w.remains(acme, "ada", balance(0, 10, 2, 1))
	w.spend(acme, "ada", 9, balance(9, 19, 2, 1))
	w.clock.Add(nextMonth.Sub(tomorrow))
	w.remains(acme, "ada", balance(0, 0, 32, 2))
	w.exceeds(acme, "ada", 11, balance(0, 0, 32, 2))
	w.spend(acme, "ada", 1, balance(1, 1, 32, 2))
	w.clock.Add(-time.Microsecond) // a clock that is behind counts in the new period
	w.spend(acme, "ada", 1, balance(2, 2, 32, 2))
	w.clock.Add(4000 * day)
	w.exceeds(invitations.Personal(), "ada", 2, endless(4))
	w.spend(invitations.Personal(), "ada", 1, endless(5))
}

func storySetQuota(w *world) {
	w.company()
	in := invitations.InOrganization("acme")
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodMonth}
	version := w.version("acme")
	w.setQuota(bob, "acme", "kim", 5, invitations.PeriodMonth)
	w.setQuota(invitations.System(), "acme", "", 5, invitations.PeriodMonth)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Type: invitations.EventQuotaChanged, Actor: "bob", Subject: "kim", Quota: some},
		{Version: version + 2, Type: invitations.EventQuotaChanged, Quota: some},
	})
	for user, want := range map[string]invitations.Balance{
		"kim": {Own: usage(5, invitations.PeriodMonth, 0, nextMonth), Shared: usage(5, invitations.PeriodMonth, 0, nextMonth)},
		"dev": {Shared: usage(5, invitations.PeriodMonth, 0, nextMonth)},
		"":    {Shared: usage(5, invitations.PeriodMonth, 0, nextMonth)},
	} {
		b, err := w.svc.Quota(w.ctx, bob, "acme", user)
		w.ok(err)
		w.equal("quotas as an admin reads them", b, w.now(want))
	}
	w.unchanged("refused", func() {
		set := func(actor invitations.Actor, in invitations.Workspace, user string, q invitations.Quota) error {
			return w.svc.SetQuota(w.ctx, actor, invitations.SetQuotaParams{Workspace: in, UserID: user, Quota: q})
		}
		for name, c := range map[string]struct{ got, want error }{
			"of a higher role":              {set(bob, in, "ada", some), invitations.ErrPermissionDenied},
			"without the permission":        {set(invitations.User("dev"), in, "kim", some), invitations.ErrPermissionDenied},
			"their own, no permission":      {set(invitations.User("dev"), in, "dev", some), invitations.ErrPermissionDenied},
			"by nobody here":                {set(invitations.User("eve"), in, "kim", some), invitations.ErrPermissionDenied},
			"of nobody":                     {set(bob, in, "eve", some), invitations.ErrNotFound},
			"of nobody, by System":          {set(invitations.System(), in, "eve", some), invitations.ErrNotFound},
			"the shared one, by an owner":   {set(ada, in, "", some), invitations.ErrPermissionDenied},
			"a personal one, by its user":   {set(ada, invitations.Personal(), "ada", some), invitations.ErrPermissionDenied},
			"a personal one of nobody":      {set(invitations.System(), invitations.Personal(), "", some), invitations.ErrInvalid},
			"in no organization":            {set(invitations.System(), invitations.InOrganization("none"), "", some), invitations.ErrNotFound},
			"in no workspace":               {set(invitations.System(), invitations.Workspace{}, "kim", some), invitations.ErrInvalid},
			"a limit below zero":            {set(ada, in, "kim", invitations.Quota{Limit: -2, Period: invitations.PeriodDay}), invitations.ErrInvalid},
			"no limit and no period":        {set(ada, in, "kim", invitations.Quota{Limit: invitations.NoLimit}), invitations.ErrInvalid},
			"a limit above all":             {set(ada, in, "kim", invitations.Quota{Limit: 1_000_000_000_000_001, Period: invitations.PeriodDay}), invitations.ErrInvalid},
			"a limit without a period":      {set(ada, in, "kim", invitations.Quota{Limit: 1}), invitations.ErrInvalid},
			"an unknown period":             {set(ada, in, "kim", invitations.Quota{Limit: 1, Period: "week"}), invitations.ErrInvalid},
			"reading without permission":    {second(w.svc.Quota(w.ctx, invitations.User("dev"), "acme", "dev")), invitations.ErrPermissionDenied},
			"reading of nobody":             {second(w.svc.Quota(w.ctx, bob, "acme", "eve")), invitations.ErrNotFound},
			"reading in no organization":    {second(w.svc.Quota(w.ctx, invitations.System(), "none", "")), invitations.ErrNotFound},
			"reading in another's":          {second(w.svc.Quota(w.ctx, invitations.User("eve"), "zeta", "")), invitations.ErrPermissionDenied},
			"reading with an invalid actor": {second(w.svc.Quota(w.ctx, invitations.Actor{}, "acme", "")), invitations.ErrInvalid},
		} {
			w.refusal(name, c.got, c.want)
		}
	})
	w.remains(invitations.Personal(), "ada", invitations.Balance{})
	// An admin sets their own quota, and that of another admin.
	w.setQuota(bob, "acme", "bob", 5, invitations.PeriodDay)
	w.role("acme", "dev", "admin")
	w.setQuota(bob, "acme", "dev", 5, invitations.PeriodDay)
}

func storyInvitedQuota(w *world) {
	w.company()
	acme := invitations.InOrganization("acme")
	some := invitations.Quota{Limit: 10, Period: invitations.PeriodDay}
	mail, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "developer", Quota: some})
	w.ok(err)
	w.equal("the invitation's", w.get(mail).Quota, some)
	version := w.version("acme")
	w.accept(mail, annID)
	w.remains(acme, "ann", invitations.Balance{Own: usage(10, invitations.PeriodDay, 0, tomorrow)})
	events := w.happened("acme", version+1)
	w.equal("the last event", events[len(events)-1], invitations.Event{
		Version: version + 1, Index: len(events) - 1, Type: invitations.EventQuotaChanged, Actor: "bob", Subject: "ann", Quota: some,
	})

	// Every user of a link gets a quota of their own.
	link := w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "developer", Quota: some})
	for _, user := range []string{"x", "y"} {
		w.accept(link, invitations.Identity{UserID: user})
		w.spend(acme, user, 4, invitations.Balance{Own: usage(10, invitations.PeriodDay, 4, tomorrow)})
	}

	// A quota that was set after the sending stays, even if it is zero.
	w.setQuota(bob, "acme", "x", 6, invitations.PeriodDay)
	w.setQuota(bob, "acme", "y", 0, "")
	for _, user := range []string{"x", "y"} {
		w.leave("acme", user)
		w.accept(link, invitations.Identity{UserID: user})
	}
	w.remains(acme, "x", invitations.Balance{Own: usage(6, invitations.PeriodDay, 4, tomorrow)})
	w.remains(acme, "y", invitations.Balance{})
	// A link that is resent does not replace it either, because it names no recipient.
	for _, user := range []string{"x", "y"} {
		w.leave("acme", user)
	}
	again := w.resend(bob, link)
	w.accept(again, invitations.Identity{UserID: "x"})
	w.remains(acme, "x", invitations.Balance{Own: usage(6, invitations.PeriodDay, 4, tomorrow)})
	w.accept(again, invitations.Identity{UserID: "y"})
	w.remains(acme, "y", invitations.Balance{})
	// A later email invitation replaces it, and the used amount stays.
	w.leave("acme", "x")
	byName, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "x@example.com", Role: "developer", Quota: some})
	w.ok(err)
	w.accept(byName, person("x", "x@example.com"))
	w.remains(acme, "x", invitations.Balance{Own: usage(10, invitations.PeriodDay, 4, tomorrow)})
	// An email invitation from before the quota was set does not replace it.
	before, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "y@example.com", Role: "developer", Quota: some})
	w.ok(err)
	w.setQuota(bob, "acme", "y", 7, invitations.PeriodDay)
	w.leave("acme", "y")
	w.accept(before, person("y", "y@example.com"))
	w.remains(acme, "y", invitations.Balance{Own: usage(7, invitations.PeriodDay, 0, tomorrow)})

	// A repeated acceptance sets nothing.
	w.setQuota(bob, "acme", "x", 3, invitations.PeriodDay)
	w.unchanged("a replay", func() { w.accept(byName, person("x", "x@example.com")) })

	// The same ID with another quota is another request.
	p := invitations.CreateLinkParams{Organization: "acme", Role: "developer", Quota: some, ID: id(1)}
	first := w.link(bob, p)
	w.equal("the same call again", w.link(bob, p).Invitation, first.Invitation)
	p.Quota.Limit++
	_, err = w.svc.CreateLink(w.ctx, bob, p)
	w.refused(err, invitations.ErrConflict)
}

func storyQuotaStays(w *world) {
	w.company()
	acme := invitations.InOrganization("acme")
	w.setQuota(ada, "acme", "dev", 10, invitations.PeriodMonth)
	want := invitations.Balance{Own: usage(10, invitations.PeriodMonth, 8, nextMonth)}
	w.spend(acme, "dev", 8, want)
	back := func() {
		w.Helper()
		_, err := w.svc.Remaining(w.ctx, acme, "dev")
		w.refused(err, invitations.ErrPermissionDenied)
		link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "developer"})
		w.accept(link, invitations.Identity{UserID: "dev"})
		w.remains(acme, "dev", want)
		w.exceeds(acme, "dev", 3, want)
	}
	w.leave("acme", "dev")
	back()
	w.remove("acme", "dev")
	back()
	w.changeRole(ada, "acme", "dev", "viewer")
	w.changeRole(ada, "acme", "dev", "developer")
	w.remains(acme, "dev", want)
	// The other organization has no quota for them.
	w.remains(invitations.InOrganization("zeta"), "dev", invitations.Balance{})
}

// storyWorkspacesApart: a consumption counts in one workspace only.
func storyWorkspacesApart(w *world) {
	w.company()
	const day = invitations.PeriodDay
	all := map[invitations.Workspace]*invitations.Balance{
		invitations.Personal():             {Own: usage(10, day, 0, tomorrow)},
		invitations.InOrganization("acme"): {Own: usage(20, day, 0, tomorrow), Shared: usage(30, day, 0, tomorrow)},
		invitations.InOrganization("zeta"): {Own: usage(40, day, 0, tomorrow), Shared: usage(50, day, 0, tomorrow)},
	}
	w.ok(w.svc.SetQuota(w.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: "dev", Quota: invitations.Quota{Limit: 10, Period: day},
	}))
	for i, organization := range []string{"acme", "zeta"} {
		w.setQuota(invitations.System(), organization, "dev", int64(20+20*i), day)
		w.setQuota(invitations.System(), organization, "", int64(30+20*i), day)
	}
	for in, want := range all {
		left, _ := want.Left()
		for _, u := range []*invitations.Usage{want.Own, want.Shared} {
			if u != nil {
				u.Used += left
			}
		}
		w.spend(in, "dev", left, *want)
		w.exceeds(in, "dev", 1, *want) // the others have more
		for other, want := range all {
			w.remains(other, "dev", *want)
		}
	}
	// A user without a personal quota is not limited outside organizations.
	w.spend(invitations.Personal(), "kim", 1000, invitations.Balance{})
	// An organization may have any name.
	_, err := w.svc.Consume(w.ctx, invitations.InOrganization("personal"), "dev", 1)
	w.refused(err, invitations.ErrPermissionDenied)
}

func storyWorkspaces(w *world) {
	w.company()
	w.ok(w.svc.SetQuota(w.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: "dev", Quota: invitations.Quota{Limit: 9, Period: invitations.PeriodDay},
	}))
	w.setQuota(invitations.System(), "zeta", "", 100, invitations.PeriodMonth)
	w.setQuota(ada, "zeta", "dev", 10, invitations.PeriodEndless)
	w.changeRole(ada, "zeta", "dev", "admin")
	_, err := w.svc.Consume(w.ctx, invitations.InOrganization("zeta"), "dev", 4)
	w.ok(err)
	_, err = w.svc.Consume(w.ctx, invitations.Personal(), "dev", 2)
	w.ok(err)
	zeta := invitations.OrganizationWorkspace{ID: "zeta", Role: "admin", Balance: invitations.Balance{
		Own: usage(10, invitations.PeriodEndless, 4, time.Time{}), Shared: usage(100, invitations.PeriodMonth, 4, nextMonth),
	}}
	personal := invitations.Balance{Own: usage(9, invitations.PeriodDay, 2, tomorrow)}
	list := func(user string, want invitations.WorkspaceList) {
		w.Helper()
		got, err := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: user})
		w.ok(err)
		want.Personal = w.now(want.Personal)
		want.Organizations = slices.Clone(want.Organizations)
		for i := range want.Organizations {
			want.Organizations[i].Balance = w.now(want.Organizations[i].Balance)
		}
		w.equal("workspaces of "+user, got, want)
	}
	list("dev", invitations.WorkspaceList{Personal: personal, Organizations: []invitations.OrganizationWorkspace{{ID: "acme", Role: "developer"}, zeta}})
	w.leave("acme", "dev")
	list("dev", invitations.WorkspaceList{Personal: personal, Organizations: []invitations.OrganizationWorkspace{zeta}})
	list("nobody", invitations.WorkspaceList{})
	w.clock.Add(day) // periods are as of now
	personal.Own.Used, personal.Own.ResetsAt = 0, tomorrow.Add(day)
	list("dev", invitations.WorkspaceList{Personal: personal, Organizations: []invitations.OrganizationWorkspace{zeta}})

	for _, text := range odd {
		w.found(text, "eve")
	}
	want := slices.Sorted(slices.Values(odd))
	for _, limit := range []int{1, 10, len(odd), 100} {
		var got []string
		p := invitations.WorkspacesParams{UserID: "eve", Limit: limit}
		for pages := 0; ; pages++ {
			list, err := w.svc.Workspaces(w.ctx, p)
			w.ok(err)
			for _, o := range list.Organizations {
				got = append(got, o.ID)
			}
			if p.Cursor = list.NextCursor; p.Cursor == "" || pages > len(odd) {
				break
			}
		}
		w.equal(fmt.Sprintf("%d a page", limit), got, want)
	}
	for _, p := range []invitations.WorkspacesParams{{}, {UserID: "eve", Limit: 101}, {UserID: "eve", Cursor: "x"}} {
		_, err := w.svc.Workspaces(w.ctx, p)
		w.refused(err, invitations.ErrInvalid)
	}
}
