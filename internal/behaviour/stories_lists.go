package behaviour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var listStories = []check{
	{"SeveralStatesInOneList", storyStates},
	{"SearchByPartOfAnAddress", storySearch},
	{"SupportSearchesAllOrganizations", storySupport},
	{"TimelineByActorTypeAndPeriod", storyTimelineFilters},
	{"Class42_CursorsOfNewLists", storyNewCursors},
}

// all returns the invitations of all pages.
func (w *world) all(actor invitations.Actor, p invitations.InvitationsParams) (all []invitations.Invitation) {
	w.Helper()
	for inv, err := range w.svc.AllInvitations(w.ctx, actor, p) {
		w.ok(err)
		all = append(all, inv)
	}
	return all
}

// campaign makes invitations in each state, in two organizations.
func (w *world) campaign() {
	w.Helper()
	w.company()
	for _, o := range []string{"acme", "zeta"} {
		for n := range 2 {
			sent := w.invite(ada, o, fmt.Sprintf("expired-%d@example.com", n), "viewer")
			w.clock.Add(time.Second)
			_ = sent
		}
		w.link(bob, invitations.CreateLinkParams{Organization: o, Role: "viewer"})
	}
	w.clock.Add(8 * day)
	for _, o := range []string{"acme", "zeta"} {
		for n, email := range []string{"pending-a@example.com", "pending-b@example.org", "accepted@example.com", "declined@example.com", "revoked@example.com"} {
			sent := w.invite([]invitations.Actor{ada, bob}[n%2], o, email, []invitations.Role{"viewer", "admin"}[n%2])
			w.clock.Add(time.Second)
			switch n {
			case 2:
				w.accept(sent, person("accepted", email))
			case 3:
				w.ok(w.svc.Decline(w.ctx, sent.Token.Reveal()))
			case 4:
				w.ok(second(w.svc.Revoke(w.ctx, ada, o, sent.ID)))
			}
		}
		w.accept(w.link(ada, invitations.CreateLinkParams{Organization: o, Role: "viewer", MaxUses: 1}), invitations.Identity{UserID: "x"})
		w.link(ada, invitations.CreateLinkParams{Organization: o, Role: "admin"})
	}
}

// storyStates: a list of several states has the invitations of each, in one order. It agrees with
// a filter of the whole list, whatever the other filters are.
func storyStates(w *world) {
	w.campaign()
	states := []invitations.State{invitations.StatePending, invitations.StateExpired, invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked}
	whole := w.all(bob, invitations.InvitationsParams{Organization: "acme"})
	seen := map[invitations.State]bool{}
	for _, inv := range whole {
		seen[inv.State] = true
	}
	w.equal("states that occur", len(seen), len(states))
	for set := range 1 << len(states) {
		p := invitations.InvitationsParams{Organization: "acme", Limit: 1 + set%5}
		for i, state := range states {
			if set>>i&1 == 1 {
				p.States = append(p.States, state, state) // a repetition counts once
			}
		}
		for _, filter := range []invitations.InvitationsParams{{}, {Kind: invitations.KindEmail}, {Role: "viewer"}, {SentBy: "bob"}}[set%3 : set%3+2] {
			p.Kind, p.Role, p.SentBy = filter.Kind, filter.Role, filter.SentBy
			var want []invitations.Invitation
			for _, inv := range whole {
				if (len(p.States) == 0 || slices.Contains(p.States, inv.State)) && (p.Kind == "" || p.Kind == inv.Kind) &&
					(p.Role == "" || p.Role == inv.Role) && (p.SentBy == "" || p.SentBy == inv.SentBy) {
					want = append(want, inv)
				}
			}
			w.equal(fmt.Sprintf("%+v", p), w.all(bob, p), want)
		}
	}
	// The state is that of the instant of the page.
	open := invitations.InvitationsParams{Organization: "acme", States: []invitations.State{invitations.StatePending, invitations.StateExpired}, Limit: 2}
	before := w.all(bob, open)
	w.clock.Add(30 * day)
	after := w.all(bob, open)
	w.equal("how many are open", len(after), len(before))
	for i, inv := range after {
		w.equal("the state of "+inv.Email, []any{inv.ID, inv.State}, []any{before[i].ID, invitations.StateExpired})
	}
	_, err := w.svc.Invitations(w.ctx, bob, invitations.InvitationsParams{Organization: "acme", States: []invitations.State{invitations.StatePending, "open"}})
	w.refused(err, invitations.ErrInvalid)
}

