package invitations

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// additionBy returns the addition of Nina as a developer, with changes.
func additionBy(actor Actor, changes ...func(*AddMemberParams)) addition {
	p := AddMemberParams{Organization: acme, UserID: nina, Role: RoleDeveloper}
	for _, change := range changes {
		change(&p)
	}
	return addition{actor, p}
}

func withAddress(p *AddMemberParams)           { p.Email = ninasEmail }
func withFiveADay(p *AddMemberParams)          { p.Quota = fiveADay }
func inTeamBlue(p *AddMemberParams)            { p.Metadata = map[string]string{"team": "blue"} }
func addedAs(role Role) func(*AddMemberParams) { return func(p *AddMemberParams) { p.Role = role } }
func userNamed(user string) func(*AddMemberParams) {
	return func(p *AddMemberParams) { p.UserID = user }
}
func add(t require.TestingT, r rules, f Facts, a addition) (Member, Changes, error) {
	return join(t, r, f, a)
}

func TestAddMember(t *testing.T) {
	t.Parallel()
	own := changed(emailRecord(), func(r *Record) { r.Role, r.SentBy = RoleAdmin, olga })
	for name, c := range map[string]struct {
		addition addition
		pending  []Record // for the address
		version  int64    // of an earlier removal; 0: none
	}{
		"by an admin":             {additionBy(User(adam)), nil, 0},
		"by an owner, as owner":   {additionBy(User(olga), addedAs(RoleOwner)), nil, 0},
		"by System":               {additionBy(System()), nil, 0},
		"with metadata":           {additionBy(System(), inTeamBlue), nil, 0},
		"with a quota":            {additionBy(User(adam), withFiveADay), nil, 0},
		"not invited":             {additionBy(User(adam), withAddress), nil, 0},
		"invited":                 {additionBy(User(adam), withAddress), []Record{own}, 0},
		"invited, by System":      {additionBy(System(), withAddress, withFiveADay, inTeamBlue), []Record{own}, 0},
		"removed before":          {additionBy(User(adam)), nil, 3},
		"removed a moment ago":    {additionBy(User(adam)), nil, 9},
		"invited twice by clocks": {additionBy(User(adam), withAddress), []Record{own, changed(own, func(r *Record) { r.ID = otherID })}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			f.PendingRecords = c.pending
			f.PendingCount = 10 // all places are taken
			if c.version > 0 {
				f.Removals[nina] = c.version
			}
			member, changes, err := add(t, withSendingLimits(sendingLimits{perSender: 1}), f, c.addition)
			require.NoError(t, err)
			p, actor := c.addition.p, c.addition.actor.user
			want := Member{Organization: acme, UserID: nina, Role: p.Role, JoinedAt: noon, InvitedBy: actor, Metadata: p.Metadata}
			require.Equal(t, want, member)
			wantChanges := Changes{
				Members: []Member{want},
				Events: []Event{{
					Organization: acme, Type: EventMemberJoined, At: noon, Actor: actor, Subject: nina, Role: p.Role, InvitedBy: actor,
				}},
			}
			for _, record := range c.pending {
				event := eventOf(EventInvitationRevoked, record, actor)
				event.Reason = "already_member"
				wantChanges.Invitations = append(wantChanges.Invitations, ended(record, StateRevoked))
				wantChanges.Events = append(wantChanges.Events, event)
			}
			if p.Quota != (Quota{}) {
				wantChanges.Quotas = []QuotaRecord{{Organization: acme, UserID: nina, Quota: p.Quota, Version: 10}}
				wantChanges.Events = append(wantChanges.Events, Event{
					Organization: acme, Type: EventQuotaChanged, At: noon, Actor: actor, Subject: nina, Quota: p.Quota,
				})
			}
			require.Equal(t, wantChanges, changes)
		})
	}
}

// An invitation that expired between the call and the step has ended in another way.
func TestAddMember_ExpiredInvitation(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.PendingRecords = []Record{inState(emailRecord(), StateExpired)}
	_, changes, err := add(t, atNoon(), f, additionBy(System(), withAddress))
	require.NoError(t, err)
	require.Empty(t, changes.Invitations)
	require.Len(t, changes.Events, 1)
}

