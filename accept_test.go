package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func accept(t require.TestingT, f Facts, who Identity) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, who}.decide(atNoon(), f) })
}

// acceptTwice fails unless the second answer to the same facts is the first: a refusal
// leaves nothing behind on which another try could succeed.
func acceptTwice(t require.TestingT, f Facts, who Identity) error {
	_, changes, err := accept(t, f, who)
	_, changes2, err2 := accept(t, f, who)
	require.Equal(t, err, err2)
	require.Equal(t, changes, changes2)
	return err
}

// Everything that is granted comes from the row; of the caller comes their user id alone.
func TestClass09_AcceptGivesWhatTheInvitationSays(t *testing.T) {
	t.Parallel()
	for _, role := range DefaultPolicy().Roles() {
		for _, kind := range []Kind{KindEmail, KindLink} {
			for _, sender := range []string{olga, ""} {
				t.Run(string(role)+"/"+string(kind)+"/sent by "+sender, func(t *testing.T) {
					t.Parallel()
					before := recordOf(kind)
					before.Role, before.SentBy = role, sender
					if kind == KindLink {
						before.Uses = 1 // of 3
					}
					member, changes, err := accept(t, factsOf(before), verifiedNina)
					require.NoError(t, err)

					want := Member{
						Organization: acme, UserID: nina, Role: role, JoinedAt: noon,
						InvitationID: invitedID, InvitedBy: sender, Metadata: map[string]string{"team": "red"},
					}
					after := before
					after.Uses++
					if kind == KindEmail {
						after.State, after.EndedAt, after.SweepAt = StateAccepted, noon, time.Time{}
					}
					accepted := Event{
						Organization: acme, Type: EventInvitationAccepted, At: noon, Actor: nina,
						InvitationID: invitedID, Role: role, MaxUses: before.MaxUses, ExpiresAt: before.ExpiresAt,
					}
					joined := Event{
						Organization: acme, Type: EventMemberJoined, At: noon, Actor: nina, Subject: nina,
						InvitationID: invitedID, Role: role,
					}
					require.Equal(t, want, member)
					require.Equal(t, Changes{
						Invitations: []Record{after},
						Members:     []Member{want},
						Events:      []Event{accepted, joined},
					}, changes)
				})
			}
		}
	}
}

// The membership's metadata is its own.
func TestAccept_MetadataIsACopy(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	member, changes, err := accept(t, f, verifiedNina)
	require.NoError(t, err)
	member.Metadata["team"] = "blue"
	require.Equal(t, "red", f.Invitation.Metadata["team"])
	require.Equal(t, "red", changes.Invitations[0].Metadata["team"])
}

func TestClass01_EmailInvitationIsForItsRecipient(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]error{
		"nina@example.com":         nil,
		"Nina@Example.COM":         nil,
		"nina@example.org":         ErrRecipientMismatch,
		"anna@example.com":         ErrRecipientMismatch,
		"nina+x@example.com":       ErrRecipientMismatch,
		"n.ina@example.com":        ErrRecipientMismatch,
		"nina@sub.example.com":     ErrRecipientMismatch,
		"nina@example.com.evil.de": ErrRecipientMismatch,
		"nina@example.com ":        ErrRecipientMismatch,
		"<nina@example.com>":       ErrRecipientMismatch,
		"nina@example.com,x@y.de":  ErrRecipientMismatch,
		"nina@example.com\n":       ErrRecipientMismatch,
		"nına@example.com":         ErrRecipientMismatch,
		"nina@example":             ErrRecipientMismatch,
		"":                         ErrRecipientMismatch,
	} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, acceptTwice(t, factsOf(emailRecord()), Identity{nina, email, true}))
		})
	}
}

func TestClass02_UnverifiedEmailIsNoProof(t *testing.T) {
	t.Parallel()
	require.Equal(t, ErrEmailUnverified, acceptTwice(t, factsOf(emailRecord()), Identity{nina, ninasEmail, false}))
	require.Equal(t, ErrRecipientMismatch, acceptTwice(t, factsOf(emailRecord()), Identity{UserID: nina}),
		"the zero identity is nobody's address")

	limited := linkRecord()
	limited.AllowedDomains = []string{"example.com"}
	require.Equal(t, ErrEmailUnverified, acceptTwice(t, factsOf(limited), Identity{nina, ninasEmail, false}))
	require.Equal(t, ErrDomainNotAllowed, acceptTwice(t, factsOf(limited), Identity{UserID: nina}))
}

