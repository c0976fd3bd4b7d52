package invitations_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ninaInvited are the facts about an invitation of Nina that can be accepted at noon. The
// token of all tests opens it.
func ninaInvited() invitations.Facts {
	return invitations.Facts{
		Organization: "acme", Version: 2,
		Sender: &invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner},
		Invitation: &invitations.Record{
			Invitation: invitations.Invitation{
				ID: signedID, Organization: "acme", Kind: invitations.KindEmail, State: invitations.StatePending,
				Email: "nina@example.com", Role: invitations.RoleDeveloper, Message: "Welcome!", MaxUses: 1,
				CreatedBy: "olga", SentBy: "olga",
				CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(7 * days),
			},
			Nonce: signedNonce, SentVersion: 2, SweepAt: noon.Add(7 * days),
		},
		Members: map[string]invitations.Member{},
	}
}

func linkOpen() invitations.Facts {
	f := ninaInvited()
	f.Invitation.Kind, f.Invitation.Email, f.Invitation.MaxUses = invitations.KindLink, "", 3
	return f
}

func atNoon() invitations.Config {
	return invitations.Config{Clock: func() time.Time { return noon }}
}

var offer = invitations.Offer{
	ID: signedID, Organization: "acme", Kind: invitations.KindEmail, Email: "nina@example.com", Role: invitations.RoleDeveloper,
	Message: "Welcome!", SentBy: "olga", SentAt: noon, ExpiresAt: noon.Add(7 * days),
}

