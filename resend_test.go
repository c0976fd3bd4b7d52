package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestFound(t *testing.T) {
	t.Parallel()
	founder := Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon.Add(-day)}
	invitedOwner := founder
	invitedOwner.InvitationID = invitedID
	demoted := founder
	demoted.Role = RoleAdmin
	existing := func(m ...Member) Facts {
		f := Facts{Organization: acme, Version: 3, Members: map[string]Member{}}
		for _, m := range m {
			f.Members[m.UserID] = m
		}
		return f
	}
	for name, c := range map[string]struct {
		facts Facts
		want  any // the membership, or the refusal
	}{
		"a new one":                         {Facts{Organization: acme}, Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon}},
		"the same call again":               {existing(founder), founder},
		"of somebody else":                  {existing(), ErrConflict},
		"an owner who came in later":        {existing(invitedOwner), ErrConflict},
		"a founder who is an owner no more": {existing(demoted), ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, changes, err := decided(t, c.facts, func(f Facts) (Member, Changes, error) {
				return founding{acme, olga}.decide(atNoon(), f)
			})
			if refusal, ok := c.want.(error); ok {
				require.Equal(t, refusal, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, m)
			if c.facts.Version > 0 {
				require.Zero(t, changes, "a repetition changes nothing")
				return
			}
			require.Equal(t, Changes{
				Members: []Member{m},
				Events: []Event{{
					Organization: acme, Type: EventMemberJoined, At: noon, Actor: olga, Subject: olga, Role: RoleOwner,
				}},
			}, changes)
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, actor := range map[string]Actor{"by a member": User(olga), "by the host": System()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record, changes, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
				return revocation{actor: actor}.decide(atNoon(), f)
			})
			require.NoError(t, err)
			want := emailRecord()
			want.State, want.EndedAt, want.SweepAt = StateRevoked, noon, time.Time{}
			require.Equal(t, want.Invitation, record.Invitation)
			require.Equal(t, Changes{
				Invitations: []Record{want},
				Events: []Event{{
					Organization: acme, Type: EventInvitationRevoked, At: noon, Actor: actor.user,
					InvitationID: invitedID, Role: RoleDeveloper, MaxUses: 1, ExpiresAt: want.ExpiresAt,
				}},
			}, changes)
		})
	}
}

// Revoking gives nothing, so it needs no more than its permission: an admin can take back
// what an owner has offered.
func TestRevoke_HigherRole(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Invitation.Role = RoleOwner
	_, _, err := revocation{actor: User(adam)}.decide(atNoon(), f)
	require.NoError(t, err)
}

func TestResend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state    State
		kind     Kind
		actor    Actor
		lifetime time.Duration
		expires  time.Time
	}{
		"pending, as long as before": {StatePending, KindEmail, User(olga), 0, noon.Add(7 * day)},
		"pending, by the sender":     {StatePending, KindEmail, User(adam), 0, noon.Add(7 * day)},
		"pending, shorter":           {StatePending, KindEmail, User(olga), 2 * day, noon.Add(2 * day)},
		"pending link, by the host":  {StatePending, KindLink, System(), 30 * day, noon.Add(30 * day)},
		"expired, with a lifetime":   {StateExpired, KindEmail, User(olga), 3 * day, noon.Add(3 * day)},
		"expired link":               {StateExpired, KindLink, User(olga), 3 * day, noon.Add(3 * day)},
		// An expired fixture had exactly an hour to live.
		"expired, as long as before": {StateExpired, KindEmail, User(olga), 0, noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := inState(recordOf(c.kind), c.state)
			record, changes, err := decided(t, factsOf(before), func(f Facts) (Record, Changes, error) {
				return resending{actor: c.actor, nonce: nextNonce, lifetime: c.lifetime}.decide(atNoon(), f)
			})
			require.NoError(t, err)
			want := before
			want.Nonce, want.SentVersion = nextNonce, 10
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

// A lifetime that nobody asks for is the one of before, within the bounds of today.
func TestResend_LifetimeOfBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ least, greatest, want time.Duration }{
		"within the bounds":     {day, 30 * day, 7 * day},
		"the greatest has sunk": {day, 3 * day, 3 * day},
		"the least has risen":   {14 * day, 30 * day, 14 * day},
		"exactly the least":     {7 * day, 30 * day, 7 * day},
		"exactly the greatest":  {day, 7 * day, 7 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := atNoon()
			r.minExpiry, r.maxExpiry = c.least, c.greatest
			record, _, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
				return resending{actor: User(adam), nonce: nextNonce, lifetime: 0}.decide(r, f)
			})
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), record.ExpiresAt)
		})
	}
}

// An expired invitation takes a place again, and is refused like a new one. A pending one
// has its place.
func TestResend_TakesPlace(t *testing.T) {
	t.Parallel()
	taken := map[string]uuid.UUID{ninasEmail: otherID}
	for name, c := range map[string]struct {
		state   State
		kind    Kind
		count   int
		pending map[string]uuid.UUID
		want    error
	}{
		"expired, a place is left":                  {StateExpired, KindEmail, 9, nil, nil},
		"expired, at the limit":                     {StateExpired, KindEmail, 10, nil, ErrPendingLimit},
		"expired link, at the limit":                {StateExpired, KindLink, 10, nil, ErrPendingLimit},
		"expired, a newer one for the same address": {StateExpired, KindEmail, 0, taken, &AlreadyInvitedError{InvitationID: otherID}},
		// It was pending when the facts were asked for, and is not when they are decided
		// on.
		"expired, nothing pending but itself": {StateExpired, KindEmail, 1, map[string]uuid.UUID{ninasEmail: invitedID}, nil},
		"pending, at the limit":               {StatePending, KindEmail, 10, map[string]uuid.UUID{ninasEmail: invitedID}, nil},
		"pending link, at the limit":          {StatePending, KindLink, 10, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(inState(recordOf(c.kind), c.state))
			f.PendingCount, f.PendingByEmail = c.count, c.pending
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return resending{actor: User(adam), nonce: nextNonce, lifetime: 0}.decide(atNoon(), f)
			})
			require.Equal(t, c.want, err)
		})
	}
}

// Reading the token again needs the sender to be entitled still, or it would be a token
// that nobody can use.
func TestReveal_SenderGone(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, err := atNoon().reveal(f, User(olga))
	require.Equal(t, ErrSenderNotEntitled, err)
}

func TestReveal(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		record, err := atNoon().reveal(factsOf(recordOf(kind)), User(olga))
		require.NoError(t, err)
		require.Equal(t, recordOf(kind), record)
	}
}
