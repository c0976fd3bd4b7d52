package invitations

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

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
					memberEvent(EventMemberRoleChanged, c.actor, heir),
					memberEvent(EventMemberRoleChanged, c.actor, old),
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
		RoleOwner:       {"unknown role"},
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
					Members: []Member{after}, Events: []Event{memberEvent(EventMemberRoleChanged, actor, after)},
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
		_, changes, err := decide(t, atNoon(), f, removal{actor, acme, adam})
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
			memberEvent(EventMemberRoleChanged, User(olga), heir),
			memberEvent(EventMemberRoleChanged, User(olga), old),
			memberEvent(EventOwnershipTransferred, User(olga), heir),
		},
	}, changes, User(olga), []string{"owner", "unknown role"})
}

// An invitation that was revoked with its sender is revoked like any other.
func TestClass25_RevokedWithItsSender(t *testing.T) {
	t.Parallel()
	f := withOwners(2)
	f.PendingRecords = []Record{emailRecord()}
	_, changes, err := decide(t, atNoon(), f, removal{User(olga), acme, adam})
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
		require.Equal(t, c.want, refusal(t, atNoon(), f, removal{User(olga), acme, user}), user)
		require.Equal(t, c.want, refusal(t, atNoon(), f, leaving{acme, user}), user)
		require.Equal(t, c.want, refusal(t, atNoon(), f, roleChangeBy(User(olga), user, RoleViewer)), user)
	}
}
