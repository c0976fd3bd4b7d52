package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-invitations/invitations"
)

// life shows the years after: a price plan, single sign-on, usage, and the ends.
func (t *tour) life(ctx context.Context, svc *invitations.Service) {
	carol, host := invitations.User("carol"), invitations.System()

	members, err := svc.Overview(ctx, carol, "acme")
	t.check("reading the overview", err)
	err = svc.SetLimits(ctx, host, "acme", invitations.Limits{Members: members.Members + 1})
	overview, readErr := svc.Overview(ctx, carol, "acme")
	t.succeeded("Limit the seats of an organization", errors.Join(err, readErr), overview.SeatsFree == 1,
		"%d of %d seats are taken", overview.SeatsTaken, overview.Limits.Members)

	joined, err := svc.AddMember(ctx, host, invitations.AddMemberParams{
		Organization: "acme", UserID: "finn", Email: "finn@example.com", Role: invitations.RoleDeveloper,
	})
	t.succeeded("Add a member at the first single sign-on", err, !joined.Repeated, "%s is %s", joined.UserID, joined.Role)
	_, err = svc.AddMember(ctx, host, invitations.AddMemberParams{
		Organization: "acme", UserID: "gina", Role: invitations.RoleDeveloper,
	})
	t.refused("Add one more", err, invitations.ErrMemberLimit)

	acme := invitations.InOrganization("acme")
	err = svc.SetQuota(ctx, host, invitations.SetQuotaParams{
		Workspace: acme, UserID: "finn", Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodMonth},
	})
	t.check("counting without a limit", err)
	taken, err := svc.Consume(ctx, acme, "finn", 2)
	t.check("consuming", err)
	_, err = svc.Refund(ctx, invitations.RefundParams{Workspace: acme, UserID: "finn", Amount: 1, At: taken.At})
	usage, readErr := svc.Usage(ctx, carol, invitations.UsageParams{Organization: "acme", Period: invitations.PeriodMonth})
	t.succeeded("Read the usage after a refund", errors.Join(err, readErr), len(usage.Members) > 0, "%v", usage.Members)

	link, err := svc.CreateLink(ctx, carol, invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleViewer})
	t.check("creating a link", err)
	err = svc.DeleteOrganization(ctx, carol, "acme")
	_, lookupErr := svc.Lookup(ctx, link.Token.Reveal())
	t.check("deleting the organization", err)
	t.refused("Follow a link of a deleted organization", lookupErr, invitations.ErrInvalidToken)

	rows := 0
	for err = error(nil); err == nil; {
		var erasure invitations.Erasure
		erasure, err = svc.Erase(ctx, invitations.EraseParams{Email: "dora@example.com"})
		if rows += erasure.Rows; erasure.Done {
			break
		}
	}
	t.succeeded("Erase an address", err, rows > 0, "it was in %d rows", rows)

	// A follower of the feed has seen all events. A year later nobody needs them.
	t.now = t.now.AddDate(1, 0, 0)
	deleted, err := svc.Purge(ctx, t.now.Add(-24*time.Hour), 1000)
	t.succeeded("Purge old rows", err, deleted > 0, "%d rows are gone", deleted)
}
