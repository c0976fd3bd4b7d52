package invitations_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The arguments that every test changes one of.
func goodChange() invitations.ChangeRoleParams {
	return invitations.ChangeRoleParams{Organization: "acme", UserID: "dora", Role: invitations.RoleViewer}
}

func goodTransfer() invitations.TransferOwnershipParams {
	return invitations.TransferOwnershipParams{Organization: "acme", From: "olga", To: "dora", Role: invitations.RoleAdmin}
}

func goodQuota() invitations.SetQuotaParams {
	return invitations.SetQuotaParams{
		Workspace: invitations.InOrganization("acme"), UserID: "dora",
		Quota: invitations.Quota{Limit: 5, Period: invitations.PeriodDay},
	}
}

var badQuotas = map[string]invitations.Quota{
	"negative":            {Limit: -1, Period: invitations.PeriodDay},
	"the least there is":  {Limit: math.MinInt64, Period: invitations.PeriodMonth},
	"more than 10^15":     {Limit: maxAmount + 1, Period: invitations.PeriodEndless},
	"the most there is":   {Limit: math.MaxInt64, Period: invitations.PeriodDay},
	"no period":           {Limit: 5},
	"an unknown period":   {Limit: 5, Period: "week"},
	"an unknown, of 0":    {Period: "week"},
	"in capitals":         {Limit: 5, Period: "Day"},
	"a negative, without": {Limit: -1},
	"a megabyte":          {Limit: 5, Period: invitations.Period(strings.Repeat("d", 1<<20))},
}

var badAmounts = map[string]int64{
	"none": 0, "negative": -1, "the least there is": math.MinInt64, "more than 10^15": maxAmount + 1, "the most there is": math.MaxInt64,
}