// Following the link is all that a person has to know: what comes next is told, for each
// who they are and whatever has become of the invitation.
func TestNext(t *testing.T) {
	t.Parallel()
	yes := func(context.Context, string) (bool, error) { return true, nil }
	no := func(context.Context, string) (bool, error) { return false, nil }
	nobody := invitations.Visitor{}
	nina := invitations.Visitor{Identity: invitations.Identity{UserID: "nina", Email: "Nina@example.com", EmailVerified: true}}
	unverified := invitations.Visitor{Identity: invitations.Identity{UserID: "nina", Email: "nina@example.com"}}
	mallory := invitations.Visitor{Identity: invitations.Identity{UserID: "mallory", Email: "mallory@evil.example", EmailVerified: true}}

	email := func(change func(f *invitations.Facts)) invitations.Facts {
		f := ninaInvited()
		change(&f)
		return f
	}
	link := func(change func(f *invitations.Facts)) invitations.Facts {
		f := linkOpen()
		change(&f)
		return f
	}
	asIs := func(*invitations.Facts) {}
	limited := func(f *invitations.Facts) { f.Invitation.AllowedDomains = []string{"example.com"} }
	state := func(s invitations.State) func(*invitations.Facts) {
		return func(f *invitations.Facts) { f.Invitation.State = s }
	}
	expired := func(f *invitations.Facts) { f.Invitation.ExpiresAt = noon }
	senderGone := func(f *invitations.Facts) { f.Sender = nil }
	member := func(by bool) func(*invitations.Facts) {
		return func(f *invitations.Facts) {
			m := invitations.Member{Organization: "acme", UserID: "nina", Role: invitations.RoleViewer}
			if by {
				m.InvitationID = signedID
			}
			f.Members["nina"] = m
		}
	}
	removed := func(version int64) func(*invitations.Facts) {
		return func(f *invitations.Facts) {
			f.Removals = map[string]int64{"nina": version}
		}
	}
	both := func(a, b func(*invitations.Facts)) func(*invitations.Facts) {
		return func(f *invitations.Facts) { a(f); b(f) }
	}

	for name, c := range map[string]struct {
		facts   invitations.Facts
		visitor invitations.Visitor
		step    invitations.Step
		reason  error
		offered bool
	}{
		"nobody signed in":                        {email(asIs), nobody, invitations.StepSignIn, nil, true},
		"nobody signed in, has an account":        {email(asIs), invitations.Visitor{HasAccount: yes}, invitations.StepSignIn, nil, true},
		"nobody signed in, has no account":        {email(asIs), invitations.Visitor{HasAccount: no}, invitations.StepRegister, nil, true},
		"nobody signed in, a link":                {link(asIs), invitations.Visitor{HasAccount: no}, invitations.StepSignIn, nil, true},
		"nobody signed in, revoked":               {email(state(invitations.StateRevoked)), invitations.Visitor{HasAccount: no}, invitations.StepStop, invitations.ErrRevoked, false},
		"nobody signed in, expired":               {email(expired), nobody, invitations.StepStop, invitations.ErrExpired, false},
		"nobody signed in, accepted":              {email(state(invitations.StateAccepted)), nobody, invitations.StepStop, invitations.ErrAccepted, false},
		"nobody signed in, sender gone":           {email(senderGone), nobody, invitations.StepStop, invitations.ErrSenderNotEntitled, false},
		"nobody signed in, no such invitation":    {invitations.Facts{}, nobody, invitations.StepStop, invitations.ErrInvalidToken, false},
		"the recipient":                           {email(asIs), nina, invitations.StepAccept, nil, true},
		"the recipient, unverified":               {email(asIs), unverified, invitations.StepVerifyEmail, invitations.ErrEmailUnverified, true},
		"another account":                         {email(asIs), mallory, invitations.StepSwitchAccount, invitations.ErrRecipientMismatch, true},
		"the recipient, already in by it":         {email(both(state(invitations.StateAccepted), member(true))), nina, invitations.StepOpen, nil, false},
		"the recipient, already in another way":   {email(member(false)), nina, invitations.StepOpen, invitations.ErrAlreadyMember, true},
		"the recipient, declined":                 {email(state(invitations.StateDeclined)), nina, invitations.StepStop, invitations.ErrDeclined, false},
		"the recipient, expired":                  {email(expired), nina, invitations.StepStop, invitations.ErrExpired, false},
		"the recipient, sender gone":              {email(senderGone), nina, invitations.StepStop, invitations.ErrSenderNotEntitled, false},
		"the recipient, no such invitation":       {invitations.Facts{}, nina, invitations.StepStop, invitations.ErrInvalidToken, false},
		"another account, revoked":                {email(state(invitations.StateRevoked)), mallory, invitations.StepStop, invitations.ErrRevoked, false},
		"whoever, with a link":                    {link(asIs), mallory, invitations.StepAccept, nil, true},
		"whoever, unverified, with a link":        {link(asIs), unverified, invitations.StepAccept, nil, true},
		"a right domain":                          {link(limited), nina, invitations.StepAccept, nil, true},
		"a right domain, unverified":              {link(limited), unverified, invitations.StepVerifyEmail, invitations.ErrEmailUnverified, true},
		"a wrong domain":                          {link(limited), mallory, invitations.StepSwitchAccount, invitations.ErrDomainNotAllowed, true},
		"a member already, with a link":           {link(member(false)), nina, invitations.StepOpen, invitations.ErrAlreadyMember, true},
		"a member by this link":                   {link(member(true)), nina, invitations.StepOpen, nil, true},
		"a member by this link, used up":          {link(both(state(invitations.StateAccepted), member(true))), nina, invitations.StepOpen, nil, false},
		"a member by this link, which is revoked": {link(both(state(invitations.StateRevoked), member(true))), nina, invitations.StepOpen, nil, false},
		"whoever, with a link that is used up":    {link(state(invitations.StateAccepted)), mallory, invitations.StepStop, invitations.ErrExhausted, false},
		"whoever was removed before it was sent":  {email(removed(1)), nina, invitations.StepAccept, nil, true},
		// The offer stands, as Lookup shows it; it is not for them.
		"whoever was removed after it was sent":      {email(removed(3)), nina, invitations.StepStop, invitations.ErrRevoked, true},
		"a member another way, with a link, expired": {link(both(expired, member(false))), nina, invitations.StepStop, invitations.ErrExpired, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := answering(c.facts)
			next, err := serviceOn(t, store, atNoon()).NextStep(t.Context(), validWire().text(), c.visitor)
			require.NoError(t, err)
			require.Equal(t, c.step, next.Step)
			require.Equal(t, c.reason, next.Reason)
			want := invitations.Offer{}
			if c.offered {
				want = offer
				want.Kind, want.Email = c.facts.Invitation.Kind, c.facts.Invitation.Email
			}
			require.Equal(t, want, next.Offer)
			if c.step == invitations.StepOpen {
				require.Equal(t, "acme", next.Organization, "where they are in")
			} else {
				require.Empty(t, next.Organization)
			}
			require.Len(t, store.ViewCalls(), 1, "one read")
			require.Empty(t, store.UpdateCalls(), "Class44: no change")
		})
	}
}