// storySearch: a search finds the addresses that contain a text. It has no patterns, and finds
// nothing in another organization.
func storySearch(w *world) {
	w = w.with(invitations.Config{PendingLimit: 50})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	addresses := []string{
		"ann@example.com", "ann@example.org", "anna@example.com", "anne.lee@example.com", "ANN.b@example.com", "bob@example.com", "a_n@example.com",
		"axn@example.com", "a-z@example.com", "100%@example.com", "10@example.com", "z@b\u00fccher.example", "annz@zeta.example",
	}
	var whole []invitations.Invitation
	for n, email := range addresses {
		w.invite(ada, []string{"acme", "zeta"}[n/(len(addresses)-1)], email, "viewer")
		if n%3 == 0 {
			w.clock.Add(time.Second)
		}
	}
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", w.all(ada, invitations.InvitationsParams{Organization: "acme", Email: "ann@example.com"})[0].ID)))
	w.clock.Add(time.Hour)
	w.invite(ada, "acme", "ann@example.com", "admin") // two of one address, the newer one first
	whole = w.all(ada, invitations.InvitationsParams{Organization: "acme"})
	for _, part := range []string{
		"a", "an", "Ann", "NN@", "ann@example.com", "ann@example.com.", "a_", "a%", "%", "_", "10", "00%", "@xn--", "z@b\u00fc", "z", "nn", "@", "*", `\`,
		"EXAMPLE.org", "lee@", ".com", "com.",
	} {
		var want []invitations.Invitation
		for _, inv := range whole {
			if inv.Email != "" && strings.Contains(inv.Email, strings.ToLower(part)) {
				want = append(want, inv)
			}
		}
		for _, limit := range []int{1, 3, 100} {
			w.equal(fmt.Sprintf("%q, %d a page", part, limit), w.all(ada, invitations.InvitationsParams{Organization: "acme", EmailContains: part, Limit: limit}), want)
		}
	}
	found := w.all(ada, invitations.InvitationsParams{Organization: "acme", EmailContains: "ann", States: []invitations.State{invitations.StatePending}, Role: "admin", Limit: 1})
	w.equal("with other filters", len(found), 1)
	for name, p := range map[string]invitations.InvitationsParams{
		"with an address":     {Organization: "acme", EmailContains: "a", Email: "ann@example.com"},
		"in no organization":  {EmailContains: "a"},
		"a control character": {Organization: "acme", EmailContains: "a\x00"},
		"too long":            {Organization: "acme", EmailContains: strings.Repeat("a", 255)},
		"not UTF-8":           {Organization: "acme", EmailContains: "a\xff"},
	} {
		_, err := w.svc.Invitations(w.ctx, invitations.System(), p)
		w.refusal(name, err, invitations.ErrInvalid)
	}
	w.refused(second(w.svc.Invitations(w.ctx, invitations.User("eve"), invitations.InvitationsParams{Organization: "acme", EmailContains: "ann"})), denied)
}

// storySupport: the host finds every invitation for an address, in all organizations and states.
// Nobody else can.
func storySupport(w *world) {
	var want []invitations.Invitation
	add := func(sent invitations.SentInvitation) invitations.SentInvitation {
		want = append([]invitations.Invitation{sent.Invitation}, want...)
		w.clock.Add(time.Second)
		return sent
	}
	organizations := []string{"acme", "zeta", "beta", "gone"}
	for _, o := range organizations {
		w.found(o, "ada")
		w.invite(ada, o, "joe@example.com", "viewer")
		if o != "gone" {
			add(w.invite(ada, o, "ann@example.com", "viewer"))
		} else {
			w.invite(ada, o, "ann@example.com", "viewer")
		}
	}
	w.clock.Add(8 * day)
	for _, end := range []func(sent invitations.SentInvitation) error{
		func(sent invitations.SentInvitation) error { return w.svc.Decline(w.ctx, sent.Token.Reveal()) },
		func(sent invitations.SentInvitation) error {
			return second(w.svc.Revoke(w.ctx, ada, sent.Organization, sent.ID))
		},
		func(sent invitations.SentInvitation) error {
			return second(w.svc.Accept(w.ctx, sent.Token.Reveal(), annID))
		},
		func(invitations.SentInvitation) error { return nil },
	} {
		for _, o := range organizations[:2] {
			sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: o, Email: "ann@example.com", Role: "admin"})
			w.ok(err)
			w.ok(end(add(sent)))
		}
	}
	w.ok(w.svc.DeleteOrganization(w.ctx, ada, "gone"))
	for i, inv := range want { // as they are now
		want[i] = w.get(invitations.SentInvitation{Invitation: inv})
	}
	pick := func(states ...invitations.State) (some []invitations.Invitation) {
		for _, inv := range want {
			if len(states) == 0 || slices.Contains(states, inv.State) {
				some = append(some, inv)
			}
		}
		return some
	}
	for _, states := range [][]invitations.State{
		nil, {invitations.StatePending}, {invitations.StateExpired}, {invitations.StatePending, invitations.StateExpired},
		{invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked},
	} {
		for _, limit := range []int{1, 3, 100} {
			got := w.all(invitations.System(), invitations.InvitationsParams{Email: "Ann@Example.com", States: states, Limit: limit})
			w.equal(fmt.Sprintf("%v, %d a page", states, limit), got, pick(states...))
		}
	}
	w.equal("of an address without any", w.all(invitations.System(), invitations.InvitationsParams{Email: "nobody@example.com"}), nil)
	for name, c := range map[string]struct {
		actor invitations.Actor
		p     invitations.InvitationsParams
	}{
		"an owner":   {ada, invitations.InvitationsParams{Email: "ann@example.com"}},
		"nobody":     {invitations.Actor{}, invitations.InvitationsParams{Email: "ann@example.com"}},
		"no address": {invitations.System(), invitations.InvitationsParams{}},
		"by kind":    {invitations.System(), invitations.InvitationsParams{Email: "ann@example.com", Kind: invitations.KindEmail}},
		"by role":    {invitations.System(), invitations.InvitationsParams{Email: "ann@example.com", Role: "admin"}},
		"by sender":  {invitations.System(), invitations.InvitationsParams{Email: "ann@example.com", SentBy: "ada"}},
		"not one":    {invitations.System(), invitations.InvitationsParams{Email: "ann@example.com,joe@example.com"}},
		"by a part":  {invitations.System(), invitations.InvitationsParams{EmailContains: "ann"}},
	} {
		list, err := w.svc.Invitations(w.ctx, c.actor, c.p)
		w.refusal(name, err, invitations.ErrInvalid)
		w.equal("what is shown", len(list.Items), 0)
	}
}

// storyTimelineFilters: the filters of a timeline apply together, in both directions.
func storyTimelineFilters(w *world) {
	w.campaign()
	whole := w.state("acme").Events.Items
	mail := w.all(ada, invitations.InvitationsParams{Organization: "acme", Email: "pending-a@example.com"})[0]
	w.edit(bob, invitations.SentInvitation{Invitation: mail}, invitations.EditParams{Role: "admin"})
	whole = append(whole, w.lastEvent("acme"))
	middle := whole[len(whole)/2].At
	types := [][]invitations.EventType{
		nil, {invitations.EventInvitationCreated}, {invitations.EventMemberJoined, invitations.EventInvitationAccepted, invitations.EventMemberJoined},
		{invitations.EventLimitsChanged},
	}
	n := 0
	for _, actor := range []string{"", "ada", "bob", "nobody"} {
		for i, kinds := range types {
			for _, period := range [][2]time.Time{{}, {middle, {}}, {{}, middle}, {start, middle.Add(time.Microsecond)}, {middle, middle.Add(time.Microsecond)}} {
				n++
				p := invitations.TimelineParams{
					Organization: "acme", Actor: actor, Types: kinds, From: period[0], To: period[1], Limit: 1 + n%7, NewestFirst: n%2 == 0,
				}
				if i == 1 && n%3 == 0 {
					p.Invitation = mail.ID
				}
				var want []invitations.Event
				for _, e := range whole {
					if (actor == "" || e.Actor == actor) && (len(kinds) == 0 || slices.Contains(kinds, e.Type)) && !e.At.Before(p.From) &&
						(p.To.IsZero() || e.At.Before(p.To)) && (p.Invitation == uuid.Nil || p.Invitation == e.InvitationID) {
						want = append(want, e)
					}
				}
				if p.NewestFirst {
					slices.Reverse(want)
				}
				w.equal(fmt.Sprintf("%+v", p), w.timeline(bob, p), want)
			}
		}
	}
	for name, p := range map[string]invitations.TimelineParams{
		"an unknown type":     {Types: []invitations.EventType{invitations.EventMemberLeft, "member.lost"}},
		"a control character": {Actor: "a\x00"},
		"the end first":       {From: middle, To: middle},
	} {
		p.Organization = "acme"
		_, err := w.svc.Timeline(w.ctx, bob, p)
		w.refusal(name, err, invitations.ErrInvalid)
	}
	w.refused(second(w.svc.Timeline(w.ctx, invitations.User("kim"), invitations.TimelineParams{Organization: "acme", Actor: "kim"})), denied)
}

// storyNewCursors: a cursor of one kind of list is refused by another kind. Where two lists share
// a kind, it is only a position.
func storyNewCursors(w *world) {
	w.campaign()
	acme := invitations.InOrganization("acme")
	for _, user := range []string{"ada", "dev"} {
		w.setQuota(ada, "acme", user, invitations.NoLimit, invitations.PeriodDay)
		w.ok(second(w.svc.Consume(w.ctx, acme, user, 1)))
	}
	lists := map[string]func(cursor string) (string, error){
		"invitations": func(c string) (string, error) {
			list, err := w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", Limit: 1, Cursor: c})
			return list.NextCursor, err
		},
		"everywhere": func(c string) (string, error) {
			list, err := w.svc.Invitations(w.ctx, invitations.System(), invitations.InvitationsParams{Email: "pending-a@example.com", Limit: 1, Cursor: c})
			return list.NextCursor, err
		},
		"usage": func(c string) (string, error) {
			u, err := w.svc.Usage(w.ctx, ada, invitations.UsageParams{Organization: "acme", Period: invitations.PeriodDay, Limit: 1, Cursor: c})
			return u.NextCursor, err
		},
		"timeline": func(c string) (string, error) {
			list, err := w.svc.Timeline(w.ctx, ada, invitations.TimelineParams{Organization: "acme", Actor: "ada", Limit: 1, Cursor: c})
			return list.NextCursor, err
		},
		"members": func(c string) (string, error) {
			list, err := w.svc.Members(w.ctx, ada, invitations.MembersParams{Organization: "acme", Balances: true, Limit: 1, Cursor: c})
			return list.NextCursor, err
		},
	}
	for from, list := range lists {
		cursor, err := list("")
		w.ok(err)
		if cursor == "" {
			w.Fatalf("%s: there is no next page", from)
		}
		for to, other := range lists {
			if _, err := other(cursor); from == to {
				w.ok(err)
			} else {
				w.refusal("a cursor of "+from+" in "+to, err, invitations.ErrInvalid)
			}
		}
		for i := range len(cursor) {
			for _, forged := range []string{cursor[:i] + "\n" + cursor[i:], cursor[:i] + "'" + cursor[i+1:], cursor + cursor[i:]} {
				_, err := list(forged)
				w.refusal(from, err, invitations.ErrInvalid)
			}
		}
	}
}
