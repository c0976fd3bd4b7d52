package invitations_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// manyMembers returns n members in the order of their ids; Olga is none of them.
func manyMembers(n int) []invitations.Member {
	members := make([]invitations.Member, n)
	for i := range members {
		members[i] = invitations.Member{
			Organization: "acme", UserID: fmt.Sprintf("m%03d", i), Role: invitations.RoleViewer, JoinedAt: noon,
			Metadata: map[string]string{"n": fmt.Sprint(i)},
		}
	}
	return members
}

// staffed answers as a store does that has these members, seen by one with the role viewer,
// or by nobody with an empty one.
func staffed(members []invitations.Member, viewer invitations.Role) *StoreMock {
	return &StoreMock{MembersFunc: func(_ context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
		var page invitations.Page[invitations.Member]
		if viewer != "" && q.Viewer != "" {
			page.Viewer = &invitations.Member{Organization: "acme", UserID: q.Viewer, Role: viewer}
		}
		for _, m := range members {
			if m.UserID > q.After && len(page.Items) < q.Limit {
				page.Items = append(page.Items, m)
			}
		}
		return page, nil
	}}
}

func TestMembers_Pages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
		members := manyMembers(n)
		store := staffed(members, invitations.RoleOwner)
		svc := serviceOn(t, store, atNoon())
		p := invitations.MembersParams{Organization: "acme", Limit: 10}
		var got []invitations.Member
		for pages := 1; ; pages++ {
			list, err := svc.Members(t.Context(), olgaActs, p)
			require.NoError(t, err)
			got = append(got, list.Items...)
			if list.NextCursor == "" {
				require.Equal(t, max(1, (n+9)/10), pages, "no page too many")
				break
			}
			require.Len(t, list.Items, 10)
			require.Equal(t, placeOf(list.Items[9].UserID), list.NextCursor, "the last one shown")
			p.Cursor = list.NextCursor
		}
		require.Len(t, got, n)
		for i := range got {
			require.Equal(t, members[i], got[i])
		}
	}
}

func TestAllMembers(t *testing.T) {
	t.Parallel()
	members := manyMembers(25)
	store := staffed(members, invitations.RoleOwner)
	svc := serviceOn(t, store, atNoon())
	p := invitations.MembersParams{Organization: "acme", Limit: 10, Cursor: placeOf("m004")}
	all := svc.AllMembers(t.Context(), olgaActs, p)
	require.Empty(t, store.MembersCalls(), "nothing is read before it is ranged over")
	for range 2 { // the second time from the start again
		i := 5
		for m, err := range all {
			require.NoError(t, err)
			require.Equal(t, members[i], m)
			i++
		}
		require.Equal(t, 25, i)
	}
	require.Len(t, store.MembersCalls(), 4)
	for range all {
		break
	}
	require.Len(t, store.MembersCalls(), 5, "whoever stops, stops reading")
}

func TestAllMembers_ErrorMidway(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	store := staffed(manyMembers(25), invitations.RoleOwner)
	good := store.MembersFunc
	store.MembersFunc = func(ctx context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
		page, err := good(ctx, q)
		if q.After != "" {
			err = broken // whatever comes with an error does not count
		}
		return page, err
	}
	seen := 0
	var errs []error
	for m, err := range serviceOn(t, store, atNoon()).AllMembers(t.Context(), olgaActs, invitations.MembersParams{Organization: "acme", Limit: 10}) {
		if err != nil {
			require.Zero(t, m)
			errs = append(errs, err)
			continue // it is over even for those who go on
		}
		seen++
	}
	require.Equal(t, 10, seen)
	require.Equal(t, []error{broken}, errs)
}

// An id that did not come from the service, and that it would refuse, is on no page: a cursor
// could not name it, and what reads the page may trust in its bounds.
func TestMembers_ForeignID(t *testing.T) {
	t.Parallel()
	for name, id := range badNames {
		for at := range 11 { // the last is the one that tells of a next page
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				t.Parallel()
				members := manyMembers(11)
				members[at].UserID = id
				owner := invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
				svc := serviceOn(t, &StoreMock{MembersFunc: func(context.Context, invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
					return invitations.Page[invitations.Member]{Viewer: &owner, Items: members}, nil
				}}, atNoon())
				p := invitations.MembersParams{Organization: "acme", Limit: 10}
				list, err := svc.Members(t.Context(), olgaActs, p)
				requireForeign(t, err)
				require.Zero(t, list)
				yields := 0
				for m, err := range svc.AllMembers(t.Context(), olgaActs, p) {
					requireForeign(t, err)
					require.Zero(t, m)
					yields++
				}
				require.Equal(t, 1, yields)
				_, err = svc.Members(t.Context(), invitations.System(), p)
				requireForeign(t, err)
			})
		}
	}

	// What stands there is for nobody to know who may not see the list.
	members := manyMembers(1)
	members[0].UserID = ""
	store := &StoreMock{MembersFunc: func(context.Context, invitations.MemberQuery) (invitations.Page[invitations.Member], error) {
		return invitations.Page[invitations.Member]{Items: members}, nil
	}}
	_, err := serviceOn(t, store, atNoon()).Members(t.Context(), olgaActs, invitations.MembersParams{Organization: "acme"})
	require.Equal(t, invitations.ErrPermissionDenied, err)
}

