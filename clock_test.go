package invitations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// acmeOn returns a service on an empty memory store in which Olga has founded acme.
func acmeOn(t *testing.T, clock func() time.Time, config invitations.Config) *invitations.Service {
	t.Helper()
	config.Clock = clock
	svc := serviceOn(t, memstore.New(), config)
	_, err := svc.CreateOrganization(t.Context(), "acme", "olga")
	require.NoError(t, err)
	return svc
}

func requireTime(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want, got)
	require.Equal(t, time.UTC, got.Location())
	require.Zero(t, got.Nanosecond()%1000)
}

// Whatever zone and precision a clock has, all times are UTC and whole microseconds, cut
// and not rounded.
func TestClock_UTCAndMicroseconds(t *testing.T) {
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
	p.ExpiresIn = 3*days + 1999*time.Nanosecond
	sent, err := svc.Invite(ctx, olgaActs, p)
	require.NoError(t, err)
	got, err := svc.Invitation(ctx, olgaActs, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, got, sent.Invitation, "what is returned is what is kept")
	requireTime(t, want, sent.CreatedAt)
	requireTime(t, want, sent.SentAt)
	requireTime(t, want.Add(3*days+time.Microsecond), sent.ExpiresAt)
	require.True(t, sent.EndedAt.IsZero())

	now = now.Add(time.Hour)
	want = want.Add(time.Hour)
	resent, err := svc.Resend(ctx, olgaActs, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	require.NoError(t, err)
	requireTime(t, want.Add(-time.Hour), resent.CreatedAt)
	requireTime(t, want, resent.SentAt)
	requireTime(t, want.Add(3*days+time.Microsecond), resent.ExpiresAt)

	now = now.Add(time.Hour)
	want = want.Add(time.Hour)
	offered, err := svc.Lookup(ctx, resent.Token.Reveal())
	require.NoError(t, err)
	requireTime(t, resent.ExpiresAt, offered.ExpiresAt)
	member, err := svc.Accept(ctx, resent.Token.Reveal(), invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true})
	require.NoError(t, err)
	requireTime(t, want, member.JoinedAt)
	got, err = svc.Invitation(ctx, olgaActs, "acme", sent.ID)
	require.NoError(t, err)
	requireTime(t, want, got.EndedAt)
}

// A reading of the monotonic clock would make two equal times differ.
func TestClock_NoMonotonicReading(t *testing.T) {
	t.Parallel()
	svc := acmeOn(t, time.Now, invitations.Config{})
	sent, err := svc.CreateLink(t.Context(), olgaActs, goodLink())
	require.NoError(t, err)
	require.Equal(t, sent.CreatedAt.Round(0), sent.CreatedAt)
	require.NotContains(t, sent.CreatedAt.String(), "m=")
	require.NotContains(t, sent.ExpiresAt.String(), "m=")
}

// The service's clock alone decides, to the microsecond, and for reads and changes alike.
func TestClass24_OneClockDecides(t *testing.T) {
	t.Parallel()
	now := noon
	svc := acmeOn(t, func() time.Time { return now }, invitations.Config{})
	ctx := t.Context()
	sent, err := svc.Invite(ctx, olgaActs, goodInvite())
	require.NoError(t, err)
	token := sent.Token.Reveal()

	stateOf := func() invitations.State {
		inv, err := svc.Invitation(ctx, olgaActs, "acme", sent.ID)
		require.NoError(t, err)
		page, err := svc.Invitations(ctx, olgaActs, invitations.InvitationsParams{Organization: "acme", State: inv.State})
		require.NoError(t, err)
		require.Equal(t, []invitations.Invitation{inv}, page.Items, "listed as what it is")
		return inv.State
	}
	now = sent.ExpiresAt.Add(-1) // a nanosecond is cut away
	require.Equal(t, invitations.StatePending, stateOf())
	_, err = svc.Lookup(ctx, token)
	require.NoError(t, err)
	again, err := svc.PendingToken(ctx, olgaActs, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, token, again.Token.Reveal())

	for _, late := range []time.Duration{0, 999, time.Microsecond, days} {
		now = sent.ExpiresAt.Add(late)
		require.Equal(t, invitations.StateExpired, stateOf())
		_, err = svc.Lookup(ctx, token)
		require.Equal(t, invitations.ErrExpired, err)
		_, err = svc.PendingToken(ctx, olgaActs, "acme", sent.ID)
		require.Equal(t, invitations.ErrExpired, err)
		_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true})
		require.Equal(t, invitations.ErrExpired, err)
		require.Equal(t, invitations.ErrExpired, svc.Decline(ctx, token))
		_, err = svc.Revoke(ctx, olgaActs, "acme", sent.ID)
		require.Equal(t, invitations.ErrExpired, err)
	}

	now = noon // a clock that goes back finds it pending: nothing was written
	require.Equal(t, invitations.StatePending, stateOf())
}

