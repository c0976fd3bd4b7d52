package invitations_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A token that does not verify never reaches the store.
func TestClass19_ForgedTokenNeverReachesTheStore(t *testing.T) {
	t.Parallel()
	svc, ctx := serviceOn(t, untouchable(), atNoon()), t.Context()
	forged := validWire()
	forged.secret = bytes.Repeat([]byte("x"), 32)
	valid := validWire().text()
	for name, token := range map[string]string{
		"empty":          "",
		"only a prefix":  "inv_",
		"forged":         forged.text(),
		"truncated":      valid[:len(valid)-1],
		"extended":       valid + "A",
		"a line break":   valid[:50] + "\n" + valid[51:],
		"redacted":       "[redacted]",
		"huge":           strings.Repeat("A", 1<<20),
		"an ID":          signedID.String(),
		"a cursor":       invitationCursor(noon, signedID),
		"over 438 bytes": wireOf(invitations.TokenClaim{Organization: longID + "x", ID: signedID, Nonce: signedNonce}).text(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			offered, err := svc.Lookup(ctx, token)
			require.Equal(t, invitations.ErrInvalidToken, err)
			require.Zero(t, offered)
			member, err := svc.Accept(ctx, token, invitations.Identity{UserID: "nina"})
			require.Equal(t, invitations.ErrInvalidToken, err)
			require.Zero(t, member)
			require.Equal(t, invitations.ErrInvalidToken, svc.Decline(ctx, token))
			next, err := svc.NextStep(ctx, token, invitations.Visitor{})
			require.NoError(t, err)
			require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Reason: invitations.ErrInvalidToken}, next)
		})
	}
}

