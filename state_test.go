package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each operation on one invitation, performed by those who may. The state is what the
// invitation is in afterwards.
var operations = map[string]func(t require.TestingT, r rules, f Facts) (State, Changes, error){
	"look": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		record, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			record, err := r.lookup(f, token)
			return record, Changes{}, err
		})
		return record.State, changes, err
	},
	"reveal": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		record, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			record, err := r.reveal(f, User(adam))
			return record, Changes{}, err
		})
		return record.State, changes, err
	},
	"accept": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, verifiedNina}.decide(r, f) })
		return stateIn(changes), changes, err
	},
	"decline": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) { return declining{token}.decide(r, f) })
		return stateIn(changes), changes, err
	},
	"revoke": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) { return revocation{actor: User(adam)}.decide(r, f) })
		return stateIn(changes), changes, err
	},
	"resend": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			return resending{actor: User(adam), nonce: nextNonce, lifetime: 0}.decide(r, f)
		})
		return stateIn(changes), changes, err
	},
	"edit": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			return editing{actor: User(adam), edit: edit{role: RoleViewer}}.decide(r, f)
		})
		return stateIn(changes), changes, err
	},
	"accept received": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Member, Changes, error) {
			return receivedAcceptance{received{acme, invitedID}, verifiedNina}.decide(r, f)
		})
		return stateIn(changes), changes, err
	},
	"decline received": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			return receivedDeclining{received{acme, invitedID}, verifiedNina}.decide(r, f)
		})
		return stateIn(changes), changes, err
	},
}

func stateIn(c Changes) State {
	if len(c.Invitations) == 0 {
		return ""
	}
	return c.Invitations[0].State
}

// life is the whole table of states and operations: the state that follows, or the refusal.
var life = []struct {
	kind                                          Kind
	operation                                     string
	pending, expired, accepted, declined, revoked any
}{
	{KindEmail, "look", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "reveal", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "accept", StateAccepted, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "decline", StateDeclined, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "revoke", StateRevoked, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "resend", StatePending, StatePending, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "edit", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "accept received", StateAccepted, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "decline received", StateDeclined, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},

	{KindLink, "look", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "reveal", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "accept", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "decline", ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid},
	{KindLink, "revoke", StateRevoked, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "resend", StatePending, StatePending, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "edit", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "accept received", ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound},
	{KindLink, "decline received", ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound},
}

func TestLife(t *testing.T) {
	t.Parallel()
	require.Len(t, life, 2*len(operations), "a row for every kind and operation")
	for _, row := range life {
		for state, want := range map[State]any{
			StatePending: row.pending, StateExpired: row.expired, StateAccepted: row.accepted,
			StateDeclined: row.declined, StateRevoked: row.revoked,
		} {
			t.Run(string(row.kind)+"/"+row.operation+"/"+string(state), func(t *testing.T) {
				t.Parallel()
				before := inState(recordOf(row.kind), state)
				after, changes, err := operations[row.operation](t, atNoon(), factsOf(before))
				refusal, refused := want.(error)
				if !refused {
					require.NoError(t, err)
					require.Equal(t, want, after)
					return
				}
				require.ErrorIs(t, err, refusal)
				require.True(t, changes.Empty())
				if refusal != ErrInvalid && refusal != ErrNotFound {
					require.ErrorIs(t, err, ErrNotPending, "the coarse error fits as well")
				}
			})
		}
	}
}

// An invitation is expired from the very instant that it names.
func TestClass24_ExpiryToTheMicrosecond(t *testing.T) {
	t.Parallel()
	for operation, perform := range operations {
		for _, kind := range []Kind{KindEmail, KindLink} {
			switch operation {
			case "resend":
				continue // has no end by expiry
			case "decline", "accept received", "decline received":
				if kind == KindLink {
					continue
				}
			}
			t.Run(operation+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				f := factsOf(recordOf(kind))
				r := atNoon()
				r.now = f.Invitation.ExpiresAt.Add(-time.Microsecond)
				_, _, err := perform(t, r, f)
				require.NoError(t, err, "a microsecond before")
				r.now = f.Invitation.ExpiresAt
				_, _, err = perform(t, r, f)
				require.Equal(t, ErrExpired, err, "at the instant")
				r.now = f.Invitation.ExpiresAt.Add(time.Microsecond)
				_, _, err = perform(t, r, f)
				require.Equal(t, ErrExpired, err, "a microsecond later")
			})
		}
	}
}

// A stored state that this version does not know opens nothing.
func TestLife_UnknownState(t *testing.T) {
	t.Parallel()
	for operation, perform := range operations {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			f.Invitation.State = "suspended"
			_, _, err := perform(t, atNoon(), f)
			require.ErrorIs(t, err, ErrNotPending)
		})
	}
}

// After a resend the token of before is worth nothing, for nobody and nothing.
func TestClass26_ResendKillsTheOldToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		resent, _, err := resending{actor: User(olga), nonce: nextNonce}.decide(atNoon(), factsOf(recordOf(kind)))
		require.NoError(t, err)
		for _, operation := range []string{"look", "accept", "decline"} {
			_, _, err := operations[operation](t, atNoon(), factsOf(resent))
			require.Equal(t, ErrInvalidToken, err, "%s %s", operation, kind)
		}
		_, err = atNoon().lookup(factsOf(resent), claim{acme, invitedID, nextNonce})
		require.NoError(t, err)
	}
}

// What the row keeps decides, not what the token says: whatever is revoked stays so.
func TestClass25_RevokedIsRevoked(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		revoked, _, err := revocation{actor: User(olga)}.decide(atNoon(), factsOf(recordOf(kind)))
		require.NoError(t, err)
		for _, operation := range []string{"look", "accept", "resend", "revoke", "reveal", "edit"} {
			_, _, err := operations[operation](t, atNoon(), factsOf(revoked))
			require.Equal(t, ErrRevoked, err, "%s %s", operation, kind)
		}
	}
}

// Tokens that do not open the invitation are all refused in the same way.
func TestOpens(t *testing.T) {
	t.Parallel()
	unset := emailRecord()
	unset.Nonce = [16]byte{}
	elsewhere := emailRecord()
	elsewhere.ID = otherID
	for name, c := range map[string]struct {
		facts Facts
		claim claim
	}{
		"no organization answers":    {Facts{}, token},
		"no invitation":              {noInvitation(), token},
		"another nonce":              {factsOf(emailRecord()), claim{acme, invitedID, nextNonce}},
		"another id":                 {factsOf(elsewhere), token},
		"Class20: no nonce":          {factsOf(emailRecord()), claim{acme, invitedID, [16]byte{}}},
		"Class20: no nonce, twice":   {factsOf(unset), claim{acme, invitedID, [16]byte{}}},
		"Class20: the row has none":  {factsOf(unset), token},
		"Class20: nothing at all":    {factsOf(Record{}), claim{}},
		"the last byte is different": {factsOf(emailRecord()), claim{acme, invitedID, [16]byte{1, 2, 3, 15: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atNoon().lookup(c.facts, c.claim)
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decided(t, c.facts, func(f Facts) (Member, Changes, error) {
				return acceptance{c.claim, verifiedNina}.decide(atNoon(), f)
			})
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decided(t, c.facts, func(f Facts) (Record, Changes, error) {
				return declining{c.claim}.decide(atNoon(), f)
			})
			require.Equal(t, ErrInvalidToken, err)
		})
	}
}
