package invitations_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// manyRecords returns n invitations, newest first.
func manyRecords(n int) []invitations.Record {
	records := make([]invitations.Record, n)
	for i := range records {
		r := ninaInvited().Invitation
		r.ID[14], r.ID[15] = byte(i>>8), byte(i)
		r.CreatedAt = noon.Add(-time.Duration(i) * time.Hour)
		records[i] = *r
	}
	return records
}

// listing answers as a store does that has these records, seen by an owner.
func listing(records []invitations.Record) *StoreMock {
	owner := invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	return &StoreMock{
		InvitationsFunc: func(_ context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			page := invitations.Page[invitations.Record]{Viewer: &owner}
			for _, r := range records {
				if (q.After == nil || r.CreatedAt.Before(q.After.CreatedAt)) && len(page.Items) < q.Limit {
					page.Items = append(page.Items, r)
				}
			}
			return page, nil
		},
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
		records := manyRecords(n)
		store := listing(records)
		all := serviceOn(t, store, atNoon()).AllInvitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 10})
		require.Empty(t, store.InvitationsCalls(), "nothing is read before it is ranged over")
		for round := 1; round <= 2; round++ { // the second time from the start again
			var got []invitations.Invitation
			for inv, err := range all {
				require.NoError(t, err)
				got = append(got, inv)
			}
			require.Len(t, got, n)
			for i := range got {
				require.Equal(t, records[i].Invitation, got[i])
			}
			require.Len(t, store.InvitationsCalls(), round*max(1, (n+9)/10), "no page too many")
		}
	}
}

// Whoever stops, stops reading.
func TestAll_Break(t *testing.T) {
	t.Parallel()
	store := listing(manyRecords(30))
	all := serviceOn(t, store, atNoon()).AllInvitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 10})
	seen := 0
	for range all {
		if seen++; seen == 10 {
			break
		}
	}
	require.Len(t, store.InvitationsCalls(), 1)
}

// It begins where it is told to.
func TestAll_Cursor(t *testing.T) {
	t.Parallel()
	records := manyRecords(25)
	svc := serviceOn(t, listing(records), atNoon())
	first, err := svc.Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 5})
	require.NoError(t, err)
	all := svc.AllInvitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 10, Cursor: first.NextCursor})
	for range 2 {
		i := 5
		for inv, err := range all {
			require.NoError(t, err)
			require.Equal(t, records[i].ID, inv.ID)
			i++
		}
		require.Equal(t, 25, i)
	}
}

func TestAll_ErrorMidway(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	store := listing(manyRecords(30))
	good := store.InvitationsFunc
	store.InvitationsFunc = func(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
		if q.After != nil {
			page, _ := good(ctx, q)
			return page, broken // whatever comes with an error does not count
		}
		return good(ctx, q)
	}
	all := serviceOn(t, store, atNoon()).AllInvitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 10})
	var got []invitations.Invitation
	var errs []error
	for inv, err := range all {
		if err != nil {
			require.Zero(t, inv)
			errs = append(errs, err)
			continue // it is over even for those who go on
		}
		got = append(got, inv)
	}
	require.Len(t, got, 10)
	require.Equal(t, []error{broken}, errs)
}

// A viewer who loses the right between two pages sees no more.
func TestAll_PermissionLostMidway(t *testing.T) {
	t.Parallel()
	store := listing(manyRecords(30))
	good := store.InvitationsFunc
	store.InvitationsFunc = func(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
		page, err := good(ctx, q)
		if q.After != nil {
			page.Viewer = nil
		}
		return page, err
	}
	var errs []error
	seen := 0
	for _, err := range serviceOn(t, store, atNoon()).AllInvitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 10}) {
		if err != nil {
			errs = append(errs, err)
		} else {
			seen++
		}
	}
	require.Equal(t, 10, seen)
	require.Equal(t, []error{invitations.ErrPermissionDenied}, errs)
}

// Who may list, by role. What a store returned is shown to nobody else.
func TestList_Viewer(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	for _, role := range append(policy.Roles(), "ghost", "") {
		store := listing(manyRecords(3))
		good := store.InvitationsFunc
		store.InvitationsFunc = func(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			page, err := good(ctx, q)
			page.Viewer = &invitations.Member{Organization: "acme", UserID: q.Viewer, Role: role}
			if role == "" {
				page.Viewer = nil
			}
			return page, err
		}
		svc := serviceOn(t, store, atNoon())
		page, err := svc.Invitations(t.Context(), invitations.User("somebody"), invitations.InvitationsParams{Organization: "acme"})
		require.Equal(t, "somebody", store.InvitationsCalls()[0].Q.Viewer)
		if policy.Allows(role, invitations.PermissionInvitationList) {
			require.NoError(t, err)
			require.Len(t, page.Items, 3)
		} else {
			require.Equal(t, invitations.ErrPermissionDenied, err)
			require.Zero(t, page)
		}
		page, err = svc.Invitations(t.Context(), invitations.System(), invitations.InvitationsParams{Organization: "acme"})
		require.NoError(t, err)
		require.Len(t, page.Items, 3)
		require.Empty(t, store.InvitationsCalls()[1].Q.Viewer, "the host is no member")
	}
}

// Expired ones are shown as expired, though no store keeps them so.
func TestList_Expired(t *testing.T) {
	t.Parallel()
	records := manyRecords(3)
	records[0].ExpiresAt = noon.Add(time.Microsecond)
	records[1].ExpiresAt = noon
	records[2].ExpiresAt = noon
	records[2].State = invitations.StateRevoked
	page, err := serviceOn(t, listing(records), atNoon()).Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme"})
	require.NoError(t, err)
	var states []invitations.State
	for _, inv := range page.Items {
		states = append(states, inv.State)
	}
	require.Equal(t, []invitations.State{invitations.StatePending, invitations.StateExpired, invitations.StateRevoked}, states)
}

// An empty page is an empty list, in JSON too.
func TestList_Empty(t *testing.T) {
	t.Parallel()
	page, err := serviceOn(t, listing(nil), atNoon()).Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme"})
	require.NoError(t, err)
	require.NotNil(t, page.Items)
	require.Empty(t, slices.Collect(slices.Values(page.Items)))
}
