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

// tracking shows edits, bulk invitations, received invitations, history, statistics and reminders.
func (t *tour) tracking(ctx context.Context, svc *invitations.Service) {
	carol := invitations.User("carol")

	sent, err := svc.Invite(ctx, carol, invitations.InviteParams{
		Organization: "acme", Email: "dora@example.com", Role: invitations.RoleViewer,
	})
	t.check("inviting dora", err)
	message := "Welcome!"
	_, err = svc.Edit(ctx, carol, invitations.EditParams{
		Organization: "acme", ID: sent.ID, Role: invitations.RoleDeveloper, Message: &message,
	})
	offer, lookupErr := svc.Lookup(ctx, sent.Token.Reveal())
	t.succeeded("Edit a pending invitation", errors.Join(err, lookupErr),
		offer.Role == invitations.RoleDeveloper && offer.Message == message,
		"the link of %s now offers %s, with the message %q", offer.Email, offer.Role, offer.Message)

	// One call invites up to a hundred people. Valid rows succeed, even if others are refused.
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
	t.succeeded("Invite several people at once", err, reflect.DeepEqual(outcomes, []string{
		"emil@example.com is pending", "refused, already_invited", "refused, invalid_argument",
	}), "%s", strings.Join(outcomes, "; "))

	// A user with a verified address finds their invitations without the mail.
	dora := invitations.Identity{UserID: "dora", Email: "dora@example.com"}
	_, err = svc.Received(ctx, dora, invitations.ReceivedParams{})
	t.refused("List received invitations, address unverified", err, invitations.ErrEmailUnverified)
	dora.EmailVerified = true
	received, err := svc.Received(ctx, dora, invitations.ReceivedParams{})
	var offers []string
	for _, o := range received.Items {
		offers = append(offers, fmt.Sprintf("%s as %s", o.Organization, o.Role))
	}
	t.succeeded("List received invitations, address verified", err, len(offers) == 1, "%s", strings.Join(offers, ", "))
	member, err := svc.AcceptReceived(ctx, "acme", sent.ID, dora)
	t.succeeded("Accept a received invitation by its ID", err, member.InvitationID == sent.ID,
		"%s is %s of %s", member.UserID, member.Role, member.Organization)

	timeline, err := svc.Timeline(ctx, carol, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID})
	var events []string
	for _, e := range timeline.Items {
		events = append(events, fmt.Sprintf("%s by %s", e.Type, e.Actor))
	}
	t.succeeded("Read the history of the invitation", err, len(events) == 4, "%s", strings.Join(events, ", "))

	statistics, err := svc.Statistics(ctx, carol, invitations.StatisticsParams{Organization: "acme"})
	all := statistics.Total
	t.succeeded("Count all invitations", err,
		all.Created == all.Pending+all.Accepted+all.Declined+all.Revoked+all.Expired && all.Joined == 4,
		"%d: %d pending, %d accepted, %d revoked, %d expired; acceptance rate %.0f%%, %d people joined",
		all.Created, all.Pending, all.Accepted, all.Revoked, all.Expired, 100*all.AcceptanceRate(), all.Joined)

	// A sweep records expired invitations and returns those to remind, each of them once. Call it
	// from time to time. All other calls are correct without it.
	swept, err := svc.Sweep(ctx, 100)
	t.succeeded("Sweep", err, len(swept.Expired) == all.Expired && len(swept.Reminders) == 0,
		"%d have expired", len(swept.Expired))
	if t.err != nil {
		return // rows may be empty
	}
	t.now = rows[0].Invitation.ExpiresAt.Add(-48 * time.Hour)
	swept, err = svc.Sweep(ctx, 100)
	var recipients []string
	for _, inv := range swept.Reminders {
		// Queue the IDs. The worker asks for the token when it sends the mail.
		_, tokenErr := svc.PendingToken(ctx, invitations.System(), inv.Organization, inv.ID)
		err = errors.Join(err, tokenErr)
		recipients = append(recipients, inv.Email)
	}
	t.succeeded("Sweep two days before an expiry", err, len(recipients) == 1, "remind %s", strings.Join(recipients, ", "))
	swept, err = svc.Sweep(ctx, 100)
	t.succeeded("Sweep again", err, len(swept.Reminders)+len(swept.Expired) == 0, "nothing to do")
}
