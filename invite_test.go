package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// draftOf is what the service hands to the decision for an invitation by Adam, now.
func draftOf(kind Kind) Record {
	draft := recordOf(kind)
	draft.ID = otherID
	draft.CreatedAt, draft.SentAt, draft.ExpiresAt = noon, noon, noon.Add(7*day)
	draft.SentVersion, draft.SweepAt = 0, time.Time{}
	return draft
}

// creationOf returns the creation of a draft by a caller who made its ID.
func creationOf(actor Actor, draft Record) creation {
	return creation{actor: actor, ownID: draft.ID, draft: draft, lifetime: draft.ExpiresAt.Sub(draft.SentAt)}
}

func create(t require.TestingT, r rules, f Facts, actor Actor, draft Record) (Record, Changes, error) {
	asked := draft.Clone()
	made, changes, err := decided(t, f, func(f Facts) (made, Changes, error) { return creationOf(actor, draft).decide(r, f) })
	require.Equal(t, err == nil && changes.Empty(), made.repeated)
	require.Equal(t, asked, draft, "the decision changed the draft")
	return made.record, changes, err
}

func TestCreate(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for name, actor := range map[string]Actor{"by a member": User(adam), "by the host": System()} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				draft := draftOf(kind)
				draft.CreatedBy, draft.SentBy = actor.user, actor.user
				record, changes, err := create(t, atNoon(), noInvitation(), actor, draft)
				require.NoError(t, err)
				want := draft
				want.SentVersion, want.SweepAt = 10, noon.Add(7*day) // the facts are at version 9
				require.Equal(t, want, record)
				require.Equal(t, Changes{
					Invitations: []Record{want},
					Events: []Event{{
						Organization: acme, Type: EventInvitationCreated, At: noon, Actor: actor.user,
						InvitationID: otherID, Email: draft.Email, Role: RoleDeveloper,
						MaxUses: draft.MaxUses, ExpiresAt: noon.Add(7 * day),
					}},
				}, changes)
			})
		}
	}
}

func TestCreate_Authority(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts Facts
		actor Actor
		role  Role
		want  error
	}{
		"owner":                             {noInvitation(), User(olga), RoleOwner, nil},
		"admin":                             {noInvitation(), User(adam), RoleAdmin, nil},
		"developer":                         {noInvitation(), User(dora), RoleViewer, ErrPermissionDenied},
		"billing":                           {noInvitation(), User(bill), RoleViewer, ErrPermissionDenied},
		"viewer":                            {noInvitation(), User(vera), RoleViewer, ErrPermissionDenied},
		"not a member":                      {noInvitation(), User(nina), RoleViewer, ErrPermissionDenied},
		"nobody":                            {noInvitation(), Actor{}, RoleViewer, ErrPermissionDenied},
		"a member with an unknown role":     {withRole(noInvitation(), adam, ghost), User(adam), RoleViewer, ErrPermissionDenied},
		"not a member, an unknown role":     {noInvitation(), User(nina), ghost, ErrPermissionDenied},
		"an owner gives an unknown role":    {noInvitation(), User(olga), ghost, ErrRoleNotAssignable},
		"an owner gives no role":            {noInvitation(), User(olga), "", ErrRoleNotAssignable},
		"the host":                          {noInvitation(), System(), RoleOwner, nil},
		"the host gives an unknown role":    {noInvitation(), System(), ghost, ErrRoleNotAssignable},
		"no organization, a user":           {Facts{}, User(olga), RoleViewer, ErrPermissionDenied},
		"no organization, the host":         {Facts{}, System(), RoleViewer, ErrNotFound},
		"no organization, the host, a role": {Facts{}, System(), ghost, ErrNotFound},
	} {
		for _, kind := range []Kind{KindEmail, KindLink} {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				draft := draftOf(kind)
				draft.Role = c.role
				_, _, err := create(t, atNoon(), c.facts, c.actor, draft)
				require.Equal(t, c.want, err)
			})
		}
	}
}

