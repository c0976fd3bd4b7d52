package invitations_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// Rules that took more than one operation to break, each on a store that keeps what happens.

// An organization has 11 seats, one member and ten people with a reserved seat. Then it has 10
// seats. The first nine get in.
func TestReservedSeats_SurviveALowerLimit(t *testing.T) {
	t.Parallel()
	store, ctx := memstore.New(), t.Context()
	config := atNoon()
	config.MemberLimit, config.ReserveSeats = 11, true
	svc := serviceOn(t, store, config)
	_, err := svc.CreateOrganization(ctx, "acme", "olga")
	require.NoError(t, err)
	var tokens []string
	for i := range 10 {
		p := goodInvite()
		p.Email = fmt.Sprintf("n%d@example.com", i)
		sent, err := svc.Invite(ctx, olga, p)
		require.NoError(t, err)
		tokens = append(tokens, sent.Token.Reveal())
	}
	config.MemberLimit = 10
	svc = serviceOn(t, store, config)
	for i, token := range tokens {
		_, err := svc.Accept(ctx, token, invitations.Identity{
			UserID: fmt.Sprintf("n%d", i), Email: fmt.Sprintf("n%d@example.com", i), EmailVerified: true,
		})
		if i < 9 {
			require.NoError(t, err, "the holder number %d", i)
		} else {
			require.Equal(t, &invitations.MemberLimitError{Limit: 10, Members: 10, Reserved: 1}, err)
		}
	}
}

// A person who joins by a link no longer has their email invitation: it takes no place, they
// are not shown it, and they get no reminder.
func TestJoining_EndsTheEmailInvitation(t *testing.T) {
	t.Parallel()
	for name, join := range map[string]func(svc *invitations.Service) error{
		"by a link": func(svc *invitations.Service) error {
			link, err := svc.CreateLink(t.Context(), olga, goodLink())
			require.NoError(t, err)
			return errOf(svc.Accept(t.Context(), link.Token.Reveal(), nina))
		},
		"added": func(svc *invitations.Service) error {
			p := goodAddition()
			p.Email = nina.Email
			return errOf(svc.AddMember(t.Context(), olga, p))
		},
	} {
		now, ctx := noon, t.Context()
		config := invitations.Config{RemindBefore: day, PendingLimit: 2}
		svc := acmeOn(t, func() time.Time { return now }, config)
		sent, err := svc.Invite(ctx, olga, goodInvite())
		require.NoError(t, err)
		require.NoError(t, join(svc))
		inv, err := svc.Invitation(ctx, olga, "acme", sent.ID)
		require.NoError(t, err)
		require.Equal(t, invitations.StateRevoked, inv.State, name)
		offers, err := svc.Received(ctx, nina, invitations.ReceivedParams{})
		require.NoError(t, err)
		require.Empty(t, offers.Items, name)
		overview, err := svc.Overview(ctx, olga, "acme")
		require.NoError(t, err)
		require.Zero(t, overview.PendingEmails, name)
		now = sent.ExpiresAt.Add(-time.Hour)
		swept, err := svc.Sweep(ctx, 10)
		require.NoError(t, err)
		require.Empty(t, swept.Reminders, name)
		var reasons []string
		for e, err := range svc.AllEvents(ctx, olga, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID}) {
			require.NoError(t, err)
			reasons = append(reasons, e.Reason)
		}
		require.Equal(t, []string{"", "already_member"}, reasons, name)
	}
}

// A deployment renames a role. Owners and System can repair the invitations for it.
func TestRenamedRole_StrandsNoInvitation(t *testing.T) {
	t.Parallel()
	policyWith := func(role invitations.Role) *invitations.Policy {
		policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
			"owner": {invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionMemberList}, role: nil,
		})
		require.NoError(t, err)
		return policy
	}
	store, ctx, config := memstore.New(), t.Context(), atNoon()
	config.Policy, config.ResendCooldown = policyWith("author"), -1
	svc := serviceOn(t, store, config)
	_, err := svc.CreateOrganization(ctx, "acme", "olga")
	require.NoError(t, err)
	p := goodInvite()
	p.Role = "author"
	sent, err := svc.Invite(ctx, olga, p)
	require.NoError(t, err)

	config.Policy = policyWith("writer")
	svc = serviceOn(t, store, config)
	_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.Equal(t, invitations.ErrRoleUnknown, err, "the sender is not to blame")
	for _, actor := range []invitations.Actor{invitations.System(), olga} {
		resent, err := svc.Resend(ctx, actor, invitations.ResendParams{Organization: "acme", ID: sent.ID})
		require.NoError(t, err)
		sent = resent
	}
	_, err = svc.Edit(ctx, invitations.System(), invitations.EditParams{Organization: "acme", ID: sent.ID, Role: "writer"})
	require.NoError(t, err)
	member, err := svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.NoError(t, err)
	require.Equal(t, invitations.Role("writer"), member.Role)
}

