package invitations

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func transferOwnership(t require.TestingT, r rules, f Facts, actor Actor, from, to string, role Role) (Member, Changes, error) {
	return decided(t, f, func(f Facts) (Member, Changes, error) {
		return transfer{actor, TransferOwnershipParams{acme, from, to, role}}.decide(r, f)
	})
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor  Actor
		heir   Role // of Dora
		role   Role // what Olga becomes
		owners int
	}{
		"to an admin, by the owner":    {User(olga), RoleAdmin, RoleAdmin, 1},
		"to a viewer, by the owner":    {User(olga), RoleViewer, RoleViewer, 1},
		"by another owner":             {User("otto"), RoleDeveloper, RoleDeveloper, 2},
		"by the heir, an owner":        {User(dora), RoleOwner, RoleAdmin, 2},
		"by the host":                  {System(), RoleDeveloper, RoleBilling, 1},
		"by the host, to an owner":     {System(), RoleOwner, RoleViewer, 2},
		"to a role that is gone":       {User(olga), ghost, RoleAdmin, 1},
		"as if there were a last one":  {User(olga), RoleOwner, RoleAdmin, 1},
		"to an owner, becoming nobody": {User(olga), RoleOwner, RoleViewer, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withRole(withOwners(c.owners), "otto", RoleOwner)
			before := dorasMembership()
			before.Role = c.heir
			f.Members[dora] = before
			member, changes, err := transferOwnership(t, atNoon(), f, c.actor, olga, dora, c.role)
			require.NoError(t, err)

			heir, old := before, f.Members[olga]
			heir.Role, old.Role = RoleOwner, c.role
			event := func(what EventType, m Member) Event {
				return Event{
					Organization: acme, Type: what, At: noon, Actor: c.actor.user, Subject: m.UserID, Role: m.Role,
				}
			}
			want := Changes{
				Members:  []Member{heir, old},
				Removals: []string{olga}, // the facts are at version 9
				Events: []Event{
					event(EventMemberRoleChanged, heir), event(EventMemberRoleChanged, old), event(EventOwnershipTransferred, heir),
				},
			}
			if c.heir == RoleOwner { // to whom nothing happens
				want.Members, want.Events = want.Members[1:], want.Events[1:]
			}
			require.Equal(t, heir, member)
			require.Equal(t, want, changes)
		})
	}
}

func TestTransfer_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts    Facts
		actor    Actor
		from, to string
		want     error
	}{
		"an owner, to themselves":       {withOwners(1), User(olga), olga, olga, ErrConflict},
		"an owner, of nobody to nobody": {withOwners(1), User(olga), nina, nina, ErrConflict},
		"the host, to the same":         {withOwners(2), System(), olga, olga, ErrConflict},
		"an admin, to the same":         {withOwners(1), User(adam), olga, olga, ErrPermissionDenied},
		"an admin":                      {withOwners(1), User(adam), olga, dora, ErrPermissionDenied},
		"an admin takes over":           {withOwners(1), User(adam), olga, adam, ErrPermissionDenied},
		"a viewer":                      {withOwners(1), User(vera), olga, dora, ErrPermissionDenied},
		"a stranger":                    {withOwners(1), User(nina), olga, dora, ErrPermissionDenied},
		"nobody":                        {withOwners(1), Actor{}, olga, dora, ErrPermissionDenied},
		"an owner, to no member":        {withOwners(1), User(olga), olga, nina, ErrNotFound},
		"an owner, from no member":      {withOwners(1), User(olga), nina, dora, ErrNotFound},
		"the host, to no member":        {withOwners(1), System(), olga, nina, ErrNotFound},
		"the host, from no member":      {withOwners(1), System(), nina, dora, ErrNotFound},
		"an owner, from an admin":       {withOwners(1), User(olga), adam, dora, ErrConflict},
		"an owner, from an admin to me": {withOwners(1), User(olga), adam, olga, ErrConflict},
		"the host, from an admin":       {withOwners(1), System(), adam, dora, ErrConflict},
		"the host, from a role gone":    {withRole(withOwners(1), vera, ghost), System(), vera, dora, ErrConflict},
		"no organization, a user":       {Facts{}, User(olga), olga, dora, ErrPermissionDenied},
		"no organization, the host":     {Facts{}, System(), olga, dora, ErrNotFound},
		"a stranger learns nothing":     {withOwners(1), User(nina), "mallory", "nobody", ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := transferOwnership(t, atNoon(), c.facts, c.actor, c.from, c.to, RoleAdmin)
			require.Equal(t, c.want, err)
		})
	}
}

