package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func acceptReceived(t require.TestingT, f Facts, who Identity) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) {
		return receivedAcceptance{received{acme, invitedID}, who}.decide(atNoon(), f)
	})
}

func declineReceived(t require.TestingT, f Facts, who Identity) (Record, Changes, error) {
	return decided(t, f, func(f Facts) (Record, Changes, error) {
		return receivedDeclining{received{acme, invitedID}, who}.decide(atNoon(), f)
	})
}

// The verified address stands in the place of the token, and of nothing else: what is accepted
// by it is what would be accepted by the token.
func TestAcceptReceived(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Facts){
		"pending":               func(*Facts) {},
		"sent by the host":      func(f *Facts) { f.Invitation.SentBy, f.Sender = "", nil },
		"its sender has gone":   func(f *Facts) { f.Sender = nil },
		"its sender is demoted": func(f *Facts) { *f = withRole(*f, adam, RoleViewer) },
		"expired":               func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateExpired) },
		"accepted":              func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateAccepted) },
		"declined":              func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateDeclined) },
		"revoked":               func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateRevoked) },
		"a member already":      func(f *Facts) { f.Members[nina] = memberOf(nina, RoleViewer) },
		"removed since":         func(f *Facts) { f.Removals[nina] = 4 },
		"removed before":        func(f *Facts) { f.Removals[nina] = 3 },
		"with a quota":          func(f *Facts) { f.Invitation.Quota = fiveADay },
		"in by it already": func(f *Facts) {
			*f.Invitation = inState(*f.Invitation, StateAccepted)
			f.Members[nina] = ninaIn()
		},
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

// ninaIn is Nina's membership by the invitation.
func ninaIn() Member {
	m := memberOf(nina, RoleAdmin)
	m.InvitationID = invitedID
	return m
}

// What was not mailed to the verified address does not exist for this person, whatever its id
// is and however they ask.
func TestClass01_ReceivedIsForTheAddress(t *testing.T) {
	t.Parallel()
	joined := func(f Facts) Facts {
		f.Members[nina] = ninaIn()
		return f
	}
	elsewhere := changed(emailRecord(), func(r *Record) { r.ID = otherID })
	unaddressed := changed(emailRecord(), func(r *Record) { r.Email = "" })
	for name, c := range map[string]struct {
		facts Facts
		who   Identity
	}{
		"a link":                        {factsOf(linkRecord()), verifiedNina},
		"a link, that is theirs":        {joined(factsOf(linkRecord())), verifiedNina},
		"a link with an address":        {factsOf(changed(linkRecord(), func(r *Record) { r.Email = ninasEmail })), verifiedNina},
		"another id":                    {factsOf(elsewhere), verifiedNina},
		"no invitation":                 {noInvitation(), verifiedNina},
		"no organization":               {Facts{}, verifiedNina},
		"another address":               {factsOf(emailRecord()), Identity{nina, "nina@example.org", true}},
		"an address that begins alike":  {factsOf(emailRecord()), Identity{nina, "nina@example.com.evil.example", true}},
		"a tag":                         {factsOf(emailRecord()), Identity{nina, "nina+x@example.com", true}},
		"Class02: unverified":           {factsOf(emailRecord()), Identity{nina, ninasEmail, false}},
		"Class02: unverified, in by it": {joined(factsOf(emailRecord())), Identity{nina, ninasEmail, false}},
		"no address":                    {factsOf(emailRecord()), Identity{nina, "", true}},
		"no address, on either side":    {factsOf(unaddressed), Identity{nina, "", true}},
		"no canonical form, both sides": {factsOf(changed(emailRecord(), func(r *Record) { r.Email = "nina" })), Identity{nina, "nina", true}},
		"another address, in by it":     {joined(factsOf(emailRecord())), Identity{nina, "nina@example.org", true}},
		"another address, revoked":      {factsOf(inState(emailRecord(), StateRevoked)), Identity{nina, "nina@example.org", true}},
		"the zero identity":             {factsOf(emailRecord()), Identity{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := acceptReceived(t, c.facts, c.who)
			require.Equal(t, ErrNotFound, err)
			_, _, err = declineReceived(t, c.facts, c.who)
			require.Equal(t, ErrNotFound, err)
		})
	}

	member, _, err := acceptReceived(t, factsOf(emailRecord()), Identity{nina, "NINA@Example.COM", true})
	require.NoError(t, err, "the canonical form is compared")
	require.Equal(t, nina, member.UserID)
}

// Whoever declines by the address is known, and is told.
func TestDeclineReceived(t *testing.T) {
	t.Parallel()
	want := emailRecord()
	want.State, want.EndedAt, want.SweepAt = StateDeclined, noon, time.Time{}
	record, changes, err := declineReceived(t, factsOf(emailRecord()), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, want.Invitation, record.Invitation)
	require.Equal(t, Changes{
		Invitations: []Record{want}, Events: []Event{eventOf(EventInvitationDeclined, want, nina)},
	}, changes)

	f := factsOf(emailRecord())
	f.Sender = nil
	f.Members[nina] = memberOf(nina, RoleViewer)
	_, _, err = declineReceived(t, f, verifiedNina)
	require.NoError(t, err, "it needs nobody's authority, and a member may decline too")
}
