package invitations

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func accept(t require.TestingT, f Facts, identity Identity) (Member, Changes, error) {
	return join(t, atNoon(), f, acceptance{token, identity})
}

// join returns the membership of an act by which somebody joins. It is repeated if nothing
// changes.
func join(t require.TestingT, r rules, f Facts, a act[Joined]) (Member, Changes, error) {
	joined, changes, err := decide(t, r, f, a)
	require.Equal(t, err == nil && changes.Empty(), joined.Repeated)
	return joined.Member, changes, err
}

// acceptErr returns the refusal of an acceptance.
func acceptErr(t require.TestingT, f Facts, identity Identity) error {
	_, _, err := accept(t, f, identity)
	return err
}

func acceptReceived(t require.TestingT, f Facts, identity Identity) (Member, Changes, error) {
	return join(t, atNoon(), f, receivedAcceptance{received{acme, invitedID}, identity})
}

func declineReceived(t require.TestingT, f Facts, identity Identity) (Record, Changes, error) {
	return decide(t, atNoon(), f, receivedDeclining{received{acme, invitedID}, identity})
}

// joined returns Nina's membership through the invitation.
func joined() Member {
	m := memberOf(nina, RoleDeveloper)
	m.InvitationID, m.InvitedBy = invitedID, adam
	return m
}

// Only the user ID comes from the caller. Everything that is granted comes from the record.
func TestClass09_AcceptGrantsTheInvitation(t *testing.T) {
	t.Parallel()
	for _, role := range DefaultPolicy().Roles() {
		for _, kind := range bothKinds {
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
					if kind == KindEmail {
						after = ended(before, StateAccepted)
						after.AcceptedBy = nina
					}
					after.Uses++
					accepted := Event{
						Organization: acme, Type: EventInvitationAccepted, At: noon, Actor: nina, Email: before.Email,
						InvitationID: invitedID, Role: role, MaxUses: before.MaxUses, ExpiresAt: before.ExpiresAt,
					}
					joined := Event{
						Organization: acme, Type: EventMemberJoined, At: noon, Actor: nina, Subject: nina, Email: before.Email,
						InvitationID: invitedID, Role: role, InvitedBy: sender,
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

func TestAccept_CopiesMetadata(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	member, changes, err := accept(t, f, verifiedNina)
	require.NoError(t, err)
	member.Metadata["team"] = "blue"
	require.Equal(t, "red", f.Invitation.Metadata["team"])
	require.Equal(t, "red", changes.Invitations[0].Metadata["team"])
}

func TestClass01_OnlyTheRecipientAccepts(t *testing.T) {
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
			require.Equal(t, want, acceptErr(t, factsOf(emailRecord()), Identity{nina, email, true}))
		})
	}

	nobodys := changed(emailRecord(), func(r *Record) { r.Email = "" })
	for _, email := range []string{"", "nina@example"} {
		require.Equal(t, ErrRecipientMismatch, acceptErr(t, factsOf(nobodys), Identity{nina, email, true}), email)
	}
}

func TestClass02_UnverifiedEmailIsRefused(t *testing.T) {
	t.Parallel()
	unverified := Identity{nina, ninasEmail, false}
	require.Equal(t, ErrEmailUnverified, acceptErr(t, factsOf(emailRecord()), unverified))
	require.Equal(t, ErrRecipientMismatch, acceptErr(t, factsOf(emailRecord()), Identity{UserID: nina}), "no address")

	limited := linkRecord()
	limited.AllowedDomains = []string{"example.com"}
	require.Equal(t, ErrEmailUnverified, acceptErr(t, factsOf(limited), unverified))
	require.Equal(t, ErrDomainNotAllowed, acceptErr(t, factsOf(limited), Identity{UserID: nina}), "no address")
}

// A link without allowed domains needs no address.
func TestAccept_LinkNeedsNoAddress(t *testing.T) {
	t.Parallel()
	for _, identity := range []Identity{
		{UserID: nina}, {nina, ninasEmail, false}, {nina, "not an address", true}, verifiedNina,
	} {
		require.NoError(t, acceptErr(t, factsOf(linkRecord()), identity), "%v", identity)
	}
}

func TestClass05_DomainsMatchExactly(t *testing.T) {
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
			require.Equal(t, want, acceptErr(t, factsOf(link), Identity{nina, email, true}))
		})
	}
}