// The event of an edit tells a link that is for everybody now from one with another message. The
// event of a role change has both roles.
func TestEvents_TellWhatChanged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	events := map[string]invitations.Event{}
	for name, edit := range map[string]func(*invitations.EditParams){
		"domains": func(p *invitations.EditParams) { p.AllowedDomains = &[]string{} },
		"message": func(p *invitations.EditParams) { p.Message = new("Hello") },
	} {
		p := goodLink()
		p.AllowedDomains = []string{"corp.example"}
		sent, err := svc.CreateLink(ctx, olga, p)
		require.NoError(t, err)
		e := invitations.EditParams{Organization: "acme", ID: sent.ID}
		edit(&e)
		_, err = svc.Edit(ctx, olga, e)
		require.NoError(t, err)
		list, err := svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID, NewestFirst: true, Limit: 1})
		require.NoError(t, err)
		event := list.Items[0]
		event.InvitationID, event.Version = signedID, 0
		events[name] = event
	}
	require.NotEqual(t, events["message"], events["domains"])
	require.Equal(t, []string{"allowed_domains"}, events["domains"].Changed)
	require.Empty(t, events["domains"].AllowedDomains)
	require.Equal(t, []string{"message"}, events["message"].Changed)
	require.Equal(t, []string{"corp.example"}, events["message"].AllowedDomains)

	join(t, svc, "dora", invitations.RoleDeveloper)
	_, err := svc.ChangeRole(ctx, olga, goodChange())
	require.NoError(t, err)
	list, err := svc.Timeline(ctx, olga, invitations.TimelineParams{
		Organization: "acme", Types: []invitations.EventType{invitations.EventMemberRoleChanged},
	})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, invitations.RoleDeveloper, list.Items[0].FormerRole)
	require.Equal(t, invitations.RoleViewer, list.Items[0].Role)
}

// Every event of an email invitation has its address, and a member who joins has their inviter.
func TestEvents_NameTheInvited(t *testing.T) {
	t.Parallel()
	now, ctx := noon, t.Context()
	svc := acmeOn(t, func() time.Time { return now }, invitations.Config{RemindBefore: day, ResendCooldown: -1})
	sent, err := svc.Invite(ctx, olga, goodInvite())
	require.NoError(t, err)
	_, err = svc.Edit(ctx, olga, invitations.EditParams{Organization: "acme", ID: sent.ID, Message: new("Hello")})
	require.NoError(t, err)
	now = sent.ExpiresAt.Add(-time.Hour)
	_, err = svc.Sweep(ctx, 10)
	require.NoError(t, err)
	sent, err = svc.Resend(ctx, olga, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	require.NoError(t, err)
	_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.NoError(t, err)
	var types []invitations.EventType
	for e, err := range svc.AllEvents(ctx, olga, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID}) {
		require.NoError(t, err)
		require.Equal(t, "nina@example.com", e.Email, e.Type)
		types = append(types, e.Type)
		if e.Type == invitations.EventMemberJoined {
			require.Equal(t, "olga", e.InvitedBy)
		}
	}
	require.Equal(t, []invitations.EventType{
		invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationReminded,
		invitations.EventInvitationResent, invitations.EventInvitationAccepted, invitations.EventMemberJoined,
	}, types)
	inv, err := svc.Invitation(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, "nina", inv.AcceptedBy)
	again, err := svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.NoError(t, err)
	require.True(t, again.Repeated, "a repeated acceptance says so")
}
