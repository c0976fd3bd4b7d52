package storetest

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var acceptRaces = []race{
	{name: "Class28_AcceptsByManyUsers", round: raceAcceptManyUsers},
	{name: "Class28_AcceptsByOneUser", round: raceAcceptOneUser},
	{name: "Class28_AcceptByTokenAgainstByAddress", round: raceAcceptWays},
	{name: "Class29_AcceptsOfALimitedLink", round: raceAcceptLink},
	{name: "RevokeAgainstAccept", round: raceRevokeAccept},
	{name: "DeclineAgainstAccept", round: raceDeclineAccept},
	{name: "ResendAgainstAccept", round: raceResendAccept},
	{name: "EditAgainstAccept", round: raceEditAccept},
	{name: "Class15_DemotionAgainstAccept", members: twoOwners, round: raceDemotionAccept},
	{name: "Class15_RemovalAgainstAccept", members: twoOwners, round: raceRemovalAccept},
}

// twoOwners are members of whom ada can lose her role.
var twoOwners = map[string]invitations.Role{"ada": "owner", "eve": "owner"}

func raceAcceptManyUsers(r *round) error {
	users := names("user", crowdSize)
	sent, err := r.invite("admin")
	if err != nil {
		return err
	}
	n, err := tally(together(crowdSize, func(i int) answer[invitations.Joined] {
		return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), person(users[i], "ann@example.com")))
	}), invitations.ErrAccepted)
	if err != nil {
		return err
	}
	members, err := r.joined(sent.ID, users)
	return errors.Join(err, want("successes", n, 1), want("members", members, 1))
}

func raceAcceptOneUser(r *round) error {
	sent, err := r.invite("admin")
	if err != nil {
		return err
	}
	answers := together(crowdSize, func(int) answer[invitations.Joined] {
		return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), ann))
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	for _, a := range answers {
		if d := differ(a.value.Member, answers[0].value.Member); d != "" {
			return errors.New("equal calls got different members: " + d)
		}
	}
	members, err := r.joined(sent.ID, []string{"ann"})
	return errors.Join(err, want("members", members, 1))
}

// raceAcceptWays lets eight accept an invitation by its token and by its address, as one user
// or as many. One member joins.
func raceAcceptWays(r *round) error {
	const crowd = 8
	users, successes := names("user", crowd), 1
	if r.n%2 == 0 {
		successes = crowd
		for i := range users {
			users[i] = "ann"
		}
	}
	sent, err := r.invite("admin")
	if err != nil {
		return err
	}
	n, err := tally(together(crowd, func(i int) answer[invitations.Joined] {
		user := person(users[i], "ann@example.com")
		if i%2 == 0 {
			return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), user))
		}
		return answerOf(r.svc.AcceptReceived(r.ctx, r.organization, sent.ID, user))
	}), invitations.ErrAccepted)
	if err != nil {
		return err
	}
	members, err := r.joined(sent.ID, users)
	return errors.Join(err, want("successes", n, successes), want("members", members, 1))
}

func raceAcceptLink(r *round) error {
	users := names("user", crowdSize)
	sent, err := r.link(invitations.CreateLinkParams{Role: "viewer", MaxUses: 10})
	if err != nil {
		return err
	}
	n, err := tally(together(crowdSize, func(i int) answer[invitations.Joined] {
		return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), invitations.Identity{UserID: users[i]}))
	}), invitations.ErrExhausted)
	if err != nil {
		return err
	}
	members, err := r.joined(sent.ID, users)
	return errors.Join(err, want("successes", n, 10), want("members", members, 10))
}

// acceptAgainst races the acceptance of ann with another call. Then judge gets both errors.
func (r *round) acceptAgainst(
	other func(sent invitations.SentInvitation) error,
	judge func(sent invitations.SentInvitation, accepted, other error) error,
) error {
	sent, err := r.invite("admin")
	if err != nil {
		return err
	}
	errs := together(2, func(i int) error {
		if i == 0 {
			return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), ann))
		}
		return other(sent)
	})
	members, err := r.joined(sent.ID, []string{"ann"})
	if err != nil {
		return err
	}
	if (errs[0] == nil) != (members == 1) {
		return fmt.Errorf("the acceptance ended with %v, and %d members joined by it", errs[0], members)
	}
	if err := judge(sent, errs[0], errs[1]); err != nil {
		return fmt.Errorf("%w (acceptance: %v; other call: %v)", err, errs[0], errs[1])
	}
	return nil
}

