package invitations

import (
	"context"
	"time"
)

// Swept is the result of one [Service.Sweep].
type Swept struct {
	// Reminders are pending email invitations whose recipients should be reminded now.
	Reminders []Invitation `json:"reminders"`
	// Expired are invitations that have expired.
	Expired []Invitation `json:"expired"`
}

// Sweep writes the events of expired invitations, and returns them together with the
// invitations that need a reminder ([Config].RemindBefore). It handles up to limit invitations
// of all organizations, 1 to 1000. Call it every few minutes, from any number of processes,
// and again at once while it returns anything. It returns each expiry and each reminder once.
// It skips organizations that are being changed, and can miss what such a change makes due; a
// later call finds both.
//
// Nothing depends on Sweep: an expired invitation cannot be accepted, swept or not. A reminder
// that is returned but not sent is lost. To avoid that, hand it to a queue in a transaction of
// the host's, in which Sweep can run too ([Service.WithStore]). The queue's worker asks
// [Service.PendingToken] for the link, and is refused if the invitation has ended meanwhile.
//
// Refusals: [ErrInvalid].
func (s *Service) Sweep(ctx context.Context, limit int) (_ Swept, err error) {
	ctx, op := s.observe(ctx, "Sweep")
	defer op.end(&err)
	if limit < 1 || limit > maxSweep {
		return Swept{}, outOfRange("limit", 1, maxSweep)
	}
	var swept Swept
	err = s.store.Sweep(ctx, s.now(), limit, func(organizations []Facts) []Changes {
		r := s.rules()
		swept = Swept{} // the last call counts
		changes := make([]Changes, len(organizations))
		for i, f := range organizations {
			found, c := r.sweep(f)
			swept.Reminders = append(swept.Reminders, found.Reminders...)
			swept.Expired = append(swept.Expired, found.Expired...)
			changes[i] = c
		}
		return changes
	})
	if err != nil {
		return Swept{}, err
	}
	return Swept{Reminders: notNil(swept.Reminders), Expired: notNil(swept.Expired)}, nil
}

// sweep records expiries and returns due reminders, in one organization. It advances SweepAt,
// so each happens once.
func (r rules) sweep(f Facts) (Swept, Changes) {
	var swept Swept
	var changes Changes
	for _, inv := range f.PendingRecords {
		event := EventInvitationReminded
		switch {
		case inv.State != StatePending || inv.SweepAt.IsZero() || inv.SweepAt.After(r.now):
			continue
		case !r.now.Before(inv.ExpiresAt):
			event, inv.SweepAt = EventInvitationExpired, time.Time{}
			swept.Expired = append(swept.Expired, inv.Invitation.clone().at(r.now))
		default:
			inv.SweepAt = inv.ExpiresAt
			swept.Reminders = append(swept.Reminders, inv.Invitation.clone())
		}
		changes = changes.plus(r.change(inv, event, ""))
	}
	return swept, changes
}
