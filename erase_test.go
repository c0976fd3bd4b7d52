package invitations

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// erasedNina is the event of an erasure at noon, without personal data.
func erasedNina(invitation uuid.UUID, pseudonym string) Event {
	return Event{Organization: acme, Type: EventPersonErased, At: noon, InvitationID: invitation, Subject: pseudonym}
}

func eraseAddress() erasure {
	return erasure{person: Person{Email: ninasEmail}, organization: acme, limit: 10}
}

func eraseNina() erasure {
	return erasure{person: Person{UserID: nina}, pseudonym: "erased-1", organization: acme, limit: 10}
}

// The address, the message and the metadata go. What is pending or has expired ends first, so
// nobody can accept an invitation without an address.
func TestErase_Address(t *testing.T) {
	t.Parallel()
	for state, revoked := range map[State]bool{
		StatePending: true, StateExpired: true, StateAccepted: false, StateDeclined: false, StateRevoked: false,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			before := inState(emailRecord(), state)
			if state == StateAccepted {
				before.AcceptedBy = nina
			}
			f := noInvitation()
			f.TracedInvitations = []Record{before}
			rows, changes, err := decide(t, atNoon(), f, eraseAddress())
			require.NoError(t, err)
			require.Equal(t, 1, rows)
			after := before
			var events []Event
			if revoked {
				after = ended(before, StateRevoked)
			}
			after.Email, after.Message, after.Metadata = "", "", nil
			if revoked {
				event := eventOf(EventInvitationRevoked, after, "")
				event.Reason = "erased"
				events = append(events, event)
			}
			events = append(events, erasedNina(invitedID, ""))
			require.Equal(t, Changes{Invitations: []Record{after}, Events: events}, changes)

			erased := factsOf(changes.Invitations[0])
			for _, identity := range []Identity{verifiedNina, {UserID: nina, EmailVerified: true}, {UserID: nina}} {
				require.ErrorIs(t, acceptErr(t, erased, identity), ErrNotPending)
				_, _, err := acceptReceived(t, erased, identity)
				require.Equal(t, ErrNotFound, err)
				_, _, err = declineReceived(t, erased, identity)
				require.Equal(t, ErrNotFound, err)
			}
			require.ErrorIs(t, refusal(t, atNoon(), erased, resendBy(User(olga))), ErrNotPending)
			require.ErrorIs(t, refusal(t, atNoon(), erased, editBy(User(olga), edit{message: new("Hello")})), ErrNotPending)
		})
	}
}

// Of the memberships only the metadata go. Events lose the address and nothing else.
func TestErase_AddressInMembersAndEvents(t *testing.T) {
	t.Parallel()
	withMetadata, without := fullMember(nina, RoleDeveloper), joined()
	without.UserID = "kim"
	joinedEvent := Event{
		Position: 7, Organization: acme, Version: 5, Index: 1, Type: EventMemberJoined, At: noon.Add(-time.Hour), Actor: nina, Subject: nina,
		InvitationID: invitedID, Email: ninasEmail, Role: RoleDeveloper, InvitedBy: adam,
	}
	edited := Event{
		Position: 6, Organization: acme, Version: 4, Type: EventInvitationEdited, At: noon.Add(-2 * time.Hour), Actor: adam, InvitationID: invitedID,
		Email: ninasEmail, Role: RoleDeveloper, FormerRole: RoleViewer, Changed: []string{"role"}, MaxUses: 1,
	}
	f := noInvitation()
	f.TracedInvitations = []Record{inState(emailRecord(), StateAccepted)}
	f.TracedMembers = []Member{withMetadata, without}
	f.TracedEvents = []Event{edited, joinedEvent}
	rows, changes, err := decide(t, atNoon(), f, eraseAddress())
	require.NoError(t, err)
	require.Equal(t, 4, rows, "a membership without metadata has nothing to erase")
	withMetadata.Metadata = nil
	require.Equal(t, []Member{withMetadata}, changes.Members)
	joinedEvent.Email, edited.Email = "", ""
	require.Equal(t, []Event{edited, joinedEvent}, changes.ErasedEvents)
	require.Equal(t, []Event{erasedNina(invitedID, "")}, changes.Events)

	f.TracedInvitations, f.TracedMembers = nil, nil // the invitation was purged
	rows, changes, err = decide(t, atNoon(), f, eraseAddress())
	require.NoError(t, err)
	require.Equal(t, 2, rows)
	require.Equal(t, []Event{erasedNina(uuid.Nil, "")}, changes.Events, "followers of the feed learn of it")
}

