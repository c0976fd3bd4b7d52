package invitations

import "time"

// The rules of how much mail may be caused. What decide.go says of rules holds here.

// sendingLimits bound the sendings of an organization. A limit of 0 is none.
type sendingLimits struct {
	cooldown                                 time.Duration // between two of one invitation
	perRecipient, perSender, perOrganization int           // within the window
}

const (
	// sendingWindow is the day of the limits: the last 24 hours, whatever the date.
	sendingWindow = 24 * time.Hour
	// maxSendings bounds the limits, and so what a decision reads.
	maxSendings = 10_000
)

// upTo returns how many of the last sendings a decision needs.
func (l sendingLimits) upTo() int {
	switch {
	case l.perOrganization > 0:
		return l.perOrganization
	case l.perRecipient > 0 || l.perSender > 0:
		return maxSendings
	}
	return 0
}

// maySendAgain refuses to resend an email invitation too soon or too often.
func (r rules) maySendAgain(f Facts, actor Actor, inv Invitation) error {
	if at := inv.SentAt.Add(r.sending.cooldown); inv.Kind == KindEmail && r.sending.cooldown > 0 && r.now.Before(at) {
		return &RateLimitError{TooSoon: true, At: at}
	}
	return r.maySendNow(f, actor, inv.Email)
}

// maySendNow refuses one sending too many to an address; no address is a link, which is not
// mailed. The host's backend is no sender who could send too much, but the recipient and the
// organization have their limits from it too.
func (r rules) maySendNow(f Facts, actor Actor, email string) error {
	if email == "" {
		return nil
	}
	var at time.Time
	for _, limit := range []struct {
		most   int
		counts func(Sending) bool
	}{
		{r.sending.perRecipient, func(s Sending) bool { return s.Email == email }},
		{r.sending.perSender, func(s Sending) bool { return !actor.system && s.Actor == actor.user }},
		{r.sending.perOrganization, func(Sending) bool { return true }},
	} {
		if free := r.freeAt(f.Sendings, limit.most, limit.counts); free.After(at) {
			at = free
		}
	}
	if at.IsZero() {
		return nil
	}
	return &RateLimitError{At: at}
}

// freeAt returns when there is a place again among the most that may count within the
// window, or the zero time if there is one now. Sendings are newest first.
func (r rules) freeAt(sendings []Sending, most int, counts func(Sending) bool) time.Time {
	if most == 0 {
		return time.Time{}
	}
	n := 0
	for _, s := range sendings {
		end := s.At.Add(sendingWindow)
		if !end.After(r.now) {
			break
		}
		if counts(s) {
			if n++; n == most {
				return end
			}
		}
	}
	return time.Time{}
}
