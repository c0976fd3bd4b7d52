package behaviour

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-invitations/invitations"
)

var planStories = []check{
	{"LimitsAreTheHosts", storySetLimits},
	{"MemberLimitLoweredAndRaised", storyPlanSeats},
	{"SeatlessRoles", storySeatless},
	{"PendingLimitOfAnOrganization", storyPlanPending},
	{"Class32_LinksCanBeSwitchedOff", storyNoLinks},
	{"Class05_DomainsOfAnOrganization", storyPlanDomains},
	{"ExpiryOfAnOrganization", storyPlanExpiry},
	{"OverviewIsARecount", storyOverview},
}

func (w *world) limit(organization string, limits invitations.Limits) {
	w.Helper()
	w.ok(w.svc.SetLimits(w.ctx, invitations.System(), organization, limits))
}

// overview returns the overview without the organization's own limits, which it compares with the
// facts.
func (w *world) overview(actor invitations.Actor, organization string) invitations.Overview {
	w.Helper()
	o, err := w.svc.Overview(w.ctx, actor, organization)
	w.ok(err)
	w.equal("the organization's own limits", o.OwnLimits, w.view(invitations.Query{Organization: organization}).Limits)
	o.OwnLimits = invitations.Limits{}
	return o
}

// storySetLimits: only the host sets limits. They are kept in canonical form, hold in their
// organization only, and a zero field means the configuration's.
func storySetLimits(w *world) {
	w.company()
	version := w.version("acme")
	given := invitations.Limits{
		Members: 7, Pending: 3, SeatlessRoles: []invitations.Role{"viewer", "billing", "viewer"}, NoLinks: true,
		AllowedDomains: []string{"Corp.example", "b\u00fccher.example", "corp.example"}, Expiry: 2*day + time.Nanosecond,
	}
	want := invitations.Limits{
		Members: 7, Pending: 3, SeatlessRoles: []invitations.Role{"billing", "viewer"}, NoLinks: true,
		AllowedDomains: []string{"corp.example", "xn--bcher-kva.example"}, Expiry: 2 * day,
	}
	w.limit("acme", given)
	given.SeatlessRoles[0], given.AllowedDomains[0] = "owner", "changed.by.the.caller"
	w.equal("the limits in force", w.overview(ada, "acme").Limits, want)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{{Version: version + 1, Type: invitations.EventLimitsChanged, Limits: &want}})
	w.equal("those of the other", w.overview(ada, "zeta").Limits, invitations.Limits{Members: invitations.NoLimit, Pending: 10, Expiry: 7 * day})
	w.unchanged("refused, or the same again", func() {
		w.limit("acme", want)
		for name, c := range map[string]struct {
			actor        invitations.Actor
			organization string
			limits       invitations.Limits
			want         error
		}{
			"an owner":                  {ada, "acme", invitations.Limits{}, denied},
			"an admin, a higher limit":  {bob, "acme", invitations.Limits{Members: 100}, denied},
			"a stranger":                {invitations.User("eve"), "acme", invitations.Limits{}, denied},
			"a stranger, elsewhere":     {invitations.User("eve"), "none", invitations.Limits{}, denied},
			"nobody":                    {invitations.Actor{}, "acme", invitations.Limits{}, invitations.ErrInvalid},
			"no organization":           {invitations.System(), "", invitations.Limits{}, invitations.ErrInvalid},
			"in no organization":        {invitations.System(), "none", invitations.Limits{}, notFound},
			"members below NoLimit":     {invitations.System(), "acme", invitations.Limits{Members: -2}, invitations.ErrInvalid},
			"too many members":          {invitations.System(), "acme", invitations.Limits{Members: 100_001}, invitations.ErrInvalid},
			"no limit of the pending":   {invitations.System(), "acme", invitations.Limits{Pending: invitations.NoLimit}, invitations.ErrInvalid},
			"an unknown role":           {invitations.System(), "acme", invitations.Limits{SeatlessRoles: []invitations.Role{"superuser"}}, invitations.ErrInvalid},
			"no domain":                 {invitations.System(), "acme", invitations.Limits{AllowedDomains: []string{"@corp.example"}}, invitations.ErrInvalid},
			"too short a life":          {invitations.System(), "acme", invitations.Limits{Expiry: time.Hour}, invitations.ErrInvalid},
			"too long a life":           {invitations.System(), "acme", invitations.Limits{Expiry: 31 * day}, invitations.ErrInvalid},
			"a member of the other one": {invitations.User("kim"), "acme", invitations.Limits{}, denied},
		} {
			w.refusal(name, w.svc.SetLimits(w.ctx, c.actor, c.organization, c.limits), c.want)
		}
	})
	// The configuration of the program counts where the organization has none.
	program := w.with(invitations.Config{MemberLimit: 50, PendingLimit: 20, Expiry: 3 * day})
	program.limit("acme", invitations.Limits{NoLinks: true})
	w.equal("in force", program.overview(ada, "acme").Limits, invitations.Limits{Members: 50, Pending: 20, NoLinks: true, Expiry: 3 * day})
	program.limit("acme", invitations.Limits{Members: invitations.NoLimit, Pending: 30})
	w.equal("in force", program.overview(ada, "acme").Limits, invitations.Limits{Members: invitations.NoLimit, Pending: 30, Expiry: 3 * day})
	program.limit("acme", invitations.Limits{})
	w.equal("the organization's own", w.view(invitations.Query{Organization: "acme"}).Limits, invitations.Limits{})
	w.explained("acme")
}

