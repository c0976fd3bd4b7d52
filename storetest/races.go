package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

// A race is a check of what many do at once. It returns what went wrong, so that a test can
// see it fail against a store that is not atomic.
type race struct {
	name string
	run  func(ctx context.Context, store invitations.Store) error
}

var races = []race{
	{"SerializedUpdates", raceSerialized},
	{"ReadsOfOneInstant", raceReads},
	{"FoundersOfOneOrganization", raceFound},
	{"InvitesAtThePendingLimit", raceInvites},
	{"InvitesOfOneAddress", raceSameAddress},
	{"InvitesWithOneID", raceSameID},
	{"Class28_AcceptsByManyUsers", raceAcceptManyUsers},
	{"Class28_AcceptsByOneUser", raceAcceptOneUser},
	{"Class29_AcceptsOfALimitedLink", raceAcceptLink},
	{"RevokeAgainstAccept", raceRevokeAccept},
	{"DeclineAgainstAccept", raceDeclineAccept},
	{"ResendAgainstAccept", raceResendAccept},
	{"Class15_DemotionAgainstAccept", raceDemotionAccept},
	{"Class15_RemovalAgainstAccept", raceRemovalAccept},
	{"Class10_DemotionAgainstInvite", raceDemotionInvite},
}

func raceFound(ctx context.Context, store invitations.Store) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	owners := names("owner", crowdSize)
	for round := range crowdRounds {
		organization := fmt.Sprintf("round %d", round)
		n, err := tally(together(crowdSize, func(i int) answer[invitations.Member] {
			return answerOf(svc.CreateOrganization(ctx, organization, owners[i]))
		}), invitations.ErrConflict)
		if err != nil {
			return err
		}
		s, err := readState(ctx, store, organization, owners...)
		if err := errors.Join(err, want("successes", n, 1), want("owners", len(s.Facts.Members), 1), want("events", len(s.Events.Items), 1)); err != nil {
			return err
		}
	}
	return nil
}

func raceInvites(ctx context.Context, store invitations.Store) error {
	return rounds(crowdRounds, store, func(svc *invitations.Service, organization string) error {
		n, err := tally(together(crowdSize, func(i int) answer[invitations.SentInvitation] {
			if i%2 == 0 {
				return answerOf(svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{Organization: organization, Role: "viewer"}))
			}
			return answerOf(svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
				Organization: organization, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer",
			}))
		}), invitations.ErrPendingLimit)
		if err != nil {
			return err
		}
		page, err := svc.Invitations(ctx, invitations.System(), invitations.InvitationsParams{Organization: organization, State: invitations.StatePending, Limit: 100})
		return errors.Join(err, want("successes", n, 10), want("pending invitations", len(page.Items), 10))
	})
}

func raceSameAddress(ctx context.Context, store invitations.Store) error {
	return rounds(crowdRounds, store, func(svc *invitations.Service, organization string) error {
		answers := together(crowdSize, func(int) answer[invitations.SentInvitation] {
			return answerOf(svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
				Organization: organization, Email: "ann@example.com", Role: "viewer",
			}))
		})
		n, err := tally(answers, invitations.ErrAlreadyInvited)
		if err != nil {
			return err
		}
		page, err := svc.Invitations(ctx, invitations.System(), invitations.InvitationsParams{Organization: organization})
		if err := errors.Join(err, want("successes", n, 1), want("invitations", len(page.Items), 1)); err != nil {
			return err
		}
		for _, a := range answers {
			var already *invitations.AlreadyInvitedError
			if errors.As(a.err, &already) && already.InvitationID != page.Items[0].ID {
				return errors.New("a refusal names another invitation than the one there is")
			}
		}
		return nil
	})
}

func raceSameID(ctx context.Context, store invitations.Store) error {
	return rounds(crowdRounds, store, func(svc *invitations.Service, organization string) error {
		answers := together(crowdSize, func(int) answer[invitations.SentInvitation] {
			return answerOf(svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{
				Organization: organization, Role: "viewer", ID: id(1),
			}))
		})
		if _, err := tally(answers); err != nil {
			return err
		}
		for _, a := range answers {
			if a.value.Token.Reveal() != answers[0].value.Token.Reveal() {
				return errors.New("the same call has got different tokens")
			}
		}
		s, err := readState(ctx, store, organization)
		return errors.Join(err, want("invitations", len(s.Invitations.Items), 1), want("events", len(s.Events.Items), 2))
	})
}

