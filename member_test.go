package invitations_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Authorize answers by the member's present role.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	for _, role := range append(policy.Roles(), "ghost", "") {
		f := invitations.Facts{Organization: "acme", Version: 3, Members: map[string]invitations.Member{}}
		dora := invitations.Member{Organization: "acme", UserID: "dora", Role: role, Metadata: map[string]string{"team": "red"}}
		if role != "" {
			f.Members["dora"] = dora
		}
		for _, permission := range []invitations.Permission{
			invitations.PermissionMemberList, invitations.PermissionOrganizationUse, invitations.PermissionBillingManage,
			invitations.PermissionOrganizationManage, invitations.PermissionInvitationCreate, "report:read",
		} {
			member, err := serviceOn(t, answering(f), atNoon()).Authorize(t.Context(), "acme", "dora", permission)
			if policy.Allows(role, permission) {
				require.NoError(t, err, "%s %s", role, permission)
				require.Equal(t, dora, member)
			} else {
				require.Equal(t, invitations.ErrPermissionDenied, err, "%s %s", role, permission)
				require.Zero(t, member)
			}
		}
	}
	svc := serviceOn(t, answering(invitations.Facts{}), atNoon())
	_, err := svc.Authorize(t.Context(), "nowhere", "dora", invitations.PermissionMemberList)
	require.Equal(t, invitations.ErrPermissionDenied, err, "the organization does not exist")
}

// A removed or demoted member is refused at the next check.
func TestClass47_NextCheckRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	join(t, svc, "dora", invitations.RoleAdmin)
	use := func() error {
		err := errOf(svc.Authorize(ctx, "acme", "dora", invitations.PermissionOrganizationUse))
		require.Equal(t, err, errOf(svc.Consume(ctx, inAcme, "dora", 1)), "Consume checks the same")
		return err
	}
	require.NoError(t, use())
	p := goodChange()
	require.NoError(t, errOf(svc.ChangeRole(ctx, olga, p)))
	require.Equal(t, invitations.ErrPermissionDenied, use())
	p.Role = invitations.RoleDeveloper
	require.NoError(t, errOf(svc.ChangeRole(ctx, olga, p)))
	require.NoError(t, use())

	require.NoError(t, errOf(svc.RemoveMember(ctx, olga, "acme", "dora")))
	require.Equal(t, invitations.ErrPermissionDenied, use())
	require.Equal(t, invitations.ErrPermissionDenied, errOf(svc.Remaining(ctx, inAcme, "dora")))
	_, err := svc.Members(ctx, invitations.User("dora"), invitations.MembersParams{Organization: "acme"})
	require.Equal(t, invitations.ErrPermissionDenied, err)
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora"})
	require.NoError(t, err)
	require.Empty(t, workspaces.Organizations)
}

// After a demotion and leaving, a member cannot return by the old link, which has the old role.
// Without the demotion they can.
func TestClass13_DemotionOutlastsLeaving(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, demote := range map[string]func(svc *invitations.Service) error{
		"ChangeRole": func(svc *invitations.Service) error { return errOf(svc.ChangeRole(ctx, olga, goodChange())) },
		"TransferOwnership": func(svc *invitations.Service) error {
			p := goodTransfer()
			p.From, p.To = "dora", "olga"
			return errOf(svc.TransferOwnership(ctx, olga, p))
		},
	} {
		t.Run(name, func(t *testing.T) {
			svc := acmeOn(t, atNoon().Clock, invitations.Config{})
			p := goodLink()
			p.Role = invitations.RoleOwner
			link, err := svc.CreateLink(ctx, olga, p)
			require.NoError(t, err)
			enter := func(user string) error {
				return errOf(svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user}))
			}
			for _, user := range []string{"dora", "vera"} {
				require.NoError(t, enter(user))
			}
			require.NoError(t, demote(svc))
			for _, user := range []string{"dora", "vera"} {
				require.NoError(t, errOf(svc.Leave(ctx, "acme", user)))
			}
			require.NoError(t, enter("vera"), "Vera was not demoted")
			for range 2 {
				require.Equal(t, invitations.ErrRevoked, enter("dora"))
			}
			require.Equal(t, invitations.ErrNotFound, errOf(svc.Member(ctx, "acme", "dora")))

			join(t, svc, "dora", invitations.RoleViewer) // by a new link
			require.NoError(t, errOf(svc.Leave(ctx, "acme", "dora")))
			require.Equal(t, invitations.ErrRevoked, enter("dora"), "the old link stays refused")
		})
	}
}

func TestMembers_Story(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	join(t, svc, "dora", invitations.RoleAdmin)
	sent, err := svc.Invite(ctx, invitations.User("dora"), goodInvite())
	require.NoError(t, err)

	demoted, err := svc.ChangeRole(ctx, olga, goodChange())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleViewer, demoted.Role)
	stored, err := svc.Member(ctx, "acme", "dora")
	require.NoError(t, err)
	require.Equal(t, stored, demoted, "the result equals the stored value")
	got, err := svc.Invitation(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, invitations.StateRevoked, got.State, "Class15: Dora may not send it any more")
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrRevoked, err)

	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrLastOwner, err)
	heir, err := svc.TransferOwnership(ctx, olga, goodTransfer())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleOwner, heir.Role)
	require.Equal(t, "dora", heir.UserID)
	former, err := svc.Member(ctx, "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.RoleAdmin, former.Role)
	_, err = svc.RemoveMember(ctx, olga, "acme", "dora")
	require.Equal(t, invitations.ErrPermissionDenied, err)
	_, err = svc.RemoveMember(ctx, invitations.User("dora"), "acme", "nobody")
	require.Equal(t, invitations.ErrNotFound, err)
	removed, err := svc.RemoveMember(ctx, invitations.User("dora"), "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, former, removed, "the membership as it was")
	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrNotFound, err)
}

// A caller that changes a result does not change the stored value.
func TestMembers_ResultsAreCopies(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	p := goodLink()
	p.Metadata = map[string]string{"team": "red"}
	sent, err := svc.CreateLink(ctx, olga, p)
	require.NoError(t, err)
	joined, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "dora"})
	require.NoError(t, err)
	scribble := func(m invitations.Member, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, map[string]string{"team": "red"}, m.Metadata)
		m.Metadata["team"] = "blue"
	}
	scribble(joined, nil)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.Authorize(ctx, "acme", "dora", invitations.PermissionMemberList))
	list, err := svc.Members(ctx, olga, invitations.MembersParams{Organization: "acme"})
	require.NoError(t, err)
	scribble(list.Items[0], nil)
	scribble(svc.ChangeRole(ctx, olga, goodChange()))
	scribble(svc.ChangeRole(ctx, olga, goodChange())) // changes nothing
	scribble(svc.TransferOwnership(ctx, olga, goodTransfer()))
	back := goodTransfer()
	back.From, back.To = "dora", "olga"
	_, err = svc.TransferOwnership(ctx, invitations.User("dora"), back)
	require.NoError(t, err)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.RemoveMember(ctx, olga, "acme", "dora"))
	scribble(svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "vera"}))
	scribble(svc.Leave(ctx, "acme", "vera"))
}
