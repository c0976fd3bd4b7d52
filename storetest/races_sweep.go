package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var sweepRaces = []race{
	{"SweepersOfAThousand", raceSweepers},
	{"SweepAgainstAnswer", raceSweepAnswer},
}

// raceSweepers lets eight sweep a thousand invitations of eight organizations, of which half
// have expired and half are to be reminded: each is handed out once, and has one event.
func raceSweepers(ctx context.Context, store invitations.Store) error {
	const sweepers, each = 8, 125
	organizations := names("organization", 8)
	reminded := map[uuid.UUID]bool{}
	for _, organization := range organizations {
		var c invitations.Changes
		for n := range each {
			r := invitation(organization, n)
			r.Email = fmt.Sprintf("p%d@example.com", n)
			r.SweepAt = start.Add(-time.Duration(n*7%each) * time.Second)
			if r.ExpiresAt = r.SweepAt; n%2 == 0 {
				r.ExpiresAt = start.Add(day)
				reminded[r.ID] = true
			}
			c.Invitations = append(c.Invitations, r)
		}
		if err := put(ctx, store, organization, c); err != nil {
			return err
		}
	}
	svc := configured(store, invitations.Config{Clock: (&clock{now: start}).Now, RemindBefore: 2 * day}, testKey(1))
	const all = sweepers * each
	var found atomic.Int32
	swept := make([][]invitations.Swept, sweepers+1)
	sweep := func(i int) (int, error) {
		s, err := svc.Sweep(ctx, 50)
		swept[i] = append(swept[i], s)
		return len(s.Reminders) + len(s.Expired), err
	}
	err := errors.Join(together(sweepers, func(i int) error {
		// A sweep that finds nothing may only have left out what others held.
		for tries := 0; found.Load() < all && tries < all; tries++ {
			n, err := sweep(i)
			if err != nil {
				return err
			}
			if found.Add(int32(n)); n == 0 {
				runtime.Gosched()
			}
		}
		return nil
	})...)
	for n, tries := 1, 0; n > 0 && err == nil && tries < all; tries++ {
		n, err = sweep(sweepers)
	}
	if err != nil {
		return err
	}

	type one struct {
		organization string
		id           uuid.UUID
		what         invitations.EventType
	}
	handed, written := map[one]int{}, map[one]int{}
	for _, answers := range swept {
		for _, s := range answers {
			for _, inv := range s.Reminders {
				handed[one{inv.Organization, inv.ID, invitations.EventInvitationReminded}]++
			}
			for _, inv := range s.Expired {
				handed[one{inv.Organization, inv.ID, invitations.EventInvitationExpired}]++
			}
		}
	}
	for _, organization := range organizations {
		s, err := readState(ctx, store, organization)
		if err != nil {
			return err
		}
		for _, e := range s.Events.Items {
			written[one{organization, e.InvitationID, e.Type}]++
		}
		for _, r := range s.Invitations.Items {
			next := time.Time{}
			if reminded[r.ID] {
				next = r.ExpiresAt
			}
			if !r.SweepAt.Equal(next) {
				return fmt.Errorf("an invitation is due again at %v, want %v", r.SweepAt, next)
			}
		}
	}
	for what, counts := range map[string]map[one]int{"handed out": handed, "written": written} {
		if len(counts) != all {
			return fmt.Errorf("%d were %s, of %d", len(counts), what, all)
		}
		for which, n := range counts {
			if n != 1 || reminded[which.id] != (which.what == invitations.EventInvitationReminded) {
				return fmt.Errorf("%v was %s %d times", which, what, n)
			}
		}
	}
	return nil
}

// raceSweepAnswer: a sweep undoes no answer, and reminds nobody who has answered.
func raceSweepAnswer(ctx context.Context, store invitations.Store) error {
	now := &clock{now: start}
	svc := configured(store, invitations.Config{Clock: now.Now, RemindBefore: 2 * day}, testKey(1))
	for round := range pairRounds {
		organization := fmt.Sprintf("round %d", round)
		if err := assemble(ctx, store, organization, map[string]invitations.Role{"ada": "owner"}); err != nil {
			return err
		}
		sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "viewer"})
		if err != nil {
			return err
		}
		now.Add(6 * day)
		var swept invitations.Swept
		errs := together(2, func(i int) (err error) {
			switch {
			case i == 0:
				swept, err = svc.Sweep(ctx, 10)
			case round%2 == 0:
				_, err = svc.Accept(ctx, sent.Token.Reveal(), annID)
			default:
				err = svc.Decline(ctx, sent.Token.Reveal())
			}
			return err
		})
		_, err = explained(ctx, store, svc.Policy(), organization)
		if err := errors.Join(errs[0], errs[1], err); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
		page, err := store.Events(ctx, invitations.EventQuery{Organization: organization, Invitation: sent.ID, Limit: 100})
		if err != nil {
			return err
		}
		events := 0
		for _, e := range page.Items {
			if e.Type == invitations.EventInvitationReminded {
				events++
			}
		}
		if len(swept.Reminders) != events || events > 1 {
			return fmt.Errorf("%s: %d reminders were handed out, and %d are written", organization, len(swept.Reminders), events)
		}
	}
	return nil
}
