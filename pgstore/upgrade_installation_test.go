package pgstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// An installation is a service on a store that is used for some days. Its clock is set by hand.
type installation struct {
	t   *testing.T
	ctx context.Context
	svc *invitations.Service
	now time.Time
	ids int
}

func newInstallation(t *testing.T, store invitations.Store, now time.Time) *installation {
	t.Helper()
	i := &installation{t: t, ctx: context.Background(), now: now}
	var err error
	i.svc, err = invitations.New(store, keyring(t), invitations.Config{
		Clock: func() time.Time { return i.now }, ResendCooldown: -1, RemindBefore: 24 * time.Hour, PendingLimit: 50,
	})
	require.NoError(t, err)
	return i
}

// id returns the next ID of an invitation.
func (i *installation) id() uuid.UUID {
	i.ids++
	return uuid.MustParse(fmt.Sprintf("019531f0-0000-7000-8000-%012d", i.ids))
}

func (i *installation) ok(err error) {
	i.t.Helper()
	require.NoError(i.t, err)
}

func (i *installation) invite(organization string, p invitations.InviteParams, by invitations.Actor) invitations.SentInvitation {
	i.t.Helper()
	p.Organization, p.ID, i.now = organization, i.id(), i.now.Add(time.Minute)
	sent, err := i.svc.Invite(i.ctx, by, p)
	i.ok(err)
	return sent
}

func (i *installation) link(organization string, p invitations.CreateLinkParams) invitations.SentInvitation {
	i.t.Helper()
	p.Organization, p.ID, i.now = organization, i.id(), i.now.Add(time.Minute)
	sent, err := i.svc.CreateLink(i.ctx, invitations.System(), p)
	i.ok(err)
	return sent
}

func (i *installation) accept(sent invitations.SentInvitation, user string) {
	i.t.Helper()
	i.now = i.now.Add(time.Minute)
	_, err := i.svc.Accept(i.ctx, sent.Token.Reveal(), person(user))
	i.ok(err)
}

func (i *installation) setQuota(w invitations.Workspace, user string, limit int64, period invitations.Period) {
	i.t.Helper()
	i.ok(i.svc.SetQuota(i.ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: w, UserID: user, Quota: invitations.Quota{Limit: limit, Period: period},
	}))
}

func (i *installation) consume(w invitations.Workspace, user string, amount int64) {
	i.t.Helper()
	_, err := i.svc.Consume(i.ctx, w, user, amount)
	i.ok(err)
}

