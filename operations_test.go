package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
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
		{"CreateOrganization", "Create", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateOrganization(ctx, "acme", "olga") }},
		{"Invite", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Invite(ctx, olgaActs, goodInvite()) }},
		{"CreateLink", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.CreateLink(ctx, olgaActs, goodLink()) }},
		{"Resend", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Resend(ctx, olgaActs, goodResend()) }},
		{"Revoke", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Revoke(ctx, olgaActs, "acme", signedID) }},
		{"Accept", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Accept(ctx, token, nina) }},
		{"Decline", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.Decline(ctx, token) }},
		{"Lookup", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Lookup(ctx, token) }},
		{"NextStep", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.NextStep(ctx, token, invitations.Visitor{}) }},
		{"NextStep, signed in", "View", func(ctx ctxT, svc svcT) (any, error) {
			return svc.NextStep(ctx, token, invitations.Visitor{Identity: nina})
		}},
		{"PendingToken", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.PendingToken(ctx, olgaActs, "acme", signedID) }},
		{"Invitation", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Invitation(ctx, olgaActs, "acme", signedID) }},
		{"Member", "View", func(ctx ctxT, svc svcT) (any, error) { return svc.Member(ctx, "acme", "olga") }},
		{"Invitations", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Invitations(ctx, olgaActs, invitations.InvitationsParams{Organization: "acme"})
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
		{"InviteAll", "Update", func(ctx ctxT, svc svcT) (any, error) {
			return svc.InviteAll(ctx, olgaActs, "acme", []invitations.InviteParams{goodInvite()})
		}},
		{"Edit", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.Edit(ctx, olgaActs, goodEdit()) }},
		{"Received", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Received(ctx, nina, invitations.ReceivedParams{})
		}},
		{"AcceptReceived", "Update", func(ctx ctxT, svc svcT) (any, error) { return svc.AcceptReceived(ctx, "acme", signedID, nina) }},
		{"DeclineReceived", "Update", func(ctx ctxT, svc svcT) (any, error) { return nil, svc.DeclineReceived(ctx, "acme", signedID, nina) }},
		{"Timeline", "Events", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Timeline(ctx, olgaActs, invitations.TimelineParams{Organization: "acme", Invitation: signedID, NewestFirst: true})
		}},
		{"AllEvents", "Events", func(ctx ctxT, svc svcT) (any, error) {
			for e, err := range svc.AllEvents(ctx, olgaActs, invitations.TimelineParams{Organization: "acme"}) {
				return e, err
			}
			return nil, nil
		}},
		{"Feed", "Feed", func(ctx ctxT, svc svcT) (any, error) { return svc.Feed(ctx, 7, 0) }},
		{"Statistics", "Statistics", func(ctx ctxT, svc svcT) (any, error) {
			return svc.Statistics(ctx, olgaActs, invitations.StatisticsParams{Organization: "acme"})
		}},
		{"Sweep", "Sweep", func(ctx ctxT, svc svcT) (any, error) { return svc.Sweep(ctx, 10) }},
		{"AllInvitations", "Invitations", func(ctx ctxT, svc svcT) (any, error) {
			for inv, err := range svc.AllInvitations(ctx, olgaActs, invitations.InvitationsParams{Organization: "acme"}) {
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
		CreateFunc: func(ctx context.Context, _ invitations.Query, decide invitations.Decision) error {
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
		InvitationsFunc: func(ctx context.Context, _ invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			seen(ctx)
			return invitations.Page[invitations.Record]{Viewer: &owner, Items: manyRecords(2)}, err
		},
		MembersFunc: func(ctx context.Context, _ invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
			seen(ctx)
			return invitations.Page[invitations.Member]{Viewer: &owner, Items: []invitations.Member{owner}}, err
		},
		WorkspacesFunc: func(ctx context.Context, _ invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			seen(ctx)
			return &personal, []invitations.Membership{{Member: owner}}, err
		},
		ConsumeFunc: func(ctx context.Context, _ invitations.Consumption) (invitations.Consumed, error) {
			seen(ctx)
			return invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: facts.Quotas}, err
		},
		SetPersonalQuotaFunc: func(ctx context.Context, _ string, _ invitations.Quota) error {
			seen(ctx)
			return err
		},
		EventsFunc: func(ctx context.Context, _ invitations.EventQuery) (invitations.Page[invitations.Event], error) {
			seen(ctx)
			return invitations.Page[invitations.Event]{Viewer: &owner, Items: []invitations.Event{{Organization: "acme", Version: 1}}}, err
		},
		FeedFunc: func(ctx context.Context, _ int64, _ int) ([]invitations.Event, error) {
			seen(ctx)
			return []invitations.Event{{Position: 8}}, err
		},
		StatisticsFunc: func(ctx context.Context, _ invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
			seen(ctx)
			return &owner, invitations.Statistics{Total: invitations.Funnel{Created: 1}}, err
		},
		SweepFunc: func(ctx context.Context, _ time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
			seen(ctx)
			due := *facts.Invitation
			due.ExpiresAt, due.SweepAt = noon, noon
			decide([]invitations.Facts{{Organization: "acme", Version: 2, PendingRecords: []invitations.Record{due}}})
			return err
		},
	}
}

// workable are facts about which the operation succeeds.
func workable(name string) invitations.Facts {
	f := ninaInvited()
	sent := noon.Add(-time.Minute) // exactly the cooldown ago
	f.Invitation.CreatedAt, f.Invitation.SentAt, f.Invitation.ExpiresAt = sent, sent, sent.Add(7*days)
	owner := invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	f.Members["olga"] = owner
	f.Members["dora"] = invitations.Member{Organization: "acme", UserID: "dora", Role: invitations.RoleDeveloper}
	f.OwnerCount = 1
	f.Quotas = map[string]invitations.QuotaRecord{
		"":     quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 3, 1), 40),
		"dora": quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 3, 1), 4),
	}
	if name == "Invite" || name == "CreateLink" {
		f.Invitation = nil
	}
	f.PendingByEmail, f.Invitations = map[string]uuid.UUID{}, map[uuid.UUID]invitations.Record{}
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
		"Update": len(store.UpdateCalls()), "Create": len(store.CreateCalls()), "View": len(store.ViewCalls()), "Consume": len(store.ConsumeCalls()),
		"SetPersonalQuota": len(store.SetPersonalQuotaCalls()), "Invitations": len(store.InvitationsCalls()),
		"Members": len(store.MembersCalls()), "Workspaces": len(store.WorkspacesCalls()), "Events": len(store.EventsCalls()),
		"Feed": len(store.FeedCalls()), "Statistics": len(store.StatisticsCalls()), "Sweep": len(store.SweepCalls()),
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

// A read is a read: what a mail scanner or a link preview calls changes nothing, because it
// has no way to.
func TestClass44_ReadsNeverUpdate(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{}
	for _, o := range operations() {
		if slices.Contains([]string{"Update", "Create", "Consume", "SetPersonalQuota", "Sweep"}, o.asks) {
			continue
		}
		reads[o.bare()] = true
		store := failing(nil, workable(o.name), func(context.Context) {})
		store.UpdateFunc, store.CreateFunc, store.ConsumeFunc, store.SetPersonalQuotaFunc, store.SweepFunc = nil, nil, nil, nil, nil // panic
		for range 3 {
			_, err := o.call(t.Context(), serviceOn(t, store, atNoon()))
			require.NoError(t, err, o.name)
		}
	}
	require.Equal(t, map[string]bool{
		"Lookup": true, "NextStep": true, "Invitation": true, "Invitations": true, "AllInvitations": true, "PendingToken": true, "Member": true,
		"Authorize": true, "Members": true, "AllMembers": true, "Remaining": true, "Quota": true, "Workspaces": true,
		"Received": true, "Timeline": true, "AllEvents": true, "Feed": true, "Statistics": true,
	}, reads)
}
