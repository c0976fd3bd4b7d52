package invitations

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// What the table of states leaves open: who may ask, in which order it is refused.
func TestTouch(t *testing.T) {
	t.Parallel()
	for operation, perform := range map[string]func(require.TestingT, Facts, Actor) error{
		"resend": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return resending{actor: a, nonce: nextNonce, lifetime: 0}.decide(atNoon(), f)
			})
			return err
		},
		"revoke": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) { return revocation{actor: a}.decide(atNoon(), f) })
			return err
		},
		"edit": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return editing{actor: a, edit: edit{role: RoleViewer}}.decide(atNoon(), f)
			})
			return err
		},
		"edit nothing": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) { return editing{actor: a, edit: edit{}}.decide(atNoon(), f) })
			return err
		},
		"reveal": func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().reveal(f, a)
			return err
		},
		"get": func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().findInvitation(f, a, PermissionInvitationList)
			return err
		},
	} {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                                 {factsOf(emailRecord()), User(olga), nil},
			"admin":                                 {factsOf(emailRecord()), User(adam), nil},
			"the host":                              {factsOf(emailRecord()), System(), nil},
			"developer":                             {factsOf(emailRecord()), User(dora), ErrPermissionDenied},
			"billing":                               {factsOf(emailRecord()), User(bill), ErrPermissionDenied},
			"viewer":                                {factsOf(emailRecord()), User(vera), ErrPermissionDenied},
			"not a member":                          {factsOf(emailRecord()), User(nina), ErrPermissionDenied},
			"nobody":                                {factsOf(emailRecord()), Actor{}, ErrPermissionDenied},
			"no such invitation":                    {noInvitation(), User(olga), ErrNotFound},
			"no such invitation, for the host":      {noInvitation(), System(), ErrNotFound},
			"no such invitation, for a viewer":      {noInvitation(), User(vera), ErrPermissionDenied},
			"no such invitation, for a stranger":    {noInvitation(), User(nina), ErrPermissionDenied},
			"no such organization, for a stranger":  {Facts{}, User(nina), ErrPermissionDenied},
			"no such organization, even the host":   {Facts{}, System(), ErrNotFound},
			"no right, and no state to do it in":    {factsOf(inState(emailRecord(), StateRevoked)), User(vera), ErrPermissionDenied},
			"a role that the policy does not know":  {withRole(factsOf(emailRecord()), adam, ghost), User(adam), ErrPermissionDenied},
			"a membership of somebody else's facts": {withRole(factsOf(emailRecord()), nina, RoleViewer), User(nina), ErrPermissionDenied},
		} {
			t.Run(operation+"/"+name, func(t *testing.T) {
				require.Equal(t, c.want, perform(t, c.facts, c.actor))
			})
		}
	}
}

func withRole(f Facts, user string, role Role) Facts {
	f = cloneFacts(f)
	f.Members[user] = memberOf(user, role)
	if f.Invitation != nil && f.Invitation.SentBy == user {
		sender := f.Members[user]
		f.Sender = &sender
	}
	return f
}

// holdsAllOf is the grant rule in the words of the policy alone.
func holdsAllOf(p *Policy, actor, granted Role) bool {
	for _, permission := range allPermissions {
		if p.Allows(granted, permission) && !p.Allows(actor, permission) {
			return false
		}
	}
	return p.Has(actor) && p.Has(granted)
}

