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

// A race lets calls act at once in an organization of its own, and returns an error if no order
// explains their results. It is a value, so that a test can show that it finds faults.
type race struct {
	name  string
	round func(r *round) error
}

// A round is one repetition of a race.
type round struct {
	ctx          context.Context
	store        invitations.Store
	n            int
	organization string
	svc          *invitations.Service
	law          law
}

var races = []race{
	{"Class29_AcceptancesAgainstALimitThatMoves", raceLimits},
	{"Class46_DeletionAgainstNewcomers", raceDeletion},
	{"Class16_ErasureAgainstAcceptAndResend", raceErasure},
}

// raceChecks runs each race for a sixth of a second, and at least twice.
func raceChecks() (checks []check) {
	for _, r := range races {
		checks = append(checks, check{r.name, func(w *world) {
			begin, n := time.Now(), 0
			for ; n < 2 || n < 6 && time.Since(begin) < time.Second/6; n++ {
				w.ok(r.once(w.ctx, w.store, n))
			}
			w.Logf("%d rounds", n)
		}})
	}
	return checks
}

// once runs a round. Seats are reserved in every other one.
func (r race) once(ctx context.Context, store invitations.Store, n int) error {
	now := &clock{now: start}
	config := invitations.Config{Clock: now.Now, PendingLimit: 100, MemberLimit: 30, ReserveSeats: n%2 == 1}
	svc := configured(store, config, testKey(1))
	on := &round{ctx: ctx, store: store, n: n, organization: fmt.Sprint(r.name, " ", n), svc: svc, law: lawOf(svc, config)}
	if _, err := svc.CreateOrganization(ctx, on.organization, "ada"); err != nil {
		return err
	}
	return r.round(on)
}

func (r *round) link(role invitations.Role) (invitations.SentInvitation, error) {
	return r.svc.CreateLink(r.ctx, ada, invitations.CreateLinkParams{Organization: r.organization, Role: role})
}

func (r *round) invite(actor invitations.Actor, email string) (invitations.SentInvitation, error) {
	return r.svc.Invite(r.ctx, actor, invitations.InviteParams{Organization: r.organization, Email: email, Role: "viewer"})
}

// shuffled runs calls at once, and returns the errors by the name of the calls.
func shuffled(calls map[string][]func() error) map[string][]error {
	type named struct {
		name string
		call func() error
	}
	var all []named
	for name, some := range calls {
		for _, call := range some {
			all = append(all, named{name, call})
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	plain := make([]func() error, len(all))
	for i, c := range all {
		plain[i] = c.call
	}
	results := map[string][]error{}
	for i, err := range atOnce(plain) {
		results[all[i].name] = append(results[all[i].name], err)
	}
	return results
}

// succeeded returns how many calls succeeded. It returns an error if one ended with something else
// than one of the refusals.
func succeeded(name string, errs []error, refusals ...error) (n int, err error) {
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }):
			return n, fmt.Errorf("%s ended with: %w", name, err)
		}
	}
	return n, nil
}

// raceLimits lets 64 people accept while the limit is lowered and raised. Nobody gets in over the
// limit of that instant. The numbers of each refusal are those of some instant.
func raceLimits(r *round) error {
	link, err := r.link("viewer")
	if err != nil {
		return err
	}
	calls := map[string][]func() error{}
	add := func(name string, call func() error) { calls[name] = append(calls[name], call) }
	for i := range 64 {
		sent, who := link, person(fmt.Sprint("user ", i), fmt.Sprintf("p%d@example.com", i))
		if i%4 == 0 && i < 48 { // some hold a seat in every other round
			if sent, err = r.invite(ada, who.Email); err != nil {
				return err
			}
		}
		add("an acceptance", func() error { return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), who)) })
	}
	for i := range 12 {
		limits := invitations.Limits{Members: []int{5, 25, 11, 40}[i%4]}
		add("a change of limits", func() error { return r.svc.SetLimits(r.ctx, invitations.System(), r.organization, limits) })
	}
	results := shuffled(calls)
	if _, err := succeeded("a change of limits", results["a change of limits"]); err != nil {
		return err
	}
	accepted, err := succeeded("an acceptance", results["an acceptance"], invitations.ErrMemberLimit)
	if err != nil {
		return err
	}
	page, err := r.store.Events(r.ctx, invitations.EventQuery{Organization: r.organization, Limit: 100_000})
	if err != nil {
		return err
	}
	l := ledger{newReplay(r.law, page.Items), map[invitations.MemberLimitError]bool{}}
	version, err := l.play(page.Items)
	if err != nil {
		return err
	}
	if len(l.members) != 1+accepted {
		return fmt.Errorf("%d acceptances succeeded, and there are %d members", accepted, len(l.members))
	}
	for _, err := range results["an acceptance"] {
		var full *invitations.MemberLimitError
		if errors.As(err, &full) && !l.instants[*full] {
			return fmt.Errorf("a refusal had the numbers %+v, which were never true", *full)
		}
	}
	return l.shown(r.ctx, r.store, r.organization, version)
}