// invited runs f for an email invitation to ann in each round.
func invited(n int, store invitations.Store, f func(svc *invitations.Service, sent invitations.SentInvitation) error) error {
	return rounds(n, store, func(svc *invitations.Service, organization string) error {
		sent, err := svc.Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
			Organization: organization, Email: "ann@example.com", Role: "admin",
		})
		if err != nil {
			return err
		}
		return f(svc, sent)
	})
}

func raceAcceptManyUsers(ctx context.Context, store invitations.Store) error {
	users := names("user", crowdSize)
	return invited(crowdRounds, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		n, err := tally(together(crowdSize, func(i int) answer[invitations.Member] {
			return answerOf(svc.Accept(ctx, sent.Token.Reveal(), person(users[i], "ann@example.com")))
		}), invitations.ErrAccepted)
		if err != nil {
			return err
		}
		members, err := joined(ctx, store, sent.Organization, sent.ID, users)
		return errors.Join(err, want("successes", n, 1), want("members", members, 1))
	})
}

func raceAcceptOneUser(ctx context.Context, store invitations.Store) error {
	return invited(crowdRounds, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		answers := together(crowdSize, func(int) answer[invitations.Member] {
			return answerOf(svc.Accept(ctx, sent.Token.Reveal(), person("ann", "ann@example.com")))
		})
		if _, err := tally(answers); err != nil {
			return err
		}
		for _, a := range answers {
			if d := differ(a.value, answers[0].value); d != "" {
				return errors.New("the same call has got different memberships: " + d)
			}
		}
		members, err := joined(ctx, store, sent.Organization, sent.ID, []string{"ann"})
		return errors.Join(err, want("members", members, 1))
	})
}

func raceAcceptLink(ctx context.Context, store invitations.Store) error {
	users := names("user", crowdSize)
	return rounds(crowdRounds, store, func(svc *invitations.Service, organization string) error {
		sent, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{Organization: organization, Role: "viewer", MaxUses: 10})
		if err != nil {
			return err
		}
		n, err := tally(together(crowdSize, func(i int) answer[invitations.Member] {
			return answerOf(svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: users[i]}))
		}), invitations.ErrExhausted)
		if err != nil {
			return err
		}
		members, err := joined(ctx, store, organization, sent.ID, users)
		return errors.Join(err, want("successes", n, 10), want("members", members, 10))
	})
}

// acceptAgainst races ann's acceptance with another call, and passes both errors to judge,
// with how many members there are by the invitation.
func acceptAgainst(
	ctx context.Context, store invitations.Store,
	other func(svc *invitations.Service, sent invitations.SentInvitation) error,
	judge func(sent invitations.SentInvitation, accepted, other error, members int) error,
) error {
	return invited(pairRounds, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		errs := together(2, func(i int) error {
			if i == 0 {
				_, err := svc.Accept(ctx, sent.Token.Reveal(), person("ann", "ann@example.com"))
				return err
			}
			return other(svc, sent)
		})
		members, err := joined(ctx, store, sent.Organization, sent.ID, []string{"ann"})
		if err != nil {
			return err
		}
		if (errs[0] == nil) != (members == 1) {
			return fmt.Errorf("acceptance ended with %v, and there are %d members by it", errs[0], members)
		}
		if err := judge(sent, errs[0], errs[1], members); err != nil {
			return fmt.Errorf("%w (acceptance: %v; the other: %v)", err, errs[0], errs[1])
		}
		return nil
	})
}

// oneWinner is the judge of two calls that both end the invitation.
func oneWinner(refusedBy error) func(invitations.SentInvitation, error, error, int) error {
	return func(_ invitations.SentInvitation, accepted, other error, _ int) error {
		if accepted == nil && errors.Is(other, invitations.ErrAccepted) || errors.Is(accepted, refusedBy) && other == nil {
			return nil
		}
		return errors.New("there is not one winner")
	}
}

func raceRevokeAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		_, err := svc.Revoke(ctx, invitations.User("ada"), sent.Organization, sent.ID)
		return err
	}, oneWinner(invitations.ErrRevoked))
}

func raceDeclineAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		return svc.Decline(ctx, sent.Token.Reveal())
	}, oneWinner(invitations.ErrDeclined))
}

func raceResendAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(svc *invitations.Service, sent invitations.SentInvitation) error {
		_, err := svc.Resend(ctx, invitations.User("ada"), invitations.ResendParams{Organization: sent.Organization, ID: sent.ID})
		return err
	}, oneWinner(invitations.ErrInvalidToken))
}

// inOrder returns an error unless the events of acceptance and of the sender's fall have an
// order that explains how the acceptance ended.
func inOrder(ctx context.Context, store invitations.Store, sent invitations.SentInvitation, accepted error, what invitations.EventType) error {
	s, err := readState(ctx, store, sent.Organization)
	if err != nil {
		return err
	}
	fell, join := int64(0), int64(0)
	for _, e := range s.Events.Items {
		switch {
		case e.Type == what:
			fell = e.Version
		case e.Type == invitations.EventMemberJoined && e.InvitationID == sent.ID:
			join = e.Version
		}
	}
	switch {
	case accepted == nil && join > fell:
		return errors.New("accepted although the sender had fallen before")
	case accepted != nil && !errors.Is(accepted, invitations.ErrSenderNotEntitled):
		return errors.New("refused for another reason")
	}
	return nil
}

func raceDemotionAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(_ *invitations.Service, sent invitations.SentInvitation) error {
		return store.Update(ctx, invitations.Query{Organization: sent.Organization}, func(invitations.Facts) (invitations.Changes, error) {
			return setRole(sent.Organization, "ada", "viewer"), nil
		})
	}, func(sent invitations.SentInvitation, accepted, fell error, _ int) error {
		return cmp.Or(fell, inOrder(ctx, store, sent, accepted, "member.role_changed"))
	})
}

func raceRemovalAccept(ctx context.Context, store invitations.Store) error {
	return acceptAgainst(ctx, store, func(_ *invitations.Service, sent invitations.SentInvitation) error {
		return store.Update(ctx, invitations.Query{Organization: sent.Organization}, func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{
				RemovedMembers: []string{"ada"},
				Removals:       []string{"ada"},
				Events:         []invitations.Event{{Organization: sent.Organization, Type: "member.removed", At: start, Subject: "ada"}},
			}, nil
		})
	}, func(sent invitations.SentInvitation, accepted, fell error, _ int) error {
		return cmp.Or(fell, inOrder(ctx, store, sent, accepted, "member.removed"))
	})
}

// raceDemotionInvite: an admin who loses the role cannot invite afterwards.
func raceDemotionInvite(ctx context.Context, store invitations.Store) error {
	return rounds(pairRounds, store, func(svc *invitations.Service, organization string) error {
		set := func(role invitations.Role) error {
			return store.Update(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
				return setRole(organization, "bob", role), nil
			})
		}
		if err := set("admin"); err != nil {
			return err
		}
		errs := together(2, func(i int) error {
			if i == 0 {
				return set("viewer")
			}
			_, err := svc.Invite(ctx, invitations.User("bob"), invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "admin"})
			return err
		})
		if errs[0] != nil || errs[1] != nil && !errors.Is(errs[1], invitations.ErrPermissionDenied) {
			return errors.Join(errs...)
		}
		s, err := readState(ctx, store, organization)
		if err != nil {
			return err
		}
		var demoted, created int64
		for _, e := range s.Events.Items {
			switch {
			case e.Type == "member.role_changed" && e.Role == "viewer":
				demoted = e.Version
			case e.Type == invitations.EventInvitationCreated:
				created = e.Version
			}
		}
		if created > demoted || (created > 0) != (errs[1] == nil) {
			return fmt.Errorf("invited at version %d, demoted at %d, and the invitation ended with %v", created, demoted, errs[1])
		}
		return nil
	})
}
