package invitations

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An operation acts on the invitation of the facts, and returns the state after it.
type operation func(t require.TestingT, r rules, f Facts) (State, Changes, error)

// operations are the acts on an invitation, by people who may perform them.
var operations = map[string]operation{
	"lookup":           operationOf(lookupAct{token}),
	"pending token":    operationOf(pendingTokenAct{User(adam)}),
	"accept":           operationOf(acceptance{token, verifiedNina}),
	"decline":          operationOf(declining{token}),
	"revoke":           operationOf(revokeBy(User(adam))),
	"resend":           operationOf(resendBy(User(adam))),
	"edit":             operationOf(editBy(User(adam), edit{role: RoleViewer})),
	"accept received":  operationOf(receivedAcceptance{received{acme, invitedID}, verifiedNina}),
	"decline received": operationOf(receivedDeclining{received{acme, invitedID}, verifiedNina}),
}

func operationOf[T any](a act[T]) operation {
	return func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		result, changes, err := decide(t, r, f, a)
		var state State
		if record, ok := any(result).(Record); ok {
			state = record.State
		}
		if len(changes.Invitations) > 0 {
			state = changes.Invitations[0].State
		}
		return state, changes, err
	}
}

// states has the result of every operation in every state: the state after it, or the refusal.
var states = []struct {
	kind                                          Kind
	operation                                     string
	pending, expired, accepted, declined, revoked any
}{
	{KindEmail, "lookup", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "pending token", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "accept", StateAccepted, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "decline", StateDeclined, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "revoke", StateRevoked, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "resend", StatePending, StatePending, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "edit", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "accept received", StateAccepted, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "decline received", StateDeclined, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},

	{KindLink, "lookup", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "pending token", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "accept", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "decline", ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid},
	{KindLink, "revoke", StateRevoked, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "resend", StatePending, StatePending, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "edit", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "accept received", ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound},
	{KindLink, "decline received", ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound},
}

func TestState(t *testing.T) {
	t.Parallel()
	require.Len(t, states, 2*len(operations), "a row for each kind and operation")
	for _, row := range states {
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
				if !errors.Is(refusal, ErrInvalid) && !errors.Is(refusal, ErrNotFound) {
					require.ErrorIs(t, err, ErrNotPending)
				}
			})
		}
	}
}

// An invitation has expired from the instant of its ExpiresAt on.
func TestClass24_ExpiryToTheMicrosecond(t *testing.T) {
	t.Parallel()
	for name, perform := range operations {
		for _, kind := range bothKinds {
			switch name {
			case "resend":
				continue // possible after the expiry
			case "decline", "accept received", "decline received":
				if kind == KindLink {
					continue
				}
			}
			t.Run(name+"/"+string(kind), func(t *testing.T) {
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
				require.Equal(t, ErrExpired, err, "a microsecond after")
			})
		}
	}
}

// Another version of the program may store a state that this version does not know.
func TestState_Unknown(t *testing.T) {
	t.Parallel()
	for name, perform := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			f.Invitation.State = "suspended"
			_, _, err := perform(t, atNoon(), f)
			require.ErrorIs(t, err, ErrNotPending)
		})
	}
}

func TestClass26_ResendKillsTheOldToken(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		resent, _, err := decide(t, atNoon(), factsOf(recordOf(kind)), resendBy(User(olga)))
		require.NoError(t, err)
		for _, name := range []string{"lookup", "accept", "decline"} {
			_, _, err := operations[name](t, atNoon(), factsOf(resent))
			require.Equal(t, ErrInvalidToken, err, "%s %s", name, kind)
		}
		_, _, err = decide(t, atNoon(), factsOf(resent), lookupAct{claim{acme, invitedID, nextNonce}})
		require.NoError(t, err)
	}
}

// The record decides, not the token, so nothing brings a revoked invitation back.
func TestClass25_RevokedStaysRevoked(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		revoked, _, err := decide(t, atNoon(), factsOf(recordOf(kind)), revokeBy(User(olga)))
		require.NoError(t, err)
		for _, name := range []string{"lookup", "accept", "resend", "revoke", "pending token", "edit"} {
			_, _, err := operations[name](t, atNoon(), factsOf(revoked))
			require.Equal(t, ErrRevoked, err, "%s %s", name, kind)
		}
	}
}

func TestClaim_InvalidToken(t *testing.T) {
	t.Parallel()
	withoutNonce := changed(emailRecord(), func(r *Record) { r.Nonce = [16]byte{} })
	otherRecord := changed(emailRecord(), func(r *Record) { r.ID = otherID })
	elsewhere := changed(emailRecord(), func(r *Record) { r.Organization = "other" })
	for name, c := range map[string]struct {
		facts Facts
		claim claim
	}{
		"no organization":               {Facts{}, token},
		"no invitation":                 {noInvitation(), token},
		"another nonce":                 {factsOf(emailRecord()), claim{acme, invitedID, nextNonce}},
		"another last byte":             {factsOf(emailRecord()), claim{acme, invitedID, [16]byte{1, 2, 3, 15: 1}}},
		"another ID":                    {factsOf(otherRecord), token},
		"another organization":          {factsOf(elsewhere), token},
		"Class20: no nonce in token":    {factsOf(emailRecord()), claim{acme, invitedID, [16]byte{}}},
		"Class20: no nonce in record":   {factsOf(withoutNonce), token},
		"Class20: no nonce in either":   {factsOf(withoutNonce), claim{acme, invitedID, [16]byte{}}},
		"Class20: zero token, no claim": {factsOf(Record{}), claim{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := decide(t, atNoon(), c.facts, lookupAct{c.claim})
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decide(t, atNoon(), c.facts, acceptance{c.claim, verifiedNina})
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decide(t, atNoon(), c.facts, declining{c.claim})
			require.Equal(t, ErrInvalidToken, err)
		})
	}
}
