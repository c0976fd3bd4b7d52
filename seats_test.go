package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// limited are the rules with a limit of members, whose seats are reserved or not.
func limited(limit int, reserve bool) rules {
	r := atNoon()
	r.memberLimit, r.reserveSeats = limit, reserve
	return r
}

func acceptAs(t require.TestingT, r rules, f Facts, who Identity) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, who}.decide(r, f) })
}

// Without reserved seats those who are in are counted, and nobody else.
func TestClass29_MemberLimit(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for _, c := range []struct {
			limit, members int
			want           error
		}{
			{0, 0, nil}, {0, 100_000, nil}, // without limit
			{1, 0, nil}, {1, 1, ErrMemberLimit}, {1, 2, ErrMemberLimit},
			{10, 9, nil}, {10, 10, ErrMemberLimit}, {10, 11, ErrMemberLimit},
			{100_000, 99_999, nil}, {100_000, 100_000, ErrMemberLimit},
		} {
			f := factsOf(recordOf(kind))
			f.MemberCount = c.members
			f.PendingEmailCount = 100 // says nothing here
			f.PendingRecords = nil
			_, _, err := acceptAs(t, limited(c.limit, false), f, verifiedNina)
			require.Equal(t, c.want, err, "%s: %d of %d", kind, c.members, c.limit)
		}
	}
}

// With reserved seats each pending email invitation holds one, but not against the person
// that it is for. A link holds none.
func TestClass29_ReservedSeats(t *testing.T) {
	t.Parallel()
	mine := changed(emailRecord(), func(r *Record) { r.ID, r.Nonce = otherID, nextNonce })
	for name, c := range map[string]struct {
		kind             Kind
		members, pending int // of 10
		own              []Record
		want             error
	}{
		"email, alone":                          {KindEmail, 1, 1, []Record{emailRecord()}, nil},
		"email, the last seat is theirs":        {KindEmail, 9, 1, []Record{emailRecord()}, nil},
		"email, the others' seats and theirs":   {KindEmail, 5, 5, []Record{emailRecord()}, nil},
		"email, as many as there are":           {KindEmail, 10, 1, []Record{emailRecord()}, ErrMemberLimit},
		"email, one too many":                   {KindEmail, 5, 6, []Record{emailRecord()}, ErrMemberLimit},
		"link, alone":                           {KindLink, 1, 0, nil, nil},
		"link, the last seat":                   {KindLink, 9, 0, nil, nil},
		"link, no seat":                         {KindLink, 10, 0, nil, ErrMemberLimit},
		"link, the last seat is somebody's":     {KindLink, 9, 1, nil, ErrMemberLimit},
		"link, all seats are somebody's":        {KindLink, 1, 9, nil, ErrMemberLimit},
		"link, all but one are":                 {KindLink, 1, 8, nil, nil},
		"link, the last seat is their own":      {KindLink, 9, 1, []Record{mine}, nil},
		"link, their own and somebody's":        {KindLink, 8, 2, []Record{mine}, nil},
		"link, their own and too many":          {KindLink, 9, 2, []Record{mine}, ErrMemberLimit},
		"link, their own where all are members": {KindLink, 10, 1, []Record{mine}, ErrMemberLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(recordOf(c.kind))
			f.MemberCount, f.PendingEmailCount, f.PendingRecords = c.members, c.pending, c.own
			_, _, err := acceptAs(t, limited(10, true), f, verifiedNina)
			require.Equal(t, c.want, err)
		})
	}
}

// What is not counted is not subtracted: where the clock was ahead when the facts were asked
// for, the invitation had expired then, and its seat was no one's. It may have been taken.
func TestClass29_SeatWithTheClockSetBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		members, pending int // of 2
		own              []Record
		want             error
	}{
		"the third of two":           {2, 0, nil, ErrMemberLimit},
		"the fourth of two":          {3, 0, nil, ErrMemberLimit},
		"the second, without a seat": {1, 1, nil, ErrMemberLimit},
		"the second of two":          {1, 0, nil, nil},
		"the second, with the seat":  {1, 1, []Record{emailRecord()}, nil},
		"the third, with a seat":     {2, 1, []Record{emailRecord()}, ErrMemberLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			f.MemberCount, f.PendingEmailCount, f.PendingRecords = c.members, c.pending, c.own
			r := limited(2, true)
			r.now = f.Invitation.ExpiresAt.Add(-time.Microsecond)
			_, _, err := acceptAs(t, r, f, verifiedNina)
			require.Equal(t, c.want, err)
		})
	}
}

