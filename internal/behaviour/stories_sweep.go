package behaviour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var sweepStories = []check{
	{"ReminderThenExpiry", storyReminder},
	{"SweepIsBoundedAndResumed", storySweepBounds},
}

// sweepAll sweeps once, and returns the IDs.
func (w *world) sweepAll(limit int) (reminders, expired []uuid.UUID) {
	w.Helper()
	swept, err := w.svc.Sweep(w.ctx, limit)
	w.ok(err)
	for _, inv := range swept.Reminders {
		reminders = append(reminders, inv.ID)
	}
	for _, inv := range swept.Expired {
		if expired = append(expired, inv.ID); inv.State != invitations.StateExpired {
			w.Errorf("an expired invitation is %q", inv.State)
		}
	}
	return reminders, expired
}

func storyReminder(w *world) {
	w = w.with(invitations.Config{RemindBefore: 2 * day})
	w.company()
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	answered := w.invite(ada, "acme", "joe@example.com", "viewer")
	short, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "zeta", Email: "ann@example.com", Role: "viewer", ExpiresIn: 2 * day})
	w.ok(err)
	sweeps := func(what string, reminders, expired []uuid.UUID) {
		w.Helper()
		r, e := w.sweepAll(100)
		w.equal(what, [][]uuid.UUID{r, e}, [][]uuid.UUID{reminders, expired})
		w.unchanged(what+", again", func() {
			r, e := w.sweepAll(100)
			w.equal(what+", again", [][]uuid.UUID{r, e}, [][]uuid.UUID{nil, nil})
		})
	}
	w.accept(answered, person("joe", "joe@example.com"))
	w.clock.Add(2*day - time.Microsecond)
	sweeps("before anything is due", nil, nil)
	w.clock.Add(time.Microsecond)
	sweeps("one that lived no longer than that is not reminded of", nil, []uuid.UUID{short.ID})
	w.clock.Add(3 * day)
	version := w.version("acme")
	sweeps("two days before", []uuid.UUID{mail.ID}, nil)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{{
		Version: version + 1, Type: invitations.EventInvitationReminded, InvitationID: mail.ID,
		Email: "ann@example.com", Role: "viewer", MaxUses: 1, ExpiresAt: mail.ExpiresAt,
	}})
	// A worker that sends a reminder gets the token that was sent.
	again, err := w.svc.PendingToken(w.ctx, ada, "acme", mail.ID)
	w.ok(err)
	w.equal("token", again.Token.Reveal(), mail.Token.Reveal())
	w.clock.Add(2 * day)
	w.acceptRefused(mail, annID, invitations.ErrExpired) // swept or not
	r, e := w.sweepAll(100)
	slices.SortFunc(e, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	both := []uuid.UUID{mail.ID, link.ID}
	slices.SortFunc(both, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	w.equal("at the end", [][]uuid.UUID{r, e}, [][]uuid.UUID{nil, both})
	w.acceptRefused(mail, annID, invitations.ErrExpired)
	if inv := w.get(mail); inv.State != invitations.StateExpired {
		w.Errorf("got state %q", inv.State)
	}
	// A resend begins anew. An edit of the expiry moves the reminder if it was not sent yet, and
	// never causes a second one.
	mail = w.resend(ada, mail)
	w.edit(ada, mail, invitations.EditParams{ExpiresIn: 10 * day})
	w.clock.Add(8*day - time.Microsecond)
	sweeps("edited, and due later", nil, nil)
	w.clock.Add(time.Microsecond)
	sweeps("edited", []uuid.UUID{mail.ID}, nil)
	for range 3 {
		w.edit(ada, mail, invitations.EditParams{ExpiresIn: 3 * day})
		w.clock.Add(2 * day)
		sweeps("edited after its reminder", nil, nil)
	}
	w.ok(w.svc.Decline(w.ctx, mail.Token.Reveal()))
	w.clock.Add(30 * day)
	sweeps("when it has ended", nil, nil)
}

func storySweepBounds(w *world) {
	w = w.with(invitations.Config{PendingLimit: 100})
	organizations := []string{"acme", "zeta", "beta"}
	left := map[uuid.UUID]bool{}
	for _, organization := range organizations {
		w.found(organization, "ada")
		for n := range 5 {
			left[w.invite(ada, organization, fmt.Sprintf("p%d@example.com", n), "viewer").ID] = true
		}
	}
	w.clock.Add(7 * day)
	for n := 15; n > 0; n -= 4 {
		_, expired := w.sweepAll(4)
		if len(expired) != min(n, 4) {
			w.Fatalf("got %d of %d, and asked for 4", len(expired), n)
		}
		for _, id := range expired {
			if !left[id] {
				w.Errorf("%v was swept twice", id)
			}
			delete(left, id)
		}
	}
	w.equal("the rest", left, map[uuid.UUID]bool{})
	for _, organization := range organizations {
		_, err := explained(w.ctx, w.store, w.svc.Policy(), organization)
		w.ok(err)
	}
	for _, limit := range []int{-1, 0, 1001} {
		_, err := w.svc.Sweep(w.ctx, limit)
		w.refused(err, invitations.ErrInvalid)
	}
}
