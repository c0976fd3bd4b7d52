package invitations

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"
)

// An actorTest performs an act by actor and returns its refusal.
type actorTest func(t require.TestingT, f Facts, actor Actor) error

func TestAuthority(t *testing.T) {
	t.Parallel()
	elsewhere := changed(emailRecord(), func(r *Record) { r.Organization = "other" })
	for operation, perform := range map[string]actorTest{
		"resend": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, resendBy(actor))
		},
		"revoke": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, revokeBy(actor))
		},
		"edit": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, editBy(actor, edit{role: RoleViewer}))
		},
		"edit nothing": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, editBy(actor, edit{}))
		},
		"pending token": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, pendingTokenAct{actor})
		},
		"get": func(_ require.TestingT, f Facts, actor Actor) error {
			_, err := atNoon().findInvitation(f, actor, PermissionInvitationList)
			return err
		},
	} {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                       {factsOf(emailRecord()), User(olga), nil},
			"admin":                       {factsOf(emailRecord()), User(adam), nil},
			"System":                      {factsOf(emailRecord()), System(), nil},
			"developer":                   {factsOf(emailRecord()), User(dora), ErrPermissionDenied},
			"billing":                     {factsOf(emailRecord()), User(bill), ErrPermissionDenied},
			"viewer":                      {factsOf(emailRecord()), User(vera), ErrPermissionDenied},
			"stranger":                    {factsOf(emailRecord()), User(nina), ErrPermissionDenied},
			"zero actor":                  {factsOf(emailRecord()), Actor{}, ErrPermissionDenied},
			"member with an unknown role": {withRole(factsOf(emailRecord()), adam, ghost), User(adam), ErrPermissionDenied},
			"invited person, now viewer":  {withRole(factsOf(emailRecord()), nina, RoleViewer), User(nina), ErrPermissionDenied},
			"owner, no invitation":        {noInvitation(), User(olga), ErrNotFound},
			"System, no invitation":       {noInvitation(), System(), ErrNotFound},
			"owner, another organization": {factsOf(elsewhere), User(olga), ErrNotFound},
			"System, other organization":  {factsOf(elsewhere), System(), ErrNotFound},
			"viewer, no invitation":       {noInvitation(), User(vera), ErrPermissionDenied},
			"stranger, no invitation":     {noInvitation(), User(nina), ErrPermissionDenied},
			"stranger, no organization":   {Facts{}, User(nina), ErrPermissionDenied},
			"System, no organization":     {Facts{}, System(), ErrNotFound},
			"viewer, revoked invitation":  {factsOf(inState(emailRecord(), StateRevoked)), User(vera), ErrPermissionDenied},
		} {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				require.Equal(t, c.want, perform(t, c.facts, c.actor))
			})
		}
	}
}

// holdsAllOf is the rule of granting in other words: the actor's role holds every permission
// of the granted one.
func holdsAllOf(p *Policy, actor, granted Role) bool {
	for _, permission := range allPermissions {
		if p.Allows(granted, permission) && !p.Allows(actor, permission) {
			return false
		}
	}
	return p.Has(actor) && p.Has(granted)
}

