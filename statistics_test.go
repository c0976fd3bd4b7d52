package invitations_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-invitations/invitations"
)

// everything asks for the statistics of all time, as of noon.
func everything() invitations.StatisticsQuery {
	return invitations.StatisticsQuery{Organization: "acme", To: noon.AddDate(100, 0, 0), At: noon, MaxGroups: 100}
}

// acceptedAfter returns an email invitation that was accepted so long after its creation, and
// the event of the acceptance.
func acceptedAfter(n byte, took time.Duration) (invitations.Record, invitations.Event) {
	r := *emailFacts().Invitation
	r.ID[15], r.State, r.Uses, r.EndedAt = n, invitations.StateAccepted, 1, r.CreatedAt.Add(took)
	return r, invitations.Event{Type: invitations.EventInvitationAccepted, InvitationID: r.ID, At: r.CreatedAt.Add(took)}
}

func TestStatistics_Empty(t *testing.T) {
	t.Parallel()
	got := everything().Count(nil, nil)
	require.Zero(t, got.Total)
	for _, groups := range [][]invitations.Funnel{got.ByKind, got.ByRole, got.BySender, got.ByLink} {
		require.Empty(t, groups)
	}
}

// A store can hold an accepted invitation without the time at which it ended. It was used, but nobody
// knows when its recipient joined.
func TestStatistics_UnknownTime(t *testing.T) {
	t.Parallel()
	known, _ := acceptedAfter(1, time.Hour)
	unknown, _ := acceptedAfter(2, time.Hour)
	unknown.EndedAt = time.Time{}
	got := everything().Count([]invitations.Record{known, unknown}, nil).Total
	require.Equal(t, 2, got.Used)
	require.Equal(t, 1, got.Joined)
	require.Equal(t, time.Hour, got.Median)
}

func TestFunnel_AcceptanceRate(t *testing.T) {
	t.Parallel()
	require.Zero(t, invitations.Funnel{}.AcceptanceRate())
	require.InDelta(t, 0.25, invitations.Funnel{Created: 4, Used: 1, Joined: 9}.AcceptanceRate(), 0)
	require.InDelta(t, 1, invitations.Funnel{Created: 3, Used: 3}.AcceptanceRate(), 0)
}

// Percentiles are by nearest rank, so each is a time that an acceptance took.
func TestStatistics_Percentiles(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]struct{ median, p90 int }{
		1: {1, 1}, 2: {1, 2}, 3: {2, 3}, 4: {2, 4}, 5: {3, 5}, 9: {5, 9}, 10: {5, 9}, 11: {6, 10}, 19: {10, 18}, 20: {10, 18}, 21: {11, 19},
		99: {50, 90}, 100: {50, 90}, 101: {51, 91}, 200: {100, 180},
	} {
		var records []invitations.Record
		var events []invitations.Event
		for i := range n {
			r, e := acceptedAfter(byte(i), time.Duration((i*7919)%n+1)*time.Hour) // 1 to n, not in order
			records, events = append(records, r), append(events, e)
		}
		got := everything().Count(records, events).Total
		require.Equal(t, time.Duration(want.median)*time.Hour, got.Median, "median of %d", n)
		require.Equal(t, time.Duration(want.p90)*time.Hour, got.P90, "p90 of %d", n)
		require.Equal(t, n, got.Joined)
	}
}

// The period includes From and excludes To.
func TestStatistics_Period(t *testing.T) {
	t.Parallel()
	r, e := acceptedAfter(1, time.Hour)
	for name, c := range map[string]struct {
		from, to time.Time
		want     int
	}{
		"all time":              {time.Time{}, noon.Add(day), 1},
		"from its creation":     {noon, noon.Add(time.Microsecond), 1},
		"from after it":         {noon.Add(time.Microsecond), noon.Add(day), 0},
		"to its creation":       {noon.Add(-day), noon, 0},
		"to after it":           {noon.Add(-day), noon.Add(time.Microsecond), 1},
		"from after acceptance": {noon.Add(time.Hour), noon.Add(day), 0},
		"before acceptance":     {noon, noon.Add(time.Minute), 1},
	} {
		q := everything()
		q.From, q.To = c.from, c.to
		got := q.Count([]invitations.Record{r}, []invitations.Event{e})
		require.Equal(t, c.want, got.Total.Created, name)
		require.Equal(t, c.want, got.Total.Joined, "%s: acceptances at any time count", name)
		require.Len(t, got.ByKind, c.want)
		require.Len(t, got.ByRole, c.want)
		require.Len(t, got.BySender, c.want)
		require.Empty(t, got.ByLink, "it is not a link")
	}
}