// raceDeletion deletes an organization while people come in by every way, and others try to
// create it. Those who got in before are out as well, and nobody gets in afterwards.
func raceDeletion(r *round) error {
	link, err := r.link("viewer")
	if err != nil {
		return err
	}
	calls := map[string][]func() error{}
	add := func(name string, call func() error) { calls[name] = append(calls[name], call) }
	users := []string{"ada"}
	for i := range 8 {
		who := person(fmt.Sprint("user ", i), fmt.Sprintf("p%d@example.com", i))
		mail, err := r.invite(ada, who.Email)
		if err != nil {
			return err
		}
		users = append(users, who.UserID, "guest "+who.UserID, "added "+who.UserID)
		add("an acceptance", func() error {
			return second(r.svc.Accept(r.ctx, link.Token.Reveal(), invitations.Identity{UserID: "guest " + who.UserID}))
		})
		if i%2 == 0 {
			add("an acceptance", func() error { return second(r.svc.Accept(r.ctx, mail.Token.Reveal(), who)) })
		} else {
			add("an acceptance", func() error { return second(r.svc.AcceptReceived(r.ctx, r.organization, mail.ID, who)) })
		}
		add("an addition", func() error {
			return second(r.svc.AddMember(r.ctx, ada, invitations.AddMemberParams{Organization: r.organization, UserID: "added " + who.UserID, Role: "viewer"}))
		})
		add("an invitation", func() error { return second(r.invite(ada, fmt.Sprintf("q%d@example.com", i))) })
		add("a creation", func() error {
			return second(r.svc.CreateOrganization(r.ctx, r.organization, []string{"ada", "eve"}[i%2]))
		})
		add("a consumption", func() error {
			return second(r.svc.Consume(r.ctx, invitations.InOrganization(r.organization), "ada", 1))
		})
	}
	for _, actor := range []invitations.Actor{ada, ada, invitations.System()} {
		add("a deletion", func() error { return r.svc.DeleteOrganization(r.ctx, actor, r.organization) })
	}
	results := shuffled(calls)
	successes := map[string]int{}
	for name, refusals := range map[string][]error{
		"an acceptance": {noToken, notFound, invitations.ErrMemberLimit}, "an addition": {denied, invitations.ErrMemberLimit},
		"an invitation": {denied, invitations.ErrMemberLimit}, "a creation": {invitations.ErrConflict}, "a consumption": {denied}, "a deletion": {denied, notFound},
	} {
		if successes[name], err = succeeded(name, results[name], refusals...); err != nil {
			return err
		}
	}
	if successes["a deletion"] != 1 {
		return fmt.Errorf("%d deletions succeeded", successes["a deletion"])
	}
	feed, err := follow(r.ctx, r.store, 0)
	if err != nil {
		return err
	}
	told := map[invitations.EventType]int{}
	for _, e := range feed {
		if e.Organization == r.organization {
			told[e.Type]++
		}
	}
	joined, invited := 1+successes["an acceptance"]+successes["an addition"], 1+8+successes["an invitation"]
	if told[invitations.EventMemberJoined] != joined || told[invitations.EventInvitationCreated] != invited {
		return fmt.Errorf("%d joined and %d were invited, and the events are %v", joined, invited, told)
	}
	for _, user := range users {
		list, err := r.svc.Workspaces(r.ctx, invitations.WorkspacesParams{UserID: user, Limit: 100})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list.Organizations, func(o invitations.OrganizationWorkspace) bool { return o.ID == r.organization }) {
			return fmt.Errorf("%q is left a member", user)
		}
	}
	_, err = explained(r.ctx, r.store, r.law, r.organization)
	return err
}

