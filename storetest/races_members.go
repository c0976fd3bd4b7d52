package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/go-invitations/invitations"
)

var memberRaces = []race{
	{"Class48_OwnersAgainstEachOther", raceOwners},
	{"Class14_FallAgainstAct", raceFallAct},
	{"Class14_RiseAgainstAct", raceRiseAct},
	{"Class14_ActsInAnOrderThatExplainsThem", raceStorm},
}

// assemble begins an organization with members of these roles.
func assemble(ctx context.Context, store invitations.Store, organization string, roles map[string]invitations.Role) error {
	var c invitations.Changes
	for _, user := range sortedOwnersFirst(roles) {
		c.Members = append(c.Members, invitations.Member{Organization: organization, UserID: user, Role: roles[user], JoinedAt: start})
		c.Events = append(c.Events, invitations.Event{
			Organization: organization, Type: invitations.EventMemberJoined, At: start, Subject: user, Role: roles[user],
		})
	}
	return store.Create(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
		return c, nil
	})
}

// sortedOwnersFirst returns the users, owners first: from then on there is always one.
func sortedOwnersFirst(roles map[string]invitations.Role) []string {
	var owners, others []string
	for user, role := range roles {
		if role == invitations.RoleOwner {
			owners = append(owners, user)
		} else {
			others = append(others, user)
		}
	}
	slices.Sort(owners)
	slices.Sort(others)
	return append(owners, others...)
}

// acted returns who did something after a version.
func acted(ctx context.Context, store invitations.Store, organization string, version int64) (map[string]bool, error) {
	actors := map[string]bool{}
	page, err := store.Events(ctx, invitations.EventQuery{
		Organization: organization, After: &invitations.EventPosition{Version: version, Index: 1 << 30}, Limit: 100_000,
	})
	for _, e := range page.Items {
		actors[e.Actor] = true
	}
	return actors, err
}

// raceOwners lets 16 owners give up and take each other's rank in every combination of two
// ways, while another accepts to be an owner, and does the same.
func raceOwners(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	const crowd = 16
	owners := names("owner", crowd)
	roles := map[string]invitations.Role{}
	for _, user := range owners {
		roles[user] = invitations.RoleOwner
	}
	change := func(organization, actor, user string) error {
		_, err := svc.ChangeRole(ctx, invitations.User(actor), invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: "viewer"})
		return err
	}
	remove := func(organization, actor, user string) error {
		_, err := svc.RemoveMember(ctx, invitations.User(actor), organization, user)
		return err
	}
	type way struct {
		own bool // it ends the rank of who does it, and nobody else's
		do  func(organization, me, other string) error
	}
	ways := []way{
		{true, func(o, me, _ string) error { return change(o, me, me) }},
		{true, func(o, me, _ string) error { return remove(o, me, me) }},
		{true, func(o, me, _ string) error { return second(svc.Leave(ctx, o, me)) }},
		{false, change},
		{false, remove},
		{false, func(o, me, other string) error {
			return second(svc.TransferOwnership(ctx, invitations.User(me), invitations.TransferOwnershipParams{Organization: o, From: me, To: other, Role: "viewer"}))
		}},
	}
	round := func(n int, one, two way, sender invitations.Actor) error {
		organization := fmt.Sprintf("round %d", n)
		if err := assemble(ctx, store, organization, roles); err != nil {
			return err
		}
		sent, err := svc.Invite(ctx, sender, invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: invitations.RoleOwner})
		if err != nil {
			return err
		}
		answers := together(crowd+1, func(i int) answer[bool] {
			other := owners[(i+n)%crowd]
			switch {
			case i < crowd && i%2 == 0:
				return answer[bool]{err: one.do(organization, owners[i], other)}
			case i < crowd:
				return answer[bool]{err: two.do(organization, owners[i], other)}
			}
			if _, err := svc.Accept(ctx, sent.Token.Reveal(), annID); err != nil {
				return answer[bool]{err: err}
			}
			return answer[bool]{err: one.do(organization, "ann", other)}
		})
		_, refused := tally(answers, invitations.ErrLastOwner, invitations.ErrPermissionDenied, invitations.ErrNotFound, invitations.ErrRevoked, invitations.ErrInvalid)
		members, err := explained(ctx, store, svc.Policy(), organization)
		if err := errors.Join(refused, err); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		left := 0
		for _, role := range members {
			if role == invitations.RoleOwner {
				left++
			}
		}
		if one.own && two.own && left != 1 {
			return fmt.Errorf("%s: every owner gave up, and there are %d", organization, left)
		}
		did, err := acted(ctx, store, organization, 2)
		if err != nil {
			return err
		}
		for i, user := range owners {
			// Whoever finds the other demoted already has succeeded, and changed nothing.
			if done := answers[i].err == nil; did[user] && !done || !did[user] && done && one.own && two.own {
				return fmt.Errorf("%s: the act of %s ended with %v, and events of it: %v", organization, user, answers[i].err, did[user])
			}
		}
		return nil
	}
	n := 0
	for i, one := range ways {
		for _, two := range ways[:i+1] {
			for _, sender := range []invitations.Actor{invitations.System(), invitations.User(owners[n%crowd])} {
				if err := round(n, one, two, sender); err != nil {
					return err
				}
				n++
			}
		}
	}
	return nil
}

