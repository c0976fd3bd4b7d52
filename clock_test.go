package invitations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func requireTime(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want, got)
	require.Equal(t, time.UTC, got.Location())
	require.Zero(t, got.Nanosecond()%1000)
}

// All times are in UTC and truncated to microseconds, for every clock.
func TestClock_UTCMicroseconds(t *testing.T) {
	t.Parallel()
	kiritimati := time.FixedZone("+14", 14*60*60)
	now := time.Date(2026, 3, 2, 1, 59, 59, 999_999_999, kiritimati)
	want := time.Date(2026, 3, 1, 11, 59, 59, 999_999_000, time.UTC)
	svc := acmeOn(t, func() time.Time { return now }, invitations.Config{})
	ctx := t.Context()

	founder, err := svc.Member(ctx, "acme", "olga")
	require.NoError(t, err)
	requireTime(t, want, founder.JoinedAt)

	p := goodInvite()
	p.ExpiresIn = 3*day + 1999*time.Nanosecond
	sent, err := svc.Invite(ctx, olga, p)
	require.NoError(t, err)
	got, err := svc.Invitation(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, got, sent.Invitation, "the result equals the stored value")
	requireTime(t, want, sent.CreatedAt)
	requireTime(t, want, sent.SentAt)
	requireTime(t, want.Add(3*day+time.Microsecond), sent.ExpiresAt)
	require.True(t, sent.EndedAt.IsZero())

	now = now.Add(time.Hour)
	want = want.Add(time.Hour)
	resent, err := svc.Resend(ctx, olga, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	require.NoError(t, err)
	requireTime(t, want.Add(-time.Hour), resent.CreatedAt)
	requireTime(t, want, resent.SentAt)
	requireTime(t, want.Add(3*day+time.Microsecond), resent.ExpiresAt)

	now = now.Add(time.Hour)
	want = want.Add(time.Hour)
	offered, err := svc.Lookup(ctx, resent.Token.Reveal())
	require.NoError(t, err)
	requireTime(t, resent.ExpiresAt, offered.ExpiresAt)
	member, err := svc.Accept(ctx, resent.Token.Reveal(), nina)
	require.NoError(t, err)
	requireTime(t, want, member.JoinedAt)
	got, err = svc.Invitation(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	requireTime(t, want, got.EndedAt)
}

// Times have no monotonic reading, which would make two equal times differ.
func TestClock_NoMonotonicReading(t *testing.T) {
	t.Parallel()
	svc := acmeOn(t, time.Now, invitations.Config{})
	sent, err := svc.CreateLink(t.Context(), olga, goodLink())
	require.NoError(t, err)
	require.Equal(t, sent.CreatedAt.Round(0), sent.CreatedAt)
	require.NotContains(t, sent.CreatedAt.String(), "m=")
	require.NotContains(t, sent.ExpiresAt.String(), "m=")
}

// Only the clock of Config decides expiry, to the microsecond, for reads and for changes.
func TestClass24_ExpiryByOneClock(t *testing.T) {
	t.Parallel()
	now := noon
	svc := acmeOn(t, func() time.Time { return now }, invitations.Config{})
	ctx := t.Context()
	sent, err := svc.Invite(ctx, olga, goodInvite())
	require.NoError(t, err)
	token := sent.Token.Reveal()

	state := func() invitations.State {
		inv, err := svc.Invitation(ctx, olga, "acme", sent.ID)
		require.NoError(t, err)
		list, err := svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: "acme", States: []invitations.State{inv.State}})
		require.NoError(t, err)
		require.Equal(t, []invitations.Invitation{inv}, list.Items, "the filter agrees")
		return inv.State
	}
	now = sent.ExpiresAt.Add(-1) // the nanosecond is truncated
	require.Equal(t, invitations.StatePending, state())
	_, err = svc.Lookup(ctx, token)
	require.NoError(t, err)
	again, err := svc.PendingToken(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, token, again.Token.Reveal())

	for _, late := range []time.Duration{0, 999, time.Microsecond, day} {
		now = sent.ExpiresAt.Add(late)
		require.Equal(t, invitations.StateExpired, state())
		for _, err := range []error{
			errOf(svc.Lookup(ctx, token)),
			errOf(svc.PendingToken(ctx, olga, "acme", sent.ID)),
			errOf(svc.Accept(ctx, token, nina)),
			svc.Decline(ctx, token),
			errOf(svc.Revoke(ctx, olga, "acme", sent.ID)),
		} {
			require.Equal(t, invitations.ErrExpired, err)
		}
	}

	now = noon // nothing was written, so a clock that goes back finds it pending
	require.Equal(t, invitations.StatePending, state())
}

