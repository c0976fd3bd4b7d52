package invitations_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A pagedList is an operation that returns a list page by page.
type pagedList struct {
	// items returns n items as the service returns them.
	items func(n int) []any
	// store returns a store with n items. The answer to its call number i, from 0, comes with
	// the viewer and the error that answer returns for i.
	store func(n int, answer func(call int) (*invitations.Member, error)) *StoreMock
	page  func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error)
	// all is nil if the operation has no iterator.
	all    func(ctx context.Context, svc *invitations.Service, limit int, cursor string) iter.Seq2[any, error]
	cursor func(item any) string // written out by hand
}

// owner is the viewer of most lists.
var owner = invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}

func alwaysOwner(int) (*invitations.Member, error) { return &owner, nil }

// from returns the items behind the first one for which isLast is true, at most limit.
func from[T any](items []T, isLast func(T) bool, limit int) []T {
	rest := items[slices.IndexFunc(items, isLast)+1:]
	return rest[:min(len(rest), limit)]
}

func anySlice[T any](items []T) []any {
	all := make([]any, len(items))
	for i, item := range items {
		all[i] = item
	}
	return all
}

func anySeq[T any](items iter.Seq2[T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for item, err := range items {
			if !yield(item, err) {
				return
			}
		}
	}
}

var pagedLists = map[string]pagedList{
	"Invitations": {
		items: func(n int) (items []any) {
			for _, r := range manyRecords(n) {
				items = append(items, r.Invitation)
			}
			return items
		},
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			return listing(manyRecords(n), answer)
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: "acme", Limit: limit, Cursor: cursor})
			return anySlice(list.Items), list.NextCursor, err
		},
		all: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) iter.Seq2[any, error] {
			return anySeq(svc.AllInvitations(ctx, olga, invitations.InvitationsParams{Organization: "acme", Limit: limit, Cursor: cursor}))
		},
		cursor: func(item any) string {
			inv := item.(invitations.Invitation)
			return invitationCursor(inv.CreatedAt, inv.ID)
		},
	},
	"Members": {
		items: func(n int) []any { return anySlice(teamOf(manyMembers(n))) },
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			return staffed(manyMembers(n), answer)
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Members(ctx, olga, invitations.MembersParams{Organization: "acme", Limit: limit, Cursor: cursor})
			return anySlice(list.Items), list.NextCursor, err
		},
		all: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) iter.Seq2[any, error] {
			return anySeq(svc.AllMembers(ctx, olga, invitations.MembersParams{Organization: "acme", Limit: limit, Cursor: cursor}))
		},
		cursor: func(item any) string { return idCursor(item.(invitations.TeamMember).UserID) },
	},
	"Timeline": {
		items: func(n int) []any { return anySlice(manyEvents(n)) },
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			events, calls := manyEvents(n), 0
			return &StoreMock{EventsFunc: func(_ context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
				viewer, err := answer(calls)
				calls++
				isLast := func(e invitations.Event) bool {
					return q.After != nil && e.Version == q.After.Version && e.Index == q.After.Index
				}
				return invitations.Page[invitations.Event]{Viewer: viewer, Items: from(events, isLast, q.Limit)}, err
			}}
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: "acme", Limit: limit, Cursor: cursor})
			return anySlice(list.Items), list.NextCursor, err
		},
		all: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) iter.Seq2[any, error] {
			return anySeq(svc.AllEvents(ctx, olga, invitations.TimelineParams{Organization: "acme", Limit: limit, Cursor: cursor}))
		},
		cursor: func(item any) string {
			e := item.(invitations.Event)
			return eventCursor(e.Version, e.Index)
		},
	},
	"Received": {
		items: func(n int) (items []any) {
			for _, r := range receivedRecords(n) {
				o := offer
				o.ID, o.Organization, o.SentAt = r.ID, r.Organization, r.SentAt
				items = append(items, o)
			}
			return items
		},
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			return listing(receivedRecords(n), answer)
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Received(ctx, nina, invitations.ReceivedParams{Limit: limit, Cursor: cursor})
			return anySlice(list.Items), list.NextCursor, err
		},
		cursor: func(item any) string {
			o := item.(invitations.Offer)
			created := slices.IndexFunc(receivedRecords(100), func(r invitations.Record) bool { return r.ID == o.ID })
			return offerCursor(receivedRecords(100)[created].CreatedAt, o.ID, o.Organization)
		},
	},
	"Usage": {
		items: func(n int) []any { return anySlice(manyUsages(n)) },
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			usages, calls := manyUsages(n), 0
			return &StoreMock{UsageFunc: func(_ context.Context, q invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
				viewer, err := answer(calls)
				calls++
				isLast := func(u invitations.MemberUsage) bool { return q.After != nil && u == *q.After }
				return 7, invitations.Page[invitations.MemberUsage]{Viewer: viewer, Items: from(usages, isLast, q.Limit)}, err
			}}
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			p := goodUsage()
			p.Limit, p.Cursor = limit, cursor
			used, err := svc.Usage(ctx, olga, p)
			return anySlice(used.Members), used.NextCursor, err
		},
		cursor: func(item any) string {
			u := item.(invitations.MemberUsage)
			return usageCursor(u.Used, u.UserID)
		},
	},
	"Invitations of an address": {
		items: func(n int) (items []any) {
			for _, r := range receivedRecords(n) {
				items = append(items, r.Invitation)
			}
			return items
		},
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			return listing(receivedRecords(n), answer)
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Invitations(ctx, invitations.System(), invitations.InvitationsParams{
				Email: "nina@example.com", Limit: limit, Cursor: cursor,
			})
			return anySlice(list.Items), list.NextCursor, err
		},
		cursor: func(item any) string {
			inv := item.(invitations.Invitation)
			return offerCursor(inv.CreatedAt, inv.ID, inv.Organization)
		},
	},
	"Workspaces": {
		items: func(n int) (items []any) {
			for i, m := range manyMemberships(n) {
				w := invitations.OrganizationWorkspace{ID: m.Organization, Role: invitations.RoleDeveloper, Balance: invitations.Balance{At: noon}}
				if i%2 == 1 {
					w.Balance.Own = usage(10, invitations.PeriodDay, int64(i), midnight(2026, 3, 2))
				}
				if i%3 == 1 {
					w.Balance.Shared = usage(100, invitations.PeriodMonth, 0, midnight(2026, 4, 1)) // used in February
				}
				items = append(items, w)
			}
			return items
		},
		store: func(n int, answer func(int) (*invitations.Member, error)) *StoreMock {
			memberships, calls := manyMemberships(n), 0
			return &StoreMock{WorkspacesFunc: func(_ context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
				_, err := answer(calls)
				calls++
				isLast := func(m invitations.Membership) bool { return m.Organization == q.After }
				return nil, from(memberships, isLast, q.Limit), err
			}}
		},
		page: func(ctx context.Context, svc *invitations.Service, limit int, cursor string) ([]any, string, error) {
			list, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora", Limit: limit, Cursor: cursor})
			return anySlice(list.Organizations), list.NextCursor, err
		},
		cursor: func(item any) string { return idCursor(item.(invitations.OrganizationWorkspace).ID) },
	},
}

