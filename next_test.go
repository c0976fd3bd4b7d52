package invitations_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// NextStep returns a step for every visitor and every state of the invitation.
func TestNextStep(t *testing.T) {
	t.Parallel()
	yes := func(context.Context, string) (bool, error) { return true, nil }
	no := func(context.Context, string) (bool, error) { return false, nil }
	anonymous := invitations.Visitor{}
	recipient := invitations.Visitor{Identity: invitations.Identity{UserID: "nina", Email: "Nina@example.com", EmailVerified: true}}
	unverified := invitations.Visitor{Identity: invitations.Identity{UserID: "nina", Email: "nina@example.com"}}
	mallory := invitations.Visitor{Identity: invitations.Identity{UserID: "mallory", Email: "mallory@evil.example", EmailVerified: true}}

	email := func(change func(f *invitations.Facts)) invitations.Facts {
		f := emailFacts()
		change(&f)
		return f
	}
	link := func(change func(f *invitations.Facts)) invitations.Facts {
		f := linkFacts()
		change(&f)
		return f
	}
	unchanged := func(*invitations.Facts) {}
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

	replaced := func(f *invitations.Facts) { f.Invitation.Nonce = [16]byte{7} }
	gone := func(f *invitations.Facts) { f.Invitation = nil }
	unknownRole := func(f *invitations.Facts) { f.Invitation.Role = "ghost" }
	noLinks := func(f *invitations.Facts) { f.Limits.NoLinks = true }
	domains := func(domain string) func(*invitations.Facts) {
		return func(f *invitations.Facts) { f.Limits.AllowedDomains = []string{domain} }
	}
	ownerless := func(f *invitations.Facts) { f.OwnerCount = 0 }

	const (
		signIn        = invitations.StepSignIn
		register      = invitations.StepRegister
		stop          = invitations.StepStop
		accept        = invitations.StepAccept
		verify        = invitations.StepVerifyEmail
		switchAccount = invitations.StepSwitchAccount
		open          = invitations.StepOpen
	)
	withAccount, withoutAccount := invitations.Visitor{HasAccount: yes}, invitations.Visitor{HasAccount: no}
	revoked, accepted, declined := state(invitations.StateRevoked), state(invitations.StateAccepted), state(invitations.StateDeclined)

	for name, c := range map[string]struct {
		facts   invitations.Facts
		visitor invitations.Visitor
		step    invitations.Step
		reason  error
		offered bool
	}{
		"anonymous":                                  {email(unchanged), anonymous, signIn, nil, true},
		"anonymous with an account":                  {email(unchanged), withAccount, signIn, nil, true},
		"anonymous without an account":               {email(unchanged), withoutAccount, register, nil, true},
		"anonymous with a link":                      {link(unchanged), withoutAccount, signIn, nil, true},
		"anonymous, revoked":                         {email(revoked), withoutAccount, stop, invitations.ErrRevoked, false},
		"anonymous, expired":                         {email(expired), anonymous, stop, invitations.ErrExpired, true},
		"anonymous, accepted":                        {email(accepted), anonymous, stop, invitations.ErrAccepted, true},
		"anonymous, the sender left":                 {email(senderGone), anonymous, stop, invitations.ErrSenderNotEntitled, true},
		"anonymous, unknown invitation":              {invitations.Facts{}, anonymous, stop, invitations.ErrInvalidToken, false},
		"recipient":                                  {email(unchanged), recipient, accept, nil, true},
		"recipient with an unverified address":       {email(unchanged), unverified, verify, invitations.ErrEmailUnverified, true},
		"another account":                            {email(unchanged), mallory, switchAccount, invitations.ErrRecipientMismatch, true},
		"recipient who accepted it":                  {email(both(accepted, member(true))), recipient, open, nil, true},
		"recipient who joined by another invitation": {email(member(false)), recipient, open, invitations.ErrAlreadyMember, true},
		"recipient, declined":                        {email(declined), recipient, stop, invitations.ErrDeclined, false},
		"recipient, expired":                         {email(expired), recipient, stop, invitations.ErrExpired, true},
		"recipient, the sender left":                 {email(senderGone), recipient, stop, invitations.ErrSenderNotEntitled, true},
		"recipient, unknown invitation":              {invitations.Facts{}, recipient, stop, invitations.ErrInvalidToken, false},
		"another account, revoked":                   {email(revoked), mallory, stop, invitations.ErrRevoked, false},
		"any account with a link":                    {link(unchanged), mallory, accept, nil, true},
		"unverified account with a link":             {link(unchanged), unverified, accept, nil, true},
		"allowed domain":                             {link(limited), recipient, accept, nil, true},
		"allowed domain, unverified":                 {link(limited), unverified, verify, invitations.ErrEmailUnverified, true},
		"another domain":                             {link(limited), mallory, switchAccount, invitations.ErrDomainNotAllowed, true},
		"member with a link":                         {link(member(false)), recipient, open, invitations.ErrAlreadyMember, true},
		"member by this link":                        {link(member(true)), recipient, open, nil, true},
		"member by this link, used up":               {link(both(accepted, member(true))), recipient, open, nil, true},
		"member by this link, revoked":               {link(both(revoked, member(true))), recipient, open, nil, false},
		"any account with a link, used up":           {link(accepted), mallory, stop, invitations.ErrExhausted, true},
		"removed before the sending":                 {email(removed(1)), recipient, accept, nil, true},
		"removed after the sending":                  {email(removed(3)), recipient, stop, invitations.ErrRevoked, false},
		"anonymous, declined":                        {email(declined), anonymous, stop, invitations.ErrDeclined, false},
		"anonymous, a link used up":                  {link(accepted), anonymous, stop, invitations.ErrExhausted, true},
		"anonymous, replaced by a resend":            {email(replaced), anonymous, stop, invitations.ErrInvalidToken, false},
		"recipient, replaced by a resend":            {email(replaced), recipient, stop, invitations.ErrInvalidToken, false},
		"anonymous, unknown role":                    {email(unknownRole), anonymous, stop, invitations.ErrRoleUnknown, true},
		"recipient, unknown role":                    {email(unknownRole), recipient, stop, invitations.ErrRoleUnknown, true},
		"another account, unknown role":              {email(unknownRole), mallory, stop, invitations.ErrRoleUnknown, true},

		// A member is led in by every token.
		"member with an expired link":     {link(both(expired, member(false))), recipient, open, invitations.ErrExpired, true},
		"member with a link, used up":     {link(both(accepted, member(false))), recipient, open, invitations.ErrExhausted, true},
		"member with a revoked link":      {link(both(revoked, member(false))), recipient, open, invitations.ErrRevoked, false},
		"member, declined":                {email(both(declined, member(false))), recipient, open, invitations.ErrDeclined, false},
		"member, accepted by another":     {email(both(accepted, member(false))), recipient, open, invitations.ErrAccepted, true},
		"member, replaced by a resend":    {email(both(replaced, member(false))), recipient, open, invitations.ErrInvalidToken, false},
		"member, the invitation is gone":  {email(both(gone, member(false))), recipient, open, invitations.ErrInvalidToken, false},
		"member, the sender left":         {email(both(senderGone, member(false))), recipient, open, invitations.ErrSenderNotEntitled, true},
		"member, unknown role":            {email(both(unknownRole, member(false))), recipient, open, invitations.ErrRoleUnknown, true},
		"member, sent to another address": {email(func(f *invitations.Facts) { member(false)(f); f.Invitation.Email = "kim@example.com" }), recipient, open, invitations.ErrRecipientMismatch, true},

		// The limits of the organization.
		"anonymous, links not allowed":      {link(noLinks), anonymous, stop, invitations.ErrLinksNotAllowed, true},
		"any account, links not allowed":    {link(noLinks), mallory, stop, invitations.ErrLinksNotAllowed, true},
		"email, links not allowed":          {email(noLinks), recipient, accept, nil, true},
		"anonymous, address not allowed":    {email(domains("example.org")), anonymous, stop, invitations.ErrDomainNotAllowed, true},
		"recipient, address not allowed":    {email(domains("example.org")), recipient, stop, invitations.ErrDomainNotAllowed, true},
		"recipient, address allowed":        {email(domains("example.com")), recipient, accept, nil, true},
		"link, address not allowed":         {link(domains("example.com")), mallory, switchAccount, invitations.ErrDomainNotAllowed, true},
		"link, address not verified":        {link(domains("example.com")), unverified, verify, invitations.ErrEmailUnverified, true},
		"link, address allowed":             {link(domains("example.com")), recipient, accept, nil, true},
		"anonymous, no owner":               {email(ownerless), anonymous, stop, invitations.ErrInvalidToken, false},
		"recipient, no owner":               {email(ownerless), recipient, stop, invitations.ErrInvalidToken, false},
		"any account with a link, no owner": {link(ownerless), mallory, stop, invitations.ErrInvalidToken, false},
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
				want.Kind, want.Email, want.Role = c.facts.Invitation.Kind, c.facts.Invitation.Email, c.facts.Invitation.Role
				want.ExpiresAt = c.facts.Invitation.ExpiresAt
			}
			require.Equal(t, want, next.Offer)
			if c.step == open {
				require.Equal(t, "acme", next.Organization, "the organization to open")
			} else {
				require.Empty(t, next.Organization)
			}
			requireAsked(t, store, "View") // Class44: no change
		})
	}
}

