package behaviour

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var bulkStories = []check{
	{"BulkOfAHundred", storyBulk},
	{"Class40_BulkCountsRecipients", storyBulkLimits},
	{"BulkRepeatedWithIDs", storyBulkIDs},
	{"BulkIsRefused", storyBulkRefused},
}

func (w *world) inviteAll(actor invitations.Actor, organization string, rows ...invitations.InviteParams) []invitations.Outcome {
	w.Helper()
	outcomes, err := w.svc.InviteAll(w.ctx, actor, organization, rows)
	w.ok(err)
	if len(outcomes) != len(rows) {
		w.Fatalf("got %d outcomes of %d rows", len(outcomes), len(rows))
	}
	for i, o := range outcomes {
		if (o.Err == nil) == (o.Invitation.ID == uuid.Nil) || o.Err != nil && !o.Invitation.Token.IsZero() {
			w.Errorf("row %d: got %+v with error %v", i, o.Invitation, o.Err)
		}
	}
	return outcomes
}

func row(email string) invitations.InviteParams {
	return invitations.InviteParams{Email: email, Role: "viewer"}
}

// batch returns a hundred rows. 5 have a bad address, 3 repeat an earlier row, and 2 have
// addresses with pending invitations.
func batch() []invitations.InviteParams {
	var rows []invitations.InviteParams
	for n := range 100 {
		rows = append(rows, row(fmt.Sprintf("p%d@example.com", n)))
	}
	for at, bad := range map[int]string{0: "", 6: "nobody", 12: "a@b@example.com", 50: "p1@example.com,p2@example.com", 99: "p 1@example.com"} {
		rows[at].Email = bad
	}
	rows[3].Email = "P2@Example.com"   // repeats a row that succeeds
	rows[40].Email = "p1@example.com"  // repeats another one, and no place is left
	rows[90].Email = "p80@example.com" // repeats a row without a place
	rows[5].Email, rows[70].Email = "ann@example.com", "joe@example.com"
	return rows
}

func storyBulk(w *world) {
	w = w.with(invitations.Config{PendingLimit: 12})
	w.company()
	there := map[string]uuid.UUID{}
	for _, email := range []string{"ann@example.com", "joe@example.com"} {
		there[email] = w.invite(ada, "acme", email, "viewer").ID
	}
	w.invite(ada, "zeta", "p1@example.com", "viewer")
	before, version := w.state("acme", everybody...), w.version("acme")
	other := w.state("zeta", everybody...)
	w.clock.Add(time.Hour)
	rows := batch()
	outcomes := w.inviteAll(bob, "acme", rows...)

	places, went := 10, []invitations.Outcome{}
	for i, o := range outcomes {
		email, err := invitations.CanonicalEmail(rows[i].Email)
		existing, invited := there[email]
		var already *invitations.AlreadyInvitedError
		switch {
		case err != nil:
			w.refusal(fmt.Sprint("row ", i), o.Err, invitations.ErrInvalid)
		case invited:
			if !errors.As(o.Err, &already) || already.InvitationID != existing {
				w.Errorf("row %d: got error %v, want one that names %v", i, o.Err, existing)
			}
		case places == 0:
			w.refusal(fmt.Sprint("row ", i), o.Err, invitations.ErrPendingLimit)
		default:
			w.ok(o.Err)
			w.equal("invitation", o.Invitation.Invitation, invitations.Invitation{
				ID: o.Invitation.ID, Organization: "acme", Kind: invitations.KindEmail, State: invitations.StatePending, Email: email, Role: "viewer",
				MaxUses: 1, CreatedBy: "bob", SentBy: "bob", CreatedAt: w.clock.Now(), SentAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(7 * day),
			})
			there[email] = o.Invitation.ID
			places--
			went = append(went, o)
		}
	}
	// One change has an event for each row that succeeded.
	var events []invitations.Event
	for i, o := range went {
		events = append(events, invitations.Event{
			Version: version + 1, Index: i, Type: invitations.EventInvitationCreated, Actor: "bob", InvitationID: o.Invitation.ID, Email: o.Invitation.Email,
			Role: "viewer", MaxUses: 1, ExpiresAt: o.Invitation.ExpiresAt,
		})
	}
	w.equal("events", w.happened("acme", version+1), events)
	after := w.state("acme", everybody...)
	w.equal("how many there are", []int{len(went), len(after.Invitations.Items), after.Facts.Totals.PendingEmails}, []int{10, len(before.Invitations.Items) + 10, 12})
	w.equal("version", after.Facts.Version, version+1)
	w.equal("the other organization", w.state("zeta", everybody...), other)
	for i, o := range went {
		w.equal("member", w.accept(o.Invitation, person(fmt.Sprint("user ", i), o.Invitation.Email)).InvitedBy, "bob")
	}
}

func storyBulkLimits(w *world) {
	w = w.with(invitations.Config{SendsPerRecipient: 2, SendsPerSender: 4, SendsPerOrganization: 6, PendingLimit: 100, MemberLimit: 6, ReserveSeats: true})
	w.company() // four members, and so two seats
	errs := func(actor invitations.Actor, rows ...invitations.InviteParams) (all []error) {
		w.Helper()
		for _, o := range w.inviteAll(actor, "acme", rows...) {
			all = append(all, o.Err)
		}
		return all
	}
	compare := func(what string, got []error, want ...error) {
		w.Helper()
		for i := range want {
			w.refusal(fmt.Sprintf("%s: row %d", what, i), got[i], want[i])
		}
	}
	compare("seats", errs(bob, row("a@example.com"), row("b@example.com"), row("c@example.com")), nil, nil, invitations.ErrMemberLimit)
	w = w.with(invitations.Config{SendsPerRecipient: 2, SendsPerSender: 4, SendsPerOrganization: 6, PendingLimit: 100})
	version := w.version("acme")
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", w.invite(invitations.System(), "acme", "x@example.com", "viewer").ID)))
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", w.invite(ada, "acme", "x@example.com", "viewer").ID)))
	compare("recipients and senders", errs(bob, row("x@example.com"), row("c@example.com"), row("d@example.com"), row("e@example.com")),
		invitations.ErrRateLimited, nil, nil, invitations.ErrRateLimited)
	compare("organizations", errs(ada, row("e@example.com"), row("c@example.com")), invitations.ErrRateLimited, invitations.ErrAlreadyInvited)
	w.equal("version, after two and two calls and a batch that changed something", w.version("acme"), version+5)
	w.clock.Add(day)
	compare("a day later", errs(bob, row("x@example.com"), row("e@example.com")), nil, nil)
}