// listing returns a store with these records.
func listing(records []invitations.Record, answer func(call int) (*invitations.Member, error)) *StoreMock {
	calls := 0
	return &StoreMock{InvitationsFunc: func(_ context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
		viewer, err := answer(calls)
		calls++
		isLast := func(r invitations.Record) bool {
			return q.After != nil && r.CreatedAt.Equal(q.After.CreatedAt) && r.ID == q.After.ID
		}
		return invitations.Page[invitations.Record]{Viewer: viewer, Items: from(records, isLast, q.Limit)}, err
	}}
}

// staffed returns a store with these members.
func staffed(members []invitations.Member, answer func(call int) (*invitations.Member, error)) *StoreMock {
	calls := 0
	return &StoreMock{MembersFunc: func(_ context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
		viewer, err := answer(calls)
		calls++
		isLast := func(m invitations.Member) bool { return q.After != "" && m.UserID == q.After }
		return invitations.Page[invitations.Membership]{Viewer: viewer, Items: membershipsOf(from(members, isLast, q.Limit))}, err
	}}
}

// membershipsOf returns the memberships of members without quotas.
func membershipsOf(members []invitations.Member) []invitations.Membership {
	memberships := make([]invitations.Membership, len(members))
	for i, m := range members {
		memberships[i].Member = m
	}
	return memberships
}

