package invitations

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// pendingFull is the refusal at a limit of pending invitations.
func pendingFull(limit int) error { return &PendingLimitError{Limit: limit, Pending: limit} }

// full is the refusal if no seat is free. The reserved seats are 0 unless seats are reserved.
func full(limit, members, reserved int) error {
	return &MemberLimitError{Limit: limit, Members: members, Reserved: reserved}
}

// Both kinds count together.
func TestPendingLimit(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		for _, c := range []struct {
			limit, pending int
			want           error
		}{
			{10, 0, nil}, {10, 9, nil}, {10, 10, pendingFull(10)}, {10, 11, pendingFull(10)},
			{1, 0, nil}, {1, 1, pendingFull(1)},
			{100_000, 99_999, nil}, {100_000, 100_000, pendingFull(100_000)},
		} {
			r, f := atNoon(), noInvitation()
			r.limits.Pending, f.PendingCount = c.limit, c.pending
			for _, actor := range []Actor{User(adam), System()} {
				err := createErr(t, r, f, varied(creationOf(kind), by(actor)))
				require.Equal(t, c.want, err, "%s by %q: %d of %d", kind, actor.user, c.pending, c.limit)
			}
		}
	}
}

// withMemberLimit returns rules with a limit of members, with or without reserved seats.
func withMemberLimit(limit int, reserve bool) rules {
	r := atNoon()
	r.limits.Members, r.reserveSeats = limit, reserve
	return r
}

// seatless returns rules in which members with these roles take no seat.
func seatless(r rules, roles ...Role) rules {
	r.limits.SeatlessRoles = roles
	return r
}

// Without reserved seats only members count.
func TestClass29_MemberLimit(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		for _, c := range []struct {
			limit, members int
			want           error
		}{
			{0, 0, nil}, {0, 100_000, nil}, // no limit
			{NoLimit, 0, nil}, {NoLimit, 100_000, nil},
			{1, 0, nil}, {1, 1, full(1, 1, 0)}, {1, 2, full(1, 1, 0)},
			{10, 9, nil}, {10, 10, full(10, 10, 0)}, {10, 11, full(10, 10, 0)},
			{100_000, 99_999, nil}, {100_000, 100_000, full(100_000, 100_000, 0)},
		} {
			f := factsOf(recordOf(kind))
			f.SeatCount = c.members
			f.ReservedCount = 100 // does not count
			err := refusal(t, withMemberLimit(c.limit, false), f, acceptance{token, verifiedNina})
			require.Equal(t, c.want, err, "%s: %d of %d", kind, c.members, c.limit)
		}
	}
}

// With reserved seats each pending email invitation holds one for its recipient. A link holds
// none.
func TestClass29_ReservedSeats(t *testing.T) {
	t.Parallel()
	own := changed(emailRecord(), func(r *Record) { r.ID, r.Nonce = otherID, nextNonce })
	for name, c := range map[string]struct {
		kind             Kind
		members, pending int // of 10
		own              []Record
		want             error
	}{
		"email: no other":                       {KindEmail, 1, 1, []Record{emailRecord()}, nil},
		"email: the last seat is their own":     {KindEmail, 9, 1, []Record{emailRecord()}, nil},
		"email: other seats, and their own":     {KindEmail, 5, 5, []Record{emailRecord()}, nil},
		"email: all seats are members'":         {KindEmail, 10, 1, []Record{emailRecord()}, full(10, 10, 1)},
		"email: too many pending":               {KindEmail, 5, 6, []Record{emailRecord()}, nil},
		"email: one seat, all are reserved":     {KindEmail, 9, 10, []Record{emailRecord()}, nil},
		"link: no other":                        {KindLink, 1, 0, nil, nil},
		"link: one free seat":                   {KindLink, 9, 0, nil, nil},
		"link: no free seat":                    {KindLink, 10, 0, nil, full(10, 10, 0)},
		"link: the last seat is reserved":       {KindLink, 9, 1, nil, full(10, 9, 1)},
		"link: all seats are reserved":          {KindLink, 1, 9, nil, full(10, 1, 9)},
		"link: more seats are reserved":         {KindLink, 1, 10, nil, full(10, 1, 10)},
		"link: all except one are reserved":     {KindLink, 1, 8, nil, nil},
		"link: the last seat is their own":      {KindLink, 9, 1, []Record{own}, nil},
		"link: another seat, and their own":     {KindLink, 8, 2, []Record{own}, nil},
		"link: too many pending, and their own": {KindLink, 9, 2, []Record{own}, nil},
		"link: their own, all seats are taken":  {KindLink, 10, 1, []Record{own}, full(10, 10, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(recordOf(c.kind))
			f.SeatCount, f.ReservedCount, f.PendingRecords = c.members, c.pending, c.own
			require.Equal(t, c.want, refusal(t, withMemberLimit(10, true), f, acceptance{token, verifiedNina}))
		})
	}
}

