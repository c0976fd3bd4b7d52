package behaviour

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// faultStories are situations in which other invitation systems leave people stuck.
var faultStories = []check{
	{"Class29_AReservedSeatIsAPromise", storyPromisedSeats},
	{"JoiningEndsTheInvitationOfTheSamePerson", storyJoiningEndsMail},
	{"InvitationForALostRole", storyLostRole},
	{"EventsTellTheChange", storyEventsTell},
	{"AuthorizeRefusesAMisspeltPermission", storyMisspeltPermission},
}

// seats fails the check unless err is a MemberLimitError with these numbers.
func (w *world) seats(err error, limit, members, reserved int) {
	w.Helper()
	var full *invitations.MemberLimitError
	if !errors.As(err, &full) {
		w.Fatalf("got error %v, want one of the member limit", err)
	}
	w.equal("the numbers of the limit", *full, invitations.MemberLimitError{Limit: limit, Members: members, Reserved: reserved})
	w.refused(err, invitations.ErrMemberLimit)
}

// storyPromisedSeats: a limit that is lowered below members and reservations admits the holders of
// reserved seats, in the order in which they come, up to the limit. It admits nobody else.
func storyPromisedSeats(w *world) {
	w = w.with(invitations.Config{MemberLimit: 11, ReserveSeats: true})
	w.found("acme", "ada")
	w.found("zeta", "ada")
	var mails []invitations.SentInvitation
	for n := range 10 {
		mails = append(mails, w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", n), "viewer"))
	}
	link := w.link(invitations.System(), invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	w = w.with(invitations.Config{MemberLimit: 10, ReserveSeats: true, PendingLimit: 20})
	p := func(n int) invitations.Identity { return person(fmt.Sprint("p", n), fmt.Sprintf("p%d@example.com", n)) }
	others := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	overfull := func(members int) {
		w.Helper()
		w.unchanged("at the limit", func() {
			w.seats(second(w.svc.Accept(w.ctx, others.Token.Reveal(), person("x", "x@example.com"))), 10, members, 11-members)
			w.seats(second(w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "x@example.com", Role: "viewer"})), 10, members, 11-members)
			w.seats(second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "viewer"})), 10, members, 11-members)
			// An address without proof holds no seat.
			w.refused(second(w.svc.Accept(w.ctx, others.Token.Reveal(), invitations.Identity{UserID: "x", Email: "p9@example.com"})), invitations.ErrMemberLimit)
		})
	}
	overfull(1)
	// The holders come by every way: mail, address, link and addition.
	for n := range 9 {
		who := p(n)
		switch n % 4 {
		case 0:
			w.next(mails[n], invitations.Visitor{Identity: who}, invitations.StepAccept)
			w.accept(mails[n], who)
		case 1:
			w.ok(second(w.svc.AcceptReceived(w.ctx, "acme", mails[n].ID, who)))
		case 2:
			w.accept(others, who)
		default:
			w.ok(second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: who.UserID, Role: "viewer", Email: who.Email})))
		}
		if n < 8 {
			overfull(n + 2)
		}
	}
	// All seats are taken, so the last holder waits until one is free.
	w.unchanged("the last holder", func() {
		w.seats(second(w.svc.Accept(w.ctx, mails[9].Token.Reveal(), p(9))), 10, 10, 1)
		w.next(mails[9], invitations.Visitor{Identity: p(9)}, invitations.StepStop)
	})
	w.leave("acme", "p0")
	w.acceptRefused(others, person("x", "x@example.com"), invitations.ErrMemberLimit)
	w.accept(mails[9], p(9))
	w.accept(link, person("x", "x@example.com")) // the other organization has seats
}

