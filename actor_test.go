package invitations_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// ceilingPolicy is the default policy, with a role for each permission that holds all others.
func ceilingPolicy(t *testing.T) *invitations.Policy {
	t.Helper()
	roles := map[invitations.Role][]invitations.Permission{}
	standard := invitations.DefaultPolicy()
	for _, role := range standard.Roles() {
		for _, p := range allPermissions {
			if standard.Allows(role, p) {
				roles[role] = append(roles[role], p)
			}
		}
	}
	for _, lacking := range allPermissions {
		for _, p := range allPermissions {
			if p != lacking {
				roles[without(lacking)] = append(roles[without(lacking)], p)
			}
		}
	}
	policy, err := invitations.NewPolicy(roles)
	require.NoError(t, err)
	return policy
}

var allPermissions = []invitations.Permission{
	invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionInvitationRevoke,
	invitations.PermissionInvitationList, invitations.PermissionMemberList, invitations.PermissionMemberAdd,
	invitations.PermissionMemberUpdate, invitations.PermissionMemberRemove, invitations.PermissionQuotaUpdate,
	invitations.PermissionOrganizationUse, invitations.PermissionOrganizationManage, invitations.PermissionBillingManage,
}

// without returns the role that lacks one permission.
func without(p invitations.Permission) invitations.Role { return "without " + invitations.Role(p) }

// TestAtMost tries every operation that takes an Actor under every ceiling. An operation added
// later fails it until its permissions are listed here.
func TestAtMost(t *testing.T) {
	t.Parallel()
	const (
		create, resend, revoke = invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionInvitationRevoke
		see, seeMembers        = invitations.PermissionInvitationList, invitations.PermissionMemberList
		update, quota          = invitations.PermissionMemberUpdate, invitations.PermissionQuotaUpdate
		use                    = invitations.PermissionOrganizationUse
	)
	type permissions = []invitations.Permission
	// The permissions of each operation. Those of a role that it grants, or on whose holder it
	// acts, are among them: a developer's are member:list and organization:use. A nil entry is
	// reserved to System.
	needs := map[string]permissions{
		"DeleteOrganization": {invitations.PermissionOrganizationManage},
		"SetLimits":          nil,
		"Overview":           {seeMembers},
		"Invite":             {create, seeMembers, use},
		"CreateLink":         {create, seeMembers, use},
		"InviteAll":          {create}, // the rows are refused one by one
		"Resend":             {resend, seeMembers, use},
		"Edit":               {create, seeMembers, use},
		"Revoke":             {revoke},
		"PendingToken":       {resend, seeMembers, use},
		"Invitation":         {see},
		"Invitations":        {see},
		"AllInvitations":     {see},
		"Timeline":           {see},
		"AllEvents":          {see, seeMembers},
		"Statistics":         {see},
		"Members":            {seeMembers},
		"AllMembers":         {seeMembers},
		"AddMember":          {invitations.PermissionMemberAdd, seeMembers, use},
		"SetMetadata":        {update, seeMembers, use},
		"ChangeRole":         {update, seeMembers, use},
		"RemoveMember":       {invitations.PermissionMemberRemove, seeMembers, use},
		"TransferOwnership":  allPermissions,
		"Usage":              {quota},
		"SetQuota":           {quota, seeMembers, use},
		"SetQuota, shared":   nil,
		"SetQuota, personal": nil,
		"Quota":              {quota},
		"Quota, shared":      {quota},
	}
	config := atNoon()
	config.Policy = ceilingPolicy(t)
	refused := func(err error) bool {
		return errors.Is(err, invitations.ErrPermissionDenied) || errors.Is(err, invitations.ErrRoleNotAssignable)
	}
	tested := 0
	for i, o := range operations() {
		if !takesActor(o.method()) {
			continue
		}
		tested++
		needed, listed := needs[o.name]
		require.True(t, listed, "%s is missing", o.name)
		for _, base := range []invitations.Actor{invitations.User("olga"), invitations.System()} {
			try := func(actor invitations.Actor) error {
				_, err := operationsBy(actor, actor)[i].call(t.Context(), serviceOn(t, working(o.name), config))
				return err
			}
			// The owner's ceiling takes nothing from an owner, and from System all that only
			// System may do.
			if needed == nil {
				require.ErrorIs(t, try(base.AtMost(invitations.RoleOwner)), invitations.ErrPermissionDenied, o.name)
				require.NoError(t, try(invitations.System()), o.name)
				continue
			}
			require.NoError(t, try(base.AtMost(invitations.RoleOwner)), o.name)
			for _, unknown := range []invitations.Role{"king", ""} {
				require.True(t, refused(try(base.AtMost(unknown))), "%s at most %q", o.name, unknown)
			}
			var asked permissions
			for _, p := range allPermissions {
				switch err := try(base.AtMost(without(p))); {
				case refused(err):
					asked = append(asked, p)
				default:
					require.NoError(t, err, o.name)
				}
				for _, twice := range []invitations.Actor{
					base.AtMost(without(p)).AtMost(invitations.RoleOwner), base.AtMost(invitations.RoleOwner).AtMost(without(p)),
				} {
					require.Equal(t, try(base.AtMost(without(p))), try(twice), "%s: a second ceiling", o.name)
				}
			}
			require.ElementsMatch(t, needed, asked, o.name)
		}
	}
	require.Len(t, needs, tested)
}