// If the clock is set back, an invitation can be pending for the decision that had expired
// when the facts were asked for. It was not counted, so it holds no seat either.
func TestClass29_ClockSetBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		members, pending int // of 2
		own              []Record
		want             error
	}{
		"no free seat":               {2, 0, nil, full(2, 2, 0)},
		"more members than seats":    {3, 0, nil, full(2, 2, 0)},
		"another's reserved seat":    {1, 1, nil, full(2, 1, 1)},
		"one free seat":              {1, 0, nil, nil},
		"their own reserved seat":    {1, 1, []Record{emailRecord()}, nil},
		"their own, no seat is left": {2, 1, []Record{emailRecord()}, full(2, 2, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			f.SeatCount, f.ReservedCount, f.PendingRecords = c.members, c.pending, c.own
			r := withMemberLimit(2, true)
			r.now = f.Invitation.ExpiresAt.Add(-time.Microsecond)
			require.Equal(t, c.want, refusal(t, r, f, acceptance{token, verifiedNina}))
		})
	}
}

// A person who joins by a link no longer needs their email invitation. It is revoked in the
// same step, whether or not seats are reserved.
func TestJoin_EndsOwnInvitation(t *testing.T) {
	t.Parallel()
	own := func(expiresAt time.Time) Record {
		return changed(emailRecord(), func(r *Record) {
			r.ID, r.Nonce, r.Role, r.SentBy, r.ExpiresAt = otherID, nextNonce, RoleAdmin, olga, expiresAt
		})
	}
	for name, c := range map[string]struct {
		own     Record
		revoked bool
	}{
		"pending":                            {own(noon.Add(day)), true},
		"pending for a microsecond":          {own(noon.Add(time.Microsecond)), true},
		"expired since the facts were asked": {own(noon), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(linkRecord())
			f.PendingRecords = []Record{c.own}
			_, changes, err := join(t, atNoon(), f, acceptance{token, verifiedNina})
			require.NoError(t, err)
			link := changed(linkRecord(), func(r *Record) { r.Uses = 1 })
			if !c.revoked {
				require.Equal(t, []Record{link}, changes.Invitations)
				require.Len(t, changes.Events, 2)
				return
			}
			require.Equal(t, []Record{link, ended(c.own, StateRevoked)}, changes.Invitations)
			require.Len(t, changes.Events, 3)
			require.Equal(t, Event{
				Organization: acme, Type: EventInvitationRevoked, At: noon, Actor: nina,
				InvitationID: otherID, Email: ninasEmail, Role: RoleAdmin, MaxUses: 1, ExpiresAt: c.own.ExpiresAt, Reason: "already_member",
			}, changes.Events[2])
		})
	}

	f := factsOf(emailRecord())
	f.SeatCount, f.ReservedCount, f.PendingRecords = 9, 1, []Record{emailRecord()}
	_, changes, err := decide(t, withMemberLimit(10, true), f, acceptance{token, verifiedNina})
	require.NoError(t, err)
	require.Len(t, changes.Invitations, 1)
	require.Equal(t, StateAccepted, changes.Invitations[0].State, "the accepted invitation is not revoked")
	require.Len(t, changes.Events, 2)
}

