package invitations

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// fullMember returns a membership with every field. A role change must leave the others alone.
func fullMember(user string, role Role) Member {
	m := memberOf(user, role)
	m.InvitationID, m.InvitedBy, m.Metadata = invitedID, adam, map[string]string{"team": "red"}
	return m
}

// memberEvent returns the event of a change of m at noon.
func memberEvent(event EventType, actor Actor, m Member) Event {
	return Event{Organization: acme, Type: event, At: noon, Actor: actor.user, Subject: m.UserID, Role: m.Role}
}

// roleEvent returns the event of a change at noon after which the member is m.
func roleEvent(actor Actor, former Role, m Member) Event {
	e := memberEvent(EventMemberRoleChanged, actor, m)
	e.FormerRole = former
	return e
}

func TestChangeRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor  Actor
		user   string
		before Role
		after  Role
		loses  bool // a permission
	}{
		"admin changes a developer":         {User(adam), dora, RoleDeveloper, RoleBilling, true},
		"admin raises to admin":             {User(adam), dora, RoleDeveloper, RoleAdmin, false},
		"admin lowers another admin":        {User(adam), vera, RoleAdmin, RoleViewer, true},
		"admin lowers themselves":           {User(adam), adam, RoleAdmin, RoleViewer, true},
		"admin raises a viewer":             {User(adam), vera, RoleViewer, RoleDeveloper, false},
		"owner raises to owner":             {User(olga), dora, RoleDeveloper, RoleOwner, false},
		"owner lowers another owner":        {User(olga), vera, RoleOwner, RoleViewer, true},
		"owner lowers themselves":           {User(olga), olga, RoleOwner, RoleAdmin, true},
		"System raises":                     {System(), dora, RoleDeveloper, RoleOwner, false},
		"System lowers an owner":            {System(), olga, RoleOwner, RoleViewer, true},
		"owner changes an unknown role":     {User(olga), dora, ghost, RoleViewer, true},
		"System changes an unknown role":    {System(), dora, ghost, RoleOwner, true},
		"owner changes a member of no role": {User(olga), dora, "", RoleViewer, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withMember(withOwners(2), fullMember(c.user, c.before))
			member, changes, err := decide(t, atNoon(), f, roleChangeBy(c.actor, c.user, c.after))
			require.NoError(t, err)
			want := fullMember(c.user, c.after)
			require.Equal(t, want, member)
			wantChanges := Changes{
				Members: []Member{want},
				Events:  []Event{roleEvent(c.actor, c.before, want)},
			}
			if c.loses {
				wantChanges.Removals = []string{c.user}
			}
			require.Equal(t, wantChanges, changes)
		})
	}
}

// A change to the present role changes nothing, even for the last owner. It needs the same
// permission as any other.
func TestChangeRole_SameRole(t *testing.T) {
	t.Parallel()
	for user, c := range map[string]struct {
		actor Actor
		want  error
	}{
		olga: {User(olga), nil},
		dora: {User(adam), nil},
		vera: {System(), nil},
		adam: {User(dora), ErrPermissionDenied},
	} {
		f := withOwners(1)
		// The member is not entitled to this invitation, but the call does not revoke it.
		f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.SentBy, r.Role = user, ghost })}
		member, changes, err := decide(t, atNoon(), f, roleChangeBy(c.actor, user, f.Members[user].Role))
		require.Equal(t, c.want, err, user)
		require.Zero(t, changes, user)
		if err == nil {
			require.Equal(t, f.Members[user], member)
		}
	}
	f := withRole(withOwners(1), dora, ghost)
	require.Equal(t, ErrRoleNotAssignable, refusal(t, atNoon(), f, roleChangeBy(User(olga), dora, ghost)), "the present role is unknown")
}