// requireForeign fails unless err is of the store's contents: no refusal of what the caller
// said, and without the id, which may be anything.
func requireForeign(t require.TestingT, err error) {
	require.EqualError(t, err, "invitations: the store has an ID that is out of bounds")
	var refusal *invitations.Error
	require.False(t, errors.As(err, &refusal))
	require.NotErrorIs(t, err, invitations.ErrInvalid)
}

// The longest id that there can be is one like any other, and the next page begins behind it.
func TestMembers_LongestID(t *testing.T) {
	t.Parallel()
	for _, longest := range []string{strings.Repeat("x", 255), strings.Repeat("ü", 127) + "x"} {
		members := manyMembers(2)
		members = append(members, invitations.Member{UserID: longest}, invitations.Member{UserID: "名前"})
		store := staffed(members, invitations.RoleOwner)
		svc := serviceOn(t, store, atNoon())
		list, err := svc.Members(t.Context(), olgaActs, invitations.MembersParams{Organization: "acme", Limit: 3})
		require.NoError(t, err)
		require.Equal(t, placeOf(longest), list.NextCursor)
		list, err = svc.Members(t.Context(), olgaActs, invitations.MembersParams{Organization: "acme", Limit: 3, Cursor: list.NextCursor})
		require.NoError(t, err)
		require.Equal(t, longest, store.MembersCalls()[1].Q.After)
		require.Equal(t, members[3:], list.Items)
	}
}

// Who may see the members, by role. What a store returned is shown to nobody else.
func TestClass39_MembersViewer(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": {invitations.PermissionMemberList, "other"}, "lister": {invitations.PermissionMemberList}, "guest": {"other"},
	})
	require.NoError(t, err)
	for _, policy := range []*invitations.Policy{invitations.DefaultPolicy(), policy} {
		config := atNoon()
		config.Policy = policy
		for _, role := range append(policy.Roles(), "ghost", "") {
			store := staffed(manyMembers(3), role)
			list, err := serviceOn(t, store, config).Members(t.Context(), invitations.User("somebody"), invitations.MembersParams{Organization: "acme"})
			require.Equal(t, "somebody", store.MembersCalls()[0].Q.Viewer)
			if policy.Allows(role, invitations.PermissionMemberList) {
				require.NoError(t, err, role)
				require.Len(t, list.Items, 3)
			} else {
				require.Equal(t, invitations.ErrPermissionDenied, err, role)
				require.Zero(t, list)
			}
		}
	}
	store := staffed(manyMembers(3), "")
	list, err := serviceOn(t, store, atNoon()).Members(t.Context(), invitations.System(), invitations.MembersParams{Organization: "acme"})
	require.NoError(t, err)
	require.Len(t, list.Items, 3)
	require.Empty(t, store.MembersCalls()[0].Q.Viewer, "the host is no member")
}

func TestMembers_Filter(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 51, 1: 2, 100: 101} {
		for _, role := range []invitations.Role{"", invitations.RoleAdmin, "of-another-time"} {
			store := staffed(nil, invitations.RoleOwner)
			_, err := serviceOn(t, store, atNoon()).Members(t.Context(), olgaActs, invitations.MembersParams{
				Organization: "acme", Role: role, Limit: limit, Cursor: placeOf("dora"),
			})
			require.NoError(t, err)
			require.Equal(t, invitations.MemberQuery{
				Organization: "acme", Viewer: "olga", Role: role, After: "dora", Limit: want,
			}, store.MembersCalls()[0].Q)
		}
	}
}

