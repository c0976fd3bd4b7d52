package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var sweepRaces = []race{
	{name: "ManySweepers", config: invitations.Config{RemindBefore: 2 * day}, round: raceSweepers},
	{name: "SweepAgainstAnswer", config: invitations.Config{RemindBefore: 2 * day}, round: raceSweepAnswer},
}

// A swept is an invitation that a Sweep handed out, or an event that it wrote.
type swept struct {
	organization string
	id           uuid.UUID
	event        invitations.EventType
}

// raceSweepers lets eight sweep 160 invitations of eight organizations, five at a time. Half of
// them have expired, and half need a reminder. Each is handed out once, and has one event.
func raceSweepers(r *round) error {
	const sweepers, each = 8, 20
	organizations := names(r.organization+", organization", 8)
	reminded := map[uuid.UUID]bool{}
	for _, organization := range organizations {
		var c invitations.Changes
		for n := range each {
			inv := invitation(organization, n)
			inv.Email = fmt.Sprintf("p%d@example.com", n)
			inv.SweepAt = start.Add(-time.Duration(n*7%each) * time.Second)
			if inv.ExpiresAt = inv.SweepAt; n%2 == 0 {
				inv.ExpiresAt = start.Add(day)
				reminded[inv.ID] = true
			}
			c.Invitations = append(c.Invitations, inv)
		}
		if err := put(r.ctx, r.store.Create, organization, c); err != nil {
			return err
		}
	}
	const all = 8 * each
	answers := make([][]invitations.Swept, sweepers+1)
	sweep := func(i int) (int, error) {
		s, err := r.svc.Sweep(r.ctx, 5)
		answers[i] = append(answers[i], s)
		return len(s.Reminders) + len(s.Expired), err
	}
	err := cmp.Or(together(sweepers, func(i int) error {
		for range 8 {
			if _, err := sweep(i); err != nil {
				return err
			}
		}
		return nil
	})...)
	// A Sweep leaves out the organizations that others hold, so something may be left.
	for n, tries := 1, 0; n > 0 && err == nil && tries < all; tries++ {
		n, err = sweep(sweepers)
	}
	if err != nil {
		return err
	}

	handed, written := map[swept]int{}, map[swept]int{}
	for _, s := range answers {
		for _, s := range s {
			for _, inv := range s.Reminders {
				handed[swept{inv.Organization, inv.ID, invitations.EventInvitationReminded}]++
			}
			for _, inv := range s.Expired {
				handed[swept{inv.Organization, inv.ID, invitations.EventInvitationExpired}]++
			}
		}
	}
	for _, organization := range organizations {
		s, err := readState(r.ctx, r.store, organization)
		if err != nil {
			return err
		}
		for _, e := range s.Events.Items {
			written[swept{organization, e.InvitationID, e.Type}]++
		}
		for _, inv := range s.Invitations.Items {
			next := time.Time{}
			if reminded[inv.ID] {
				next = inv.ExpiresAt
			}
			if !inv.SweepAt.Equal(next) {
				return fmt.Errorf("an invitation is due again at %v, want %v", inv.SweepAt, next)
			}
		}
	}
	for what, counts := range map[string]map[swept]int{"handed out": handed, "written": written} {
		if len(counts) != all {
			return fmt.Errorf("%d invitations were %s, want %d", len(counts), what, all)
		}
		for which, n := range counts {
			if n != 1 || reminded[which.id] != (which.event == invitations.EventInvitationReminded) {
				return fmt.Errorf("%v was %s %d times", which, what, n)
			}
		}
	}
	return nil
}

// raceSweepAnswer sweeps an invitation while it is answered. The Sweep must not undo the
// answer, and must hand out a reminder only if it writes one.
func raceSweepAnswer(r *round) error {
	sent, err := r.invite("viewer")
	if err != nil {
		return err
	}
	r.clock.Add(6 * day)
	state := []invitations.State{invitations.StateAccepted, invitations.StateDeclined}[r.n%2]
	var reminders int
	errs := together(2, func(i int) error {
		switch {
		case i == 0:
			swept, err := r.svc.Sweep(r.ctx, 10)
			reminders = len(swept.Reminders)
			return err
		case state == invitations.StateAccepted:
			return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), ann))
		}
		return r.svc.Decline(r.ctx, sent.Token.Reveal())
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	stored, err := s.oneRecord()
	if err != nil {
		return err
	}
	if stored.State != state || !stored.SweepAt.IsZero() {
		return fmt.Errorf("the invitation is %q and due at %v, want %q and never due", stored.State, stored.SweepAt, state)
	}
	events := 0
	for _, e := range s.Events.Items {
		if e.Type == invitations.EventInvitationReminded {
			events++
		}
	}
	if reminders != events || events > 1 {
		return fmt.Errorf("%d reminders were handed out, and %d are written", reminders, events)
	}
	return nil
}