// raceErasure erases an address and a user from eight workers, while the invitations of both are
// accepted, resent, edited and declined. Nothing of them is left, and a person who got in is in.
func raceErasure(r *round) error {
	email, user := fmt.Sprintf("ann%d@example.com", r.n), fmt.Sprint("bob of round ", r.n)
	ann := person(fmt.Sprint("ann of round ", r.n), email)
	r.law.users = map[string]string{"erased " + user: user}
	if _, err := r.svc.AddMember(r.ctx, ada, invitations.AddMemberParams{Organization: r.organization, UserID: user, Role: "admin"}); err != nil {
		return err
	}
	mail, err := r.invite(invitations.User(user), email)
	if err != nil {
		return err
	}
	other, err := r.invite(invitations.User(user), "joe@example.com")
	if err != nil {
		return err
	}
	for _, sent := range []*invitations.SentInvitation{&mail, &other} { // so that they outlive the membership
		if *sent, err = r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: r.organization, ID: sent.ID}); err != nil {
			return err
		}
	}
	if _, err := r.svc.Leave(r.ctx, r.organization, user); err != nil {
		return err
	}
	calls := map[string][]func() error{}
	add := func(name string, call func() error) { calls[name] = append(calls[name], call) }
	message := "Hello"
	for range 8 {
		for _, p := range []invitations.EraseParams{{Email: email, Limit: 2}, {UserID: user, Pseudonym: "erased " + user, Limit: 2}} {
			add("an erasure", func() error { return eraseAll(r.ctx, r.svc, p) })
		}
		add("an acceptance", func() error { return second(r.svc.Accept(r.ctx, mail.Token.Reveal(), ann)) })
		add("an answer", func() error { return second(r.svc.AcceptReceived(r.ctx, r.organization, mail.ID, ann)) })
		for _, sent := range []invitations.SentInvitation{mail, other} {
			add("an answer", func() error {
				return second(r.svc.Edit(r.ctx, ada, invitations.EditParams{Organization: r.organization, ID: sent.ID, Message: &message}))
			})
			add("an answer", func() error {
				return second(r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: r.organization, ID: sent.ID}))
			})
		}
	}
	for name, errs := range shuffled(calls) {
		refusals := []error{invitations.ErrNotPending, noToken, notFound}
		if name == "an erasure" {
			refusals = nil
		}
		if _, err := succeeded(name, errs, refusals...); err != nil {
			return err
		}
	}
	for _, p := range []invitations.Person{{Email: email}, {UserID: user}} {
		traces, err := r.store.Traces(r.ctx, p, 1)
		if err != nil || len(traces) > 0 {
			return fmt.Errorf("traces of %+v are left in %q (%w)", p, traces, err)
		}
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, Invitation: mail.ID, Members: []string{ann.UserID}})
	if err != nil {
		return err
	}
	_, isMember := f.Members[ann.UserID]
	if inv := f.Invitation; inv.Email != "" || inv.Message != "" || (inv.State == invitations.StateAccepted) != isMember || inv.State == invitations.StatePending {
		return fmt.Errorf("the erased invitation is %+v, and the person is a member: %t", *inv, isMember)
	}
	_, err = explained(r.ctx, r.store, r.law, r.organization)
	return err
}

// eraseAll erases a person, however many calls it takes.
func eraseAll(ctx context.Context, svc *invitations.Service, p invitations.EraseParams) error {
	for {
		if e, err := svc.Erase(ctx, p); err != nil || e.Done {
			return err
		}
	}
}
