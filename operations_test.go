package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// An operation is a method of the service with arguments that are fine.
type operation struct {
	name string
	asks string // the method of the store that it calls, once
	call func(ctx context.Context, svc *invitations.Service) (result any, err error)
}

// operations is all of them.
func operations() []operation {
	token := validWire().text()
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	return []operation{
		{"CreateOrganization", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateOrganization(ctx, "acme", "olga") }},
		{"Invite", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Invite(ctx, olgaActs, goodInvite()) }},
		{"CreateLink", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateLink(ctx, olgaActs, goodLink()) }},
		{"Resend", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Resend(ctx, olgaActs, goodResend()) }},
		{"Revoke", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Revoke(ctx, olgaActs, "acme", signedID) }},
		{"Accept", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Accept(ctx, token, nina) }},
		{"Decline", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.Decline(ctx, token) }},
		{"Lookup", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Lookup(ctx, token) }},
		{"Next", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Next(ctx, token, invitations.Visitor{}) }},
		{"Next, signed in", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Next(ctx, token, invitations.Visitor{Identity: nina})
		}},
		{"Token", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Token(ctx, olgaActs, "acme", signedID) }},
		{"Get", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Get(ctx, olgaActs, "acme", signedID) }},
		{"Member", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Member(ctx, "acme", "olga") }},
		{"List", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return svc.List(ctx, olgaActs, invitations.ListParams{Organization: "acme"})
		}},
		{"Authorize", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Authorize(ctx, "acme", "dora", invitations.PermissionOrganizationUse)
		}},
		{"ChangeRole", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.ChangeRole(ctx, olgaActs, goodChange()) }},
		{"RemoveMember", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.RemoveMember(ctx, olgaActs, "acme", "dora") }},
		{"Leave", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Leave(ctx, "acme", "dora") }},
		{"TransferOwnership", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.TransferOwnership(ctx, olgaActs, goodTransfer())
		}},
		{"Members", "Members", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Members(ctx, olgaActs, invitations.MembersParams{Organization: "acme"})
		}},
		{"AllMembers", "Members", func(ctx ctxT, svc svcT) (any, error) {
			for m, err := range svc.AllMembers(ctx, olgaActs, invitations.MembersParams{Organization: "acme"}) {
				return m, err
			}
			return nil, nil
		}},
		{"Consume", "Consume", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Consume(ctx, invitations.InOrganization("acme"), "dora", 3)
		}},
		{"Consume, personal", "Consume", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Consume(ctx, invitations.Personal(), "dora", 3)
		}},
		{"Remaining", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Remaining(ctx, invitations.InOrganization("acme"), "dora")
		}},
		{"Remaining, personal", "Workspaces", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Remaining(ctx, invitations.Personal(), "dora")
		}},
		{"SetQuota", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.SetQuota(ctx, olgaActs, goodQuota()) }},
		{"SetQuota, shared", "Update", func(ctx ctxT, svc svcT) (any, error) {
			p := goodQuota()
			p.UserID = ""
			return nil, svc.SetQuota(ctx, invitations.System(), p)
		}},
		{"SetQuota, personal", "SetPersonalQuota", func(ctx ctxT, svc svcT) (any, error) {
			p := goodQuota()
			p.Workspace = invitations.Personal()
			return nil, svc.SetQuota(ctx, invitations.System(), p)
		}},
		{"Quota", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Quota(ctx, olgaActs, "acme", "dora") }},
		{"Quota, shared", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Quota(ctx, olgaActs, "acme", "") }},
		{"Workspaces", "Workspaces", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora"})
		}},
		{"All", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			for inv, err := range svc.All(ctx, olgaActs, invitations.ListParams{Organization: "acme"}) {
				return inv, err
			}
			return nil, nil
		}},
	}
}

// bare is the name of the method.
func (o operation) bare() string {
	name, _, _ := strings.Cut(o.name, ",")
	return name
}