// The rule is about permissions, not about names: a host's own roles obey it too.
func TestCreate_OwnRoles(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:   {PermissionInvitationCreate, PermissionMemberList, "report:read", "report:write"},
		"recruiter": {PermissionInvitationCreate, "report:read"},
		"reader":    {"report:read"},
		"writer":    {"report:read", "report:write"},
		"guest":     {},
	})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	for role, want := range map[Role]error{
		"reader": nil, "guest": nil, "recruiter": nil,
		"writer": ErrRoleNotAssignable, RoleOwner: ErrRoleNotAssignable, RoleAdmin: ErrRoleNotAssignable,
	} {
		draft := draftOf(KindEmail)
		draft.Role = role
		_, _, err := create(t, r, withRole(noInvitation(), adam, "recruiter"), User(adam), draft)
		require.Equal(t, want, err, role)
	}
	_, _, err = create(t, r, withRole(noInvitation(), adam, "writer"), User(adam), draftOf(KindEmail))
	require.Equal(t, ErrPermissionDenied, err, "whoever holds all of it, but may not invite")
}

// The limit counts both kinds together, so only the number is a fact.
func TestCreate_PendingLimit(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		for _, c := range []struct {
			limit, pending int
			want           error
		}{
			{10, 0, nil}, {10, 9, nil}, {10, 10, ErrPendingLimit}, {10, 11, ErrPendingLimit},
			{1, 0, nil}, {1, 1, ErrPendingLimit},
			{100_000, 99_999, nil}, {100_000, 100_000, ErrPendingLimit},
		} {
			r, f := atNoon(), noInvitation()
			r.pendingLimit, f.PendingCount = c.limit, c.pending
			_, _, err := create(t, r, f, User(adam), draftOf(kind))
			require.Equal(t, c.want, err, "%s: %d of %d", kind, c.pending, c.limit)
			_, _, err = create(t, r, f, System(), draftOf(kind))
			require.Equal(t, c.want, err, "the host: %s: %d of %d", kind, c.pending, c.limit)
		}
	}
}

// A second invitation of an address names the first, for "resend". It says so even at the
// limit, because resending takes no place.
func TestCreate_AlreadyInvited(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	for _, pending := range []int{1, 10} {
		f.PendingCount = pending
		_, _, err := create(t, atNoon(), f, User(adam), draftOf(KindEmail))
		var already *AlreadyInvitedError
		require.ErrorAs(t, err, &already)
		require.Equal(t, invitedID, already.InvitationID)
	}
	f.PendingCount = 1
	other := draftOf(KindEmail)
	other.Email = "nina@example.org"
	_, _, err := create(t, atNoon(), f, User(adam), other)
	require.NoError(t, err, "another address")
	_, _, err = create(t, atNoon(), f, User(adam), draftOf(KindLink))
	require.NoError(t, err, "a link is for no address")
}

// The pending invitation of no address is not in the way of a link.
func TestCreate_LinkHasNoAddress(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.PendingByEmail = map[string]uuid.UUID{"": invitedID}
	_, _, err := create(t, atNoon(), f, User(adam), draftOf(KindLink))
	require.NoError(t, err)
}

// Refusals come in this order: whoever lacks a right learns nothing of what exists.
func TestCreate_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	other := draftOf(KindEmail)
	other.Message = "another"
	f := withRole(noInvitation(), adam, RoleViewer)
	f.Invitation = &other
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	f.PendingCount = 10
	draft := draftOf(KindEmail)
	draft.Role = RoleOwner

	var already *AlreadyInvitedError
	_, _, err := create(t, atNoon(), f, User(adam), draft)
	require.Equal(t, ErrPermissionDenied, err)
	f = withRole(f, adam, RoleAdmin)
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.Equal(t, ErrRoleNotAssignable, err)
	draft.Role = RoleDeveloper
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.Equal(t, ErrConflict, err)
	f.Invitation = nil
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.ErrorAs(t, err, &already)
	f.PendingByEmail = nil
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.Equal(t, ErrPendingLimit, err)
	f.PendingCount = 9
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.NoError(t, err)
}

