package invitations_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// viewers answers every read with a viewer of the role, or with none for an empty one.
func viewers(role invitations.Role) *StoreMock {
	store := failing(nil, workable("Timeline"), func(context.Context) {})
	viewer := &invitations.Member{Organization: "acme", UserID: "vera", Role: role}
	if role == "" {
		viewer = nil
	}
	store.EventsFunc = func(context.Context, invitations.EventQuery) (invitations.Page[invitations.Event], error) {
		return invitations.Page[invitations.Event]{Viewer: viewer, Items: manyEvents(2)}, nil
	}
	store.StatisticsFunc = func(context.Context, invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
		return viewer, invitations.Statistics{Total: invitations.Funnel{Created: 3}}, nil
	}
	return store
}

// manyEvents returns n events, two of each version.
func manyEvents(n int) []invitations.Event {
	events := make([]invitations.Event, n)
	for i := range events {
		events[i] = invitations.Event{Organization: "acme", Version: int64(1 + i/2), Index: i % 2, Type: invitations.EventMemberJoined, At: noon}
	}
	return events
}

// What has happened to an invitation is for those who may list invitations, and all else for
// those who may list members too. What a store returned is shown to nobody else.
func TestClass39_WhoSeesWhatHappened(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner":     {invitations.PermissionInvitationList, invitations.PermissionMemberList, invitations.PermissionInvitationCreate},
		"recruiter": {invitations.PermissionInvitationList},
		"clerk":     {invitations.PermissionMemberList, invitations.PermissionInvitationCreate},
	})
	require.NoError(t, err)
	config := atNoon()
	config.Policy = policy
	for _, c := range []struct {
		actor                  invitations.Actor
		role                   invitations.Role
		invitation, everything bool
	}{
		{invitations.User("vera"), "owner", true, true},
		{invitations.User("vera"), "recruiter", true, false},
		{invitations.User("vera"), "clerk", false, false},
		{invitations.User("vera"), "ghost", false, false},
		{invitations.User("vera"), "", false, false},
		{invitations.System(), "", true, true},
	} {
		svc := serviceOn(t, viewers(c.role), config)
		p := invitations.TimelineParams{Organization: "acme"}
		check := func(allowed bool, result any, err error) {
			t.Helper()
			if allowed {
				require.NoError(t, err)
				require.NotZero(t, result)
				return
			}
			require.Equal(t, invitations.ErrPermissionDenied, err, c.role)
			require.Zero(t, result)
		}
		list, err := svc.Timeline(t.Context(), c.actor, p)
		check(c.everything, list, err)
		p.Invitation = signedID
		list, err = svc.Timeline(t.Context(), c.actor, p)
		check(c.invitation, list, err)
		statistics, err := svc.Statistics(t.Context(), c.actor, invitations.StatisticsParams{Organization: "acme"})
		check(c.invitation, statistics, err)
	}
}

// A page ends with a cursor of the last event that it shows, and the last page with none.
func TestTimeline_Pages(t *testing.T) {
	t.Parallel()
	events := manyEvents(25)
	store := viewers("owner")
	store.EventsFunc = func(_ context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
		start := 0
		if q.After != nil {
			start = slices.IndexFunc(events, func(e invitations.Event) bool { return e.Version == q.After.Version && e.Index == q.After.Index }) + 1
		}
		owner := invitations.Member{Role: invitations.RoleOwner}
		return invitations.Page[invitations.Event]{Viewer: &owner, Items: events[start:min(start+q.Limit, len(events))]}, nil
	}
	svc := serviceOn(t, store, atNoon())
	p := invitations.TimelineParams{Organization: "acme", Limit: 5}
	first, err := svc.Timeline(t.Context(), olgaActs, p)
	require.NoError(t, err)
	require.Equal(t, events[:5], first.Items)
	require.Equal(t, eventCursorOf(3, 3, 0), first.NextCursor, "the last one shown")
	first.Items[0].Actor = "mallory"
	require.Empty(t, events[0].Actor, "what is returned is a copy")

	for limit, cursor := range map[int]string{5: "", 10: first.NextCursor, 24: "", 25: "", 100: first.NextCursor} {
		p.Limit, p.Cursor = limit, cursor
		want := events
		if cursor != "" {
			want = events[5:]
		}
		var got []invitations.Event
		before := len(store.EventsCalls())
		for e, err := range svc.AllEvents(t.Context(), olgaActs, p) {
			require.NoError(t, err)
			got = append(got, e)
		}
		require.Equal(t, want, got)
		require.Len(t, store.EventsCalls(), before+(len(want)+limit-1)/limit, "no page too many")
	}

	events = nil
	none, err := svc.Timeline(t.Context(), olgaActs, invitations.TimelineParams{Organization: "acme"})
	require.NoError(t, err)
	require.Equal(t, invitations.List[invitations.Event]{Items: []invitations.Event{}}, none)
}

