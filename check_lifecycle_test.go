package invitations_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// badLifecycleArguments is the part of badArguments that is about what becomes of invitations:
// edits, several at once, those received, and what is told of them.
func badLifecycleArguments(actors map[string]invitations.Actor, badRoles map[string]invitations.Role) [][]refused {
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	badLimits := map[string]int{"negative": -1, "101": 101, "the most": 1<<31 - 1}
	badEditRoles := map[string]invitations.Role{} // an empty one leaves the role as it is
	for name, role := range badRoles {
		if role != "" {
			badEditRoles[name] = role
		}
	}
	var all [][]refused
	add := func(more ...[]refused) { all = append(all, more...) }

	edit := func(ctx ctxT, svc svcT, change func(*invitations.EditParams)) error {
		p := goodEdit()
		change(&p)
		_, err := svc.Edit(ctx, olgaActs, p)
		return err
	}
	add(
		each("Edit", "role", badEditRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return edit(ctx, svc, func(p *invitations.EditParams) { p.Role = v })
		}),
		each("Edit", "message", badMessages, func(ctx ctxT, svc svcT, v string) error {
			return edit(ctx, svc, func(p *invitations.EditParams) { p.Message = &v })
		}),
		each("Edit", "expires_in", badLifetimes, func(ctx ctxT, svc svcT, v time.Duration) error {
			return edit(ctx, svc, func(p *invitations.EditParams) { p.ExpiresIn = v })
		}),
		each("Edit", "max_uses", badMaxUses, func(ctx ctxT, svc svcT, v int) error {
			return edit(ctx, svc, func(p *invitations.EditParams) { p.MaxUses = &v })
		}),
		each("Edit", "allowed_domains", badDomains, func(ctx ctxT, svc svcT, v []string) error {
			return edit(ctx, svc, func(p *invitations.EditParams) { p.AllowedDomains = &v })
		}),
	)

	bulk := func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, n int) error {
		outcomes, err := svc.InviteAll(ctx, actor, organization, make([]invitations.InviteParams, n))
		if outcomes != nil {
			return fmt.Errorf("outcomes beside %v", err)
		}
		return err
	}
	add(
		each("InviteAll", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error { return bulk(ctx, svc, v, "acme", 1) }),
		each("InviteAll", "organization", badNames, func(ctx ctxT, svc svcT, v string) error { return bulk(ctx, svc, olgaActs, v, 1) }),
		each("InviteAll", "rows", map[string]int{"none": 0, "101": 101, "100,000": 100_000}, func(ctx ctxT, svc svcT, v int) error {
			return bulk(ctx, svc, olgaActs, "acme", v)
		}),
	)

	received := func(ctx ctxT, svc svcT, who invitations.Identity, p invitations.ReceivedParams) error {
		_, err := svc.Received(ctx, who, p)
		return err
	}
	add(
		each("Received", "user_id", badNames, func(ctx ctxT, svc svcT, v string) error {
			return received(ctx, svc, invitations.Identity{UserID: v, Email: nina.Email, EmailVerified: true}, invitations.ReceivedParams{})
		}),
		each("Received", "email", badEmails, func(ctx ctxT, svc svcT, v string) error {
			return received(ctx, svc, invitations.Identity{UserID: "nina", Email: v, EmailVerified: true}, invitations.ReceivedParams{})
		}),
		each("Received", "limit", badLimits, func(ctx ctxT, svc svcT, v int) error {
			return received(ctx, svc, nina, invitations.ReceivedParams{Limit: v})
		}),
		each("Received", "cursor", badOfferCursors(), func(ctx ctxT, svc svcT, v string) error {
			return received(ctx, svc, nina, invitations.ReceivedParams{Cursor: v})
		}),
	)
	for operation, call := range map[string]func(ctxT, svcT, string, uuid.UUID, invitations.Identity) error{
		"AcceptReceived": func(ctx ctxT, svc svcT, organization string, id uuid.UUID, who invitations.Identity) error {
			_, err := svc.AcceptReceived(ctx, organization, id, who)
			return err
		},
		"DeclineReceived": func(ctx ctxT, svc svcT, organization string, id uuid.UUID, who invitations.Identity) error {
			return svc.DeclineReceived(ctx, organization, id, who)
		},
	} {
		add(
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error { return call(ctx, svc, v, signedID, nina) }),
			each(operation, "id", badIDs, func(ctx ctxT, svc svcT, v uuid.UUID) error { return call(ctx, svc, "acme", v, nina) }),
			each(operation, "user_id", badNames, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, "acme", signedID, invitations.Identity{UserID: v, Email: nina.Email, EmailVerified: true})
			}),
			each(operation, "email", badEmails, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, "acme", signedID, invitations.Identity{UserID: "nina", Email: v, EmailVerified: true})
			}),
		)
	}

	timeline := func(ctx ctxT, svc svcT, actor invitations.Actor, p invitations.TimelineParams) error {
		_, err := svc.Timeline(ctx, actor, p)
		times := 0
		for _, e := range svc.AllEvents(ctx, actor, p) {
			if times++; e == nil || e.Error() != err.Error() || times > 1 {
				return fmt.Errorf("AllEvents yields %v, Timeline returns %v", e, err)
			}
		}
		return err
	}
	add(
		each("Timeline", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			return timeline(ctx, svc, v, invitations.TimelineParams{Organization: "acme"})
		}),
		each("Timeline", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return timeline(ctx, svc, invitations.System(), invitations.TimelineParams{Organization: v, Invitation: signedID})
		}),
		each("Timeline", "limit", badLimits, func(ctx ctxT, svc svcT, v int) error {
			return timeline(ctx, svc, olgaActs, invitations.TimelineParams{Organization: "acme", Limit: v})
		}),
		each("Timeline", "cursor", badEventCursors(), func(ctx ctxT, svc svcT, v string) error {
			return timeline(ctx, svc, olgaActs, invitations.TimelineParams{Organization: "acme", Cursor: v})
		}),
		each("Feed", "limit", badLimits, func(ctx ctxT, svc svcT, v int) error {
			_, err := svc.Feed(ctx, 0, v)
			return err
		}),
		each("Feed", "after", map[string]int64{"negative": -1, "the least": math.MinInt64, "the most": math.MaxInt64}, func(ctx ctxT, svc svcT, v int64) error {
			_, err := svc.Feed(ctx, v, 0)
			return err
		}),
		each("Sweep", "limit", map[string]int{"none": 0, "negative": -1, "1001": 1001, "the most": 1<<31 - 1}, func(ctx ctxT, svc svcT, v int) error {
			_, err := svc.Sweep(ctx, v)
			return err
		}),
	)

	statistics := func(ctx ctxT, svc svcT, actor invitations.Actor, p invitations.StatisticsParams) error {
		_, err := svc.Statistics(ctx, actor, p)
		return err
	}
	year := func(n int) time.Time { return time.Date(n, 6, 1, 0, 0, 0, 0, time.UTC) }
	add(
		each("Statistics", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			return statistics(ctx, svc, v, invitations.StatisticsParams{Organization: "acme"})
		}),
		each("Statistics", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return statistics(ctx, svc, olgaActs, invitations.StatisticsParams{Organization: v})
		}),
		each("Statistics", "from", map[string]time.Time{
			"the year 0": year(0), "the year 10000": year(10_000), "the year -5": year(-5), "in another zone": time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("+1", 3600)),
		}, func(ctx ctxT, svc svcT, v time.Time) error {
			return statistics(ctx, svc, olgaActs, invitations.StatisticsParams{Organization: "acme", From: v})
		}),
		each("Statistics", "to", map[string]time.Time{
			"the year 0": year(0), "the year 10000": year(10_000), "before from": noon.Add(-1), "from": noon, "a nanosecond after": noon.Add(1),
		}, func(ctx ctxT, svc svcT, v time.Time) error {
			return statistics(ctx, svc, olgaActs, invitations.StatisticsParams{Organization: "acme", From: noon, To: v})
		}),
	)
	return all
}