// An organization without an owner, which only a careless host makes, is like none. An owner repairs it.
func TestAddMember_WithoutAnOwner(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	delete(f.Members, olga)
	f.OwnerCount = 0
	require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, additionBy(System())))
	require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, additionBy(User(adam))))
	member, _, err := add(t, atNoon(), f, additionBy(System(), addedAs(RoleOwner)))
	require.NoError(t, err)
	require.Equal(t, RoleOwner, member.Role)
}

func TestAddMember_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts    Facts
		addition addition
		want     error
	}{
		"developer":                          {noInvitation(), additionBy(User(dora), addedAs(RoleViewer)), ErrPermissionDenied},
		"billing":                            {noInvitation(), additionBy(User(bill), addedAs(RoleViewer)), ErrPermissionDenied},
		"viewer":                             {noInvitation(), additionBy(User(vera), addedAs(RoleViewer)), ErrPermissionDenied},
		"stranger adds themselves":           {noInvitation(), additionBy(User(nina)), ErrPermissionDenied},
		"zero actor":                         {noInvitation(), additionBy(Actor{}), ErrPermissionDenied},
		"a member of an unknown role":        {withRole(noInvitation(), adam, ghost), additionBy(User(adam)), ErrPermissionDenied},
		"admin, an owner":                    {noInvitation(), additionBy(User(adam), addedAs(RoleOwner)), ErrRoleNotAssignable},
		"owner, an unknown role":             {noInvitation(), additionBy(User(olga), addedAs(ghost)), ErrRoleNotAssignable},
		"System, an unknown role":            {noInvitation(), additionBy(System(), addedAs(ghost)), ErrRoleNotAssignable},
		"user, no organization":              {Facts{}, additionBy(User(olga)), ErrPermissionDenied},
		"System, no organization":            {Facts{}, additionBy(System()), ErrNotFound},
		"a member with another role":         {noInvitation(), additionBy(User(adam), userNamed(vera)), ErrAlreadyMember},
		"a member with a higher role":        {noInvitation(), additionBy(User(adam), userNamed(olga)), ErrAlreadyMember},
		"a member with an unknown role":      {withRole(noInvitation(), nina, ghost), additionBy(System()), ErrAlreadyMember},
		"admin, themselves":                  {noInvitation(), additionBy(User(adam), userNamed(adam)), ErrAlreadyMember},
		"viewer, a member with the role":     {noInvitation(), additionBy(User(vera), userNamed(dora)), ErrPermissionDenied},
		"admin, an owner who is a member":    {noInvitation(), additionBy(User(adam), userNamed(olga), addedAs(RoleOwner)), ErrRoleNotAssignable},
		"stranger, a member with their role": {noInvitation(), additionBy(User(nina), userNamed(dora)), ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, refusal(t, atNoon(), c.facts, c.addition))
		})
	}
}

// Adding needs the permission to add members, and a quota the permission to set quotas. No
// other permission replaces them.
func TestClass12_AddingNeedsItsPermission(t *testing.T) {
	t.Parallel()
	for _, held := range allPermissions {
		policy, err := NewPolicy(map[Role][]Permission{
			RoleOwner: allPermissions, "one": {held}, "adder": {PermissionMemberAdd, held}, RoleViewer: nil,
		})
		require.NoError(t, err)
		r := rulesOf(policy)
		var want error = ErrPermissionDenied
		if held == PermissionMemberAdd {
			want = nil
		}
		one := withRole(noInvitation(), adam, "one")
		require.Equal(t, want, refusal(t, r, one, additionBy(User(adam), addedAs(RoleViewer))), held)
		want = ErrPermissionDenied
		if held == PermissionQuotaUpdate {
			want = nil
		}
		adder := withRole(noInvitation(), adam, "adder")
		require.NoError(t, refusal(t, r, adder, additionBy(User(adam), addedAs(RoleViewer))))
		require.Equal(t, want, refusal(t, r, adder, additionBy(User(adam), addedAs(RoleViewer), withFiveADay)), held)
	}
}