// storyPlanSeats: a limit that is lowered removes nobody and refuses everybody new. When it is
// raised, they get in at once.
func storyPlanSeats(w *world) {
	w = w.with(invitations.Config{MemberLimit: 5, PendingLimit: 20})
	w.company() // four members
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	mail, late := w.invite(ada, "acme", "ann@example.com", "viewer"), w.invite(ada, "acme", "late@example.com", "viewer")
	elsewhere := w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	w.limit("acme", invitations.Limits{Members: 2})
	full := func(limit, members int) {
		w.Helper()
		w.unchanged("full", func() {
			w.seats(second(w.svc.Accept(w.ctx, link.Token.Reveal(), invitations.Identity{UserID: "x"})), limit, members, 0)
			w.seats(second(w.svc.Accept(w.ctx, late.Token.Reveal(), person("late", "late@example.com"))), limit, members, 0)
			w.seats(second(w.svc.AcceptReceived(w.ctx, "acme", late.ID, person("late", "late@example.com"))), limit, members, 0)
			w.seats(second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "viewer"})), limit, members, 0)
		})
	}
	full(2, 2) // counted no further than the limit
	for _, user := range []string{"ada", "bob", "dev", "kim"} {
		w.holds("acme", user, invitations.PermissionMemberList, true)
	}
	w.changeRole(ada, "acme", "kim", "developer") // takes no seat more
	w.leave("acme", "kim")
	full(2, 2)
	w.accept(elsewhere, invitations.Identity{UserID: "x"}) // the program's limit
	w.acceptRefused(elsewhere, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
	w.limit("acme", invitations.Limits{Members: 4})
	w.accept(mail, annID)
	full(4, 4)
	w.limit("acme", invitations.Limits{}) // the program's again
	w.accept(link, invitations.Identity{UserID: "x"})
	w.acceptRefused(link, invitations.Identity{UserID: "y"}, invitations.ErrMemberLimit)
	w.limit("acme", invitations.Limits{Members: invitations.NoLimit})
	for _, user := range []string{"y", "z", "kim", "joe"} {
		w.accept(link, invitations.Identity{UserID: user})
	}
	w.equal("the overview", []int{w.overview(ada, "acme").Members, w.overview(ada, "acme").SeatsFree}, []int{9, invitations.NoLimit})
	w.explained("acme")
}

