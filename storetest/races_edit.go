package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var editRaces = []race{
	{"EditAgainstAccept", raceEditAccept},
	{"Class15_EditAgainstFallOfTheEditor", raceEditFall},
	{"Class28_AcceptByTokenAgainstByAddress", raceAcceptWays},
}

// raceEditAccept: who accepts has the old role or the new one, as the order of the events
// says, and an edit changes nothing afterwards.
func raceEditAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		_, err := svc.Edit(ctx, invitations.User("ada"), invitations.EditParams{Organization: sent.Organization, ID: sent.ID, Role: "viewer"})
		return err
	}, func(sent invitations.SentInvitation, accepted, edited error, _ int) error {
		role := invitations.Role("viewer")
		if errors.Is(edited, invitations.ErrAccepted) {
			role, edited = "admin", nil
		}
		members, err := explained(ctx, store, invitations.DefaultPolicy(), sent.Organization)
		if err := errors.Join(accepted, edited, err); err != nil {
			return err
		}
		if members["ann"] != role {
			return fmt.Errorf("ann is %q, want %q", members["ann"], role)
		}
		return nil
	})
}

// raceEditFall: an admin who falls edits nothing afterwards, and nothing that they have made
// their own stays pending.
func raceEditFall(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	for round := range pairRounds {
		organization := fmt.Sprintf("round %d", round)
		if err := assemble(ctx, store, organization, map[string]invitations.Role{"ada": "owner", "bob": "admin"}); err != nil {
			return err
		}
		sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "viewer"})
		if err != nil {
			return err
		}
		errs := together(3, func(i int) error {
			switch {
			case i == 0:
				return second(svc.Edit(ctx, invitations.User("bob"), invitations.EditParams{Organization: organization, ID: sent.ID, Role: "admin"}))
			case i == 1:
				return second(svc.Accept(ctx, sent.Token.Reveal(), annID))
			case round%2 == 0:
				return second(svc.RemoveMember(ctx, invitations.User("ada"), organization, "bob"))
			}
			return second(svc.ChangeRole(ctx, invitations.User("ada"), invitations.ChangeRoleParams{Organization: organization, UserID: "bob", Role: "viewer"}))
		})
		members, err := explained(ctx, store, svc.Policy(), organization)
		if err := errors.Join(errs[2], err); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		did, err := acted(ctx, store, organization, 2)
		if err != nil {
			return err
		}
		_, joined := members["ann"]
		if did["bob"] != (errs[0] == nil) || joined != (errs[1] == nil) {
			return fmt.Errorf("%s: bob's edit ended with %v, ann's acceptance with %v, the events are of %v, and the members %v", organization, errs[0], errs[1], did, members)
		}
		if errs[0] != nil && !errors.Is(errs[0], invitations.ErrPermissionDenied) && !errors.Is(errs[0], invitations.ErrAccepted) ||
			errs[1] != nil && !errors.Is(errs[1], invitations.ErrRevoked) {
			return fmt.Errorf("%s: %w", organization, errors.Join(errs...))
		}
	}
	return nil
}

// raceAcceptWays lets many accept one invitation by its token and by its address, all as one
// user or each as another. There is one member by it.
func raceAcceptWays(ctx context.Context, store invitations.Store) error {
	const crowd = 8
	round := 0
	return invited(pairRounds, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		round++
		users := names("user", crowd)
		for i := range users {
			if round%2 == 0 {
				users[i] = "ann"
			}
		}
		answers := together(crowd, func(i int) answer[invitations.Member] {
			who := person(users[i], "ann@example.com")
			if i%2 == 0 {
				return answerOf(svc.Accept(ctx, sent.Token.Reveal(), who))
			}
			return answerOf(svc.AcceptReceived(ctx, sent.Organization, sent.ID, who))
		})
		n, err := tally(answers, invitations.ErrAccepted)
		if err != nil {
			return err
		}
		successes := 1
		if round%2 == 0 {
			successes = crowd
		}
		members, err := joined(ctx, store, sent.Organization, sent.ID, users)
		_, unexplained := explained(ctx, store, svc.Policy(), sent.Organization)
		return errors.Join(err, unexplained, want("successes", n, successes), want("members", members, 1))
	})
}