func TestAccept_EventsInOrder(t *testing.T) {
	t.Parallel()
	f := factsOf(changed(linkRecord(), func(r *Record) { r.Quota = fiveADay }))
	f.ReservedCount = 1
	f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.ID = otherID })}
	_, changes, err := decide(t, withMemberLimit(10, true), f, acceptance{token, verifiedNina})
	require.NoError(t, err)
	var types []EventType
	for _, e := range changes.Events {
		types = append(types, e.Type)
		require.Equal(t, acme, e.Organization)
		require.Equal(t, noon, e.At)
		require.Zero(t, e.Version, "the store sets it")
		require.Zero(t, e.Index, "the store sets it")
	}
	require.Equal(t, []EventType{EventInvitationAccepted, EventMemberJoined, EventInvitationRevoked, EventQuotaChanged}, types)
}

// The member limit refuses last and uses up nothing. Members get their answer without a seat.
func TestClass11_MemberLimitRefusesLast(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		f := factsOf(recordOf(kind))
		f.SeatCount = 10
		if kind == KindEmail {
			f.ReservedCount, f.PendingRecords = 1, []Record{emailRecord()}
		}
		r := withMemberLimit(10, true)
		a := acceptance{token, verifiedNina}
		f.Removals[nina] = 9
		require.Equal(t, ErrRevoked, refusal(t, r, f, a), "a removed member learns nothing of seats")
		delete(f.Removals, nina)
		require.Equal(t, full(10, 10, f.ReservedCount), refusal(t, r, f, a))
		require.NoError(t, refusal(t, r, f, lookupAct{token}), "the offer stands")

		member := memberOf(nina, RoleDeveloper)
		require.Equal(t, ErrAlreadyMember, refusal(t, r, withMember(f, member), a))
		member.InvitationID = invitedID
		require.NoError(t, refusal(t, r, withMember(f, member), a), "a member by this invitation")

		f.SeatCount = 9
		require.NoError(t, refusal(t, withMemberLimit(10, false), f, a), "after a member left")
	}
}

// With reserved seats, an email invitation needs a free seat, and so does the resend of an
// expired one.
func TestClass29_InvitingNeedsASeat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, members, pending int
		want                    error
	}{
		{10, 1, 0, nil}, {10, 9, 0, nil}, {10, 1, 8, nil}, {10, 5, 4, nil},
		{10, 10, 0, full(10, 10, 0)}, {10, 1, 9, full(10, 1, 9)}, {10, 9, 1, full(10, 9, 1)}, {10, 10, 10, full(10, 10, 10)},
		{1, 1, 0, full(1, 1, 0)},
	} {
		reserved, notReserved := withMemberLimit(c.limit, true), withMemberLimit(c.limit, false)
		for _, actor := range []Actor{User(adam), System()} {
			f := noInvitation()
			f.SeatCount, f.ReservedCount = c.members, c.pending
			email, link := varied(creationOf(KindEmail), by(actor)), varied(creationOf(KindLink), by(actor))
			require.Equal(t, c.want, createErr(t, reserved, f, email), "invite: %d and %d of %d", c.members, c.pending, c.limit)
			require.NoError(t, createErr(t, reserved, f, link), "a link holds no seat")
			require.NoError(t, createErr(t, notReserved, f, email), "no seats are reserved")

			resend := func(record Record) error {
				f := factsOf(record)
				f.SeatCount, f.ReservedCount = c.members, c.pending
				return refusal(t, reserved, f, resendBy(actor))
			}
			expired := inState(emailRecord(), StateExpired)
			require.Equal(t, c.want, resend(expired), "resend: %d and %d of %d", c.members, c.pending, c.limit)
			require.NoError(t, resend(inState(linkRecord(), StateExpired)), "a link holds no seat")
			require.NoError(t, resend(emailRecord()), "a pending invitation has its seat")
		}
	}
}