// A store may call a decision again with fresh facts. The last call counts.
func TestService_LastDecisionCounts(t *testing.T) {
	t.Parallel()
	// retrying returns a store that calls the decision for each of the facts, like one whose
	// transactions fail except for the last, and the changes of all calls.
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
	token := validWire().text()
	revoked, viewer := emailFacts(), emailFacts()
	revoked.Invitation.State = invitations.StateRevoked
	viewer.Invitation.Role = invitations.RoleViewer

	t.Run("allowed, then refused", func(t *testing.T) {
		store, changes := retrying(emailFacts(), revoked)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, nina)
		require.Equal(t, invitations.ErrRevoked, err)
		require.Zero(t, member)
		require.False(t, (*changes)[0].Empty())
		require.True(t, (*changes)[1].Empty())
	})
	t.Run("refused, then allowed", func(t *testing.T) {
		store, changes := retrying(revoked, emailFacts())
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, nina)
		require.NoError(t, err)
		require.Equal(t, "nina", member.UserID)
		require.True(t, (*changes)[0].Empty())
		require.Equal(t, []invitations.Member{member.Member}, (*changes)[1].Members)
		require.False(t, member.Repeated)
	})
	t.Run("another role", func(t *testing.T) {
		store, _ := retrying(emailFacts(), viewer)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, nina)
		require.NoError(t, err)
		require.Equal(t, invitations.RoleViewer, member.Role)
	})
	t.Run("accepted by another call", func(t *testing.T) {
		accepted := emailFacts()
		accepted.Invitation.State = invitations.StateAccepted
		existing := invitations.Member{
			Organization: "acme", UserID: "nina", Role: invitations.RoleDeveloper, InvitationID: signedID, JoinedAt: noon,
		}
		accepted.Members["nina"] = existing
		store, changes := retrying(emailFacts(), accepted)
		member, err := serviceOn(t, store, atNoon()).Accept(t.Context(), token, nina)
		require.NoError(t, err)
		require.Equal(t, invitations.Joined{Member: existing, Repeated: true}, member)
		require.True(t, (*changes)[1].Empty())
	})
	t.Run("the same ID and nonce each time", func(t *testing.T) {
		first, second := factsFor("Invite"), factsFor("Invite")
		second.Version = 7
		store, changes := retrying(first, second, second)
		sent, err := serviceOn(t, store, atNoon()).Invite(t.Context(), olga, goodInvite())
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
	t.Run("invited by another call", func(t *testing.T) {
		invited := factsFor("Invite")
		invited.PendingByEmail = map[string]uuid.UUID{"nina@example.com": signedID}
		store, _ := retrying(factsFor("Invite"), invited)
		sent, err := serviceOn(t, store, atNoon()).Invite(t.Context(), olga, goodInvite())
		var already *invitations.AlreadyInvitedError
		require.ErrorAs(t, err, &already)
		require.Equal(t, signedID, already.InvitationID)
		require.Zero(t, sent)
	})
}

// An invitation has all fields of its params.
func TestInvite_ReturnsTheParams(t *testing.T) {
	t.Parallel()
	p, l := goodInvite(), goodLink()
	p.Email, p.Message, p.Metadata = "NINA@bücher.example", "Welcome!", map[string]string{"team": "red"}
	p.ExpiresIn, p.ID = 3*day, signedID
	l.MaxUses, l.AllowedDomains, l.Message, l.Metadata = 5, []string{"example.com"}, "Hello", map[string]string{"a": "b"}
	l.ExpiresIn, l.ID = 30*day, signedID
	svc := serviceOn(t, answering(factsFor("Invite")), atNoon())
	for actor, by := range map[invitations.Actor]string{olga: "olga", invitations.System(): ""} {
		sent, err := svc.Invite(t.Context(), actor, p)
		require.NoError(t, err)
		require.Equal(t, invitations.Invitation{
			ID: signedID, Organization: "acme", Kind: invitations.KindEmail, State: invitations.StatePending,
			Email: "nina@xn--bcher-kva.example", Role: invitations.RoleDeveloper, Message: "Welcome!",
			Metadata: map[string]string{"team": "red"}, MaxUses: 1, CreatedBy: by, SentBy: by,
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(3 * day),
		}, sent.Invitation)
		sent, err = svc.CreateLink(t.Context(), actor, l)
		require.NoError(t, err)
		require.Equal(t, invitations.Invitation{
			ID: signedID, Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending,
			Role: invitations.RoleDeveloper, Message: "Hello", Metadata: map[string]string{"a": "b"},
			MaxUses: 5, AllowedDomains: []string{"example.com"}, CreatedBy: by, SentBy: by,
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(30 * day),
		}, sent.Invitation)
	}
}

// A call that is repeated with its ID returns the present token, if the invitation is pending.
func TestInvite_RepeatedToken(t *testing.T) {
	t.Parallel()
	p := goodInvite()
	p.ID = signedID
	for name, c := range map[string]struct {
		change func(*invitations.Record)
		token  bool
	}{
		"pending": {func(*invitations.Record) {}, true},
		"resent": {func(r *invitations.Record) {
			r.Nonce, r.SentAt, r.ExpiresAt = [16]byte{7}, noon, noon.Add(7*day)
		}, true},
		"expired":  {func(r *invitations.Record) { r.SentAt, r.ExpiresAt = noon.Add(-7*day), noon }, false},
		"accepted": {func(r *invitations.Record) { r.State = invitations.StateAccepted }, false},
		"declined": {func(r *invitations.Record) { r.State = invitations.StateDeclined }, false},
		"revoked":  {func(r *invitations.Record) { r.State = invitations.StateRevoked }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsFor("Resend")
			f.Invitation.Message = ""
			c.change(f.Invitation)
			sent, err := serviceOn(t, answering(f), atNoon()).Invite(t.Context(), olga, p)
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

// Every outcome has the token of its own invitation, if that is pending.
func TestInviteAll_Tokens(t *testing.T) {
	t.Parallel()
	f := factsFor("InviteAll")
	pending, revoked := *f.Invitation, *f.Invitation
	pending.Message, revoked.Message, revoked.Email = "", "", "kim@example.com"
	revoked.ID = uuid.MustParse("019531f0-0000-7000-8000-000000000009")
	revoked.State, revoked.EndedAt = invitations.StateRevoked, noon
	f.Invitations = map[uuid.UUID]invitations.Record{pending.ID: pending, revoked.ID: revoked}
	rows := []invitations.InviteParams{goodInvite(), goodInvite(), goodInvite(), goodInvite()}
	rows[0].ID, rows[1].ID = pending.ID, revoked.ID
	rows[1].Email, rows[2].Email, rows[3].Email = "kim@example.com", "lea@example.com", "mia@example.com"
	rows[2].Metadata = map[string]string{"team": "red"}
	outcomes, err := serviceOn(t, answering(f), atNoon()).InviteAll(t.Context(), olga, "acme", rows)
	require.NoError(t, err)
	ring, ids := ringOf(t, testKey), map[uuid.UUID]bool{}
	for i, o := range outcomes {
		require.NoError(t, o.Err)
		require.Equal(t, rows[i].Email, o.Invitation.Email)
		ids[o.Invitation.ID] = true
		if i == 1 {
			require.True(t, o.Invitation.Token.IsZero(), "it is revoked")
			continue
		}
		c, err := invitations.VerifyToken(ring, o.Invitation.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, o.Invitation.ID, c.ID)
		require.Equal(t, "acme", c.Organization)
	}
	require.Len(t, ids, 4)
	require.Equal(t, validWire().text(), outcomes[0].Invitation.Token.Reveal(), "the present token")
	outcomes[2].Invitation.Metadata["team"] = "blue"
	require.Equal(t, "red", rows[2].Metadata["team"])
}

func TestPendingToken_IsThePresentToken(t *testing.T) {
	t.Parallel()
	f := factsFor("PendingToken")
	sent, err := serviceOn(t, answering(f), atNoon()).PendingToken(t.Context(), olga, "acme", signedID)
	require.NoError(t, err)
	require.Equal(t, validWire().text(), sent.Token.Reveal())
	require.Equal(t, f.Invitation.Invitation, sent.Invitation)
}

func TestClass26_ResendMakesANewToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	svc := serviceOn(t, answering(factsFor("Resend")), atNoon())
	tokens := map[string]bool{validWire().text(): true}
	for range 10 {
		sent, err := svc.Resend(t.Context(), olga, goodResend())
		require.NoError(t, err)
		c, err := invitations.VerifyToken(ring, sent.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, signedID, c.ID)
		require.Equal(t, "acme", c.Organization)
		require.False(t, sent.Repeated)
		require.False(t, tokens[sent.Token.Reveal()])
		tokens[sent.Token.Reveal()] = true
	}
}

// The lifetime of a resent invitation is as before, within the present bounds.
func TestResend_PresentBounds(t *testing.T) {
	t.Parallel()
	for before, want := range map[time.Duration]time.Duration{
		time.Hour: day, day: day, 3 * day: 3 * day, 30 * day: 30 * day, 90 * day: 30 * day,
	} {
		f := factsFor("Resend")
		f.Invitation.SentAt, f.Invitation.ExpiresAt = noon.Add(-time.Minute), noon.Add(-time.Minute).Add(before)
		sent, err := serviceOn(t, answering(f), atNoon()).Resend(t.Context(), olga, goodResend())
		require.NoError(t, err)
		require.Equal(t, want, sent.ExpiresAt.Sub(sent.SentAt), before)
	}
}

// Neither the params nor the result of Edit share memory with the record of the store.
func TestEdit_Copies(t *testing.T) {
	t.Parallel()
	f := linkFacts()
	f.Members["olga"] = invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	var put invitations.Record
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		changes, err := decide(f)
		put = changes.Invitations[0]
		return err
	}}
	p := goodEdit()
	domains, message, uses := []string{"example.org", "BÜCHER.example", "example.org"}, "Hello", 10_000
	p.AllowedDomains, p.Message, p.MaxUses, p.ExpiresIn = &domains, &message, &uses, 30*day+999
	edited, err := serviceOn(t, store, atNoon()).Edit(t.Context(), olga, p)
	require.NoError(t, err)
	require.Equal(t, put.Invitation, edited)
	require.Equal(t, []string{"example.org", "xn--bcher-kva.example"}, edited.AllowedDomains)
	require.Equal(t, "Hello", edited.Message)
	require.Equal(t, 10_000, edited.MaxUses)
	require.Equal(t, noon.Add(30*day), edited.ExpiresAt)
	edited.AllowedDomains[0], domains[0], message, uses = "evil.example", "evil.example", "evil", 0
	require.Equal(t, "example.org", put.AllowedDomains[0])
	require.Equal(t, "Hello", put.Message)
	require.Equal(t, 10_000, put.MaxUses)
}

// Neither the params nor the result of CreateLink share memory with the record of the store.
func TestCreateLink_Copies(t *testing.T) {
	t.Parallel()
	p := goodLink()
	p.Metadata = map[string]string{"team": "red"}
	p.AllowedDomains = []string{"example.com"}
	var put invitations.Record
	store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		changes, err := decide(factsFor("CreateLink"))
		put = changes.Invitations[0]
		return err
	}}
	sent, err := serviceOn(t, store, atNoon()).CreateLink(t.Context(), olga, p)
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