func storyBulkIDs(w *world) {
	w = w.with(invitations.Config{PendingLimit: 4})
	w.company()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", ID: id(9)})
	rows := []invitations.InviteParams{row("a@example.com"), row("b@example.com"), row("c@example.com"), row("d@example.com")}
	for i := range rows {
		rows[i].ID, rows[i].Organization = id(i), "acme"
	}
	first := w.inviteAll(ada, "acme", rows...)
	for _, o := range first[:3] {
		w.ok(o.Err)
	}
	w.refused(first[3].Err, invitations.ErrPendingLimit)
	// After a lost answer, a repeated call returns the same and changes nothing.
	w.unchanged("the same again", func() {
		again := w.inviteAll(ada, "acme", rows...)
		for i := range 3 {
			w.ok(again[i].Err)
			w.equal("invitation", again[i].Invitation.Invitation, first[i].Invitation.Invitation)
			w.equal("token", again[i].Invitation.Token.Reveal(), first[i].Invitation.Token.Reveal())
			w.equal("repeated", []bool{first[i].Invitation.Repeated, again[i].Invitation.Repeated}, []bool{false, true})
		}
		w.refused(again[3].Err, invitations.ErrPendingLimit)
	})
	// An ID stands for one request, even within a batch.
	w = w.with(invitations.Config{PendingLimit: 10})
	another, twice, foreign := rows[0], row("e@example.com"), row("f@example.com")
	another.Email, twice.ID, foreign.Organization = "z@example.com", id(5), "zeta"
	of := row("g@example.com")
	of.ID = link.ID
	conflict := twice
	conflict.Role = "admin"
	outcomes := w.inviteAll(ada, "acme", another, twice, twice, conflict, foreign, of)
	w.refused(outcomes[0].Err, invitations.ErrConflict)
	w.ok(outcomes[1].Err)
	w.ok(outcomes[2].Err)
	w.equal("token", outcomes[2].Invitation.Token.Reveal(), outcomes[1].Invitation.Token.Reveal())
	w.equal("repeated", []bool{outcomes[1].Invitation.Repeated, outcomes[2].Invitation.Repeated}, []bool{false, true})
	w.refused(outcomes[3].Err, invitations.ErrConflict)
	w.refused(outcomes[4].Err, invitations.ErrInvalid)
	w.refused(outcomes[5].Err, invitations.ErrConflict)
	// The other organization may have the same IDs.
	for i := range rows {
		rows[i].Organization = ""
	}
	for _, o := range w.inviteAll(ada, "zeta", rows...) {
		w.ok(o.Err)
	}
	w.accept(first[0].Invitation, person("a", "a@example.com"))
	if again := w.inviteAll(ada, "acme", first3(first)...); again[0].Invitation.State != invitations.StateAccepted || !again[0].Invitation.Token.IsZero() {
		w.Errorf("after the acceptance: got %+v", again[0].Invitation)
	}
}

// first3 returns the rows of the first three invitations.
func first3(outcomes []invitations.Outcome) (rows []invitations.InviteParams) {
	for _, o := range outcomes[:3] {
		r := row(o.Invitation.Email)
		r.ID = o.Invitation.ID
		rows = append(rows, r)
	}
	return rows
}

func storyBulkRefused(w *world) {
	w.company()
	one := []invitations.InviteParams{row("ann@example.com")}
	w.unchanged("refused", func() {
		for name, c := range map[string]struct {
			actor        invitations.Actor
			organization string
			rows         []invitations.InviteParams
			want         error
		}{
			"no rows":                {ada, "acme", nil, invitations.ErrInvalid},
			"101 rows":               {ada, "acme", append(batch(), one...), invitations.ErrInvalid},
			"nobody":                 {invitations.Actor{}, "acme", one, invitations.ErrInvalid},
			"no organization":        {ada, "", one, invitations.ErrInvalid},
			"no permission":          {invitations.User("dev"), "acme", one, invitations.ErrPermissionDenied},
			"no permission, all bad": {invitations.User("dev"), "acme", []invitations.InviteParams{row("bad")}, invitations.ErrPermissionDenied},
			"a stranger":             {invitations.User("eve"), "acme", one, invitations.ErrPermissionDenied},
			"a stranger, elsewhere":  {invitations.User("eve"), "none", one, invitations.ErrPermissionDenied},
			"System, elsewhere":      {invitations.System(), "none", one, invitations.ErrNotFound},
		} {
			outcomes, err := w.svc.InviteAll(w.ctx, c.actor, c.organization, c.rows)
			if w.refusal(name, err, c.want); outcomes != nil {
				w.Errorf("%s: got outcomes with a refusal", name)
			}
		}
		for _, o := range w.inviteAll(ada, "acme", row("bad"), row("worse")) {
			w.refused(o.Err, invitations.ErrInvalid)
		}
	})
}