// Every method that can fail is among the operations, so that what is tested of all of them
// is tested of a new one.
func TestOperations(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, o := range operations() {
		require.False(t, listed[o.name], "%s twice", o.name)
		listed[o.name], listed[o.bare()] = true, true
	}
	service := reflect.TypeFor[*invitations.Service]()
	for i := range service.NumMethod() {
		if m := service.Method(i); m.Name != "Policy" && m.Name != "WithStore" {
			require.True(t, listed[m.Name], "%s is missing", m.Name)
		}
	}
}

// failing returns a store that answers everything with err, beside a result that is not to
// be used, and that hands every context to seen.
func failing(err error, facts invitations.Facts, seen func(context.Context)) *StoreMock {
	owner, personal := facts.Members["olga"], facts.Quotas["dora"]
	return &StoreMock{
		UpdateFunc: func(ctx context.Context, _ invitations.Query, decide invitations.Decision) error {
			seen(ctx)
			if _, refusal := decide(facts); refusal != nil {
				return refusal
			}
			return err
		},
		ViewFunc: func(ctx context.Context, _ invitations.Query) (invitations.Facts, error) {
			seen(ctx)
			return facts, err
		},
		InvitationsFunc: func(ctx context.Context, _ invitations.InvitationQuery) (invitations.InvitationPage, error) {
			seen(ctx)
			return invitations.InvitationPage{Viewer: &owner, Records: manyRecords(2)}, err
		},
		MembersFunc: func(ctx context.Context, _ invitations.MemberQuery) (invitations.MemberPage, error) {
			seen(ctx)
			return invitations.MemberPage{Viewer: &owner, Members: []invitations.Member{owner}}, err
		},
		WorkspacesFunc: func(ctx context.Context, _ invitations.WorkspaceQuery) (invitations.WorkspacePage, error) {
			seen(ctx)
			return invitations.WorkspacePage{Personal: &personal, Memberships: []invitations.Membership{{Member: owner}}}, err
		},
		ConsumeFunc: func(ctx context.Context, _ invitations.Consumption) (invitations.Consumed, error) {
			seen(ctx)
			return invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: facts.Quotas}, err
		},
		SetPersonalQuotaFunc: func(ctx context.Context, _ string, _ invitations.Quota) error {
			seen(ctx)
			return err
		},
	}
}

// workable are facts about which the operation succeeds.
func workable(name string) invitations.Facts {
	f := ninaInvited()
	owner := invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	f.Members["olga"] = owner
	f.Members["dora"] = invitations.Member{Organization: "acme", UserID: "dora", Role: invitations.RoleDeveloper}
	f.Owners = 1
	f.Quotas = map[string]invitations.QuotaRecord{
		"":     quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 3, 1), 40),
		"dora": quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 3, 1), 4),
	}
	if name == "Invite" || name == "CreateLink" {
		f.Invitation = nil
	}
	return f
}

// An error of the store reaches the caller as it is, and nothing comes with it, even where
// the decision had already been made.
func TestStoreErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	for _, o := range operations() {
		for _, err := range []error{
			broken, invitations.ErrConflict, invitations.ErrOutcomeUnknown, context.Canceled, context.DeadlineExceeded,
			fmt.Errorf("pgstore: %w: %w", invitations.ErrOutcomeUnknown, context.DeadlineExceeded),
		} {
			t.Run(o.name+"/"+err.Error(), func(t *testing.T) {
				t.Parallel()
				store := failing(err, workable(o.name), func(context.Context) {})
				result, got := o.call(t.Context(), serviceOn(t, store, atNoon()))
				require.True(t, got == err, "unchanged: %v", got)
				if result != nil {
					require.Zero(t, result)
				}
				requireAsked(t, store, o.asks)
			})
		}
	}
}

// requireAsked fails unless the store got exactly one call, of this method.
func requireAsked(t *testing.T, store *StoreMock, method string) {
	t.Helper()
	asked := map[string]int{
		"Update": len(store.UpdateCalls()), "View": len(store.ViewCalls()), "Consume": len(store.ConsumeCalls()),
		"SetPersonalQuota": len(store.SetPersonalQuotaCalls()), "Invitations": len(store.InvitationsCalls()),
		"Members": len(store.MembersCalls()), "Workspaces": len(store.WorkspacesCalls()), "Events": len(store.EventsCalls()),
	}
	for name, times := range asked {
		want := 0
		if name == method {
			want = 1
		}
		require.Equal(t, want, times, name)
	}
}