// Every act that grants a role is tried with every role of the actor and every granted role.
func TestClass10_NobodyGrantsMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	invite := func(t require.TestingT, f Facts, actor Actor, kind Kind) error {
		c := varied(creationOf(kind), by(actor), granting(f.Invitation.Role))
		f.Invitation = nil
		return createErr(t, atNoon(), f, c)
	}
	acts := map[string]struct {
		needs   Permission
		perform actorTest
		unknown error // of an owner's act on an invitation with an unknown role
	}{
		"invite": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			return invite(t, f, actor, KindEmail)
		}, ErrRoleNotAssignable},
		"create link": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			return invite(t, f, actor, KindLink)
		}, ErrRoleNotAssignable},
		"invite all": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			b := bulk{actor, acme, []bulkRow{row(0, by(actor), granting(f.Invitation.Role))}}
			f.Invitation = nil
			results, _, err := decide(t, atNoon(), f, b)
			if err == nil {
				err = results[0].err
			}
			return err
		}, ErrRoleNotAssignable},
		"add member": {PermissionMemberAdd, func(t require.TestingT, f Facts, actor Actor) error {
			p := AddMemberParams{Organization: acme, UserID: nina, Role: f.Invitation.Role}
			f.Invitation = nil
			return refusal(t, atNoon(), f, addition{actor, p})
		}, ErrRoleNotAssignable},
		"resend": {PermissionInvitationResend, func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, resendBy(actor))
		}, nil},
		"resend expired": {PermissionInvitationResend, func(t require.TestingT, f Facts, actor Actor) error {
			f.Invitation.ExpiresAt = noon
			return refusal(t, atNoon(), f, resendBy(actor))
		}, nil},
		"edit from": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			// An actor who can edit at all can grant their own role.
			return refusal(t, atNoon(), f, editBy(actor, edit{role: f.Members[actor.user].Role}))
		}, nil},
		"edit to": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			e := edit{role: cmp.Or(f.Invitation.Role, "phantom")} // an empty role leaves the present one
			f.Invitation.Role = RoleViewer
			return refusal(t, atNoon(), f, editBy(actor, e))
		}, ErrRoleNotAssignable},
		"edit message": {PermissionInvitationCreate, func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, editBy(actor, edit{message: new("Hello")}))
		}, nil},
		"pending token": {PermissionInvitationResend, func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, atNoon(), f, pendingTokenAct{actor})
		}, ErrRoleUnknown},
	}
	roles := append(policy.Roles(), ghost, "")
	// The sender stays entitled, so only the actor can be the reason of a refusal.
	factsFor := func(granted Role) Facts {
		return factsOf(changed(emailRecord(), func(r *Record) { r.Role, r.SentBy = granted, olga }))
	}
	for name, act := range acts {
		for _, actor := range roles {
			for _, granted := range roles {
				t.Run(name+"/"+string(actor)+" grants "+string(granted), func(t *testing.T) {
					t.Parallel()
					f := factsFor(granted)
					f.Members = map[string]Member{"actor": memberOf("actor", actor)}
					err := act.perform(t, f, User("actor"))
					switch {
					case !policy.Allows(actor, act.needs):
						require.Equal(t, ErrPermissionDenied, err)
					case !policy.Has(granted) && actor == RoleOwner:
						require.Equal(t, act.unknown, err)
					case !holdsAllOf(policy, actor, granted):
						require.Equal(t, ErrRoleNotAssignable, err)
					default:
						require.NoError(t, err)
					}
				})
			}
		}
		for _, granted := range roles {
			t.Run(name+"/System grants "+string(granted), func(t *testing.T) {
				t.Parallel()
				err := act.perform(t, factsFor(granted), System())
				if policy.Has(granted) {
					require.NoError(t, err)
				} else {
					require.Equal(t, act.unknown, err)
				}
			})
		}
	}
}

// In the default policy, admins invite admins, and only owners invite owners.
func TestClass10_AdminsInviteNoOwner(t *testing.T) {
	t.Parallel()
	for granted, want := range map[Role]error{RoleAdmin: nil, RoleViewer: nil, RoleOwner: ErrRoleNotAssignable} {
		require.Equal(t, want, createErr(t, atNoon(), noInvitation(), varied(creationOf(KindEmail), granting(granted))), granted)
		f := factsOf(changed(emailRecord(), func(r *Record) { r.Role = granted }))
		require.Equal(t, want, refusal(t, atNoon(), f, resendBy(User(adam))), granted)
	}
}

// A memberAct is done to a member. It needs a permission, and a rank that is not lower.
type memberAct struct {
	name    string
	needs   Permission
	perform func(t require.TestingT, r rules, f Facts, actor Actor, user string) error
}

// memberActs are all such acts. The new role of the role change is one that every actor with
// the permission can grant.
var memberActs = []memberAct{
	{"change role", PermissionMemberUpdate, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		return refusal(t, r, f, roleChangeBy(actor, user, RoleViewer))
	}},
	{"remove", PermissionMemberRemove, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		return refusal(t, r, f, memberRemoval{actor, acme, user})
	}},
	{"set metadata", PermissionMemberUpdate, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		return refusal(t, r, f, metadataChange{actor, SetMetadataParams{acme, user, map[string]string{"team": "blue"}}})
	}},
	{"set quota", PermissionQuotaUpdate, func(t require.TestingT, r rules, f Facts, actor Actor, user string) error {
		return refusal(t, r, f, quotaChange{actor, acme, user, fiveADay})
	}},
}

// rankPolicies returns policies in which the permissions of an actor, of a member and of a
// granted role differ in every way.
func rankPolicies(t require.TestingT) map[string]*Policy {
	crossed, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions,
		// Each of these two holds a permission that the other does not.
		"personnel": {PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionBillingManage},
		"controller": {
			PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate, PermissionOrganizationUse,
		},
		"updater": {PermissionMemberList, PermissionMemberUpdate},
		"remover": {PermissionMemberList, PermissionMemberRemove},
		"metered": {PermissionMemberList, PermissionQuotaUpdate},
		"reader":  {PermissionMemberList, PermissionBillingManage},
		"guest":   {},
	})
	require.NoError(t, err)
	return map[string]*Policy{"default": DefaultPolicy(), "crossed": crossed}
}

