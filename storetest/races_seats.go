package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-invitations/invitations"
)

var seatRaces = []race{
	{"Class29_AcceptsOfALinkAtTheMemberLimit", raceMemberLimitLink},
	{"Class29_AcceptsByEmailAtTheMemberLimit", raceMemberLimitMails},
	{"Class29_ReservedSeats", raceReservedSeats},
}

// limited runs f for organizations of which ada is the only member, with a service that is
// told config.
func limited(n int, store invitations.Store, config invitations.Config, f func(svc *invitations.Service, organization string) error) error {
	config.Clock = (&clock{now: start}).Now
	svc := configured(store, config, testKey(1))
	return rounds(n, store, func(_ *invitations.Service, organization string) error { return f(svc, organization) })
}

// seats compares how many members there are with want.
func seats(ctx context.Context, store invitations.Store, organization string, wanted int) error {
	members, err := explained(ctx, store, invitations.DefaultPolicy(), organization)
	if err != nil {
		return err
	}
	return want("members", len(members), wanted)
}

func raceMemberLimitLink(ctx context.Context, store invitations.Store) error {
	return limited(crowdRounds, store, invitations.Config{MemberLimit: 10}, func(svc *invitations.Service, organization string) error {
		sent, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{Organization: organization, Role: "viewer"})
		if err != nil {
			return err
		}
		n, err := tally(together(crowdSize, func(i int) answer[invitations.Member] {
			return answerOf(svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("user ", i)}))
		}), invitations.ErrMemberLimit)
		return errors.Join(err, want("successes", n, 9), seats(ctx, store, organization, 10))
	})
}

// mail invites the nth of a crowd.
func mail(ctx context.Context, svc *invitations.Service, organization string, n int) answer[invitations.SentInvitation] {
	return answerOf(svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: organization, Email: fmt.Sprintf("p%d@example.com", n), Role: "viewer",
	}))
}

func raceMemberLimitMails(ctx context.Context, store invitations.Store) error {
	config := invitations.Config{MemberLimit: 10, PendingLimit: crowdSize}
	return limited(crowdRounds/2, store, config, func(svc *invitations.Service, organization string) error {
		sent := together(crowdSize, func(i int) answer[invitations.SentInvitation] { return mail(ctx, svc, organization, i) })
		n, err := tally(sent)
		if err := errors.Join(err, want("invitations", n, crowdSize)); err != nil {
			return err
		}
		n, err = tally(together(crowdSize, func(i int) answer[invitations.Member] {
			return answerOf(svc.Accept(ctx, sent[i].value.Token.Reveal(), person(fmt.Sprint("user ", i), sent[i].value.Email)))
		}), invitations.ErrMemberLimit)
		return errors.Join(err, want("successes", n, 9), seats(ctx, store, organization, 10))
	})
}

// raceReservedSeats: as many are invited as there are seats, and all of these get theirs, by
// whichever of two ways comes first, against a crowd that has none.
func raceReservedSeats(ctx context.Context, store invitations.Store) error {
	config := invitations.Config{MemberLimit: 10, ReserveSeats: true, PendingLimit: crowdSize + 1}
	return limited(crowdRounds, store, config, func(svc *invitations.Service, organization string) error {
		link, err := svc.CreateLink(ctx, invitations.User("ada"), invitations.CreateLinkParams{Organization: organization, Role: "viewer"})
		if err != nil {
			return err
		}
		answers := together(crowdSize, func(i int) answer[invitations.SentInvitation] { return mail(ctx, svc, organization, i) })
		n, err := tally(answers, invitations.ErrMemberLimit)
		if err := errors.Join(err, want("invitations", n, 9)); err != nil {
			return err
		}
		invited := slices.DeleteFunc(answers, func(a answer[invitations.SentInvitation]) bool { return a.err != nil })
		joined := together(crowdSize, func(i int) answer[invitations.Member] {
			if i >= 2*len(invited) {
				return answerOf(svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("guest ", i)}))
			}
			sent := invited[i/2].value
			who := person("owner of "+sent.Email, sent.Email)
			if i%2 == 0 {
				sent = link
			}
			return answerOf(svc.Accept(ctx, sent.Token.Reveal(), who))
		})
		n, err = tally(joined, invitations.ErrMemberLimit, invitations.ErrAlreadyMember, invitations.ErrRevoked)
		if err := errors.Join(err, want("successes", n, 9), seats(ctx, store, organization, 10)); err != nil {
			return err
		}
		for i, a := range joined {
			switch guest := i >= 2*len(invited); {
			case guest && !errors.Is(a.err, invitations.ErrMemberLimit):
				return fmt.Errorf("a guest is answered with: %w", a.err)
			case !guest && errors.Is(a.err, invitations.ErrMemberLimit):
				return fmt.Errorf("who was invited has no seat: %w", a.err)
			}
		}
		return nil
	})
}