// Who comes in by a link needs the email invitation no more that they have as well: it ends
// in the same step, and with it the seat that it holds. So nobody is counted twice.
func TestClass29_OwnInvitationEndsWithALink(t *testing.T) {
	t.Parallel()
	own := func(change func(*Record)) Record {
		return changed(emailRecord(), func(r *Record) {
			r.ID, r.Nonce, r.Role, r.SentBy = otherID, nextNonce, RoleAdmin, olga
			change(r)
		})
	}
	for name, c := range map[string]struct {
		pending Record
		ends    bool
	}{
		"pending":               {own(func(*Record) {}), true},
		"a microsecond is left": {own(func(r *Record) { r.ExpiresAt = noon.Add(1000) }), true},
		// It was pending when the facts were asked for.
		"expired": {own(func(r *Record) { r.ExpiresAt = noon }), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(linkRecord())
			f.MemberCount, f.PendingEmailCount = 9, 1
			f.PendingRecords = []Record{c.pending}
			_, changes, err := acceptAs(t, limited(10, true), f, verifiedNina)
			require.NoError(t, err)
			link := linkRecord()
			link.Uses = 1
			if !c.ends {
				require.Equal(t, []Record{link}, changes.Invitations)
				require.Len(t, changes.Events, 2)
				return
			}
			ended := c.pending
			ended.State, ended.EndedAt, ended.SweepAt = StateRevoked, noon, time.Time{}
			require.Equal(t, []Record{link, ended}, changes.Invitations)
			require.Len(t, changes.Events, 3)
			require.Equal(t, Event{
				Organization: acme, Type: EventInvitationRevoked, At: noon, Actor: nina,
				InvitationID: otherID, Role: RoleAdmin, MaxUses: 1, ExpiresAt: ended.ExpiresAt, Reason: "already_member",
			}, changes.Events[2])
		})
	}

	// The invitation that is accepted is their own as well, and is accepted, not revoked.
	f := factsOf(emailRecord())
	f.MemberCount, f.PendingEmailCount = 9, 1
	f.PendingRecords = []Record{emailRecord()}
	_, changes, err := acceptAs(t, limited(10, true), f, verifiedNina)
	require.NoError(t, err)
	require.Len(t, changes.Invitations, 1)
	require.Equal(t, StateAccepted, changes.Invitations[0].State)
	require.Len(t, changes.Events, 2)
}

// What an acceptance ends and what it gives, in the order in which it is told.
func TestAccept_EventsInOrder(t *testing.T) {
	t.Parallel()
	f := factsOf(changed(linkRecord(), func(r *Record) { r.Quota = fiveADay }))
	f.PendingEmailCount = 1
	f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.ID = otherID })}
	_, changes, err := acceptAs(t, limited(10, true), f, verifiedNina)
	require.NoError(t, err)
	var types []EventType
	for _, e := range changes.Events {
		types = append(types, e.Type)
		require.Equal(t, acme, e.Organization)
		require.Equal(t, noon, e.At)
		require.Zero(t, e.Version, "which the store gives")
		require.Zero(t, e.Index)
	}
	require.Equal(t, []EventType{EventInvitationAccepted, EventMemberJoined, EventInvitationRevoked, EventQuotaChanged}, types)
}

