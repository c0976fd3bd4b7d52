package invitations

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What is mailed, and what sweeps make of it, in the world of TestHistories.

// A mail is one to one recipient. The host's backend has no name.
type mail struct {
	at            time.Time
	sender, email string
}

// due is what a sweep has to do for a pending invitation.
type due struct {
	at       time.Time // zero: nothing any more
	reminder bool      // otherwise it has expired then
}

// limitSending draws the limits of mail, each of them none as often as not.
func (w *world) limitSending(t *rapid.T) {
	c := &w.svc.config
	c.ResendCooldown = rapid.SampledFrom([]time.Duration{-1, time.Minute, time.Hour}).Draw(t, "cooldown")
	limit := rapid.SampledFrom([]int{-1, -1, 1, 2, 3})
	c.SendsPerRecipient = limit.Draw(t, "per recipient")
	c.SendsPerSender = limit.Draw(t, "per sender")
	c.SendsPerOrganization = limit.Draw(t, "per organization")
	c.RemindBefore = rapid.SampledFrom([]time.Duration{0, time.Hour, day, 2 * day}).Draw(t, "remind before")
}

// freeAt returns the first instant, from now on, at which actor could write to the address if
// nobody wrote meanwhile: of those at which a mail is a day old, the first at which no limit
// is full.
func (w *world) freeAt(actor Actor, email string) time.Time {
	instants := []time.Time{w.now}
	for _, m := range w.mails {
		if end := m.at.Add(24 * time.Hour); end.After(w.now) {
			instants = append(instants, end)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	c := w.svc.config
	for _, at := range instants {
		toThem, byThem, all := 0, 0, 0
		for _, m := range w.mails {
			if at.Sub(m.at) >= 24*time.Hour {
				continue
			}
			all++
			if m.email == email {
				toThem++
			}
			if m.sender == actor.user && actor != System() {
				byThem++
			}
		}
		fits := func(n, limit int) bool { return limit < 0 || n < limit }
		if fits(toThem, c.SendsPerRecipient) && fits(byThem, c.SendsPerSender) && fits(all, c.SendsPerOrganization) {
			return at
		}
	}
	panic("a day after the last mail everything is free")
}

// checkMails fails unless the events tell all that was mailed, and nothing else.
func (w *world) checkMails(t *rapid.T) {
	var told []mail
	for _, e := range w.events {
		if e.Email != "" {
			told = append(told, mail{e.At, e.Actor, e.Email})
		}
	}
	require.Equal(t, w.mails, told)
}

// plan notes when a sweep has to come by for an invitation that got its expiry now.
func (w *world) plan(record Record) {
	w.due[record.ID] = due{at: record.ExpiresAt}
	before := w.svc.config.RemindBefore
	if record.Email != "" && before > 0 && record.ExpiresAt.Sub(w.now) > before {
		w.due[record.ID] = due{at: record.ExpiresAt.Add(-before), reminder: true}
	}
}

// sweep does what is due, and sometimes comes later than it was called. What is handed out is
// not due any more, so nothing is handed out twice.
func (w *world) sweep(t *rapid.T) {
	at, limit := w.now, rapid.IntRange(1, 3).Draw(t, "limit")
	f := Facts{Organization: acme, Version: w.version}
	for _, id := range slices.SortedFunc(maps.Keys(w.records), compareIDs) {
		if r := w.records[id]; r.State == StatePending && !r.SweepAt.IsZero() && !r.SweepAt.After(at) {
			f.PendingRecords = append(f.PendingRecords, r.Clone())
		}
	}
	slices.SortStableFunc(f.PendingRecords, func(a, b Record) int { return a.SweepAt.Compare(b.SweepAt) })
	f.PendingRecords = f.PendingRecords[:min(len(f.PendingRecords), limit)]
	if rapid.IntRange(0, 4).Draw(t, "late") == 4 {
		w.wait(t)
	}
	swept, changes, _ := decided(t, f, func(f Facts) (Swept, Changes, error) {
		swept, changes := w.svc.rules().sweep(f)
		return swept, changes, nil
	})
	var want Swept
	var wanted Changes
	for _, r := range f.PendingRecords {
		e := eventOf(EventInvitationExpired, r, "")
		e.At = w.now
		if w.isPending(r) {
			require.True(t, w.due[r.ID].reminder, "reminded once")
			e.Type = EventInvitationReminded
			want.Reminders = append(want.Reminders, r.Invitation)
			w.due[r.ID] = due{at: r.ExpiresAt}
		} else {
			expired := r.Invitation
			expired.State = StateExpired
			want.Expired = append(want.Expired, expired)
			delete(w.due, r.ID)
		}
		r.SweepAt = w.due[r.ID].at
		wanted.Invitations = append(wanted.Invitations, r)
		wanted.Events = append(wanted.Events, e)
	}
	require.Equal(t, want, swept)
	require.Equal(t, wanted, changes)
	w.apply(t, changes)
}
