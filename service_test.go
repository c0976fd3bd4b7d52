package invitations_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

//go:generate go run github.com/matryer/moq@v0.8.1 -rm -out store_mock_test.go -pkg invitations_test . Store

var testKey = bytes.Repeat([]byte("0123456789abcdef"), 2)

func ringOf(t testing.TB, secrets ...[]byte) *invitations.Keyring {
	t.Helper()
	ring, err := invitations.NewKeyring(secrets...)
	require.NoError(t, err)
	return ring
}

func serviceOn(t testing.TB, store invitations.Store, config invitations.Config) *invitations.Service {
	t.Helper()
	svc, err := invitations.New(store, ringOf(t, testKey), config)
	require.NoError(t, err)
	return svc
}

// requireInvalid fails unless err says which argument it refuses and why.
func requireInvalid(t require.TestingT, err error, field string) {
	var refused *invitations.InvalidError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, field, refused.Field)
	require.NotEmpty(t, refused.Reason)
	require.ErrorIs(t, err, invitations.ErrInvalid)
	require.Equal(t, "invitations: "+field+" "+refused.Reason, err.Error())
}

// answering returns a store whose every decision and view is about the facts f. It keeps
// nothing.
func answering(f invitations.Facts) *StoreMock {
	return &StoreMock{
		UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
			_, err := decide(f)
			return err
		},
		CreateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
			_, err := decide(f)
			return err
		},
		ViewFunc: func(context.Context, invitations.Query) (invitations.Facts, error) { return f, nil },
	}
}

// A token whose signature is wrong never reaches a store.
func TestClass19_ForgedTokenNeverReachesTheStore(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	forged := validWire()
	forged.secret = bytes.Repeat([]byte("x"), 32)
	valid := validWire().text()
	for name, token := range map[string]string{
		"empty": "", "malformed": "inv_", "forged": forged.text(), "cut": valid[:95], "longer": valid + "A",
		"a line break": valid[:50] + "\n" + valid[51:], "redacted": "[redacted]", "huge": strings.Repeat("A", 1<<20),
		"an id": signedID.String(), "a cursor": cursorOf(1, 0, signedID),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			offered, err := svc.Lookup(t.Context(), token)
			require.Equal(t, invitations.ErrInvalidToken, err)
			require.Zero(t, offered)
			member, err := svc.Accept(t.Context(), token, invitations.Identity{UserID: "nina"})
			require.Equal(t, invitations.ErrInvalidToken, err)
			require.Zero(t, member)
			require.Equal(t, invitations.ErrInvalidToken, svc.Decline(t.Context(), token))
			next, err := svc.NextStep(t.Context(), token, invitations.Visitor{})
			require.NoError(t, err)
			require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Reason: invitations.ErrInvalidToken}, next)
		})
	}
}

// A store that has to begin again calls the decision again, with what it finds then; the
// last answer is the one that counts.
func TestRetry(t *testing.T) {
	t.Parallel()
	// retrying calls the decision for each of the facts, as a store does whose transaction
	// fails each time but the last.
	retrying := func(rounds ...invitations.Facts) (*StoreMock, *[]invitations.Changes) {
		var changes []invitations.Changes
		return &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
			var err error
			for _, f := range rounds {
				var c invitations.Changes
				c, err = decide(f)
				changes = append(changes, c)
			}
			return err
		}}, &changes
	}
	who := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	token := validWire().text()
	revoked, viewer := ninaInvited(), ninaInvited()
	revoked.Invitation.State = invitations.StateRevoked
	viewer.Invitation.Role = invitations.RoleViewer

	t.Run("allowed at first, refused at last", func(t *testing.T) {
		store, changes := retrying(ninaInvited(), revoked)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, who)
		require.Equal(t, invitations.ErrRevoked, err)
		require.Zero(t, member)
		require.False(t, (*changes)[0].Empty())
		require.True(t, (*changes)[1].Empty())
	})
	t.Run("refused at first, allowed at last", func(t *testing.T) {
		store, changes := retrying(revoked, ninaInvited())
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, who)
		require.NoError(t, err)
		require.Equal(t, "nina", member.UserID)
		require.True(t, (*changes)[0].Empty())
		require.Equal(t, []invitations.Member{member}, (*changes)[1].Members)
	})
	t.Run("another role at last", func(t *testing.T) {
		store, _ := retrying(ninaInvited(), viewer)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, who)
		require.NoError(t, err)
		require.Equal(t, invitations.RoleViewer, member.Role)
	})
	t.Run("accepted by another call meanwhile", func(t *testing.T) {
		accepted := ninaInvited()
		accepted.Invitation.State = invitations.StateAccepted
		mine := invitations.Member{Organization: "acme", UserID: "nina", Role: invitations.RoleDeveloper, InvitationID: signedID, JoinedAt: noon}
		accepted.Members["nina"] = mine
		store, changes := retrying(ninaInvited(), accepted)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, who)
		require.NoError(t, err)
		require.Equal(t, mine, member)
		require.True(t, (*changes)[1].Empty())
	})
	t.Run("one invitation, one token, however often", func(t *testing.T) {
		first, second := workable("Invite"), workable("Invite")
		second.Version = 7
		store, changes := retrying(first, second, second)
		sent, err := serviceOn(t, store, atNoon()).Invite(t.Context(), olgaActs, goodInvite())
		require.NoError(t, err)
		last := (*changes)[2].Invitations[0]
		require.Equal(t, last.Invitation, sent.Invitation)
		require.Equal(t, int64(8), last.SentVersion)
		require.Equal(t, tokenOf(last), sent.Token.Reveal())
		for _, c := range *changes {
			require.Equal(t, last.ID, c.Invitations[0].ID)
			require.Equal(t, last.Nonce, c.Invitations[0].Nonce)
		}
	})
	t.Run("the address was invited meanwhile", func(t *testing.T) {
		invited := workable("Invite")
		invited.PendingByEmail = map[string]uuid.UUID{"nina@example.com": signedID}
		store, _ := retrying(workable("Invite"), invited)
		sent, err := serviceOn(t, store, atNoon()).Invite(t.Context(), olgaActs, goodInvite())
		var already *invitations.AlreadyInvitedError
		require.ErrorAs(t, err, &already)
		require.Equal(t, signedID, already.InvitationID)
		require.Zero(t, sent)
	})
}