// A member keeps their role, and the invitation keeps its use.
func TestClass07_AcceptChangesNoMembership(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		for _, role := range append(DefaultPolicy().Roles(), ghost) {
			before := recordOf(kind)
			before.Role = RoleAdmin
			member := memberOf(nina, role)
			f := withMember(factsOf(before), member)
			require.Equal(t, ErrAlreadyMember, acceptErr(t, f, verifiedNina), "%s %s", kind, role)

			member.InvitationID = otherID
			f = withMember(f, member)
			require.Equal(t, ErrAlreadyMember, acceptErr(t, f, verifiedNina), "%s %s by another invitation", kind, role)
		}
	}
}

// A user who accepts again gets the same membership, and nothing changes. It does not matter
// what has become of the membership and the invitation.
func TestClass27_AcceptAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record Record
		change func(*Facts)
	}{
		"email":                       {inState(emailRecord(), StateAccepted), func(*Facts) {}},
		"link with uses left":         {linkRecord(), func(f *Facts) { f.Invitation.Uses = 1 }},
		"exhausted link":              {inState(linkRecord(), StateAccepted), func(*Facts) {}},
		"revoked link":                {inState(linkRecord(), StateRevoked), func(*Facts) {}},
		"expired link":                {inState(linkRecord(), StateExpired), func(*Facts) {}},
		"the sender is not a member":  {linkRecord(), func(f *Facts) { f.Sender = nil }},
		"another role since":          {inState(emailRecord(), StateAccepted), func(f *Facts) { setRole(f, nina, RoleOwner) }},
		"removed before the sending":  {linkRecord(), func(f *Facts) { f.Removals[nina] = 2 }},
		"a member of an unknown role": {linkRecord(), func(f *Facts) { setRole(f, nina, ghost) }},
	} {
		for _, identity := range []Identity{verifiedNina, {UserID: nina}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := withMember(factsOf(c.record), joined())
				c.change(&f)
				member, changes, err := accept(t, f, identity)
				require.NoError(t, err)
				require.Equal(t, f.Members[nina], member)
				require.Zero(t, changes)
			})
		}
	}
}

// Only the user who joined can repeat an acceptance, and only while they are a member.
func TestClass27_AcceptedIsUsedUp(t *testing.T) {
	t.Parallel()
	accepted := factsOf(inState(emailRecord(), StateAccepted))
	require.Equal(t, ErrAccepted, acceptErr(t, accepted, verifiedNina), "a former member")
	require.Equal(t, ErrAccepted, acceptErr(t, accepted, Identity{vera, ninasEmail, true}), "another member")
	require.Equal(t, ErrAccepted, acceptErr(t, accepted, Identity{UserID: "mallory"}), "a stranger")

	exhausted := factsOf(inState(linkRecord(), StateAccepted))
	require.Equal(t, ErrExhausted, acceptErr(t, exhausted, verifiedNina))

	link := factsOf(linkRecord())
	link.Invitation.Uses = 1
	require.NoError(t, acceptErr(t, link, verifiedNina), "a former member can use a link with uses left")
}

