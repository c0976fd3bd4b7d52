package storetest

import (
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var inviteRaces = []race{
	{name: "InvitesAtThePendingLimit", round: raceInvites},
	{name: "InvitesOfOneAddress", round: raceSameAddress},
	{name: "InvitesWithOneID", round: raceSameID},
	{name: "BulksAtThePendingLimit", config: invitations.Config{PendingLimit: bulkPlaces}, round: raceBulks},
	{name: "Class10_DemotionAgainstInvite", round: raceDemotionInvite},
	{
		name:   "Class40_SendingsOfAnOrganization",
		config: invitations.Config{SendsPerOrganization: 10, PendingLimit: 10 * crowdSize},
		round: func(r *round) error {
			sent, err := r.flood()
			return errors.Join(err, want("sendings of the organization", sent["ada"]+sent["bob"], 10))
		},
	},
	{
		name:   "Class40_SendingsOfASender",
		config: invitations.Config{SendsPerSender: 10, PendingLimit: 10 * crowdSize},
		round: func(r *round) error {
			sent, err := r.flood()
			return errors.Join(err, want("sendings of ada", sent["ada"], 10), want("sendings of bob", sent["bob"], 10))
		},
	},
	{
		name:   "Class40_SendingsToARecipient",
		config: invitations.Config{SendsPerRecipient: 10},
		round:  func(r *round) error { return r.resends(10, invitations.ErrRateLimited) },
	},
	{
		name:   "Class40_ResendsWithinTheCooldown",
		config: invitations.Config{ResendCooldown: day},
		round:  func(r *round) error { return r.resends(1, invitations.ErrTooSoon) },
	},
}

func raceInvites(r *round) error {
	n, err := tally(together(crowdSize, func(i int) answer[invitations.SentInvitation] {
		if i%2 == 0 {
			return answerOf(r.link(invitations.CreateLinkParams{Role: "viewer"}))
		}
		return answerOf(r.svc.Invite(r.ctx, ada, invitations.InviteParams{
			Organization: r.organization, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer",
		}))
	}), invitations.ErrPendingLimit)
	if err != nil {
		return err
	}
	page, err := r.svc.Invitations(r.ctx, invitations.System(), invitations.InvitationsParams{
		Organization: r.organization, States: []invitations.State{invitations.StatePending}, Limit: 100,
	})
	return errors.Join(err, want("successes", n, 10), want("pending invitations", len(page.Items), 10))
}

func raceSameAddress(r *round) error {
	answers := together(crowdSize, func(int) answer[invitations.SentInvitation] { return answerOf(r.invite("viewer")) })
	n, err := tally(answers, invitations.ErrAlreadyInvited)
	if err != nil {
		return err
	}
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	stored, err := s.oneRecord()
	if err := errors.Join(err, want("successes", n, 1)); err != nil {
		return err
	}
	for _, a := range answers {
		var already *invitations.AlreadyInvitedError
		if errors.As(a.err, &already) && already.InvitationID != stored.ID {
			return errors.New("a refusal names another invitation")
		}
	}
	return nil
}

func raceSameID(r *round) error {
	answers := together(crowdSize, func(int) answer[invitations.SentInvitation] {
		return answerOf(r.link(invitations.CreateLinkParams{Role: "viewer", ID: id(1)}))
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	for _, a := range answers {
		if a.value.Token.Reveal() != answers[0].value.Token.Reveal() {
			return errors.New("equal calls got different tokens")
		}
	}
	s, err := readState(r.ctx, r.store, r.organization)
	return errors.Join(err, want("invitations", len(s.Invitations.Items), 1), want("events", len(s.Events.Items), 2))
}

const bulkPlaces = 120

// raceBulks lets two bulks of a hundred invite at once. 20 addresses are in both, and there are
// 120 places.
func raceBulks(r *round) error {
	answers := together(2, func(i int) answer[[]invitations.Outcome] {
		var rows []invitations.InviteParams
		for n := range 100 {
			rows = append(rows, invitations.InviteParams{Email: fmt.Sprintf("p%d@example.com", n+i*80), Role: "viewer"})
		}
		return answerOf(r.svc.InviteAll(r.ctx, ada, r.organization, rows))
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	var rows []answer[invitations.SentInvitation]
	for _, a := range answers {
		for _, o := range a.value {
			rows = append(rows, answerOf(o.Invitation, o.Err))
		}
	}
	n, err := tally(rows, invitations.ErrPendingLimit, invitations.ErrAlreadyInvited)
	if err != nil {
		return err
	}
	s, err := readState(r.ctx, r.store, r.organization)
	addresses := map[string]bool{}
	for _, r := range s.Invitations.Items {
		addresses[r.Email] = true
	}
	return errors.Join(err, want("rows that succeeded", n, bulkPlaces), want("pending invitations", s.Facts.Totals.PendingEmails, bulkPlaces),
		want("addresses", len(addresses), bulkPlaces), want("versions", int(s.Facts.Version), 3))
}

// raceDemotionInvite demotes an admin while they invite. After the demotion they must not.
func raceDemotionInvite(r *round) error {
	if err := r.update(setRole(r.organization, "bob", "admin")); err != nil {
		return err
	}
	errs := together(2, func(i int) error {
		if i == 0 {
			return r.update(setRole(r.organization, "bob", "viewer"))
		}
		return second(r.svc.Invite(r.ctx, invitations.User("bob"), invitations.InviteParams{
			Organization: r.organization, Email: "ann@example.com", Role: "admin",
		}))
	})
	if errs[0] != nil || errs[1] != nil && !errors.Is(errs[1], invitations.ErrPermissionDenied) {
		return errors.Join(errs...)
	}
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	var demoted, created int64
	for _, e := range s.Events.Items {
		switch {
		case e.Type == invitations.EventMemberRoleChanged && e.Role == "viewer":
			demoted = e.Version
		case e.Type == invitations.EventInvitationCreated:
			created = e.Version
		}
	}
	if created > demoted || (created > 0) != (errs[1] == nil) {
		return fmt.Errorf("invited at version %d, demoted at version %d, and the call ended with %v", created, demoted, errs[1])
	}
	return nil
}

// mailed returns the number of mails since the day before start, by sender.
func (r *round) mailed() (map[string]int, error) {
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, SendingsUpTo: 10_000, SendingsAfter: start.Add(-day)})
	sent := map[string]int{}
	for _, s := range f.Sendings {
		sent[s.Actor]++
	}
	return sent, err
}

// flood lets ada and bob send with calls of three kinds at once. As many other invitations were
// sent before the day of the limits. It returns the number of recipients that each sent to
// according to the answers, which must be the number of mails.
func (r *round) flood() (map[string]int, error) {
	old := invitations.Changes{Members: []invitations.Member{member(r.organization, "bob", "admin")}}
	for n := range crowdSize {
		inv := invitation(r.organization, n)
		inv.Email, inv.Quota = fmt.Sprintf("old%d@example.com", n), invitations.Quota{}
		e := invitations.Event{
			Organization: r.organization, Type: invitations.EventInvitationCreated, At: start.Add(-day), Actor: "ada",
			InvitationID: inv.ID, Email: inv.Email,
		}
		old.Invitations, old.Events = append(old.Invitations, inv), append(old.Events, e)
	}
	if err := r.update(old); err != nil {
		return nil, err
	}
	senders := []string{"ada", "bob"}
	calls := together(crowdSize, func(i int) []error {
		actor := invitations.User(senders[i%2])
		p := invitations.InviteParams{Organization: r.organization, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer"}
		switch i / 2 % 3 {
		case 0:
			return []error{second(r.svc.Invite(r.ctx, actor, p))}
		case 1:
			return []error{second(r.svc.Resend(r.ctx, actor, invitations.ResendParams{Organization: r.organization, ID: id(i)}))}
		}
		also := p
		also.Email = "also-" + p.Email
		outcomes, err := r.svc.InviteAll(r.ctx, actor, r.organization, []invitations.InviteParams{p, also})
		if err != nil {
			return []error{err}
		}
		return []error{outcomes[0].Err, outcomes[1].Err}
	})
	sent := map[string]int{}
	for i, rows := range calls {
		for _, err := range rows {
			switch {
			case err == nil:
				sent[senders[i%2]]++
			case !errors.Is(err, invitations.ErrRateLimited):
				return nil, err
			}
		}
	}
	mails, err := r.mailed()
	if d := differ(mails, sent); d != "" && err == nil {
		err = fmt.Errorf("mails and successful answers by sender: %s", d)
	}
	return sent, err
}

// resends lets a crowd resend one invitation at once. The limit must admit so many of them.
func (r *round) resends(admitted int, refusal error) error {
	inv := invitation(r.organization, 1)
	inv.Quota, inv.SentAt = invitations.Quota{}, start.Add(-day)
	if err := r.update(invitations.Changes{Invitations: []invitations.Record{inv}}); err != nil {
		return err
	}
	n, err := tally(together(crowdSize, func(i int) answer[invitations.SentInvitation] {
		actor := []invitations.Actor{ada, invitations.System()}[i%2]
		return answerOf(r.svc.Resend(r.ctx, actor, invitations.ResendParams{Organization: r.organization, ID: inv.ID}))
	}), refusal)
	if err != nil {
		return err
	}
	mails, err := r.mailed()
	return errors.Join(err, want("successes", n, admitted), want("sendings", mails["ada"]+mails[""], admitted))
}