// teamOf returns members as a list shows them, without balances.
func teamOf(members []invitations.Member) []invitations.TeamMember {
	team := make([]invitations.TeamMember, len(members))
	for i, m := range members {
		team[i].Member = m
	}
	return team
}

// manyMembers returns n members in the order of their IDs.
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

// manyUsages returns the amounts of n users, the highest first. Every second user used as much
// as the one before.
func manyUsages(n int) []invitations.MemberUsage {
	usages := make([]invitations.MemberUsage, n)
	for i := range usages {
		usages[i] = invitations.MemberUsage{UserID: fmt.Sprintf("m%03d", i), Used: int64(1000 - i/2)}
	}
	return usages
}

// manyEvents returns n events, two of each version.
func manyEvents(n int) []invitations.Event {
	events := make([]invitations.Event, n)
	for i := range events {
		events[i] = invitations.Event{
			Organization: "acme", Version: int64(1 + i/2), Index: i % 2, Type: invitations.EventMemberJoined, At: noon,
		}
	}
	return events
}

// receivedRecords returns n records of two organizations.
func receivedRecords(n int) []invitations.Record {
	records := manyRecords(n)
	for i := range records {
		records[i].Organization = []string{"acme", "zeta"}[i%2]
	}
	return records
}

// manyMemberships returns n memberships of Dora in the order of the organizations' IDs.
func manyMemberships(n int) []invitations.Membership {
	memberships := make([]invitations.Membership, n)
	for i := range memberships {
		m := &memberships[i]
		m.Organization, m.UserID, m.Role = fmt.Sprintf("o%03d", i), "dora", invitations.RoleDeveloper
		if i%2 == 1 {
			own := quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 3, 1), int64(i))
			m.Own = &own
		}
		if i%3 == 1 {
			shared := quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 2, 1), int64(i))
			m.Shared = &shared
		}
	}
	return memberships
}

// The pages show every item once, in order. The cursor of a page is that of its last item, and
// the last page has none.
func TestList_Pages(t *testing.T) {
	t.Parallel()
	for name, l := range pagedLists {
		for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
			t.Run(fmt.Sprint(name, "/", n), func(t *testing.T) {
				t.Parallel()
				store := l.store(n, alwaysOwner)
				svc := serviceOn(t, store, atNoon())
				got := []any{}
				for cursor := ""; ; {
					items, next, err := l.page(t.Context(), svc, 10, cursor)
					require.NoError(t, err)
					got = append(got, items...)
					if next == "" {
						break
					}
					require.Len(t, items, 10)
					require.Equal(t, l.cursor(items[9]), next)
					cursor = next
				}
				require.Equal(t, append([]any{}, l.items(n)...), got)
				require.Len(t, callsOf(store), max(1, (n+9)/10), "no additional page")
			})
		}
	}
}

// An iterator yields the items of all pages. It reads nothing before it is ranged over, can be
// ranged over again, and begins at the cursor.
func TestList_Iterator(t *testing.T) {
	t.Parallel()
	for name, l := range pagedLists {
		if l.all == nil {
			continue
		}
		for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
			for _, skip := range []int{0, 5} {
				for _, limit := range []int{1, 10, 24, 25, 100} {
					if skip > n {
						continue
					}
					store := l.store(n, alwaysOwner)
					cursor := ""
					if skip > 0 {
						cursor = l.cursor(l.items(n)[skip-1])
					}
					all := l.all(t.Context(), serviceOn(t, store, atNoon()), limit, cursor)
					require.Empty(t, callsOf(store))
					for round := 1; round <= 2; round++ {
						got := []any{}
						for item, err := range all {
							require.NoError(t, err)
							got = append(got, item)
						}
						require.Equal(t, append([]any{}, l.items(n)[skip:]...), got, name)
						require.Len(t, callsOf(store), round*max(1, (n-skip+limit-1)/limit), "no additional page")
					}
				}
			}
		}
	}
}

