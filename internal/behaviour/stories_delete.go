package behaviour

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/go-invitations/invitations"
)

var deleteStories = []check{
	{"Class46_DeletedOrganizationIsWorthNothing", storyDeleted},
	{"Class12_EveryOperationIsTriedOnADeletedOrganization", deletionIsComplete},
	{"DeletionIsToldOnce", storyDeletionTold},
	{"DeletionNeedsTheOwner", storyDeletionRights},
}

// A grave has two organizations with equal content. The first is deleted, the other lives.
type grave struct {
	*world
	dead, live string
	mails      map[string][]invitations.SentInvitation // by organization
	links      map[string]invitations.SentInvitation
}

// A last is an operation on an organization as ada, who owned both, or as the host.
type last struct {
	method string
	// call runs the operation, and returns the values that it shows.
	call func(g *grave, actor invitations.Actor, organization string) (shown any, err error)
	// user and host are the refusals in the deleted organization. Nil means that nothing is shown.
	user, host error
}

var (
	denied   = error(invitations.ErrPermissionDenied)
	notFound = error(invitations.ErrNotFound)
	noToken  = error(invitations.ErrInvalidToken)
)

// done shows whether an operation without a result took place.
func done(err error) (any, error) { return err == nil, err }

// lasts are the operations that concern one organization.
var lasts = []last{
	{"Invite", func(g *grave, a invitations.Actor, o string) (any, error) {
		sent, err := g.svc.Invite(g.ctx, a, invitations.InviteParams{Organization: o, Email: "new@example.com", Role: "viewer"})
		return sent.Token.Reveal(), err
	}, denied, notFound},
	{"InviteAll", func(g *grave, a invitations.Actor, o string) (any, error) {
		outcomes, err := g.svc.InviteAll(g.ctx, a, o, []invitations.InviteParams{row("bulk@example.com")})
		return len(outcomes), err
	}, denied, notFound},
	{"CreateLink", func(g *grave, a invitations.Actor, o string) (any, error) {
		sent, err := g.svc.CreateLink(g.ctx, a, invitations.CreateLinkParams{Organization: o, Role: "viewer"})
		return sent.Token.Reveal(), err
	}, denied, notFound},
	{"Edit", func(g *grave, a invitations.Actor, o string) (any, error) {
		inv, err := g.svc.Edit(g.ctx, a, invitations.EditParams{Organization: o, ID: g.mails[o][0].ID, Role: "admin"})
		return inv.Email, err
	}, denied, notFound},
	{"PendingToken", func(g *grave, a invitations.Actor, o string) (any, error) {
		sent, err := g.svc.PendingToken(g.ctx, a, o, g.mails[o][0].ID)
		return sent.Token.Reveal(), err
	}, denied, notFound},
	{"Resend", func(g *grave, a invitations.Actor, o string) (any, error) {
		sent, err := g.svc.Resend(g.ctx, a, invitations.ResendParams{Organization: o, ID: g.mails[o][1].ID})
		return sent.Token.Reveal(), err
	}, denied, notFound},
	{"Revoke", func(g *grave, a invitations.Actor, o string) (any, error) {
		inv, err := g.svc.Revoke(g.ctx, a, o, g.mails[o][1].ID)
		return inv.Email, err
	}, denied, notFound},
	{"Invitation", func(g *grave, a invitations.Actor, o string) (any, error) {
		inv, err := g.svc.Invitation(g.ctx, a, o, g.mails[o][0].ID)
		return inv.Email, err
	}, denied, notFound},
	{"Invitations", func(g *grave, a invitations.Actor, o string) (any, error) {
		list, err := g.svc.Invitations(g.ctx, a, invitations.InvitationsParams{Organization: o, EmailContains: "p"})
		return len(list.Items), err
	}, denied, nil},
	{"AllInvitations", func(g *grave, a invitations.Actor, o string) (any, error) {
		n := 0
		for _, err := range g.svc.AllInvitations(g.ctx, a, invitations.InvitationsParams{Organization: o}) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}, denied, nil},
	{"Timeline", func(g *grave, a invitations.Actor, o string) (any, error) {
		list, err := g.svc.Timeline(g.ctx, a, invitations.TimelineParams{Organization: o, NewestFirst: true})
		return len(list.Items), err
	}, denied, nil},
	{"AllEvents", func(g *grave, a invitations.Actor, o string) (any, error) {
		n := 0
		for _, err := range g.svc.AllEvents(g.ctx, a, invitations.TimelineParams{Organization: o, Invitation: g.mails[o][0].ID}) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}, denied, nil},
	{"Statistics", func(g *grave, a invitations.Actor, o string) (any, error) {
		s, err := g.svc.Statistics(g.ctx, a, invitations.StatisticsParams{Organization: o})
		return s.Total.Created, err
	}, denied, nil},
	{"Overview", func(g *grave, a invitations.Actor, o string) (any, error) {
		overview, err := g.svc.Overview(g.ctx, a, o)
		return overview.Members, err
	}, denied, notFound},
	{"Members", func(g *grave, a invitations.Actor, o string) (any, error) {
		list, err := g.svc.Members(g.ctx, a, invitations.MembersParams{Organization: o, Balances: true})
		return len(list.Items), err
	}, denied, nil},
	{"AllMembers", func(g *grave, a invitations.Actor, o string) (any, error) {
		n := 0
		for _, err := range g.svc.AllMembers(g.ctx, a, invitations.MembersParams{Organization: o}) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}, denied, nil},
	{"Member", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.Member(g.ctx, o, "ada")
		return m.UserID, err
	}, notFound, notFound},
	{"Authorize", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.Authorize(g.ctx, o, "ada", invitations.PermissionOrganizationUse)
		return m.UserID, err
	}, denied, denied},
	{"Consume", func(g *grave, _ invitations.Actor, o string) (any, error) {
		b, err := g.svc.Consume(g.ctx, invitations.InOrganization(o), "ada", 1)
		return b.Own != nil && b.Shared != nil, err
	}, denied, denied},
	{"Refund", func(g *grave, _ invitations.Actor, o string) (any, error) {
		b, err := g.svc.Refund(g.ctx, invitations.RefundParams{Workspace: invitations.InOrganization(o), UserID: "ada", Amount: 1, At: g.clock.Now()})
		return b.Own != nil || b.Shared != nil, err
	}, nil, nil},
	{"Remaining", func(g *grave, _ invitations.Actor, o string) (any, error) {
		b, err := g.svc.Remaining(g.ctx, invitations.InOrganization(o), "ada")
		return b.Own != nil || b.Shared != nil, err
	}, denied, denied},
	{"Quota", func(g *grave, a invitations.Actor, o string) (any, error) {
		b, err := g.svc.Quota(g.ctx, a, o, "ada")
		return b.Own != nil || b.Shared != nil, err
	}, denied, notFound},
	{"Usage", func(g *grave, a invitations.Actor, o string) (any, error) {
		u, err := g.svc.Usage(g.ctx, a, invitations.UsageParams{Organization: o, Period: invitations.PeriodDay})
		return u.Shared + int64(len(u.Members)), err
	}, denied, nil},
	{"SetQuota", func(g *grave, _ invitations.Actor, o string) (any, error) {
		return done(g.svc.SetQuota(g.ctx, invitations.System(), invitations.SetQuotaParams{Workspace: invitations.InOrganization(o)}))
	}, notFound, notFound},
	{"SetLimits", func(g *grave, _ invitations.Actor, o string) (any, error) {
		return done(g.svc.SetLimits(g.ctx, invitations.System(), o, invitations.Limits{Members: 50}))
	}, notFound, notFound},
	{"SetMetadata", func(g *grave, a invitations.Actor, o string) (any, error) {
		m, err := g.svc.SetMetadata(g.ctx, a, invitations.SetMetadataParams{Organization: o, UserID: "kim", Metadata: map[string]string{"a": "b"}})
		return m.UserID, err
	}, denied, notFound},
	{"ChangeRole", func(g *grave, a invitations.Actor, o string) (any, error) {
		m, err := g.svc.ChangeRole(g.ctx, a, invitations.ChangeRoleParams{Organization: o, UserID: "kim", Role: "admin"})
		return m.UserID, err
	}, denied, notFound},
	{"AddMember", func(g *grave, a invitations.Actor, o string) (any, error) {
		m, err := g.svc.AddMember(g.ctx, a, invitations.AddMemberParams{Organization: o, UserID: "added", Role: "viewer"})
		return m.UserID, err
	}, denied, notFound},
	{"RemoveMember", func(g *grave, a invitations.Actor, o string) (any, error) {
		m, err := g.svc.RemoveMember(g.ctx, a, o, "dev")
		return m.UserID, err
	}, denied, notFound},
	{"Leave", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.Leave(g.ctx, o, "bob")
		return m.UserID, err
	}, notFound, notFound},
	{"Lookup", func(g *grave, _ invitations.Actor, o string) (any, error) {
		offer, err := g.svc.Lookup(g.ctx, g.links[o].Token.Reveal())
		return offer.Organization, err
	}, noToken, noToken},
	{"NextStep", func(g *grave, _ invitations.Actor, o string) (any, error) {
		next, err := g.svc.NextStep(g.ctx, g.links[o].Token.Reveal(), invitations.Visitor{Identity: invitations.Identity{UserID: "ada"}})
		if err == nil && next.Step == invitations.StepStop {
			err = next.Reason
		}
		return next.Organization + next.Offer.Organization, err
	}, noToken, noToken},
	{"Accept", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.Accept(g.ctx, g.links[o].Token.Reveal(), invitations.Identity{UserID: "x"})
		return m.UserID, err
	}, noToken, noToken},
	{"AcceptReceived", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.AcceptReceived(g.ctx, o, g.mails[o][2].ID, person("p2", "p2@example.com"))
		return m.UserID, err
	}, notFound, notFound},
	{"Decline", func(g *grave, _ invitations.Actor, o string) (any, error) {
		return done(g.svc.Decline(g.ctx, g.mails[o][3].Token.Reveal()))
	}, noToken, noToken},
	{"DeclineReceived", func(g *grave, _ invitations.Actor, o string) (any, error) {
		return done(g.svc.DeclineReceived(g.ctx, o, g.mails[o][4].ID, person("p4", "p4@example.com")))
	}, notFound, notFound},
	{"CreateOrganization", func(g *grave, _ invitations.Actor, o string) (any, error) {
		m, err := g.svc.CreateOrganization(g.ctx, o, "ada") // the founder's own call again
		return m.UserID, err
	}, invitations.ErrConflict, invitations.ErrConflict},
	{"Received", func(g *grave, _ invitations.Actor, o string) (any, error) {
		list, err := g.svc.Received(g.ctx, person("p5", "p5@example.com"), invitations.ReceivedParams{})
		return slices.ContainsFunc(list.Items, func(offer invitations.Offer) bool { return offer.Organization == o }), err
	}, nil, nil},
	{"Workspaces", func(g *grave, _ invitations.Actor, o string) (any, error) {
		list, err := g.svc.Workspaces(g.ctx, invitations.WorkspacesParams{UserID: "ada"})
		return slices.ContainsFunc(list.Organizations, func(w invitations.OrganizationWorkspace) bool { return w.ID == o }), err
	}, nil, nil},
	{"TransferOwnership", func(g *grave, a invitations.Actor, o string) (any, error) {
		m, err := g.svc.TransferOwnership(g.ctx, a, invitations.TransferOwnershipParams{Organization: o, From: "ada", To: "kim", Role: "admin"})
		return m.UserID, err
	}, denied, notFound},
	{"DeleteOrganization", func(g *grave, _ invitations.Actor, o string) (any, error) {
		return done(g.svc.DeleteOrganization(g.ctx, invitations.User("kim"), o))
	}, denied, denied},
}

