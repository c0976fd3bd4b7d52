package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// belonging is what comes after: roles, quotas, and the ways out.
func belonging(ctx context.Context, t *teller, svc *invitations.Service, now *time.Time) {
	ada, grace := invitations.User("ada"), invitations.User("grace")
	change := func(actor invitations.Actor, user string, role invitations.Role) (invitations.Member, error) {
		return svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: "acme", UserID: user, Role: role})
	}

	list, err := svc.Members(ctx, ada, invitations.MembersParams{Organization: "acme"})
	var members []string
	for _, m := range list.Members {
		members = append(members, fmt.Sprintf("%s (%s)", m.UserID, m.Role))
	}
	t.done("List the members", err, len(members) == 4, "%s", strings.Join(members, ", "))

	admin, err := change(ada, "grace", invitations.RoleAdmin)
	t.done("Change a role", err, admin.Role == invitations.RoleAdmin, "%s is %s now", admin.UserID, admin.Role)

	// Nobody gives what they do not hold.
	_, err = change(grace, "grace", invitations.RoleOwner)
	t.refused("Raise oneself", err, invitations.ErrRoleNotAssignable)

	developer, err := change(grace, "bob", invitations.RoleDeveloper)
	t.done("Change a role, as an admin", err, developer.Role == invitations.RoleDeveloper,
		"%s is %s now", developer.UserID, developer.Role)

	// Your own routes ask this at every request.
	_, err = svc.Authorize(ctx, "acme", "bob", invitations.PermissionOrganizationUse)
	t.done("Ask whether bob may make calls", err, true, "he may")
	_, err = svc.Authorize(ctx, "acme", "carol", invitations.PermissionOrganizationUse)
	t.refused("Ask whether carol may", err, invitations.ErrPermissionDenied)

	// The organization's quota and the personal ones are what you grant; an admin divides
	// the first among the members. What is counted is yours to say.
	acme, personal := invitations.InOrganization("acme"), invitations.Personal()
	for _, grant := range []invitations.SetQuotaParams{
		{Workspace: acme, Quota: invitations.Quota{Limit: 100, Period: invitations.PeriodMonth}},
		{Workspace: personal, UserID: "bob", Quota: invitations.Quota{Limit: 20, Period: invitations.PeriodMonth}},
	} {
		t.check("granting a quota", svc.SetQuota(ctx, invitations.System(), grant))
	}
	err = svc.SetQuota(ctx, grace, invitations.SetQuotaParams{
		Workspace: acme, UserID: "bob", Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
	})
	quota, readErr := svc.Quota(ctx, grace, "acme", "bob")
	t.done("Set the quota of a member", errors.Join(err, readErr), left(quota) == 10, "bob has %s", tell(quota))

	spent, err := svc.Consume(ctx, acme, "bob", 8)
	t.done("Spend 8 in acme", err, left(spent) == 2, "%s", tell(spent))

	_, err = svc.Consume(ctx, acme, "bob", 5)
	var exceeded *invitations.QuotaExceededError
	if !errors.As(err, &exceeded) {
		exceeded = &invitations.QuotaExceededError{}
	}
	t.refused("Spend 5 more", err, invitations.ErrQuotaExceeded, tell(exceeded.Balance))

	// A workspace is named in every call that spends, so nothing is taken from the wrong one.
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
	choice := []string{"personal: " + tell(workspaces.Personal)}
	for _, o := range workspaces.Organizations {
		choice = append(choice, fmt.Sprintf("%s as %s: %s", o.ID, o.Role, tell(o.Balance)))
	}
	t.done("List the workspaces of bob", err, len(choice) == 2, "%s", strings.Join(choice, "; "))

	mine, err := svc.Consume(ctx, personal, "bob", 5)
	ours, readErr := svc.Remaining(ctx, acme, "bob")
	t.done("Spend 5 in the personal one", errors.Join(err, readErr), left(mine) == 15 && left(ours) == 2,
		"%s; in acme still %s", tell(mine), tell(ours))

	*now = now.AddDate(0, 0, 1)
	spent, err = svc.Consume(ctx, acme, "bob", 5)
	t.done("Spend 5 in acme a day later", err, left(spent) == 5, "%s", tell(spent))

	// Who goes takes along what they sent and could not send any more.
	sent, err := svc.Invite(ctx, grace, invitations.InviteParams{
		Organization: "acme", Email: "friend@example.com", Role: invitations.RoleAdmin,
	})
	t.check("inviting a friend", err)
	removed, err := svc.RemoveMember(ctx, ada, "acme", "grace")
	t.done("Remove an admin", err, removed.UserID == "grace", "%s is out", removed.UserID)
	_, err = svc.Members(ctx, grace, invitations.MembersParams{Organization: "acme"})
	t.refused("List the members, as who was removed", err, invitations.ErrPermissionDenied)
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow a link that grace sent", err, invitations.ErrRevoked)

	gone, err := svc.Leave(ctx, "acme", "bob")
	t.done("Leave", err, gone.UserID == "bob", "%s has left", gone.UserID)
	_, err = svc.Consume(ctx, acme, "bob", 1)
	t.refused("Spend 1 in acme, as who has left", err, invitations.ErrPermissionDenied)

	_, err = svc.Leave(ctx, "acme", "ada")
	t.refused("Leave as the last owner", err, invitations.ErrLastOwner)
	heir, err := svc.TransferOwnership(ctx, ada, invitations.TransferOwnershipParams{
		Organization: "acme", From: "ada", To: "carol", Role: invitations.RoleBilling,
	})
	old, readErr := svc.Member(ctx, "acme", "ada")
	t.done("Transfer the ownership", errors.Join(err, readErr), heir.Role == invitations.RoleOwner && old.Role == invitations.RoleBilling,
		"%s is %s, %s is %s", heir.UserID, heir.Role, old.UserID, old.Role)
	gone, err = svc.Leave(ctx, "acme", "ada")
	t.done("Leave then", err, gone.UserID == "ada", "%s has left", gone.UserID)
}

// left returns how much can be spent, or -1 without a limit.
func left(b invitations.Balance) int64 {
	if amount, limited := b.Left(); limited {
		return amount
	}
	return -1
}

// tell says what is left of each quota.
func tell(b invitations.Balance) string {
	var quotas []string
	for _, u := range []*invitations.Usage{b.Own, b.Shared} {
		if u != nil {
			quotas = append(quotas, fmt.Sprintf("%d left of %d a %s", u.Left(), u.Limit, u.Period))
		}
	}
	return strings.Join(quotas, ", ")
}
