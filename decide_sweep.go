package invitations

import "time"

// The rules of sweeping. What decide.go says of rules holds here.

// nextSweep returns when a sweep has to look at an invitation that was sent now, or whose expiry
// was edited now: at its reminder, if it gets one, and otherwise at its expiry.
func (r rules) nextSweep(inv Invitation) time.Time {
	if at := inv.ExpiresAt.Add(-r.remindBefore); r.remindBefore > 0 && inv.Kind == KindEmail && at.After(r.now) {
		return at
	}
	return inv.ExpiresAt
}

// sweep does what is due in one organization: it writes down what has expired, and hands out
// reminders of what is about to. Each is done once, because it moves SweepAt on.
func (r rules) sweep(f Facts) (Swept, Changes) {
	var swept Swept
	var changes Changes
	for _, inv := range f.PendingRecords {
		what := EventInvitationReminded
		switch {
		case inv.State != StatePending || inv.SweepAt.IsZero() || inv.SweepAt.After(r.now):
			continue
		case !r.now.Before(inv.ExpiresAt):
			what, inv.SweepAt = EventInvitationExpired, time.Time{}
			swept.Expired = append(swept.Expired, inv.clone().at(r.now))
		default:
			inv.SweepAt = inv.ExpiresAt
			swept.Reminders = append(swept.Reminders, inv.clone())
		}
		changes = changes.plus(r.change(inv, what, ""))
	}
	return swept, changes
}