// A call that is repeated with the id that the caller made gives back what exists.
func TestCreate_Again(t *testing.T) {
	t.Parallel()
	later := atNoon()
	later.now = noon.Add(time.Minute)
	for _, kind := range []Kind{KindEmail, KindLink} {
		first, _, err := create(t, atNoon(), noInvitation(), User(adam), draftOf(kind))
		require.NoError(t, err)
		// What differs between two calls with the same content.
		again := draftOf(kind)
		again.Nonce = nextNonce
		again.CreatedAt, again.SentAt, again.ExpiresAt = later.now, later.now, later.now.Add(7*day)
		if kind == KindEmail {
			again.AllowedDomains = []string{} // empty and nil are the same
		}

		for name, state := range map[string]func(*Facts){
			"as it is":               func(*Facts) {},
			"at the limit":           func(f *Facts) { f.PendingCount = 10 },
			"in its own way":         func(f *Facts) { f.PendingByEmail[ninasEmail] = first.ID },
			"expired meanwhile":      func(f *Facts) { f.Invitation.SentAt, f.Invitation.ExpiresAt = noon.Add(-7*day), noon },
			"accepted meanwhile":     func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateAccepted) },
			"revoked meanwhile":      func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateRevoked) },
			"one has joined":         func(f *Facts) { f.Invitation.Uses = 1 },
			"resent by somebody":     func(f *Facts) { f.Invitation.SentBy, f.Invitation.Nonce = olga, [16]byte{5} },
			"its sender has gone":    func(f *Facts) { f.Sender = nil },
			"by a member, now owner": func(f *Facts) { f.Members[adam] = memberOf(adam, RoleOwner) },
		} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				f := factsOf(first)
				state(&f)
				record, changes, err := create(t, later, f, User(adam), again)
				require.NoError(t, err)
				require.Zero(t, changes, "nothing happens twice")
				require.Equal(t, *f.Invitation, record, "what exists")
			})
		}
	}
}

// The id is the caller's, but it is no right: who may not create gets nothing back.
func TestCreate_AgainWithoutAuthority(t *testing.T) {
	t.Parallel()
	draft := draftOf(KindEmail)
	f := factsOf(draft)
	_, _, err := create(t, atNoon(), withRole(f, adam, RoleViewer), User(adam), draft)
	require.Equal(t, ErrPermissionDenied, err)

	draft.Role = RoleOwner
	f.Invitation = &draft
	_, _, err = create(t, atNoon(), f, User(adam), draft)
	require.Equal(t, ErrRoleNotAssignable, err)
}

// The id with any other content stands for something else.
func TestCreate_AgainWithOtherContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   Kind
		change func(*Record)
	}{
		"kind":                {KindEmail, func(r *Record) { r.Kind = KindLink }},
		"email":               {KindEmail, func(r *Record) { r.Email = "nina@example.org" }},
		"role":                {KindEmail, func(r *Record) { r.Role = RoleViewer }},
		"role, higher":        {KindEmail, func(r *Record) { r.Role = RoleAdmin }},
		"message":             {KindEmail, func(r *Record) { r.Message = "" }},
		"metadata, no":        {KindEmail, func(r *Record) { r.Metadata = nil }},
		"metadata, value":     {KindEmail, func(r *Record) { r.Metadata = map[string]string{"team": "blue"} }},
		"metadata, more":      {KindEmail, func(r *Record) { r.Metadata = map[string]string{"team": "red", "x": "y"} }},
		"lifetime, longer":    {KindEmail, func(r *Record) { r.ExpiresAt = r.ExpiresAt.Add(time.Microsecond) }},
		"lifetime, shorter":   {KindEmail, func(r *Record) { r.ExpiresAt = r.ExpiresAt.Add(-day) }},
		"creator":             {KindEmail, func(r *Record) { r.CreatedBy = olga }},
		"creator, the host":   {KindEmail, func(r *Record) { r.CreatedBy = "" }},
		"link, role":          {KindLink, func(r *Record) { r.Role = RoleViewer }},
		"link, message":       {KindLink, func(r *Record) { r.Message = "Hello" }},
		"link, metadata":      {KindLink, func(r *Record) { r.Metadata = nil }},
		"link, max uses":      {KindLink, func(r *Record) { r.MaxUses = 4 }},
		"link, without limit": {KindLink, func(r *Record) { r.MaxUses = 0 }},
		"link, domains":       {KindLink, func(r *Record) { r.AllowedDomains = []string{"example.com"} }},
		"link, lifetime":      {KindLink, func(r *Record) { r.ExpiresAt = r.ExpiresAt.Add(day) }},
		"link, creator":       {KindLink, func(r *Record) { r.CreatedBy = olga }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(draftOf(c.kind))
			draft := draftOf(c.kind)
			c.change(&draft)
			_, _, err := create(t, atNoon(), f, System(), draft)
			require.Equal(t, ErrConflict, err)
			_, _, err = create(t, atNoon(), f, System(), draftOf(c.kind))
			require.NoError(t, err, "the same content")
		})
	}
}