// acrossAll are the methods of the service that concern no single organization, each with the
// story that tells their part.
var acrossAll = map[string]string{
	"Erase":     "Class16_ErasureReachesDeletedOrganizations",
	"Feed":      "DeletionIsToldOnce",
	"Policy":    "nothing: it reads the configuration",
	"Purge":     "PurgeLeavesNothingOfADeletedOrganization",
	"Sweep":     "DeletionIsToldOnce",
	"WithStore": "nothing: it makes another service",
}

// deletionIsComplete fails for a new method of the service that is not tried on a deleted
// organization.
func deletionIsComplete(w *world) {
	placed := map[string]bool{}
	for name := range acrossAll {
		placed[name] = true
	}
	for _, l := range lasts {
		if placed[l.method] {
			w.Errorf("Service.%s is placed twice", l.method)
		}
		placed[l.method] = true
	}
	for t, i := reflect.TypeFor[*invitations.Service](), 0; i < t.NumMethod(); i++ {
		if name := t.Method(i).Name; !placed[name] {
			w.Errorf("Service.%s is new: try it in lasts or, if it concerns no single organization, name it in acrossAll", name)
		} else {
			delete(placed, name)
		}
	}
	for name := range placed {
		w.Errorf("Service.%s does not exist any more", name)
	}
}

