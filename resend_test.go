package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestResend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state    State
		kind     Kind
		actor    Actor
		lifetime time.Duration
		expires  time.Time
	}{
		"pending, the lifetime of before": {StatePending, KindEmail, User(olga), 0, noon.Add(7 * day)},
		"pending, by the sender":          {StatePending, KindEmail, User(adam), 0, noon.Add(7 * day)},
		"pending, a shorter lifetime":     {StatePending, KindEmail, User(olga), 2 * day, noon.Add(2 * day)},
		"pending link, by System":         {StatePending, KindLink, System(), 30 * day, noon.Add(30 * day)},
		"expired, a lifetime":             {StateExpired, KindEmail, User(olga), 3 * day, noon.Add(3 * day)},
		"expired link":                    {StateExpired, KindLink, User(olga), 3 * day, noon.Add(3 * day)},
		// The expired record was sent an hour before its expiry.
		"expired, the lifetime of before": {StateExpired, KindEmail, User(olga), 0, noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := inState(recordOf(c.kind), c.state)
			a := resendBy(c.actor)
			a.lifetime = c.lifetime
			record, changes, err := decide(t, atNoon(), factsOf(before), a)
			require.NoError(t, err)
			want := before
			want.Nonce, want.SentVersion = nextNonce, 10 // the facts are at version 9
			want.SentBy, want.SentAt, want.ExpiresAt, want.SweepAt = c.actor.user, noon, c.expires, c.expires
			require.Equal(t, want, record)
			require.Equal(t, Changes{
				Invitations: []Record{want},
				Events: []Event{{
					Organization: acme, Type: EventInvitationResent, At: noon, Actor: c.actor.user,
					InvitationID: invitedID, Email: before.Email, Role: RoleDeveloper,
					MaxUses: before.MaxUses, ExpiresAt: c.expires,
				}},
			}, changes)
		})
	}
}

// Without a lifetime, that of the last sending counts, or the nearest of the present bounds.
func TestResend_DefaultLifetime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ minExpiry, maxExpiry, want time.Duration }{
		"within the bounds": {day, 30 * day, 7 * day},
		"above the bounds":  {day, 3 * day, 3 * day},
		"below the bounds":  {14 * day, 30 * day, 14 * day},
		"the lower bound":   {7 * day, 30 * day, 7 * day},
		"the upper bound":   {day, 7 * day, 7 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := atNoon()
			r.minExpiry, r.maxExpiry = c.minExpiry, c.maxExpiry
			record, _, err := decide(t, r, factsOf(emailRecord()), resendBy(User(adam)))
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), record.ExpiresAt)
		})
	}
}

// An expired invitation takes a place again, and is refused like a new one. A pending one has
// its place.
func TestResend_TakesPlace(t *testing.T) {
	t.Parallel()
	other := map[string]uuid.UUID{ninasEmail: otherID}
	itself := map[string]uuid.UUID{ninasEmail: invitedID}
	for name, c := range map[string]struct {
		state   State
		kind    Kind
		count   int
		pending map[string]uuid.UUID
		want    error
	}{
		"expired, one place is left":         {StateExpired, KindEmail, 9, nil, nil},
		"expired, at the limit":              {StateExpired, KindEmail, 10, nil, pendingFull(10)},
		"expired link, at the limit":         {StateExpired, KindLink, 10, nil, pendingFull(10)},
		"expired, another for the address":   {StateExpired, KindEmail, 0, other, &AlreadyInvitedError{InvitationID: otherID}},
		"expired since the facts were asked": {StateExpired, KindEmail, 1, itself, nil},
		"pending, at the limit":              {StatePending, KindEmail, 10, itself, nil},
		"pending link, at the limit":         {StatePending, KindLink, 10, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(inState(recordOf(c.kind), c.state))
			f.PendingCount, f.PendingByEmail = c.count, c.pending
			_, _, err := decide(t, atNoon(), f, resendBy(User(adam)))
			require.Equal(t, c.want, err)
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, actor := range map[string]Actor{"user": User(olga), "System": System()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := ended(emailRecord(), StateRevoked)
			record, changes, err := decide(t, atNoon(), factsOf(emailRecord()), revokeBy(actor))
			require.NoError(t, err)
			require.Equal(t, want.Invitation, record.Invitation)
			require.Equal(t, Changes{
				Invitations: []Record{want},
				Events: []Event{{
					Organization: acme, Type: EventInvitationRevoked, At: noon, Actor: actor.user,
					InvitationID: invitedID, Email: ninasEmail, Role: RoleDeveloper, MaxUses: 1, ExpiresAt: want.ExpiresAt,
				}},
			}, changes)
		})
	}
}

// Revoking grants nothing, so an admin can revoke an owner's offer.
func TestRevoke_HigherRole(t *testing.T) {
	t.Parallel()
	f := factsOf(changed(emailRecord(), func(r *Record) { r.Role = RoleOwner }))
	_, _, err := decide(t, atNoon(), f, revokeBy(User(adam)))
	require.NoError(t, err)
}

func TestPendingToken(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		record, _, err := decide(t, atNoon(), factsOf(recordOf(kind)), pendingTokenAct{User(olga)})
		require.NoError(t, err)
		require.Equal(t, recordOf(kind), record)
	}
}

// A token that nobody can accept is not revealed.
func TestPendingToken_SenderNotEntitled(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, _, err := decide(t, atNoon(), f, pendingTokenAct{User(olga)})
	require.Equal(t, ErrSenderNotEntitled, err)
}
