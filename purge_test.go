package invitations_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Nothing goes that is pending, that ended at or after the instant, or that happened at or
// after it.
func TestPurgeQuery(t *testing.T) {
	t.Parallel()
	before := noon.Add(-day)
	q := invitations.PurgeQuery{Before: before, Limit: 1}
	const instant = time.Microsecond
	for name, c := range map[string]struct {
		state            invitations.State
		expires, endedAt time.Time
		goes             bool
	}{
		"pending":                       {invitations.StatePending, noon.Add(day), time.Time{}, false},
		"expired since":                 {invitations.StatePending, noon.Add(-time.Hour), time.Time{}, false},
		"expired at the instant":        {invitations.StatePending, before, time.Time{}, false},
		"expired before":                {invitations.StatePending, before.Add(-instant), time.Time{}, true},
		"accepted at the instant":       {invitations.StateAccepted, before.Add(-day), before, false},
		"accepted before":               {invitations.StateAccepted, noon.Add(day), before.Add(-instant), true},
		"declined since":                {invitations.StateDeclined, before.Add(-day), noon, false},
		"declined before":               {invitations.StateDeclined, noon.Add(day), before.Add(-day), true},
		"revoked since, expired before": {invitations.StateRevoked, before.Add(-day), before.Add(instant), false},
		"revoked before":                {invitations.StateRevoked, noon.Add(day), before.Add(-instant), true},
	} {
		r := invitations.Record{Invitation: invitations.Invitation{State: c.state, ExpiresAt: c.expires, EndedAt: c.endedAt}}
		require.Equal(t, c.goes, q.Invitation(r), name)
	}
	for at, goes := range map[time.Time]bool{before.Add(-instant): true, before: false, noon: false} {
		require.Equal(t, goes, q.Event(invitations.Event{At: at}), at)
	}
}

// The instant is at least 24 hours ago, by the clock of Config, and reaches the store in UTC and
// in microseconds.
func TestPurge_Before(t *testing.T) {
	t.Parallel()
	store := working("Purge")
	svc, ctx := serviceOn(t, store, atNoon()), t.Context()
	last := noon.Add(-day)
	for given, want := range map[time.Time]time.Time{
		last:          last,
		last.Add(999): last,
		last.In(time.FixedZone("-10", -10*60*60)):       last,
		utc(1, 1, 1, 0, 0, 0, 1):                        utc(1, 1, 1, 0, 0, 0, 1),
		last.Add(-time.Nanosecond):                      last.Add(-time.Microsecond),
		last.Add(-365 * day).In(time.FixedZone("x", 1)): last.Add(-365 * day),
	} {
		for _, limit := range []int{1, 1000} {
			deleted, err := svc.Purge(ctx, given, limit)
			require.NoError(t, err)
			require.Equal(t, 7, deleted)
			calls := store.PurgeCalls()
			require.Equal(t, invitations.PurgeQuery{Before: want, Limit: limit}, calls[len(calls)-1].Q)
		}
	}
	asked := len(store.PurgeCalls())
	for _, given := range []time.Time{last.Add(time.Microsecond), noon, noon.Add(day)} {
		_, err := svc.Purge(ctx, given, 10)
		requireInvalid(t, err, "before")
	}
	require.Len(t, store.PurgeCalls(), asked)
}

// erasing returns a store in which these organizations have traces, the facts of which are f.
func erasing(f invitations.Facts, organizations ...string) *StoreMock {
	store := answering(f)
	store.TracesFunc = func(context.Context, invitations.Person, int) ([]string, error) { return organizations, nil }
	store.WorkspacesFunc = func(context.Context, invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
		return nil, nil, nil
	}
	return store
}