// What is made is what was asked for, and nothing is left open.
func TestCreated(t *testing.T) {
	t.Parallel()
	p := goodInvite()
	p.Email, p.Message, p.Metadata = "NINA@bücher.example", "Welcome!", map[string]string{"team": "red"}
	p.ExpiresIn, p.ID = 3*days, signedID
	l := goodLink()
	l.MaxUses, l.AllowedDomains, l.Message, l.Metadata = 5, []string{"example.com"}, "Hello", map[string]string{"a": "b"}
	l.ExpiresIn, l.ID = 30*days, signedID
	invited := invitations.Invitation{
		ID: signedID, Organization: "acme", Kind: invitations.KindEmail, State: invitations.StatePending,
		Email: "nina@xn--bcher-kva.example", Role: invitations.RoleDeveloper, Message: "Welcome!",
		Metadata: map[string]string{"team": "red"}, MaxUses: 1, CreatedBy: "olga", SentBy: "olga",
		CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(3 * days),
	}
	linked := invitations.Invitation{
		ID: signedID, Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending,
		Role: invitations.RoleDeveloper, Message: "Hello", Metadata: map[string]string{"a": "b"},
		MaxUses: 5, AllowedDomains: []string{"example.com"}, CreatedBy: "olga", SentBy: "olga",
		CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(30 * days),
	}
	svc := serviceOn(t, answering(workable("Invite")), atNoon())
	sent, err := svc.Invite(t.Context(), olgaActs, p)
	require.NoError(t, err)
	require.Equal(t, invited, sent.Invitation)
	sent, err = svc.CreateLink(t.Context(), olgaActs, l)
	require.NoError(t, err)
	require.Equal(t, linked, sent.Invitation)

	invited.CreatedBy, invited.SentBy, linked.CreatedBy, linked.SentBy = "", "", "", ""
	sent, err = svc.Invite(t.Context(), invitations.System(), p)
	require.NoError(t, err)
	require.Equal(t, invited, sent.Invitation)
	sent, err = svc.CreateLink(t.Context(), invitations.System(), l)
	require.NoError(t, err)
	require.Equal(t, linked, sent.Invitation)
}

// The token that a call returns opens what the call made, and only as long as that is
// pending.
func TestSentToken(t *testing.T) {
	t.Parallel()
	ownID := goodInvite()
	ownID.ID = signedID
	for name, c := range map[string]struct {
		change func(*invitations.Record)
		token  bool
	}{
		"pending": {func(*invitations.Record) {}, true},
		"resent": {func(r *invitations.Record) {
			r.Nonce, r.SentAt, r.ExpiresAt = [16]byte{7}, noon, noon.Add(7*days)
		}, true},
		"expired":  {func(r *invitations.Record) { r.SentAt, r.ExpiresAt = noon.Add(-7*days), noon }, false},
		"accepted": {func(r *invitations.Record) { r.State = invitations.StateAccepted }, false},
		"declined": {func(r *invitations.Record) { r.State = invitations.StateDeclined }, false},
		"revoked":  {func(r *invitations.Record) { r.State = invitations.StateRevoked }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := workable("Resend")
			f.Invitation.Message = ""
			c.change(f.Invitation)
			sent, err := serviceOn(t, answering(f), atNoon()).Invite(t.Context(), olgaActs, ownID)
			require.NoError(t, err)
			require.Equal(t, !c.token, sent.Token.IsZero())
			if c.token {
				require.Equal(t, tokenOf(*f.Invitation), sent.Token.Reveal())
				return
			}
			require.NotEqual(t, invitations.StatePending, sent.State)
		})
	}
}

