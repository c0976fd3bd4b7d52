package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// An operation is a method of the service, called with valid arguments.
type operation struct {
	name string // the method, and for a variant of it a comma and the variant
	asks string // the methods of the store that it calls, each once, with commas
	call func(ctx context.Context, svc *invitations.Service) (result any, err error)
}

// method returns the name of the method.
func (o operation) method() string {
	name, _, _ := strings.Cut(o.name, ",")
	return name
}

// calls returns the methods of the store that o calls, in order.
func (o operation) calls() []string { return strings.Split(o.asks, ", ") }

// operations returns at least one operation for every method.
func operations() []operation { return operationsBy(olga, invitations.System()) }

// operationsBy returns the operations by two actors: an owner, and System.
func operationsBy(olga, system invitations.Actor) []operation {
	type (
		ctxT = context.Context
		svcT = *invitations.Service
	)
	token := validWire().text()
	shared, personal := goodQuota(), goodQuota()
	shared.UserID, personal.Workspace = "", invitations.Personal()
	return []operation{
		{"CreateOrganization", "Create", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateOrganization(ctx, "acme", "olga") }},
		{"DeleteOrganization", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.DeleteOrganization(ctx, olga, "acme") }},
		{"SetLimits", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return nil, svc.SetLimits(ctx, system, "acme", invitations.Limits{Members: 5})
		}},
		{"Overview", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Overview(ctx, olga, "acme") }},
		{"Purge", "Purge", func(ctx ctxT, svc svcT) (any, error) { return svc.Purge(ctx, noon.Add(-day), 10) }},
		{"Erase", "Workspaces, Traces, Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Erase(ctx, goodErasure()) }},
		{"Erase, an address", "Traces, Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Erase(ctx, invitations.EraseParams{Email: nina.Email})
		}},

		{"Invite", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Invite(ctx, olga, goodInvite()) }},
		{"CreateLink", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateLink(ctx, olga, goodLink()) }},
		{"InviteAll", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.InviteAll(ctx, olga, "acme", []invitations.InviteParams{goodInvite()})
		}},
		{"Resend", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Resend(ctx, olga, goodResend()) }},
		{"Edit", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Edit(ctx, olga, goodEdit()) }},
		{"Revoke", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Revoke(ctx, olga, "acme", signedID) }},
		{"PendingToken", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.PendingToken(ctx, olga, "acme", signedID) }},
		{"Sweep", "Sweep", func(ctx ctxT, svc svcT) (any, error) { return svc.Sweep(ctx, 10) }},

		{"Accept", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Accept(ctx, token, nina) }},
		{"Decline", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.Decline(ctx, token) }},
		{"Lookup", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Lookup(ctx, token) }},
		{"NextStep", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.NextStep(ctx, token, invitations.Visitor{}) }},
		{"NextStep, signed in", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.NextStep(ctx, token, invitations.Visitor{Identity: nina})
		}},
		{"Received", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Received(ctx, nina, invitations.ReceivedParams{})
		}},
		{"AcceptReceived", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.AcceptReceived(ctx, "acme", signedID, nina) }},
		{"DeclineReceived", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.DeclineReceived(ctx, "acme", signedID, nina) }},

		{"Invitation", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Invitation(ctx, olga, "acme", signedID) }},
		{"Invitations", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: "acme"})
		}},
		{"AllInvitations", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return first(svc.AllInvitations(ctx, olga, invitations.InvitationsParams{Organization: "acme"}))
		}},
		{"Timeline", "Events", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: "acme", Invitation: signedID, NewestFirst: true})
		}},
		{"AllEvents", "Events", func(ctx ctxT, svc svcT) (any, error) {
			return first(svc.AllEvents(ctx, olga, invitations.TimelineParams{Organization: "acme"}))
		}},
		{"Feed", "Feed", func(ctx ctxT, svc svcT) (any, error) { return svc.Feed(ctx, 7, 0) }},
		{"Statistics", "Statistics", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Statistics(ctx, olga, invitations.StatisticsParams{Organization: "acme"})
		}},

		{"Member", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Member(ctx, "acme", "olga") }},
		{"Members", "Members", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Members(ctx, olga, invitations.MembersParams{Organization: "acme"})
		}},
		{"AllMembers", "Members", func(ctx ctxT, svc svcT) (any, error) {
			return first(svc.AllMembers(ctx, olga, invitations.MembersParams{Organization: "acme"}))
		}},
		{"Authorize", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Authorize(ctx, "acme", "dora", invitations.PermissionOrganizationUse)
		}},
		{"AddMember", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.AddMember(ctx, olga, goodAddition()) }},
		{"SetMetadata", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.SetMetadata(ctx, olga, invitations.SetMetadataParams{Organization: "acme", UserID: "dora"})
		}},
		{"ChangeRole", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.ChangeRole(ctx, olga, goodChange()) }},
		{"RemoveMember", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.RemoveMember(ctx, olga, "acme", "dora") }},
		{"Leave", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Leave(ctx, "acme", "dora") }},
		{"TransferOwnership", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.TransferOwnership(ctx, olga, goodTransfer()) }},

		{"Consume", "Consume", func(ctx ctxT, svc svcT) (any, error) { return svc.Consume(ctx, inAcme, "dora", 3) }},
		{"Consume, personal", "Consume", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Consume(ctx, invitations.Personal(), "dora", 3)
		}},
		{"Refund", "Consume", func(ctx ctxT, svc svcT) (any, error) { return svc.Refund(ctx, goodRefund()) }},
		{"Usage", "Usage", func(ctx ctxT, svc svcT) (any, error) { return svc.Usage(ctx, olga, goodUsage()) }},
		{"Remaining", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Remaining(ctx, inAcme, "dora") }},
		{"Remaining, personal", "Workspaces", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Remaining(ctx, invitations.Personal(), "dora")
		}},
		{"SetQuota", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.SetQuota(ctx, olga, goodQuota()) }},
		{"SetQuota, shared", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.SetQuota(ctx, system, shared) }},
		{"SetQuota, personal", "SetPersonalQuota", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.SetQuota(ctx, system, personal) }},
		{"Quota", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Quota(ctx, olga, "acme", "dora") }},
		{"Quota, shared", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Quota(ctx, olga, "acme", "") }},
		{"Workspaces", "Workspaces", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora"})
		}},
	}
}