// mayActOn is the rule of ranks in other words: the actor's role holds the needed permission
// and every permission of the member's role. A role that the policy does not know may hold
// any permission, so the actor must hold those of every role.
func mayActOn(p *Policy, actor Role, needs Permission, member Role) bool {
	if !p.Has(member) {
		for _, role := range p.Roles() {
			if !holdsAllOf(p, actor, role) {
				return false
			}
		}
	}
	return p.Allows(actor, needs) && (!p.Has(member) || holdsAllOf(p, actor, member))
}

// losesBy is the rule of demotion in other words: the old role holds a permission that the new
// one does not. A role that the policy does not know may have held any permission.
func losesBy(p *Policy, before, after Role) bool {
	for _, permission := range allPermissions {
		if p.Allows(before, permission) && !p.Allows(after, permission) {
			return true
		}
	}
	return !p.Has(before)
}

// Nobody acts on a member of a higher rank, and nobody raises a member above their own. All
// combinations of the actor's, the member's and the new role are tried.
func TestClass13_NobodyActsOnAHigherRank(t *testing.T) {
	t.Parallel()
	for name, policy := range rankPolicies(t) {
		r := rulesOf(policy)
		roles := append(policy.Roles(), ghost, "")
		for _, actor := range roles {
			for _, member := range roles {
				f := withOwners(2)
				f.Members = map[string]Member{"actor": memberOf("actor", actor), dora: memberOf(dora, member)}
				for _, act := range memberActs {
					if act.name == "change role" {
						continue // it also grants a role, see below
					}
					err := act.perform(t, r, f, User("actor"), dora)
					if mayActOn(policy, actor, act.needs, member) {
						require.NoError(t, err, "%s: %s by %q on %q", name, act.name, actor, member)
					} else {
						require.Equal(t, ErrPermissionDenied, err, "%s: %s by %q on %q", name, act.name, actor, member)
					}
					require.NoError(t, act.perform(t, r, f, System(), dora), "%s: %s by System on %q", name, act.name, member)
				}
				for _, granted := range roles {
					_, changes, err := decide(t, r, f, roleChangeBy(User("actor"), dora, granted))
					switch {
					case !mayActOn(policy, actor, PermissionMemberUpdate, member):
						require.Equal(t, ErrPermissionDenied, err, "%s: %q makes %q %q", name, actor, member, granted)
					case !holdsAllOf(policy, actor, granted):
						require.Equal(t, ErrRoleNotAssignable, err, "%s: %q makes %q %q", name, actor, member, granted)
					default:
						require.NoError(t, err, "%s: %q makes %q %q", name, actor, member, granted)
						require.Equal(t, member == granted, changes.Empty())
					}
					err = refusal(t, r, f, roleChangeBy(System(), dora, granted))
					if policy.Has(granted) {
						require.NoError(t, err, "%s: System makes %q %q", name, member, granted)
					} else {
						require.Equal(t, ErrRoleNotAssignable, err, "%s: System makes %q %q", name, member, granted)
					}
				}
			}
		}
	}
}

// No act gives its actor a permission that they did not hold.
func TestClass10_NobodyRaisesThemselves(t *testing.T) {
	t.Parallel()
	for name, policy := range rankPolicies(t) {
		r := rulesOf(policy)
		roles := append(policy.Roles(), ghost, "")
		for _, role := range roles {
			f := withRole(withOwners(2), adam, role)
			for _, granted := range roles {
				member, _, err := decide(t, r, f, roleChangeBy(User(adam), adam, granted))
				allowed := policy.Allows(role, PermissionMemberUpdate) && holdsAllOf(policy, role, granted)
				require.Equal(t, allowed, err == nil, "%s: %q to %q: %v", name, role, granted, err)
				if err == nil {
					require.True(t, holdsAllOf(policy, role, member.Role))
				}
			}
			err := refusal(t, r, f, transferBy(User(adam), olga, adam, policy.Roles()[0]))
			require.Equal(t, role == RoleOwner, err == nil, "%s: %q takes the ownership: %v", name, role, err)
		}
	}
}