// buried returns two equal organizations, of which the first is deleted.
func (w *world) buried() *grave {
	w.Helper()
	g := &grave{
		world: w.with(invitations.Config{PendingLimit: 20, RemindBefore: 2 * day}), dead: "acme", live: "zeta",
		mails: map[string][]invitations.SentInvitation{}, links: map[string]invitations.SentInvitation{},
	}
	g.company()
	g.found("beta", "kim") // of another owner
	for _, o := range []string{"acme", "zeta"} {
		for n := range 6 {
			g.mails[o] = append(g.mails[o], g.invite(ada, o, fmt.Sprintf("p%d@example.com", n), "viewer"))
		}
		g.links[o] = g.link(invitations.System(), invitations.CreateLinkParams{Organization: o, Role: "viewer"})
		g.setQuota(invitations.System(), o, "", 100, invitations.PeriodDay)
		g.setQuota(ada, o, "ada", 100, invitations.PeriodDay)
		g.ok(second(g.svc.Consume(g.ctx, invitations.InOrganization(o), "ada", 3)))
	}
	g.ok(g.svc.DeleteOrganization(g.ctx, ada, g.dead))
	return g
}

// afterlife is everything of a deleted organization, past the rule that no store shows it.
func (w *world) afterlife(organization string) []any {
	w.Helper()
	q := invitations.Query{
		Organization: organization, AlsoDeleted: true, Members: everybody, Removals: true, Quotas: true, Totals: true, PendingAt: start,
		TracesOf: invitations.Person{UserID: "ada"}, TracesUpTo: 1000,
	}
	return []any{w.view(q), w.state(organization, everybody...)}
}