// oneWinner judges two calls that both end the invitation.
func oneWinner(refusedBy error) func(invitations.SentInvitation, error, error) error {
	return func(_ invitations.SentInvitation, accepted, other error) error {
		if accepted == nil && errors.Is(other, invitations.ErrAccepted) || errors.Is(accepted, refusedBy) && other == nil {
			return nil
		}
		return errors.New("there is not one winner")
	}
}

func raceRevokeAccept(r *round) error {
	return r.acceptAgainst(func(sent invitations.SentInvitation) error {
		return second(r.svc.Revoke(r.ctx, ada, r.organization, sent.ID))
	}, oneWinner(invitations.ErrRevoked))
}

func raceDeclineAccept(r *round) error {
	return r.acceptAgainst(func(sent invitations.SentInvitation) error {
		return r.svc.Decline(r.ctx, sent.Token.Reveal())
	}, oneWinner(invitations.ErrDeclined))
}

func raceResendAccept(r *round) error {
	return r.acceptAgainst(func(sent invitations.SentInvitation) error {
		return second(r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: r.organization, ID: sent.ID}))
	}, oneWinner(invitations.ErrInvalidToken))
}

// raceEditAccept edits the role of an invitation while it is accepted. The member has the old
// role or the new one, and the invitation has the same.
func raceEditAccept(r *round) error {
	return r.acceptAgainst(func(sent invitations.SentInvitation) error {
		return second(r.svc.Edit(r.ctx, ada, invitations.EditParams{Organization: r.organization, ID: sent.ID, Role: "viewer"}))
	}, func(_ invitations.SentInvitation, accepted, edited error) error {
		role := invitations.Role("viewer")
		if errors.Is(edited, invitations.ErrAccepted) {
			role, edited = "admin", nil
		}
		if err := errors.Join(accepted, edited); err != nil {
			return err
		}
		s, err := readState(r.ctx, r.store, r.organization, "ann")
		if err != nil {
			return err
		}
		stored, err := s.oneRecord()
		if got := s.Facts.Members["ann"].Role; got != role || stored.Role != role || stored.State != invitations.StateAccepted {
			return fmt.Errorf("ann is %q, and the invitation is %q as %q, want %q", got, stored.State, stored.Role, role)
		}
		return err
	})
}

// explainedBy returns an error unless the order of two events explains how the acceptance
// ended: the member joining, and the sender losing the role.
func (r *round) explainedBy(sent invitations.SentInvitation, accepted error, loss invitations.EventType) error {
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	lost, join := int64(0), int64(0)
	for _, e := range s.Events.Items {
		switch {
		case e.Type == loss:
			lost = e.Version
		case e.Type == invitations.EventMemberJoined && e.InvitationID == sent.ID:
			join = e.Version
		}
	}
	switch {
	case accepted == nil && join > lost:
		return errors.New("accepted although the sender had lost the role before")
	case accepted != nil && !errors.Is(accepted, invitations.ErrSenderNotEntitled):
		return errors.New("refused for another reason")
	}
	return nil
}

func raceDemotionAccept(r *round) error {
	return r.acceptAgainst(func(invitations.SentInvitation) error {
		return r.update(setRole(r.organization, "ada", "viewer"))
	}, func(sent invitations.SentInvitation, accepted, demoted error) error {
		return cmp.Or(demoted, r.explainedBy(sent, accepted, invitations.EventMemberRoleChanged))
	})
}

func raceRemovalAccept(r *round) error {
	return r.acceptAgainst(func(invitations.SentInvitation) error {
		return r.update(invitations.Changes{
			RemovedMembers: []string{"ada"},
			Removals:       []string{"ada"},
			Events: []invitations.Event{{
				Organization: r.organization, Type: invitations.EventMemberRemoved, At: start, Subject: "ada",
			}},
		})
	}, func(sent invitations.SentInvitation, accepted, removed error) error {
		return cmp.Or(removed, r.explainedBy(sent, accepted, invitations.EventMemberRemoved))
	})
}