// Each erased invitation has its event.
func TestErase_SeveralInvitations(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.TracedInvitations = []Record{
		inState(emailRecord(), StateDeclined), changed(emailRecord(), func(r *Record) { r.ID = otherID }),
	}
	rows, changes, err := decide(t, atNoon(), f, eraseAddress())
	require.NoError(t, err)
	require.Equal(t, 2, rows)
	require.Len(t, changes.Invitations, 2)
	var types []EventType
	for _, e := range changes.Events {
		types = append(types, e.Type)
		require.Empty(t, e.Email)
		require.Empty(t, e.Actor)
	}
	require.Equal(t, []EventType{EventPersonErased, EventInvitationRevoked, EventPersonErased}, types)
	require.Equal(t, []uuid.UUID{invitedID, otherID, otherID},
		[]uuid.UUID{changes.Events[0].InvitationID, changes.Events[1].InvitationID, changes.Events[2].InvitationID})
}

// The pseudonym stands wherever the user stood. Others stay as they are.
func TestErase_User(t *testing.T) {
	t.Parallel()
	everywhere := changed(inState(linkRecord(), StateExpired), func(r *Record) { r.CreatedBy, r.SentBy = nina, nina })
	accepted := changed(inState(emailRecord(), StateAccepted), func(r *Record) { r.ID, r.AcceptedBy = otherID, nina })
	invited := fullMember(vera, RoleViewer)
	invited.InvitedBy = nina
	events := []Event{
		{Position: 3, Organization: acme, Version: 2, Type: EventMemberJoined, Actor: nina, Subject: nina, InvitedBy: adam, Email: ninasEmail},
		{Position: 4, Organization: acme, Version: 3, Type: EventMemberJoined, Actor: vera, Subject: vera, InvitedBy: nina},
		{Position: 5, Organization: acme, Version: 4, Type: EventMemberRemoved, Actor: adam, Subject: nina, Role: RoleViewer},
	}
	f := noInvitation()
	f.TracedInvitations, f.TracedMembers, f.TracedEvents = []Record{everywhere, accepted}, []Member{invited}, events
	rows, changes, err := decide(t, atNoon(), f, eraseNina())
	require.NoError(t, err)
	require.Equal(t, 6, rows)

	everywhere.CreatedBy, everywhere.SentBy, accepted.AcceptedBy, invited.InvitedBy = "erased-1", "erased-1", "erased-1", "erased-1"
	want := slices.Clone(events)
	want[0].Actor, want[0].Subject, want[1].InvitedBy, want[2].Subject = "erased-1", "erased-1", "erased-1", "erased-1"
	require.Equal(t, Changes{
		Invitations: []Record{everywhere, accepted}, Members: []Member{invited}, ErasedEvents: want,
		Events: []Event{erasedNina(uuid.Nil, "erased-1")},
	}, changes)
}

// An invitation that somebody else sent again has the authority of that sender, and stays pending.
func TestErase_CreatorIsNotTheSender(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		resent := changed(recordOf(kind), func(r *Record) { r.CreatedBy, r.SentBy = nina, adam })
		f := noInvitation()
		f.TracedInvitations = []Record{resent}
		_, changes, err := decide(t, atNoon(), f, eraseNina())
		require.NoError(t, err)
		resent.CreatedBy = "erased-1"
		require.Equal(t, Changes{
			Invitations: []Record{resent}, Events: []Event{erasedNina(uuid.Nil, "erased-1")},
		}, changes)
	}
}