// An iterator reads no page after a break.
func TestList_IteratorBreak(t *testing.T) {
	t.Parallel()
	for name, l := range pagedLists {
		if l.all == nil {
			continue
		}
		for _, stop := range []int{1, 10} {
			store, seen := l.store(30, alwaysOwner), 0
			for _, err := range l.all(t.Context(), serviceOn(t, store, atNoon()), 10, "") {
				require.NoError(t, err)
				if seen++; seen == stop {
					break
				}
			}
			require.Len(t, callsOf(store), 1, name)
		}
	}
}

// An error ends an iterator. The items that a store returns beside an error are not used.
func TestList_IteratorError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	for name, l := range pagedLists {
		if l.all == nil {
			continue
		}
		for _, c := range []struct {
			answer func(call int) (*invitations.Member, error)
			want   error
		}{
			{func(call int) (*invitations.Member, error) { return &owner, []error{nil, broken, nil}[call] }, broken},
			{func(call int) (*invitations.Member, error) {
				return []*invitations.Member{&owner, nil, &owner}[call], nil
			}, invitations.ErrPermissionDenied},
		} {
			var errs []error
			seen := 0
			for item, err := range l.all(t.Context(), serviceOn(t, l.store(30, c.answer), atNoon()), 10, "") {
				if err != nil {
					require.Zero(t, item)
					errs = append(errs, err)
					continue // the iterator must end although the loop goes on
				}
				seen++
			}
			require.Equal(t, 10, seen, name)
			require.Equal(t, []error{c.want}, errs, name)
		}
	}
}

// An ID that the service would refuse is on no page: no cursor can name it, and callers rely
// on the bounds.
func TestList_ForeignID(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, id := range badNames {
		for at := range 11 { // the last one tells that there is a next page
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				t.Parallel()
				members := manyMembers(11)
				members[at].UserID = id
				svc := serviceOn(t, staffed(members, alwaysOwner), atNoon())
				p := invitations.MembersParams{Organization: "acme", Limit: 10}
				for _, actor := range []invitations.Actor{olga, invitations.System()} {
					list, err := svc.Members(ctx, actor, p)
					requireForeign(t, err)
					require.Zero(t, list)
				}
				yields := 0
				for m, err := range svc.AllMembers(ctx, olga, p) {
					requireForeign(t, err)
					require.Zero(t, m)
					yields++
				}
				require.Equal(t, 1, yields)

				memberships := manyMemberships(11)
				memberships[at].Organization = id
				svc = serviceOn(t, &StoreMock{WorkspacesFunc: func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
					return nil, memberships, nil
				}}, atNoon())
				workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora", Limit: 10})
				requireForeign(t, err)
				require.Zero(t, workspaces)
			})
		}
		records := manyRecords(2)
		records[0].Organization = id
		svc := serviceOn(t, listing(records, alwaysOwner), atNoon())
		require.NotPanics(t, func() {
			offers, err := svc.Received(ctx, nina, invitations.ReceivedParams{Limit: 1})
			requireForeign(t, err)
			require.Zero(t, offers)
		}, name)
	}

	// Permission is checked first: a stranger must not learn the contents of the store.
	members := manyMembers(1)
	members[0].UserID = ""
	stranger := func(int) (*invitations.Member, error) { return nil, nil }
	err := errOf(serviceOn(t, staffed(members, stranger), atNoon()).Members(ctx, olga, invitations.MembersParams{Organization: "acme"}))
	require.Equal(t, invitations.ErrPermissionDenied, err)
}