// storySeatless: members with a role without a seat take none. Another role needs a free one.
func storySeatless(w *world) {
	w = w.with(invitations.Config{ReserveSeats: true, PendingLimit: 20})
	w.company() // an owner, an admin, a developer and a viewer
	w.limit("acme", invitations.Limits{Members: 4, SeatlessRoles: []invitations.Role{"viewer", "billing"}})
	viewers := w.link(invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	admins := w.link(invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "admin"})
	low := w.invite(ada, "acme", "low@example.com", "viewer")
	high := w.invite(ada, "acme", "high@example.com", "admin") // the last seat
	w.refused(second(w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "x@example.com", Role: "admin"})), invitations.ErrMemberLimit)
	for _, user := range []string{"x", "y", "z"} {
		w.accept(viewers, invitations.Identity{UserID: user})
	}
	w.unchanged("without a free seat", func() {
		w.seats(second(w.svc.Accept(w.ctx, admins.Token.Reveal(), invitations.Identity{UserID: "eve"})), 4, 3, 1)
		w.seats(second(w.svc.Accept(w.ctx, admins.Token.Reveal(), person("low", "low@example.com"))), 4, 3, 1) // a reservation for no seat is none
		for _, role := range []invitations.Role{"developer", "admin", "owner"} {
			_, err := w.svc.ChangeRole(w.ctx, ada, invitations.ChangeRoleParams{Organization: "acme", UserID: "x", Role: role})
			w.seats(err, 4, 3, 1)
		}
		w.seats(second(w.svc.Edit(w.ctx, ada, invitations.EditParams{Organization: "acme", ID: low.ID, Role: "admin"})), 4, 3, 1)
		// The heir needs a seat, unless the former owner gives theirs up.
		_, err := w.svc.TransferOwnership(w.ctx, ada, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "kim", Role: "admin"})
		w.seats(err, 4, 3, 1)
	})
	w.changeRole(ada, "acme", "x", "billing") // still none
	w.accept(high, person("high", "high@example.com"))
	w.accept(low, person("low", "low@example.com"))
	w.transfer(ada, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "kim", Role: "viewer"})
	w.equal("the overview", w.overview(ada, "acme"), invitations.Overview{
		Members: 9, SeatsTaken: 4, PendingLinks: 2,
		Limits: invitations.Limits{Members: 4, Pending: 20, SeatlessRoles: []invitations.Role{"billing", "viewer"}, Expiry: 7 * day},
	})
	w.seats(second(w.svc.ChangeRole(w.ctx, invitations.User("kim"), invitations.ChangeRoleParams{Organization: "acme", UserID: "ada", Role: "admin"})), 4, 4, 0)
	w.changeRole(invitations.User("kim"), "acme", "dev", "viewer") // frees one
	w.changeRole(invitations.User("kim"), "acme", "ada", "admin")
	w.seats(second(w.svc.ChangeRole(w.ctx, invitations.User("kim"), invitations.ChangeRoleParams{Organization: "acme", UserID: "dev", Role: "admin"})), 4, 4, 0)
	// When every role takes a seat, nobody loses theirs, and nobody gets a new one.
	w.limit("acme", invitations.Limits{Members: 4})
	w.acceptRefused(viewers, invitations.Identity{UserID: "eve"}, invitations.ErrMemberLimit)
	w.changeRole(invitations.User("kim"), "acme", "dev", "admin")
	w.equal("seats", []int{w.overview(bob, "acme").SeatsTaken, w.overview(bob, "acme").SeatsFree}, []int{9, 0})
	w.explained("acme")
}