// A link without domains asks for no address at all.
func TestAccept_LinkIsForWhoeverHoldsIt(t *testing.T) {
	t.Parallel()
	for _, who := range []Identity{
		{UserID: nina}, {nina, ninasEmail, false}, {nina, "not an address", true}, verifiedNina,
	} {
		require.NoError(t, acceptTwice(t, factsOf(linkRecord()), who), "%v", who)
	}
}

func TestClass05_DomainsAreComparedWhole(t *testing.T) {
	t.Parallel()
	link := linkRecord()
	link.AllowedDomains = []string{"example.com", "xn--bcher-kva.example"}
	for email, want := range map[string]error{
		"nina@example.com":            nil,
		"NINA@EXAMPLE.COM":            nil,
		"nina@bücher.example":         nil,
		"nina@xn--bcher-kva.example":  nil,
		"nina@sub.example.com":        ErrDomainNotAllowed,
		"nina@evilexample.com":        ErrDomainNotAllowed,
		"nina@example.com.evil.de":    ErrDomainNotAllowed,
		"nina@com":                    ErrDomainNotAllowed,
		"nina@example.co":             ErrDomainNotAllowed,
		"nina@ample.com":              ErrDomainNotAllowed,
		"nina@evil.de@example.com":    ErrDomainNotAllowed,
		`"nina@evil.de"@example.com`:  ErrDomainNotAllowed,
		"nina@evil.de,x@example.com":  ErrDomainNotAllowed,
		"nina@evil.de\n@example.com":  ErrDomainNotAllowed,
		"nina@evil.de <@example.com>": ErrDomainNotAllowed,
		"nina@bucher.example":         ErrDomainNotAllowed,
		"nina@ｅxample.com":            ErrDomainNotAllowed,
		"@example.com":                ErrDomainNotAllowed,
		"example.com":                 ErrDomainNotAllowed,
		"":                            ErrDomainNotAllowed,
	} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, acceptTwice(t, factsOf(link), Identity{nina, email, true}))
		})
	}
}

// Who is a member keeps what they have; the invitation keeps its use.
func TestClass07_AcceptanceChangesNoMembership(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for _, role := range append(DefaultPolicy().Roles(), ghost) {
			before := recordOf(kind)
			before.Role = RoleAdmin
			f := withRole(factsOf(before), nina, role)
			require.Equal(t, ErrAlreadyMember, acceptTwice(t, f, verifiedNina), "%s %s", kind, role)

			byAnother := f.Members[nina]
			byAnother.InvitationID = otherID
			f.Members[nina] = byAnother
			require.Equal(t, ErrAlreadyMember, acceptTwice(t, f, verifiedNina), "%s %s", kind, role)
		}
	}
}

// The same user who accepts again gets the same membership back, whatever has become of it
// and of the invitation meanwhile, and nothing happens.
func TestClass27_AcceptAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record Record
		change func(*Facts)
	}{
		"email":                {inState(emailRecord(), StateAccepted), func(*Facts) {}},
		"link with uses":       {linkRecord(), func(f *Facts) { f.Invitation.Uses = 1 }},
		"link, used up":        {inState(linkRecord(), StateAccepted), func(*Facts) {}},
		"link, revoked":        {inState(linkRecord(), StateRevoked), func(*Facts) {}},
		"link, expired":        {inState(linkRecord(), StateExpired), func(*Facts) {}},
		"the sender has gone":  {linkRecord(), func(f *Facts) { f.Sender = nil }},
		"another role by now":  {inState(emailRecord(), StateAccepted), func(f *Facts) { f.promote(nina, RoleOwner) }},
		"removed once, before": {linkRecord(), func(f *Facts) { f.Removals[nina] = 2 }},
	} {
		for _, who := range []Identity{verifiedNina, {UserID: nina}} {
			t.Run(name, func(t *testing.T) {
				f := factsOf(c.record)
				joined := memberOf(nina, RoleDeveloper)
				joined.InvitationID, joined.InvitedBy = invitedID, adam
				f.Members[nina] = joined
				c.change(&f)
				member, changes, err := accept(t, f, who)
				require.NoError(t, err)
				require.Equal(t, f.Members[nina], member)
				require.Zero(t, changes)
			})
		}
	}
}