// A change is decided at the time of its atomic step and not of the call, which may have
// waited.
func TestClock_AtTheAtomicStep(t *testing.T) {
	t.Parallel()
	now := noon
	facts := invitations.Facts{Organization: "acme", Version: 1, OwnerCount: 1}
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		now = now.Add(time.Hour) // the wait
		_, err := decide(facts)
		return err
	}}
	svc := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }})
	facts.Invitation = &invitations.Record{Nonce: signedNonce, Invitation: invitations.Invitation{
		ID: signedID, Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer",
		SentAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Minute),
	}}
	_, err := svc.Accept(t.Context(), validWire().text(), invitations.Identity{UserID: "nina"})
	require.Equal(t, invitations.ErrExpired, err)
	_, err = svc.Revoke(t.Context(), invitations.System(), "acme", signedID)
	require.Equal(t, invitations.ErrExpired, err)
}

// A sweep is decided at the time of its atomic step.
func TestClock_SweepAtTheAtomicStep(t *testing.T) {
	t.Parallel()
	now := noon
	r := *emailFacts().Invitation
	r.SweepAt, r.ExpiresAt = noon, noon.Add(time.Minute)
	store := &StoreMock{SweepFunc: func(_ context.Context, at time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
		require.Equal(t, noon, at)
		now = now.Add(time.Hour) // the wait
		decide([]invitations.Facts{{Organization: "acme", PendingRecords: []invitations.Record{r}}})
		return nil
	}}
	swept, err := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }}).Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, swept.Reminders, "it is too late for a reminder")
	require.Len(t, swept.Expired, 1)
}

// The times of a new invitation are those of its event, also if the call has waited.
func TestClock_CreationAgreesWithEvent(t *testing.T) {
	t.Parallel()
	now := noon
	var changes invitations.Changes
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) (err error) {
		now = now.Add(time.Hour) // the wait
		changes, err = decide(factsFor("Invite"))
		return err
	}}
	svc, ctx := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }}), t.Context()
	for name, call := range map[string]func() error{
		"Invite":     func() error { return errOf(svc.Invite(ctx, olga, goodInvite())) },
		"CreateLink": func() error { return errOf(svc.CreateLink(ctx, olga, goodLink())) },
		"InviteAll": func() error {
			return errOf(svc.InviteAll(ctx, olga, "acme", []invitations.InviteParams{goodInvite()}))
		},
	} {
		require.NoError(t, call(), name)
		created, event := changes.Invitations[0], changes.Events[0]
		require.Equal(t, event.At, created.CreatedAt, name)
		require.Equal(t, event.At, created.SentAt, name)
		require.Equal(t, event.ExpiresAt, created.ExpiresAt, name)
		require.Equal(t, 7*day, created.ExpiresAt.Sub(created.SentAt), name)
	}
}