// What Next says is what Accept does.
func TestNext_AgreesWithAccept(t *testing.T) {
	t.Parallel()
	for _, f := range []invitations.Facts{ninaInvited(), linkOpen(), {}} {
		for _, who := range []invitations.Identity{
			{UserID: "nina", Email: "nina@example.com", EmailVerified: true}, {UserID: "nina", Email: "nina@example.com"},
			{UserID: "mallory", Email: "m@evil.example", EmailVerified: true}, {UserID: "mallory"},
		} {
			svc := serviceOn(t, answering(f), atNoon())
			next, err := svc.NextStep(t.Context(), validWire().text(), invitations.Visitor{Identity: who})
			require.NoError(t, err)
			_, err = svc.Accept(t.Context(), validWire().text(), who)
			require.Equal(t, err, next.Reason)
			require.Equal(t, err == nil, next.Step == invitations.StepAccept)
		}
	}
}

// The host is asked about accounts only where that is needed, with the address of the
// invitation and the context of the call.
func TestNext_HasAccount(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	asked := 0
	visitor := invitations.Visitor{HasAccount: func(ctx context.Context, email string) (bool, error) {
		asked++
		require.Equal(t, "nina@example.com", email)
		require.Equal(t, "mine", ctx.Value(key{}))
		return true, nil
	}}
	next, err := serviceOn(t, answering(ninaInvited()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.NoError(t, err)
	require.Equal(t, invitations.StepSignIn, next.Step)
	require.Equal(t, 1, asked)

	visitor.HasAccount = func(context.Context, string) (bool, error) {
		t.Error("asked without need")
		return false, nil
	}
	revoked := ninaInvited()
	revoked.Invitation.State = invitations.StateRevoked
	for name, f := range map[string]invitations.Facts{"a link": linkOpen(), "revoked": revoked, "none": {}} {
		_, err := serviceOn(t, answering(f), atNoon()).NextStep(ctx, validWire().text(), visitor)
		require.NoError(t, err, name)
	}
	_, err = serviceOn(t, untouchable(), atNoon()).NextStep(ctx, "inv_forged", visitor)
	require.NoError(t, err)
	visitor.UserID = "nina"
	_, err = serviceOn(t, answering(ninaInvited()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.NoError(t, err)

	broken := errors.New("user table is gone")
	visitor = invitations.Visitor{HasAccount: func(context.Context, string) (bool, error) { return true, broken }}
	next, err = serviceOn(t, answering(ninaInvited()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.Equal(t, broken, err)
	require.Zero(t, next)
}

// A forged token is answered like one that is no longer valid: with a step, not with an
// error.
func TestNext_InvalidToken(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	for _, visitor := range []invitations.Visitor{
		{}, {Identity: invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}},
	} {
		next, err := svc.NextStep(t.Context(), "inv_forged", visitor)
		require.NoError(t, err)
		require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Reason: invitations.ErrInvalidToken}, next)
	}
}

func TestNext_JSON(t *testing.T) {
	t.Parallel()
	out, err := json.Marshal(invitations.NextStep{Step: invitations.StepStop, Reason: invitations.ErrExpired})
	require.NoError(t, err)
	require.JSONEq(t, `{"step":"stop"}`, string(out))
	out, err = json.Marshal(invitations.NextStep{Step: invitations.StepOpen, Organization: "acme", Reason: invitations.ErrAlreadyMember})
	require.NoError(t, err)
	require.JSONEq(t, `{"step":"open","organization":"acme"}`, string(out))
	out, err = json.Marshal(invitations.NextStep{Step: invitations.StepAccept, Offer: offer})
	require.NoError(t, err)
	require.JSONEq(t, `{"step":"accept","offer":{"id":"`+signedID.String()+`","organization":"acme","kind":"email","email":"nina@example.com",
		"role":"developer","message":"Welcome!","sent_by":"olga","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-08T12:00:00Z"}}`, string(out))
}