// The whole matrix of the actor's role and the role in question, on every path that hands
// out a role: nobody gives what they do not hold, on none of them.
func TestClass10_NobodyGivesWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	paths := map[string]struct {
		needs   Permission
		perform func(require.TestingT, Facts, Actor) error
	}{
		"invite": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			return creates(t, f, a, emailRecord())
		}},
		"create link": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			return creates(t, f, a, linkRecord())
		}},
		"resend": {PermissionInvitationResend, func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return resending{actor: a, nonce: nextNonce, lifetime: 0}.decide(atNoon(), f)
			})
			return err
		}},
		"resend an expired one": {PermissionInvitationResend, func(t require.TestingT, f Facts, a Actor) error {
			f.Invitation.ExpiresAt = noon
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return resending{actor: a, nonce: nextNonce, lifetime: 0}.decide(atNoon(), f)
			})
			return err
		}},
		"invite all": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			d := draft{Record: emailRecord()}
			d.Role = f.Invitation.Role
			f.Invitation, f.Sender, f.Invitations = nil, nil, map[uuid.UUID]Record{}
			all, _, err := decided(t, f, func(f Facts) ([]created, Changes, error) { return createdBy(atNoon(), f, a, []draft{d}) })
			if err == nil {
				err = all[0].err
			}
			return err
		}},
		"edit away from": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			// Everybody who may edit at all could give the new role.
			m := f.Members[a.user]
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return editing{actor: a, edit: edit{role: m.Role}}.decide(atNoon(), f)
			})
			return err
		}},
		"edit to": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			e := edit{role: f.Invitation.Role}
			f.Invitation.Role = RoleViewer
			if e.role == "" {
				f.Invitation.Role = "" // an edit that says no role leaves the one that is there
			}
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) { return editing{actor: a, edit: e}.decide(atNoon(), f) })
			return err
		}},
		"edit the message": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			message := "Hello"
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return editing{actor: a, edit: edit{message: &message}}.decide(atNoon(), f)
			})
			return err
		}},
		"token": {PermissionInvitationResend, func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().reveal(f, a)
			return err
		}},
	}
	roles := append(policy.Roles(), ghost, "")
	for path, p := range paths {
		for _, actor := range roles {
			for _, granted := range roles {
				t.Run(path+"/"+string(actor)+" gives "+string(granted), func(t *testing.T) {
					f := factsOf(emailRecord())
					f.Invitation.Role = granted
					// The sender stays entitled, so that only the actor can be refused.
					owner := memberOf(olga, RoleOwner)
					f.Invitation.SentBy, f.Sender = olga, &owner
					f.Members = map[string]Member{"actor": memberOf("actor", actor)}
					err := p.perform(t, f, User("actor"))
					switch {
					case !policy.Allows(actor, p.needs):
						require.Equal(t, ErrPermissionDenied, err)
					case !holdsAllOf(policy, actor, granted):
						require.Equal(t, ErrRoleNotAssignable, err)
					default:
						require.NoError(t, err)
					}
				})
			}
		}
		t.Run(path+"/the host gives every role of the policy and no other", func(t *testing.T) {
			for _, granted := range roles {
				f := factsOf(emailRecord())
				f.Invitation.Role = granted
				owner := memberOf(olga, RoleOwner)
				f.Invitation.SentBy, f.Sender = olga, &owner
				err := p.perform(t, f, System())
				if policy.Has(granted) {
					require.NoError(t, err, granted)
				} else {
					require.Equal(t, ErrRoleNotAssignable, err, granted)
				}
			}
		})
	}
}

// creates runs create for a draft that is like the invitation of the facts, which is not
// there yet.
func creates(t require.TestingT, f Facts, actor Actor, draft Record) error {
	draft.Role = f.Invitation.Role
	f.Invitation, f.Sender = nil, nil
	_, _, err := decided(t, f, func(f Facts) (made, Changes, error) { return creationOf(actor, draft).decide(atNoon(), f) })
	return err
}

// With the default policy, in words: an admin makes admins and touches no owner.
func TestClass10_AdminAndOwner(t *testing.T) {
	t.Parallel()
	for granted, want := range map[Role]error{RoleAdmin: nil, RoleViewer: nil, RoleOwner: ErrRoleNotAssignable} {
		f := factsOf(emailRecord())
		f.Invitation.Role = granted
		f.Sender = nil
		require.Equal(t, want, creates(t, f, User(adam), emailRecord()), granted)
		_, _, err := resending{actor: User(adam), nonce: nextNonce, lifetime: 0}.decide(atNoon(), f)
		require.Equal(t, want, err, granted)
	}
}