// badMemberArguments is the part of badArguments that is about members, quotas and
// workspaces.
func badMemberArguments(actors map[string]invitations.Actor, badRoles map[string]invitations.Role) [][]refused {
	badFilterRoles := map[string]invitations.Role{
		"65 bytes": invitations.Role(strings.Repeat("r", 65)), "invalid UTF-8": "\xff", "a control": "owner\n",
	}
	badLimits := map[string]int{"negative": -1, "101": 101, "the most": 1<<31 - 1}
	badHeirRoles := map[string]invitations.Role{"the owner again": invitations.RoleOwner}
	for name, role := range badRoles {
		badHeirRoles[name] = role
	}
	badOrganizations := map[string]string{} // of a workspace, where an empty one is no workspace
	for name, id := range badNames {
		if id != "" {
			badOrganizations[name] = id
		}
	}
	noWorkspace := map[string]invitations.Workspace{"the zero one": {}, "no organization": invitations.InOrganization("")}

	var all [][]refused
	add := func(more ...[]refused) { all = append(all, more...) }

	// The operations on one member by an actor.
	for operation, call := range map[string]func(ctxT, svcT, invitations.Actor, string, string) error{
		"ChangeRole": func(ctx ctxT, svc svcT, actor invitations.Actor, organization, user string) error {
			_, err := svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: "viewer"})
			return err
		},
		"RemoveMember": func(ctx ctxT, svc svcT, actor invitations.Actor, organization, user string) error {
			_, err := svc.RemoveMember(ctx, actor, organization, user)
			return err
		},
	} {
		add(
			each(operation, "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error { return call(ctx, svc, v, "acme", "dora") }),
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error { return call(ctx, svc, olgaActs, v, "dora") }),
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, invitations.System(), v, "dora")
			}),
			each(operation, "user_id", badNames, func(ctx ctxT, svc svcT, v string) error { return call(ctx, svc, olgaActs, "acme", v) }),
		)
	}
	// And those of the host, or of the member.
	for operation, call := range map[string]func(ctxT, svcT, string, string) error{
		"Leave": func(ctx ctxT, svc svcT, organization, user string) error {
			_, err := svc.Leave(ctx, organization, user)
			return err
		},
		"Authorize": func(ctx ctxT, svc svcT, organization, user string) error {
			_, err := svc.Authorize(ctx, organization, user, invitations.PermissionMemberList)
			return err
		},
	} {
		add(
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error { return call(ctx, svc, v, "dora") }),
			each(operation, "user_id", badNames, func(ctx ctxT, svc svcT, v string) error { return call(ctx, svc, "acme", v) }),
		)
	}
	add(
		each("ChangeRole", "role", badRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			p := goodChange()
			p.Role = v
			_, err := svc.ChangeRole(ctx, olgaActs, p)
			return err
		}),
		each("Authorize", "permission", map[string]invitations.Permission{
			"none": "", "65 bytes": invitations.Permission(strings.Repeat("p", 65)), "invalid UTF-8": "\xff", "a NUL": "a\x00",
		}, func(ctx ctxT, svc svcT, v invitations.Permission) error {
			_, err := svc.Authorize(ctx, "acme", "dora", v)
			return err
		}),
	)

	transfer := func(ctx ctxT, svc svcT, actor invitations.Actor, change func(*invitations.TransferOwnershipParams)) error {
		p := goodTransfer()
		change(&p)
		_, err := svc.TransferOwnership(ctx, actor, p)
		return err
	}
	add(
		each("TransferOwnership", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			return transfer(ctx, svc, v, func(*invitations.TransferOwnershipParams) {})
		}),
		each("TransferOwnership", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return transfer(ctx, svc, olgaActs, func(p *invitations.TransferOwnershipParams) { p.Organization = v })
		}),
		each("TransferOwnership", "from", badNames, func(ctx ctxT, svc svcT, v string) error {
			return transfer(ctx, svc, olgaActs, func(p *invitations.TransferOwnershipParams) { p.From = v })
		}),
		each("TransferOwnership", "to", badNames, func(ctx ctxT, svc svcT, v string) error {
			return transfer(ctx, svc, invitations.System(), func(p *invitations.TransferOwnershipParams) { p.To = v })
		}),
		each("TransferOwnership", "to", map[string]string{"the same": "olga"}, func(ctx ctxT, svc svcT, v string) error {
			return transfer(ctx, svc, olgaActs, func(p *invitations.TransferOwnershipParams) { p.To = v })
		}),
		each("TransferOwnership", "role", badHeirRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return transfer(ctx, svc, olgaActs, func(p *invitations.TransferOwnershipParams) { p.Role = v })
		}),
	)

	members := func(ctx ctxT, svc svcT, actor invitations.Actor, change func(*invitations.MembersParams)) error {
		p := invitations.MembersParams{Organization: "acme"}
		change(&p)
		_, err := svc.Members(ctx, actor, p)
		times := 0
		for _, e := range svc.AllMembers(ctx, actor, p) {
			if times++; e == nil || e.Error() != err.Error() || times > 1 {
				return fmt.Errorf("AllMembers yields %v, Members returns %v", e, err)
			}
		}
		return err
	}
	add(
		each("Members", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			return members(ctx, svc, v, func(*invitations.MembersParams) {})
		}),
		each("Members", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return members(ctx, svc, olgaActs, func(p *invitations.MembersParams) { p.Organization = v })
		}),
		each("Members", "role", badFilterRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return members(ctx, svc, olgaActs, func(p *invitations.MembersParams) { p.Role = v })
		}),
		each("Members", "limit", badLimits, func(ctx ctxT, svc svcT, v int) error {
			return members(ctx, svc, olgaActs, func(p *invitations.MembersParams) { p.Limit = v })
		}),
		each("Members", "cursor", badIDCursors(), func(ctx ctxT, svc svcT, v string) error {
			return members(ctx, svc, olgaActs, func(p *invitations.MembersParams) { p.Cursor = v })
		}),
	)

	workspaces := func(ctx ctxT, svc svcT, p invitations.WorkspacesParams) error {
		_, err := svc.Workspaces(ctx, p)
		return err
	}
	add(
		each("Workspaces", "user_id", badNames, func(ctx ctxT, svc svcT, v string) error {
			return workspaces(ctx, svc, invitations.WorkspacesParams{UserID: v})
		}),
		each("Workspaces", "limit", badLimits, func(ctx ctxT, svc svcT, v int) error {
			return workspaces(ctx, svc, invitations.WorkspacesParams{UserID: "dora", Limit: v})
		}),
		each("Workspaces", "cursor", badIDCursors(), func(ctx ctxT, svc svcT, v string) error {
			return workspaces(ctx, svc, invitations.WorkspacesParams{UserID: "dora", Cursor: v})
		}),
	)

	// The operations that name a workspace.
	for operation, call := range map[string]func(ctxT, svcT, invitations.Workspace, string) error{
		"Consume": func(ctx ctxT, svc svcT, w invitations.Workspace, user string) error {
			_, err := svc.Consume(ctx, w, user, 1)
			return err
		},
		"Remaining": func(ctx ctxT, svc svcT, w invitations.Workspace, user string) error {
			_, err := svc.Remaining(ctx, w, user)
			return err
		},
		"SetQuota": func(ctx ctxT, svc svcT, w invitations.Workspace, user string) error {
			p := goodQuota()
			p.Workspace, p.UserID = w, user
			return svc.SetQuota(ctx, invitations.System(), p)
		},
	} {
		badUsers := badNames
		if operation == "SetQuota" {
			badUsers = badOrganizations // an empty one stands for the organization
		}
		add(
			each(operation, "workspace", noWorkspace, func(ctx ctxT, svc svcT, v invitations.Workspace) error { return call(ctx, svc, v, "dora") }),
			each(operation, "organization", badOrganizations, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, invitations.InOrganization(v), "dora")
			}),
			each(operation, "user_id", badUsers, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, invitations.InOrganization("acme"), v)
			}),
			each(operation, "user_id", badNames, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, invitations.Personal(), v)
			}),
		)
	}
	add(
		each("Consume", "amount", badAmounts, func(ctx ctxT, svc svcT, v int64) error {
			_, err := svc.Consume(ctx, invitations.InOrganization("acme"), "dora", v)
			return err
		}),
		each("Consume", "amount", badAmounts, func(ctx ctxT, svc svcT, v int64) error {
			_, err := svc.Consume(ctx, invitations.Personal(), "dora", v)
			return err
		}),
		each("SetQuota", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error { return svc.SetQuota(ctx, v, goodQuota()) }),
		each("SetQuota", "quota", badQuotas, func(ctx ctxT, svc svcT, v invitations.Quota) error {
			p := goodQuota()
			p.Quota = v
			return svc.SetQuota(ctx, olgaActs, p)
		}),
		each("SetQuota", "quota", badQuotas, func(ctx ctxT, svc svcT, v invitations.Quota) error {
			return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{Workspace: invitations.Personal(), UserID: "dora", Quota: v})
		}),
		each("Invite", "quota", badQuotas, func(ctx ctxT, svc svcT, v invitations.Quota) error {
			p := goodInvite()
			p.Quota = v
			_, err := svc.Invite(ctx, olgaActs, p)
			return err
		}),
		each("CreateLink", "quota", badQuotas, func(ctx ctxT, svc svcT, v invitations.Quota) error {
			p := goodLink()
			p.Quota = v
			_, err := svc.CreateLink(ctx, olgaActs, p)
			return err
		}),
		each("Quota", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			_, err := svc.Quota(ctx, v, "acme", "dora")
			return err
		}),
		each("Quota", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.Quota(ctx, olgaActs, v, "")
			return err
		}),
		each("Quota", "user_id", badOrganizations, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.Quota(ctx, olgaActs, "acme", v)
			return err
		}),
	)
	return all
}