// Sending again makes a new token; asking again gives the same.
func TestResendAndSent(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	f := workable("Resend")
	svc := serviceOn(t, answering(f), atNoon())
	again, err := svc.PendingToken(t.Context(), olgaActs, "acme", signedID)
	require.NoError(t, err)
	token := again.Token
	require.Equal(t, validWire().text(), token.Reveal())
	require.Equal(t, f.Invitation.Invitation, again.Invitation)

	tokens := map[string]bool{token.Reveal(): true}
	for range 10 {
		sent, err := svc.Resend(t.Context(), olgaActs, goodResend())
		require.NoError(t, err)
		claim, err := invitations.VerifyToken(ring, sent.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, signedID, claim.ID)
		require.Equal(t, "acme", claim.Organization)
		require.False(t, tokens[sent.Token.Reveal()], "Class26: each has its own")
		tokens[sent.Token.Reveal()] = true
	}
}

// An invitation from the time of other bounds is sent again within those of today.
func TestResend_BoundsOfToday(t *testing.T) {
	t.Parallel()
	for before, want := range map[time.Duration]time.Duration{
		time.Hour: days, days: days, 3 * days: 3 * days, 30 * days: 30 * days, 90 * days: 30 * days,
	} {
		f := workable("Resend")
		f.Invitation.SentAt, f.Invitation.ExpiresAt = noon.Add(-time.Minute), noon.Add(-time.Minute).Add(before)
		sent, err := serviceOn(t, answering(f), atNoon()).Resend(t.Context(), olgaActs, goodResend())
		require.NoError(t, err)
		require.Equal(t, want, sent.ExpiresAt.Sub(sent.SentAt), before)
	}
}

// What a call returns shares no memory with what the caller gave or the store keeps.
func TestResultsAreCopies(t *testing.T) {
	t.Parallel()
	p := goodLink()
	p.Metadata = map[string]string{"team": "red"}
	p.AllowedDomains = []string{"example.com"}
	var put invitations.Record
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		changes, err := decide(workable("CreateLink"))
		put = changes.Invitations[0]
		return err
	}}
	sent, err := serviceOn(t, store, atNoon()).CreateLink(t.Context(), olgaActs, p)
	require.NoError(t, err)
	sent.Metadata["team"], sent.AllowedDomains[0] = "blue", "evil.example"
	require.Equal(t, "red", p.Metadata["team"])
	require.Equal(t, "example.com", p.AllowedDomains[0])
	require.Equal(t, "red", put.Metadata["team"])
	require.Equal(t, "example.com", put.AllowedDomains[0])
	p.Metadata["team"], p.AllowedDomains[0] = "green", "other.example"
	require.Equal(t, "red", put.Metadata["team"])
	require.Equal(t, "example.com", put.AllowedDomains[0])
}

// Nothing that the service returns or that a store is given shows a token or a key,
// whatever is printed of it. Stores get nonces, which are no secret without a key; callers
// do not.
func TestClass33_NoResultShowsASecret(t *testing.T) {
	t.Parallel()
	_, _, shown := secretsOf(t)
	nonce := []string{strings.Trim(fmt.Sprint(signedNonce), "[]"), hex.EncodeToString(signedNonce[:])}
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			store := failing(nil, workable(o.name), func(context.Context) {})
			svc := serviceOn(t, store, atNoon())
			result, err := o.call(t.Context(), svc)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				for _, value := range []any{result, err} {
					out := fmt.Sprintf(verb, value)
					requireHidden(t, out, shown)
					requireHidden(t, out, nonce)
				}
				requireHidden(t, fmt.Sprintf(verb, svc), shown)
				for _, c := range store.UpdateCalls() {
					requireHidden(t, fmt.Sprintf(verb, c.Q), shown)
				}
				for _, c := range store.ViewCalls() {
					requireHidden(t, fmt.Sprintf(verb, c.Q), shown)
				}
				requireHidden(t, fmt.Sprintf(verb, workable(o.name)), shown)
			}
		})
	}
	for _, s := range sentinels {
		requireHidden(t, fmt.Sprintf("%v %+v %#v", s.err, s.err, s.err), shown)
	}
}

// An error never says to whom an invitation went, whoever asks.
func TestClass38_ErrorsNameNobody(t *testing.T) {
	t.Parallel()
	token := validWire().text()
	mallory := invitations.Identity{UserID: "mallory", Email: "mallory@evil.example", EmailVerified: true}
	domains := linkOpen()
	domains.Invitation.AllowedDomains = []string{"example.com"}
	invited := workable("Invite")
	invited.PendingByEmail = map[string]uuid.UUID{"nina@example.com": signedID}
	calls := map[string]func() error{
		"mismatch": func() error {
			_, err := serviceOn(t, answering(ninaInvited()), atNoon()).Accept(t.Context(), token, mallory)
			return err
		},
		"domain": func() error {
			_, err := serviceOn(t, answering(domains), atNoon()).Accept(t.Context(), token, mallory)
			return err
		},
		"already invited": func() error {
			_, err := serviceOn(t, answering(invited), atNoon()).Invite(t.Context(), olgaActs, goodInvite())
			return err
		},
	}
	for name, call := range calls {
		err := call()
		require.Error(t, err, name)
		var refusal *invitations.Error
		require.ErrorAs(t, err, &refusal)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), refusal.Message()} {
			require.NotContains(t, text, "nina", name)
			require.NotContains(t, text, "example", name)
		}
	}
}