// Sweep returns the due invitations of all organizations, by the last call of the decision.
func TestSweep_AllOrganizations(t *testing.T) {
	t.Parallel()
	due := func(organization string, expires time.Time) invitations.Record {
		r := *emailFacts().Invitation
		r.Organization, r.ExpiresAt, r.SweepAt = organization, expires, noon
		return r
	}
	found := []invitations.Facts{
		{Organization: "acme", Version: 2, PendingRecords: []invitations.Record{due("acme", noon), due("acme", noon.Add(day))}},
		{Organization: "idle", Version: 3},
		{Organization: "zeta", Version: 4, PendingRecords: []invitations.Record{due("zeta", noon.Add(day))}},
	}
	var changes []invitations.Changes
	store := &StoreMock{SweepFunc: func(_ context.Context, _ time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
		decide(found[:1]) // a transaction that fails
		changes = decide(found)
		return nil
	}}
	swept, err := serviceOn(t, store, atNoon()).Sweep(t.Context(), 1000)
	require.NoError(t, err)
	require.Len(t, swept.Expired, 1)
	require.Equal(t, invitations.StateExpired, swept.Expired[0].State)
	require.Len(t, swept.Reminders, 2)
	require.Equal(t, []string{"acme", "zeta"}, []string{swept.Reminders[0].Organization, swept.Reminders[1].Organization})
	require.Len(t, changes, 3, "one for each of the facts")
	require.Len(t, changes[0].Events, 2)
	require.True(t, changes[1].Empty())
	require.Len(t, changes[2].Events, 1)
	require.Equal(t, "zeta", changes[2].Events[0].Organization)
}

