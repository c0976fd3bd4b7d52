package invitations_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

// returnedTypes returns the types that the methods of Service return, without errors. Of an
// iterator it returns the type of the items.
func returnedTypes() []reflect.Type {
	var returned []reflect.Type
	service := reflect.TypeFor[*invitations.Service]()
	for i := range service.NumMethod() {
		for out := range service.Method(i).Type.Outs() {
			if out.Kind() == reflect.Func {
				out = out.In(0).In(0) // the first argument of yield
			}
			if out != reflect.TypeFor[error]() && out != service {
				returned = append(returned, out)
			}
		}
	}
	return returned
}

// undocumented returns the places in a type whose JSON a client could not rely on: a field
// without a name or without a value, and an interface.
func undocumented(t reflect.Type, path string, seen map[reflect.Type]bool) []string {
	if seen[t] || t.Implements(marshaler) || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[uuid.UUID]() {
		return nil
	}
	seen[t] = true
	var found []string
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return undocumented(t.Elem(), path, seen)
	case reflect.Interface, reflect.Func, reflect.Chan:
		return []string{path + " is a " + t.Kind().String()}
	case reflect.Struct:
		if t.NumField() == 0 {
			found = append(found, path+" is empty")
		}
		for i := range t.NumField() {
			field := t.Field(i)
			at := path + "." + field.Name
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case field.Type == reflect.TypeFor[invitations.Token]() && name == "-":
			case !field.IsExported():
				found = append(found, at+" is not exported")
			case name == "-":
				found = append(found, at+" is hidden")
			case name == "" && !field.Anonymous:
				found = append(found, at+" has no name")
			default:
				found = append(found, undocumented(field.Type, at, seen)...)
			}
		}
	}
	return found
}

// Every value that the service returns has a documented form in JSON, and only tokens are hidden.
func TestReturned_JSONTags(t *testing.T) {
	t.Parallel()
	types := returnedTypes()
	require.Contains(t, types, reflect.TypeFor[invitations.List[invitations.Invitation]]())
	require.Contains(t, types, reflect.TypeFor[invitations.Event]())
	for _, returned := range types {
		require.Empty(t, undocumented(returned, returned.String(), map[reflect.Type]bool{}))
	}
}

// TestReturned_JSONTags_Control shows that the check finds each fault.
func TestReturned_JSONTags_Control(t *testing.T) {
	t.Parallel()
	type inner struct{ Name string }
	for want, value := range map[string]any{
		"x.Name has no name":     struct{ Name string }{},
		"x.name is not exported": struct{ name string }{},
		"x.Name is hidden": struct {
			Name string `json:"-"`
		}{},
		"x.Err is a interface": struct {
			Err error `json:"err"`
		}{},
		"x.In.Name has no name": struct {
			In []*inner `json:"in"`
		}{},
		"x.inner is not exported": struct{ inner }{},
		"x is empty":              struct{}{},
	} {
		require.Equal(t, []string{want}, undocumented(reflect.TypeOf(value), "x", map[reflect.Type]bool{}))
	}
}