// A pending invitation counts as expired from its ExpiresAt on.
func TestStatistics_Expired(t *testing.T) {
	t.Parallel()
	r := *emailFacts().Invitation
	for at, want := range map[time.Time]invitations.Funnel{
		r.ExpiresAt.Add(-1000): {Created: 1, Pending: 1}, r.ExpiresAt: {Created: 1, Expired: 1}, r.ExpiresAt.Add(1000): {Created: 1, Expired: 1},
	} {
		q := everything()
		q.At = at
		require.Equal(t, want, q.Count([]invitations.Record{r}, nil).Total)
	}
}

// Groups are sorted by Created, then Joined, then Key. Senders and links are limited to the
// first MaxGroups.
func TestStatistics_Groups(t *testing.T) {
	t.Parallel()
	var records []invitations.Record
	var events []invitations.Event
	add := func(n int, sender string, joined bool) {
		for range n {
			r, e := acceptedAfter(0, time.Hour)
			r.ID, r.Kind, r.SentBy = uuid.New(), invitations.KindLink, sender
			e.InvitationID = r.ID
			if records = append(records, r); joined {
				events = append(events, e)
			}
		}
	}
	add(2, "bea", true)
	add(2, "", false)
	add(2, "ada", false)
	add(3, "cyd", false)
	add(1, "dan", true)
	q := everything()
	keys := func(groups []invitations.Funnel) (all []string) {
		for _, g := range groups {
			all = append(all, g.Key)
		}
		return all
	}
	order := []string{"cyd", "bea", "", "ada", "dan"}
	for _, n := range []int{1, 2, 4, 5, 6, 100} {
		q.MaxGroups = n
		got := q.Count(records, events)
		require.Equal(t, order[:min(n, 5)], keys(got.BySender))
		require.Len(t, got.ByLink, min(n, 10))
		require.Equal(t, 10, got.Total.Created, "the total counts all groups")
		require.Equal(t, []string{"link"}, keys(got.ByKind))
	}

	for i := range 150 {
		add(1, fmt.Sprintf("user%03d", i), false)
		records[len(records)-1].Role = invitations.Role(fmt.Sprintf("role%03d", i))
	}
	q.MaxGroups = 100
	got := q.Count(records, events)
	require.Len(t, got.BySender, 100)
	require.Len(t, got.ByLink, 100)
	require.Len(t, got.ByRole, 151, "roles are not limited")
	require.Equal(t, "user094", got.BySender[99].Key)
}

// recount counts each number of a funnel separately.
func recount(q invitations.StatisticsQuery, records []invitations.Record, events []invitations.Event, in func(invitations.Record) bool) (f invitations.Funnel) {
	var took []time.Duration
	for _, r := range records {
		if r.CreatedAt.Compare(q.From) < 0 || r.CreatedAt.Compare(q.To) >= 0 || !in(r) {
			continue
		}
		f.Created++
		f.Used += min(r.Uses, 1)
		pending := r.State == invitations.StatePending
		for number, is := range map[*int]bool{
			&f.Pending: pending && r.ExpiresAt.After(q.At), &f.Expired: pending && !r.ExpiresAt.After(q.At),
			&f.Accepted: r.State == invitations.StateAccepted, &f.Declined: r.State == invitations.StateDeclined,
			&f.Revoked: r.State == invitations.StateRevoked,
		} {
			if is {
				*number++
			}
		}
		if r.Kind == invitations.KindEmail && r.State == invitations.StateAccepted {
			f.Joined++
			took = append(took, r.EndedAt.Sub(r.CreatedAt))
		}
		for _, e := range events {
			if r.Kind == invitations.KindLink && e.Type == invitations.EventInvitationAccepted && e.InvitationID == r.ID {
				f.Joined++
				took = append(took, e.At.Sub(r.CreatedAt))
			}
		}
	}
	atMost := func(percent int) time.Duration { // the shortest time that is not exceeded by so many
		least := time.Duration(math.MaxInt64)
		for _, d := range took {
			n := 0
			for _, other := range took {
				if other <= d {
					n++
				}
			}
			if n*100 >= percent*len(took) {
				least = min(least, d)
			}
		}
		return least
	}
	if len(took) > 0 {
		f.Median, f.P90 = atMost(50), atMost(90)
	}
	return f
}