// A change is decided by the time of its atomic step, and not of the call, which may have
// waited.
func TestClock_OfTheStep(t *testing.T) {
	t.Parallel()
	now := noon
	facts := invitations.Facts{Organization: "acme", Version: 1}
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		now = now.Add(time.Hour) // the wait
		_, err := decide(facts)
		return err
	}}
	svc := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }})
	record := invitations.Record{Nonce: [16]byte{7}, Invitation: invitations.Invitation{
		ID: signedID, Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer",
		SentAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Minute),
	}}
	facts.Invitation = &record
	_, err := svc.Accept(t.Context(), wireOf(invitations.TokenClaim{Organization: "acme", ID: signedID, Nonce: record.Nonce}).text(), invitations.Identity{UserID: "nina"})
	require.Equal(t, invitations.ErrExpired, err)
	_, err = svc.Revoke(t.Context(), invitations.System(), "acme", signedID)
	require.Equal(t, invitations.ErrExpired, err)
}

// The events tell when an invitation was made, also of a call that has waited.
func TestClock_CreationIsTold(t *testing.T) {
	t.Parallel()
	now := noon
	var changes invitations.Changes
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) (err error) {
		now = now.Add(time.Hour) // the wait
		changes, err = decide(workable("Invite"))
		return err
	}}
	svc := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }})
	for name, call := range map[string]func() error{
		"Invite": func() error {
			_, err := svc.Invite(t.Context(), olgaActs, goodInvite())
			return err
		},
		"CreateLink": func() error {
			_, err := svc.CreateLink(t.Context(), olgaActs, goodLink())
			return err
		},
		"InviteAll": func() error {
			_, err := svc.InviteAll(t.Context(), olgaActs, "acme", []invitations.InviteParams{goodInvite()})
			return err
		},
	} {
		require.NoError(t, call(), name)
		made, told := changes.Invitations[0], changes.Events[0]
		require.Equal(t, told.At, made.CreatedAt, name)
		require.Equal(t, told.At, made.SentAt, name)
		require.Equal(t, told.ExpiresAt, made.ExpiresAt, name)
		require.Equal(t, 7*days, made.ExpiresAt.Sub(made.SentAt), name)
	}
}

// An invitation whose seat was given away after its end brings in nobody, where the clock is
// set back while it is accepted.
func TestClass29_ClockSetBackWhileAccepting(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	clock := []time.Time{noon} // what it says; the last for good
	svc := acmeOn(t, func() time.Time {
		now := clock[0]
		clock = clock[min(1, len(clock)-1):]
		return now
	}, invitations.Config{MemberLimit: 2, ReserveSeats: true})
	sent, err := svc.Invite(ctx, olgaActs, goodInvite())
	require.NoError(t, err)
	link, err := svc.CreateLink(ctx, olgaActs, goodLink())
	require.NoError(t, err)
	vera := invitations.Identity{UserID: "vera"}
	_, err = svc.Accept(ctx, link.Token.Reveal(), vera)
	require.Equal(t, invitations.ErrMemberLimit, err, "the seat is taken")
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}

	// The link outlives the invitation.
	clock = []time.Time{sent.ExpiresAt.Add(-time.Hour)}
	link, err = svc.Resend(ctx, olgaActs, invitations.ResendParams{Organization: "acme", ID: link.ID})
	require.NoError(t, err)
	clock = []time.Time{sent.ExpiresAt}
	_, err = svc.Accept(ctx, link.Token.Reveal(), vera)
	require.NoError(t, err)

	before := sent.ExpiresAt.Add(-time.Microsecond)
	for _, clock = range [][]time.Time{{sent.ExpiresAt, before}, {before}} {
		_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
		require.Equal(t, invitations.ErrMemberLimit, err, "the third of two")
	}
	clock = []time.Time{before}
	_, err = svc.Leave(ctx, "acme", "vera")
	require.NoError(t, err)
	clock = []time.Time{sent.ExpiresAt, before}
	_, err = svc.Accept(ctx, sent.Token.Reveal(), nina)
	require.NoError(t, err, "there is room again")
}

// A service on another store is the same service: its keys, policy, clock and limits.
func TestWithStore(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": {invitations.PermissionInvitationCreate, invitations.PermissionInvitationList}, "guest": nil,
	})
	require.NoError(t, err)
	ctx := t.Context()
	one := acmeOn(t, func() time.Time { return noon }, invitations.Config{Policy: policy, PendingLimit: 1, Expiry: 2 * days})
	two := one.WithStore(memstore.New())
	require.NotSame(t, one, two)
	require.Same(t, policy, two.Policy())

	_, err = two.Member(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrNotFound, err, "acme is in the other store")
	_, err = two.CreateOrganization(ctx, "acme", "otto")
	require.NoError(t, err)
	_, err = one.Member(ctx, "acme", "otto")
	require.Equal(t, invitations.ErrNotFound, err)

	sent, err := two.CreateLink(ctx, invitations.User("otto"), invitations.CreateLinkParams{Organization: "acme", Role: "guest"})
	require.NoError(t, err)
	require.Equal(t, noon.Add(2*days), sent.ExpiresAt)
	_, err = two.CreateLink(ctx, invitations.User("otto"), invitations.CreateLinkParams{Organization: "acme", Role: "guest"})
	require.Equal(t, invitations.ErrPendingLimit, err)

	// The signature is good for both, the invitation is of one.
	_, err = one.Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrInvalidToken, err)
	_, err = two.Lookup(ctx, sent.Token.Reveal())
	require.NoError(t, err)
	_, err = one.WithStore(memstore.New()).Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrInvalidToken, err)
}