func TestClass29_LinkEndsAtMaxUses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		uses, max int
		after     State
	}{
		{0, 1, StateAccepted}, {0, 2, StatePending}, {1, 2, StateAccepted},
		{9_998, 10_000, StatePending}, {9_999, 10_000, StateAccepted},
		{0, 0, StatePending}, {1_000_000, 0, StatePending}, // no limit
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

// The sender's present permissions count, not those at the sending.
func TestClass15_SenderMustBeEntitled(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	roles := append(policy.Roles(), ghost)
	for _, kind := range bothKinds {
		for _, granted := range roles {
			f := factsOf(recordOf(kind))
			f.Invitation.Role = granted
			for _, sender := range roles {
				f := withRole(f, adam, sender)
				entitled := holdsAllOf(policy, sender, granted) && policy.Allows(sender, PermissionInvitationCreate)
				var want error = ErrSenderNotEntitled
				switch {
				case !policy.Has(granted):
					want = ErrRoleUnknown
				case entitled:
					want = nil
				}
				require.Equal(t, want, acceptErr(t, f, verifiedNina), "%s of %s for %s", kind, sender, granted)
				_, _, err := decide(t, atNoon(), f, lookupAct{token})
				require.Equal(t, want, err, "a lookup shows what can be accepted: %s of %s for %s", kind, sender, granted)
			}
			f.Sender = nil
			if !policy.Has(granted) {
				require.Equal(t, ErrRoleUnknown, acceptErr(t, f, verifiedNina))
				f.Invitation.SentBy = ""
				require.Equal(t, ErrRoleUnknown, acceptErr(t, f, verifiedNina))
				continue
			}
			require.Equal(t, ErrSenderNotEntitled, acceptErr(t, f, verifiedNina), "%s for %s, the sender is not a member", kind, granted)
			f.Invitation.SentBy = "" // System is entitled to every role of the policy
			require.NoError(t, acceptErr(t, f, verifiedNina))
		}
	}
}

// A sender needs one of the two permissions to send, so a policy can split them.
func TestClass15_CreateOrResendEntitles(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:  allPermissions,
		"inviter":  {PermissionInvitationCreate, PermissionMemberList},
		"resender": {PermissionInvitationResend, PermissionMemberList},
		"member":   {PermissionMemberList},
	})
	require.NoError(t, err)
	for sender, want := range map[Role]error{
		RoleOwner: nil, "inviter": nil, "resender": nil, "member": ErrSenderNotEntitled, RoleAdmin: ErrSenderNotEntitled,
	} {
		f := factsOf(changed(emailRecord(), func(r *Record) { r.Role = "member" }))
		_, _, err := decide(t, rulesOf(policy), withRole(f, adam, sender), acceptance{token, verifiedNina})
		require.Equal(t, want, err, sender)
	}
}

// A removed member cannot return through an invitation that was sent before the removal.
// Versions tell what came first.
func TestAccept_RemovedMember(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		for version, want := range map[int64]error{1: nil, 3: nil, 4: ErrRevoked, 5: ErrRevoked, 9: ErrRevoked} {
			f := factsOf(recordOf(kind)) // sent at version 4
			f.Removals[nina] = version
			require.Equal(t, want, acceptErr(t, f, verifiedNina), "%s, removed at version %d", kind, version)
		}
		f := factsOf(recordOf(kind))
		f.Removals["mallory"] = 9
		require.NoError(t, acceptErr(t, f, verifiedNina), "the removal of another user")
	}
}

// Each step repairs the reason of one refusal, and the next refusal shows.
func TestClass11_AcceptRefusalsInOrder(t *testing.T) {
	t.Parallel()
	type step struct {
		want   error
		repair func(f *Facts, identity *Identity)
	}
	limitedLink := linkRecord()
	limitedLink.AllowedDomains = []string{"example.com"}
	invalidToken := step{ErrInvalidToken, func(f *Facts, _ *Identity) { f.Invitation.Nonce = sentNonce }}
	expired := step{ErrExpired, func(f *Facts, _ *Identity) { f.Invitation.ExpiresAt = noon.Add(1) }}
	notEntitled := step{ErrSenderNotEntitled, func(f *Facts, _ *Identity) { *f = withRole(*f, adam, RoleAdmin) }}
	alreadyMember := step{ErrAlreadyMember, func(f *Facts, _ *Identity) { delete(f.Members, nina) }}
	unverified := step{ErrEmailUnverified, func(_ *Facts, identity *Identity) { identity.EmailVerified = true }}
	removed := step{ErrRevoked, func(f *Facts, _ *Identity) { delete(f.Removals, nina) }}
	ownEmail := func(_ *Facts, identity *Identity) { identity.Email = ninasEmail }
	for name, c := range map[string]struct {
		record Record
		steps  []step
	}{
		"email": {emailRecord(), []step{
			invalidToken, expired, notEntitled, {ErrRecipientMismatch, ownEmail}, unverified, alreadyMember, removed,
		}},
		"link": {linkRecord(), []step{
			invalidToken, expired, notEntitled, alreadyMember, removed,
		}},
		"link with domains": {limitedLink, []step{
			invalidToken, expired, notEntitled, alreadyMember, {ErrDomainNotAllowed, ownEmail}, unverified, removed,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withRole(withRole(factsOf(c.record), adam, RoleViewer), nina, RoleViewer)
			f.Invitation.Nonce = nextNonce
			f.Invitation.ExpiresAt = noon
			f.Removals[nina] = 9
			identity := Identity{UserID: nina, Email: "nina@evil.example"}
			for _, s := range c.steps {
				require.Equal(t, s.want, acceptErr(t, f, identity))
				s.repair(&f, &identity)
			}
			_, changes, err := accept(t, f, identity)
			require.NoError(t, err)
			require.Len(t, changes.Members, 1)
		})
	}
}