func TestMemberLimit_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	r, f, c := withMemberLimit(10, true), noInvitation(), creationOf(KindEmail)
	f.SeatCount, f.PendingCount = 10, 10
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	require.ErrorIs(t, createErr(t, r, f, c), ErrAlreadyInvited)
	f.PendingByEmail = nil
	require.Equal(t, pendingFull(10), createErr(t, r, f, c))
	f.PendingCount = 9
	require.Equal(t, full(10, 10, 0), createErr(t, r, f, c))

	existing := madeOf(c)
	f.Invitation = &existing
	_, changes, err := create(t, r, f, c)
	require.NoError(t, err, "a repetition needs no seat")
	require.Zero(t, changes)
}

// sendingLimits are the limits of sending; 0 means no limit.
type sendingLimits struct {
	cooldown                                 time.Duration
	perRecipient, perSender, perOrganization int
}

// withSendingLimits returns rules with limits of sending.
func withSendingLimits(l sendingLimits) rules {
	r := atNoon()
	r.cooldown, r.sendsPerRecipient, r.sendsPerSender, r.sendsPerOrganization = l.cooldown, l.perRecipient, l.perSender, l.perOrganization
	return r
}

// sendingsAt returns sendings by Adam to Nina, each some time before noon, the newest first.
func sendingsAt(ago ...time.Duration) []Sending {
	var all []Sending
	for _, d := range ago {
		all = append(all, Sending{At: noon.Add(-d), Actor: adam, Email: ninasEmail})
	}
	return all
}

// sendingsWith returns a copy of the sendings with the same changes of each.
func sendingsWith(all []Sending, changes ...func(*Sending)) []Sending {
	all = slices.Clone(all)
	for i := range all {
		for _, change := range changes {
			change(&all[i])
		}
	}
	return all
}

func byOlga(s *Sending)   { s.Actor = olga }
func bySystem(s *Sending) { s.Actor = "" }
func toKim(s *Sending)    { s.Email = "kim@example.com" }

// rateLimited returns the refusal of a sending that is possible at noon plus d.
func rateLimited(d time.Duration) error { return &RateLimitError{At: noon.Add(d)} }

// requireRetryAt fails the test unless err refuses a sending until at, for reason.
func requireRetryAt(t require.TestingT, err error, reason *Error, at time.Time) {
	var limit *RateLimitError
	require.ErrorAs(t, err, &limit)
	require.ErrorIs(t, err, reason)
	require.ErrorIs(t, err, ErrRateLimited)
	require.Equal(t, reason == ErrTooSoon, errors.Is(err, ErrTooSoon))
	require.Equal(t, at, limit.RetryAt())
}