// What somebody has received is shown as offers, and the cursor is of the last one.
func TestReceived_Pages(t *testing.T) {
	t.Parallel()
	records := manyRecords(4)
	for i := range records {
		records[i].Organization = []string{"acme", "zeta"}[i%2]
	}
	store := listing(records)
	svc := serviceOn(t, store, atNoon())
	nina := invitations.Identity{UserID: "nina", Email: "NINA@example.com", EmailVerified: true}
	list, err := svc.Received(t.Context(), nina, invitations.ReceivedParams{Limit: 2})
	require.NoError(t, err)
	want := make([]invitations.Offer, 4)
	for i, r := range records {
		want[i] = offer
		want[i].ID, want[i].Organization, want[i].SentAt = r.ID, r.Organization, r.SentAt
	}
	require.Equal(t, want[:2], list.Items)
	require.Equal(t, offerCursorOf(4, records[1].CreatedAt.UnixMicro(), records[1].ID, 4, "zeta"), list.NextCursor)
	require.Equal(t, "nina@example.com", store.InvitationsCalls()[0].Q.Email)

	list, err = svc.Received(t.Context(), nina, invitations.ReceivedParams{Limit: 2, Cursor: list.NextCursor})
	require.NoError(t, err)
	require.Equal(t, invitations.List[invitations.Offer]{Items: want[2:]}, list, "the last page")

	none, err := serviceOn(t, listing(nil), atNoon()).Received(t.Context(), nina, invitations.ReceivedParams{})
	require.NoError(t, err)
	require.Equal(t, invitations.List[invitations.Offer]{Items: []invitations.Offer{}}, none)
}

// A store that has an organization of an id that no service let in gives no cursor that would
// be refused, and nothing breaks.
func TestReceived_ForeignOrganization(t *testing.T) {
	t.Parallel()
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	for name, id := range badNames {
		records := manyRecords(2)
		records[0].Organization = id
		svc := serviceOn(t, listing(records), atNoon())
		require.NotPanics(t, func() {
			_, err := svc.Received(t.Context(), nina, invitations.ReceivedParams{Limit: 1})
			require.ErrorContains(t, err, "out of bounds", name)
		}, name)
	}
}

// What one call finds is of all organizations, and of the last decision alone.
func TestSweep_Service(t *testing.T) {
	t.Parallel()
	due := func(organization string, expires time.Time) invitations.Record {
		r := *ninaInvited().Invitation
		r.Organization, r.ExpiresAt, r.SweepAt = organization, expires, noon
		return r
	}
	found := []invitations.Facts{
		{Organization: "acme", Version: 2, PendingRecords: []invitations.Record{due("acme", noon), due("acme", noon.Add(days))}},
		{Organization: "idle", Version: 3},
		{Organization: "zeta", Version: 4, PendingRecords: []invitations.Record{due("zeta", noon.Add(days))}},
	}
	var changes []invitations.Changes
	store := &StoreMock{SweepFunc: func(_ context.Context, _ time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
		decide(found[:1]) // a change went wrong, and it begins again
		changes = decide(found)
		return nil
	}}
	swept, err := serviceOn(t, store, atNoon()).Sweep(t.Context(), 1000)
	require.NoError(t, err)
	require.Len(t, swept.Expired, 1)
	require.Equal(t, invitations.StateExpired, swept.Expired[0].State)
	require.Len(t, swept.Reminders, 2)
	require.Equal(t, []string{"acme", "zeta"}, []string{swept.Reminders[0].Organization, swept.Reminders[1].Organization})
	require.Len(t, changes, 3, "one for each of the facts")
	require.Len(t, changes[0].Events, 2)
	require.True(t, changes[1].Empty())
	require.Len(t, changes[2].Events, 1)
	require.Equal(t, "zeta", changes[2].Events[0].Organization)

	store.SweepFunc = func(context.Context, time.Time, int, func([]invitations.Facts) []invitations.Changes) error {
		return nil
	}
	swept, err = serviceOn(t, store, atNoon()).Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, slices.Concat(swept.Reminders, swept.Expired), "nothing is due")
	text, err := json.Marshal(swept)
	require.NoError(t, err)
	require.JSONEq(t, `{"reminders":[],"expired":[]}`, string(text))
}