func TestSweep_NothingDue(t *testing.T) {
	t.Parallel()
	store := &StoreMock{SweepFunc: func(context.Context, time.Time, int, func([]invitations.Facts) []invitations.Changes) error {
		return nil
	}}
	swept, err := serviceOn(t, store, atNoon()).Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, slices.Concat(swept.Reminders, swept.Expired))
	requireJSON(t, `{"reminders":[],"expired":[]}`, swept)
}

// Nothing that the service returns or gives to a store discloses a token or a key. Stores get
// nonces, which are worth nothing without a key; callers do not.
func TestClass33_NoResultShowsASecret(t *testing.T) {
	t.Parallel()
	_, _, shown := secretsOf(t)
	nonce := []string{strings.Trim(fmt.Sprint(signedNonce), "[]"), hex.EncodeToString(signedNonce[:])}
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			store := working(o.name)
			svc := serviceOn(t, store, atNoon())
			result, err := o.call(t.Context(), svc)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				for _, value := range []any{result, err} {
					out := fmt.Sprintf(verb, value)
					requireHidden(t, out, shown)
					requireHidden(t, out, nonce)
				}
				requireHidden(t, fmt.Sprintf(verb, svc), shown)
				requireHidden(t, fmt.Sprintf(verb, callsOf(store)), shown)
				requireHidden(t, fmt.Sprintf(verb, factsFor(o.name)), shown)
			}
		})
	}
	for _, s := range sentinels {
		requireHidden(t, fmt.Sprintf("%v %+v %#v", s.err, s.err, s.err), shown)
	}
}

// An error does not contain the invited address or its domain.
func TestClass38_ErrorsNameNobody(t *testing.T) {
	t.Parallel()
	token := validWire().text()
	mallory := invitations.Identity{UserID: "mallory", Email: "mallory@evil.example", EmailVerified: true}
	domains := linkFacts()
	domains.Invitation.AllowedDomains = []string{"example.com"}
	invited := factsFor("Invite")
	invited.PendingByEmail = map[string]uuid.UUID{"nina@example.com": signedID}
	for name, err := range map[string]error{
		"another recipient": errOf(serviceOn(t, answering(emailFacts()), atNoon()).Accept(t.Context(), token, mallory)),
		"another domain":    errOf(serviceOn(t, answering(domains), atNoon()).Accept(t.Context(), token, mallory)),
		"already invited":   errOf(serviceOn(t, answering(invited), atNoon()).Invite(t.Context(), olga, goodInvite())),
	} {
		require.Error(t, err, name)
		var refusal *invitations.Error
		require.ErrorAs(t, err, &refusal)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), refusal.Message()} {
			require.NotContains(t, text, "nina", name)
			require.NotContains(t, text, "example", name)
		}
	}
}

