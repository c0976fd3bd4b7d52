package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-invitations/invitations"
)

var seatRaces = []race{
	{name: "Class29_AcceptsOfALinkAtTheMemberLimit", config: invitations.Config{MemberLimit: 10}, round: raceMemberLimitLink},
	{
		name:   "Class29_AcceptsByEmailAtTheMemberLimit",
		config: invitations.Config{MemberLimit: 10, PendingLimit: crowdSize},
		round:  raceMemberLimitMails,
	},
	{
		name:   "Class29_ReservedSeats",
		config: invitations.Config{MemberLimit: 10, ReserveSeats: true, PendingLimit: crowdSize + 1},
		round:  raceReservedSeats,
	},
	{name: "JoinsAgainstLimits", round: raceLimits},
}

// seats compares the number of members, and of events of members that joined, with wanted.
func (r *round) seats(wanted int) error {
	s, err := readState(r.ctx, r.store, r.organization)
	joined := 0
	for _, e := range s.Events.Items {
		if e.Type == invitations.EventMemberJoined {
			joined++
		}
	}
	return errors.Join(err, want("members", s.Facts.Totals.Members, wanted), want("events of members that joined", joined, wanted))
}

func raceMemberLimitLink(r *round) error {
	sent, err := r.link(invitations.CreateLinkParams{Role: "viewer"})
	if err != nil {
		return err
	}
	n, err := tally(together(crowdSize, func(i int) answer[invitations.Joined] {
		return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("user ", i)}))
	}), invitations.ErrMemberLimit)
	return errors.Join(err, want("successes", n, 9), r.seats(10))
}

// mails lets a crowd of different addresses be invited at once.
func (r *round) mails() []answer[invitations.SentInvitation] {
	return together(crowdSize, func(i int) answer[invitations.SentInvitation] {
		return answerOf(r.svc.Invite(r.ctx, ada, invitations.InviteParams{
			Organization: r.organization, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer",
		}))
	})
}

func raceMemberLimitMails(r *round) error {
	sent := r.mails()
	n, err := tally(sent)
	if err := errors.Join(err, want("invitations", n, crowdSize)); err != nil {
		return err
	}
	n, err = tally(together(crowdSize, func(i int) answer[invitations.Joined] {
		return answerOf(r.svc.Accept(r.ctx, sent[i].value.Token.Reveal(), person(fmt.Sprint("user ", i), sent[i].value.Email)))
	}), invitations.ErrMemberLimit)
	return errors.Join(err, want("successes", n, 9), r.seats(10))
}

// raceReservedSeats invites as many as there are seats. Each of them gets a seat by the email
// or by a link, and a crowd that follows the link gets none.
func raceReservedSeats(r *round) error {
	link, err := r.link(invitations.CreateLinkParams{Role: "viewer"})
	if err != nil {
		return err
	}
	answers := r.mails()
	n, err := tally(answers, invitations.ErrMemberLimit)
	if err := errors.Join(err, want("invitations", n, 9)); err != nil {
		return err
	}
	invited := slices.DeleteFunc(answers, func(a answer[invitations.SentInvitation]) bool { return a.err != nil })
	joined := together(crowdSize, func(i int) answer[invitations.Joined] {
		if i >= 2*len(invited) {
			return answerOf(r.svc.Accept(r.ctx, link.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("guest ", i)}))
		}
		sent := invited[i/2].value
		user := person("owner of "+sent.Email, sent.Email)
		if i%2 == 0 {
			sent = link
		}
		return answerOf(r.svc.Accept(r.ctx, sent.Token.Reveal(), user))
	})
	n, err = tally(joined, invitations.ErrMemberLimit, invitations.ErrAlreadyMember, invitations.ErrRevoked)
	if err := errors.Join(err, want("successes", n, 9), r.seats(10)); err != nil {
		return err
	}
	for i, a := range joined {
		switch guest := i >= 2*len(invited); {
		case guest && !errors.Is(a.err, invitations.ErrMemberLimit):
			return fmt.Errorf("the call of a guest ended with: %w", a.err)
		case !guest && errors.Is(a.err, invitations.ErrMemberLimit):
			return fmt.Errorf("an invited user got no seat: %w", a.err)
		}
	}
	return nil
}

// raceLimits lets 64 join by a link or without an invitation, while the limit of members is
// lowered and raised. The order of the events must explain every answer.
func raceLimits(r *round) error {
	const joins = 64
	link, err := r.link(invitations.CreateLinkParams{Role: "viewer"})
	if err != nil {
		return err
	}
	limits := []int{12, 30, 8, invitations.NoLimit, 20, 45, 10, 64}
	first := r.random.IntN(len(limits))
	answers := together(joins+1, func(i int) answer[invitations.Joined] {
		user := fmt.Sprint("user ", i)
		switch {
		case i == joins:
			for n := range limits {
				own := invitations.Limits{Members: limits[(first+n)%len(limits)]}
				if err := r.svc.SetLimits(r.ctx, invitations.System(), r.organization, own); err != nil {
					return answer[invitations.Joined]{err: err}
				}
			}
			return answer[invitations.Joined]{}
		case i%2 == 0:
			return answerOf(r.svc.Accept(r.ctx, link.Token.Reveal(), invitations.Identity{UserID: user}))
		}
		return answerOf(r.svc.AddMember(r.ctx, ada, invitations.AddMemberParams{Organization: r.organization, UserID: user, Role: "viewer"}))
	})
	if _, err := tally(answers, invitations.ErrMemberLimit); err != nil {
		return err
	}
	joined, refusals, err := r.underLimits()
	if err != nil {
		return err
	}
	for i, a := range answers[:joins] {
		if done := a.err == nil; joined[fmt.Sprint("user ", i)] != done {
			return fmt.Errorf("call %d ended with %v, and an event says that it succeeded: %v", i, a.err, !done)
		}
		var full *invitations.MemberLimitError
		if errors.As(a.err, &full) && (full.Members != full.Limit || !refusals[full.Limit]) {
			return fmt.Errorf("a refusal says that %d of %d seats are taken, and at no instant it was so", full.Members, full.Limit)
		}
	}
	return errors.Join(answers[joins].err, r.seats(1+len(joined)))
}

// underLimits follows the events of an organization. It returns the users that joined, and the
// limits that were reached at some instant. It returns an error if a user joined at the limit.
func (r *round) underLimits() (joined map[string]bool, reached map[int]bool, err error) {
	page, err := r.store.Events(r.ctx, invitations.EventQuery{Organization: r.organization, Limit: 100_000})
	joined, reached = map[string]bool{}, map[int]bool{}
	limit := invitations.NoLimit
	for _, e := range page.Items {
		switch {
		case e.Type == invitations.EventLimitsChanged && e.Limits == nil:
			return nil, nil, errors.New("an event of changed limits misses them")
		case e.Type == invitations.EventLimitsChanged:
			limit = e.Limits.Members
		case e.Type == invitations.EventMemberJoined && e.Subject != "ada":
			if limit > 0 && 1+len(joined) >= limit {
				return nil, nil, fmt.Errorf("a user joins at version %d as member %d of %d", e.Version, 2+len(joined), limit)
			}
			joined[e.Subject] = true
		}
		if limit > 0 && 1+len(joined) >= limit {
			reached[limit] = true
		}
	}
	return joined, reached, err
}