func TestSetMetadata(t *testing.T) {
	t.Parallel()
	red, blue := map[string]string{"team": "red"}, map[string]string{"team": "blue"}
	for name, c := range map[string]struct {
		actor         Actor
		user          string
		role          Role
		before, after map[string]string
	}{
		"admin, the first of a developer":    {User(adam), dora, RoleDeveloper, nil, red},
		"admin, other metadata":              {User(adam), dora, RoleDeveloper, red, blue},
		"admin, more":                        {User(adam), dora, RoleDeveloper, red, map[string]string{"team": "red", "desk": "7"}},
		"admin, none":                        {User(adam), dora, RoleDeveloper, red, nil},
		"admin, their own":                   {User(adam), adam, RoleAdmin, red, blue},
		"owner, an admin's":                  {User(olga), adam, RoleAdmin, red, blue},
		"owner, an unknown role's":           {User(olga), dora, ghost, red, blue},
		"System, an owner's":                 {System(), olga, RoleOwner, red, blue},
		"admin, the same":                    {User(adam), dora, RoleDeveloper, red, map[string]string{"team": "red"}},
		"System, none again, empty":          {System(), dora, RoleDeveloper, nil, map[string]string{}},
		"the last owner, their own metadata": {User(olga), olga, RoleOwner, nil, red},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			member := fullMember(c.user, c.role)
			member.Metadata = c.before
			f := withMember(withOwners(1), member)
			result, changes, err := decide(t, atNoon(), f, metadataChange{c.actor, SetMetadataParams{acme, c.user, c.after}})
			require.NoError(t, err)
			if maps.Equal(c.before, c.after) {
				require.Equal(t, member, result)
				require.Zero(t, changes)
				return
			}
			member.Metadata = c.after
			require.Equal(t, member, result)
			require.Equal(t, Changes{
				Members: []Member{member}, Events: []Event{memberEvent(EventMemberMetadataChanged, c.actor, member)},
			}, changes)
		})
	}

	given := map[string]string{"team": "red"}
	_, changes, err := decide(t, atNoon(), withOwners(1), metadataChange{System(), SetMetadataParams{acme, dora, given}})
	require.NoError(t, err)
	given["team"] = "evil"
	require.Equal(t, red, changes.Members[0].Metadata, "a copy")
}

func TestRemoveMember(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor Actor
		user  string
		role  Role
	}{
		"admin removes a developer":        {User(adam), dora, RoleDeveloper},
		"admin removes another admin":      {User(adam), vera, RoleAdmin},
		"admin removes themselves":         {User(adam), adam, RoleAdmin},
		"owner removes another owner":      {User(olga), vera, RoleOwner},
		"owner removes themselves":         {User(olga), olga, RoleOwner},
		"System removes an owner":          {System(), olga, RoleOwner},
		"owner removes an unknown role":    {User(olga), dora, ghost},
		"System removes an unknown role":   {System(), dora, ghost},
		"admin removes a returned member":  {User(adam), bill, RoleBilling},
		"System removes a returned member": {System(), bill, RoleBilling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := fullMember(c.user, c.role)
			f := withMember(withOwners(2), before)
			f.Removals[bill] = 2
			member, changes, err := decide(t, atNoon(), f, memberRemoval{c.actor, acme, c.user})
			require.NoError(t, err)
			require.Equal(t, before, member)
			require.Equal(t, Changes{
				RemovedMembers: []string{c.user},
				Removals:       []string{c.user},
				Events:         []Event{memberEvent(EventMemberRemoved, c.actor, before)},
			}, changes)
		})
	}
}

// Leaving needs no permission and is not a removal, so the user can return.
func TestLeave(t *testing.T) {
	t.Parallel()
	for _, role := range append(DefaultPolicy().Roles(), ghost) {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			f := withOwners(2)
			before := fullMember(dora, role)
			f.Members = map[string]Member{dora: before}
			member, changes, err := decide(t, atNoon(), f, leaving{acme, dora})
			require.NoError(t, err)
			require.Equal(t, before, member)
			require.Equal(t, Changes{
				RemovedMembers: []string{dora},
				Events:         []Event{memberEvent(EventMemberLeft, User(dora), before)},
			}, changes)
		})
	}
	for name, f := range map[string]Facts{"stranger": withOwners(2), "no organization": {}} {
		require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, leaving{acme, nina}), name)
	}
}

