package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-invitations/invitations"
)

// members shows roles, permissions, quotas, and how members leave.
func (t *tour) members(ctx context.Context, svc *invitations.Service) {
	ada, grace := invitations.User("ada"), invitations.User("grace")
	changeRole := func(actor invitations.Actor, user string, role invitations.Role) (invitations.Member, error) {
		return svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: "acme", UserID: user, Role: role})
	}

	list, err := svc.Members(ctx, ada, invitations.MembersParams{Organization: "acme"})
	var names []string
	for _, m := range list.Items {
		names = append(names, fmt.Sprintf("%s (%s)", m.UserID, m.Role))
	}
	t.succeeded("List the members", err, len(names) == 4, "%s", strings.Join(names, ", "))

	admin, err := changeRole(ada, "grace", invitations.RoleAdmin)
	t.succeeded("Change a role", err, admin.Role == invitations.RoleAdmin, "%s is now %s", admin.UserID, admin.Role)

	// Members cannot give a role with a permission that they do not hold.
	_, err = changeRole(grace, "grace", invitations.RoleOwner)
	t.refused("Make oneself an owner", err, invitations.ErrRoleNotAssignable)

	developer, err := changeRole(grace, "bob", invitations.RoleDeveloper)
	t.succeeded("Change a role as an admin", err, developer.Role == invitations.RoleDeveloper,
		"%s is now %s", developer.UserID, developer.Role)

	// Your own routes ask this at every request.
	_, err = svc.Authorize(ctx, "acme", "bob", invitations.PermissionOrganizationUse)
	t.succeeded("Check a permission of bob", err, true, "%s is allowed", invitations.PermissionOrganizationUse)
	_, err = svc.Authorize(ctx, "acme", "carol", invitations.PermissionOrganizationUse)
	t.refused("Check the same permission of carol", err, invitations.ErrPermissionDenied)

	// Your application grants the quotas of organizations and the personal quotas of users. Admins
	// limit members within their organization. The unit is yours: calls, tokens or cents.
	acme, personal := invitations.InOrganization("acme"), invitations.Personal()
	for _, p := range []invitations.SetQuotaParams{
		{Workspace: acme, Quota: invitations.Quota{Limit: 100, Period: invitations.PeriodMonth}},
		{Workspace: personal, UserID: "bob", Quota: invitations.Quota{Limit: 20, Period: invitations.PeriodMonth}},
	} {
		t.check("granting a quota", svc.SetQuota(ctx, invitations.System(), p))
	}
	err = svc.SetQuota(ctx, grace, invitations.SetQuotaParams{
		Workspace: acme, UserID: "bob", Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
	})
	quota, readErr := svc.Quota(ctx, grace, "acme", "bob")
	t.succeeded("Set the quota of a member", errors.Join(err, readErr), left(quota) == 10, "bob has %s", describe(quota))

	spent, err := svc.Consume(ctx, acme, "bob", 8)
	t.succeeded("Consume 8 in acme", err, left(spent) == 2, "%s", describe(spent))

	_, err = svc.Consume(ctx, acme, "bob", 5)
	var exceeded *invitations.QuotaExceededError
	if !errors.As(err, &exceeded) {
		exceeded = &invitations.QuotaExceededError{}
	}
	t.refused("Consume 5 more", err, invitations.ErrQuotaExceeded, describe(exceeded.Balance))

	// Every call that consumes names its workspace, so it cannot use the wrong quota.
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
	choices := []string{"personal: " + describe(workspaces.Personal)}
	for _, o := range workspaces.Organizations {
		choices = append(choices, fmt.Sprintf("%s as %s: %s", o.ID, o.Role, describe(o.Balance)))
	}
	t.succeeded("List the workspaces of bob", err, len(choices) == 2, "%s", strings.Join(choices, "; "))

	own, err := svc.Consume(ctx, personal, "bob", 5)
	shared, readErr := svc.Remaining(ctx, acme, "bob")
	t.succeeded("Consume 5 in the personal workspace", errors.Join(err, readErr), left(own) == 15 && left(shared) == 2,
		"%s; in acme still %s", describe(own), describe(shared))

	t.now = t.now.AddDate(0, 0, 1)
	spent, err = svc.Consume(ctx, acme, "bob", 5)
	t.succeeded("Consume 5 in acme a day later", err, left(spent) == 5, "%s", describe(spent))

	// Removing a member also revokes the invitations that the member sent.
	sent, err := svc.Invite(ctx, grace, invitations.InviteParams{
		Organization: "acme", Email: "friend@example.com", Role: invitations.RoleAdmin,
	})
	t.check("inviting a friend", err)
	removed, err := svc.RemoveMember(ctx, ada, "acme", "grace")
	t.succeeded("Remove an admin", err, removed.UserID == "grace", "%s was removed", removed.UserID)
	_, err = svc.Members(ctx, grace, invitations.MembersParams{Organization: "acme"})
	t.refused("List the members as the removed admin", err, invitations.ErrPermissionDenied)
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow a link that grace sent", err, invitations.ErrRevoked)

	former, err := svc.Leave(ctx, "acme", "bob")
	t.succeeded("Leave", err, former.UserID == "bob", "%s left", former.UserID)
	_, err = svc.Consume(ctx, acme, "bob", 1)
	t.refused("Consume 1 in acme after leaving", err, invitations.ErrPermissionDenied)

	_, err = svc.Leave(ctx, "acme", "ada")
	t.refused("Leave as the last owner", err, invitations.ErrLastOwner)
	owner, err := svc.TransferOwnership(ctx, ada, invitations.TransferOwnershipParams{
		Organization: "acme", From: "ada", To: "carol", Role: invitations.RoleBilling,
	})
	old, readErr := svc.Member(ctx, "acme", "ada")
	t.succeeded("Transfer the ownership", errors.Join(err, readErr),
		owner.Role == invitations.RoleOwner && old.Role == invitations.RoleBilling,
		"%s is %s, %s is %s", owner.UserID, owner.Role, old.UserID, old.Role)
	former, err = svc.Leave(ctx, "acme", "ada")
	t.succeeded("Leave after the transfer", err, former.UserID == "ada", "%s left", former.UserID)
}

// left returns the amount that can still be consumed, or -1 if there is no limit.
func left(b invitations.Balance) int64 {
	if amount, limited := b.Left(); limited {
		return amount
	}
	return -1
}

// describe returns a text with the rest of each quota.
func describe(b invitations.Balance) string {
	var quotas []string
	for _, u := range []*invitations.Usage{b.Own, b.Shared} {
		if u != nil {
			quotas = append(quotas, fmt.Sprintf("%d left of %d a %s", u.Left(), u.Limit, u.Period))
		}
	}
	return strings.Join(quotas, ", ")
}