// The verified address replaces the token and nothing else: the result is that of Accept.
func TestAcceptReceived(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Facts){
		"pending":                        func(*Facts) {},
		"sent by System":                 func(f *Facts) { f.Invitation.SentBy, f.Sender = "", nil },
		"the sender is not a member":     func(f *Facts) { f.Sender = nil },
		"the sender was demoted":         func(f *Facts) { *f = withRole(*f, adam, RoleViewer) },
		"expired":                        func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateExpired) },
		"accepted":                       func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateAccepted) },
		"declined":                       func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateDeclined) },
		"revoked":                        func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateRevoked) },
		"already a member":               func(f *Facts) { f.Members[nina] = memberOf(nina, RoleViewer) },
		"removed after the sending":      func(f *Facts) { f.Removals[nina] = 4 },
		"removed before the sending":     func(f *Facts) { f.Removals[nina] = 3 },
		"with a quota":                   func(f *Facts) { f.Invitation.Quota = fiveADay },
		"a member by the invitation":     func(f *Facts) { f.Members[nina] = joined() },
		"a member, it is accepted since": func(f *Facts) { *f = withMember(factsOf(inState(emailRecord(), StateAccepted)), joined()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			change(&f)
			wantMember, want, wantErr := accept(t, f, verifiedNina)
			member, changes, err := acceptReceived(t, f, verifiedNina)
			require.Equal(t, wantErr, err)
			require.Equal(t, wantMember, member)
			require.Equal(t, want, changes)
		})
	}
}

// A person gets the same answer for every invitation that is not for their verified address.
func TestClass01_ReceivedIsForTheAddress(t *testing.T) {
	t.Parallel()
	joined := func(f Facts) Facts { return withMember(f, joined()) }
	otherRecord := changed(emailRecord(), func(r *Record) { r.ID = otherID })
	elsewhere := changed(emailRecord(), func(r *Record) { r.Organization = "other" })
	addressless := changed(emailRecord(), func(r *Record) { r.Email = "" })
	notCanonical := changed(emailRecord(), func(r *Record) { r.Email = "nina" })
	linkWithAddress := changed(linkRecord(), func(r *Record) { r.Email = ninasEmail })
	for name, c := range map[string]struct {
		facts    Facts
		identity Identity
	}{
		"link":                                  {factsOf(linkRecord()), verifiedNina},
		"link through which they joined":        {joined(factsOf(linkRecord())), verifiedNina},
		"link with an address":                  {factsOf(linkWithAddress), verifiedNina},
		"another ID":                            {factsOf(otherRecord), verifiedNina},
		"another organization":                  {factsOf(elsewhere), verifiedNina},
		"no invitation":                         {noInvitation(), verifiedNina},
		"no organization":                       {Facts{}, verifiedNina},
		"another address":                       {factsOf(emailRecord()), Identity{nina, "nina@example.org", true}},
		"an address with the same beginning":    {factsOf(emailRecord()), Identity{nina, "nina@example.com.evil.example", true}},
		"an address with a tag":                 {factsOf(emailRecord()), Identity{nina, "nina+x@example.com", true}},
		"Class02: unverified":                   {factsOf(emailRecord()), Identity{nina, ninasEmail, false}},
		"Class02: unverified, joined":           {joined(factsOf(emailRecord())), Identity{nina, ninasEmail, false}},
		"no address":                            {factsOf(emailRecord()), Identity{nina, "", true}},
		"no address in the invitation either":   {factsOf(addressless), Identity{nina, "", true}},
		"the same address, not canonical":       {factsOf(notCanonical), Identity{nina, "nina", true}},
		"another address, joined":               {joined(factsOf(emailRecord())), Identity{nina, "nina@example.org", true}},
		"another address, a revoked invitation": {factsOf(inState(emailRecord(), StateRevoked)), Identity{nina, "nina@example.org", true}},
		"zero identity":                         {factsOf(emailRecord()), Identity{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := acceptReceived(t, c.facts, c.identity)
			require.Equal(t, ErrNotFound, err)
			_, _, err = declineReceived(t, c.facts, c.identity)
			require.Equal(t, ErrNotFound, err)
		})
	}

	member, _, err := acceptReceived(t, factsOf(emailRecord()), Identity{nina, "NINA@Example.COM", true})
	require.NoError(t, err, "canonical forms are compared")
	require.Equal(t, nina, member.UserID)
}