// acts are what an admin does to a member, and to an invitation.
func acts(ctx context.Context, svc *invitations.Service, organization, actor, user string, sent invitations.SentInvitation) []func() error {
	a := invitations.User(actor)
	change := func(role invitations.Role) func() error {
		return func() error {
			return second(svc.ChangeRole(ctx, a, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: role}))
		}
	}
	return []func() error{
		change("developer"),
		change("admin"),
		func() error { return second(svc.RemoveMember(ctx, a, organization, user)) },
		func() error {
			return svc.SetQuota(ctx, a, invitations.SetQuotaParams{
				Workspace: invitations.InOrganization(organization), UserID: user, Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay},
			})
		},
		func() error {
			return second(svc.Invite(ctx, a, invitations.InviteParams{Organization: organization, Email: "x@example.com", Role: "admin"}))
		},
		func() error {
			return second(svc.CreateLink(ctx, a, invitations.CreateLinkParams{Organization: organization, Role: "viewer"}))
		},
		func() error {
			return second(svc.Resend(ctx, a, invitations.ResendParams{Organization: organization, ID: sent.ID}))
		},
		func() error { return second(svc.Revoke(ctx, a, organization, sent.ID)) },
		func() error {
			return second(svc.Edit(ctx, a, invitations.EditParams{Organization: organization, ID: sent.ID, Role: "viewer"}))
		},
		func() error {
			return second(svc.InviteAll(ctx, a, organization, []invitations.InviteParams{row("y@example.com"), row("z@example.com")}))
		},
	}
}

// duel races an act of bob, an admin, on joe, a viewer, against another call. The order of
// the events has to explain both, and bob's success is an event.
func duel(ctx context.Context, store invitations.Store, n int, other func(svc *invitations.Service, organization string, round int) error) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	for round := range 2 * pairRounds {
		organization := fmt.Sprintf("round %d", round)
		if err := assemble(ctx, store, organization, map[string]invitations.Role{"ada": "owner", "bob": "admin", "joe": "viewer"}); err != nil {
			return err
		}
		sent, err := svc.CreateLink(ctx, invitations.System(), invitations.CreateLinkParams{Organization: organization, Role: "admin"})
		if err != nil {
			return err
		}
		errs := together(2, func(i int) error {
			if i == 0 {
				return acts(ctx, svc, organization, "bob", "joe", sent)[round%n]()
			}
			return other(svc, organization, round/n)
		})
		if errs[1] != nil {
			return fmt.Errorf("%s: %w", organization, errs[1])
		}
		if errs[0] != nil && !errors.Is(errs[0], invitations.ErrPermissionDenied) {
			return fmt.Errorf("%s: bob's act ended with: %w", organization, errs[0])
		}
		if _, err := explained(ctx, store, svc.Policy(), organization); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		did, err := acted(ctx, store, organization, 2)
		if err != nil {
			return err
		}
		if did["bob"] != (errs[0] == nil) {
			return fmt.Errorf("%s: bob's act ended with %v, and events of it: %v", organization, errs[0], did["bob"])
		}
	}
	return nil
}