// takesActor reports whether a method has a parameter for its actor.
func takesActor(method string) bool {
	m, _ := reflect.TypeFor[*invitations.Service]().MethodByName(method)
	for p := range m.Type.Ins() {
		if p == reflect.TypeFor[invitations.Actor]() {
			return true
		}
	}
	return false
}

// A ceiling gives nothing: a viewer's owner key is a viewer's.
func TestAtMost_NeverAboveTheOwnRole(t *testing.T) {
	t.Parallel()
	for i, o := range operations() {
		if !takesActor(o.method()) {
			continue
		}
		facts := factsFor(o.name)
		facts.Members["olga"] = invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleViewer}
		try := func(actor invitations.Actor) error {
			_, err := operationsBy(actor, actor)[i].call(t.Context(), serviceOn(t, failing(nil, facts, func(context.Context) {}), atNoon()))
			return err
		}
		require.Equal(t, try(olga), try(olga.AtMost(invitations.RoleOwner)), o.name)
	}
}

// Each row of a bulk is decided under the ceiling.
func TestAtMost_InviteAll(t *testing.T) {
	t.Parallel()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	rows := []invitations.InviteParams{goodInvite(), goodInvite(), goodInvite()}
	rows[1].Email, rows[1].Role = "kim@example.com", invitations.RoleOwner
	rows[2].Email, rows[2].Quota = "mia@example.com", goodQuota().Quota
	outcomes, err := svc.InviteAll(t.Context(), olga.AtMost(invitations.RoleAdmin), "acme", rows)
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err)
	require.Equal(t, invitations.ErrRoleNotAssignable, outcomes[1].Err)
	require.NoError(t, outcomes[2].Err)
	_, err = svc.InviteAll(t.Context(), olga.AtMost(invitations.RoleDeveloper), "acme", rows)
	require.Equal(t, invitations.ErrPermissionDenied, err)
}

// The event and the sender name the user, and the sender's own role decides at acceptance.
func TestAtMost_Sender(t *testing.T) {
	t.Parallel()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	sent, err := svc.Invite(t.Context(), olga.AtMost(invitations.RoleAdmin), goodInvite())
	require.NoError(t, err)
	require.Equal(t, "olga", sent.SentBy)
	events, err := svc.Timeline(t.Context(), olga, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID})
	require.NoError(t, err)
	require.Equal(t, "olga", events.Items[0].Actor)
	_, err = svc.Accept(t.Context(), sent.Token.Reveal(), nina)
	require.NoError(t, err)
}

// System's search in all organizations is in no role.
func TestAtMost_AllOrganizations(t *testing.T) {
	t.Parallel()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	p := invitations.InvitationsParams{Email: "nina@example.com"}
	_, err := svc.Invitations(t.Context(), invitations.System(), p)
	require.NoError(t, err)
	_, err = svc.Invitations(t.Context(), invitations.System().AtMost(invitations.RoleOwner), p)
	require.ErrorIs(t, err, invitations.ErrInvalid)
}