// first returns the first item of an iterator.
func first[T any](all iter.Seq2[T, error]) (any, error) {
	for item, err := range all {
		return item, err
	}
	return nil, nil
}

// The tests of all operations are tests of every method that can fail.
func TestOperations_AreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	methods := map[string]bool{"Policy": true, "WithStore": true} // which cannot fail
	for _, o := range operations() {
		require.False(t, names[o.name], "%s occurs twice", o.name)
		names[o.name], methods[o.method()] = true, true
	}
	service := reflect.TypeFor[*invitations.Service]()
	for i := range service.NumMethod() {
		require.True(t, methods[service.Method(i).Name], "%s is missing", service.Method(i).Name)
	}
}

// The caller gets the store's error unchanged and no result, although the decision was made.
func TestOperations_StoreError(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		for _, err := range []error{
			errors.New("connection refused"), invitations.ErrConflict, invitations.ErrOutcomeUnknown,
			context.Canceled, context.DeadlineExceeded,
			fmt.Errorf("pgstore: %w: %w", invitations.ErrOutcomeUnknown, context.DeadlineExceeded),
		} {
			t.Run(o.name+"/"+err.Error(), func(t *testing.T) {
				t.Parallel()
				store := failing(err, factsFor(o.name), func(context.Context) {})
				result, got := o.call(t.Context(), serviceOn(t, store, atNoon()))
				require.True(t, got == err, "changed: %v", got) //nolint:errorlint // the very error must arrive
				if result != nil {
					require.Zero(t, result)
				}
				requireAsked(t, store, o.calls()[0])
			})
		}
	}
}

// An operation calls the store with the context of the caller, and once except for Erase.
func TestOperations_PassTheContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			var seen []context.Context
			store := failing(nil, factsFor(o.name), func(ctx context.Context) { seen = append(seen, ctx) })
			_, err := o.call(ctx, serviceOn(t, store, atNoon()))
			require.NoError(t, err)
			require.Equal(t, slices.Repeat([]context.Context{ctx}, len(o.calls())), seen)
			require.True(t, len(seen) == 1 || o.method() == "Erase")
			requireAsked(t, store, o.calls()...)
		})
	}
}