// No act by anybody leaves an organization without an owner.
func TestClass48_TheLastOwnerStays(t *testing.T) {
	t.Parallel()
	for name, perform := range map[string]actorTest{
		"demote": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, roleChangeBy(actor, olga, RoleAdmin))
		},
		"remove": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, memberRemoval{actor, acme, olga})
		},
		"leave": func(t require.TestingT, f Facts, _ Actor) error {
			return refusal(t, atNoon(), f, leaving{acme, olga})
		},
	} {
		for _, actor := range []Actor{User(olga), System()} {
			for owners, want := range map[int]error{0: ErrLastOwner, 1: ErrLastOwner, 2: nil} {
				require.Equal(t, want, perform(t, withOwners(owners), actor), "%s by %q, %d owners", name, actor.user, owners)
			}
		}
	}

	// The only owner does not stand in the way of changes of other members.
	f := withOwners(1)
	require.NoError(t, refusal(t, atNoon(), f, roleChangeBy(User(olga), adam, RoleViewer)))
	require.NoError(t, refusal(t, atNoon(), f, roleChangeBy(User(olga), adam, RoleOwner)))
	require.NoError(t, refusal(t, atNoon(), f, memberRemoval{User(olga), acme, adam}))
	require.NoError(t, refusal(t, atNoon(), f, leaving{acme, adam}))
}

// A role with the permissions of an owner can act like one, but does not count as one.
func TestClass48_OnlyTheOwnerRoleCounts(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{RoleOwner: allPermissions, "partner": allPermissions})
	require.NoError(t, err)
	r := rulesOf(policy)
	f := withRole(withOwners(1), adam, "partner")
	require.Equal(t, ErrLastOwner, refusal(t, r, f, roleChangeBy(User(adam), olga, "partner")))
	require.Equal(t, ErrLastOwner, refusal(t, r, f, memberRemoval{User(adam), acme, olga}))
	require.NoError(t, refusal(t, r, f, roleChangeBy(User(adam), adam, RoleOwner)))
	require.NoError(t, refusal(t, r, f, leaving{acme, adam}))
}

// Without the permission, an actor does not learn whether a user is a member. With a lower
// rank, they do not learn the number of owners.
func TestMemberActs_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	f := withRole(withOwners(1), adam, RoleViewer)
	delete(f.Members, olga)
	change := func(role Role) error { return refusal(t, atNoon(), f, roleChangeBy(User(adam), olga, role)) }
	remove := func() error { return refusal(t, atNoon(), f, memberRemoval{User(adam), acme, olga}) }
	require.Equal(t, ErrPermissionDenied, change(RoleOwner))
	require.Equal(t, ErrPermissionDenied, remove())
	f = withRole(f, adam, RoleAdmin)
	require.Equal(t, ErrNotFound, change(RoleOwner))
	require.Equal(t, ErrNotFound, remove())
	f = withRole(f, olga, RoleOwner)
	require.Equal(t, ErrPermissionDenied, change(RoleViewer))
	require.Equal(t, ErrPermissionDenied, remove())
	f = withRole(f, olga, RoleDeveloper)
	require.Equal(t, ErrRoleNotAssignable, change(RoleOwner))
	f = withRole(withRole(f, olga, RoleOwner), adam, RoleOwner)
	require.Equal(t, ErrRoleNotAssignable, change(ghost))
	require.Equal(t, ErrLastOwner, change(RoleViewer))
	require.Equal(t, ErrLastOwner, remove())
	f.OwnerCount = 2
	require.NoError(t, change(RoleViewer))
	require.NoError(t, remove())
}

// Only actors with the permission learn that a user is not a member.
func TestMemberActs_NotFound(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                      {withOwners(2), User(olga), ErrNotFound},
			"admin":                      {withOwners(2), User(adam), ErrNotFound},
			"System":                     {withOwners(2), System(), ErrNotFound},
			"developer":                  {withOwners(2), User(dora), ErrPermissionDenied},
			"stranger":                   {withOwners(2), User("mallory"), ErrPermissionDenied},
			"stranger on themselves":     {withOwners(2), User(nina), ErrPermissionDenied},
			"zero actor":                 {withOwners(2), Actor{}, ErrPermissionDenied},
			"user, no organization":      {Facts{}, User(olga), ErrPermissionDenied},
			"System, no organization":    {Facts{}, System(), ErrNotFound},
			"System, no member is asked": {Facts{Organization: acme, Version: 1}, System(), ErrNotFound},
		} {
			require.Equal(t, c.want, act.perform(t, atNoon(), c.facts, c.actor, nina), "%s by %s", act.name, name)
		}
	}
}