// The longest ID can be the last one of a page.
func TestList_LongestID(t *testing.T) {
	t.Parallel()
	for _, longest := range []string{strings.Repeat("x", 255), longID} {
		members := append(manyMembers(2), invitations.Member{UserID: longest}, invitations.Member{UserID: "名前"})
		store := staffed(members, alwaysOwner)
		svc := serviceOn(t, store, atNoon())
		list, err := svc.Members(t.Context(), olga, invitations.MembersParams{Organization: "acme", Limit: 3})
		require.NoError(t, err)
		require.Equal(t, idCursor(longest), list.NextCursor)
		list, err = svc.Members(t.Context(), olga, invitations.MembersParams{Organization: "acme", Limit: 3, Cursor: list.NextCursor})
		require.NoError(t, err)
		require.Equal(t, longest, store.MembersCalls()[1].Q.After)
		require.Equal(t, teamOf(members[3:]), list.Items)
	}
}

// A list is shown to the roles that hold its permissions, and to System. Other viewers see
// nothing of the store's answer.
func TestClass39_ListPermissions(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": {
			invitations.PermissionInvitationList, invitations.PermissionMemberList, invitations.PermissionInvitationCreate,
			invitations.PermissionQuotaUpdate,
		},
		"auditor":   {invitations.PermissionQuotaUpdate},
		"recruiter": {invitations.PermissionInvitationList},
		"clerk":     {invitations.PermissionMemberList, invitations.PermissionInvitationCreate},
		"guest":     {invitations.PermissionInvitationCreate},
	})
	require.NoError(t, err)
	const (
		seesInvitations, seesMembers = invitations.PermissionInvitationList, invitations.PermissionMemberList
		seesQuotas                   = invitations.PermissionQuotaUpdate
	)
	operations := map[string]struct {
		needs []invitations.Permission
		call  func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error)
	}{
		"Invitations": {[]invitations.Permission{seesInvitations},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Invitations(ctx, actor, invitations.InvitationsParams{Organization: "acme"})
			}},
		"Members": {[]invitations.Permission{seesMembers},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Members(ctx, actor, invitations.MembersParams{Organization: "acme"})
			}},
		"Members with balances": {[]invitations.Permission{seesMembers, seesQuotas},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Members(ctx, actor, invitations.MembersParams{Organization: "acme", Balances: true})
			}},
		"Usage": {[]invitations.Permission{seesQuotas},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Usage(ctx, actor, goodUsage())
			}},
		"Timeline of an invitation": {[]invitations.Permission{seesInvitations},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Timeline(ctx, actor, invitations.TimelineParams{Organization: "acme", Invitation: signedID})
			}},
		"Timeline": {[]invitations.Permission{seesInvitations, seesMembers},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Timeline(ctx, actor, invitations.TimelineParams{Organization: "acme"})
			}},
		"Statistics": {[]invitations.Permission{seesInvitations},
			func(ctx context.Context, svc *invitations.Service, actor invitations.Actor) (any, error) {
				return svc.Statistics(ctx, actor, invitations.StatisticsParams{Organization: "acme"})
			}},
	}
	for _, policy := range []*invitations.Policy{invitations.DefaultPolicy(), policy} {
		config := atNoon()
		config.Policy = policy
		for _, role := range append(policy.Roles(), "ghost", "") {
			viewer := &invitations.Member{Organization: "acme", UserID: "vera", Role: role}
			if role == "" {
				viewer = nil
			}
			for name, o := range operations {
				lacks := func(p invitations.Permission) bool { return !policy.Allows(role, p) }
				allowed := !slices.ContainsFunc(o.needs, lacks)
				store, asked := viewedBy(viewer)
				result, err := o.call(t.Context(), serviceOn(t, store, config), invitations.User("vera"))
				require.Equal(t, "vera", *asked)
				if allowed {
					require.NoError(t, err, "%s by %q", name, role)
					require.NotZero(t, result)
				} else {
					require.Equal(t, invitations.ErrPermissionDenied, err, "%s by %q", name, role)
					require.Zero(t, result)
				}

				store, asked = viewedBy(nil)
				result, err = o.call(t.Context(), serviceOn(t, store, config), invitations.System())
				require.NoError(t, err, name)
				require.NotZero(t, result)
				require.Empty(t, *asked, "System is not a member")
			}
		}
	}
}