// badJSON returns the places in a JSON value that are null or an empty object.
func badJSON(value any, path string) []string {
	var found []string
	switch value := value.(type) {
	case nil:
		return []string{path + " is null"}
	case map[string]any:
		if len(value) == 0 {
			return []string{path + " is {}"}
		}
		for key, v := range value {
			found = append(found, badJSON(v, path+"."+key)...)
		}
	case []any:
		for i, v := range value {
			found = append(found, badJSON(v, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return found
}

// Results of a full organization and of an empty one have no null and no empty object.
func TestReturned_JSONValues(t *testing.T) {
	t.Parallel()
	for _, empty := range []bool{false, true} {
		results := callAll(t, empty)
		service := reflect.TypeFor[*invitations.Service]()
		for i := range service.NumMethod() {
			method := service.Method(i)
			returnsValue := method.Type.NumOut() > 1 || method.Type.Out(0) != reflect.TypeFor[error]()
			if returnsValue && method.Name != "WithStore" {
				require.Contains(t, results, method.Name, "the test does not call it")
			}
		}
		for name, result := range results {
			text, err := json.Marshal(result)
			require.NoError(t, err)
			var value any
			require.NoError(t, json.Unmarshal(text, &value))
			require.Empty(t, badJSON(value, name), string(text))
			require.NotContains(t, string(text), "redacted")
			require.NotContains(t, string(text), "inv_")
		}
	}
}

// callAll returns a result of each method of Service, by name. An empty organization has only its
// owner.
func callAll(t *testing.T, empty bool) map[string]any {
	t.Helper()
	ctx, now := t.Context(), noon
	svc := acmeOn(t, func() time.Time { return now }, invitations.Config{RemindBefore: 24 * time.Hour})
	results := map[string]any{}
	must := func(name string, result any, err error) {
		t.Helper()
		require.NoError(t, err, name)
		results[name] = result
	}
	system, acme := invitations.System(), "acme"
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	invite := func(email string) invitations.SentInvitation {
		sent, err := svc.Invite(ctx, olga, invitations.InviteParams{Organization: acme, Email: email, Role: invitations.RoleViewer})
		must("Invite", sent, err)
		return sent
	}
	read := func() {
		t.Helper()
		invitation, err := svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: acme})
		must("Invitations", invitation, err)
		members, err := svc.Members(ctx, olga, invitations.MembersParams{Organization: acme, Balances: true})
		must("Members", members, err)
		timeline, err := svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: acme})
		must("Timeline", timeline, err)
		received, err := svc.Received(ctx, bob, invitations.ReceivedParams{})
		must("Received", received, err)
		workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
		must("Workspaces", workspaces, err)
		statistics, err := svc.Statistics(ctx, olga, invitations.StatisticsParams{Organization: acme})
		must("Statistics", statistics, err)
		usage, err := svc.Usage(ctx, olga, invitations.UsageParams{Organization: acme, Period: invitations.PeriodDay})
		must("Usage", usage, err)
		overview, err := svc.Overview(ctx, olga, acme)
		must("Overview", overview, err)
		feed, err := svc.Feed(ctx, 0, 0)
		must("Feed", feed, err)
		remaining, err := svc.Remaining(ctx, invitations.InOrganization(acme), "olga")
		must("Remaining", remaining, err)
		balance, err := svc.Quota(ctx, olga, acme, "")
		must("Quota", balance, err)
	}
	if empty {
		feed, err := svc.Feed(ctx, 1<<40, 0)
		must("Feed", feed, err)
		defer func() { results["Feed"] = feed }()
		read()
		swept, err := svc.Sweep(ctx, 10)
		must("Sweep", swept, err)
		return mergeMissing(results, callAll(t, false))
	}
	must("Policy", svc.Policy(), nil)
	founder, err := svc.CreateOrganization(ctx, acme, "olga")
	must("CreateOrganization", founder, err)
	require.NoError(t, svc.SetLimits(ctx, system, acme, invitations.Limits{Members: 50, SeatlessRoles: []invitations.Role{"viewer"}}))
	require.NoError(t, svc.SetQuota(ctx, system, invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(acme), Quota: invitations.Quota{Limit: 9, Period: invitations.PeriodDay},
	}))
	balance, err := svc.Consume(ctx, invitations.InOrganization(acme), "olga", 2)
	must("Consume", balance, err)
	balance, err = svc.Refund(ctx, invitations.RefundParams{Workspace: invitations.InOrganization(acme), UserID: "olga", Amount: 1, At: balance.At})
	must("Refund", balance, err)
	outcomes, err := svc.InviteAll(ctx, olga, acme, []invitations.InviteParams{
		{Email: "kim@example.com", Role: "viewer"}, {Email: "kim@example.com", Role: "viewer"}, {Email: "kim", Role: "viewer"},
	})
	must("InviteAll", outcomes, err)
	link, err := svc.CreateLink(ctx, olga, invitations.CreateLinkParams{Organization: acme, Role: "developer", AllowedDomains: []string{"example.com"}})
	must("CreateLink", link, err)
	sent := invite("bob@example.com")
	read()
	offer, err := svc.Lookup(ctx, sent.Token.Reveal())
	must("Lookup", offer, err)
	next, err := svc.NextStep(ctx, sent.Token.Reveal(), invitations.Visitor{Identity: invitations.Identity{UserID: "eve", Email: "eve@example.com"}})
	require.ErrorIs(t, next.Reason, invitations.ErrRecipientMismatch)
	must("NextStep", next, err)
	pending, err := svc.PendingToken(ctx, system, acme, sent.ID)
	must("PendingToken", pending, err)
	message := "Hi"
	edited, err := svc.Edit(ctx, olga, invitations.EditParams{Organization: acme, ID: sent.ID, Message: &message})
	must("Edit", edited, err)
	found, err := svc.Invitation(ctx, olga, acme, sent.ID)
	must("Invitation", found, err)
	now = now.Add(time.Hour)
	resent, err := svc.Resend(ctx, olga, invitations.ResendParams{Organization: acme, ID: sent.ID})
	must("Resend", resent, err)
	joined, err := svc.Accept(ctx, resent.Token.Reveal(), bob)
	must("Accept", joined, err)
	nora := invite("nora@example.com")
	joined, err = svc.AcceptReceived(ctx, acme, nora.ID, invitations.Identity{UserID: "nora", Email: "nora@example.com", EmailVerified: true})
	must("AcceptReceived", joined, err)
	added, err := svc.AddMember(ctx, olga, invitations.AddMemberParams{Organization: acme, UserID: "max", Role: "developer"})
	must("AddMember", added, err)
	revoked, err := svc.Revoke(ctx, olga, acme, link.ID)
	must("Revoke", revoked, err)
	member, err := svc.Member(ctx, acme, "bob")
	must("Member", member, err)
	member, err = svc.Authorize(ctx, acme, "bob", invitations.PermissionMemberList)
	must("Authorize", member, err)
	member, err = svc.ChangeRole(ctx, olga, invitations.ChangeRoleParams{Organization: acme, UserID: "bob", Role: "billing"})
	must("ChangeRole", member, err)
	member, err = svc.SetMetadata(ctx, olga, invitations.SetMetadataParams{Organization: acme, UserID: "bob"})
	must("SetMetadata", member, err)
	member, err = svc.RemoveMember(ctx, olga, acme, "bob")
	must("RemoveMember", member, err)
	member, err = svc.Leave(ctx, acme, "nora")
	must("Leave", member, err)
	results["AllInvitations"] = collected(t, svc.AllInvitations(ctx, olga, invitations.InvitationsParams{Organization: acme}))
	results["AllMembers"] = collected(t, svc.AllMembers(ctx, olga, invitations.MembersParams{Organization: acme}))
	results["AllEvents"] = collected(t, svc.AllEvents(ctx, olga, invitations.TimelineParams{Organization: acme}))
	member, err = svc.TransferOwnership(ctx, olga, invitations.TransferOwnershipParams{Organization: acme, From: "olga", To: "max", Role: "admin"})
	must("TransferOwnership", member, err)
	now = now.Add(365 * 24 * time.Hour)
	swept, err := svc.Sweep(ctx, 10)
	must("Sweep", swept, err)
	purged, err := svc.Purge(ctx, now.Add(-48*time.Hour), 10)
	must("Purge", purged, err)
	erased, err := svc.Erase(ctx, invitations.EraseParams{Email: "kim@example.com"})
	must("Erase", erased, err)
	return results
}

