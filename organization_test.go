package invitations

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	founder := memberOf(olga, RoleOwner)
	invited := founder
	invited.InvitationID = invitedID
	added := founder
	added.InvitedBy = adam
	demoted := memberOf(olga, RoleAdmin)
	existing := func(members ...Member) Facts {
		f := Facts{Organization: acme, Version: 3, Members: map[string]Member{}}
		for _, m := range members {
			f.Members[m.UserID] = m
		}
		return f
	}
	for name, c := range map[string]struct {
		facts Facts
		want  any // the membership, or the refusal
	}{
		"new":                     {Facts{Organization: acme}, Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon}},
		"repeated":                {existing(founder), founder},
		"of another founder":      {existing(), ErrConflict},
		"by an invited owner":     {existing(invited), ErrConflict},
		"by an added owner":       {existing(added), ErrConflict},
		"by a founder, now admin": {existing(demoted), ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, changes, err := decide(t, atNoon(), c.facts, founding{acme, olga})
			if refusal, ok := c.want.(error); ok {
				require.Equal(t, refusal, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, m)
			if c.facts.Version > 0 {
				require.Zero(t, changes, "a repetition changes nothing")
				return
			}
			require.Equal(t, Changes{
				Members: []Member{m},
				Events:  []Event{memberEvent(EventMemberJoined, User(olga), m)},
			}, changes)
		})
	}
}

func TestDeleteOrganization(t *testing.T) {
	t.Parallel()
	partners, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions, "partner": {PermissionOrganizationManage}, RoleAdmin: allPermissions[1:2],
	})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		rules rules
		facts Facts
		actor Actor
		want  error
	}{
		"owner":                   {atNoon(), noInvitation(), User(olga), nil},
		"System":                  {atNoon(), noInvitation(), System(), nil},
		"a role that may":         {rulesOf(partners), withRole(noInvitation(), adam, "partner"), User(adam), nil},
		"a role that may not":     {rulesOf(partners), noInvitation(), User(adam), ErrPermissionDenied},
		"admin":                   {atNoon(), noInvitation(), User(adam), ErrPermissionDenied},
		"developer":               {atNoon(), noInvitation(), User(dora), ErrPermissionDenied},
		"viewer":                  {atNoon(), noInvitation(), User(vera), ErrPermissionDenied},
		"an unknown role":         {atNoon(), withRole(noInvitation(), adam, ghost), User(adam), ErrPermissionDenied},
		"stranger":                {atNoon(), noInvitation(), User(nina), ErrPermissionDenied},
		"zero actor":              {atNoon(), noInvitation(), Actor{}, ErrPermissionDenied},
		"user, no organization":   {atNoon(), Facts{}, User(olga), ErrPermissionDenied},
		"System, no organization": {atNoon(), Facts{}, System(), ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, changes, err := decide(t, c.rules, c.facts, deletion{c.actor, acme})
			require.Equal(t, c.want, err)
			if c.want == nil {
				require.Equal(t, Changes{
					Deleted: true,
					Events:  []Event{{Organization: acme, Type: EventOrganizationDeleted, At: noon, Actor: c.actor.user}},
				}, changes, "the rows stay where they are")
			}
		})
	}
}

// The decision needs the same few facts, however large the organization is.
func TestDeleteOrganization_NeedsNoRows(t *testing.T) {
	t.Parallel()
	require.Equal(t, Query{Organization: acme, Members: []string{olga}}, deletion{User(olga), acme}.needs(atNoon()))
	require.Equal(t, Query{Organization: acme}, deletion{System(), acme}.needs(atNoon()))
}

// The ID of a deleted organization stays taken, also for its founder.
func TestDeleteOrganization_KeepsItsID(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{olga, nina} {
		f := Facts{Organization: acme, Version: 9, Deleted: true}
		require.Equal(t, ErrConflict, refusal(t, atNoon(), f, founding{acme, owner}))
	}
}

// For a deleted organization, stores load the facts of one that does not exist.
func TestDeletedOrganization_RefusesEveryAct(t *testing.T) {
	t.Parallel()
	for name, perform := range map[string]func(Actor) error{
		"invite":      func(a Actor) error { return createErr(t, atNoon(), Facts{}, varied(creationOf(KindEmail), by(a))) },
		"invite all":  func(a Actor) error { return refusal(t, atNoon(), Facts{}, bulk{a, acme, rows(1)}) },
		"create link": func(a Actor) error { return createErr(t, atNoon(), Facts{}, varied(creationOf(KindLink), by(a))) },
		"resend":      func(a Actor) error { return refusal(t, atNoon(), Facts{}, resendBy(a)) },
		"edit":        func(a Actor) error { return refusal(t, atNoon(), Facts{}, editBy(a, edit{})) },
		"revoke":      func(a Actor) error { return refusal(t, atNoon(), Facts{}, revokeBy(a)) },
		"token":       func(a Actor) error { return refusal(t, atNoon(), Facts{}, pendingTokenAct{a}) },
		"add":         func(a Actor) error { return refusal(t, atNoon(), Facts{}, additionBy(a)) },
		"limits":      func(a Actor) error { return refusal(t, atNoon(), Facts{}, limitsChange{a, acme, Limits{}}) },
		"delete":      func(a Actor) error { return refusal(t, atNoon(), Facts{}, deletion{a, acme}) },
		"quota":       func(a Actor) error { return refusal(t, atNoon(), Facts{}, quotaChange{a, acme, "", fiveADay}) },
		"transfer":    func(a Actor) error { return refusal(t, atNoon(), Facts{}, transferBy(a, olga, dora, RoleAdmin)) },
		"change role": func(a Actor) error { return refusal(t, atNoon(), Facts{}, roleChangeBy(a, dora, RoleViewer)) },
		"remove":      func(a Actor) error { return refusal(t, atNoon(), Facts{}, memberRemoval{a, acme, dora}) },
		"metadata": func(a Actor) error {
			return refusal(t, atNoon(), Facts{}, metadataChange{a, SetMetadataParams{Organization: acme, UserID: dora}})
		},
	} {
		require.Equal(t, ErrPermissionDenied, perform(User(olga)), name)
		require.Equal(t, ErrNotFound, perform(System()), name)
	}
	require.Equal(t, ErrNotFound, refusal(t, atNoon(), Facts{}, leaving{acme, olga}))
	require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), Facts{}, acceptance{token, verifiedNina}))
	require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), Facts{}, declining{token}))
}

// An organization without an owner was deleted by its host, who told the library nothing: a
// cascade from a table of users, for example. It admits nobody, by any path.
func TestOwnerlessOrganization_AdmitsNobody(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		f := factsOf(changed(recordOf(kind), func(r *Record) { r.SentBy = "" })) // System stays entitled
		require.NoError(t, refusal(t, atNoon(), f, acceptance{token, verifiedNina}))
		f.OwnerCount = 0
		for name, a := range map[string]act[Joined]{
			"the recipient": acceptance{token, verifiedNina}, "a member": acceptance{token, Identity{vera, ninasEmail, true}},
		} {
			require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), f, a), "%s: %s", kind, name)
		}
		require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), f, lookupAct{token}))
		require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), f, declining{token}))
		require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, receivedAcceptance{received{acme, invitedID}, verifiedNina}))
		require.Equal(t, ErrNotFound, refusal(t, atNoon(), f, receivedDeclining{received{acme, invitedID}, verifiedNina}))
		require.Equal(t, ErrInvalidToken, refusal(t, atNoon(), withMember(f, joined()), acceptance{token, verifiedNina}), "a replay")
	}
}