// Each limit counts its own sendings within the last 24 hours.
func TestClass40_SendingLimits(t *testing.T) {
	t.Parallel()
	recipient, sender, organization := sendingLimits{perRecipient: 2}, sendingLimits{perSender: 2}, sendingLimits{perOrganization: 2}
	all := sendingLimits{perRecipient: 2, perSender: 2, perOrganization: 2}
	two := sendingsAt(time.Hour, 2*time.Hour)
	oneEach := slices.Concat(two[:1], sendingsWith(two[1:], byOlga))
	for name, c := range map[string]struct {
		limits sendingLimits
		sent   []Sending
		actor  Actor
		retry  time.Duration // after noon; 0: not refused
	}{
		"recipient: none":                   {recipient, nil, User(adam), 0},
		"recipient: one":                    {recipient, two[:1], User(adam), 0},
		"recipient: two":                    {recipient, two, User(adam), 22 * time.Hour},
		"recipient: two by another user":    {recipient, sendingsWith(two, byOlga), User(adam), 22 * time.Hour},
		"recipient: two by System":          {recipient, sendingsWith(two, bySystem), User(adam), 22 * time.Hour},
		"recipient: two, then System":       {recipient, two, System(), 22 * time.Hour},
		"recipient: two to another address": {recipient, sendingsWith(two, toKim), User(adam), 0},
		"recipient: three":                  {recipient, sendingsAt(1*time.Hour, 2*time.Hour, 3*time.Hour), User(adam), 22 * time.Hour},
		"sender: one":                       {sender, two[:1], User(adam), 0},
		"sender: two":                       {sender, two, User(adam), 22 * time.Hour},
		"sender: two to another address":    {sender, sendingsWith(two, toKim), User(adam), 22 * time.Hour},
		"sender: two by another user":       {sender, sendingsWith(two, byOlga), User(adam), 0},
		"sender: one by each of two users":  {sender, oneEach, User(adam), 0},
		"sender: two by System":             {sender, sendingsWith(two, bySystem), User(adam), 0},
		"sender: two, then System":          {sender, two, System(), 0},
		"sender: two by System, then it":    {sender, sendingsWith(two, bySystem), System(), 0},
		"organization: one":                 {organization, two[:1], User(adam), 0},
		"organization: two":                 {organization, two, User(adam), 22 * time.Hour},
		"organization: two of others":       {organization, sendingsWith(two, byOlga, toKim), User(adam), 22 * time.Hour},
		"organization: one by each of two":  {organization, oneEach, User(adam), 22 * time.Hour},
		"organization: two by System":       {organization, sendingsWith(two, bySystem), User(adam), 22 * time.Hour},
		"organization: two, then System":    {organization, two, System(), 22 * time.Hour},

		"no limits":                     {sendingLimits{}, sendingsAt(0, 0, 0, 0, 0), User(adam), 0},
		"all limits, none reached":      {all, two[:1], User(adam), 0},
		"one of one, now":               {sendingLimits{perSender: 1}, sendingsAt(0), User(adam), day},
		"a microsecond less than a day": {sendingLimits{perSender: 1}, sendingsAt(day - time.Microsecond), User(adam), time.Microsecond},
		"exactly a day":                 {sendingLimits{perSender: 1}, sendingsAt(day), User(adam), 0},
		"one of two is exactly a day":   {organization, sendingsAt(time.Hour, day), User(adam), 0},
		"a microsecond more than a day": {sendingLimits{perRecipient: 1}, sendingsAt(day + time.Microsecond), User(adam), 0},
		"one in the future":             {sendingLimits{perRecipient: 1}, sendingsAt(-time.Hour), User(adam), 25 * time.Hour},
		"one of two in the future":      {recipient, sendingsAt(-time.Hour, time.Hour), User(adam), 23 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := withSendingLimits(c.limits)
			f := noInvitation()
			f.Sendings = c.sent
			invite := varied(creationOf(KindEmail), by(c.actor))
			err := createErr(t, r, f, invite)
			resend := factsOf(emailRecord())
			resend.Sendings = c.sent
			require.Equal(t, err, refusal(t, r, resend, resendBy(c.actor)), "a resend counts like an invitation")
			if c.retry == 0 {
				require.NoError(t, err)
				return
			}
			requireRetryAt(t, err, ErrRateLimited, noon.Add(c.retry))

			r.now = noon.Add(c.retry - time.Microsecond)
			require.ErrorIs(t, createErr(t, r, f, invite), ErrRateLimited, "a microsecond before the retry")
			r.now = noon.Add(c.retry)
			require.NoError(t, createErr(t, r, f, invite), "at the retry")
		})
	}
}