// A removed member is refused with invitations sent before the removal. Invitations sent or
// resent after it admit them.
func TestClass15_RemovedAndInvitedAgain(t *testing.T) {
	t.Parallel()
	f := withRole(withOwners(2), nina, RoleDeveloper) // at version 9, so the removal is at version 10
	_, changes, err := decide(t, atNoon(), f, memberRemoval{User(adam), acme, nina})
	require.NoError(t, err)
	require.Equal(t, []string{nina}, changes.Removals)
	for sentAt, want := range map[int64]error{3: ErrRevoked, 9: ErrRevoked, 10: ErrRevoked, 11: nil} {
		f := factsOf(changed(linkRecord(), func(r *Record) { r.SentVersion = sentAt }))
		f.Version = 12
		f.Removals[nina] = 10
		require.Equal(t, want, acceptErr(t, f, verifiedNina), "sent at version %d", sentAt)
	}

	f = factsOf(linkRecord())
	f.Version = 10
	f.Removals[nina] = 10
	require.Equal(t, ErrRevoked, acceptErr(t, f, verifiedNina))
	r := atNoon()
	r.now = noon.Add(time.Minute)
	resent, _, err := decide(t, r, f, resending{User(adam), acme, invitedID, sentNonce, 0})
	require.NoError(t, err)
	f.Invitation, f.Version = &resent, 11
	require.NoError(t, acceptErr(t, f, verifiedNina), "resent after the removal")
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor  Actor
		heir   Role // of Dora
		role   Role // of Olga, afterwards
		owners int
	}{
		"by the owner, to a future admin":  {User(olga), RoleAdmin, RoleAdmin, 1},
		"by the owner, to a viewer":        {User(olga), RoleViewer, RoleViewer, 1},
		"by another owner":                 {User("otto"), RoleDeveloper, RoleDeveloper, 2},
		"by the heir, an owner":            {User(dora), RoleOwner, RoleAdmin, 2},
		"by System":                        {System(), RoleDeveloper, RoleBilling, 1},
		"by System, to an owner":           {System(), RoleOwner, RoleViewer, 2},
		"by the owner, to an unknown role": {User(olga), ghost, RoleAdmin, 1},
		"by the owner, to an owner":        {User(olga), RoleOwner, RoleViewer, 2},
		"by the owner, one owner counted":  {User(olga), RoleOwner, RoleAdmin, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withMember(withRole(withOwners(c.owners), "otto", RoleOwner), fullMember(dora, c.heir))
			member, changes, err := decide(t, atNoon(), f, transferBy(c.actor, olga, dora, c.role))
			require.NoError(t, err)

			heir, old := fullMember(dora, RoleOwner), memberOf(olga, c.role)
			want := Changes{
				Members:  []Member{heir, old},
				Removals: []string{olga},
				Events: []Event{
					roleEvent(c.actor, c.heir, heir),
					roleEvent(c.actor, RoleOwner, old),
					memberEvent(EventOwnershipTransferred, c.actor, heir),
				},
			}
			if c.heir == RoleOwner { // their role does not change
				want.Members, want.Events = want.Members[1:], want.Events[1:]
			}
			require.Equal(t, heir, member)
			require.Equal(t, want, changes)
		})
	}
}