func TestMemberList_JSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(invitations.List[invitations.Member]{
		Items: []invitations.Member{
			{Organization: "acme", UserID: "olga", Role: "owner", JoinedAt: noon},
			{
				Organization: "acme", UserID: "dora", Role: "viewer", JoinedAt: noon, InvitationID: signedID, InvitedBy: "olga",
				Metadata: map[string]string{"team": "red"},
			},
		},
		NextCursor: "abc",
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"items":[
		{"organization":"acme","user_id":"olga","role":"owner","joined_at":"2026-03-01T12:00:00Z"},
		{"organization":"acme","user_id":"dora","role":"viewer","joined_at":"2026-03-01T12:00:00Z",
			"invitation_id":"019531f0-0000-7000-8000-000000000001","invited_by":"olga","metadata":{"team":"red"}}
	],"next_cursor":"abc"}`, string(text))
	// A list without anybody is a list.
	list, err := serviceOn(t, staffed(nil, ""), atNoon()).Members(t.Context(), invitations.System(), invitations.MembersParams{Organization: "nowhere"})
	require.NoError(t, err)
	text, err = json.Marshal(list)
	require.NoError(t, err)
	require.JSONEq(t, `{"items":[]}`, string(text))
}

// Authorize answers from the present role, for each role and permission of the policy.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	permissions := []invitations.Permission{
		invitations.PermissionMemberList, invitations.PermissionOrganizationUse, invitations.PermissionBillingManage,
		invitations.PermissionOrganizationManage, invitations.PermissionInvitationCreate, "report:read",
	}
	for _, role := range append(policy.Roles(), "ghost", "") {
		f := invitations.Facts{Organization: "acme", Version: 3, Members: map[string]invitations.Member{}}
		dora := invitations.Member{Organization: "acme", UserID: "dora", Role: role, Metadata: map[string]string{"team": "red"}}
		if role != "" {
			f.Members["dora"] = dora
		}
		for _, permission := range permissions {
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
	_, err := serviceOn(t, answering(invitations.Facts{}), atNoon()).Authorize(t.Context(), "nowhere", "dora", invitations.PermissionMemberList)
	require.Equal(t, invitations.ErrPermissionDenied, err, "as for an organization that one is not in")
}

// A removed member is refused by the very next check, and so is a demoted one.
func TestClass47_TheVeryNextCheck(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memstore.New()
	svc := serviceOn(t, store, atNoon())
	_, err := svc.CreateOrganization(ctx, "acme", "olga")
	require.NoError(t, err)
	join(t, svc, "dora", invitations.RoleAdmin)
	use := func() error {
		_, err := svc.Authorize(ctx, "acme", "dora", invitations.PermissionOrganizationUse)
		_, err2 := svc.Consume(ctx, invitations.InOrganization("acme"), "dora", 1)
		require.Equal(t, err, err2, "to consume is to be authorized")
		return err
	}
	require.NoError(t, use())
	_, err = svc.ChangeRole(ctx, olgaActs, goodChange())
	require.NoError(t, err)
	require.Equal(t, invitations.ErrPermissionDenied, use())
	p := goodChange()
	p.Role = invitations.RoleDeveloper
	_, err = svc.ChangeRole(ctx, olgaActs, p)
	require.NoError(t, err)
	require.NoError(t, use())
	_, err = svc.RemoveMember(ctx, olgaActs, "acme", "dora")
	require.NoError(t, err)
	require.Equal(t, invitations.ErrPermissionDenied, use())
	_, err = svc.Remaining(ctx, invitations.InOrganization("acme"), "dora")
	require.Equal(t, invitations.ErrPermissionDenied, err)
	_, err = svc.Members(ctx, invitations.User("dora"), invitations.MembersParams{Organization: "acme"})
	require.Equal(t, invitations.ErrPermissionDenied, err)
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora"})
	require.NoError(t, err)
	require.Empty(t, workspaces.Organizations)
}

// join has user join acme by a link of Olga's.
func join(t *testing.T, svc *invitations.Service, user string, role invitations.Role) {
	t.Helper()
	sent, err := svc.CreateLink(t.Context(), olgaActs, invitations.CreateLinkParams{Organization: "acme", Role: role})
	require.NoError(t, err)
	_, err = svc.Accept(t.Context(), sent.Token.Reveal(), invitations.Identity{UserID: user})
	require.NoError(t, err)
}

// Who is demoted, leaves, and follows the link by which they had come in, stays out, until
// they are invited anew. Who was not demoted may come back by the same link.
func TestClass13_DemotionOutlastsLeaving(t *testing.T) {
	t.Parallel()
	for name, demote := range map[string]func(svc *invitations.Service) (invitations.Member, error){
		"change": func(svc *invitations.Service) (invitations.Member, error) {
			return svc.ChangeRole(t.Context(), olgaActs, goodChange())
		},
		"transfer": func(svc *invitations.Service) (invitations.Member, error) {
			p := goodTransfer()
			p.From, p.To = "dora", "olga"
			return svc.TransferOwnership(t.Context(), olgaActs, p)
		},
	} {
		ctx := t.Context()
		svc := acmeOn(t, atNoon().Clock, invitations.Config{})
		p := goodLink()
		p.Role = invitations.RoleOwner
		link, err := svc.CreateLink(ctx, olgaActs, p)
		require.NoError(t, err)
		enter := func(user string) error {
			_, err := svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user})
			return err
		}
		for _, user := range []string{"dora", "vera"} {
			require.NoError(t, enter(user), name)
		}
		_, err = demote(svc)
		require.NoError(t, err)
		for _, user := range []string{"dora", "vera"} {
			_, err = svc.Leave(ctx, "acme", user)
			require.NoError(t, err)
		}
		require.NoError(t, enter("vera"), "who left of their own accord, with all rights")
		for range 2 {
			require.Equal(t, invitations.ErrRevoked, enter("dora"), name)
		}
		_, err = svc.Member(ctx, "acme", "dora")
		require.Equal(t, invitations.ErrNotFound, err)

		join(t, svc, "dora", invitations.RoleViewer) // by a new link
		_, err = svc.Leave(ctx, "acme", "dora")
		require.NoError(t, err)
		require.Equal(t, invitations.ErrRevoked, enter("dora"), "the old one stays what it was")
	}
}

// What the operations return, and what they have the store do, in one story.
func TestMembers_Story(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	join(t, svc, "dora", invitations.RoleAdmin)
	sent, err := svc.Invite(ctx, invitations.User("dora"), goodInvite())
	require.NoError(t, err)

	demoted, err := svc.ChangeRole(ctx, olgaActs, goodChange())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleViewer, demoted.Role)
	stored, err := svc.Member(ctx, "acme", "dora")
	require.NoError(t, err)
	require.Equal(t, stored, demoted, "what is returned is what is kept")
	got, err := svc.Invitation(ctx, olgaActs, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, invitations.StateRevoked, got.State, "Class15: what she could send no more has ended")
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrRevoked, err)

	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrLastOwner, err)
	heir, err := svc.TransferOwnership(ctx, olgaActs, goodTransfer())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleOwner, heir.Role)
	require.Equal(t, "dora", heir.UserID)
	former, err := svc.Member(ctx, "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.RoleAdmin, former.Role)
	_, err = svc.RemoveMember(ctx, olgaActs, "acme", "dora")
	require.Equal(t, invitations.ErrPermissionDenied, err)
	_, err = svc.RemoveMember(ctx, invitations.User("dora"), "acme", "nobody")
	require.Equal(t, invitations.ErrNotFound, err)
	gone, err := svc.RemoveMember(ctx, invitations.User("dora"), "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, former, gone, "as it was")
	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrNotFound, err)
}

// What the store kept does not change with what a call returned.
func TestMembers_ResultsAreCopies(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	p := goodLink()
	p.Metadata = map[string]string{"team": "red"}
	sent, err := svc.CreateLink(ctx, olgaActs, p)
	require.NoError(t, err)
	joined, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "dora"})
	require.NoError(t, err)
	scribble := func(m invitations.Member, err error) {
		require.NoError(t, err)
		require.Equal(t, map[string]string{"team": "red"}, m.Metadata)
		m.Metadata["team"] = "blue"
	}
	scribble(joined, nil)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.Authorize(ctx, "acme", "dora", invitations.PermissionMemberList))
	list, err := svc.Members(ctx, olgaActs, invitations.MembersParams{Organization: "acme"})
	require.NoError(t, err)
	scribble(list.Items[0], err)
	scribble(svc.ChangeRole(ctx, olgaActs, goodChange()))
	scribble(svc.ChangeRole(ctx, olgaActs, goodChange())) // changes nothing
	scribble(svc.TransferOwnership(ctx, olgaActs, goodTransfer()))
	back := goodTransfer()
	back.From, back.To = "dora", "olga"
	_, err = svc.TransferOwnership(ctx, invitations.User("dora"), back)
	require.NoError(t, err)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.RemoveMember(ctx, olgaActs, "acme", "dora"))
	again, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "vera"})
	scribble(again, err)
	scribble(svc.Leave(ctx, "acme", "vera"))
}