// viewedBy returns a store whose lists are read by a viewer, and the user ID of the viewer
// that the store was asked for last.
func viewedBy(viewer *invitations.Member) (store *StoreMock, asked *string) {
	asked = new(string)
	return &StoreMock{
		InvitationsFunc: func(_ context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			*asked = q.Viewer
			return invitations.Page[invitations.Record]{Viewer: viewer, Items: manyRecords(3)}, nil
		},
		MembersFunc: func(_ context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
			*asked = q.Viewer
			return invitations.Page[invitations.Membership]{Viewer: viewer, Items: membershipsOf(manyMembers(3))}, nil
		},
		UsageFunc: func(_ context.Context, q invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
			*asked = q.Viewer
			return 9, invitations.Page[invitations.MemberUsage]{Viewer: viewer, Items: manyUsages(3)}, nil
		},
		EventsFunc: func(_ context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
			*asked = q.Viewer
			return invitations.Page[invitations.Event]{Viewer: viewer, Items: manyEvents(3)}, nil
		},
		StatisticsFunc: func(_ context.Context, q invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
			*asked = q.Viewer
			return viewer, invitations.Statistics{Total: invitations.Funnel{Created: 3}}, nil
		},
	}, asked
}

// An expired invitation is listed as expired, although a store keeps it as pending.
func TestInvitations_ShowsExpired(t *testing.T) {
	t.Parallel()
	records := manyRecords(3)
	records[0].ExpiresAt = noon.Add(time.Microsecond)
	records[1].ExpiresAt = noon
	records[2].ExpiresAt = noon
	records[2].State = invitations.StateRevoked
	list, err := serviceOn(t, listing(records, alwaysOwner), atNoon()).
		Invitations(t.Context(), olga, invitations.InvitationsParams{Organization: "acme"})
	require.NoError(t, err)
	var states []invitations.State
	for _, inv := range list.Items {
		states = append(states, inv.State)
	}
	require.Equal(t, []invitations.State{invitations.StatePending, invitations.StateExpired, invitations.StateRevoked}, states)
}

func TestMembers_Query(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 51, 1: 2, 100: 101} {
		for _, role := range []invitations.Role{"", invitations.RoleAdmin, "of-another-time"} {
			store := staffed(nil, alwaysOwner)
			require.NoError(t, errOf(serviceOn(t, store, atNoon()).Members(t.Context(), olga, invitations.MembersParams{
				Organization: "acme", Role: role, Limit: limit, Cursor: idCursor("dora"),
			})))
			require.Equal(t, invitations.MemberQuery{
				Organization: "acme", Viewer: "olga", Role: role, After: "dora", Limit: want,
			}, store.MembersCalls()[0].Q)
		}
	}
}

// Received asks for the canonical address.
func TestReceived_CanonicalEmail(t *testing.T) {
	t.Parallel()
	store := listing(nil, alwaysOwner)
	identity := nina
	identity.Email = "NINA@example.com"
	require.NoError(t, errOf(serviceOn(t, store, atNoon()).Received(t.Context(), identity, invitations.ReceivedParams{})))
	require.Equal(t, "nina@example.com", store.InvitationsCalls()[0].Q.Email)
}

// The service returns copies of the store's items.
func TestTimeline_ReturnsCopies(t *testing.T) {
	t.Parallel()
	events := manyEvents(2)
	store := &StoreMock{EventsFunc: func(context.Context, invitations.EventQuery) (invitations.Page[invitations.Event], error) {
		return invitations.Page[invitations.Event]{Viewer: &owner, Items: events}, nil
	}}
	list, err := serviceOn(t, store, atNoon()).Timeline(t.Context(), olga, invitations.TimelineParams{Organization: "acme"})
	require.NoError(t, err)
	list.Items[0].Actor = "mallory"
	require.Empty(t, events[0].Actor)
}

func TestWorkspaces_PersonalQuota(t *testing.T) {
	t.Parallel()
	personal := invitations.QuotaRecord{
		UserID: "dora", Quota: invitations.Quota{Limit: 7, Period: invitations.PeriodEndless}, PeriodStart: midnight(1970, 1, 1), Used: 3,
	}
	store := &StoreMock{WorkspacesFunc: func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
		return &personal, manyMemberships(11), nil
	}}
	for _, cursor := range []string{"", idCursor("o009")} {
		list, err := serviceOn(t, store, atNoon()).Workspaces(t.Context(), invitations.WorkspacesParams{UserID: "dora", Limit: 10, Cursor: cursor})
		require.NoError(t, err)
		require.Equal(t, invitations.Balance{Own: usage(7, invitations.PeriodEndless, 3, time.Time{}), At: noon}, list.Personal)
	}
}