// The names in the installation. The first organization is that of the upgrade's own story.
var (
	installedOrganizations = []string{acme, "019531f0-aaaa-7000-8000-000000000000", `Ünï "quoted" o'neill\`}
	installedUsers         = []string{ada, "ann", "bob", "cat", "gil", "hal", "ivy", "joe", "kim", "lee"}
)

// use gives the installation rows in every table, invitations of all kinds and states, and events
// with and without positions.
func (i *installation) use() {
	t, ctx, svc := i.t, i.ctx, i.svc
	t.Helper()
	byAda := invitations.User(ada)
	inAcme := invitations.InOrganization(acme)
	for _, organization := range installedOrganizations {
		_, err := svc.CreateOrganization(ctx, organization, ada)
		i.ok(err)
	}

	// Invitations by email: accepted, declined, revoked, and two that expire.
	i.accept(i.invite(acme, invitations.InviteParams{
		Email: "ann@example.com", Role: "admin", Message: "Welcome, \"Ann\"\nit's \\ good", Metadata: map[string]string{"team": "Ü", "n": "1"},
		Quota: invitations.Quota{Limit: 5, Period: invitations.PeriodDay},
	}, byAda), "ann")
	i.ok(svc.Decline(ctx, i.invite(acme, invitations.InviteParams{Email: "cat@example.com", Role: "viewer"}, byAda).Token.Reveal()))
	dan := i.invite(acme, invitations.InviteParams{Email: "dan@example.com", Role: "viewer"}, invitations.User("ann"))
	_, err := svc.Revoke(ctx, byAda, acme, dan.ID)
	i.ok(err)
	i.invite(acme, invitations.InviteParams{Email: "eve@example.com", Role: "viewer", ExpiresIn: 25 * time.Hour}, byAda)
	i.invite(acme, invitations.InviteParams{Email: "fay@example.com", Role: "viewer", ExpiresIn: 80 * time.Hour}, byAda)

	// Links: open, used up, with domains, revoked, and one that expires.
	open := i.link(acme, invitations.CreateLinkParams{Role: "developer", MaxUses: 10, ExpiresIn: 30 * 24 * time.Hour})
	for _, user := range []string{"hal", "ivy", "joe", "kim"} {
		i.accept(open, user)
	}
	i.accept(i.link(acme, invitations.CreateLinkParams{Role: "billing", MaxUses: 1}), "lee")
	i.link(acme, invitations.CreateLinkParams{Role: "viewer", AllowedDomains: []string{"example.com", "example.org"}, ExpiresIn: 30 * 24 * time.Hour})
	revoked := i.link(acme, invitations.CreateLinkParams{Role: "viewer", Message: "All of you", Metadata: map[string]string{"a": "b"}})
	_, err = svc.Revoke(ctx, byAda, acme, revoked.ID)
	i.ok(err)
	i.link(acme, invitations.CreateLinkParams{Role: "viewer", ExpiresIn: 26 * time.Hour})

	// Members: promoted, demoted, removed, and one who left.
	for _, change := range []invitations.ChangeRoleParams{{UserID: "joe", Role: "admin"}, {UserID: "kim", Role: "viewer"}} {
		change.Organization = acme
		_, err := svc.ChangeRole(ctx, byAda, change)
		i.ok(err)
	}
	_, err = svc.RemoveMember(ctx, byAda, acme, "hal")
	i.ok(err)
	_, err = svc.Leave(ctx, acme, "ivy")
	i.ok(err)

	// Quotas: shared, of a member, personal, and some of each used.
	i.setQuota(inAcme, "", 1000, invitations.PeriodMonth)
	i.setQuota(inAcme, "joe", 7, invitations.PeriodEndless)
	i.setQuota(invitations.Personal(), ada, 3, invitations.PeriodDay)
	i.setQuota(invitations.Personal(), "bob", 100, invitations.PeriodMonth)
	i.setQuota(invitations.InOrganization(installedOrganizations[2]), "", 9, invitations.PeriodDay)
	i.consume(inAcme, "joe", 4)
	i.consume(inAcme, "ann", 5)
	i.consume(invitations.Personal(), ada, 3)
	i.consume(invitations.InOrganization(installedOrganizations[2]), ada, 9)

	// A follower has read the feed up to here, and a sweep has run.
	_, err = svc.Feed(ctx, 0, 100)
	i.ok(err)
	i.now = i.now.Add(3 * 24 * time.Hour)
	swept, err := svc.Sweep(ctx, 100)
	i.ok(err)
	require.Len(t, swept.Expired, 2)
	require.NotEmpty(t, swept.Reminders)
	i.now = i.now.Add(24 * time.Hour)
	i.consume(inAcme, "ann", 1) // closes a day
	i.ok(svc.SetLimits(ctx, invitations.System(), installedOrganizations[1], invitations.Limits{
		Members: 20, SeatlessRoles: []invitations.Role{"billing", "viewer"}, AllowedDomains: []string{"example.com"}, Expiry: 48 * time.Hour,
	}))
	erased, err := svc.Erase(ctx, invitations.EraseParams{Email: "cat@example.com"})
	i.ok(err)
	require.Positive(t, erased.Rows)

	// Pending: one that ann sent, one that was edited and resent, and two in other organizations.
	i.invite(acme, invitations.InviteParams{Email: "bob@example.com", Role: "developer", ExpiresIn: 30 * 24 * time.Hour}, invitations.User("ann"))
	gil := i.invite(acme, invitations.InviteParams{Email: "gil@example.com", Role: "viewer"}, byAda)
	message := "Edited"
	_, err = svc.Edit(ctx, byAda, invitations.EditParams{Organization: acme, ID: gil.ID, Role: "billing", Message: &message, ExpiresIn: 30 * 24 * time.Hour})
	i.ok(err)
	_, err = svc.Resend(ctx, byAda, invitations.ResendParams{Organization: acme, ID: gil.ID})
	i.ok(err)
	for _, organization := range installedOrganizations[1:] {
		i.invite(organization, invitations.InviteParams{Email: "bob@example.com", Role: "admin", ExpiresIn: 30 * 24 * time.Hour}, byAda)
	}
}

// read returns all that the service tells about the installation, as JSON values by description.
// It does not read the feed, which would give positions to events.
func (i *installation) read(organizations, users []string) map[string]any {
	t, ctx, svc := i.t, i.ctx, i.svc
	t.Helper()
	all := map[string]any{}
	add := func(description string, value any, err error) {
		t.Helper()
		require.NoError(t, err, description)
		all[description] = jsonValue(t, value)
	}
	system := invitations.System()
	for _, organization := range organizations {
		var members []invitations.Member
		for m, err := range svc.AllMembers(ctx, system, invitations.MembersParams{Organization: organization}) {
			i.ok(err)
			members = append(members, m.Member)
		}
		add("members of "+organization, members, nil)
		var found []invitations.Invitation
		for invitation, err := range svc.AllInvitations(ctx, system, invitations.InvitationsParams{Organization: organization}) {
			i.ok(err)
			found = append(found, invitation)
			if invitation.State == invitations.StatePending {
				sent, err := svc.PendingToken(ctx, system, organization, invitation.ID)
				i.ok(err)
				offer, err := svc.Lookup(ctx, sent.Token.Reveal())
				add("offer "+sent.ID.String()+" by token "+sent.Token.Reveal(), offer, err)
			}
		}
		add("invitations of "+organization, found, nil)
		var events []invitations.Event
		for event, err := range svc.AllEvents(ctx, system, invitations.TimelineParams{Organization: organization}) {
			i.ok(err)
			events = append(events, event)
		}
		add("events of "+organization, events, nil)
		statistics, err := svc.Statistics(ctx, system, invitations.StatisticsParams{Organization: organization})
		add("statistics of "+organization, statistics, err)
		overview, err := svc.Overview(ctx, system, organization)
		add("overview of "+organization, overview, err)
		usage, err := svc.Usage(ctx, system, invitations.UsageParams{
			Organization: organization, Period: invitations.PeriodDay, At: i.now.Add(-4 * 24 * time.Hour),
		})
		add("usage of "+organization, usage, err)
		shared, err := svc.Quota(ctx, system, organization, "")
		add("quota of "+organization, shared, err)
		for _, m := range members {
			own, err := svc.Quota(ctx, system, organization, m.UserID)
			add("quota of "+m.UserID+" in "+organization, own, err)
		}
	}
	for _, user := range users {
		workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: user})
		add("workspaces of "+user, workspaces, err)
		received, err := svc.Received(ctx, person(user), invitations.ReceivedParams{})
		add("received by "+user, received, err)
	}
	return all
}

// jsonValue returns v as encoding/json reads it back.
func jsonValue(t *testing.T, v any) (value any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &value))
	return value
}

// goOn is a short story of the installation after an upgrade: the changes that depend on what was
// there before, and those that do not.
func (i *installation) goOn() {
	t, ctx, svc := i.t, i.ctx, i.svc
	t.Helper()
	byAda := invitations.User(ada)
	pending := map[string]invitations.SentInvitation{} // by address
	var open invitations.SentInvitation
	for found, err := range svc.AllInvitations(ctx, byAda, invitations.InvitationsParams{Organization: acme, States: []invitations.State{invitations.StatePending}}) {
		i.ok(err)
		sent, err := svc.PendingToken(ctx, byAda, acme, found.ID)
		i.ok(err)
		if found.Kind == invitations.KindEmail {
			pending[found.Email] = sent
		} else if found.MaxUses > 0 {
			open = sent
		}
	}
	i.accept(pending["bob@example.com"], "bob")
	i.accept(pending["gil@example.com"], "gil")
	offers, err := svc.Received(ctx, person("bob"), invitations.ReceivedParams{})
	i.ok(err)
	for _, offer := range offers.Items {
		_, err := svc.AcceptReceived(ctx, offer.Organization, offer.ID, person("bob"))
		i.ok(err)
	}

	_, err = svc.Accept(ctx, open.Token.Reveal(), person("hal"))
	require.ErrorIs(t, err, invitations.ErrRevoked, "hal was removed")
	i.accept(open, "ivy") // who left
	_, err = svc.ChangeRole(ctx, byAda, invitations.ChangeRoleParams{Organization: acme, UserID: "joe", Role: "developer"})
	i.ok(err)
	i.consume(invitations.InOrganization(acme), "joe", 3)
	_, err = svc.Consume(ctx, invitations.InOrganization(acme), "joe", 1)
	require.ErrorIs(t, err, invitations.ErrQuotaExceeded)
	i.consume(invitations.Personal(), ada, 1) // of another day
	i.consume(invitations.Personal(), "bob", 100)

	before, err := svc.Members(ctx, byAda, invitations.MembersParams{Organization: acme})
	i.ok(err)
	i.ids = 100
	new := i.invite(acme, invitations.InviteParams{
		Email: "new@example.com", Role: "viewer", Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay},
	}, byAda)
	i.accept(new, "new")
	i.accept(i.link(acme, invitations.CreateLinkParams{Role: "viewer"}), "newer")
	after, err := svc.Members(ctx, byAda, invitations.MembersParams{Organization: acme})
	i.ok(err)
	require.Len(t, after.Items, len(before.Items)+2)
	_, err = svc.RemoveMember(ctx, byAda, acme, "ann")
	i.ok(err)
	_, err = svc.CreateOrganization(ctx, "later", "bob")
	i.ok(err)

	swept, err := svc.Sweep(ctx, 100)
	i.ok(err)
	require.NotEmpty(t, swept.Expired, "one has expired since the last sweep")
}