func (f *Facts) promote(user string, role Role) {
	m := f.Members[user]
	m.Role = role
	f.Members[user] = m
}

// A replay is for the one who joined, and only while the membership lasts.
func TestClass27_AcceptedIsSpent(t *testing.T) {
	t.Parallel()
	spent := factsOf(inState(emailRecord(), StateAccepted))
	require.Equal(t, ErrAccepted, acceptTwice(t, spent, verifiedNina), "who left and comes back")
	require.Equal(t, ErrAccepted, acceptTwice(t, spent, Identity{vera, ninasEmail, true}), "somebody else")
	require.Equal(t, ErrAccepted, acceptTwice(t, spent, Identity{UserID: "mallory"}), "whoever")

	used := factsOf(inState(linkRecord(), StateAccepted))
	require.Equal(t, ErrExhausted, acceptTwice(t, used, verifiedNina))

	left := factsOf(linkRecord())
	left.Invitation.Uses = 1
	require.NoError(t, acceptTwice(t, left, verifiedNina), "a link with uses lets them in again")
}

func TestClass29_UsesEndAtTheMaximum(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		uses, max int
		after     State
	}{
		{0, 1, StateAccepted}, {0, 2, StatePending}, {1, 2, StateAccepted},
		{9_998, 10_000, StatePending}, {9_999, 10_000, StateAccepted},
		{0, 0, StatePending}, {1_000_000, 0, StatePending}, // without limit
	} {
		f := factsOf(linkRecord())
		f.Invitation.Uses, f.Invitation.MaxUses = c.uses, c.max
		_, changes, err := accept(t, f, verifiedNina)
		require.NoError(t, err)
		after := changes.Invitations[0]
		require.Equal(t, c.uses+1, after.Uses, "%d of %d", c.uses, c.max)
		require.Equal(t, c.after, after.State, "%d of %d", c.uses, c.max)
		require.Equal(t, c.after == StateAccepted, after.EndedAt.Equal(noon), "%d of %d", c.uses, c.max)
	}
}

// Acceptance rests on what the sender may do now, not on what they could do then.
func TestClass15_AuthorityOfTheSender(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for _, granted := range append(policy.Roles(), ghost) {
			f := factsOf(recordOf(kind))
			f.Invitation.Role = granted
			for _, sender := range append(policy.Roles(), ghost) {
				f := withRole(f, adam, sender)
				entitled := holdsAllOf(policy, sender, granted) && policy.Allows(sender, PermissionInvitationCreate)
				var want error = ErrSenderNotEntitled
				if entitled {
					want = nil
				}
				require.Equal(t, want, acceptTwice(t, f, verifiedNina), "%s of %s for %s", kind, sender, granted)
				_, err := atNoon().lookup(f, token)
				require.Equal(t, entitled, err == nil, "%s of %s for %s: what is shown is what can be had", kind, sender, granted)
			}
			f.Sender = nil
			require.Equal(t, ErrSenderNotEntitled, acceptTwice(t, f, verifiedNina), "sender gone: %s for %s", kind, granted)

			f.Invitation.SentBy = "" // the host vouches, for every role that there is
			if policy.Has(granted) {
				require.NoError(t, acceptTwice(t, f, verifiedNina))
			} else {
				require.Equal(t, ErrSenderNotEntitled, acceptTwice(t, f, verifiedNina))
			}
		}
	}
}

// Either of the two permissions to send is enough, so a policy may split them.
func TestClass15_SplitPermissions(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:  allPermissions,
		"inviter":  {PermissionInvitationCreate, PermissionMemberList},
		"resender": {PermissionInvitationResend, PermissionMemberList},
		"member":   {PermissionMemberList},
	})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	for sender, want := range map[Role]error{
		RoleOwner: nil, "inviter": nil, "resender": nil, "member": ErrSenderNotEntitled, RoleAdmin: ErrSenderNotEntitled,
	} {
		f := withRole(factsOf(emailRecord()), adam, sender)
		f.Invitation.Role = "member"
		_, _, err := acceptance{token, verifiedNina}.decide(r, f)
		require.Equal(t, want, err, sender)
	}
}