// What lies exactly on the bounds of a quota is fine, and reaches the store as it is.
func TestBounds_Quota(t *testing.T) {
	t.Parallel()
	for _, q := range []invitations.Quota{
		{}, {Period: invitations.PeriodDay}, {Limit: maxAmount, Period: invitations.PeriodMonth},
		{Limit: 1, Period: invitations.PeriodEndless},
	} {
		store := failing(nil, workable("SetQuota"), func(ctxT) {})
		svc := serviceOn(t, store, atNoon())
		p := goodQuota()
		p.Quota = q
		require.NoError(t, svc.SetQuota(t.Context(), olgaActs, p))
		p.Workspace = invitations.Personal()
		require.NoError(t, svc.SetQuota(t.Context(), invitations.System(), p))
		require.Equal(t, q, store.SetPersonalQuotaCalls()[0].Q)

		invite, link := goodInvite(), goodLink()
		invite.Quota, link.Quota = q, q
		svc = serviceOn(t, answering(workable("Invite")), atNoon())
		sent, err := svc.Invite(t.Context(), olgaActs, invite)
		require.NoError(t, err)
		require.Equal(t, q, sent.Quota)
		sent, err = svc.CreateLink(t.Context(), olgaActs, link)
		require.NoError(t, err)
		require.Equal(t, q, sent.Quota)
	}
	for _, amount := range []int64{1, maxAmount} {
		store := failing(nil, workable("Consume"), func(ctxT) {})
		_, err := serviceOn(t, store, atNoon()).Consume(t.Context(), invitations.Personal(), "dora", amount)
		require.NoError(t, err)
		require.Equal(t, amount, store.ConsumeCalls()[0].C.Amount)
	}
}