// storyDeleted: no operation changes or shows anything of a deleted organization. The same call
// on a living one does.
func storyDeleted(w *world) {
	g := w.buried()
	before := g.afterlife(g.dead)
	for _, l := range lasts {
		for actor, want := range map[invitations.Actor]error{ada: l.user, invitations.System(): l.host} {
			for range 2 {
				shown, err := l.call(g, actor, g.dead)
				g.refusal(l.method, err, want)
				if !reflect.ValueOf(shown).IsZero() {
					g.Errorf("%s shows %v of a deleted organization", l.method, shown)
				}
			}
		}
	}
	g.equal("the deleted organization", g.afterlife(g.dead), before)
	for _, l := range lasts {
		actor := ada
		if l.method == "DeleteOrganization" {
			continue // below
		}
		shown, err := l.call(g, actor, g.live)
		g.refusal(l.method+", on a living one", err, nil)
		if reflect.ValueOf(shown).IsZero() {
			g.Errorf("%s shows nothing of a living organization", l.method)
		}
	}
	g.ok(g.svc.DeleteOrganization(g.ctx, invitations.User("kim"), g.live)) // who was handed the ownership
	_, err := g.svc.CreateOrganization(g.ctx, g.live, "eve")
	g.refused(err, invitations.ErrConflict)
	m, err := g.svc.Member(g.ctx, "beta", "kim")
	g.ok(err)
	g.equal("an owner elsewhere", m.Role, invitations.RoleOwner)
}