// An erased sender is not System. The pending invitations that they sent end, so that nobody
// inherits their authority.
func TestErase_SenderIsNeverSystem(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		f := noInvitation()
		f.TracedInvitations = []Record{changed(recordOf(kind), func(r *Record) { r.CreatedBy, r.SentBy = nina, nina })}
		_, changes, err := decide(t, atNoon(), f, eraseNina())
		require.NoError(t, err)
		require.Len(t, changes.Events, 2)
		require.Equal(t, "sender_not_entitled", changes.Events[0].Reason)
		require.Equal(t, erasedNina(uuid.Nil, "erased-1"), changes.Events[1])
		erased := withRole(factsOf(changes.Invitations[0]), "erased-1", RoleOwner)
		require.Equal(t, "erased-1", erased.Invitation.SentBy)
		require.Equal(t, "erased-1", erased.Invitation.CreatedBy)
		require.Equal(t, ErrRevoked, acceptErr(t, erased, Identity{"kim", ninasEmail, true}))
		require.Equal(t, ErrRevoked, refusal(t, atNoon(), erased, lookupAct{token}))
	}
}

// A user who is still a member is refused. In a deleted organization nobody is a member. Nobody can
// prevent an erasure by becoming a member under the pseudonym.
func TestErase_Refused(t *testing.T) {
	t.Parallel()
	trace := func(f Facts) Facts {
		f.TracedEvents = []Event{{Organization: acme, Version: 2, Type: EventMemberJoined, Actor: nina, Subject: nina}}
		return f
	}
	member := trace(withRole(noInvitation(), nina, RoleViewer))
	require.Equal(t, &MembershipError{Organization: acme}, refusal(t, atNoon(), member, eraseNina()))
	require.ErrorIs(t, refusal(t, atNoon(), member, eraseNina()), ErrConflict)
	member.TracedEvents = nil
	require.Equal(t, &MembershipError{Organization: acme}, refusal(t, atNoon(), member, eraseNina()), "even without a trace")

	deleted := trace(withRole(noInvitation(), nina, RoleViewer))
	deleted.Deleted = true
	require.NoError(t, refusal(t, atNoon(), deleted, eraseNina()))

	taken := trace(withRole(noInvitation(), "erased-1", RoleViewer))
	require.NoError(t, refusal(t, atNoon(), taken, eraseNina()))
}

// Erasing again finds nothing and changes nothing.
func TestErase_NothingFound(t *testing.T) {
	t.Parallel()
	onlyMember := noInvitation()
	onlyMember.TracedMembers = []Member{joined()} // without metadata
	onlyMember.TracedMembers[0].Metadata = nil
	for _, f := range []Facts{noInvitation(), {}} {
		for _, e := range []erasure{eraseAddress(), eraseNina()} {
			rows, changes, err := decide(t, atNoon(), f, e)
			require.NoError(t, err)
			require.Zero(t, rows)
			require.Zero(t, changes)
		}
	}
	rows, changes, err := decide(t, atNoon(), onlyMember, eraseAddress())
	require.NoError(t, err)
	require.Zero(t, rows)
	require.Zero(t, changes)
}

// In a deleted organization nothing is pending any more, so the erasure of a sender ends nothing.
func TestErase_SenderInADeletedOrganization(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{false, true} {
		pending := emailRecord()
		pending.CreatedBy, pending.SentBy = nina, nina
		_, changes, err := decide(t, atNoon(), Facts{
			Organization: acme, Version: 5, Deleted: deleted, TracedInvitations: []Record{pending},
		}, eraseNina())
		require.NoError(t, err)
		want, types := pending, []EventType{EventPersonErased}
		if !deleted {
			want = ended(pending, StateRevoked)
			types = []EventType{EventInvitationRevoked, EventPersonErased}
		}
		want.CreatedBy, want.SentBy = "erased-1", "erased-1"
		require.Equal(t, []Record{want}, changes.Invitations)
		var got []EventType
		for _, e := range changes.Events {
			got = append(got, e.Type)
		}
		require.Equal(t, types, got)
	}
}

// An erasure reaches deleted organizations, and asks for members only of a user.
func TestErase_Needs(t *testing.T) {
	t.Parallel()
	require.Equal(t, Query{
		Organization: acme, AlsoDeleted: true, TracesOf: Person{Email: ninasEmail}, TracesUpTo: 10,
	}, eraseAddress().needs(atNoon()))
	require.Equal(t, Query{
		Organization: acme, AlsoDeleted: true, TracesOf: Person{UserID: nina}, TracesUpTo: 10, Members: []string{nina},
	}, eraseNina().needs(atNoon()))
}
