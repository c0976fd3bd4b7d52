package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var purgeRaces = []race{
	{name: "PurgeAgainstReplays", round: racePurgeReplays},
	{name: "PurgeAgainstResends", round: racePurgeResends},
	{name: "PurgeAgainstSweeps", round: racePurgeSweeps},
}

const purgers = 4

// purges runs a few Purges of up to five rows that are older than a day, and returns how many
// rows they deleted.
func (r *round) purges(n int) (deleted int, err error) {
	for range n {
		some, err := r.svc.Purge(r.ctx, r.clock.Now().Add(-day), 5)
		if err != nil {
			return deleted, err
		}
		deleted += some
	}
	return deleted, nil
}

// purgeRest purges until nothing is left.
func (r *round) purgeRest() (deleted int, err error) {
	for {
		n, err := r.purges(1)
		deleted += n
		if err != nil || n == 0 {
			return deleted, err
		}
	}
}

// racePurgeReplays purges invitations while users that accepted them accept again. A replay
// finds the membership or an unknown token, and never the membership later. Each row goes once.
func racePurgeReplays(r *round) error {
	const replays = 8
	users, tokens := names("user", replays), make([]string, replays)
	for i := range tokens {
		sent, err := r.svc.Invite(r.ctx, ada, invitations.InviteParams{
			Organization: r.organization, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer",
		})
		if err != nil {
			return err
		}
		tokens[i] = sent.Token.Reveal()
		if _, err := r.svc.Accept(r.ctx, tokens[i], person(users[i], sent.Email)); err != nil {
			return err
		}
	}
	if _, err := r.follower(); err != nil { // each event gets a position
		return err
	}
	r.clock.Add(40 * day)
	before, err := readState(r.ctx, r.store, r.organization, users...)
	if err != nil {
		return err
	}
	answers := together(replays+purgers, func(i int) answer[int] {
		if i >= replays {
			return answerOf(r.purges(4))
		}
		gone := false
		for range 4 {
			joined, err := r.svc.Accept(r.ctx, tokens[i], person(users[i], fmt.Sprintf("p%d@example.com", i)))
			switch {
			case errors.Is(err, invitations.ErrInvalidToken):
				gone = true
			case err != nil:
				return answer[int]{err: err}
			case gone || !joined.Repeated || differ(joined.Member, before.Facts.Members[users[i]]) != "":
				return answer[int]{err: fmt.Errorf("a replay found %+v, and a replay before did not: %v", joined, gone)}
			}
		}
		return answer[int]{}
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	deleted, err := r.purgeRest()
	for _, a := range answers {
		deleted += a.value
	}
	after, err2 := readState(r.ctx, r.store, r.organization, users...)
	if err := errors.Join(err, err2, want("deleted rows", deleted, len(before.Invitations.Items)+len(before.Events.Items))); err != nil {
		return err
	}
	if d := differ(after, state{Facts: before.Facts}); d != "" {
		return errors.New("after the purge: " + d)
	}
	_, err = r.svc.Accept(r.ctx, tokens[0], person(users[0], "p0@example.com"))
	if !errors.Is(err, invitations.ErrInvalidToken) {
		return fmt.Errorf("a replay after the purge ended with: %w", err)
	}
	return nil
}

// old returns n invitations of an organization that expired long ago.
func old(organization string, n int) (all []invitations.Record) {
	for i := range n {
		inv := invitation(organization, i)
		inv.Email, inv.Quota, inv.Role = fmt.Sprintf("p%d@example.com", i), invitations.Quota{}, "viewer"
		inv.CreatedBy, inv.SentBy, inv.AcceptedBy = "ada", "ada", ""
		inv.SentAt, inv.ExpiresAt, inv.SweepAt = start.Add(-50*day), start.Add(-40*day), start.Add(-time.Duration(40*24*60-i)*time.Minute)
		all = append(all, inv)
	}
	return all
}

// racePurgeResends purges expired invitations while they are resent. An invitation that is
// pending again must stay.
func racePurgeResends(r *round) error {
	const resends = 8
	if err := r.update(invitations.Changes{Invitations: old(r.organization, resends)}); err != nil {
		return err
	}
	answers := together(resends+purgers, func(i int) answer[int] {
		if i >= resends {
			return answerOf(r.purges(2))
		}
		return answer[int]{0, second(r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: r.organization, ID: id(i)}))}
	})
	resent, err := tally(answers[:resends], invitations.ErrNotFound)
	if _, purged := tally(answers[resends:]); err != nil || purged != nil {
		return errors.Join(err, purged)
	}
	deleted, err := r.purgeRest()
	if err != nil {
		return err
	}
	for _, a := range answers[resends:] {
		deleted += a.value
	}
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	left := map[uuid.UUID]bool{}
	for _, inv := range s.Invitations.Items {
		left[inv.ID] = inv.State == invitations.StatePending && inv.ExpiresAt.After(start)
	}
	for i, a := range answers[:resends] {
		if pending := left[id(i)]; pending != (a.err == nil) {
			return fmt.Errorf("a resend ended with %v, and the invitation is pending: %v", a.err, pending)
		}
	}
	return errors.Join(
		want("deleted rows", deleted, resends-resent), want("invitations", len(s.Invitations.Items), resent),
		want("events of resends", count(s.Events.Items, invitations.EventInvitationResent), resent),
	)
}

// racePurgeSweeps purges expired invitations while sweepers hand them out. Each is handed out at
// most once, with its event, and none comes back.
func racePurgeSweeps(r *round) error {
	const sweepers, each = 4, 6
	organizations := names(r.organization+", organization", 4)
	for _, organization := range organizations {
		if err := put(r.ctx, r.store.Create, organization, invitations.Changes{Invitations: old(organization, each)}); err != nil {
			return err
		}
	}
	sweep := func() (handed []invitations.Invitation, err error) {
		for range 4 {
			swept, err := r.svc.Sweep(r.ctx, 3)
			if err != nil {
				return handed, err
			}
			handed = append(handed, swept.Expired...)
		}
		return handed, nil
	}
	type result struct {
		handed  []invitations.Invitation
		deleted int
		err     error
	}
	results := together(sweepers+purgers, func(i int) (got result) {
		if i < sweepers {
			got.handed, got.err = sweep()
		} else {
			got.deleted, got.err = r.purges(3)
		}
		return got
	})
	handed, deleted := map[swept]int{}, 0
	for _, got := range results {
		if got.err != nil {
			return got.err
		}
		deleted += got.deleted
		for _, inv := range got.handed {
			handed[swept{inv.Organization, inv.ID, invitations.EventInvitationExpired}]++
		}
	}
	rest, err := r.purgeRest()
	if err := errors.Join(err, want("deleted rows", deleted+rest, each*len(organizations))); err != nil {
		return err
	}
	for _, organization := range organizations {
		s, err := readState(r.ctx, r.store, organization)
		if err := errors.Join(err, want("invitations that are left", len(s.Invitations.Items), 0)); err != nil {
			return err
		}
		for _, e := range s.Events.Items {
			handed[swept{organization, e.InvitationID, e.Type}] -= 10
		}
	}
	for which, n := range handed {
		if n != 1-10 {
			return fmt.Errorf("%v was not handed out and written once each (%d)", which, n)
		}
	}
	return nil
}