func TestDecline(t *testing.T) {
	t.Parallel()
	want := ended(emailRecord(), StateDeclined)
	record, changes, err := decide(t, atNoon(), factsOf(emailRecord()), declining{token})
	require.NoError(t, err)
	require.Equal(t, want.Invitation, record.Invitation)
	require.Equal(t, Changes{
		Invitations: []Record{want},
		Events: []Event{{
			Organization: acme, Type: EventInvitationDeclined, At: noon,
			InvitationID: invitedID, Email: ninasEmail, Role: RoleDeveloper, MaxUses: 1, ExpiresAt: want.ExpiresAt,
		}},
	}, changes)
}

func TestDecline_SenderNotEntitled(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, _, err := decide(t, atNoon(), f, declining{token})
	require.NoError(t, err, "declining needs nobody's permission")
}

func TestDecline_Link(t *testing.T) {
	t.Parallel()
	_, _, err := decide(t, atNoon(), factsOf(linkRecord()), declining{token})
	var refused *InvalidError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "token", refused.Field)
	require.NotEmpty(t, refused.Reason)
}

// Unlike a token, a verified address tells who declines.
func TestDeclineReceived(t *testing.T) {
	t.Parallel()
	want := ended(emailRecord(), StateDeclined)
	record, changes, err := declineReceived(t, factsOf(emailRecord()), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, want.Invitation, record.Invitation)
	require.Equal(t, Changes{
		Invitations: []Record{want}, Events: []Event{eventOf(EventInvitationDeclined, want, nina)},
	}, changes)

	f := withRole(factsOf(emailRecord()), nina, RoleViewer)
	f.Sender = nil
	_, _, err = declineReceived(t, f, verifiedNina)
	require.NoError(t, err, "a member can decline, and it needs nobody's permission")
}

// Every refusal that a signed-in person can get has a step. Members open the organization.
func TestStepAfter(t *testing.T) {
	t.Parallel()
	for want, reasons := range map[Step][]error{
		StepAccept:        {nil},
		StepSwitchAccount: {ErrRecipientMismatch},
		StepVerifyEmail:   {ErrEmailUnverified},
		StepStop: {
			ErrInvalidToken, ErrNotPending, ErrExpired, ErrRevoked, ErrDeclined, ErrAccepted, ErrExhausted, ErrRoleUnknown,
			ErrSenderNotEntitled, ErrLinksNotAllowed, &MemberLimitError{}, ErrNotFound, errors.New("an error that is added later"),
		},
	} {
		for _, reason := range reasons {
			for _, kind := range bothKinds {
				require.Equal(t, want, stepAfter(reason, kind), "%s: %v", kind, reason)
			}
		}
	}
	// The address of an email invitation stays the same. Another account can have another one.
	require.Equal(t, StepSwitchAccount, stepAfter(ErrDomainNotAllowed, KindLink))
	require.Equal(t, StepStop, stepAfter(ErrDomainNotAllowed, KindEmail))
}