func TestTransferOwnership_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts    Facts
		actor    Actor
		from, to string
		want     error
	}{
		"owner to themselves":                {withOwners(1), User(olga), olga, olga, ErrConflict},
		"owner, from a stranger to the same": {withOwners(1), User(olga), nina, nina, ErrConflict},
		"System, from an owner to the same":  {withOwners(2), System(), olga, olga, ErrConflict},
		"admin, from an owner to the same":   {withOwners(1), User(adam), olga, olga, ErrPermissionDenied},
		"admin":                              {withOwners(1), User(adam), olga, dora, ErrPermissionDenied},
		"admin to themselves":                {withOwners(1), User(adam), olga, adam, ErrPermissionDenied},
		"viewer":                             {withOwners(1), User(vera), olga, dora, ErrPermissionDenied},
		"stranger":                           {withOwners(1), User(nina), olga, dora, ErrPermissionDenied},
		"stranger, between strangers":        {withOwners(1), User(nina), "mallory", "kim", ErrPermissionDenied},
		"zero actor":                         {withOwners(1), Actor{}, olga, dora, ErrPermissionDenied},
		"owner, to a stranger":               {withOwners(1), User(olga), olga, nina, ErrNotFound},
		"owner, from a stranger":             {withOwners(1), User(olga), nina, dora, ErrNotFound},
		"System, to a stranger":              {withOwners(1), System(), olga, nina, ErrNotFound},
		"System, from a stranger":            {withOwners(1), System(), nina, dora, ErrNotFound},
		"owner, from an admin":               {withOwners(1), User(olga), adam, dora, ErrConflict},
		"owner, from an admin to themselves": {withOwners(1), User(olga), adam, olga, ErrConflict},
		"System, from an admin":              {withOwners(1), System(), adam, dora, ErrConflict},
		"System, from an unknown role":       {withRole(withOwners(1), vera, ghost), System(), vera, dora, ErrConflict},
		"user, no organization":              {Facts{}, User(olga), olga, dora, ErrPermissionDenied},
		"System, no organization":            {Facts{}, System(), olga, dora, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, refusal(t, atNoon(), c.facts, transferBy(c.actor, c.from, c.to, RoleAdmin)))
		})
	}
}

// The former owner cannot stay an owner: that would be a role change of the heir only.
func TestTransferOwnership_KeepsNoOwnership(t *testing.T) {
	t.Parallel()
	for _, owners := range []int{1, 2} {
		for name, c := range map[string]struct {
			actor Actor
			heir  string
			want  error
		}{
			"owner":                {User(olga), dora, ErrConflict},
			"System":               {System(), dora, ErrConflict},
			"owner, to a stranger": {User(olga), nina, ErrConflict},
			"admin":                {User(adam), dora, ErrPermissionDenied},
			"heir":                 {User(dora), dora, ErrPermissionDenied},
		} {
			err := refusal(t, atNoon(), withOwners(owners), transferBy(c.actor, olga, c.heir, RoleOwner))
			require.Equal(t, c.want, err, name)
		}
	}
}

// The actor needs the permission and every other permission of an owner.
func TestTransferOwnership_NeedsEveryPermission(t *testing.T) {
	t.Parallel()
	allExcept := func(missing Permission) []Permission {
		return slices.DeleteFunc(slices.Clone(allPermissions), func(p Permission) bool { return p == missing })
	}
	for _, missing := range allPermissions {
		policy, err := NewPolicy(map[Role][]Permission{
			RoleOwner: allPermissions, "partner": allPermissions, "almost": allExcept(missing), RoleViewer: nil,
		})
		require.NoError(t, err)
		a := transferBy(User(adam), olga, dora, RoleViewer)
		require.Equal(t, ErrPermissionDenied, refusal(t, rulesOf(policy), withRole(withOwners(1), adam, "almost"), a), missing)
		require.NoError(t, refusal(t, rulesOf(policy), withRole(withOwners(1), adam, "partner"), a))
	}

	// If no role holds the permission, only System can transfer.
	others := allExcept(PermissionOrganizationManage)
	policy, err := NewPolicy(map[Role][]Permission{RoleOwner: others, RoleAdmin: others, RoleViewer: nil})
	require.NoError(t, err)
	err = refusal(t, rulesOf(policy), withOwners(1), transferBy(User(adam), olga, adam, RoleViewer))
	require.Equal(t, ErrPermissionDenied, err)
	require.NoError(t, refusal(t, rulesOf(policy), withOwners(1), transferBy(System(), olga, adam, RoleViewer)))
}

// A repeated call does not transfer again.
func TestTransferOwnership_Repeated(t *testing.T) {
	t.Parallel()
	f := withOwners(1)
	_, changes, err := decide(t, atNoon(), f, transferBy(User(olga), olga, dora, RoleAdmin))
	require.NoError(t, err)
	for _, m := range changes.Members {
		f.Members[m.UserID] = m
	}
	require.Equal(t, ErrPermissionDenied, refusal(t, atNoon(), f, transferBy(User(olga), olga, dora, RoleAdmin)), "the former owner")
	require.Equal(t, ErrConflict, refusal(t, atNoon(), f, transferBy(User(dora), olga, dora, RoleAdmin)), "the new owner")
	require.Equal(t, ErrConflict, refusal(t, atNoon(), f, transferBy(System(), olga, dora, RoleAdmin)), "System")
}