// storyJoiningEndsMail: joining in another way ends the pending email invitation for the verified
// address, with reserved seats and without.
func storyJoiningEndsMail(w *world) {
	for n, config := range []invitations.Config{{}, {MemberLimit: 50}, {MemberLimit: 50, ReserveSeats: true}} {
		config.PendingLimit, config.RemindBefore = 3, 2*day
		w := w.with(config)
		acme, zeta := fmt.Sprint("acme ", n), fmt.Sprint("zeta ", n)
		w.found(acme, "ada")
		w.found(zeta, "ada")
		elsewhere := w.invite(ada, zeta, "ann@example.com", "viewer")
		link := w.link(ada, invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
		other := w.invite(ada, acme, "joe@example.com", "viewer")
		for way, join := range map[string]func(who invitations.Identity) error{
			"a link": func(who invitations.Identity) error { return second(w.svc.Accept(w.ctx, link.Token.Reveal(), who)) },
			"an addition": func(who invitations.Identity) error {
				return second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: acme, UserID: who.UserID, Role: "viewer", Email: who.Email}))
			},
		} {
			mail := w.invite(ada, acme, "ann@example.com", "admin")
			version := w.version(acme)
			w.ok(join(person("ann", "Ann@Example.com")))
			inv := w.get(mail)
			if inv.State != invitations.StateRevoked || !inv.EndedAt.Equal(w.clock.Now()) {
				w.Errorf("by %s: the invitation is %+v", way, inv)
			}
			ends := slices.DeleteFunc(w.happened(acme, version+1), func(e invitations.Event) bool { return e.InvitationID != mail.ID })
			by := map[string]string{"a link": "ann", "an addition": "ada"}[way]
			if len(ends) != 1 || ends[0].Type != invitations.EventInvitationRevoked || ends[0].Reason != "already_member" || ends[0].Actor != by || ends[0].Email != "ann@example.com" {
				w.Errorf("by %s: the invitation ends with %+v", way, ends)
			}
			// It takes no place, is not listed as received, and nobody is reminded of it.
			w.equal("received", w.received(annID, invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(elsewhere)})
			w.leave(acme, "ann")
			w.acceptRefused(mail, annID, invitations.ErrRevoked)
		}
		// An address without proof ends nothing.
		mail := w.invite(ada, acme, "ann@example.com", "admin")
		w.accept(link, invitations.Identity{UserID: "ann", Email: "ann@example.com"})
		w.equal("without proof", w.get(mail).State, invitations.StatePending)
		w.leave(acme, "ann")
		w.accept(link, annID)
		w.clock.Add(6 * day)
		reminders, _ := w.sweepAll(100)
		slices.SortFunc(reminders, compareIDs)
		want := []uuid.UUID{elsewhere.ID, other.ID}
		slices.SortFunc(want, compareIDs)
		w.equal("reminders", reminders, want)
		w.clock.Add(30 * day)
		w.sweepAll(100)
	}
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

// storyLostRole: an invitation for a role that the policy no longer knows counts as one for an
// owner. Owners and the host edit, resend and revoke it. Nobody is blamed but the role.
func storyLostRole(w *world) {
	press := func(writes invitations.Role) *invitations.Policy {
		policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
			"owner": permissions, writes: {invitations.PermissionMemberList},
			"admin": slices.DeleteFunc(slices.Clone(permissions), func(p invitations.Permission) bool {
				return p == invitations.PermissionOrganizationManage
			}),
		})
		w.ok(err)
		return policy
	}
	before := w.with(invitations.Config{Policy: press("author")})
	before.found("acme", "ada")
	before.found("zeta", "ada")
	before.role("acme", "bob", "admin")
	mails := make([]invitations.SentInvitation, 6)
	for n := range mails {
		mails[n] = before.invite(bob, "acme", fmt.Sprintf("p%d@example.com", n), "author")
	}
	link := before.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "author"})
	p := func(n int) invitations.Identity { return person(fmt.Sprint("p", n), fmt.Sprintf("p%d@example.com", n)) }

	w = w.with(invitations.Config{Policy: press("writer")})
	w.clock.Add(time.Hour)
	for _, sent := range append(slices.Clone(mails), link) {
		w.acceptRefused(sent, p(0), invitations.ErrRoleUnknown) // the role, and not the sender
		w.refused(second(w.svc.Lookup(w.ctx, sent.Token.Reveal())), invitations.ErrRoleUnknown)
	}
	w.unchanged("refused", func() {
		w.refused(second(w.svc.AcceptReceived(w.ctx, "acme", mails[0].ID, p(0))), invitations.ErrRoleUnknown)
		for actor, want := range map[invitations.Actor]error{bob: invitations.ErrRoleNotAssignable, ada: invitations.ErrRoleUnknown, invitations.System(): invitations.ErrRoleUnknown} {
			w.refused(second(w.svc.PendingToken(w.ctx, actor, "acme", mails[0].ID)), want)
		}
		// An admin cannot tell that the role is not the owner's.
		w.refused(second(w.svc.Edit(w.ctx, bob, invitations.EditParams{Organization: "acme", ID: mails[0].ID, Role: "writer"})), invitations.ErrRoleNotAssignable)
		w.refused(second(w.svc.Resend(w.ctx, bob, invitations.ResendParams{Organization: "acme", ID: mails[0].ID})), invitations.ErrRoleNotAssignable)
	})
	for n, actor := range []invitations.Actor{invitations.System(), ada} {
		inv := w.edit(actor, mails[n], invitations.EditParams{Role: "writer"})
		w.equal("edited", inv.Role, invitations.Role("writer"))
		w.equal("member", w.accept(mails[n], p(n)).Role, invitations.Role("writer")) // by the token that was sent
	}
	for n, actor := range []invitations.Actor{invitations.System(), ada} {
		again := w.resend(actor, mails[2+n]) // the new token is worth as little
		w.acceptRefused(again, p(2+n), invitations.ErrRoleUnknown)
		w.edit(actor, again, invitations.EditParams{Role: "writer"})
		w.accept(again, p(2+n))
	}
	w.ok(second(w.svc.Revoke(w.ctx, bob, "acme", mails[4].ID))) // gives nothing to anybody
	w.ok(w.svc.Decline(w.ctx, mails[5].Token.Reveal()))
	w.edit(ada, link, invitations.EditParams{Role: "writer"})
	w.accept(link, p(5))
}