// An empty list is [] in JSON and not null.
func TestList_EmptyJSON(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := serviceOn(t, listing(nil, alwaysOwner), atNoon())
	list, err := svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: "acme"})
	require.NoError(t, err)
	requireJSON(t, `{"items":[]}`, list)
	offers, err := svc.Received(ctx, nina, invitations.ReceivedParams{})
	require.NoError(t, err)
	requireJSON(t, `{"items":[]}`, offers)

	members, err := serviceOn(t, staffed(nil, alwaysOwner), atNoon()).
		Members(ctx, invitations.System(), invitations.MembersParams{Organization: "nowhere"})
	require.NoError(t, err)
	requireJSON(t, `{"items":[]}`, members)

	svc = serviceOn(t, pagedLists["Timeline"].store(0, alwaysOwner), atNoon())
	timeline, err := svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: "acme"})
	require.NoError(t, err)
	requireJSON(t, `{"items":[]}`, timeline)

	svc = serviceOn(t, pagedLists["Workspaces"].store(0, alwaysOwner), atNoon())
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "nobody"})
	require.NoError(t, err)
	requireJSON(t, `{"personal":{"at":"2026-03-01T12:00:00Z"},"organizations":[]}`, workspaces)

	store := &StoreMock{FeedFunc: func(context.Context, int64, int) ([]invitations.Event, error) { return nil, nil }}
	events, err := serviceOn(t, store, atNoon()).Feed(ctx, 0, 0)
	require.NoError(t, err)
	requireJSON(t, `[]`, events)

	empty := func(context.Context, invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
		return &owner, invitations.Statistics{}, nil
	}
	statistics, err := serviceOn(t, &StoreMock{StatisticsFunc: empty}, atNoon()).
		Statistics(ctx, olga, invitations.StatisticsParams{Organization: "acme"})
	require.NoError(t, err)
	for _, groups := range [][]invitations.Funnel{statistics.ByKind, statistics.ByRole, statistics.BySender, statistics.ByLink} {
		requireJSON(t, `[]`, groups)
	}
}

// TestInvitations_SearchIsBounded: a call searches a thousand invitations, and the next one goes
// on behind them. No match is lost or found twice.
func TestInvitations_SearchIsBounded(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 999, 1000, 1001, 1002, 2000, 2001, 2500} {
		for _, matching := range [][]int{{}, {0}, {998, 999, 1000, 1001}, {999}, {1000}, {1999, 2000}, {total - 1}} {
			for _, limit := range []int{1, 2, 100} {
				records := manyRecords(total)
				want := []uuid.UUID{}
				for i := range records {
					if records[i].Email = "joe@example.com"; slices.Contains(matching, i) {
						records[i].Email = "nina@corp.example"
						want = append(want, records[i].ID)
					}
				}
				mock := listing(records, alwaysOwner)
				svc := serviceOn(t, mock, atNoon())
				p := invitations.InvitationsParams{Organization: "acme", EmailContains: "CORP.", Limit: limit}
				got := []uuid.UUID{}
				for calls := 0; ; calls++ {
					require.LessOrEqual(t, calls, total/1000+len(want))
					page, err := svc.Invitations(t.Context(), olga, p)
					require.NoError(t, err)
					require.LessOrEqual(t, len(page.Items), limit)
					for _, inv := range page.Items {
						got = append(got, inv.ID)
					}
					if p.Cursor = page.NextCursor; p.Cursor == "" {
						break
					}
				}
				require.Equal(t, want, got, "%d of %d, %d a page", len(want), total, limit)
				for _, call := range mock.InvitationsCalls() {
					require.Equal(t, 1001, call.Q.Limit)
				}
			}
		}
	}
}