// sentByAdam are invitations that Adam sent, by name. The last three are not pending at noon.
var sentByAdam = []struct {
	name   string
	change func(*Record)
}{
	{"viewer", func(r *Record) { r.Role = RoleViewer }},
	{"developer", func(r *Record) { r.Role = RoleDeveloper }},
	{"admin", func(r *Record) { r.Role = RoleAdmin }},
	{"owner", func(r *Record) { r.Role = RoleOwner }},
	{"viewer with a quota", func(r *Record) { r.Role, r.Quota = RoleViewer, Quota{100, PeriodDay} }},
	{"viewer with a quota of 0", func(r *Record) { r.Role, r.Quota = RoleViewer, Quota{0, PeriodDay} }},
	{"viewer link", func(r *Record) { r.Role, r.Kind, r.Email, r.MaxUses, r.Uses = RoleViewer, KindLink, "", 3, 1 }},
	{"unknown role", func(r *Record) { r.Role = ghost }},
	{"expired", func(r *Record) { r.Role, r.ExpiresAt = RoleOwner, noon }},
	{"accepted", func(r *Record) { r.Role, r.State, r.Uses = RoleOwner, StateAccepted, 1 }},
	{"declined", func(r *Record) { r.Role, r.State = RoleOwner, StateDeclined }},
}

// pendingByAdam are the names of those that are pending at noon.
var pendingByAdam = []string{
	"viewer", "developer", "admin", "owner", "viewer with a quota", "viewer with a quota of 0", "viewer link", "unknown role",
}

// pendingExcept returns pendingByAdam without some of them.
func pendingExcept(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(pendingByAdam), func(name string) bool { return slices.Contains(names, name) })
}

// adamsFacts returns the facts of an act on Adam, who sent sentByAdam, and their names.
func adamsFacts() (Facts, map[uuid.UUID]string) {
	f, names := withOwners(2), map[uuid.UUID]string{}
	for i, sent := range sentByAdam {
		record := changed(emailRecord(), sent.change)
		record.ID[15] = byte(100 - i) // not in the order of IDs
		record.Nonce = [16]byte{byte(i), 1}
		names[record.ID] = sent.name
		f.PendingRecords = append(f.PendingRecords, record)
	}
	return f, names
}

// requireRevoked fails the test unless changes are want, followed by the revocations of those
// pending records of f that revoked names, in the order of f.
func requireRevoked(t require.TestingT, f Facts, names map[uuid.UUID]string, want, changes Changes, actor Actor, revoked []string) {
	var found []string
	for _, record := range f.PendingRecords {
		name := names[record.ID]
		if !slices.Contains(revoked, name) {
			continue
		}
		found = append(found, name)
		event := eventOf(EventInvitationRevoked, record, actor.user)
		event.Reason = "sender_not_entitled"
		want.Events = append(want.Events, event)
		want.Invitations = append(want.Invitations, ended(record, StateRevoked))
	}
	require.ElementsMatch(t, revoked, found)
	require.Equal(t, want, changes)
}

