package invitations

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// What Adam has sent, by name. All of it is pending at noon but for the last three.
var sentByAdam = []struct {
	name   string
	change func(*Record)
}{
	{"a viewer", func(r *Record) { r.Role = RoleViewer }},
	{"a developer", func(r *Record) { r.Role = RoleDeveloper }},
	{"an admin", func(r *Record) { r.Role = RoleAdmin }},
	{"an owner, from better days", func(r *Record) { r.Role = RoleOwner }},
	{"a viewer with a quota", func(r *Record) { r.Role, r.Quota = RoleViewer, Quota{100, PeriodDay} }},
	{"a viewer without any", func(r *Record) { r.Role, r.Quota = RoleViewer, Quota{0, PeriodDay} }},
	{"a link", func(r *Record) { r.Role, r.Kind, r.Email, r.MaxUses, r.Uses = RoleViewer, KindLink, "", 3, 1 }},
	{"a role that is gone", func(r *Record) { r.Role = ghost }},
	{"expired", func(r *Record) { r.Role, r.ExpiresAt = RoleOwner, noon }},
	{"accepted", func(r *Record) { r.Role, r.State, r.Uses = RoleOwner, StateAccepted, 1 }},
	{"declined", func(r *Record) { r.Role, r.State = RoleOwner, StateDeclined }},
}

// adamsFacts are those of an act on Adam, with all that he has sent.
func adamsFacts() (f Facts, name map[uuid.UUID]string) {
	f, name = withOwners(2), map[uuid.UUID]string{}
	for i, s := range sentByAdam {
		record := changed(emailRecord(), s.change)
		record.ID[15] = byte(100 - i) // not the order of ids
		record.Nonce = [16]byte{byte(i), 1}
		name[record.ID] = s.name
		f.PendingRecords = append(f.PendingRecords, record)
	}
	return f, name
}

// requireEnded fails unless changes are head, and after it the ends of exactly those of the
// facts' pending invitations that want names, in their order.
func requireEnded(t require.TestingT, f Facts, name map[uuid.UUID]string, head, changes Changes, actor string, want []string) {
	var ended []string
	for _, record := range f.PendingRecords {
		if !slices.Contains(want, name[record.ID]) {
			continue
		}
		ended = append(ended, name[record.ID])
		e := eventOf(EventInvitationRevoked, record, actor)
		e.Reason = "sender_not_entitled"
		head.Events = append(head.Events, e)
		record.State, record.EndedAt, record.SweepAt = StateRevoked, noon, time.Time{}
		head.Invitations = append(head.Invitations, record)
	}
	require.ElementsMatch(t, want, ended)
	require.Equal(t, head, changes)
}

// A member who loses a role loses, of what they sent, what the new role could not send.
func TestClass15_DemotionEndsWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	everything := []string{
		"a viewer", "a developer", "an admin", "an owner, from better days",
		"a viewer with a quota", "a viewer without any", "a link", "a role that is gone",
	}
	notBy := func(may ...string) []string {
		return slices.DeleteFunc(slices.Clone(everything), func(name string) bool { return slices.Contains(may, name) })
	}
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
	r := atNoon()
	r.policy = policy
	for role, want := range map[Role][]string{
		RoleOwner:       notBy("a viewer", "a developer", "an admin", "an owner, from better days", "a viewer with a quota", "a viewer without any", "a link"),
		"inviter":       notBy("a viewer", "a link"),
		"resender":      notBy("a viewer", "a link"),
		"quartermaster": notBy("a viewer", "a developer", "a viewer with a quota", "a viewer without any", "a link"),
		"doorkeeper":    everything, // who may send, but nothing that is more than they are
		RoleDeveloper:   everything,
		RoleViewer:      everything,
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			for _, actor := range []Actor{User(olga), System()} {
				f, name := adamsFacts()
				after := f.Members[adam]
				after.Role = role
				_, changes, err := changeRole(t, r, f, actor, adam, role)
				require.NoError(t, err)
				head := Changes{
					Members: []Member{after}, Events: []Event{r.memberEvent(EventMemberRoleChanged, actor.user, after)},
				}
				if role != RoleOwner { // all others are less than an admin
					head.Removals = []string{adam}
				}
				requireEnded(t, f, name, head, changes, actor.user, want)
			}
		})
	}
}