// storyDeletionTold: the feed tells of a deletion once, after everything else. A sweep finds
// nothing more, and neither does a search of all organizations.
func storyDeletionTold(w *world) {
	g := w.buried()
	events := func() (all []invitations.Event) {
		for _, e := range g.follow(0) {
			if e.Organization == g.dead {
				all = append(all, e)
			}
		}
		return all
	}
	told := events()
	end := told[len(told)-1]
	version := g.view(invitations.Query{Organization: g.dead, AlsoDeleted: true}).Version
	g.equal("the end", end, invitations.Event{
		Position: end.Position, Organization: g.dead, Version: version, Type: invitations.EventOrganizationDeleted, At: g.clock.Now(), Actor: "ada",
	})
	for i, e := range told[:len(told)-1] {
		if e.Type == invitations.EventOrganizationDeleted || e.Version > told[i+1].Version {
			g.Errorf("got event %+v before the end", e)
		}
	}
	support := func() {
		g.Helper()
		list, err := g.svc.Invitations(g.ctx, invitations.System(), invitations.InvitationsParams{Email: "p0@example.com"})
		g.ok(err)
		if len(list.Items) != 1 || list.Items[0].Organization != g.live {
			g.Errorf("got %+v", list.Items)
		}
	}
	support()
	for _, wait := range []time.Duration{5 * day, 2 * day} { // the reminders, then the expiries
		g.clock.Add(wait)
		swept, err := g.svc.Sweep(g.ctx, 1000)
		g.ok(err)
		for _, inv := range slices.Concat(swept.Reminders, swept.Expired) {
			if inv.Organization != g.live {
				g.Errorf("a sweep finds %+v", inv)
			}
		}
		if len(swept.Reminders)+len(swept.Expired) == 0 {
			g.Error("a sweep finds nothing of a living organization")
		}
	}
	support()
	g.equal("the events of the deleted organization", events(), told)
}

// storyDeletionRights: an admin cannot delete, a last owner can. A failed try changes nothing.
func storyDeletionRights(w *world) {
	w.company()
	w.unchanged("refused", func() {
		for name, c := range map[string]struct {
			actor        invitations.Actor
			organization string
			want         error
		}{
			"an admin":               {bob, "acme", denied},
			"a viewer":               {invitations.User("kim"), "acme", denied},
			"a stranger":             {invitations.User("eve"), "acme", denied},
			"a stranger, elsewhere":  {invitations.User("eve"), "none", denied},
			"nobody":                 {invitations.Actor{}, "acme", invitations.ErrInvalid},
			"no organization":        {ada, "", invitations.ErrInvalid},
			"the host, of none":      {invitations.System(), "none", notFound},
			"the owner of another":   {invitations.User("x"), "acme", denied},
			"the owner, of the none": {ada, "none", denied},
		} {
			w.refusal(name, w.svc.DeleteOrganization(w.ctx, c.actor, c.organization), c.want)
		}
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		w.refused(w.svc.DeleteOrganization(ended, ada, "acme"), context.Canceled)
	})
	w.refused(second(w.svc.Leave(w.ctx, "acme", "ada")), invitations.ErrLastOwner)
	w.ok(w.svc.DeleteOrganization(w.ctx, ada, "acme")) // the way out of a last owner
	w.refused(w.svc.DeleteOrganization(w.ctx, ada, "acme"), denied)
	w.refused(w.svc.DeleteOrganization(w.ctx, invitations.System(), "acme"), notFound)
	w.ok(w.svc.DeleteOrganization(w.ctx, invitations.System(), "zeta"))
}