// A member who lost a permission cannot regain it by leaving and joining again through an
// older invitation. Later invitations admit them. A member who lost nothing can use both.
func TestClass13_DemotedMemberCannotReturnThroughAnOlderLink(t *testing.T) {
	t.Parallel()
	for name, policy := range rankPolicies(t) {
		r := rulesOf(policy)
		// rejoin applies changes at version 10: Nina's role. Then she leaves, and accepts an
		// invitation that System sent at version sentAt.
		rejoin := func(kind Kind, sentAt int64, changes Changes) error {
			f := factsOf(changed(recordOf(kind), func(r *Record) { r.Role, r.SentBy, r.SentVersion = RoleOwner, "", sentAt }))
			f.Version, f.OwnerCount = 10, 2
			for _, m := range changes.Members {
				f.Members[m.UserID] = m
			}
			for _, user := range changes.Removals {
				f.Removals[user] = 10
			}
			_, left, err := decide(t, r, f, leaving{acme, nina})
			require.NoError(t, err)
			require.Equal(t, []string{nina}, left.RemovedMembers)
			require.Empty(t, left.Removals)
			f.Version = 12
			delete(f.Members, nina)
			return refusal(t, r, f, acceptance{token, verifiedNina})
		}
		check := func(act string, before, after Role, changes Changes) {
			var removals []string
			if losesBy(policy, before, after) {
				removals = []string{nina}
			}
			require.Equal(t, removals, changes.Removals, "%s: %s from %q to %q", name, act, before, after)
			for _, kind := range bothKinds {
				for _, sentAt := range []int64{1, 9, 10, 11, 12} {
					var want error
					if len(removals) > 0 && sentAt <= 10 {
						want = ErrRevoked
					}
					require.Equal(t, want, rejoin(kind, sentAt, changes),
						"%s: %s from %q to %q, sent at version %d", name, act, before, after, sentAt)
				}
			}
		}
		for _, after := range policy.Roles() {
			for _, before := range append(policy.Roles(), ghost, "") {
				for _, actor := range []Actor{System(), User(olga)} {
					_, changes, err := decide(t, r, withRole(withOwners(2), nina, before), roleChangeBy(actor, nina, after))
					require.NoError(t, err)
					if before == after {
						require.Zero(t, changes)
						continue
					}
					check("role change", before, after, changes)
				}
			}
			if after != RoleOwner {
				_, changes, err := decide(t, r, withRole(withOwners(2), nina, RoleOwner), transferBy(System(), nina, dora, after))
				require.NoError(t, err)
				check("transfer", RoleOwner, after, changes)
			}
		}
	}
}

// The loss of one permission is a demotion, even if others are gained. Another name for the
// same permissions is not.
func TestClass13_DemotionIsTheLossOfAPermission(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions, "partner": allPermissions, "almost": allPermissions[1:],
		"one": allPermissions[:1], "other": allPermissions[1:2], "nothing": nil, "nobody": nil,
	})
	require.NoError(t, err)
	r := rulesOf(policy)
	for _, c := range []struct {
		before, after Role
		loses         bool
	}{
		{RoleOwner, "partner", false}, {"partner", RoleOwner, false}, {"nothing", "nobody", false}, {"nothing", "one", false},
		{RoleOwner, "almost", true}, {"partner", "almost", true}, {"one", "other", true}, {"other", "almost", false},
		{"one", "almost", true}, {"one", "nothing", true}, {ghost, RoleOwner, true}, {ghost, "nothing", true},
	} {
		f := withRole(withOwners(2), adam, c.before)
		_, changes, err := decide(t, r, f, roleChangeBy(User(olga), adam, c.after))
		require.NoError(t, err)
		require.Equal(t, c.loses, len(changes.Removals) > 0, "role change from %q to %q", c.before, c.after)
		if c.before == RoleOwner {
			_, changes, err = decide(t, r, f, transferBy(User(olga), adam, dora, c.after))
			require.NoError(t, err)
			require.Equal(t, c.loses, len(changes.Removals) > 0, "transfer, then %q", c.after)
		}
	}

	_, changes, err := decide(t, r, withOwners(1), roleChangeBy(System(), olga, "almost"))
	require.Equal(t, ErrLastOwner, err)
	require.Zero(t, changes, "a refused demotion is not a demotion")
	for _, heir := range []Role{"one", RoleOwner, "nothing"} {
		_, changes, err = decide(t, r, withRole(withOwners(2), adam, heir), transferBy(System(), olga, adam, "almost"))
		require.NoError(t, err)
		require.Equal(t, []string{olga}, changes.Removals, "the heir loses nothing")
	}
}