// The same call again returns the membership as it is. It needs no seat, and what else it asks
// for does not matter.
func TestAddMember_Repeated(t *testing.T) {
	t.Parallel()
	invited := joined()
	for name, present := range map[string]Member{
		"added before": memberOf(nina, RoleDeveloper), "by an invitation": invited, "with every field": fullMember(nina, RoleDeveloper),
	} {
		for _, a := range []addition{
			additionBy(User(adam)), additionBy(System()), additionBy(User(olga), withAddress, withFiveADay, inTeamBlue),
		} {
			f := withMember(noInvitation(), present)
			f.SeatCount = 10
			f.PendingRecords = []Record{emailRecord()}
			member, changes, err := add(t, withMemberLimit(10, true), f, a)
			require.NoError(t, err, name)
			require.Equal(t, present, member)
			require.Zero(t, changes)
		}
	}
}

// An addition is not an invitation. A removed member who was added again cannot use older
// invitations after leaving.
func TestClass15_AddedAgain(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.Removals[nina] = 7
	_, changes, err := add(t, atNoon(), f, additionBy(User(adam)))
	require.NoError(t, err)
	require.Empty(t, changes.Removals, "the removal remains")
	link := factsOf(linkRecord())
	link.Removals[nina] = 7
	require.Equal(t, ErrRevoked, acceptErr(t, link, verifiedNina))
}

func TestClass29_AddingNeedsASeat(t *testing.T) {
	t.Parallel()
	own := changed(emailRecord(), func(r *Record) { r.ID = otherID })
	seatlessOwn := changed(own, func(r *Record) { r.Role = RoleViewer })
	reserved, notReserved := withMemberLimit(10, true), withMemberLimit(10, false)
	for name, c := range map[string]struct {
		rules             rules
		members, reserved int
		own               []Record
		role              Role
		want              error
	}{
		"no limit":                         {withMemberLimit(NoLimit, true), 100, 100, nil, RoleDeveloper, nil},
		"one free seat":                    {reserved, 9, 0, nil, RoleDeveloper, nil},
		"none":                             {reserved, 10, 0, nil, RoleDeveloper, full(10, 10, 0)},
		"the last one is reserved":         {reserved, 9, 1, nil, RoleDeveloper, full(10, 9, 1)},
		"the last one is their own":        {reserved, 9, 1, []Record{own}, RoleDeveloper, nil},
		"their own, all are taken":         {reserved, 10, 1, []Record{own}, RoleDeveloper, full(10, 10, 1)},
		"their own is for a seatless role": {seatless(reserved, RoleViewer), 9, 1, []Record{seatlessOwn}, RoleDeveloper, full(10, 9, 1)},
		"a seatless role":                  {seatless(reserved, RoleViewer), 10, 10, nil, RoleViewer, nil},
		"another role is seatless":         {seatless(reserved, RoleViewer), 10, 0, nil, RoleDeveloper, full(10, 10, 0)},
		"not reserved":                     {notReserved, 9, 10, nil, RoleDeveloper, nil},
		"not reserved, none":               {notReserved, 10, 0, nil, RoleDeveloper, full(10, 10, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			f.SeatCount, f.ReservedCount, f.PendingRecords = c.members, c.reserved, c.own
			for _, actor := range []Actor{User(adam), System()} {
				require.Equal(t, c.want, refusal(t, c.rules, f, additionBy(actor, withAddress, addedAs(c.role))))
			}
		})
	}
}

func TestAddMember_CopiesMetadata(t *testing.T) {
	t.Parallel()
	a := additionBy(System(), inTeamBlue)
	_, changes, err := add(t, atNoon(), noInvitation(), a)
	require.NoError(t, err)
	a.p.Metadata["team"] = "red"
	require.Equal(t, map[string]string{"team": "blue"}, changes.Members[0].Metadata)
}

// Limits of links and domains are for invitations. An addition is not bound by them.
func TestAddMember_LimitsOfInvitations(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.Limits = Limits{NoLinks: true, AllowedDomains: []string{"example.org"}, Pending: 1}
	f.PendingCount = 1
	member, _, err := add(t, atNoon(), f, additionBy(User(adam), withAddress))
	require.NoError(t, err)
	require.Equal(t, uuid.Nil, member.InvitationID)
}