func storyPlanPending(w *world) {
	w = w.with(invitations.Config{PendingLimit: 3})
	w.company()
	full := func(limit, pending int) {
		w.Helper()
		w.unchanged("at the limit", func() {
			for _, err := range []error{
				second(w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "more@example.com", Role: "viewer"})),
				second(w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})),
				w.inviteAll(ada, "acme", row("more@example.com"))[0].Err,
			} {
				var much *invitations.PendingLimitError
				if !errors.As(err, &much) || *much != (invitations.PendingLimitError{Limit: limit, Pending: pending}) {
					w.Errorf("got error %v with %+v", err, much)
				}
				w.refused(err, invitations.ErrPendingLimit)
			}
		})
	}
	w.limit("acme", invitations.Limits{Pending: 5})
	sent := w.invite(ada, "acme", "p0@example.com", "viewer")
	for n := range 4 {
		w.invite(ada, "acme", fmt.Sprintf("q%d@example.com", n), "viewer")
	}
	full(5, 5)
	for n := range 3 {
		w.invite(ada, "zeta", fmt.Sprintf("p%d@example.com", n), "viewer")
	}
	w.refused(second(w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})), invitations.ErrPendingLimit)
	w.limit("acme", invitations.Limits{Pending: 2}) // ends no invitation
	full(2, 2)
	sent = w.resend(ada, sent) // has its place
	w.accept(sent, person("p0", "p0@example.com"))
	full(2, 2)
	w.limit("acme", invitations.Limits{}) // the program's
	full(3, 3)
	w.clock.Add(7 * day) // all have expired
	w.invite(ada, "acme", "p0@example.com", "viewer")
	w.explained("acme")
}

// storyNoLinks: where links are not allowed, none is made, resent or revealed, and none that
// exists admits anybody. Mail goes on, and so does everything when links are allowed again.
func storyNoLinks(w *world) {
	w.company()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(link, invitations.Identity{UserID: "x"})
	w.limit("acme", invitations.Limits{NoLinks: true})
	token := link.Token.Reveal()
	who := person("joe", "joe@example.com")
	w.unchanged("not allowed", func() {
		for name, err := range map[string]error{
			"create":  second(w.svc.CreateLink(w.ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})),
			"host":    second(w.svc.CreateLink(w.ctx, invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})),
			"resend":  second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: link.ID})),
			"token":   second(w.svc.PendingToken(w.ctx, ada, "acme", link.ID)),
			"lookup":  second(w.svc.Lookup(w.ctx, token)),
			"accept":  second(w.svc.Accept(w.ctx, token, who)),
			"without": second(w.svc.Accept(w.ctx, token, invitations.Identity{UserID: "joe"})),
		} {
			w.refusal(name, err, invitations.ErrLinksNotAllowed)
		}
		for _, v := range []invitations.Visitor{{}, {Identity: who}} {
			w.refused(w.next(link, v, invitations.StepStop).Reason, invitations.ErrLinksNotAllowed)
		}
		w.accept(link, invitations.Identity{UserID: "x"}) // a replay
	})
	w.equal("it is listed", w.get(link).State, invitations.StatePending)
	w.equal("and counted", w.overview(ada, "acme").PendingLinks, 1)
	w.edit(ada, link, invitations.EditParams{ExpiresIn: 20 * day})
	w.accept(w.resend(ada, mail), annID)
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"}), who)
	w.limit("acme", invitations.Limits{})
	w.accept(link, who) // the token that was sent
	w.limit("acme", invitations.Limits{NoLinks: true})
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", link.ID)))
	w.explained("acme")
}