// What a sweep does is decided by the time of its atomic step.
func TestSweep_OfTheStep(t *testing.T) {
	t.Parallel()
	now := noon
	r := *ninaInvited().Invitation
	r.SweepAt, r.ExpiresAt = noon, noon.Add(time.Minute)
	store := &StoreMock{SweepFunc: func(_ context.Context, at time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
		require.Equal(t, noon, at)
		now = now.Add(time.Hour) // the wait
		decide([]invitations.Facts{{Organization: "acme", PendingRecords: []invitations.Record{r}}})
		return nil
	}}
	swept, err := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }}).Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, swept.Reminders, "too late for that")
	require.Len(t, swept.Expired, 1)
}

// Each outcome has the token of its own invitation, as long as that is pending.
func TestInviteAll_Tokens(t *testing.T) {
	t.Parallel()
	f := workable("InviteAll")
	pending, revoked := *f.Invitation, *f.Invitation
	pending.Message, revoked.Message, revoked.Email = "", "", "kim@example.com"
	revoked.ID = uuid.MustParse("019531f0-0000-7000-8000-000000000009")
	revoked.State, revoked.EndedAt = invitations.StateRevoked, noon
	f.Invitations = map[uuid.UUID]invitations.Record{pending.ID: pending, revoked.ID: revoked}
	rows := []invitations.InviteParams{goodInvite(), goodInvite(), goodInvite(), goodInvite()}
	rows[0].ID, rows[1].ID, rows[1].Email, rows[2].Email, rows[3].Email = pending.ID, revoked.ID, "kim@example.com", "lea@example.com", "mia@example.com"
	rows[2].Metadata = map[string]string{"team": "red"}
	outcomes, err := serviceOn(t, answering(f), atNoon()).InviteAll(t.Context(), olgaActs, "acme", rows)
	require.NoError(t, err)
	ring, ids := ringOf(t, testKey), map[uuid.UUID]bool{}
	for i, o := range outcomes {
		require.NoError(t, o.Err)
		require.Equal(t, rows[i].Email, o.Invitation.Email)
		ids[o.Invitation.ID] = true
		if i == 1 {
			require.True(t, o.Invitation.Token.IsZero(), "it is revoked")
			continue
		}
		claim, err := invitations.VerifyToken(ring, o.Invitation.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, o.Invitation.ID, claim.ID)
		require.Equal(t, "acme", claim.Organization)
	}
	require.Len(t, ids, 4)
	require.Equal(t, validWire().text(), outcomes[0].Invitation.Token.Reveal(), "the same again")
	outcomes[2].Invitation.Metadata["team"] = "blue"
	require.Equal(t, "red", rows[2].Metadata["team"])
}

// Domains are kept in one form, of the service's own, and the result is a copy.
func TestEdit_Service(t *testing.T) {
	t.Parallel()
	f := linkOpen()
	f.Members["olga"] = invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	var put invitations.Record
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		changes, err := decide(f)
		put = changes.Invitations[0]
		return err
	}}
	p := goodEdit()
	domains, message, uses := []string{"example.org", "BÜCHER.example", "example.org"}, "Hello", 10_000
	p.AllowedDomains, p.Message, p.MaxUses, p.ExpiresIn = &domains, &message, &uses, 30*days+999
	edited, err := serviceOn(t, store, atNoon()).Edit(t.Context(), olgaActs, p)
	require.NoError(t, err)
	require.Equal(t, put.Invitation, edited)
	require.Equal(t, []string{"example.org", "xn--bcher-kva.example"}, edited.AllowedDomains)
	require.Equal(t, "Hello", edited.Message)
	require.Equal(t, 10_000, edited.MaxUses)
	require.Equal(t, noon.Add(30*days), edited.ExpiresAt)
	edited.AllowedDomains[0], domains[0], message, uses = "evil.example", "evil.example", "evil", 0
	require.Equal(t, "example.org", put.AllowedDomains[0])
	require.Equal(t, "Hello", put.Message)
	require.Equal(t, 10_000, put.MaxUses)
}