// Who is no member any more sends nothing: whatever they sent ends.
func TestClass15_NothingOutlivesItsSender(t *testing.T) {
	t.Parallel()
	everything := []string{
		"a viewer", "a developer", "an admin", "an owner, from better days",
		"a viewer with a quota", "a viewer without any", "a link", "a role that is gone",
	}
	for _, actor := range []Actor{User(olga), User(adam), System()} {
		f, name := adamsFacts()
		_, changes, err := removeMember(t, atNoon(), f, actor, adam)
		require.NoError(t, err)
		requireEnded(t, f, name, Changes{
			RemovedMembers: []string{adam},
			Removals:       []string{adam},
			Events:         []Event{atNoon().memberEvent(EventMemberRemoved, actor.user, f.Members[adam])},
		}, changes, actor.user, everything)
	}

	f, name := adamsFacts()
	_, changes, err := leave(t, atNoon(), f, adam)
	require.NoError(t, err)
	requireEnded(t, f, name, Changes{
		RemovedMembers: []string{adam}, Events: []Event{atNoon().memberEvent(EventMemberLeft, adam, f.Members[adam])},
	}, changes, adam, everything)
}

// Who hands over is demoted like anybody else.
func TestClass15_TransferEndsWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	f, name := adamsFacts()
	f = withRole(f, adam, RoleOwner)
	old, heir := f.Members[adam], f.Members[dora]
	old.Role, heir.Role = RoleAdmin, RoleOwner
	_, changes, err := transferOwnership(t, atNoon(), f, User(olga), adam, dora, RoleAdmin)
	require.NoError(t, err)
	requireEnded(t, f, name, Changes{
		Members:  []Member{heir, old},
		Removals: []string{adam},
		Events: []Event{
			atNoon().memberEvent(EventMemberRoleChanged, olga, heir),
			atNoon().memberEvent(EventMemberRoleChanged, olga, old),
			atNoon().memberEvent(EventOwnershipTransferred, olga, heir),
		},
	}, changes, olga, []string{"an owner, from better days", "a role that is gone"})
}

// What ends in this way is revoked like by hand: no token opens it, nobody resends it.
func TestClass25_WhatEndedWithItsSenderIsRevoked(t *testing.T) {
	t.Parallel()
	f := withOwners(2)
	f.PendingRecords = []Record{emailRecord()}
	_, changes, err := removeMember(t, atNoon(), f, User(olga), adam)
	require.NoError(t, err)
	for _, operation := range []string{"look", "accept", "decline", "revoke", "resend", "reveal", "edit", "accept received", "decline received"} {
		_, _, err := operations[operation](t, atNoon(), factsOf(changes.Invitations[0]))
		require.Equal(t, ErrRevoked, err, operation)
	}
}

// A member who may not be touched keeps what they sent.
func TestMemberActs_RefusalsEndNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user   string
		owners int
		want   error
	}{
		"the last owner": {olga, 1, ErrLastOwner},
		"no member":      {nina, 2, ErrNotFound},
	} {
		f, _ := adamsFacts()
		f.OwnerCount = c.owners
		_, changes, err := removeMember(t, atNoon(), f, User(olga), c.user)
		require.Equal(t, c.want, err, name)
		require.Zero(t, changes)
		_, changes, err = leave(t, atNoon(), f, c.user)
		require.Equal(t, c.want, err, name)
		require.Zero(t, changes)
		_, changes, err = changeRole(t, atNoon(), f, User(olga), c.user, RoleViewer)
		require.Equal(t, c.want, err, name)
		require.Zero(t, changes)
	}
}