// raceFallAct: an admin who falls does nothing afterwards, and leaves nothing pending.
func raceFallAct(ctx context.Context, store invitations.Store) error {
	return duel(ctx, store, 10, func(svc *invitations.Service, organization string, round int) error {
		if round%2 == 0 {
			return second(svc.RemoveMember(ctx, invitations.User("ada"), organization, "bob"))
		}
		return second(svc.ChangeRole(ctx, invitations.User("ada"), invitations.ChangeRoleParams{Organization: organization, UserID: "bob", Role: "viewer"}))
	})
}

// raceRiseAct: whoever rises above an admin is out of that admin's reach at once.
func raceRiseAct(ctx context.Context, store invitations.Store) error {
	return duel(ctx, store, 4, func(svc *invitations.Service, organization string, round int) error {
		_, err := svc.ChangeRole(ctx, invitations.User("ada"), invitations.ChangeRoleParams{Organization: organization, UserID: "joe", Role: "owner"})
		if errors.Is(err, invitations.ErrNotFound) {
			return nil // bob has removed joe before
		}
		return err
	})
}

// raceStorm lets many do at random whatever members do. The order of the events has to
// explain all of it.
func raceStorm(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	roles := map[string]invitations.Role{}
	ranks := []invitations.Role{"owner", "admin", "developer", "viewer"}
	users := names("user", 12)
	for i, user := range users {
		roles[user] = ranks[i%len(ranks)]
	}
	for round := range 2 * crowdRounds {
		organization := fmt.Sprintf("round %d", round)
		if err := assemble(ctx, store, organization, roles); err != nil {
			return err
		}
		sent, err := svc.CreateLink(ctx, invitations.User(users[round%2]), invitations.CreateLinkParams{Organization: organization, Role: "admin"})
		if err != nil {
			return err
		}
		answers := together(crowdSize, func(i int) answer[bool] {
			random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			actor, user, heir := users[random.IntN(8)], users[random.IntN(len(users))], users[random.IntN(4)]
			all := acts(ctx, svc, organization, actor, user, sent)
			switch kind := random.IntN(len(all) + 4); {
			case kind < len(all):
				return answer[bool]{err: all[kind]()}
			case kind == len(all):
				return answer[bool]{err: second(svc.Leave(ctx, organization, user))}
			case kind == len(all)+1:
				return answer[bool]{err: second(svc.TransferOwnership(ctx, invitations.User(actor), invitations.TransferOwnershipParams{
					Organization: organization, From: actor, To: heir, Role: ranks[1+random.IntN(3)],
				}))}
			case kind == len(all)+2:
				return answer[bool]{err: second(svc.ChangeRole(ctx, invitations.User(actor), invitations.ChangeRoleParams{
					Organization: organization, UserID: user, Role: "owner",
				}))}
			}
			if i%2 == 0 {
				user = fmt.Sprint("guest ", i) // otherwise perhaps one who has gone
			}
			return answer[bool]{err: second(svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: user}))}
		})
		if _, err := tally(answers,
			invitations.ErrPermissionDenied, invitations.ErrRoleNotAssignable, invitations.ErrNotFound, invitations.ErrLastOwner,
			invitations.ErrInvalid, invitations.ErrNotPending, invitations.ErrAlreadyInvited, invitations.ErrPendingLimit, invitations.ErrInvalidToken,
			invitations.ErrAlreadyMember,
		); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		if _, err := explained(ctx, store, svc.Policy(), organization); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
	}
	return nil
}