// A removal ends what was sent before it, told by versions; what was sent after it is a new
// offer.
func TestAccept_RemovedMember(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for version, want := range map[int64]error{1: nil, 3: nil, 4: ErrRevoked, 5: ErrRevoked, 9: ErrRevoked} {
			f := factsOf(recordOf(kind)) // sent at version 4
			f.Removals[nina] = version
			require.Equal(t, want, acceptTwice(t, f, verifiedNina), "%s, removed at %d", kind, version)
		}
		f := factsOf(recordOf(kind))
		f.Removals["mallory"] = 9
		require.NoError(t, acceptTwice(t, f, verifiedNina), "the removal of somebody else")
	}
}

// Every refusal has its turn: what is wrong is repaired one by one, and each time the next
// one shows. None of them leaves anything behind.
func TestClass11_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	type step struct {
		want   error
		repair func(f *Facts, who *Identity)
	}
	openLink := linkRecord()
	limitedLink := linkRecord()
	limitedLink.AllowedDomains = []string{"example.com"}
	for name, c := range map[string]struct {
		record Record
		steps  []step
	}{
		"email": {emailRecord(), []step{
			{ErrInvalidToken, func(f *Facts, _ *Identity) { f.Invitation.Nonce = sentNonce }},
			{ErrExpired, func(f *Facts, _ *Identity) { f.Invitation.ExpiresAt = noon.Add(1) }},
			{ErrSenderNotEntitled, func(f *Facts, _ *Identity) { f.promoteSender() }},
			{ErrRecipientMismatch, func(_ *Facts, who *Identity) { who.Email = ninasEmail }},
			{ErrEmailUnverified, func(_ *Facts, who *Identity) { who.EmailVerified = true }},
			{ErrAlreadyMember, func(f *Facts, _ *Identity) { delete(f.Members, nina) }},
			{ErrRevoked, func(f *Facts, _ *Identity) { delete(f.Removals, nina) }},
		}},
		"open link": {openLink, []step{
			{ErrInvalidToken, func(f *Facts, _ *Identity) { f.Invitation.Nonce = sentNonce }},
			{ErrExpired, func(f *Facts, _ *Identity) { f.Invitation.ExpiresAt = noon.Add(1) }},
			{ErrSenderNotEntitled, func(f *Facts, _ *Identity) { f.promoteSender() }},
			{ErrAlreadyMember, func(f *Facts, _ *Identity) { delete(f.Members, nina) }},
			{ErrRevoked, func(f *Facts, _ *Identity) { delete(f.Removals, nina) }},
		}},
		"link with domains": {limitedLink, []step{
			{ErrInvalidToken, func(f *Facts, _ *Identity) { f.Invitation.Nonce = sentNonce }},
			{ErrExpired, func(f *Facts, _ *Identity) { f.Invitation.ExpiresAt = noon.Add(1) }},
			{ErrSenderNotEntitled, func(f *Facts, _ *Identity) { f.promoteSender() }},
			{ErrAlreadyMember, func(f *Facts, _ *Identity) { delete(f.Members, nina) }},
			{ErrDomainNotAllowed, func(_ *Facts, who *Identity) { who.Email = ninasEmail }},
			{ErrEmailUnverified, func(_ *Facts, who *Identity) { who.EmailVerified = true }},
			{ErrRevoked, func(f *Facts, _ *Identity) { delete(f.Removals, nina) }},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withRole(withRole(factsOf(c.record), adam, RoleViewer), nina, RoleViewer)
			f.Invitation.Nonce = nextNonce
			f.Invitation.ExpiresAt = noon
			f.Removals[nina] = 9
			who := Identity{UserID: nina, Email: "nina@evil.example"}
			for _, s := range c.steps {
				require.Equal(t, s.want, acceptTwice(t, f, who))
				s.repair(&f, &who)
			}
			_, changes, err := accept(t, f, who)
			require.NoError(t, err)
			require.Len(t, changes.Members, 1)
		})
	}
}

func (f *Facts) promoteSender() {
	sender := *f.Sender
	sender.Role = RoleAdmin
	f.Sender = &sender
}