// A role change revokes those pending invitations of the member that the new role could not
// send.
func TestClass15_DemotionRevokes(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:     allPermissions,
		RoleAdmin:     append([]Permission{PermissionOrganizationUse}, allPermissions[:8]...),
		RoleDeveloper: {PermissionMemberList, PermissionOrganizationUse},
		RoleViewer:    {PermissionMemberList},
		"inviter":     {PermissionMemberList, PermissionInvitationCreate},
		"resender":    {PermissionMemberList, PermissionInvitationResend},
		"quartermaster": {
			PermissionMemberList, PermissionInvitationCreate, PermissionQuotaUpdate, PermissionOrganizationUse,
		},
		"doorkeeper": {PermissionInvitationCreate, PermissionInvitationResend, PermissionQuotaUpdate},
	})
	require.NoError(t, err)
	for role, want := range map[Role][]string{
		RoleOwner:       nil, // an unknown role counts as the owner's
		"inviter":       pendingExcept("viewer", "viewer link"),
		"resender":      pendingExcept("viewer", "viewer link"),
		"quartermaster": pendingExcept("viewer", "developer", "viewer with a quota", "viewer with a quota of 0", "viewer link"),
		"doorkeeper":    pendingByAdam, // can send, but lacks a permission of every role
		RoleDeveloper:   pendingByAdam,
		RoleViewer:      pendingByAdam,
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			for _, actor := range []Actor{User(olga), System()} {
				f, names := adamsFacts()
				_, changes, err := decide(t, rulesOf(policy), f, roleChangeBy(actor, adam, role))
				require.NoError(t, err)
				after := memberOf(adam, role)
				change := Changes{
					Members: []Member{after}, Events: []Event{roleEvent(actor, RoleAdmin, after)},
				}
				if role != RoleOwner { // every other role lacks a permission of an admin
					change.Removals = []string{adam}
				}
				requireRevoked(t, f, names, change, changes, actor, want)
			}
		})
	}
}

// The end of a membership revokes every pending invitation that the member sent.
func TestClass15_NoInvitationOutlivesItsSender(t *testing.T) {
	t.Parallel()
	for _, actor := range []Actor{User(olga), User(adam), System()} {
		f, names := adamsFacts()
		_, changes, err := decide(t, atNoon(), f, memberRemoval{actor, acme, adam})
		require.NoError(t, err)
		removed := Changes{
			RemovedMembers: []string{adam},
			Removals:       []string{adam},
			Events:         []Event{memberEvent(EventMemberRemoved, actor, f.Members[adam])},
		}
		requireRevoked(t, f, names, removed, changes, actor, pendingByAdam)
	}

	f, names := adamsFacts()
	_, changes, err := decide(t, atNoon(), f, leaving{acme, adam})
	require.NoError(t, err)
	left := Changes{
		RemovedMembers: []string{adam}, Events: []Event{memberEvent(EventMemberLeft, User(adam), f.Members[adam])},
	}
	requireRevoked(t, f, names, left, changes, User(adam), pendingByAdam)
}

// A transfer demotes the former owner like a role change.
func TestClass15_TransferRevokes(t *testing.T) {
	t.Parallel()
	f, names := adamsFacts()
	f = withRole(f, adam, RoleOwner)
	_, changes, err := decide(t, atNoon(), f, transferBy(User(olga), adam, dora, RoleAdmin))
	require.NoError(t, err)
	old, heir := memberOf(adam, RoleAdmin), memberOf(dora, RoleOwner)
	requireRevoked(t, f, names, Changes{
		Members:  []Member{heir, old},
		Removals: []string{adam},
		Events: []Event{
			roleEvent(User(olga), RoleDeveloper, heir),
			roleEvent(User(olga), RoleOwner, old),
			memberEvent(EventOwnershipTransferred, User(olga), heir),
		},
	}, changes, User(olga), []string{"owner", "unknown role"})
}

// An invitation that was revoked with its sender is revoked like any other.
func TestClass25_RevokedWithItsSender(t *testing.T) {
	t.Parallel()
	f := withOwners(2)
	f.PendingRecords = []Record{emailRecord()}
	_, changes, err := decide(t, atNoon(), f, memberRemoval{User(olga), acme, adam})
	require.NoError(t, err)
	for name, perform := range operations {
		_, _, err := perform(t, atNoon(), factsOf(changes.Invitations[0]))
		require.Equal(t, ErrRevoked, err, name)
	}
}

func TestMemberActs_RefusalRevokesNothing(t *testing.T) {
	t.Parallel()
	for user, c := range map[string]struct {
		owners int
		want   error
	}{
		olga: {1, ErrLastOwner},
		nina: {2, ErrNotFound},
	} {
		f, _ := adamsFacts()
		f.OwnerCount = c.owners
		// decide requires that a refusal has no changes.
		require.Equal(t, c.want, refusal(t, atNoon(), f, memberRemoval{User(olga), acme, user}), user)
		require.Equal(t, c.want, refusal(t, atNoon(), f, leaving{acme, user}), user)
		require.Equal(t, c.want, refusal(t, atNoon(), f, roleChangeBy(User(olga), user, RoleViewer)), user)
	}
}