// Reads change nothing: they call no method of the store that can. Mail scanners and link
// previews follow links.
func TestClass44_ReadsChangeNothing(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{}
	for _, o := range operations() {
		writes := []string{"Update", "Create", "Consume", "SetPersonalQuota", "Sweep", "Purge"}
		if slices.ContainsFunc(o.calls(), func(method string) bool { return slices.Contains(writes, method) }) {
			continue
		}
		reads[o.method()] = true
		store := working(o.name)
		store.UpdateFunc, store.CreateFunc, store.ConsumeFunc = nil, nil, nil // a call panics
		store.SetPersonalQuotaFunc, store.SweepFunc, store.PurgeFunc = nil, nil, nil
		for range 3 {
			_, err := o.call(t.Context(), serviceOn(t, store, atNoon()))
			require.NoError(t, err, o.name)
		}
	}
	require.ElementsMatch(t, []string{
		"Lookup", "NextStep", "Received", "PendingToken", "Invitation", "Invitations", "AllInvitations",
		"Timeline", "AllEvents", "Feed", "Statistics", "Member", "Members", "AllMembers", "Authorize",
		"Remaining", "Quota", "Workspaces", "Overview", "Usage",
	}, slices.Collect(maps.Keys(reads)))
}

// An operation asks for the facts that its decision needs and for no others.
func TestOperations_Queries(t *testing.T) {
	t.Parallel()
	byOlga := []string{"olga"}
	limits := invitations.Limits{Pending: 10, Expiry: 7 * day}
	seated := func(q invitations.Query) invitations.Query {
		q.CountSeats, q.Limits, q.PendingAt = true, limits, noon
		return q
	}
	token := invitations.Query{Organization: "acme", Invitation: signedID, Sender: true, OwnersUpTo: 1}
	signedIn := seated(token)
	signedIn.Members, signedIn.Removals, signedIn.Quotas = []string{"nina"}, true, true
	signedIn.PendingFor = "nina@example.com"

	creating := invitations.Query{Organization: "acme", Members: byOlga, CountPending: true, Limits: limits, PendingAt: noon}
	mailing := creating
	mailing.SendingsUpTo, mailing.SendingsAfter = 100, noon.Add(-day)
	inviting := mailing
	inviting.Emails = []string{"nina@example.com"}
	bySystem, withID, resending := inviting, inviting, mailing
	bySystem.Members = nil
	withID.Invitation = signedID
	resending.Invitation, resending.SameEmail = signedID, true
	rows := bySystem
	rows.Emails, rows.Invitations = []string{"nina@example.com", "nina@example.com"}, []uuid.UUID{signedID}

	losing := func(members ...string) invitations.Query {
		return invitations.Query{
			Organization: "acme", Members: members, OwnersUpTo: 2, PendingSentBy: members[len(members)-1], PendingAt: noon,
		}
	}
	transfer := seated(losing("olga", "olga"))
	transfer.Members = append(transfer.Members, "dora")
	ofNina := seated(invitations.Query{Organization: "acme", Members: []string{"nina"}, PendingFor: "nina@example.com", OwnersUpTo: 1})
	one := invitations.Query{Organization: "acme", Invitation: signedID, Members: byOlga}
	sender := one
	sender.Sender = true

	consumption := invitations.Consumption{UserID: "dora", Amount: 3, Periods: periodsAtNoon}
	consumptionInAcme := consumption
	consumptionInAcme.Organization = "acme"
	consumptionInAcme.Roles = []invitations.Role{invitations.RoleAdmin, invitations.RoleDeveloper, invitations.RoleOwner}
	refund := consumptionInAcme
	refund.Amount, refund.Roles = -3, nil
	quotas := func(members ...string) invitations.Query {
		return invitations.Query{Organization: "acme", Members: members, Quotas: true}
	}

	// The limit of a list is one more than that of the page, which tells of a next page.
	list := invitations.InvitationQuery{Organization: "acme", Viewer: "olga", At: noon, Limit: 51}
	members := invitations.MemberQuery{Organization: "acme", Viewer: "olga", Limit: 51}

	want := map[string]any{
		"CreateOrganization": invitations.Query{Organization: "acme", Members: byOlga},
		"DeleteOrganization": invitations.Query{Organization: "acme", Members: byOlga},
		"SetLimits":          invitations.Query{Organization: "acme"},
		"Overview":           invitations.Query{Organization: "acme", Members: byOlga, Totals: true, PendingAt: noon},
		"Purge":              invitations.PurgeQuery{Before: noon.Add(-day), Limit: 10},
		"Erase":              invitations.WorkspaceQuery{UserID: "dora", Limit: 1},
		"Erase, an address":  []any{invitations.Person{Email: "nina@example.com"}, 10},

		"Invite":                       inviting,
		"Invite, with an ID":           withID,
		"Invite, by System":            bySystem,
		"CreateLink":                   creating,
		"InviteAll":                    inviting,
		"InviteAll, IDs and a bad row": rows,
		"Resend":                       resending,
		"Edit":                         one,
		"Revoke":                       one,
		"PendingToken":                 sender,
		"Sweep":                        []any{noon, 10},
		"Accept":                       signedIn,
		"Decline":                      token,
		"Lookup":                       token,
		"NextStep":                     token,
		"NextStep, signed in":          signedIn,
		"Received":                     invitations.InvitationQuery{States: []invitations.State{invitations.StatePending}, Email: "nina@example.com", At: noon, Limit: 51},
		"AcceptReceived":               signedIn,
		"DeclineReceived":              token,
		"Invitation":                   one,
		"Invitations":                  list,
		"AllInvitations":               list,
		"Timeline":                     invitations.EventQuery{Organization: "acme", Viewer: "olga", Invitation: signedID, NewestFirst: true, Limit: 51},
		"AllEvents":                    invitations.EventQuery{Organization: "acme", Viewer: "olga", Limit: 51},
		"Feed":                         []any{int64(7), 50}, // every event has its position, so no additional one
		"Statistics": invitations.StatisticsQuery{
			Organization: "acme", Viewer: "olga", Roles: []invitations.Role{"admin", "owner"}, At: noon, MaxGroups: 100,
			To: utc(9999, 12, 31, 23, 59, 59, 999_999),
		},

		"Member":                  invitations.Query{Organization: "acme", Members: byOlga},
		"Members":                 members,
		"AllMembers":              members,
		"Authorize":               invitations.Query{Organization: "acme", Members: []string{"dora"}},
		"AddMember":               seated(invitations.Query{Organization: "acme", Members: []string{"olga", "nina"}, OwnersUpTo: 1}),
		"AddMember, an address":   ofNina,
		"SetMetadata":             invitations.Query{Organization: "acme", Members: []string{"olga", "dora"}},
		"ChangeRole":              seated(losing("olga", "dora")),
		"ChangeRole, by System":   seated(losing("dora")),
		"RemoveMember":            losing("olga", "dora"),
		"RemoveMember, by System": losing("dora"),
		"Leave":                   losing("dora", "dora"),
		"TransferOwnership":       transfer,

		"Consume":           consumptionInAcme,
		"Consume, personal": consumption,
		"Refund":            refund,
		"Usage": invitations.UsageQuery{
			Organization: "acme", Viewer: "olga", Period: invitations.PeriodDay, PeriodStart: midnight(2026, 3, 1), Limit: 51,
		},
		"Remaining":           quotas("dora"),
		"Remaining, personal": invitations.WorkspaceQuery{UserID: "dora"},
		"SetQuota":            quotas("olga", "dora"),
		"SetQuota, shared":    quotas(),
		"SetQuota, personal":  []any{"dora", goodQuota().Quota},
		"Quota":               quotas("olga", "dora"),
		"Quota, shared":       quotas("olga"),
		"Workspaces":          invitations.WorkspaceQuery{UserID: "dora", Limit: 51},
	}
	withOwnID, bad := goodInvite(), goodInvite()
	withOwnID.ID = signedID
	bad.Email, bad.ID = "kim", signedID
	all := append(operations(), []operation{
		{"ChangeRole, by System", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			return svc.ChangeRole(ctx, invitations.System(), goodChange())
		}},
		{"AddMember, an address", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			p := goodAddition()
			p.Email = "NINA@example.com"
			return svc.AddMember(ctx, invitations.System(), p)
		}},
		{"RemoveMember, by System", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			return svc.RemoveMember(ctx, invitations.System(), "acme", "dora")
		}},
		{"Invite, with an ID", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			return svc.Invite(ctx, olga, withOwnID)
		}},
		{"Invite, by System", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			return svc.Invite(ctx, invitations.System(), goodInvite())
		}},
		{"InviteAll, IDs and a bad row", "Update", func(ctx context.Context, svc *invitations.Service) (any, error) {
			return svc.InviteAll(ctx, invitations.System(), "acme", []invitations.InviteParams{withOwnID, bad, goodInvite()})
		}},
	}...)
	asked := map[string]any{}
	for _, o := range all {
		store := failing(errors.New("disk full"), factsFor(o.name), func(context.Context) {})
		_, err := o.call(t.Context(), serviceOn(t, store, atNoon()))
		require.Error(t, err)
		requireAsked(t, store, o.calls()[0])
		asked[o.name] = callsOf(store)[0].argument
	}
	require.Equal(t, want, asked)
}