// An invitation expires, and a link takes its seat. A clock that is set back during an
// acceptance must not let in one member too many.
func TestClass29_ClockSetBackWhileAccepting(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	clock := []time.Time{noon} // the next readings; the last one repeats
	svc := acmeOn(t, func() time.Time {
		now := clock[0]
		clock = clock[min(1, len(clock)-1):]
		return now
	}, invitations.Config{MemberLimit: 2, ReserveSeats: true})
	sent, err := svc.Invite(ctx, olga, goodInvite())
	require.NoError(t, err)
	link, err := svc.CreateLink(ctx, olga, goodLink())
	require.NoError(t, err)
	vera := invitations.Identity{UserID: "vera"}
	_, err = svc.Accept(ctx, link.Token.Reveal(), vera)
	require.Equal(t, &invitations.MemberLimitError{Limit: 2, Members: 1, Reserved: 1}, err, "the seat is reserved")

	// The link outlives the invitation.
	clock = []time.Time{sent.ExpiresAt.Add(-time.Hour)}
	link, err = svc.Resend(ctx, olga, invitations.ResendParams{Organization: "acme", ID: link.ID})
	require.NoError(t, err)
	clock = []time.Time{sent.ExpiresAt}
	_, err = svc.Accept(ctx, link.Token.Reveal(), vera)
	require.NoError(t, err)

	before := sent.ExpiresAt.Add(-time.Microsecond)
	for _, readings := range [][]time.Time{{sent.ExpiresAt, before}, {before}} {
		clock = readings
		_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
		require.ErrorIs(t, err, invitations.ErrMemberLimit, "a third member of two")
	}
	clock = []time.Time{before}
	_, err = svc.Leave(ctx, "acme", "vera")
	require.NoError(t, err)
	clock = []time.Time{sent.ExpiresAt, before}
	_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.NoError(t, err, "a seat is free again")
}

// A Service on another store keeps its keys, policy, clock and limits.
func TestWithStore(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": {invitations.PermissionInvitationCreate, invitations.PermissionInvitationList}, "guest": nil,
	})
	require.NoError(t, err)
	ctx := t.Context()
	one := acmeOn(t, func() time.Time { return noon }, invitations.Config{Policy: policy, PendingLimit: 1, Expiry: 2 * day})
	two := one.WithStore(memstore.New())
	require.NotSame(t, one, two)
	require.Same(t, policy, two.Policy())

	_, err = two.Member(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrNotFound, err, "acme is in the other store")
	_, err = two.CreateOrganization(ctx, "acme", "otto")
	require.NoError(t, err)
	_, err = one.Member(ctx, "acme", "otto")
	require.Equal(t, invitations.ErrNotFound, err)

	otto, p := invitations.User("otto"), invitations.CreateLinkParams{Organization: "acme", Role: "guest"}
	sent, err := two.CreateLink(ctx, otto, p)
	require.NoError(t, err)
	require.Equal(t, noon.Add(2*day), sent.ExpiresAt)
	_, err = two.CreateLink(ctx, otto, p)
	require.Equal(t, &invitations.PendingLimitError{Limit: 1, Pending: 1}, err)

	// Both verify the token, but only one store has the invitation.
	_, err = one.Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrInvalidToken, err)
	_, err = two.Lookup(ctx, sent.Token.Reveal())
	require.NoError(t, err)
	_, err = one.WithStore(memstore.New()).Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrInvalidToken, err)
}

// An invitation that was pending when it was read is returned with its token, even if it has
// expired before the call returns: a worker must not mail a link without a token.
func TestPendingToken_ExpiryDuringTheCall(t *testing.T) {
	t.Parallel()
	now, tick := noon, time.Duration(0)
	svc := acmeOn(t, func() time.Time {
		now = now.Add(tick)
		return now
	}, invitations.Config{})
	sent, err := svc.Invite(t.Context(), olga, goodInvite())
	require.NoError(t, err)
	now, tick = sent.ExpiresAt.Add(-time.Microsecond), time.Microsecond // the clock moves at every reading
	now = now.Add(-tick)
	pending, err := svc.PendingToken(t.Context(), olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, sent.Token.Reveal(), pending.Token.Reveal())
	require.Equal(t, invitations.StatePending, pending.State)

	_, err = svc.PendingToken(t.Context(), olga, "acme", sent.ID)
	require.ErrorIs(t, err, invitations.ErrExpired)
}