// Authorize answers by the member's present role.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	policy := invitations.DefaultPolicy()
	for _, role := range append(policy.Roles(), "ghost", "") {
		f := invitations.Facts{Organization: "acme", Version: 3, Members: map[string]invitations.Member{}}
		dora := invitations.Member{Organization: "acme", UserID: "dora", Role: role, Metadata: map[string]string{"team": "red"}}
		if role != "" {
			f.Members["dora"] = dora
		}
		for _, permission := range []invitations.Permission{
			invitations.PermissionMemberList, invitations.PermissionOrganizationUse, invitations.PermissionBillingManage,
			invitations.PermissionOrganizationManage, invitations.PermissionInvitationCreate, invitations.PermissionMemberAdd,
		} {
			member, err := serviceOn(t, answering(f), atNoon()).Authorize(t.Context(), "acme", "dora", permission)
			if policy.Allows(role, permission) {
				require.NoError(t, err, "%s %s", role, permission)
				require.Equal(t, dora, member)
			} else {
				require.Equal(t, invitations.ErrPermissionDenied, err, "%s %s", role, permission)
				require.Zero(t, member)
			}
		}
	}
	svc := serviceOn(t, answering(invitations.Facts{}), atNoon())
	_, err := svc.Authorize(t.Context(), "nowhere", "dora", invitations.PermissionMemberList)
	require.Equal(t, invitations.ErrPermissionDenied, err, "the organization does not exist")
}

// A misspelt permission must not refuse everybody in silence, the owner included.
func TestAuthorize_UnknownPermission(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{"owner": {"report:read"}, "guest": nil})
	require.NoError(t, err)
	config := atNoon()
	config.Policy = policy
	f := invitations.Facts{Organization: "acme", Version: 3, Members: map[string]invitations.Member{"olga": owner}}
	for permission, known := range map[invitations.Permission]bool{
		"report:read": true, "report:raed": false, "Report:Read": false, invitations.PermissionMemberList: false,
	} {
		_, err := serviceOn(t, answering(f), config).Authorize(t.Context(), "acme", "olga", permission)
		if known {
			require.NoError(t, err)
		} else {
			requireInvalid(t, err, "permission")
		}
	}
}

// A removed or demoted member is refused at the next check.
func TestClass47_NextCheckRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	join(t, svc, "dora", invitations.RoleAdmin)
	use := func() error {
		err := errOf(svc.Authorize(ctx, "acme", "dora", invitations.PermissionOrganizationUse))
		require.Equal(t, err, errOf(svc.Consume(ctx, inAcme, "dora", 1)), "Consume checks the same")
		return err
	}
	require.NoError(t, use())
	p := goodChange()
	require.NoError(t, errOf(svc.ChangeRole(ctx, olga, p)))
	require.Equal(t, invitations.ErrPermissionDenied, use())
	p.Role = invitations.RoleDeveloper
	require.NoError(t, errOf(svc.ChangeRole(ctx, olga, p)))
	require.NoError(t, use())

	require.NoError(t, errOf(svc.RemoveMember(ctx, olga, "acme", "dora")))
	require.Equal(t, invitations.ErrPermissionDenied, use())
	require.Equal(t, invitations.ErrPermissionDenied, errOf(svc.Remaining(ctx, inAcme, "dora")))
	_, err := svc.Members(ctx, invitations.User("dora"), invitations.MembersParams{Organization: "acme"})
	require.Equal(t, invitations.ErrPermissionDenied, err)
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora"})
	require.NoError(t, err)
	require.Empty(t, workspaces.Organizations)
}