// Who hands over is no owner afterwards; otherwise it would be a raise, and no transfer.
func TestTransfer_KeepsNoOwnership(t *testing.T) {
	t.Parallel()
	for _, owners := range []int{1, 2} {
		for name, c := range map[string]struct {
			actor Actor
			heir  string
			want  error
		}{
			"an owner":            {User(olga), dora, ErrConflict},
			"the host":            {System(), dora, ErrConflict},
			"to no member":        {User(olga), nina, ErrConflict},
			"an admin":            {User(adam), dora, ErrPermissionDenied},
			"the heir themselves": {User(dora), dora, ErrPermissionDenied},
		} {
			_, _, err := transferOwnership(t, atNoon(), withOwners(owners), c.actor, olga, c.heir, RoleOwner)
			require.Equal(t, c.want, err, name)
		}
	}
}

// The permission alone is not enough: who hands over the ownership hands over all of it.
// Nor is all of the rest enough without the permission.
func TestTransfer_NeedsAll(t *testing.T) {
	t.Parallel()
	lacking := func(without Permission) (all []Permission) {
		for _, permission := range allPermissions {
			if permission != without {
				all = append(all, permission)
			}
		}
		return all
	}
	for _, without := range allPermissions {
		policy, err := NewPolicy(map[Role][]Permission{
			RoleOwner: allPermissions, "partner": allPermissions, "almost": lacking(without), RoleViewer: nil,
		})
		require.NoError(t, err)
		r := atNoon()
		r.policy = policy
		_, _, err = transferOwnership(t, r, withRole(withOwners(1), adam, "almost"), User(adam), olga, dora, RoleViewer)
		require.Equal(t, ErrPermissionDenied, err, "without %s", without)
		_, _, err = transferOwnership(t, r, withRole(withOwners(1), adam, "partner"), User(adam), olga, dora, RoleViewer)
		require.NoError(t, err)
	}
	// Where no role holds it, nobody but the host hands over, not even who holds all there
	// is.
	rest := lacking(PermissionOrganizationManage)
	policy, err := NewPolicy(map[Role][]Permission{RoleOwner: rest, RoleAdmin: rest, RoleViewer: nil})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	_, _, err = transferOwnership(t, r, withOwners(1), User(adam), olga, adam, RoleViewer)
	require.Equal(t, ErrPermissionDenied, err)
	_, _, err = transferOwnership(t, r, withOwners(1), System(), olga, adam, RoleViewer)
	require.NoError(t, err)
}

// A call that is repeated because its answer was lost is refused, and so does not hand over
// anything a second time.
func TestTransfer_Again(t *testing.T) {
	t.Parallel()
	f := withOwners(1)
	_, changes, err := transferOwnership(t, atNoon(), f, User(olga), olga, dora, RoleAdmin)
	require.NoError(t, err)
	for _, m := range changes.Members {
		f.Members[m.UserID] = m
	}
	_, _, err = transferOwnership(t, atNoon(), f, User(olga), olga, dora, RoleAdmin)
	require.Equal(t, ErrPermissionDenied, err, "by who was the owner")
	_, _, err = transferOwnership(t, atNoon(), f, System(), olga, dora, RoleAdmin)
	require.Equal(t, ErrConflict, err, "by the host")
	_, _, err = transferOwnership(t, atNoon(), f, User(dora), olga, dora, RoleAdmin)
	require.Equal(t, ErrConflict, err, "by who is the owner")
}