// mergeMissing adds to results those of other calls that it lacks.
func mergeMissing(results, others map[string]any) map[string]any {
	for name, result := range others {
		if _, ok := results[name]; !ok {
			results[name] = result
		}
	}
	return results
}

func collected[T any](t *testing.T, items iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for item, err := range items {
		require.NoError(t, err)
		all = append(all, item)
	}
	require.NotEmpty(t, all)
	return slices.Clip(all)
}

// An outcome is an invitation or a problem. A policy is its roles with their permissions.
func TestReturned_JSON(t *testing.T) {
	t.Parallel()
	sent := invitations.SentInvitation{
		Invitation: invitations.Invitation{
			ID: pendingID, Organization: "acme", Kind: "email", State: "pending", Email: "a@example.com", Role: "viewer", MaxUses: 1,
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon,
		},
		Repeated: true,
	}
	const text = `"id":"019531f0-0000-7000-8000-000000000009","organization":"acme","kind":"email","state":"pending","email":"a@example.com",
		"role":"viewer","max_uses":1,"uses":0,"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"`
	problem := func(err error) string {
		p, _ := invitations.ProblemOf(err)
		text, marshalErr := json.Marshal(p)
		require.NoError(t, marshalErr)
		return string(text)
	}
	invited := &invitations.AlreadyInvitedError{InvitationID: pendingID}
	for want, value := range map[string]any{
		`{"invitation":{` + text + `,"repeated":true}}`:        invitations.Outcome{Invitation: sent},
		`[{"problem":` + problem(invited) + `}]`:               []invitations.Outcome{{Err: invited}},
		`{"problem":` + problem(fmt.Errorf("disk full")) + `}`: &invitations.Outcome{Err: fmt.Errorf("disk full")},
		`{"owner":["a","b"],"reader":["a"],"nobody":[]}`:       policyOf(t),
	} {
		got, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}

func policyOf(t *testing.T) *invitations.Policy {
	t.Helper()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": {"b", "a", "b"}, "reader": {"a"}, "nobody": nil,
	})
	require.NoError(t, err)
	return policy
}
