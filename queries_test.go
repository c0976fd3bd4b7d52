package invitations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Each operation asks for the facts that its decision needs, and for no more.
func TestQueries(t *testing.T) {
	t.Parallel()
	ownID := goodInvite()
	ownID.ID = signedID
	token := invitations.Query{Organization: "acme", Invitation: signedID, Sender: true}
	signedIn := token
	signedIn.Members, signedIn.Removals, signedIn.Quotas = []string{"nina"}, true, true
	olga := []string{"olga"}
	leaving := func(members ...string) invitations.Query {
		return invitations.Query{
			Organization: "acme", Members: members, OwnersUpTo: 2, PendingSentBy: members[len(members)-1], PendingAt: noon,
		}
	}
	transfer := leaving("olga", "olga")
	transfer.Members = append(transfer.Members, "dora")
	consumption := invitations.Consumption{UserID: "dora", Amount: 3, Periods: atNoonPeriods}
	inAcme := consumption
	inAcme.Organization = "acme"
	inAcme.Roles = []invitations.Role{invitations.RoleAdmin, invitations.RoleDeveloper, invitations.RoleOwner}
	members := invitations.MemberQuery{Organization: "acme", Viewer: "olga", Limit: 51} // one more tells of a next page
	list := invitations.InvitationQuery{Organization: "acme", Viewer: "olga", At: noon, Limit: 51}
	bulk := invitations.Query{
		Organization: "acme", Members: olga, Emails: []string{"nina@example.com"}, PendingUpTo: 10, PendingAt: noon,
		SendingsUpTo: 100, SendingsAfter: noon.Add(-days),
	}
	ownIDs := bulk
	ownIDs.Members, ownIDs.Emails, ownIDs.Invitations = nil, []string{"nina@example.com", "nina@example.com"}, []uuid.UUID{signedID}
	want := map[string]any{
		"CreateOrganization": invitations.Query{Organization: "acme", Members: olga},
		"Invite": invitations.Query{
			Organization: "acme", Members: olga, Emails: []string{"nina@example.com"}, PendingUpTo: 10, PendingAt: noon,
			SendingsUpTo: 100, SendingsAfter: noon.Add(-days),
		},
		"Invite, own id": invitations.Query{
			Organization: "acme", Invitation: signedID, Members: olga, Emails: []string{"nina@example.com"},
			PendingUpTo: 10, PendingAt: noon, SendingsUpTo: 100, SendingsAfter: noon.Add(-days),
		},
		"Invite, the host": invitations.Query{
			Organization: "acme", Emails: []string{"nina@example.com"}, PendingUpTo: 10, PendingAt: noon,
			SendingsUpTo: 100, SendingsAfter: noon.Add(-days),
		},
		"CreateLink": invitations.Query{Organization: "acme", Members: olga, PendingUpTo: 10, PendingAt: noon},
		"Resend": invitations.Query{
			Organization: "acme", Invitation: signedID, Members: olga, SameEmail: true, PendingUpTo: 10, PendingAt: noon,
			SendingsUpTo: 100, SendingsAfter: noon.Add(-days),
		},
		"Revoke":              invitations.Query{Organization: "acme", Invitation: signedID, Members: olga},
		"Accept":              signedIn,
		"Decline":             token,
		"Lookup":              token,
		"NextStep":            token,
		"NextStep, signed in": signedIn,
		"PendingToken":        invitations.Query{Organization: "acme", Invitation: signedID, Sender: true, Members: olga},
		"Invitation":          invitations.Query{Organization: "acme", Invitation: signedID, Members: olga},
		"Member":              invitations.Query{Organization: "acme", Members: olga},
		"Invitations":         list,
		"AllInvitations":      list,

		"Authorize":              invitations.Query{Organization: "acme", Members: []string{"dora"}},
		"ChangeRole":             leaving("olga", "dora"),
		"ChangeRole, the host":   leaving("dora"),
		"RemoveMember":           leaving("olga", "dora"),
		"RemoveMember, the host": leaving("dora"),
		"Leave":                  leaving("dora", "dora"),
		"TransferOwnership":      transfer,
		"Members":                members,
		"AllMembers":             members,
		"Consume":                inAcme,
		"Consume, personal":      consumption,
		"Remaining":              invitations.Query{Organization: "acme", Members: []string{"dora"}, Quotas: true},
		"Remaining, personal":    invitations.WorkspaceQuery{UserID: "dora"},
		"SetQuota":               invitations.Query{Organization: "acme", Members: []string{"olga", "dora"}, Quotas: true},
		"SetQuota, shared":       invitations.Query{Organization: "acme", Quotas: true},
		"SetQuota, personal":     "dora",
		"Quota":                  invitations.Query{Organization: "acme", Members: []string{"olga", "dora"}, Quotas: true},
		"Quota, shared":          invitations.Query{Organization: "acme", Members: olga, Quotas: true},
		"Workspaces":             invitations.WorkspaceQuery{UserID: "dora", Limit: 51},

		"InviteAll": bulk,
		"InviteAll, own ids, and rows that are refused": ownIDs,
		"Edit": invitations.Query{Organization: "acme", Invitation: signedID, Members: olga},
		"Received": invitations.InvitationQuery{
			State: invitations.StatePending, Email: "nina@example.com", At: noon, Limit: 51,
		},
		"AcceptReceived": invitations.Query{
			Organization: "acme", Invitation: signedID, Sender: true, Members: []string{"nina"}, Removals: true, Quotas: true,
		},
		"DeclineReceived": invitations.Query{Organization: "acme", Invitation: signedID, Sender: true},
		"Timeline": invitations.EventQuery{
			Organization: "acme", Viewer: "olga", Invitation: signedID, NewestFirst: true, Limit: 51,
		},
		"AllEvents": invitations.EventQuery{Organization: "acme", Viewer: "olga", Limit: 51},
		"Feed":      []any{int64(7), 50}, // each position tells where to go on
		"Statistics": invitations.StatisticsQuery{
			Organization: "acme", Viewer: "olga", Roles: []invitations.Role{"admin", "owner"}, At: noon, MaxGroups: 100, To: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		},
		"Sweep": []any{noon, 10},
	}
	more := []operation{
		{"ChangeRole, the host", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.ChangeRole(ctx, invitations.System(), goodChange())
		}},
		{"RemoveMember, the host", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.RemoveMember(ctx, invitations.System(), "acme", "dora")
		}},
		{"InviteAll, own ids, and rows that are refused", "Update", func(ctx ctxT, svc svcT) (any, error) {
			refused := goodInvite()
			refused.Email, refused.ID = "kim", signedID
			return svc.InviteAll(ctx, invitations.System(), "acme", []invitations.InviteParams{ownID, refused, goodInvite()})
		}},
		{"Invite, own id", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Invite(ctx, olgaActs, ownID) }},
		{"Invite, the host", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Invite(ctx, invitations.System(), goodInvite())
		}},
	}
	asked := map[string]any{}
	for _, o := range append(operations(), more...) {
		store := failing(errors.New("not today"), workable(o.name), func(context.Context) {})
		_, err := o.call(t.Context(), serviceOn(t, store, atNoon()))
		require.Error(t, err)
		for _, c := range store.UpdateCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.CreateCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.ViewCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.InvitationsCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.MembersCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.WorkspacesCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.ConsumeCalls() {
			asked[o.name] = c.C
		}
		for _, c := range store.EventsCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.FeedCalls() {
			asked[o.name] = []any{c.After, c.Limit}
		}
		for _, c := range store.StatisticsCalls() {
			asked[o.name] = c.Q
		}
		for _, c := range store.SweepCalls() {
			asked[o.name] = []any{c.At, c.Limit}
		}
		for _, c := range store.SetPersonalQuotaCalls() {
			asked[o.name] = c.User
			require.Equal(t, goodQuota().Quota, c.Q)
		}
	}
	require.Equal(t, want, asked)
}