// NextStep gives the reason for which Accept would refuse.
func TestNextStep_AgreesWithAccept(t *testing.T) {
	t.Parallel()
	for _, f := range []invitations.Facts{emailFacts(), linkFacts(), {}} {
		for _, who := range []invitations.Identity{
			nina, {UserID: "nina", Email: "nina@example.com"},
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

// HasAccount is called only if the answer matters, with the invited address and the context of
// the call.
func TestNextStep_HasAccount(t *testing.T) {
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
	next, err := serviceOn(t, answering(emailFacts()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.NoError(t, err)
	require.Equal(t, invitations.StepSignIn, next.Step)
	require.Equal(t, 1, asked)

	visitor.HasAccount = func(context.Context, string) (bool, error) {
		t.Error("called without need")
		return false, nil
	}
	revoked := emailFacts()
	revoked.Invitation.State = invitations.StateRevoked
	for name, f := range map[string]invitations.Facts{"a link": linkFacts(), "revoked": revoked, "unknown": {}} {
		_, err := serviceOn(t, answering(f), atNoon()).NextStep(ctx, validWire().text(), visitor)
		require.NoError(t, err, name)
	}
	_, err = serviceOn(t, untouchable(), atNoon()).NextStep(ctx, "inv_forged", visitor)
	require.NoError(t, err)
	visitor.UserID = "nina"
	_, err = serviceOn(t, answering(emailFacts()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.NoError(t, err)

	broken := errors.New("user table is gone")
	visitor = invitations.Visitor{HasAccount: func(context.Context, string) (bool, error) { return true, broken }}
	next, err = serviceOn(t, answering(emailFacts()), atNoon()).NextStep(ctx, validWire().text(), visitor)
	require.Equal(t, broken, err)
	require.Zero(t, next)
}

// An invalid token gives a step and not an error.
func TestNextStep_InvalidToken(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	for _, visitor := range []invitations.Visitor{{}, {Identity: nina}} {
		next, err := svc.NextStep(t.Context(), "inv_forged", visitor)
		require.NoError(t, err)
		require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Reason: invitations.ErrInvalidToken}, next)
	}
}

// Every genuine token of their organization leads a member in, whatever became of the
// invitation. A person who is not a member stops.
func TestNextStep_LeadsMembersIn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*invitations.Facts){
		"live":               func(*invitations.Facts) {},
		"expired":            func(f *invitations.Facts) { f.Invitation.ExpiresAt = noon },
		"used up":            func(f *invitations.Facts) { f.Invitation.State = invitations.StateAccepted },
		"revoked":            func(f *invitations.Facts) { f.Invitation.State = invitations.StateRevoked },
		"replaced":           func(f *invitations.Facts) { f.Invitation.Nonce = [16]byte{7} },
		"purged":             func(f *invitations.Facts) { f.Invitation = nil },
		"the sender left":    func(f *invitations.Facts) { f.Sender = nil },
		"of an unknown role": func(f *invitations.Facts) { f.Invitation.Role = "ghost" },
		"links not allowed":  func(f *invitations.Facts) { f.Limits.NoLinks = true },
	} {
		f := linkFacts()
		change(&f)
		for _, role := range []invitations.Role{invitations.RoleViewer, invitations.RoleOwner, "ghost"} {
			f.Members = map[string]invitations.Member{"nina": {Organization: "acme", UserID: "nina", Role: role}}
			next, err := serviceOn(t, answering(f), atNoon()).NextStep(t.Context(), validWire().text(), invitations.Visitor{Identity: nina})
			require.NoError(t, err)
			require.Equal(t, invitations.StepOpen, next.Step, name)
			require.Equal(t, "acme", next.Organization, name)
		}
		f.Members = nil
		next, err := serviceOn(t, answering(f), atNoon()).NextStep(t.Context(), validWire().text(), invitations.Visitor{Identity: nina})
		require.NoError(t, err)
		require.Equal(t, name == "live", next.Step == invitations.StepAccept, name)
		require.Equal(t, name != "live", next.Step == invitations.StepStop, name)
	}
}