// Random invitations are counted like recount counts them.
func TestStatistics_Recount(t *testing.T) {
	t.Parallel()
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "hours")) * time.Hour)
	})
	rapid.Check(t, func(t *rapid.T) {
		q := invitations.StatisticsQuery{
			From: instant.Draw(t, "from"), To: instant.Draw(t, "to"), At: instant.Draw(t, "at"), MaxGroups: rapid.IntRange(1, 4).Draw(t, "groups"),
		}
		if rapid.Bool().Draw(t, "all time") {
			q.From, q.To = time.Time{}, noon.Add(day)
		}
		var records []invitations.Record
		var events []invitations.Event
		for i := range rapid.IntRange(0, 12).Draw(t, "invitations") {
			r := *emailFacts().Invitation
			r.ID[15] = byte(i)
			r.Kind = rapid.SampledFrom([]invitations.Kind{invitations.KindEmail, invitations.KindLink}).Draw(t, "kind")
			r.State = rapid.SampledFrom([]invitations.State{"pending", "pending", "accepted", "declined", "revoked"}).Draw(t, "state")
			r.Role = rapid.SampledFrom([]invitations.Role{"viewer", "admin", "ghost"}).Draw(t, "role")
			r.SentBy = rapid.SampledFrom([]string{"", "ada", "bob", "cyd", "dan", "eve"}).Draw(t, "sender")
			r.CreatedAt, r.ExpiresAt, r.EndedAt = instant.Draw(t, "created"), instant.Draw(t, "expires"), instant.Draw(t, "ended")
			for range rapid.IntRange(0, 3).Draw(t, "uses") {
				r.Uses++
				events = append(events, invitations.Event{Type: invitations.EventInvitationAccepted, InvitationID: r.ID, At: instant.Draw(t, "joined")})
			}
			events = append(events, invitations.Event{
				Type: rapid.SampledFrom([]invitations.EventType{"member.joined", "invitation.created"}).Draw(t, "type"), InvitationID: r.ID, At: noon,
			}, invitations.Event{Type: invitations.EventInvitationAccepted, InvitationID: signedID, At: noon}) // of another invitation
			records = append(records, r)
		}
		got := q.Count(records, events)
		require.Equal(t, recount(q, records, events, func(invitations.Record) bool { return true }), got.Total)
		for _, by := range []struct {
			groups []invitations.Funnel
			key    func(invitations.Record) string
			most   int
		}{
			{got.ByKind, func(r invitations.Record) string { return string(r.Kind) }, 100},
			{got.ByRole, func(r invitations.Record) string { return string(r.Role) }, 100},
			{got.BySender, func(r invitations.Record) string { return "by " + r.SentBy }, q.MaxGroups},
			{got.ByLink, func(r invitations.Record) string {
				if r.Kind == invitations.KindEmail {
					return ""
				}
				return r.ID.String()
			}, q.MaxGroups},
		} {
			keys := map[string]invitations.Funnel{}
			for _, r := range records {
				key := by.key(r)
				f := recount(q, records, events, func(r invitations.Record) bool { return by.key(r) == key })
				if key != "" && f.Created > 0 {
					keys[key] = f
				}
			}
			require.Len(t, by.groups, min(len(keys), by.most))
			var least invitations.Funnel // the last one that is shown
			for i, g := range by.groups {
				key := g.Key
				if _, ok := keys[key]; !ok {
					key = "by " + key
				}
				want := keys[key]
				want.Key = g.Key
				require.Equal(t, want, g)
				delete(keys, key)
				require.True(t, i == 0 || isBefore(least, g), "%v comes before %v", least, g)
				least = g
			}
			for key, f := range keys {
				rest := f
				rest.Key = key
				require.False(t, rest.Created > least.Created || rest.Created == least.Created && rest.Joined > least.Joined, "a greater group was left out")
			}
		}
	})
}

func isBefore(a, b invitations.Funnel) bool {
	switch {
	case a.Created != b.Created:
		return a.Created > b.Created
	case a.Joined != b.Joined:
		return a.Joined > b.Joined
	}
	return slices.IsSorted([]string{a.Key, b.Key}) && a.Key != b.Key
}