// If several limits are reached, the latest retry is the one that succeeds.
func TestClass40_LatestRetryCounts(t *testing.T) {
	t.Parallel()
	sent := []Sending{
		{noon.Add(-2 * time.Hour), olga, ninasEmail},
		{noon.Add(-4 * time.Hour), adam, "kim@example.com"},
		{noon.Add(-6 * time.Hour), adam, ninasEmail},
	}
	for name, c := range map[string]struct {
		limits sendingLimits
		hours  int
	}{
		"one per recipient":          {sendingLimits{perRecipient: 1}, 22},
		"two per recipient":          {sendingLimits{perRecipient: 2}, 18},
		"one per sender":             {sendingLimits{perSender: 1}, 20},
		"two per sender":             {sendingLimits{perSender: 2}, 18},
		"two per organization":       {sendingLimits{perOrganization: 2}, 20},
		"three per organization":     {sendingLimits{perOrganization: 3}, 18},
		"the recipient is latest":    {sendingLimits{perRecipient: 1, perSender: 1, perOrganization: 3}, 22},
		"the sender is latest":       {sendingLimits{perRecipient: 2, perSender: 1, perOrganization: 3}, 20},
		"the organization is latest": {sendingLimits{perRecipient: 2, perSender: 2, perOrganization: 1}, 22},
		"only the sender is reached": {sendingLimits{perRecipient: 3, perSender: 2, perOrganization: 4}, 18},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			f.Sendings = sent
			err := createErr(t, withSendingLimits(c.limits), f, creationOf(KindEmail))
			requireRetryAt(t, err, ErrRateLimited, noon.Add(time.Duration(c.hours)*time.Hour))
		})
	}
}

// A link is not mailed, so no limit counts it.
func TestSendingLimits_Link(t *testing.T) {
	t.Parallel()
	r := withSendingLimits(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 1, perOrganization: 1})
	f := noInvitation()
	f.Sendings = slices.Concat(sendingsAt(0, 0, 0), sendingsWith(sendingsAt(0), func(s *Sending) { s.Email = "" }))
	require.NoError(t, createErr(t, r, f, creationOf(KindLink)))
	f = factsOf(changed(linkRecord(), func(r *Record) { r.SentAt = noon }))
	f.Sendings = sendingsAt(0, 0, 0)
	require.NoError(t, refusal(t, r, f, resendBy(User(adam))))
}

// The cooldown applies to every actor, System included.
func TestClass40_Cooldown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cooldown, ago time.Duration
		refused       bool
	}{
		"just now":                      {time.Minute, 0, true},
		"a microsecond too soon":        {time.Minute, time.Minute - time.Microsecond, true},
		"exactly":                       {time.Minute, time.Minute, false},
		"later":                         {time.Minute, time.Hour, false},
		"a clock that was ahead":        {time.Minute, -time.Hour, true},
		"no cooldown":                   {0, 0, false},
		"no cooldown, a clock ahead":    {0, -time.Hour, false},
		"a microsecond less than a day": {day, day - time.Microsecond, true},
		"a day":                         {day, day, false},
		"a cooldown of a microsecond":   {time.Microsecond, 0, true},
	} {
		for _, state := range []State{StatePending, StateExpired} {
			for _, actor := range []Actor{User(adam), User(olga), System()} {
				t.Run(name+"/"+string(state)+"/"+actor.user, func(t *testing.T) {
					t.Parallel()
					record := inState(emailRecord(), state)
					record.SentAt = noon.Add(-c.ago)
					a := resendBy(actor)
					a.lifetime = day
					err := refusal(t, withSendingLimits(sendingLimits{cooldown: c.cooldown}), factsOf(record), a)
					if c.refused {
						requireRetryAt(t, err, ErrTooSoon, record.SentAt.Add(c.cooldown))
						return
					}
					require.NoError(t, err)
				})
			}
		}
	}
}