// storyPlanDomains: nobody outside the domains of an organization is invited or accepts, by any
// invitation. Members stay, and the host may add others.
func storyPlanDomains(w *world) {
	w.company()
	old := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	narrow := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", AllowedDomains: []string{"lab.example", "example.com"}})
	w.limit("acme", invitations.Limits{AllowedDomains: []string{"Corp.example", "lab.example"}})
	w.unchanged("other domains", func() {
		for _, email := range []string{"ann@example.com", "x@sub.corp.example", "x@notcorp.example", "x@corp.example.evil.example", "corp.example@evil.example"} {
			who := person("joe", email)
			for _, actor := range []invitations.Actor{ada, invitations.System()} {
				_, err := w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: "acme", Email: email, Role: "viewer"})
				w.refusal("invite "+email, err, invitations.ErrDomainNotAllowed)
			}
			w.refusal("bulk "+email, w.inviteAll(ada, "acme", row(email))[0].Err, invitations.ErrDomainNotAllowed)
			for _, sent := range []invitations.SentInvitation{link, narrow} {
				w.refusal("link "+email, second(w.svc.Accept(w.ctx, sent.Token.Reveal(), who)), invitations.ErrDomainNotAllowed)
				w.next(sent, invitations.Visitor{Identity: who}, invitations.StepSwitchAccount)
			}
		}
		for name, err := range map[string]error{
			"lookup":      second(w.svc.Lookup(w.ctx, old.Token.Reveal())),
			"accept":      second(w.svc.Accept(w.ctx, old.Token.Reveal(), annID)),
			"received":    second(w.svc.AcceptReceived(w.ctx, "acme", old.ID, annID)),
			"resend":      second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: old.ID})),
			"token":       second(w.svc.PendingToken(w.ctx, ada, "acme", old.ID)),
			"no address":  second(w.svc.Accept(w.ctx, link.Token.Reveal(), invitations.Identity{UserID: "joe"})),
			"not of both": second(w.svc.Accept(w.ctx, narrow.Token.Reveal(), person("joe", "joe@corp.example"))),
		} {
			w.refusal(name, err, invitations.ErrDomainNotAllowed)
		}
		w.next(old, invitations.Visitor{Identity: annID}, invitations.StepStop) // another account would not help
		w.refused(second(w.svc.Accept(w.ctx, link.Token.Reveal(), invitations.Identity{UserID: "joe", Email: "joe@corp.example"})), invitations.ErrEmailUnverified)
	})
	w.accept(link, person("joe", "joe@CORP.example"))
	w.accept(narrow, person("x", "x@lab.example"))
	w.accept(w.invite(ada, "acme", "y@corp.example", "viewer"), person("y", "y@corp.example"))
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.ok(second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: "z", Role: "viewer", Email: "z@example.com"})))
	w.holds("acme", "kim", invitations.PermissionMemberList, true)
	w.ok(w.svc.Decline(w.ctx, old.Token.Reveal()))
	w.limit("acme", invitations.Limits{})
	w.accept(w.invite(ada, "acme", "ann@example.com", "viewer"), annID)
	w.explained("acme")
}

func storyPlanExpiry(w *world) {
	w.company()
	lives := func(what string, inv invitations.Invitation, want time.Duration) {
		w.Helper()
		w.equal(what, inv.ExpiresAt, w.clock.Now().Add(want))
	}
	before := w.invite(ada, "acme", "p0@example.com", "viewer")
	w.limit("acme", invitations.Limits{Expiry: 2 * day})
	lives("one that was sent before", w.get(before), 7*day)
	mail := w.invite(ada, "acme", "p1@example.com", "viewer")
	lives("mail", mail.Invitation, 2*day)
	lives("a link", w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}).Invitation, 2*day)
	lives("a row", w.inviteAll(ada, "acme", row("p2@example.com"))[0].Invitation.Invitation, 2*day)
	lives("of the other organization", w.invite(ada, "zeta", "p1@example.com", "viewer").Invitation, 7*day)
	own, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "p3@example.com", Role: "viewer", ExpiresIn: 3 * day})
	w.ok(err)
	lives("its own", own.Invitation, 3*day)
	w.clock.Add(time.Hour)
	lives("resent, as before", w.resend(ada, before).Invitation, 7*day)
	// The bounds of the program count, even if they have become narrower.
	narrow := w.with(invitations.Config{MinExpiry: 3 * day})
	lives("within the bounds", narrow.invite(ada, "acme", "p4@example.com", "viewer").Invitation, 3*day)
	w.clock.Add(2*day - time.Hour)
	w.acceptRefused(mail, person("x", "p1@example.com"), invitations.ErrExpired)
	// A repetition with an ID is the same call, under other limits too.
	p := invitations.InviteParams{Organization: "acme", Email: "p5@example.com", Role: "viewer", ID: id(1)}
	first, err := w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	w.limit("acme", invitations.Limits{Expiry: 9 * day})
	again, err := w.svc.Invite(w.ctx, ada, p)
	w.ok(err)
	w.equal("again", []any{again.Repeated, again.Invitation}, []any{true, first.Invitation})
}