// A call erases the person from some organizations, and a call that finds none is the last.
func TestErase_Progress(t *testing.T) {
	t.Parallel()
	f := invitations.Facts{Organization: "acme", Version: 2, TracedEvents: []invitations.Event{
		{Organization: "acme", Version: 1, Type: invitations.EventMemberJoined, Subject: "dora", Email: "dora@example.com"},
		{Organization: "acme", Version: 2, Type: invitations.EventMemberLeft, Subject: "dora"},
	}}
	for _, p := range []invitations.EraseParams{goodErasure(), {Email: "DORA@Example.com", Limit: 5}} {
		store := erasing(f, "acme", "zeta")
		done, err := serviceOn(t, store, atNoon()).Erase(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, invitations.Erasure{Rows: 4}, done)
		person, limit := invitations.Person{UserID: "dora"}, 1000
		if p.Email != "" {
			person, limit = invitations.Person{Email: "dora@example.com"}, 5
			require.Empty(t, store.WorkspacesCalls(), "an address has no memberships")
		}
		require.Equal(t, person, store.TracesCalls()[0].P)
		var asked []string
		for _, c := range store.UpdateCalls() {
			asked = append(asked, c.Q.Organization)
			require.Equal(t, person, c.Q.TracesOf)
			require.Equal(t, limit, c.Q.TracesUpTo)
			require.True(t, c.Q.AlsoDeleted)
		}
		require.Equal(t, []string{"acme", "zeta"}, asked)

		store = erasing(f)
		done, err = serviceOn(t, store, atNoon()).Erase(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, invitations.Erasure{Done: true}, done)
		require.Empty(t, store.UpdateCalls())
	}
}

// A membership stands in the way before anything changes. The error names the organization.
func TestErase_Member(t *testing.T) {
	t.Parallel()
	store := erasing(invitations.Facts{}, "acme")
	store.WorkspacesFunc = func(_ context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
		require.Equal(t, invitations.WorkspaceQuery{UserID: "dora", Limit: 1}, q)
		return nil, manyMemberships(1), nil
	}
	done, err := serviceOn(t, store, atNoon()).Erase(t.Context(), goodErasure())
	require.Equal(t, &invitations.MembershipError{Organization: "o000"}, err)
	require.Zero(t, done)
	require.Empty(t, store.TracesCalls())
	require.Empty(t, store.UpdateCalls())
}

// An error in the middle says how far the call came.
func TestErase_ErrorInTheMiddle(t *testing.T) {
	t.Parallel()
	f := invitations.Facts{Organization: "acme", Version: 2, TracedEvents: []invitations.Event{{Organization: "acme", Version: 1, Subject: "dora"}}}
	for _, failure := range []error{invitations.ErrConcurrentChange, io.ErrUnexpectedEOF} {
		store := erasing(f, "acme", "bcme", "zeta")
		store.UpdateFunc = func(_ context.Context, q invitations.Query, decide invitations.Decision) error {
			if q.Organization == "bcme" {
				return failure
			}
			_, err := decide(f)
			return err
		}
		done, err := serviceOn(t, store, atNoon()).Erase(t.Context(), goodErasure())
		require.Equal(t, failure, err)
		require.Equal(t, invitations.Erasure{Rows: 1}, done)
		require.Len(t, store.UpdateCalls(), 2)
	}
}

// A membership in one organization must not protect the traces in the others.
func TestErase_MembershipInOne(t *testing.T) {
	t.Parallel()
	f := invitations.Facts{Organization: "acme", Version: 2, TracedEvents: []invitations.Event{{Organization: "acme", Version: 1, Subject: "dora"}}}
	store := erasing(f, "acme", "bcme", "zeta")
	refusal := &invitations.MembershipError{Organization: "acme"}
	store.UpdateFunc = func(_ context.Context, q invitations.Query, decide invitations.Decision) error {
		if q.Organization == "acme" {
			return refusal
		}
		_, err := decide(f)
		return err
	}
	done, err := serviceOn(t, store, atNoon()).Erase(t.Context(), goodErasure())
	require.Equal(t, refusal, err)
	require.Equal(t, invitations.Erasure{Rows: 2}, done)
	require.Len(t, store.UpdateCalls(), 3)
}