// storyEventsTell: the event of an edit names the changes, so no two different edits look alike.
// Events of members have the former role and the inviter.
func storyEventsTell(w *world) {
	w.company()
	domains, none, uses, message := []string{"Corp.example"}, []string{}, 7, "Hello"
	quota, metadata := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}, map[string]string{"team": "blue"}
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", AllowedDomains: domains})
	w.equal("the domains of a new link", w.lastEvent("acme").AllowedDomains, []string{"corp.example"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	for _, c := range []struct {
		p       invitations.EditParams
		mails   bool // also for the email invitation
		changed []string
	}{
		{invitations.EditParams{AllowedDomains: &none}, false, []string{"allowed_domains"}},
		{invitations.EditParams{Message: &message}, true, []string{"message"}},
		{invitations.EditParams{AllowedDomains: &domains}, false, []string{"allowed_domains"}},
		{invitations.EditParams{MaxUses: &uses}, false, []string{"max_uses"}},
		{invitations.EditParams{Quota: &quota}, true, []string{"quota"}},
		{invitations.EditParams{Metadata: &metadata}, true, []string{"metadata"}},
		{invitations.EditParams{ExpiresIn: 9 * day}, true, []string{"expires_at"}},
		{invitations.EditParams{Role: "admin", Message: new(string), ExpiresIn: 10 * day}, true, []string{"role", "message", "expires_at"}},
	} {
		for _, sent := range []invitations.SentInvitation{link, mail} {
			if sent.Kind == invitations.KindEmail && !c.mails {
				continue
			}
			was := w.get(sent)
			inv := w.edit(bob, sent, c.p)
			e := w.lastEvent("acme")
			want := invitations.Event{
				Organization: "acme", Version: e.Version, Type: invitations.EventInvitationEdited, At: w.clock.Now(), Actor: "bob", InvitationID: inv.ID,
				Email: inv.Email, Role: inv.Role, Quota: inv.Quota, MaxUses: inv.MaxUses, ExpiresAt: inv.ExpiresAt, AllowedDomains: inv.AllowedDomains, Changed: c.changed,
				InvitedBy: "bob",
			}
			if was.Role != inv.Role {
				want.FormerRole = was.Role
			}
			w.equal(fmt.Sprint("the edit of ", c.changed), e, want)
		}
	}
	// Every event of an email invitation has the address, and that of a member the inviter.
	mail = w.resend(bob, mail)
	w.accept(mail, annID)
	for _, e := range w.state("acme").Events.Items {
		if e.InvitationID == mail.ID && e.Email != "ann@example.com" {
			w.Errorf("%s has the address %q", e.Type, e.Email)
		}
	}
	w.equal("the inviter", w.eventOf("acme", invitations.EventMemberJoined).InvitedBy, "bob")
	w.changeRole(ada, "acme", "ann", "developer")
	w.equal("the former role", w.lastEvent("acme").FormerRole, invitations.Role("admin"))
	w.transfer(ada, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "kim", Role: "viewer"})
	for _, e := range w.happened("acme", w.version("acme"))[:2] {
		w.equal("the former role of "+e.Subject, e.FormerRole, map[string]invitations.Role{"ada": "owner", "kim": "viewer"}[e.Subject])
	}
}

// lastEvent returns the last event of an organization.
func (w *world) lastEvent(organization string) invitations.Event {
	w.Helper()
	return w.events(invitations.EventQuery{Organization: organization, NewestFirst: true, Limit: 1}).Items[0]
}

// eventOf returns the last event of a type.
func (w *world) eventOf(organization string, what invitations.EventType) invitations.Event {
	w.Helper()
	found := w.events(invitations.EventQuery{Organization: organization, Types: []invitations.EventType{what}, NewestFirst: true, Limit: 1}).Items
	if len(found) == 0 {
		w.Fatalf("there is no event %s", what)
	}
	return found[0]
}

// storyMisspeltPermission: a permission that no role holds is a fault of the program. It does not
// look like a user without rights.
func storyMisspeltPermission(w *world) {
	w.company()
	for _, permission := range []invitations.Permission{"invitation:craete", "Invitation:Create", "invitation:create ", hostsOwn} {
		for _, user := range []string{"ada", "kim", "nobody"} {
			m, err := w.svc.Authorize(w.ctx, "acme", user, permission)
			var invalid *invitations.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "permission" {
				w.Errorf("%s is asked for %q: got error %v", user, permission, err)
			}
			w.equal("the member of a refusal", m, invitations.Member{})
		}
	}
	// A policy that knows the host's own permission makes it valid.
	w = w.with(invitations.Config{Policy: oddPolicy()})
	w.holds("acme", "ada", hostsOwn, true)
	w.holds("acme", "nobody", hostsOwn, false)
}