// A role that the policy does not know may be the highest of another version of the program.
// Only those who can act on an owner can act on its members.
func TestClass13_UnknownRoleRanksAsOwner(t *testing.T) {
	t.Parallel()
	for name, policy := range rankPolicies(t) {
		r := rulesOf(policy)
		for _, unknown := range []Role{ghost, ""} {
			for _, actor := range append(policy.Roles(), ghost, "") {
				for _, act := range memberActs {
					if act.name == "change role" && !policy.Has(RoleViewer) {
						continue // it is a change to that role
					}
					f := withRole(withRole(withOwners(2), adam, actor), dora, unknown)
					onOwner := act.perform(t, r, withRole(f, dora, RoleOwner), User(adam), dora)
					require.Equal(t, onOwner, act.perform(t, r, f, User(adam), dora), "%s: %s by %q on %q", name, act.name, actor, unknown)
					require.Equal(t, actor == RoleOwner, onOwner == nil, "%s: %s by %q", name, act.name, actor)
					require.NoError(t, act.perform(t, r, f, System(), dora), "%s: %s by System", name, act.name)
				}
			}
			f := withRole(withOwners(2), dora, unknown)
			for _, act := range memberActs {
				require.Equal(t, ErrPermissionDenied, act.perform(t, r, f, User(dora), dora), "%s on themselves", act.name)
			}
		}
	}
}

// In the default policy, admins act on everybody except owners, and other roles on nobody.
func TestClass13_AdminsDoNotActOnOwners(t *testing.T) {
	t.Parallel()
	f := withOwners(2)
	for _, act := range memberActs {
		require.Equal(t, ErrPermissionDenied, act.perform(t, atNoon(), f, User(adam), olga), act.name)
		require.NoError(t, act.perform(t, atNoon(), f, User(olga), adam), act.name)
		require.NoError(t, act.perform(t, atNoon(), f, User(adam), dora), act.name)
		for _, low := range []string{dora, bill, vera} {
			require.Equal(t, ErrPermissionDenied, act.perform(t, atNoon(), f, User(low), vera), act.name)
		}
	}
	require.Equal(t, ErrRoleNotAssignable, refusal(t, atNoon(), f, roleChangeBy(User(adam), dora, RoleOwner)))
	require.Equal(t, ErrRoleNotAssignable, refusal(t, atNoon(), f, roleChangeBy(User(adam), adam, RoleOwner)))
}

// No other permission replaces the one that an act needs.
func TestClass12_EachActNeedsItsPermission(t *testing.T) {
	t.Parallel()
	for _, act := range memberActs {
		for _, held := range allPermissions {
			policy, err := NewPolicy(map[Role][]Permission{
				RoleOwner: allPermissions, "one": {held}, RoleViewer: nil,
			})
			require.NoError(t, err)
			err = act.perform(t, rulesOf(policy), withRole(withOwners(2), adam, "one"), User(adam), vera)
			if held == act.needs {
				require.NoError(t, err, "%s with %s", act.name, held)
			} else {
				require.Equal(t, ErrPermissionDenied, err, "%s with %s", act.name, held)
			}
		}
	}
}

// The same holds for acts on an invitation, although the default policy never parts their
// permissions.
func TestClass12_EachActOnAnInvitationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	ofViewer := changed(emailRecord(), func(r *Record) { r.Role, r.SentBy = RoleViewer, olga })
	for needed, acts := range map[Permission]map[string]func(t require.TestingT, r rules, f Facts) error{
		PermissionInvitationCreate: {
			"edit": func(t require.TestingT, r rules, f Facts) error {
				return refusal(t, r, f, editBy(User(adam), edit{message: new("")}))
			},
		},
		PermissionInvitationResend: {
			"resend": func(t require.TestingT, r rules, f Facts) error { return refusal(t, r, f, resendBy(User(adam))) },
			"pending token": func(t require.TestingT, r rules, f Facts) error {
				return refusal(t, r, f, pendingTokenAct{User(adam)})
			},
		},
		PermissionInvitationRevoke: {
			"revoke": func(t require.TestingT, r rules, f Facts) error { return refusal(t, r, f, revokeBy(User(adam))) },
		},
	} {
		for _, held := range allPermissions {
			policy, err := NewPolicy(map[Role][]Permission{RoleOwner: allPermissions, "one": {held}, RoleViewer: nil})
			require.NoError(t, err)
			for name, act := range acts {
				err := act(t, rulesOf(policy), withRole(factsOf(ofViewer), adam, "one"))
				if held == needed {
					require.NoError(t, err, "%s with %s", name, held)
				} else {
					require.Equal(t, ErrPermissionDenied, err, "%s with %s", name, held)
				}
			}
		}
	}
}