// After a demotion and leaving, a member cannot return by the old link, which has the old role.
// Without the demotion they can.
func TestClass13_DemotionOutlastsLeaving(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, demote := range map[string]func(svc *invitations.Service) error{
		"ChangeRole": func(svc *invitations.Service) error { return errOf(svc.ChangeRole(ctx, olga, goodChange())) },
		"TransferOwnership": func(svc *invitations.Service) error {
			p := goodTransfer()
			p.From, p.To = "dora", "olga"
			return errOf(svc.TransferOwnership(ctx, olga, p))
		},
	} {
		t.Run(name, func(t *testing.T) {
			svc := acmeOn(t, atNoon().Clock, invitations.Config{})
			p := goodLink()
			p.Role = invitations.RoleOwner
			link, err := svc.CreateLink(ctx, olga, p)
			require.NoError(t, err)
			enter := func(user string) error {
				return errOf(svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user}))
			}
			for _, user := range []string{"dora", "vera"} {
				require.NoError(t, enter(user))
			}
			require.NoError(t, demote(svc))
			for _, user := range []string{"dora", "vera"} {
				require.NoError(t, errOf(svc.Leave(ctx, "acme", user)))
			}
			require.NoError(t, enter("vera"), "Vera was not demoted")
			for range 2 {
				require.Equal(t, invitations.ErrRevoked, enter("dora"))
			}
			require.Equal(t, invitations.ErrNotFound, errOf(svc.Member(ctx, "acme", "dora")))

			join(t, svc, "dora", invitations.RoleViewer) // by a new link
			require.NoError(t, errOf(svc.Leave(ctx, "acme", "dora")))
			require.Equal(t, invitations.ErrRevoked, enter("dora"), "the old link stays refused")
		})
	}
}

func TestMembers_Story(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	join(t, svc, "dora", invitations.RoleAdmin)
	sent, err := svc.Invite(ctx, invitations.User("dora"), goodInvite())
	require.NoError(t, err)

	demoted, err := svc.ChangeRole(ctx, olga, goodChange())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleViewer, demoted.Role)
	stored, err := svc.Member(ctx, "acme", "dora")
	require.NoError(t, err)
	require.Equal(t, stored, demoted, "the result equals the stored value")
	got, err := svc.Invitation(ctx, olga, "acme", sent.ID)
	require.NoError(t, err)
	require.Equal(t, invitations.StateRevoked, got.State, "Class15: Dora may not send it any more")
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	require.Equal(t, invitations.ErrRevoked, err)

	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrLastOwner, err)
	heir, err := svc.TransferOwnership(ctx, olga, goodTransfer())
	require.NoError(t, err)
	require.Equal(t, invitations.RoleOwner, heir.Role)
	require.Equal(t, "dora", heir.UserID)
	former, err := svc.Member(ctx, "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, invitations.RoleAdmin, former.Role)
	_, err = svc.RemoveMember(ctx, olga, "acme", "dora")
	require.Equal(t, invitations.ErrPermissionDenied, err)
	_, err = svc.RemoveMember(ctx, invitations.User("dora"), "acme", "nobody")
	require.Equal(t, invitations.ErrNotFound, err)
	removed, err := svc.RemoveMember(ctx, invitations.User("dora"), "acme", "olga")
	require.NoError(t, err)
	require.Equal(t, former, removed, "the membership as it was")
	_, err = svc.Leave(ctx, "acme", "olga")
	require.Equal(t, invitations.ErrNotFound, err)
}

// A caller that changes a result does not change the stored value.
func TestMembers_ResultsAreCopies(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	svc := acmeOn(t, atNoon().Clock, invitations.Config{})
	p := goodLink()
	p.Metadata = map[string]string{"team": "red"}
	sent, err := svc.CreateLink(ctx, olga, p)
	require.NoError(t, err)
	joined, err := svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "dora"})
	require.NoError(t, err)
	scribble := func(m invitations.Member, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, map[string]string{"team": "red"}, m.Metadata)
		m.Metadata["team"] = "blue"
	}
	scribble(joined.Member, nil)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.Authorize(ctx, "acme", "dora", invitations.PermissionMemberList))
	list, err := svc.Members(ctx, olga, invitations.MembersParams{Organization: "acme"})
	require.NoError(t, err)
	scribble(list.Items[0].Member, nil)
	scribble(svc.ChangeRole(ctx, olga, goodChange()))
	scribble(svc.ChangeRole(ctx, olga, goodChange())) // changes nothing
	scribble(svc.TransferOwnership(ctx, olga, goodTransfer()))
	back := goodTransfer()
	back.From, back.To = "dora", "olga"
	_, err = svc.TransferOwnership(ctx, invitations.User("dora"), back)
	require.NoError(t, err)
	scribble(svc.Member(ctx, "acme", "dora"))
	scribble(svc.RemoveMember(ctx, olga, "acme", "dora"))
	joined, err = svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: "vera"})
	scribble(joined.Member, err)
	scribble(svc.Leave(ctx, "acme", "vera"))
}
