package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var limitRaces = []race{
	{"Class40_SendingsOfAnOrganization", raceOrganizationSendings},
	{"Class40_SendingsOfASender", raceSenderSendings},
	{"Class40_SendingsToARecipient", raceRecipientSendings},
	{"Class40_ResendsWithinTheCooldown", raceCooldown},
	{"BulksAtThePendingLimit", raceBulks},
}

// mailed returns who was written to since the clock of a race began, by sender.
func mailed(ctx context.Context, store invitations.Store, organization string) (map[string]int, error) {
	f, err := store.View(ctx, invitations.Query{Organization: organization, SendingsUpTo: 10_000, SendingsAfter: start.Add(-day)})
	sent := map[string]int{}
	for _, s := range f.Sendings {
		sent[s.Actor]++
	}
	return sent, err
}

// flood lets 64 calls of three kinds send at once, by ada and bob in turn, in organizations
// where as many were invited before the day of the limits. It passes to judge how many
// recipients the answers tell that each has written to; nothing else was mailed.
func flood(ctx context.Context, store invitations.Store, config invitations.Config, judge func(sent map[string]int) error) error {
	config.PendingLimit = 10 * crowdSize
	return limited(crowdRounds, store, config, func(svc *invitations.Service, organization string) error {
		old := invitations.Changes{Members: []invitations.Member{member(organization, "bob", "admin")}}
		for n := range crowdSize {
			r := invitation(organization, n)
			r.Email, r.Quota = fmt.Sprintf("old%d@example.com", n), invitations.Quota{}
			e := invitations.Event{Organization: organization, Type: invitations.EventInvitationCreated, At: start.Add(-day), Actor: "ada", InvitationID: r.ID, Email: r.Email}
			old.Invitations, old.Events = append(old.Invitations, r), append(old.Events, e)
		}
		if err := put(ctx, store, organization, old); err != nil {
			return err
		}
		sent := map[string]int{}
		for i, rows := range together(crowdSize, func(i int) []error {
			actor := invitations.User([]string{"ada", "bob"}[i%2])
			p := row(fmt.Sprintf("p%d@example.com", i))
			p.Organization = organization
			switch i / 2 % 3 {
			case 0:
				return []error{second(svc.Invite(ctx, actor, p))}
			case 1:
				return []error{second(svc.Resend(ctx, actor, invitations.ResendParams{Organization: organization, ID: id(i)}))}
			}
			outcomes, err := svc.InviteAll(ctx, actor, organization, []invitations.InviteParams{p, row("also-" + p.Email)})
			if err != nil {
				return []error{err}
			}
			return []error{outcomes[0].Err, outcomes[1].Err}
		}) {
			for _, err := range rows {
				switch {
				case err == nil:
					sent[[]string{"ada", "bob"}[i%2]]++
				case !errors.Is(err, invitations.ErrRateLimited):
					return err
				}
			}
		}
		written, err := mailed(ctx, store, organization)
		if d := differ(written, sent); d != "" && err == nil {
			err = fmt.Errorf("what was mailed is not what the answers tell: %s", d)
		}
		return errors.Join(err, judge(sent))
	})
}

func raceOrganizationSendings(ctx context.Context, store invitations.Store) error {
	return flood(ctx, store, invitations.Config{SendsPerOrganization: 10}, func(sent map[string]int) error {
		return want("sendings of the organization", sent["ada"]+sent["bob"], 10)
	})
}

func raceSenderSendings(ctx context.Context, store invitations.Store) error {
	return flood(ctx, store, invitations.Config{SendsPerSender: 10}, func(sent map[string]int) error {
		return errors.Join(want("sendings of ada", sent["ada"], 10), want("sendings of bob", sent["bob"], 10))
	})
}

// resends lets 64 resend one invitation at once, of which so many may.
func resends(ctx context.Context, store invitations.Store, config invitations.Config, may int, refusal error) error {
	return limited(crowdRounds, store, config, func(svc *invitations.Service, organization string) error {
		r := invitation(organization, 1)
		r.Quota, r.SentAt = invitations.Quota{}, start.Add(-day)
		if err := put(ctx, store, organization, invitations.Changes{Invitations: []invitations.Record{r}}); err != nil {
			return err
		}
		n, err := tally(together(crowdSize, func(i int) answer[invitations.SentInvitation] {
			actor := []invitations.Actor{invitations.User("ada"), invitations.System()}[i%2]
			return answerOf(svc.Resend(ctx, actor, invitations.ResendParams{Organization: organization, ID: r.ID}))
		}), refusal)
		if err != nil {
			return err
		}
		sent, err := mailed(ctx, store, organization)
		return errors.Join(err, want("successes", n, may), want("sendings", sent["ada"]+sent[""], may))
	})
}

func raceRecipientSendings(ctx context.Context, store invitations.Store) error {
	return resends(ctx, store, invitations.Config{SendsPerRecipient: 10}, 10, invitations.ErrRateLimited)
}

func raceCooldown(ctx context.Context, store invitations.Store) error {
	return resends(ctx, store, invitations.Config{ResendCooldown: day}, 1, invitations.ErrTooSoon)
}

// raceBulks lets two invite a hundred each where there are fewer places, and the same address
// now and then.
func raceBulks(ctx context.Context, store invitations.Store) error {
	const places = 120
	return limited(crowdRounds, store, invitations.Config{PendingLimit: places}, func(svc *invitations.Service, organization string) error {
		answers := together(2, func(i int) answer[[]invitations.Outcome] {
			var rows []invitations.InviteParams
			for n := range 100 {
				rows = append(rows, row(fmt.Sprintf("p%d@example.com", n+i*80))) // 20 are in both
			}
			return answerOf(svc.InviteAll(ctx, invitations.User("ada"), organization, rows))
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
		s, err := readState(ctx, store, organization)
		addresses := map[string]bool{}
		for _, r := range s.Invitations.Items {
			addresses[r.Email] = true
		}
		return errors.Join(err, want("rows that went through", n, places), want("pending invitations", s.Facts.PendingCount, places),
			want("addresses", len(addresses), places), want("versions", int(s.Facts.Version), 3))
	})
}