// An actor without the permission learns nothing of what was sent. An invitation that cannot
// be sent at all is not refused as too soon.
func TestSendingLimits_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	r := withSendingLimits(sendingLimits{cooldown: time.Minute, perRecipient: 1, perSender: 1, perOrganization: 1})
	sentNow := func(state State) Facts {
		f := factsOf(changed(inState(emailRecord(), state), func(r *Record) { r.SentAt = noon }))
		f.Sendings = sendingsAt(0)
		return f
	}
	resend := func(f Facts, actor Actor) error { return refusal(t, r, f, resendBy(actor)) }
	require.Equal(t, ErrPermissionDenied, resend(sentNow(StatePending), User(vera)))
	ofOwner := sentNow(StatePending)
	ofOwner.Invitation.Role = RoleOwner
	require.Equal(t, ErrRoleNotAssignable, resend(ofOwner, User(adam)))
	require.Equal(t, ErrRevoked, resend(sentNow(StateRevoked), User(adam)))
	crowded := sentNow(StateExpired)
	crowded.PendingCount = 10
	require.Equal(t, pendingFull(10), resend(crowded, User(adam)))
	requireRetryAt(t, resend(sentNow(StatePending), User(adam)), ErrTooSoon, noon.Add(time.Minute))
	cooledDown := sentNow(StatePending)
	cooledDown.Invitation.SentAt = noon.Add(-time.Minute)
	requireRetryAt(t, resend(cooledDown, User(adam)), ErrRateLimited, noon.Add(day))

	f := noInvitation()
	f.Sendings, f.PendingCount = sendingsAt(0), 10
	require.Equal(t, ErrPermissionDenied, createErr(t, r, f, varied(creationOf(KindEmail), by(User(vera)))))
	require.Equal(t, pendingFull(10), createErr(t, r, f, creationOf(KindEmail)))
	f.PendingCount = 9
	requireRetryAt(t, createErr(t, r, f, creationOf(KindEmail)), ErrRateLimited, noon.Add(day))
}

// A repeated call sends nothing, so no limit refuses it.
func TestSendingLimits_Repeated(t *testing.T) {
	t.Parallel()
	r := withSendingLimits(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 1, perOrganization: 1})
	first, _, err := create(t, r, noInvitation(), creationOf(KindEmail))
	require.NoError(t, err)
	f := factsOf(first)
	f.Sendings = sendingsAt(0, 0, 0)
	repeated, changes, err := create(t, r, f, creationOf(KindEmail))
	require.NoError(t, err)
	require.Zero(t, changes)
	require.Equal(t, first, repeated)
}

// A limit per organization bounds the sendings that a decision needs: if there are more, that
// limit refuses anyway.
func TestSendingLimits_Needs(t *testing.T) {
	t.Parallel()
	for want, all := range map[int][]sendingLimits{
		0:           {{}, {cooldown: time.Minute}},
		7:           {{perOrganization: 7}, {perOrganization: 7, perRecipient: 100, perSender: 200}, {perOrganization: 7, perRecipient: 1}},
		maxSendings: {{perRecipient: 1}, {perSender: 1}, {perRecipient: 5, perSender: 9, cooldown: day}, {perOrganization: maxSendings}},
	} {
		for _, l := range all {
			r := withSendingLimits(l)
			q := creationOf(KindEmail).needs(r)
			require.Equal(t, want, q.SendingsUpTo, "%+v", l)
			require.Equal(t, want > 0, q.SendingsAfter.Equal(noon.Add(-sendingWindow)), "%+v", l)
			require.Zero(t, creationOf(KindLink).needs(r).SendingsUpTo, "a link is not mailed")
		}
	}
}

// A negative limit of the configuration means no limit.
func TestSendingLimits_Config(t *testing.T) {
	t.Parallel()
	rulesOf := func(c Config) rules {
		c.Policy, c.PendingLimit, c.Expiry, c.MaxExpiry = DefaultPolicy(), 10, 7*day, 30*day
		return c.rules(noon)
	}
	none := Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -5, SendsPerOrganization: -1 << 31}
	require.Equal(t, withSendingLimits(sendingLimits{}), rulesOf(none))
	some := Config{ResendCooldown: time.Hour, SendsPerRecipient: 1, SendsPerSender: 2, SendsPerOrganization: 3}
	require.Equal(t, withSendingLimits(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 2, perOrganization: 3}), rulesOf(some))
}