// storyOverview: the numbers are those of a recount of the lists, exact and of one instant.
func storyOverview(w *world) {
	w = w.with(invitations.Config{PendingLimit: 30, ReserveSeats: true})
	w.company()
	w.limit("acme", invitations.Limits{Members: 12, SeatlessRoles: []invitations.Role{"viewer"}})
	recount := func() {
		w.Helper()
		o := w.overview(invitations.User("kim"), "acme")
		want := invitations.Overview{Limits: o.Limits}
		for m, err := range w.svc.AllMembers(w.ctx, ada, invitations.MembersParams{Organization: "acme", Limit: 2}) {
			w.ok(err)
			if want.Members++; m.Role != "viewer" {
				want.SeatsTaken++
			}
		}
		for inv, err := range w.svc.AllInvitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", States: []invitations.State{invitations.StatePending}}) {
			w.ok(err)
			switch {
			case inv.Kind == invitations.KindLink:
				want.PendingLinks++
			default:
				if want.PendingEmails++; inv.Role != "viewer" {
					want.SeatsReserved++
				}
			}
		}
		want.SeatsFree = max(0, want.Limits.Members-want.SeatsTaken-want.SeatsReserved)
		w.equal("the overview", o, want)
	}
	recount()
	for n, role := range []invitations.Role{"viewer", "developer", "admin", "viewer", "admin"} {
		w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", n), role)
		w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: role})
		w.invite(ada, "zeta", fmt.Sprintf("p%d@example.com", n), role)
	}
	recount()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	w.accept(link, person("p0", "p0@example.com"))
	w.clock.Add(time.Hour)
	ann := w.invite(ada, "acme", "ann@example.com", "admin")
	recount()
	w.limit("acme", invitations.Limits{Members: 3, SeatlessRoles: []invitations.Role{"viewer"}}) // less than there are
	recount()
	w.clock.Add(7*day - time.Hour) // only the invitation of ann is pending
	recount()
	w.equal("reserved", w.overview(ada, "acme").SeatsReserved, 1)
	w.limit("acme", invitations.Limits{Members: 4, SeatlessRoles: []invitations.Role{"viewer"}})
	w.accept(ann, annID)
	recount()
	plain := w.with(invitations.Config{PendingLimit: 30, MemberLimit: 9}) // reserves none
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.equal("without reserved seats", plain.overview(ada, "zeta"), invitations.Overview{
		Members: 4, SeatsTaken: 4, SeatsFree: 5, PendingEmails: 1, Limits: invitations.Limits{Members: 9, Pending: 30, Expiry: 7 * day},
	})
	for actor, want := range map[invitations.Actor]error{
		invitations.User("eve"): denied, invitations.User("kim"): nil, invitations.System(): nil, {}: invitations.ErrInvalid,
	} {
		o, err := w.svc.Overview(w.ctx, actor, "acme")
		w.refusal("the overview", err, want)
		w.equal("members that are shown", o.Members > 0, want == nil)
	}
	w.refused(second(w.svc.Overview(w.ctx, invitations.System(), "none")), notFound)
	w.refused(second(w.svc.Overview(w.ctx, ada, "none")), denied)
}