// The context goes to the store as it is, and each operation asks the store once.
func TestContextIsPassedOn(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			var seen []context.Context
			store := failing(nil, workable(o.name), func(ctx context.Context) { seen = append(seen, ctx) })
			_, err := o.call(ctx, serviceOn(t, store, atNoon()))
			require.NoError(t, err)
			require.Equal(t, []context.Context{ctx}, seen)
			requireAsked(t, store, o.asks)
		})
	}
}

// Each operation asks for the facts that its decision needs, and for no more.
func TestQueries(t *testing.T) {
	t.Parallel()
	ownID := goodInvite()
	ownID.ID = signedID
	token := invitations.Query{Invitation: signedID, Nonce: signedNonce, Sender: true}
	signedIn := token
	signedIn.Members, signedIn.Quotas = []string{"nina"}, true
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
	want := map[string]any{
		"CreateOrganization": invitations.Query{Organization: "acme", Create: true, Members: olga},
		"Invite": invitations.Query{
			Organization: "acme", Members: olga, Emails: []string{"nina@example.com"}, PendingUpTo: 10, PendingAt: noon,
		},
		"Invite, own id": invitations.Query{
			Organization: "acme", Invitation: signedID, Members: olga, Emails: []string{"nina@example.com"},
			PendingUpTo: 10, PendingAt: noon,
		},
		"Invite, the host": invitations.Query{Organization: "acme", Emails: []string{"nina@example.com"}, PendingUpTo: 10, PendingAt: noon},
		"CreateLink":       invitations.Query{Organization: "acme", Members: olga, PendingUpTo: 10, PendingAt: noon},
		"Resend": invitations.Query{
			Organization: "acme", Invitation: signedID, Members: olga, SameEmail: true, PendingUpTo: 10, PendingAt: noon,
		},
		"Revoke":          invitations.Query{Organization: "acme", Invitation: signedID, Members: olga},
		"Accept":          signedIn,
		"Decline":         token,
		"Lookup":          token,
		"Next":            token,
		"Next, signed in": signedIn,
		"Token":           invitations.Query{Organization: "acme", Invitation: signedID, Sender: true, Members: olga},
		"Get":             invitations.Query{Organization: "acme", Invitation: signedID, Members: olga},
		"Member":          invitations.Query{Organization: "acme", Members: olga},
		"List":            list,
		"All":             list,

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
	}
	more := []operation{
		{"ChangeRole, the host", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.ChangeRole(ctx, invitations.System(), goodChange())
		}},
		{"RemoveMember, the host", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.RemoveMember(ctx, invitations.System(), "acme", "dora")
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
		for _, c := range store.SetPersonalQuotaCalls() {
			asked[o.name] = c.User
			require.Equal(t, goodQuota().Quota, c.Q)
		}
	}
	require.Equal(t, want, asked)
}

// A read is a read: what a mail scanner or a link preview calls changes nothing, because it
// has no way to.
func TestClass44_ReadsNeverUpdate(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{}
	for _, o := range operations() {
		if slices.Contains([]string{"Update", "Consume", "SetPersonalQuota"}, o.asks) {
			continue
		}
		reads[o.bare()] = true
		store := failing(nil, workable(o.name), func(context.Context) {})
		store.UpdateFunc, store.ConsumeFunc, store.SetPersonalQuotaFunc = nil, nil, nil // panic
		for range 3 {
			_, err := o.call(t.Context(), serviceOn(t, store, atNoon()))
			require.NoError(t, err, o.name)
		}
	}
	require.Equal(t, map[string]bool{
		"Lookup": true, "Next": true, "Get": true, "List": true, "All": true, "Token": true, "Member": true,
		"Authorize": true, "Members": true, "AllMembers": true, "Remaining": true, "Quota": true, "Workspaces": true,
	}, reads)
}