// However long a cursor is, refusing it costs nothing.
func TestClass41_HugeCursor(t *testing.T) { // alone: it counts what is allocated
	svc, ctx := serviceOn(t, untouchable(), atNoon()), t.Context()
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	huge := strings.Repeat("A", 32<<20)
	for name, call := range map[string]func() error{
		"Invitations": func() error {
			_, err := svc.Invitations(ctx, olgaActs, invitations.InvitationsParams{Organization: "acme", Cursor: huge})
			return err
		},
		"Members": func() error {
			_, err := svc.Members(ctx, olgaActs, invitations.MembersParams{Organization: "acme", Cursor: huge})
			return err
		},
		"Workspaces": func() error {
			_, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "nina", Cursor: huge})
			return err
		},
		"Received": func() error {
			_, err := svc.Received(ctx, nina, invitations.ReceivedParams{Cursor: huge})
			return err
		},
		"Timeline": func() error {
			_, err := svc.Timeline(ctx, olgaActs, invitations.TimelineParams{Organization: "acme", Cursor: huge})
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := call()
		runtime.ReadMemStats(&after)
		requireInvalid(t, err, "cursor")
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

// Whoever has not proved their address is told so before any store is asked.
func TestClass02_ReceivedNeedsProof(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	unverified := invitations.Identity{UserID: "nina", Email: "nina@example.com"}
	offers, err := svc.Received(t.Context(), unverified, invitations.ReceivedParams{})
	require.Equal(t, invitations.ErrEmailUnverified, err)
	require.Zero(t, offers)
	member, err := svc.AcceptReceived(t.Context(), "acme", signedID, unverified)
	require.Equal(t, invitations.ErrEmailUnverified, err)
	require.Zero(t, member)
	require.Equal(t, invitations.ErrEmailUnverified, svc.DeclineReceived(t.Context(), "acme", signedID, unverified))
}

// A row that is not acceptable is named like the argument of an invitation, and the others are
// asked about all the same.
func TestInviteAll_BadRows(t *testing.T) {
	t.Parallel()
	fields := map[string]func(*invitations.InviteParams){
		"email":        func(p *invitations.InviteParams) { p.Email = "nina" },
		"organization": func(p *invitations.InviteParams) { p.Organization = "other" },
		"role":         func(p *invitations.InviteParams) { p.Role = "ghost" },
		"id":           func(p *invitations.InviteParams) { p.ID = badOwnIDs["version 4"] },
		"expires_in":   func(p *invitations.InviteParams) { p.ExpiresIn = time.Hour },
		"quota":        func(p *invitations.InviteParams) { p.Quota = badQuotas["negative"] },
		"message":      func(p *invitations.InviteParams) { p.Message = badMessages["NUL"] },
		"metadata":     func(p *invitations.InviteParams) { p.Metadata = badMetadata["17 pairs"] },
	}
	for field, spoil := range fields {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			bad := goodInvite()
			spoil(&bad)
			store := answering(workable("InviteAll"))
			outcomes, err := serviceOn(t, store, atNoon()).InviteAll(t.Context(), olgaActs, "acme", []invitations.InviteParams{bad, goodInvite()})
			require.NoError(t, err)
			require.Len(t, outcomes, 2)
			requireInvalid(t, outcomes[0].Err, field)
			require.Zero(t, outcomes[0].Invitation)
			require.NoError(t, outcomes[1].Err)
			require.Equal(t, []string{"nina@example.com"}, store.UpdateCalls()[0].Q.Emails)
		})
	}
}

