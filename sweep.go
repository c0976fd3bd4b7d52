package invitations

import (
	"context"
	"strconv"
)

// Swept is what one [Service.Sweep] has found.
type Swept struct {
	// Reminders are pending email invitations whose recipient is to be reminded now.
	Reminders []Invitation `json:"reminders"`
	// Expired are the invitations that have expired.
	Expired []Invitation `json:"expired"`
}

// Sweep writes the events of invitations that have expired, and hands out those whose
// recipients are to be reminded ([Config].RemindBefore): up to limit invitations of all
// organizations, 1 to 1000. Call it every few minutes, from as many processes as you like, and
// again at once while it returns anything: each expiry and each reminder is returned once. It
// leaves out what is being changed at that instant, and a later call finds it.
//
// Nothing depends on it: an invitation that has expired cannot be accepted, whether it was
// swept or not. A reminder that is not sent after it was handed out is lost, so hand it to a
// queue in a transaction of yours, in which Sweep works too ([Service.WithStore]). The worker
// asks [Service.PendingToken] when it sends, and is refused if the invitation has ended since.
//
// Refusals: [ErrInvalid].
func (s *Service) Sweep(ctx context.Context, limit int) (Swept, error) {
	if limit < 1 || limit > maxSweep {
		return Swept{}, invalid("limit", "is not between 1 and "+strconv.Itoa(maxSweep))
	}
	swept := Swept{Reminders: []Invitation{}, Expired: []Invitation{}}
	err := s.store.Sweep(ctx, s.now(), limit, func(all []Facts) []Changes {
		r := s.rules()
		swept = Swept{Reminders: []Invitation{}, Expired: []Invitation{}} // of the last call
		changes := make([]Changes, len(all))
		for i, f := range all {
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
	return swept, nil
}
