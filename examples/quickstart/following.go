package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// following is how to keep track: of many invitations, of one's own, and of what has become of
// them all.
func following(ctx context.Context, t *teller, svc *invitations.Service, now *time.Time) {
	carol := invitations.User("carol")

	sent, err := svc.Invite(ctx, carol, invitations.InviteParams{
		Organization: "acme", Email: "dora@example.com", Role: invitations.RoleViewer,
	})
	t.check("inviting dora", err)
	message := "Welcome!"
	_, err = svc.Edit(ctx, carol, invitations.EditParams{
		Organization: "acme", ID: sent.ID, Role: invitations.RoleDeveloper, Message: &message,
	})
	offer, lookErr := svc.Lookup(ctx, sent.Token.Reveal())
	t.done("Edit a pending invitation", errors.Join(err, lookErr), offer.Role == invitations.RoleDeveloper && offer.Message == message,
		"the link that %s has offers %s now, and says %q", offer.Email, offer.Role, offer.Message)

	// One call for up to a hundred rows. Those that are fine go through.
	rows, err := svc.InviteAll(ctx, carol, "acme", []invitations.InviteParams{
		{Email: "emil@example.com", Role: invitations.RoleViewer},
		{Email: "Emil@Example.com", Role: invitations.RoleViewer},
		{Email: "emil at example.com", Role: invitations.RoleViewer},
	})
	var outcomes []string
	for _, row := range rows {
		outcome := fmt.Sprintf("%s is %s", row.Invitation.Email, row.Invitation.State)
		var refusal *invitations.Error
		if errors.As(row.Err, &refusal) {
			outcome = "refused, " + refusal.Code()
		}
		outcomes = append(outcomes, outcome)
	}
	t.done("Invite many at once", err, reflect.DeepEqual(outcomes, []string{
		"emil@example.com is pending", "refused, already_invited", "refused, invalid_argument",
	}), "%s", strings.Join(outcomes, "; "))

	// Whoever has proof of their address needs no mail to find what was sent there.
	dora := invitations.Identity{UserID: "dora", Email: "dora@example.com"}
	_, err = svc.Received(ctx, dora, invitations.ReceivedParams{})
	t.refused("List what dora has received, without proof of her address", err, invitations.ErrEmailUnverified)
	dora.EmailVerified = true
	received, err := svc.Received(ctx, dora, invitations.ReceivedParams{})
	var offers []string
	for _, o := range received.Offers {
		offers = append(offers, fmt.Sprintf("%s as %s", o.Organization, o.Role))
	}
	t.done("List it with proof", err, len(offers) == 1, "%s", strings.Join(offers, ", "))
	member, err := svc.AcceptReceived(ctx, "acme", sent.ID, dora)
	t.done("Accept it by its id", err, member.InvitationID == sent.ID, "%s is %s of %s", member.UserID, member.Role, member.Organization)

	timeline, err := svc.Timeline(ctx, carol, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID})
	var events []string
	for _, e := range timeline.Events {
		events = append(events, fmt.Sprintf("%s by %s", e.Type, e.Actor))
	}
	t.done("Read what has happened to it", err, len(events) == 4, "%s", strings.Join(events, ", "))

	stats, err := svc.Statistics(ctx, carol, invitations.StatisticsParams{Organization: "acme"})
	all := stats.Total
	t.done("Count all invitations", err, all.Created == all.Pending+all.Accepted+all.Declined+all.Revoked+all.Expired && all.Joined == 4,
		"%d: %d pending, %d accepted, %d revoked, %d expired; %.0f%% brought somebody in, %d people",
		all.Created, all.Pending, all.Accepted, all.Revoked, all.Expired, 100*all.AcceptanceRate(), all.Joined)

	// A sweep writes the events of what has expired and says whom to remind, each once. Call
	// it when you like; nothing depends on it.
	swept, err := svc.Sweep(ctx, 100)
	t.done("Sweep", err, len(swept.Expired) == all.Expired && len(swept.Reminders) == 0, "%d have expired", len(swept.Expired))
	if t.err != nil {
		return
	}
	*now = rows[0].Invitation.ExpiresAt.Add(-48 * time.Hour)
	swept, err = svc.Sweep(ctx, 100)
	var remind []string
	for _, inv := range swept.Reminders {
		// Your job carries the id, and asks for the token when it sends.
		_, sentErr := svc.PendingToken(ctx, invitations.System(), inv.Organization, inv.ID)
		err = errors.Join(err, sentErr)
		remind = append(remind, inv.Email)
	}
	t.done("Sweep two days before an expiry", err, len(remind) == 1, "remind %s", strings.Join(remind, ", "))
	swept, err = svc.Sweep(ctx, 100)
	t.done("Sweep again", err, len(swept.Reminders)+len(swept.Expired) == 0, "nothing is left to do")
}