// A full house is the last of all refusals, burns nothing, and is no matter to who is in.
func TestClass11_FullHouse(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		f := factsOf(recordOf(kind))
		f.MemberCount = 10
		if kind == KindEmail {
			f.PendingEmailCount, f.PendingRecords = 1, []Record{emailRecord()}
		}
		f.Removals[nina] = 9
		for range 2 {
			_, _, err := acceptAs(t, limited(10, true), f, verifiedNina)
			require.Equal(t, ErrRevoked, err, "the removed learn nothing of it")
		}
		delete(f.Removals, nina)
		for range 2 {
			_, _, err := acceptAs(t, limited(10, true), f, verifiedNina)
			require.Equal(t, ErrMemberLimit, err)
		}
		_, err := limited(10, true).lookup(f, token)
		require.NoError(t, err, "the offer stands")

		member := memberOf(nina, RoleDeveloper)
		f.Members[nina] = member
		_, _, err = acceptAs(t, limited(10, true), f, verifiedNina)
		require.Equal(t, ErrAlreadyMember, err)
		member.InvitationID = invitedID
		f.Members[nina] = member
		_, _, err = acceptAs(t, limited(10, true), f, verifiedNina)
		require.NoError(t, err, "who is in by it has their answer again")

		delete(f.Members, nina)
		f.MemberCount = 9
		_, _, err = acceptAs(t, limited(10, false), f, verifiedNina)
		require.NoError(t, err, "when somebody has gone")
	}
}

// Where seats are reserved, an email invitation is sent only for a seat that is free. An
// expired one that is sent again needs one again.
func TestClass29_NoInvitationWithoutASeat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, members, pending int
		want                    error
	}{
		{10, 1, 0, nil}, {10, 9, 0, nil}, {10, 1, 8, nil}, {10, 5, 4, nil},
		{10, 10, 0, ErrMemberLimit}, {10, 1, 9, ErrMemberLimit}, {10, 9, 1, ErrMemberLimit}, {10, 10, 10, ErrMemberLimit},
		{1, 1, 0, ErrMemberLimit},
	} {
		for _, actor := range []Actor{User(adam), System()} {
			f := noInvitation()
			f.MemberCount, f.PendingEmailCount = c.members, c.pending
			_, _, err := create(t, limited(c.limit, true), f, actor, draftOf(KindEmail))
			require.Equal(t, c.want, err, "invite: %d and %d of %d", c.members, c.pending, c.limit)
			_, _, err = create(t, limited(c.limit, true), f, actor, draftOf(KindLink))
			require.NoError(t, err, "a link holds no seat")
			_, _, err = create(t, limited(c.limit, false), f, actor, draftOf(KindEmail))
			require.NoError(t, err, "nothing is reserved")

			resend := func(record Record) error {
				g := factsOf(record)
				g.MemberCount, g.PendingEmailCount = c.members, c.pending
				_, _, err := decided(t, g, func(f Facts) (Record, Changes, error) {
					return resending{actor: actor, nonce: nextNonce}.decide(limited(c.limit, true), f)
				})
				return err
			}
			require.Equal(t, c.want, resend(inState(emailRecord(), StateExpired)), "resend: %d and %d of %d", c.members, c.pending, c.limit)
			require.NoError(t, resend(inState(linkRecord(), StateExpired)), "a link holds no seat")
			require.NoError(t, resend(emailRecord()), "who is invited has a seat")
		}
	}
}

// The refusals that can be acted on without making room come first.
func TestCreate_SeatsComeLast(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.MemberCount, f.PendingCount = 10, 10
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	_, _, err := create(t, limited(10, true), f, User(adam), draftOf(KindEmail))
	require.ErrorIs(t, err, ErrAlreadyInvited)
	f.PendingByEmail = nil
	_, _, err = create(t, limited(10, true), f, User(adam), draftOf(KindEmail))
	require.Equal(t, ErrPendingLimit, err)
	f.PendingCount = 9
	_, _, err = create(t, limited(10, true), f, User(adam), draftOf(KindEmail))
	require.Equal(t, ErrMemberLimit, err)

	// What exists takes no seat a second time.
	made := draftOf(KindEmail)
	f.Invitation = &made
	_, changes, err := create(t, limited(10, true), f, User(adam), made)
	require.NoError(t, err)
	require.Zero(t, changes)
}