// What lies exactly on the bounds is fine, and reaches the store as it is.
func TestBounds_Lifecycle(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 127) + "x" // 255 bytes
	store := failing(nil, workable("Sweep"), func(ctxT) {})
	svc := serviceOn(t, store, atNoon())
	ctx := t.Context()
	for _, n := range []int{1, 1000} {
		_, err := svc.Sweep(ctx, n)
		require.NoError(t, err)
	}
	for _, after := range []int64{0, 1, math.MaxInt64 - 1} {
		_, err := svc.Feed(ctx, after, 100)
		require.NoError(t, err)
	}
	for limit, want := range map[int]int{0: 50, 1: 1, 100: 100} {
		_, err := svc.Feed(ctx, 0, limit)
		require.NoError(t, err)
		_, err = svc.Timeline(ctx, invitations.System(), invitations.TimelineParams{Organization: long, Limit: limit})
		require.NoError(t, err)
		calls := store.EventsCalls()
		require.Equal(t, invitations.EventQuery{Organization: long, Limit: want + 1}, calls[len(calls)-1].Q)
		feeds := store.FeedCalls()
		require.Equal(t, want, feeds[len(feeds)-1].Limit)
	}
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	_, err := svc.Statistics(ctx, olgaActs, invitations.StatisticsParams{Organization: "acme", From: last.Add(-time.Microsecond), To: last})
	require.NoError(t, err)
	zone := time.FixedZone("+14", 14*60*60)
	_, err = svc.Statistics(ctx, olgaActs, invitations.StatisticsParams{Organization: "acme", From: noon.In(zone), To: noon.Add(1999).In(zone)})
	require.NoError(t, err)
	require.Equal(t, invitations.StatisticsQuery{
		Organization: "acme", Viewer: "olga", Roles: []invitations.Role{"admin", "owner"}, From: noon, To: noon.Add(time.Microsecond), At: noon, MaxGroups: 100,
	}, store.StatisticsCalls()[1].Q)

	hundred := make([]invitations.InviteParams, 100)
	for i := range hundred {
		hundred[i] = goodInvite()
		hundred[i].Organization, hundred[i].Email = "", fmt.Sprintf("n%d@example.com", i)
	}
	outcomes, err := serviceOn(t, answering(workable("InviteAll")), atNoon()).InviteAll(ctx, olgaActs, "acme", hundred)
	require.NoError(t, err)
	require.Len(t, outcomes, 100)
	for i, o := range outcomes {
		if i < 10 {
			require.NoError(t, o.Err)
			require.Equal(t, "acme", o.Invitation.Organization)
			require.Equal(t, hundred[i].Email, o.Invitation.Email)
			continue
		}
		require.Equal(t, invitations.ErrPendingLimit, o.Err)
	}
}
